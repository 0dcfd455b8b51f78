"""The forms of an invoice's page that match it by hand, undo a match, and hold it against orders again."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.auth import FromForm
from api.dependencies import Engine, Now
from api.pages.fields import Text
from api.pages.papers import changed
from api.rest.matches import way
from workflows.database import Work
from workflows.errors import Refused
from workflows.invoices.matching import make_match, match_again, undo_match
from workflows.invoices.model import Invoice
from workflows.papers.rules import number_up_to

router = APIRouter(prefix="/invoices", include_in_schema=False)


@router.post("/{invoice_id}/matches")
def post_match(
    invoice_id: UUID,
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    position: Text = "",
    order: Text = "",
    order_line: Text = "",
    contract: Text = "",
    machine: Text = "",
    reason: Text = "",
) -> Response:
    named = {"order": order, "order_line": order_line, "contract": contract, "machine": machine}

    def work(session: Work) -> None:
        line = number_up_to(position, 999_999)
        if line is None:
            raise Refused("The invoice has no line %(position)s.", field="position", position=position[:20])
        make_match(
            session,
            invoice_id,
            position=line,
            **named,
            reason=reason,
            **way(session, invoice_id, visitor.actor, now),
        )

    typed = {"form": "match", "position": position, "reason": reason, **named}
    return changed(Invoice, invoice_id, request, runtime, visitor, now, work, done="matched", typed=typed)


@router.post("/{invoice_id}/matches/{match_id}/undoing")
def post_undoing(
    invoice_id: UUID,
    match_id: UUID,
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    reason: Text = "",
) -> Response:
    def work(session: Work) -> None:
        undo_match(session, invoice_id, match_id, reason=reason, **way(session, invoice_id, visitor.actor, now))

    return changed(Invoice, invoice_id, request, runtime, visitor, now, work, done="unmatched")


@router.post("/{invoice_id}/matching")
def post_matching(invoice_id: UUID, request: Request, runtime: Engine, visitor: FromForm, now: Now) -> Response:
    def work(session: Work) -> None:
        match_again(session, invoice_id, **way(session, invoice_id, visitor.actor, now))

    return changed(Invoice, invoice_id, request, runtime, visitor, now, work, done="held")
