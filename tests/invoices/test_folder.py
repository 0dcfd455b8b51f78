"""Files that are laid into a folder."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from sqlmodel import select

from tests.invoices.samples import sound_ubl
from tests.support.office import Office
from workflows.invoices.folder import hand_in_from_folder
from workflows.invoices.model import Invoice, InvoiceState


def laid(folder: Path, name: str, data: bytes) -> Path:
    """A file that nobody writes to any more."""
    file = folder / name
    file.write_bytes(data)
    os.utime(file, (0, 0))
    return file


def test_each_file_is_handed_in_once_and_what_is_none_is_put_aside_with_the_reason(
    office: Office, tmp_path: Path
) -> None:
    folder = tmp_path / "incoming"
    folder.mkdir()
    settings = office.runtime.settings.model_copy(
        update={"invoice_folder": folder, "invoice_folder_by": "dan@haneul.example"}
    )
    runtime = replace(office.runtime, settings=settings)
    laid(folder, "one.xml", sound_ubl())
    laid(folder, "order.xml", b"<order/>")
    (folder / "being-written.xml").write_bytes(sound_ubl(number="2026-0002"))

    assert hand_in_from_folder(runtime, now=office.now) == 1
    assert hand_in_from_folder(runtime, now=office.now) == 0
    laid(folder, "one.xml", sound_ubl())  # as after a crash between the commit and the move
    assert hand_in_from_folder(runtime, now=office.now) == 0

    with office.reading() as session:
        [invoice] = session.exec(select(Invoice)).all()
    assert invoice.state is InvoiceState.IN_APPROVAL
    assert sorted(each.name for each in folder.iterdir() if each.is_file()) == ["being-written.xml"]
    assert sorted(each.name for each in (folder / "done").iterdir()) == ["one-2.xml", "one.xml"]
    assert sorted(each.name for each in (folder / "refused").iterdir()) == ["order.xml", "order.xml.txt"]
    assert "order" in (folder / "refused" / "order.xml.txt").read_text()
