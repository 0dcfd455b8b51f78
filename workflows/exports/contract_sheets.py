"""The sheet of contracts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from sqlmodel import Session, col, select

from documents.rendering import Reader, sentence
from documents.spreadsheet import Amount, Cell
from workflows.contracts.model import Contract, ContractState
from workflows.exports.sheets import Heading, Table, still_seen
from workflows.parties.model import Person
from workflows.parties.rules import Actor

STATES = {
    ContractState.IN_REVIEW: Heading("Being decided"),
    ContractState.RETURNED: Heading("Sent back"),
    ContractState.APPROVED: Heading("Approved"),
    ContractState.IN_SIGNATURE: Heading("Being signed"),
    ContractState.SEALING: Heading("Being sealed"),
    ContractState.IN_FORCE: Heading("In force"),
    ContractState.EXPIRED: Heading("Ended"),
    ContractState.REJECTED: Heading("Rejected"),
    ContractState.DECLINED: Heading("Not signed"),
    ContractState.WITHDRAWN: Heading("Withdrawn"),
}
KINDS = {
    "lease": Heading("Lease"),
    "purchase": Heading("Purchase"),
    "service": Heading("Services"),
    "nda": Heading("Confidentiality"),
    "employment": Heading("Employment"),
    "licence": Heading("Licence"),
    "framework": Heading("Framework"),
    "other": Heading("Other"),
}
HEADINGS = (
    Heading("Number", 16),
    Heading("Title", 40),
    Heading("Kind"),
    Heading("Counterparty", 28),
    Heading("Currency", 9),
    Heading("Amount", 16),
    Heading("State", 18),
    Heading("In this state since", 19),
    Heading("Starts on", 12),
    Heading("Ends on", 12),
    Heading("Cancel by", 12),
    Heading("Notice period, days", 12),
    Heading("Contact", 24),
    Heading("Contact’s address", 28),
    Heading("In charge", 20),
    Heading("Version", 8),
    Heading("Sealed", 19),
    Heading("Created", 19),
    Heading("Your own number", 18),
)


def _rows(session: Session, actor: Actor, ids: Sequence[UUID], reader: Reader) -> Iterator[Sequence[Cell]]:
    states = {state: sentence(words.sentence, reader.locale) for state, words in STATES.items()}
    kinds = {kind: sentence(words.sentence, reader.locale) for kind, words in KINDS.items()}
    found = session.exec(
        select(Contract, Person.name)
        .join(Person, col(Person.id) == col(Contract.owner_id))
        .where(still_seen(Contract, actor, ids))
        .order_by(col(Contract.id).desc())
    )
    for it, owner in found:
        yield (
            it.number,
            it.title,
            kinds.get(it.kind, it.kind),
            it.counterparty,
            it.currency,
            None if it.amount is None else Amount(it.amount, it.currency),
            states[it.state],
            it.state_since,
            it.starts_on,
            it.ends_on,
            it.cancel_by,
            it.notice_days,
            it.contact_name,
            it.contact_email,
            owner,
            it.current_version,
            it.sealed_at,
            it.created_at,
            it.external_id,
        )
    session.expunge_all()  # what has been written need not be kept


TABLES = {"contracts": Table(Heading("Contracts"), HEADINGS, _rows)}
