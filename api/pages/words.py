"""What the pages say of contracts: kinds, states, and what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from api.pages.views import who_acts
from documents.amounts import amount, money
from documents.rendering import Reader, day, day_plain, moment, named, sentence
from workflows.approvals.model import RoundState, StageState
from workflows.approvals.plan import SIGNATURES, SUBMITTER
from workflows.audit.model import AuditEvent
from workflows.contracts.model import Contract, ContractState
from workflows.invoices.model import Invoice, InvoiceState
from workflows.papers.model import Paper
from workflows.papers.standing import Standing
from workflows.words import KINDS, kind_name, stage_name

VIEWS = {
    "": "All",
    "needs_me": "Needs me",
    "waiting": "Waiting for others",
    "expiring": "Expiring soon",
    "in_force": "In force",
    "rejected": "Rejected",
}
STATES = {
    ContractState.IN_REVIEW: "Being decided",
    ContractState.RETURNED: "Sent back to %(owner)s",
    ContractState.APPROVED: "Approved, being prepared for its signers",
    ContractState.IN_SIGNATURE: "Being signed",
    ContractState.SEALING: "Being sealed",
    ContractState.IN_FORCE: "In force",
    ContractState.EXPIRED: "Ended",
    ContractState.REJECTED: "Rejected",
    ContractState.DECLINED: "Not signed",
    ContractState.WITHDRAWN: "Withdrawn",
}
TONES = {
    ContractState.RETURNED: "soon",
    ContractState.IN_FORCE: "good",
    ContractState.REJECTED: "bad",
    ContractState.DECLINED: "bad",
}


def kind_of(paper: Paper, reader: Reader) -> str:
    """What kind of contract, or of invoice, it is."""
    match paper:
        case Contract():
            return kind_name(paper.kind, reader)
        case Invoice():
            return kind_name(paper.kind, reader)
        case _:
            return ""


INVOICE_VIEWS = {
    "": "All",
    "needs_me": "Needs me",
    "open": "Not paid yet",
    "overdue": "Overdue",
    "disputed": "Asked about",
    "approved": "To be released",
    "paid": "Paid",
}
INVOICE_STATES = {
    InvoiceState.RECEIVED: "Received; %(owner)s is to complete or correct it",
    InvoiceState.CHECKED: "Checked; it waits for a route",
    InvoiceState.MATCHED: "Held against orders; it waits for a route",
    InvoiceState.IN_APPROVAL: "Being decided",
    InvoiceState.RETURNED: "Sent back to %(owner)s",
    InvoiceState.APPROVED: "Approved; to be released for payment",
    InvoiceState.RELEASED: "Released for payment",
    InvoiceState.PAID: "Paid",
    InvoiceState.REJECTED: "Rejected",
    InvoiceState.DISPUTED: "Its supplier has been asked",
    InvoiceState.WITHDRAWN: "Withdrawn",
}
INVOICE_TONES = {
    InvoiceState.RECEIVED: "soon",
    InvoiceState.CHECKED: "soon",
    InvoiceState.MATCHED: "soon",
    InvoiceState.RETURNED: "soon",
    InvoiceState.DISPUTED: "soon",
    InvoiceState.PAID: "good",
    InvoiceState.RELEASED: "good",
    InvoiceState.REJECTED: "bad",
}


@dataclass(frozen=True)
class Status:
    """Who acts, as a fragment of a sentence. ``tone``: mine, good, soon, bad, or none of them."""

    words: str
    tone: str
    since: datetime


def invoice_status(invoice: Invoice, where: Standing, owner: str, reader: Reader, *, me: UUID) -> Status:
    if turn := _turn_of(where, reader, me=me):
        return turn
    words = sentence(INVOICE_STATES[invoice.state], reader.locale, owner=owner)
    return Status(words, INVOICE_TONES.get(invoice.state, ""), invoice.state_since)


def status_of(contract: Contract, where: Standing, owner: str, reader: Reader, *, me: UUID) -> Status:
    if turn := _turn_of(where, reader, me=me):
        return turn
    since = contract.state_since
    if where.owner_turn and where.journey and where.journey.round.state is RoundState.RECALLED:
        return Status(sentence("Taken back by %(owner)s, to change it", reader.locale, owner=owner), "soon", since)
    return Status(sentence(STATES[contract.state], reader.locale, owner=owner), TONES.get(contract.state, ""), since)


def _turn_of(where: Standing, reader: Reader, *, me: UUID) -> Status | None:
    """Whose turn it is; None where it is nobody's on the route."""
    turns = {turn.stage: turn for turn in where.turns}
    stages = [stage for stage in where.journey.stages if stage.name in turns] if where.journey else []
    words = who_acts([(stage, [name for _, name in turns[stage.name].people]) for stage in stages], reader)
    if not words:
        return None
    since = min(turn.since for turn in where.turns)
    if any(stage.state is StageState.BLOCKED or stage.expired_at for stage in stages):
        return Status(words, "bad", since)
    mine = any(person == me for turn in where.turns for person, _ in turn.people)
    return Status(words, "mine" if mine else "", since)


