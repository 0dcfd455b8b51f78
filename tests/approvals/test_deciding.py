"""What always holds when people decide; on either database."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from tests.support.office import Office, link_in, text_of
from tests.support.pdfs import plain_pdf
from workflows.approvals.links import follow, insist_on_live
from workflows.approvals.model import Decision, Link, Verdict
from workflows.approvals.operations import decide
from workflows.approvals.queries import inbox
from workflows.audit.queries import history
from workflows.contracts.operations import withdraw
from workflows.errors import Conflict, Forbidden, Gone, NotFound, Refused

TWO_STAGES = """\
name: two-stages
document: contract
priority: 10
separation: {exclude: [submitter]}
stages:
  - name: manager
    approvers: {manager_of: submitter}
    fallback: {role: administrator}
  - name: legal
    approvers: {group: legal}
    quorum: {approve: 2, reject: 2}
"""


@pytest.fixture
def office(office: Office) -> Office:
    office.person("mia")
    office.person("dan", manager="mia")
    for name in ("ann", "bo", "cy"):
        office.person(name, groups=["legal"])
    office.person("root", roles=["administrator"])
    office.route(TWO_STAGES)
    return office


def test_the_next_approvers_are_asked_in_the_deciders_own_transaction(office: Office) -> None:
    contract = office.contract()
    assert office.open_tasks() == ["mia"]
    office.decide("mia")
    assert office.open_tasks() == ["ann", "bo", "cy"]
    assert office.state(contract) == "in_review"


def test_a_quorum_closes_its_stage_and_frees_the_others(office: Office) -> None:
    contract = office.contract()
    office.decide("mia")
    office.decide("ann")
    assert office.open_tasks() == ["bo", "cy"]
    office.decide("bo")
    assert office.open_tasks() == []
    assert office.state(contract) == "approved"


def test_two_rejections_of_three_reject_and_the_owner_hears_who_and_why(office: Office) -> None:
    contract = office.contract()
    office.decide("mia")
    office.decide("ann", "reject", comment="No cap on liability.")
    assert office.state(contract) == "in_review"
    office.decide("cy", "reject", comment="As Ann says.")
    assert office.state(contract) == "rejected"
    assert office.open_tasks() == []
    [mail] = [each for each in office.deliver() if "dan@" in str(each["To"])]
    assert "As Ann says." in text_of(mail)


def test_a_stranger_cannot_decide_and_does_not_learn_that_there_is_anything(office: Office) -> None:
    office.contract()
    office.person("eve", organisation="Elsewhere")
    with office.reading() as session:
        [asked] = inbox(session, office.actor("mia"))
    with pytest.raises(NotFound), office.transaction() as session:
        decide(
            session,
            asked.task.id,
            Verdict.APPROVE,
            seen=asked.round.version_sha256,
            by=office.actor("eve"),
            now=office.now,
        )
    assert office.open_tasks() == ["mia"]


def test_a_colleague_with_a_task_of_their_own_cannot_decide_somebody_elses(office: Office) -> None:
    office.contract()
    office.decide("mia")
    with office.reading() as session:
        [asked] = inbox(session, office.actor("ann"))
    with pytest.raises(Forbidden), office.transaction() as session:
        decide(
            session,
            asked.task.id,
            Verdict.APPROVE,
            seen=asked.round.version_sha256,
            by=office.actor("bo"),
            now=office.now,
        )
    assert office.open_tasks() == ["ann", "bo", "cy"]


def test_a_decision_on_other_bytes_than_the_current_ones_records_nothing(office: Office) -> None:
    office.contract()
    with pytest.raises(Conflict, match="changed since you opened it"):
        office.decide("mia", seen="0" * 64)
    assert office.open_tasks() == ["mia"]


def test_a_changed_document_voids_links_and_asks_everybody_again(office: Office) -> None:
    contract = office.contract()
    [mail] = office.deliver()
    office.decide("mia")
    office.replace(contract, plain_pdf("another text"))
    assert office.open_tasks() == ["mia"]
    with office.reading() as session:
        link, _, _ = follow(session, link_in(mail).removeprefix("/t/"))
        assert link.dead_at is not None
    [again] = [each for each in office.deliver() if "mia@" in str(each["To"])]
    assert "changed" in text_of(again).lower()
    office.decide("mia")
    assert office.open_tasks() == ["ann", "bo", "cy"]


def test_the_same_click_twice_gives_the_first_answer_again(office: Office) -> None:
    office.contract()
    with office.reading() as session:
        [asked] = inbox(session, office.actor("mia"))
    answers = []
    for _ in range(2):
        with office.transaction() as session:
            answers.append(
                decide(
                    session,
                    asked.task.id,
                    Verdict.APPROVE,
                    seen=asked.round.version_sha256,
                    by=office.actor("mia"),
                    now=office.later(seconds=1),
                )
            )
    assert [each.again for each in answers] == [False, True]
    assert answers[0].decision.id == answers[1].decision.id
    assert answers[0].decision.at == answers[1].decision.at
    with office.reading() as session:
        assert len(session.exec(select(Decision)).all()) == 1


def test_another_verdict_afterwards_is_refused(office: Office) -> None:
    office.contract()
    with office.reading() as session:
        [asked] = inbox(session, office.actor("mia"))
    office.decide("mia")
    with pytest.raises(Conflict, match="already approved"), office.transaction() as session:
        decide(
            session,
            asked.task.id,
            Verdict.REJECT,
            seen=asked.round.version_sha256,
            by=office.actor("mia"),
            now=office.now,
            comment="no",
        )


@pytest.mark.parametrize("verdict", ["reject", "send_back"])
def test_a_refusal_needs_a_sentence(office: Office, verdict: str) -> None:
    office.contract()
    with pytest.raises(Refused, match="says why"):
        office.decide("mia", verdict, comment="   ")
    assert office.open_tasks() == ["mia"]


def test_sent_back_and_handed_in_again_everybody_is_asked_and_counted_anew(office: Office) -> None:
    contract = office.contract()
    office.decide("mia")
    office.decide("ann")
    office.decide("cy", "send_back", comment="Ask for ninety days.")
    assert office.state(contract) == "returned"
    assert office.open_tasks() == []
    office.replace(contract, plain_pdf("another text"))
    office.decide("mia")
    office.decide("ann")
    assert office.state(contract) == "in_review"
    assert office.open_tasks() == ["bo", "cy"]


def test_a_withdrawn_contract_asks_nobody_any_more_and_tells_those_who_were_asked(office: Office) -> None:
    contract = office.contract()
    office.decide("mia")
    office.deliver()
    with office.transaction() as session:
        withdraw(
            session,
            contract.id,
            comment="Not needed.",
            by=office.actor("dan"),
            now=office.later(minutes=1),
            visible=True,
        )
    assert office.open_tasks() == []
    assert sorted(str(each["To"]).partition("<")[2] for each in office.deliver()) == [
        "ann@haneul.example>",
        "bo@haneul.example>",
        "cy@haneul.example>",
    ]


def test_a_mail_whose_task_was_settled_before_it_left_does_not_leave(office: Office) -> None:
    contract = office.contract()
    with office.transaction() as session:
        withdraw(session, contract.id, comment="", by=office.actor("dan"), now=office.later(minutes=1), visible=True)
    sent = office.deliver()
    assert all("/t/" not in text_of(mail) for mail in sent)


def test_the_submitter_is_never_asked_about_their_own_document(office: Office) -> None:
    office.put_in("dan", group="legal")
    office.contract()
    office.decide("mia")
    assert office.open_tasks() == ["ann", "bo", "cy"]


def test_with_nobody_to_ask_the_stage_is_blocked_and_administrators_hear_of_it(office: Office) -> None:
    office.person("ned")
    contract = office.contract("ned")
    assert office.open_tasks() == ["root"], "without a manager the fallback is asked"
    office.decide("root")
    assert office.open_tasks(contract) == ["ann", "bo", "cy"]


def test_a_blocked_stage_goes_on_when_somebody_is_named(office: Office) -> None:
    from workflows.upkeep.operations import ask_where_nobody_could_be

    office.route(
        TWO_STAGES.replace("two-stages", "of-nobody")
        .replace("priority: 10", "priority: 20")
        .replace("group: legal", "group: empty")
    )
    office.person("kim", roles=["administrator"], password="correct horse battery")
    contract = office.contract()
    office.decide("mia")
    assert office.open_tasks() == []
    assert office.state(contract) == "in_review", "never an approval"
    told = {str(each["To"]).partition("@")[0].rpartition("<")[2]: text_of(each) for each in office.deliver()}
    page = f"/contracts/{contract.id}"
    assert page in told["kim"]
    assert page not in told["root"], "who has no account cannot open it"
    office.put_in("ann", group="empty")
    office.put_in("bo", group="empty")
    with office.transaction() as session:
        ask_where_nobody_could_be(session, now=office.now)
    assert office.open_tasks() == ["ann", "bo"]


def test_running_rounds_keep_the_route_that_they_began_with(office: Office) -> None:
    office.contract()
    office.person("zoe", groups=["others"])
    office.route(
        TWO_STAGES.replace("group: legal", "group: others").replace("quorum: {approve: 2, reject: 2}", "quorum: any")
    )
    office.decide("mia")
    assert office.open_tasks() == ["ann", "bo", "cy"]
    office.contract(title="A later one")
    office.decide("mia")
    assert "zoe" in office.open_tasks()


def test_a_link_dies_with_its_time_and_can_be_sent_again(office: Office) -> None:
    from workflows.approvals.handing_over import send_link_again

    office.now = datetime.now(UTC) - timedelta(
        days=15
    )  # without an account the time counts from when the mail has left
    office.contract()
    [mail] = office.deliver()
    token = link_in(mail).removeprefix("/t/")
    with office.reading() as session:
        link, task, round = follow(session, token)
        insist_on_live(link, round, task, now=office.now + timedelta(days=13))
        with pytest.raises(Gone, match="ran out"):
            insist_on_live(link, round, task, now=link.expires_at)
    with office.transaction() as session:
        send_link_again(session, task.id, by=office.actor("dan"), now=office.later(days=15))
    [again] = office.deliver()
    with office.reading() as session:
        fresh, task, round = follow(session, link_in(again).removeprefix("/t/"))
        insist_on_live(fresh, round, task, now=office.now)
        with pytest.raises(Gone):
            insist_on_live(follow(session, token)[0], round, task, now=office.now)


def test_only_the_hash_of_a_link_is_kept_and_the_waiting_mail_keeps_it_encrypted(office: Office) -> None:
    office.contract()
    [waiting] = office.queued()
    assert waiting.sealed_link is not None
    [mail] = office.deliver()
    token = link_in(mail).removeprefix("/t/")
    assert token.encode() not in waiting.sealed_link
    assert len(token) == 43, "256 bits"
    [sent] = office.queued()
    assert sent.sealed_link is None, "wiped when it has left"
    with office.reading() as session:
        [link] = session.exec(select(Link)).all()
    assert token not in repr(link)


def test_two_last_clicks_at_once_close_the_round_once(office: Office) -> None:
    contract = office.contract()
    office.decide("mia")
    with office.reading() as session:
        tasks = {name: inbox(session, office.actor(name))[0] for name in ("ann", "bo", "cy")}
    start, said = threading.Barrier(3), []

    def click(name: str) -> None:
        asked, by = tasks[name], office.actor(name)
        start.wait()
        try:
            with office.transaction() as session:
                decide(session, asked.task.id, Verdict.APPROVE, seen=asked.round.version_sha256, by=by, now=office.now)
            said.append("recorded")
        except Conflict:
            said.append("conflict")

    clicks = [threading.Thread(target=click, args=(name,)) for name in tasks]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join()
    assert sorted(said) == ["conflict", "recorded", "recorded"]
    assert office.state(contract) == "approved"
    with office.reading() as session:
        actions = [event.action for event in history(session, "contract", contract.id)]
    assert actions.count("approved") == 3, "the manager and two of Legal"
