"""Amounts as people read them, in every language with the currency before and its own decimals behind (ISO 4217)."""

from __future__ import annotations

from decimal import Decimal

from babel.numbers import format_decimal, get_currency_precision


def decimal(number: Decimal) -> str:
    """As it is, with its own decimals and thousands apart."""
    return f"{number:,f}"


def money(value: Decimal | str, currency: str) -> str:
    """EUR 84,600.00, KRW 38,400,000, KWD 1.250: with the currency's own decimals (ISO 4217)."""
    decimals = get_currency_precision(currency)
    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    return f"{currency} {format_decimal(Decimal(value), pattern, locale='en', decimal_quantization=False)}"


def amount(value: Decimal | str, currency: str | None) -> str:
    """As ``money``; where the currency is not known, the number alone."""
    return money(value, currency) if currency else decimal(Decimal(value))


def quantity(number: Decimal) -> str:
    """A quantity or a rate: thousands apart, no decimals that say nothing."""
    text = f"{number:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def price(number: Decimal, currency: str | None) -> str:
    """Of one unit: at least the decimals of its currency, and more where it has more."""
    least, own = get_currency_precision(currency or "EUR"), quantity(number).partition(".")[2]
    return f"{number:,.{max(least, len(own))}f}"
