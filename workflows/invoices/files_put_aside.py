"""What a watched folder could not hand in, and how it is mended: handed in again, or settled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlmodel import Session

from workflows.errors import NotFound, Refused
from workflows.parties.queries import by_email
from workflows.settings import Settings

REFUSED, SETTLED = "refused", "settled"
REASON = ".txt"
"""A file's reason stands beside it, in a text of its name and this."""


@dataclass(frozen=True)
class PutAside:
    """A file that was refused. ``reason``: as it was told to whoever hands the folder's files in."""

    name: str
    reason: str
    since: datetime


@dataclass(frozen=True)
class Watched:
    """A folder whose files are handed in. ``trouble``: why none is."""

    folder: Path
    trouble: Refused | None = None

    def put_aside(self, *, limit: int) -> tuple[Sequence[PutAside], int]:
        """The newest, and how many there are."""
        names = _names(self.folder)
        found = [_told(self.folder / REFUSED / each) for each in names]
        return sorted(found, key=lambda each: each.since, reverse=True)[:limit], len(names)

    def hand_in_again(self, name: str) -> None:
        """Put it where it came from: it is looked at as if it came now."""
        self._move(name, self.folder)

    def settle(self, name: str) -> None:
        """Leave it be, as after another file came in its place."""
        self._move(name, self.folder / SETTLED)

    def _move(self, name: str, where: Path) -> None:
        if name not in _names(self.folder):
            raise NotFound("There is no such file; it has been dealt with meanwhile.")
        file = self.folder / REFUSED / name
        file.replace(free_place(where, name))
        file.with_name(name + REASON).unlink(missing_ok=True)


def watched(session: Session, settings: Settings, organisation_id: object) -> Watched | None:
    """The folder whose files come to this organisation; to nobody's where it is not known whose they are."""
    folder = settings.invoice_folder
    if folder is None:
        return None
    person = by_email(session, settings.invoice_folder_by)
    if person is None or not person.active:
        nobody = "Its files are handed in by nobody: %(address)s is not registered, or has left."
        return Watched(folder, Refused(nobody, address=settings.invoice_folder_by or "–"))
    if person.organisation_id != organisation_id:
        return None
    return Watched(folder, None if folder.is_dir() else Refused("The folder %(folder)s is not there.", folder=folder))


def free_place(folder: Path, name: str) -> Path:
    """Where a file of this name may lie beside others; the folder is made."""
    folder.mkdir(exist_ok=True)
    plain, place, number = Path(name), folder / name, 1
    while place.exists():
        number += 1
        place = folder / f"{plain.stem}-{number}{plain.suffix}"
    return place


def _names(folder: Path) -> set[str]:
    """Of refused files: all that are no reason of another."""
    aside = folder / REFUSED
    there = {each.name for each in aside.iterdir() if each.is_file()} if aside.is_dir() else set()
    return {each for each in there if not (each.endswith(REASON) and each.removesuffix(REASON) in there)}


def _told(file: Path) -> PutAside:
    reason = file.with_name(file.name + REASON)
    words = reason.read_text(encoding="utf-8", errors="replace").strip() if reason.is_file() else ""
    return PutAside(file.name, words[:1000], datetime.fromtimestamp(file.stat().st_mtime, UTC))
