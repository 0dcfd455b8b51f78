"""Reminders, escalation and expiry: each once, in business hours, however often somebody looks."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.approvals.deadlines import (
    IN_FLIGHT,
    IN_TIME,
    QUIET,
    Asked,
    Escalate,
    Escalated,
    Expire,
    StageTimes,
    escalated,
    escalations_due,
    next_look,
    put_off,
    reminder_times,
    reminders_due,
    why_expired,
    why_not_extend,
)
from workflows.approvals.plan import Escalation, OnExpiry, Percent, Quorum, Reminder, Role, StagePlan
from workflows.approvals.rules import Outcome, Votes, outcome, thresholds
from workflows.business_time import Calendar, Due, Hours, due_after, due_of, next_open, why_not_worked

SEOUL = Calendar("KR", "Asia/Seoul", Hours(time(9), time(18)))
TASK = UUID(int=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SEOUL.zone)


def local(instant: datetime | None) -> str:
    assert instant is not None
    return instant.astimezone(SEOUL.zone).strftime("%a %d %H:%M")


def due(text: str) -> Due:
    made = due_of(text)
    assert made is not None
    return made


def reminder(text: str) -> Reminder:
    if text.startswith("every "):
        return Reminder("every", due(text.removeprefix("every ")))
    written, _, when = text.rpartition(" ")
    return Reminder("before" if when == "before" else "after", due(written))


def plan(
    *remind: str,
    due_in: str | None = "2 business days",
    after: str = "",
    on_expiry: OnExpiry | None = None,
    extend: str | None = None,
) -> StagePlan:
    escalate = Escalation(Role("boss"), "due" if after == "due" else due(after)) if after else None
    return StagePlan(
        "a",
        approvers=Role("x"),
        due=due(due_in) if due_in else None,
        remind=tuple(reminder(each) for each in remind),
        escalate=escalate,
        on_expiry=on_expiry,
        extend=due(extend) if extend else None,
    )


OPENED = at("2026-05-22 10:00")
"""A Friday, before a Monday that is the substitute holiday for Buddha's Birthday."""
DUE = due_after(OPENED, "2 business days", SEOUL).at


def test_reminders_pass_over_weekends_and_substitute_holidays() -> None:
    found = reminder_times(
        plan("1 business day before", "1 business day after", "every 2 business days"),
        OPENED,
        DUE,
        SEOUL,
        until=at("2026-06-01 00:00"),
    )
    assert [local(each) for each in found] == ["Tue 26 18:00", "Wed 27 18:00", "Thu 28 18:00", "Fri 29 18:00"]


def test_a_reminder_that_would_come_before_the_asking_is_left_out() -> None:
    assert reminder_times(plan("3 business days before"), OPENED, DUE, SEOUL, until=DUE) == ()


def test_what_has_come_due_in_the_meantime_is_one_mail() -> None:
    asked = Asked(TASK, OPENED)
    looked_late = at("2026-06-01 10:00")
    routes_stage = plan("1 business day before", "1 business day after", "every 2 business days")
    [remind] = reminders_due(routes_stage, [asked], due_at=DUE, now=looked_late, calendar=SEOUL)
    assert local(remind.settled_until) == "Fri 29 18:00"
    settled = Asked(TASK, OPENED, remind.settled_until, looked_late)
    assert reminders_due(routes_stage, [settled], due_at=DUE, now=looked_late + timedelta(days=2), calendar=SEOUL) == ()


def test_nobody_is_reminded_of_a_task_twice_within_twelve_hours() -> None:
    routes_stage = plan("9 business hours before", "8 business hours before")
    first = at("2026-05-27 09:30")
    [remind] = reminders_due(routes_stage, [Asked(TASK, OPENED)], due_at=DUE, now=first, calendar=SEOUL)
    assert local(remind.settled_until) == "Wed 27 09:00"
    settled = Asked(TASK, OPENED, remind.settled_until, first)
    assert reminders_due(routes_stage, [settled], due_at=DUE, now=at("2026-05-27 12:00"), calendar=SEOUL) == ()
    times = StageTimes(OPENED, DUE)
    look = next_look(routes_stage, times, [settled], now=at("2026-05-27 12:00"), calendar=SEOUL)
    assert local(look) == "Thu 28 09:00", "not at half past nine in the evening"
    assert look is not None
    assert reminders_due(routes_stage, [settled], due_at=DUE, now=look, calendar=SEOUL) != ()


