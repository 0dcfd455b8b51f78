"""The official rules: found in real invoices, said in sentences, kept from files and networks, bounded in time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from lxml import etree

from documents.einvoices import official, rule_sentences, samples
from documents.einvoices.finding_words import place_said, said
from documents.einvoices.findings import Finding, blocks, from_json, to_json
from documents.einvoices.reading import read_here
from documents.einvoices.svrl import PARTS, place_of
from documents.intake import IntakeLimits, IntakeRefused
from documents.rendering import sentence
from tests.support import corpus, einvoices
from tests.support.rules import rules_without_end, stylesheet

EN = "urn:cen.eu:en16931:2017"
FOUND = """
cii/CII-BR-CO-10-RoundingIssue.xml | PEPPOL-EN16931-R008 warning, FX-SCH-A-000556 error
cii/CII_example1.xml | PEPPOL-EN16931-R008 warning
cii/CII_example2.xml |
cii/CII_example3.xml | PEPPOL-EN16931-R008 warning
cii/CII_example4.xml |
cii/CII_example5.xml | profile warning
facturx/Avoir_FR_type381_BASIC.pdf | PEPPOL-EN16931-R008 warning, FX-SCH-A-000026 error, profile warning
facturx/EN16931_Einfach.pdf |
facturx/EN16931_Gutschrift.pdf |
facturx/EN16931_Miete.pdf |
facturx/EN16931_Rabatte.pdf | PEPPOL-EN16931-R008 warning
facturx/Facture_UE_BASICWL.pdf | BR-IC-11 error, BR-IC-12 error, profile warning
facturx/XRECHNUNG_Einfach.pdf | CII-SR-465 error
facturx/ZUGFeRD_1p0_COMFORT_Einfach.pdf |
facturx/zugferd_2p0_EXTENDED_Fremdwaehrung.pdf | FX-SCH-A-000704 error, FX-SCH-A-000973 error, FX-SCH-A-001137 error
ubl/ubl-tc434-creditnote1.xml |
ubl/ubl-tc434-example1.xml |
ubl/ubl-tc434-example2.xml |
ubl/ubl-tc434-example3.xml |
ubl/ubl-tc434-example4.xml |
ubl/ubl-tc434-example5.xml |
xrechnung/01.01a-INVOICE_ubl.xml |
xrechnung/01.01a-INVOICE_uncefact.xml | PEPPOL-EN16931-R008 warning
xrechnung/01.05a-INVOICE_ubl.xml |
xrechnung/01.05a-INVOICE_uncefact.xml |
xrechnung/01.10a-INVOICE_ubl.xml |
xrechnung/01.10a-INVOICE_uncefact.xml |
"""
"""CII-BR-CO-10-RoundingIssue says of itself a profile of ZUGFeRD 1 (comfort), which CII D16B does not know; its sums
are right, which is what it was made to show. The French credit note names its profile with colons instead of #, the
one of the Union lacks day and country of delivery; the first XRechnung has two contact names (BT-41), and the one in
a foreign currency uses codes of allowances that have been taken out of the lists."""
ROWS = [[each.strip() for each in row.split("|")] for row in FOUND.strip().splitlines()]


@pytest.fixture(autouse=True, scope="module")
def _no_processes_left() -> Iterator[None]:
    yield
    official.stop()


def check(xml: bytes, folder: Path | None = None, limits: IntakeLimits = official.ORDINARY) -> tuple[Finding, ...]:
    reading = read_here(xml)
    assert reading.invoice is not None
    invoice = reading.invoice
    return official.check(
        reading.xml,
        syntax=invoice.syntax,
        specification=invoice.specification,
        kind=invoice.kind,
        folder=folder,
        limits=limits,
    )


@pytest.mark.parametrize(("name", "expected"), ROWS, ids=[name for name, _ in ROWS])
def test_the_rules_find_in_real_invoices_what_is_wrong_with_them(name: str, expected: str) -> None:
    (file,) = corpus.require("invoices", name)
    found = {f"{each.rule} {each.severity}" for each in check(file.read_bytes())}
    assert found == {each.strip() for each in expected.split(",") if each}


def test_no_real_invoice_is_left_out() -> None:
    there = {f"{each.parent.name}/{each.name}" for each in corpus.require("invoices", "*/*")}
    assert there - {name for name, _ in ROWS} == {"broken/fail1.pdf"}, "which cannot be read"


def test_a_wrong_sum_is_said_in_the_readers_language() -> None:
    (file,) = corpus.require("invoices", "ubl/ubl-tc434-example3.xml")
    wrong = etree.fromstring(file.read_bytes())
    total = wrong.find(".//{*}LegalMonetaryTotal/{*}LineExtensionAmount")
    assert total is not None
    total.text = "1.00"

    found = {each.rule: each for each in check(etree.tostring(wrong))}

    assert said(found["BR-CO-10"], "en") == "The sum of the lines is not what the lines add up to."
    assert said(found["BR-CO-10"], "ko") == "품목 합계가 품목 금액을 더한 값과 다릅니다."
    assert found["BR-CO-10"].text.startswith("Sum of Invoice line net amount (BT-106) ="), "the rule's own words stay"
    (place,) = found["BR-CO-10"].places
    assert (place.path, place_said(place, "en"), place_said(place, "ko")) == (
        "Invoice/LegalMonetaryTotal",
        "the totals",
        "합계",
    )
    assert place.line is not None
    assert blocks(found.values())


def test_a_line_is_named_by_its_place() -> None:
    (file,) = corpus.require("invoices", "ubl/ubl-tc434-example3.xml")
    wrong = etree.fromstring(file.read_bytes())
    for name in wrong.findall(".//{*}InvoiceLine/{*}Item/{*}Name")[:2]:
        parent = name.getparent()
        assert parent is not None
        parent.remove(name)

    (found,) = [each for each in check(etree.tostring(wrong)) if each.rule == "BR-25"]

    assert found.count == 2
    assert [place_said(each, "en") for each in found.places] == ["line 1", "line 2"]
    assert [place_said(each, "ko") for each in found.places] == ["1번째 품목", "2번째 품목"]


def test_what_the_schema_forbids_is_told_with_its_line() -> None:
    xml = f"{einvoices.UBL_START}\n<cbc:Nonsense/></Invoice>".encode()
    (found, *_) = official.check(xml, syntax="ubl", specification=EN)
    assert (found.rule, found.severity) == ("schema", "error")
    assert [place.line for place in found.places] == [2]
    assert "Nonsense" in found.text


def test_a_sparse_invoice_is_told_all_that_it_lacks() -> None:
    found = {each.rule for each in check(einvoices.ubl())}
    assert {"BR-01", "BR-07", "BR-08", "BR-10", "BR-26", "BR-CO-04", "BR-CO-18"} <= found


def test_nobody_publishes_rules_for_korean_invoices() -> None:
    assert check(einvoices.korean()) == ()


def test_a_finding_that_was_kept_is_the_same_finding() -> None:
    for each in check(einvoices.cii()):
        assert from_json(to_json(each)) == each


@pytest.mark.parametrize(
    ("specification", "profile"),
    [
        ("", "en16931"),
        (EN, "en16931"),
        (f"{EN}#compliant#urn:xeinkauf.de:kosit:xrechnung_3.0", "en16931"),
        (f"{EN}#conformant#urn:factur-x.eu:1p0:extended", "extended"),
        (f"{EN}#conformant#urn:zugferd.de:2p0:extended", "extended"),
        (f"{EN}#compliant#urn:factur-x.eu:1p0:basic", "basic"),
        ("urn:factur-x.eu:1p0:basicwl", "basicwl"),
        ("urn:factur-x.eu:1p0:minimum", "minimum"),
        (f"{EN}#conformant#urn.cpro.gouv.fr:1p0:extended-ctc-fr", "extended-ctc-fr"),
        (f"{EN}#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0", "en16931"),
    ],
)
def test_the_profile_is_known_by_the_specification(specification: str, profile: str) -> None:
    assert official.profile(specification) == profile


def test_every_rule_that_people_meet_has_its_sentence_in_both_languages() -> None:
    rules: dict[str, str] = {}
    for folder in ("ubl-2.1/EN16931-UBL-validation.xslt", "facturx-en16931/FACTUR-X_EN16931.xslt"):
        for told in etree.parse(official._shipped() / folder).iter("{http://purl.oclc.org/dsdl/svrl}text"):
            number, _, text = " ".join("".join(map(str, told.itertext())).split()).partition("]")
            if number.startswith("[BR-"):
                rules[number[1:]] = text
    assert len(rules) > 200

    without = {rule for rule, text in rules.items() if rule_sentences.sentence_of(rule, text) is None}

    assert not without


def test_the_words_of_rules_are_all_translated() -> None:
    words = [
        *rule_sentences.RULES.values(),
        *rule_sentences.CATEGORY_RULES.values(),
        *(name for _, name in rule_sentences.CATEGORIES.values()),
        *rule_sentences.DECIMALS.values(),
        *rule_sentences.CODES.values(),
        *(each for _, each in rule_sentences._PROFILES),
        rule_sentences.TOO_MANY_DECIMALS,
        rule_sentences.NO_CODE,
        rule_sentences.SURPLUS,
        *PARTS.values(),
    ]
    assert [each for each in words if sentence(each, "ko") == each] == []


@pytest.mark.parametrize(
    "location",
    [
        "/*:Invoice[namespace-uri()='urn:i'][1]/*:InvoiceLine[namespace-uri()='urn:a'][2]/*:Price[namespace-uri()='urn:a'][1]",
        "/*[local-name()='Invoice']/*[local-name()='InvoiceLine'][2]/*[local-name()='Price']",
        "/ubl:Invoice[1]/cac:InvoiceLine[2]/cac:Price[1]",
        "/Q{urn:i}Invoice[1]/Q{urn:a}InvoiceLine[2]/Q{urn:a}Price[1]",
    ],
)
def test_places_are_read_in_each_way_that_rules_write_them(location: str) -> None:
    root = etree.fromstring(
        "<Invoice xmlns='urn:i' xmlns:a='urn:a'>\n<a:InvoiceLine/>\n<a:InvoiceLine>\n"
        "<a:Price/></a:InvoiceLine></Invoice>"
    )
    place = place_of(location, root)
    assert (place.path, place.line, place.part, place.number) == (
        "Invoice/InvoiceLine[2]/Price",
        4,
        "line %(number)s",
        2,
    )


# further sets of rules


def failed(rule: str, text: str, flag: str = "fatal") -> str:
    return (
        f'<svrl:failed-assert id="{rule}" flag="{flag}" location="/ubl:Invoice[1]/cbc:ID[1]">'
        f"<svrl:text>{text}</svrl:text></svrl:failed-assert>"
    )


NO_H = failed("HOUSE-01", "[HOUSE-01]-Numbers begin with H.")
HOUSE = stylesheet(f"<xsl:if test=\"not(starts-with(/ubl:Invoice/cbc:ID, 'H'))\">{NO_H}</xsl:if>")


def rules_of(found: tuple[Finding, ...]) -> set[str]:
    return {each.rule for each in found}


def test_a_rule_of_ones_own_is_kept_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "house.xsl").write_text(HOUSE)

    assert "HOUSE-01" not in rules_of(check(einvoices.ubl(number="H-1"), tmp_path))
    (found,) = [each for each in check(einvoices.ubl(number="1"), tmp_path) if each.rule == "HOUSE-01"]

    assert (found.severity, said(found, "ko")) == ("error", "Numbers begin with H.")
    assert found.places[0].path == "Invoice/ID"


def test_a_folder_below_is_for_the_specification_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "peppol" / "ubl").mkdir(parents=True)
    (tmp_path / "peppol" / "ubl" / "peppol.xslt").write_text(HOUSE)
    (tmp_path / "peppol" / "readme.txt").write_text("not a rule")
    peppol = f"{EN}#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"

    assert official.sets_in(tmp_path, "ubl", EN) == []
    assert official.sets_in(tmp_path, "cii", peppol) == [], "the rules are for UBL"
    (found,) = official.sets_in(tmp_path, "ubl", peppol)
    assert [each.name for each in found.stylesheets] == ["peppol.xslt"]


def test_a_rule_that_is_changed_is_read_anew(tmp_path: Path) -> None:
    rules = tmp_path / "house.xsl"
    rules.write_text(HOUSE)
    assert "HOUSE-01" in rules_of(check(einvoices.ubl(number="1"), tmp_path))
    rules.write_text(HOUSE.replace("HOUSE-01", "HOUSE-0002"))
    assert "HOUSE-0002" in rules_of(check(einvoices.ubl(number="1"), tmp_path))


def test_rules_may_include_others_beside_them(tmp_path: Path) -> None:
    (tmp_path / "part.xsl").write_text(
        '<xsl:stylesheet version="3.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
        '<xsl:variable name="letter" select="\'H\'"/></xsl:stylesheet>'
    )
    (tmp_path / "house.xsl").write_text(
        HOUSE.replace("'H'", "$letter").replace("<xsl:template", '<xsl:include href="part.xsl"/><xsl:template', 1)
    )
    assert "HOUSE-01" in rules_of(check(einvoices.ubl(number="1"), tmp_path))
    assert "HOUSE-01" not in rules_of(check(einvoices.ubl(number="H"), tmp_path))


def test_a_broken_rule_is_named_and_blocks(tmp_path: Path) -> None:
    (tmp_path / "broken.xsl").write_text(stylesheet('<xsl:value-of select="1 +"/>'))

    (found,) = [each for each in check(einvoices.ubl(), tmp_path) if each.rule == "rules"]

    assert found.severity == "error"
    assert said(found, "en").startswith("The rules in broken.xsl cannot be used: ")
    assert said(found, "ko").startswith("broken.xsl에 있는 규칙을 쓸 수 없습니다: ")


def test_a_folder_that_is_not_there_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(IntakeRefused, match="nowhere"):
        check(einvoices.ubl(), tmp_path / "nowhere")


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str]]]:
    """The address of a server, and what it has been asked for."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<secret>known</secret>")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", paths
        server.shutdown()
        thread.join()


