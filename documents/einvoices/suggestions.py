"""What the text of a page seems to say: for a person to confirm, or to be held against the XML beside it.

Nothing here is certain. Each suggestion says where it was found and what stood there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from documents.einvoices.data import Invoice

Field = Literal["number", "issued_on", "payable", "currency", "iban", "vat_id", "korean_registration"]
FIELDS: tuple[Field, ...] = ("number", "issued_on", "payable", "currency", "iban", "vat_id", "korean_registration")

MOST_LETTERS = 200_000
LONGEST_LINE = 2_000
MOST_SHOWN = 5
"""Of what the pages say instead: the likeliest."""


@dataclass(frozen=True)
class Suggestion:
    """One value that a page may mean."""

    field: Field
    value: str
    """In one form: ISO 8601 day, decimal number, ISO 4217 code, IBAN without spaces, ten digits."""
    text: str
    """As it stands there."""
    page: int
    """The first is 1."""
    line: int
    """Of the page's text, the first is 1."""


@dataclass(frozen=True)
class Difference:
    """The page names a value, and not the one of the XML."""

    field: Field
    xml: str
    page: tuple[Suggestion, ...]


def suggest(pages: Sequence[str]) -> tuple[Suggestion, ...]:
    """Those of one field together, the likeliest first."""
    found: dict[tuple[Field, str], tuple[int, Suggestion]] = {}
    for number, page in enumerate(_shortened(pages), 1):
        lines = [line[:LONGEST_LINE] for line in page.split("\n")]
        for index, line in enumerate(lines):
            after = lines[index + 1] if index + 1 < len(lines) else ""
            for weight, field, value, text in _in_line(line, after):
                known = found.get((field, value))
                if known is None or known[0] < weight:
                    found[field, value] = (weight, Suggestion(field, value, text, number, index + 1))
    ranked = sorted(
        found.values(), key=lambda each: (FIELDS.index(each[1].field), -each[0], each[1].page, each[1].line)
    )
    return tuple(each for _, each in ranked)


def differences(invoice: Invoice, suggestions: Sequence[Suggestion], pages: Sequence[str]) -> tuple[Difference, ...]:
    """A value of the XML that the page has nowhere, where it has another one for it."""
    text = "\n".join(_shortened(pages))
    found = []
    for field, said in _said(invoice).items():
        others = tuple(each for each in suggestions if each.field == field)
        if others and said and not _stands_there(field, said, others, text):
            found.append(Difference(field, ", ".join(said), others[:MOST_SHOWN]))
    return tuple(found)


def _said(invoice: Invoice) -> dict[Field, tuple[str, ...]]:
    """For each field all values that would be right."""
    totals = invoice.totals
    amounts = {each for each in (totals.payable, totals.with_tax) if each is not None}
    return {
        "number": (invoice.number,) if invoice.number else (),
        "issued_on": (invoice.issued_on.isoformat(),) if invoice.issued_on else (),
        "payable": tuple(str(each) for each in sorted(amounts)),
        "currency": (invoice.currency,) if invoice.currency else (),
        "iban": tuple(each.account.upper() for each in invoice.payment_means if _is_iban(each.account.upper())),
    }


def _stands_there(field: Field, said: tuple[str, ...], others: Sequence[Suggestion], text: str) -> bool:
    match field:
        case "number":
            return any(_close(each) in _close(text) for each in said)
        case "issued_on":
            days = {day.isoformat() for day, _ in (*_days(text), *_days(_MONTH_FIRST.sub(r"\2/\1/\3", text)))}
            return any(each in days for each in said)
        case "payable":
            amounts = {abs(amount) for amount, _ in _amounts(text)}
            return any(abs(Decimal(each)) in amounts for each in said)
        case _:
            return any(each.value in said for each in others)


def _close(text: str) -> str:
    return re.sub(r"\s+", "", text).casefold()


def _shortened(pages: Sequence[str]) -> Iterator[str]:
    left = MOST_LETTERS
    for page in pages:
        yield page[:left]
        left = max(0, left - len(page))


