"""Amounts of one currency as amounts of another."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.approvals.rates import Rates, amount_in, rates_of
from workflows.errors import Refused

RATES = Rates("EUR", {"KRW": Decimal("1612.5"), "USD": Decimal("1.0834"), "KWD": Decimal("0.3333")}, date(2026, 5, 21))


@pytest.mark.parametrize(
    ("currency", "amount", "of", "expected"),
    [
        ("EUR", "80000000", "KRW", "49612.40"),
        ("KRW", "1", "EUR", "1613"),  # 1612.5: half up, and won have no smaller unit
        ("USD", "100.00", "EUR", "108.34"),
        ("EUR", "100.00", "KWD", "300.03"),
        ("KWD", "1", "EUR", "0.333"),  # three decimals
        ("KRW", "10.00", "USD", "14884"),  # over the base: 10 / 1.0834 * 1612.5 = 14883.7…, rounded once
        ("KRW", "-1", "EUR", "-1613"),
    ],
)
def test_an_amount_is_rounded_half_up_to_the_currencys_smallest_unit(
    currency: str, amount: str, of: str, expected: str
) -> None:
    assert str(amount_in(currency, Decimal(amount), of, RATES)) == expected


def test_an_amount_that_is_in_the_currency_already_is_left_alone() -> None:
    odd = Decimal("0.123456")
    assert amount_in("EUR", odd, "EUR", None) is odd


@pytest.mark.parametrize("rates", [None, RATES, Rates("JPY", {})])
def test_without_a_rate_it_is_refused(rates: Rates | None) -> None:
    with pytest.raises(Refused, match="There is no exchange rate between CHF and EUR"):
        amount_in("EUR", Decimal(5), "CHF", rates)


def test_rates_are_kept_as_json_and_read_again() -> None:
    assert rates_of(json.loads(json.dumps(RATES.as_data()))) == RATES
    assert rates_of(Rates("EUR", {}).as_data()) == Rates("EUR", {})


amounts = st.decimals(0, 10**12, places=2)
rates = st.decimals(Decimal("0.0001"), 10**5, places=4)


@given(amounts, rates, rates)
def test_an_amount_is_off_by_half_a_smallest_unit_at_most(amount: Decimal, won: Decimal, dollars: Decimal) -> None:
    given = Rates("EUR", {"KRW": won, "USD": dollars})
    exact = Fraction(amount) / Fraction(won) * Fraction(dollars)
    assert abs(Fraction(amount_in("USD", amount, "KRW", given)) - exact) <= Fraction(1, 200)


@given(amounts, amounts, rates)
def test_a_higher_amount_never_becomes_a_lower_one(one: Decimal, other: Decimal, won: Decimal) -> None:
    given = Rates("EUR", {"KRW": won})
    low, high = sorted((one, other))
    assert amount_in("EUR", low, "KRW", given) <= amount_in("EUR", high, "KRW", given)
