"""What `signoff invoices read` prints of a file. It needs no running system and no database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from documents.amounts import money
from documents.einvoices.as_json import to_json
from documents.einvoices.data import Invoice, Line, Party
from documents.einvoices.finding_words import place_said, said
from documents.einvoices.findings import Finding, blocks
from documents.einvoices.findings import to_json as finding_to_json
from documents.einvoices.judging import judge
from documents.einvoices.reading import Reading, read
from documents.intake import IntakeRefused

FIELDS = {
    "number": "number",
    "issued_on": "day",
    "payable": "amount",
    "currency": "currency",
    "iban": "IBAN",
    "vat_id": "VAT number",
    "korean_registration": "registration number",
}
FORMS = {"xml": "XML", "hybrid": "PDF with XML inside", "pdf": "PDF without XML"}
SYNTAXES = {
    "ubl": "UBL 2.1",
    "cii": "CII D16B",
    "zugferd1": "ZUGFeRD 1",
    "korea": "Korean tax invoice 3.0",
    "typed": "typed",
}

STYLES = {"error": "red", "warning": "yellow", "information": "dim"}


@dataclass(frozen=True)
class Result:
    """`reading` or `refusal`."""

    file: Path
    reading: Reading | None
    refusal: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def sound(self) -> bool:
        if self.reading is None:
            return False
        return not blocks(self.findings)

    def as_json(self) -> dict[str, Any]:
        reading = self.reading
        if reading is None:
            return {"file": str(self.file), "refused": self.refusal}
        return {
            "file": str(self.file),
            "form": reading.form,
            "xml_name": reading.xml_name,
            "invoice": to_json(reading.invoice) if reading.invoice else None,
            "signature": {name: _plain(value) for name, value in asdict(reading.signature).items()}
            if reading.signature
            else None,
            "findings": [finding_to_json(each) for each in self.findings],
            "differences": [asdict(each) for each in reading.differences],
            "suggestions": [asdict(each) for each in reading.suggestions],
        }


def read_file(file: Path, rules: Path | None) -> Result:
    """`rules` is a folder with further sets of rules."""
    try:
        reading = read(file.read_bytes())
        return Result(file, reading, findings=judge(reading, today=datetime.now(UTC).date(), folder=rules))
    except IntakeRefused as refused:
        return Result(file, None, str(refused))


def _plain(value: object) -> object:
    return value if isinstance(value, (str, bool)) or value is None else str(value)


def shown(result: Result) -> RenderableType:
    name = Text(str(result.file), style="bold")
    if result.reading is None:
        return Group(name, Text(f"  {result.refusal}\n", style="red"))
    return Group(name, *_parts(result, result.reading), Text())


def _parts(result: Result, reading: Reading) -> Iterator[RenderableType]:
    invoice = reading.invoice
    if invoice is None:
        if not reading.suggestions:
            yield Text("  PDF without XML: its fields are to be typed. The pages suggest nothing.")
            return
        yield Text("  PDF without XML: its fields are to be typed. The pages suggest:")
        yield _table(
            ["", "value", "as it stands there", "page", "line"],
            [[FIELDS[s.field], s.value, s.text, str(s.page), str(s.line)] for s in reading.suggestions],
            numbers={3, 4},
        )
        return
    inside = f" ({reading.xml_name})" if reading.xml_name else ""
    yield _facts(invoice, f"{FORMS[reading.form]}{inside}, {SYNTAXES[invoice.syntax]}")
    if invoice.lines:
        yield _table(
            ["", "item", "quantity", "price", "tax", "net"],
            [_line(each) for each in invoice.lines],
            numbers={2, 3, 4, 5},
        )
    yield _totals(invoice)
    for finding in result.findings:
        times = f" ({finding.count} times)" if finding.count > 1 else ""
        where = f" In {place_said(finding.places[0], 'en')}." if finding.places else ""
        yield Text(
            f"  {finding.severity} {finding.rule}: {said(finding, 'en')}{where}{times}", style=STYLES[finding.severity]
        )
    for difference in reading.differences:
        pages = ", ".join(f"{each.text} (page {each.page})" for each in difference.page)
        yield Text(
            f"  The XML and the pages differ in the {FIELDS[difference.field]}: {difference.xml} and {pages}",
            style="yellow",
        )
    if reading.signature is not None:
        by = f" Certificate: {reading.signature.signer}." if reading.signature.signer else ""
        yield Text(f"  {reading.signature.sentence}{by}", style="green" if reading.signature.valid else "red")


def _facts(invoice: Invoice, form: str) -> Table:
    grid = Table.grid(padding=(0, 2))
    facts = (
        ("", f"{invoice.kind.capitalize()} {invoice.number}"),
        ("issued", str(invoice.issued_on)),
        ("due", str(invoice.due_on or "")),
        ("seller", _party(invoice.seller)),
        ("buyer", _party(invoice.buyer)),
        ("order", invoice.order),
        ("contract", invoice.contract),
        ("reference", invoice.buyer_reference),
        ("corrects", ", ".join(each.number for each in invoice.preceding)),
        ("pay to", ", ".join(each.account for each in invoice.payment_means if each.account)),
        ("terms", invoice.payment_terms),
        ("read as", form),
        ("rules", invoice.specification),
    )
    for label, value in facts:
        if value:
            grid.add_row(Text(f"  {label}", style="dim"), Text(value))
    return grid


def _party(party: Party) -> str:
    number = party.vat_id or party.tax_number or (party.legal_id.value if party.legal_id else "")
    return ", ".join(each for each in (party.name, number, party.address.city, party.address.country) if each)


def _line(line: Line) -> list[str]:
    quantity = f"{line.quantity.value} {line.quantity.unit}".strip() if line.quantity else ""
    tax = line.tax
    rate = "" if tax is None else f"{tax.code} {tax.rate}%" if tax.rate is not None else tax.code
    return [line.id, line.name or line.description, quantity, _number(line.price.net), rate, _number(line.net_amount)]


def _number(value: Decimal | None) -> str:
    return "" if value is None else f"{value:,f}"


def _totals(invoice: Invoice) -> Table:
    totals = invoice.totals
    rows = (
        ("lines", totals.lines),
        ("allowances", totals.allowances),
        ("charges", totals.charges),
        ("without tax", totals.without_tax),
        ("tax", totals.tax),
        ("with tax", totals.with_tax),
        ("prepaid", totals.prepaid),
        ("rounding", totals.rounding),
        ("payable", totals.payable),
    )
    grid = Table.grid(padding=(0, 2))
    grid.add_column()
    grid.add_column(justify="right")
    for label, value in rows:
        if value is not None:
            grid.add_row(
                Text(f"  {label}", style="dim"),
                Text(money(value, invoice.currency), style="bold" if label == "payable" else ""),
            )
    return grid


def _table(titles: list[str], rows: list[list[str]], *, numbers: set[int]) -> Table:
    table = Table(box=None, padding=(0, 2), show_edge=False)
    for index, title in enumerate(titles):
        table.add_column(f"  {title}" if not index else title, justify="right" if index in numbers else "left")
    for row in rows:
        table.add_row(*[Text(f"  {each}" if not index else each) for index, each in enumerate(row)])
    return table
