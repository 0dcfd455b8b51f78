"""Starts the real servers that tests talk to: on loopback, on free ports, stopped by their process id."""

from __future__ import annotations

import ctypes
import itertools
import os
import pwd
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from tests.support import parts

START_SECONDS = 120  # Prefect takes 30 on a busy machine
STOP_SECONDS = 30
# Below those that systems give to outgoing connections: a port that was free stays free until its server has it.
PORTS = range(20_000, 32_000)


def free_port() -> int:
    """A loopback port that nobody uses, and that no other test of this run is told."""
    for port in itertools.islice(_ports, len(PORTS)):
        with closing(socket.socket()) as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


def _own_ports() -> list[int]:
    """Those of this one of pytest's workers, which are called gw0, gw1, …"""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    mine = list(PORTS[number % 16 :: 16])
    random.shuffle(mine)
    return mine


_ports = itertools.cycle(_own_ports())


def listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(ready: Callable[[], bool], what: str, *, seconds: float = START_SECONDS, every: float = 0.05) -> None:
    """Returns once ``ready()`` holds. ``every``: seconds between two looks.

    Raises:
        TimeoutError: "``what`` did not happen within … seconds".
    """
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds:g} seconds")
        time.sleep(every)


@contextmanager
def running(
    command: Sequence[str | Path],
    *,
    ready: Callable[[], bool],
    log: Path,
    environment: Mapping[str, str] | None = None,
    user: str | None = None,
    stop: signal.Signals = signal.SIGTERM,
) -> Iterator[subprocess.Popen[bytes]]:
    """A server that is there inside the ``with``, and gone after it, also when the tests themselves are killed.

    Raises:
        RuntimeError: it ended at once or never became ready; the message has the end of its log.
    """
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=log.parent,
            env={**os.environ, **(environment or {})},
            user=user,
            group=pwd.getpwnam(user).pw_gid if user else None,
            extra_groups=[] if user else None,
            start_new_session=True,  # Ctrl-C in the terminal reaches the tests only; they stop it in order
            preexec_fn=_end_with_parent,
        )

    def up() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"{command[0]} ended with {process.returncode}:\n{_tail(log)}")
        return ready()

    try:
        try:
            wait_until(up, f"{Path(command[0]).name} answering")
        except TimeoutError as late:
            raise RuntimeError(f"{late}:\n{_tail(log)}") from late
        yield process
    finally:
        process.send_signal(stop)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None
PR_SET_PDEATHSIG = 1


def _end_with_parent() -> None:
    # runs in the child between fork and exec: nothing but the one system call
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def _tail(log: Path, lines: int = 20) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def fast_folder() -> Path | None:
    """Where files lie in memory, for databases that nobody needs to find again; None: there is no such place."""
    memory = Path("/dev/shm")  # noqa: S108  (nobody can guess the names of what is made in it)
    try:
        free = shutil.disk_usage(memory).free
    except OSError:
        return None
    return memory if free > MEMORY_NEEDED and os.access(memory, os.W_OK) else None


MEMORY_NEEDED = 2_000_000_000  # bytes: two databases at a time, and what a failed test leaves


