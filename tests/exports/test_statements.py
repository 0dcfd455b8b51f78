"""Statements of account that are too long to wait for: made in the background, as lists are; on either database."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from fastapi.testclient import TestClient
from openpyxl import load_workbook
from sqlmodel import col, select, update

from tests.exports.test_background import ask, done, kept
from tests.invoices.ledgers import book
from tests.support.office import Office, text_of
from tests.support.web import Browser, token
from workflows.exports.model import Export, ExportState
from workflows.invoices.model import Invoice, InvoiceState
from workflows.parties.model import Person

AURORA: dict[str, Any] = {"what": "statement", "side": "suppliers", "account": "aurora", "as_of": "2026-06-01"}


def file_of(office: Office, web: TestClient, made: dict[str, Any]) -> Any:
    answer = web.get(f"/api/exports/{made['id']}/file", headers=token(office, "dan"))
    assert answer.status_code == 200
    return load_workbook(io.BytesIO(answer.content))


def test_an_account_is_made_in_the_background_as_it_is_at_once(office: Office, web: TestClient) -> None:
    for number in range(3):
        book(office, f"{number + 1}.50", supplier_number=f"=S{number}")
    book(office, "9.00", state=InvoiceState.PAID, paid_on=date(2026, 4, 10), paid_amount=Decimal("9.00"))
    made = ask(web, office, **AURORA)
    assert (made["what"], made["format"], made["documents"]) == ("statement", "xlsx", None)
    assert done(office, made) is ExportState.READY
    told = web.get(f"/api/exports/{made['id']}", headers=token(office, "dan")).json()
    assert (told["documents"], told["progress"]) == (4, 1)
    assert told["file_name"] == "Aurora Leasing GmbH 2026-06-01.xlsx"
    (mail,) = office.deliver()
    assert mail["Subject"] == "Ready to download: Aurora Leasing GmbH 2026-06-01.xlsx"
    assert f"/exports/{made['id']}" in text_of(mail)
    at_once = web.get(
        "/api/statements/suppliers/aurora/file?format=xlsx&as_of=2026-06-01", headers=token(office, "dan")
    )
    now, later = load_workbook(io.BytesIO(at_once.content)), file_of(office, web, made)
    assert [list(sheet.values) for sheet in later.worksheets] == [list(sheet.values) for sheet in now.worksheets]


def test_all_accounts_are_made_in_the_background(office: Office, web: TestClient) -> None:
    for number in range(3):
        book(office, f"{number + 1}.50", supplier=f"S{number}", supplier_key=f"s{number}")
    made = ask(web, office, what="statement", side="suppliers", as_of="2026-06-01")
    assert done(office, made) is ExportState.READY
    (sheet,) = file_of(office, web, made).worksheets
    assert [row[:3] for row in list(sheet.values)[1:]] == [("S0", "EUR", 1.5), ("S1", "EUR", 2.5), ("S2", "EUR", 3.5)]
    assert kept(office, made).documents == 3


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({"side": "nobody"}, 422, "Statements of account are of suppliers or of customers."),
        ({"account": "birch"}, 404, "There is no such supplier."),
        ({"since": "2026-06-02"}, 422, "The period ends before it begins."),
        ({"format": "csv"}, 422, "A statement of account is an XLSX file."),
    ],
)
def test_what_cannot_be_made_is_refused_at_once(
    office: Office, web: TestClient, asked: dict[str, str], status: int, words: str
) -> None:
    book(office, "1.00")
    assert ask(web, office, status=status, **{**AURORA, **asked})["detail"] == words
    with office.reading() as session:
        assert session.exec(select(Export)).all() == []


def test_it_needs_the_right_to_read_invoices_and_holds_what_may_be_seen_when_it_is_made(
    office: Office, web: TestClient
) -> None:
    book(office, "1.00")
    book(office, "20.00", by="eve")
    narrow = {**token(office, "dan", "contracts:read"), "Accept": "application/json"}
    assert web.post("/api/exports", json=AURORA, headers=narrow).status_code == 403
    made = ask(web, office, **AURORA)
    assert ask(web, office, "eve", **AURORA)["id"] != made["id"]
    done(office, made)
    balances, _ = file_of(office, web, made).worksheets
    assert list(balances.values)[1][1] == 1
    gone = ask(web, office, **AURORA)
    with office.transaction() as session:
        session.exec(update(Invoice).where(col(Invoice.payable) == Decimal("1.00")).values(supplier_key="other"))
    assert done(office, gone) is ExportState.FAILED
    assert "There is no such supplier." in " ".join(text_of(office.deliver()[-1]).split())


@pytest.mark.parametrize("language", ["en", "ko"])
def test_pages_lead_from_a_long_statement_to_its_file(
    office: Office, web: TestClient, monkeypatch: pytest.MonkeyPatch, language: str
) -> None:
    monkeypatch.setattr("api.statement_files.MOST_ROWS", 2)
    with office.transaction() as session:
        session.exec(update(Person).where(col(Person.id) == office.people["dan"].id).values(locale=language))
    for number in range(3):
        book(office, "1.00", supplier_key=f"s{number}")
        book(office, "1.00")
    dan = Browser(web, "dan")
    documents, accounts = {"en": ("Number of documents", "Accounts"), "ko": ("문서 수", "거래처")}[language]
    for address, rows, counted in (
        ("/statements/suppliers/aurora/file?format=xlsx&as_of=2026-06-01", 3, documents),
        ("/statements/suppliers.xlsx?as_of=2026-06-01", 4, accounts),
    ):
        dan.open(address)
        dan.send("/exports")
        with office.reading() as session:
            export = session.exec(select(Export).order_by(col(Export.id).desc())).first()
        assert export is not None
        assert done(office, {"id": str(export.id)}) is ExportState.READY
        assert kept(office, {"id": str(export.id)}).documents == rows
        shown = dan.open(f"/exports/{export.id}").text
        assert "2026-06-01.xlsx" in shown
        assert f"{counted}{rows}".replace(" ", "") in shown.replace(" ", "")
        assert counted in text_of(office.deliver()[-1])
    answer = web.get("/api/statements/suppliers.xlsx", headers={**token(office, "dan"), "Accept": "application/json"})
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (422, "too-many-at-once")
