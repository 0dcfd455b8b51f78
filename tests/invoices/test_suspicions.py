"""What makes an invoice suspicious beside others."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from documents.einvoices import data
from documents.einvoices.finding_words import said
from documents.einvoices.findings import Finding
from workflows.columns import new_id
from workflows.invoices.model import Invoice
from workflows.invoices.rules import head_of
from workflows.invoices.suspicions import duplicate, other_account

DAY = date(2026, 5, 27)


def row(number: str = "2026-0001", *, day: date = DAY, payable: str = "119.00", here: str = "") -> Invoice:
    said = data.Invoice(
        kind="invoice",
        syntax="ubl",
        number=number,
        issued_on=day,
        currency="EUR",
        seller=data.Party("Aurora Leasing GmbH", vat_id="DE136695976"),
        totals=data.Totals(payable=Decimal(payable)),
    )
    return Invoice(number=here, organisation_id=new_id(), owner_id=new_id(), **head_of(said))


HERE = row(here="I-2026-0007")


def told(found: list[Finding]) -> list[tuple[str, str]]:
    return [(each.severity, said(each, "en")) for each in found]


@pytest.mark.parametrize("number", ["2026-0001", " 2026-0001  ", "2026/0001", "20260001", "2026 0001", "２０２６-0001"])
@pytest.mark.parametrize("payable", ["119.00", "1.00"])
def test_the_same_number_in_one_year_is_a_duplicate_however_it_is_written(number: str, payable: str) -> None:
    assert told(duplicate(row(number, day=date(2026, 1, 2), payable=payable), [HERE])) == [
        ("error", "It came before, as I-2026-0007: the same supplier, number and year.")
    ]


@pytest.mark.parametrize("number", ["2026-1", "2026/01", "20261"])
def test_a_number_that_differs_by_zeros_over_the_same_amount_is_a_reason_to_ask(number: str) -> None:
    sentence = "I-2026-0007 has the same day and amount, and almost the same number: 2026-0001 and %s."
    assert told(duplicate(row(number, payable="119"), [HERE])) == [("warning", sentence % number)]
    assert duplicate(row(number, payable="1.00"), [HERE]) == []
    assert duplicate(row(number, day=date(2026, 5, 28)), [HERE]) == []


def test_the_very_number_counts_before_one_that_is_almost_the_same() -> None:
    [found] = duplicate(row(), [row("2026-1", here="I-1"), HERE])
    assert (found.severity, found.values["number"]) == ("error", "I-2026-0007")


@pytest.mark.parametrize(
    "other",
    [row(day=date(2025, 5, 27)), row("2026-0002"), row("—")],
    ids=["numbers begin anew each year", "another number", "no number at all"],
)
def test_what_is_no_duplicate(other: Invoice) -> None:
    assert duplicate(other, [HERE, row("–", payable="1.00")]) == []


def test_suppliers_are_known_by_their_numbers_before_their_names() -> None:
    def key(seller: data.Party) -> str:
        return str(head_of(data.Invoice(kind="invoice", syntax="ubl", number="1", seller=seller))["supplier_key"])

    one = data.Party("Aurora Leasing GmbH", vat_id="DE 136 695 976")
    assert key(one) == key(data.Party("AURORA  LEASING", vat_id="DE136695976")) == "de136695976"
    assert key(data.Party("Ａurora Leasing")) == key(data.Party("aurora  leasing"))
    assert key(data.Party("A", legal_id=data.Identifier("HRB 1"))) == "hrb1"


def paid_to(*accounts: str) -> data.Invoice:
    means = tuple(data.PaymentMeans(account=each) for each in accounts)
    return data.Invoice(kind="invoice", syntax="ubl", number="1", payment_means=means)


@pytest.mark.parametrize(
    "now",
    [["DE02120300000000202051"], ["DE88100900001234567892", "DE02120300000000202051"]],
    ids=["in the place of the known one", "beside the known one"],
)
def test_an_account_that_the_last_invoice_did_not_name_is_a_reason_to_ask(now: list[str]) -> None:
    assert told(other_account(paid_to(*now), paid_to("DE88100900001234567892"), number="I-2026-0007")) == [
        (
            "warning",
            "It asks to be paid to DE02120300000000202051; the supplier's last invoice (I-2026-0007) named "
            "DE88100900001234567892. Ask the supplier, by a number that you know, before you pay.",
        )
    ]


@pytest.mark.parametrize(
    ("this", "last"),
    [
        (("DE02120300000000202051",), ("DE02 1203 0000 0000 2020 51",)),
        (("DE02120300000000202051",), ("DE88100900001234567892", "DE02120300000000202051")),
        ((), ("DE88100900001234567892",)),
        (("DE02120300000000202051",), ()),
    ],
    ids=["written otherwise", "one of several", "none now", "none before"],
)
def test_accounts_that_are_no_reason_to_ask(this: tuple[str, ...], last: tuple[str, ...]) -> None:
    assert other_account(paid_to(*this), paid_to(*last), number="I-1") == []
