"""A watched folder: each file in it is handed in once, and moved to ``done`` or, with the reason, to ``refused``."""

from __future__ import annotations

import hashlib
import logging
import time
from datetime import datetime
from pathlib import Path

from sqlmodel import Session, col, select

from documents.rendering import sentence
from workflows.errors import NotReady, Refused
from workflows.invoices.files_put_aside import REASON, REFUSED, free_place, watched
from workflows.invoices.intake import take_in_by_settings
from workflows.invoices.model import PROCESS, Invoice
from workflows.invoices.operations import receive
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
    if runtime.settings.invoice_folder is None:
        return 0
    with runtime.reading() as session:
        person = by_email(session, runtime.settings.invoice_folder_by)
        watches = watched(session, runtime.settings, person.organisation_id if person else None)
        by = actor(session, person, via="folder") if person else None
    if watches is None or watches.trouble or by is None:
        log.error("Nothing is handed in from SIGNOFF_INVOICE_FOLDER: %s", watches.trouble if watches else "")
        return 0
    folder = watches.folder
    waiting = sorted(each for each in folder.iterdir() if each.is_file() and not each.name.startswith("."))
    at_rest = [each for each in waiting if time.time() - each.stat().st_mtime > AT_REST]
    return sum(_hand_in(runtime, each, by, now=now) for each in at_rest[:AT_ONCE])


def _hand_in(runtime: Runtime, file: Path, by: Actor, *, now: datetime) -> bool:
    try:
        data = file.read_bytes()
        with runtime.reading() as session:
            known = came_before(session, data, by)
        if not known:
            _receive(runtime, file.name, data, by, now=now)
    except NotReady:
        return False  # it is looked at again
    except Refused as refused:
        _move(file, REFUSED, reason=sentence(refused.sentence, by.locale, **refused.values))
        return False
    except OSError:
        log.exception("%s cannot be read; it is looked at again", file)
        return False
    _move(file, "done")
    return not known


def _receive(runtime: Runtime, name: str, data: bytes, by: Actor, *, now: datetime) -> None:
    settings = runtime.settings
    if len(data) > settings.intake_file_bytes:
        limit = f"{settings.intake_file_bytes // 1_000_000} MB"
        raise Refused("A file may have at most %(limit)s. Nothing was changed.", limit=limit)
    taken = take_in_by_settings(runtime, data, file_name=name, locale=by.locale)
    with runtime.transaction() as session:
        invoice_id = receive(session, taken.document, taken.invoice, taken.findings, by=by, now=now).id
    send_where_possible(runtime, invoice_id, now=now)


def came_before(session: Session, data: bytes, by: Actor) -> bool:
    """Whether these very bytes were handed in already: a process that was killed may have left them."""
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
    """Beside others of its name, with the reason."""
    place = free_place(file.parent / where, file.name)
    if reason:
        place.with_name(place.name + REASON).write_text(reason + "\n", encoding="utf-8")
    file.replace(place)
    if reason:
        place.touch()  # since when it lies there
