"""Ask for an export; note how far it is, that it is ready, that it cannot be made; remove what is out of date."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, func, select

from documents.blobs import BlobRef, BlobStore
from documents.rendering import Reader
from workflows.approvals.letters import recipient
from workflows.audit.operations import record
from workflows.database import Work
from workflows.errors import Refused, TooMany
from workflows.exports.model import PROCESS, Export, ExportState
from workflows.exports.queries import chosen, looked_up
from workflows.exports.rules import (
    MOST_AT_A_TIME,
    Asked,
    StatementWanted,
    counts_accounts,
    from_json,
    to_json,
    why_not_ask,
)
from workflows.outbox import Letter, post, wake
from workflows.parties.model import Person
from workflows.parties.queries import organisation_of
from workflows.parties.rules import Actor, who

FOLDER = "exports"
"""Of the documents' store."""


def ask(session: Work, asked: Asked, reader: Reader, *, by: Actor, now: datetime) -> Export:
    """Raises Refused for filters that mean nothing; NotFound for an account of which nothing may be seen; TooMany where
    enough are under way."""
    if isinstance(asked, StatementWanted):
        asked = looked_up(session, by, asked)
    else:
        chosen(session, by, asked, today=now.date(), most=1)
    unfinished = session.exec(
        select(func.count()).select_from(Export).where(Export.person_id == by.id, Export.state == ExportState.ASKED)
    ).one()
    if sentence := why_not_ask(unfinished):
        raise TooMany(sentence, retry_after=60, most=MOST_AT_A_TIME)
    export = Export(
        person_id=by.id, asked=to_json(asked), locale=reader.locale, timezone=reader.timezone, created_at=now
    )
    session.add(export)
    session.flush()
    record(session, "export_asked", PROCESS, export.id, now=now, asked=export.asked, **who(by))
    wake(session, PROCESS, export.id, label=f"export-{export.id.hex[-8:]}", now=now)
    return export


def keep_ready(session: Work, export: Export, file: BlobRef, name: str, *, days: int, now: datetime) -> None:
    """Its file is there: tell whoever asked, once."""
    export.state = ExportState.READY
    export.ready_at, export.expires_at = now, now + timedelta(days=days)
    export.key, export.sha256, export.size, export.file_name = file.key, file.sha256, file.size, name
    record(session, "export_ready", PROCESS, export.id, now=now, sha256=file.sha256, documents=export.documents)
    _tell(
        session,
        export,
        "export_ready",
        name,
        now=now,
        documents=export.documents,
        of_accounts=counts_accounts(from_json(export.asked)),
        kept_until=export.expires_at.isoformat(),
    )


def give_up(session: Work, export: Export, refused: Refused, name: str, *, now: datetime) -> None:
    """Its file cannot be made: tell whoever asked why, once. ``name``: what the file would have been called."""
    if export.state is not ExportState.ASKED:
        return
    export.state, export.ready_at = ExportState.FAILED, now
    export.failure = {
        "sentence": refused.sentence,
        "values": {place: str(each) for place, each in refused.values.items()},
    }
    record(session, "export_failed", PROCESS, export.id, now=now, why=str(refused))
    _tell(session, export, "export_failed", name, now=now, why=export.failure)


def _tell(session: Work, export: Export, kind: str, name: str, *, now: datetime, **values: Any) -> None:
    """Nobody, where whoever asked has left."""
    person = session.get_one(Person, export.person_id)
    if not person.active:
        return
    organisation = organisation_of(session, person)
    post(
        session,
        Letter(
            kind=kind,
            to=recipient(person),
            process=PROCESS,
            subject_id=export.id,
            sender_name=organisation.name if organisation else "",
            payload={
                "organisation": organisation.name if organisation else "",
                "address": organisation.address if organisation else "",
                "title": name,
                "page": f"/exports/{export.id}",
                **values,
            },
        ),
        now=now,
    )


def out_of_date(session: Work, *, now: datetime) -> Sequence[UUID]:
    return session.exec(
        select(Export.id).where(Export.state == ExportState.READY, col(Export.expires_at) < now).limit(100)
    ).all()


def remove(session: Work, export_id: UUID, *, blobs: BlobStore, now: datetime) -> bool:
    """Remove its file. Safe to repeat."""
    export = session.get_one(Export, export_id, with_for_update=True)
    if export.state is not ExportState.READY:
        return False
    export.state = ExportState.REMOVED
    blobs.remove(export.key)
    record(session, "export_removed", PROCESS, export.id, now=now)
    return True
