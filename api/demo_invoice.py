"""The demo's invoice: it bills more than was ordered, is corrected, approved by link, released and exported."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import httpx

from api.demo_people import LEGAL, MANAGER, OWNER, Off, People, Story, expect, wait_for

if TYPE_CHECKING:
    from rich.console import Console

TRUCKS = 8
ORDERED, BILLED = Decimal("293.75"), Decimal("306.25")
"""Rent of one truck for a month: as it was ordered, and as it is billed at first."""
VAT = Decimal(19)  # percent
CHECKS_INVOICES = LEGAL[1]
ROUTE = """\
name: demo-payable
document: invoice
priority: 0
when: invoice.external_id.startsWith("demo")
currency: EUR
separation: {exclude: [submitter]}
calendar: {country: KR, timezone: Asia/Seoul, hours: "09:00-18:00"}
match: {price: {percent: "2"}, on_failure: {insert: exception, before: first}}
bands:
  - {to: "1000", stages: []}
  - {from: "1000", stages: [manager]}
stages:
  - name: exception
    approvers: {people: [%s]}
    send_back_to: [submitter]
    due: 1 business day
  - name: manager
    approvers: {manager_of: submitter}
    fallback: {role: administrator}
    due: 2 business days
"""
SAID = {
    "en": {
        "truck": "Forklift NW-E 20-4, rent of one month",
        "file": "invoice {}.pdf",
        "note": "The first month of the new fleet.",
        "too much": "We ordered at EUR 293.75 a truck. Please have it corrected.",
        "corrected": "The supplier’s corrected invoice, at the price that was ordered.",
    },
    "ko": {
        "truck": "지게차 NW-E 20-4, 1개월 임대료",
        "file": "송장 {}.pdf",
        "note": "새 지게차의 첫 달 임대료입니다.",
        "too much": "발주 단가는 대당 EUR 293.75입니다. 정정된 송장을 받아 주세요.",
        "corrected": "공급자가 발주 단가로 정정한 송장입니다.",
    },
}
"""What the demo's people and their supplier write, in the language in which they read."""


def perform_invoice(
    console: Console, web: httpx.Client, api: dict[str, str], *, marked: str, output: Path, locale: str
) -> dict[str, Any]:
    """The whole way of one invoice, from its order to the spreadsheet; what came of it, with ``steps``."""
    said, story, number = SAID[locale], Story(console), f"NW-{marked.removeprefix('demo-')}"
    order = f"PO-{marked}"
    console.print("\n[bold]One invoice from its order to its payment[/bold]")
    with story.step(f"{TRUCKS} forklifts are ordered, and a route holds invoices against orders"):
        expect(web.put("/api/routes/demo-payable", content=(ROUTE % CHECKS_INVOICES.email).encode(), headers=api), 200)
        expect(web.put(f"/api/orders/{order}", json=ordered(said["truck"]), headers=api), 200)
    with story.step(f"{OWNER.name} hands in the supplier’s Factur-X; it is read and checked"):
        answer = web.post(
            "/api/invoices",
            data={"external_id": marked, "note": said["note"]},
            files={"file": (said["file"].format(number), factur_x(number, order, BILLED, locale), "application/pdf")},
            headers={**api, "Idempotency-Key": f"{marked}-invoice"},
        )
        expect(answer, 201)
        invoice = answer.json()
        here = f"/api/invoices/{invoice['id']}"
        if (invoice["supplier_number"], invoice["blocked"]) != (number, False):
            raise Off(f"the invoice was not read as it is written: {invoice}")
    people = People(web, invoice["number"])
    with story.step(f"It bills more than was ordered: {CHECKS_INVOICES.name} sends it back"):
        held = web.get(f"{here}/matches", headers=api).json()
        if held["outcome"] != "failed":
            raise Off(f"the invoice was not held against its order: {held}")
        people.decide(CHECKS_INVOICES.email, "send_back", said["too much"])
        _wait_for_state(web, here, api, "returned")
    with story.step(f"{OWNER.name} hands in the corrected file; it agrees with its order"):
        corrected = factur_x(number, order, ORDERED, locale)
        answer = web.post(
            f"{here}/versions",
            data={"note": said["corrected"]},
            files={"file": (said["file"].format(number), corrected, "application/pdf")},
            headers={**api, "Idempotency-Key": f"{marked}-invoice-2"},
        )
        expect(answer, 201)
        people.forget_version(1)
    with story.step(f"{MANAGER.name} approves by the link in the mail"):
        people.decide(MANAGER.email, "approve")
        _wait_for_state(web, here, api, "approved")
    with story.step(f"{OWNER.name} releases it for payment"):
        expect(web.post(f"{here}/release", headers=api), 201)
        _wait_for_state(web, here, api, "released")
    with story.step("It leaves as a spreadsheet, made in the background"):
        sheet = _exported(web, api, number)
    output.mkdir(parents=True, exist_ok=True)
    paths = {"file": output / f"{invoice['number']}.pdf", "spreadsheet": output / f"{invoice['number']}.xlsx"}
    paths["file"].write_bytes(corrected)
    paths["spreadsheet"].write_bytes(sheet)
    invoice = web.get(here, headers=api).json()
    console.print(f"\nSpreadsheet: {paths['spreadsheet'].resolve()}", soft_wrap=True)
    return {
        **{name: str(path.resolve()) for name, path in paths.items()},
        "id": invoice["id"],
        "number": invoice["number"],
        "supplier_number": number,
        "payable": invoice["payable"],
        "currency": invoice["currency"],
        "state": invoice["state"],
        "steps": story.steps,
    }


