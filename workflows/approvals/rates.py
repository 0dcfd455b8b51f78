"""Amounts of one currency as amounts of another, at the rates of a day. Pure.

Rounding: what an amount of another currency comes to is rounded half up (away from zero) to the smallest unit that
ISO 4217 gives the currency, once, after an exact division. An amount that already is in the currency stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from babel.numbers import get_currency_precision

from workflows.errors import Refused


@dataclass(frozen=True)
class Rates:
    """How many units of other currencies one unit of ``base`` was worth. Each over 0."""

    base: str
    units: Mapping[str, Decimal]
    on: date | None = None
    """The day they are of; None: of no day, in a route's own test cases."""

    def of(self, currency: str) -> Decimal | None:
        return Decimal(1) if currency == self.base else self.units.get(currency)

    def as_data(self) -> dict[str, Any]:
        """The same as JSON has it, to be kept with what was compared; ``rates_of`` reads it."""
        units = {currency: f"{rate:f}" for currency, rate in sorted(self.units.items())}
        return {"base": self.base, "on": self.on.isoformat() if self.on else None, "units": units}


def rates_of(data: Mapping[str, Any]) -> Rates:
    """What ``as_data`` gave."""
    units = {currency: Decimal(rate) for currency, rate in data["units"].items()}
    return Rates(data["base"], units, date.fromisoformat(data["on"]) if data["on"] else None)


def amount_in(currency: str, amount: Decimal, of: str, rates: Rates | None) -> Decimal:
    """What ``amount`` of the currency ``of`` comes to in ``currency``.

    Raises:
        Refused: there is no rate between the two.
    """
    if of == currency:
        return amount
    rate_of, rate_in = (rates.of(of), rates.of(currency)) if rates else (None, None)
    if rate_of is None or rate_in is None:
        raise Refused(
            "There is no exchange rate between %(other)s and %(currency)s. An administrator has to enter one.",
            field="currency",
            other=of,
            currency=currency,
        )
    decimals = int(get_currency_precision(currency))
    exact = abs(Fraction(amount)) * Fraction(rate_in) / Fraction(rate_of) * 10**decimals
    rounded = (exact + Fraction(1, 2)).__floor__()
    return Decimal(rounded if amount >= 0 else -rounded).scaleb(-decimals)