FINISHES = {"seal": "Sealed and in force", "release": "Released for payment"}


def upcoming(where: Standing, reader: Reader) -> str:
    """What comes next, in its order."""
    return " → ".join(
        sentence(FINISHES[name], reader.locale) if name in FINISHES else stage_name(name, reader)
        for name in where.upcoming
    )


INVOICE_FIELDS = {
    "kind": "Kind",
    "supplier": "Supplier",
    "supplier_id": "VAT id or registration of the supplier",
    "supplier_email": "E-mail of the supplier",
    "supplier_number": "Number of the invoice",
    "issued_on": "Issued on",
    "due_on": "Due on",
    "currency": "Currency",
    "net": "Without tax",
    "tax": "Tax",
    "payable": "To be paid",
    "order_number": "Purchase order",
    "contract_number": "Contract number",
    "cost_center": "Cost centre",
    "iban": "Account",
}
"""What people type of an invoice, as forms call it."""
OUTCOMES = {
    "matched": "as ordered",
    "failed": "not as ordered",
    "without_order": "without an order",
}
"""How an invoice came out that was held against orders."""
TOLD = {
    "handed_in": "%(actor)s handed in version %(version)s",
    "replaced": "%(actor)s handed in version %(version)s; links to the one before no longer work",
    "replaced_saying": "%(actor)s handed in version %(version)s (%(what)s); links to the one before no longer work",
    "replaced_from": "%(actor)s took %(file_name)s of %(of)s as version %(version)s; earlier links no longer work",
    "replaced_from_saying": "%(actor)s took %(file_name)s of %(of)s as version %(version)s (%(what)s); earlier links no"
    " longer work",
    "asked_to_sign": "Asked to sign: %(people)s",
    "asked": "Asked for %(stage)s: %(people)s",
    "nobody_to_ask": "Nobody could be asked for %(stage)s; administrators have been told",
    "approved": "%(actor)s approved version %(version)s",
    "rejected": "%(actor)s rejected version %(version)s",
    "sent_back": "%(actor)s sent version %(version)s back",
    "sent_back_to_stage": "%(actor)s sent version %(version)s back to %(target)s",
    "described": "%(actor)s changed what is said of it (%(what)s)",
    "described_kept": "%(actor)s changed what is said of it (%(what)s); what was approved stays",
    "described_again": "%(actor)s changed what is said of it (%(what)s); it travels its route again",
    "kept": "%(stage)s stays approved, as it was for version %(version)s: %(people)s",
    "counted": "Not asked again for %(stage)s, since they approved before: %(people)s",
    "certified": "Version %(version)s was prepared for signing, with its approval record",
    "signed": "%(actor)s signed version %(version)s",
    "declined": "%(actor)s declined to sign version %(version)s",
    "sealed": "The file was sealed",
    "stamped_again": "The sealed file was given a new time stamp, which lasts until %(day)s",
    "stamping_failed": "The sealed file could not be given a new time stamp",
    "in_force": "The contract came into force",
    "withdrawn": "%(actor)s withdrew the contract",
    "code_sent": "A one-time code was sent to %(to)s",
    "link_locked": "The link of %(to)s was locked: a wrong code was entered too often",
    "substituted": "%(to)s is asked for %(stage)s in place of %(of)s, who is away until %(day)s",
    "delegated": "%(actor)s handed %(stage)s to %(to)s",
    "taken_back": "%(actor)s took %(stage)s back from %(of)s",
    "handed_back": "%(actor)s gave %(stage)s back to %(to)s",
    "reassigned": "%(actor)s gave %(stage)s to %(to)s instead of %(of)s",
    "review_asked": "%(actor)s asked %(to)s for an opinion",
    "review_ended": "%(actor)s no longer asks %(of)s for an opinion",
    "opinion_given": "%(actor)s gave %(to)s an opinion on version %(version)s",
    "put_off": "%(actor)s put the due time of %(stage)s off to %(due_at)s",
    "left_to": "%(of)s is no longer here: %(to)s is asked for %(stage)s instead",
    "left_alone": "%(of)s is no longer here, and nobody else could be asked for %(stage)s",
    "reminded": "%(to)s was reminded of %(stage)s",
    "escalated": "%(of)s had not decided on %(stage)s: asked now are %(people)s",
    "nobody_to_escalate_to": "%(of)s had not decided on %(stage)s, and nobody else could be asked",
    "ran_out": "The time for %(stage)s ran out; administrators have been told",
    "rejected_by_time": "The time for %(stage)s ran out, which counts as a rejection",
    "recalled": "%(actor)s took version %(version)s back to change it",
    "mail_sent_again": "%(actor)s had a mail sent again to %(to_name)s (%(to_email)s)",
    "address_corrected": "%(actor)s corrected the address of %(to_name)s to %(to_email)s",
    "woken": "%(actor)s had the work on it taken up again",
    "link_sent_again": "%(actor)s sent a new link to %(to)s",
    "warned_cancel": "Warned that the last day to cancel is %(day)s",
    "warned_end": "Warned that the contract ends on %(day)s",
    "expired": "The contract ended",
    "commented": "%(actor)s wrote a comment",
    "attached": "%(actor)s added the file %(file_name)s",
    "comment_withdrawn": "%(actor)s withdrew a comment",
    "moved": "%(actor)s had it go on by version %(to_version)s of its route, instead of version %(from_version)s",
    "invited": "%(actor)s let %(people)s see the contract",
    "data_corrected": "%(actor)s said what the invoice says (%(what)s)",
    "held_against_orders": "Held against orders: %(outcome)s",
    "match_made": "%(actor)s matched %(of)s with %(to)s",
    "match_undone": "%(actor)s undid the match of %(of)s with %(to)s",
    "released": "%(actor)s released the invoice for payment",
    "posted_for_payment": "Handed to the payment system",
    "in_payment_file": "%(actor)s put the invoice into the payment file %(run)s",
    "paid": "%(actor)s noted that %(money)s was paid on %(day)s: the invoice is paid",
    "settled_by_payment": "%(actor)s noted that %(money)s was paid on %(day)s, and that %(open)s is not to be paid",
    "paid_in_part": "%(actor)s noted that %(money)s was paid on %(day)s; %(open)s is still open",
    "payment_reversed": "%(actor)s took back the payment of %(money)s of %(day)s; %(open)s is open",
    "disputed": "%(actor)s asked %(to)s about the invoice",
    "settled": "%(actor)s took the invoice up again, as its supplier has answered",
    "taken_from_mail": "%(actor)s took it from a mail of %(to_email)s that had been put aside (%(file_name)s)",
    "passed_on": "%(actor)s sent version %(version)s to %(to_name)s (%(to_email)s)",
    "passed_on_opened": "%(to_name)s (%(to_email)s) opened version %(version)s, which was sent",
    "passed_on_revoked": "%(actor)s revoked the link that was sent to %(to_name)s (%(to_email)s)",
    "mail_failed": "A mail to %(to_name)s (%(to_email)s) could not be delivered",
}
SAID = {
    "title": "Title",
    "kind": "Kind",
    "amount": "Amount",
    "currency": "Currency",
    "counterparty": "Counterparty",
    "contact_name": "Contact there",
    "contact_email": "Their address",
    "starts_on": "Begins",
    "ends_on": "Ends",
    "notice_days": "Days of notice",
    "external_id": "Your number",
    **INVOICE_FIELDS,
}
"""What of a contract, or of an invoice, may be said anew, as forms call it."""
VIA = {
    "link": "by the mailed link",
    "link_and_code": "by the mailed link, with a code",
    "api": "by a program",
    "command": "from the command line",
    "folder": "by the watched folder",
    "mail": "by mail",
}


