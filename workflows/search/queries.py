"""One box over everything: a whole number first, then words in the head, then anywhere; in each the newest first."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from sqlalchemy import Connection, text
from sqlmodel import Session

from workflows.search.schema import Index, index_of
from workflows.search.terms import EDITION, JOINER, PAIRED, Wanted, fold, marked, wanted

MOST_SHOWN = 1000
BATCH = MOST_SHOWN + 1
MOST_BATCHES = 5
"""Candidates for a phrase are read in so many batches; then the search gives up."""


@dataclass(frozen=True)
class Found:
    object_ids: tuple[str, ...]
    """Of the page that was asked for."""
    count: str
    """ "37"; "1,000+" or "25+" where the rest was not counted."""
    more: bool
    """There is a next page. Beyond 1,000 there is none: the search has to be narrowed."""
    cut_short: bool
    """Only the newest 5,000 entries with all the words were read for a phrase."""


NOTHING = Found((), "0", more=False, cut_short=False)


def find(
    session: Session,
    query: str,
    *,
    seen_by: Sequence[str] | None,
    kind: str | Sequence[str] = (),
    marks: Sequence[str] = (),
    first: int = 0,
    page: int = 20,
) -> Found:
    """``seen_by``: the names under which the reader may see entries, one is enough; None sees all. ``kind``: of these
    alone; entries of several kinds that are of one object are one hit. ``marks``: states, all of which an entry must be
    in. ``first``: hits to leave out before the page.

    A query without a letter or digit finds nothing.
    """
    want = wanted(query)
    if not want.conditions or (seen_by is not None and not seen_by):
        return NOTHING
    kinds = (kind,) if isinstance(kind, str) else tuple(kind)
    always: list[tuple[str, ...]] = [(marked("~", each),) for each in marks]
    if kinds:
        always.append(tuple(marked("~", each) for each in kinds))
    entries = (first + page) * max(1, len(kinds))  # so many are enough objects for the page
    if seen_by is not None:
        always.append(tuple(marked("@", each) for each in dict.fromkeys(seen_by)))

    connection = session.connection()
    index = index_of(connection)
    with index.prepared(connection):
        above_all = connection.execute(text("select coalesce(max(id), 0) + 1 from search_entry")).scalar_one()
        hits: dict[int, None] = {}
        unread = cut_short = False
        for conditions, phrases in _ranks(want):
            listed = _listed(connection, index, [*always, *conditions], phrases, below=above_all, enough=entries + 1)
            hits |= dict.fromkeys(listed.ids)
            unread |= listed.unread
            cut_short |= listed.cut_short
            if len(hits) > MOST_SHOWN or (listed.unread and len(hits) > entries):
                break  # further ranks come after this page, and the count is open already
        shown = list(hits)[:MOST_SHOWN]
        if len(kinds) > 1:
            objects = tuple(dict.fromkeys(_object_ids(connection, shown)))
            object_ids, count = objects[first : first + page], len(objects)
        else:
            object_ids, count = _object_ids(connection, shown[first : first + page]), len(shown)
    is_open = bool(shown) and (unread or len(hits) > MOST_SHOWN)
    return Found(object_ids, f"{count:,}{'+' if is_open else ''}", count > first + page, cut_short)


def _ranks(want: Wanted) -> Iterator[tuple[Sequence[tuple[str, ...]], Sequence[str]]]:
    """Conditions and phrases of each rank, the best first."""
    if want.number:
        yield [("=" + want.number,)], ()
    yield [tuple(":" + term for term in each) for each in want.conditions], want.phrases
    yield want.conditions, want.phrases


@dataclass(frozen=True)
class _Listed:
    ids: list[int]
    unread: bool
    """There may be more."""
    cut_short: bool


def _listed(
    connection: Connection,
    index: Index,
    conditions: Sequence[tuple[str, ...]],
    phrases: Sequence[str],
    *,
    below: int,
    enough: int,
) -> _Listed:
    ids: list[int] = []
    for _ in range(MOST_BATCHES):
        batch = index.newest(connection, conditions, below=below, most=BATCH)
        ids += index.holding(connection, batch, phrases) if phrases and batch else batch
        if len(batch) < BATCH:
            return _Listed(ids, unread=False, cut_short=False)
        if not phrases or len(ids) >= enough:
            return _Listed(ids, unread=True, cut_short=False)
        below = batch[-1]
    return _Listed(ids, unread=True, cut_short=True)


def _object_ids(connection: Connection, ids: Sequence[int]) -> tuple[str, ...]:
    names = index_of(connection).object_ids(connection, ids)
    # between two statements somebody else may have removed one
    return tuple(names[each] for each in ids if each in names)


def is_outdated(session: Session) -> bool:
    """The terms were cut by other rules than those of this program, such as another Python's Unicode tables. What was
    put before may not be found: put everything again, then ``operations.note_edition``."""
    edition = session.connection().execute(text("select edition from search_edition")).scalar_one()
    return bool(edition != EDITION)


def snippet(text: str, query: str, around: int = 80) -> tuple[str, int, int]:
    """A piece of the text with the first hit in it: the piece, where in it the hit begins, how many letters it has.

    Without a hit (it may be in another field) the beginning of the text, 0 and 0.
    """
    pieces = _PIECE.findall(text)
    folded = [fold(piece) for piece in pieces]
    whole = "".join(folded)
    hit = next(filter(None, (pattern.search(whole) for pattern in _patterns(wanted(query)))), None)
    if hit is None:
        return text[: 2 * around], 0, 0

    folded_starts = list(accumulate(map(len, folded), initial=0))
    starts = list(accumulate(map(len, pieces), initial=0))

    def before(folded_length: int, number: int) -> int:
        """How many letters of the text became the first ``folded_length`` letters, of which the last is in this piece.
        Folding may have made several letters of one, or none."""
        piece, rest = pieces[number], folded_length - folded_starts[number]
        return starts[number] + bisect_right(range(len(piece) + 1), rest, key=lambda cut: len(fold(piece[:cut]))) - 1

    start = before(hit.start(), bisect_right(folded_starts, hit.start()) - 1)
    last = bisect_right(folded_starts, hit.end() - 1) - 1
    stop = before(hit.end(), last)
    if len(fold(text[starts[last] : stop])) < hit.end() - folded_starts[last]:
        stop += 1  # the hit ends within what became of one letter, such as ㈜
    begin = max(0, start - around)
    return text[begin : stop + around], start - begin, stop - start


_PIECE = re.compile(r"(?s).{1,1000}[^ \n]*")  # cut before a space or line end, where folding sees no neighbours
_PAIR = re.compile(rf"[{PAIRED}]{{2}}")


def _patterns(want: Wanted) -> Iterator[re.Pattern[str]]:
    """What to look for in folded text, the most telling first."""
    for phrase in want.phrases:
        yield _pattern(phrase)
    for each in want.conditions:
        term = each[0].removesuffix("*")
        yield _pattern(term if _PAIR.match(term) else " " + term)


def _pattern(plain: str) -> re.Pattern[str]:
    """The plain text as it may have been written: words apart, numbers with joiners. A space at an end is the end of a
    word."""
    words = plain.split()
    written = r"[\W_]*".join(
        (r"[\W_]*" if re.match(f"[{PAIRED}]", word) else f"{JOINER}?").join(map(re.escape, word)) for word in words
    )
    letter = f"[{PAIRED}]" if re.match(f"[{PAIRED}]", words[0]) else rf"[^\W_{PAIRED}]"
    starts = f"(?<!{letter})" if plain.startswith(" ") else ""
    ends = rf"(?![^\W_{PAIRED}])" if plain.endswith(" ") else ""
    return re.compile(starts + written + ends)
