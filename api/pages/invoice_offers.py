"""What the form to type an invoice offers: suggestions from the text of its pages, each with where it stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from documents.einvoices.suggestions import Suggestion
from documents.rendering import Reader, sentence
from workflows.invoices.model import Invoice
from workflows.invoices.rules import why_not_correct
from workflows.invoices.suggested import suggestions_of
from workflows.papers.model import Version
from workflows.parties.rules import Actor


@dataclass(frozen=True)
class Offered:
    """``words``: what fields are filled with that would be empty; ``hints``: where each stands, and what else might be
    meant."""

    words: Mapping[str, str]
    hints: Mapping[str, str]


def offered_words(invoice: Invoice, version: Version, said: Mapping[str, str], actor: Actor, reader: Reader) -> Offered:
    """Nothing where data were read, or somebody else types. ``said``: what has been typed already."""
    if invoice.syntax != "typed" or why_not_correct(actor, invoice) is not None:
        return Offered({}, {})
    found = {name: each for name, each in suggestions_of(version).items() if not said.get(name)}
    return Offered(
        words={name: each[0].value for name, each in found.items()},
        hints={name: _hint(each, reader) for name, each in found.items()},
    )


def _hint(found: Sequence[Suggestion], reader: Reader) -> str:
    first = found[0]
    words = sentence(
        "Suggested: page %(page)s says “%(text)s”.", reader.locale, page=first.page, text=first.text.strip()
    )
    if others := ", ".join(each.value for each in found[1:]):
        words += " " + sentence("Or: %(others)s.", reader.locale, others=others)
    return words