kinds = st.sampled_from(["before", "after", "every"])
spans = st.builds(Due, st.integers(1, 6), st.sampled_from(["business days", "days"]))
some_reminders = st.lists(st.builds(Reminder, kinds, spans), min_size=1, max_size=4)
opened = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001  as asked for


@given(some_reminders, opened, spans, st.lists(st.integers(1, 80), min_size=1, max_size=40))
def test_each_reminder_is_sent_once_however_often_somebody_looks(
    remind: list[Reminder], opened_at: datetime, allowed: Due, steps: list[int]
) -> None:
    stage = StagePlan("a", approvers=Role("x"), due=allowed, remind=tuple(remind))
    due_at = due_after(opened_at, allowed, SEOUL).at
    asked, now, mails = Asked(TASK, opened_at), opened_at, list[tuple[datetime, datetime, datetime]]()
    for hours in steps:
        now += timedelta(hours=hours)
        for each in reminders_due(stage, [asked], due_at=due_at, now=now, calendar=SEOUL):
            mails.append((now, asked.settled_until or opened_at, each.settled_until))
            asked = Asked(TASK, opened_at, each.settled_until, now)
        assert reminders_due(stage, [asked], due_at=due_at, now=now, calendar=SEOUL) == (), "once is enough"
    for sent, since, until in mails:
        assert in_office_hours(sent) or sent - until <= IN_TIME, (
            "also what is made up for leaves while the office is open"
        )
        owed = reminder_times(stage, opened_at, due_at, SEOUL, until=sent)
        covered = [each for each in owed if since < each <= until]
        assert covered, "no mail without a reminder"
        assert covered[-1] == owed[-1], "and none is left for a second mail"
    for one, other in pairwise(mails):
        assert other[0] - one[0] >= QUIET
        assert other[1] == one[2], "each reminder belongs to one mail"
    settled = asked.settled_until or opened_at
    quiet = asked.reminded_at is not None and now - asked.reminded_at < QUIET
    closed = next_open(now, SEOUL) > now
    assert (
        quiet
        or closed
        or not [each for each in reminder_times(stage, opened_at, due_at, SEOUL, until=now) if each > settled]
    )


@given(some_reminders, opened, spans)
def test_reminders_and_escalations_never_fall_outside_business_hours(
    remind: list[Reminder], opened_at: datetime, allowed: Due
) -> None:
    stage = StagePlan(
        "a", approvers=Role("x"), due=allowed, remind=tuple(remind), escalate=Escalation(Role("y"), allowed)
    )
    due_at = due_after(opened_at, allowed, SEOUL).at
    found = [*reminder_times(stage, opened_at, due_at, SEOUL, until=opened_at + timedelta(days=60))]
    found += [
        each for each in [next_look(stage, StageTimes(opened_at, due_at), [], now=opened_at, calendar=SEOUL)] if each
    ]
    for each in found:
        assert in_office_hours(each)


def in_office_hours(instant: datetime) -> bool:
    clock = instant.astimezone(SEOUL.zone)
    return why_not_worked(clock.date(), SEOUL) is None and SEOUL.hours.opens <= clock.time() <= SEOUL.hours.closes