def waiting_invoice(web: httpx.Client, api: dict[str, str], locale: str) -> None:
    """Another invoice, left for whoever decides on what differs from its order."""
    number, order, said = "NW-2027-0107", "PO-demo-waiting", SAID[locale]
    expect(web.put(f"/api/orders/{order}", json=ordered(said["truck"]), headers=api), 200)
    answer = web.post(
        "/api/invoices",
        data={"external_id": "demo-waiting", "note": said["note"]},
        files={"file": (said["file"].format(number), factur_x(number, order, BILLED, locale), "application/pdf")},
        headers={**api, "Idempotency-Key": "demo-waiting-invoice"},
    )
    expect(answer, 201)


def ordered(truck: str) -> dict[str, Any]:
    """The body that keeps the order."""
    line = {"line": "10", "name": truck, "quantity": str(TRUCKS), "unit": "C62", "price": str(ORDERED)}
    return {"supplier": "Nordwerk Maschinen GmbH", "currency": "EUR", "lines": [line]}


def factur_x(number: str, order: str, price: Decimal, locale: str) -> bytes:
    """The supplier's invoice: a page to read, and in it the same as data (Factur-X, profile EN 16931)."""
    from facturx import generate_from_binary

    from documents.einvoices.reading import read_here
    from workflows.invoices.picture import picture

    xml = cii(number, order, price, SAID[locale]["truck"], today=datetime.now(UTC).date()).encode()
    read = read_here(xml).invoice
    assert read is not None
    page = picture(read, locale)
    made: bytes = generate_from_binary(page, xml, flavor="factur-x", level="en16931", lang=locale)
    return made


def cii(number: str, order: str, price: Decimal, truck: str, *, today: date) -> str:
    """UN/CEFACT Cross Industry Invoice as EN 16931 restricts it."""
    net = price * TRUCKS
    tax = (net * VAT / 100).quantize(Decimal("0.01"))
    day = '<udt:DateTimeString format="102">{:%Y%m%d}</udt:DateTimeString>'
    rate = f"<ram:CategoryCode>S</ram:CategoryCode><ram:RateApplicablePercent>{VAT}</ram:RateApplicablePercent>"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<rsm:CrossIndustryInvoice xmlns:rsm="urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"
 xmlns:ram="urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"
 xmlns:udt="urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100">
