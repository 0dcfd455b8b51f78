"""``/sendings`` below contracts and invoices: a version sent to somebody for reading, by a link that can be revoked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from api.dependencies import Engine, Now, Reading, ReadsPapers, Transaction, WritesPapers
from api.once import Creation, Key, request_hash
from api.rest.answers import PromptRoute, refusals
from api.rest.discussions import Papers, of_papers
from api.rest.shapes import Shape
from workflows.database import Work
from workflows.papers import queries as papers
from workflows.sendings import queries
from workflows.sendings.model import Sending
from workflows.sendings.operations import revoke, send
from workflows.sendings.rules import LONGEST_NOTE, MOST_DAYS, checked, state_of

router = APIRouter(route_class=PromptRoute, prefix="/api", tags=["sendings"])


class SendingIn(Shape):
    to: Annotated[str, Field(max_length=254, description="Address.", examples=["sora@haneul.example"])]
    name: Annotated[str, Field(default="", max_length=200, description="Of somebody who is not known yet.")]
    note: Annotated[str, Field(default="", max_length=4 * LONGEST_NOTE)]
    days: Annotated[
        int | None, Field(default=None, ge=1, le=MOST_DAYS, description="That the link works; SIGNOFF_LINK_DAYS else.")
    ]
    with_file: Annotated[bool, Field(default=False, description="Attach the file to the mail, too.")]


class SendingShape(Shape):
    """The link itself is in the mail alone."""

    id: UUID
    state: Literal["sent", "opened", "run_out", "revoked"]
    to: str
    name: str
    inside: Annotated[bool, Field(description="Somebody of the document's own organisation.")]
    version: int
    note: str
    with_file: bool
    by: str
    at: datetime
    expires_at: datetime
    opened_at: Annotated[datetime | None, Field(description="When a person pressed the button that opens it.")]
    openings: Annotated[int, Field(description="In how many browsers.")]
    revoked_at: datetime | None
    revoked_by: str


class SendingList(Shape):
    items: list[SendingShape]


@of_papers(
    router.post,
    "/sendings",
    status_code=201,
    response_model=SendingShape,
    summary="Send its current version to somebody for reading",
    responses=refusals(401, 403, 404, 422, 429),
)
def add_sending(
    paper_id: UUID,
    model: Papers,
    body: SendingIn,
    runtime: Engine,
    actor: WritesPapers,
    now: Now,
    idempotency_key: Key = None,
) -> Any:
    """By a mail with a link that opens this version alone. Whoever opens it presses a button: that is the receipt."""
    settings = runtime.settings
    addressed = checked(
        body.to,
        name=body.name,
        note=body.note,
        days=str(body.days or ""),
        with_file=body.with_file,
        default_days=settings.link_days,
    )

    def work(session: Work) -> dict[str, Any]:
        paper = papers.one(session, model, paper_id, actor)
        made = send(
            session,
            paper,
            addressed,
            by=actor,
            now=now,
            outside=settings.sendings_outside,
            most_attached=settings.sending_file_bytes,
        )
        return sending_shape(made, now).model_dump(mode="json")

    request_sha256 = request_hash(f"POST /api/{model.process}s/{paper_id}/sendings", body.model_dump())
    return Creation(runtime, actor, idempotency_key, request_sha256, now).answer(work)


@of_papers(
    router.get,
    "/sendings",
    response_model=SendingList,
    summary="To whom it was sent, newest first",
    responses=refusals(401, 404),
)
def list_sendings(paper_id: UUID, model: Papers, session: Reading, actor: ReadsPapers, now: Now) -> SendingList:
    """None of them to people of other organisations."""
    found = queries.sendings_of(session, papers.one(session, model, paper_id, actor), actor)
    return SendingList(items=[sending_shape(each, now) for each in found])


@of_papers(
    router.post,
    "/sendings/{sending_id}/revocation",
    status_code=201,
    response_model=SendingShape,
    summary="Revoke its link",
    responses=refusals(401, 403, 404),
)
def post_revocation(
    paper_id: UUID, model: Papers, sending_id: UUID, session: Transaction, actor: WritesPapers, now: Now
) -> SendingShape:
    """What was attached to the mail stays where it is."""
    paper = papers.one(session, model, paper_id, actor)
    return sending_shape(revoke(session, paper, sending_id, by=actor, now=now), now)


def sending_shape(sending: Sending, now: datetime) -> SendingShape:
    return SendingShape(
        id=sending.id,
        state=state_of(sending, now=now).value,
        to=sending.to_email,
        name=sending.to_name,
        inside=sending.inside,
        version=sending.version_number,
        note=sending.note,
        with_file=sending.with_file,
        by=sending.by,
        at=sending.at,
        expires_at=sending.expires_at,
        opened_at=sending.opened_at,
        openings=sending.openings,
        revoked_at=sending.revoked_at,
        revoked_by=sending.revoked_by,
    )
