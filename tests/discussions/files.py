"""Small files of the kinds that people put beside a document, and of those that are refused."""

from __future__ import annotations

import io
import zipfile

from PIL import Image

COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)


def picture(form: str) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (2, 2), "white").save(made, form)
    return made.getvalue()


def package(*names: str, first: tuple[str, bytes] | None = None) -> bytes:
    """A zip of these parts. ``first``: stands uncompressed at its beginning, as in OpenDocument."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        if first:
            archive.writestr(zipfile.ZipInfo(first[0]), first[1])
        for name in names:
            archive.writestr(name, b"<x/>")
    return made.getvalue()


def word(*more: str) -> bytes:
    return package("[Content_Types].xml", "_rels/.rels", "word/document.xml", *more)


def open_document(media_type: str, *more: str) -> bytes:
    return package("content.xml", *more, first=("mimetype", media_type.encode()))


def compound(*streams: str) -> bytes:
    """The names as they stand in the directory of a compound file; a reader of names needs no more."""
    return COMPOUND + b"".join(name.encode("utf-16-le").ljust(128, b"\0") for name in streams)
