"""``/api/statements``: what is open and paid, per supplier or customer."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import Field

from api.dependencies import Reading, ReadsInvoices
from api.rest.answers import PromptRoute, refusals
from api.rest.papers import today_of
from api.rest.shapes import Shape
from api.statement_files import Format, accounts_file, statement_file
from documents.rendering import Reader
from workflows.invoices.aging import Age, Balance, Period, Side, period
from workflows.invoices.statements import Account, Item, account, accounts, items
from workflows.parties.rules import Actor

router = APIRouter(route_class=PromptRoute, prefix="/api/statements", tags=["statements"])

Since = Annotated[date | None, Query(description="What was paid since then; the first day of its year otherwise.")]
AsOf = Annotated[date | None, Query(description="On the evening of that day, where the reader is; today otherwise.")]


class AgeShape(Shape):
    age: Age
    amount: str


class BalanceShape(Shape):
    """Decimals of the currency. Credit notes count against."""

    currency: str
    invoices: Annotated[int, Field(description="How many are open.")]
    open: Annotated[str, Field(examples=["562.87"])]
    overdue: str
    disputed: Annotated[str, Field(description="The part of what is open that its supplier has been asked about.")]
    paid: Annotated[str, Field(description="Since the day asked for.")]
    ages: list[AgeShape]


class AccountShape(Shape):
    key: Annotated[str, Field(description="By what the same supplier or customer is known again.")]
    name: str
    balances: list[BalanceShape]


class AccountPage(Shape):
    as_of: date
    since: date
    items: list[AccountShape]
    next_cursor: str | None


class StatementItem(Shape):
    """Amounts of a credit note are turned round."""

    invoice_id: UUID
    number: str
    supplier_number: str
    kind: Literal["invoice", "credit note"]
    state: str
    issued_on: date
    due_on: date | None
    currency: str
    payable: str
    open: str
    paid: Annotated[str, Field(description="Within the period: of an open invoice, too.")]
    paid_on: Annotated[date | None, Field(description="Of the last payment, where nothing is open.")]
    age: Age
    days_overdue: int
    disputed: bool


class StatementShape(AccountShape):
    as_of: date
    since: date
    items: list[StatementItem]
    next_cursor: str | None


@router.get("/{side}.xlsx", summary="All accounts as XLSX", response_class=Response, responses=refusals(401, 403, 422))
def accounts_sheet(
    side: Side, session: Reading, actor: ReadsInvoices, since: Since = None, as_of: AsOf = None
) -> Response:
    return accounts_file(session, side, actor, period_of(actor, since, as_of), Reader(actor.locale, actor.timezone))


@router.get("/{side}", response_model=AccountPage, summary="All accounts", responses=refusals(401, 403, 422))
def list_accounts(
    side: Side,
    session: Reading,
    actor: ReadsInvoices,
    since: Since = None,
    as_of: AsOf = None,
    q: Annotated[str, Query(max_length=200, description="Part of the name.")] = "",
    cursor: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> AccountPage:
    """Of the invoices of the actor's organisation that the actor may see."""
    shown = period_of(actor, since, as_of)
    found = accounts(session, side, actor, shown, q=q, cursor=cursor, limit=limit)
    return AccountPage(
        as_of=shown.as_of,
        since=shown.since,
        items=[AccountShape(**_said(each)) for each in found.items],
        next_cursor=found.next_cursor,
    )


@router.get("/{side}/{key}", response_model=StatementShape, summary="One account", responses=refusals(401, 404, 422))
def read_account(
    side: Side,
    key: str,
    session: Reading,
    actor: ReadsInvoices,
    since: Since = None,
    as_of: AsOf = None,
    cursor: Annotated[str, Query(max_length=60)] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> StatementShape:
    """Balances are of the whole account, whatever page of its invoices is asked for."""
    shown = period_of(actor, since, as_of)
    whose = account(session, side, key, actor, shown)
    found = items(session, side, key, actor, shown, cursor=cursor, limit=limit)
    return StatementShape(
        **_said(whose),
        as_of=shown.as_of,
        since=shown.since,
        items=[_item(each) for each in found.items],
        next_cursor=found.next_cursor,
    )


@router.get(
    "/{side}/{key}/file",
    summary="One account as PDF or XLSX",
    response_class=Response,
    responses=refusals(401, 404, 422),
)
def file(
    side: Side,
    key: str,
    session: Reading,
    actor: ReadsInvoices,
    format: Annotated[Format, Query()],
    since: Since = None,
    as_of: AsOf = None,
) -> Response:
    reader = Reader(actor.locale, actor.timezone)
    return statement_file(session, side, key, actor, period_of(actor, since, as_of), format, reader)


def period_of(actor: Actor, since: date | None, as_of: date | None) -> Period:
    return period(since, as_of, today=today_of(actor))


def _said(whose: Account) -> dict[str, object]:
    return {"key": whose.key, "name": whose.name, "balances": [_balance(each) for each in whose.balances]}


def _balance(balance: Balance) -> BalanceShape:
    return BalanceShape(
        currency=balance.currency,
        invoices=balance.invoices,
        open=f"{balance.open:f}",
        overdue=f"{balance.overdue:f}",
        disputed=f"{balance.disputed:f}",
        paid=f"{balance.paid:f}",
        ages=[AgeShape(age=age, amount=f"{amount:f}") for age, amount in balance.ages.items()],
    )


def _item(item: Item) -> StatementItem:
    invoice = item.invoice
    return StatementItem.model_validate(
        {
            "invoice_id": invoice.id,
            "number": invoice.number,
            "supplier_number": invoice.supplier_number,
            "kind": invoice.kind,
            "state": invoice.state.value,
            "issued_on": invoice.issued_on,
            "due_on": invoice.due_on,
            "currency": invoice.currency,
            "payable": f"{item.payable:f}",
            "open": f"{item.open:f}",
            "paid": f"{item.paid:f}",
            "paid_on": invoice.paid_on if item.is_paid else None,
            "age": item.age,
            "days_overdue": item.days_overdue,
            "disputed": item.is_disputed,
        }
    )
