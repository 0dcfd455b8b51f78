"""Make the file of an export, in transactions of its own for each part; and remove old ones."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlmodel import Session

from documents.blobs import BlobError, BlobRef, reference_of_file
from documents.rendering import Reader
from workflows.database import Work
from workflows.errors import Forbidden, Refused
from workflows.exports import statement_sheets
from workflows.exports.making import MEDIA_TYPES, file_name, write
from workflows.exports.model import PROCESS, Export, ExportState
from workflows.exports.operations import FOLDER, give_up, keep_ready, out_of_date, remove
from workflows.exports.queries import chosen
from workflows.exports.rules import Asked, StatementWanted, Wanted, from_json, insist_on_hope
from workflows.outbox import fulfilled, wanted
from workflows.parties.model import Person
from workflows.parties.operations import actor
from workflows.parties.rules import Actor
from workflows.runtime import Runtime

log = logging.getLogger(__name__)

BATCH = 10_000
"""Documents whose ids are read in one transaction."""
TELL_EVERY = 1.0  # seconds between two notes of how far it is

Check = Callable[[Work], None]
"""Raises, inside each transaction, where somebody else makes this file now."""


def make(runtime: Runtime, export_id: UUID, check: Check) -> ExportState:
    """Make the file from the beginning, where it has not been made. Safe to repeat: it becomes ready once."""
    with runtime.transaction() as session:
        check(session)
        export = session.get_one(Export, export_id)
        sequence = wanted(session, PROCESS, export_id)
        if export.state is ExportState.ASKED:
            export.begun += 1
    if export.state is ExportState.ASKED:
        asked, reader = from_json(export.asked), Reader(export.locale, export.timezone)
        name = file_name(asked, reader, export.created_at)
        if export.key:  # of a process that was killed once its file was stored
            runtime.blobs.remove(export.key)
        try:
            insist_on_hope(export.begun, age=_now() - export.created_at)
            _make(runtime, export, asked, reader, name, check)
        except Refused as refused:
            with runtime.transaction() as session:
                check(session)
                kept = session.get_one(Export, export_id, with_for_update=True)
                give_up(session, kept, refused, name, now=_now())
    with runtime.transaction() as session:
        check(session)
        fulfilled(session, PROCESS, export_id, sequence)
        return session.get_one(Export, export_id).state


def _make(runtime: Runtime, export: Export, asked: Asked, reader: Reader, name: str, check: Check) -> None:
    def who(session: Session) -> Actor:
        person = session.get_one(Person, export.person_id)
        if not person.active:
            raise Forbidden("Whoever asked for it is no longer here.")
        return actor(session, person, via="page")

    progress = _Progress(runtime, export.id, check)
    if isinstance(asked, StatementWanted):
        with runtime.reading() as session:
            progress.found(statement_sheets.count(session, who(session), asked))
    else:
        ids = _all_of(runtime, asked, who, ZoneInfo(reader.timezone))
        progress.found(len(ids))
    folder = runtime.settings.home / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{export.id}.part"  # what a killed process left is written over
    try:
        with part.open("w+b") as target:
            if isinstance(asked, StatementWanted):
                statement_sheets.write(
                    asked, target, reading=runtime.reading, who=who, reader=reader, written=progress.written
                )
            else:
                write(asked, ids, target, reading=runtime.reading, who=who, reader=reader, written=progress.written)
        stored = _stored(runtime, export.id, part, MEDIA_TYPES[asked.form], check)
    finally:
        part.unlink(missing_ok=True)
    with runtime.transaction() as session:
        check(session)
        kept = session.get_one(Export, export.id, with_for_update=True)
        if kept.state is ExportState.ASKED:
            keep_ready(session, kept, stored, name, days=runtime.settings.export_days, now=_now())


def _stored(runtime: Runtime, export_id: UUID, part: Path, media_type: str, check: Check) -> BlobRef:
    """Under a key of its own: an equal file of another export is removed when the time of that one is over. The key is
    noted first, so that nothing is stored that nobody knows of."""
    mark = export_id.hex
    with runtime.transaction() as session:
        check(session)
        kept = session.get_one(Export, export_id)
        kept.key = reference_of_file(part, folder=FOLDER, media_type=media_type, mark=mark).key
    return runtime.blobs.put_file(part, folder=FOLDER, media_type=media_type, mark=mark)


def _all_of(runtime: Runtime, asked: Wanted, who: Callable[[Session], Actor], zone: ZoneInfo) -> Sequence[UUID]:
    """Of all sheets alike, so that what comes meanwhile is in all of them or in none."""
    ids: list[UUID] = []
    while True:
        with runtime.reading() as session:
            today = _now().astimezone(zone).date()
            after = ids[-1] if ids else None
            more = chosen(session, who(session), asked, today=today, most=BATCH, after=after)
        ids += more
        if asked.q or len(more) < BATCH:
            return ids


class _Progress:
    """How far it is, as its page shows it."""

    def __init__(self, runtime: Runtime, export_id: UUID, check: Check) -> None:
        self._runtime, self._export_id, self._check = runtime, export_id, check
        self._written, self._told_at = 0, 0.0

    def found(self, documents: int) -> None:
        self._tell(documents)

    def written(self, count: int) -> None:
        self._written += count
        if time.monotonic() - self._told_at >= TELL_EVERY:
            self._tell()

    def _tell(self, documents: int | None = None) -> None:
        with self._runtime.transaction() as session:
            self._check(session)
            export = session.get_one(Export, self._export_id)
            export.written = self._written
            if documents is not None:
                export.documents = documents
        self._told_at = time.monotonic()


def remove_old(runtime: Runtime, *, now: datetime) -> int:
    """Remove what is out of date, each in its own transaction, and parts that a killed process left; how many files."""
    with runtime.transaction() as session:
        due = out_of_date(session, now=now)
    removed = 0
    for export_id in due:
        try:
            with runtime.transaction() as session:
                removed += remove(session, export_id, blobs=runtime.blobs, now=now)
        except BlobError as error:  # it is tried again
            log.warning("The file of export %s could not be removed: %s", export_id, error)
    _remove_parts(runtime.settings.home / FOLDER, now)
    return removed


def _remove_parts(folder: Path, now: datetime) -> None:
    for part in folder.glob("*.part"):
        if now.timestamp() - part.stat().st_mtime > 24 * 3600:
            part.unlink(missing_ok=True)


def _now() -> datetime:
    return datetime.now(UTC)
