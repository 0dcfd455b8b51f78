"""Sign in, sign out, and the inbox."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session

from api.auth import FromForm, SignedIn, enter, exit, insist_on_own_origin
from api.dependencies import SESSION_COOKIE, Engine, Now
from api.errors import said
from api.pages.shell import is_secure, page, reader_of
from api.pages.views import stage_name, who_acts
from api.rest.contracts import today_of
from documents.rendering import Reader, sentence
from workflows.approvals.model import StageKind
from workflows.approvals.queries import approved_before, inbox
from workflows.contracts import queries
from workflows.contracts.model import Contract
from workflows.contracts.standing import Standing, standing
from workflows.errors import TooMany
from workflows.parties.queries import people
from workflows.parties.rules import Actor

router = APIRouter(include_in_schema=False)


@router.get("/sign-in")
def sign_in_page(request: Request) -> Response:
    return page(request, "sign_in.html", wrong="", left=None, email="")


@router.post("/sign-in")
def sign_in(
    request: Request,
    runtime: Engine,
    now: Now,
    email: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
) -> Response:
    insist_on_own_origin(request)
    reader = reader_of(request)
    try:
        entered = enter(runtime, email, password, address=request.client.host if request.client else "", now=now)
    except TooMany as refused:
        headers = {"Retry-After": str(refused.retry_after)}
        return page(
            request, "sign_in.html", status=429, headers=headers, wrong=said(refused, reader), left=None, email=email
        )
    if entered.token is None:
        wrong = sentence("That address and password do not belong together.", reader.locale)
        return page(request, "sign_in.html", status=422, wrong=wrong, left=entered.left, email=email)
    answer = RedirectResponse("/", status_code=303)
    answer.set_cookie(
        SESSION_COOKIE,
        entered.token,
        max_age=runtime.settings.session_hours * 3600,
        httponly=True,
        samesite="lax",
        secure=is_secure(request),
    )
    return answer


@router.post("/sign-out")
def sign_out(request: Request, runtime: Engine, visitor: FromForm) -> Response:
    exit(runtime, request.cookies.get(SESSION_COOKIE, ""))
    answer = RedirectResponse("/sign-in", status_code=303)
    answer.delete_cookie(SESSION_COOKIE)
    return answer


@dataclass(frozen=True)
class InboxRow:
    contract_id: UUID
    number: str
    title: str
    counterparty: str
    words: str
    since: datetime
    due_at: datetime | None = None
    late: bool = False
    today: bool = False
    asked_by: str = ""
    amount: str | None = None
    currency: str | None = None
    verb: str = ""
    next: str = ""
    address: str = ""
    """Where its button leads; to the contract where it says nothing."""


@router.get("/")
def inbox_page(request: Request, runtime: Engine, visitor: SignedIn, now: Now) -> Response:
    reader, actor = reader_of(request), visitor.actor
    today = today_of(actor)
    with runtime.reading() as session:
        mine = _mine(session, actor, reader, now)
        mine += [_returned(each, reader) for each in queries.returned(session, actor)]
        others = [
            _waiting(each, standing(session, each), reader, now)
            for each in queries.waiting(session, actor, today=today)
        ]
        expiring = queries.expiring(session, actor, today=today)
    return page(
        request,
        "inbox.html",
        here="inbox",
        mine=mine,
        others=others,
        expiring=[(each, _days_left(each, today)) for each in expiring],
        overdue=sum(1 for each in mine if each.late or each.today),
    )


def _mine(session: Session, actor: Actor, reader: Reader, now: datetime) -> list[InboxRow]:
    rows = inbox(session, actor, limit=100)
    senders = people(session, {row.round.submitter_id for row in rows})
    made = []
    for row in rows:
        card = row.round.card
        again = (
            row.task.kind is StageKind.APPROVAL
            and row.round.number > 1
            and approved_before(session, row.round, actor.id)
        )
        made.append(
            InboxRow(
                contract_id=row.round.subject_id,
                number=card["number"],
                title=card["title"],
                counterparty=card["counterparty"],
                words=sentence("Changed since you approved", reader.locale) if again else "",
                since=row.task.asked_at or row.round.opened_at,
                due_at=row.stage.due_at,
                late=bool(row.stage.due_at and row.stage.due_at < now),
                today=bool(row.stage.due_at and row.stage.due_at >= now and _same_day(row.stage.due_at, now, reader)),
                asked_by=senders[row.round.submitter_id].name,
                amount=card["amount"],
                currency=card["currency"],
                verb=sentence("Sign" if row.task.kind is StageKind.SIGNATURE else "Decide", reader.locale),
            )
        )
    return made


def _returned(contract: Contract, reader: Reader) -> InboxRow:
    return InboxRow(
        contract_id=contract.id,
        number=contract.number,
        title=contract.title,
        counterparty=contract.counterparty,
        words=sentence("Sent back to you: hand in a new version", reader.locale),
        since=contract.state_since,
        amount=str(contract.amount) if contract.amount is not None else None,
        currency=contract.currency,
        verb=sentence("New version", reader.locale),
        address=f"/contracts/{contract.id}/versions/new",
    )


def _waiting(contract: Contract, where: Standing, reader: Reader, now: datetime) -> InboxRow:
    turns = {turn.stage: turn for turn in where.turns}
    stages = [stage for stage in where.journey.stages if stage.name in turns] if where.journey else []
    words = who_acts([(stage, [name for _, name in turns[stage.name].people]) for stage in stages], reader)
    upcoming = _next_stages(where)
    due = min((turn.due_at for turn in where.turns if turn.due_at), default=None)
    return InboxRow(
        contract_id=contract.id,
        number=contract.number,
        title=contract.title,
        counterparty=contract.counterparty,
        words=words or sentence("Being prepared", reader.locale),
        since=min((turn.since for turn in where.turns), default=contract.state_since),
        due_at=due,
        late=bool(due and due < now),
        next=", ".join(stage_name(name, reader) for name in upcoming) or sentence("Sealed and in force", reader.locale),
    )


def _next_stages(where: Standing) -> list[str]:
    """What opens when the present stage is done: several where they stand side by side."""
    waiting = [each for each in where.journey.stages if each.name in where.upcoming] if where.journey else []
    return [each.name for each in waiting if each.position == waiting[0].position]


def _same_day(one: datetime, other: datetime, reader: Reader) -> bool:
    zone = ZoneInfo(reader.timezone)
    return one.astimezone(zone).date() == other.astimezone(zone).date()


def _days_left(contract: Contract, today: date) -> int:
    """Days to the nearer of its two ends that is still ahead."""
    ahead = [day for day in (contract.cancel_by, contract.ends_on) if day is not None and day >= today]
    return (min(ahead) - today).days
