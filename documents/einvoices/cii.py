"""CII D16B as EN 16931 binds it (CEN/TS 16931-3-3), with Factur-X and ZUGFeRD 2 up to EXTENDED, and ZUGFeRD 1's older
CII, whose elements have other names at the top and the same ones below."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Literal

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

CII = "{urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100}CrossIndustryInvoice"
ZUGFERD_1 = "{urn:ferd:CrossIndustryDocument:invoice:1p0}CrossIndustryDocument"
NAMESPACES = frozenset(
    (
        "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
        "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
        "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
        "urn:un:unece:uncefact:data:standard:QualifiedDataType:100",
        "urn:ferd:CrossIndustryDocument:invoice:1p0",
        "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:12",
        "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:15",
        "urn:un:unece:uncefact:data:standard:QualifiedDataType:12",
    )
)
TODAYS_NAMES = {
    "SpecifiedExchangedDocumentContext": "ExchangedDocumentContext",
    "HeaderExchangedDocument": "ExchangedDocument",
    "SpecifiedSupplyChainTradeTransaction": "SupplyChainTradeTransaction",
    "ApplicableSupplyChainTradeAgreement": "ApplicableHeaderTradeAgreement",
    "ApplicableSupplyChainTradeDelivery": "ApplicableHeaderTradeDelivery",
    "ApplicableSupplyChainTradeSettlement": "ApplicableHeaderTradeSettlement",
    "SpecifiedSupplyChainTradeAgreement": "SpecifiedLineTradeAgreement",
    "SpecifiedSupplyChainTradeDelivery": "SpecifiedLineTradeDelivery",
    "SpecifiedSupplyChainTradeSettlement": "SpecifiedLineTradeSettlement",
    "SpecifiedTradeSettlementHeaderMonetarySummation": "MonetarySummation",
    "SpecifiedTradeSettlementLineMonetarySummation": "MonetarySummation",
    "SpecifiedTradeSettlementMonetarySummation": "MonetarySummation",
    "ApplicablePercent": "RateApplicablePercent",
}
"""What differs between ZUGFeRD 1 and today's CII, and between a document's and a line's sums."""

SUPPORTING, TENDER, OBJECT = "916", "50", "130"
"""Type codes of references (BG-24, BT-17, BT-18)."""


