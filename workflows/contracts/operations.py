"""Hand in, replace, withdraw; bring into force; warn before the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from documents.blobs import BlobRef
from workflows.approvals.letters import letter, page_of
from workflows.approvals.links import refusal
from workflows.approvals.model import Decision, Participant, Round, RoundState, StageKind, Task, Verdict
from workflows.approvals.operations import end_round, on_change, on_invited, tasks_of
from workflows.approvals.publishing import choose_route
from workflows.approvals.standing_in import why_not_recall
from workflows.approvals.submitting import Submission, open_round
from workflows.audit.operations import record
from workflows.columns import new_id
from workflows.contracts.model import PROCESS, Contract, ContractState, NumberRange, Version
from workflows.contracts.rules import (
    Draft,
    facts_of,
    last_day_to_cancel,
    page_starts,
    why_not_hand_in,
    why_not_withdraw,
)
from workflows.database import Work
from workflows.errors import Conflict, Forbidden, NotFound, Refused
from workflows.outbox import post, wake
from workflows.parties.model import Organisation, Person
from workflows.parties.operations import acquaintance
from workflows.parties.queries import people
from workflows.parties.rules import Actor, who
from workflows.search.operations import put
from workflows.signatures.operations import end as end_signing


@dataclass(frozen=True)
class HandedIn:
    """A document that intake accepted; both files are kept already."""

    original: BlobRef
    readable: BlobRef
    file_name: str
    pages: int
    page_sizes: Sequence[Sequence[int]]
    text: str
    findings: Sequence[str]
    page_texts: Sequence[str] = ()
    """Of which ``text`` is made, an empty line between them."""


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
        number=_next_number(session, now.year),
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
    version = _add_version(session, contract, document, note=draft.note, by=by, now=now)
    record(
        session,
        "handed_in",
        PROCESS,
        contract.id,
        now=now,
        **who(by),
        via=by.via,
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
    going, contract = locked(session, contract_id, visible=visible)
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
    version = _add_version(session, contract, document, note=note.strip(), by=by, now=now)
    record(
        session,
        "replaced",
        PROCESS,
        contract.id,
        now=now,
        **who(by),
        via=by.via,
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
    going, contract = locked(session, contract_id, visible=visible)
    if contract.state is ContractState.WITHDRAWN:
        return contract
    if sentence := why_not_withdraw(by, contract):
        raise permission(sentence)
    record(
        session,
        "withdrawn",
        PROCESS,
        contract.id,
        now=now,
        **who(by),
        via=by.via,
        comment=comment.strip(),
    )
    if going is not None and going.state in (RoundState.OPEN, RoundState.APPROVED):
        end_signing(session, going.id)
        asked = end_round(session, going, RoundState.WITHDRAWN, now=now)
        # those who have signed hear of it as well: their signature will not take effect
        told = {task.person_id for task in asked} | {
            task.person_id for task in tasks_of(session, going.id) if task.verdict is Verdict.SIGN
        }
        for person in people(session, told).values():
            tell(session, contract, going, person, "withdrawn", now=now, by_name=by.name, comment=comment.strip())
    set_state(session, contract, ContractState.WITHDRAWN, now=now)
    wake(session, PROCESS, contract.id, label=contract.number, now=now)
    return contract


def recall(session: Work, contract_id: UUID, *, comment: str, by: Actor, now: datetime, visible: bool) -> Contract:
    """Take a contract back to change it, while people still decide: a new version sends it on its way again.

    Whoever is asked is told. Twice is as once.

    Raises:
        NotFound: there is no such contract, or the actor may not see it.
        Forbidden: to all but whoever sent it.
        Conflict: everybody has approved it, or it is over.
    """
    going, contract = locked(session, contract_id, visible=visible)
    assert going is not None, "every contract has travelled at least one round"
    if by.id == going.submitter_id and going.state is RoundState.RECALLED:
        return contract
    if why := why_not_recall(by, going):
        raise refusal(why)
    comment = comment.strip()
    record(
        session,
        "recalled",
        PROCESS,
        contract.id,
        now=now,
        **who(by),
        via=by.via,
        version=going.version_number,
        comment=comment,
    )
    asked = end_round(session, going, RoundState.RECALLED, now=now)
    for person in people(session, {task.person_id for task in asked}).values():
        tell(session, contract, going, person, "withdrawn", now=now, by_name=by.name, comment=comment, recalled=True)
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
                _tell_end(session, contract, round, "rejected", Verdict.REJECT, now=now)
        case RoundState.SENT_BACK:
            if set_state(session, contract, ContractState.RETURNED, now=now):
                _tell_end(session, contract, round, "sent_back", Verdict.SEND_BACK, now=now)
        case RoundState.DECLINED:
            end_signing(session, round.id)
            if set_state(session, contract, ContractState.DECLINED, now=now):
                _tell_end(session, contract, round, "declined", Verdict.DECLINE, now=now)
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
    _, contract = locked(session, contract_id, visible=True)
    if contract.state is ContractState.APPROVED:
        set_state(session, contract, ContractState.IN_SIGNATURE, now=now)


def index(session: Work, contract: Contract) -> None:
    """Let the contract be found, by those who may see it."""
    version = version_of(session, contract)
    owner = session.get_one(Person, contract.owner_id)
    seen_by = session.exec(
        select(Participant.person_id).where(Participant.process == PROCESS, Participant.subject_id == contract.id)
    ).all()
    names = [part for signer in contract.signers for part in (signer["name"], signer["organisation"])]
    head = [
        contract.title,
        contract.number,
        contract.counterparty,
        contract.contact_name,
        owner.name,
        contract.kind,
        *names,
    ]
    put(
        session,
        kind=PROCESS,
        object_id=str(contract.id),
        head="\n".join([*head, str(contract.amount or ""), contract.external_id or ""]),
        body=version.text,
        numbers=[each for each in (contract.number, contract.external_id) if each],
        seen_by=[f"o{contract.organisation_id.hex}", *(f"p{each.hex}" for each in seen_by)],
        marks=[contract.state.value],
    )


def send_on_its_way(
    session: Work, contract: Contract, version: Version, owner: Person, *, now: datetime, link_days: int
) -> None:
    facts = facts_of(contract, submitter=owner.email)
    route = choose_route(session, PROCESS, facts, name=contract.route, submitter=owner, now=now)
    signers = [
        acquaintance(
            session, name=each["name"], email=each["email"], locale=owner.locale, timezone=owner.timezone, now=now
        )
        for each in contract.signers
    ]
    set_state(session, contract, ContractState.IN_REVIEW, now=now)
    open_round(
        session,
        Submission(
            process=PROCESS,
            subject_id=contract.id,
            label=contract.number,
            version_number=version.number,
            version_sha256=version.sha256,
            facts=facts,
            card=card_of(session, contract, version),
            signers=signers,
            link_days=link_days,
        ),
        route=route,
        submitter=owner,
        now=now,
    )
    session.flush()
    index(session, contract)
    wake(session, PROCESS, contract.id, label=contract.number, now=now)


def card_of(session: Session, contract: Contract, version: Version) -> dict[str, Any]:
    """What inboxes and mails say of a contract."""
    organisation = session.get_one(Organisation, contract.organisation_id)
    return {
        "organisation": organisation.name,
        "address": organisation.address,
        "title": contract.title,
        "number": contract.number,
        "counterparty": contract.counterparty,
        "amount": str(contract.amount) if contract.amount is not None else None,
        "currency": contract.currency,
        "kind": contract.kind,
        "note": version.note or None,
        "signers": contract.signers,
    }


def _add_version(
    session: Work, contract: Contract, document: HandedIn, *, note: str, by: Actor, now: datetime
) -> Version:
    version = Version(
        contract_id=contract.id,
        number=contract.current_version,
        sha256=document.original.sha256,
        original_key=document.original.key,
        original_size=document.original.size,
        file_name=document.file_name,
        readable_sha256=document.readable.sha256,
        readable_key=document.readable.key,
        pages=document.pages,
        page_sizes=[list(each) for each in document.page_sizes],
        text=document.text,
        page_starts=page_starts(document.page_texts),
        findings=list(document.findings),
        note=note,
        author_id=by.id,
        author=by.name,
        at=now,
        token=session.stamp(bytes.fromhex(document.original.sha256)),
    )
    session.add(version)
    session.flush()
    return version


def _next_number(session: Work, year: int) -> str:
    """C-2026-0001, in the order of submission, without gaps."""
    name = f"contract-{year}"
    numbers = session.get(NumberRange, name, with_for_update=True)
    if numbers is None:
        numbers = NumberRange(name=name)
        session.add(numbers)
    numbers.last += 1
    session.flush()
    return f"C-{year}-{numbers.last:04d}"


def _tell_end(session: Work, contract: Contract, round: Round, kind: str, verdict: Verdict, *, now: datetime) -> None:
    """Who ended it and why: to the owner; of a refusal to sign also to other signers, if they were asked."""
    session.flush()
    decision = session.exec(
        select(Decision)
        .where(Decision.round_id == round.id, Decision.verdict == verdict)
        .order_by(col(Decision.at).desc())
    ).first()
    told = {contract.owner_id}
    if verdict is Verdict.DECLINE:
        told |= {task.person_id for task in tasks_of(session, round.id) if _hears_of_refusal(task)}
    for person in people(session, told).values():
        tell(
            session,
            contract,
            round,
            person,
            kind,
            now=now,
            by_name=decision.name if decision else "",
            comment=decision.comment if decision else "",
        )


def _hears_of_refusal(task: Task) -> bool:
    """Who has signed, and who was asked at the same time."""
    asked = task.kind is StageKind.SIGNATURE and task.asked_at is not None and task.closed_because == "declined"
    return task.verdict is Verdict.SIGN or asked


def tell(
    session: Work,
    contract: Contract,
    round: Round | None,
    person: Person,
    kind: str,
    *,
    now: datetime,
    link: str | None = None,
    **values: Any,
) -> None:
    owner = session.get_one(Person, contract.owner_id)
    if round is None:
        round = _current_round(session, contract)
    assert round is not None, "every contract has travelled at least one round"
    post(
        session,
        letter(
            round,
            kind,
            person,
            {**values, "page": page_of(round, person)},
            reply_to=(owner.name, owner.email) if owner.id != person.id else ("", ""),
            link=link,
        ),
        now=now,
    )


def locked(session: Work, contract_id: UUID, *, visible: bool) -> tuple[Round | None, Contract]:
    """The contract's newest round and the contract, both locked; in that order, as a decision does."""
    session.exec(
        select(Round.id).where(Round.process == PROCESS, Round.subject_id == contract_id).with_for_update()
    ).all()
    contract = session.exec(
        select(Contract).where(Contract.id == contract_id).with_for_update().execution_options(populate_existing=True)
    ).first()
    if contract is None or not visible:
        raise NotFound("There is no such contract.")
    return _current_round(session, contract), contract


def permission(sentence: str) -> Refused:
    return Forbidden(sentence) if sentence.startswith("Only") else Conflict(sentence)


def version_of(session: Session, contract: Contract) -> Version:
    return session.exec(
        select(Version).where(Version.contract_id == contract.id, Version.number == contract.current_version)
    ).one()


def _current_round(session: Session, contract: Contract) -> Round | None:
    return session.exec(
        select(Round)
        .where(Round.process == PROCESS, Round.subject_id == contract.id)
        .order_by(col(Round.number).desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).first()