REACHING = [
    "<xsl:value-of select=\"doc('{file}')\"/>",
    "<xsl:value-of select=\"document('secret.xml')\"/>",
    "<xsl:value-of select=\"document('{web}/a')\"/>",
    "<xsl:value-of select=\"unparsed-text('{file}')\"/>",
    "<xsl:value-of select=\"unparsed-text('{web}/b')\"/>",
    "<xsl:value-of select=\"json-doc('{web}/c')\"/>",
    "<xsl:value-of select=\"collection('{folder}?select=*.xml')\"/>",
    "<xsl:value-of select=\"if (doc-available('{file}')) then 'known' else ''\"/>",
    '<xsl:source-document href="{file}"><xsl:value-of select="."/></xsl:source-document>',
    "<xsl:evaluate xpath=\"'doc(&quot;{file}&quot;)'\"/>",
    "<xsl:value-of select=\"transform(map{{'stylesheet-location':'{file}'}})?output\"/>",
    "<xsl:value-of select=\"if (environment-variable('PATH')) then 'known' else ''\"/>",
    '<xsl:result-document href="{folder}/written.xml"><known/></xsl:result-document>',
]


@pytest.mark.parametrize("how", REACHING, ids=[each.partition("(")[0].rpartition(" ")[2] for each in REACHING])
def test_rules_reach_neither_files_nor_a_network(how: str, tmp_path: Path, asked: tuple[str, list[str]]) -> None:
    address, paths = asked
    (tmp_path / "secret.xml").write_text("<secret>known</secret>")
    before = sorted(tmp_path.iterdir())
    reach = how.format(file=(tmp_path / "secret.xml").as_uri(), folder=tmp_path.as_uri(), web=address)
    told = f'<svrl:failed-assert id="R"><svrl:text>told: {reach}</svrl:text></svrl:failed-assert>'
    (tmp_path / "reaching.xsl").write_text(stylesheet(told))

    found = check(einvoices.ubl(), tmp_path)

    assert {each.rule for each in found} & {"R", "rules"}, "the rule was run, or refused"
    assert not [each for each in found if "known" in said(each, "en")]
    assert paths == []
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "reaching.xsl"])


