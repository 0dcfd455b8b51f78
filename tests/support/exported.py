"""Exports in every state that they can be in."""

from __future__ import annotations

from datetime import timedelta

from documents.rendering import Reader
from tests.support.office import Office
from workflows.errors import Refused
from workflows.exports.model import Export
from workflows.exports.operations import ask, give_up
from workflows.exports.rules import wanted
from workflows.exports.steps import make, remove_old


def exports(office: Office, by: str, locale: str) -> dict[str, str]:
    """Paths of their pages, by their states: begun, asked, ready, failed, removed."""
    paths = {}
    for state in ("removed", "ready", "failed", "begun", "asked"):
        with office.transaction() as session:
            reader, what = Reader(locale, "Asia/Seoul"), "contracts" if state == "failed" else "invoices"
            export = ask(session, wanted(what, "xlsx"), reader, by=office.actor(by), now=office.now)
            export_id = export.id
            if state == "begun":
                export.documents, export.written = 120_000, 150_000
            if state == "failed":
                give_up(
                    session,
                    export,
                    Refused("Whoever asked for it is no longer here."),
                    "Contracts.xlsx",
                    now=office.now,
                )
        if state in ("removed", "ready"):
            make(office.runtime, export_id, lambda session: None)
        if state == "removed":
            with office.reading() as session:
                until = session.get_one(Export, export_id).expires_at
            assert until is not None
            remove_old(office.runtime, now=until + timedelta(minutes=1))
        paths[f"export {state}"] = f"/exports/{export_id}"
    office.deliver()
    return paths
