"""UBL 2.1 Invoice and CreditNote, as EN 16931 binds them (CEN/TS 16931-3-2), and XRechnung's extension."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from lxml import etree

from documents.einvoices.data import (
    CREDIT_NOTE_CODES,
    Address,
    AdvancePayment,
    AllowanceCharge,
    Attachment,
    Attribute,
    Contact,
    Delivery,
    DocumentReference,
    Identifier,
    Invoice,
    Line,
    Note,
    Party,
    PaymentDiscount,
    PaymentMeans,
    Period,
    Price,
    TaxCategory,
    TaxSubtotal,
    Totals,
)
from documents.einvoices.said import Said, size_of_base64
from documents.einvoices.skonto import discounts_in

INVOICE = "{urn:oasis:names:specification:ubl:schema:xsd:Invoice-2}Invoice"
CREDIT_NOTE = "{urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2}CreditNote"
NAMESPACES = frozenset(
    f"urn:oasis:names:specification:ubl:schema:xsd:{each}-2"
    for each in ("Invoice", "CreditNote", "CommonAggregateComponents", "CommonBasicComponents")
)

_NOTE = re.compile(r"#([A-Z]{3})#(.*)", re.DOTALL)
"""How a subject code (BT-21) is written before its note."""
OBJECT = "130"
"""Type code of a reference that names what the invoice is about (BT-18, BT-128)."""
PROJECT = "50"
EXTENSION = "kosit:extension:xrechnung_"
"""In the specification identifier (BT-24) of XRechnung's extension."""


def read(root: etree._Element) -> Invoice:
    """An invoice or credit note from its root element, `INVOICE` or `CREDIT_NOTE`.

    Raises nothing: what is missing is empty, what cannot be understood is in `Invoice.unread`.
    Source: CEN/TS 16931-3-2 for BT and BG; XRechnung 3.0 for its extension (BG-DEX).
    """
    said = Said(root, NAMESPACES)
    credit = said.name == "CreditNote"
    currency = said.says("DocumentCurrencyCode")
    tax_currency = said.says("TaxCurrencyCode")
    code = said.says("CreditNoteTypeCode" if credit else "InvoiceTypeCode")
    terms = tuple(said.all("PaymentTerms"))
    terms_text = "\n".join(text for each in terms for text in each.say_all("Note"))
    order = said.one("OrderReference")
    tax_total = _tax_total(said, currency)
    in_tax_currency = _tax_total(said, tax_currency) if tax_currency and tax_currency != currency else None
    period = said.one("InvoicePeriod")
    references = tuple(said.all("AdditionalDocumentReference"))
    object_ = next((each for each in references if each.says("DocumentTypeCode") == OBJECT), None)
    project = said.says("ProjectReference/ID") or next(
        (each.says("ID") for each in references if each.says("DocumentTypeCode") == PROJECT), ""
    )
    seller, payee = _party(said.one("AccountingSupplierParty/Party")) or Party(), _party(said.one("PayeeParty"))
    # XRechnung's extension gives PrepaidPayment a meaning of its own (BG-DEX-09); elsewhere it is what its name says
    collects_for_others = EXTENSION in said.says("CustomizationID")
    creditor = next((each.value for each in (*seller.ids, *(payee.ids if payee else ())) if each.scheme == "SEPA"), "")
    return Invoice(
        kind="credit note" if credit or code in CREDIT_NOTE_CODES else "invoice",
        syntax="ubl",
        number=said.says("ID"),
        issued_on=said.day("IssueDate"),
        type_code=code,
        currency=currency,
        tax_currency=tax_currency,
        tax_in_tax_currency=in_tax_currency.amount("TaxAmount", tax_currency) if in_tax_currency else None,
        tax_point_on=said.day("TaxPointDate"),
        tax_point_code=period.says("DescriptionCode") if period else "",
        due_on=said.day("DueDate") or said.day("PaymentMeans/PaymentDueDate"),
        buyer_reference=said.says("BuyerReference"),
        project=project,
        contract=said.says("ContractDocumentReference/ID"),
        order=order.says("ID") if order else "",
        sales_order=order.says("SalesOrderID") if order else "",
        receiving_advice=said.says("ReceiptDocumentReference/ID"),
        despatch_advice=said.says("DespatchDocumentReference/ID"),
        tender=said.says("OriginatorDocumentReference/ID"),
        object=object_.identifier("ID") if object_ else None,
        accounting=said.says("AccountingCost"),
        payment_terms=terms_text,
        discounts=(*discounts_in(terms_text), *(each for term in terms for each in _discount(term))),
        notes=tuple(_note(each) for each in said.say_all("Note")),
        process=said.says("ProfileID"),
        specification=said.says("CustomizationID"),
        preceding=tuple(
            DocumentReference(each.says("ID"), each.day("IssueDate"), each.says("DocumentTypeCode"))
            for each in said.all("BillingReference/InvoiceDocumentReference")
        ),
        seller=seller,
        buyer=_party(said.one("AccountingCustomerParty/Party")) or Party(),
        payee=payee,
        tax_representative=_party(said.one("TaxRepresentativeParty")),
        delivery=_delivery(said.one("Delivery")),
        period=_period(period),
        payment_means=tuple(_means(each, creditor) for each in said.all("PaymentMeans")),
        allowances=_allowances(said, currency, charges=False),
        charges=_allowances(said, currency, charges=True),
        advance_payments=tuple(
            AdvancePayment(
                each.amount("PaidAmount", currency), each.day("ReceivedDate"), each.says("ID"), collects_for_others
            )
            for each in said.all("PrepaidPayment")
        ),
        lines=tuple(_lines(said, "CreditNoteLine" if credit else "InvoiceLine", currency, "")),
        taxes=tuple(_subtotal(each, currency) for each in (tax_total.all("TaxSubtotal") if tax_total else ())),
        totals=_totals(said, tax_total, currency),
        attachments=tuple(_attachment(each) for each in references if each is not object_),
        unread=said.unread(),
    )


