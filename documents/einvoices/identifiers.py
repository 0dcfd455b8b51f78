"""Numbers with check digits: accounts, banks, payers of VAT, Korean businesses."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module

_IBAN = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{8,30}")
_BIC = re.compile(r"[A-Z]{4}[A-Z]{2}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")
_VAT = re.compile(r"[A-Z]{2}[A-Z0-9+*]{2,13}")
_OTHERS = {"GB": "stdnum.gb.vat", "XI": "stdnum.gb.vat", "NO": "stdnum.no.mva", "CH": "stdnum.ch.vat"}
"""Countries outside the Union that have VAT numbers with check digits."""


def squeezed(number: str) -> str:
    """Without what people write between digits."""
    return re.sub(r"[\s.\-/]", "", number).upper()


def looks_like_iban(account: str) -> bool:
    """Two letters, two digits, up to 30 more (ISO 13616); spaces and dashes between them do not matter."""
    return _IBAN.fullmatch(squeezed(account)) is not None


def wrong_iban(account: str) -> bool:
    """ISO 13616: length and form of its country, and its check digits. The number must look like one."""
    return not _valid("stdnum.iban", squeezed(account))


def wrong_bic(bic: str) -> bool:
    """ISO 9362."""
    return _BIC.fullmatch(squeezed(bic)) is None


def wrong_vat_id(number: str) -> bool | None:
    """None: a country whose numbers we cannot check."""
    written = squeezed(number)
    if _VAT.fullmatch(written) is None:
        return None
    country = written[:2]
    if country in _OTHERS:
        return not (_valid(_OTHERS[country], written) or _valid(_OTHERS[country], written[2:]))
    members: set[str] = import_module("stdnum.eu.vat").MEMBER_STATES
    if ("gr" if country == "EL" else country.lower()) not in members:
        return None
    return not _valid("stdnum.eu.vat", written)


def wrong_korean_number(number: str) -> bool:
    """사업자등록번호: ten digits, of which the last one checks the others."""
    digits = [int(each) for each in squeezed(number) if each.isdecimal()]
    if len(digits) != 10 or len(squeezed(number)) != 10:
        return True
    weighed = sum(digit * weight for digit, weight in zip(digits, _KOREAN_WEIGHTS, strict=False))
    return (weighed + digits[8] * 5 // 10 + digits[9]) % 10 != 0


_KOREAN_WEIGHTS = (1, 3, 7, 1, 3, 7, 1, 3, 5)


def _valid(module: str, number: str) -> bool:
    is_valid: Callable[[str], bool] = import_module(module).is_valid
    return is_valid(number)
