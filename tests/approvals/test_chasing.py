"""Reminders, escalations and expiry in running rounds: each once, in business time, also after a standstill."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from threading import Barrier
from uuid import UUID

import pytest
from sqlmodel import col, select

from tests.support.office import PASSWORD, Office, link_in, text_of
from workflows.approvals.chasing import chase, stages_due
from workflows.approvals.deadlines import IN_FLIGHT
from workflows.approvals.handing_over import delegate, extend
from workflows.approvals.links import follow, insist_on_live
from workflows.approvals.model import Stage, StageState, Task, Verdict
from workflows.approvals.operations import decide
from workflows.audit.queries import history
from workflows.contracts import steps
from workflows.contracts.model import PROCESS, Contract
from workflows.errors import Conflict, Refused
from workflows.outbox import MailState, OutgoingMail
from workflows.signatures.ceremony import sign
from workflows.upkeep.steps import keep_deadlines

HEAD = """\
name: timely
document: contract
priority: 10
calendar: {country: KR, timezone: Asia/Seoul, hours: "09:00-18:00"}
stages:
"""
REMINDED = """\
  - name: legal
    approvers: {group: legal}
    due: 2 business days
    remind: [1 business day before, 1 business day after]
"""


def seoul(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+09:00").astimezone(UTC)


@pytest.fixture
def office(office: Office) -> Office:
    office.person("dan", password=PASSWORD)
    office.person("lee", password=PASSWORD)
    for name in ("ann", "bo"):
        office.person(name, groups=["legal"], manager="lee", password=PASSWORD)
    office.person("root", roles=["administrator"], password=PASSWORD)
    office.person("zoe", organisation="Elsewhere", roles=["administrator"], password=PASSWORD)
    return office


def looked(office: Office, at: str | datetime) -> int:
    """How many stages were dealt with by a look at this time."""
    office.now = seoul(at) if isinstance(at, str) else at
    return keep_deadlines(office.runtime, now=office.now)


def delivered(office: Office) -> None:
    """Every mail leaves, at the office's own time."""
    office.deliver()
    with office.transaction() as session:
        for mail in session.exec(select(OutgoingMail).where(col(OutgoingMail.sent_at) > office.now)):
            mail.sent_at = office.now


def told(office: Office, kind: str) -> list[str]:
    """Whom mails of this kind were written to, by the first part of their address; of one time, by their names."""
    mails = sorted((mail.created_at, mail.to_email) for mail in office.queued() if mail.kind == kind)
    return [email.partition("@")[0] for _, email in mails]


def stage(office: Office, contract: Contract, name: str = "legal") -> Stage:
    with office.reading() as session:
        return session.exec(select(Stage).where(Stage.round_id == office.round(contract).id, Stage.name == name)).one()


def actions(office: Office, contract: Contract) -> list[str]:
    with office.reading() as session:
        return [event.action for event in history(session, PROCESS, contract.id)]


def test_whoever_has_not_decided_is_reminded_once_before_the_due_time_and_once_after(office: Office) -> None:
    office.route(HEAD + REMINDED)
    contract = office.contract()  # Thu 21 May; Mon 25 May is a holiday
    assert stage(office, contract).due_at == seoul("2026-05-26 18:00")
    assert stage(office, contract).look_at == seoul("2026-05-22 18:00"), "nobody need look before"
    assert looked(office, "2026-05-22 17:59") == 0
    office.decide("bo")
    assert looked(office, "2026-05-22 18:00") == 1
    assert looked(office, "2026-05-22 18:01") == 0
    assert told(office, "reminder") == ["ann"]
    assert looked(office, "2026-05-27 17:59") == 0
    assert looked(office, "2026-05-27 18:00") == 1
    assert told(office, "reminder") == ["ann", "ann"]
    assert stage(office, contract).look_at is None, "nothing is left to be done"
    assert actions(office, contract).count("reminded") == 2


