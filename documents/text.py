"""The text and the size of each page, as PDFium sees them. For the child process only: PDFium may abort."""

from __future__ import annotations

import re

import pypdfium2

from documents.intake import IntakeRefused

MOST_LETTERS = 5_000_000
"""Of all pages together; for search, not for keeping."""

# PDFium gives U+0002 for the hyphen at the end of a line within a word; glyphs without a meaning come as other control
# characters. Databases refuse NUL.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")


def read_pages(data: bytes, pages: int) -> tuple[list[str], list[tuple[int, int]]]:
    """Text and size (width, height in points, as shown) of each page.

    Raises IntakeRefused when PDFium finds other pages than ``pages``, or cannot open one.
    """
    pdf = _opened(data)
    if pdf is None or len(pdf) != pages:
        raise IntakeRefused("page_lost", "The file is damaged: a page would be lost in its repair.")
    texts, sizes, left = [], [], MOST_LETTERS
    for number in range(pages):
        try:
            page = pdf[number]
        except pypdfium2.PdfiumError:
            raise IntakeRefused(
                "page_lost", "The file is damaged: page %(page)s cannot be read.", page=number + 1
            ) from None
        width, height = page.get_size()
        sizes.append((round(width), round(height)))
        text = _text(page)[:left] if left > 0 else ""
        left -= len(text)
        texts.append(text)
        page.close()
    pdf.close()
    return texts, sizes


def count_pages(data: bytes, password: str | None) -> int | None:
    """Pages of a file as it was handed in; None where PDFium cannot read it at all."""
    pdf = _opened(data, password)
    return None if pdf is None else len(pdf)


def cleaned(text: str) -> str:
    """Letters only: no control characters but tab and line feed, no halves of surrogate pairs."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _UNPRINTABLE.sub("", lines).encode("utf-8", "ignore").decode()


def _opened(data: bytes, password: str | None = None) -> pypdfium2.PdfDocument | None:
    try:
        pdf = pypdfium2.PdfDocument(data, password=password)
        len(pdf)
    except pypdfium2.PdfiumError:
        return None
    return pdf


def _text(page: pypdfium2.PdfPage) -> str:
    try:
        inside = page.get_textpage()
    except pypdfium2.PdfiumError:  # a page without readable text is still a page
        return ""
    text = cleaned(inside.get_text_bounded())
    inside.close()
    return text
