"""Korean tax invoices (전자세금계산서) of the NTS/KEC standard 3.0. Amounts are won; who is billed is the Invoicee."""

from __future__ import annotations

from dataclasses import replace

from lxml import etree

from documents.einvoices.data import (
    Address,
    Contact,
    DocumentReference,
    Identifier,
    Invoice,
    Korean,
    Line,
    Note,
    Party,
    PaymentMeans,
    Price,
    TaxCategory,
    TaxSubtotal,
    Totals,
)
from documents.einvoices.said import Said

NAMESPACE = "urn:kr:or:kec:standard:Tax:ReusableAggregateBusinessInformationEntitySchemaModule:1:0"
TAX_INVOICE = f"{{{NAMESPACE}}}TaxInvoice"
CURRENCY = "KRW"
"""The standard has no place for another one."""

REGISTRATION = "사업자등록번호"


def read(root: etree._Element) -> Invoice:
    """A tax invoice (세금계산서) or one without tax (계산서) from its root element, `TAX_INVOICE`.

    Raises nothing: what is missing is empty, what cannot be understood is in `Invoice.unread`.
    Source: 국세청, 전자세금계산서 개발지침, for the standard 3.0 (TaxInvoiceSchemaModule 1.0 of KEC).
    """
    said = Said(root, frozenset((NAMESPACE,)))
    document = said.one("TaxInvoiceDocument") or Said(etree.Element("nothing"), frozenset())
    trade = said.one("TaxInvoiceTradeSettlement") or Said(etree.Element("nothing"), frozenset())
    sums = trade.one("SpecifiedMonetarySummation") or Said(etree.Element("nothing"), frozenset())
    number = document.says("IssueID")
    code = document.says("TypeCode")
    amends = document.says("OriginalIssueID")
    net, tax = sums.amount("ChargeTotalAmount", CURRENCY), sums.amount("TaxTotalAmount", CURRENCY)
    payable = sums.amount("GrandTotalAmount", CURRENCY)
    category = _category(code)
    return Invoice(
        kind="invoice",
        syntax="korea",
        number=number,
        issued_on=document.day("IssueDateTime"),
        type_code=code,
        currency=CURRENCY,
        notes=tuple(Note(text) for text in document.say_all("DescriptionText")),
        preceding=(DocumentReference(amends),) if amends else (),
        seller=_party(trade.one("InvoicerParty")) or Party(),
        buyer=_party(trade.one("InvoiceeParty")) or Party(),
        payment_means=tuple(
            PaymentMeans(each.says("TypeCode"), amount=amount)
            for each in trade.all("SpecifiedPaymentMeans")
            if (amount := each.amount("PaidAmount", CURRENCY))
        ),
        lines=tuple(_line(each, category) for each in said.all("TaxInvoiceTradeLineItem")),
        taxes=(TaxSubtotal(category.code, category.rate, net, tax),),
        totals=Totals(lines=net, without_tax=net, tax=tax, with_tax=payable, payable=payable),
        korean=Korean(
            approval_number=number,
            own_number=said.says("ExchangedDocument/ID"),
            amends=amends,
            amendment=document.says("AmendmentStatusCode"),
            purpose=document.says("PurposeCode"),
            broker=_party(trade.one("BrokerParty")),
        ),
        unread=said.unread(),
    )


def _category(code: str) -> TaxCategory:
    """By the four digits of 종류: 01 and 02 tax invoices, 03 and 04 invoices without tax (계산서); then 02 and 05 are
    zero-rated (영세율)."""
    if code[:2] in ("03", "04"):
        return TaxCategory("E")
    return TaxCategory("Z" if code[2:] in ("02", "05") else "S")


def _line(said: Said, category: TaxCategory) -> Line:
    return Line(
        id=said.says("SequenceNumeric"),
        note=said.says("DescriptionText"),
        name=said.says("NameText"),
        description=said.says("InformationText"),
        quantity=said.quantity("ChargeableUnitQuantity"),
        net_amount=said.amount("InvoiceAmount", CURRENCY),
        price=Price(net=said.amount("UnitPrice/UnitAmount", CURRENCY)),
        tax=category,
        tax_amount=said.amount("TotalTax/CalculatedAmount", CURRENCY),
        delivered_on=said.day("PurchaseExpiryDateTime"),
    )


def _party(said: Said | None) -> Party | None:
    if said is None:
        return None
    number = said.says("ID")
    line = said.says("SpecifiedAddress/LineOneText")
    found = [_contact(each) for name in _CONTACTS for each in said.all(name)]
    party = Party(
        name=said.says("NameText"),
        address=Address((line,) if line else (), country="KR"),
        contacts=tuple(each for each in found if each != Contact()),
        representative=said.says("SpecifiedPerson/NameText"),
        branch=said.says("SpecifiedOrganization/TaxRegistrationID"),
        business_type=said.says("TypeCode"),
        business_item=said.says("ClassificationCode"),
    )
    match said.says("SpecifiedOrganization/BusinessTypeCode"):
        case "" | "01":  # a business; otherwise a resident (02) or a foreigner (03), who has no number to pay VAT by
            return replace(party, legal_id=Identifier(number, "", REGISTRATION), vat_id=number)
        case kind:
            return replace(party, ids=(Identifier(number, kind),) if number else ())


_CONTACTS = ("DefinedContact", "PrimaryDefinedContact", "SecondaryDefinedContact")


def _contact(said: Said) -> Contact:
    return Contact(
        said.says("PersonNameText"),
        said.says("DepartmentNameText"),
        said.says("TelephoneCommunication"),
        said.says("URICommunication"),
    )
