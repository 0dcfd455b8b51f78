"""What a fresh database needs before anybody can work: the route that fits everything."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files

from sqlmodel import select

from workflows.approvals.model import RouteVersion
from workflows.approvals.publishing import publish
from workflows.database import Work


def prepare(session: Work) -> None:
    """Publish the catch-all route where there is no route for contracts yet. Safe to repeat."""
    if session.exec(select(RouteVersion.id).where(RouteVersion.document == "contract").limit(1)).first() is None:
        source = files("workflows.approvals").joinpath("standard.yaml").read_text(encoding="utf-8")
        publish(session, source, name="standard", by=None, now=datetime.now(UTC))