def _tax_total(said: Said, currency: str) -> Said | None:
    """The one in this currency. One whose currency is not said is in the document's."""
    for each in said.all("TaxTotal"):
        amount = each.one("TaxAmount")
        if amount is not None and amount.attributes.get("currencyID", said.says("DocumentCurrencyCode")) == currency:
            return each
    return None


def _totals(said: Said, tax_total: Said | None, currency: str) -> Totals:
    total = said.one("LegalMonetaryTotal")
    tax = tax_total.amount("TaxAmount", currency) if tax_total else None
    if total is None:
        return Totals(tax=tax)
    return Totals(
        lines=total.amount("LineExtensionAmount", currency),
        allowances=total.amount("AllowanceTotalAmount", currency),
        charges=total.amount("ChargeTotalAmount", currency),
        without_tax=total.amount("TaxExclusiveAmount", currency),
        tax=tax,
        with_tax=total.amount("TaxInclusiveAmount", currency),
        prepaid=total.amount("PrepaidAmount", currency),
        rounding=total.amount("PayableRoundingAmount", currency),
        payable=total.amount("PayableAmount", currency),
    )


def _subtotal(said: Said, currency: str) -> TaxSubtotal:
    category = _category(said.one("TaxCategory")) or TaxCategory("")
    return TaxSubtotal(
        category.code,
        category.rate if category.rate is not None else said.number("Percent"),
        said.amount("TaxableAmount", currency),
        said.amount("TaxAmount", currency),
        category.exemption_reason,
        category.exemption_code,
        category.kind,
    )


def _category(said: Said | None) -> TaxCategory | None:
    if said is None:
        return None
    return TaxCategory(
        said.says("ID"),
        said.number("Percent"),
        said.says("TaxScheme/ID") or "VAT",
        "\n".join(said.say_all("TaxExemptionReason")),
        said.says("TaxExemptionReasonCode"),
    )


