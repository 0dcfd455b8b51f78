"""What boards count, and how what they show is mended; on either database."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from statistics import median, quantiles
from uuid import UUID, uuid4

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from tests.api.test_inbox import many, queries_of
from tests.support.office import Office
from workflows.approvals.handing_over import reassign
from workflows.approvals.leaving import see_off
from workflows.approvals.model import Round, Stage, StageState, Task, TaskState
from workflows.audit.queries import history
from workflows.boards import queries
from workflows.boards.incidents import Incidents, LostMail
from workflows.boards.incidents import incidents as incidents_of
from workflows.boards.operations import correct_address, send_again, try_again, wake_again
from workflows.boards.rules import AGES, age_class, months
from workflows.contracts.model import Contract
from workflows.contracts.queries import listed
from workflows.errors import Conflict, Forbidden, NotFound, Refused
from workflows.mailer import MailRefused, MailUnavailable
from workflows.outbox import MailState, OutgoingMail, RunOwed

ROUTE = """\
name: one-stage
document: contract
priority: 10
calendar: {country: KR, timezone: Asia/Seoul, hours: "09:00-18:00"}
stages:
  - name: legal
    approvers: {group: legal}
    due: 2 business days
"""
SIGNED = """\
name: signed-at-once
document: contract
priority: 20
when: contract.kind == "nda"
stages:
  - name: manager
    approvers: {manager_of: submitter}
