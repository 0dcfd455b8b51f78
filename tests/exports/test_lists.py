"""Lists as spreadsheets at once, over the API and from the pages; on either database."""

from __future__ import annotations

import csv
import io
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook
from openpyxl.workbook import Workbook
from sqlmodel import col, update

from documents.rendering import Reader
from documents.spreadsheet import text_in_csv
from tests.exports.filled import invoices
from tests.invoices.samples import sound_ubl
from tests.support.office import Office
from tests.support.spreadsheets import midnight
from tests.support.web import Browser, token
from workflows.exports import rules
from workflows.exports.contract_sheets import TABLES as CONTRACT_TABLES
from workflows.exports.invoice_sheets import TABLES as INVOICE_TABLES
from workflows.exports.making import write
from workflows.exports.queries import chosen
from workflows.exports.rules import wanted
from workflows.invoices.model import Invoice, InvoiceLine
from workflows.parties.model import Membership


def workbook(web: TestClient, office: Office, name: str, address: str) -> Workbook:
    answer = web.get(address, headers=token(office, name))
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return load_workbook(io.BytesIO(answer.content))


def table(book: Workbook, sheet: str) -> list[dict[str, Any]]:
    """The rows of a sheet by its headings."""
    headings, *rows = book[sheet].iter_rows(values_only=True)
    return [dict(zip(map(str, headings), row, strict=True)) for row in rows]


