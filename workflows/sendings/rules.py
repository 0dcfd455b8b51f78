"""Questions about documents that are sent to people. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from workflows.errors import Gone, Refused
from workflows.papers.rules import number_up_to
from workflows.parties.rules import Actor, checked_name, normalised_email
from workflows.sendings.model import Sending

LONGEST_NOTE = 2000
MOST_DAYS = 365
MOST_AN_HOUR = 50
"""Of one person: a mail of ours carries words of theirs to any address."""


class SendingState(StrEnum):
    SENT = "sent"
    OPENED = "opened"
    RUN_OUT = "run_out"
    REVOKED = "revoked"


@dataclass(frozen=True)
class Addressed:
    """To whom, with which words, and until when. ``name``: empty where only the address is known."""

    email: str
    name: str = ""
    note: str = ""
    days: int = 14
    with_file: bool = False


def checked(email: str, *, name: str, note: str, days: str, with_file: bool, default_days: int) -> Addressed:
    """What these words mean. ``days``: as they were typed; empty for ``default_days``.

    Raises:
        Refused: with the sentence and the field.
    """
    email = normalised_email(email, field="to")
    note = note.strip()
    if len(note) > LONGEST_NOTE:
        raise Refused("The note is longer than %(most)s letters.", field="note", most=LONGEST_NOTE)
    works_for = number_up_to(days.strip(), MOST_DAYS) if days.strip() else default_days
    if not works_for:
        raise Refused("A link works for 1 to %(most)s days.", field="days", most=MOST_DAYS)
    return Addressed(
        email=email,
        name=checked_name(name) if name.strip() else "",
        note=note,
        days=works_for,
        with_file=with_file,
    )


def why_not_send(actor: Actor, organisation_id: UUID) -> str | None:
    """``organisation_id``: whose the document is."""
    return None if actor.organisation_id == organisation_id else "Only people whose document it is may send it on."


def why_not_revoke(actor: Actor, sending: Sending, *, keeps: bool) -> str | None:
    """``keeps``: whether they may do with the document what its owner may."""
    return None if keeps or actor.id == sending.by_id else "Only %(name)s and whoever keeps the document may do this."


def state_of(sending: Sending, *, now: datetime) -> SendingState:
    if sending.revoked_at is not None:
        return SendingState.REVOKED
    if sending.expires_at <= now:
        return SendingState.RUN_OUT
    return SendingState.SENT if sending.opened_at is None else SendingState.OPENED


def why_not_open(sending: Sending, *, now: datetime) -> Refused | None:
    match state_of(sending, now=now):
        case SendingState.REVOKED:
            return Gone("%(name)s revoked this link on %(at)s.", name=sending.revoked_by, at=sending.revoked_at)
        case SendingState.RUN_OUT:
            return Gone("This link ran out on %(at)s. Ask for a new one.", at=sending.expires_at)
        case SendingState.SENT | SendingState.OPENED:
            return None


def until(now: datetime, days: int) -> datetime:
    return now + timedelta(days=days)
