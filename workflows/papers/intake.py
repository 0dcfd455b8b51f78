"""Take a document in: checked by a child process, both files kept, before any row names them."""

from __future__ import annotations

import hashlib

from documents import intake
from documents.blobs import BlobStore
from documents.intake import IntakeLimits, IntakeRefused
from workflows.errors import NotReady, Refused
from workflows.papers.operations import HandedIn
from workflows.parties.rules import shown
from workflows.signatures.verification import verify

PDF = "application/pdf"
LONGEST_FILE_NAME = 200  # letters; stored and shown, never used as a path


class DocumentRefused(Refused):
    """The file cannot be signed safely; ``reason`` is intake's code."""

    code = "document-refused"

    def __init__(self, refused: IntakeRefused) -> None:
        super().__init__(refused.sentence, field="file", **refused.values)
        self.reason = refused.code


def take_in(
    data: bytes, *, file_name: str, blobs: BlobStore, limits: IntakeLimits, password: str | None = None
) -> HandedIn:
    """Check, repair and keep a PDF. Storing it twice is harmless, so a failed request leaves nothing that matters.

    Raises:
        DocumentRefused: with the reason.
        NotReady: too many documents are being read just now.
    """
    try:
        accepted = intake.accept(data, limits=limits, password=password)
    except IntakeRefused as refused:
        if refused.code == "busy":
            raise NotReady(refused.sentence) from refused
        raise DocumentRefused(refused) from refused
    if accepted.already_signed:
        _insist_on_whole_signatures(data, limits)
    original = blobs.put(data, folder="originals", media_type=PDF)
    same = hashlib.sha256(accepted.normalised).hexdigest() == original.sha256
    readable = original if same else blobs.put(accepted.normalised, folder="readable", media_type=PDF)
    return HandedIn(
        original=original,
        readable=readable,
        file_name=checked_file_name(file_name),
        pages=accepted.pages,
        page_sizes=accepted.page_sizes,
        text=accepted.text,
        findings=accepted.stripped,
        page_texts=accepted.page_texts,
    )


def _insist_on_whole_signatures(data: bytes, limits: IntakeLimits) -> None:
    """A file that came signed keeps its signatures: they must hold now, or nothing that is added later would."""
    report = verify(data, (), limits=limits)
    match report.verdict:
        case "unreadable":
            raise DocumentRefused(IntakeRefused("cannot_sign", report.sentence.sentence, **report.sentence.values))
        case "changed":
            raise DocumentRefused(
                IntakeRefused("cannot_sign", "The document is already signed, but the signature in it does not hold.")
            )
        case _:
            pass


def checked_file_name(name: str) -> str:
    """The name as it may be shown and offered for download: its last part, in one line, at most 200 letters."""
    last = shown(name.replace("\\", "/").rpartition("/")[2])
    if len(last) > LONGEST_FILE_NAME:
        stem, dot, ending = last.rpartition(".")
        last = (
            f"{stem[: LONGEST_FILE_NAME - len(ending) - 1]}{dot}{ending}"
            if dot and len(ending) < 10
            else last[:LONGEST_FILE_NAME]
        )
    return last.strip(". ") or "document.pdf"
