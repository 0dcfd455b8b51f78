"""Below the page of a contract or an invoice: send it to somebody for reading, revoke a link."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.auth import FromForm
from api.dependencies import Engine, Now
from api.errors import said
from api.once import once as done_once
from api.once import page_key, request_hash
from api.pages.fields import Text
from api.pages.papers import Papers, address_of, at_desk, changed, shown
from api.readers import reader_of
from workflows.database import Work
from workflows.errors import NotFound, Refused
from workflows.papers.queries import one
from workflows.sendings.operations import revoke, send
from workflows.sendings.rules import checked

router = APIRouter(include_in_schema=False)


@at_desk(router.post, "/sendings")
def post_sending(
    paper_id: UUID,
    model: Papers,
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    to: Text = "",
    name: Text = "",
    note: Text = "",
    days: Text = "",
    with_file: Text = "",
    once: Text = "",
) -> Response:
    words = {"to": to, "name": name, "note": note, "days": days, "with_file": with_file}
    settings = runtime.settings

    def work(session: Work) -> dict[str, Any]:
        addressed = checked(
            to, name=name, note=note, days=days, with_file=bool(with_file), default_days=settings.link_days
        )
        made = send(
            session,
            one(session, model, paper_id, visitor.actor),
            addressed,
            by=visitor.actor,
            now=now,
            outside=settings.sendings_outside,
            most_attached=settings.sending_file_bytes,
        )
        return {"id": str(made.id)}

    digest = request_hash("send on", {**words, "paper": str(paper_id)})
    key = page_key(once, digest) if once else None
    try:
        done_once(runtime, visitor.actor, key, digest, now, work)
    except NotFound:
        raise
    except Refused as refused:
        words_of_refusal, typed = said(refused, reader_of(request)), {**words, "form": "sending"}
        with runtime.reading() as session:
            return shown(
                session,
                request,
                runtime,
                visitor,
                model,
                paper_id,
                now,
                refused=words_of_refusal,
                typed=typed,
                status=refused.status,
            )
    return RedirectResponse(f"{address_of(model, paper_id)}?done=passed_on", status_code=303)


@at_desk(router.post, "/sendings/{sending_id}/revocation")
def post_revocation(
    paper_id: UUID, model: Papers, sending_id: UUID, request: Request, runtime: Engine, visitor: FromForm, now: Now
) -> Response:
    def work(session: Work) -> None:
        revoke(session, one(session, model, paper_id, visitor.actor), sending_id, by=visitor.actor, now=now)

    return changed(model, paper_id, request, runtime, visitor, now, work, done="revoked")
