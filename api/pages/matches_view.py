"""What an invoice was held against, as its page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from uuid import UUID

from sqlmodel import Session

from api.pages.words import OUTCOMES
from documents.rendering import Reader, sentence
from workflows.invoices.matching import matches, matching
from workflows.invoices.model import Invoice, InvoiceMatch
from workflows.invoices.queries import difference_words, lines
from workflows.invoices.rules import why_not_match
from workflows.parties.rules import Actor

KINDS = {"order": "Purchase order", "contract": "Agreed contract", "machine": "Machine"}


@dataclass(frozen=True)
class Row:
    """A match. ``by``: who made it, or nobody where a rule did."""

    id: UUID
    kind: str
    label: str
    by: str
    reason: str


@dataclass(frozen=True)
class Held:
    """A line, the first of several alike, or the whole invoice (``position`` 0), with its matches and what differs."""

    position: int
    name: str
    rows: Sequence[Row]
    errors: Sequence[str]
    warnings: Sequence[str]


@dataclass(frozen=True)
class MatchingView:
    outcome: str
    good: bool
    at: datetime
    held: Sequence[Held]
    positions: Sequence[tuple[int, str]]
    """Whereto something can be matched by hand."""
    may_match: bool


def matching_of(
    session: Session, invoice: Invoice, actor: Actor | None, reader: Reader, *, asked: bool
) -> MatchingView | None:
    """Nothing as long as it was held against nothing. ``actor``: None on paper and by link, where it is only read."""
    kept = matching(session, invoice.id)
    if kept is None:
        return None
    rows = [each for each in matches(session, invoice.id) if each.undone_at is None]
    names = {0: sentence("The whole invoice", reader.locale)}
    names |= {each.position: f"{each.position}. {each.name or each.description}" for each in lines(session, invoice)}
    told = [(each["position"], each["severity"], difference_words(each, reader)) for each in kept.differences]
    concerned = sorted({*(each.position for each in rows), *(position for position, _, _ in told)})
    return MatchingView(
        outcome=sentence(OUTCOMES[kept.outcome], reader.locale),
        good=kept.outcome == "matched",
        at=kept.at,
        held=_together(
            [
                Held(
                    position=position,
                    name=names.get(position, str(position)),
                    rows=[_row(each, reader) for each in rows if each.position == position],
                    errors=[words for at, severity, words in told if at == position and severity == "error"],
                    warnings=[words for at, severity, words in told if at == position and severity != "error"],
                )
                for position in concerned
            ],
            reader,
        ),
        positions=list(names.items()),
        may_match=actor is not None and why_not_match(actor, invoice, asked=asked) is None,
    )


def _together(held: Sequence[Held], reader: Reader) -> list[Held]:
    """Lines that follow each other, match nothing and differ in the same are told of once."""
    told: list[Held] = []
    for (of_one, *_), group in groupby(
        held, lambda each: (each.rows or each.position == 0, each.errors, each.warnings)
    ):
        alike = list(group)
        if of_one or len(alike) == 1:
            told += alike
            continue
        first, last = alike[0].position, alike[-1].position
        in_a_row = last - first == len(alike) - 1
        numbers = f"{first}–{last}" if in_a_row else ", ".join(str(each.position) for each in alike)
        told.append(replace(alike[0], name=sentence("Lines %(numbers)s", reader.locale, numbers=numbers)))
    return told


def _row(row: InvoiceMatch, reader: Reader) -> Row:
    return Row(row.id, sentence(KINDS[row.kind], reader.locale), row.label, row.by, row.reason)
