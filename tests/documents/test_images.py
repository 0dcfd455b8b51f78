"""Pages as pictures."""

from __future__ import annotations

import io
from collections.abc import Callable

import PIL.Image
import pytest
from pikepdf import Array, Dictionary, Name, Pdf

from documents.images import NARROWEST, WIDEST, page_image
from documents.intake import IntakeLimits, IntakeRefused, accept
from tests.support import pdfs


def picture(pdf: bytes, page: int = 1, width: int = 400) -> PIL.Image.Image:
    image = PIL.Image.open(io.BytesIO(page_image(pdf, page, width_px=width)))
    assert image.format == "PNG"
    return image.convert("RGB")


def quadrant(colour: str) -> bytes:
    """A page whose lower left quarter is of this colour."""

    def paint(pdf: Pdf) -> None:
        pdf.pages[0].obj.Contents = pdf.make_stream(f"{colour} rg 0 0 297 421 re f".encode())

    return pdfs.plain_pdf(change=paint)


@pytest.mark.parametrize("width", [100, 333, 1000])
def test_a_page_is_as_wide_as_asked_and_keeps_its_shape(width: int) -> None:
    image = picture(pdfs.plain_pdf(), width=width)

    assert image.width == width
    assert image.height == pytest.approx(width * 842 / 595, abs=1)


@pytest.mark.parametrize(("asked", "given"), [(1, NARROWEST), (0, NARROWEST), (-5, NARROWEST), (100_000, WIDEST)])
def test_a_width_beyond_reason_is_brought_back(asked: int, given: int) -> None:
    assert picture(pdfs.plain_pdf(), width=asked).width == given


def test_colours_are_kept_and_black_on_white_is_stored_as_such() -> None:
    assert picture(quadrant("0.8 0.1 0.1")).getpixel((50, 500)) == (204, 26, 26)
    plain = PIL.Image.open(io.BytesIO(page_image(pdfs.plain_pdf(), 1, width_px=400)))
    assert plain.mode == "L"


def test_each_page_is_its_own_picture() -> None:
    pdf = pdfs.plain_pdf(pages=3)

    assert len({page_image(pdf, page, width_px=300) for page in (1, 2, 3)}) == 3


def test_a_turned_page_is_shown_turned() -> None:
    """The lower left quarter comes to the upper left when the page is turned clockwise."""

    def turn(pdf: Pdf) -> None:
        pdf.pages[0].obj.Contents = pdf.make_stream(b"1 0 0 rg 0 0 297 421 re f")
        pdf.pages[0].obj.Rotate = 90

    image = picture(pdfs.plain_pdf(change=turn))

    assert image.width > image.height
    assert image.getpixel((20, 20)) == (255, 0, 0)
    assert image.getpixel((20, image.height - 20)) == (255, 255, 255)


def test_a_cropped_page_shows_only_what_was_left() -> None:
    image = picture(pdfs.cropped())

    assert image.width == 400
    assert image.height == pytest.approx(400 * 400 / 300, abs=1)


def test_a_filled_in_field_is_shown() -> None:
    image = picture(accept(pdfs.with_form("EUR 84,600")).normalised, width=595)

    assert image.getpixel((250, 842 - 605)) == (230, 230, 230)


def test_marks_of_signatures_are_shown() -> None:
    def sign(pdf: Pdf) -> None:
        box = Dictionary(Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 100, 50]))
        field = Dictionary(
            Type=Name.Annot,
            Subtype=Name.Widget,
            FT=Name.Sig,
            T="Signer1",
            F=132,
            Rect=Array([100, 100, 200, 150]),
            AP=Dictionary(N=pdf.make_stream(b"0 0 1 rg 0 0 100 50 re f", box)),
        )
        field = pdf.make_indirect(field)
        pdf.pages[0].obj.Annots = Array([field])
        pdf.Root.AcroForm = Dictionary(Fields=Array([field]), SigFlags=3)

    assert picture(pdfs.plain_pdf(change=sign), width=595).getpixel((150, 842 - 125)) == (0, 0, 255)


@pytest.mark.parametrize("page", [0, 4, -1, 1_000_000])
def test_a_page_that_is_not_there_is_refused(page: int) -> None:
    with pytest.raises(IntakeRefused) as asked:
        page_image(pdfs.plain_pdf(pages=3), page, width_px=400)

    assert asked.value.code == "no_page"
    assert str(asked.value) == f"The document has no page {page}."


def test_what_is_no_pdf_is_refused() -> None:
    with pytest.raises(IntakeRefused) as asked:
        page_image(b"Hello", 1, width_px=400)

    assert asked.value.code == "damaged"


def test_a_page_of_704_million_points_is_drawn_at_the_width_asked_for() -> None:
    assert picture(pdfs.enormous_page(), width=500).size == (500, 500)


def test_an_endless_strip_is_drawn_within_twenty_megapixels() -> None:
    image = picture(pdfs.endless_strip(), width=2400)

    assert image.width * image.height <= 20_500_000
    assert image.height > 10_000


@pytest.mark.parametrize("make", [pdfs.decompression_bomb, pdfs.forms_in_forms])
def test_a_page_that_costs_too_much_is_refused_within_its_limits(make: Callable[[], bytes]) -> None:
    with pytest.raises(IntakeRefused) as asked:
        page_image(make(), 1, width_px=400, limits=IntakeLimits(memory_bytes=500_000_000, seconds=3))

    assert asked.value.code == "too_costly"
