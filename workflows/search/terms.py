"""Text to the terms it is found by, and a typed query to the terms it needs. Pure: the same on every database.

A term is a short string of folded letters and digits. What stands in front of it says what it means:

    (nothing)  it is in the text            _  a pair of letters with a space between them
    :          it is in the head            =  it is a whole number field
    @          who may see the entry        ~  its kind, or a state it is in

PostgreSQL adds "#", the block of ids that an entry lies in. Whoever changes what comes out of here changes ``EDITION``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

EDITION = f"1, Unicode {unicodedata.unidata_version}"
"""Entries written under another edition may be cut differently from the queries that look for them."""

EDGE = 4
"""Beginnings of words are terms up to so many letters; longer ones are looked up as prefixes of whole words."""
LONGEST = 40
"""Letters of a word that count."""
LARGEST = 900_000
"""Bytes of all terms of an entry: a tsvector ends at 1 MiB, and does not say so when it is made from an array."""
LONGEST_HEAD = 10_000
LONGEST_QUERY = 300

# Scripts written without spaces, or with endings glued to the word, are cut into pairs: Thai, Lao, Myanmar, Khmer,
# Hangul, kana, Han. Without their punctuation, such as the middle dot of katakana.
PAIRED = (
    r"\u0e01-\u0e2e\u0e30-\u0e3a\u0e40-\u0e4e\u0e50-\u0e59\u0e80-\u0eff\u1000-\u1049\u1050-\u109f\u1780-\u17d3\u17dc-\u17e9"
    r"\u1100-\u11ff\ua960-\ua97f\uac00-\ud7ff\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff"
    r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff々〆〇"
)
JOINER = r"[-‐‑–_/.,'’:+&@#·]"
_PAIRED_LETTER = re.compile(rf"[{PAIRED}]")
# vowel signs and points are no letters to Python, but part of the word in Hindi, Arabic or Hebrew
_SIGNS = "".join(
    chr(point)
    for point in range(0x0370, 0xAC00)
    if unicodedata.category(chr(point)).startswith("M") and not _PAIRED_LETTER.match(chr(point))
)
_WORD = rf"[^\W_{PAIRED}]+(?:[{_SIGNS}]+[^\W_{PAIRED}]*)*"

UNIT = re.compile(rf"[{PAIRED}]+|{_WORD}(?:{JOINER}{_WORD})*")
"""A run of paired letters, or words with single joiners between them, such as inv-2026/001 or o'neil."""

_JOINER = re.compile(JOINER)
_GAP = re.compile(rf"(?<=[{PAIRED}])\s+(?=[{PAIRED}])")
_SPACE_IN_RUN = re.compile(rf"(?<=[{PAIRED}]) (?=[{PAIRED}])")
_HYPHEN_AT_LINE_END = re.compile(rf"(?<=[^\W\d_{PAIRED}])[-‐][ \t]*\r?\n\s*(?=[^\W\d_{PAIRED}])")
_QUOTED_OR_FREE = re.compile(r'["“„”«»]([^"“„”«»]*)["“„”«»]?|([^"“„”«»]+)')
_NAME = re.compile(r"[0-9a-z_]+")

_THOUSANDS = re.compile(r"(?<=\d)[\u00a0\u202f\u2009](?=\d{3})")
_UNSEEN = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060\ufeff]")  # soft hyphens, joiners, marks of direction
_ACCENT = re.compile(r"[\u0300-\u036f]")  # never U+3099, か is not が; never Indic or Thai vowels

# endings of nouns, taken off if at least two syllables remain
_PARTICLE = re.compile(
    r"(?<=[가-힣]{2})(?:에서는|에게서|으로는|으로써|으로서|이라는|까지|부터|에서|에게|으로|처럼|보다|이나|이며|라는"
    r"|을|를|은|는|이|가|의|에|로|와|과|도|만)$"
)


