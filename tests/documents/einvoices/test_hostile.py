"""XML that was made to hurt, or is broken: refused with a sentence, in bounded time and memory."""

from __future__ import annotations

import io
import resource
import time
from collections.abc import Callable

import pikepdf
import pytest

from documents.einvoices import official
from documents.einvoices.finding_words import said
from documents.einvoices.reading import read, read_here
from documents.einvoices.xml import harmless, parsed
from documents.intake import IntakeRefused
from tests.support import einvoices, pdfs
from tests.support.whole_invoices import EN, whole_ubl

INVOICE = einvoices.ubl()
BODY = INVOICE.partition(b"?>")[2]


def billion_laughs() -> bytes:
    entities = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
    return b'<!DOCTYPE x [<!ENTITY l0 "lol">' + entities + b"]>" + BODY.replace(b"2026-0001", b"&l9;")


def external_entity() -> bytes:
    return b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + BODY.replace(b"2026-0001", b"&e;")


def external_document_type() -> bytes:
    return b'<!DOCTYPE Invoice SYSTEM "http://127.0.0.1:9/x.dtd">' + BODY


def hidden_document_type() -> bytes:
    """Behind comments, instructions and another encoding."""
    return ("\ufeff<!-- a --><?b c?>\n" + external_entity().decode()).encode("utf-16")


def stylesheet() -> bytes:
    return b'<?xml-stylesheet type="text/xsl" href="http://127.0.0.1:9/x.xsl"?>' + BODY


def inclusion() -> bytes:
    return BODY.replace(
        b"<cbc:ID>", b'<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="/etc/passwd"/><cbc:ID>', 1
    )


def deep() -> bytes:
    return b"<a>" * 400_000 + b"</a>" * 400_000


def deeper_than_it_looks() -> bytes:
    return BODY.replace(b"<cac:TaxTotal>", b"<a>" * 300 + b"</a>" * 300 + b"<cac:TaxTotal>", 1)


def many_elements() -> bytes:
    return BODY.replace(b"<cac:TaxTotal>", b"<a/>" * 2_000_000 + b"<cac:TaxTotal>", 1)


def many_attributes() -> bytes:
    return b"<Invoice " + b"".join(b'a%d="" ' % n for n in range(1_000_000)) + b"/>"


def attributes_behind_a_sign() -> bytes:
    return b"<Invoice a='>' " + b"".join(b"a%d='>' " % n for n in range(1_000_000)) + b"/>"


def long_word() -> bytes:
    return BODY.replace(b"Aurora Leasing GmbH", b"9" * 3_000_000, 1)


def long_name() -> bytes:
    return BODY.replace(b"Aurora Leasing GmbH", "가나다 ".encode() * 900_000, 1)


def many_notes() -> bytes:
    note = b"<cbc:Note>" + b"word " * 9_000 + b"</cbc:Note>"
    return BODY.replace(b"<cbc:IssueDate>", note * 60 + b"<cbc:IssueDate>", 1)


def many_lines() -> bytes:
    line = b"<cac:InvoiceLine><cbc:ID>1</cbc:ID></cac:InvoiceLine>"
    return BODY.replace(b"<cac:InvoiceLine>", line * 20_001 + b"<cac:InvoiceLine>", 1)


def long_attribute() -> bytes:
    return b'<Invoice a="' + b"x" * 29_000_000 + b'"/>'


def huge_text() -> bytes:
    return BODY.replace(b"2026-0001", b"9" * 25_000_000, 1)


def too_large() -> bytes:
    return BODY + b" " * 30_000_000


HOSTILE = [
    billion_laughs,
    external_entity,
    external_document_type,
    hidden_document_type,
    stylesheet,
    inclusion,
    deep,
    deeper_than_it_looks,
    many_elements,
    many_attributes,
    attributes_behind_a_sign,
    long_attribute,
    huge_text,
    long_word,
    long_name,
    many_notes,
    many_lines,
    too_large,
]


