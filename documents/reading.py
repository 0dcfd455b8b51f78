"""Reading an upload as a whole: what intake's child process does with it."""

from __future__ import annotations

import json
from typing import Any

from documents import pdf as pdfs
from documents import text
from documents.drawing import draw
from documents.intake import IntakeRefused

LOOKED_AT = 5
"""Pages with huge images that are drawn to see whether they can be."""
LOOK_WIDTH = 400


def take_in(
    data: bytes, *, password: str | None, most_pages: int, most_bytes: int
) -> tuple[dict[str, Any], list[bytes]]:
    """Values and parts of `intake.Accepted`: the normalised bytes (empty where they are the upload's), and the texts.

    Raises IntakeRefused.
    """
    with pdfs.opened(data, password) as pdf:
        pages = pdfs.count_pages(pdf, most_pages)
        seen = text.count_pages(data, password)
        if seen is not None and seen != pages:
            raise IntakeRefused(
                "page_lost",
                "The file is damaged: one way of reading it finds %(pages)s pages, another %(others)s.",
                pages=pages,
                others=seen,
            )
        signed = pdfs.holds_signature(pdf)
        if signed:
            pdfs.insist_on_signing_again(pdf, data)
            readable, stripped = data, list[str]()
        else:
            readable, stripped = pdfs.normalised(pdf)
        huge = pdfs.pages_with_huge_images(pdf)
    if len(readable) > most_bytes:
        raise IntakeRefused("too_large", "The file becomes too large when it is repaired.")
    if not signed:
        pdfs.insist_on_soundness(readable, pages)
    texts, sizes = text.read_pages(readable, pages)
    for page in huge[:LOOKED_AT]:
        draw(readable, page, LOOK_WIDTH)
    values = {"pages": pages, "already_signed": signed, "stripped": stripped, "page_sizes": sizes}
    return values, [b"" if signed else readable, json.dumps(texts, ensure_ascii=False).encode()]
