"""Discounts for early payment as XRechnung writes them into the text of the terms (BR-DE-18)."""

from __future__ import annotations

import re
from decimal import Decimal

from documents.einvoices.data import PaymentDiscount

_LINE = re.compile(
    r"^#SKONTO#TAGE=(?P<days>\d{1,4})#PROZENT=(?P<percent>\d{1,3}\.\d\d)(?:#BASISBETRAG=(?P<base>-?\d{1,20}\.\d\d))?#$",
    re.MULTILINE,
)


def discounts_in(terms: str) -> tuple[PaymentDiscount, ...]:
    """Each line of BT-20 that has this form, in their order; other text is passed over."""
    return tuple(
        PaymentDiscount(
            percent=Decimal(each["percent"]),
            base_amount=Decimal(each["base"]) if each["base"] else None,
            days=int(each["days"]),
        )
        for each in _LINE.finditer(terms)
    )
