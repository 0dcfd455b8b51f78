"""The rules of XRechnung and Peppol as they are published: whom they are for, what they find, how it is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree

from documents.einvoices import official
from documents.einvoices.data import Syntax
from documents.einvoices.finding_words import said
from documents.einvoices.findings import Finding, blocks
from documents.einvoices.reading import read_here
from documents.einvoices.rule_sentences import sentence_of
from documents.einvoices.svrl import SVRL, broken_rules
from tests.support import corpus, einvoices, parts
from tests.support.whole_invoices import (
    CLEAN_VEHICLES,
    EN,
    EXTENSION,
    PEPPOL,
    SELF_BILLING,
    XRECHNUNG,
    changed,
    whole_ubl,
)

XSL = "{http://www.w3.org/1999/XSL/Transform}"
COUNTRIES = ("DK-R-", "GR-R-", "GR-S-", "IS-R-", "IT-R-", "NL-R-", "NO-R-", "SE-R-")


@pytest.fixture(scope="module")
def sets() -> Iterator[Path]:
    yield parts.require("rule sets")
    official.stop()


@pytest.fixture(autouse=True, scope="module")
def _no_processes_left() -> Iterator[None]:
    yield
    official.stop()


def check(data: bytes, folder: Path | None = None) -> dict[str, Finding]:
    """Each number is told once."""
    reading = read_here(data)
    assert reading.invoice is not None
    invoice = reading.invoice
    found = official.check(
        reading.xml,
        syntax=invoice.syntax,
        specification=invoice.specification,
        kind=invoice.kind,
        folder=folder,
    )
    told = {each.rule: each for each in found}
    assert len(told) == len(found)
    return told


def names(folder: Path, syntax: Syntax, specification: str) -> list[str]:
    return [one.name for each in official.sets_in(folder, syntax, specification) for one in each.stylesheets]


def test_each_set_is_for_its_specification_and_its_syntax(sets: Path) -> None:
    assert names(sets, "ubl", XRECHNUNG) == names(sets, "ubl", EXTENSION) == ["XRechnung-UBL-validation.xslt"]
    assert names(sets, "cii", XRECHNUNG) == names(sets, "cii", CLEAN_VEHICLES) == ["XRechnung-CII-validation.xslt"]
    assert names(sets, "ubl", PEPPOL) == ["CEN-EN16931-UBL.xslt", "PEPPOL-EN16931-UBL.xslt"]
    assert names(sets, "cii", PEPPOL) == [], "Peppol publishes none for CII"
    for other in (EN, "", SELF_BILLING, f"{EN}#compliant#urn:xoev-de:kosit:standard:xrechnung_2.1"):
        assert names(sets, "ubl", other) == names(sets, "cii", other) == []


@pytest.mark.parametrize("credit", [False, True], ids=["invoice", "credit note"])
@pytest.mark.parametrize("specification", [XRECHNUNG, EXTENSION, PEPPOL])
def test_an_invoice_that_keeps_them_breaks_none(specification: str, credit: bool, sets: Path) -> None:
    assert check(whole_ubl(specification, credit=credit), sets) == {}


# what they find

FOUND = """
xrechnung/01.01a-INVOICE_ubl.xml | BR-DE-TMP-32 information
xrechnung/01.01a-INVOICE_uncefact.xml | PEPPOL-EN16931-R008 warning, BR-DE-TMP-32 information
xrechnung/01.05a-INVOICE_ubl.xml |
xrechnung/01.05a-INVOICE_uncefact.xml |
xrechnung/01.10a-INVOICE_ubl.xml | BR-DE-TMP-32 information
xrechnung/01.10a-INVOICE_uncefact.xml | BR-DE-TMP-32 information
"""
ROWS = [[each.strip() for each in row.split("|")] for row in FOUND.strip().splitlines()]


@pytest.mark.parametrize(("name", "expected"), ROWS, ids=[name for name, _ in ROWS])
def test_the_publishers_own_invoices_are_as_good_as_they_say(name: str, expected: str, sets: Path) -> None:
    (file,) = corpus.require("invoices", name)
    found = {f"{each.rule} {each.severity}" for each in check(file.read_bytes(), sets).values()}
    assert found == {each.strip() for each in expected.split(",") if each}


def test_other_real_invoices_are_not_touched_by_them(sets: Path) -> None:
    for file in corpus.require("invoices", "*/*"):
        if file.parent.name not in ("xrechnung", "broken"):
            data = file.read_bytes()
            assert check(data, sets) == check(data), file.name


BROKEN = [
    (XRECHNUNG, ("<cbc:BuyerReference>04011000-12345-34</cbc:BuyerReference>", ""), "BR-DE-15", "error"),
    (XRECHNUNG, ("<cbc:Telephone>+49 40 1234567</cbc:Telephone>", ""), "BR-DE-6", "error"),
    (XRECHNUNG, (">+49 40 1234567<", ">1<"), "BR-DE-27", "warning"),
    (XRECHNUNG, ("202051", "202052"), "BR-DE-19", "warning"),
    (XRECHNUNG, (">30 days<", ">#SKONTO#TAGE=14#PROZENT=2#\n<"), "BR-DE-18", "error"),
    (XRECHNUNG, (" schemeID='9930'", ""), "BR-62", "error"),
    (PEPPOL, ("<cbc:BuyerReference>04011000-12345-34</cbc:BuyerReference>", ""), "PEPPOL-EN16931-R003", "error"),
    (PEPPOL, ("billing:01:1.0", "billing:1"), "PEPPOL-EN16931-R007", "error"),
    (PEPPOL, ("<cbc:Telephone>+49 40 1234567</cbc:Telephone>", ""), "DE-R-006", "error"),
    (PEPPOL, (">+49 40 1234567<", ">1<"), "DE-R-027", "warning"),
    (PEPPOL, ("schemeID='9930'>DE136695976", "schemeID='0088'>124"), "PEPPOL-COMMON-R040", "error"),
]


@pytest.mark.parametrize("credit", [False, True], ids=["invoice", "credit note"])
@pytest.mark.parametrize(
    ("specification", "change", "rule", "severity"),
    BROKEN,
    ids=[rule for _, _, rule, _ in BROKEN],
)
def test_a_broken_rule_is_found_and_weighs_what_it_says(
    specification: str, change: tuple[str, str], rule: str, severity: str, credit: bool, sets: Path
) -> None:
    found = check(changed(whole_ubl(specification, credit=credit), change), sets)
    assert found[rule].severity == severity


def test_a_rule_that_several_sets_bring_along_is_told_once(sets: Path) -> None:
    """Peppol's set repeats those of EN 16931, which are run on every invoice."""
    wrong = changed(
        whole_ubl(PEPPOL), ("<cbc:ID>2026-0001</cbc:ID>", ""), ("<cbc:Name>Forklift, one month</cbc:Name>", "")
    )
    alone = official.check(wrong, syntax="ubl", specification=PEPPOL)
    both = official.check(wrong, syntax="ubl", specification=PEPPOL, folder=sets)
    numbers = [each.rule for each in both]
    assert {"BR-02", "BR-25"} <= set(numbers)
    assert [each for each in numbers if each.startswith("BR-")] == [
        each.rule for each in alone if each.rule[:3] == "BR-"
    ]
    (first, second) = (next(each for each in found if each.rule == "BR-25") for found in (alone, both))
    assert (first.places, first.count) == (second.places, second.count)