"""


@pytest.fixture
def office(office: Office) -> Office:
    office.now = datetime.now(UTC) - timedelta(hours=3)
    office.person("mia")
    office.person("dan", manager="mia")
    office.person("ann", groups=["legal"])
    office.person("root", roles=["administrator"])
    office.person("eve", organisation="Elsewhere", roles=["administrator"])
    office.route(ROUTE)
    return office


def stuck(office: Office, who: str = "root") -> queries.Stuck:
    with office.reading() as session:
        return queries.stuck(session, office.actor(who).organisation_id, now=office.now)


def incidents(office: Office, who: str = "root") -> Incidents:
    with office.reading() as session:
        return incidents_of(session, office.actor(who).organisation_id, now=office.now)


def events(office: Office, contract: Contract) -> list[str]:
    with office.reading() as session:
        return [each.action for each in history(session, "contract", contract.id)]


def test_open_tasks_are_counted_by_stage_person_and_age(office: Office) -> None:
    many(office, 30)
    chance = random.Random(1)
    with office.transaction() as session:
        asked = {}
        for task in session.exec(select(Task)):
            asked[task.id] = task.asked_at = office.now - timedelta(hours=chance.uniform(0, 60 * 24))
        late = {each.id for each in session.exec(select(Stage)) if each.due_at and each.due_at < office.now}
    found = stuck(office)
    assert found.tasks == 30
    assert found.overdue == len(late)
    wanted = [age_class(office.now - at) for at in asked.values()]
    assert found.ages == tuple(wanted.count(index) for index in range(len(AGES) + 1))
    (stage,), (person,) = found.stages, found.people
    assert (stage.route, stage.stage, stage.tasks) == ("one-stage", "legal", 30)
    assert (person.name, person.tasks) == ("Ann", 30)
    assert abs(stage.oldest - min(asked.values())) < timedelta(milliseconds=1)
    assert [each.since for each in found.longest] == sorted(each.since for each in found.longest)
    assert len(found.longest) == queries.MOST_TASKS


def test_nobody_counts_what_another_organisation_does(office: Office) -> None:
    office.contract()
    assert stuck(office).tasks == 1
    assert stuck(office, "eve") == queries.Stuck(0, 0, (0, 0, 0, 0, 0), [], [], [])
    with office.reading() as session:
        assert queries.routes(session, office.actor("eve").organisation_id) == []
        assert queries.routes(session, office.actor("root").organisation_id) == [("one-stage", 1)]
        shown = months(office.now, "UTC")
        assert not any(
            each.whole for each in queries.cycles(session, office.actor("eve").organisation_id, "one-stage", shown)
        )


def decided_at_random(office: Office, number: int) -> dict[UUID, tuple[datetime, timedelta]]:
    """Stages that closed within the last half year, each with when, and how long it had been open."""
    many(office, number)
    chance = random.Random(7)
    lasted = {}
    with office.transaction() as session:
        for stage in session.exec(select(Stage)).all():
            ended = office.now - timedelta(days=chance.uniform(0, 180))
            took = timedelta(seconds=round(chance.lognormvariate(11, 1)))
            stage.opened_at, stage.closed_at, stage.state = ended - took, ended, StageState.APPROVED
            lasted[stage.id] = (ended, took)
            session.exec(update(Task).where(col(Task.stage_id) == stage.id).values(state=TaskState.DECIDED))
            session.exec(
                update(Round)
                .where(col(Round.id) == stage.round_id)
                .values(state="approved", opened_at=ended - 2 * took)
            )
    return lasted


def test_the_median_and_the_ninth_decile_of_each_month_are_those_of_its_stages(office: Office) -> None:
    lasted = decided_at_random(office, 90)
    shown = months(office.now, "Asia/Seoul")
    with office.reading() as session:
        whole, legal = queries.cycles(session, office.actor("root").organisation_id, "one-stage", shown)
    assert (whole.stage, legal.stage) == (None, "legal")
    assert legal.whole is not None
    assert whole.whole is not None
    assert legal.whole.number == 90
    seconds = [took.total_seconds() for _, took in lasted.values()]
    assert legal.whole.median == pytest.approx(median(seconds), abs=0.01)
    assert legal.whole.p90 == pytest.approx(quantiles(seconds, n=10, method="inclusive")[8], abs=0.01)
    assert whole.whole.median == pytest.approx(2 * median(seconds), abs=0.01)
    for month, spread in zip(shown, legal.months, strict=True):
        within = [took.total_seconds() for ended, took in lasted.values() if month.start <= ended < month.end]
        assert (spread.number if spread else 0) == len(within)
        if spread and len(within) > 1:
            assert spread.median == pytest.approx(median(within), abs=0.01)
            assert spread.p90 == pytest.approx(quantiles(within, n=10, method="inclusive")[8], abs=0.01)


def test_what_goes_on_has_no_cycle_time_yet(office: Office) -> None:
    office.contract()
    with office.reading() as session:
        found = queries.cycles(
            session, office.actor("root").organisation_id, "one-stage", months(office.now, "Asia/Seoul")
        )
    assert [(each.stage, each.whole) for each in found] == [(None, None)]


def test_boards_read_as_many_rows_of_many_rounds_as_of_few(office: Office) -> None:
    decided_at_random(office, 60)
    ours, shown = office.actor("root").organisation_id, months(office.now, "Asia/Seoul")
    with office.reading() as session, queries_of(office.runtime.engine) as seen:
        queries.cycles(session, ours, "one-stage", shown)
        assert not session.identity_map.keys(), "rounds were loaded"
    assert len(seen) <= 5


def blocked_contract(office: Office) -> Contract:
    office.route(ROUTE.replace("one-stage", "auditors").replace("{group: legal}", "{group: auditors}"))
    return office.contract(route="auditors")


def test_a_stage_with_nobody_to_ask_is_an_incident_until_somebody_is_there(office: Office) -> None:
    contract = blocked_contract(office)
    (blocked,) = incidents(office).blocked
    assert (blocked.stage, blocked.route, blocked.subject_id) == ("legal", "auditors", contract.id)
    assert incidents(office, "eve").count == 0
    root = office.actor("root")
    with pytest.raises(Conflict, match="still nobody to ask"), office.transaction() as session:
        try_again(session, blocked.stage_id, by=root, now=office.later(minutes=1))
    office.person("ida", groups=["auditors"])
    for _ in range(2):
        with office.transaction() as session:
            try_again(session, blocked.stage_id, by=root, now=office.later(minutes=1))
    assert office.open_tasks(contract) == ["ida"]
    assert incidents(office).count == 0


def test_only_administrators_of_the_organisation_mend(office: Office) -> None:
    contract = blocked_contract(office)
    (blocked,) = incidents(office).blocked
    for name, refused in (("eve", NotFound), ("dan", Forbidden)):
        by = office.actor(name)
        with pytest.raises(refused), office.transaction() as session:
            try_again(session, blocked.stage_id, by=by, now=office.now)
        with pytest.raises(refused), office.transaction() as session:
            wake_again(session, "contract", contract.id, by=by, now=office.now)


def with_lost_mail(office: Office) -> tuple[Contract, LostMail]:
    """A contract whose signer's address does not exist."""
    office.route(SIGNED)
    contract = office.contract(kind="nda", signers=["sarka@nordwrk.example"])
    office.decide("mia", contract=contract)
    office.deliver()
    office.carry_on(contract)
    office.mails.refuse = MailRefused("550 5.1.1 no such user", permanent=True)
    office.deliver()
    office.mails.refuse = None
    office.deliver()
    (lost,) = [each for each in incidents(office).mails if each.kind == "signature"]
    return contract, lost


