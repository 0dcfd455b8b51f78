"""What changed from one version to another: in the text, and in what is said of the document."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlmodel import Session

from api.auth import SignedIn
from api.dependencies import Engine
from api.pages.papers import Papers, address_of, at_desk
from api.pages.shell import page
from api.pages.words import SAID, said_name, said_value
from api.readers import reader_of
from documents.comparison import Comparison
from documents.rendering import Reader
from workflows.approvals.model import Round
from workflows.approvals.queries import approved_before
from workflows.papers import queries as papers
from workflows.papers.rules import compared

router = APIRouter(include_in_schema=False)


@at_desk(router.get, "/versions/compare")
def compare_page(
    paper_id: UUID,
    model: Papers,
    request: Request,
    runtime: Engine,
    visitor: SignedIn,
    old: Annotated[int | None, Query(alias="from", ge=1)] = None,
    new: Annotated[int | None, Query(alias="to", ge=1)] = None,
) -> Response:
    """Any two versions; without a choice the newest with the one before it."""
    with runtime.reading() as session:
        paper = papers.one(session, model, paper_id, visitor.actor)
        newer = papers.version(session, paper, new or paper.current_version)
        older = papers.version(session, paper, old or max(1, newer.number - 1))
        numbers = [each.number for each in papers.versions(session, paper)]
    return page(
        request,
        "compare.html",
        here=f"{model.process}s",
        reader=replace(reader_of(request), paper=model.process),
        here_at=address_of(model, paper.id),
        contract=paper,
        numbers=numbers,
        older=older,
        newer=newer,
        changes=compared(older, newer),
    )


@dataclass(frozen=True)
class Since:
    """An approval that does not hold any more, and what changed since: in the text, where it was of an earlier version,
    and in what is said of the document."""

    version: int
    at: datetime
    changes: Comparison | None
    said: tuple[tuple[str, str, str], ...]
    """What, before and now, each in words."""


def changed_since_approved(session: Session, round: Round, person_id: UUID, reader: Reader) -> Since | None:
    """For somebody who is asked again; None for whoever has not approved before."""
    found = approved_before(session, round, person_id)
    if found is None:
        return None
    earlier, decision = found
    said = _said_anew(earlier, round, reader)
    if earlier.version_number == round.version_number:
        return Since(earlier.version_number, decision.at, None, said) if said else None
    older = papers.version_in(session, round.process, round.subject_id, earlier.version_number)
    newer = papers.version_in(session, round.process, round.subject_id, round.version_number)
    return Since(earlier.version_number, decision.at, compared(older, newer), said)


def _said_anew(earlier: Round, round: Round, reader: Reader) -> tuple[tuple[str, str, str], ...]:
    before, now = _facts(earlier), _facts(round)

    def said(name: str, facts: dict[str, Any]) -> str:
        return said_value(name, facts.get(name), reader, facts.get("currency"))

    return tuple(
        (said_name(name, reader), said(name, before), said(name, now))
        for name in SAID
        if before.get(name) != now.get(name)
    )


def _facts(round: Round) -> dict[str, Any]:
    about = round.facts.get(round.process)
    return {**round.facts, **(about if isinstance(about, dict) else {})}
