"""Mend what went wrong: ask again, send again, correct an address, have the work taken up again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from workflows.approvals.handing_over import send_link_again
from workflows.approvals.links import kill_links, reading_link
from workflows.approvals.model import Round, RoundState, Stage, StageState, Task, TaskState, Verdict
from workflows.approvals.operations import advance, invite
from workflows.audit.operations import record
from workflows.boards.queries import own_paper
from workflows.contracts.model import Contract
from workflows.contracts.term import READING_DAYS
from workflows.database import Work
from workflows.errors import Conflict, Forbidden, NotFound, Refused
from workflows.invoices.model import Invoice
from workflows.outbox import Letter, MailState, OutgoingMail, Recipient, post, wake
from workflows.parties.model import Person
from workflows.parties.operations import acquaintance
from workflows.parties.queries import by_email
from workflows.parties.rules import Actor, normalised_email, who, why_not_administer


def try_again(session: Work, stage_id: UUID, *, by: Actor, now: datetime) -> None:
    """Look anew whom a blocked stage can ask.

    Raises:
        Conflict: there is still nobody.
    """
    _insist_on_administrator(by)
    stage = session.get(Stage, stage_id)
    if stage is None:
        raise NotFound("There is nothing at this address.")
    round = session.exec(
        select(Round).where(Round.id == stage.round_id).with_for_update().execution_options(populate_existing=True)
    ).one()
    own_paper(session, round.process, round.subject_id, by.organisation_id)
    session.refresh(stage)
    if stage.state is not StageState.BLOCKED or round.state is not RoundState.OPEN:
        return  # somebody was faster, and somebody is asked
    advance(session, round, now=now)
    if stage.state is StageState.BLOCKED:
        raise Conflict("There is still nobody to ask. Put somebody in the role or group that the stage names.")
    wake(session, round.process, round.subject_id, label=round.card["label"], now=now)


def wake_again(session: Work, process: str, subject_id: UUID, *, by: Actor, now: datetime) -> None:
    """Have the work on a document taken up again, as after a fault that was mended."""
    _insist_on_administrator(by)
    paper = own_paper(session, process, subject_id, by.organisation_id)
    wake(session, process, subject_id, label=paper.number, now=now)
    record(session, "woken", process, subject_id, now=now, **who(by))


def send_again(session: Work, mail_id: UUID, *, by: Actor, now: datetime) -> None:
    """Send a mail that did not get through once more; where it asked for something that is settled, let it go."""
    mail = _lost_mail(session, mail_id, by)
    if mail.state is MailState.QUEUED:
        mail.not_before = now
        session.owes = True
        return
    _post_anew(session, mail, mail.to_email, by=by, now=now)


def correct_address(session: Work, mail_id: UUID, email: str, *, by: Actor, now: datetime) -> None:
    """Send a lost mail, and what else its addressee is asked about this document, to the right address from now on.

    They are asked anew under the right address, for this document alone: others may know them by the one that they
    gave.

    Raises:
        Refused: it is no address, the same one, or belongs to somebody else.
        Forbidden: the addressee has an organisation here, where their address is how they are known.
    """
    mail = _lost_mail(session, mail_id, by)
    wrong, right = mail.to_email, normalised_email(email)
    if right == wrong:
        raise Refused("This is the address that did not work.", field="email")
    person = by_email(session, wrong)
    if person is None:
        _correct_contact(session, mail, right)
    elif person.organisation_id is not None:
        raise Forbidden(
            "%(name)s is known here by this address. Please register them on the page of people under the right one.",
            name=person.name,
        )
    else:
        _ask_under(session, mail, person, right, now=now)
    session.flush()
    record(
        session,
        "address_corrected",
        mail.process,
        mail.subject_id,
        now=now,
        **who(by),
        to_name=mail.to_name,
        from_email=wrong,
        to_email=right,
    )
    _post_anew(session, mail, right, by=by, now=now)


def _post_anew(session: Work, mail: OutgoingMail, email: str, *, by: Actor, now: datetime) -> None:
    """What the mail said, once more; where it asks for something, with a fresh link that replaces the ones before."""
    mail.state, mail.sealed_link, mail.claimed_until, mail.reported = MailState.DROPPED, None, None, True
    task = session.get(Task, mail.task_id) if mail.task_id else None
    if task is not None:
        if task.state is TaskState.OPEN:
            send_link_again(session, task.id, by=by, now=now)
        return
    payload: dict[str, Any] = dict(mail.payload)
    link = None
    if payload.get("link_until") and (signed := _signature_of(session, mail.subject_id, email)):
        until = now + timedelta(days=READING_DAYS)
        link, payload["link_until"] = reading_link(session, signed, now=now, until=until), until.isoformat()
    post(
        session,
        Letter(
            kind=mail.kind,
            to=Recipient(mail.to_name, email, mail.locale, mail.timezone),
            process=mail.process,
            subject_id=mail.subject_id,
            sender_name=mail.sender_name,
            reply_to=(mail.reply_to_name, mail.reply_to_email),
            payload=payload,
            link=link,
        ),
        now=now,
    )
    record(
        session,
        "mail_sent_again",
        mail.process,
        mail.subject_id,
        now=now,
        **who(by),
        kind=mail.kind,
        to_name=mail.to_name,
        to_email=email,
    )


def _signature_of(session: Work, subject_id: UUID, email: str) -> Task | None:
    """What the person with this address signed of the document."""
    return session.exec(
        select(Task)
        .join(Round, col(Round.id) == col(Task.round_id))
        .where(Round.subject_id == subject_id, Task.email == email, Task.verdict == Verdict.SIGN)
        .order_by(col(Round.number).desc())
        .limit(1)
    ).first()


def _correct_contact(session: Work, mail: OutgoingMail, right: str) -> None:
    """Whom a document names for mails: a counterparty, a supplier."""
    contract = session.get(Contract, mail.subject_id, with_for_update=True)
    if contract is not None and contract.contact_email == mail.to_email:
        contract.contact_email = right
    invoice = session.get(Invoice, mail.subject_id, with_for_update=True)
    if invoice is not None and invoice.supplier_email == mail.to_email:
        invoice.supplier_email = right


def _ask_under(session: Work, mail: OutgoingMail, person: Person, right: str, *, now: datetime) -> None:
    """Put whoever outside has the right address in the place of ``person``, in all that is still to do here."""
    rounds = session.exec(select(Round).where(Round.subject_id == mail.subject_id).with_for_update()).all()
    tasks: Sequence[Task] = session.exec(
        select(Task).where(
            col(Task.round_id).in_([round.id for round in rounds]), Task.person_id == person.id, _still_to_do()
        )
    ).all()
    instead = acquaintance(
        session, name=person.name, email=right, locale=person.locale, timezone=person.timezone, now=now
    )
    already_asked = select(Task.id).where(
        col(Task.stage_id).in_([task.stage_id for task in tasks]), Task.person_id == instead.id
    )
    # nobody inside ever comes by somebody else's task in this way, whatever the route says of who may decide it
    if instead.organisation_id is not None or session.exec(already_asked).first() is not None:
        raise Refused("%(email)s belongs to %(name)s.", field="email", email=right, name=instead.name)
    kill_links(session, [task.id for task in tasks], now=now)
    for task in tasks:
        task.person_id, task.email = instead.id, instead.email
    for round in rounds:
        round.card = {**round.card, "signers": _corrected(round.card.get("signers", []), person.email, right)}
    contract = session.get(Contract, mail.subject_id, with_for_update=True)
    if contract is not None:
        contract.signers = _corrected(contract.signers, person.email, right)
    _correct_contact(session, mail, right)
    invite(session, mail.process, mail.subject_id, [instead.id])


def _corrected(signers: list[dict[str, Any]], wrong: str, right: str) -> list[dict[str, Any]]:
    return [{**each, "email": right} if each["email"] == wrong else each for each in signers]


def _still_to_do() -> Any:
    return col(Task.state).in_((TaskState.OPEN, TaskState.WAITING))


def _lost_mail(session: Work, mail_id: UUID, by: Actor) -> OutgoingMail:
    _insist_on_administrator(by)
    mail = session.get(OutgoingMail, mail_id, with_for_update=True)
    if mail is None:
        raise NotFound("There is nothing at this address.")
    own_paper(session, mail.process, mail.subject_id, by.organisation_id)
    if mail.state not in (MailState.FAILED, MailState.QUEUED) or not mail.failure:
        raise Conflict("This mail has been dealt with meanwhile.")
    return mail


def _insist_on_administrator(by: Actor) -> None:
    if sentence := why_not_administer(by):
        raise Forbidden(sentence)
