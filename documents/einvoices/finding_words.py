"""Findings in their reader's language."""

from __future__ import annotations

import re
from datetime import date

from documents.einvoices.findings import Finding, Place
from documents.rendering import Reader, day_plain
from documents.rendering import sentence as translated

DAYS = ("issued", "due", "starts", "ends")
"""Values that are days, in ISO 8601."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def said(finding: Finding, locale: str) -> str:
    """The finding in this language, or the rule's own words."""
    if not finding.sentence:
        return finding.text
    words = {name: translated(word, locale) for name, word in finding.words.items()}
    values = {name: _day(value, locale) if name in DAYS else value for name, value in finding.values.items()}
    return translated(finding.sentence, locale) % {**values, **words}


def _day(value: str, locale: str) -> str:
    return day_plain(date.fromisoformat(value), Reader(locale)) if _DAY.fullmatch(value) else value


def foreign(finding: Finding, locale: str) -> str:
    """The language (BCP 47) of what `said` gives, where it is the rule's own and not the reader's; otherwise ""."""
    own = "de" if finding.rule.startswith(GERMAN) else "en"
    return "" if finding.sentence or own == locale else own


GERMAN = ("BR-DE-", "BR-DEX-", "BR-TMP-")
"""How XRechnung's rules begin."""


def place_said(place: Place, locale: str) -> str:
    """`line 3`, `the seller`; the path where there are no words for it."""
    return translated(place.part, locale) % {"number": place.number} if place.part else place.path
