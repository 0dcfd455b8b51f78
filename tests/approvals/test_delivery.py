"""From when the time of people counts: with an account from the asking, without one from when the mail has left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from uuid import UUID

import pytest
from sqlmodel import Session, col, select

from tests.support.office import PASSWORD, Office, text_of
from workflows import dispatcher
from workflows.approvals.chasing import MAIL_WAITS
from workflows.approvals.deadlines import IN_FLIGHT
from workflows.approvals.handing_over import extend, send_link_again
from workflows.approvals.model import Link, Stage, Task, Verdict
from workflows.approvals.operations import decide
from workflows.approvals.rules import due_of
from workflows.approvals.timing import clock, why_ran_out
from workflows.business_time import Calendar, due_after
from workflows.columns import to_millisecond
from workflows.contracts.model import Contract
from workflows.database import Work
from workflows.mailer import MailUnavailable
from workflows.outbox import MailState, OutgoingMail
from workflows.places import here
from workflows.upkeep.steps import keep_deadlines

ROUTE = """\
name: timely
document: contract
priority: 10
calendar: {country: KR, timezone: Asia/Seoul}
stages:
  - name: legal
    approvers: {people: [guest@haneul.example]}
    due: 4 business hours
    remind: [1 business hour before]
    escalate: {after: 1 business hour, to: {people: [lee@haneul.example]}}
    on_expiry: reject
