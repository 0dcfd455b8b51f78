"""``/api/invoices/…/matches``: what an invoice's lines were held against, and what differs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypedDict
from uuid import UUID

from fastapi import APIRouter, Body, Query
from pydantic import Field
from sqlmodel import Session

from api.dependencies import Now, Reading, ReadsInvoices, Transaction, WritesInvoices
from api.rest.answers import PromptRoute, refusals
from api.rest.shapes import Shape
from documents.rendering import Reader
from workflows.approvals.queries import open_task_for
from workflows.invoices.matching import make_match, match_again, matches, matching, undo_match
from workflows.invoices.model import PROCESS, Invoice, InvoiceMatch
from workflows.invoices.queries import difference_words
from workflows.papers import queries as papers
from workflows.parties.rules import Actor

router = APIRouter(route_class=PromptRoute, prefix="/api/invoices", tags=["invoices"])


class UndoneShape(Shape):
    by: Annotated[str, Field(description="Empty where the line is another one since a correction.")]
    reason: str
    at: datetime


class MatchShape(Shape):
    id: UUID
    position: Annotated[int, Field(description="Of the line; 0 for the whole invoice.", examples=[1])]
    kind: Literal["order", "contract", "machine"]
    label: Annotated[str, Field(examples=["PO-2026-0031 / 10"])]
    how: Annotated[str, Field(description="By what it was found; `hand`: somebody made it.", examples=["sellers_id"])]
    by: Annotated[str, Field(description="Who made it; empty where a rule did.")]
    reason: str
    at: datetime
    undone: UndoneShape | None


class DifferenceShape(Shape):
    code: Annotated[str, Field(examples=["price"])]
    severity: Annotated[Literal["error", "warning"], Field(description="An error makes the match fail.")]
    position: int
    text: str


class MatchesShape(Shape):
    outcome: Annotated[str, Field(description="`matched`, `failed`, `without_order`, or empty.")]
    at: Annotated[datetime | None, Field(description="When it was held against orders last.")]
    differences: list[DifferenceShape]
    matches: list[MatchShape]


class MatchIn(Shape):
    """One of `order`, `contract` and `machine`."""

    position: Annotated[int, Field(ge=0, description="Of the line; 0 for the whole invoice.")]
    order: Annotated[str, Field(max_length=80)] = ""
    order_line: Annotated[str, Field(max_length=80, description="Empty: all of the order.")] = ""
    contract: Annotated[str, Field(max_length=80)] = ""
    machine: Annotated[str, Field(max_length=80, description="A serial number.")] = ""
    reason: Annotated[str, Field(max_length=2000)]


class Way(TypedDict):
    """What operations on an invoice's matches are told of whoever calls."""

    by: Actor
    now: datetime
    visible: bool
    asked: bool


def way(session: Session, invoice_id: UUID, actor: Actor, now: datetime) -> Way:
    return Way(
        by=actor,
        now=now,
        visible=papers.is_visible(session, Invoice, invoice_id, actor),
        asked=open_task_for(session, PROCESS, invoice_id, actor.id) is not None,
    )


@router.get(
    "/{invoice_id}/matches",
    response_model=MatchesShape,
    summary="What its lines were held against, and what differs",
    responses=refusals(401, 403, 404),
)
def read(invoice_id: UUID, session: Reading, actor: ReadsInvoices) -> MatchesShape:
    return _shape(session, papers.one(session, Invoice, invoice_id, actor))


@router.post(
    "/{invoice_id}/matches",
    response_model=MatchesShape,
    status_code=201,
    summary="Match a line by hand",
    responses=refusals(401, 403, 404, 409, 422),
)
def post(
    invoice_id: UUID, body: Annotated[MatchIn, Body()], session: Transaction, actor: WritesInvoices, now: Now
) -> MatchesShape:
    """For its owner, their administrators, and whoever is asked to decide. All of it is held against orders again."""
    return _shape(session, make_match(session, invoice_id, **body.model_dump(), **way(session, invoice_id, actor, now)))


@router.delete(
    "/{invoice_id}/matches/{match_id}",
    response_model=MatchesShape,
    summary="Undo a match, whether a rule or somebody made it",
    responses=refusals(401, 403, 404, 409, 422),
)
def delete(
    invoice_id: UUID,
    match_id: UUID,
    session: Transaction,
    actor: WritesInvoices,
    now: Now,
    reason: Annotated[str, Query(max_length=2000)] = "",
) -> MatchesShape:
    """It stays on record, and no rule makes it again."""
    return _shape(
        session, undo_match(session, invoice_id, match_id, reason=reason, **way(session, invoice_id, actor, now))
    )


@router.post(
    "/{invoice_id}/matching",
    response_model=MatchesShape,
    status_code=201,
    summary="Hold it against orders, contracts and machines as they are known now",
    responses=refusals(401, 403, 404, 409),
)
def post_matching(invoice_id: UUID, session: Transaction, actor: WritesInvoices, now: Now) -> MatchesShape:
    """With the tolerances of the route that it was sent on."""
    return _shape(session, match_again(session, invoice_id, **way(session, invoice_id, actor, now)))


def _shape(session: Session, invoice: Invoice) -> MatchesShape:
    kept = matching(session, invoice.id)
    return MatchesShape(
        outcome=invoice.match_outcome,
        at=kept.at if kept else None,
        differences=[_difference(each) for each in kept.differences] if kept else [],
        matches=[_match(each) for each in matches(session, invoice.id)],
    )


def _difference(kept: dict[str, Any]) -> DifferenceShape:
    return DifferenceShape(
        code=kept["code"],
        severity=kept["severity"],
        position=kept["position"],
        text=difference_words(kept, Reader("en")),
    )


def _match(row: InvoiceMatch) -> MatchShape:
    undone = UndoneShape(by=row.undone_by, reason=row.undone_reason, at=row.undone_at) if row.undone_at else None
    names = ("id", "position", "kind", "label", "how", "by", "reason", "at")
    return MatchShape(**{name: getattr(row, name) for name in names}, undone=undone)
