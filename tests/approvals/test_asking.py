"""Whom rounds ask: every kind of approvers, vetoes, repeated approvers, and whoever acts for those away."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from email.message import EmailMessage

import pytest
from sqlmodel import col, select

from tests.support.office import Office, text_of
from workflows.approvals.model import Decision, Stage, StageState, Task
from workflows.approvals.substitutes import name_substitute, seat_substitutes
from workflows.audit.model import AuditEvent
from workflows.audit.queries import history
from workflows.contracts.model import PROCESS, Contract
from workflows.errors import Refused
from workflows.mailer import MailRefused
from workflows.parties.model import Person

HEAD = """\
name: asked
document: contract
priority: 10
currency: EUR
"""
THURSDAY = date(2026, 5, 21)


@pytest.fixture
def office(office: Office) -> Office:
    office.person("chief")
    office.person("mia", manager="chief")
    office.person("dan", manager="mia")
    office.person("ann", manager="chief", groups=["legal"])
    office.person("bo", manager="mia", groups=["legal"])
    for name in ("cy", "eva", "fay"):
        office.person(name)
    office.person("root", roles=["administrator"])
    return office


def publish(office: Office, *stages: str, more: str = "") -> None:
    office.route(HEAD + more + "stages:\n" + "".join(f"  - {each}\n" for each in stages))


def stages(office: Office, contract: Contract) -> dict[str, Stage]:
    with office.reading() as session:
        found = select(Stage).where(Stage.round_id == office.round(contract).id).order_by(col(Stage.position))
        return {each.name: each for each in session.exec(found)}


def told(office: Office, contract: Contract, action: str) -> list[AuditEvent]:
    with office.reading() as session:
        return [each for each in history(session, PROCESS, contract.id) if each.action == action]


def away(office: Office, name: str, substitute: str, first: int = 0, last: int = 7) -> None:
    """``first`` and ``last``: days from Thursday, 21 May 2026."""
    with office.transaction() as session:
        name_substitute(
            session,
            office.people[name].id,
            substitute=office.email(substitute),
            first_day=THURSDAY + timedelta(days=first),
            last_day=THURSDAY + timedelta(days=last),
            by=office.actor(name),
            now=office.now,
        )


def authority(office: Office, **limits: str | None) -> None:
    with office.transaction() as session:
        for name, limit in limits.items():
            person = session.get_one(Person, office.people[name].id)
            person.authority_limit = None if limit is None else Decimal(limit.split()[0])
            person.authority_currency = "EUR" if limit is None else limit.split()[1]


def test_approvers_of_several_kinds_are_asked_together_each_once(office: Office) -> None:
    publish(office, "{name: a, approvers: {group: legal, manager_of: submitter, people: [ann@haneul.example]}}")
    office.contract()
    assert office.open_tasks() == ["ann", "bo", "mia"]


def test_whoever_a_field_of_the_document_names_is_asked(office: Office) -> None:
    publish(office, "{name: a, approvers: {field: cost_center.owner}, fallback: {people: [fay@haneul.example]}}")
    named = office.contract(fields={"cost_center": {"owner": "CY@haneul.example"}})
    assert office.open_tasks(named) == ["cy"]
    unknown = office.contract(fields={"cost_center": {"owner": "nobody@haneul.example"}})
    assert office.open_tasks(unknown) == ["fay"], "nobody has that address: the fallback is asked"


def test_the_lowest_authority_that_suffices_for_the_amount_is_asked(office: Office) -> None:
    authority(office, ann="10000 EUR", bo="50000 EUR", chief=None)
    for name in ("chief", "bo", "ann"):
        office.put_in(name, role="signatory")
    publish(office, "{name: a, approvers: {authority: {role: signatory}}}")
    for amount, expected in (("10000", "ann"), ("10000.01", "bo"), ("50000.01", "chief")):
        assert office.open_tasks(office.contract(amount=amount, currency="EUR")) == [expected]


def test_a_limit_whose_currency_has_no_rate_refuses_the_document_and_never_a_decision(office: Office) -> None:
    authority(office, ann="10000 EUR")
    publish(
        office,
        "{name: a, approvers: {people: [mia@haneul.example]}}",
        "{name: b, approvers: {authority: {group: legal}}, fallback: {people: [fay@haneul.example]}}",
    )
    contract = office.contract(amount="1000", currency="EUR")
    authority(office, ann="10000 KRW")
    with pytest.raises(Refused, match="no exchange rate between KRW and EUR"):
        office.contract(amount="1000", currency="EUR")
    office.decide("mia", contract=contract)
    assert office.open_tasks(contract) == ["fay"]


def test_the_manager_of_whoever_approved_before_is_asked(office: Office) -> None:
    publish(office, "{name: a, approvers: {group: legal}, quorum: any}", "{name: b, approvers: {manager_of: approver}}")
    by_ann, by_bo = office.contract(), office.contract()
    office.decide("ann", contract=by_ann)
    assert office.open_tasks(by_ann) == ["chief"]
    office.decide("bo", contract=by_bo)
    assert office.open_tasks(by_bo) == ["mia"]


def test_the_manager_of_whoever_is_stood_in_for_is_asked(office: Office) -> None:
    publish(
        office,
        "{name: a, approvers: {people: [bo@haneul.example]}}",
        "{name: b, approvers: {manager_of: approver}}",
    )
    away(office, "bo", "cy")
    contract = office.contract()
    office.decide("cy")
    assert office.open_tasks(contract) == ["mia"]


def test_people_who_are_named_anywhere_in_a_route_must_be_known(office: Office) -> None:
    for stage in (
        "{name: a, approvers: {group: legal, people: [stranger@haneul.example]}}",
        "{name: a, approvers: {authority: {people: [stranger@haneul.example]}}}",
        "{name: a, approvers: {group: legal}, quorum: {approve: 1, veto: [stranger@haneul.example]}}",
    ):
        with pytest.raises(Refused, match=r"stranger@haneul\.example"):
            publish(office, stage)


VETO = (
    "{name: legal, approvers: {group: legal, people: [cy@haneul.example]},"
    " quorum: {approve: 2, reject: 2, veto: [cy@haneul.example]}}"
)


def test_a_veto_rejects_at_once(office: Office) -> None:
    publish(office, VETO)
    contract = office.contract()
    office.decide("ann")
    office.decide("cy", "reject")
    assert office.state(contract) == "rejected"
    assert office.open_tasks() == []


def test_a_rejection_without_a_veto_waits_for_its_quorum_and_an_approval_for_no_veto(office: Office) -> None:
    publish(office, VETO)
    contract = office.contract()
    office.decide("ann", "reject")
    assert office.state(contract) == "in_review"
    office.decide("bo")
    office.decide("cy")
    assert office.state(contract) == "approved"
    another = office.contract()
    office.decide("ann", contract=another)
    office.decide("bo", contract=another)
    assert office.state(another) == "approved", "whoever has a veto was asked, and need not answer"


def test_a_veto_is_of_the_seat_whoever_decides_in_it(office: Office) -> None:
    publish(office, VETO)
    away(office, "cy", "eva")
    contract = office.contract()
    assert office.open_tasks() == ["ann", "bo", "eva"]
    office.decide("eva", "reject")
    assert office.state(contract) == "rejected"


def test_a_document_to_which_no_stage_applies_is_refused(office: Office) -> None:
    """It would be approved without anybody being asked; also where it names signers of its own."""
    publish(
        office,
        "{name: large, when: amount >= 50000, approvers: {people: [mia@haneul.example]}}",
        "{name: group, when: contract.kind == 'nda',"
        " parallel: [{name: x, approvers: {group: legal}}, {name: y, approvers: {group: legal}}]}",
    )
    for signers in ((), ("cy",)):
        with pytest.raises(Refused, match="nobody would be asked"):
            office.contract(amount="49999", currency="EUR", signers=signers)
    assert office.open_tasks() == []
    office.contract(amount="50000", currency="EUR")
    assert office.open_tasks() == ["mia"]


def test_a_route_may_consist_of_signatures(office: Office) -> None:
    publish(office, "{name: sign, kind: signature, approvers: {people: [cy@haneul.example]}}")
    contract = office.contract()
    office.carry_on(contract)
    assert office.open_tasks() == ["cy"]


ABA = (
    "{name: first, approvers: {people: [ann@haneul.example]}}",
    "{name: second, approvers: {people: [ann@haneul.example]}}",
    "{name: third, approvers: {people: [bo@haneul.example]}}",
    "{name: fourth, approvers: {people: [ann@haneul.example, bo@haneul.example, cy@haneul.example]}}",
)


def test_who_is_repeated_is_asked_again_where_the_route_does_not_say_otherwise(office: Office) -> None:
    publish(office, *ABA)
    office.contract()
    for expected in (["ann"], ["ann"], ["bo"], ["ann", "bo", "cy"]):
        assert office.open_tasks() == expected
        office.decide(expected[0])


def test_who_is_repeated_is_skipped_where_the_route_says_so_and_the_record_says_why(office: Office) -> None:
    publish(office, *ABA, more="repeated: skip\n")
    contract = office.contract()
    office.decide("ann")
    assert office.open_tasks() == ["bo"], "the second stage is approved by what Ann approved in the first"
    office.decide("bo")
    assert office.open_tasks() == ["cy"]
    assert office.state(contract) == "in_review", "never “all approved” before Cy has"
    office.decide("cy")
    assert office.state(contract) == "approved"
    assert [(each.data["stage"], each.data["people"]) for each in told(office, contract, "counted")] == [
        ("second", ["Ann"]),
        ("fourth", ["Ann", "Bo"]),
    ]
    with office.reading() as session:
        assert sorted(each.name for each in session.exec(select(Decision))) == ["Ann", "Bo", "Cy"], "one decision each"


def test_a_stage_may_ask_again_in_a_route_that_skips(office: Office) -> None:
    again = "{name: second, repeated: ask, approvers: {people: [ann@haneul.example]}}"
    publish(office, ABA[0], again, more="repeated: skip\n")
    office.contract()
    office.decide("ann")
    assert office.open_tasks() == ["ann"]


def test_whoever_a_document_is_sent_back_to_is_asked_although_they_approved_before(office: Office) -> None:
    back = ABA[2].replace("}}", "}, send_back_to: [second]}")
    publish(office, ABA[0], ABA[1], back, more="repeated: skip\n")
    office.contract()
    office.decide("ann")
    office.decide("bo", "send_back", to="second")
    assert office.open_tasks() == ["ann"]
    office.decide("ann")
    assert office.open_tasks() == ["bo"]


def test_only_an_approval_is_skipped_and_only_ones_own(office: Office) -> None:
    publish(
        office,
        "{name: first, approvers: {people: [ann@haneul.example, bo@haneul.example]}, quorum: {approve: 1, reject: 2}}",
        "{name: second, approvers: {people: [ann@haneul.example, bo@haneul.example]}}",
        more="repeated: skip\n",
    )
    office.contract()
    office.decide("ann", "reject")
    office.decide("bo")
    assert office.open_tasks() == ["ann"]


def test_a_stage_that_opens_while_its_approver_is_away_asks_the_substitute_at_once(office: Office) -> None:
    publish(office, "{name: a, approvers: {people: [mia@haneul.example]}}", "{name: legal, approvers: {group: legal}}")
    away(office, "ann", "cy")
    contract = office.contract()
    office.decide("mia")
    assert office.open_tasks(contract) == ["bo", "cy"]
    office.deliver()
    assert office.mails.to("ann@haneul.example") == [], "who is away was never asked"
    assert "for Ann, who is away until" in " ".join(text_of(office.mails.to("cy@haneul.example")[-1]).split())
    assert "Cy decides on your contract for Ann" in " ".join(text_of(office.mails.to("dan@haneul.example")[-1]).split())
    [entry] = told(office, contract, "substituted")
    assert (entry.data["to"], entry.data["of"], entry.data["day"]) == ("Cy", "Ann", "2026-05-28")
    office.decide("cy")
    office.decide("bo")
    assert office.state(contract) == "approved"
    with office.reading() as session:
        made = session.exec(select(Decision).where(Decision.name == "Cy")).one()
        assert made.instead_of_name == "Ann"
    with office.transaction() as session:
        assert seat_substitutes(session, now=office.now) == 0, "nothing is left for the upkeep"


@pytest.mark.parametrize(
    ("locale", "subject", "words"),
    [
        ("en", "Not delivered to Cy: Word that somebody stands in", "Ann, a mail could not be delivered."),
        ("ko", "[메일 전달 실패] 대결자 지정 알림, 받는 사람 Cy", "Ann 님, 메일이 전달되지 못했습니다."),
    ],
)
def test_who_is_away_hears_that_the_word_to_their_substitute_came_back(
    office: Office, monkeypatch: pytest.MonkeyPatch, locale: str, subject: str, words: str
) -> None:
    send = office.mails.send

    def send_but_to_cy(message: EmailMessage) -> None:
        if "cy@haneul.example" in str(message["To"]):
            raise MailRefused("550 5.1.1 no such user")
        send(message)

    monkeypatch.setattr(office.mails, "send", send_but_to_cy)
    with office.transaction() as session:
        session.get_one(Person, office.people["ann"].id).locale = locale
    away(office, "ann", "cy")
    office.deliver()
    [message] = office.mails.to("ann@haneul.example")
    assert message["Subject"] == subject
    assert words in " ".join(text_of(message).split())
    assert "/persons/" not in text_of(message), "there is no such page"


def test_at_the_opening_there_is_one_hop_and_separation_holds(office: Office) -> None:
    separate = "separation: {exclude: [submitter], distinct_across_stages: true}\n"
    publish(
        office,
        "{name: a, approvers: {people: [mia@haneul.example]}}",
        "{name: legal, approvers: {group: legal}}",
        more=separate,
    )
    away(office, "ann", "cy")
    away(office, "cy", "eva")
    away(office, "bo", "mia")  # who decided the stage before
    office.contract()
    office.decide("mia")
    assert office.open_tasks() == ["bo", "cy"]
    away(office, "mia", "dan")  # who sends it
    assert office.open_tasks(office.contract()) == ["mia"]


def test_the_day_is_that_of_whoever_is_away(office: Office) -> None:
    """At 15:30 UTC it is Friday in Seoul, and Thursday still in Berlin."""
    office.person("gus", timezone="Europe/Berlin")
    office.person("hoa", timezone="Asia/Seoul")
    publish(office, "{name: a, approvers: {people: [gus@haneul.example, hoa@haneul.example]}}")
    away(office, "gus", "cy", first=1)
    away(office, "hoa", "eva", first=1)
    office.now = office.now.replace(hour=15, minute=30)
    office.contract()
    assert office.open_tasks() == ["eva", "gus"]


def test_with_distinct_across_stages_nobody_is_asked_in_two_branches(office: Office) -> None:
    publish(
        office,
        "{name: both, parallel: [{name: x, approvers: {group: legal}, quorum: any},"
        " {name: y, approvers: {people: [ann@haneul.example, cy@haneul.example]}, quorum: any}]}",
        more="separation: {distinct_across_stages: true}\n",
    )
    contract = office.contract()
    with office.reading() as session:
        asked = session.exec(select(Stage.name, Task.name).join(Task, col(Task.stage_id) == col(Stage.id))).all()
    assert sorted(asked) == [("x", "Ann"), ("x", "Bo"), ("y", "Cy")]
    assert stages(office, contract)["y"].state is StageState.OPEN


def test_roles_and_groups_are_those_of_the_senders_own_organisation(office: Office) -> None:
    office.person("olga", groups=["legal"], roles=["signatory"], organisation="Another House")
    office.person("paul", roles=["signatory"])
    publish(
        office,
        "{name: legal, approvers: {group: legal}, quorum: all}",
        "{name: board, approvers: {role: signatory}}",
    )
    contract = office.contract()
    for name in ("ann", "bo"):
        office.decide(name, contract=contract)
    with office.reading() as session:
        asked = session.exec(select(Stage.name, Task.name).join(Task, col(Task.stage_id) == col(Stage.id))).all()
    assert sorted(asked) == [("board", "Paul"), ("legal", "Ann"), ("legal", "Bo")]
