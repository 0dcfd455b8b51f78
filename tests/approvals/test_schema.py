"""Everything that a route may say: what it means, and what is refused of it."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from tests.approvals.written import findings
from workflows.approvals.conditions import Unanswerable
from workflows.approvals.route import (
    AtField,
    Authority,
    Band,
    Escalation,
    Group,
    ManagerOf,
    ParallelPlan,
    People,
    Percent,
    Quorum,
    Rates,
    Reminder,
    ReopenFrom,
    Role,
    Route,
    StagePlan,
    Together,
    band_of,
    canonical,
    comparable,
    going_through,
    golden_failures,
    planned,
    read,
    why_not_comparable,
)
from workflows.business_time import Due
from workflows.errors import Refused

CONTRACT = """\
name: contract-standard
document: contract
priority: 100
when: contract.kind != "nda"
currency: EUR
calendar: {country: KR, timezone: Asia/Seoul, hours: "09:00-18:00"}
separation: {exclude: [submitter], distinct_across_stages: true}
on_change: {reopen_from: legal}
links: {one_time_code: {above: "10000"}}
stages:
  - name: manager
    approvers: {manager_of: submitter}
    fallback: {role: operations-head}
    due: 2 business days
    remind: [1 business day before, 1 business day after, every 3 business days]
    escalate: {after: due, to: {manager_of: assignee}, mode: add}
    extend: 5 business days
  - name: legal
    when: amount >= 50000 || contract.risk in ["high", "critical"]
    approvers: {people: [ann@example.com, bo@example.com, cy@example.com]}
    quorum: {approve: 2, reject: 2, veto: [cy@example.com]}
    due: 3 business days
    escalate: {after: 1 business day, to: {role: general-counsel, group: legal}, mode: replace}
    send_back_to: [submitter, manager]
  - name: parallel-checks
    join: all
    parallel:
      - {name: security, approvers: {group: security}, quorum: "60%"}
      - {name: privacy,  approvers: {group: privacy, people: [pia@example.com]}, quorum: {approve: 50%, reject: 33.4%}}
      - {name: owner,    approvers: {field: cost_center.owner}}
      - {name: budget,   approvers: {authority: {role: signatory}}, send_back_to: [legal]}
  - name: director
    approvers: {manager_of: approver}
  - name: sign
    kind: signature
    approvers: {role: signatory}
    order: parallel
    due: 5 business days
    on_expiry: incident
tests:
  - given: {amount: "1000", contract: {kind: lease, risk: low}, submitter: dan@example.com}
    expect: [manager, parallel-checks, director, sign]
  - given: {amount: "80000", contract: {kind: lease, risk: low}, submitter: dan@example.com}
    expect: [manager, legal, parallel-checks, director, sign]
  - given: {amount: "128000000", currency: KRW, rates: {KRW: "1600"}, contract: {kind: lease}}
    expect: [manager, legal, parallel-checks, director, sign]
"""
INVOICE = """\
name: invoice-payable
document: invoice
currency: EUR
match: {price: {percent: "2"}, on_failure: {insert: exception, before: first}, without_order: {insert: procurement}}
calendar: {country: DE, timezone: Europe/Berlin}
bands:
  - {to: "1000", stages: []}
  - {from: "1000", to: "10000", stages: [owner]}
  - {from: "10000", to: "100000", stages: [owner, controller]}
  - {from: "100000", stages: [owner, controller, cfo]}
stages:
  - {name: owner, approvers: {field: cost_center.owner}, due: 1 business day}
  - {name: controller, approvers: {group: controllers}, quorum: any, due: 2 business days}
  - {name: cfo, approvers: {role: cfo}, due: 2 business days}
  - {name: exception, approvers: {group: accounts-payable}, send_back_to: [submitter]}
  - {name: procurement, approvers: {group: procurement}}
