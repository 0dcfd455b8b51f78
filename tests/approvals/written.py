"""Routes as tests write them: a whole one, and the least around what is looked at."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest

from workflows.approvals.route import ParallelPlan, Route, RouteRefused, StagePlan, parse

CONTRACT = """\
name: contract-standard
document: contract
priority: 100
when: contract.kind != "nda"
currency: EUR
calendar: {country: KR, timezone: Asia/Seoul, hours: "09:00-18:00"}
separation: {exclude: [submitter], distinct_across_stages: true}
on_change: restart
stages:
  - name: manager
    approvers: {manager_of: submitter}
    fallback: {role: operations-head}
    due: 2 business days
  - name: legal
    when: amount >= 50000 || contract.risk in ["high", "critical"]
    approvers: {people: [ann@example.com, bo@example.com, cy@example.com]}
    quorum: {approve: 2, reject: 2}
    due: 3 business days
    send_back_to: [submitter]
  - name: parallel-checks
    parallel:
      - {name: security, approvers: {group: security}, quorum: any}
      - {name: privacy,  approvers: {group: privacy},  quorum: all, when: contract.kind == "service"}
  - name: sign
    kind: signature
    approvers: {role: signatory}
    order: sequential
    due: 5 business days
tests:
  - given: {amount: "1000", contract: {kind: lease, risk: low}, submitter: dan@example.com}
    expect: [manager, parallel-checks, sign]
  - given: {amount: "80000", contract: {kind: lease, risk: low}, submitter: dan@example.com}
    expect: [manager, legal, parallel-checks, sign]
"""
STAGE = "stages: [{name: manager, approvers: {manager_of: submitter}}]"
HEAD = f"name: small\ndocument: contract\n{STAGE}\n"


def findings(source: str, read: Callable[[str], Route] = parse) -> list[str]:
    """As “line:column sentence”. ``read``: what refuses the source."""
    with pytest.raises(RouteRefused) as caught:
        read(source)
    assert caught.value.findings
    return [f"{each.line}:{each.column} {each}" for each in caught.value.findings]


def stages(*written: str) -> str:
    return "name: small\ndocument: contract\nstages:\n" + "".join(f"  - {each}\n" for each in written)


def also(more: str) -> str:
    return stages("{name: a, approvers: {role: x}, " + more + "}")


def asking(whom: str) -> str:
    return stages("{name: a, approvers: {" + whom + "}}")


def facts(**given: object) -> dict[str, object]:
    return {"amount": Decimal("1000.00"), "currency": "EUR", "contract": {"kind": "lease"}, **given}


def names(plans: tuple[StagePlan | ParallelPlan, ...]) -> list[str]:
    return [plan.name for plan in plans]
