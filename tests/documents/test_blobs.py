"""What every document store does, on each of them; then what only one of them can do."""

from __future__ import annotations

import hashlib
import io
import os
import socket
import sys
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from xml.etree import ElementTree

import pytest
from minio import Minio
from minio.commonconfig import GOVERNANCE
from minio.error import S3Error
from minio.retention import Retention

from documents.blobs import BlobDamaged, BlobMissing, BlobStore, FolderBlobStore, StoreUnavailable
from documents.minio_blobs import MinioBlobStore
from tests.support.servers import S3Server

PDF = "application/pdf"
CONTRACT = b"%PDF-1.7 a lease of eight trucks"
TRICKS = [
    "",
    "/etc/passwd",
    "../../etc/passwd",
    "originals/../../etc/passwd",
    "originals/ab/../../../etc/passwd",
    "originals/ab/" + "ab" * 32,
    "originals/cd/" + "ab" * 32 + ".pdf",
    "originals/ab/" + "AB" * 32 + ".pdf",
    "originals/ab/" + "ab" * 32 + ".pdf/../x",
    "originals/ab/" + "ab" * 32 + ".pdf\n",
    "originals\0/ab/" + "ab" * 32 + ".pdf",
    "originals\\ab\\" + "ab" * 32 + ".pdf",
]


def s3_store(server: S3Server, bucket: str = "") -> MinioBlobStore:
    return MinioBlobStore(
        server.endpoint, bucket or f"documents-{uuid.uuid4().hex}", server.access_key, server.secret_key, secure=False
    )


def s3_client(server: S3Server) -> Minio:
    return Minio(server.endpoint, server.access_key, server.secret_key, secure=False)


def versions(client: Minio, bucket: str, key: str, kind: str) -> list[str]:
    """Read by hand: minio 7.2 cannot read the times in VersityGW's list."""
    answer = client._execute("GET", bucket, query_params={"versions": "", "prefix": key})
    found = ElementTree.fromstring(answer.data.decode())
    return [each.text or "" for each in found.findall(f"{{*}}{kind}/{{*}}VersionId")]