@given(opened, st.integers(0, 59))
def test_an_office_that_is_closed_opens_next_on_a_day_that_is_worked(day: datetime, minute: int) -> None:
    moment = day + timedelta(minutes=minute)
    opens = next_open(moment, SEOUL)
    assert in_office_hours(opens)
    assert (opens == moment) is in_office_hours(moment)
    steps = range(1, int((opens - moment).total_seconds() // 1800))
    assert not any(in_office_hours(moment + timedelta(minutes=30 * each)) for each in steps), "and not before"


@given(some_reminders, opened, spans, st.integers(0, 2000))
def test_between_two_looks_that_are_asked_for_nothing_comes_due(
    remind: list[Reminder], opened_at: datetime, allowed: Due, hours: int
) -> None:
    """What waits needs no look before the time that is said: 100,000 waiting stages cost nothing."""
    stage = StagePlan("a", approvers=Role("x"), due=allowed, remind=tuple(remind), on_expiry="incident")
    due_at = due_after(opened_at, allowed, SEOUL).at
    now = opened_at + timedelta(hours=hours)
    asked = Asked(TASK, opened_at)
    for each in reminders_due(stage, [asked], due_at=due_at, now=now, calendar=SEOUL):
        asked = Asked(TASK, opened_at, each.settled_until, now)
    times = StageTimes(opened_at, due_at, expired_at=now if due_at + IN_FLIGHT <= now else None)
    look = next_look(stage, times, [asked], now=now, calendar=SEOUL)
    quiet = look - timedelta(seconds=1) if look else now + timedelta(days=60)
    assert reminders_due(stage, [asked], due_at=due_at, now=quiet, calendar=SEOUL) == ()
    assert escalations_due(stage, times, now=quiet, calendar=SEOUL) == ()
    if look:
        assert reminders_due(stage, [asked], due_at=due_at, now=look, calendar=SEOUL) or escalations_due(
            stage, times, now=look, calendar=SEOUL
        )


def test_what_has_come_due_and_was_not_looked_at_yet_is_looked_at_at_once() -> None:
    """Whoever reckons the next look between a due time and the look at it, such as on handing a task over."""
    between = DUE + timedelta(seconds=40)
    times = StageTimes(OPENED, DUE)
    assert next_look(plan(after="due"), times, [], now=between, calendar=SEOUL) == between
    assert next_look(plan(on_expiry="incident"), times, [], now=between, calendar=SEOUL) == between
    before_due, nine = plan("9 business hours before"), at("2026-05-27 09:00:40")
    assert next_look(before_due, times, [Asked(TASK, OPENED)], now=nine, calendar=SEOUL) == nine


def test_a_stage_escalates_once_at_its_due_time_or_so_long_after_it_was_opened() -> None:
    for after, expected in (("due", DUE), ("1 business day", at("2026-05-26 18:00"))):
        stage = plan(after=after)
        early = escalations_due(stage, StageTimes(OPENED, DUE), now=expected - timedelta(seconds=1), calendar=SEOUL)
        assert early == ()
        assert escalations_due(stage, StageTimes(OPENED, DUE), now=expected, calendar=SEOUL) == (
            Escalate(Escalation(Role("boss"), "due" if after == "due" else due(after))),
        )
        done = StageTimes(OPENED, DUE, escalated_at=expected)
        assert escalations_due(stage, done, now=expected + timedelta(days=9), calendar=SEOUL) == ()


@pytest.mark.parametrize("how", ["incident", "reject"])
def test_a_stage_expires_once_and_takes_no_decision_from_then_on(how: OnExpiry) -> None:
    stage = plan(on_expiry=how)
    assert why_expired(stage, DUE, at=DUE - timedelta(milliseconds=1)) is None
    why = why_expired(stage, DUE, at=DUE)
    assert why is not None
    assert why.kind == "conflict"
    early = DUE + IN_FLIGHT - timedelta(milliseconds=1)
    assert escalations_due(stage, StageTimes(OPENED, DUE), now=early, calendar=SEOUL) == ()
    [expire] = escalations_due(stage, StageTimes(OPENED, DUE), now=DUE + IN_FLIGHT, calendar=SEOUL)
    assert expire == Expire("reject" if how == "reject" else "incident")
    done = StageTimes(OPENED, DUE, expired_at=DUE)
    assert escalations_due(stage, done, now=DUE + IN_FLIGHT, calendar=SEOUL) == ()


def test_a_stage_that_only_is_late_takes_decisions() -> None:
    for stage in (plan(), plan(after="due", on_expiry="escalate")):
        assert why_expired(stage, DUE, at=DUE + timedelta(days=30)) is None


ANN, BO, CY, BOSS, CHIEF = (UUID(int=number) for number in range(5))
NO_VOTES = Votes()


def escalate(
    mode: str,
    quorum: Quorum,
    votes: Votes = NO_VOTES,
    *,
    to: tuple[UUID, ...] = (BOSS,),
    decided: tuple[UUID, ...] = (),
    excluded: frozenset[UUID] = frozenset(),
) -> Escalated | None:
    approve, _ = thresholds(3, quorum.approve, quorum.reject)
    return escalated(
        Escalation(Role("boss"), mode="replace" if mode == "replace" else "add"),
        to,
        seats=(ANN, BO, CY),
        decided=decided,
        votes=votes,
        excluded=excluded,
        quorum=quorum,
        approve=approve,
    )


def test_whoever_is_asked_in_addition_counts_towards_the_same_number_of_approvals() -> None:
    assert escalate("add", Quorum()) == Escalated((BOSS,), (), 3, 2)
    assert escalate("add", Quorum(2, 2)) == Escalated((BOSS,), (), 2, 2)


def test_whoever_is_asked_instead_decides_with_those_who_have_decided() -> None:
    found = escalate("replace", Quorum(), Votes(approvals=1), decided=(ANN,))
    assert found == Escalated((BOSS,), (BO, CY), 2, 1)


def test_an_escalation_alone_never_carries_a_stage() -> None:
    """A quarter of four seats is one approval, which there is already: the new one decides all the same."""
    found = escalate("replace", Quorum(Percent(Decimal(50))), Votes(approvals=1), decided=(ANN,))
    assert found == Escalated((BOSS,), (BO, CY), 2, 1)


def test_where_too_few_would_be_left_for_the_quorum_the_undecided_stay() -> None:
    assert escalate("replace", Quorum(2)) == Escalated((BOSS,), (), 2, 3)
    assert escalate("replace", Quorum(2), to=(BOSS, CHIEF)) == Escalated((BOSS, CHIEF), (ANN, BO, CY), 2, 1)


def test_nobody_excluded_and_nobody_who_is_asked_already_is_asked_by_an_escalation() -> None:
    assert escalate("add", Quorum(), to=(ANN, BOSS), excluded=frozenset({BOSS})) is None
    assert escalate("add", Quorum(), to=()) is None


quorums = st.builds(
    Quorum,
    st.sampled_from(["all", 1, 2, 3, Percent(Decimal(50)), Percent(Decimal(67))]),
    st.sampled_from([None, 1, 2, Percent(Decimal(34))]),
)


@given(st.sampled_from(["add", "replace"]), quorums, st.integers(1, 3), st.lists(st.booleans(), max_size=2))
def test_after_an_escalation_the_vote_is_open_and_still_ends(
    mode: str, quorum: Quorum, added: int, cast: list[bool]
) -> None:
    approve, reject = thresholds(3, quorum.approve, quorum.reject)
    votes = Votes(sum(cast), len(cast) - sum(cast))
    if outcome(approve, reject, votes) is not Outcome.PENDING:
        return
    to = tuple(UUID(int=10 + number) for number in range(added))
    found = escalate(mode, quorum, votes, to=to, decided=(ANN, BO)[: len(cast)])
    assert found is not None
    assert outcome(found.approve, found.reject, votes) is Outcome.PENDING
    left = 3 - len(cast) + added - len(found.release)
    for approvals in range(left + 1):
        ended = Votes(votes.approvals + approvals, votes.rejections + left - approvals)
        assert outcome(found.approve, found.reject, ended) is not Outcome.PENDING


def test_a_due_time_is_put_off_within_the_routes_limit_counted_from_the_first() -> None:
    stage = plan(extend="3 business days")
    later = put_off(DUE, due("2 business days"), SEOUL, now=OPENED).at
    assert local(later) == "Fri 29 18:00"

    def why(by: str, due_at: datetime | None = DUE, *, may: bool = True, given: StagePlan = stage) -> str:
        found = why_not_extend(given, may=may, first_due_at=DUE, due_at=due_at, by=due(by), calendar=SEOUL, now=OPENED)
        return found.sentence if found else ""

    assert why("3 business days") == ""
    assert why("1 business day", later) == ""
    assert why("4 business days").startswith("The route lets the due time of")
    assert why("2 business days", later).startswith("The route lets the due time of")
    assert why("1 business day", may=False).startswith("Only whoever sent the document")
    assert why("1 business day", None) == "This stage has no due time."
    assert why("1 business day", given=plan()).startswith("The route does not let the due time")


@given(st.integers(0, 400), st.integers(1, 20), st.integers(1, 20))
def test_a_time_that_is_over_is_put_off_from_now_by_what_the_route_allows(days: int, by: int, most: int) -> None:
    now = DUE + timedelta(days=days)
    asked, allowed = Due(by, "business days"), Due(most, "business days")
    later = put_off(DUE, asked, SEOUL, now=now).at
    assert later == due_after(now, asked, SEOUL).at > now
    stage = replace(plan(), extend=allowed)
    found = why_not_extend(stage, may=True, first_due_at=DUE, due_at=DUE, by=asked, calendar=SEOUL, now=now)
    assert (found is None) is (by <= most)
    assert put_off(later, asked, SEOUL, now=now).at > later, "what runs again counts from its due time"
