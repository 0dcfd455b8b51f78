"""What changed in the text from one version to another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlmodel import Session

from api.auth import SignedIn
from api.dependencies import Engine
from api.pages.shell import page
from documents.comparison import Comparison
from workflows.approvals.model import Round
from workflows.approvals.queries import approved_before
from workflows.contracts.model import Contract
from workflows.papers import queries as papers
from workflows.papers.rules import compared

router = APIRouter(prefix="/contracts", include_in_schema=False)


@router.get("/{contract_id}/versions/compare")
def compare_page(
    contract_id: UUID,
    request: Request,
    runtime: Engine,
    visitor: SignedIn,
    old: Annotated[int | None, Query(alias="from", ge=1)] = None,
    new: Annotated[int | None, Query(alias="to", ge=1)] = None,
) -> Response:
    """Any two versions; without a choice the newest with the one before it."""
    with runtime.reading() as session:
        contract = papers.one(session, Contract, contract_id, visitor.actor)
        newer = papers.version(session, contract, new or contract.current_version)
        older = papers.version(session, contract, old or max(1, newer.number - 1))
        numbers = [each.number for each in papers.versions(session, contract)]
    return page(
        request,
        "compare.html",
        here="contracts",
        contract=contract,
        numbers=numbers,
        older=older,
        newer=newer,
        changes=compared(older, newer),
    )


@dataclass(frozen=True)
class Since:
    """An approval of an earlier version, which does not hold for this one, and what changed in the text since."""

    version: int
    at: datetime
    changes: Comparison


def changed_since_approved(session: Session, round: Round, person_id: UUID) -> Since | None:
    """For somebody who is asked again; None for whoever has not approved an earlier version."""
    found = approved_before(session, round, person_id)
    if found is None or found[0].version_number == round.version_number:
        return None
    earlier, decision = found
    older = papers.version_in(session, round.process, round.subject_id, earlier.version_number)
    newer = papers.version_in(session, round.process, round.subject_id, round.version_number)
    return Since(earlier.version_number, decision.at, compared(older, newer))
