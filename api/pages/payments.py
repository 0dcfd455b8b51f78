"""``/payments``: what was released, and how it gets to the payment system."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from api.auth import FromForm, SignedIn, Visitor
from api.dependencies import Engine, Now
from api.errors import said
from api.once import once as done_once
from api.once import page_key, request_hash
from api.pages.fields import Text
from api.pages.shell import page
from api.payment_files import run_file
from api.readers import reader_of
from api.releasing import Outcome, released_together
from api.rest.payments import POSTED
from documents.rendering import sentence
from workflows.database import Work
from workflows.errors import Conflict, Refused
from workflows.invoices.payment import insist_on_payer, make_run, runs, send_anew, to_release, waiting_orders
from workflows.runtime import Runtime

router = APIRouter(prefix="/payments", include_in_schema=False)

MOST_SHOWN = 100
DONE = {
    "released": "Released for payment",
    "made": "The payment file is made",
    "sent": "It is posted to the payment system again",
}


@router.get("")
def payments_page(request: Request, runtime: Engine, visitor: SignedIn, done: str = "") -> Response:
    return _shown(request, runtime, visitor, done=done)


def _shown(
    request: Request,
    runtime: Runtime,
    visitor: Visitor,
    *,
    done: str = "",
    refused: Refused | None = None,
    outcomes: Sequence[Outcome] = (),
) -> Response:
    """``outcomes``: of what was released together, where something was refused."""
    reader, actor = reader_of(request), visitor.actor
    with runtime.reading() as session:
        insist_on_payer(session, actor)
        waiting = waiting_orders(session, actor.organisation_id, limit=MOST_SHOWN)
        files = runs(session, actor)
        approved = to_release(session, actor, limit=MOST_SHOWN)
    return page(
        request,
        "payments.html",
        here="invoices",
        status=refused.status if refused else 200,
        waiting=[
            (order, invoice, Decimal(order.said["amount"]), sentence(order.failure, reader.locale))
            for order, invoice in waiting
        ],
        most=MOST_SHOWN,
        approved=approved,
        released=sum(each.refused is None for each in outcomes),
        not_released=[(each.number or "", said(each.refused, reader)) for each in outcomes if each.refused],
        files=files,
        posts=bool(runtime.settings.payment_url),
        once=secrets.token_urlsafe(16),
        done=sentence(DONE[done], reader.locale) if done in DONE else "",
        refused=said(refused, reader) if refused else "",
    )


@router.post("/files")
def post_file(request: Request, runtime: Engine, visitor: FromForm, now: Now, once: Text = "") -> Response:
    digest = request_hash("payment file", {})

    def work(session: Work) -> dict[str, str]:
        return {"id": str(make_run(session, by=visitor.actor, now=now).id)}

    try:
        if runtime.settings.payment_url:
            raise Conflict(POSTED)
        done_once(runtime, visitor.actor, page_key(once, digest), digest, now, work)
    except Conflict as refused:
        return _shown(request, runtime, visitor, refused=refused)
    return RedirectResponse("/payments?done=made", status_code=303)


@router.post("/releases")
def post_releases(
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    chosen: Annotated[list[UUID] | None, Form()] = None,
) -> Response:
    try:
        outcomes = released_together(runtime, chosen or [], visitor.actor, now)
    except Refused as refused:
        return _shown(request, runtime, visitor, refused=refused)
    if any(each.refused for each in outcomes):
        return _shown(request, runtime, visitor, outcomes=outcomes)
    return RedirectResponse("/payments?done=released", status_code=303)


@router.get("/files/{file_id}.csv")
def file(file_id: UUID, runtime: Engine, visitor: SignedIn) -> Response:
    with runtime.reading() as session:
        return run_file(session, file_id, visitor.actor)


@router.post("/orders/{order_id}/retry")
def post_retry(order_id: UUID, runtime: Engine, visitor: FromForm, now: Now) -> Response:
    with runtime.transaction() as session:
        send_anew(session, order_id, by=visitor.actor, now=now)
    return RedirectResponse("/payments?done=sent", status_code=303)
