"""Questions about invoices. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from babel.numbers import get_currency_precision, list_currencies

from documents.amounts import money
from documents.einvoices import checks, data
from documents.einvoices.findings import Finding, Severity
from workflows.errors import Refused
from workflows.invoices.model import Invoice, InvoiceState
from workflows.invoices.payment_model import Separation
from workflows.papers.rules import LONGEST_TITLE, checked_amount, checked_day, owns, too_fine
from workflows.parties.model import PAYMENTS
from workflows.parties.rules import Actor, normalised_email, shown
from workflows.search.terms import whole_number

UNDER_WAY = (
    InvoiceState.RECEIVED,
    InvoiceState.CHECKED,
    InvoiceState.MATCHED,
    InvoiceState.IN_APPROVAL,
    InvoiceState.RETURNED,
    InvoiceState.APPROVED,
    InvoiceState.RELEASED,
    InvoiceState.DISPUTED,
)
TO_BE_PAID = (InvoiceState.RELEASED, InvoiceState.PAID)
CHANGEABLE = (InvoiceState.RECEIVED, InvoiceState.CHECKED, InvoiceState.MATCHED, InvoiceState.RETURNED)

TYPED = (
    *("kind", "supplier", "supplier_id", "supplier_email", "supplier_number", "issued_on", "due_on", "currency"),
    *("net", "tax", "payable", "order_number", "contract_number", "cost_center", "iban"),
)
"""What somebody types who reads an invoice from its pages."""


def typed_invoice(words: Mapping[str, str]) -> data.Invoice:
    """The invoice that typed words mean. What is left empty is missing, and said among the findings.

    Raises:
        Refused: with the sentence and the field, at the first thing that will not do.
    """
    said = {name: words.get(name, "").strip() for name in TYPED}
    currency = said["currency"].upper()
    if currency and currency not in list_currencies():
        raise Refused(
            "“%(currency)s” is not a currency, such as EUR or KRW.", field="currency", currency=shown(currency)[:10]
        )
    if said["kind"] not in ("", "invoice", "credit note"):
        raise Refused("It is an invoice or a credit note.", field="kind")
    kind: data.Kind = "credit note" if said["kind"] == "credit note" else "invoice"
    net, tax, payable = (_amount(said[name], currency, name) for name in ("net", "tax", "payable"))
    if net is None and payable is not None and tax is not None:
        net = payable - tax
    email = normalised_email(said["supplier_email"]) if said["supplier_email"] else ""
    iban = said["iban"].replace(" ", "")[:40]
    return data.Invoice(
        kind=kind,
        syntax="typed",
        number=shown(said["supplier_number"])[:LONGEST_TITLE],
        issued_on=checked_day(said["issued_on"], "issued_on"),
        due_on=checked_day(said["due_on"], "due_on"),
        currency=currency,
        order=shown(said["order_number"])[:LONGEST_TITLE],
        contract=shown(said["contract_number"])[:LONGEST_TITLE],
        accounting=shown(said["cost_center"])[:80],
        seller=data.Party(
            name=shown(said["supplier"])[:LONGEST_TITLE],
            vat_id=shown(said["supplier_id"]).replace(" ", "")[:80],
            contacts=(data.Contact(email=email),) if email else (),
        ),
        payment_means=(data.PaymentMeans(account=iban),) if iban else (),
        totals=data.Totals(without_tax=net, tax=tax, with_tax=payable, payable=payable),
    )


def corrected(said: data.Invoice, words: Mapping[str, str]) -> data.Invoice:
    """What was read, with these words in the place of its own; lines and all else stay.

    Raises:
        Refused: as ``typed_invoice``.
    """
    own = words_of(said)
    typed = typed_invoice({**own, **{name: words[name] for name in TYPED if name in words}})
    changed = {name for name in TYPED if name in words and words[name].strip() != own[name]}
    account = typed.payment_means if "iban" in changed else said.payment_means
    seller = said.seller
    if changed & {"supplier", "supplier_id", "supplier_email"}:
        contacts = typed.seller.contacts if "supplier_email" in changed else seller.contacts
        vat_id = typed.seller.vat_id if "supplier_id" in changed else seller.vat_id
        seller = replace(seller, name=typed.seller.name, vat_id=vat_id, contacts=contacts)
    totals = said.totals
    for name, column in (("net", "without_tax"), ("tax", "tax"), ("payable", "payable")):
        if name in changed:
            totals = replace(totals, **{column: getattr(typed.totals, column)})
    if "payable" in changed and said.syntax == "typed":
        totals = replace(totals, with_tax=totals.payable)
    if said.syntax == "typed" and totals.without_tax is None:
        totals = replace(totals, without_tax=typed.totals.without_tax)
    return replace(
        said,
        kind=typed.kind,
        number=typed.number,
        issued_on=typed.issued_on,
        due_on=typed.due_on,
        currency=typed.currency,
        order=typed.order,
        contract=typed.contract,
        accounting=typed.accounting if "cost_center" in changed else said.accounting,
        seller=seller,
        payment_means=account,
        totals=totals,
    )


def _amount(text: str, currency: str, name: str) -> Decimal | None:
    negative = text.startswith("-")
    try:
        amount, _ = checked_amount(text.removeprefix("-"), currency)
    except Refused as refused:
        raise Refused(refused.sentence, field=name, **refused.values) from None
    return -amount if negative and amount is not None else amount


def words_of(said: data.Invoice) -> dict[str, str]:
    """What is said of an invoice, as forms have it."""
    account = next((each.account for each in said.payment_means if each.account), "")
    email = next((each.email for each in said.seller.contacts if each.email), "")
    found: dict[str, object] = {
        "kind": said.kind,
        "supplier": said.seller.name,
        "supplier_id": supplier_id(said.seller),
        "supplier_email": email,
        "supplier_number": said.number,
        "issued_on": said.issued_on,
        "due_on": said.due_on,
        "currency": said.currency,
        "net": said.totals.without_tax,
        "tax": said.totals.tax,
        "payable": said.totals.payable,
        "order_number": said.order,
        "contract_number": said.contract,
        "cost_center": said.accounting or said.buyer_reference,
        "iban": account,
    }
    return {name: "" if value is None else str(value) for name, value in found.items()}


def supplier_id(seller: data.Party) -> str:
    """VAT number (BT-31), tax number (BT-32), registration (BT-30) or identifier (BT-29): the first that is said; ""
    for none."""
    legal = seller.legal_id.value if seller.legal_id else ""
    return seller.vat_id or seller.tax_number or legal or next((each.value for each in seller.ids), "")


def head_of(said: data.Invoice) -> dict[str, Any]:
    """The columns of an invoice's head that say what its newest reading says: each in one line, without what cannot be
    seen. The reading itself stays as it was written."""
    words = {field: shown(text) for field, text in words_of(said).items()}
    name, number = shown(said.seller.name or said.seller.trading_name), words["supplier_number"]
    buyer, buyer_id = shown(said.buyer.name), shown(supplier_id(said.buyer))
    return {
        "kind": said.kind,
        "syntax": said.syntax,
        "title": " ".join(filter(None, (name, number)))[:LONGEST_TITLE],
        "supplier_number": number,
        "supplier_number_key": whole_number(number)[:80],
        "supplier": name,
        "supplier_id": words["supplier_id"][:80],
        "supplier_key": (whole_number(words["supplier_id"]) or whole_number(name))[:200],
        "supplier_email": words["supplier_email"],
        "buyer": buyer,
        "buyer_id": buyer_id[:80],
        "buyer_key": (whole_number(buyer_id) or whole_number(buyer))[:200],
        "issued_on": said.issued_on,
        "due_on": said.due_on,
        "currency": said.currency or None,
        "net": said.totals.without_tax,
        "tax": said.totals.tax,
        "gross": said.totals.with_tax,
        "payable": said.totals.payable,
        "order_number": words["order_number"] or shown(next((line.order for line in said.lines if line.order), "")),
        "contract_number": words["contract_number"],
        "cost_center": words["cost_center"][:80],
        "iban": words["iban"].replace(" ", "")[:40],
    }


def finding(rule: str, severity: Severity, sentence: str, /, **values: object) -> Finding:
    """``values`` are for the places of the sentence, as text."""
    return Finding(rule, severity, sentence, {name: str(value) for name, value in values.items()})


def missing_in(said: data.Invoice) -> list[Finding]:
    """What an invoice must say before anybody can decide on it."""
    needed = (
        ("supplier", said.seller.name or said.seller.trading_name, "It does not say who its supplier is."),
        ("supplier_number", said.number, "It has no number of its supplier."),
        ("issued_on", said.issued_on, "It does not say when it was issued."),
        ("currency", said.currency, "It does not say in which currency it is."),
        ("payable", said.totals.payable, "It does not say how much is to be paid."),
    )
    found = [finding(f"missing-{name}", "error", text) for name, value, text in needed if value in ("", None)]
    if said.due_on and said.issued_on and said.due_on < said.issued_on:
        found.append(finding("due", "warning", "It is due on %(due)s, before it was issued.", due=said.due_on))
    if said.currency in list_currencies() and said.totals.payable is not None:
        decimals = get_currency_precision(said.currency)
        if said.totals.payable != round(said.totals.payable, decimals):
            found.append(
                finding(
                    "decimals",
                    "error",
                    too_fine(decimals),
                    currency=said.currency,
                    decimals=decimals,
                )
            )
    return found


def reckoned(said: data.Invoice, told: Sequence[Finding], today: date) -> list[Finding]:
    """What our own checks find beside what is told already: sums, days, VAT, numbers with check digits."""
    known = {each.rule for each in told}
    return [each for each in checks.check(said, today=today) if each.rule not in known]


def facts_of(invoice: Invoice, *, submitter: str, cost_center_owner: str, match: str | None) -> dict[str, object]:
    """What a route's conditions may ask about an invoice. Its amount is the one with tax."""
    return {
        "amount": _comparable(invoice.amount),
        "currency": invoice.currency,
        "invoice": {
            "kind": invoice.kind,
            "title": invoice.title,
            "supplier": invoice.supplier,
            "supplier_id": invoice.supplier_id,
            "number": invoice.supplier_number,
            "order_number": invoice.order_number,
            "contract_number": invoice.contract_number,
            "cost_center": invoice.cost_center,
            "cost_center.owner": cost_center_owner,
            "issued_on": invoice.issued_on.isoformat() if invoice.issued_on else "",
            "due_on": invoice.due_on.isoformat() if invoice.due_on else "",
            "external_id": invoice.external_id or "",
        },
        "submitter": {"email": submitter},
        "match": match,
    }


