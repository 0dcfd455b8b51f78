"""Findings in their reader's language."""

from __future__ import annotations

from documents.einvoices.findings import Finding, Place
from documents.rendering import sentence as translated


def said(finding: Finding, locale: str) -> str:
    """The finding in this language, or the rule's own words."""
    if not finding.sentence:
        return finding.text
    words = {name: translated(word, locale) for name, word in finding.words.items()}
    return translated(finding.sentence, locale) % {**finding.values, **words}


def place_said(place: Place, locale: str) -> str:
    """`line 3`, `the seller`; the path where there are no words for it."""
    return translated(place.part, locale) % {"number": place.number} if place.part else place.path