@pytest.mark.parametrize("made", HOSTILE)
@pytest.mark.parametrize("wrapped", [False, True], ids=["alone", "in a PDF"])
def test_it_is_refused_soon_and_without_much_memory(made: Callable[[], bytes], wrapped: bool) -> None:
    data = made()
    if wrapped:
        data = einvoices.hybrid(data if b"xsd:Invoice-2" in data[:2000].replace(b"\x00", b"") else BODY + data)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    start = time.monotonic()

    with pytest.raises(IntakeRefused) as refused:
        read(data)

    assert refused.value.code in ("hostile", "too_costly", "too_large", "damaged", "not_invoice")
    assert time.monotonic() - start < 20
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss - before < 1_500_000


def test_a_bomb_inside_a_pdf_goes_off_alone() -> None:
    with pikepdf.open(io.BytesIO(einvoices.hybrid())) as pdf:
        (held,) = [each for each in pdf.objects if isinstance(each, pikepdf.Stream) and "/Type" in each]
        held.write(pdfs.packed(b"<a>" * 300_000, 4000), filter=pikepdf.Name.FlateDecode)
        written = io.BytesIO()
        pdf.save(written)
    start = time.monotonic()

    with pytest.raises(IntakeRefused) as refused:
        read(written.getvalue())

    assert refused.value.code in ("too_costly", "damaged"), "whichever the library says when memory ends"
    assert time.monotonic() - start < 30


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (
            external_entity,
            "The XML has a document type, by which entities can fetch or hide things. No invoice needs one.",
        ),
        (
            hidden_document_type,
            "The XML has a document type, by which entities can fetch or hide things. No invoice needs one.",
        ),
        (stylesheet, "The XML names a stylesheet, a program to be run on it. Please send it without."),
        (inclusion, "The XML wants other files to be included in it. Please send it whole."),
        (deeper_than_it_looks, "The XML is made so that reading it costs too much. No invoice looks like this."),
        (many_attributes, "The XML is made so that reading it costs too much. No invoice looks like this."),
        (too_large, "The XML is larger than 30 MB."),
    ],
)
def test_the_reason_is_said(made: Callable[[], bytes], sentence: str) -> None:
    with pytest.raises(IntakeRefused) as refused:
        read_here(made())

    assert str(refused.value) == sentence


def test_nothing_is_fetched_or_expanded_even_if_a_document_type_came_through() -> None:
    """The parser's own settings, without the look at the text before it."""
    root = parsed(b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>a&e;b</x>')

    assert "root:" not in "".join(str(text) for text in root.itertext())


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "The file is empty."),
        (b"hello", "The file is neither XML nor a PDF, so it cannot be read as an invoice."),
        (b"<a>\n\n<b></a>", "The XML is damaged in line 3."),
        (b"<html/>", "The XML is no invoice that is read here: its root is html."),
        (b"<?xml version='1.0' encoding='UTF-7'?><a/>", "The XML is written in utf-7, which is not read here."),
        (
            b"<?xml version='1.0' encoding='EUC-KR'?><a>\xff\xff</a>",
            "The XML is not written in euc-kr, as it should be.",
        ),
        (b"<a>\xff</a>", "The XML is not written in utf-8, as it should be."),
        (einvoices.ubl(number=""), "The invoice has no number."),
        (einvoices.ubl(day="2026-02-30"), "The invoice's day cannot be read: 2026-02-30."),
        (einvoices.ubl(day=""), "The invoice does not say on which day it was issued."),
        (einvoices.ubl(currency=""), "The invoice does not say in which currency its amounts are."),
        (einvoices.ubl(currency="eur"), "The invoice's currency cannot be read: eur."),
        (einvoices.ubl(currency="КZT"), "The invoice's currency cannot be read: КZT."),
        *(
            (made(total=amount), f"What is to be paid cannot be read: {amount}.")
            for made in (einvoices.ubl, einvoices.cii, einvoices.korean)
            for amount in ("NaN", "INF", "1e999", "1,5", "１００", "99999999999999999999")
        ),
        (einvoices.ubl(number="9" * 201), "The invoice's number is longer than 200 letters."),
        (einvoices.ubl(total="", payable=" "), "The invoice does not say what is to be paid."),
    ],
)
def test_what_is_no_invoice_is_refused_in_words(data: bytes, sentence: str) -> None:
    with pytest.raises(IntakeRefused) as refused:
        read_here(data)

    assert str(refused.value) == sentence