def read(root: etree._Element) -> Invoice:
    """An invoice or credit note from its root element, `CII` or `ZUGFERD_1`.

    Raises nothing: what is missing is empty, what cannot be understood is in `Invoice.unread`.
    Source: CEN/TS 16931-3-3 for BT and BG; Factur-X 1.09 (ZUGFeRD 2) and ZUGFeRD 1.0 for what they have beyond it.
    """
    old = str(root.tag) == ZUGFERD_1
    said = Said(root, NAMESPACES, TODAYS_NAMES)
    document = said.one("ExchangedDocument") or _nothing()
    trade = said.one("SupplyChainTradeTransaction") or _nothing()
    agreement = trade.one("ApplicableHeaderTradeAgreement") or _nothing()
    delivery = trade.one("ApplicableHeaderTradeDelivery") or _nothing()
    settlement = trade.one("ApplicableHeaderTradeSettlement") or _nothing()
    currency = settlement.says("InvoiceCurrencyCode")
    settlement.number("TaxApplicableTradeCurrencyExchange/ConversionRate")  # EXTENDED: how BT-111 came about
    tax_currency = settlement.says("TaxCurrencyCode")
    code = document.says("TypeCode")
    terms = tuple(settlement.all("SpecifiedTradePaymentTerms"))
    terms_text = "\n".join(text for each in terms for text in each.say_all("Description"))
    taxes = tuple(settlement.all("ApplicableTradeTax"))
    references = tuple(agreement.all("AdditionalReferencedDocument"))
    totals, in_tax_currency = _totals(settlement.one("MonetarySummation"), currency, tax_currency)
    return Invoice(
        kind="credit note" if code in CREDIT_NOTE_CODES else "invoice",
        syntax="zugferd1" if old else "cii",
        number=document.says("ID"),
        issued_on=_day(document, "IssueDateTime"),
        type_code=code,
        currency=currency,
        tax_currency=tax_currency,
        tax_in_tax_currency=in_tax_currency,
        tax_point_on=next((found for each in taxes if (found := _day(each, "TaxPointDate"))), None),
        tax_point_code=next((text for each in taxes if (text := each.says("DueDateTypeCode"))), ""),
        due_on=next((found for each in terms if (found := _day(each, "DueDateDateTime"))), None),
        buyer_reference=agreement.says("BuyerReference"),
        project=agreement.says("SpecifiedProcuringProject/ID"),
        contract=_number(agreement.one("ContractReferencedDocument")),
        order=_number(agreement.one("BuyerOrderReferencedDocument")),
        sales_order=_number(agreement.one("SellerOrderReferencedDocument")),
        receiving_advice=_number(delivery.one("ReceivingAdviceReferencedDocument")),
        despatch_advice=_number(delivery.one("DespatchAdviceReferencedDocument"))
        or _number(delivery.one("DeliveryNoteReferencedDocument")),
        tender=next((_number(each) for each in references if each.says("TypeCode") == TENDER), ""),
        object=next((_object(each) for each in references if each.says("TypeCode") == OBJECT), None),
        accounting=settlement.says("ReceivableSpecifiedTradeAccountingAccount/ID"),
        payment_terms=terms_text,
        discounts=(*discounts_in(terms_text), *(each for term in terms for each in _discounts(term, currency))),
        notes=tuple(
            Note("\n".join(each.say_all("Content")), each.says("SubjectCode")) for each in document.all("IncludedNote")
        ),
        process=said.says("ExchangedDocumentContext/BusinessProcessSpecifiedDocumentContextParameter/ID"),
        specification=said.says("ExchangedDocumentContext/GuidelineSpecifiedDocumentContextParameter/ID"),
        preceding=tuple(
            DocumentReference(
                _number(each),
                _day(each, "FormattedIssueDateTime") or _day(each, "IssueDateTime"),
                each.says("TypeCode"),
            )
            for each in settlement.all("InvoiceReferencedDocument")
        ),
        seller=_party(agreement.one("SellerTradeParty")) or Party(),
        buyer=_party(agreement.one("BuyerTradeParty")) or Party(),
        payee=_party(settlement.one("PayeeTradeParty")),
        tax_representative=_party(agreement.one("SellerTaxRepresentativeTradeParty")),
        delivery=_delivery(delivery),
        period=_period(settlement.one("BillingSpecifiedPeriod")),
        payment_means=tuple(_means(settlement, terms)),
        allowances=_allowances(settlement, currency, charges=False),
        charges=(*_allowances(settlement, currency, charges=True), *_freight(settlement, currency)),
        advance_payments=tuple(
            AdvancePayment(
                each.amount("PaidAmount", currency),
                _day(each, "FormattedReceivedDateTime"),
                _number(each.one("InvoiceSpecifiedReferencedDocument")),
            )
            for each in settlement.all("SpecifiedAdvancePayment")
        ),
        lines=tuple(_line(each, currency) for each in trade.all("IncludedSupplyChainTradeLineItem")),
        taxes=tuple(_subtotal(each, currency) for each in taxes),
        totals=totals,
        attachments=tuple(
            _attachment(each) for each in references if each.says("TypeCode") in (SUPPORTING, "") and _number(each)
        ),
        unread=said.unread(),
    )


def _nothing() -> Said:
    return Said(etree.Element("nothing"), frozenset())


def _number(said: Said | None) -> str:
    return "" if said is None else said.says("IssuerAssignedID") or said.says("ID")


