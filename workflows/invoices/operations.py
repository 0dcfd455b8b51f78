"""Receive, correct, send on, withdraw; let them be found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from documents.einvoices import checks, data
from documents.einvoices.as_json import from_json
from documents.einvoices.findings import Finding
from documents.einvoices.findings import from_json as finding_of
from workflows.approvals.exchange import rates_of_submission
from workflows.approvals.model import Round, RoundState, Verdict
from workflows.approvals.operations import let_in, on_change, on_invited
from workflows.approvals.publishing import choose_route, parsed
from workflows.audit.operations import record
from workflows.columns import as_json, new_id, to_millisecond
from workflows.database import Work
from workflows.errors import Conflict, Forbidden, Refused
from workflows.invoices import suspicions
from workflows.invoices.matching import held_against_orders
from workflows.invoices.matching_rules import tolerances
from workflows.invoices.model import PROCESS, CostCenter, Invoice, InvoiceLine, InvoiceMatching, InvoiceState
from workflows.invoices.readings import newest_reading, reading_of, take_down
from workflows.invoices.rules import (
    TYPED,
    corrected,
    facts_of,
    weighs,
    why_not_correct,
    why_not_receive,
    why_not_withdraw,
)
from workflows.outbox import wake
from workflows.papers.model import Version
from workflows.papers.operations import (
    HandedIn,
    add_version,
    card_head,
    end_and_tell,
    locked,
    newest_round,
    next_number,
    note_event,
    permission,
    put_entry,
    send_round,
    tell,
    tell_end,
    version_of,
)
from workflows.parties.model import Person
from workflows.parties.queries import people
from workflows.parties.rules import Actor


def receive(
    session: Work,
    document: HandedIn,
    said: data.Invoice,
    findings: Sequence[Finding],
    *,
    external_id: str = "",
    cost_center: str = "",
    note: str = "",
    route: str = "",
    by: Actor,
    now: datetime,
) -> Invoice:
    """Keep an invoice with its version 1 and what it says. ``send_on`` sends it on its route.

    Raises:
        Forbidden: the actor belongs to no organisation.
    """
    if sentence := why_not_receive(by):
        raise Forbidden(sentence)
    assert by.organisation_id is not None, "whoever has none was refused"
    invoice = Invoice(
        id=new_id(),
        number=next_number(session, Invoice, "I", now.year),
        organisation_id=by.organisation_id,
        owner_id=by.id,
        title="",
        external_id=external_id.strip()[:200] or None,
        note=note.strip()[:2000],
        route=route.strip() or None,
        state_since=now,
        created_at=now,
    )
    session.add(invoice)
    session.flush()
    version = add_version(session, invoice, document, note=invoice.note, by=by, now=now)
    if cost_center.strip():
        said = replace(said, accounting=cost_center.strip()[:80])
    take_down(session, invoice, said, findings, version, reason="", by=by, now=now)
    note_event(
        session,
        "handed_in",
        invoice,
        by=by,
        now=now,
        number=invoice.number,
        version=1,
        version_sha256=version.sha256,
        note=invoice.note,
        **findings_told(invoice),
    )
    let_in(session, PROCESS, invoice.id, [by.id])
    session.flush()
    index(session, invoice)
    wake(session, PROCESS, invoice.id, label=invoice.number, now=now)
    return invoice


def correct(
    session: Work,
    invoice_id: UUID,
    words: Mapping[str, str],
    *,
    reason: str,
    by: Actor,
    now: datetime,
    visible: bool,
) -> Invoice:
    """Say what an invoice says, where its pages alone say it or its data are wrong. What was read stays on record.

    ``words``: of ``TYPED`` those that change, as somebody types them.

    Raises:
        NotFound: there is no such invoice, or the actor may not see it.
        Forbidden: to all but its owner and their administrators.
        Conflict: it is being decided on, or approved.
        Refused: a correction gives no reason.
    """
    _, invoice = locked(session, Invoice, invoice_id, visible=visible)
    if sentence := why_not_correct(by, invoice):
        raise permission(sentence)
    reading = newest_reading(session, invoice)
    if reading.data.get("syntax") != "typed" and not reason.strip():
        raise Refused("Say why it is corrected: what was read stays on record beside it.", field="reason")
    before = {name: as_json(getattr(invoice, name)) for name in CORRECTED}
    version = version_of(session, invoice)
    kept = [each for each in map(finding_of, reading.findings) if each.rule not in OWN_RULES]
    said = corrected(from_json(reading.data), words)
    take_down(session, invoice, said, kept, version, reason=reason.strip(), by=by, now=now)
    after = {name: as_json(getattr(invoice, name)) for name in CORRECTED}
    note_event(
        session,
        "data_corrected",
        invoice,
        by=by,
        now=now,
        version=version.number,
        comment=reason.strip(),
        changes={name: [before[name], after[name]] for name in CORRECTED if before[name] != after[name]},
        currency=invoice.currency,
        **findings_told(invoice),
    )
    session.flush()
    index(session, invoice)
    wake(session, PROCESS, invoice.id, label=invoice.number, now=now)
    return invoice


OWN_RULES = checks.RULES | suspicions.RULES | {f"missing-{name}" for name in TYPED}
"""Found anew in each reading; what else was found belongs to the file."""
CORRECTED = (
    *("kind", "supplier", "supplier_id", "supplier_number", "issued_on", "due_on", "currency", "net", "tax"),
    *("payable", "order_number", "contract_number", "cost_center", "iban"),
)


def findings_told(invoice: Invoice) -> dict[str, Any]:
    """What the history says of them: whether one blocks, and how many warnings there are."""
    return {"blocked": invoice.blocked, "warnings": invoice.warnings}


def match_checked(session: Work, invoice_id: UUID, *, now: datetime) -> Invoice:
    """Hold a checked invoice against orders, contracts and machines, by the tolerances of its route. Safe to repeat.

    Raises:
        Refused: no route fits.
    """
    _, invoice = locked(session, Invoice, invoice_id, visible=True)
    if invoice.state is InvoiceState.CHECKED:
        _held(session, invoice, now=now)
    return invoice


def _held(session: Work, invoice: Invoice, *, now: datetime) -> dict[str, Any]:
    """What its route's conditions may ask about the invoice, once it was held against what is known."""
    owner = session.get_one(Person, invoice.owner_id)
    center = session.get(CostCenter, (invoice.organisation_id, invoice.cost_center))
    facts = facts_of(invoice, submitter=owner.email, cost_center_owner=center.owner_email if center else "", match=None)
    route = parsed(choose_route(session, PROCESS, facts, name=invoice.route, submitter=owner, now=now).source)
    rates = rates_of_submission(session, route, facts, owner, now=now)
    kept = session.get(InvoiceMatching, invoice.id)
    if invoice.state is not InvoiceState.MATCHED or kept is None or kept.at != to_millisecond(now):
        price, quantity = tolerances(route, invoice.currency or "", rates)
        held = held_against_orders(session, invoice, price=price, quantity=quantity, now=now)
        if route.match is not None or held.pairings:
            record(session, "held_against_orders", PROCESS, invoice.id, now=now, outcome=held.outcome)
        invoice.enter(InvoiceState.MATCHED, now=now)
        session.flush()
    if route.match is not None:
        facts["match"] = invoice.match_outcome
    return facts


