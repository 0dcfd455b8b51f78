"""Tasks that change hands: substitutes, delegation, reassignment, opinions, later due times; on either database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import select

from tests.support.office import Office, link_in, text_of
from workflows.approvals.handing_over import delegate, extend, reassign, take_back
from workflows.approvals.leaving import see_off
from workflows.approvals.links import follow, insist_on_live
from workflows.approvals.model import Decision, Round, Stage, Substitution, Task, TaskState
from workflows.approvals.reviewing import ask_reviewer, give_opinion
from workflows.approvals.rules import Limit, why_closed
from workflows.approvals.substitutes import end_substitution, name_substitute, seat_substitutes
from workflows.audit.model import AuditEvent
from workflows.audit.queries import history
from workflows.contracts.model import PROCESS, Contract
from workflows.errors import Conflict, Forbidden, Gone, NotFound, Refused
from workflows.papers.operations import recall
from workflows.papers.queries import is_visible
from workflows.signatures.queries import evidence_of
from workflows.upkeep.steps import sweep

ROUTE = """\
name: careful
document: contract
priority: 10
currency: EUR
calendar: {country: KR, timezone: Asia/Seoul, hours: "09:00-18:00"}
separation: {exclude: [submitter], distinct_across_stages: true}
stages:
  - {name: manager, approvers: {manager_of: submitter}}
  - name: legal
    approvers: {group: legal}
    quorum: {approve: 2, reject: 2}
    due: 3 business days
    extend: 2 business days
