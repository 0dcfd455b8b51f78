"""Routes tried out in an office with people: whom they ask, when, and in which currency; on either database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient

from api.main import create_app
from tests.support.office import Office
from workflows.approvals.dry_run import DryRun, DryStage, dry_run
from workflows.approvals.rates import Rates
from workflows.approvals.route import read
from workflows.errors import Refused
from workflows.parties.model import Person
from workflows.parties.operations import make_token
from workflows.parties.rules import Scope

HEAD = """\
name: tried
document: contract
currency: EUR
calendar: {country: KR, timezone: Asia/Seoul, hours: "09:00-18:00"}
"""
RATES = Rates("EUR", {"KRW": Decimal(1600)})


@pytest.fixture
def office(office: Office) -> Office:
    office.person("chief", roles=["ceo"])
    office.person("mia", manager="chief", groups=["legal"])
    office.person("dan", manager="mia")
    for name in ("ann", "bo", "cy"):
        office.person(name, groups=["legal"], manager="mia")
    return office


def tried(
    office: Office,
    *stages: str,
    more: str = "",
    amount: str | None = "1000",
    currency: str | None = "EUR",
    rates: Rates | None = None,
    fields: Mapping[str, object] | None = None,
) -> DryRun:
    source = HEAD + more + "stages:\n" + "".join(f"  - {each}\n" for each in stages)
    with office.reading() as session:
        return dry_run(
            session,
            read(source),
            amount=None if amount is None else Decimal(amount),
            currency=currency,
            fields=fields or {},
            submitter=session.get_one(Person, office.people["dan"].id),
            now=office.now,
            rates=rates,
        )


def asked(*stages: DryStage) -> list[list[str]]:
    return [sorted(person.name for person in stage.people) for stage in stages if stage.name != "signatures"]


def local(instant: datetime | None) -> str:
    assert instant is not None
    return instant.astimezone(ZoneInfo("Asia/Seoul")).strftime("%a %d %H:%M")


def test_several_kinds_of_approvers_are_asked_together_each_once(office: Office) -> None:
    run = tried(
        office,
        "{name: a, approvers: {group: legal, role: ceo, manager_of: submitter, people: [ann@haneul.example]}}",
        "{name: b, approvers: {role: nobody}, fallback: {role: ceo, manager_of: submitter}}",
    )
    assert asked(*run.stages) == [["Ann", "Bo", "Chief", "Cy", "Mia"], ["Chief", "Mia"]]


def test_the_manager_of_whoever_approved_before_is_asked(office: Office) -> None:
    run = tried(
        office,
        "{name: a, approvers: {people: [ann@haneul.example, mia@haneul.example]}}",
        "{name: between, when: amount > 5000, approvers: {role: ceo}}",
        "{name: b, approvers: {manager_of: approver}}",
    )
    assert asked(*run.stages) == [["Ann", "Mia"], [], ["Chief", "Mia"]]


@pytest.mark.parametrize(
    ("owner", "expected"),
    [
        ({"cost_center": {"owner": "BO@haneul.example "}}, ["Bo"]),
        ({"cost_center.owner": "bo@haneul.example"}, ["Bo"]),
        ({"cost_center": {"owner": "gone@haneul.example"}}, []),
        ({"cost_center": {"owner": "Bo"}}, []),
        ({"cost_center": "bo@haneul.example"}, []),
        ({}, []),
    ],
)
def test_whoever_a_field_of_the_document_names_is_asked(
    office: Office, owner: dict[str, object], expected: list[str]
) -> None:
    run = tried(office, "{name: a, approvers: {field: cost_center.owner}}", fields=owner)
    assert asked(*run.stages) == [expected]
    assert run.stages[0].blocked is not bool(expected), "nobody to ask is never an approval"


def test_the_lowest_authority_that_suffices_is_asked_in_the_routes_currency(office: Office) -> None:
    with office.transaction() as session:
        for name, limit, currency in (
            ("ann", Decimal(1000), "EUR"),
            ("bo", Decimal(8_000_000), "KRW"),
            ("chief", None, "EUR"),
        ):
            person = session.get_one(Person, office.people[name].id)
            person.authority_limit, person.authority_currency = limit, currency
    stage = (
        "{name: a, approvers: {authority: {people: [chief@haneul.example, cy@haneul.example,"
        " bo@haneul.example, ann@haneul.example]}}}"
    )
    for amount, expected in (("1000.00", ["Ann"]), ("1000.01", ["Bo"]), ("5000", ["Bo"]), ("5000.01", ["Chief"])):
        assert asked(*tried(office, stage, amount=amount, rates=RATES).stages) == [expected]
    assert asked(*tried(office, stage, amount="8001600", currency="KRW", rates=RATES).stages) == [["Chief"]]
    assert tried(office, stage, amount=None, currency=None).stages[0].blocked


def test_bands_are_gone_by_in_the_routes_currency(office: Office) -> None:
    stages = ("{name: a, approvers: {group: legal}}", "{name: b, approvers: {role: ceo}}")
    bands = 'bands: [{to: "1000", stages: [a]}, {from: "1000", stages: [a, b]}]\n'
    run = tried(office, *stages, more=bands, amount="1600000", currency="KRW", rates=RATES)
    assert (run.amount, run.currency, str(run.band)) == (Decimal("1000.00"), "EUR", "1000–")
    assert [stage.skipped for stage in run.stages] == [False, False, False]
    run = tried(office, *stages, more=bands, amount="1598000", currency="KRW", rates=RATES)
    assert [stage.skipped for stage in run.stages] == [False, True, False]
    with pytest.raises(Refused, match="compares amounts in EUR, and this one is in KRW"):
        tried(office, *stages, more=bands, amount="1600000", currency="KRW")


def test_due_times_reminders_and_escalation_follow_the_calendar(office: Office) -> None:
    """From Thursday morning; Monday 25 May is the substitute holiday for Buddha's Birthday."""
    run = tried(
        office,
        "{name: a, approvers: {group: legal}, due: 2 business days, remind: [1 business day before],"
        " escalate: {to: {manager_of: assignee}}, on_expiry: escalate}",
        "{name: b, approvers: {role: ceo}, due: 4 business hours, on_expiry: reject}",
    )
    first, second, _ = run.stages
    assert first.due is not None
    assert second.due is not None
    assert local(first.due.at) == "Tue 26 18:00"
    assert [local(each) for each in first.reminders] == ["Fri 22 18:00"]
    assert first.escalation is not None
    assert local(first.escalation.at) == "Tue 26 18:00"
    assert [person.name for person in first.escalation.people] == ["Chief"], "Mia is asked already"
    assert local(second.due.at) == "Wed 27 13:00"
    assert (first.on_expiry, second.on_expiry) == ("escalate", "reject")