def _day(said: Said, path: str) -> date | None:
    found = said.one(path)
    if found is None:
        return None
    for each in ("DateTimeString", "DateString", "DateTime", "Date"):
        if found.has(each):
            return found.day(each)
    return found.as_day()


def _totals(said: Said | None, currency: str, tax_currency: str) -> tuple[Totals, Decimal | None]:
    """The sums, and the tax in the second currency (BT-111)."""
    if said is None:
        return Totals(), None
    taxes = {each.attributes.get("currencyID", currency): each for each in said.all("TaxTotalAmount")}
    own, other = taxes.get(currency), taxes.get(tax_currency) if tax_currency != currency else None
    for each in taxes.values():
        if each is not own and each is not other:
            each.tell("another currency")
    return Totals(
        lines=said.amount("LineTotalAmount", currency),
        allowances=said.amount("AllowanceTotalAmount", currency),
        charges=said.amount("ChargeTotalAmount", currency),
        without_tax=said.amount("TaxBasisTotalAmount", currency),
        tax=own.as_number() if own else None,
        with_tax=said.amount("GrandTotalAmount", currency),
        prepaid=said.amount("TotalPrepaidAmount", currency),
        rounding=said.amount("RoundingAmount", currency),
        payable=said.amount("DuePayableAmount", currency),
    ), other.as_number() if other else None


def _subtotal(said: Said, currency: str) -> TaxSubtotal:
    return TaxSubtotal(
        said.says("CategoryCode"),
        said.number("RateApplicablePercent"),
        said.amount("BasisAmount", currency),
        said.amount("CalculatedAmount", currency),
        said.says("ExemptionReason"),
        said.says("ExemptionReasonCode"),
        said.says("TypeCode") or "VAT",
        said.amount("LineTotalBasisAmount", currency),
        said.amount("AllowanceChargeBasisAmount", currency),
    )


def _category(said: Said | None) -> TaxCategory | None:
    if said is None:
        return None
    return TaxCategory(
        said.says("CategoryCode"),
        said.number("RateApplicablePercent"),
        said.says("TypeCode") or "VAT",
        said.says("ExemptionReason"),
        said.says("ExemptionReasonCode"),
    )


def _allowances(said: Said, currency: str, *, charges: bool) -> tuple[AllowanceCharge, ...]:
    return tuple(
        _allowance(each, currency)
        for each in said.all("SpecifiedTradeAllowanceCharge")
        if (each.says("ChargeIndicator/Indicator") in ("true", "1")) == charges
    )


def _allowance(said: Said, currency: str) -> AllowanceCharge:
    return AllowanceCharge(
        said.amount("ActualAmount", currency),
        said.amount("BasisAmount", currency),
        said.number("CalculationPercent"),
        said.says("Reason"),
        said.says("ReasonCode"),
        _category(said.one("CategoryTradeTax")),
    )


def _freight(settlement: Said, currency: str) -> Iterator[AllowanceCharge]:
    """EXTENDED and ZUGFeRD 1 state freight by an element of its own; it counts among the charges."""
    for each in settlement.all("SpecifiedLogisticsServiceCharge"):
        yield AllowanceCharge(
            each.amount("AppliedAmount", currency),
            reason=each.says("Description"),
            tax=_category(each.one("AppliedTradeTax")),
        )


_ROLES: dict[str, Literal["", "detail", "group", "information"]] = {
    "DETAIL": "detail",
    "GROUP": "group",
    "INFORMATION": "information",
}


