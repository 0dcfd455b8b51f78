"""Where costs belong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from workflows.database import Work
from workflows.errors import Forbidden
from workflows.invoices.model import CostCenter
from workflows.parties.rules import Actor


def keep_cost_centers(session: Work, rows: Mapping[str, tuple[str, str]], *, by: Actor, now: datetime) -> int:
    """Add cost centres or change them: code to name and owner's address; how many there are in ``rows``."""
    if by.organisation_id is None or not by.administers:
        raise Forbidden("Only administrators may do this.")
    for code, (name, owner) in rows.items():
        kept = session.get(CostCenter, (by.organisation_id, code))
        if kept is None:
            kept = CostCenter(organisation_id=by.organisation_id, code=code)
            session.add(kept)
        kept.name, kept.owner_email = name, owner
    return len(rows)