@dataclass(frozen=True)
class Told:
    """An entry of the history. ``quote``: what somebody wrote; ``sha256``: of the file that it is about, or nothing;
    ``inside``: it happened among the contract's own people, and nobody else reads of it."""

    at: datetime
    words: str
    quote: str
    sha256: str
    inside: bool = False


def told(event: AuditEvent, reader: Reader) -> Told:
    data = event.data
    action = event.action
    if action == "warned":
        action = f"warned_{data.get('what')}"
    if action == "replaced":
        action += ("_from" if data.get("comment_id") else "") + ("_saying" if data.get("changes") else "")
    if action == "asked" and data.get("stage") == SIGNATURES:
        action = "asked_to_sign"
    if action == "described" and data.get("goes_on") is not None:
        action = "described_kept" if data["goes_on"] else "described_again"
    if action == "sent_back" and data.get("send_back_to", SUBMITTER) != SUBMITTER:
        action = "sent_back_to_stage"
    frame = TOLD.get(action)
    # an entry of a kind that this page does not know yet is shown as it stands
    words = named(frame, reader, **_values(event, reader)) if frame else f"{event.actor}: {action}"
    if data.get("instead_of"):
        words = sentence("%(words)s, for %(name)s", reader.locale, words=words, name=data["instead_of"])
    if via := VIA.get(str(data.get("via") or "")):
        words = sentence("%(words)s, %(via)s", reader.locale, words=words, via=sentence(via, reader.locale))
    quote = data.get("comment") or data.get("note") or data.get("failure") or ""
    sha256 = str(data.get("sha256") or data.get("version_sha256") or "")
    return Told(event.at, words, str(quote), sha256, inside=event.process.endswith("-inside"))


