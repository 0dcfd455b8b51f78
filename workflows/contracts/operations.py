"""Hand in, replace, withdraw; follow the round."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, select

from workflows.approvals.model import Round, RoundState, Verdict
from workflows.approvals.operations import end_round, on_change, on_invited, tasks_of
from workflows.columns import new_id
from workflows.contracts.model import PROCESS, Contract, ContractState
from workflows.contracts.rules import Draft, facts_of, last_day_to_cancel, why_not_hand_in, why_not_withdraw
from workflows.database import Work
from workflows.errors import Conflict, Forbidden
from workflows.outbox import wake
from workflows.papers.model import Version
from workflows.papers.operations import (
    HandedIn,
    add_version,
    card_head,
    end_and_tell,
    locked,
    next_number,
    note_event,
    permission,
    put_entry,
    send_round,
    tell_end,
    version_of,
)
from workflows.parties.model import Person
from workflows.parties.operations import acquaintance
from workflows.parties.rules import Actor
from workflows.signatures.operations import end as end_signing


def submit(session: Work, draft: Draft, document: HandedIn, *, by: Actor, now: datetime, link_days: int) -> Contract:
    """Create a contract with its version 1 and send it on its route.

    Raises:
        Forbidden: the actor belongs to no organisation.
        Refused: no route fits, or its conditions cannot be answered.
    """
    if by.organisation_id is None:
        raise Forbidden("Only people of an organisation may send contracts.")
    owner = session.get_one(Person, by.id)
    contract = Contract(
        id=new_id(),
        number=next_number(session, Contract, "C", now.year),
        organisation_id=by.organisation_id,
        owner_id=by.id,
        title=draft.title,
        kind=draft.kind,
        amount=draft.amount,
        currency=draft.currency,
        counterparty=draft.counterparty,
        contact_name=draft.contact_name,
        contact_email=draft.contact_email,
        starts_on=draft.starts_on,
        ends_on=draft.ends_on,
        notice_days=draft.notice_days,
        cancel_by=last_day_to_cancel(draft.ends_on, draft.notice_days),
        signers=[vars(signer) for signer in draft.signers],
        route=draft.route,
        external_id=draft.external_id,
        fields=dict(draft.fields),
        state_since=now,
        created_at=now,
    )
    session.add(contract)
    session.flush()
    version = add_version(session, contract, document, note=draft.note, by=by, now=now)
    note_event(
        session,
        "handed_in",
        contract,
        by=by,
        now=now,
        number=contract.number,
        version=1,
        version_sha256=version.sha256,
        note=draft.note,
    )
    send_on_its_way(session, contract, version, owner, now=now, link_days=link_days)
    return contract


def replace(
    session: Work,
    contract_id: UUID,
    document: HandedIn,
    *,
    note: str,
    by: Actor,
    now: datetime,
    link_days: int,
    visible: bool,
) -> Contract:
    """Hand in a new version: open links to the one before are void, and everybody on the route is asked anew."""
    going, contract = locked(session, Contract, contract_id, visible=visible)
    signed = going is not None and any(task.verdict is Verdict.SIGN for task in tasks_of(session, going.id))
    if sentence := why_not_hand_in(by, contract, signed=signed):
        raise permission(sentence)
    current = version_of(session, contract)
    if current.sha256 == document.original.sha256:
        raise Conflict("This is the very file that is there already; nothing was changed.", field="file")
    if going is not None and going.state in (
        RoundState.OPEN,
        RoundState.APPROVED,
    ):
        end_signing(session, going.id)
        end_round(session, going, RoundState.REPLACED, now=now)
    contract.current_version += 1
    version = add_version(session, contract, document, note=note.strip(), by=by, now=now)
    note_event(
        session,
        "replaced",
        contract,
        by=by,
        now=now,
        version=version.number,
        version_sha256=version.sha256,
        note=version.note,
    )
    send_on_its_way(
        session, contract, version, session.get_one(Person, contract.owner_id), now=now, link_days=link_days
    )
    return contract


def withdraw(session: Work, contract_id: UUID, *, comment: str, by: Actor, now: datetime, visible: bool) -> Contract:
    """Take a contract back; whoever is asked is told that nothing more is needed. Twice is as once."""
    going, contract = locked(session, Contract, contract_id, visible=visible)
    if contract.state is ContractState.WITHDRAWN:
        return contract
    if sentence := why_not_withdraw(by, contract):
        raise permission(sentence)
    comment = comment.strip()
    note_event(session, "withdrawn", contract, by=by, now=now, comment=comment)
    end_and_tell(session, contract, going, RoundState.WITHDRAWN, comment=comment, by=by, now=now)
    set_state(session, contract, ContractState.WITHDRAWN, now=now)
    wake(session, PROCESS, contract.id, label=contract.number, now=now)
    return contract


def follow_round(session: Work, round: Round, now: datetime) -> None:
    """Bring the contract's state after its round's; in the same transaction as the decision. Safe to repeat."""
    contract = session.exec(select(Contract).where(Contract.id == round.subject_id).with_for_update()).one()
    if contract.current_version != round.version_number:
        return
    # a step of the flow comes here again long afterwards: the state follows forwards only
    match round.state:
        case RoundState.OPEN:
            if contract.state is ContractState.RETURNED:
                set_state(session, contract, ContractState.IN_REVIEW, now=now)
        case RoundState.APPROVED:
            if contract.state is ContractState.IN_REVIEW:
                set_state(session, contract, ContractState.APPROVED, now=now)
        case RoundState.SIGNED:
            if contract.state in (ContractState.APPROVED, ContractState.IN_SIGNATURE):
                set_state(session, contract, ContractState.SEALING, now=now)
        case RoundState.REJECTED:
            if set_state(session, contract, ContractState.REJECTED, now=now):
                tell_end(session, contract, round, "rejected", Verdict.REJECT, now=now)
        case RoundState.SENT_BACK:
            if set_state(session, contract, ContractState.RETURNED, now=now):
                tell_end(session, contract, round, "sent_back", Verdict.SEND_BACK, now=now)
        case RoundState.DECLINED:
            end_signing(session, round.id)
            if set_state(session, contract, ContractState.DECLINED, now=now):
                tell_end(session, contract, round, "declined", Verdict.DECLINE, now=now)
        case RoundState.RECALLED:
            set_state(session, contract, ContractState.RETURNED, now=now)
        case RoundState.WITHDRAWN | RoundState.REPLACED:
            pass


on_change(PROCESS, follow_round)


def let_it_be_found(session: Work, contract_id: UUID) -> None:
    """More people may see the contract: they find it, too."""
    index(session, session.get_one(Contract, contract_id))


on_invited(PROCESS, let_it_be_found)


def set_state(session: Work, contract: Contract, state: ContractState, *, now: datetime) -> bool:
    """True when it was not there already."""
    if contract.state is state:
        return False
    contract.state, contract.state_since = state, now
    return True


def signing_begun(session: Work, contract_id: UUID, *, now: datetime) -> None:
    _, contract = locked(session, Contract, contract_id, visible=True)
    if contract.state is ContractState.APPROVED:
        set_state(session, contract, ContractState.IN_SIGNATURE, now=now)


def index(session: Work, contract: Contract) -> None:
    """Let the contract be found, by those who may see it."""
    owner = session.get_one(Person, contract.owner_id)
    names = [part for signer in contract.signers for part in (signer["name"], signer["organisation"])]
    put_entry(
        session,
        contract,
        head=[
            contract.title,
            contract.number,
            contract.counterparty,
            contract.contact_name,
            owner.name,
            contract.kind,
            *names,
            str(contract.amount or ""),
            contract.external_id or "",
        ],
        body=version_of(session, contract).text,
        numbers=[contract.number, contract.external_id],
        marks=[contract.state.value],
    )


def send_on_its_way(
    session: Work,
    contract: Contract,
    version: Version,
    owner: Person,
    *,
    now: datetime,
    link_days: int,
    afresh: bool = False,
) -> None:
    """``afresh``: see ``Submission``."""
    signers = [
        acquaintance(
            session, name=each["name"], email=each["email"], locale=owner.locale, timezone=owner.timezone, now=now
        )
        for each in contract.signers
    ]
    set_state(session, contract, ContractState.IN_REVIEW, now=now)
    send_round(
        session,
        contract,
        version,
        facts=facts_of(contract, submitter=owner.email),
        card=card_of(session, contract, version),
        signers=signers,
        owner=owner,
        now=now,
        link_days=link_days,
        afresh=afresh,
    )
    index(session, contract)


def card_of(session: Session, contract: Contract, version: Version) -> dict[str, Any]:
    """What inboxes and mails say of a contract."""
    return {
        **card_head(session, contract),
        "counterparty": contract.counterparty,
        "amount": str(contract.amount) if contract.amount is not None else None,
        "currency": contract.currency,
        "kind": contract.kind,
        "note": version.note or None,
        "signers": contract.signers,
    }
