"""Routes as they are written: what is read, what is refused, and which stages a document goes through."""

from __future__ import annotations

import json
import time
from datetime import time as clock
from decimal import Decimal
from importlib.resources import files

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.approvals.written import CONTRACT, HEAD, also, asking, facts, findings, names, stages
from workflows.approvals.route import (
    NOT_YET,
    Group,
    ManagerOf,
    ParallelPlan,
    People,
    Quorum,
    Role,
    Route,
    RouteRefused,
    StagePlan,
    applies,
    canonical,
    golden_failures,
    parse,
    planned,
    read,
    sha256_of,
    why_not_comparable,
)
from workflows.approvals.source import Finding
from workflows.business_time import Calendar, Due, Hours


def test_a_route_is_read_as_it_is_written() -> None:
    route = parse(CONTRACT)
    assert (route.name, route.document, route.priority, route.currency) == ("contract-standard", "contract", 100, "EUR")
    assert route.calendar == Calendar("KR", "Asia/Seoul", Hours(clock(9), clock(18)))
    assert route.separation.exclude == ("submitter",)
    assert route.separation.distinct_across_stages
    manager, legal, checks, sign = route.stages
    assert manager == StagePlan(
        name="manager",
        approvers=ManagerOf("submitter"),
        fallback=Role("operations-head"),
        quorum=Quorum("all", None),
        due=Due(2, "business days"),
    )
    assert isinstance(legal, StagePlan)
    assert legal.approvers == People(("ann@example.com", "bo@example.com", "cy@example.com"))
    assert legal.quorum == Quorum(2, 2)
    assert legal.when == 'amount >= 50000 || contract.risk in ["high", "critical"]'
    assert isinstance(checks, ParallelPlan)
    assert [branch.approvers for branch in checks.branches] == [Group("security"), Group("privacy")]
    assert [branch.quorum for branch in checks.branches] == [Quorum(1, None), Quorum("all", None)]
    assert sign == StagePlan(
        name="sign", kind="signature", approvers=Role("signatory"), order="sequential", due=Due(5, "business days")
    )


def test_a_signature_stage_may_leave_its_signers_to_the_document() -> None:
    *_, sign = parse(stages("{name: manager, approvers: {role: boss}}", "{name: sign, kind: signature}")).stages
    assert isinstance(sign, StagePlan)
    assert sign.approvers is None


def test_the_route_that_ships_fits_every_contract() -> None:
    route = parse(files("workflows.approvals").joinpath("standard.yaml").read_text(encoding="utf-8"))
    assert route.name == "standard"
    assert golden_failures(route) == ()
    for each in ({}, facts(), facts(amount=None, currency=None), facts(currency="KRW", contract={"kind": "nda"})):
        assert applies(route, each)
        assert why_not_comparable(route, each) is None
        assert names(planned(route, each)) == ["manager"]
    [manager] = route.stages
    assert isinstance(manager, StagePlan)
    assert (manager.approvers, manager.fallback) == (ManagerOf("submitter"), Role("administrator"))
    assert route.separation.exclude == ("submitter",)


DUE = "calendar: {country: KR, timezone: Asia/Seoul}\n"
LATER = {
    "approver": (
        stages("{name: a, approvers: {role: x}}", "{name: b, approvers: {manager_of: approver}}"),
        "5:39 “approver” is not supported yet.",
    ),
    "authority": ("currency: EUR\n" + asking("authority: {role: x}"), "5:38 “authority” is not supported yet."),
    "field": (asking("field: cost_center.owner"), "4:34 “field” is not supported yet."),
    "keep": (HEAD + "on_change: keep\n", "4:12 “keep” is not supported yet."),
    "kinds together": (asking("role: x, group: y"), "4:26 “role, group” is not supported yet."),
    "links": (
        HEAD + 'currency: EUR\nlinks: {one_time_code: {above: "10000"}}\n',
        "5:8 “links” is not supported yet.",
    ),
    "reopen_from": (HEAD + "on_change: {reopen_from: manager}\n", "4:12 “reopen_from” is not supported yet."),
    "send_back_to a stage": (
        stages("{name: a, approvers: {role: x}}", "{name: b, approvers: {role: x}, send_back_to: [a]}"),
        "5:52 “send_back_to: [a]” is not supported yet.",
    ),
    "signatures in parallel": (
        stages("{name: a, kind: signature, order: parallel}"),
        "4:39 “parallel” is not supported yet.",
    ),
    "skip": (HEAD + "repeated: skip\n", "4:11 “skip” is not supported yet."),
    "veto": (also("quorum: {approve: 1, veto: [a@b.example]}"), "4:64 “veto” is not supported yet."),
}