def send_on(session: Work, invoice_id: UUID, *, now: datetime, link_days: int) -> Invoice:
    """Send a checked invoice on its route, held against orders, contracts and machines. Safe to repeat.

    Raises:
        Refused: no route fits, or nobody would be asked.
    """
    _, invoice = locked(session, Invoice, invoice_id, visible=True)
    if invoice.state not in (InvoiceState.CHECKED, InvoiceState.MATCHED):
        return invoice
    facts, owner = _held(session, invoice, now=now), session.get_one(Person, invoice.owner_id)
    before, version = newest_round(session, invoice), version_of(session, invoice)
    afresh = before is not None and weighs(
        from_json(reading_of(session, invoice, before).data), from_json(newest_reading(session, invoice).data)
    )
    invoice.enter(InvoiceState.IN_APPROVAL, now=now)
    session.flush()
    send_round(
        session,
        invoice,
        version,
        facts=facts,
        card=card_of(session, invoice),
        owner=owner,
        now=now,
        link_days=link_days,
        afresh=afresh,
    )
    index(session, invoice)
    return invoice


def follow_round(session: Work, round: Round, now: datetime) -> None:
    """Bring the invoice's state after its round's; in the same transaction as the decision. Safe to repeat."""
    invoice = session.exec(select(Invoice).where(Invoice.id == round.subject_id).with_for_update()).one()
    # a step of the flow comes here again long afterwards: the state follows forwards only
    if invoice.state not in (InvoiceState.IN_APPROVAL, InvoiceState.APPROVED):
        return
    match round.state:
        case RoundState.APPROVED if invoice.state is InvoiceState.IN_APPROVAL:
            invoice.enter(InvoiceState.APPROVED, now=now)
            _tell_approved(session, invoice, round, now=now)
        case RoundState.REJECTED:
            invoice.enter(InvoiceState.REJECTED, now=now)
            tell_end(session, invoice, round, "rejected", Verdict.REJECT, now=now)
        case RoundState.SENT_BACK:
            invoice.enter(InvoiceState.RETURNED, now=now)
            tell_end(session, invoice, round, "sent_back", Verdict.SEND_BACK, now=now)
        case RoundState.RECALLED:
            invoice.enter(InvoiceState.RETURNED, now=now)
        case _:
            pass