# what weighs less where XRechnung is followed

LIGHTER = [
    (EN, "unitCode='QQQ'", "BR-CL-23", "error"),
    (PEPPOL, "unitCode='QQQ'", "BR-CL-23", "error"),
    (XRECHNUNG, "unitCode='QQQ'", "BR-CL-23", "warning"),
    (EXTENSION, "unitCode='QQQ'", "BR-CL-23", "warning"),
    (CLEAN_VEHICLES, "unitCode='QQQ'", "BR-CL-23", "warning"),
    (XRECHNUNG, "listID='CVD'", "BR-CL-13", "error"),
    (CLEAN_VEHICLES, "listID='CVD'", "BR-CL-13", "information"),
    (XRECHNUNG, "mimeCode='application/xml'", "BR-CL-24", "error"),
    (EXTENSION, "mimeCode='application/xml'", "BR-CL-24", "information"),
]
CHANGES = {
    "unitCode='QQQ'": ("unitCode='C62'", "unitCode='QQQ'"),
    "listID='CVD'": (
        "<cac:ClassifiedTaxCategory>",
        "<cac:CommodityClassification><cbc:ItemClassificationCode listID='CVD'>M1</cbc:ItemClassificationCode>"
        "</cac:CommodityClassification><cac:ClassifiedTaxCategory>",
    ),
    "mimeCode='application/xml'": (
        "<cac:AccountingSupplierParty>",
        "<cac:AdditionalDocumentReference><cbc:ID>1</cbc:ID><cac:Attachment><cbc:EmbeddedDocumentBinaryObject "
        "mimeCode='application/xml' filename='a.xml'>PGEvPg==</cbc:EmbeddedDocumentBinaryObject></cac:Attachment>"
        "</cac:AdditionalDocumentReference><cac:AccountingSupplierParty>",
    ),
}


@pytest.mark.parametrize(("specification", "change", "rule", "severity"), LIGHTER)
def test_what_a_specification_allows_does_not_block(specification: str, change: str, rule: str, severity: str) -> None:
    found = check(changed(whole_ubl(specification), CHANGES[change]))
    assert {each.rule: each.severity for each in found.values()} == {rule: severity}


