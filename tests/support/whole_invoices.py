"""Invoices in UBL that keep all rules of EN 16931, XRechnung 3.0 and Peppol BIS Billing 3.0, to break single ones."""

from __future__ import annotations

from tests.support.einvoices import UBL_START

EN = "urn:cen.eu:en16931:2017"
XRECHNUNG = f"{EN}#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0"
EXTENSION = f"{XRECHNUNG}#conformant#urn:xeinkauf.de:kosit:extension:xrechnung_3.0"
CLEAN_VEHICLES = f"{XRECHNUNG}#compliant#urn:xeinkauf.de:kosit:xrechnung:cvd_1.0"
PEPPOL = f"{EN}#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
SELF_BILLING = f"{EN}#compliant#urn:fdc:peppol.eu:2017:poacc:selfbilling:3.0"


def whole_ubl(specification: str = XRECHNUNG, *, credit: bool = False) -> bytes:
    text = _TEXT.format(start=UBL_START, specification=specification)
    if credit:
        text = text.replace("<cbc:DueDate>2026-06-26</cbc:DueDate>", "").replace("Invoice-2", "CreditNote-2")
        text = text.replace("<Invoice ", "<CreditNote ").replace("</Invoice>", "</CreditNote>")
        text = text.replace("InvoiceTypeCode", "CreditNoteTypeCode").replace(">380<", ">381<")
        text = text.replace("InvoiceLine", "CreditNoteLine").replace("InvoicedQuantity", "CreditedQuantity")
    return text.encode()


def changed(data: bytes, *pairs: tuple[str, str]) -> bytes:
    """With the first of each pair replaced by the second; each must be there."""
    text = data.decode()
    for before, after in pairs:
        assert before in text, before
        text = text.replace(before, after)
    return text.encode()


_PARTY = (
    "<cac:Party><cbc:EndpointID schemeID='9930'>{vat}</cbc:EndpointID><cac:PostalAddress><cbc:StreetName>{street}"
    "</cbc:StreetName><cbc:CityName>{town}</cbc:CityName><cbc:PostalZone>{code}</cbc:PostalZone><cac:Country>"
    "<cbc:IdentificationCode>DE</cbc:IdentificationCode></cac:Country></cac:PostalAddress><cac:PartyTaxScheme>"
    "<cbc:CompanyID>{vat}</cbc:CompanyID><cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme>"
    "<cac:PartyLegalEntity><cbc:RegistrationName>{name}</cbc:RegistrationName></cac:PartyLegalEntity>{contact}"
    "</cac:Party>"
)
_SELLER = _PARTY.format(
    vat="DE136695976",
    street="Hafenstraße 1",
    town="Hamburg",
    code="20457",
    name="Aurora Leasing GmbH",
    contact=(
        "<cac:Contact><cbc:Name>Mia Böhm</cbc:Name><cbc:Telephone>+49 40 1234567</cbc:Telephone>"
        "<cbc:ElectronicMail>mia@aurora.example</cbc:ElectronicMail></cac:Contact>"
    ),
)
_BUYER = _PARTY.format(
    vat="DE129273398", street="Am Markt 2", town="Berlin", code="10117", name="Haneul Logistik GmbH", contact=""
)
_TAX = "<cbc:ID>S</cbc:ID><cbc:Percent>19</cbc:Percent><cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme>"
_TEXT = (
    "{start}<cbc:CustomizationID>{specification}</cbc:CustomizationID>"
    "<cbc:ProfileID>urn:fdc:peppol.eu:2017:poacc:billing:01:1.0</cbc:ProfileID>"
    "<cbc:ID>2026-0001</cbc:ID><cbc:IssueDate>2026-05-27</cbc:IssueDate><cbc:DueDate>2026-06-26</cbc:DueDate>"
    "<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>"
    "<cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode><cbc:BuyerReference>04011000-12345-34</cbc:BuyerReference>"
    "<cac:InvoicePeriod><cbc:StartDate>2026-05-01</cbc:StartDate><cbc:EndDate>2026-05-31</cbc:EndDate>"
    "</cac:InvoicePeriod>"
    f"<cac:AccountingSupplierParty>{_SELLER}</cac:AccountingSupplierParty>"
    f"<cac:AccountingCustomerParty>{_BUYER}</cac:AccountingCustomerParty>"
    "<cac:PaymentMeans><cbc:PaymentMeansCode>58</cbc:PaymentMeansCode><cac:PayeeFinancialAccount>"
    "<cbc:ID>DE02120300000000202051</cbc:ID></cac:PayeeFinancialAccount></cac:PaymentMeans>"
    "<cac:PaymentTerms><cbc:Note>30 days</cbc:Note></cac:PaymentTerms>"
    "<cac:TaxTotal><cbc:TaxAmount currencyID='EUR'>19.00</cbc:TaxAmount><cac:TaxSubtotal>"
    "<cbc:TaxableAmount currencyID='EUR'>100.00</cbc:TaxableAmount><cbc:TaxAmount currencyID='EUR'>19.00"
    f"</cbc:TaxAmount><cac:TaxCategory>{_TAX}</cac:TaxCategory></cac:TaxSubtotal></cac:TaxTotal>"
    "<cac:LegalMonetaryTotal><cbc:LineExtensionAmount currencyID='EUR'>100.00</cbc:LineExtensionAmount>"
    "<cbc:TaxExclusiveAmount currencyID='EUR'>100.00</cbc:TaxExclusiveAmount>"
    "<cbc:TaxInclusiveAmount currencyID='EUR'>119.00</cbc:TaxInclusiveAmount>"
    "<cbc:PayableAmount currencyID='EUR'>119.00</cbc:PayableAmount></cac:LegalMonetaryTotal>"
    "<cac:InvoiceLine><cbc:ID>1</cbc:ID><cbc:InvoicedQuantity unitCode='C62'>1</cbc:InvoicedQuantity>"
    "<cbc:LineExtensionAmount currencyID='EUR'>100.00</cbc:LineExtensionAmount><cac:Item><cbc:Name>Forklift, one month"
    f"</cbc:Name><cac:ClassifiedTaxCategory>{_TAX}</cac:ClassifiedTaxCategory></cac:Item><cac:Price>"
    "<cbc:PriceAmount currencyID='EUR'>100.00</cbc:PriceAmount></cac:Price></cac:InvoiceLine></Invoice>"
)