"""
THURSDAY = date(2026, 5, 21)


@pytest.fixture
def office(office: Office) -> Office:
    office.person("mia", password="correct horse battery")
    office.person("dan", manager="mia", password="correct horse battery")
    for name in ("ann", "bo"):
        office.person(name, groups=["legal"], password="correct horse battery")
    for name in ("cy", "eva", "fay"):
        office.person(name)
    office.person("root", roles=["administrator"])
    office.person("eve", organisation="Elsewhere", roles=["administrator"])
    office.route(ROUTE)
    return office


def in_legal(office: Office, **words: Any) -> Contract:
    """A contract that its manager has approved: Ann and Bo are asked, and both must approve."""
    contract = office.contract(**words)
    office.decide("mia", contract=contract)
    office.deliver()
    return contract


def away(office: Office, name: str, substitute: str, first: int = 0, last: int = 7, by: str = "", **given: Any) -> UUID:
    """``first`` and ``last``: days from Thursday, 21 May 2026."""
    with office.transaction() as session:
        return name_substitute(
            session,
            office.people[name].id,
            substitute=office.email(substitute),
            first_day=THURSDAY + timedelta(days=first),
            last_day=THURSDAY + timedelta(days=last),
            by=office.actor(by or name),
            now=office.now,
            **given,
        ).id


def hand_to(office: Office, task: Task, to: str, by: str, **given: Any) -> Task:
    with office.transaction() as session:
        return delegate(session, task.id, to=office.email(to), by=office.actor(by), now=office.now, **given)


def back(office: Office, task: Task, by: str, comment: str = "") -> Task:
    with office.transaction() as session:
        return take_back(session, task.id, by=office.actor(by), now=office.later(minutes=1), comment=comment)


def give_to(office: Office, task: Task, to: str, by: str = "root") -> Task:
    with office.transaction() as session:
        return reassign(session, task.id, to=office.email(to), by=office.actor(by), now=office.now)


def question(office: Office, task: Task, whom: str, by: str, text: str = "Is clause 5 usual?") -> Task:
    with office.transaction() as session:
        return ask_reviewer(
            session, task.id, whom=office.email(whom), question=text, by=office.actor(by), now=office.now
        )


def opinion(office: Office, task: Task, by: str, text: str = "It is.", seen: str = "") -> Task:
    with office.transaction() as session:
        sha256 = seen or session.get_one(Round, task.round_id).version_sha256
        return give_opinion(session, task.id, text=text, seen=sha256, by=office.actor(by), now=office.later(minutes=1))


def told(office: Office, contract: Contract, action: str) -> list[AuditEvent]:
    with office.reading() as session:
        return [each for each in history(session, PROCESS, contract.id) if each.action == action]


def words_of(message: EmailMessage) -> str:
    """What a mail says, its lines joined."""
    return " ".join(text_of(message).split())


def subjects(office: Office, name: str) -> list[str]:
    office.deliver()
    return [str(each["Subject"]) for each in office.mails.to(office.email(name))]


def stage_of(office: Office, task: Task) -> Stage:
    with office.reading() as session:
        return session.get_one(Stage, task.stage_id)


def test_a_substitute_gets_open_tasks_and_the_record_says_for_whom(office: Office) -> None:
    contract = in_legal(office)
    old_link = link_in(office.mails.to(office.email("ann"))[-1]).removeprefix("/t/")
    away(office, "ann", "cy")
    assert office.open_tasks(contract) == ["bo", "cy"]
    with office.reading() as session:
        link, task, round = follow(session, old_link)
        assert link.dead_at is not None
        closed = why_closed(round, task)
        assert closed is not None
        assert (closed.sentence % closed.values).startswith("It was handed to Cy on")
    office.decide("cy")
    with office.reading() as session:
        made = session.exec(select(Decision).where(Decision.name == "Cy")).one()
        assert (made.instead_of_id, made.instead_of_name) == (office.people["ann"].id, "Ann")
    assert [each.data["instead_of"] for each in told(office, contract, "approved")[1:]] == ["Ann"]
    with office.reading() as session:
        record = evidence_of(session, office.round(contract), readable_sha256="0" * 64, pages=1, made_at=office.now)
    assert [(each.name, each.on_behalf_of) for each in record.decisions] == [("Mia", None), ("Cy", "Ann")]
    office.decide("bo")
    assert office.round(contract).state == "approved"


def test_the_substitute_and_the_sender_are_told_who_is_away_and_until_when(office: Office) -> None:
    in_legal(office)
    away(office, "ann", "cy")
    office.deliver()
    to_cy, to_dan = office.mails.to(office.email("cy"))[-1], office.mails.to(office.email("dan"))[-1]
    assert "for Ann, who is away until" in words_of(to_cy)
    assert "Thu 28 May 2026" in words_of(to_cy)
    assert link_in(to_cy)
    assert "Cy decides now" in str(to_dan["Subject"])
    assert "Cy decides on your contract for Ann" in words_of(to_dan)


def test_a_substitute_sees_the_document_from_then_on(office: Office) -> None:
    contract = in_legal(office)
    with office.reading() as session:
        assert not is_visible(session, Contract, contract.id, office.actor("cy"))
    away(office, "ann", "cy")
    with office.reading() as session:
        assert is_visible(session, Contract, contract.id, office.actor("cy"))


def test_a_substitution_of_later_days_begins_on_its_first_day(office: Office) -> None:
    contract = in_legal(office)
    away(office, "ann", "cy", first=4)
    assert office.open_tasks(contract) == ["ann", "bo"]
    for now, expected in (
        (datetime(2026, 5, 24, 14, 59, tzinfo=UTC), ["ann", "bo"]),  # Sun 23:59 in Seoul, where Ann is
        (datetime(2026, 5, 24, 15, 1, tzinfo=UTC), ["bo", "cy"]),  # Mon 00:01
    ):
        with office.transaction() as session:
            seat_substitutes(session, now=now)
        assert office.open_tasks(contract) == expected
    with office.transaction() as session:
        assert seat_substitutes(session, now=datetime(2026, 5, 24, 15, 2, tzinfo=UTC)) == 0, "it is done once"


def test_the_upkeep_sees_to_those_who_are_away_by_now(office: Office) -> None:
    today, day = datetime.now(UTC).date(), timedelta(days=1)
    with office.transaction() as session:
        name_substitute(
            session,
            office.people["ann"].id,
            substitute=office.email("cy"),
            first_day=today - day,
            last_day=today + 7 * day,
            by=office.actor("ann"),
            now=datetime.now(UTC),
        )
    contract = in_legal(office)
    sweep(office.runtime)
    assert office.open_tasks(contract) == ["bo", "cy"]


def test_a_substitution_ends_after_its_last_day_and_where_it_is_ended(office: Office) -> None:
    away(office, "ann", "cy", first=0, last=0)
    office.later(days=1)
    contract = in_legal(office)
    with office.transaction() as session:
        assert seat_substitutes(session, now=office.now) == 0
    assert office.open_tasks(contract) == ["ann", "bo"]
    made = away(office, "bo", "cy", first=2, last=9)
    for _ in range(2):
        with office.transaction() as session:
            end_substitution(session, made, by=office.actor("bo"), now=office.now)
    office.later(days=2)
    with office.transaction() as session:
        assert seat_substitutes(session, now=office.now) == 0
    assert office.open_tasks(contract) == ["ann", "bo"]


def test_a_substitute_acts_up_to_an_amount_and_for_the_kinds_named(office: Office) -> None:
    small = in_legal(office, amount="10000.00", currency="EUR")
    large = in_legal(office, amount="10000.01", currency="EUR")
    other = in_legal(office, amount="1.00", currency="EUR", kind="service")
    away(office, "ann", "cy", up_to=Limit(Decimal(10_000), "EUR"), kinds=["lease"])
    assert office.open_tasks(small) == ["bo", "cy"]
    assert office.open_tasks(large) == ["ann", "bo"]
    assert office.open_tasks(other) == ["ann", "bo"]


def test_there_is_one_hop_only(office: Office) -> None:
    contract = in_legal(office)
    away(office, "ann", "cy")
    away(office, "cy", "eva")
    assert office.open_tasks(contract) == ["bo", "cy"]
    with pytest.raises(Refused, match="cannot be handed on"):
        hand_to(office, office.task_of("cy", contract), "eva", "cy")


@pytest.mark.parametrize("substitute", ["dan", "mia", "bo"])
def test_separation_of_duties_holds_for_substitutes_and_delegates(office: Office, substitute: str) -> None:
    """Dan sent it, Mia decided the stage before, Bo sits in this one."""
    contract = in_legal(office)
    away(office, "ann", substitute)
    assert office.open_tasks(contract) == ["ann", "bo"]
    task = office.task_of("ann", contract)
    with pytest.raises(Refused):
        hand_to(office, task, substitute, "ann")
    with pytest.raises(Refused):
        give_to(office, task, substitute)
    assert office.open_tasks(contract) == ["ann", "bo"]


def test_whoever_was_acted_for_decided_as_well_and_does_not_decide_for_others(office: Office) -> None:
    contract = office.contract()
    hand_to(office, office.task_of("mia", contract), "cy", "mia")
    office.decide("cy")
    for person in ("mia", "cy"):
        with pytest.raises(Refused, match="may not decide here"):
            hand_to(office, office.task_of("ann", contract), person, "ann")


def test_a_task_is_delegated_and_decided_in_its_persons_place(office: Office) -> None:
    contract = in_legal(office)
    task = office.task_of("ann", contract)
    made = hand_to(office, task, "cy", "ann", comment="You know this supplier.")
    assert hand_to(office, task, "cy", "ann").id == made.id, "a click sent twice is one"
    assert office.open_tasks(contract) == ["bo", "cy"]
    office.deliver()
    mail = office.mails.to(office.email("cy"))
    assert len(mail) == 1
    assert "Ann asks you to decide on a contract in their place." in words_of(mail[0])
    assert "You know this supplier." in words_of(mail[0])
    assert subjects(office, "dan")[-1].startswith("Cy decides now")
    with pytest.raises(Forbidden, match="not yours"), office.transaction() as session:
        delegate(session, made.id, to=office.email("eva"), by=office.actor("ann"), now=office.now)
    office.decide("cy", "reject")
    assert office.round(contract).state == "rejected"


@pytest.mark.parametrize("by", ["ann", "cy"])
def test_a_delegated_task_comes_back_to_either_of_the_two(office: Office, by: str) -> None:
    contract = in_legal(office)
    task = office.task_of("ann", contract)
    made = hand_to(office, task, "cy", "ann")
    office.deliver()
    link = link_in(office.mails.to(office.email("cy"))[-1]).removeprefix("/t/")
    assert back(office, made, by, "Please do it yourself.").id == task.id
    assert office.open_tasks(contract) == ["ann", "bo"]
    with office.reading() as session:
        found, closed, round = follow(session, link)
        assert found.dead_at is not None
        why = why_closed(round, closed)
        assert why is not None
        assert (why.sentence % why.values).startswith("It went back to Ann on")
    office.deliver()
    newest = office.mails.to(office.email("ann"))[-1]
    with office.reading() as session:
        insist_on_live(*follow_by(session, link_in(newest)), now=office.now)
    assert ("Cy has given a contract back to you" in words_of(newest)) is (by == "cy")
    assert len(told(office, contract, "handed_back" if by == "cy" else "taken_back")) == 1
    office.decide("ann")
    with office.reading() as session:
        assert session.exec(select(Decision).where(Decision.name == "Ann")).one().instead_of_id is None


def follow_by(session: Any, path: str) -> tuple[Any, Any, Any]:
    link, task, round = follow(session, path.removeprefix("/t/"))
    return link, round, task


def test_what_came_back_to_somebody_who_is_away_stays_theirs(office: Office) -> None:
    contract = in_legal(office)
    away(office, "ann", "cy")
    back(office, office.task_of("cy", contract), "ann")
    with office.transaction() as session:
        assert seat_substitutes(session, now=office.now) == 0
    assert office.open_tasks(contract) == ["ann", "bo"]


def test_nobody_else_takes_a_task_back_and_what_nobody_handed_over_goes_nowhere(office: Office) -> None:
    contract = in_legal(office)
    made = hand_to(office, office.task_of("ann", contract), "cy", "ann")
    with pytest.raises(Forbidden):
        back(office, made, "bo")
    with pytest.raises(NotFound):
        back(office, made, "eve")
    with pytest.raises(Refused, match="nobody to whom it could go back"):
        back(office, office.task_of("bo", contract), "bo")
    office.decide("cy")
    with pytest.raises(Conflict, match="already approved"):
        back(office, made, "ann")


def test_only_colleagues_who_are_there_get_a_task(office: Office) -> None:
    contract = in_legal(office)
    task = office.task_of("ann", contract)
    for address, words in (
        ("eve", "Nobody of your organisation"),
        ("nobody", "Nobody of your organisation"),
        ("ann", "Ann has this task already"),
    ):
        with pytest.raises(Refused, match=words):
            hand_to(office, task, address, "ann")
    with office.transaction() as session:
        see_off(session, office.people["cy"].id, by=office.actor("root"), now=office.now)
    with pytest.raises(Refused, match="has left"):
        hand_to(office, task, "cy", "ann")
    with pytest.raises(Refused, match="has left"):
        away(office, "ann", "cy")
    assert office.open_tasks(contract) == ["ann", "bo"]


def test_an_administrator_gives_a_task_to_somebody_else_for_good(office: Office) -> None:
    contract = in_legal(office)
    old = office.task_of("ann", contract)
    made = give_to(office, old, "eva")
    assert office.open_tasks(contract) == ["bo", "eva"]
    assert made.instead_of_id is None
    assert "Root gave it to you; Ann was asked before." in words_of(office.deliver()[0])
    assert subjects(office, "dan")[-1].startswith("Eva decides now")
    with office.reading() as session:
        closed = session.get_one(Task, old.id)
        assert (closed.closed_because, closed.handed_to_name) == ("reassigned", "Eva")
    with pytest.raises(Refused, match="nobody to whom it could go back"):
        back(office, made, "eva")


def test_only_administrators_of_the_senders_organisation_reassign(office: Office) -> None:
    contract = in_legal(office)
    task = office.task_of("ann", contract)
    for by, refused in (("dan", Forbidden), ("ann", Forbidden), ("eve", NotFound)):
        with pytest.raises(refused):
            give_to(office, task, "eva", by)
    assert office.open_tasks(contract) == ["ann", "bo"]


def test_a_veto_goes_with_the_seat(office: Office) -> None:
    contract = in_legal(office)
    task = office.task_of("ann", contract)
    with office.transaction() as session:
        session.get_one(Stage, task.stage_id).veto = [str(office.people["ann"].id)]
    give_to(office, task, "eva")
    assert stage_of(office, task).veto == [str(office.people["eva"].id)]


def test_an_opinion_is_given_without_a_vote_and_only_the_approver_reads_it(office: Office) -> None:
    contract = in_legal(office)
    task = office.task_of("ann", contract)
    review = question(office, task, "cy", "ann")
    assert question(office, task, "cy", "ann").id == review.id
    office.deliver()
    mail = office.mails.to(office.email("cy"))[0]
    assert "Ann asks for your opinion on a contract." in words_of(mail)
    assert "Is clause 5 usual?" in words_of(mail)
    with pytest.raises(Refused, match="for your opinion here, not for a decision"):
        office.decide("cy")
    opinion(office, review, "cy", "It is usual.")
    assert opinion(office, review, "cy", "It is usual.").opinion == "It is usual.", "twice is as once"
    assert office.round(contract).state == "open"
    assert stage_of(office, task).state == "open"
    assert office.open_tasks(contract) == ["ann", "bo"]
    newest = office.mails.to(office.email("ann"))[-1] if office.deliver() else None
    assert newest is not None
    assert "Cy says what you asked for. You decide." in words_of(newest)
    assert "It is usual." in words_of(newest)
    (entry,) = told(office, contract, "opinion_given")
    assert "usual" not in str(entry.data), "the counterparty reads the history as well"
    assert len(told(office, contract, "review_asked")) == 1
    with pytest.raises(Conflict, match="You gave your opinion"):
        opinion(office, review, "cy", "Or not.")


def test_even_whoever_sent_it_may_be_asked_but_nobody_who_decides_here(office: Office) -> None:
    contract = in_legal(office)
    task = office.task_of("ann", contract)
    question(office, task, "dan", "ann")
    with pytest.raises(Refused, match="asked in this stage already"):
        question(office, task, "bo", "ann")
    with pytest.raises(Forbidden):
        question(office, task, "cy", "bo")
    with pytest.raises(NotFound):
        question(office, task, "cy", "eve")


def test_opinions_are_no_longer_asked_for_once_their_approver_has_decided(office: Office) -> None:
    contract = in_legal(office)
    review = question(office, office.task_of("ann", contract), "cy", "ann")
    office.decide("ann")
    with pytest.raises(Conflict, match="no longer asked for"):
        opinion(office, review, "cy")
    assert office.open_tasks(contract) == ["bo"]


def test_an_opinion_is_of_the_version_that_was_shown(office: Office) -> None:
    contract = in_legal(office)
    review = question(office, office.task_of("ann", contract), "cy", "ann")
    with pytest.raises(Conflict, match="has changed since you opened it"):
        opinion(office, review, "cy", seen="0" * 64)


def test_a_task_is_prepared_by_somebody_and_decided_by_its_own_person(office: Office) -> None:
    contract = in_legal(office)
    task = office.task_of("ann", contract)
    made = hand_to(office, task, "cy", "ann", returns=True, comment="Please look at it for me.")
    assert hand_to(office, task, "cy", "ann", returns=True).id == made.id
    assert "to say how they should decide" in words_of(office.deliver()[0])
    assert office.task_of("ann", contract).handed_to_name == "Cy"
    opinion(office, made, "cy", "Approve it.")
    assert office.task_of("ann", contract).handed_to_name == ""
    office.decide("ann")
    office.decide("bo")
    assert office.round(contract).state == "approved"


def test_whoever_asked_for_an_opinion_does_without_it(office: Office) -> None:
    contract = in_legal(office)
    task = office.task_of("ann", contract)
    review = question(office, task, "cy", "ann")
    with pytest.raises(Refused, match="waits for your opinion"):
        back(office, review, "cy")
    back(office, review, "ann")
    assert office.open_tasks(contract) == ["ann", "bo"]


def test_opinions_follow_a_task_to_whoever_has_it_then(office: Office) -> None:
    contract = in_legal(office)
    review = question(office, office.task_of("ann", contract), "cy", "ann")
    hand_to(office, office.task_of("ann", contract), "eva", "ann")
    opinion(office, review, "cy", "Fine.")
    office.deliver()
    newest = office.mails.to(office.email("eva"))[-1]
    assert "Fine." in words_of(newest)
    with office.reading() as session:  # Eva has no account: her link is in it, and the one before still works
        for mail in office.mails.to(office.email("eva")):
            insist_on_live(*follow_by(session, link_in(mail)), now=office.now)


@pytest.mark.parametrize(("by", "words"), [("ann", "Ann has named you as their substitute"), ("root", "of Ann")])
def test_a_named_substitute_reads_for_whom_they_stand_in_and_when(office: Office, by: str, words: str) -> None:
    limit = Limit(Decimal("5000.00"), "EUR")
    away(office, "ann", "cy", first=3, last=9, by=by, up_to=limit)
    [mail] = office.deliver()
    said = " ".join(text_of(mail).split())
    assert str(mail["To"]).endswith("<cy@haneul.example>")
    assert str(mail["Subject"]).startswith("You stand in for Ann from ")
    assert "24 May 2026" in said
    assert "30 May 2026" in said
    assert words in said
    assert "5,000.00" in said


def test_whoever_gets_somebody_elses_task_reads_by_whom_and_why(office: Office) -> None:
    contract = in_legal(office)
    task = office.task_of("ann", contract)
    why = "Ann is on a long journey."
    with office.transaction() as session:
        reassign(session, task.id, to=office.email("cy"), comment=why, by=office.actor("root"), now=office.now)
    office.deliver()
    [mail] = office.mails.to(office.email("cy"))
    said = " ".join(text_of(mail).split())
    assert "Root gave it to you; Ann was asked before." in said
    assert why in said


def put_off(office: Office, task: Task, time: str, by: str) -> Stage:
    with office.transaction() as session:
        return extend(session, task.id, time=time, by=office.actor(by), now=office.now)


def test_a_due_time_is_put_off_within_the_routes_limit(office: Office) -> None:
    contract = in_legal(office)
    task = office.task_of("ann", contract)
    first = stage_of(office, task).due_at
    assert first == datetime(2026, 5, 27, 9, tzinfo=UTC), "Fri, Tue and Wed: Mon is Buddha's birthday's substitute"
    assert put_off(office, task, "1 business day", "dan").due_at == datetime(2026, 5, 28, 9, tzinfo=UTC)
    with pytest.raises(Refused, match=r"until .* at the latest"):
        put_off(office, task, "2 business days", "root")
    assert put_off(office, task, "1 business day", "root").due_at == datetime(2026, 5, 29, 9, tzinfo=UTC)
    assert stage_of(office, task).first_due_at == first
    assert [each.data["due_at"][:10] for each in told(office, contract, "put_off")] == ["2026-05-28", "2026-05-29"]


def test_who_may_put_a_due_time_off_and_where(office: Office) -> None:
    contract = office.contract()
    early = office.task_of("mia", contract)
    with pytest.raises(Conflict, match="no due time"):
        put_off(office, early, "1 business day", "dan")
    office.decide("mia")
    task = office.task_of("ann", contract)
    for by, refused in (("ann", Forbidden), ("eve", NotFound)):
        with pytest.raises(refused):
            put_off(office, task, "1 business day", by)
    with pytest.raises(Refused, match="is not a time such as"):
        put_off(office, task, "a while", "dan")
    office.decide("ann")
    office.decide("bo")
    with pytest.raises(Conflict, match="Nobody is asked"):
        put_off(office, task, "1 business day", "dan")


def recalled(office: Office, contract: Contract, by: str = "dan") -> Contract:
    with office.transaction() as session:
        return recall(
            session,
            Contract,
            contract.id,
            comment="The term is wrong.",
            by=office.actor(by),
            now=office.now,
            visible=True,
        )


def test_a_sender_takes_a_document_back_to_change_it_and_sends_it_again(office: Office) -> None:
    from tests.support.pdfs import plain_pdf

    contract = in_legal(office)
    task = office.task_of("ann", contract)
    for _ in range(2):
        recalled(office, contract)
    assert office.state(contract) == "returned"
    assert office.open_tasks(contract) == []
    office.deliver()
    assert len([each for each in subjects(office, "ann") if each.startswith("Taken back to change it")]) == 1
    with pytest.raises(Conflict, match="Its sender took it back"), office.transaction() as session:
        delegate(session, task.id, to=office.email("cy"), by=office.actor("ann"), now=office.now)
    office.replace(contract, plain_pdf("Another term"), note="The right term.")
    assert office.state(contract) == "in_review"
    assert office.open_tasks(contract) == ["mia"]


def test_only_whoever_sent_it_takes_it_back_and_only_while_people_decide(office: Office) -> None:
    contract = in_legal(office, signers=["cy"])
    for by in ("ann", "root"):
        with pytest.raises(Forbidden):
            recalled(office, contract, by)
    office.decide("ann")
    office.decide("bo")
    with pytest.raises(Conflict, match="it is being signed"):
        recalled(office, contract)


def test_who_may_name_a_substitute_and_end_it(office: Office) -> None:
    made = away(office, "ann", "cy", by="root")
    for by in ("bo", "cy", "eve"):
        with pytest.raises(NotFound):
            away(office, "ann", "bo", by=by)
        with pytest.raises(NotFound), office.transaction() as session:
            end_substitution(session, made, by=office.actor(by), now=office.now)
    with pytest.raises(Refused, match="over"):
        away(office, "ann", "cy", first=-3, last=-1)
    with pytest.raises(Refused, match="own substitute"):
        away(office, "ann", "ann")
    with pytest.raises(Refused, match="is not a kind"):
        away(office, "ann", "cy", kinds=["no such: kind"])
    with office.reading() as session:
        assert len(session.exec(select(Substitution)).all()) == 1
        ann = history(session, "person", office.people["ann"].id)
        assert [each.action for each in ann] == ["substitute_named"]


def test_a_dead_link_of_a_task_that_came_back_stays_dead(office: Office) -> None:
    contract = in_legal(office)
    old = link_in(office.mails.to(office.email("ann"))[-1])
    made = hand_to(office, office.task_of("ann", contract), "cy", "ann")
    back(office, made, "ann")
    with office.reading() as session, pytest.raises(Gone):
        insist_on_live(*follow_by(session, old), now=office.now)
    assert office.task_of("ann", contract).state is TaskState.OPEN
