"""``/invoices/…``: correct, send on, release, ask the supplier, withdraw."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form, Request
from fastapi.responses import Response

from api.auth import FromForm, Visitor
from api.dependencies import Engine, Now
from api.errors import said as words_of_refusal
from api.pages.fields import Text
from api.pages.invoices import TypedWords, shown
from api.pages.papers import changed
from api.readers import reader_of
from workflows.database import Work
from workflows.errors import Refused
from workflows.invoices.disputes import dispute, settle
from workflows.invoices.model import Invoice
from workflows.invoices.operations import correct, send_again, withdraw
from workflows.invoices.payment import release
from workflows.invoices.payment_model import Separation
from workflows.invoices.steps import send_where_possible
from workflows.papers import queries as papers
from workflows.runtime import Runtime

router = APIRouter(prefix="/invoices", include_in_schema=False)


@router.post("/{invoice_id}/data")
def post_data(
    invoice_id: UUID,
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    words: TypedWords,
    reason: Text = "",
    suggested: Text = "",
    compared: Text = "",
) -> Response:
    def work(session: Work) -> None:
        if suggested and not compared:
            raise Refused("Compare the suggestions with the pages first, and say so below.", field="compared")
        visible = papers.is_visible(session, Invoice, invoice_id, visitor.actor)
        correct(session, invoice_id, words, reason=reason, by=visitor.actor, now=now, visible=visible)

    typed = {**words, "reason": reason, "form": "data"}
    return _changed(invoice_id, request, runtime, visitor, now, work, done="corrected", typed=typed, goes_on=True)


@router.post("/{invoice_id}/route")
def post_route(invoice_id: UUID, request: Request, runtime: Engine, visitor: FromForm, now: Now) -> Response:
    def work(session: Work) -> None:
        visible = papers.is_visible(session, Invoice, invoice_id, visitor.actor)
        send_again(session, invoice_id, by=visitor.actor, now=now, visible=visible)

    return _changed(invoice_id, request, runtime, visitor, now, work, done="route", goes_on=True)


@router.post("/{invoice_id}/release")
def post_release(invoice_id: UUID, request: Request, runtime: Engine, visitor: FromForm, now: Now) -> Response:
    def work(session: Work) -> None:
        visible = papers.is_visible(session, Invoice, invoice_id, visitor.actor)
        separation = Separation(runtime.settings.release_separation)
        release(session, invoice_id, by=visitor.actor, now=now, visible=visible, separation=separation)

    return _changed(invoice_id, request, runtime, visitor, now, work, done="released")


@router.post("/{invoice_id}/dispute")
def post_dispute(
    invoice_id: UUID,
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    to: Text = "",
    question: Text = "",
) -> Response:
    def work(session: Work) -> None:
        visible = papers.is_visible(session, Invoice, invoice_id, visitor.actor)
        dispute(
            session,
            invoice_id,
            to=to,
            question=question,
            by=visitor.actor,
            now=now,
            visible=visible,
            mailbox=runtime.settings.invoices_mailbox_address,
        )

    typed = {"form": "dispute", "to": to, "question": question}
    return _changed(invoice_id, request, runtime, visitor, now, work, done="disputed", typed=typed)


@router.post("/{invoice_id}/settlement")
def post_settlement(
    invoice_id: UUID,
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    comment: Annotated[str, Form()] = "",
) -> Response:
    def work(session: Work) -> None:
        visible = papers.is_visible(session, Invoice, invoice_id, visitor.actor)
        settle(session, invoice_id, comment=comment, by=visitor.actor, now=now, visible=visible)

    return _changed(invoice_id, request, runtime, visitor, now, work, done="settled", goes_on=True)


@router.post("/{invoice_id}/withdrawal")
def post_withdrawal(
    invoice_id: UUID, request: Request, runtime: Engine, visitor: FromForm, now: Now, comment: Text = ""
) -> Response:
    def work(session: Work) -> None:
        visible = papers.is_visible(session, Invoice, invoice_id, visitor.actor)
        withdraw(session, invoice_id, comment=comment, by=visitor.actor, now=now, visible=visible)

    return _changed(invoice_id, request, runtime, visitor, now, work, done="withdrawn")


def _changed(
    invoice_id: UUID,
    request: Request,
    runtime: Runtime,
    visitor: Visitor,
    now: datetime,
    work: Callable[[Work], object],
    *,
    done: str,
    typed: Mapping[str, str] | None = None,
    goes_on: bool = False,
) -> Response:
    """Do it and show the invoice again. ``goes_on``: where nothing keeps it, it travels its route from then on."""
    answer = changed(Invoice, invoice_id, request, runtime, visitor, now, work, done=done, typed=typed)
    if not goes_on or answer.status_code != 303:
        return answer
    if refused := send_where_possible(runtime, invoice_id, now=now):
        with runtime.reading() as session:
            words = words_of_refusal(refused, reader_of(request))
            return shown(session, request, runtime, visitor, invoice_id, now, refused=words, status=refused.status)
    return answer
