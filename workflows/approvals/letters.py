"""What every mail about a document is made of: whom it is from and about, and how its reader gets there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from workflows.approvals.model import Round
from workflows.outbox import Letter, Recipient
from workflows.parties.model import Person


def letter(
    round: Round,
    kind: str,
    to: Person,
    values: Mapping[str, Any],
    *,
    reply_to: tuple[str, str] = ("", ""),
    link: str | None = None,
    task_id: UUID | None = None,
) -> Letter:
    """A mail about a round's document. ``kind``: its folder; ``values``: what it says besides what all of them say."""
    return Letter(
        kind=kind,
        to=recipient(to),
        process=round.process,
        subject_id=round.subject_id,
        sender_name=round.card.get("organisation", ""),
        reply_to=reply_to,
        payload={**mail_values(round), **values},
        link=link,
        task_id=task_id,
    )


def mail_values(round: Round) -> dict[str, Any]:
    """What every mail about a document says of it."""
    card = round.card
    return {
        "paper": round.process,
        "organisation": card.get("organisation", ""),
        "address": card.get("address", ""),
        "sender_name": card["sender"]["name"],
        "sender_email": card["sender"]["email"],
        "sender_reads": [card["sender"]["locale"], card["sender"]["timezone"]],
        "title": card.get("title", ""),
        "number": card.get("number", card["label"]),
        "counterparty": card.get("counterparty", ""),
        "amount": card.get("amount"),
        "currency": card.get("currency"),
        "note": card.get("note"),
        "version": round.version_number,
    }


def recipient(person: Person) -> Recipient:
    return Recipient(person.name, person.email, person.locale, person.timezone)


def sender_of(round: Round) -> tuple[str, str]:
    """Name and address of whoever sent the document: answers go there."""
    sender = round.card["sender"]
    return sender["name"], sender["email"]


def page_of(round: Round, person: Person) -> str | None:
    """The address of the document's own page. Whoever has no account cannot open it."""
    return f"/{round.process}s/{round.subject_id}" if person.password_hash else None
