"""Conditions that the form puts together."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.approvals.composing import OPERATORS, composed, fields_of, joined
from workflows.approvals.conditions import check, holds
from workflows.errors import Refused


@pytest.mark.parametrize(
    ("field", "operator", "value", "condition"),
    [
        ("amount", ">=", "50,000", "amount >= 50000"),
        ("amount", "==", "", "amount == null"),
        ("contract.kind", "!=", "nda", 'contract.kind != "nda"'),
        ("contract.kind", "in", "lease, service,", 'contract.kind in ["lease", "service"]'),
        ("contract.ends_on", "<", "2027-01-01", 'contract.ends_on < "2027-01-01"'),
        ("contract.ends_on", "==", "", "contract.ends_on == null"),
        ("contract.title", "contains", 'a "quoted" word', 'contract.title.contains("a \\"quoted\\" word")'),
        ("contract.department", "==", "영업", 'has(contract.department) && contract.department == "영업"'),
        ("contract.seats", ">", "10", "has(contract.seats) && contract.seats > 10"),
        ("contract.urgent", "==", "true", "has(contract.urgent) && contract.urgent == true"),
        ("submitter.email", "endsWith", "@haneul.example", 'submitter.email.endsWith("@haneul.example")'),
    ],
)
def test_what_the_form_says_is_a_condition(field: str, operator: str, value: str, condition: str) -> None:
    assert composed(field, operator, value) == condition
    assert check(condition) is None


@pytest.mark.parametrize(
    ("field", "operator", "value"),
    [
        ("amount", ">=", "a lot"),
        ("contract.kind", "<", "lease"),
        ("contract.ends_on", "<", "soon"),
        ("amount", "in", ""),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_sentence_of_the_condition(
    field: str, operator: str, value: str
) -> None:
    with pytest.raises(Refused) as refused:
        composed(field, operator, value)
    assert refused.value.field == "condition"


@given(st.sampled_from([*fields_of(), "contract.own"]), st.sampled_from(OPERATORS), st.text(max_size=20))
def test_whatever_is_typed_is_a_sound_condition_or_refused(field: str, operator: str, value: str) -> None:
    try:
        made = composed(field, operator, value)
    except Refused:
        return
    assert check(made) is None
    assert check(joined(made, "&&", "amount > 1")) is None


@given(st.booleans(), st.booleans(), st.booleans(), st.sampled_from(["&&", "||"]), st.sampled_from(["&&", "||"]))
def test_conditions_are_joined_from_left_to_right(a: bool, b: bool, c: bool, first: str, second: str) -> None:
    words = ["amount > 0" if each else "amount < 0" for each in (a, b, c)]
    both = (a and b) if first == "&&" else (a or b)
    wanted = (both and c) if second == "&&" else (both or c)
    condition = joined(joined(joined("", first, words[0]), first, words[1]), second, words[2])
    assert holds(condition, {"amount": Decimal(1)}) is wanted
