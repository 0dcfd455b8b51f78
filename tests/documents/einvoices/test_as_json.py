import json
import types
from dataclasses import fields, is_dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from documents.einvoices.as_json import from_json, to_json
from documents.einvoices.data import Invoice, Line, Quantity


def anything(hint: Any) -> st.SearchStrategy[Any]:
    """Of this type, every field of it, those with defaults as well."""
    if get_origin(hint) in (Union, types.UnionType):
        return st.one_of(*[anything(each) for each in get_args(hint)])
    if get_origin(hint) is tuple:
        return st.lists(anything(get_args(hint)[0]), max_size=2).map(tuple)
    if get_origin(hint) is Literal:
        return st.sampled_from(get_args(hint))
    if is_dataclass(hint):
        assert isinstance(hint, type)
        hints = get_type_hints(hint)
        return st.builds(hint, **{each.name: anything(hints[each.name]) for each in fields(hint)})
    simple: dict[Any, st.SearchStrategy[Any]] = {
        str: st.sampled_from(["", "a", "김민준", "1.0", "2026-01-01", 'A "quoted" one\n'])
        | st.text(st.characters(codec="utf-8"), max_size=5),
        Decimal: st.decimals(allow_nan=False, allow_infinity=False),
        date: st.dates(),
        int: st.integers(),
        bool: st.booleans(),
        type(None): st.none(),
    }
    return simple[hint]


@given(anything(Invoice))
@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
def test_an_invoice_that_was_kept_is_the_same_invoice(invoice: Invoice) -> None:
    again = from_json(json.loads(json.dumps(to_json(invoice))))

    assert again == invoice
    assert repr(again) == repr(invoice)  # equal decimals may have other digits: 1.0 and 1.00


def test_decimals_keep_the_digits_that_were_written() -> None:
    invoice = Invoice("invoice", "ubl", lines=(Line(quantity=Quantity(Decimal("1.500"), "KGM")),))

    assert to_json(invoice)["lines"] == [{"quantity": {"value": "1.500", "unit": "KGM"}}]


@pytest.mark.parametrize(
    "values",
    [
        {"kind": "bill", "syntax": "ubl"},
        {"kind": "invoice"},
        {"kind": "invoice", "syntax": "ubl", "number": 7},
        {"kind": "invoice", "syntax": "ubl", "colour": "red"},
        {"kind": "invoice", "syntax": "ubl", "issued_on": "yesterday"},
        {"kind": "invoice", "syntax": "ubl", "totals": {"payable": 1.5}},
        {"kind": "invoice", "syntax": "ubl", "totals": {"payable": "much"}},
        {"kind": "invoice", "syntax": "ubl", "totals": {"payable": "NaN"}},
    ],
)
def test_what_was_not_kept_by_us_is_not_taken_for_an_invoice(values: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        from_json(values)