@contextmanager
def forwarding(endpoint: str, target: str) -> Iterator[None]:
    """Lets connections to one address on to another."""

    class Forward(BaseRequestHandler):
        def handle(self) -> None:
            host, port = target.split(":")
            with socket.create_connection((host, int(port))) as other:
                back = threading.Thread(target=pump, args=(other, self.request))
                back.start()
                pump(self.request, other)
                back.join()

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    class Server(ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        block_on_close = False

    host, port = endpoint.split(":")
    with Server((host, int(port)), Forward) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    if request.param == "folder":
        return FolderBlobStore(tmp_path / "documents")
    return s3_store(request.getfixturevalue("s3_server"))


@pytest.fixture
def damage(store: BlobStore, request: pytest.FixtureRequest) -> Callable[[str, bytes], None]:
    """Changes what is stored under a key, behind the store's back."""

    def change(key: str, data: bytes) -> None:
        if isinstance(store, FolderBlobStore):
            path = store.root / key
            path.unlink()
            path.write_bytes(data)
        else:
            assert isinstance(store, MinioBlobStore)
            client = s3_client(request.getfixturevalue("s3_server"))
            client.put_object(store.bucket, key, io.BytesIO(data), len(data))

    return change


# Both stores


def test_what_is_stored_is_read_back(store: BlobStore) -> None:
    stored = store.put(CONTRACT, folder="originals", media_type=PDF)

    assert store.get(stored.key) == CONTRACT


def test_a_key_is_made_of_folder_hash_and_ending(store: BlobStore) -> None:
    stored = store.put(CONTRACT, folder="originals", media_type=PDF)

    sha256 = hashlib.sha256(CONTRACT).hexdigest()
    assert stored.key == f"originals/{sha256[:2]}/{sha256}.pdf"
    assert (stored.sha256, stored.size, stored.media_type) == (sha256, len(CONTRACT), PDF)


@pytest.mark.parametrize(
    ("media_type", "ending"),
    [("image/png", "png"), ("text/plain; charset=utf-8", "txt"), ("message/rfc822", "eml"), ("x/../../y", "bin")],
)
def test_the_ending_follows_the_media_type_and_never_holds_a_path(
    store: BlobStore, media_type: str, ending: str
) -> None:
    stored = store.put(b"something", folder="pages", media_type=media_type)

    assert stored.key.endswith(f"{stored.sha256}.{ending}")
    assert store.get(stored.key) == b"something"


def test_storing_twice_changes_nothing(store: BlobStore) -> None:
    first = store.put(CONTRACT, folder="originals", media_type=PDF)

    assert store.put(CONTRACT, folder="originals", media_type=PDF) == first
    assert store.get(first.key) == CONTRACT


def test_the_same_bytes_in_two_folders_are_two_blobs(store: BlobStore) -> None:
    keys = {store.put(CONTRACT, folder=folder, media_type=PDF).key for folder in ("originals", "sealed")}

    assert len(keys) == 2
    assert {store.get(key) for key in keys} == {CONTRACT}


def test_an_empty_blob_is_a_blob(store: BlobStore) -> None:
    assert store.get(store.put(b"", folder="originals", media_type=PDF).key) == b""


def test_a_file_is_stored_as_its_bytes_are(store: BlobStore, tmp_path: Path) -> None:
    path = tmp_path / "lease.pdf"
    path.write_bytes(CONTRACT)

    for _ in range(2):
        assert store.put_file(path, folder="originals", media_type=PDF) == store.put(
            CONTRACT, folder="originals", media_type=PDF
        )
    assert b"".join(store.pieces(store.put_file(path, folder="exports", media_type=PDF).key)) == CONTRACT
    assert path.read_bytes() == CONTRACT


def test_a_marked_file_is_a_blob_of_its_own_beside_equal_ones(store: BlobStore, tmp_path: Path) -> None:
    path = tmp_path / "lease.pdf"
    path.write_bytes(CONTRACT)
    plain, *marked = (
        store.put_file(path, folder="exports", media_type=PDF, mark=mark) for mark in ("", "0" * 32, "f" * 32)
    )
    assert len({plain.key, *(each.key for each in marked)}) == 3
    store.remove(marked[0].key)
    with pytest.raises(BlobMissing):
        store.get(marked[0].key)
    assert store.get(plain.key) == store.get(marked[1].key) == CONTRACT
    for mark in ("../" + "0" * 29, "F" * 32, "0"):
        with pytest.raises(ValueError, match="not a mark"):
            store.put_file(path, folder="exports", media_type=PDF, mark=mark)


def test_pieces_tell_what_is_missing_before_the_first_and_what_is_damaged_after_the_last(
    store: BlobStore, damage: Callable[[str, bytes], None]
) -> None:
    stored = store.put(CONTRACT, folder="originals", media_type=PDF)
    missing = stored.key.replace("originals/", "exports/")
    with pytest.raises(BlobMissing):
        store.pieces(missing)

    damage(stored.key, b"x" + CONTRACT[1:])
    pieces = store.pieces(stored.key)
    assert next(pieces) == b"x" + CONTRACT[1:]
    with pytest.raises(BlobDamaged):
        next(pieces)


def test_what_was_removed_is_missing_and_removing_it_again_changes_nothing(store: BlobStore) -> None:
    stored = store.put(CONTRACT, folder="exports", media_type=PDF)

    for _ in range(2):
        store.remove(stored.key)
    with pytest.raises(BlobMissing):
        store.get(stored.key)


def test_ten_megabytes_come_back_whole(store: BlobStore) -> None:
    data = os.urandom(1024) * 10_240

    assert store.get(store.put(data, folder="originals", media_type=PDF).key) == data


def test_what_was_never_stored_is_missing(store: BlobStore) -> None:
    store.check()

    with pytest.raises(BlobMissing) as missing:
        store.get("originals/ab/" + "ab" * 32 + ".pdf")

    assert str(missing.value).startswith("There is no stored document originals/ab/abab")


@pytest.mark.parametrize("key", TRICKS)
def test_what_is_no_key_is_missing_wherever_it_points(store: BlobStore, key: str) -> None:
    with pytest.raises(BlobMissing):
        store.get(key)


@pytest.mark.parametrize("folder", ["", ".", "..", "../up", "a/b", "Upper", "a b", "ä", "/etc", "a\n", "a" * 64])
def test_a_folder_is_one_lower_case_word(store: BlobStore, folder: str) -> None:
    with pytest.raises(ValueError, match="not a folder"):
        store.put(CONTRACT, folder=folder, media_type=PDF)


@pytest.mark.parametrize("data", [b"", CONTRACT[:-1], CONTRACT[:-1] + b"!", CONTRACT + b"!"])
def test_damage_is_found_when_read(store: BlobStore, damage: Callable[[str, bytes], None], data: bytes) -> None:
    stored = store.put(CONTRACT, folder="sealed", media_type=PDF)
    damage(stored.key, data)

    with pytest.raises(BlobDamaged, match="checksum has changed"):
        store.get(stored.key)


@pytest.mark.parametrize("data", [b"", CONTRACT[:-1] + b"!"])
def test_storing_again_mends_what_was_damaged(
    store: BlobStore, damage: Callable[[str, bytes], None], data: bytes
) -> None:
    stored = store.put(CONTRACT, folder="sealed", media_type=PDF)
    damage(stored.key, data)

    store.put(CONTRACT, folder="sealed", media_type=PDF)

    assert store.get(stored.key) == CONTRACT


def test_twenty_threads_store_the_same_bytes_and_read_them(store: BlobStore) -> None:
    start = threading.Barrier(20)

    def put_and_get(_: int) -> bytes:
        start.wait()
        return store.get(store.put(CONTRACT, folder="originals", media_type=PDF).key)

    with ThreadPoolExecutor(20) as threads:
        assert set(threads.map(put_and_get, range(20))) == {CONTRACT}


def test_a_time_to_keep_is_accepted_by_every_store(store: BlobStore) -> None:
    until = datetime.now(UTC) + timedelta(days=3650)

    stored = store.put(CONTRACT, folder="sealed", media_type=PDF, keep_until=until)

    assert store.get(stored.key) == CONTRACT
    assert store.put(CONTRACT, folder="sealed", media_type=PDF, keep_until=until) == stored


def test_a_new_store_is_ready(store: BlobStore) -> None:
    store.check()
    store.check()


# Only the folder


def test_a_folder_keeps_files_from_other_users_and_from_being_written_again(tmp_path: Path) -> None:
    store = FolderBlobStore(tmp_path / "deep" / "documents")
    path = store.root / store.put(CONTRACT, folder="originals", media_type=PDF).key

    assert path.stat().st_mode & 0o777 == 0o400
    assert {each.stat().st_mode & 0o777 for each in (store.root, path.parent, path.parent.parent)} == {0o700}


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FolderBlobStore(tmp_path / "documents")
    real = os.fsync

    def full(descriptor: int) -> None:
        if os.fstat(descriptor).st_size == len(CONTRACT):
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreUnavailable, match="No space left on device"):
        store.put(CONTRACT, folder="originals", media_type=PDF)

    assert [path for path in store.root.rglob("*") if path.is_file()] == []
    monkeypatch.undo()
    assert store.get(store.put(CONTRACT, folder="originals", media_type=PDF).key) == CONTRACT