def _comparable(amount: Decimal | None) -> Decimal | None:
    """Bands begin at nothing: what is given back is as weighty as what is paid."""
    return abs(amount) if amount is not None else None


def why_not_receive(actor: Actor) -> str | None:
    """Why ``actor`` may hand in no invoices."""
    return None if actor.organisation_id is not None else "Only people of an organisation may hand in invoices."


def why_not_correct(actor: Actor, invoice: Invoice) -> str | None:
    """Why ``actor`` may not say what the invoice says; None: they may."""
    if not owns(actor, invoice):
        return "Only its owner or an administrator may change what this invoice says."
    if invoice.state in CHANGEABLE:
        return None
    if invoice.state is InvoiceState.IN_APPROVAL:
        return "It is being decided on. Take it back first; then it can be corrected."
    return "Its amounts stay as they were approved."


def why_not_hand_in(actor: Actor, invoice: Invoice) -> str | None:
    """Why ``actor`` may not hand in a new version."""
    if not owns(actor, invoice):
        return "Only its owner or an administrator may hand in a new version."
    if invoice.state in (*CHANGEABLE, InvoiceState.IN_APPROVAL, InvoiceState.DISPUTED):
        return None
    if invoice.state in UNDER_WAY:
        return "Its amounts stay as they were approved."
    return "The invoice has already come to an end."


