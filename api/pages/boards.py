"""``/boards`` for administrators: where documents are stuck, how long stages take, and how to mend what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from api.auth import Administers, AdministersByForm, Visitor
from api.dependencies import Engine, Now
from api.errors import said
from api.pages.fields import Text
from api.pages.incoming import reasons_said
from api.pages.shell import page
from api.readers import reader_of
from documents.einvoices.finding_words import said as said_of
from documents.einvoices.findings import from_json as finding_of
from documents.rendering import Reader, sentence
from workflows.boards import queries
from workflows.boards.incidents import MOST_INCIDENTS, Held, SlowRun
from workflows.boards.incidents import incidents as incidents_of
from workflows.boards.operations import correct_address, send_again, try_again, wake_again
from workflows.boards.queries import Cycle, Spread, own_paper
from workflows.boards.rules import MONTHS, Month, months
from workflows.database import Work
from workflows.errors import NotFound, Refused
from workflows.invoices.files_put_aside import watched
from workflows.invoices.model import PROCESS
from workflows.invoices.payment import send_anew
from workflows.invoices.steps import send_where_possible
from workflows.runtime import Runtime
from workflows.words import stage_name

router = APIRouter(prefix="/boards", include_in_schema=False)

DONE = {
    "asked": "Somebody is asked again",
    "sent": "It is on its way again",
    "corrected": "It is on its way to the corrected address",
    "woken": "The work on it is taken up again",
    "travels": "It is on its route",
    "again": "The file is looked at again in a moment",
    "settled": "The file is settled",
}
AGES = ("Less than a day", "1 to 3 days", "3 to 7 days", "7 to 30 days", "30 days and more")
MOST_FINDINGS = 3
"""Of one invoice, that the board tells; its page tells all."""


@router.get("")
def boards_page(
    request: Request,
    runtime: Engine,
    visitor: Administers,
    now: Now,
    route: Annotated[str, Query(max_length=80)] = "",
    done: str = "",
) -> Response:
    return _boards_page(request, runtime, visitor, now, route=route, done=done)


def _boards_page(
    request: Request,
    runtime: Runtime,
    visitor: Visitor,
    now: datetime,
    *,
    route: str = "",
    done: str = "",
    refused: Refused | None = None,
) -> Response:
    reader, ours = reader_of(request), visitor.actor.organisation_id
    shown = months(now, reader.timezone)
    with runtime.reading() as session:
        routes = queries.routes(session, ours)
        names = [name for name, _ in routes]
        chosen = route if route in names else next(iter(names), "")
        stuck = queries.stuck(session, ours, now=now)
        watches = watched(session, runtime.settings, ours)
        incidents = incidents_of(session, ours, now=now, watches=watches)
        cycles = queries.cycles(session, ours, chosen, shown) if chosen else []
    return page(
        request,
        "boards.html",
        here="boards",
        status=refused.status if refused else 200,
        now=now,
        stuck=stuck,
        ages=_bars_of_ages(stuck.ages, reader),
        stages=[(each, stage_name(each.stage, reader)) for each in stuck.stages],
        longest=[(each, stage_name(each.stage, reader)) for each in stuck.longest],
        incidents=incidents,
        blocked=[(each, stage_name(each.stage, reader)) for each in incidents.blocked],
        ran_out=[(each, stage_name(each.stage, reader)) for each in incidents.ran_out],
        left_alone=[(each, stage_name(each.stage, reader)) for each in incidents.left_alone],
        mails=incidents.mails,
        runs=[(each, _what_hangs(each, reader)) for each in incidents.runs],
        held=[(each, _what_is_wrong(each, reader)) for each in incidents.held],
        files=incidents.files,
        folder=said(incidents.folder, reader) if incidents.folder else "",
        letters=[(each, reasons_said(each, reader)) for each in incidents.letters],
        payments=[(each, sentence(each.failure, reader.locale)) for each in incidents.payments],
        routes=routes,
        chosen=chosen,
        frame=FRAME,
        charts=[_chart(each, shown, reader) for each in cycles],
        number_of_months=MONTHS,
        most_stages=queries.MOST_STAGES,
        most_people=queries.MOST_PEOPLE,
        most_incidents=MOST_INCIDENTS,
        done=sentence(DONE[done], reader.locale) if done in DONE else "",
        refused=said(refused, reader) if refused else "",
    )


def _what_hangs(run: SlowRun, reader: Reader) -> str:
    if run.sealing:
        return sentence("Everyone has signed, and the file could not be sealed so far.", reader.locale)
    if run.preparing:
        return sentence("Everyone has approved, and the file could not be prepared so far.", reader.locale)
    if run.started:
        return sentence("The work on it was begun and has not come to its end.", reader.locale)
    return sentence("The work on it could not be begun so far.", reader.locale)


def _what_is_wrong(invoice: Held, reader: Reader) -> list[str]:
    return [said_of(finding_of(each), reader.locale) for each in invoice.findings[:MOST_FINDINGS]]


@dataclass(frozen=True)
class AgeBar:
    """``width``: of 100."""

    words: str
    tasks: int
    width: float


def _bars_of_ages(ages: Sequence[int], reader: Reader) -> list[AgeBar]:
    most = max(ages) or 1
    return [
        AgeBar(sentence(words, reader.locale), tasks, round(100 * tasks / most, 1))
        for words, tasks in zip(AGES, ages, strict=True)
    ]


@dataclass(frozen=True)
class MonthBar:
    """One month of a chart: where its bars stand in ``FRAME``; nothing where nothing was decided."""

    month: Month
    x: float
    median_top: float
    p90_top: float
    number: int
    median: str
    p90: str


@dataclass(frozen=True)
class Chart:
    """How long something took, month by month, drawn into ``FRAME``."""

    title: str
    number: int
    median: str
    p90: str
    scale: str
    """What the topmost line stands for."""
    bars: tuple[MonthBar, ...]


class Frame(NamedTuple):
    """Where a chart is drawn: its bars, each ``bar`` wide, between ``left`` and ``wide``, and ``top`` and ``floor``."""

    wide: int
    high: int
    left: int
    top: int
    floor: int
    bar: int


FRAME = Frame(wide=360, high=150, left=52, top=12, floor=122, bar=16)


def _chart(cycle: Cycle, shown: Sequence[Month], reader: Reader) -> Chart:
    title = stage_name(cycle.stage, reader) if cycle.stage else sentence("The whole way", reader.locale)
    highest = max((spread.p90 for spread in cycle.months if spread), default=0.0) or 1.0
    step = (FRAME.wide - FRAME.left) / len(shown)

    def top(seconds: float) -> float:
        return round(FRAME.floor - (FRAME.floor - FRAME.top) * seconds / highest, 1)

    def bar(index: int, month: Month, spread: Spread | None) -> MonthBar:
        x = round(FRAME.left + index * step + (step - FRAME.bar) / 2, 1)
        if spread is None:
            return MonthBar(month, x, FRAME.floor, FRAME.floor, 0, "", "")
        return MonthBar(
            month,
            x,
            top(spread.median),
            top(spread.p90),
            spread.number,
            spelled(spread.median, reader),
            spelled(spread.p90, reader),
        )

    return Chart(
        title=title,
        number=cycle.whole.number if cycle.whole else 0,
        median=spelled(cycle.whole.median, reader) if cycle.whole else "",
        p90=spelled(cycle.whole.p90, reader) if cycle.whole else "",
        scale=spelled(highest, reader),
        bars=tuple(bar(index, *each) for index, each in enumerate(zip(shown, cycle.months, strict=True))),
    )


def spelled(seconds: float, reader: Reader) -> str:
    """A length of time in the largest unit that leaves more than one and a half of it: 45 min, 5.2 h, 3.4 days."""
    for unit, words in ((86_400, "%(num)s days"), (3_600, "%(num)s h")):
        if seconds >= 1.5 * unit:
            number = seconds / unit
            return sentence(words, reader.locale, num=f"{number:.1f}" if number < 10 else round(number))
    return sentence("%(num)s min", reader.locale, num=max(1, round(seconds / 60)))


@router.post("/stages/{stage_id}/retry")
def post_retry(stage_id: UUID, request: Request, runtime: Engine, visitor: AdministersByForm, now: Now) -> Response:
    def work(session: Work) -> None:
        try_again(session, stage_id, by=visitor.actor, now=now)

    return _mended(request, runtime, visitor, now, work, done="asked")


@router.post("/mails/{mail_id}/retry")
def post_mail(mail_id: UUID, request: Request, runtime: Engine, visitor: AdministersByForm, now: Now) -> Response:
    def work(session: Work) -> None:
        send_again(session, mail_id, by=visitor.actor, now=now)

    return _mended(request, runtime, visitor, now, work, done="sent")


@router.post("/mails/{mail_id}/address")
def post_address(
    mail_id: UUID, request: Request, runtime: Engine, visitor: AdministersByForm, now: Now, email: Text = ""
) -> Response:
    def work(session: Work) -> None:
        correct_address(session, mail_id, email, by=visitor.actor, now=now)

    return _mended(request, runtime, visitor, now, work, done="corrected")


@router.post("/payments/{order_id}/retry")
def post_payment(order_id: UUID, request: Request, runtime: Engine, visitor: AdministersByForm, now: Now) -> Response:
    def work(session: Work) -> None:
        send_anew(session, order_id, by=visitor.actor, now=now)

    return _mended(request, runtime, visitor, now, work, done="sent")


@router.post("/runs/{process}/{subject_id}/retry")
def post_run(
    process: str, subject_id: UUID, request: Request, runtime: Engine, visitor: AdministersByForm, now: Now
) -> Response:
    def work(session: Work) -> None:
        wake_again(session, process, subject_id, by=visitor.actor, now=now)

    return _mended(request, runtime, visitor, now, work, done="woken")


@router.post("/invoices/{invoice_id}/retry")
def post_invoice(invoice_id: UUID, request: Request, runtime: Engine, visitor: AdministersByForm, now: Now) -> Response:
    with runtime.reading() as session:
        own_paper(session, PROCESS, invoice_id, visitor.actor.organisation_id)
    if refused := send_where_possible(runtime, invoice_id, now=now):
        return _boards_page(request, runtime, visitor, now, refused=refused)
    return RedirectResponse("/boards?done=travels", status_code=303)


@router.post("/files")
def post_file(
    request: Request, runtime: Engine, visitor: AdministersByForm, now: Now, name: Text = "", do: Text = ""
) -> Response:
    with runtime.reading() as session:
        watches = watched(session, runtime.settings, visitor.actor.organisation_id)
    if watches is None:
        raise NotFound("There is nothing at this address.")
    try:
        if do == "settle":
            watches.settle(name)
        else:
            watches.hand_in_again(name)
    except Refused as refused:
        return _boards_page(request, runtime, visitor, now, refused=refused)
    return RedirectResponse(f"/boards?done={'settled' if do == 'settle' else 'again'}", status_code=303)


def _mended(
    request: Request,
    runtime: Runtime,
    visitor: Visitor,
    now: datetime,
    work: Callable[[Work], None],
    *,
    done: str,
) -> Response:
    try:
        with runtime.transaction() as session:
            work(session)
    except NotFound:
        raise
    except Refused as refused:
        return _boards_page(request, runtime, visitor, now, refused=refused)
    return RedirectResponse(f"/boards?done={done}", status_code=303)