@pytest.mark.skipif(sys.platform != "linux", reason="asks /dev/fd which file was synced")
def test_file_and_folders_reach_the_disk_before_put_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In this order: the content, then the name of the file, and the name of each folder that was made."""
    store = FolderBlobStore(tmp_path / "documents")
    synced: list[Path] = []
    real = os.fsync

    def note(descriptor: int) -> None:
        synced.append(Path(f"/dev/fd/{descriptor}").resolve())
        real(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    path = store.root / store.put(CONTRACT, folder="originals", media_type=PDF).key

    folders = [tmp_path, store.root, store.root / "originals"]
    assert synced[:3] == folders
    assert synced[3].parent == path.parent
    assert synced[4:] == [path.parent]


def test_a_file_where_the_folder_should_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "documents").write_text("not a folder")
    store = FolderBlobStore(tmp_path / "documents")

    for work in (store.check, lambda: store.put(CONTRACT, folder="originals", media_type=PDF)):
        with pytest.raises(StoreUnavailable) as refused:
            work()
        assert refused.value.sentence == "Documents cannot be stored or read now: %(reason)s."


# Only S3


def test_the_bucket_keeps_versions_and_locks(s3_server: S3Server) -> None:
    store = s3_store(s3_server)
    store.check()
    client = s3_client(s3_server)

    assert client.get_bucket_versioning(store.bucket).status == "Enabled"
    bucket_configuration = client._execute("GET", store.bucket, query_params={"object-lock": ""})
    assert b"<ObjectLockEnabled>Enabled" in bucket_configuration.data


def test_what_is_to_be_kept_cannot_be_deleted_even_with_our_keys(s3_server: S3Server) -> None:
    store = s3_store(s3_server)
    until = datetime.now(UTC) + timedelta(hours=1)
    stored = store.put(CONTRACT, folder="sealed", media_type=PDF, keep_until=until)
    client = s3_client(s3_server)
    version = client.stat_object(store.bucket, stored.key).version_id

    with pytest.raises(S3Error):
        client.remove_object(store.bucket, stored.key, version_id=version)
    with pytest.raises(S3Error):
        client.set_object_retention(
            store.bucket, stored.key, Retention(GOVERNANCE, datetime.now(UTC) + timedelta(seconds=1))
        )

    retention = client.get_object_retention(store.bucket, stored.key)
    assert retention is not None
    assert retention.mode == "COMPLIANCE"
    assert abs(retention.retain_until_date - until) < timedelta(seconds=2)
    assert store.get(stored.key) == CONTRACT


def test_a_deletion_without_lock_can_be_undone(s3_server: S3Server) -> None:
    store = s3_store(s3_server)
    stored = store.put(CONTRACT, folder="originals", media_type=PDF)
    client = s3_client(s3_server)
    client.remove_object(store.bucket, stored.key)
    with pytest.raises(BlobMissing):
        store.get(stored.key)

    (marker,) = versions(client, store.bucket, stored.key, "DeleteMarker")
    client.remove_object(store.bucket, stored.key, version_id=marker)

    assert store.get(stored.key) == CONTRACT


def test_storing_twice_makes_one_version(s3_server: S3Server) -> None:
    store = s3_store(s3_server)
    for _ in range(3):
        stored = store.put(CONTRACT, folder="originals", media_type=PDF)

    assert len(versions(s3_client(s3_server), store.bucket, stored.key, "Version")) == 1


def test_a_time_to_keep_is_added_and_lengthened_but_never_shortened(s3_server: S3Server) -> None:
    store = s3_store(s3_server)
    client = s3_client(s3_server)
    now = datetime.now(UTC)
    stored = store.put(CONTRACT, folder="sealed", media_type=PDF)

    seen = []
    for hours in (2, 5, 1):
        store.put(CONTRACT, folder="sealed", media_type=PDF, keep_until=now + timedelta(hours=hours))
        retention = client.get_object_retention(store.bucket, stored.key)
        assert retention is not None
        seen.append(round((retention.retain_until_date - now) / timedelta(hours=1)))

    assert seen == [2, 5, 5]


def test_a_time_in_the_past_locks_nothing(s3_server: S3Server) -> None:
    store = s3_store(s3_server)
    stored = store.put(CONTRACT, folder="sealed", media_type=PDF, keep_until=datetime.now(UTC) - timedelta(days=1))

    assert store.get(stored.key) == CONTRACT


def test_a_bucket_without_lock_is_used_as_it_is_and_gets_versions(s3_server: S3Server) -> None:
    client = s3_client(s3_server)
    bucket = f"given-{uuid.uuid4().hex}"
    client.make_bucket(bucket)
    store = s3_store(s3_server, bucket)

    until = datetime.now(UTC) + timedelta(days=1)
    stored = store.put(CONTRACT, folder="sealed", media_type=PDF, keep_until=until)

    assert store.get(stored.key) == CONTRACT
    assert client.get_bucket_versioning(bucket).status == "Enabled"


def test_two_stores_that_make_the_same_bucket_at_once_both_work(s3_server: S3Server) -> None:
    bucket = f"shared-{uuid.uuid4().hex}"
    start = threading.Barrier(6)

    def put(number: int) -> bytes:
        store = s3_store(s3_server, bucket)
        start.wait()
        return store.get(store.put(b"%d" % number, folder="originals", media_type=PDF).key)

    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(put, range(6))) == [b"%d" % number for number in range(6)]


def test_wrong_keys_are_said_without_being_shown(s3_server: S3Server) -> None:
    store = MinioBlobStore(s3_server.endpoint, "documents", s3_server.access_key, "not-the-secret", secure=False)

    for work in (store.check, lambda: store.put(CONTRACT, folder="originals", media_type=PDF)):
        with pytest.raises(StoreUnavailable) as refused:
            work()
        assert refused.value.sentence == "The document store refuses our access key (%(code)s)."
        assert "not-the-secret" not in str(refused.value)


def test_a_bucket_that_somebody_removed_is_not_ready(s3_server: S3Server) -> None:
    store = s3_store(s3_server)
    store.check()
    s3_client(s3_server).remove_bucket(store.bucket)

    with pytest.raises(StoreUnavailable, match="lost its bucket"):
        store.check()


def test_a_store_that_is_down_is_said_at_once() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        endpoint = f"127.0.0.1:{nobody.getsockname()[1]}"
        store = MinioBlobStore(endpoint, "documents", "key", "secret", secure=False)

        for work in (
            store.check,
            lambda: store.put(CONTRACT, folder="originals", media_type=PDF),
            lambda: store.get("originals/ab/" + "ab" * 32 + ".pdf"),
        ):
            with pytest.raises(StoreUnavailable, match="cannot be reached"):
                work()


def test_a_store_that_accepts_and_never_answers_is_given_up() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(16)
        store = MinioBlobStore(
            f"127.0.0.1:{silent.getsockname()[1]}",
            "documents",
            "key",
            "secret",
            secure=False,
            connect_seconds=0.2,
            read_seconds=0.2,
            retries=1,
        )
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            store.check()


def test_a_store_that_was_down_serves_once_it_is_up(s3_server: S3Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        endpoint = f"127.0.0.1:{door.getsockname()[1]}"
    store = MinioBlobStore(
        endpoint, f"late-{uuid.uuid4().hex}", s3_server.access_key, s3_server.secret_key, secure=False, retries=0
    )
    with pytest.raises(StoreUnavailable):
        store.check()

    with forwarding(endpoint, s3_server.endpoint):
        assert store.get(store.put(CONTRACT, folder="originals", media_type=PDF).key) == CONTRACT


def test_an_ordinary_web_server_is_no_store() -> None:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "13")
            self.end_headers()
            self.wfile.write(b"<html>Hello</")

        do_HEAD = do_PUT = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        store = MinioBlobStore(f"127.0.0.1:{server.server_port}", "documents", "key", "secret", secure=False)
        try:
            with pytest.raises(StoreUnavailable):
                store.check()
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("bucket", ["", "a", "UPPER", "a/b", "..", "192.168.1.1"])
def test_what_cannot_be_a_bucket_is_refused_when_the_engine_starts(bucket: str) -> None:
    with pytest.raises(ValueError):
        MinioBlobStore("127.0.0.1:9000", bucket, "key", "secret", secure=False)


def test_documents_are_encrypted_on_the_way_with_the_systems_certificates() -> None:
    store = MinioBlobStore("127.0.0.1:9000", "documents", "key", "secret")

    context = store._client._http.connection_pool_kw["ssl_context"]
    assert context.verify_mode.name == "CERT_REQUIRED"
    assert context.check_hostname