@pytest.mark.parametrize("feature", LATER)
def test_what_cannot_be_done_yet_is_refused_and_never_passed_over(feature: str) -> None:
    source, finding = LATER[feature]
    route = read(source)
    if feature in NOT_YET:
        assert findings(source) == [finding], "that it cannot be done is all that is wrong with it"
    else:
        assert parse(source) == route


def test_every_feature_that_cannot_be_done_yet_has_its_example() -> None:
    assert set(NOT_YET) <= set(LATER)


WRONG = [
    ("", "1:1 There is no route in this text."),
    ("# nothing\n", "1:1 There is no route in this text."),
    ("- a\n", "1:1 Fields are expected here, such as “name: …”."),
    (HEAD + "prority: 5\n", "4:1 There is no field “prority” here. Did you mean “priority”?"),
    (HEAD + "xyzzy: 5\n", "4:1 There is no field “xyzzy” here."),
    (HEAD + "name: again\n", "4:1 “name” is there twice."),
    (HEAD + "when:\n", "4:1 “when” is empty."),
    (HEAD + "when: ~\n", "4:1 “when” is empty."),
    (HEAD + "<<: {when: 'true'}\n", "4:1 There is no field “<<” here."),
    (HEAD + "? [a]\n: b\n", "4:3 There is no field “” here."),
    (HEAD.replace("name: small\n", ""), "1:1 “name” is missing."),
    (HEAD.replace("small", "Small Route"), "1:7 “Small Route” is not a name such as legal-review"),
    (HEAD.replace("small", "계약"), "1:7 A route’s name is part of its address"),
    (HEAD.replace("small", "s" * 61), "1:7 A name has at most 60 letters."),
    (HEAD.replace("small", "[a]"), "1:7 A single value is expected here."),
    (HEAD.replace("contract", "contrct"), "2:11 “contrct” is not known here. Did you mean “contract”?"),
    (HEAD + "priority: high\n", "4:11 “high” is not a whole number from 0 to 1000000."),
    (HEAD + "priority: 1e3\n", "4:11 “1e3” is not a whole number"),
    (HEAD + "priority: 010\n", "4:11 “010” is not a whole number"),
    (HEAD + "priority: 1_000\n", "4:11 “1_000” is not a whole number"),
    (HEAD + "priority: -1\n", "4:11 “-1” is not a whole number"),
    (HEAD + "currency: euro\n", "4:11 “euro” is not a currency such as EUR or KRW."),
    (HEAD + "when: amount\ncurrency: EUR\n", "4:7 A condition is true or false: compare “amount” with something."),
    (
        HEAD + "when: contract.risk == 'a' || contract.rsk == 'b'\n",
        "4:31 A condition cannot ask for “contract.rsk”. Did you mean “contract.risk”?",
    ),
    (
        HEAD + "when: \"contract.kind == 'a' || contract.rsk == 'b'\"\n",
        "4:32 A condition cannot ask for “contract.rsk”.",
    ),
    (
        HEAD + "when: >\n  contract.kind == 'a' ||\n  contract.rsk == 'b'\n",
        "4:7 A condition cannot ask for “contract.rsk”.",
    ),
    (
        HEAD + "when: contract.title == '한국' || contract.rsk == 'b'\n",
        "4:33 A condition cannot ask for “contract.rsk”.",
    ),
    (
        HEAD + "when: !contract.kind == 'nda'\n",
        "4:7 YAML reads a leading ! as a mark of its own: put the text in quotes.",
    ),
    (HEAD + "when: !!python/object:os.system x\n", "4:7 YAML reads a leading ! as a mark of its own"),
    (HEAD + "when: 'a' == 'a'\n", "4:11 This cannot be read as YAML"),
    (HEAD + "calendar: {country: KR}\n", "4:11 “timezone” is missing."),
    (HEAD + "calendar: {country: kr, timezone: Asia/Seoul}\n", "4:21 “kr” is not known here. Did you mean “KR”?"),
    (HEAD + "calendar: {country: Korea, timezone: Asia/Seoul}\n", "4:21 “Korea” is not one of the "),
    (
        HEAD + "calendar: {country: KR, timezone: Asia/Soul}\n",
        "4:35 “Asia/Soul” is not known here. Did you mean “Asia/Seoul”?",
    ),
    (HEAD + "calendar: {country: KR, timezone: ../../x}\n", "4:35 “../../x” is not a time zone such as Asia/Seoul."),
    (HEAD + "calendar: {country: KR, timezone: UTC, hours: 18-9}\n", "4:47 “18-9” are not business hours"),
    (HEAD + "separation: {distinct_across_stages: yes}\n", "4:38 Write true or false here, not “yes”."),
    (HEAD + "separation: {exclude: submitter}\n", "4:23 A list is expected here."),
    (HEAD + "separation: {exclude: [owner]}\n", "4:24 “owner” is not known here; known are submitter."),
    (HEAD + "stages: []\n", "4:1 “stages” is there twice."),
    ("name: a\ndocument: contract\nstages: []\n", "3:9 A route has at least one stage"),
    ("name: a\ndocument: contract\nstages: {}\n", "3:9 A list is expected here."),
    (stages("manager"), "4:5 Fields are expected here, such as “name: …”."),
    (stages("{name: a}"), "4:5 “approvers” is missing."),
    (asking(""), "4:26 Somebody is to be asked here"),
    (asking("people: []"), "4:35 Somebody is to be asked here"),
    (asking("people: a@b.example"), "4:35 A list is expected here."),
    (asking("people: [ann]"), "4:36 “ann” is not an e-mail address."),
    (
        asking("people: [A@b.example, a@B.example]"),
        "4:49 a@b.example is named twice in this stage.",
    ),
    (asking("role: ''"), "4:33 A name is needed."),
    (asking("roles: x"), "4:27 There is no field “roles” here. Did you mean “role”?"),
    (
        asking("manager_of: submiter"),
        "4:39 “submiter” is not known here. Did you mean “submitter”?",
    ),
    (stages("{name: A b, approvers: {role: x}}"), "4:12 “A b” is not a name"),
    (
        stages("{name: a, approvers: {role: x}}", "{name: a, approvers: {role: x}}"),
        "5:12 There are two stages with the name “a”.",
    ),
    (stages("{name: submitter, approvers: {role: x}}"), "4:12 “submitter” is who sends the document"),
    (stages("{name: signatures, approvers: {role: x}}"), "4:12 “signatures” is the stage of a document’s own signers"),
    (also("quorum: most"), "4:45 “most” is not known here; known are any, all."),
    (also("quorum: {approve: 0}"), "4:55 “0” is not a whole number from 1 to"),
    (
        also("quorum: {approve: all, reject: 2}"),
        "4:68 Where all must approve, one rejection ends",
    ),
    (
        stages("{name: a, approvers: {people: [a@b.example]}, quorum: {approve: 2}}"),
        "4:69 2 approvals can never come from 1 people.",
    ),
    (
        stages("{name: a, approvers: {manager_of: submitter}, quorum: {approve: 2}}"),
        "4:69 2 approvals can never come from 1 people.",
    ),
    (
        stages(
            "{name: a, approvers: {people: [a@b.example, c@b.example, d@b.example]}, quorum: {approve: 2, reject: 3}}"
        ),
        "4:106 The vote could end undecided: where 2 of 3 must approve, reject is at most 2.",
    ),
    (also("due: soon"), "4:42 “soon” is not a time such as"),
    (also("due: 9999 days"), "4:42 “9999 days” is too long a time."),
    (also("due: 1 day"), "4:42 A due time needs the route’s calendar"),
    (also("send_back_to: [nobody]"), "4:52 “nobody” is not known here"),
    (also("kind: signing"), "4:43 “signing” is not known here"),
    (also("order: sequential"), "4:37 There is no field “order” here."),
    (
        stages("{name: s, kind: signature}", "{name: a, approvers: {role: x}}"),
        "4:21 Signatures come last, after every approval.",
    ),
    (
        stages("{name: g, parallel: [{name: s, kind: signature}, {name: a, approvers: {role: x}}]}"),
        "4:42 Signatures come last, after every approval.",
    ),
    (
        stages("{name: g, parallel: [{name: a, approvers: {role: x}}]}"),
        "4:25 A parallel group has at least two branches.",
    ),
    (
        stages("{name: g, due: 1 day, parallel: [{name: a, approvers: {role: x}}, {name: b, approvers: {role: x}}]}"),
        "4:15 There is no field “due” here.",
    ),
    (
        stages("{name: g, parallel: [{name: g, approvers: {role: x}}, {name: b, approvers: {role: x}}]}"),
        "4:33 There are two stages with the name “g”.",
    ),
]