def _line(said: Said, currency: str) -> Line:
    document = said.one("AssociatedDocumentLineDocument") or _nothing()
    product = said.one("SpecifiedTradeProduct") or _nothing()
    agreement = said.one("SpecifiedLineTradeAgreement") or _nothing()
    delivery = said.one("SpecifiedLineTradeDelivery") or _nothing()
    settlement = said.one("SpecifiedLineTradeSettlement") or _nothing()
    order = agreement.one("BuyerOrderReferencedDocument")
    note = delivery.one("DeliveryNoteReferencedDocument") or delivery.one("DespatchAdviceReferencedDocument")
    sums = settlement.one("MonetarySummation") or _nothing()
    for name in ("TotalAllowanceChargeAmount", "ChargeTotalAmount", "AllowanceTotalAmount", "GrandTotalAmount"):
        sums.amount(name, currency)  # EXTENDED: said of the line's allowances and charges, which are read themselves
    tax_amount = settlement.amount("ApplicableTradeTax/CalculatedAmount", currency)
    references = (*settlement.all("AdditionalReferencedDocument"), *agreement.all("AdditionalReferencedDocument"))
    return Line(
        id=document.says("LineID"),
        note="\n".join(text for each in document.all("IncludedNote") for text in each.say_all("Content")),
        name=product.says("Name"),
        description=product.says("Description"),
        quantity=delivery.quantity("BilledQuantity"),
        net_amount=sums.amount("LineTotalAmount", currency),
        price=_price(agreement, currency),
        allowances=_allowances(settlement, currency, charges=False),
        charges=_allowances(settlement, currency, charges=True),
        tax=_category(settlement.one("ApplicableTradeTax")),
        tax_amount=tax_amount if tax_amount is not None else sums.amount("TaxTotalAmount", currency),
        order=_number(order),
        order_line=order.says("LineID") if order else "",
        despatch=DocumentReference(_number(note), _day(note, "FormattedIssueDateTime"), line=note.says("LineID"))
        if note
        else None,
        object=next((_object(each) for each in references if each.says("TypeCode") == OBJECT), None),
        sellers_id=product.says("SellerAssignedID"),
        buyers_id=product.says("BuyerAssignedID"),
        standard_id=product.identifier("GlobalID"),
        classifications=tuple(
            Identifier(each.text, each.attributes.get("listID", ""), each.attributes.get("listVersionID", ""))
            for each in product.all("DesignatedProductClassification/ClassCode")
        ),
        attributes=tuple(
            Attribute(each.says("Description"), each.says("Value") or _measure(each))
            for each in product.all("ApplicableProductCharacteristic")
        ),
        serial_numbers=product.say_all("IndividualTradeProductInstance/SupplierAssignedSerialID"),
        origin=product.says("OriginTradeCountry/ID"),
        accounting=settlement.says("ReceivableSpecifiedTradeAccountingAccount/ID"),
        period=_period(settlement.one("BillingSpecifiedPeriod")),
        delivered_on=_day(delivery, "ActualDeliverySupplyChainEvent/OccurrenceDateTime"),
        parent=document.says("ParentLineID"),
        role=_ROLES.get(document.says("LineStatusReasonCode"), ""),
    )


def _measure(said: Said) -> str:
    value = said.quantity("ValueMeasure")
    return f"{value.value} {value.unit}".strip() if value else ""


def _price(agreement: Said, currency: str) -> Price:
    net = agreement.one("NetPriceProductTradePrice")
    gross = agreement.one("GrossPriceProductTradePrice")
    base = net.quantity("BasisQuantity") if net else None
    gross_base = gross.quantity("BasisQuantity") if gross else None
    return Price(
        net.amount("ChargeAmount", currency) if net else None,
        gross.amount("ChargeAmount", currency) if gross else None,
        gross.amount("AppliedTradeAllowanceCharge/ActualAmount", currency) if gross else None,
        base or gross_base,
        gross_base if base and gross_base != base else None,
    )


def _object(said: Said) -> Identifier:
    return Identifier(_number(said), said.says("ReferenceTypeCode"))