def test_a_mail_that_was_refused_is_an_incident_until_it_is_sent_again(office: Office) -> None:
    contract, lost = with_lost_mail(office)
    assert (lost.to_email, lost.for_good) == ("sarka@nordwrk.example", True)
    assert "no such user" in lost.failure
    assert not lost.known
    assert not incidents(office, "eve").mails
    with office.transaction() as session:
        send_again(session, lost.mail_id, by=office.actor("root"), now=office.later(minutes=1))
    (mail,) = office.deliver()
    assert "sarka@nordwrk.example" in str(mail["To"])
    assert "signature" not in {each.kind for each in incidents(office).mails}
    assert "link_sent_again" in events(office, contract)
    with pytest.raises(Conflict, match="dealt with"), office.transaction() as session:
        send_again(session, lost.mail_id, by=office.actor("root"), now=office.now)


def test_a_signer_is_asked_anew_under_the_right_address(office: Office) -> None:
    contract, lost = with_lost_mail(office)
    with office.transaction() as session:
        correct_address(
            session, lost.mail_id, "Sarka@Nordwerk.example", by=office.actor("root"), now=office.later(minutes=1)
        )
    (mail,) = office.deliver()
    assert "sarka@nordwerk.example" in str(mail["To"])
    with office.reading() as session:
        again = session.get_one(Contract, contract.id)
        found = listed(session, office.actor("sarka@nordwerk.example"), q=contract.number, today=office.now.date())
    assert [each["email"] for each in again.signers] == ["sarka@nordwerk.example"]
    assert [each.id for each in found.papers] == [contract.id], "under the right address it is found"
    assert events(office, contract)[-2:] == ["address_corrected", "link_sent_again"]
    office.sign("sarka@nordwerk.example", contract=contract)
    office.carry_on(contract)
    assert office.state(contract) == "in_force"


@pytest.mark.parametrize(
    ("email", "words"),
    [
        ("sarka@nordwrk.example", "did not work"),
        ("no address", "is not an e-mail address"),
        ("dan@haneul.example", "belongs to Dan"),
    ],
)
def test_an_address_that_cannot_be_theirs_is_refused(office: Office, email: str, words: str) -> None:
    contract, lost = with_lost_mail(office)
    with pytest.raises(Refused, match=words), office.transaction() as session:
        correct_address(session, lost.mail_id, email, by=office.actor("root"), now=office.now)
    assert office.open_tasks(contract) == ["sarka"]


def test_the_address_of_a_colleague_is_how_they_are_known(office: Office) -> None:
    office.contract()
    office.mails.refuse = MailRefused("550 5.1.1 no such user", permanent=True)
    office.deliver()
    office.mails.refuse = None
    lost = next(each for each in incidents(office).mails if each.kind == "task")
    assert lost.known
    with pytest.raises(Forbidden, match="Ann is known here"), office.transaction() as session:
        correct_address(session, lost.mail_id, "anne@haneul.example", by=office.actor("root"), now=office.now)


def test_the_word_that_a_contract_is_in_force_is_sent_again_with_a_link_that_reads(office: Office) -> None:
    office.route(SIGNED)
    contract = office.contract(kind="nda", signers=["sarka@nordwerk.example"])
    office.decide("mia", contract=contract)
    office.carry_on(contract)
    office.deliver()
    office.sign("sarka@nordwerk.example", contract=contract)
    office.carry_on(contract)
    office.mails.refuse = MailRefused("550 mailbox unavailable", permanent=True)
    office.deliver()
    office.mails.refuse = None
    (lost,) = [each for each in incidents(office).mails if each.to_email == "sarka@nordwerk.example"]
    with office.transaction() as session:
        send_again(session, lost.mail_id, by=office.actor("root"), now=datetime.now(UTC))
    (mail,) = [each for each in office.deliver() if "sarka" in str(each["To"])]
    assert "/t/" in mail.as_string()
    assert "mail_sent_again" in events(office, contract)
    assert not [each for each in incidents(office).mails if each.mail_id == lost.mail_id]


