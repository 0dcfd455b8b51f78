"""Ask for signatures, take them, seal.

Signing bytes takes a tenth of a second, too long to hold a lock. So each step is made outside the transaction from the
revision that was current, and kept only if that revision still is: ``base_sha256`` says which one it was made from.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, select

from documents.blobs import BlobRef
from workflows.approvals.links import kill_links, refusal
from workflows.approvals.model import Round, RoundState, Stage, StageState, Task, TaskState, Verdict
from workflows.approvals.operations import (
    Decided,
    change_state,
    conclude,
    end_round,
    first_answer,
    lock_round,
    stages_of,
)
from workflows.approvals.rules import why_not_decide
from workflows.approvals.signers import ask_next_signers
from workflows.approvals.timing import why_ran_out
from workflows.audit.operations import record
from workflows.database import Work
from workflows.errors import Conflict, NotFound, Refused
from workflows.outbox import wake
from workflows.parties.rules import Actor, checked_name, who
from workflows.signatures.model import Signing, SigningState


class RevisionMoved(Exception):
    """Another signature came in between; make it again from the newest revision."""


def begin(session: Work, round: Round, prepared: BlobRef, slots: list[dict[str, Any]], *, now: datetime) -> Signing:
    """Keep the certified file and ask those who sign first. Safe to repeat."""
    signing = signing_of(session, round.id)
    if signing is None:
        signing = Signing(
            round_id=round.id,
            process=round.process,
            subject_id=round.subject_id,
            slots=slots,
            pdf_key=prepared.key,
            pdf_sha256=prepared.sha256,
            opened_at=now,
        )
        session.add(signing)
        record(
            session,
            "certified",
            round.process,
            round.subject_id,
            now=now,
            version=round.version_number,
            sha256=prepared.sha256,
        )
    ask_next_signers(session, round, now=now)
    return signing


@dataclass(frozen=True)
class Ticket:
    """All that making one signature needs. ``last``: it closes the row of signers."""

    base_key: str
    base_sha256: str
    field: str
    slot_name: str
    email: str
    name: str
    last: bool
    organisation: str | None
    reason: str


def prepare_signature(
    session: Work, task_id: UUID, *, seen: str, name: str, consent: bool, by: Actor, now: datetime
) -> Ticket | Decided:
    """Check that this person may sign now; what to sign, or the first answer where they have signed already.

    ``now``: when their wish came in. It alone says whether it came in time: the signature takes a moment.

    Raises:
        Refused: without consent or name.
        Conflict, Forbidden: as for any decision.
    """
    round, tasks = lock_round(session, task_id)
    task = next(each for each in tasks if each.id == task_id)
    if again := first_answer(session, round, task, Verdict.SIGN, by):
        return again
    ran_out = why_ran_out(session, round, session.get_one(Stage, task.stage_id), task, at=now)
    if why := why_not_decide(by, round, task, Verdict.SIGN, seen=seen, comment="", ran_out=ran_out):
        raise refusal(why)
    if not consent:
        raise Refused(
            "Nothing has been signed yet: please tick that you agree to sign electronically.", field="consent"
        )
    name = checked_name(name)
    signing = signing_of(session, round.id)
    if signing is None or signing.state is not SigningState.OPEN:
        raise Conflict("The document is not ready to be signed.")
    slot = next(each for each in signing.slots if each["task"] == str(task.id))
    to_come = [each for each in tasks if each.stage_id == task.stage_id and each.id != task.id and _is_to_come(each)]
    return Ticket(
        base_key=signing.pdf_key,
        base_sha256=signing.pdf_sha256,
        field=slot["field"],
        slot_name=slot["name"],
        email=task.email,
        name=name,
        last=not to_come,
        organisation=slot.get("organisation"),
        reason=slot["reason"],
    )


def _is_to_come(task: Task) -> bool:
    return task.state in (TaskState.OPEN, TaskState.WAITING)


def keep_signature(
    session: Work, task_id: UUID, ticket: Ticket, signed: BlobRef, *, seen: str, by: Actor, now: datetime
) -> Decided:
    """Record a signature made from ``ticket`` and ask who comes next.

    Raises:
        RevisionMoved: the file has grown since; nothing is recorded.
    """
    round, tasks = lock_round(session, task_id)
    task = next(each for each in tasks if each.id == task_id)
    if again := first_answer(session, round, task, Verdict.SIGN, by):
        return again
    if why := why_not_decide(by, round, task, Verdict.SIGN, seen=seen, comment=""):
        raise refusal(why)
    signing = signing_of(session, round.id)
    if signing is None or signing.pdf_sha256 != ticket.base_sha256:
        raise RevisionMoved
    signing.pdf_key, signing.pdf_sha256, signing.revision = signed.key, signed.sha256, signing.revision + 1
    decision = conclude(session, round, task, Verdict.SIGN, seen=seen, by=by, comment="", now=now)
    kill_links(session, [task.id], now=now)
    record(
        session,
        "signed",
        round.process,
        round.subject_id,
        now=now,
        **who(by),
        task=str(task.id),
        signed_as=ticket.name,
        version=round.version_number,
        version_sha256=seen,
        sha256=signed.sha256,
        via=by.via,
    )
    if ticket.last:
        stage = next(each for each in stages_of(session, round.id) if each.id == task.stage_id)
        stage.state, stage.closed_at = StageState.APPROVED, now
        change_state(session, round, RoundState.SIGNED, now=now)
    else:
        ask_next_signers(session, round, now=now)
    wake(session, round.process, round.subject_id, label=round.card["label"], now=now)
    return Decided(task, decision, round)


def decline(session: Work, task_id: UUID, *, seen: str, comment: str, by: Actor, now: datetime) -> Decided:
    """Refuse to sign: the round ends, signatures given stay what they were."""
    round, tasks = lock_round(session, task_id)
    task = next(each for each in tasks if each.id == task_id)
    comment = comment.strip()
    if again := first_answer(session, round, task, Verdict.DECLINE, by):
        return again
    ran_out = why_ran_out(session, round, session.get_one(Stage, task.stage_id), task, at=now)
    if why := why_not_decide(by, round, task, Verdict.DECLINE, seen=seen, comment=comment, ran_out=ran_out):
        raise refusal(why)
    decision = conclude(session, round, task, Verdict.DECLINE, seen=seen, by=by, comment=comment, now=now)
    kill_links(session, [task.id], now=now)
    record(
        session,
        "declined",
        round.process,
        round.subject_id,
        now=now,
        **who(by),
        task=str(task.id),
        version=round.version_number,
        via=by.via,
        comment=comment,
    )
    end_round(session, round, RoundState.DECLINED, tasks=tasks, now=now)
    end(session, round.id)
    wake(session, round.process, round.subject_id, label=round.card["label"], now=now)
    return Decided(task, decision, round)


def end(session: Work, round_id: UUID) -> None:
    """Nothing more is signed in this round."""
    signing = signing_of(session, round_id)
    if signing is not None and signing.state is SigningState.OPEN:
        signing.state = SigningState.ENDED


def keep_seal(
    session: Work, signing_id: UUID, sealed: BlobRef, *, archive_until: datetime, base_sha256: str, now: datetime
) -> Signing:
    """Record the sealed file. Safe to repeat: the first seal stays."""
    signing = session.exec(
        select(Signing).where(Signing.id == signing_id).with_for_update().execution_options(populate_existing=True)
    ).first()
    if signing is None:
        raise NotFound("There is no such signing.")
    if signing.state is SigningState.SEALED:
        return signing
    if signing.pdf_sha256 != base_sha256 or signing.state is not SigningState.OPEN:
        raise RevisionMoved
    signing.state, signing.sealed_at = SigningState.SEALED, now
    signing.sealed_key, signing.sealed_sha256, signing.sealed_size = sealed.key, sealed.sha256, sealed.size
    signing.sealed_token = session.stamp(bytes.fromhex(sealed.sha256))
    signing.archive_until = archive_until
    record(session, "sealed", signing.process, signing.subject_id, now=now, sha256=sealed.sha256, size=sealed.size)
    return signing


def signing_of(session: Session, round_id: UUID) -> Signing | None:
    return session.exec(
        select(Signing).where(Signing.round_id == round_id).execution_options(populate_existing=True)
    ).first()
