"""The invoices that the demo's supplier sends."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from api.demo_invoice import BILLED, ORDERED, factur_x
from documents.einvoices.data import Invoice
from documents.einvoices.reading import Reading, read_here
from workflows.invoices.rules import reckoned


@pytest.mark.parametrize("locale", ["en", "ko"])
@pytest.mark.parametrize(("price", "payable"), [(BILLED, "2915.50"), (ORDERED, "2796.50")])
def test_a_factur_x_of_the_demo_says_what_was_rented_and_breaks_no_rule(
    locale: str, price: Decimal, payable: str
) -> None:
    read = read_here(factur_x("NW & 7", "PO-<7>", price, locale))
    said = invoice_in(read)
    assert (said.number, said.order, said.currency) == ("NW & 7", "PO-<7>", "EUR")
    assert said.seller.name == "Nordwerk Maschinen GmbH"
    assert said.totals.payable == Decimal(payable)
    assert not reckoned(said, [], datetime.now(UTC).date())


def invoice_in(read: Reading) -> Invoice:
    assert read.invoice is not None
    return read.invoice