def test_a_reminder_carries_a_link_that_decides(office: Office) -> None:
    office.route(HEAD + REMINDED)
    contract = office.contract()
    delivered(office)
    looked(office, "2026-05-22 18:00")
    delivered(office)
    [mail] = [each for each in office.mails.to(office.email("ann")) if "reminder" in str(each["Subject"])]
    assert str(mail["Subject"]) == f"A reminder, please decide by Tue 26 May: Forklift fleet lease ({contract.number})"
    with office.reading() as session:
        link, task, round = follow(session, link_in(mail).removeprefix("/t/"))
        insist_on_live(link, round, task, now=office.now)
        assert task.email == office.email("ann")


def test_reminders_that_were_missed_while_nothing_ran_are_one(office: Office) -> None:
    office.route(HEAD + REMINDED.replace("1 business day after", "1 business day after, every 2 business days"))
    office.contract()
    looked(office, "2026-06-10 09:30")
    assert sorted(told(office, "reminder")) == ["ann", "bo"]
    looked(office, "2026-06-10 09:31")
    assert sorted(told(office, "reminder")) == ["ann", "bo"]


def test_of_reminders_that_could_not_leave_only_the_newest_does(office: Office) -> None:
    office.route(HEAD + REMINDED)
    office.contract()
    delivered(office)
    for at in ("2026-05-22 18:00", "2026-05-27 18:00"):
        looked(office, at)
    assert len(told(office, "reminder")) == 4
    delivered(office)
    with office.reading() as session:
        states = session.exec(
            select(OutgoingMail.to_email, OutgoingMail.state)
            .where(OutgoingMail.kind == "reminder")
            .order_by(col(OutgoingMail.created_at), col(OutgoingMail.to_email))
        ).all()
    assert [state for _, state in states] == [MailState.DROPPED] * 2 + [MailState.SENT] * 2


def test_a_stage_that_is_done_costs_no_look(office: Office) -> None:
    office.route(HEAD + REMINDED)
    contract = office.contract()
    office.decide("ann")
    office.decide("bo")
    assert looked(office, "2026-05-22 18:00") == 0
    assert stage(office, contract).look_at is None
    assert told(office, "reminder") == []
    with office.reading() as session:
        assert stages_due(session, now=office.now) == []


def test_whoever_gets_a_task_later_is_reminded_as_well(office: Office) -> None:
    office.route(HEAD + REMINDED.replace("1 business day before, 1 business day after", "every 1 business day"))
    contract = office.contract()
    looked(office, "2026-05-22 18:00")
    office.now = seoul("2026-05-25 10:00")
    task, by = office.task_of("ann", contract), office.actor("ann")
    with office.transaction() as session:
        delegate(session, task.id, to=office.email("lee"), by=by, now=office.now)
    looked(office, "2026-05-26 18:00")
    assert sorted(told(office, "reminder")) == ["ann", "bo", "bo", "lee"]


ESCALATED = """\
  - name: legal
    approvers: {people: [ann@haneul.example]}
    due: 2 business days
    escalate: {after: due, to: {manager_of: assignee}, mode: MODE}
"""


@pytest.mark.parametrize("mode", ["add", "replace"])
def test_a_stage_that_waits_too_long_asks_others_once(office: Office, mode: str) -> None:
    office.route(HEAD + ESCALATED.replace("MODE", mode))
    contract = office.contract()
    assert looked(office, "2026-05-26 17:59") == 0
    assert office.open_tasks(contract) == ["ann"]
    for _ in range(2):
        looked(office, "2026-05-26 18:00")
        assert office.open_tasks(contract) == (["ann", "lee"] if mode == "add" else ["lee"])
    assert told(office, "task") == ["ann", "lee"]
    assert told(office, "escalated") == (["dan"] if mode == "add" else ["ann", "dan"])
    assert told(office, "reminder") == (["ann"] if mode == "add" else [])
    assert actions(office, contract).count("escalated") == 1
    office.decide("lee")
    assert stage(office, contract).state is StageState.APPROVED, "one approval, as before"
    assert office.open_tasks(contract) == []


def test_whoever_was_asked_before_reads_what_became_of_their_task(office: Office) -> None:
    office.route(HEAD + ESCALATED.replace("MODE", "replace"))
    contract = office.contract()
    task = office.task_of("ann", contract)
    looked(office, "2026-05-26 18:00")
    with pytest.raises(Conflict, match="Others are asked instead of you"):
        decided_at(office, contract, task, office.now)