@pytest.mark.parametrize(("source", "finding"), WRONG)
def test_what_is_wrong_is_said_with_its_place(source: str, finding: str) -> None:
    found = findings(source)
    assert len(found) == 1, found
    assert found[0].startswith(finding)


def test_everything_that_is_wrong_is_said_at_once_in_the_order_of_the_lines() -> None:
    source = (
        "nam: Bad Name\n"
        "document: contract\n"
        "prio: 5\n"
        "when: amount >= '5'\n"
        "stages:\n"
        "  - {name: a, approvers: {people: [x]}, quorum: {veto: []}}\n"
        "  - {name: a, approver: {role: x}, due: soon}\n"
    )
    found = findings(source)
    places = " ".join(each.partition(" ")[0] for each in found)
    assert places == "1:1 1:1 3:1 4:17 6:36 7:5 7:12 7:15 7:41"
    with pytest.raises(RouteRefused, match=r"(?s)line 1: .*line 7: "):
        parse(source)


def test_yamls_traps_are_read_as_they_are_written() -> None:
    route = parse(
        "name: on-off\ndocument: contract\ncalendar: {country: NO, timezone: Europe/Oslo}\n"
        "stages:\n"
        "  - {name: no, approvers: {role: on}}\n"
        "  - {name: null-stage, approvers: {group: 007}}\n"
        "  - {name: yes, approvers: {role: 2026-01-01}}\n"
    )
    assert route.calendar.country == "NO"
    assert [(stage.name, stage.approvers) for stage in route.stages if isinstance(stage, StagePlan)] == [
        ("no", Role("on")),
        ("null-stage", Group("007")),
        ("yes", Role("2026-01-01")),
    ]


