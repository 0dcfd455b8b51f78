"""What a file is, its bytes decide."""

from __future__ import annotations

import pytest

from documents.sniffing import KindRefused, kind_of
from tests.discussions.files import compound, open_document, package, picture, word
from tests.support.pdfs import junk_before_the_header, plain_pdf

ODF = "application/vnd.oasis.opendocument."

TAKEN = {
    "a PDF": (plain_pdf(), "application/pdf", "pdf"),
    "a PDF after junk": (junk_before_the_header(), "application/pdf", "pdf"),
    "PNG": (picture("PNG"), "image/png", "png"),
    "JPEG": (picture("JPEG"), "image/jpeg", "jpg"),
    "GIF": (picture("GIF"), "image/gif", "gif"),
    "TIFF": (picture("TIFF"), "image/tiff", "tif"),
    "WebP": (picture("WEBP"), "image/webp", "webp"),
    "HEIC": (b"\0\0\0\x18ftypheic\0\0\0\0", "image/heic", "heic"),
    "RTF": (b"{\\rtf1 Hello}", "application/rtf", "rtf"),
    "Word": (word(), "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    "Excel": (
        package("_rels/.rels", "xl/workbook.xml", "[Content_Types].xml"),
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xlsx",
    ),
    "PowerPoint": (
        package("[Content_Types].xml", "ppt/presentation.xml"),
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "pptx",
    ),
    "OpenDocument": (open_document(ODF + "text"), ODF + "text", "odt"),
    "HWPX": (open_document("application/hwp+zip"), "application/hwp+zip", "hwpx"),
    "old Word": (compound("WordDocument"), "application/msword", "doc"),
    "old Excel": (compound("Workbook"), "application/vnd.ms-excel", "xls"),
    "HWP": (compound("FileHeader", "\x05HwpSummaryInformation"), "application/x-hwp", "hwp"),
    "office under a password": (compound("EncryptedPackage"), "application/x-ole-storage", "docx"),
    "text": ("Zeile\r\n둘\t3\n".encode(), "text/plain", "txt"),
    "text of Korean Windows": ("품목,수량\n지게차,8\n".encode("cp949"), "text/plain", "txt"),
    "text with a mark": ("품목".encode("utf-16"), "text/plain", "txt"),
    "XML": (b"<?xml version='1.0'?><Invoice/>", "text/plain", "txt"),
}
REFUSED = {
    "a program for Windows": b"MZ\x90\0\x03" + bytes(60),
    "a program for Linux": b"\x7fELF\x02\x01\x01" + bytes(60),
    "a zip": package("a.txt"),
    "a Java archive": package("META-INF/MANIFEST.MF", "A.class"),
    "an installer": compound("Property", "InstallShield"),
    "a page": b"  <!DOCTYPE HTML><p>hello",
    "a page in disguise": b"A letter.\n<ScRiPt>alert(1)</sCrIpT>",
    "a drawing that runs scripts": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "random bytes": bytes(range(256)),
    "sound": b"ID3\x04\0\0\0\0\0\0",
}


@pytest.mark.parametrize("name", TAKEN)
def test_what_people_put_beside_a_contract_is_taken(name: str) -> None:
    data, media_type, ending = TAKEN[name]
    kind = kind_of(data)
    assert (kind.media_type, kind.endings[0]) == (media_type, ending)


@pytest.mark.parametrize("name", REFUSED)
def test_everything_else_is_refused(name: str) -> None:
    with pytest.raises(KindRefused, match="Only PDF, pictures, office files and plain text"):
        kind_of(REFUSED[name])


@pytest.mark.parametrize(
    "data",
    [
        word("word/vbaProject.bin"),
        compound("Workbook", "_VBA_PROJECT_CUR"),
        open_document(ODF + "text", "Basic/script-lc.xml"),
    ],
    ids=["Word", "old Excel", "OpenDocument"],
)
def test_an_office_file_with_macros_is_refused(data: bytes) -> None:
    with pytest.raises(KindRefused, match="carries macros"):
        kind_of(data)
