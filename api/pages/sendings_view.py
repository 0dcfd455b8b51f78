"""To whom a document was sent, as its page shows it, and the form to send it to somebody else."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from workflows.papers.model import Paper, Version
from workflows.papers.rules import owns
from workflows.parties.rules import Actor
from workflows.sendings.model import Sending
from workflows.sendings.queries import file_of, sendings_of
from workflows.sendings.rules import SendingState, state_of, why_not_revoke, why_not_send
from workflows.settings import Settings


@dataclass(frozen=True)
class SendingRow:
    sending: Sending
    state: SendingState
    may_revoke: bool


@dataclass(frozen=True)
class SendingsView:
    """``typed``: what stood in the form, where it was refused. ``size``: bytes of the file that a mail would carry."""

    rows: Sequence[SendingRow]
    days: int
    size: int
    may_attach: bool
    outside: bool
    typed: Mapping[str, str]
    once: str
    """A form sent twice sends one mail."""


def sendings_view(
    session: Session,
    paper: Paper,
    version: Version,
    actor: Actor,
    settings: Settings,
    *,
    now: datetime,
    typed: Mapping[str, str] | None = None,
) -> SendingsView | None:
    """None for people of other organisations: they do not send it on."""
    if why_not_send(actor, paper.organisation_id):
        return None
    keeps = owns(actor, paper)
    size = file_of(session, paper, version).size
    return SendingsView(
        rows=[
            SendingRow(
                sending=each,
                state=state_of(each, now=now),
                may_revoke=each.revoked_at is None
                and each.expires_at > now
                and why_not_revoke(actor, each, keeps=keeps) is None,
            )
            for each in sendings_of(session, paper, actor)
        ],
        days=settings.link_days,
        size=size,
        may_attach=size <= settings.sending_file_bytes,
        outside=settings.sendings_outside,
        once=secrets.token_urlsafe(16),
        typed=typed if typed and typed.get("form") == "sending" else {},
    )
