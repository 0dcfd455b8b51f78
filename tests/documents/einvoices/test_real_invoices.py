# ruff: noqa: E501  (a table reads better in one line a row)
"""Files of others, each with what a person reads in it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from lxml import etree

from documents.einvoices.reading import read, read_here
from documents.einvoices.xml import parsed
from documents.intake import IntakeRefused
from tests.support import corpus

# file: kind, number, day, currency, seller, lines, without tax, tax, with tax, payable
INVOICES = """
cii/CII-BR-CO-10-RoundingIssue.xml | invoice | 0 | 2021-03-26 | EUR | Seller GmbH | 4 | 0.00 | 0.00 | 0.00 | 0.00
cii/CII_example1.xml | invoice | 12115118 | 2015-01-09 | EUR | De Koksmaat | 20 | 229.6 | 20.73 | 250.33 | 250.33
cii/CII_example2.xml | invoice | TOSL108 | 2013-06-30 | NOK | Salescompany ltd. | 5 | 1436.5 | 365.28 | 1801.78 | 801.78
cii/CII_example3.xml | invoice | TOSL108 | 2013-04-10 | DKK | SubscriptionSeller | 1 | 900 | 225 | 1125 | 1125
cii/CII_example4.xml | invoice | TOSL110 | 2013-04-10 | DKK | SellerCompany | 3 | 4000 | 675 | 4675 | 4675
cii/CII_example5.xml | invoice | TOSL110 | 2013-04-10 | DKK | SellerCompany | 3 | 4000 | 675.00 | 4675 | 2337.5
ubl/ubl-tc434-creditnote1.xml | credit note | 018304 / 28865 | 2019-09-23 | EUR | My Supplier Company | 1 | 100.11 | 0.00 | 100.11 | 100.11
ubl/ubl-tc434-example1.xml | invoice | 12115118 | 2015-01-09 | EUR | De Koksmaat | 20 | 229.60 | 20.73 | 250.33 | 250.33
ubl/ubl-tc434-example2.xml | invoice | TOSL108 | 2013-06-30 | NOK | Salescompany ltd. | 5 | 1436.50 | 365.28 | 1801.78 | 801.78
ubl/ubl-tc434-example3.xml | invoice | TOSL108 | 2013-04-10 | DKK | SubscriptionSeller | 2 | 1700.00 | 305.00 | 2005.00 | 2005.00
ubl/ubl-tc434-example4.xml | invoice | TOSL110 | 2013-04-10 | DKK | SellerCompany | 3 | 4000.00 | 675.00 | 4675.00 | 4675.00
ubl/ubl-tc434-example5.xml | invoice | TOSL110 | 2013-04-10 | DKK | SellerCompany | 3 | 4000.00 | 675.00 | 4675.00 | 2337.50
xrechnung/01.01a-INVOICE_ubl.xml | invoice | 123456XX | 2016-04-04 | EUR | [Seller name] | 2 | 314.86 | 22.04 | 336.9 | 336.9
xrechnung/01.01a-INVOICE_uncefact.xml | invoice | 123456XX | 2016-04-04 | EUR | [Seller name] | 2 | 314.86 | 22.04 | 336.9 | 336.9
xrechnung/01.05a-INVOICE_ubl.xml | invoice | PRG1502112 | 2015-04-24 | EUR | [Seller name] | 4 | 8870 | 1685.3 | 10555.3 | 10555.3
xrechnung/01.05a-INVOICE_uncefact.xml | invoice | PRG1502112 | 2015-04-24 | EUR | [Seller name] | 4 | 8870 | 1685.3 | 10555.3 | 10555.3
xrechnung/01.10a-INVOICE_ubl.xml | invoice | Rechnungsnummer | 2016-06-27 | EUR | [Seller name] | 1 | 2180 | 414.2 | 2594.2 | 2594.2
xrechnung/01.10a-INVOICE_uncefact.xml | invoice | Rechnungsnummer | 2016-06-27 | EUR | [Seller name] | 1 | 2180 | 414.2 | 2594.2 | 2594.2
facturx/Avoir_FR_type381_BASIC.pdf | credit note | AV-2017-0005 | 2017-11-16 | EUR | Au bon moulin | 2 | 218.48 | 14.99 | 233.47 | 233.47
facturx/EN16931_Einfach.pdf | invoice | 471102 | 2018-03-05 | EUR | Lieferant GmbH | 2 | 473.00 | 56.87 | 529.87 | 529.87
facturx/EN16931_Gutschrift.pdf | invoice | 471102 | 2018-03-05 | EUR | Lieferant GmbH | 2 | 473.00 | 56.87 | 529.87 | 529.87
facturx/EN16931_Miete.pdf | invoice | 9314110911/00/M/00/N | 2018-10-01 | EUR | MUSTER-Autovermietung | 6 | 286.52 | 54.44 | 340.96 | 340.96
facturx/EN16931_Rabatte.pdf | invoice | 471102 | 2018-06-05 | EUR | Lieferant GmbH | 4 | 193.77 | 21.30 | 215.07 | 165.07
facturx/Facture_UE_BASICWL.pdf | invoice | FA-2017-0008 | 2017-11-03 | EUR | Au bon moulin | 0 | 2076.76 | 0.00 | 2076.76 | 1453.76
facturx/XRECHNUNG_Einfach.pdf | invoice | 471102 | 2018-03-05 | EUR | Lieferant GmbH | 2 | 473.00 | 56.87 | 529.87 | 529.87
facturx/ZUGFeRD_1p0_COMFORT_Einfach.pdf | invoice | 471102 | 2013-03-05 | EUR | Lieferant GmbH | 2 | 473.00 | 56.87 | 529.87 | 529.87
facturx/zugferd_2p0_EXTENDED_Fremdwaehrung.pdf | invoice | 47110815 | 2018-10-31 | GBP | Rohstoff AG Salzgitter | 1 | 858.75 | 163.16 | 1021.91 | 521.91
"""
ROWS = [[each.strip() for each in row.split("|")] for row in INVOICES.strip().splitlines()]
FORMS = {"cii": "xml", "ubl": "xml", "xrechnung": "xml", "facturx": "hybrid"}


def file(name: str) -> Path:
    (found,) = corpus.require("invoices", name)
    return found


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_it_is_read_as_a_person_reads_it(row: list[str]) -> None:
    name, kind, number, day, currency, seller, lines, *amounts = row

    reading = read_here(file(name).read_bytes())

    invoice = reading.invoice
    assert invoice is not None
    assert reading.form == FORMS[name.partition("/")[0]]
    assert (invoice.kind, invoice.number, str(invoice.issued_on), invoice.currency) == (kind, number, day, currency)
    assert invoice.seller.name == seller
    assert len(invoice.lines) == int(lines)
    totals = invoice.totals
    assert [totals.without_tax, totals.tax, totals.with_tax, totals.payable] == [Decimal(each) for each in amounts]
    assert invoice.unread == (), "all of its money was understood"
    assert reading.differences == (), "its pages say the same"


def test_no_file_of_the_collection_is_left_out() -> None:
    there = {
        f"{each.parent.name}/{each.name}" for each in corpus.require("invoices", "*/*") if each.parent.name != "broken"
    }
    assert there == {row[0] for row in ROWS}


def test_a_broken_one_is_refused_with_its_reason() -> None:
    """Its day is said to have the format 1020, which does not exist; it names no currency either."""
    with pytest.raises(IntakeRefused) as refused:
        read(file("broken/fail1.pdf").read_bytes())

    assert str(refused.value) == "The invoice's day cannot be read: 20141008 (format 1020)."


def test_the_child_reads_what_is_read_here() -> None:
    for name in ("ubl/ubl-tc434-example5.xml", "facturx/zugferd_2p0_EXTENDED_Fremdwaehrung.pdf"):
        data = file(name).read_bytes()
        assert read(data) == read_here(data)


def test_the_details_of_an_extended_invoice_in_a_foreign_currency() -> None:
    invoice = read_here(file("facturx/zugferd_2p0_EXTENDED_Fremdwaehrung.pdf").read_bytes()).invoice

    assert invoice is not None
    assert (invoice.tax_currency, invoice.tax_in_tax_currency) == ("EUR", Decimal("183.14"))
    assert (invoice.totals.allowances, invoice.totals.charges) == (Decimal("21.25"), Decimal(30))
    assert sum(each.amount or 0 for each in invoice.allowances) == Decimal("21.25")
    assert sum(each.amount or 0 for each in invoice.charges) == Decimal(30), "freight counts among the charges"


def test_both_syntaxes_of_one_invoice_say_the_same() -> None:
    """What is not theirs to say alike: the written number of decimals, and the syntax."""
    for number in ("01.01a", "01.05a", "01.10a"):
        ubl = read_here(file(f"xrechnung/{number}-INVOICE_ubl.xml").read_bytes()).invoice
        cii = read_here(file(f"xrechnung/{number}-INVOICE_uncefact.xml").read_bytes()).invoice
        assert ubl is not None
        assert cii is not None
        assert ubl.seller == cii.seller
        assert ubl.buyer == cii.buyer
        assert ubl.totals == cii.totals
        assert ubl.taxes == cii.taxes
        assert [each.net_amount for each in ubl.lines] == [each.net_amount for each in cii.lines]
        assert [each.quantity for each in ubl.lines] == [each.quantity for each in cii.lines]
        assert ubl.buyer_reference == cii.buyer_reference
        assert [each.account for each in ubl.payment_means] == [each.account for each in cii.payment_means]


MONEY = ("Amount", "Percent", "Quantity", "MultiplierFactorNumeric")


@pytest.mark.parametrize("name", [row[0] for row in ROWS])
def test_no_amount_can_change_unnoticed(name: str) -> None:
    """Each number of the file in turn is made another one: what is read must differ, or tell of it."""
    reading = read_here(file(name).read_bytes())
    root = parsed(reading.xml)
    numbers = [each for each in root.iter(etree.Element) if etree.QName(each).localname.endswith(MONEY) and each.text]
    assert numbers

    unnoticed = []
    for each in numbers:
        before, each.text = each.text, "7654.321"
        if read_here(etree.tostring(root)).invoice == reading.invoice:
            unnoticed.append(root.getroottree().getelementpath(each))
        each.text = before
    assert unnoticed == []
