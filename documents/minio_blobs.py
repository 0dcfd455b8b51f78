"""The same store on MinIO, AWS S3 or any other server that speaks the S3 API.

Nothing beyond the plain API is used. The bucket keeps all versions, so that a deletion can be undone, and holds an
object lock where the server has one.
"""

from __future__ import annotations

import hashlib
import io
import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import BinaryIO, cast
from xml.etree.ElementTree import ParseError

import urllib3
from minio import Minio
from minio.commonconfig import COMPLIANCE, ENABLED
from minio.error import MinioException, S3Error
from minio.helpers import check_bucket_name
from minio.retention import Retention
from minio.versioningconfig import VersioningConfig
from urllib3.response import BaseHTTPResponse

from documents.blobs import (
    BlobDamaged,
    BlobMissing,
    BlobRef,
    StoreUnavailable,
    checked_pieces,
    intact,
    reference,
    reference_of_file,
    sha256_of_key,
)

log = logging.getLogger(__name__)

MISSING = {"NoSuchKey", "NoSuchObject", "NoSuchVersion"}
BUCKET_IS_THERE = {"BucketAlreadyOwnedByYou", "BucketAlreadyExists"}
KEY_REFUSED = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "AllAccessDisabled"}
PART_BYTES = 64 * 1024 * 1024
"""Smaller objects go in one request, and their ETag is their MD5."""


