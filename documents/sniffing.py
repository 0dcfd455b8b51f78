"""What a file is, by its bytes: the kinds that people may put beside a document, and nothing that acts by itself."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TEXT = ("txt", "csv", "tsv", "md", "log", "json", "xml", "yaml", "yml", "ics", "vcf")
_OFFICE = ("docx", "xlsx", "pptx", "doc", "xls", "ppt", "hwp")


@dataclass(frozen=True)
class Kind:
    """``endings``: those that a file of this kind may have; the first is given to one that has another."""

    media_type: str
    endings: tuple[str, ...]


class KindRefused(Exception):
    """``sentence`` is an English message id without places."""

    def __init__(self, sentence: str) -> None:
        self.sentence = sentence
        super().__init__(sentence)


def kind_of(data: bytes) -> Kind:
    """The kind of a file, judged by what stands in it; its name and what a browser says of it count for nothing.

    Raises:
        KindRefused: it is none of those that are taken, or it carries macros.
    """
    for start, kind in _STARTS:
        if data.startswith(start):
            return kind
    if b"%PDF-" in data[:1024]:  # ISO 32000-1, annex H: readers accept the header within the first 1024 bytes
        return Kind("application/pdf", ("pdf",))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Kind("image/webp", ("webp",))
    if data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"mif1", b"msf1"):
        return Kind("image/heic", ("heic", "heif"))
    if data.startswith(b"PK\x03\x04"):
        return _package(data)
    if data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _compound(data)
    if _is_text(data):
        return Kind("text/plain", _TEXT)
    raise _unknown()


_STARTS = (
    (b"\x89PNG\r\n\x1a\n", Kind("image/png", ("png",))),
    (b"\xff\xd8\xff", Kind("image/jpeg", ("jpg", "jpeg"))),
    (b"GIF87a", Kind("image/gif", ("gif",))),
    (b"GIF89a", Kind("image/gif", ("gif",))),
    (b"II*\x00", Kind("image/tiff", ("tif", "tiff"))),
    (b"MM\x00*", Kind("image/tiff", ("tif", "tiff"))),
    (b"{\\rtf", Kind("application/rtf", ("rtf",))),
)

_OPEN_XML = "application/vnd.openxmlformats-officedocument."
_PARTS = (
    (b"word/document.xml", Kind(_OPEN_XML + "wordprocessingml.document", ("docx",))),
    (b"xl/workbook.xml", Kind(_OPEN_XML + "spreadsheetml.sheet", ("xlsx",))),
    (b"ppt/presentation.xml", Kind(_OPEN_XML + "presentationml.presentation", ("pptx",))),
)
_OPEN_DOCUMENT = {
    "application/vnd.oasis.opendocument.text": "odt",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/vnd.oasis.opendocument.presentation": "odp",
    "application/hwp+zip": "hwpx",
}


def _package(data: bytes) -> Kind:
    """A zip that is an office file (ECMA-376, ODF 1.2 part 3, OWPML). The names of its parts are read where they stand,
    uncompressed, so that nothing is unpacked."""
    if b"vbaProject.bin" in data or b"\x00Basic/" in data or b"Basic/script-lc.xml" in data:
        raise _macros()
    if data[26:30] == b"\x08\x00\x00\x00" and data[30:38] == b"mimetype":
        for media_type, ending in _OPEN_DOCUMENT.items():
            if data[38:].startswith((media_type + "PK").encode()):
                return Kind(media_type, (ending,))
    if b"[Content_Types].xml" in data:
        for part, kind in _PARTS:
            if part in data:
                return kind
    raise _unknown()


_STREAMS = (
    ("WordDocument", Kind("application/msword", ("doc",))),
    ("Workbook", Kind("application/vnd.ms-excel", ("xls",))),
    ("PowerPoint Document", Kind("application/vnd.ms-powerpoint", ("ppt",))),
    ("HwpSummaryInformation", Kind("application/x-hwp", ("hwp",))),
    # an office file under a password: what it is stands inside
    ("EncryptedPackage", Kind("application/x-ole-storage", _OFFICE)),
)


def _compound(data: bytes) -> Kind:
    """A compound file (MS-CFB) with the streams of an office file; an installer, for one, is compound as well."""
    if "_VBA_PROJECT".encode("utf-16-le") in data:  # and Excel's _VBA_PROJECT_CUR with it
        raise _macros()
    for stream, kind in _STREAMS:
        if stream.encode("utf-16-le") in data:
            return kind
    raise _unknown()


_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
_PAGE = re.compile(r"<!doctype html|<html|<head|<body|<script|<svg|<iframe|<hta:", re.IGNORECASE)


def _is_text(data: bytes) -> bool:
    """Letters only, and no page: a browser that opens one from a folder would run what stands in it."""
    encodings = ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp949")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return not _CONTROL.search(text) and not _PAGE.search(text)
    return False


def _unknown() -> KindRefused:
    return KindRefused("Only PDF, pictures, office files and plain text can be put here. Nothing was stored.")


def _macros() -> KindRefused:
    return KindRefused("This file carries macros, programs that start with it. Please save it without them.")
