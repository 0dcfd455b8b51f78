"""Routes written as JSON in one fixed form, whatever they were written in. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from workflows.approvals.plan import (
    SUBMITTER,
    WITHOUT_CALENDAR,
    Approvers,
    AtField,
    Authority,
    GoldenCase,
    Group,
    Insert,
    ManagerOf,
    Match,
    OneKind,
    ParallelPlan,
    People,
    Percent,
    ReopenFrom,
    Role,
    Route,
    StagePlan,
    Tolerance,
    kinds_of,
)


def canonical(route: Route) -> str:
    """The route as JSON; reading it gives the same route."""
    return json.dumps(_tree(route), ensure_ascii=False, indent=2) + "\n"


def _tree(route: Route) -> dict[str, Any]:
    calendar, above = route.calendar, route.links.code_above
    change = route.on_change
    return _without_nothing(
        {
            "name": route.name,
            "document": route.document,
            "priority": route.priority,
            "when": route.when,
            "currency": route.currency,
            "calendar": _without_nothing(
                {"country": calendar.country, "timezone": calendar.timezone, "hours": str(calendar.hours)}
            )
            if calendar != WITHOUT_CALENDAR
            else None,
            "separation": {
                "exclude": list(route.separation.exclude),
                "distinct_across_stages": route.separation.distinct_across_stages,
            },
            "repeated": None if route.repeated == "ask" else route.repeated,
            "on_change": {"reopen_from": change.stage} if isinstance(change, ReopenFrom) else change,
            "links": None if above is None else {"one_time_code": {"above": f"{above:f}"}},
            "bands": [
                _without_nothing({"from": _amount(band.start), "to": _amount(band.end), "stages": list(band.stages)})
                for band in route.bands
            ]
            or None,
            "match": _match_tree(route.match) if route.match else None,
            "stages": [_stage_tree(each) for each in route.stages],
            "tests": [{"given": _given_tree(case), "expect": list(case.expect)} for case in route.tests] or None,
        }
    )


def _match_tree(match: Match) -> dict[str, Any]:
    def insert(each: Insert | None) -> dict[str, Any] | None:
        return _without_nothing({"insert": each.stage, "before": each.before}) if each else None

    def tolerance(each: Tolerance) -> dict[str, Any]:
        return _without_nothing({"percent": _amount(each.percent), "amount": _amount(each.amount)})

    return _without_nothing(
        {
            "price": tolerance(match.price),
            "quantity": tolerance(match.quantity),
            "on_failure": insert(match.on_failure),
            "without_order": insert(match.without_order),
        }
    )


def _without_nothing(tree: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in tree.items() if value is not None}


def _amount(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount:f}"


def _stage_tree(stage: StagePlan | ParallelPlan) -> dict[str, Any]:
    if isinstance(stage, ParallelPlan):
        branches = [_stage_tree(each) for each in stage.branches]
        return _without_nothing({"name": stage.name, "when": stage.when, "parallel": branches})
    approval, escalate = stage.kind == "approval", stage.escalate
    return _without_nothing(
        {
            "name": stage.name,
            "kind": None if approval else stage.kind,
            "when": stage.when,
            "approvers": _approvers_tree(stage.approvers),
            "fallback": _approvers_tree(stage.fallback),
            "quorum": _quorum_tree(stage) if approval else None,
            "repeated": stage.repeated,
            "due": str(stage.due) if stage.due else None,
            "remind": [str(each) for each in stage.remind] or None,
            "escalate": {"after": str(escalate.after), "to": _approvers_tree(escalate.to), "mode": escalate.mode}
            if escalate
            else None,
            "on_expiry": stage.on_expiry,
            "extend": str(stage.extend) if stage.extend else None,
            "send_back_to": list(stage.send_back_to) if approval else None,
            "order": stage.order,
        }
    )


def _quorum_tree(stage: StagePlan) -> dict[str, Any]:
    quorum = stage.quorum
    return _without_nothing(
        {"approve": _count(quorum.approve), "reject": _count(quorum.reject), "veto": list(quorum.veto) or None}
    )


def _count(count: int | str | Percent | None) -> int | str | None:
    return str(count) if isinstance(count, Percent) else count


def _approvers_tree(approvers: Approvers | None) -> dict[str, Any] | None:
    made: dict[str, Any] = {}
    for each in kinds_of(approvers):
        made |= _kind_tree(each)
    return made or None


def _kind_tree(kind: OneKind) -> dict[str, Any]:
    match kind:
        case People(emails):
            return {"people": list(emails)}
        case Role(name):
            return {"role": name}
        case Group(name):
            return {"group": name}
        case ManagerOf(whom):
            return {"manager_of": whom}
        case AtField(path):
            return {"field": path}
        case Authority(among):
            return {"authority": _kind_tree(among)}


def _given_tree(case: GoldenCase) -> dict[str, Any]:
    submitter = cast(Mapping[str, object], case.facts.get(SUBMITTER) or {})
    made = {**case.facts, "amount": _amount(cast(Decimal | None, case.facts.get("amount")))}
    made[SUBMITTER] = submitter.get("email")
    made["rates"] = {code: _amount(rate) for code, rate in case.rates.units.items()} if case.rates else None
    return _without_nothing(made)
