"""A watched folder: each file in it is handed in once, and moved to ``done`` or, with the reason, to ``refused``."""

from __future__ import annotations

import hashlib
import logging
import time
from datetime import datetime
from pathlib import Path

from sqlmodel import Session, col, select

from workflows.errors import NotReady, Refused
from workflows.invoices.intake import take_in
from workflows.invoices.model import PROCESS, Invoice
from workflows.invoices.operations import receive
from workflows.invoices.rules import typed_invoice
from workflows.invoices.steps import send_where_possible
from workflows.papers.model import Version
from workflows.parties.operations import actor
from workflows.parties.queries import by_email
from workflows.parties.rules import Actor
from workflows.runtime import Runtime

log = logging.getLogger(__name__)

AT_REST = 5.0  # seconds without a change: whoever writes a file may not be done with it
AT_ONCE = 50
"""Files looked at in one go."""


def hand_in_from_folder(runtime: Runtime, *, now: datetime) -> int:
    """Hand in what lies in the folder of the settings; how many files were."""
    folder, address = runtime.settings.invoice_folder, runtime.settings.invoice_folder_by
    if folder is None or not folder.is_dir():
        return 0
    with runtime.reading() as session:
        person = by_email(session, address)
        by = actor(session, person, via="folder") if person is not None and person.active else None
    if by is None:
        log.error("SIGNOFF_INVOICE_FOLDER_BY names nobody who is registered: %s", address)
        return 0
    waiting = sorted(each for each in folder.iterdir() if each.is_file() and not each.name.startswith("."))
    at_rest = [each for each in waiting if time.time() - each.stat().st_mtime > AT_REST]
    return sum(_hand_in(runtime, each, by, now=now) for each in at_rest[:AT_ONCE])


def _hand_in(runtime: Runtime, file: Path, by: Actor, *, now: datetime) -> bool:
    try:
        data = file.read_bytes()
        with runtime.reading() as session:
            known = _came_before(session, data, by)
        if not known:
            _receive(runtime, file.name, data, by, now=now)
    except NotReady:
        return False  # it is looked at again
    except Refused as refused:
        _move(file, "refused", reason=str(refused))
        return False
    _move(file, "done")
    return not known


def _receive(runtime: Runtime, name: str, data: bytes, by: Actor, *, now: datetime) -> None:
    settings = runtime.settings
    if len(data) > settings.intake_file_bytes:
        limit = f"{settings.intake_file_bytes // 1_000_000} MB"
        raise Refused("A file may have at most %(limit)s. Nothing was changed.", limit=limit)
    taken = take_in(
        data,
        file_name=name,
        blobs=runtime.blobs,
        limits=runtime.intake_limits,
        locale=by.locale,
        rules=settings.invoice_rules,
    )
    with runtime.transaction() as session:
        said = taken.said or typed_invoice({})
        invoice_id = receive(session, taken.document, said, taken.findings, by=by, now=now).id
    send_where_possible(runtime, invoice_id, now=now)


def _came_before(session: Session, data: bytes, by: Actor) -> bool:
    """A process that was killed may have left a file that was handed in already."""
    same = (
        select(Version.id)
        .join(Invoice, col(Invoice.id) == col(Version.subject_id))
        .where(
            Version.process == PROCESS,
            Version.sha256 == hashlib.sha256(data).hexdigest(),
            Invoice.organisation_id == by.organisation_id,
        )
    )
    return session.exec(same.limit(1)).first() is not None


def _move(file: Path, where: str, *, reason: str = "") -> None:
    """Beside others of its name. The reason stands in a text of the same name."""
    target = file.parent / where
    target.mkdir(exist_ok=True)
    place, number = target / file.name, 1
    while place.exists():
        number += 1
        place = target / f"{file.stem}-{number}{file.suffix}"
    if reason:
        place.with_name(f"{place.name}.txt").write_text(reason + "\n", encoding="utf-8")
    file.replace(place)
