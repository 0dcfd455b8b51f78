"""What a search must find, without any index: every entry is looked at."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from workflows.search.terms import Entry, Wanted, entry, wanted


def an_entry(
    text: str = "",
    *,
    head: str = "",
    numbers: Sequence[str] = (),
    seen_by: Sequence[str] = ("o1",),
    marks: Sequence[str] = (),
    name: str = "1",
) -> Entry:
    return entry("contract", name, head=head, body=text, numbers=numbers, seen_by=seen_by, marks=marks)


def meets(each: Entry, query: str, *, in_head: bool = False) -> bool:
    """Whether the entry has what the query asks for, by ``terms`` alone."""
    return _meets(set(each.terms), each.plain, wanted(query), ":" if in_head else "")


def found(
    entries: Mapping[int, Entry],
    query: str,
    *,
    seen_by: Collection[str] | None,
    kind: str | None = None,
    marks: Collection[str] = (),
) -> list[str]:
    """Names of the objects in the order in which they are to be shown. ``entries``: by age, the newest has the highest
    key."""
    want = wanted(query)
    best_first: list[list[str]] = [[], [], []]
    for key in sorted(entries, reverse=True):
        each = entries[key]
        terms = set(each.terms)
        if seen_by is not None and not any(f"@{name}" in terms for name in seen_by):
            continue
        if not {f"~{mark}" for mark in ([kind] if kind else []) + list(marks)} <= terms or not want.conditions:
            continue
        if want.number and f"={want.number}" in terms:
            best_first[0].append(each.object_id)
        elif _meets(terms, each.plain, want, ":"):
            best_first[1].append(each.object_id)
        elif _meets(terms, each.plain, want, ""):
            best_first[2].append(each.object_id)
    return [name for rank in best_first for name in rank]


def _meets(terms: set[str], plain: str, want: Wanted, mark: str) -> bool:
    def has(term: str) -> bool:
        if term.endswith("*"):
            return any(each.startswith(mark + term[:-1]) for each in terms)
        return mark + term in terms

    return (
        bool(want.conditions)
        and all(any(has(term) for term in each) for each in want.conditions)
        and all(phrase in plain for phrase in want.phrases)
    )
