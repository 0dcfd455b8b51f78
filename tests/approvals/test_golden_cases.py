"""Golden cases: what a route promises of itself, checked before it is published."""

from __future__ import annotations

import pytest

from tests.approvals.written import CONTRACT, HEAD, findings
from workflows.approvals.route import golden_failures, parse


def test_golden_cases_that_hold_say_nothing() -> None:
    assert golden_failures(parse(CONTRACT)) == ()


def test_a_golden_case_that_does_not_hold_is_named_with_its_line() -> None:
    route = parse(CONTRACT.replace("amount >= 50000", "amount >= 90000"))
    [failure] = golden_failures(route)
    assert failure.line == CONTRACT.splitlines().index(next(x for x in CONTRACT.splitlines() if "80000" in x)) + 1
    assert str(failure) == (
        "This case goes through manager, parallel-checks, sign, not through manager, legal, parallel-checks, sign."
    )


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ('{amount: "1000", contract: {kind: nda}}', 'The route is not taken in this case: “contract.kind != "nda"”'),
        ('{amount: "1000", currency: KRW}', "The route “contract-standard” compares amounts in EUR"),
        ("{contract: {kind: lease}}", "The route asks “amount >= 50000 || contract.risk in"),
    ],
)
def test_a_golden_case_that_cannot_be_answered_fails(given: str, sentence: str) -> None:
    cases = f"tests:\n  - given: {given}\n    expect: [manager]\n"
    [failure] = golden_failures(parse(CONTRACT.partition("tests:")[0] + cases))
    assert str(failure).startswith(sentence)


@pytest.mark.parametrize(
    ("given", "finding"),
    [
        ("{amount: 1000}", 'Write the amount in quotes, such as "1000.00".'),
        ('{amount: "1e3"}', "“1e3” is not an amount"),
        ('{amount: "1,000"}', "“1,000” is not an amount"),
        ('{amount: "1234567890123456"}', "“1234567890123456” is not an amount"),
        ("{currency: EURO}", "“EURO” is not a currency such as EUR or KRW."),
        ("{contract: {kinds: lease}}", "There is no field “kinds” here. Did you mean “kind”?"),
        ("{contract: {ends_on: 31.12.2026}}", "“31.12.2026” is not a day such as"),
        ("{contract: {notice_days: ninety}}", "“ninety” is not a whole number from 0 to"),
        ("{submitter: dan}", "“dan” is not an e-mail address."),
        ("{contrat: {}}", "There is no field “contrat” here. Did you mean “contract”?"),
    ],
)
def test_a_golden_case_is_checked_as_it_is_read(given: str, finding: str) -> None:
    [found] = findings(HEAD + f"tests: [{{given: {given}, expect: [manager]}}]\n")
    assert found.partition(" ")[2].startswith(finding)


def test_a_golden_case_expects_stages_that_there_are() -> None:
    [found] = findings(HEAD + "tests: [{given: {}, expect: [manger]}]\n")
    assert found == "4:30 “manger” is not known here. Did you mean “manager”?"


def test_a_golden_case_may_give_facts_that_the_route_asks_for() -> None:
    source = HEAD + (
        "when: has(contract.urgent) && contract.urgent\n"
        "tests: [{given: {contract: {urgent: true, starts_on: 2026-01-01}}, expect: [manager]}]\n"
    )
    assert golden_failures(parse(source)) == ()
    assert golden_failures(parse(source.replace("urgent: true", "urgent: false"))) != ()