"""
SEOUL = Calendar("KR", "Asia/Seoul")


@pytest.fixture
def office(office: Office) -> Office:
    office.person("dan", password=PASSWORD)
    office.person("lee", password=PASSWORD)
    office.person("guest")
    office.now = to_millisecond(datetime.now(UTC)) - timedelta(days=9)  # the dispatcher has the real time
    return office


def sent(office: Office) -> datetime:
    with office.reading() as session:
        at = session.exec(select(OutgoingMail.sent_at).where(OutgoingMail.kind == "task")).first()
        assert at is not None
        return at


def stage(office: Office) -> Stage:
    with office.reading() as session:
        return session.exec(select(Stage).where(Stage.name == "legal")).one()


def link(office: Office) -> Link:
    with office.reading() as session:
        return session.exec(select(Link)).one()


def test_without_an_account_link_and_due_time_stand_as_if_the_asking_was_when_the_mail_left(office: Office) -> None:
    office.route(ROUTE)
    office.contract()
    office.deliver()
    at = sent(office)
    assert link(office).expires_at == at + timedelta(days=14)
    due = due_after(at, "4 business hours", SEOUL)
    legal = stage(office)
    assert legal.due_at == due.at
    assert legal.due is not None
    assert [legal.due[each] for each in ("steps", "skipped")] == [due.as_data()[each] for each in ("steps", "skipped")]
    with office.reading() as session:
        times, [asked] = clock(session, legal, session.exec(select(Task)).all())
    assert times.opened_at == asked.asked_at == at, "reminders and escalations count from there as well"


def test_with_an_account_they_count_from_the_asking_however_late_the_mail_is(office: Office) -> None:
    office.route(ROUTE.replace("guest", "lee"))
    opened_at = office.now
    office.contract()
    office.deliver()
    assert sent(office) > opened_at + timedelta(days=8)
    assert abs(link(office).expires_at - (opened_at + timedelta(days=14))) < timedelta(milliseconds=1)
    legal = stage(office)
    assert legal.due_at == due_after(opened_at, "4 business hours", SEOUL).at
    with office.reading() as session:
        times, [asked] = clock(session, legal, session.exec(select(Task)).all())
    assert times.opened_at == asked.asked_at == legal.opened_at


def test_the_mail_states_the_times_that_hold_when_it_leaves(office: Office) -> None:
    office.route(ROUTE)
    office.contract()
    [mail] = office.deliver()
    until = (sent(office) + timedelta(days=14)).astimezone(SEOUL.zone)
    assert f"{until:%Y, %H:%M}" in " ".join(text_of(mail).split())
    due_at = stage(office).due_at
    assert due_at is not None
    assert f"{due_at.astimezone(SEOUL.zone):%Y, %H:%M} KST" in " ".join(text_of(mail).split())


@pytest.mark.parametrize("days", [1, 9], ids=["it is tried again", "it is given up"])
def test_nothing_runs_out_before_the_mail_that_asks_has_left(office: Office, days: int) -> None:
    office.now = datetime.now(UTC) - timedelta(days=days)
    office.route(ROUTE)
    contract = office.contract()
    office.mails.refuse = MailUnavailable("The mail server is away.")
    office.deliver()
    due_at = stage(office).due_at
    assert due_at is not None
    office.now = late = due_at + timedelta(days=3)
    assert keep_deadlines(office.runtime, now=late) == 0
    assert stage(office).look_at == late + MAIL_WAITS
    assert office.open_tasks(contract) == ["guest"], "nobody else is asked, and nothing is rejected"
    approve(office, contract, at=late)  # nobody has told them when it was due
    assert office.open_tasks(contract) == []


def test_once_the_mail_has_left_the_time_runs(office: Office) -> None:
    office.route(ROUTE)
    contract = office.contract()
    office.deliver()
    due_at = stage(office).due_at
    assert due_at is not None
    keep_deadlines(office.runtime, now=due_at + IN_FLIGHT)
    assert office.state(contract) == "rejected"


def test_a_link_that_is_sent_again_late_lasts_as_long_and_puts_no_due_time_off(office: Office) -> None:
    office.route(ROUTE)
    contract = office.contract()
    office.deliver()
    due_at = stage(office).due_at
    with office.transaction() as session:
        again = office.now + timedelta(days=1)
        send_link_again(session, office.task_of("guest", contract).id, by=office.actor("dan"), now=again)
    office.deliver()
    with office.reading() as session:
        newest = session.exec(select(Link).where(col(Link.dead_at).is_(None))).one()
        left = session.exec(select(OutgoingMail.sent_at).order_by(col(OutgoingMail.created_at).desc())).first()
    assert left is not None
    assert newest.expires_at == left + timedelta(days=14)
    assert stage(office).due_at == due_at


def approve(office: Office, contract: Contract, *, at: datetime) -> None:
    task, seen, by = office.task_of("guest", contract), office.round(contract).version_sha256, office.actor("guest")
    with office.transaction() as session:
        decide(session, task.id, Verdict.APPROVE, seen=seen, by=by, now=at)


@pytest.mark.parametrize("call", [1, 2], ids=["before it leaves", "after it has left"])
def test_a_mail_whose_times_cannot_be_written_holds_up_no_other_and_leaves_once(
    office: Office, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    office.now = datetime.now(UTC) - timedelta(days=1)  # later it would be given up
    office.route(ROUTE.replace("[guest@haneul.example]", "[guest@haneul.example, lee@haneul.example]"))
    office.contract()
    leaves, calls = office.runtime.dispatcher._leaves, []

    def fails_once(session: Work, mail: OutgoingMail, at: datetime) -> None:
        if mail.to_email == office.email("guest"):
            calls.append(at)
            if len(calls) == call:
                raise RuntimeError("a mishap")
        leaves(session, mail, at)

    monkeypatch.setattr(office.runtime.dispatcher, "_leaves", fails_once)
    office.deliver()
    assert len(office.mails.to(office.email("lee"))) == 1
    with office.transaction() as session:
        for mail in session.exec(select(OutgoingMail)):
            assert mail.claimed_until is None, "nothing waits for a claim to run out"
            mail.not_before = mail.created_at
    office.deliver()
    assert len(office.mails.to(office.email("guest"))) == 1
    assert {mail.state for mail in office.queued()} == {MailState.SENT}


def test_what_a_dead_process_holds_leaves_also_while_others_keep_saying_that_there_is_something(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.now = datetime.now(UTC)
    office.route(ROUTE)
    send_mails = office.runtime.dispatcher.send_mails
    send_mails()  # which looks
    office.contract()
    machine, pid, born, space = here().split(":")
    with office.transaction() as session:
        for mail in session.exec(select(OutgoingMail)):
            mail.claimed_until = datetime.now(UTC) + dispatcher.CLAIM
            mail.claimed_by = f"{machine}:{pid}:{born}0:{space}"  # born at another time: one that is gone
    assert send_mails(surely=True) == 0, "it does not look each time"
    monkeypatch.setattr(dispatcher, "LOOK_AGAIN", 0)
    assert send_mails(surely=True) == 1
    assert len(office.mails.to(office.email("guest"))) == 1


def test_a_mail_of_which_nobody_can_say_whether_it_is_wanted_holds_up_no_other(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.now = datetime.now(UTC)
    office.route(ROUTE.replace("[guest@haneul.example]", "[guest@haneul.example, lee@haneul.example]"))
    office.contract()
    wanted = office.runtime.dispatcher._still_wanted

    def fails(session: Session, mails: Sequence[OutgoingMail]) -> set[UUID]:
        if any(mail.to_email == office.email("guest") for mail in mails):
            raise RuntimeError("a mishap")
        return wanted(session, mails)

    monkeypatch.setattr(office.runtime.dispatcher, "_still_wanted", fails)
    office.deliver()
    assert len(office.mails.to(office.email("lee"))) == 1
    assert office.mails.to(office.email("guest")) == []
    with office.transaction() as session:
        mail = session.exec(select(OutgoingMail).where(OutgoingMail.to_email == office.email("guest"))).one()
        assert (mail.state, mail.claimed_until) == (MailState.QUEUED, None), "it is tried again"


def test_a_mail_that_waits_long_in_its_batch_says_what_holds_when_it_leaves(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.now = datetime.now(UTC)
    office.route(ROUTE.replace("[guest@haneul.example]", "[guest@haneul.example, lee@haneul.example]"))
    office.contract()
    monkeypatch.setattr(dispatcher, "STILL_FRESH", 0)
    send = office.mails.send
    corrected: list[UUID] = []

    def corrects_another_first(message: EmailMessage) -> None:
        if not corrected:
            with office.transaction() as session:
                asking = session.exec(select(OutgoingMail).where(OutgoingMail.kind == "task"))
                [mail] = [each for each in asking if each.to_email not in str(message["To"])]
                mail.to_email = "right@nordwerk.example"
                corrected.append(mail.id)
        send(message)

    monkeypatch.setattr(office.mails, "send", corrects_another_first)
    office.deliver()
    assert len(office.mails.to("right@nordwerk.example")) == 1


TWO = ROUTE.replace("[guest@haneul.example]", "[guest@haneul.example, lee@haneul.example]").replace(
    "{people: [lee@haneul.example]}", "{people: [mia@haneul.example]}"
)


def test_in_a_stage_of_several_the_time_moves_on_for_whom_the_mail_left_late_and_for_nobody_else(
    office: Office,
) -> None:
    office.person("mia", password=PASSWORD)
    office.route(TWO)
    opened_at = office.now
    contract = office.contract()
    office.deliver()
    [left] = [mail.sent_at for mail in office.queued() if mail.to_email == office.email("guest")]
    assert left is not None
    early, late = due_after(opened_at, "4 business hours", SEOUL).at, due_after(left, "4 business hours", SEOUL).at
    dues = {name: due_of(stage(office), office.task_of(name, contract))[0] for name in ("lee", "guest")}
    assert dues == {"lee": early, "guest": late}
    for name, at in dues.items():
        [mail] = office.mails.to(office.email(name))
        assert at is not None
        assert f"{at.astimezone(SEOUL.zone):%Y, %H:%M} KST" in " ".join(text_of(mail).split())
    with office.reading() as session:
        lee, guest = (office.task_of(name, contract) for name in ("lee", "guest"))
        assert why_ran_out(session, office.round(contract), stage(office), lee, at=early) is not None
        assert why_ran_out(session, office.round(contract), stage(office), guest, at=early) is None
    keep_deadlines(office.runtime, now=early + IN_FLIGHT)
    assert office.state(contract) == "in_review", "the stage goes on until the last of them has had their time"
    keep_deadlines(office.runtime, now=late + IN_FLIGHT)
    assert office.state(contract) == "rejected"


def test_a_due_time_that_is_put_off_is_put_off_for_all(office: Office) -> None:
    office.person("mia", password=PASSWORD)
    office.route(TWO + "    extend: 5 business days\n")
    contract = office.contract()
    office.deliver()
    task, by = office.task_of("lee", contract), office.actor("dan")
    now = datetime.now(UTC)
    with office.transaction() as session:
        extend(session, task.id, time="1 business day", by=by, now=now)
    due_at = stage(office).due_at
    assert {due_of(stage(office), office.task_of(name, contract))[0] for name in ("lee", "guest")} == {due_at}