WEIGHTY = ("kind", "supplier", "supplier_id", "currency", "net", "tax", "payable", "iban", "cost_center")
"""Who is paid, how much and whereto, and who bears it."""


def weighs(before: data.Invoice, now: data.Invoice) -> bool:
    """Whether what was approved cannot stand any more, whatever its route says of changes."""
    said, says = words_of(before), words_of(now)
    return any(said[name] != says[name] for name in WEIGHTY)


def differences(before: data.Invoice, now: data.Invoice) -> list[tuple[str, str, str]]:
    """What is said otherwise, by the names of ``TYPED``: before and now."""
    said, says = words_of(before), words_of(now)
    return [(name, said[name], says[name]) for name in TYPED if said[name] != says[name]]


def why_not_match(actor: Actor, invoice: Invoice, *, asked: bool) -> str | None:
    """``asked``: whether the actor is asked to decide on it."""
    if not owns(actor, invoice) and not asked:
        return "Only its owner, an administrator or somebody who is asked may match this invoice."
    if invoice.state in (*CHANGEABLE, InvoiceState.IN_APPROVAL, InvoiceState.DISPUTED):
        return None
    return "It is decided: what it was held against stays as it is."


def why_not_withdraw(actor: Actor, invoice: Invoice) -> str | None:
    """None: they may."""
    if not owns(actor, invoice):
        return "Only its owner or an administrator may withdraw this invoice."
    if invoice.state in TO_BE_PAID:
        return "The invoice is released for payment; it can no longer be withdrawn."
    return None if invoice.state in UNDER_WAY else "The invoice has already come to an end."


@dataclass(frozen=True)
class Approvers:
    """Who approved an invoice: whoever decided, and those whom they stood in for."""

    deciders: frozenset[UUID] = frozenset()
    stood_in_for: frozenset[UUID] = frozenset()


