"""Take a file in: judged by its bytes and kept, before any row names it."""

from __future__ import annotations

from documents.blobs import BlobStore
from documents.sniffing import KindRefused, kind_of
from workflows.discussions.operations import File
from workflows.discussions.rules import checked_file_name
from workflows.errors import Refused


class FileRefused(Refused):
    """It is not of a kind that is taken."""

    status = 415
    code = "file-refused"


def take_in(data: bytes, *, file_name: str, blobs: BlobStore) -> File:
    """Keep a file as it is. Storing it twice is harmless, so a failed request leaves nothing that matters.

    Raises:
        FileRefused: with the sentence.
    """
    try:
        kind = kind_of(data)
    except KindRefused as refused:
        raise FileRefused(refused.sentence, field="file") from refused
    stored = blobs.put(data, folder="attachments", media_type=kind.media_type)
    return File(stored, checked_file_name(file_name, kind.endings))