def test_what_is_collected_for_others_belongs_to_the_amount_due_of_the_extension(sets: Path) -> None:
    more = (
        "<cac:PrepaidPayment><cbc:ID>Stadtwerke</cbc:ID><cbc:PaidAmount currencyID='EUR'>11.00</cbc:PaidAmount>"
        "<cbc:InstructionID>water</cbc:InstructionID></cac:PrepaidPayment><cac:TaxTotal>"
    )
    added = (("<cac:TaxTotal>", more), ("119.00</cbc:PayableAmount>", "130.00</cbc:PayableAmount>"))
    found = check(changed(whole_ubl(EXTENSION), *added), sets)
    assert found["BR-CO-16"].severity == "information"
    assert not blocks(found.values())
    assert check(changed(whole_ubl(XRECHNUNG), *added), sets)["BR-CO-16"].severity == "error"
    wrong = check(changed(whole_ubl(EXTENSION), added[0]), sets)
    assert wrong["BR-DEX-09"].severity == "error", "119.00 are not 119.00 and 11.00 for others"


def test_a_unit_of_cii_that_xrechnung_allows_does_not_block() -> None:
    """Factur-X has rules of its own for the code lists of EN 16931."""
    (file,) = corpus.require("invoices", "xrechnung/01.05a-INVOICE_uncefact.xml")
    root = etree.fromstring(file.read_bytes())
    for each in root.iter("{*}BilledQuantity"):
        each.set("unitCode", "QQQ")
    xrechnung = check(etree.tostring(root))
    for each in root.iter("{*}GuidelineSpecifiedDocumentContextParameter"):
        each[0].text = EN
    plain = check(etree.tostring(root))

    assert {each.severity for each in xrechnung.values()} == {"warning"}
    assert {each.severity for each in plain.values()} == {"error"}
    assert set(xrechnung) == set(plain)


def rules_in(sets: Path) -> dict[tuple[str, str], tuple[str, str]]:
    """Number and flag of each, with its words and the file's name."""
    found = {}
    for file in sets.rglob("*.xslt"):
        for told in etree.parse(file).iter(f"{SVRL}failed-assert", f"{SVRL}successful-report"):
            said = {each.get("name"): "".join(map(str, each.itertext())) for each in told.iter(f"{XSL}attribute")}
            for words in told.iterchildren(f"{SVRL}text"):
                text = " ".join("".join(map(str, words.itertext())).split())
                found[said.get("id", ""), said.get("flag", "")] = (text, file.name)
    return found


def test_every_rule_has_a_number_that_is_read_and_a_flag_that_is_known(sets: Path) -> None:
    rules = rules_in(sets)
    assert len(rules) > 700
    assert {flag for _, flag in rules} == {"fatal", "warning", "information"}
    root = etree.fromstring(b"<Invoice/>")
    for (number, flag), (text, _) in rules.items():
        report = etree.Element(f"{SVRL}schematron-output")
        broken = etree.SubElement(report, f"{SVRL}failed-assert", id=number, flag=flag, location="/Invoice")
        etree.SubElement(broken, f"{SVRL}text").text = text
        (finding,) = broken_rules(etree.tostring(report, encoding="unicode"), root)
        assert finding.rule == number, text
        assert f"[{number}]" not in finding.text


def test_every_rule_of_theirs_is_said_in_both_languages(sets: Path) -> None:
    """Those of single countries in their own words; the warnings of EN 16931 about its syntax as before."""
    without = {
        number
        for (number, _), (text, file) in rules_in(sets).items()
        if not number.startswith(COUNTRIES) and not file.startswith("CEN-") and sentence_of(number, text) is None
    }
    assert not without


def test_german_rules_are_said_in_the_readers_language(sets: Path) -> None:
    found = check(changed(whole_ubl(), ("<cbc:Telephone>+49 40 1234567</cbc:Telephone>", "")), sets)["BR-DE-6"]
    assert said(found, "en") == "The seller's contact has no telephone number."
    assert said(found, "ko") == "공급자 담당자의 전화번호가 없습니다."
    assert found.text == 'Das Element "Seller contact telephone number" (BT-42) muss übermittelt werden.'
    assert found.places[0].path == "Invoice/AccountingSupplierParty/Party/Contact"


def test_our_own_invoices_are_checked_by_them_to_the_end(sets: Path) -> None:
    for made in (einvoices.ubl(), einvoices.cii()):
        for specification in (XRECHNUNG, PEPPOL):
            root = etree.fromstring(made)
            reading = read_here(etree.tostring(root))
            assert reading.invoice is not None
            found = official.check(reading.xml, syntax=reading.invoice.syntax, specification=specification, folder=sets)
            assert found
            assert "rules" not in {each.rule for each in found}
