"""Lists of papers, newest first, and what a search finds of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, SelectBase, false, or_, true, union_all
from sqlalchemy import select as columns
from sqlalchemy.orm import Mapped
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from workflows.approvals.model import Participant
from workflows.columns import OneOf
from workflows.discussions.finding import kinds_of_entries
from workflows.errors import Refused
from workflows.papers.model import Paper
from workflows.papers.queries import id_of, literally, may_see, principals, reads_all
from workflows.papers.rules import number_up_to
from workflows.parties.rules import Actor
from workflows.search.queries import find
from workflows.search.terms import wanted

P = TypeVar("P", bound=Paper)
E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True)
class Sought(Generic[P]):
    """Papers of a kind that the actor may see, and what else is asked of them."""

    model: type[P]
    actor: Actor
    either: tuple[ColumnElement[bool], ...] = ()
    """One of these, where there are any: its states, say. Each is looked up by itself."""
    each: tuple[ColumnElement[bool], ...] = ()
    """All of these."""
    among: SelectBase | None = None
    """Ids, few of them, of which they are."""

    @property
    def filtered(self) -> bool:
        """Whether more is asked than the actor's right to see them."""
        return bool(self.either or self.each) or self.among is not None

    @property
    def all(self) -> SelectOfScalar[P]:
        """In no order."""
        found = select(self.model).where(*self.conditions)
        return found if self.among is None else found.where(col(self.model.id).in_(self.among))

    @property
    def conditions(self) -> Iterator[ColumnElement[bool]]:
        yield may_see(self.model, self.actor)
        yield from self.each
        if self.either:
            yield or_(*self.either)


def newest(session: Session, sought: Sought[P], *, below: UUID | None = None, limit: int) -> Sequence[P]:
    """The first ``limit`` of them, the newest first. ``below``: the last one of those that were read before."""
    model = sought.model
    ids = _newest(sought, below, limit).subquery()
    found = select(model).where(col(model.id).in_(columns(ids.c.id)))
    return session.exec(found.order_by(col(model.id).desc())).all()


def newest_ids(session: Session, sought: Sought[P], *, below: UUID | None = None, limit: int) -> Sequence[UUID]:
    """As ``newest``."""
    found: Sequence[UUID] = session.connection().execute(_newest(sought, below, limit)).scalars().all()
    return found


def _newest(sought: Sought[P], below: UUID | None, limit: int) -> Select[UUID]:
    """A reason to see papers and a state each have an index that is walked from the newest on. With OR between them the
    databases would walk all papers instead, of which perhaps few or none are wanted."""
    paper_id = col(sought.model.id)
    if sought.among is not None:
        # made first, or PostgreSQL might walk all papers in the hope to meet some of them soon
        few = sought.among.cte("few").prefix_with("MATERIALIZED", dialect="postgresql")
        found = columns(paper_id).where(paper_id.in_(columns(few.c[0])), *sought.conditions)
        return _cut(found, paper_id, below, limit)
    walks = [_cut(each.where(*sought.each), paper_id, below, limit).subquery() for each in _reasons(sought, below)]
    found_by = union_all(*(columns(each.c.id) for each in walks)).subquery()
    return columns(found_by.c.id).distinct().order_by(found_by.c.id.desc()).limit(limit)


def _reasons(sought: Sought[P], below: UUID | None) -> Iterator[Select[UUID]]:
    """Ids of papers for each of the reasons of ``queries.may_see``, in each of the states."""
    model, actor = sought.model, sought.actor
    for state in sought.either or (true(),):
        yield columns(col(model.id)).where(col(model.owner_id) == actor.id, state)
        if reads_all(model, actor) and actor.organisation_id is not None:
            yield columns(col(model.id)).where(col(model.organisation_id) == actor.organisation_id, state)
    # Who is on a route stands in a table of its own. Either the newest of their papers are looked at for their state,
    # or, where it is rare, the newest in that state for them: which of both, the database knows best.
    route = columns(col(model.id)).join(Participant, col(Participant.subject_id) == col(model.id))
    route = route.where(col(Participant.process) == model.process, col(Participant.person_id) == actor.id)
    if below is not None:  # that the papers are below it tells PostgreSQL nothing of the rows it comes from
        route = route.where(col(Participant.subject_id) < below)
    yield route.where(or_(*sought.either)) if sought.either else route


def _cut(found: Select[UUID], paper_id: Mapped[UUID], below: UUID | None, limit: int) -> Select[UUID]:
    if below is not None:
        found = found.where(paper_id < below)
    return found.order_by(paper_id.desc()).limit(limit)


def in_states(state: Mapped[E], states: Sequence[E]) -> tuple[ColumnElement[bool], ...]:
    """``Sought.either`` of these states; () where they are all there are."""
    if states and len(states) == len(type(states[0])):
        return ()
    return tuple(state == each for each in states) or (false(),)


def named(name: Mapped[str], text: str) -> ColumnElement[bool]:
    """Whether the name has this text in it, whatever its case."""
    return name.ilike(literally(text.strip()), escape="\\")


def with_party(q: str, party: str) -> str:
    """The query that also asks for the name of a party: the index over all words finds it, where looking through every
    name takes seconds among a million. What has no letter or digit in it is left to ``named``."""
    return f"{q} {party}".strip() if wanted(party).conditions else q


@dataclass(frozen=True)
class Page(Generic[P]):
    papers: Sequence[P]
    next_cursor: str | None
    count: str | None = None
    """Of a search: "37" or "1,000+"."""
    cut_short: bool = False
    """Not all candidates of a search were read."""


def page_of(session: Session, sought: Sought[P], *, q: str, cursor: str, limit: int) -> Page[P]:
    """One page of those ``sought``, newest first, or by rank where ``q`` asks for words."""
    if q.strip():
        return _searched(session, sought, q, cursor=cursor, limit=limit)
    rows = newest(session, sought, below=id_of(cursor) if cursor else None, limit=limit + 1)
    return Page(rows[:limit], str(rows[limit - 1].id) if len(rows) > limit else None)


def _searched(session: Session, sought: Sought[P], q: str, *, cursor: str, limit: int) -> Page[P]:
    first, model, filtered = _position(cursor), sought.model, sought.filtered
    # rights are a condition of the search itself; other filters are joined afterwards, on at most 1,000 hits
    found = find(
        session,
        q,
        seen_by=principals(model, sought.actor),
        kind=kinds_of_entries(model.process),
        first=0 if filtered else first,
        page=1000 if filtered else limit,
    )
    ids = [UUID(each) for each in found.object_ids]
    if not filtered:
        return Page(_ordered(session, model, ids), _next(first + limit, found.more), found.count, found.cut_short)
    among_hits = sought.all.where(OneOf(col(model.id), ids)).with_only_columns(col(model.id))
    met = set(session.connection().execute(among_hits).scalars())
    kept = [each for each in ids if each in met]
    return Page(
        _ordered(session, model, kept[first : first + limit]),
        _next(first + limit, len(kept) > first + limit),
        str(len(kept)),
        found.cut_short or found.more,
    )


def _ordered(session: Session, model: type[P], ids: Sequence[UUID]) -> Sequence[P]:
    rows = {row.id: row for row in session.exec(select(model).where(col(model.id).in_(ids)))} if ids else {}
    return [rows[each] for each in ids if each in rows]


def _next(first: int, more: bool) -> str | None:
    return f"r{first}" if more else None


def _position(cursor: str) -> int:
    if not cursor:
        return 0
    first = number_up_to(cursor[1:], 1000) if cursor[:1] == "r" else None
    if first is None:
        raise Refused("This cursor is not one of ours.", field="cursor")
    return first
