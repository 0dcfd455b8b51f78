"""The command line: what will not do is a sentence and exit status 1."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from api.cli import main
from documents.einvoices.as_json import from_json
from tests.support import einvoices


@pytest.mark.parametrize(
    "words",
    [
        ["routes", "check"],
        ["routes", "publish", "--by", "root@haneul.example"],
        ["rates", "load", "--by", "root@haneul.example"],
    ],
    ids=" ".join,
)
def test_a_file_that_is_no_text_is_refused_with_a_sentence(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rates.csv"
    file.write_bytes(b"day,base\xff")
    monkeypatch.setattr(sys, "argv", ["signoff", *words, str(file)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capfd.readouterr().err.strip() == "rates.csv is no text in UTF-8."


def read(files: list[Path], monkeypatch: pytest.MonkeyPatch, *more: str) -> int:
    monkeypatch.setattr(sys, "argv", ["signoff", "invoices", "read", *more, *map(str, files)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_invoices_are_read_and_printed_without_a_running_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    file, plain = tmp_path / "invoice.bin", tmp_path / "plain.pdf"
    file.write_bytes(einvoices.signed())
    plain.write_bytes(einvoices.with_page("Invoice number 4711"))
    monkeypatch.setenv("SIGNOFF_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/nothing")

    assert read([file, plain], monkeypatch) == 0
    printed = capfd.readouterr().out
    for each in ("Invoice 202605274100002000000001", "(주)새벽리스", "KRW 1,100,000", "The signature matches", "4711"):
        assert each in printed


def test_what_the_rules_find_is_printed_and_ends_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "invoice.pdf"
    file.write_bytes(einvoices.hybrid())

    assert read([file], monkeypatch) == 1
    printed = capfd.readouterr().out
    for each in ("Invoice 2026-0001", "PDF with XML inside (factur-x.xml)", "DE02120300000000202051", "error BR-01"):
        assert each in printed
    assert read([file], monkeypatch, "--json") == 1
    assert "BR-01" in {each["rule"] for each in json.loads(capfd.readouterr().out)["findings"]}


def test_invoices_are_printed_as_one_object_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_bytes(einvoices.signed())
    bad.write_bytes(b"<html/>")

    assert read([good, bad], monkeypatch, "--json") == 1
    first, second = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    invoice = from_json(first["invoice"])
    assert (invoice.currency, invoice.totals.payable) == ("KRW", Decimal(1100000))
    assert first["signature"]["valid"] is True
    assert second == {"file": str(bad), "refused": "The XML is no invoice that is read here: its root is html."}


@pytest.mark.parametrize(
    "data",
    [
        einvoices.ubl(more="<cac:AllowanceCharge><cbc:Amount>1e3</cbc:Amount></cac:AllowanceCharge>"),
        einvoices.signed().replace(b">1100000<", b">1900000<"),
    ],
    ids=["an amount that is no number", "changed after it was signed"],
)
def test_an_invoice_with_errors_ends_with_1(
    data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "invoice.xml"
    file.write_bytes(data)

    assert read([file], monkeypatch) == 1
    assert "Not a number: “1e3”" in (printed := capfd.readouterr().out) or "changed after it was signed" in printed