def _party(said: Said | None) -> Party | None:
    if said is None:
        return None
    legal = said.one("SpecifiedLegalOrganization")
    numbers = {each.attributes.get("schemeID", ""): each.text for each in said.all("SpecifiedTaxRegistration/ID")}
    return Party(
        name=said.says("Name"),
        trading_name=legal.says("TradingBusinessName") if legal else "",
        ids=tuple(each.as_identifier() for name in ("ID", "GlobalID") for each in said.all(name) if each.text),
        legal_id=legal.identifier("ID") if legal else None,
        legal_information="\n".join(said.say_all("Description")),
        vat_id=numbers.get("VA", ""),
        tax_number=numbers.get("FC", ""),
        electronic_address=said.identifier("URIUniversalCommunication/URIID"),
        address=_address(said.one("PostalTradeAddress")),
        contacts=tuple(
            Contact(
                each.says("PersonName"),
                each.says("DepartmentName"),
                each.says("TelephoneUniversalCommunication/CompleteNumber"),
                each.says("EmailURIUniversalCommunication/URIID"),
            )
            for each in said.all("DefinedTradeContact")
        ),
    )


def _address(said: Said | None) -> Address:
    if said is None:
        return Address()
    return Address(
        tuple(text for name in ("LineOne", "LineTwo", "LineThree") if (text := said.says(name))),
        said.says("CityName"),
        said.says("PostcodeCode"),
        said.says("CountrySubDivisionName"),
        said.says("CountryID"),
    )


def _delivery(said: Said) -> Delivery | None:
    to = said.one("ShipToTradeParty")
    on = _day(said, "ActualDeliverySupplyChainEvent/OccurrenceDateTime")
    if to is None:
        return Delivery(delivered_on=on) if on else None
    return Delivery(
        to.says("Name"), to.identifier("GlobalID") or to.identifier("ID"), on, _address(to.one("PostalTradeAddress"))
    )


def _period(said: Said | None) -> Period | None:
    if said is None:
        return None
    return Period(_day(said, "StartDateTime"), _day(said, "EndDateTime"))


def _means(settlement: Said, terms: tuple[Said, ...]) -> Iterator[PaymentMeans]:
    remittance = settlement.says("PaymentReference")
    creditor = settlement.says("CreditorReferenceID")
    mandate = next((found for each in terms if (found := each.says("DirectDebitMandateID"))), "")
    for each in settlement.all("SpecifiedTradeSettlementPaymentMeans"):
        account = each.one("PayeePartyCreditorFinancialAccount")
        card = each.one("ApplicableTradeSettlementFinancialCard")
        yield PaymentMeans(
            code=each.says("TypeCode"),
            text="\n".join(each.say_all("Information")),
            remittance=remittance,
            account=(account.says("IBANID").replace(" ", "") or account.says("ProprietaryID")) if account else "",
            account_name=account.says("AccountName") if account else "",
            bic=each.says("PayeeSpecifiedCreditorFinancialInstitution/BICID"),
            card_number=card.says("ID") if card else "",
            card_holder=card.says("CardholderName") if card else "",
            mandate=mandate,
            creditor=creditor,
            debited_account=each.says("PayerPartyDebtorFinancialAccount/IBANID").replace(" ", ""),
        )


def _discounts(said: Said, currency: str) -> Iterator[PaymentDiscount]:
    for each in said.all("ApplicableTradePaymentDiscountTerms"):
        days = each.quantity("BasisPeriodMeasure")
        yield PaymentDiscount(
            each.number("CalculationPercent"),
            each.amount("ActualDiscountAmount", currency),
            each.amount("BasisAmount", currency),
            int(days.value) if days and days.unit == "DAY" else None,
            _day(each, "BasisDateTime") if days is None else None,
        )


def _attachment(said: Said) -> Attachment:
    embedded = said.one("AttachmentBinaryObject")
    return Attachment(
        _number(said),
        said.says("Name"),
        said.says("URIID"),
        embedded.attributes.get("filename", "") if embedded else "",
        embedded.attributes.get("mimeCode", "") if embedded else "",
        size_of_base64(embedded.text) if embedded else None,
    )
