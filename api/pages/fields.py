"""The fields of forms: their types, what they offer to choose from, and how what was typed is read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import Form
from sqlmodel import Session

from workflows.approvals.model import Verdict
from workflows.errors import Refused
from workflows.parties.model import Person
from workflows.parties.queries import colleagues
from workflows.parties.rules import Actor

Text = Annotated[str, Form()]
Texts = Annotated[Sequence[str], Form()]
"""Several values of one name; none where nothing of it was sent."""

CURRENCIES = ("KRW", "EUR", "USD", "JPY", "CNY", "GBP", "CHF", "SGD", "KWD")
MOST_LISTED = 200
"""Colleagues whose addresses a field offers; of more, the address is typed."""


def offered_colleagues(session: Session, actor: Actor, *, but: Person | Actor) -> tuple[Person, ...]:
    """Those whom a field may list, without one; empty where they are too many for a list."""
    listed = [each for each in colleagues(session, actor) if each.active and each.id != but.id]
    return tuple(listed) if len(listed) <= MOST_LISTED else ()


def plain_amount(typed: str) -> str:
    """As people type it: spaces and commas between thousands mean nothing."""
    return typed.replace(" ", "").replace("\u00a0", "").replace(",", "")


def verdict_of(text: str) -> Verdict:
    """What an approver decides.

    Raises:
        Refused: it is nothing that approvers can say.
    """
    if text not in (Verdict.APPROVE, Verdict.REJECT, Verdict.SEND_BACK):
        raise Refused("Say approve, reject or send_back.", field="verdict")
    return Verdict(text)
