"""Several invoices released together, each on its own: what keeps one keeps none of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from workflows.errors import Refused
from workflows.invoices.model import Invoice
from workflows.invoices.payment import release
from workflows.invoices.payment_model import Separation
from workflows.papers import queries as papers
from workflows.parties.rules import Actor
from workflows.runtime import Runtime

MOST = 100


@dataclass(frozen=True)
class Outcome:
    """``number``: None where there is no such invoice for the actor. ``refused``: None where it is released."""

    id: UUID
    number: str | None
    refused: Refused | None


def released_together(runtime: Runtime, ids: Sequence[UUID], actor: Actor, now: datetime) -> list[Outcome]:
    """In the order asked for, each once.

    Raises:
        Refused: none, or more than ``MOST``.
    """
    if not ids:
        raise Refused("Nothing was chosen yet. Please tick what you want to release.", field="invoices")
    if len(ids) > MOST:
        raise Refused("At most %(most)s can be released together.", field="invoices", most=MOST)
    return [_released(runtime, each, actor, now) for each in dict.fromkeys(ids)]


def _released(runtime: Runtime, invoice_id: UUID, actor: Actor, now: datetime) -> Outcome:
    number = None
    try:
        with runtime.transaction() as session:
            visible = papers.is_visible(session, Invoice, invoice_id, actor)
            if visible:
                number = session.get_one(Invoice, invoice_id).number
            separation = Separation(runtime.settings.release_separation)
            release(session, invoice_id, by=actor, now=now, visible=visible, separation=separation)
    except Refused as refused:
        return Outcome(invoice_id, number, refused)
    return Outcome(invoice_id, number, None)