@dataclass(frozen=True)
class Entry:
    """What the index keeps of one object."""

    kind: str
    object_id: str
    terms: tuple[str, ...]
    """Sorted, each once."""
    plain: str
    """Folded text, for what terms cannot say. Words stand between single spaces, paired letters without any; the lines
    of the head and the body are kept apart by two spaces, so that no phrase is found across them."""


@dataclass(frozen=True)
class Wanted:
    """What an entry must have to be found."""

    conditions: tuple[tuple[str, ...], ...]
    """Of each group one term at least; one that ends in "*" is the beginning of a term."""
    phrases: tuple[str, ...]
    """Each must stand in ``Entry.plain``."""
    number: str | None
    """The whole query, were it a number field; None where quotes say that it is not."""


def entry(
    kind: str,
    object_id: str,
    *,
    head: str,
    body: str,
    numbers: Sequence[str],
    seen_by: Sequence[str],
    marks: Sequence[str] = (),
) -> Entry:
    """``head``: title, numbers, parties, people and amounts, one a line. ``seen_by``: who may see it, such as "o42".
    ``marks``: states it is in, such as "in_force". Of a body with more different words than an index can hold
    (``LARGEST``; a book in one language has fewer) the beginning is kept.

    Raises:
        ValueError: a kind, mark or name in ``seen_by`` is not of the letters a-z, digits and "_", or too many see it
    """
    head = head[:LONGEST_HEAD]
    lines = [*head.splitlines(), *(number for number in numbers if number not in head)]
    lines = [fold(line) for line in lines]
    in_head = {term for line in lines for term in terms_of(line)}
    special = {":" + term for term in in_head}
    special.update("=" + number for number in map(whole_number, numbers) if number)
    special.update(marked("@", each) for each in seen_by)
    special.update(marked("~", each) for each in (kind, *marks))

    room = LARGEST - _bytes(special | in_head)
    if room < 0:
        raise ValueError(f"{kind} {object_id} has {len(seen_by)} names that may see it: more than an index can hold.")
    body = fold(body)
    found = terms_of(body)
    while (size := _bytes(found)) > room:
        body = body[: int(len(body) * 0.9 * room / size)]
        found = terms_of(body)

    plain = "".join(plain_of(each) for each in (*lines, body))
    return Entry(kind, object_id, tuple(sorted(found | in_head | special)), plain)


def wanted(query: str) -> Wanted:
    query = fold(query[:LONGEST_QUERY])
    conditions: dict[tuple[str, ...], None] = {}
    phrases: dict[str, None] = {}
    for quoted, free in _QUOTED_OR_FREE.findall(query):
        units = UNIT.findall(quoted or free)
        if quoted:
            conditions |= dict.fromkeys(_conditions_of_phrase(quoted, units))
            phrases |= dict.fromkeys(_phrase(quoted))
            continue
        for unit in units:
            if _PAIRED_LETTER.match(unit):
                stem = _PARTICLE.sub("", unit)
                conditions |= dict.fromkeys(_pairs(stem))
                if len(stem) > 2:
                    phrases[stem] = None
            else:
                word = _bare(unit)
                conditions[word if len(word) <= EDGE else word + "*",] = None
    number = whole_number(query) if not _quotes(query) else ""
    return Wanted(tuple(conditions), tuple(phrases), number or None)


def _conditions_of_phrase(quoted: str, units: list[str]) -> list[tuple[str, ...]]:
    conditions: list[tuple[str, ...]] = []
    for unit in units:
        if not _PAIRED_LETTER.match(unit):
            conditions.append((_bare(unit),))
        elif len(unit) > 1:
            conditions += _pairs(unit)
    for gap in _GAP.finditer(quoted):
        pair = quoted[gap.start() - 1] + quoted[gap.end()]
        conditions.append((pair, "_" + pair))
    # A single letter may stand within a run, where it is no term of its own. With nothing else to look up, it has to be
    # the beginning of a word, as it has to be without quotes.
    return conditions or [(unit,) for unit in units]


