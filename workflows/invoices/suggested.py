"""What the text of an invoice's pages seems to say: for a person to compare with them, never kept as it is. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from documents.einvoices.suggestions import Suggestion, suggest
from workflows.papers.model import Version
from workflows.papers.rules import page_texts

PAGES_READ = 20
MOST_OFFERED = 4
TYPED_AS = {
    "number": "supplier_number",
    "issued_on": "issued_on",
    "payable": "payable",
    "currency": "currency",
    "iban": "iban",
    "vat_id": "supplier_id",
    "korean_registration": "supplier_id",
}
"""By the names of ``rules.TYPED``."""


def suggestions_of(version: Version) -> Mapping[str, Sequence[Suggestion]]:
    """By the names of ``rules.TYPED``, the likeliest first. Nothing where the pages are pictures."""
    found: dict[str, list[Suggestion]] = {}
    for each in suggest(page_texts(version.text, version.page_starts)[:PAGES_READ]):
        offered = found.setdefault(TYPED_AS[each.field], [])
        if len(offered) < MOST_OFFERED and each.value not in {other.value for other in offered}:
            offered.append(each)
    return found