def _allowances(said: Said, currency: str, *, charges: bool) -> tuple[AllowanceCharge, ...]:
    return tuple(
        _allowance(each, currency)
        for each in said.all("AllowanceCharge")
        if _is_true(each.says("ChargeIndicator")) == charges
    )


def _allowance(said: Said, currency: str) -> AllowanceCharge:
    return AllowanceCharge(
        said.amount("Amount", currency),
        said.amount("BaseAmount", currency),
        said.number("MultiplierFactorNumeric"),
        "\n".join(said.say_all("AllowanceChargeReason")),
        said.says("AllowanceChargeReasonCode"),
        _category(said.one("TaxCategory")),
    )


def _lines(said: Said, name: str, currency: str, parent: str) -> Iterator[Line]:
    """Lines with those that they are made of after them (XRechnung's extension, BG-DEX-01)."""
    for each in said.all(name):
        sub = "Sub" + name.removeprefix("Sub")
        line = _line(each, currency, parent)
        yield line
        yield from _lines(each, sub, currency, line.id)


def _line(said: Said, currency: str, parent: str) -> Line:
    item = said.one("Item")
    quantity = said.quantity("InvoicedQuantity") or said.quantity("CreditedQuantity")
    order = said.one("OrderLineReference")
    reference = next((each for each in said.all("DocumentReference") if each.has("ID")), None)
    despatch = said.one("DespatchLineReference")
    line = Line(
        id=said.says("ID"),
        note="\n".join(said.say_all("Note")),
        quantity=quantity,
        net_amount=said.amount("LineExtensionAmount", currency),
        price=_price(said.one("Price"), currency),
        allowances=_allowances(said, currency, charges=False),
        charges=_allowances(said, currency, charges=True),
        tax_amount=said.amount("TaxTotal/TaxAmount", currency),
        order=order.says("OrderReference/ID") if order else "",
        order_line=order.says("LineID") if order else "",
        despatch=_line_reference(despatch),
        object=reference.identifier("ID") if reference else None,
        accounting=said.says("AccountingCost"),
        period=_period(said.one("InvoicePeriod")),
        delivered_on=said.day("Delivery/ActualDeliveryDate"),
        parent=parent,
        role="information" if parent else "",  # its amount is in that of the line above already
    )
    return line if item is None else _with_item(line, item)


def _with_item(line: Line, item: Said) -> Line:
    return replace(
        line,
        name=item.says("Name"),
        description="\n".join(item.say_all("Description")),
        tax=_category(item.one("ClassifiedTaxCategory")),
        sellers_id=item.says("SellersItemIdentification/ID"),
        buyers_id=item.says("BuyersItemIdentification/ID"),
        standard_id=item.identifier("StandardItemIdentification/ID"),
        classifications=tuple(
            Identifier(each.text, each.attributes.get("listID", ""), each.attributes.get("listVersionID", ""))
            for each in item.all("CommodityClassification/ItemClassificationCode")
        ),
        attributes=tuple(
            Attribute(each.says("Name"), each.says("Value")) for each in item.all("AdditionalItemProperty")
        ),
        serial_numbers=item.say_all("ItemInstance/SerialID"),
        origin=item.says("OriginCountry/IdentificationCode"),
    )


def _line_reference(said: Said | None) -> DocumentReference | None:
    if said is None:
        return None
    return DocumentReference(said.says("DocumentReference/ID"), line=said.says("LineID"))


def _price(said: Said | None, currency: str) -> Price:
    if said is None:
        return Price()
    allowance = said.one("AllowanceCharge")
    return Price(
        said.amount("PriceAmount", currency),
        allowance.amount("BaseAmount", currency) if allowance else None,
        allowance.amount("Amount", currency) if allowance else None,
        said.quantity("BaseQuantity"),
    )


