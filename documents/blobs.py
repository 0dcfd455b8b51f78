"""Where documents are kept: bytes under a key that contains their sha256, so that storing twice is harmless.

A key is ``folder/ab/abcdef….pdf``. Whatever is read back is compared with the hash in its key. Equal bytes have one
key, so that nobody can tell who else relies on them: what is to be removed some day bears a mark of its own in its key.
"""

from __future__ import annotations

import hashlib
import io
import mimetypes
import os
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol

KEY = re.compile(
    r"(?P<folder>[a-z][a-z0-9-]{0,62})/(?P<first>[0-9a-f]{2})/(?P<sha256>[0-9a-f]{64})(-[0-9a-f]{32})?\.[a-z0-9]{1,8}"
)
PIECE_BYTES = 1024 * 1024
FOLDER = re.compile(r"[a-z][a-z0-9-]{0,62}")
MARK = re.compile(r"[0-9a-f]{32}")
ENDINGS = {
    "application/pdf": "pdf",
    "application/json": "json",
    "application/xml": "xml",
    "image/png": "png",
    "message/rfc822": "eml",
    "text/plain": "txt",
}


@dataclass(frozen=True)
class BlobRef:
    key: str
    sha256: str
    """64 hexadecimal digits."""
    size: int
    """Bytes."""
    media_type: str


class BlobStore(Protocol):
    """Bytes in, the same bytes out, for decades. Safe to call from several threads and processes."""

    def put(self, data: bytes, *, folder: str, media_type: str, keep_until: datetime | None = None) -> BlobRef:
        """Returns when the bytes are safe. ``keep_until``: nobody can delete them before, if the store sees to it.

        Raises:
            ValueError: for a folder that is not one lower-case word.
            StoreUnavailable: nothing that matters was stored.
        """

    def put_file(self, path: Path, *, folder: str, media_type: str, mark: str = "") -> BlobRef:
        """As ``put``, of a file that may be larger than memory. ``mark``: 32 hexadecimal digits that keep it apart from
        equal bytes, so that it can be removed. Raises OSError where it cannot be read."""

    def get(self, key: str) -> bytes:
        """Raises BlobMissing, also for what is no key at all; BlobDamaged; StoreUnavailable."""

    def pieces(self, key: str) -> Iterator[bytes]:
        """As ``get``, piece by piece: that the blob is missing is told before the first one, that it is damaged only
        after the last."""

    def remove(self, key: str) -> None:
        """For what is kept for a while only. Nothing happens where it is not there. Raises BlobMissing for what is no
        key; StoreUnavailable."""

    def check(self) -> None:
        """Raises StoreUnavailable when documents could not be stored now."""


class BlobError(Exception):
    """`sentence` is an English message id with `%(name)s` placeholders, `values` fills them; `str()` is it, filled."""

    def __init__(self, sentence: str, **values: object) -> None:
        self.sentence = sentence
        self.values = values
        super().__init__(sentence % values)


class BlobMissing(BlobError):
    def __init__(self, key: str) -> None:
        super().__init__("There is no stored document %(key)s.", key=key)


class BlobDamaged(BlobError):
    def __init__(self, key: str) -> None:
        super().__init__("The stored document %(key)s is not what was stored: its checksum has changed.", key=key)


class StoreUnavailable(BlobError):
    """Worth another try later, once somebody has looked at the store."""


def reference(data: bytes, *, folder: str, media_type: str) -> BlobRef:
    """Where these bytes belong. Raises ValueError for a folder that is not one lower-case word."""
    return _reference(hashlib.sha256(data).hexdigest(), len(data), folder, media_type)