SMALL = IntakeLimits(memory_bytes=700_000_000, seconds=3)


def test_rules_that_never_end_are_ended(tmp_path: Path) -> None:
    (tmp_path / "endless.xsl").write_text(rules_without_end())
    started = time.monotonic()
    found = [each for each in check(einvoices.ubl(), tmp_path, SMALL) if each.rule == "rules"]
    assert [said(each, "en") for each in found] == [
        "The rules of the standard were not checked: that takes longer than 3 seconds."
    ]
    assert time.monotonic() - started < 40


def test_rules_that_take_all_memory_are_ended_alone(tmp_path: Path) -> None:
    greedy = "<xsl:value-of select=\"count(distinct-values(for $i in 1 to 100000000 return concat('x', $i, /)))\"/>"
    (tmp_path / "greedy.xsl").write_text(stylesheet(greedy))
    limits = IntakeLimits(memory_bytes=400_000_000, seconds=15)

    (found,) = [each for each in check(einvoices.ubl(), tmp_path, limits) if each.rule == "rules"]

    assert found.severity == "error"
    assert said(found, "en").startswith("The rules of the standard were not checked: ")


@pytest.mark.parametrize(
    "hostile",
    [
        b"<!DOCTYPE Invoice [<!ENTITY a 'x'>]><Invoice>&a;</Invoice>",
        b"<!DOCTYPE Invoice SYSTEM 'http://127.0.0.1:9/x.dtd'><Invoice/>",
        b"<?xml-stylesheet href='http://127.0.0.1:9/x.xsl' type='text/xsl'?><Invoice/>",
        b"<Invoice>" * 100_000 + b"</Invoice>" * 100_000,
        b"<Invoice " + b" ".join(b"a%d='1'" % n for n in range(200_000)) + b"/>",
        b"<Invoice",
    ],
    ids=["entity", "external", "stylesheet", "deep", "attributes", "broken"],
)
def test_xml_that_the_reader_would_refuse_reaches_no_rule(hostile: bytes) -> None:
    with pytest.raises(IntakeRefused):
        official.check(hostile, syntax="ubl", specification=EN)


def test_an_invoice_of_thousands_of_lines_is_checked_in_time() -> None:
    lines = [(f"Forklift {n}", "1", "1.00") for n in range(2000)]
    found = check(einvoices.ubl(lines=lines, net="2000.00", tax="380.00", total="2380.00"))
    without_price = next(each for each in found if each.rule == "BR-26")
    assert without_price.count == 2000
    assert len(without_price.places) == 20


@pytest.mark.parametrize(("sample", "syntax"), [(samples.UBL, "ubl"), (samples.CII, "cii")])
def test_rules_are_run_in_on_invoices_of_their_syntax(sample: str, syntax: str) -> None:
    reading = read_here(sample.strip().encode())
    assert reading.invoice is not None
    assert reading.invoice.syntax == syntax
    found = {each.rule for each in check(sample.strip().encode())}
    assert found & {"BR-CO-11", "BR-CO-15"}, "the rules about sums have been run"