def _values(event: AuditEvent, reader: Reader) -> Mapping[str, Any]:
    data = event.data
    return {
        **{
            name: data.get(name, "")
            for name in ("version", "from_version", "to_version", "to", "of", "to_name", "to_email", "file_name", "run")
        },
        "actor": event.actor,
        "outcome": sentence(OUTCOMES.get(str(data.get("outcome")), ""), reader.locale),
        "stage": stage_name(str(data.get("stage") or ""), reader),
        "target": stage_name(str(data.get("send_back_to") or ""), reader),
        "people": ", ".join(data.get("people") or ()),
        **{name: _money(data.get(key), data.get("currency")) for name, key in PAID},
        "what": _said_anew(data, reader),
        "day": day(date.fromisoformat(data["day"]), reader) if data.get("day") else "",
        "due_at": moment(datetime.fromisoformat(data["due_at"]), reader) if data.get("due_at") else "",
    }


PAID = (("money", "amount"), ("open", "open"))
"""Amounts of payments, by the names in sentences and in entries."""


def _money(amount: object, currency: object) -> str:
    return money(str(amount), str(currency)) if amount and currency else ""


def _said_anew(data: Mapping[str, Any], reader: Reader) -> str:
    """“Kind: Lease → Purchase; Amount: – → EUR 5,000.00”: what was said of a document, and what is said now."""
    changes: Mapping[str, Sequence[object]] = data.get("changes") or {}
    currencies = changes.get("currency") or [data.get("currency")] * 2
    told = [
        (name, *(said_value(name, each, reader, of) for each, of in zip(changes[name], currencies, strict=True)))
        for name in SAID
        if name in changes
    ]
    return "; ".join(f"{said_name(name, reader)}: {before} → {now}" for name, before, now in told)


def said_name(name: str, reader: Reader) -> str:
    return sentence(SAID[name], reader.locale) if name in SAID else name


AMOUNTS = ("amount", "net", "tax", "payable")
DAYS = ("issued_on", "due_on", "starts_on", "ends_on")


def said_value(name: str, value: object, reader: Reader, currency: object) -> str:
    """As people read it; “–” for nothing. ``currency``: of amounts, where it is known."""
    if value in (None, "", 0):
        return "–"
    if name == "kind":
        return kind_name(str(value), reader)
    if name in AMOUNTS:
        return amount(str(value), str(currency or ""))
    if name in DAYS:
        return day_plain(date.fromisoformat(str(value)), reader)
    return str(value)


def offered_kinds(own: str, reader: Reader) -> list[tuple[str, str]]:
    """The kinds that a form offers, and the document's own, where it is another one."""
    return [(name, kind_name(name, reader)) for name in dict.fromkeys([*KINDS, own])]
