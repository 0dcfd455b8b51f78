"""The pages of an invoice that came as pure XML."""

from __future__ import annotations

import re
import time

import pypdfium2
import pytest

from documents.einvoices.data import Invoice
from documents.einvoices.reading import read_here
from documents.einvoices.sheet import sheet
from documents.intake import IntakeRefused, accept
from tests.support import corpus, einvoices
from workflows.invoices.picture import picture


def invoice_in(data: bytes) -> Invoice:
    found = read_here(data).invoice
    assert found is not None
    return found


def text_of(pdf: bytes) -> list[str]:
    opened = pypdfium2.PdfDocument(pdf)
    pages = [" ".join(page.get_textpage().get_text_bounded().split()) for page in opened]
    opened.close()
    return pages


def test_the_page_says_what_the_data_say() -> None:
    (page,) = text_of(picture(invoice_in(einvoices.ubl(payable="69.00", more=PREPAID)), "en"))

    for each in (
        "Invoice 2026-0001",
        "Seller Aurora Leasing GmbH",
        "Issued 27 May 2026",
        "Payment SEPA credit transfer · DE02120300000000202051",
        "Forklift, one month",
        "Tax EUR 19.00",
        "With tax EUR 119.00",
        "To be paid EUR 69.00",
        "Loyalty −4.00",
    ):
        assert each in page


PREPAID = (
    "<cac:AllowanceCharge><cbc:ChargeIndicator>false</cbc:ChargeIndicator>"
    "<cbc:AllowanceChargeReason>Loyalty</cbc:AllowanceChargeReason><cbc:Amount currencyID='EUR'>4.00</cbc:Amount>"
    "</cac:AllowanceCharge>"
)


def test_a_korean_invoice_has_the_words_of_its_form() -> None:
    (page,) = text_of(picture(invoice_in(einvoices.signed()), "ko"))

    for each in (
        "세금계산서",
        "공급자",
        "(주)새벽리스",
        "사업자등록번호 123-45-67891",
        "공급받는자",
        "작성일자 2026년 5월 27일",
        "지게차 임대",
        "공급가액 KRW 1,000,000",
        "청구금액 KRW 1,100,000",
    ):
        assert each in page


def test_every_label_is_korean_on_a_korean_page() -> None:
    """Whatever the invoices of the collection make use of."""
    files = [*corpus.require("invoices", "*/*.xml"), *corpus.require("invoices", "facturx/*.pdf")]
    for data in (*(each.read_bytes() for each in files), einvoices.signed()):
        shown = sheet(invoice_in(data), "ko")
        labels = [
            shown.title,
            shown.made_from,
            *shown.columns,
            *shown.tax_columns,
            *(label for label, _ in shown.facts),
            *(each.title for each in (*shown.parties, *shown.notes)),
            *(each.label for each in shown.sums),
        ]
        assert [each for each in labels if not re.search("[가-힣]", each)] == []


@pytest.mark.parametrize("locale", ["en", "ko"])
def test_no_line_is_lost_however_many_there_are(locale: str) -> None:
    lines = [(f"Part <{n}> 부품 №{n}".replace("<", "(").replace(">", ")"), str(n), f"{n}.00") for n in range(1, 201)]
    pages = text_of(picture(invoice_in(einvoices.ubl(lines=lines)), locale))

    assert len(pages) > 3
    whole = " ".join(pages)
    assert [n for n in range(1, 201) if f"Part ({n}) 부품 №{n}" not in whole] == []
    assert all(("Unit price" if locale == "en" else "단가") in page for page in pages[:-1]), "each page has its titles"
    assert (f"Page 1 of {len(pages)}" if locale == "en" else f"{len(pages)}쪽 중 1쪽") in pages[0]


def test_long_words_and_large_numbers_stay_on_the_page() -> None:
    long = "x" * 400
    most = "9" * 15 + "." + "9" * 10
    note = f"<cbc:Note>{long}</cbc:Note>"
    data = einvoices.ubl(number="9" * 120, lines=[(long, most, most)], net=most, total=most, more=note)
    pdf = picture(invoice_in(data), "en")

    opened = pypdfium2.PdfDocument(pdf)
    for page in opened:
        left, _, right, _ = (round(edge) for edge in bounds(page))
        assert left >= 50
        assert right <= 546
    opened.close()


def bounds(page: pypdfium2.PdfPage) -> tuple[float, float, float, float]:
    boxes = [each.get_pos() if hasattr(each, "get_pos") else each.get_bounds() for each in page.get_objects()]
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )


def test_the_same_invoice_gives_the_same_bytes() -> None:
    invoice = invoice_in(einvoices.signed())

    assert picture(invoice, "ko") == picture(invoice, "ko")


def test_it_can_be_taken_in_and_sealed_as_it_is() -> None:
    pdf = picture(invoice_in(einvoices.korean()), "ko")

    taken = accept(pdf)

    assert (taken.pages, taken.stripped, taken.already_signed) == (1, (), False)
    assert "지게차 임대" in taken.text


def test_what_would_fill_hundreds_of_pages_is_refused_in_words() -> None:
    many = invoice_in(einvoices.ubl(lines=[("Forklift\n" * 60, "1", "1.00")] * 700))
    with pytest.raises(IntakeRefused, match="more than 500 pages"):
        picture(many, "en")


def test_the_longest_texts_are_drawn_in_bounded_time() -> None:
    """A text without a space may end its line anywhere; a reason is written smaller until it fits, or cut."""
    allowance = PREPAID.replace("Loyalty", "9" * 49_000)
    said = invoice_in(einvoices.ubl(number="9" * 200, lines=[("9" * 49_000, "1", "100.00")], more=allowance))
    started = time.monotonic()
    pages = text_of(picture(said, "en"))
    assert time.monotonic() - started < 20
    assert len(pages) < 30