def _in_line(line: str, after: str) -> Iterator[tuple[int, Field, str, str]]:
    """Weight, field, value and text. A label may have its value beside it or below it."""
    label = _NUMBER_LABEL.search(line)
    if label:
        rest = line[label.end() :]
        for weight, where in ((3, rest), (1, after if not rest.strip(" :.#") else "")):
            token = _NUMBER.match(where)
            if token and any(letter.isdigit() for letter in token[1]):
                yield weight, "number", token[1].rstrip(".,;"), token[1]
                break
    likely = 1 + 2 * bool(_DAY_LABEL.search(line)) - bool(_OTHER_DAY.search(line))
    for day, text in _days(line):
        yield likely, "issued_on", day.isoformat(), text
    total = _TOTAL_LABEL.search(line)
    if total:
        due = bool(_DUE_LABEL.search(line))
        for amount, text in _amounts(line[total.end() :] or after):
            if len(text) < 4:  # a quantity or a rate: amounts of money have decimals or are large
                continue
            yield 2 + 2 * due, "payable", str(amount), text
    for match in _CURRENCY.finditer(line):
        yield 1, "currency", _SYMBOLS.get(match[0], match[0]), match[0]
    for match in _IBAN.finditer(line):
        # what follows may have been taken in with it
        iban = re.sub(r"\s", "", match[0])[: _IBAN_LENGTHS.get(match[0][:2], 0)]
        if _is_iban(iban):
            yield 1, "iban", iban, match[0]
    for match in _VAT_ID.finditer(line):
        yield 1, "vat_id", re.sub(r"[\s.]", "", match[0]), match[0]
    for match in _REGISTRATION.finditer(line):
        digits = match[0].replace("-", "")
        if _is_registration(digits):
            yield 1, "korean_registration", digits, match[0]


_NUMBER_LABEL = re.compile(
    r"(?:(?:invoice|rechnungs?|gutschrifts?|facture|avoir|credit\s*note|belegs?|document)[\s-]*"
    r"(?:no\b|nos?\.|num(?:ber|mer|éro|ero)|nr\b|n[°º]|id\b|#)"
    r"|(?:계산서|송장|문서|청구서)\s*번호|승인\s*번호)\s*[.:#]*",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[\s:.#]*([A-Z0-9][A-Z0-9/_.\-]{1,34})", re.IGNORECASE)
_DAY_LABEL = re.compile(
    r"invoice\s*date|date\s*of\s*issue|issue\s*date|rechnungsdatum|belegdatum|date\s*(?:de\s*)?(?:facture|l'avoir)|작성\s*일|발행\s*일",
    re.IGNORECASE,
)
_OTHER_DAY = re.compile(r"due|fällig|liefer|deliver|échéance|bis zum|기한|만기", re.IGNORECASE)
_TOTAL_LABEL = re.compile(
    r"grand\s*total|total|amount\s*due|payable|gesamt\w*|zahlbetrag|rechnungsbetrag|brutto\w*|endbetrag|net\s*à\s*payer"
    r"|montant|합계\s*금액|합계|청구\s*금액|총\s*액",
    re.IGNORECASE,
)
_DUE_LABEL = re.compile(
    r"due|payable|zahlbetrag|rechnungsbetrag|brutto|endbetrag|payer|ttc|합계\s*금액|청구", re.IGNORECASE
)
_SYMBOLS = {"€": "EUR", "£": "GBP", "₩": "KRW", "원": "KRW", "¥": "JPY", "$": "USD"}
_CURRENCY = re.compile(
    r"[€£₩¥$]|(?<=\d)\s?원|\b(?:EUR|USD|GBP|KRW|JPY|CHF|SEK|NOK|DKK|PLN|CZK|HUF|CNY|KWD|AED|SGD|HKD|CAD|AUD)\b"
)
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:\s?[A-Z0-9]){11,30}\b")
_IBAN_LENGTHS = {
    country: int(length)
    for length, countries in (
        each.split(":")
        for each in [
            "15:NO",
            "16:BE",
            "18:DK,FI,FO,GL,NL",
            "19:MK,SI",
            "20:AT,BA,EE,KZ,LT,LU,XK",
            "21:CH,HR,LI,LV",
            "22:BG,BH,CR,DE,GB,GE,IE,ME,RS,VA",
            "23:AE,GI,IL,IQ,TL",
            "24:AD,CZ,ES,MD,PK,RO,SA,SE,SK,TN,VG",
            "25:LY,PT,ST",
            "26:IS,TR",
            "27:BI,DJ,FR,GR,IT,MC,MR,SM",
            "28:AL,AZ,BY,CY,DO,GT,HU,LB,NI,PL,SV",
            "29:BR,EG,PS,QA,UA",
            "30:JO,KW,MU,YE",
            "31:MT,SC",
            "32:LC",
            "33:RU",
        ]
    )
    for country in countries.split(",")
}
"""ISO 13616's registry: letters of an IBAN in each country."""
_VAT_ID = re.compile(
    r"\b(?:ATU\d{8}|BE\s?[01]\d{3}\.?\d{3}\.?\d{3}|DE\s?\d{9}|DK\s?\d{8}|ES[A-Z0-9]\d{7}[A-Z0-9]|FI\d{8}|FR\s?[A-Z0-9]{2}\s?\d{9}"
    r"|GB\d{9}|IT\d{11}|LU\d{8}|NL\d{9}B\d{2}|PL\d{10}|SE\d{12}|CZ\d{8,10}|PT\d{9}|IE\d[A-Z0-9]\d{5}[A-Z]{1,2})\b"
)
_REGISTRATION = re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{5}(?![\d-])")

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january januar janvier",
            "feb february februar février",
            "mar march märz mars",
            "apr april avril",
            "may mai",
            "jun june juni juin",
            "jul july juli juillet",
            "aug august août",
            "sep sept september septembre",
            "oct october oktober octobre okt",
            "nov november novembre",
            "dec december dezember décembre dez",
        ),
        1,
    )
    for name in names.split()
}
_YEAR_FIRST = re.compile(r"(?<!\d)((?:19|20)\d\d)\s?[-./년]\s?(\d{1,2})\s?[-./월]\s?(\d{1,2})(?!\d)")
_DAY_FIRST = re.compile(r"(?<![\d.])(\d{1,2})[./-](\d{1,2})[./-]((?:19|20)\d\d)(?!\d)")
_MONTH_FIRST = re.compile(r"(?<![\d.])(\d{1,2})/(\d{1,2})/((?:19|20)\d\d)(?!\d)")
"""As America writes it: turned round, it is a day that comes first."""
_WORDED = re.compile(r"(?<!\d)(\d{1,2})\.?\s+([A-Za-zäéû]{3,9})\.?,?\s+((?:19|20)\d\d)(?!\d)")


