"""Ask an invoice's supplier, and take it up again."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from workflows.approvals.letters import recipient
from workflows.approvals.model import RoundState
from workflows.columns import as_json
from workflows.database import Work
from workflows.errors import Conflict, Refused
from workflows.invoices.model import PROCESS, Invoice, InvoiceState
from workflows.invoices.replies import answer_address, put_question
from workflows.invoices.rules import why_not_dispute
from workflows.outbox import Letter, post, wake
from workflows.papers.operations import end_and_tell, locked, note_event, permission
from workflows.parties.model import Organisation, Person
from workflows.parties.operations import acquaintance
from workflows.parties.rules import Actor


def dispute(
    session: Work,
    invoice_id: UUID,
    *,
    to: str,
    question: str,
    by: Actor,
    now: datetime,
    visible: bool,
    mailbox: str = "",
) -> Invoice:
    """Ask its supplier, by mail. Whoever is asked to decide is told that it waits; ``settle`` takes it up again.

    ``mailbox``: address of the watched mailbox, to which the answer goes; without it, it goes to whoever asks.

    Raises:
        NotFound: there is no such invoice, or the actor may not see it.
        Forbidden: to all but its owner and their administrators.
        Conflict: it has come to an end.
        Refused: nothing is asked, or nobody is named whom to ask.
    """
    going, invoice = locked(session, Invoice, invoice_id, visible=visible)
    if sentence := why_not_dispute(by, invoice):
        raise permission(sentence)
    question = question.strip()
    if not question:
        raise Refused("Say what you ask the supplier.", field="question")
    email = to.strip() or invoice.supplier_email
    if not email:
        raise Refused("Say to which address the question goes: the invoice names none.", field="to")
    owner = session.get_one(Person, invoice.owner_id)
    person = acquaintance(
        session,
        name=invoice.supplier or email,
        email=email,
        locale=owner.locale,
        timezone=owner.timezone,
        now=now,
    )
    note_event(session, "disputed", invoice, by=by, now=now, to=person.name, to_email=person.email, comment=question)
    invoice.enter(InvoiceState.DISPUTED, now=now)
    end_and_tell(session, invoice, going, RoundState.RECALLED, comment=question, by=by, now=now, recalled=True)
    organisation = session.get_one(Organisation, invoice.organisation_id)
    answers_to = by.name, by.email
    if mailbox:
        answers_to = organisation.name, answer_address(session, invoice, person, mailbox, by=by, now=now)
        put_question(session, invoice, question, by=by, now=now)
    post(
        session,
        Letter(
            kind="query",
            to=recipient(person),
            process=PROCESS,
            subject_id=invoice.id,
            sender_name=organisation.name,
            reply_to=answers_to,
            payload={
                "organisation": organisation.name,
                "address": organisation.address,
                "sender_name": by.name,
                "sender_email": by.email,
                "sender_reads": [by.locale, by.timezone],
                "title": invoice.title,
                "number": invoice.number,
                "supplier_number": invoice.supplier_number,
                "issued_on": as_json(invoice.issued_on),
                "counterparty": invoice.supplier,
                "amount": as_json(invoice.amount),
                "currency": invoice.currency,
                "note": None,
                "version": invoice.current_version,
                "comment": question,
            },
        ),
        now=now,
    )
    wake(session, PROCESS, invoice.id, label=invoice.number, now=now)
    return invoice


def settle(session: Work, invoice_id: UUID, *, comment: str, by: Actor, now: datetime, visible: bool) -> Invoice:
    """The supplier has answered: it is taken up again, and travels its route anew.

    Raises:
        NotFound, Forbidden: as ``dispute``.
        Conflict: its supplier was not asked.
    """
    _, invoice = locked(session, Invoice, invoice_id, visible=visible)
    if invoice.state is not InvoiceState.DISPUTED:
        raise Conflict("Nobody waits for an answer of its supplier.")
    if sentence := why_not_dispute(by, invoice.model_copy(update={"state": InvoiceState.RETURNED})):
        raise permission(sentence)
    invoice.enter(InvoiceState.RECEIVED if invoice.blocked else InvoiceState.CHECKED, now=now)
    note_event(session, "settled", invoice, by=by, now=now, comment=comment.strip())
    wake(session, PROCESS, invoice.id, label=invoice.number, now=now)
    return invoice