def _party(said: Said | None) -> Party | None:
    if said is None:
        return None
    legal = said.one("PartyLegalEntity")
    vat, tax = "", ""
    for each in said.all("PartyTaxScheme"):
        number = each.says("CompanyID")
        if each.says("TaxScheme/ID").upper() in ("VAT", ""):
            vat = vat or number
        else:
            tax = tax or number
    registered = legal.says("RegistrationName") if legal else ""
    called = said.says("PartyName/Name")
    endpoint = said.identifier("EndpointID")
    return Party(
        name=registered or called,
        trading_name=called if registered else "",
        ids=tuple(each.as_identifier() for each in said.all("PartyIdentification/ID") if each.text),
        legal_id=legal.identifier("CompanyID") if legal else None,
        legal_information=legal.says("CompanyLegalForm") if legal else "",
        vat_id=vat,
        tax_number=tax,
        electronic_address=endpoint,
        address=_address(said.one("PostalAddress")),
        contacts=tuple(
            Contact(each.says("Name"), "", each.says("Telephone"), each.says("ElectronicMail"))
            for each in said.all("Contact")
        ),
    )


def _address(said: Said | None) -> Address:
    if said is None:
        return Address()
    lines = (said.says("StreetName"), said.says("AdditionalStreetName"), *said.say_all("AddressLine/Line"))
    return Address(
        tuple(each for each in lines if each),
        said.says("CityName"),
        said.says("PostalZone"),
        said.says("CountrySubentity"),
        said.says("Country/IdentificationCode"),
    )


def _delivery(said: Said | None) -> Delivery | None:
    if said is None:
        return None
    return Delivery(
        said.says("DeliveryParty/PartyName/Name"),
        said.identifier("DeliveryLocation/ID"),
        said.day("ActualDeliveryDate"),
        _address(said.one("DeliveryLocation/Address")),
    )


def _period(said: Said | None) -> Period | None:
    if said is None or not (said.has("StartDate") or said.has("EndDate")):
        return None
    return Period(said.day("StartDate"), said.day("EndDate"))


def _means(said: Said, creditor: str) -> PaymentMeans:
    code = said.one("PaymentMeansCode")
    account = said.one("PayeeFinancialAccount")
    mandate = said.one("PaymentMandate")
    card = said.one("CardAccount")
    return PaymentMeans(
        code=code.text if code else "",
        text=(code.attributes.get("name", "") if code else "") or "\n".join(said.say_all("InstructionNote")),
        remittance=" ".join(said.say_all("PaymentID")),
        account=account.says("ID").replace(" ", "") if account else "",
        account_name=account.says("Name") if account else "",
        bic=account.says("FinancialInstitutionBranch/ID") if account else "",
        card_number=card.says("PrimaryAccountNumberID") if card else "",
        card_holder=card.says("HolderName") if card else "",
        mandate=mandate.says("ID") if mandate else "",
        creditor=creditor if mandate else "",
        debited_account=mandate.says("PayerFinancialAccount/ID").replace(" ", "") if mandate else "",
    )


def _note(text: str) -> Note:
    written = _NOTE.fullmatch(text)
    return Note(written[2].strip(), written[1]) if written else Note(text)


def _discount(said: Said) -> Iterator[PaymentDiscount]:
    percent = said.number("SettlementDiscountPercent")
    if percent is not None:
        yield PaymentDiscount(
            percent, said.number("SettlementDiscountAmount"), until=said.day("SettlementPeriod/EndDate")
        )


def _attachment(said: Said) -> Attachment:
    embedded = said.one("Attachment/EmbeddedDocumentBinaryObject")
    return Attachment(
        said.says("ID"),
        "\n".join(said.say_all("DocumentDescription")),
        said.says("Attachment/ExternalReference/URI"),
        embedded.attributes.get("filename", "") if embedded else "",
        embedded.attributes.get("mimeCode", "") if embedded else "",
        size_of_base64(embedded.text) if embedded else None,
    )


def _is_true(text: str) -> bool:
    """xs:boolean."""
    return text in ("true", "1")