def test_a_pdf_with_a_password_asks_for_it() -> None:
    locked = pdfs.with_user_password("open sesame")

    with pytest.raises(IntakeRefused, match="protected with a password"):
        read_here(locked)
    assert read_here(locked, password="open sesame").form == "pdf"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "euc-kr", "iso-8859-1", "windows-1252"])
def test_an_invoice_is_read_in_whatever_it_is_written(encoding: str) -> None:
    name = "지게차 8대" if encoding == "euc-kr" else "Müller & Söhne"
    text = einvoices.ubl(lines=[(name.replace("&", "&amp;"), "1", "100.00")]).decode()
    data = text.replace("encoding='UTF-8'", f"encoding='{encoding.removesuffix('-sig')}'").encode(encoding)

    invoice = read_here(data).invoice

    assert invoice is not None
    assert invoice.lines[0].name == name


def test_harmless_text_is_what_was_written() -> None:
    """Signatures and rules go by it: only the declaration is gone."""
    assert harmless(INVOICE) == BODY
    assert harmless(b"\n" + INVOICE) == BODY


@pytest.mark.parametrize(("levels", "taken"), [(97, True), (98, False), (240, False)])
def test_an_invoice_is_as_deep_as_its_rules_can_go(levels: int, taken: bool) -> None:
    deep = b"<cac:SubInvoiceLine><cbc:ID>1</cbc:ID>" * levels + b"</cac:SubInvoiceLine>" * levels
    data = whole_ubl(EN).replace(b"<cac:Item>", deep + b"<cac:Item>")
    if taken:
        reading = read_here(data)
        assert reading.invoice is not None
        assert len(reading.invoice.lines) == 1 + levels
        found = official.check(reading.xml, syntax="ubl", specification=EN)
        official.stop()
        assert "rules" not in {each.rule for each in found}
    else:
        with pytest.raises(IntakeRefused, match="costs too much"):
            read_here(data)


def test_what_the_parser_of_the_rules_does_not_take_is_told_and_blocks() -> None:
    many = " ".join(f"a{number}=''" for number in range(400)).encode()
    reading = read_here(whole_ubl(EN).replace(b"<cac:Item>", b"<cac:Item " + many + b">"))
    found = official.check(reading.xml, syntax="ubl", specification=EN)
    official.stop()
    (told,) = [each for each in found if each.rule == "rules"]
    assert (told.severity, said(told, "en")[:56]) == (
        "error",
        "The rules of the standard could not be run to their end:",
    )


@pytest.mark.parametrize("made", [einvoices.ubl, whole_ubl])
def test_embedded_files_are_as_large_as_they_like(made: Callable[[], bytes]) -> None:
    file = b"<cbc:EmbeddedDocumentBinaryObject mimeCode='application/pdf' filename='a.pdf'>" + b"QUJD" * 500_000
    more = b"<cac:AdditionalDocumentReference><cbc:ID>1</cbc:ID><cac:Attachment>" + file
    more += b"</cbc:EmbeddedDocumentBinaryObject></cac:Attachment></cac:AdditionalDocumentReference>"
    before = b"<cac:AccountingSupplierParty>"
    invoice = read_here(made().replace(before, more * 3 + before)).invoice

    assert invoice is not None
    assert [each.size for each in invoice.attachments] == [1_500_000] * 3
