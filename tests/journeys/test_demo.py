"""`signoff demo` on a running system: a contract to its seal, an invoice to its payment and into a spreadsheet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.support.system import running_system

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.parametrize("locale", ["en", "ko"])
def test_the_demo_carries_a_contract_and_an_invoice_to_their_ends(tmp_path: Path, locale: str) -> None:
    with running_system(tmp_path / "home") as system:
        done = system.command("demo", "--json", "--url", system.base, "--locale", locale)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["verdict"], told["signatures"]) == ("sealed", 4)
    assert len(told["steps"]) == 12
    invoice = told["invoice"]
    assert (invoice["state"], invoice["payable"], invoice["currency"]) == ("released", "2796.50", "EUR")
    assert len(invoice["steps"]) == 7
    rows = [row for sheet in load_workbook(invoice["spreadsheet"]) for row in sheet.iter_rows(values_only=True)]
    assert any(invoice["supplier_number"] in row for row in rows)