def _phrase(quoted: str) -> list[str]:
    """Whole words at both ends, but paired letters may go on."""
    text = plain_of(quoted)
    if not text.strip():
        return []
    starts_in_run, ends_in_run = _PAIRED_LETTER.match(text[1]), _PAIRED_LETTER.match(text[-2])
    return [text[1 if starts_in_run else 0 : -1 if ends_in_run else None]]


def _pairs(run: str) -> list[tuple[str, ...]]:
    """A compound may be written apart, as long as no syllable is left alone: 임대계약서 finds 임대 계약서, but 이사회
    does not find 이 사회."""
    if len(run) == 1:
        return [(run,)]
    inner = range(1, len(run) - 2)
    pairs = [run[at : at + 2] for at in range(len(run) - 1)]
    return [(pair, "_" + pair) if at in inner else (pair,) for at, pair in enumerate(pairs)]


def fold(text: str) -> str:
    """Case, accents, width and composition away. Line ends stay, as they may cut a word in two."""
    if text.isascii():
        return text.lower()
    text = _UNSEEN.sub("", _THOUSANDS.sub("", text))
    text = unicodedata.normalize("NFKC", text).casefold().translate(_BARE)
    return unicodedata.normalize("NFKC", text)  # casefold may decompose, and an accent gone may let two letters meet


class _Bare(dict[int, str]):
    """A letter to the same without its accents, remembered."""

    def __missing__(self, point: int) -> str:
        letter = chr(point)
        parts = unicodedata.normalize("NFD", letter)
        if _ACCENT.search(parts):
            base = unicodedata.normalize("NFC", _ACCENT.sub("", parts))
            letter = _OTHER_LETTERS.get(base, base)
        self[point] = letter
        return letter


_OTHER_LETTERS = {"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "ð": "d", "þ": "th"}
_BARE = _Bare({ord(letter): plain for letter, plain in _OTHER_LETTERS.items()})


def terms_of(folded: str) -> set[str]:
    """All terms of a folded text, without marks except that of a pair across a space."""
    units = set(UNIT.findall(folded))
    # PDFs cut words where the line ends: Latin ones with a hyphen, Korean ones without
    if (joined := _HYPHEN_AT_LINE_END.sub("", folded)) != folded:
        units.update(UNIT.findall(joined))
    found: set[str] = set()
    for unit in units:
        found.update(_terms_of_unit(unit))
    for gap in _GAP.finditer(folded):
        pair = folded[gap.start() - 1] + folded[gap.end()]
        found.add(pair if "\n" in gap[0] else "_" + pair)
    return found


def _terms_of_unit(unit: str) -> tuple[str, ...]:
    if _PAIRED_LETTER.match(unit):
        return (unit[0], *(unit[at : at + 2] for at in range(len(unit) - 1)))
    found = []
    whole, start = _JOINER.sub("", unit), 0
    for part in _JOINER.split(unit):
        tail = whole[start : start + LONGEST]
        found += [tail[:length] for length in range(1, min(len(tail), EDGE) + 1)]
        if len(tail) > EDGE:
            found.append(tail)
        start += len(part)
    return tuple(found)


def plain_of(folded: str) -> str:
    """What phrases are checked against: " word word ", with no space between paired letters."""
    words = " ".join(UNIT.findall(folded))
    return f" {_SPACE_IN_RUN.sub('', _JOINER.sub('', words))} "


def whole_number(text: str) -> str:
    """ "INV 2026/001" and "inv-2026-001" are the same number: inv2026001. Empty if nothing of it can be looked up."""
    return "".join(_bare(unit) for unit in UNIT.findall(fold(text)))[:LONGEST]


def marked(mark: str, name: str) -> str:
    # anything else might be cut in two by a database, or be read as another term
    if not _NAME.fullmatch(name):
        raise ValueError(f"“{name}” cannot be looked up: only a-z, 0-9 and “_” can.")
    return mark + name


def _bare(unit: str) -> str:
    return _JOINER.sub("", unit)[:LONGEST]


def _quotes(query: str) -> bool:
    return any(quote in query for quote in '"“„”«»')


def _bytes(terms: Iterable[str]) -> int:
    return len("".join(terms).encode())