@contextmanager
def postgresql(*, durable: bool = False) -> Iterator[URL]:
    """A cluster of our own, empty, in memory where that can be had; or the server that SIGNOFF_TEST_POSTGRES_URL names.

    ``durable``: on the disk, and a commit waits until it is there, as in production.

    The address is that of an administrative database, from which others can be made.
    """
    given = os.environ.get("SIGNOFF_TEST_POSTGRES_URL")
    if given:
        yield make_url(given).set(drivername="postgresql+psycopg")
        return
    programs = parts.require("postgresql")
    # the server refuses to run as root
    user = "postgres" if os.geteuid() == 0 else None
    home = Path(tempfile.mkdtemp(prefix="signoff-postgresql-", dir=None if durable else fast_folder()))
    try:
        password = secrets.token_urlsafe(16)
        (home / "password").write_text(password)
        if user:
            for path in (home, home / "password"):
                shutil.chown(path, user)
        subprocess.run(
            [
                programs / "initdb",
                *("--pgdata", home / "data", "--username", "signoff", "--pwfile", home / "password"),
                *("--auth", "password", "--encoding", "UTF8", "--no-locale", "--no-sync"),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=home,
            user=user,
            group=pwd.getpwnam(user).pw_gid if user else None,
            extra_groups=[] if user else None,
        )
        port = free_port()
        address = URL.create("postgresql+psycopg", "signoff", password, "127.0.0.1", port, "postgres")
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": "",
            "max_connections": 200,
            "shared_buffers": "64MB",
            "autovacuum": "off",
            "timezone": "Asia/Seoul",  # not UTC, so that a time without its zone shows
        }
        if not durable:
            settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        options = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
        with running(
            [programs / "postgres", "-D", home / "data", *options],
            ready=lambda: _answers(address),
            log=home / "log",
            user=user,
            stop=signal.SIGINT,
        ):
            yield address
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _answers(address: URL) -> bool:
    try:
        connect(address).close()
    except psycopg.OperationalError:
        return False
    return True


def connect(address: URL) -> psycopg.Connection:
    """Straight to the server, each statement on its own: databases cannot be made within a transaction."""
    plain = address.set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True, connect_timeout=5)


def create_database(address: URL, name: str, *, like: str | None = None) -> URL:
    """An empty database, or a copy of ``like`` (to which nobody may be connected)."""
    with connect(address) as connection:
        words = sql.SQL("create database {}").format(sql.Identifier(name))
        if like:
            words += sql.SQL(" template {}").format(sql.Identifier(like))
        if like and connection.info.server_version >= 15_00_00:  # before, there was no other way
            words += sql.SQL(" strategy file_copy")  # half the time of a copy through the log
        connection.execute(words)
    return address.set(database=name)


def drop_database(address: URL, name: str) -> None:
    """Ends whoever is still connected."""
    with connect(address) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))


@dataclass(frozen=True)
class S3Server:
    endpoint: str
    """HOST:PORT, without TLS."""
    access_key: str
    secret_key: str

    def url(self, bucket: str) -> str:
        return f"s3+http://{self.endpoint}/{bucket}"


@contextmanager
def s3(home: Path) -> Iterator[S3Server]:
    """VersityGW over a folder, with versioning and object lock."""
    program = parts.require("versitygw")
    data, versions, sidecar = home / "data", home / "versions", home / "sidecar"
    for folder in (data, versions, sidecar):
        folder.mkdir(parents=True)
    port = free_port()
    server = S3Server(f"127.0.0.1:{port}", "signoff-test", secrets.token_urlsafe(24))
    with running(
        # a sidecar folder, because not every file system has extended attributes
        [program, "--port", server.endpoint, "posix", "--versioning-dir", versions, "--sidecar", sidecar, data],
        ready=lambda: listens(port),
        log=home / "log",
        environment={"ROOT_ACCESS_KEY": server.access_key, "ROOT_SECRET_KEY": server.secret_key},
    ):
        yield server


@dataclass(frozen=True)
class MailServer:
    smtp_port: int
    http_port: int

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.http_port}/api/v1"


@contextmanager
def mailpit(home: Path, *options: str | Path) -> Iterator[MailServer]:
    """Mailpit with further ``options``, such as ``"--smtp-tls-cert", path``; refusals on demand are switched on."""
    program = parts.require("mailpit")
    home.mkdir(parents=True, exist_ok=True)
    server = MailServer(free_port(), free_port())
    with running(
        [
            program,
            *("--listen", f"127.0.0.1:{server.http_port}", "--smtp", f"127.0.0.1:{server.smtp_port}"),
            *("--disable-version-check", "--enable-chaos", "--quiet", "--database", home / "mailpit.db"),
            *options,
        ],
        ready=lambda: listens(server.smtp_port) and listens(server.http_port),
        log=home / "log",
    ):
        yield server