class MinioBlobStore:
    """Connects on first use; the bucket is made then, if it is not there."""

    def __init__(
        self,
        endpoint: str,
        bucket: str,
        access_key: str,
        secret_key: str,
        secure: bool = True,
        *,
        connect_seconds: float = 3,
        read_seconds: float = 30,
        retries: int = 2,
    ) -> None:
        """`endpoint` is HOST:PORT. Raises ValueError for an address or a bucket name that cannot be one."""
        check_bucket_name(bucket, strict=True)
        self.endpoint = endpoint
        self.bucket = bucket
        self._lock = Lock()
        self._locks_objects: bool | None = None
        self._client = Minio(
            endpoint,
            access_key=access_key,
            secret_key=secret_key,
            secure=secure,
            http_client=urllib3.PoolManager(
                maxsize=16,
                timeout=urllib3.Timeout(connect=connect_seconds, read=read_seconds),
                retries=urllib3.Retry(total=retries, backoff_factor=0.2, status_forcelist=[500, 502, 503, 504]),
                # the system's certificates, so that a company's own authority counts
                ssl_context=ssl.create_default_context() if secure else None,
            ),
        )

    def put(self, data: bytes, *, folder: str, media_type: str, keep_until: datetime | None = None) -> BlobRef:
        stored = reference(data, folder=folder, media_type=media_type)
        with self._failures():
            locks = self._open_bucket()
            until = keep_until.astimezone(UTC) if locks and keep_until and keep_until > datetime.now(UTC) else None
            if self._holds(stored.key, data):
                self._keep(stored.key, until)
            else:
                self._client.put_object(
                    self.bucket,
                    stored.key,
                    io.BytesIO(data),
                    len(data),
                    media_type,
                    part_size=PART_BYTES,
                    retention=Retention(COMPLIANCE, until) if until else None,
                )
        return stored

    def put_file(self, path: Path, *, folder: str, media_type: str, mark: str = "") -> BlobRef:
        stored = reference_of_file(path, folder=folder, media_type=media_type, mark=mark)
        with self._failures():
            self._open_bucket()
            if not self._has(stored):
                self._client.fput_object(self.bucket, stored.key, str(path), media_type, part_size=PART_BYTES)
        return stored

    def pieces(self, key: str) -> Iterator[bytes]:
        sha256_of_key(key)
        with self._failures():
            try:
                answer = self._client.get_object(self.bucket, key)
            except S3Error as refused:
                if refused.code in MISSING:
                    raise BlobMissing(key) from None
                raise
        return self._checked(key, answer)

    def _checked(self, key: str, answer: BaseHTTPResponse) -> Iterator[bytes]:
        try:
            with self._failures():
                yield from checked_pieces(key, cast(BinaryIO, answer))
        finally:
            answer.release_conn()

    def remove(self, key: str) -> None:
        sha256_of_key(key)
        with self._failures():
            self._client.remove_object(self.bucket, key)

    def get(self, key: str) -> bytes:
        sha256_of_key(key)
        with self._failures():
            data = self._read(key)
        if data is None:
            raise BlobMissing(key)
        if not intact(key, data):
            raise BlobDamaged(key)
        return data

    def check(self) -> None:
        with self._failures():
            if self._locks_objects is None:
                self._open_bucket()
            elif not self._client.bucket_exists(self.bucket):
                raise StoreUnavailable("The document store has lost its bucket %(bucket)s.", bucket=self.bucket)

    def _open_bucket(self) -> bool:
        """Makes the bucket and switches versioning on, once in this process. Returns whether it locks objects."""
        if self._locks_objects is None:
            with self._lock:
                if self._locks_objects is None:
                    if not self._client.bucket_exists(self.bucket):
                        self._make_bucket()
                    self._keep_versions()
                    self._locks_objects = self._has_object_lock()
        return self._locks_objects

    def _make_bucket(self) -> None:
        for object_lock in (True, False):
            try:
                self._client.make_bucket(self.bucket, object_lock=object_lock)
            except S3Error as refused:
                if refused.code in BUCKET_IS_THERE:  # another process was faster
                    return
                if object_lock and refused.code not in KEY_REFUSED:
                    log.info("%s offers no object lock (%s)", self.endpoint, refused.code)
                    continue
                raise
            return

    def _keep_versions(self) -> None:
        try:
            if self._client.get_bucket_versioning(self.bucket).status != ENABLED:
                self._client.set_bucket_versioning(self.bucket, VersioningConfig(ENABLED))
        except S3Error as refused:
            # Content never changes under its key, so only undoing a deletion is lost.
            log.warning("bucket %s keeps no versions: %s", self.bucket, refused.code)

    def _has_object_lock(self) -> bool:
        try:
            self._client.get_object_lock_config(self.bucket)
        except S3Error as refused:
            if refused.code in KEY_REFUSED:
                log.warning("bucket %s does not tell whether it locks objects: %s", self.bucket, refused.code)
            return False
        except ValueError:
            return True  # a lock without a default time, for which servers answer what minio 7.2 cannot read
        return True

    def _holds(self, key: str, data: bytes) -> bool:
        """Whether the object is there and whole: a damaged one is written again, as a new version."""
        try:
            found = self._client.stat_object(self.bucket, key)
        except S3Error as refused:
            if refused.code in MISSING:
                return False
            raise
        if found.size != len(data):
            return False
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        # An ETag is the MD5 only of what was neither sent in parts nor encrypted by the server.
        return (found.etag or "").strip('"') == md5 or self._read(key) == data

    def _has(self, stored: BlobRef) -> bool:
        """Whether an object of this size is there: reading all of it again takes as long as sending it."""
        try:
            return self._client.stat_object(self.bucket, stored.key).size == stored.size
        except S3Error as refused:
            if refused.code in MISSING:
                return False
            raise

    def _keep(self, key: str, until: datetime | None) -> None:
        """Lengthens the time for which nobody may delete the object; it can never be shortened."""
        if until is None:
            return
        try:
            present = self._client.get_object_retention(self.bucket, key)
        except S3Error as refused:
            if refused.code != "NoSuchObjectLockConfiguration":
                raise
            present = None
        if present is None or present.mode != COMPLIANCE or present.retain_until_date < until:
            self._client.set_object_retention(self.bucket, key, Retention(COMPLIANCE, until))

    def _read(self, key: str) -> bytes | None:
        try:
            answer = self._client.get_object(self.bucket, key)
        except S3Error as refused:
            if refused.code in MISSING:
                return None
            raise
        try:
            return answer.read()
        finally:
            answer.close()
            answer.release_conn()

    @contextmanager
    def _failures(self) -> Iterator[None]:
        """In sentences that name the store, and never its keys."""
        try:
            yield
        except S3Error as refused:
            if refused.code in KEY_REFUSED:
                raise StoreUnavailable(
                    "The document store refuses our access key (%(code)s).", code=refused.code
                ) from None
            raise StoreUnavailable(
                "The document store answers with an error: %(code)s.", code=refused.code
            ) from refused
        except (ParseError, ValueError) as failure:
            raise StoreUnavailable(
                "What answers at %(endpoint)s is not a document store.", endpoint=self.endpoint
            ) from failure
        except (urllib3.exceptions.HTTPError, MinioException, OSError) as failure:
            raise StoreUnavailable(
                "The document store at %(endpoint)s cannot be reached.", endpoint=self.endpoint
            ) from failure