def in_csv(web: TestClient, office: Office, name: str, address: str) -> list[dict[str, str]]:
    answer = web.get(address, headers=token(office, name))
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def hand_in(web: TestClient, office: Office, data: bytes, name: str = "dan") -> Any:
    answer = web.post(
        "/api/invoices", files={"file": ("invoice.xml", data, "application/xml")}, headers=token(office, name)
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_workbook_holds_invoices_with_their_lines_and_their_tax(office: Office, web: TestClient) -> None:
    made = hand_in(web, office, sound_ubl(net="1234.50"))
    book = workbook(web, office, "dan", "/api/invoices.xlsx")
    (head,) = table(book, "Invoices")
    assert (head["Number"], head["Supplier"], head["State"]) == (made["number"], "Aurora Leasing GmbH", "Being decided")
    assert head["Issued on"] == midnight(2026, 5, 27)
    assert (head["Without tax"], head["Tax"], head["To be paid"]) == (1234.5, 234.56, 1469.06)
    (line,) = table(book, "Lines")
    assert (line["Number"], line["Name"], line["Unit price"]) == (made["number"], "Forklift, one month", 1234.5)
    (tax,) = table(book, "Tax")
    assert (tax["Tax category"], tax["Tax rate, %"], tax["Taxable amount"], tax["Tax"]) == ("S", 19, 1234.5, 234.56)
    assert table(book, "Machines") == []


def test_amounts_show_the_decimals_of_their_currency(office: Office, web: TestClient) -> None:
    invoices(office, 1, currency="KRW", payable=Decimal(1100))
    invoices(office, 1, by="eve", currency="KWD", payable=Decimal("1.234"))
    page = workbook(web, office, "ada", "/api/invoices.xlsx")["Invoices"]
    (column,) = [cell.column_letter for cell in page[1] if cell.value == "To be paid"]
    assert sorted(page[f"{column}{row}"].number_format for row in (2, 3)) == ["#,##0", "#,##0.000"]


def test_machines_are_named_with_what_is_wrong_about_them(office: Office, web: TestClient) -> None:
    put = web.put(
        "/api/machines/FL-88412",
        json={"model": "H25", "location": "Incheon", "removed_on": "2026-03-03"},
        headers=token(office, "ada"),
    )
    assert put.status_code == 200, put.text
    hand_in(web, office, sound_ubl(name="Forklift FL-88412, one month"))
    (row,) = table(workbook(web, office, "dan", "/api/invoices.xlsx"), "Machines")
    assert (row["Serial number"], row["Model"], row["Location"]) == ("FL-88412", "H25", "Incheon")
    assert row["Removed on"] == midnight(2026, 3, 3)
    assert row["What differs"] == "Billed for the machine FL-88412, which was removed on 3 Mar 2026."


def test_a_serial_number_that_no_machine_has_is_named(office: Office, web: TestClient) -> None:
    (invoice,) = invoices(office, 1)
    with office.transaction() as session:
        session.exec(
            update(InvoiceLine).where(col(InvoiceLine.invoice_id) == invoice.id).values(serial_numbers=["0012", "X-9"])
        )
    rows = in_csv(web, office, "dan", "/api/invoices.csv?sheet=machines")
    assert [text_in_csv(each["Serial number"]) for each in rows] == ["0012", "X-9"]
    assert {each["What differs"] for each in rows} == {"No machine of this serial number is on the list."}


@pytest.mark.parametrize("sheet", ["invoices", "lines", "tax", "machines"])
def test_each_sheet_can_be_had_as_csv(office: Office, web: TestClient, sheet: str) -> None:
    hand_in(web, office, sound_ubl())
    book = workbook(web, office, "dan", "/api/invoices.xlsx")
    rows = in_csv(web, office, "dan", f"/api/invoices.csv?sheet={sheet}")
    assert len(rows) == len(table(book, sheet.capitalize()))


def test_nobody_gets_rows_that_they_may_not_see(office: Office, web: TestClient) -> None:
    invoices(office, 2, by="dan")
    invoices(office, 3, by="eve")
    for sheet, each in (("invoices", 1), ("lines", 1), ("tax", 1)):
        address = f"/api/invoices.csv?sheet={sheet}"
        assert len(in_csv(web, office, "dan", address)) == 2 * each
        assert len(in_csv(web, office, "eve", address)) == 3 * each
        assert len(in_csv(web, office, "mia", address)) == 0
        assert len(in_csv(web, office, "ada", address)) == 5 * each


def test_whoever_loses_a_right_while_it_is_written_gets_no_further_rows(office: Office) -> None:
    made = invoices(office, 2)
    ada, target = office.actor("ada"), io.BytesIO()
    seen: list[int] = []

    def written(count: int) -> None:
        seen.append(count)
        with office.transaction() as session:
            session.exec(update(Membership).where(col(Membership.person_id) == ada.id).values(name="nothing"))

    write(
        wanted("invoices", "xlsx"),
        [each.id for each in made],
        target,
        reading=office.reading,
        who=lambda _: office.actor("ada"),
        reader=Reader(),
        written=written,
    )
    book = load_workbook(target)
    assert len(table(book, "Invoices")) == 2
    assert table(book, "Lines") == []
    assert seen == [2, 2, 2, 2]


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ("", {"A-1", "A-2", "B-1"}),
        ("?state=paid", {"B-1"}),
        ("?supplier=bori", {"B-1"}),
        ("?due_before=2026-06-02", {"A-1", "A-2"}),
        ("?q=bori", {"B-1"}),
    ],
)
def test_the_filters_are_those_of_the_list(office: Office, web: TestClient, asked: str, numbers: set[str]) -> None:
    hand_in(web, office, sound_ubl(number="A-1"))
    hand_in(web, office, sound_ubl(number="A-2"))
    hand_in(web, office, sound_ubl(number="B-1").replace(b"Aurora Leasing GmbH", b"Bori Trading"))
    with office.transaction() as session:
        session.exec(update(Invoice).where(col(Invoice.supplier_number) == "B-1").values(state="paid"))
        session.exec(update(Invoice).values(due_on=date(2026, 6, 1)))
    listed = web.get(f"/api/invoices{asked}", headers=token(office, "dan")).json()["items"]
    assert {each["supplier_number"] for each in listed} == numbers
    rows = in_csv(web, office, "dan", f"/api/invoices.csv{asked}")
    assert [each["Supplier’s number"] for each in rows] == [each["supplier_number"] for each in listed]