def test_names_may_be_in_any_script() -> None:
    route = parse(
        stages("{name: 법무-검토, approvers: {group: 법무팀}}", "{name: česká-kontrola, approvers: {role: 部長}}")
    )
    assert names(route.stages) == ["법무-검토", "česká-kontrola"]


def test_json_is_the_same_route() -> None:
    tree = yaml.safe_load(CONTRACT)
    for written in (json.dumps(tree), json.dumps(tree, indent="\t", ensure_ascii=False), canonical(parse(CONTRACT))):
        assert parse(written) == parse(CONTRACT)


def test_json_may_write_letters_as_escapes() -> None:
    role = '𝕏 "법무" \\u 𝄞/\\'
    written = json.dumps({"name": "a", "document": "contract", "stages": [{"name": "b", "approvers": {"role": role}}]})
    assert "\\ud835\\udd4f" in written
    [stage] = parse(written).stages
    assert isinstance(stage, StagePlan)
    assert stage.approvers == Role(role)


def test_findings_in_json_have_their_places_too() -> None:
    assert findings(
        '{"name": "a",\n\t"document":\t"contract",\n\t"stages": [{"nam": "x", "approvers": {"role": "y"}}]}'
    ) == [
        "3:13 “name” is missing.",
        "3:14 There is no field “nam” here. Did you mean “name”?",
    ]


