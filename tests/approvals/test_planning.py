"""Which stages a document goes through, and which routes it may take."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.approvals.written import CONTRACT, HEAD, facts, findings, names, stages
from workflows.approvals.conditions import Unanswerable
from workflows.approvals.route import ParallelPlan, applies, parse, planned, planned_branches, why_not_comparable
from workflows.errors import Refused


def test_every_document_goes_through_the_stages_whose_conditions_hold() -> None:
    route = parse(CONTRACT)
    assert names(planned(route, facts())) == ["manager", "parallel-checks", "sign"]
    assert names(planned(route, facts(amount=Decimal(50000)))) == ["manager", "legal", "parallel-checks", "sign"]
    assert names(planned(route, facts(contract={"kind": "lease", "risk": "high"})))[1] == "legal"


def test_of_a_parallel_group_the_branches_are_taken_whose_conditions_hold() -> None:
    route = parse(CONTRACT)
    for kind, expected in (("lease", ["security"]), ("service", ["security", "privacy"])):
        given = facts(contract={"kind": kind})
        assert names(planned_branches(route.stages[2], given)) == expected
        [checks] = [each for each in planned(route, given) if isinstance(each, ParallelPlan)]
        assert [branch.name for branch in checks.branches] == expected


def test_a_parallel_group_without_any_branch_is_not_gone_through() -> None:
    route = parse(
        stages(
            "{name: manager, approvers: {role: boss}}",
            "{name: checks, parallel: [{name: a, approvers: {role: x}, when: contract.kind == 'a'}, "
            "{name: b, approvers: {role: y}, when: contract.kind == 'b'}]}",
        )
    )
    assert names(planned(route, facts())) == ["manager"]
    assert names(planned(route, facts(contract={"kind": "b"}))) == ["manager", "checks"]


def test_a_route_applies_where_its_condition_holds() -> None:
    route = parse(CONTRACT)
    assert applies(route, facts())
    assert not applies(route, facts(contract={"kind": "nda"}))


def test_amounts_in_another_currency_are_not_compared() -> None:
    route = parse(CONTRACT)
    why = why_not_comparable(route, facts(currency="KRW"))
    assert why is not None
    assert (
        why[0] % why[1]
        == "The route “contract-standard” compares amounts in EUR, and this one is in KRW, for which there is no rate."
    )
    assert why_not_comparable(route, facts(amount=None, currency=None)) is None, "there is nothing to compare"
    assert why_not_comparable(parse(HEAD + "currency: EUR\n"), facts(currency="KRW")) is None, "nothing is compared"


def test_a_route_chosen_by_amount_is_neither_taken_nor_passed_over_in_another_currency() -> None:
    route = parse(HEAD + "currency: EUR\nwhen: amount >= 50000\n")
    assert applies(route, facts(amount=Decimal(50000)))
    with pytest.raises(Refused, match="compares amounts in EUR"):
        applies(route, facts(amount=Decimal(90000), currency="KRW"))
    with pytest.raises(Unanswerable):
        applies(route, facts(amount=None, currency=None))


def test_an_amount_is_only_compared_in_a_currency_that_is_named() -> None:
    assert findings(HEAD + "when: amount > 5\n") == [
        "4:7 A condition on the amount needs the route’s currency, such as “currency: EUR”."
    ]
    assert parse(HEAD + 'when: currency == "KRW" && amount > 50000000\n').currency is None
    branches = "{name: a, approvers: {role: x}, when: amount > 5}, {name: b, approvers: {role: y}}"
    [found] = findings(stages("{name: checks, parallel: [" + branches + "]}"))
    assert found.startswith("4:69 A condition on the amount needs")