def test_repeated_approvers_are_asked_again_skipped_or_kept_apart(office: Office) -> None:
    stages = (
        "{name: a, approvers: {people: [ann@haneul.example]}}",
        "{name: b, approvers: {people: [ann@haneul.example, bo@haneul.example]}, quorum: all}",
        "{name: c, approvers: {people: [ann@haneul.example]}}",
    )
    assert asked(*tried(office, *stages).stages) == [["Ann"], ["Ann", "Bo"], ["Ann"]]
    skipped = tried(office, *stages, more="repeated: skip\n").stages
    assert asked(*skipped) == [["Ann"], ["Bo"], []]
    assert [[person.name for person in stage.counted] for stage in skipped[:3]] == [[], ["Ann"], ["Ann"]]
    assert (skipped[1].approve, skipped[1].size) == (2, 2)
    apart = tried(office, *stages, more="separation: {distinct_across_stages: true}\n").stages
    assert asked(*apart) == [["Ann"], ["Bo"], []]
    assert [stage.blocked for stage in apart[:3]] == [False, False, True]


def test_shares_are_of_the_people_who_are_asked_and_vetoes_of_those_among_them(office: Office) -> None:
    run = tried(
        office,
        '{name: a, approvers: {group: legal}, quorum: {approve: "60%", reject: "40%", veto: [cy@haneul.example]}}',
    )
    stage = run.stages[0]
    assert (stage.size, stage.approve, stage.reject) == (4, 3, 2)
    assert [person.name for person in stage.vetoes] == ["Cy"]


def test_the_api_says_all_of_it(office: Office) -> None:
    office.person("root", roles=["administrator"])
    with office.transaction() as session:
        secret = make_token(session, office.people["root"], name="tests", scopes=list(Scope), now=office.now)
    source = HEAD + (
        'bands: [{to: "1000", stages: []}, {from: "1000", stages: [b]}]\n'
        "stages:\n"
        "  - {name: a, approvers: {group: legal}, quorum: {approve: 60%, veto: [cy@haneul.example]}, due: 14 days,\n"
        "     remind: [5 days before], escalate: {after: due, to: {role: ceo}, mode: replace}, on_expiry: escalate}\n"
        "  - {name: b, approvers: {role: ceo}}\n"
        "  - {name: s, kind: signature, approvers: {role: ceo}, order: parallel}\n"
    )
    app = create_app(runtime=office.runtime)
    app.state.clock = lambda: office.now  # on a Saturday there would be nobody to remind
    with TestClient(app) as web:
        answer = web.post(
            "/api/routes/tried/dry-run",
            json={
                "source": source,
                "submitter": "dan@haneul.example",
                "amount": "1600000",
                "currency": "KRW",
                "rates": {"KRW": "1600"},
                "contract": {},
            },
            headers={"Authorization": f"Bearer {secret}"},
        )
    assert answer.status_code == 200, answer.text
    run = answer.json()
    assert (run["amount"], run["currency"]) == ("1000.00", "EUR")
    assert run["band"] == {"start": "1000", "end": None, "stages": ["b"]}
    first, second, sign = run["stages"]
    assert (first["approve"], first["vetoes"], first["on_expiry"]) == (3, ["Cy"], "escalate")
    assert first["escalation"] == {"at": first["due_at"], "mode": "replace", "people": ["Chief"]}
    assert len(first["reminders"]) == 1
    assert (second["people"], second["escalation"], second["reminders"]) == (["Chief"], None, [])
    assert sign["order"] == "parallel"


def test_that_nobody_would_be_asked_is_said_when_a_route_is_tried_out(office: Office) -> None:
    with pytest.raises(Refused, match="nobody would be asked"):
        tried(office, "{name: a, when: amount > 5000, approvers: {group: legal}}", amount="5000")