def test_the_hash_is_of_the_text_byte_for_byte() -> None:
    assert sha256_of("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert sha256_of(HEAD) != sha256_of(HEAD + "\n")
    assert canonical(parse(HEAD)) == canonical(parse(HEAD + "\n"))


BOMBS = {
    "aliases": "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n",
    "billion laughs": "a: &a0 [x]\n"
    + "".join(f"b{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 40)),
    "itself": "a: &a [*a]\n",
    "deep flow": "[" * 100_000,
    "deep mapping": "{a: " * 20_000,
    "deep blocks": "- " * 90_000,
    "deep json": '{"a": ' * 20_000 + "1" + "}" * 20_000,
    "large": "a: " + "x" * 200_000,
    "many": "[" + "x, " * 60_000 + "]",
    "many fields": "".join(f"name{n}: 1\n" for n in range(9_000)),
    "two routes": HEAD + "---\n" + HEAD,
    "tags": "a: !!python/object/apply:os.system ['true']\n",
    "nul": HEAD + "when: 'a\0b'\n",
    "surrogate": HEAD + "when: '\ud800'\n",
    "quotes": '"' * 150_000,
    "backslashes": '{"a": "' + "\\" * 150_000 + '"}',
    "question marks": "? " * 90_000,
    "directive": "%YAML 9.9\n---\n" + HEAD + "x: 1",
    "tabs": "name:\n\t- a\n",
}


@pytest.mark.parametrize("source", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_quickly(source: str) -> None:
    before = time.process_time()
    assert findings(source)
    assert time.process_time() - before < 60, "what it would unfold to takes longer than anybody lives"


def test_no_more_is_read_than_a_route_can_hold() -> None:
    one = "{name: s%s, approvers: {role: x}}"
    assert len(parse(stages(*(one % number for number in range(100)))).stages) == 100
    assert findings(stages(*(one % number for number in range(101)))) == ["4:3 There are more than 100 here."]
    group = "{name: g%s, parallel: [{name: a%s, approvers: {role: x}}, {name: b%s, approvers: {role: x}}]}"
    assert len(parse(stages(*(group % (n, n, n) for n in range(50)))).stages) == 50
    assert findings(stages(*(group % (n, n, n) for n in range(51)))) == ["4:3 There are more than 100 here."]


def test_a_large_route_is_read_within_a_second() -> None:
    stage = "{name: s%s, approvers: {people: [%s]}, quorum: {approve: 2, reject: 2}, when: contract.risk == 'r%s'}"
    people = ", ".join(f"person{number}@example.com" for number in range(300))
    source = stages(*(stage % (number, people, number) for number in range(19)))
    before = time.process_time()
    route = parse(source)
    planned(route, facts())
    assert time.process_time() - before < 1


def test_a_findings_sentence_can_be_filled_in() -> None:
    for source, _ in WRONG:
        with pytest.raises(RouteRefused) as caught:
            parse(source)
        for each in caught.value.findings:
            assert isinstance(each, Finding)
            assert "%(" not in str(each)
            assert str(each) == (each.sentence % each.values if each.values else each.sentence)


slugs = st.from_regex(r"[a-z][a-z0-9]{0,5}(-[a-z0-9]{1,3})?", fullmatch=True)
emails = st.builds("{}@example.com".format, slugs)
approvers = st.one_of(
    st.builds(People, st.lists(emails, min_size=3, max_size=5, unique=True).map(tuple)),
    st.builds(Role, slugs),
    st.builds(Group, slugs),
)
quorums = st.sampled_from([Quorum(), Quorum(1), Quorum(1, 1), Quorum(2, 2), Quorum(3, 1), Quorum("all", 1)])
conditions = st.none() | st.sampled_from(["amount >= 50000", 'contract.kind == "lease"', "!(contract.risk == 'high')"])
dues = st.none() | st.builds(Due, st.integers(1, 200), st.sampled_from(["business days", "business hours", "days"]))
plans = st.builds(
    StagePlan,
    name=slugs,
    when=conditions,
    approvers=approvers,
    fallback=st.none() | approvers | st.just(ManagerOf()),
    quorum=quorums,
    due=dues,
    send_back_to=st.sampled_from([(), ("submitter",)]),
)
groups = st.builds(ParallelPlan, slugs, st.lists(plans, min_size=2, max_size=3).map(tuple), conditions)


def _all_names(stages: tuple[StagePlan | ParallelPlan, ...]) -> list[str]:
    inner = [branch.name for stage in stages if isinstance(stage, ParallelPlan) for branch in stage.branches]
    return [*names(stages), *inner]


routes = st.builds(
    Route,
    name=slugs,
    document=st.just("contract"),
    stages=st.lists(plans | groups, min_size=1, max_size=5).map(tuple),
    priority=st.integers(0, 1000),
    when=conditions,
    currency=st.sampled_from(["EUR", "KRW"]),
    calendar=st.just(Calendar("DE", "Europe/Berlin")),
).filter(lambda route: len(set(_all_names(route.stages))) == len(_all_names(route.stages)))


@given(routes)
def test_a_route_written_in_its_fixed_form_is_read_as_the_same_route(route: Route) -> None:
    assert parse(canonical(route)) == route


@given(
    routes,
    st.sampled_from(["0", "49999.99", "50000"]),
    st.sampled_from(["lease", "nda"]),
    st.sampled_from(["", "high"]),
)
def test_planned_stages_are_the_routes_own_in_their_order(route: Route, amount: str, kind: str, risk: str) -> None:
    given = {"amount": Decimal(amount), "currency": route.currency, "contract": {"kind": kind, "risk": risk}}
    going = names(planned(route, given))
    assert going == [name for name in names(route.stages) if name in going]
    for stage in route.stages:
        if stage.when is None and isinstance(stage, StagePlan):
            assert stage.name in going, "without a condition nobody is passed over"


@given(
    st.text(max_size=60)
    | st.lists(st.sampled_from([*CONTRACT.splitlines(True), "  - ", "{", "x: ", "[", "'"]), max_size=40).map("".join)
)
def test_any_text_is_a_route_or_is_refused_with_findings(source: str) -> None:
    refused: tuple[Finding, ...] = ()
    try:
        route = parse(source)
    except RouteRefused as error:
        refused = error.findings
    else:
        assert parse(canonical(route)) == route
        return
    lines = len(source.splitlines()) + 1
    assert refused
    assert all(1 <= each.line <= lines and each.column >= 1 for each in refused)
