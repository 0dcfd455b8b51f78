"""Where costs belong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlmodel import Session

from workflows.database import Work
from workflows.errors import Forbidden
from workflows.invoices.model import CostCenter
from workflows.parties.rules import Actor


def with_owner(session: Session, fields: Mapping[str, object], organisation_id: UUID | None) -> dict[str, object]:
    """An invoice's fields with the owner of its cost centre, where the organisation keeps one by this code."""
    kept = session.get(CostCenter, (organisation_id, fields.get("cost_center", ""))) if organisation_id else None
    return {"cost_center.owner": kept.owner_email, **fields} if kept else dict(fields)


def keep_cost_centers(session: Work, rows: Mapping[str, tuple[str, str]], *, by: Actor, now: datetime) -> int:
    """Add cost centres or change them: code to name and owner's address; how many there are in ``rows``.

    Raises Forbidden: to all but administrators of an organisation.
    """
    if by.organisation_id is None or not by.administers:
        raise Forbidden("Only administrators may do this.")
    for code, (name, owner) in rows.items():
        kept = session.get(CostCenter, (by.organisation_id, code))
        if kept is None:
            kept = CostCenter(organisation_id=by.organisation_id, code=code)
            session.add(kept)
        kept.name, kept.owner_email = name, owner
    return len(rows)