def test_where_nobody_is_left_to_escalate_to_administrators_hear_of_it_once(office: Office) -> None:
    office.route(HEAD + ESCALATED.replace("MODE", "add").replace("manager_of: assignee", "role: nobody"))
    contract = office.contract()
    for _ in range(2):
        looked(office, "2026-05-26 18:00")
    assert told(office, "ran_out") == ["root"]
    assert actions(office, contract).count("nobody_to_escalate_to") == 1
    assert office.open_tasks(contract) == ["ann"], "who can still decide"
    office.decide("ann")
    assert stage(office, contract).state is StageState.APPROVED


def test_nobody_escalates_to_whoever_sent_the_document(office: Office) -> None:
    source = HEAD.replace("stages:", "separation: {exclude: [submitter]}\nstages:") + ESCALATED.replace("MODE", "add")
    office.route(source.replace("manager_of: assignee", "people: [dan@haneul.example]"))
    contract = office.contract()
    looked(office, "2026-05-26 18:00")
    assert office.open_tasks(contract) == ["ann"]
    assert told(office, "ran_out") == ["root"]


EXPIRING = """\
  - name: legal
    approvers: {people: [ann@haneul.example]}
    due: 2 business days
    extend: 5 business days
    on_expiry: HOW
"""
DUE = seoul("2026-05-26 18:00")


@pytest.mark.parametrize("how", ["incident", "reject"])
@pytest.mark.parametrize("swept", [False, True])
def test_the_time_at_which_a_decision_comes_in_says_whether_it_counts(office: Office, how: str, swept: bool) -> None:
    office.route(HEAD + EXPIRING.replace("HOW", how))
    contract = office.contract()
    task = office.task_of("ann", contract)
    if swept:
        looked(office, DUE + IN_FLIGHT)
    office.now = DUE - timedelta(minutes=1)
    with pytest.raises(Conflict, match="The time for this ran out on") as refused:
        decided_at(office, contract, task, DUE)
    assert "Nothing" in str(refused.value)
    assert stage(office, contract).state is (StageState.REJECTED if swept and how == "reject" else StageState.OPEN)


@pytest.mark.parametrize("how", ["incident", "reject"])
def test_a_decision_that_came_in_before_the_deadline_counts_though_it_waited_for_its_turn(
    office: Office, how: str
) -> None:
    office.route(HEAD + EXPIRING.replace("HOW", how))
    contract = office.contract()
    looked(office, DUE + IN_FLIGHT - timedelta(milliseconds=1))
    decided_at(office, contract, office.task_of("ann", contract), DUE - timedelta(milliseconds=1))
    assert stage(office, contract).state is StageState.APPROVED


def decided_at(office: Office, contract: Contract, task: Task, at: datetime) -> None:
    seen, by = office.round(contract).version_sha256, office.actor("ann")
    with office.transaction() as session:
        decide(session, task.id, Verdict.APPROVE, seen=seen, by=by, now=at)


@pytest.mark.parametrize("turn", range(3))
def test_a_decision_and_the_end_of_its_time_at_once_come_to_one_of_the_two(office: Office, turn: int) -> None:
    office.route(HEAD + EXPIRING.replace("HOW", "reject"))
    contract = office.contract()
    task, together = office.task_of("ann", contract), Barrier(2)

    def decided() -> bool:
        together.wait()
        try:
            decided_at(office, contract, task, DUE - timedelta(milliseconds=1))
        except Conflict:
            return False
        return True

    def ended() -> int:
        together.wait()
        return keep_deadlines(office.runtime, now=DUE + IN_FLIGHT)

    with ThreadPoolExecutor(2) as both:
        came_in_time, looked_at = both.submit(decided), both.submit(ended)
        counted = came_in_time.result()
        looked_at.result()
    keep_deadlines(office.runtime, now=DUE + IN_FLIGHT)
    assert (office.state(contract), stage(office, contract).state) == (
        ("approved", StageState.APPROVED) if counted else ("rejected", StageState.REJECTED)
    )
    assert actions(office, contract).count("rejected_by_time") == (0 if counted else 1)


