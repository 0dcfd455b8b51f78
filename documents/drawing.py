"""Pages as pictures, drawn by PDFium. For the child process only: PDFium may abort on bad files."""

from __future__ import annotations

import io
from typing import Any

import PIL.Image
import PIL.PngImagePlugin  # loaded before the child's limits, not when the first picture is written
import pypdfium2

from documents.intake import IntakeRefused

MOST_PIXELS = 20_000_000
GREYS = 256


def draw_page(data: bytes, *, page: int, width: int) -> tuple[dict[str, Any], list[bytes]]:
    """A PNG, at most `width` pixels wide."""
    return {}, [_png(draw(data, page, width))]


def draw(data: bytes, page: int, width: int) -> PIL.Image.Image:
    """The page (the first is 1) as it is shown, cropped and turned; narrower than asked where it would be too large.

    Raises IntakeRefused.
    """
    try:
        pdf = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError:
        raise IntakeRefused("damaged", "The file is damaged and could not be repaired.") from None
    if not 1 <= page <= len(pdf):
        raise IntakeRefused("no_page", "The document has no page %(page)s.", page=page)
    pdf.init_forms()  # without it, filled-in fields and signatures are not shown
    try:
        shown = pdf[page - 1]
        across, down = shown.get_size()
        if across <= 0 or down <= 0:
            raise IntakeRefused("damaged", "Page %(page)s cannot be shown: it has no area.", page=page)
        # a hair less than asked, as PDFium rounds up
        scale = min((width - 0.001) / across, (MOST_PIXELS / (across * down)) ** 0.5)
        bitmap = shown.render(scale=scale, may_draw_forms=True, rev_byteorder=True)
    except pypdfium2.PdfiumError:
        raise IntakeRefused("damaged", "The file is damaged: page %(page)s cannot be read.", page=page) from None
    image: PIL.Image.Image = bitmap.to_pil()
    return image.convert("RGB")


def _png(image: PIL.Image.Image) -> bytes:
    """Black on white, as most pages are, in one byte a pixel instead of three; nothing is lost."""
    colours = image.getcolors(GREYS)
    if colours and all(len(set(colour)) == 1 for _, colour in colours if isinstance(colour, tuple)):
        image = image.convert("L")
    written = io.BytesIO()
    image.save(written, "PNG", compress_level=6)
    return written.getvalue()
