"""Small invoices in each syntax, made anew; whoever needs one names only what matters."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from pikepdf import Array, Dictionary, Name, Pdf, Stream, String

from documents.einvoices.korea import NAMESPACE as KOREA
from documents.einvoices.signature import DS, FILTER, XPATH

UBL_START = (
    '<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"'
    ' xmlns:cac="urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"'
    ' xmlns:cbc="urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2">'
)


def ubl(
    *,
    number: str = "2026-0001",
    day: str = "2026-05-27",
    currency: str = "EUR",
    lines: Sequence[tuple[str, str, str]] = (("Forklift, one month", "1", "100.00"),),
    net: str = "100.00",
    tax: str = "19.00",
    total: str = "119.00",
    payable: str | None = None,
    more: str = "",
    code: str = "380",
    account: str = "DE02120300000000202051",
) -> bytes:
    """`lines` are name, quantity and net amount; `more` stands before the lines."""
    rows = "".join(
        f"<cac:InvoiceLine><cbc:ID>{index}</cbc:ID><cbc:InvoicedQuantity unitCode='C62'>{quantity}"
        f"</cbc:InvoicedQuantity><cbc:LineExtensionAmount currencyID='{currency}'>{amount}</cbc:LineExtensionAmount>"
        f"<cac:Item><cbc:Name>{name}</cbc:Name></cac:Item></cac:InvoiceLine>"
        for index, (name, quantity, amount) in enumerate(lines, 1)
    )
    return (
        f"<?xml version='1.0' encoding='UTF-8'?>{UBL_START}"
        f"<cbc:ID>{number}</cbc:ID><cbc:IssueDate>{day}</cbc:IssueDate><cbc:InvoiceTypeCode>{code}"
        f"</cbc:InvoiceTypeCode><cbc:DocumentCurrencyCode>{currency}</cbc:DocumentCurrencyCode>"
        "<cac:AccountingSupplierParty><cac:Party><cac:PartyLegalEntity><cbc:RegistrationName>Aurora Leasing GmbH"
        "</cbc:RegistrationName></cac:PartyLegalEntity></cac:Party></cac:AccountingSupplierParty>"
        "<cac:PaymentMeans><cbc:PaymentMeansCode>58</cbc:PaymentMeansCode><cac:PayeeFinancialAccount>"
        f"<cbc:ID>{account}</cbc:ID></cac:PayeeFinancialAccount></cac:PaymentMeans>"
        f"{more}<cac:TaxTotal><cbc:TaxAmount currencyID='{currency}'>{tax}</cbc:TaxAmount></cac:TaxTotal>"
        f"<cac:LegalMonetaryTotal><cbc:LineExtensionAmount currencyID='{currency}'>{net}</cbc:LineExtensionAmount>"
        f"<cbc:TaxExclusiveAmount currencyID='{currency}'>{net}</cbc:TaxExclusiveAmount>"
        f"<cbc:TaxInclusiveAmount currencyID='{currency}'>{total}</cbc:TaxInclusiveAmount>"
        f"<cbc:PayableAmount currencyID='{currency}'>{payable or total}</cbc:PayableAmount></cac:LegalMonetaryTotal>"
        f"{rows}</Invoice>"
    ).encode()


def cii(*, number: str = "2026-0001", settlement: str = "", day: str = "20260527", total: str = "119.00") -> bytes:
    """`settlement` stands before the sums."""
    return (
        '<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"'
        ' xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"'
        ' xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100">'
        f"<rsm:ExchangedDocument><ram:ID>{number}</ram:ID><ram:TypeCode>380</ram:TypeCode><ram:IssueDateTime>"
        f'<udt:DateTimeString format="102">{day}</udt:DateTimeString></ram:IssueDateTime></rsm:ExchangedDocument>'
        "<rsm:SupplyChainTradeTransaction><ram:ApplicableHeaderTradeAgreement><ram:SellerTradeParty>"
        "<ram:Name>Aurora Leasing GmbH</ram:Name></ram:SellerTradeParty></ram:ApplicableHeaderTradeAgreement>"
        "<ram:ApplicableHeaderTradeSettlement><ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>"
        "<ram:SpecifiedTradeSettlementPaymentMeans><ram:TypeCode>58</ram:TypeCode>"
        "<ram:PayeePartyCreditorFinancialAccount><ram:IBANID>DE02120300000000202051</ram:IBANID>"
        "</ram:PayeePartyCreditorFinancialAccount></ram:SpecifiedTradeSettlementPaymentMeans>"
        f"{settlement}<ram:SpecifiedTradeSettlementHeaderMonetarySummation>"
        "<ram:TaxBasisTotalAmount>100.00</ram:TaxBasisTotalAmount>"
        "<ram:TaxTotalAmount currencyID='EUR'>19.00</ram:TaxTotalAmount>"
        f"<ram:GrandTotalAmount>{total}</ram:GrandTotalAmount><ram:DuePayableAmount>{total}</ram:DuePayableAmount>"
        "</ram:SpecifiedTradeSettlementHeaderMonetarySummation></ram:ApplicableHeaderTradeSettlement>"
        "</rsm:SupplyChainTradeTransaction></rsm:CrossIndustryInvoice>"
    ).encode()


def hybrid(
    xml: bytes | None = None,
    *,
    name: str | None = "factur-x.xml",
    page: str = "Invoice number 2026-0001 Date 27.05.2026 Total amount due 119,00 EUR",
    listed: bool = True,
) -> bytes:
    """A PDF with the XML inside. `name` None: a file without a name; `listed` False: in no list of attachments."""

    def embed(pdf: Pdf) -> None:
        stream = pdf.make_stream(xml or cii())
        stream.Type = Name.EmbeddedFile
        specification = Dictionary(Type=Name.Filespec, EF=Dictionary(F=stream), AFRelationship=Name.Alternative)
        if name is not None:
            specification.F = specification.UF = String(name)
        held = pdf.make_indirect(specification)
        if listed:
            pdf.Root.Names = Dictionary(EmbeddedFiles=Dictionary(Names=Array([String(name or "1"), held])))
        else:
            pdf.Root.AF = Array([held])

    return with_page(page, embed)


def with_page(text: str, change: object = None) -> bytes:
    """One page with this text, each part between two line feeds in a line of its own."""
    pdf = Pdf.new()
    pdf.add_blank_page(page_size=(595, 842))
    font = pdf.make_indirect(
        Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica, Encoding=Name.WinAnsiEncoding)
    )
    pdf.pages[0].Resources = Dictionary(Font=Dictionary(F1=font))
    shown = b"".join(
        b"BT /F1 11 Tf 50 %d Td (%s) Tj ET\n" % (780 - 20 * index, line.encode("cp1252").replace(b"(", b"\\("))
        for index, line in enumerate(text.split("\n"))
    )
    pdf.pages[0].Contents = Stream(pdf, shown)
    if callable(change):
        change(pdf)
    written = io.BytesIO()
    pdf.save(written)
    return written.getvalue()


def korean(*, lines: str | None = None, total: str = "1100000", supply: str = "1000000", tax: str = "100000") -> bytes:
    line = (
        "<TaxInvoiceTradeLineItem><SequenceNumeric>1</SequenceNumeric><DescriptionText>5월분</DescriptionText>"
        f"<InvoiceAmount>{supply}</InvoiceAmount><ChargeableUnitQuantity>2</ChargeableUnitQuantity>"
        "<InformationText>8톤</InformationText><NameText>지게차 임대</NameText>"
        "<PurchaseExpiryDateTime>20260527</PurchaseExpiryDateTime>"
        f"<TotalTax><CalculatedAmount>{tax}</CalculatedAmount></TotalTax>"
        "<UnitPrice><UnitAmount>500000</UnitAmount></UnitPrice></TaxInvoiceTradeLineItem>"
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<TaxInvoice xmlns="{KOREA}"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' xsi:schemaLocation="{KOREA} http://www.kec.or.kr/standard/Tax/TaxInvoiceSchemaModule_1.0.xsd">\n'
        "<ExchangedDocument><ID>A-1</ID><IssueDateTime>20260528101112</IssueDateTime></ExchangedDocument>\n"
        "<TaxInvoiceDocument><IssueID>202605274100002000000001</IssueID><TypeCode>0101</TypeCode>"
        "<DescriptionText>비고 &lt;1&gt; &amp; 2</DescriptionText>"
        "<IssueDateTime>20260527</IssueDateTime><PurposeCode>02</PurposeCode></TaxInvoiceDocument>\n"
        "<TaxInvoiceTradeSettlement>"
        f"{_korean_party('InvoicerParty', '1234567891', '(주)새벽리스', '김민준')}"
        f"{_korean_party('InvoiceeParty', '2208162517', '한빛물류(주)', '이서연')}"
        "<SpecifiedPaymentMeans><TypeCode>10</TypeCode><PaidAmount>0</PaidAmount></SpecifiedPaymentMeans>"
        f"<SpecifiedPaymentMeans><TypeCode>40</TypeCode><PaidAmount>{total}</PaidAmount></SpecifiedPaymentMeans>"
        f"<SpecifiedMonetarySummation><ChargeTotalAmount>{supply}</ChargeTotalAmount>"
        f"<TaxTotalAmount>{tax}</TaxTotalAmount><GrandTotalAmount>{total}</GrandTotalAmount>"
        "</SpecifiedMonetarySummation></TaxInvoiceTradeSettlement>\n"
        f"{line if lines is None else lines}</TaxInvoice>"
    ).encode()


def _korean_party(kind: str, number: str, name: str, person: str) -> str:
    contact = "DefinedContact" if kind == "InvoicerParty" else "PrimaryDefinedContact"
    return (
        f"<{kind}><ID>{number}</ID><TypeCode>서비스</TypeCode><NameText>{name}</NameText>"
        "<ClassificationCode>장비 임대</ClassificationCode>"
        "<SpecifiedOrganization><TaxRegistrationID>0001</TaxRegistrationID><BusinessTypeCode>01</BusinessTypeCode>"
        f"</SpecifiedOrganization><SpecifiedPerson><NameText>{person}</NameText></SpecifiedPerson>"
        f"<{contact}><DepartmentNameText>경리팀</DepartmentNameText><PersonNameText>박지호</PersonNameText>"
        f"<TelephoneCommunication>0212345678</TelephoneCommunication><URICommunication>a@example.kr</URICommunication>"
        f"</{contact}><SpecifiedAddress><LineOneText>서울특별시 중구 세종대로</LineOneText></SpecifiedAddress></{kind}>"
    )


@cache
def signer(name: str = "(주)새벽리스") -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    """In force for 2026."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    start = datetime(2026, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=365))
        .sign(key, hashes.SHA256())
    )
    return key, made