on_change(PROCESS, follow_round)


def _tell_approved(session: Work, invoice: Invoice, round: Round, *, now: datetime) -> None:
    """To its owner, and to whoever handed in the version that was approved."""
    handed_in_by = session.exec(
        select(Version.author_id).where(
            Version.process == PROCESS, Version.subject_id == invoice.id, Version.number == round.version_number
        )
    ).one()
    for person in people(session, {invoice.owner_id, handed_in_by}).values():
        if person.active:
            tell(session, invoice, round, person, "approved", now=now, due_on=as_json(invoice.due_on))


def let_it_be_found(session: Work, invoice_id: UUID) -> None:
    """More people may see the invoice: they find it, too."""
    index(session, session.get_one(Invoice, invoice_id))


on_invited(PROCESS, let_it_be_found)


def withdraw(session: Work, invoice_id: UUID, *, comment: str, by: Actor, now: datetime, visible: bool) -> Invoice:
    """Take an invoice back; whoever is asked is told that nothing more is needed. Twice is as once.

    Raises:
        NotFound: there is no such invoice, or the actor may not see it.
        Forbidden: to all but its owner and their administrators.
        Conflict: it is released, or has come to an end.
    """
    going, invoice = locked(session, Invoice, invoice_id, visible=visible)
    if invoice.state is InvoiceState.WITHDRAWN:
        return invoice
    if sentence := why_not_withdraw(by, invoice):
        raise permission(sentence)
    comment = comment.strip()
    note_event(session, "withdrawn", invoice, by=by, now=now, comment=comment)
    invoice.enter(InvoiceState.WITHDRAWN, now=now)
    end_and_tell(session, invoice, going, RoundState.WITHDRAWN, comment=comment, by=by, now=now)
    wake(session, PROCESS, invoice.id, label=invoice.number, now=now)
    return invoice


def send_again(session: Work, invoice_id: UUID, *, by: Actor, now: datetime, visible: bool) -> Invoice:
    """Send back on its way, unchanged, what was sent back or taken back.

    Raises:
        NotFound, Forbidden: as ``withdraw``.
        Conflict: something that was found in it keeps it, or it is approved.
    """
    _, invoice = locked(session, Invoice, invoice_id, visible=visible)
    if invoice.state is InvoiceState.IN_APPROVAL:
        return invoice
    if sentence := why_not_correct(by, invoice):
        raise permission(sentence)
    if invoice.blocked:
        raise Conflict("What was found in it keeps it from being decided on. Please correct it first.")
    invoice.enter(InvoiceState.CHECKED, now=now)
    session.flush()
    return invoice


def index(session: Work, invoice: Invoice) -> None:
    """Let the invoice be found, by those who may see it."""
    lines = session.exec(
        select(InvoiceLine).where(InvoiceLine.invoice_id == invoice.id).order_by(col(InvoiceLine.position))
    ).all()
    said = [part for line in lines for part in (line.name, line.description, line.note, *line.serial_numbers) if part]
    owner = session.get_one(Person, invoice.owner_id)
    numbers = (invoice.number, invoice.supplier_number, invoice.external_id, invoice.order_number)
    put_entry(
        session,
        invoice,
        head=[
            *(each or "" for each in numbers),
            invoice.supplier,
            invoice.supplier_id,
            invoice.cost_center,
            owner.name,
            str(invoice.payable or ""),
        ],
        body="\n".join([version_of(session, invoice).text, *said]).strip(),
        numbers=numbers,
        marks=[],
    )


def card_of(session: Session, invoice: Invoice) -> dict[str, Any]:
    """What inboxes and mails say of an invoice."""
    return {
        **card_head(session, invoice),
        "counterparty": invoice.supplier,
        "amount": as_json(invoice.amount),
        "currency": invoice.currency,
        "kind": invoice.kind,
        "note": invoice.note or None,
        "signers": [],
        "due_on": as_json(invoice.due_on),
    }
