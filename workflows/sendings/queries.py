"""What people may see of sendings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session, col, select

from workflows.approvals.model import Round
from workflows.errors import NotFound
from workflows.papers.model import Paper, Version, model_of
from workflows.papers.queries import version_in
from workflows.parties.model import Organisation, Person
from workflows.parties.operations import sha256_of_secret
from workflows.parties.rules import Actor
from workflows.sendings.model import Sending
from workflows.sendings.rules import why_not_send
from workflows.signatures.model import Signing

MOST_LISTED = 200


def sendings_of(session: Session, paper: Paper, actor: Actor) -> Sequence[Sending]:
    """Newest first; none for people of other organisations, who need not know to whom it was sent."""
    if why_not_send(actor, paper.organisation_id):
        return ()
    return session.exec(
        select(Sending)
        .where(Sending.process == paper.process, Sending.subject_id == paper.id)
        .order_by(col(Sending.id).desc())
        .limit(MOST_LISTED)
    ).all()


@dataclass(frozen=True)
class Sent:
    """What a link leads to: one version of one document."""

    sending: Sending
    paper: Paper
    version: Version
    organisation: Organisation
    sender: Person


def followed(session: Session, token: str) -> Sent:
    """What a link leads to, dead or alive. Changes nothing.

    Raises:
        NotFound: no such link was ever sent.
    """
    sending = session.exec(select(Sending).where(Sending.token_sha256 == sha256_of_secret(token))).first()
    if sending is None:
        raise NotFound(
            "This link leads nowhere. Some mail programs break long links over two lines: open it in the mail again."
        )
    paper = session.get_one(model_of(sending.process), sending.subject_id)
    return Sent(
        sending=sending,
        paper=paper,
        version=version_in(session, sending.process, sending.subject_id, sending.version_number),
        organisation=session.get_one(Organisation, paper.organisation_id),
        sender=session.get_one(Person, sending.by_id),
    )


@dataclass(frozen=True)
class SentFile:
    key: str
    name: str
    size: int
    """Bytes."""


def file_of(session: Session, paper: Paper, version: Version) -> SentFile:
    """What somebody gets who asks for the document itself: as it came, or signed, where it is sealed."""
    sealed = _sealed(session, version)
    if sealed is not None and sealed.sealed_key is not None:
        return SentFile(sealed.sealed_key, version.file_name, sealed.sealed_size or 0)
    # what acts by itself was taken out of the readable one; the data of an invoice are in the original alone
    key = version.original_key if paper.original_counts else version.readable_key
    return SentFile(key, version.file_name, version.original_size)


def _sealed(session: Session, version: Version) -> Signing | None:
    return session.exec(
        select(Signing)
        .join(Round, col(Round.id) == col(Signing.round_id))
        .where(
            Round.process == version.process,
            Round.subject_id == version.subject_id,
            Round.version_number == version.number,
            col(Signing.sealed_at).is_not(None),
        )
        .limit(1)
    ).first()


def one(session: Session, paper: Paper, sending_id: UUID, actor: Actor) -> Sending:
    """Raises NotFound also where the actor may not know that it exists."""
    found = session.get(Sending, sending_id)
    if found is None or (found.process, found.subject_id) != (paper.process, paper.id):
        raise NotFound("It was never sent like this.")
    if why_not_send(actor, paper.organisation_id):
        raise NotFound("It was never sent like this.")
    return found
