"""Files coming in and going out."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote

from fastapi import UploadFile

from workflows.errors import Refused
from workflows.papers.intake import take_in
from workflows.papers.operations import HandedIn
from workflows.runtime import Runtime


class TooLarge(Refused):
    status = 413
    code = "too-large"


def read_upload(file: UploadFile, most: int) -> bytes:
    """The bytes of an upload, at most ``most`` of them.

    Raises:
        TooLarge: there are more; it is refused before anything looks into it.
        Refused: there are none.
    """
    data = file.file.read(most + 1)
    if len(data) > most:
        raise TooLarge(
            "A file may have at most %(limit)s. Nothing was changed.", field="file", limit=f"{most // 1_000_000} MB"
        )
    if not data:
        raise Refused("The file is empty.", field="file")
    return data


def taken_in(runtime: Runtime, file: UploadFile, data: bytes, password: str) -> HandedIn:
    """The contract that was uploaded, checked and kept. ``data``: its bytes; ``password``: empty where it has none.

    Raises:
        DocumentRefused: with the reason.
        NotReady: too many documents are being read just now.
    """
    return take_in(
        data,
        file_name=file.filename or "",
        blobs=runtime.blobs,
        limits=runtime.intake_limits,
        password=password or None,
    )


def content_disposition(name: str, *, inline: bool = False) -> str:
    """RFC 6266: an ASCII name for old programs, the real one (RFC 8187) for all others."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = (
        "".join(letter if letter.isalnum() or letter in " ._-()" else "_" for letter in plain).strip() or "document.pdf"
    )
    if plain.startswith("."):
        plain = "document" + plain
    how = "inline" if inline else "attachment"
    return f"{how}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