def test_more_than_can_be_waited_for_is_refused_with_a_sentence(
    office: Office, web: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "AT_ONCE", 2)
    monkeypatch.setattr("api.spreadsheets.AT_ONCE", 2)
    invoices(office, 3)
    refused = web.get("/api/invoices.xlsx", headers={**token(office, "dan"), "Accept": "application/json"})
    assert refused.status_code == 422
    assert "These are more than 2 documents" in refused.json()["detail"]
    assert web.get("/api/invoices.xlsx?q=nothing", headers=token(office, "dan")).status_code == 200


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("/api/invoices.csv?sheet=people", "There is no sheet “people”; there are: invoices, lines, tax, machines."),
        ("/api/contracts.ods", "A spreadsheet is an XLSX or a CSV file."),
        ("/api/invoices.xlsx?state=lost", "There is no state “lost”."),
    ],
)
def test_what_cannot_be_had_is_refused(office: Office, web: TestClient, address: str, sentence: str) -> None:
    refused = web.get(address, headers={**token(office, "dan"), "Accept": "application/json"})
    assert (refused.status_code, refused.json()["detail"]) == (422, sentence)


def test_a_token_needs_the_scope_of_the_list(office: Office, web: TestClient) -> None:
    assert web.get("/api/invoices.csv", headers=token(office, "dan", "contracts:read")).status_code == 403
    assert web.get("/api/contracts.csv", headers=token(office, "dan", "invoices:read")).status_code == 403
    assert web.get("/api/invoices.csv").status_code == 401


def test_headings_and_words_are_in_the_readers_language(office: Office, web: TestClient) -> None:
    invoices(office, 1)
    (row,) = in_csv(web, office, "dan", "/api/invoices.csv?lang=ko")
    assert (row["공급자"], row["상태"], row["종류"]) == ("Aurora Leasing GmbH", "검토 완료", "송장")
    book = workbook(web, office, "dan", "/api/invoices.xlsx?lang=ko")
    assert book.sheetnames == ["송장", "품목", "세액", "기계"]


def test_contracts_are_a_sheet_too(office: Office, web: TestClient) -> None:
    made = office.contract(amount="60000", currency="EUR", ends_on="2027-05-31", title="=1+1")
    (row,) = table(workbook(web, office, "dan", "/api/contracts.xlsx"), "Contracts")
    assert (row["Number"], row["Amount"], row["Title"]) == (made.number, 60000, "=1+1")
    assert row["Ends on"] == midnight(2027, 5, 31)
    (line,) = in_csv(web, office, "dan", "/api/contracts.csv?party=")
    assert (line["Title"], line["Amount"], line["Ends on"]) == ("'=1+1", "60000.00", "2027-05-31")
    assert in_csv(web, office, "eve", "/api/contracts.csv") == []


@pytest.mark.parametrize("kind", ["invoices", "contracts"])
def test_the_page_of_a_list_offers_what_it_shows(office: Office, web: TestClient, kind: str) -> None:
    invoices(office, 1)
    office.contract()
    dan = Browser(web, "dan")
    addresses = [
        each.attributes["href"]
        for each in dan.open(f"/{kind}").all("a")
        if each.attributes.get("href", "").startswith((f"/{kind}.xlsx?", f"/{kind}.csv?"))
    ]
    assert len(addresses) == 2
    answer = web.get(addresses[0], headers={"Cookie": dan.cookie})
    assert answer.status_code == 200
    assert "attachment" in answer.headers["content-disposition"]
    assert load_workbook(io.BytesIO(answer.content)).sheetnames[0] == kind.capitalize()


@pytest.mark.parametrize(("kind", "tables"), [("invoices", INVOICE_TABLES), ("contracts", CONTRACT_TABLES)])
def test_each_sheet_has_as_many_cells_as_headings(
    office: Office, web: TestClient, kind: str, tables: dict[str, Any]
) -> None:
    invoices(office, 1)
    office.contract()
    dan = office.actor("dan")
    with office.reading() as session:
        ids = chosen(session, dan, wanted(kind, "xlsx"), today=office.now.date(), most=10)
        assert len(ids) == 1
        for each in tables.values():
            for row in each.rows(session, dan, ids, Reader()):
                assert len(row) == len(each.headings)