def why_not_release(
    actor: Actor, invoice: Invoice, *, has_payers: bool, approvers: Approvers, separation: Separation
) -> str | None:
    """``has_payers``: whether somebody of its organisation has the role for it."""
    if sentence := _why_not_payer(actor, invoice, has_payers=has_payers):
        return sentence
    if invoice.state is not InvoiceState.APPROVED:
        return (
            "Only an invoice that everybody has approved is released for payment."
            if invoice.state in UNDER_WAY
            else "The invoice has already come to an end."
        )
    approved = actor.id in approvers.deciders | approvers.stood_in_for
    if approved and separation is Separation.ANY_APPROVER:
        return "Only somebody who has not approved this invoice may release it."
    if approved and separation is Separation.SOLE_APPROVER and len(approvers.deciders) == 1:
        return "Only somebody else than the one who approved this invoice alone may release it."
    return None


def why_not_pay(actor: Actor, invoice: Invoice, *, has_payers: bool) -> str | None:
    """As ``why_not_release``; None: they may."""
    if sentence := _why_not_payer(actor, invoice, has_payers=has_payers):
        return sentence
    if invoice.state is InvoiceState.PAID:
        return "The invoice is paid already."
    return None if invoice.state is InvoiceState.RELEASED else "The invoice is not released for payment."


def why_not_reverse(actor: Actor, invoice: Invoice, *, has_payers: bool) -> str | None:
    """Why a payment may not be taken back; None: it may."""
    if sentence := _why_not_payer(actor, invoice, has_payers=has_payers):
        return sentence
    return None if invoice.state in TO_BE_PAID else "The invoice is not released for payment."


def sign_of(invoice: Invoice) -> int:
    """What its payments have before them: a credit note's amounts are written as if they were to be paid."""
    return -1 if invoice.kind == "credit note" else 1


def owed(invoice: Invoice) -> Decimal:
    """What its payments come to, once it is paid: below nothing where money comes back."""
    return sign_of(invoice) * invoice.payable if invoice.payable is not None else Decimal(0)


def open_of(invoice: Invoice) -> Decimal | None:
    """What of it is not paid, as its amounts are written; None where nothing is to be paid yet, or ever."""
    if invoice.state is InvoiceState.PAID:
        return Decimal(0)
    if invoice.state is not InvoiceState.RELEASED:
        return None
    return (invoice.payable or Decimal(0)) - (invoice.paid_amount or Decimal(0))


def insist_on_payment(invoice: Invoice, amount: Decimal, *, still_open: Decimal, currency: str) -> None:
    """Raises Refused where it is no payment of this invoice. ``still_open``: with its sign, as ``owed``."""
    own = invoice.currency or ""
    if currency and currency.upper() != own:
        raise Refused("The invoice is in %(currency)s, and so are its payments.", field="currency", currency=own)
    if amount == 0 and still_open != 0:
        raise Refused("A payment is of more than nothing.", field="amount")
    if amount * still_open < 0 and still_open < 0:
        raise Refused("Money comes back for it: its payments have a minus before them.", field="amount")
    if amount * still_open < 0:
        raise Refused("Money goes out for it: its payments have no minus before them.", field="amount")
    if abs(amount) > abs(still_open):
        raise Refused("This is more than is open: %(open)s.", field="amount", open=money(still_open, own))


def _why_not_payer(actor: Actor, invoice: Invoice, *, has_payers: bool) -> str | None:
    if not has_payers:
        return None if owns(actor, invoice) else "Only its owner or an administrator may have this invoice paid."
    pays = PAYMENTS in actor.roles and actor.organisation_id == invoice.organisation_id
    return None if pays else "Only people in the role “payments” may have this invoice paid."


def why_not_hand_over(actor: Actor, *, has_payers: bool) -> str | None:
    """Why somebody may not see to it that released invoices get to the payment system."""
    if PAYMENTS in actor.roles or (actor.administers and not has_payers):
        return None
    return "Only people in the role “payments” may do this; administrators, while nobody is in it."


def why_not_dispute(actor: Actor, invoice: Invoice) -> str | None:
    """Why ``actor`` may not ask its supplier; None: they may."""
    if not owns(actor, invoice):
        return "Only its owner or an administrator may ask its supplier."
    askable = (*CHANGEABLE, InvoiceState.IN_APPROVAL, InvoiceState.APPROVED)
    return None if invoice.state in askable else "The invoice has already come to an end."


def amount_of(text: str, currency: str | None, name: str) -> Decimal | None:
    """Raises Refused where it is no amount of that currency."""
    try:
        return _amount(text.strip(), currency or "", name)
    except InvalidOperation:
        raise Refused("An amount needs its currency, such as EUR or KRW.", field=name) from None