def _days(text: str) -> Iterator[tuple[date, str]]:
    """01/02/2026 is taken for 1 February, as Europe writes it."""
    for match in _YEAR_FIRST.finditer(text):
        yield from _day(match[1], match[2], match[3], match[0])
    for match in _DAY_FIRST.finditer(text):
        yield from _day(match[3], match[2], match[1], match[0])
    for match in _WORDED.finditer(text):
        month = _MONTHS.get(match[2].lower())
        if month:
            yield from _day(match[3], str(month), match[1], match[0])


def _day(year: str, month: str, day: str, text: str) -> Iterator[tuple[date, str]]:
    try:
        yield date(int(year), int(month), int(day)), text
    except ValueError:
        return


_AMOUNT = re.compile(
    r"(?<![\w.,])-?(?:\d{1,3}(?:[.,' \u00a0\u202f]\d{3})+|\d+)(?:[.,]\d{1,3})?(?!\w|\s?%)",
)


def _amounts(text: str) -> Iterator[tuple[Decimal, str]]:
    """1,234.56 and 1.234,56 and 1 234,56. Without decimals a group of three is taken for thousands."""
    for match in _AMOUNT.finditer(text):
        written = re.sub(r"[' \u00a0\u202f]", "", match[0])
        whole, mark, decimals = _parted(written)
        digits = re.sub(r"[.,]", "", whole)
        if digits.strip("-") and len(digits) <= 18:
            yield Decimal(digits + (f".{decimals}" if mark else "")), match[0]


def _parted(written: str) -> tuple[str, str, str]:
    last = max(written.rfind("."), written.rfind(","))
    if last < 0:
        return written, "", ""
    mark, decimals = written[last], written[last + 1 :]
    if len(decimals) == 3 and (written.count(mark) > 1 or not any(each in written for each in ".,".replace(mark, ""))):
        return written, "", ""
    return written[:last], mark, decimals


def _is_iban(text: str) -> bool:
    """ISO 13616: length and check digits."""
    if len(text) != _IBAN_LENGTHS.get(text[:2]) or not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]+", text):
        return False
    return int("".join(str(int(letter, 36)) for letter in text[4:] + text[:4])) % 97 == 1


def _is_registration(digits: str) -> bool:
    """The check digit of a 사업자등록번호."""
    weights = (1, 3, 7, 1, 3, 7, 1, 3, 5)
    numbers = [int(each) for each in digits]
    total = sum(number * weight for number, weight in zip(numbers, weights, strict=False)) + numbers[8] * 5 // 10
    return (10 - total % 10) % 10 == numbers[9]