def test_a_mail_that_waits_for_its_next_try_is_tried_at_once(office: Office) -> None:
    office.contract()
    office.mails.refuse = MailUnavailable("451 try again later")
    office.deliver()
    office.mails.refuse = None
    (lost,) = incidents(office).mails
    assert not lost.for_good
    with office.transaction() as session:
        send_again(session, lost.mail_id, by=office.actor("root"), now=datetime.now(UTC))
    assert len(office.deliver()) == 1
    assert not incidents(office).mails


def test_a_request_that_is_settled_is_let_go(office: Office) -> None:
    office.contract()
    office.mails.refuse = MailRefused("550 no such user", permanent=True)
    office.deliver()
    office.mails.refuse = None
    office.deliver()
    lost = next(each for each in incidents(office).mails if each.kind == "task")
    office.decide("ann")
    before = len(office.queued())
    with office.transaction() as session:
        send_again(session, lost.mail_id, by=office.actor("root"), now=office.now)
    assert len(office.queued()) == before
    with office.reading() as session:
        assert session.get_one(OutgoingMail, lost.mail_id).state is MailState.DROPPED


def test_a_file_that_is_not_sealed_is_an_incident_and_taken_up_again(office: Office) -> None:
    contract, _ = with_lost_mail(office)
    office.sign("sarka@nordwrk.example", contract=contract)
    office.deliver()
    assert not incidents(office).runs
    with office.transaction() as session:
        session.get_one(RunOwed, ("contract", contract.id)).wanted_at = office.now - timedelta(minutes=11)
    (run,) = incidents(office).runs
    assert (run.subject_id, run.sealing, run.started) == (contract.id, True, True)
    assert not incidents(office, "eve").runs
    with office.transaction() as session:
        wake_again(session, "contract", contract.id, by=office.actor("root"), now=office.now)
    assert not incidents(office).runs
    launched = len(office.launches.runs)
    office.deliver()
    assert len(office.launches.runs) == launched + 1
    assert events(office, contract)[-1] == "woken"


def test_what_is_not_there_cannot_be_mended(office: Office) -> None:
    root = office.actor("root")
    with pytest.raises(NotFound), office.transaction() as session:
        try_again(session, uuid4(), by=root, now=office.now)
    with pytest.raises(NotFound), office.transaction() as session:
        send_again(session, uuid4(), by=root, now=office.now)
    with pytest.raises(NotFound), office.transaction() as session:
        wake_again(session, "contract", uuid4(), by=root, now=office.now)


def test_a_stage_whose_time_is_over_is_an_incident_until_it_is_put_off(office: Office) -> None:
    contract = office.contract()
    with office.transaction() as session:
        stage = session.exec(select(Stage)).one()
        stage.expired_at = office.now
    found = incidents(office)
    assert [(each.subject_id, each.stage, each.names) for each in found.ran_out] == [(contract.id, "legal", ("Ann",))]
    assert found.count == 1
    assert incidents(office, "eve").count == 0
    with office.transaction() as session:
        session.exec(select(Stage)).one().expired_at = None
    assert incidents(office).count == 0


def test_what_somebody_is_asked_who_has_left_is_an_incident_until_somebody_else_has_it(office: Office) -> None:
    contract = office.contract()
    root = office.actor("root")
    with office.transaction() as session:
        see_off(session, office.people["ann"].id, by=root, now=office.now)
    found = incidents(office)
    assert [(each.subject_id, each.stage, each.name) for each in found.left_alone] == [(contract.id, "legal", "Ann")]
    assert (found.count, incidents(office, "eve").count) == (1, 0)
    with office.transaction() as session:
        reassign(session, found.left_alone[0].task_id, to=office.email("root"), by=root, now=office.now)
    assert incidents(office).count == 0