def test_on_expiry_escalate_asks_others_and_still_takes_decisions(office: Office) -> None:
    office.route(HEAD + ESCALATED.replace("MODE", "add") + "    on_expiry: escalate\n")
    contract = office.contract()
    looked(office, DUE)
    assert office.open_tasks(contract) == ["ann", "lee"]
    looked(office, DUE + IN_FLIGHT)
    decided_at(office, contract, office.task_of("ann", contract), DUE + timedelta(days=3))
    assert stage(office, contract).state is StageState.APPROVED


def put_off(office: Office, contract: Contract) -> None:
    task, by = office.task_of("ann", contract), office.actor("root")
    with office.transaction() as session:
        extend(session, task.id, time="1 business day", by=by, now=office.now)


def test_a_stage_that_ran_out_is_an_incident_until_it_is_put_off(office: Office) -> None:
    office.route(HEAD + EXPIRING.replace("HOW", "incident"))
    contract = office.contract()
    for _ in range(2):
        looked(office, DUE + IN_FLIGHT)
    assert told(office, "ran_out") == ["dan", "root"]
    assert stage(office, contract).expired_at == office.now
    assert office.open_tasks(contract) == ["ann"]
    put_off(office, contract)
    assert stage(office, contract).expired_at is None
    office.decide("ann")
    assert stage(office, contract).state is StageState.APPROVED


def test_a_stage_that_runs_out_again_is_an_incident_again(office: Office) -> None:
    office.route(HEAD + EXPIRING.replace("HOW", "incident"))
    contract = office.contract()
    looked(office, DUE + IN_FLIGHT)
    put_off(office, contract)
    looked(office, seoul("2026-05-27 18:00") + IN_FLIGHT)
    assert told(office, "ran_out") == ["dan", "root"] * 2


def test_a_stage_that_ran_out_long_ago_is_put_off_from_now(office: Office) -> None:
    office.route(HEAD + EXPIRING.replace("HOW", "incident"))
    contract = office.contract()
    looked(office, seoul("2026-07-01 09:00"))
    put_off(office, contract)
    assert stage(office, contract).due_at == seoul("2026-07-02 18:00")
    assert stage(office, contract).expired_at is None
    with pytest.raises(Refused, match=r"be put off until .*2026-07-02.* at the latest"):
        put_off(office, contract)
    office.decide("ann")
    assert stage(office, contract).state is StageState.APPROVED


def test_what_is_rejected_for_its_time_ends_and_its_sender_hears_of_it(office: Office) -> None:
    office.route(HEAD + EXPIRING.replace("HOW", "reject"))
    contract = office.contract()
    for _ in range(2):
        looked(office, DUE + IN_FLIGHT)
    assert office.state(contract) == "rejected"
    assert told(office, "rejected") == ["dan"]
    assert office.open_tasks(contract) == []
    assert actions(office, contract).count("rejected_by_time") == 1
    assert office.task_of("ann", contract).closed_because == "expired"


SIGNED = """\
  - {name: manager, approvers: {people: [lee@haneul.example]}}
  - {name: sign, kind: signature, due: 2 business days, remind: [1 business day before], on_expiry: HOW}
"""


def test_signers_are_reminded_and_what_is_not_signed_in_time_does_not_come_into_force(office: Office) -> None:
    office.route(HEAD + SIGNED.replace("HOW", "reject"))
    contract = office.contract(signers=["ann", "bo"])
    office.decide("lee")
    office.carry_on(contract)
    with office.transaction() as session:  # steps have the real time
        sign = session.exec(select(Stage).where(Stage.name == "sign")).one()
        due_at, look_at = sign.due_at, sign.look_at
    assert due_at is not None
    assert look_at is not None
    looked(office, look_at)
    assert told(office, "reminder") == ["ann"]
    looked(office, due_at + IN_FLIGHT)
    assert office.state(contract) == "declined"
    assert office.open_tasks(contract) == []
    with pytest.raises(Conflict, match="The time for this ran out"):
        sign_as(office, office.task_of("ann", contract), contract)


