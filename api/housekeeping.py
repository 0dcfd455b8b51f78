"""What a fresh database needs before anybody can work: the route that fits everything."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.resources import files

from sqlmodel import select

from workflows.approvals.model import RouteVersion
from workflows.approvals.publishing import publish
from workflows.database import Work


def prepare(session: Work) -> None:
    """Publish the catch-all routes of kinds of documents that have no route yet. Safe to repeat."""
    for document, name in (("contract", "standard"), ("invoice", "standard-invoice")):
        if session.exec(select(RouteVersion.id).where(RouteVersion.document == document).limit(1)).first() is None:
            source = files("workflows.approvals").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
            publish(session, source, name=name, by=None, now=datetime.now(UTC))