tests:
  - {given: {amount: "999.99"}, expect: []}
  - {given: {amount: "999.99", match: failed}, expect: [exception]}
  - {given: {amount: "1000", match: failed}, expect: [exception, owner]}
  - {given: {amount: "1000", match: without_order}, expect: [owner, procurement]}
  - {given: {amount: "1000", match: matched}, expect: [owner]}
  - {given: {amount: "1000"}, expect: [owner]}
  - {given: {amount: "99999.99"}, expect: [owner, controller]}
  - {given: {amount: "100000"}, expect: [owner, controller, cfo]}
"""
HEAD = """\
name: small
document: contract
currency: EUR
calendar: {country: KR, timezone: Asia/Seoul, hours: "09:00-18:00"}
"""


def stages(*written: str, more: str = "") -> str:
    """The first stage is in line 6."""
    return HEAD + more.replace("\n", " ") + "\nstages:\n" + "".join(f"  - {each}\n" for each in written)


def also(more: str) -> str:
    return stages("{name: a, approvers: {role: x}, " + more + "}")


def asking(whom: str) -> str:
    return stages("{name: a, approvers: {" + whom + "}}")


def stage(route: Route, name: str) -> StagePlan:
    return next(each for each in route.plans if each.name == name)


def test_the_whole_schema_is_read_as_it_is_written() -> None:
    route = read(CONTRACT)
    assert route.on_change == ReopenFrom("legal")
    assert route.links.code_above == Decimal(10000)
    manager = stage(route, "manager")
    assert manager.remind == (
        Reminder("before", Due(1, "business days")),
        Reminder("after", Due(1, "business days")),
        Reminder("every", Due(3, "business days")),
    )
    assert manager.escalate == Escalation(ManagerOf("assignee"), "due", "add")
    assert manager.extend == Due(5, "business days")
    legal = stage(route, "legal")
    assert legal.quorum == Quorum(2, 2, ("cy@example.com",))
    assert legal.escalate == Escalation(
        Together((Role("general-counsel"), Group("legal"))), Due(1, "business days"), "replace"
    )
    assert legal.send_back_to == ("submitter", "manager")
    assert stage(route, "security").quorum == Quorum(Percent(Decimal(60)))
    assert stage(route, "privacy").quorum == Quorum(Percent(Decimal(50)), Percent(Decimal("33.4")))
    assert stage(route, "privacy").approvers == Together((Group("privacy"), People(("pia@example.com",))))
    assert stage(route, "owner").approvers == AtField("cost_center.owner")
    assert stage(route, "budget").approvers == Authority(Role("signatory"))
    assert stage(route, "director").approvers == ManagerOf("approver")
    assert (stage(route, "sign").order, stage(route, "sign").on_expiry) == ("parallel", "incident")
    assert route.people_named == ("ann@example.com", "bo@example.com", "cy@example.com", "pia@example.com")


def test_the_route_in_the_documentation_is_sound() -> None:
    text = (Path(__file__).parents[2] / "docs" / "routes.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    assert golden_failures(read(example)) == ()


def test_golden_cases_hold_over_conditions_bands_and_currencies() -> None:
    assert golden_failures(read(CONTRACT)) == ()
    assert golden_failures(read(INVOICE)) == ()
    failing = read(CONTRACT.replace('rates: {KRW: "1600"}', 'rates: {KRW: "3000"}'))
    [failure] = golden_failures(failing)
    assert failure.line == CONTRACT.splitlines().index(next(x for x in CONTRACT.splitlines() if "KRW:" in x)) + 1


def test_the_fixed_form_of_a_whole_route_is_read_as_the_same_route() -> None:
    unmatched = INVOICE.replace("\nmatch:", "\n# match:").replace("stages: []", "stages: [owner]")
    for source in (CONTRACT, INVOICE, unmatched):
        assert read(canonical(read(source))) == read(source)


def test_an_amount_is_in_the_band_that_begins_with_it() -> None:
    route = read(INVOICE)
    for amount, expected in (("0", 0), ("999.99", 0), ("1000", 1), ("1000.00", 1), ("9999.99", 1), ("10000", 2)):
        assert band_of(route, {"amount": Decimal(amount)}) == route.bands[expected]
    assert band_of(route, {"amount": Decimal(10) ** 9}) == route.bands[-1]
    assert band_of(route, {"amount": "1000"}) == Band(Decimal(1000), Decimal(10000), ("owner",)), "facts that were kept"
    assert band_of(read(CONTRACT), {}) is None
    with pytest.raises(Unanswerable, match="goes by bands"):
        planned(route, {"amount": None, "currency": None})


def test_a_stage_that_no_band_names_is_gone_through_in_each() -> None:
    route = read(
        stages(
            "{name: manager, approvers: {role: x}}",
            "{name: cfo, approvers: {role: y}}",
            more='bands: [{to: "1000", stages: []}, {from: "1000", stages: [cfo]}]',
        )
    )
    assert going_through(route, {"amount": Decimal(5), "currency": "EUR"}) == {"manager"}
    assert going_through(route, {"amount": Decimal(1000), "currency": "EUR"}) == {"manager", "cfo"}


def test_a_bands_stage_still_has_its_own_condition() -> None:
    route = read(
        stages(
            "{name: manager, approvers: {role: x}}",
            "{name: checks, parallel: [{name: p, approvers: {role: x}, when: contract.risk == 'high'}, "
            "{name: q, approvers: {role: y}}]}",
            more='bands: [{to: "1000", stages: []}, {from: "1000", stages: [checks]}]',
        )
    )
    facts = {"amount": Decimal(1000), "currency": "EUR", "contract": {"risk": "low"}}
    assert going_through(route, facts) == {"manager", "checks", "q"}
    [_, checks] = planned(route, facts)
    assert isinstance(checks, ParallelPlan)
    assert [each.name for each in checks.branches] == ["q"]


def test_conditions_and_bands_compare_in_the_routes_currency() -> None:
    route = read(CONTRACT)
    facts = {"amount": Decimal(79_999_999), "currency": "KRW", "contract": {"kind": "lease"}}
    rates = Rates("EUR", {"KRW": Decimal(1600)})
    assert comparable(route, facts, rates) == {**facts, "amount": Decimal("50000.00")}
    assert "legal" in going_through(route, facts, rates)
    assert "legal" not in going_through(route, {**facts, "amount": Decimal(79_000_000)}, rates)
    assert comparable(route, facts | {"currency": "EUR"}, None)["amount"] == Decimal(79_999_999)
    with pytest.raises(Refused, match="compares amounts in EUR, and this one is in KRW"):
        planned(route, facts)
    why = why_not_comparable(route, facts, Rates("EUR", {"USD": Decimal(1)}))
    assert why is not None
    assert why[0] % why[1] == "There is no exchange rate between KRW and EUR. An administrator has to enter one."


WRONG = [
    # quorum
    (also("quorum: 0%"), "7:45 “0%” is not a share such as 60%, over 0 and at most 100."),
    (also("quorum: 100.01%"), "7:45 “100.01%” is not a share"),
    (also("quorum: {approve: 60 percent}"), "7:55 “60 percent” is not a whole number"),
    (also("quorum: {approve: 60%, reject: 60%}"), "7:68 The vote could end undecided: where 2 of 2 must approve"),
    (also("quorum: {approve: all, reject: 50%}"), "7:68 Where all must approve, one rejection ends"),
    (
        stages("{name: a, approvers: {people: [a@b.example, c@b.example]}, quorum: {approve: 1, veto: [d@b.example]}}"),
        "7:91 d@b.example has a veto here, but is not asked.",
    ),
    (also("quorum: {veto: [d]}"), "7:53 “d” is not an e-mail address."),
    # people
    (
        stages("{name: a, approvers: {manager_of: approver}}"),
        "7:39 Nobody has approved anything before the first stage.",
    ),
    (asking("manager_of: assignee"), "7:39 “assignee” is not known here; known are submitter, approver."),
    (asking("field: Cost Center"), "7:34 “Cost Center” is not a field of the document such as cost_center.owner."),
    (asking("authority: {}"), "7:38 “authority” looks in one place: people, a role or a group."),
    (asking("authority: {role: x, group: y}"), "7:38 “authority” looks in one place"),
    (asking("authority: {field: x}"), "7:39 There is no field “field” here."),
    (
        asking("authority: {role: x}").replace("currency: EUR\n", ""),
        "6:38 “authority” compares amounts: it needs the route’s currency",
    ),
    # times
    (also("remind: [1 business day before]"), "7:46 This needs the stage’s due time"),
    (also("due: 2 days, remind: [1 day ahead]"), "7:59 “1 day ahead” is not a reminder such as"),
    (also("due: 2 days, remind: [soon before]"), "7:59 “soon” is not a time such as"),
    (also("remind: [every 2 business hours]"), "7:46 Nobody is reminded twice within 12 hours"),
    (also("due: 2 days, remind: [1 day before, 1 day before]"), "7:73 “1 day before” is there twice."),
    (also("due: 2 days, remind: 1 day before"), "7:58 A list is expected here."),
    (also("escalate: {to: {role: y}}"), "7:47 This needs the stage’s due time"),
    (also("due: 1 day, escalate: {after: due}"), "7:59 “to” is missing."),
    (also("due: 1 day, escalate: {to: {role: y}, mode: ask}"), "7:81 “ask” is not known here; known are add, replace."),
    (also("due: 1 day, on_expiry: escalate"), "7:60 “on_expiry: escalate” needs to know whom to ask"),
    (
        also("due: 1 day, escalate: {to: {role: y}}, on_expiry: reject"),
        "7:87 A stage that is rejected at its due time cannot escalate then.",
    ),
    (also("on_expiry: reject"), "7:48 This needs the stage’s due time"),
    (also("extend: 5 business days"), "7:45 This needs the stage’s due time"),
    # stages
    (also("send_back_to: [b]"), "7:52 “b” is not known here; known are submitter."),
    (
        stages(
            "{name: g, parallel: [{name: a, approvers: {role: x}}, {name: b, approvers: {role: x}, send_back_to: [a]}]}"
        ),
        "7:106 “a” is not known here; known are submitter.",
    ),
    (
        stages("{name: g, join: any, parallel: [{name: a, approvers: {role: x}}, {name: b, approvers: {role: x}}]}"),
        "7:21 “any” is not known here; known are all.",
    ),
    (
        stages("{name: g, parallel: [{name: b, parallel: []}, {name: c, approvers: {role: x}}]}"),
        "7:36 A parallel group holds stages, and no further group.",
    ),
    (stages("{name: s, kind: signature, order: any}"), "7:39 “any” is not known here; known are sequential, parallel."),
    (
        stages("{name: s, kind: signature, due: 1 day, escalate: {to: {role: y}, mode: replace}}"),
        "7:54 A document is prepared for its signers: nobody can sign in their place.",
    ),
    (
        stages("{name: s, kind: signature, due: 1 day, on_expiry: escalate}"),
        "7:55 “escalate” is not known here; known are incident, reject.",
    ),
    (also("repeated: never"), "7:47 “never” is not known here; known are ask, skip."),
    (
        stages(
            "{name: a, approvers: {role: x}}", more="separation: {distinct_across_stages: true}\nrepeated: skip"
        ).replace("true} repeated", "true}\nrepeated"),
        "6:11 With distinct_across_stages nobody decides twice",
    ),
    # the route
    (stages("{name: a, approvers: {role: x}}", more="on_change: {reopen_from: b}"), "5:26 “b” is not known here"),
    (stages("{name: a, approvers: {role: x}}", more="on_change: reopen"), "5:12 “reopen” is not known here"),
    (stages("{name: a, approvers: {role: x}}", more="links: {one_time_code: {above: 5}}"), "5:32 Write the amount in"),
    (stages("{name: a, approvers: {role: x}}", more="links: {}"), "5:8 “one_time_code” is missing."),
]


@pytest.mark.parametrize(("source", "finding"), WRONG)
def test_what_is_wrong_is_said_with_its_place(source: str, finding: str) -> None:
    found = findings(source, read)
    assert len(found) == 1, found
    assert found[0].startswith(finding)


BANDS = [
    ("[]", "5:8 Bands are a list, such as"),
    ('[{from: "5", stages: [a]}]', "5:9 No band holds amounts from 0 to 5."),
    ('[{to: "5", stages: [a]}]', "5:9 No band holds amounts from 5: the last one has no “to”."),
    ('[{to: "5", stages: [a]}, {from: "6", stages: [a]}]', "5:33 No band holds amounts from 5 to 6."),
    ('[{to: "5", stages: [a]}, {from: "4.99", stages: [a]}]', "5:33 Two bands hold the same amounts, from 4.99 to 5."),
    ('[{to: "5", stages: [a]}, {stages: [a]}]', "5:33 Two bands hold the same amounts, from 0 to 5."),
    ('[{stages: [a]}, {from: "5", stages: [a]}]', "5:24 Two bands hold the same amounts, from 5 to …."),
    ('[{to: "5", stages: [a]}, {from: "5", to: "5", stages: [a]}, {from: "5", stages: [a]}]', "5:49 A band ends above"),
    ('[{to: "5", stages: [a, b]}, {from: "5", stages: [a]}]', "5:31 “b” is not known here; known are a."),
    ('[{to: "5", stages: []}, {from: "5", stages: [a]}]', "5:9 In this band nobody is asked"),
    ("[{to: 5, stages: [a]}]", "5:14 Write the amount in quotes"),
]


@pytest.mark.parametrize(("bands", "finding"), BANDS)
def test_bands_hold_every_amount_once(bands: str, finding: str) -> None:
    assert findings(stages("{name: a, approvers: {role: x}}", more=f"bands: {bands}"), read)[0].startswith(finding)


def test_bands_that_are_in_lines_of_their_own_are_found_there() -> None:
    source = HEAD + (
        'bands:\n  - {to: "1000", stages: [a]}\n  - {from: "1000", to: "3000", stages: [a]}\n'
        '  - {from: "2000", to: "4000", stages: [a]}\n  - {from: "5000", stages: [a]}\n'
        "stages: [{name: a, approvers: {role: x}}]\n"
    )
    assert findings(source, read) == [
        "8:5 Two bands hold the same amounts, from 2000 to 3000. Bands are in the order of their amounts.",
        "9:5 No band holds amounts from 4000 to 5000.",
    ]


def test_bands_and_codes_need_the_routes_currency() -> None:
    for more in ("bands: [{stages: [a]}]", 'links: {one_time_code: {above: "5"}}'):
        source = stages("{name: a, approvers: {role: x}}", more=more).replace("currency: EUR\n", "")
        [found] = findings(source, read)
        assert found.endswith("compares amounts: it needs the route’s currency, such as “currency: EUR”.")


def test_a_veto_of_everybody_needed_makes_any_reject_quorum_end() -> None:
    """Where two of three must approve and two have a veto, whoever rejects without one leaves two to approve."""
    people = "people: [a@b.example, c@b.example, d@b.example]"
    quorum = "quorum: {approve: 2, reject: 3, veto: [a@b.example%s]}"
    sound = stages("{name: a, approvers: {" + people + "}, " + quorum % ", c@b.example" + "}")
    assert stage(read(sound), "a").quorum.reject == 3
    [found] = findings(stages("{name: a, approvers: {" + people + "}, " + quorum % "" + "}"), read)
    assert "The vote could end undecided: where 2 of 3 must approve, reject is at most 2." in found


def test_a_share_is_of_whole_people_rounded_up() -> None:
    share = Percent(Decimal(60))
    assert [share.of(panel) for panel in (1, 2, 3, 4, 5, 10)] == [1, 2, 2, 3, 3, 6]
    assert Percent(Decimal("33.34")).of(3) == 2
    assert Percent(Decimal("33.33")).of(3) == 1
    assert Percent(Decimal(100)).of(7) == 7
    assert str(Percent(Decimal("100"))) == "100%"


def test_signers_are_known_before_anybody_approves() -> None:
    source = stages("{name: a, approvers: {role: x}}", "{name: s, kind: signature, approvers: {manager_of: approver}}")
    assert findings(source, read) == [
        "8:43 Who signs is known before anybody approves: name people, a role, a group or a field."
    ]