def test_nobody_signs_after_the_due_time_though_nothing_has_ended_it_yet(office: Office) -> None:
    office.route(HEAD + SIGNED.replace("HOW", "incident"))
    contract = office.contract(signers=["ann"])
    office.decide("lee")
    office.carry_on(contract)
    with office.transaction() as session:
        sign = session.exec(select(Stage).where(Stage.name == "sign")).one()
        sign.due_at = datetime.now(UTC) - timedelta(seconds=1)
    with pytest.raises(Conflict, match="The time for this ran out"):
        sign_as(office, office.task_of("ann", contract), contract)


def sign_as(office: Office, task: Task, contract: Contract) -> None:
    sign(
        steps.desk(office.runtime),
        task.id,
        seen=office.round(contract).version_sha256,
        name="Ann",
        consent=True,
        by=office.actor("ann"),
        now=lambda: datetime.now(UTC),
    )


def test_two_lookers_at_once_do_everything_once(office: Office) -> None:
    office.route(HEAD + REMINDED)
    contracts = [office.contract(title=f"Lease {n}") for n in range(3)]
    office.now = seoul("2026-05-22 18:00")
    with ThreadPoolExecutor(4) as lookers:
        list(lookers.map(lambda _: keep_deadlines(office.runtime, now=office.now), range(4)))
    keep_deadlines(office.runtime, now=office.now)
    assert sorted(told(office, "reminder")) == ["ann"] * 3 + ["bo"] * 3
    assert [actions(office, each).count("reminded") for each in contracts] == [2, 2, 2]


def test_one_stage_that_cannot_be_dealt_with_does_not_stop_the_others(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    office.route(HEAD + REMINDED)
    broken, sound = office.contract(title="Broken"), office.contract(title="Sound")
    with office.transaction() as session:
        round = session.merge(office.round(broken))
        round.card = {**round.card, "link_days": "many"}
    assert looked(office, "2026-05-22 18:00") == 1
    assert sorted(told(office, "reminder")) == ["ann", "bo"]
    assert actions(office, sound).count("reminded") == 2
    assert "could not be kept" in caplog.text


def test_stages_that_wait_are_not_even_read(office: Office) -> None:
    """What is due is found by its index: a hundred thousand that wait cost nothing."""
    office.route(HEAD + REMINDED)
    office.contract()
    due = select(Stage.id).where(col(Stage.look_at) <= office.now).order_by(col(Stage.look_at))
    with office.reading() as session:
        dialect = session.get_bind().dialect
        wanted = str(due.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
        if dialect.name == "sqlite":
            found = session.connection().exec_driver_sql(f"explain query plan {wanted}").all()
        else:
            session.connection().exec_driver_sql("set local enable_seqscan = off")  # of one row it would read the table
            found = session.connection().exec_driver_sql(f"explain {wanted}").all()
    assert "ix_stage_look_at" in str(found)


def test_a_look_before_its_time_changes_nothing(office: Office) -> None:
    office.route(HEAD + REMINDED)
    contract = office.contract()
    before = stage(office, contract)
    with office.transaction() as session:
        assert not chase(session, before.id, now=office.now)
    with office.transaction() as session:
        assert not chase(session, UUID(int=1), now=office.now)
    assert stage(office, contract).look_at == before.look_at


def words(mail: EmailMessage) -> str:
    return " ".join(text_of(mail).split())


def test_the_mails_say_what_happened_in_either_language(office: Office) -> None:
    with office.transaction() as session:
        for name in ("root", "lee"):
            session.merge(office.people[name]).locale = "ko"
    office.route(HEAD + ESCALATED.replace("MODE", "add") + "    on_expiry: incident\n")
    office.contract()
    looked(office, DUE)
    looked(office, DUE + IN_FLIGHT)
    delivered(office)
    [to_lee] = office.mails.to(office.email("lee"))
    assert "Ann 님의 결재가 늦어진 계약" in words(to_lee)
    [to_root] = office.mails.to(office.email("root"))
    assert "기한이 지났습니다" in words(to_root)
    assert any("Not decided by Ann" in words(each) for each in office.mails.to(office.email("dan")))