def reference_of_file(path: Path, *, folder: str, media_type: str, mark: str = "") -> BlobRef:
    """As ``reference``; the file is read once, and never whole. Raises ValueError also for what is no mark."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return _reference(sha256, path.stat().st_size, folder, media_type, mark)


def _reference(sha256: str, size: int, folder: str, media_type: str, mark: str = "") -> BlobRef:
    if not FOLDER.fullmatch(folder):
        raise ValueError(f"not a folder of documents: {folder!r}")
    if mark and not MARK.fullmatch(mark):
        raise ValueError(f"not a mark of a document: {mark!r}")
    name = f"{sha256}-{mark}" if mark else sha256
    return BlobRef(f"{folder}/{sha256[:2]}/{name}.{_ending(media_type)}", sha256, size, media_type)


def sha256_of_key(key: str) -> str:
    """Raises BlobMissing for everything that ``reference`` does not make: no path gets further than this."""
    found = KEY.fullmatch(key)
    if not found or not found["sha256"].startswith(found["first"]):
        raise BlobMissing(key)
    return found["sha256"]


def intact(key: str, data: bytes) -> bool:
    return hashlib.sha256(data).hexdigest() == sha256_of_key(key)


def _ending(media_type: str) -> str:
    plain = media_type.partition(";")[0].strip().lower()
    ending = ENDINGS.get(plain) or (mimetypes.guess_extension(plain) or ".bin").removeprefix(".")
    return ending if re.fullmatch(r"[a-z0-9]{1,8}", ending) else "bin"


class FolderBlobStore:
    """Files below a folder, readable by this user only. Folders know no lock, so ``keep_until`` changes nothing."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, data: bytes, *, folder: str, media_type: str, keep_until: datetime | None = None) -> BlobRef:
        stored = reference(data, folder=folder, media_type=media_type)
        path = self.root / stored.key
        try:
            if not _holds(path, data):
                _make_folder(path.parent)
                _write(path, io.BytesIO(data))
        except OSError as failure:
            raise _unavailable(failure) from failure
        return stored

    def get(self, key: str) -> bytes:
        sha256_of_key(key)
        try:
            data = (self.root / key).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise BlobMissing(key) from None
        except OSError as failure:
            raise _unavailable(failure) from failure
        if not intact(key, data):
            raise BlobDamaged(key)
        return data

    def put_file(self, path: Path, *, folder: str, media_type: str, mark: str = "") -> BlobRef:
        stored = reference_of_file(path, folder=folder, media_type=media_type, mark=mark)
        target = self.root / stored.key
        try:
            if not _is_whole(target, stored):
                _make_folder(target.parent)
                with path.open("rb") as file:
                    _write(target, file)
        except OSError as failure:
            raise _unavailable(failure) from failure
        return stored

    def pieces(self, key: str) -> Iterator[bytes]:
        sha256_of_key(key)
        try:
            file = (self.root / key).open("rb")
        except (FileNotFoundError, NotADirectoryError):
            raise BlobMissing(key) from None
        except OSError as failure:
            raise _unavailable(failure) from failure
        return checked_pieces(key, file)

    def remove(self, key: str) -> None:
        sha256_of_key(key)
        try:
            (self.root / key).unlink(missing_ok=True)
        except NotADirectoryError:
            pass
        except OSError as failure:
            raise _unavailable(failure) from failure

    def check(self) -> None:
        try:
            _make_folder(self.root)
            with tempfile.TemporaryFile(dir=self.root) as probe:
                probe.write(b"?")
        except OSError as failure:
            raise _unavailable(failure) from failure


def _holds(path: Path, data: bytes) -> bool:
    """Whether the file is there and whole: a damaged one is written again."""
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except (FileNotFoundError, NotADirectoryError):
        return False


def _is_whole(path: Path, stored: BlobRef) -> bool:
    """As ``_holds``, of a file that may be larger than memory."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == stored.sha256
    except (FileNotFoundError, NotADirectoryError):
        return False


def checked_pieces(key: str, file: BinaryIO) -> Iterator[bytes]:
    """What ``file`` holds, which is closed at the end. Raises BlobDamaged after the last piece."""
    read = hashlib.sha256()
    with file:
        while piece := file.read(PIECE_BYTES):
            read.update(piece)
            yield piece
    if read.hexdigest() != sha256_of_key(key):
        raise BlobDamaged(key)


def _write(path: Path, data: BinaryIO) -> None:
    """All or nothing, and still there after a power failure."""
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
    try:
        with os.fdopen(descriptor, "wb") as file:
            shutil.copyfileobj(data, file, PIECE_BYTES)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _make_folder(folder: Path) -> None:
    """With all above it, each made known to the disk by its parent."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unavailable(failure: OSError) -> StoreUnavailable:
    reason = os.strerror(failure.errno) if failure.errno else str(failure)
    return StoreUnavailable("Documents cannot be stored or read now: %(reason)s.", reason=reason)