<rsm:ExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter><ram:ID>urn:cen.eu:en16931:2017</ram:ID>
</ram:GuidelineSpecifiedDocumentContextParameter></rsm:ExchangedDocumentContext>
<rsm:ExchangedDocument><ram:ID>{escape(number)}</ram:ID><ram:TypeCode>380</ram:TypeCode>
<ram:IssueDateTime>{day.format(today)}</ram:IssueDateTime></rsm:ExchangedDocument>
<rsm:SupplyChainTradeTransaction>
<ram:IncludedSupplyChainTradeLineItem>
<ram:AssociatedDocumentLineDocument><ram:LineID>1</ram:LineID></ram:AssociatedDocumentLineDocument>
<ram:SpecifiedTradeProduct><ram:Name>{escape(truck)}</ram:Name></ram:SpecifiedTradeProduct>
<ram:SpecifiedLineTradeAgreement>
<ram:BuyerOrderReferencedDocument><ram:LineID>10</ram:LineID></ram:BuyerOrderReferencedDocument>
<ram:NetPriceProductTradePrice><ram:ChargeAmount>{price}</ram:ChargeAmount></ram:NetPriceProductTradePrice>
</ram:SpecifiedLineTradeAgreement>
<ram:SpecifiedLineTradeDelivery><ram:BilledQuantity unitCode="C62">{TRUCKS}</ram:BilledQuantity>
</ram:SpecifiedLineTradeDelivery>
<ram:SpecifiedLineTradeSettlement>
<ram:ApplicableTradeTax><ram:TypeCode>VAT</ram:TypeCode>{rate}</ram:ApplicableTradeTax>
<ram:SpecifiedTradeSettlementLineMonetarySummation><ram:LineTotalAmount>{net}</ram:LineTotalAmount>
</ram:SpecifiedTradeSettlementLineMonetarySummation></ram:SpecifiedLineTradeSettlement>
</ram:IncludedSupplyChainTradeLineItem>
<ram:ApplicableHeaderTradeAgreement>
<ram:SellerTradeParty><ram:Name>Nordwerk Maschinen GmbH</ram:Name>
<ram:PostalTradeAddress><ram:PostcodeCode>28195</ram:PostcodeCode><ram:LineOne>Am Speicher 4</ram:LineOne>
<ram:CityName>Bremen</ram:CityName><ram:CountryID>DE</ram:CountryID></ram:PostalTradeAddress>
<ram:URIUniversalCommunication><ram:URIID schemeID="EM">billing@nordwerk.example</ram:URIID>
</ram:URIUniversalCommunication>
<ram:SpecifiedTaxRegistration><ram:ID schemeID="VA">DE281004716</ram:ID></ram:SpecifiedTaxRegistration>
</ram:SellerTradeParty>
<ram:BuyerTradeParty><ram:Name>Haneul Logistics</ram:Name>
<ram:PostalTradeAddress><ram:LineOne>88 Hangdong-ro</ram:LineOne><ram:CityName>Incheon</ram:CityName>
<ram:CountryID>KR</ram:CountryID></ram:PostalTradeAddress></ram:BuyerTradeParty>
<ram:BuyerOrderReferencedDocument><ram:IssuerAssignedID>{escape(order)}</ram:IssuerAssignedID>
</ram:BuyerOrderReferencedDocument>
</ram:ApplicableHeaderTradeAgreement>
<ram:ApplicableHeaderTradeDelivery><ram:ActualDeliverySupplyChainEvent>
<ram:OccurrenceDateTime>{day.format(today)}</ram:OccurrenceDateTime></ram:ActualDeliverySupplyChainEvent>
</ram:ApplicableHeaderTradeDelivery>
<ram:ApplicableHeaderTradeSettlement>
<ram:InvoiceCurrencyCode>EUR</ram:InvoiceCurrencyCode>
<ram:SpecifiedTradeSettlementPaymentMeans><ram:TypeCode>58</ram:TypeCode>
<ram:PayeePartyCreditorFinancialAccount><ram:IBANID>DE02120300000000202051</ram:IBANID>
</ram:PayeePartyCreditorFinancialAccount></ram:SpecifiedTradeSettlementPaymentMeans>
<ram:ApplicableTradeTax><ram:CalculatedAmount>{tax}</ram:CalculatedAmount><ram:TypeCode>VAT</ram:TypeCode>
<ram:BasisAmount>{net}</ram:BasisAmount>{rate}</ram:ApplicableTradeTax>
<ram:SpecifiedTradePaymentTerms><ram:DueDateDateTime>{day.format(today + timedelta(days=30))}</ram:DueDateDateTime>
</ram:SpecifiedTradePaymentTerms>
<ram:SpecifiedTradeSettlementHeaderMonetarySummation>
<ram:LineTotalAmount>{net}</ram:LineTotalAmount><ram:TaxBasisTotalAmount>{net}</ram:TaxBasisTotalAmount>
<ram:TaxTotalAmount currencyID="EUR">{tax}</ram:TaxTotalAmount><ram:GrandTotalAmount>{net + tax}</ram:GrandTotalAmount>
<ram:DuePayableAmount>{net + tax}</ram:DuePayableAmount>
</ram:SpecifiedTradeSettlementHeaderMonetarySummation>
</ram:ApplicableHeaderTradeSettlement>
</rsm:SupplyChainTradeTransaction>
</rsm:CrossIndustryInvoice>
"""


def _wait_for_state(web: httpx.Client, here: str, api: dict[str, str], state: str) -> None:
    wait_for(lambda: web.get(here, headers=api).json()["state"] == state, f"the invoice to be {state}")


def _exported(web: httpx.Client, api: dict[str, str], number: str) -> bytes:
    """The workbook of this one invoice."""
    answer = web.post("/api/exports", json={"what": "invoices", "q": number}, headers=api)
    expect(answer, 201)
    export = f"/api/exports/{answer.json()['id']}"

    def made() -> bool:
        state = web.get(export, headers=api).json()
        if state["state"] == "failed":
            raise Off(f"the spreadsheet could not be made: {state['failure']}")
        return bool(state["state"] == "ready")

    wait_for(made, "the spreadsheet")
    sheet = web.get(f"{export}/file", headers=api)
    expect(sheet, 200)
    with zipfile.ZipFile(io.BytesIO(sheet.content)) as parts:
        held = b"".join(parts.read(each) for each in parts.namelist() if each.endswith(".xml"))
    if number.encode() not in held:
        raise Off("the spreadsheet does not hold the invoice")
    return sheet.content