def signed(xml: bytes | None = None, *, literal: bool = False, filter_: str = FILTER, uri: str = "") -> bytes:
    """A Korean invoice signed as the standard prescribes. What the filter leaves over is written here by hand, string
    by string, not by the code that checks it; `literal` as Canonical XML says by the letter."""
    text = (xml or korean()).decode()
    head, _, rest = text.partition("<TaxInvoice ")
    _, _, inside = rest.partition(">")
    inside = inside.removesuffix("</TaxInvoice>")
    before, _, after = inside.partition("<ExchangedDocument>")
    exchanged, _, after = after.partition("</ExchangedDocument>")
    declared = f' xmlns="{KOREA}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    # Canonical XML writes > as &gt; in texts, and leaves it in attributes: the texts here are canonical already
    if literal:
        location = f' xsi:schemaLocation="{KOREA} http://www.kec.or.kr/standard/Tax/TaxInvoiceSchemaModule_1.0.xsd"'
        body = after
        for name in ("TaxInvoiceDocument", "TaxInvoiceTradeSettlement", "TaxInvoiceTradeLineItem"):
            body = body.replace(f"<{name}>", f"<{name}{declared}>")
        covered = declared + location + before + "" + body
    else:
        covered = declared + before + after
    digest = base64.b64encode(hashlib.sha256(covered.encode()).digest()).decode()
    information = (
        '<ds:CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315">'
        "</ds:CanonicalizationMethod>"
        '<ds:SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"></ds:SignatureMethod>'
        f'<ds:Reference URI="{uri}"><ds:Transforms>'
        '<ds:Transform Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"></ds:Transform>'
        f'<ds:Transform Algorithm="{XPATH}"><ds:XPath>{filter_}</ds:XPath></ds:Transform></ds:Transforms>'
        '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"></ds:DigestMethod>'
        f"<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference>"
    )
    key, certificate = signer()
    canonical = (
        f'<ds:SignedInfo xmlns="{KOREA}" xmlns:ds="{DS}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"{information}</ds:SignedInfo>"
    )
    value = base64.b64encode(key.sign(canonical.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
    held = base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
    signature = (
        f'<ds:Signature xmlns:ds="{DS}"><ds:SignedInfo>{information}</ds:SignedInfo>'
        f"<ds:SignatureValue>{value}</ds:SignatureValue><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{held}"
        "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>"
    )
    opening = rest.partition(">")[0]
    return (
        f"{head}<TaxInvoice {opening}>{before}<ExchangedDocument>{exchanged}</ExchangedDocument>{signature}{after}"
        "</TaxInvoice>"
    ).encode()
