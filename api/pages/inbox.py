"""The inbox: what needs its reader, what waits for others, what ends; and several decisions at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlmodel import Session

from api.auth import FromForm, SignedIn, Visitor
from api.dependencies import Engine, Now
from api.errors import said
from api.pages.fields import Text, Texts, verdict_of
from api.pages.shell import page
from api.pages.views import who_acts
from api.pages.words import FINISHES
from api.readers import reader_of
from api.rest.decisions import Outcome, Wish, decide_each
from api.rest.papers import today_of
from api.rest.tasks import ran_out
from documents.rendering import Reader, sentence
from workflows.approvals.model import StageKind, Task, Verdict
from workflows.approvals.operations import Decided
from workflows.approvals.queries import Asked, asked_again, asked_of, count_due, count_open, inbox
from workflows.approvals.rules import due_of
from workflows.contracts import queries
from workflows.contracts.model import Contract
from workflows.errors import Refused
from workflows.invoices import queries as invoices
from workflows.invoices.model import Invoice, InvoiceState
from workflows.invoices.payment import count_to_release, has_payers
from workflows.invoices.rules import why_not_hand_over, why_not_receive
from workflows.papers.model import Paper
from workflows.papers.standing import Standing, standings
from workflows.parties.queries import people
from workflows.parties.rules import Actor
from workflows.runtime import Runtime
from workflows.words import stage_name

router = APIRouter(include_in_schema=False)

A_PAGE = 50


@dataclass(frozen=True)
class InboxRow:
    page: str
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
    credit_note: bool = False
    """Its amount is given back."""
    verb: str = ""
    next: str = ""
    address: str = ""
    """Where its button leads; to the contract where it says nothing."""
    choice: str = ""
    """What choosing it for a decision together with others sends: the task, and the version that stands here."""
    chosen: bool = False
    version: int = 0
    sha256: str = ""


@router.get("/")
def inbox_page(request: Request, runtime: Engine, visitor: SignedIn, now: Now, after: UUID | None = None) -> Response:
    return _inbox_page(request, runtime, visitor, now, after=after)


def _inbox_page(
    request: Request,
    runtime: Runtime,
    visitor: Visitor,
    now: datetime,
    *,
    after: UUID | None = None,
    refused: Refused | None = None,
    comment: str = "",
    chosen: Sequence[str] = (),
) -> Response:
    """``after``: the last task of the page before. ``refused``: why what was chosen was not decided."""
    reader, actor = reader_of(request), visitor.actor
    today = today_of(actor)
    with runtime.reading() as session:
        tasks = inbox(session, actor, after=after, limit=A_PAGE + 1)
        mine = _mine(session, tasks[:A_PAGE], actor, reader, now, chosen)
        returned = queries.returned(session, actor)
        unfinished = invoices.unfinished(session, actor)
        if after is None:
            mine += [_returned(each, reader) for each in returned]
            mine += [_unfinished(each, reader) for each in unfinished]
        waiting = queries.waiting(session, actor, today=today)
        going = invoices.waiting(session, actor)
        where = standings(session, waiting) | standings(session, going)
        newest = sorted((*waiting, *going), key=lambda each: each.id, reverse=True)
        others = [_waiting(each, where[each.id], reader, now) for each in newest]
        expiring = queries.expiring(session, actor, today=today)
        needs = count_open(session, actor.id) + len(returned) + len(unfinished)
        to_release = count_to_release(session, actor)
        pays = why_not_hand_over(actor, has_payers=has_payers(session, actor.organisation_id)) is None
        overdue = count_due(session, actor.id, before=_end_of_day(now, reader))
    return page(
        request,
        "inbox.html",
        here="inbox",
        status=refused.status if refused else 200,
        mine=mine,
        count=needs,
        first="/" if after else None,
        next=f"/?after={tasks[A_PAGE - 1].task.id}" if len(tasks) > A_PAGE else None,
        others=others,
        expiring=[(each, _days_left(each, today)) for each in expiring],
        overdue=overdue,
        to_release=to_release,
        releases_at="/payments" if pays else "/invoices?state=approved",
        choices=any(each.choice for each in mine),
        sends=actor.organisation_id is not None,
        hands_in=why_not_receive(actor) is None,
        refused=said(refused, reader) if refused else "",
        comment=comment,
    )


def _mine(
    session: Session, rows: Sequence[Asked], actor: Actor, reader: Reader, now: datetime, chosen: Sequence[str]
) -> list[InboxRow]:
    senders = people(session, {row.round.submitter_id for row in rows})
    again = asked_again(session, [row.round for row in rows if row.task.kind is StageKind.APPROVAL], actor.id)
    end = _end_of_day(now, reader)
    made = []
    for row in rows:
        card, due = row.round.card, due_of(row.stage, row.task)[0]
        over = ran_out(session, row, now)
        decides = row.task.kind is StageKind.APPROVAL and row.task.review_of_id is None and not over
        choice = f"{row.task.id}:{row.round.version_sha256}" if decides else ""
        made.append(
            InboxRow(
                page=f"/{row.round.process}s/{row.round.subject_id}",
                number=card["number"],
                title=card["title"],
                counterparty=card["counterparty"],
                words=sentence("Its time has run out", reader.locale)
                if over
                else _about(row, reader, again=row.round.id in again),
                since=row.task.asked_at or row.round.opened_at,
                due_at=due,
                late=bool(due and due < now),
                today=bool(due and now <= due < end),
                asked_by=senders[row.round.submitter_id].name,
                amount=card["amount"],
                currency=card["currency"],
                credit_note=card.get("kind") == "credit note",
                verb=sentence("Look at it" if over else _verb(row.task), reader.locale),
                choice=choice,
                chosen=choice in chosen,
                version=row.round.version_number,
                sha256=row.round.version_sha256,
            )
        )
    return made


def _verb(task: Task) -> str:
    if task.review_of_id is not None:
        return "Say what you think"
    return "Decide" if task.kind is StageKind.APPROVAL else "Sign"


def _about(row: Asked, reader: Reader, *, again: bool) -> str:
    task = row.task
    if task.review_of_id is not None:
        return sentence("%(name)s asks for your opinion", reader.locale, name=task.handed_from_name)
    if task.instead_of_name:
        return sentence("For %(name)s", reader.locale, name=task.instead_of_name)
    if task.handed_to_name:
        return sentence("%(name)s looks at it first", reader.locale, name=task.handed_to_name)
    return sentence("Changed since you approved", reader.locale) if again else ""


def _returned(contract: Contract, reader: Reader) -> InboxRow:
    return InboxRow(
        page=f"/contracts/{contract.id}",
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


def _unfinished(invoice: Invoice, reader: Reader) -> InboxRow:
    sent_back = invoice.state is InvoiceState.RETURNED
    words = "Sent back to you: correct it" if sent_back else "It cannot be decided on yet"
    return InboxRow(
        page=f"/invoices/{invoice.id}",
        number=invoice.number,
        title=invoice.title,
        counterparty=invoice.supplier,
        words=sentence(words, reader.locale),
        since=invoice.state_since,
        amount=str(invoice.payable) if invoice.payable is not None and invoice.currency else None,
        currency=invoice.currency,
        credit_note=invoice.kind == "credit note",
        verb=sentence("Correct it", reader.locale),
    )


def _waiting(paper: Paper, where: Standing, reader: Reader, now: datetime) -> InboxRow:
    turns = {turn.stage: turn for turn in where.turns}
    stages = [stage for stage in where.journey.stages if stage.name in turns] if where.journey else []
    words = who_acts([(stage, [name for _, name in turns[stage.name].people]) for stage in stages], reader)
    upcoming = _next_stages(where)
    due = min((turn.due_at for turn in where.turns if turn.due_at), default=None)
    return InboxRow(
        page=f"/{paper.process}s/{paper.id}",
        number=paper.number,
        title=paper.title,
        counterparty=paper.counterparty if isinstance(paper, Contract) else "",
        words=words or sentence("Being prepared", reader.locale),
        since=min((turn.since for turn in where.turns), default=paper.state_since),
        due_at=due,
        late=bool(due and due < now),
        next=", ".join(stage_name(name, reader) for name in upcoming)
        or sentence(FINISHES[paper.finish], reader.locale),
    )


def _next_stages(where: Standing) -> list[str]:
    """What opens when the present stage is done: several where they stand side by side."""
    waiting = [each for each in where.journey.stages if each.name in where.upcoming] if where.journey else []
    return [each.name for each in waiting if each.position == waiting[0].position]


def _end_of_day(now: datetime, reader: Reader) -> datetime:
    zone = ZoneInfo(reader.timezone)
    return datetime.combine(now.astimezone(zone).date() + timedelta(days=1), time(), zone)


def _days_left(contract: Contract, today: date) -> int:
    """Days to the nearer of its two ends that is still ahead."""
    ahead = [day for day in (contract.cancel_by, contract.ends_on) if day is not None and day >= today]
    return (min(ahead) - today).days


@dataclass(frozen=True)
class DecidedRow:
    """What one of several came to. ``tone``: good, or bad where nothing was recorded."""

    tone: str
    words: str
    title: str = ""
    number: str = ""
    page: str = ""
    still_open: bool = False


@router.post("/tasks/decisions")
def decide_together(
    request: Request,
    runtime: Engine,
    visitor: FromForm,
    now: Now,
    chosen: Texts = (),
    verdict: Text = "",
    comment: Text = "",
) -> Response:
    """Each chosen task on its own; the answer tells what every one came to."""
    reader, actor = reader_of(request), visitor.actor
    try:
        wanted = verdict_of(verdict)
        wishes = [Wish(task_id, wanted, seen, comment) for task_id, seen in _choices(chosen)]
        if not wishes:
            raise Refused("Nothing was chosen yet. Please tick what you want to decide.", field="chosen")
        if wanted is not Verdict.APPROVE and not comment.strip():
            raise Refused("This needs a sentence that says why.", field="comment")
        outcomes = decide_each(runtime, wishes, by=actor, now=now)
    except Refused as refused:
        return _inbox_page(request, runtime, visitor, now, refused=refused, comment=comment, chosen=chosen)
    with runtime.reading() as session:
        known = asked_of(session, [each.task_id for each in outcomes], actor.id)
    rows = [_came_to(each, known.get(each.task_id), reader) for each in outcomes]
    return page(
        request,
        "decided.html",
        here="inbox",
        rows=rows,
        done=sum(row.tone == "good" for row in rows),
        comment=comment.strip(),
    )


def _choices(chosen: Sequence[str]) -> Iterator[tuple[UUID, str]]:
    """Task and sha256 of each tick; what no page of ours has sent is left out."""
    for each in dict.fromkeys(chosen):
        task_id, _, sha256 = each.partition(":")
        with suppress(ValueError):
            yield UUID(task_id), sha256


DONE_TOGETHER = {
    Verdict.APPROVE: "Approved",
    Verdict.REJECT: "Rejected",
    Verdict.SEND_BACK: "Sent back",
}


def _came_to(outcome: Outcome, asked: Asked | None, reader: Reader) -> DecidedRow:
    card = asked.round.card if asked else {}
    match outcome.came_to:
        case Decided() as decided:
            tone, words = "good", sentence(DONE_TOGETHER[decided.decision.verdict], reader.locale)
        case refused:
            tone, words = "bad", said(refused, reader)
    return DecidedRow(
        tone=tone,
        words=words,
        title=card.get("title", ""),
        number=card.get("number", ""),
        page=f"/{asked.round.process}s/{asked.round.subject_id}" if asked else "",
        still_open=tone == "bad" and asked is not None and asked.task.closed_at is None,
    )
