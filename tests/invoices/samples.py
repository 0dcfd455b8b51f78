"""An invoice that breaks no rule of EN 16931."""

from __future__ import annotations

from decimal import Decimal

START = (
    "<?xml version='1.0' encoding='UTF-8'?><Invoice xmlns='urn:oasis:names:specification:ubl:schema:xsd:Invoice-2'"
    " xmlns:cac='urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2'"
    " xmlns:cbc='urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2'>"
)


def _party(kind: str, name: str, vat_id: str, email: str = "") -> str:
    contact = f"<cac:Contact><cbc:ElectronicMail>{email}</cbc:ElectronicMail></cac:Contact>" if email else ""
    return (
        f"<cac:{kind}><cac:Party><cac:PostalAddress><cbc:CityName>Kiel</cbc:CityName><cac:Country>"
        "<cbc:IdentificationCode>DE</cbc:IdentificationCode></cac:Country></cac:PostalAddress><cac:PartyTaxScheme>"
        f"<cbc:CompanyID>{vat_id}</cbc:CompanyID><cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme>"
        f"</cac:PartyTaxScheme><cac:PartyLegalEntity><cbc:RegistrationName>{name}</cbc:RegistrationName>"
        f"</cac:PartyLegalEntity>{contact}</cac:Party></cac:{kind}>"
    )


def sound_ubl(
    *,
    number: str = "2026-0001",
    day: str = "2026-05-27",
    net: str = "100.00",
    order: str = "",
    said_tax: str = "",
    quantity: str = "1",
    name: str = "Forklift, one month",
    currency: str = "EUR",
) -> bytes:
    """``said_tax``: another tax than 19 percent of the net, which breaks BR-CO-17."""
    tax = said_tax or str((Decimal(net) * 19 / 100).quantize(Decimal("0.01")))
    total = str(Decimal(net) + Decimal(tax))
    euro, price = f"currencyID='{currency}'", Decimal(net) / Decimal(quantity)
    reference = f"<cac:OrderReference><cbc:ID>{order}</cbc:ID></cac:OrderReference>" if order else ""
    category = "<cbc:ID>S</cbc:ID><cbc:Percent>19</cbc:Percent><cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme>"
    return (
        f"{START}<cbc:CustomizationID>urn:cen.eu:en16931:2017</cbc:CustomizationID><cbc:ID>{number}</cbc:ID>"
        f"<cbc:IssueDate>{day}</cbc:IssueDate><cbc:DueDate>2026-06-26</cbc:DueDate>"
        f"<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode><cbc:DocumentCurrencyCode>{currency}</cbc:DocumentCurrencyCode>"
        f"{reference}"
        f"{_party('AccountingSupplierParty', 'Aurora Leasing GmbH', 'DE123456789', 'billing@aurora.example')}"
        f"{_party('AccountingCustomerParty', 'Haneul Logistics', 'DE987654321')}"
        "<cac:PaymentMeans><cbc:PaymentMeansCode>58</cbc:PaymentMeansCode><cac:PayeeFinancialAccount>"
        "<cbc:ID>DE02120300000000202051</cbc:ID></cac:PayeeFinancialAccount></cac:PaymentMeans>"
        f"<cac:TaxTotal><cbc:TaxAmount {euro}>{tax}</cbc:TaxAmount><cac:TaxSubtotal>"
        f"<cbc:TaxableAmount {euro}>{net}</cbc:TaxableAmount><cbc:TaxAmount {euro}>{tax}</cbc:TaxAmount>"
        f"<cac:TaxCategory>{category}</cac:TaxCategory></cac:TaxSubtotal></cac:TaxTotal>"
        f"<cac:LegalMonetaryTotal><cbc:LineExtensionAmount {euro}>{net}</cbc:LineExtensionAmount>"
        f"<cbc:TaxExclusiveAmount {euro}>{net}</cbc:TaxExclusiveAmount>"
        f"<cbc:TaxInclusiveAmount {euro}>{total}</cbc:TaxInclusiveAmount>"
        f"<cbc:PayableAmount {euro}>{total}</cbc:PayableAmount></cac:LegalMonetaryTotal>"
        f"<cac:InvoiceLine><cbc:ID>1</cbc:ID><cbc:InvoicedQuantity unitCode='C62'>{quantity}</cbc:InvoicedQuantity>"
        f"<cbc:LineExtensionAmount {euro}>{net}</cbc:LineExtensionAmount><cac:Item>"
        f"<cbc:Name>{name}</cbc:Name>"
        f"<cac:ClassifiedTaxCategory>{category}</cac:ClassifiedTaxCategory></cac:Item>"
        f"<cac:Price><cbc:PriceAmount {euro}>{price:f}</cbc:PriceAmount></cac:Price></cac:InvoiceLine></Invoice>"
    ).encode()
