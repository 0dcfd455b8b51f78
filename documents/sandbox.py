"""Work on untrusted files in a process of its own, which may die alone.

A server process has the libraries loaded and forks a child for every job; it is `documents.sandbox_process`. The child
limits itself (memory, processor time, wall clock) before it sees the first byte. Whatever it does, the calling process
gets an answer or one of the exceptions below, and reads no more than it asked for. Nothing is unpickled: a child that a
hostile file has taken over can only answer wrongly.

The server ends with the process that started it, however that ends, and ends its children.
"""

from __future__ import annotations

import atexit
import json
import logging
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock
from typing import Any, Literal

log = logging.getLogger(__name__)

SERVER = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from documents.sandbox_process import serve; "
    "serve(int(sys.argv[2]), float(sys.argv[3]), json.loads(sys.argv[4]), sys.argv[5:])"
)
PASSED_ON = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Variables that the child may see; the others hold the secrets of the settings."""

WALL = 2
"""Wall-clock seconds for a second of processor time: the machine has other things to do."""
START_SECONDS = 15
"""Beyond the wall-clock limit that the child keeps by itself; it covers the start of the server."""
HEAD_BYTES = 1_000_000
TRIES = 2
"""The server may have been killed while we waited; that is no fault of the file."""


class Died(Exception):
    """The child ended without an answer: it ran out of ``memory`` or ``time``, or a library gave up (``crash``)."""

    def __init__(self, reason: Literal["memory", "time", "crash"]) -> None:
        self.reason = reason
        super().__init__(reason)


class Refused(Exception):
    """The job itself says no."""

    def __init__(self, code: str, sentence: str, values: dict[str, Any]) -> None:
        self.code = code
        self.sentence = sentence
        self.values = values
        super().__init__(code)


class Busy(Exception):
    """Other jobs hold all the places, or no child can be started now. Worth another try."""


@dataclass(frozen=True)
class Answer:
    values: dict[str, Any]
    parts: tuple[bytes, ...]


class Places:
    """How many jobs of one kind may run at once: each may take the whole memory that it is allowed.

    Whoever has waited longest is next; a semaphore would give the place to whoever has just left it and asks again.
    """

    def __init__(self, number: int) -> None:
        self._lock = Lock()
        self._free = number
        self._waiting: deque[Event] = deque()

    @contextmanager
    def one(self, wait_seconds: float) -> Iterator[None]:
        self._take(wait_seconds)
        try:
            yield
        finally:
            self._leave()

    def _take(self, wait_seconds: float) -> None:
        turn = Event()
        with self._lock:
            if self._free:
                self._free -= 1
                return
            self._waiting.append(turn)
        came = False
        try:
            came = turn.wait(wait_seconds)
        finally:
            if not came and not self._given_up(turn):
                self._leave()
        if not came:
            raise Busy

    def _given_up(self, turn: Event) -> bool:
        """False: the place was handed over in this very moment."""
        with self._lock:
            if turn.is_set():
                return False
            self._waiting.remove(turn)
            return True

    def _leave(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().set()
            else:
                self._free += 1


def run(
    job: str,
    data: bytes,
    arguments: Mapping[str, object],
    *,
    places: Places,
    memory_bytes: int,
    seconds: int,
    answer_bytes: int,
    by: Server | None = None,
) -> Answer:
    """Call a function in a child process: with the data, and with the arguments (JSON values) by name.

    `job` is module:function; it returns values (JSON) and parts. `seconds` are of processor time; `answer_bytes` are
    the most to be read. `by` is the server to fork from; the one that reads and draws documents otherwise.

    Raises Refused, Died or Busy.
    """
    server = by or _server
    order = {
        "job": job,
        "memory": memory_bytes,
        "memory_is": "data" if server.reserves else "address space",
        "seconds": seconds,
        "wall": seconds * WALL,
        "arguments": arguments,
    }
    with places.one(seconds * WALL):
        for _ in range(TRIES):
            answer = _attempt(server, order, data, seconds * WALL + START_SECONDS, answer_bytes)
            if answer is not None:
                return answer
    log.error("no child process for reading documents can be started")
    raise Busy


def start() -> None:
    """Start the server, so that the first job does not wait for it. Returns at once."""
    with suppress(OSError):
        _server.start()


def stop() -> None:
    """End the server and its children. The next job starts it again."""
    _server.stop()


def _attempt(
    server: Server, order: Mapping[str, object], data: bytes, seconds: float, answer_bytes: int
) -> Answer | None:
    """None: the server went away."""
    ends = time.monotonic() + seconds
    ours, theirs = socket.socketpair()
    watch, watched = socket.socketpair()
    # Closing `watch` is what ends the child, also when we are interrupted.
    with ours, theirs, watch, watched:
        if not server.hand_over(theirs, watched):
            return None
        theirs.close()
        watched.close()
        try:
            _send(ours, order, data, ends)
            return _receive(ours, answer_bytes, ends)
        except TimeoutError:
            raise Died("time") from None
        except (EOFError, ConnectionError):
            status = _status(watch, ends)
        if status is None:
            return None
        raise Died(_reason(status))


def _send(ours: socket.socket, order: Mapping[str, object], data: bytes, ends: float) -> None:
    head = json.dumps({**order, "size": len(data)}).encode()
    _allow(ours, ends)
    ours.sendall(len(head).to_bytes(8, "big") + head)
    view = memoryview(data)
    while view:
        _allow(ours, ends)
        view = view[ours.send(view) :]


def _receive(ours: socket.socket, answer_bytes: int, ends: float) -> Answer:
    length = int.from_bytes(_read(ours, 8, ends), "big")
    if length > HEAD_BYTES:
        raise Died("crash")
    try:
        head = json.loads(_read(ours, length, ends))
        kind, values, sizes = head["kind"], dict(head["values"]), [int(size) for size in head["sizes"]]
    except (ValueError, KeyError, TypeError):
        raise Died("crash") from None
    match kind:
        case "done":
            if min(sizes, default=0) < 0 or sum(sizes) > answer_bytes:
                raise Died("memory")
            return Answer(values, tuple(_read(ours, size, ends) for size in sizes))
        case "refused":
            raise Refused(str(head.get("code"))[:40], str(head.get("sentence"))[:500], values)
        case "memory":
            raise Died("memory")
        case _:
            log.warning("a job on a document failed: %s", str(head.get("failure"))[:2000])
            raise Died("crash")


def _read(ours: socket.socket, size: int, ends: float) -> bytes:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        _allow(ours, ends)
        got = ours.recv_into(view)
        if not got:
            raise EOFError
        view = view[got:]
    return bytes(data)


def _allow(ours: socket.socket, ends: float) -> None:
    """Lets the next call wait until the end of the whole job, not longer."""
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    ours.settimeout(left)


def _status(watch: socket.socket, ends: float) -> int | None:
    """How the child ended, as `os.waitpid` says it; None when the server is gone."""
    try:
        return int.from_bytes(_read(watch, 4, ends), "big")
    except (EOFError, ConnectionError):
        return None
    except TimeoutError:
        raise Died("time") from None


def _reason(status: int) -> Literal["memory", "time", "crash"]:
    if not os.WIFSIGNALED(status):
        return "crash"
    match os.WTERMSIG(status):
        case signal.SIGXCPU | signal.SIGALRM:
            return "time"
        case signal.SIGKILL:  # by the kernel, when the machine has no memory left
            return "memory"
        case _:
            return "crash"


class Server:
    """What children are forked from. It is started with the first job, and lives as long as this process."""

    def __init__(
        self,
        *modules: str,
        idle_seconds: float = math.inf,
        prepare: str = "",
        prepared: Mapping[str, object] | None = None,
        reserves: bool = False,
    ) -> None:
        """`modules` are loaded once, before any child is forked, then `prepare` (module:function) is called with the
        JSON values `prepared`. After `idle_seconds` without a job it ends, and begins anew with the next one.
        `reserves`: a library takes far more addresses than it will use; limited is then what is written to.
        """
        self.reserves = reserves
        self._modules = modules
        self._preparation = json.dumps([prepare, prepared or {}])
        self._idle_seconds = idle_seconds
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        os.register_at_fork(after_in_child=self.forget)
        atexit.register(self.stop)

    def start(self) -> None:
        with self._lock:
            self._started()

    def hand_over(self, job: socket.socket, watched: socket.socket) -> bool:
        """Give the child's ends of a job to the server. False when it cannot be reached, even started anew."""
        with self._lock:
            for _ in range(TRIES):
                try:
                    socket.send_fds(self._started(), [b"j"], [job.fileno(), watched.fileno()])
                    return True
                except ConnectionError:
                    self._end()
                except OSError as failure:
                    log.warning("no process for reading documents: %s", failure)
                    self._end()
        return False

    def stop(self) -> None:
        with self._lock:
            self._end()

    def forget(self) -> None:
        """After a fork: the server belongs to the parent."""
        self._lock = Lock()
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.returncode = 0
        self._process = self._control = None

    def _started(self) -> socket.socket:
        if self._control is not None and self._process is not None and self._process.poll() is None:
            return self._control
        self._end()
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [
                        sys.executable,
                        "-I",
                        *(["-B"] if sys.dont_write_bytecode else []),
                        "-c",
                        SERVER,
                        json.dumps([str(Path(each).resolve()) for each in sys.path]),
                        str(theirs.fileno()),
                        str(self._idle_seconds),
                        self._preparation,
                        *self._modules,
                    ],
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    cwd="/",
                    env={name: os.environ[name] for name in PASSED_ON if name in os.environ},
                )
            except OSError:
                ours.close()
                raise
        self._control = ours
        # one that ends of itself is buried at once
        threading.Thread(target=self._process.wait, name="sandbox", daemon=True).start()
        return ours

    def _end(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            try:
                self._process.wait(timeout=3)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = self._control = None


_server = Server("documents.drawing", "documents.reading", "documents.einvoices.reading")
