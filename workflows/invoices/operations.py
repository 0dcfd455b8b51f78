"""Receive, correct, send on, withdraw; release for payment, note that it was paid; ask its supplier."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, delete, select

from documents.einvoices import checks, data
from documents.einvoices.as_json import from_json, to_json
from documents.einvoices.findings import Finding
from documents.einvoices.findings import from_json as finding_of
from documents.einvoices.findings import to_json as to_kept
from workflows.approvals.exchange import rates_of_submission
from workflows.approvals.letters import recipient
from workflows.approvals.model import Round, RoundState, Verdict
from workflows.approvals.operations import let_in, on_change, on_invited
from workflows.approvals.publishing import choose_route, parsed
from workflows.audit.operations import record
from workflows.columns import as_json, new_id
from workflows.database import Work
from workflows.errors import Conflict, Forbidden, Refused
from workflows.invoices import suspicions
from workflows.invoices.matching import held_against_orders
from workflows.invoices.matching_rules import tolerances
from workflows.invoices.model import (
    PROCESS,
    CostCenter,
    Invoice,
    InvoiceAdjustment,
    InvoiceLine,
    InvoiceReading,
    InvoiceState,
    InvoiceTax,
)
from workflows.invoices.readings import newest_reading
from workflows.invoices.rules import (
    TYPED,
    corrected,
    facts_of,
    head_of,
    missing_in,
    reckoned,
    why_not_correct,
    why_not_dispute,
    why_not_pay,
    why_not_release,
    why_not_withdraw,
)
from workflows.outbox import Letter, post, wake
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
from workflows.parties.model import Organisation, Person
from workflows.parties.operations import acquaintance
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
    if by.organisation_id is None:
        raise Forbidden("Only people of an organisation may hand in invoices.")
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
    _take_down(session, invoice, said, findings, version, reason="", by=by, now=now)
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
        **_findings_told(invoice),
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
    _take_down(session, invoice, said, kept, version, reason=reason.strip(), by=by, now=now)
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
        **_findings_told(invoice),
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


def _findings_told(invoice: Invoice) -> dict[str, Any]:
    return {"blocked": invoice.blocked, "warnings": invoice.warnings}


def _take_down(
    session: Work,
    invoice: Invoice,
    said: data.Invoice,
    findings: Sequence[Finding],
    version: Version,
    *,
    reason: str,
    by: Actor,
    now: datetime,
) -> None:
    """Keep a reading; head, lines and taxes are as it says from now on."""
    for name, value in head_of(said).items():
        setattr(invoice, name, value)
    invoice.title = invoice.title or version.file_name
    found = [*findings, *missing_in(said)]
    found += reckoned(said, found, now.date())
    found += _suspicious(session, invoice, said, version)
    latest = session.exec(
        select(InvoiceReading.number)
        .where(InvoiceReading.invoice_id == invoice.id, InvoiceReading.version == version.number)
        .order_by(col(InvoiceReading.number).desc())
        .limit(1)
    ).first()
    session.add(
        InvoiceReading(
            invoice_id=invoice.id,
            version=version.number,
            number=(latest or 0) + 1,
            data=to_json(said),
            findings=[to_kept(each) for each in found],
            reason=reason,
            author=by.name,
            at=now,
        )
    )
    invoice.blocked = any(each.severity == "error" for each in found)
    invoice.warnings = sum(each.severity == "warning" for each in found)
    _set_state(invoice, InvoiceState.RECEIVED if invoice.blocked else InvoiceState.CHECKED, now=now)
    for table in (InvoiceLine, InvoiceTax, InvoiceAdjustment):
        session.exec(delete(table).where(col(table.invoice_id) == invoice.id))
    session.add_all(_rows(invoice, said))
    session.flush()


def _rows(invoice: Invoice, said: data.Invoice) -> list[Any]:
    rows: list[Any] = [
        InvoiceLine(
            invoice_id=invoice.id,
            position=position,
            line_id=line.id,
            name=line.name,
            description=line.description,
            note=line.note,
            quantity=line.quantity.value if line.quantity else None,
            unit=line.quantity.unit if line.quantity else "",
            price=line.price.net,
            price_base=line.price.base_quantity.value if line.price.base_quantity else None,
            net=line.net_amount,
            tax_category=(line.tax.code if line.tax else "")[:10],
            tax_rate=line.tax.rate if line.tax else None,
            order_number=line.order or said.order,
            order_line=line.order_line,
            sellers_id=line.sellers_id,
            buyers_id=line.buyers_id,
            accounting=line.accounting,
            serial_numbers=list(line.serial_numbers),
        )
        for position, line in enumerate(said.lines, 1)
    ]
    rows += [
        InvoiceTax(
            invoice_id=invoice.id,
            position=position,
            category=tax.category[:10],
            rate=tax.rate,
            taxable=tax.taxable,
            tax=tax.tax,
            exemption_reason=tax.exemption_reason,
        )
        for position, tax in enumerate(said.taxes, 1)
    ]
    both = [(False, each) for each in said.allowances] + [(True, each) for each in said.charges]
    rows += [
        InvoiceAdjustment(
            invoice_id=invoice.id,
            position=position,
            charge=charge,
            amount=each.amount,
            reason=each.reason,
            tax_category=(each.tax.code if each.tax else "")[:10],
            tax_rate=each.tax.rate if each.tax else None,
        )
        for position, (charge, each) in enumerate(both, 1)
    ]
    return rows


def _suspicious(session: Session, invoice: Invoice, said: data.Invoice, version: Version) -> list[Finding]:
    """Beside the others of the organisation."""
    bytes_of_others = select(Version.subject_id).where(
        Version.process == PROCESS, Version.sha256 == version.sha256, Version.subject_id != invoice.id
    )
    other = session.exec(_others(invoice).where(col(Invoice.id).in_(bytes_of_others)).limit(1)).first()
    found = suspicions.same_file(other)
    if not invoice.supplier_key:
        return found
    of_supplier = _others(invoice).where(Invoice.supplier_key == invoice.supplier_key)
    of_kind = of_supplier.where(Invoice.kind == invoice.kind)
    same_number = session.exec(of_kind.where(Invoice.supplier_number_key == invoice.supplier_number_key)).all()
    same_day = session.exec(
        of_kind.where(Invoice.issued_on == invoice.issued_on, Invoice.currency == invoice.currency)
    ).all()
    found += suspicions.duplicate(invoice, [*same_number, *same_day])
    last = session.exec(of_supplier.where(Invoice.iban != "").limit(1)).first()
    if last is not None:
        found += suspicions.other_account(said, from_json(newest_reading(session, last).data), number=last.number)
    return found


def _others(invoice: Invoice) -> Any:
    """Of the same organisation, and still meant."""
    ended = (InvoiceState.WITHDRAWN, InvoiceState.REJECTED)
    return (
        select(Invoice)
        .where(Invoice.organisation_id == invoice.organisation_id, Invoice.id != invoice.id)
        .where(col(Invoice.state).not_in(ended))
        .order_by(col(Invoice.id).desc())
    )


def send_on(session: Work, invoice_id: UUID, *, now: datetime, link_days: int) -> Invoice:
    """Hold a checked invoice against orders, contracts and machines, and send it on its route. Safe to repeat.

    Raises:
        Refused: no route fits, or nobody would be asked.
    """
    _, invoice = locked(session, Invoice, invoice_id, visible=True)
    if invoice.state not in (InvoiceState.CHECKED, InvoiceState.MATCHED):
        return invoice
    owner = session.get_one(Person, invoice.owner_id)
    center = session.get(CostCenter, (invoice.organisation_id, invoice.cost_center))
    facts = facts_of(invoice, submitter=owner.email, cost_center_owner=center.owner_email if center else "", match=None)
    route = parsed(choose_route(session, PROCESS, facts, name=invoice.route, submitter=owner, now=now).source)
    rates = rates_of_submission(session, route, facts, owner, now=now)
    price, quantity = tolerances(route, invoice.currency or "", rates)
    held = held_against_orders(session, invoice, price=price, quantity=quantity, now=now)
    if route.match is not None:
        facts["match"] = held.outcome
    if route.match is not None or held.pairings:
        record(session, "held_against_orders", PROCESS, invoice.id, now=now, outcome=held.outcome)
    _set_state(invoice, InvoiceState.IN_APPROVAL, now=now)
    session.flush()
    version = version_of(session, invoice)
    send_round(
        session,
        invoice,
        version,
        facts=facts,
        card=card_of(session, invoice),
        owner=owner,
        now=now,
        link_days=link_days,
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
            _set_state(invoice, InvoiceState.APPROVED, now=now)
        case RoundState.REJECTED:
            _set_state(invoice, InvoiceState.REJECTED, now=now)
            tell_end(session, invoice, round, "rejected", Verdict.REJECT, now=now)
        case RoundState.SENT_BACK:
            _set_state(invoice, InvoiceState.RETURNED, now=now)
            tell_end(session, invoice, round, "sent_back", Verdict.SEND_BACK, now=now)
        case RoundState.RECALLED:
            _set_state(invoice, InvoiceState.RETURNED, now=now)
        case _:
            pass


on_change(PROCESS, follow_round)


def let_it_be_found(session: Work, invoice_id: UUID) -> None:
    """More people may see the invoice: they find it, too."""
    index(session, session.get_one(Invoice, invoice_id))


on_invited(PROCESS, let_it_be_found)


def withdraw(session: Work, invoice_id: UUID, *, comment: str, by: Actor, now: datetime, visible: bool) -> Invoice:
    """Take an invoice back; whoever is asked is told that nothing more is needed. Twice is as once."""
    going, invoice = locked(session, Invoice, invoice_id, visible=visible)
    if invoice.state is InvoiceState.WITHDRAWN:
        return invoice
    if sentence := why_not_withdraw(by, invoice):
        raise permission(sentence)
    comment = comment.strip()
    note_event(session, "withdrawn", invoice, by=by, now=now, comment=comment)
    _set_state(invoice, InvoiceState.WITHDRAWN, now=now)
    end_and_tell(session, invoice, going, RoundState.WITHDRAWN, comment=comment, by=by, now=now)
    wake(session, PROCESS, invoice.id, label=invoice.number, now=now)
    return invoice


def release(session: Work, invoice_id: UUID, *, by: Actor, now: datetime, visible: bool) -> Invoice:
    """Everybody has approved it: it may be paid, as it was approved. Twice is as once."""
    _, invoice = locked(session, Invoice, invoice_id, visible=visible)
    if invoice.state in (InvoiceState.RELEASED, InvoiceState.PAID):
        return invoice
    if sentence := why_not_release(by, invoice):
        raise Conflict(sentence) if sentence.startswith("Only an") else permission(sentence)
    _set_state(invoice, InvoiceState.RELEASED, now=now)
    invoice.released_at = now
    note_event(
        session,
        "released",
        invoice,
        by=by,
        now=now,
        amount=as_json(invoice.payable),
        currency=invoice.currency,
        iban=invoice.iban,
        due_on=as_json(invoice.due_on),
    )
    wake(session, PROCESS, invoice.id, label=invoice.number, now=now)
    return invoice


def pay(
    session: Work,
    invoice_id: UUID,
    *,
    paid_on: date,
    amount: Decimal | None,
    by: Actor,
    now: datetime,
    visible: bool,
) -> Invoice:
    """Note that it was paid. ``amount``: None for all of it."""
    _, invoice = locked(session, Invoice, invoice_id, visible=visible)
    paid = invoice.payable if amount is None else amount
    if invoice.state is InvoiceState.PAID and (invoice.paid_on, invoice.paid_amount) == (paid_on, paid):
        return invoice
    if sentence := why_not_pay(by, invoice):
        raise permission(sentence)
    _set_state(invoice, InvoiceState.PAID, now=now)
    invoice.paid_on, invoice.paid_amount = paid_on, paid
    note_event(
        session,
        "paid",
        invoice,
        by=by,
        now=now,
        day=paid_on.isoformat(),
        amount=as_json(paid),
        currency=invoice.currency,
    )
    wake(session, PROCESS, invoice.id, label=invoice.number, now=now)
    return invoice


def dispute(
    session: Work, invoice_id: UUID, *, to: str, question: str, by: Actor, now: datetime, visible: bool
) -> Invoice:
    """Ask its supplier, by mail. Whoever is asked to decide is told that it waits; ``settle`` takes it up again."""
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
    _set_state(invoice, InvoiceState.DISPUTED, now=now)
    end_and_tell(session, invoice, going, RoundState.RECALLED, comment=question, by=by, now=now, recalled=True)
    organisation = session.get_one(Organisation, invoice.organisation_id)
    post(
        session,
        Letter(
            kind="query",
            to=recipient(person),
            process=PROCESS,
            subject_id=invoice.id,
            sender_name=organisation.name,
            reply_to=(by.name, by.email),
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
    """The supplier has answered: it is taken up again, and travels its route anew."""
    _, invoice = locked(session, Invoice, invoice_id, visible=visible)
    if invoice.state is not InvoiceState.DISPUTED:
        raise Conflict("Nobody waits for an answer of its supplier.")
    if sentence := why_not_dispute(by, invoice.model_copy(update={"state": InvoiceState.RETURNED})):
        raise permission(sentence)
    _set_state(invoice, InvoiceState.RECEIVED if invoice.blocked else InvoiceState.CHECKED, now=now)
    note_event(session, "settled", invoice, by=by, now=now, comment=comment.strip())
    wake(session, PROCESS, invoice.id, label=invoice.number, now=now)
    return invoice


def send_again(session: Work, invoice_id: UUID, *, by: Actor, now: datetime, visible: bool) -> Invoice:
    """Send back on its way, unchanged, what was sent back or taken back."""
    _, invoice = locked(session, Invoice, invoice_id, visible=visible)
    if invoice.state is InvoiceState.IN_APPROVAL:
        return invoice
    if sentence := why_not_correct(by, invoice):
        raise permission(sentence)
    if invoice.blocked:
        raise Conflict("What was found in it keeps it from being decided on. Please correct it first.")
    _set_state(invoice, InvoiceState.CHECKED, now=now)
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


def keep_cost_centers(session: Work, rows: Mapping[str, tuple[str, str]], *, by: Actor, now: datetime) -> int:
    """Add cost centres or change them: code to name and owner's address; how many there are in ``rows``."""
    if by.organisation_id is None or not by.administers:
        raise Forbidden("Only administrators may do this.")
    for code, (name, owner) in rows.items():
        kept = session.get(CostCenter, (by.organisation_id, code))
        if kept is None:
            kept = CostCenter(organisation_id=by.organisation_id, code=code)
            session.add(kept)
        kept.name, kept.owner_email = name, owner
    return len(rows)


def _set_state(invoice: Invoice, state: InvoiceState, *, now: datetime) -> None:
    if invoice.state is not state:
        invoice.state, invoice.state_since = state, now
