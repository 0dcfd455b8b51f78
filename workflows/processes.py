"""The processes behind ``signoff serve``: starts them, restarts what dies, and ends them all.

Stays small, as it stays for ever: no FastAPI, no database, no Prefect. The web process starts first and alone, so that
pages are there within seconds; Prefect's server and the worker follow.

Below ``settings.home``: ``run/processes.json`` (``{name: {"pid": …, "started_at": …}}``), ``run/serve.lock``,
``logs/NAME.log``.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import IO, Any, NoReturn

from pydantic import SecretStr

from workflows.places import birth_of
from workflows.settings import Settings

LONGEST_PAUSE = 30.0  # seconds before a part that keeps dying is started again
GOOD_LIFE = 60.0  # seconds after which a part counts as having started well
HEAD_START = 15.0  # seconds that the web process gets alone at most
PATIENCE = 6.0  # seconds a part may take to end in good order
LOOK_EVERY = 10.0  # seconds, for what no signal tells
LOG_BYTES, LOG_FILES = 10_000_000, 3
# imported, not run as a module: Prefect imports it once more, by its entry point
WORKER = [sys.executable, "-c", "import sys; from workflows.worker import main; sys.exit(main())"]
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

PREFECT = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_WORKER_QUERY_SECONDS": "5",
    "PREFECT_CLIENT_MAX_RETRIES": "3",  # 14 s in all: our server is back by then, or the run begins again
}
# Without docstrings, which are megabytes: of these processes nobody asks for them, and no code relies on an assertion.
LEAN = {"PYTHONOPTIMIZE": "2"}
# What flows that end while people think have no use for: no pauses, no tasks, no automations, no shared limits. The
# event log goes with them: every change of state would be written twice into a database that takes few of them.
IDLE_SERVICES = (
    *("CANCELLATION_CLEANUP", "CLEANUP_RECONCILER", "EVENT_PERSISTER", "PAUSE_EXPIRATIONS", "REPOSSESSOR"),
    *("TASK_RUN_RECORDER", "TRIGGERS"),
)


class CannotServe(Exception):
    """Nothing was started; the sentence says why."""


@dataclass(frozen=True)
class Part:
    """One child process. ``at_once``: does not wait until the web process answers."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    at_once: bool = False


def serve(settings: Settings, *, on_ready: Callable[[], None] | None = None) -> int:
    """Run Signoff until a signal ends it; the exit status. For the main thread.

    ``on_ready`` is called once, in a thread of its own, as soon as ``GET /health`` answers 200.

    Raises:
        CannotServe: another ``signoff serve`` has this home, or a port is taken.
        UnsafeSettings: values for development, in production.
    """
    settings.insist_on_production_values()
    home = settings.home.resolve()
    for folder in ("run", "logs", "prefect"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    with _only_one(home / "run" / "serve.lock"):
        _end_leftovers(home / "run" / "processes.json")
        _insist_on_ports(settings)
        with _watched(home / "run" / "processes.json"):
            return _Supervisor(parts(settings), settings, on_ready).run()


def parts(settings: Settings) -> list[Part]:
    """The web process, the dispatcher, Prefect's server where it is ours, the worker; in the order of their start."""
    environment = child_environment(settings)
    web = Part(
        "api",
        [
            *(sys.executable, "-m", "uvicorn", "--factory", "api.main:create_app"),
            *("--host", settings.host, "--port", str(settings.port)),
            *("--log-level", settings.log_level.lower(), "--no-access-log", "--no-server-header"),
            *("--timeout-graceful-shutdown", "3", "--ws", "none"),
        ],
        environment,
        at_once=True,
    )
    dispatcher = Part("dispatcher", [sys.executable, "-m", "workflows.dispatcher_process"], environment | LEAN)
    worker = Part("worker", WORKER, environment | LEAN)
    if not settings.embedded_prefect:
        return [web, dispatcher, worker]
    server = Part(
        "prefect",
        [sys.executable, "-m", "workflows.prefect_server", "127.0.0.1", str(settings.prefect_server_port)],
        environment | _server_environment(settings) | LEAN,
    )
    return [web, dispatcher, server, worker]


def child_environment(settings: Settings) -> dict[str, str]:
    """The environment of a process that is to see these very settings, wherever they came from."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SIGNOFF_")}
    for name in settings.model_fields_set:
        environment[f"SIGNOFF_{name.upper()}"] = _as_text(getattr(settings, name))
    environment.pop("SIGNOFF_PREFECT_API_URL", None)
    return {
        **PREFECT,
        **environment,
        "SIGNOFF_HOME": str(settings.home.resolve()),
        "PREFECT_HOME": str(settings.home.resolve() / "prefect"),
        "PREFECT_API_URL": settings.prefect_url,
        "PYTHONUNBUFFERED": "1",
        # glibc gives every thread an arena of its own, and none of them ever shrinks
        "MALLOC_ARENA_MAX": os.environ.get("MALLOC_ARENA_MAX", "2"),
    }


def become_worker(settings: Settings) -> NoReturn:
    """Turn this process into the worker, with Prefect configured before it is imported. Does not return."""
    (settings.home / "prefect").mkdir(parents=True, exist_ok=True)
    os.execve(sys.executable, WORKER, child_environment(settings))  # noqa: S606  (itself)


def _server_environment(settings: Settings) -> dict[str, str]:
    """Prefect's server on defaults of ours; whatever stands in the environment already goes before them."""
    ours = {
        # its page is served from a copy of its files, which must not lie in the installed package
        "PREFECT_SERVER_UI_STATIC_DIRECTORY": str(settings.home.resolve() / "prefect" / "ui"),
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        # an upkeep each minute is half a million runs a year; a contract's own history is in our database
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "flow_runs",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(14 * 24 * 3600),
        **{f"PREFECT_SERVER_SERVICES_{service}_ENABLED": "false" for service in IDLE_SERVICES},
    }
    return {name: os.environ.get(name, value) for name, value in ours.items()}


class _Supervisor:
    def __init__(self, parts: Sequence[Part], settings: Settings, on_ready: Callable[[], None] | None) -> None:
        self._home = settings.home.resolve()
        self._web = (settings.host, settings.port)
        self._on_ready = on_ready
        self._children = [_Child(part, self._home / "logs" / f"{part.name}.log") for part in parts]
        self._started = time.monotonic()
        self._healthy = False
        self._ended_by: int | None = None

    def run(self) -> int:
        with self._signals() as woken:
            while self._ended_by is None:
                self._start_what_is_due()
                _drain(woken, until=time.monotonic() + self._pause())
                self._bury_the_dead()
                self._watch_health()
                for child in self._children:
                    child.rotate_log()
            self._end()
        return 0

    def _start_what_is_due(self) -> None:
        now = time.monotonic()
        waits = not self._healthy and now - self._started < HEAD_START
        started = False
        for child in self._children:
            if child.process is None and now >= child.due and (child.part.at_once or not waits):
                try:
                    child.start()
                except OSError as error:  # no memory or no disk for a moment is no reason to end everything else
                    child.put_off()
                    _say(f"{child.part.name} could not be started: {error}")
                started = True
        if started:
            self._write_state()

    def _bury_the_dead(self) -> None:
        for child in self._children:
            if (status := child.ended()) is not None:
                again = f"it is started again in {child.pause:.1f} s"
                _say(f"{child.part.name} ended ({_how(status)}); {again}. Its last words are in {child.log}")
                self._write_state()

    def _watch_health(self) -> None:
        if self._healthy or not _answers(*self._web):
            return
        self._healthy = True
        if self._on_ready is not None:
            threading.Thread(target=self._on_ready, name="on-ready", daemon=True).start()

    def _pause(self) -> float:
        """How long nothing needs to be looked at, unless a signal comes (a child's death is one)."""
        if not self._healthy:
            return 0.1
        due = [child.due - time.monotonic() for child in self._children if child.process is None]
        return max(0.0, min([LOOK_EVERY, *due]))

    def _end(self) -> None:
        """The worker and the web process first: both still have something to tell Prefect's server."""
        others = [child for child in self._children if child.part.name != "prefect"]
        for group in (others, [child for child in self._children if child not in others]):
            for child in group:
                child.tell(signal.SIGTERM)
            deadline = time.monotonic() + PATIENCE
            for child in group:
                child.wait(deadline)
            for child in group:
                child.tell(signal.SIGKILL)  # also reaches what a part has started and left behind
                child.wait(time.monotonic() + 1)
        for pid in _other_children():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)  # what ``on_ready`` is still busy with
        (self._home / "run" / "processes.json").unlink(missing_ok=True)

    def _write_state(self) -> None:
        state = {"serve": _Life(os.getpid()).as_dict()}
        state |= {child.part.name: child.life.as_dict() for child in self._children if child.life is not None}
        path = self._home / "run" / "processes.json"
        fresh = path.with_suffix(".new")
        with suppress(OSError):  # a full disk: who reads it sees older numbers
            fresh.write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")
            fresh.replace(path)

    @contextmanager
    def _signals(self) -> Iterator[int]:
        """Gives a descriptor that becomes readable with every signal."""
        readable, writable = os.pipe()
        os.set_blocking(readable, False)
        os.set_blocking(writable, False)

        def end(number: int, _frame: FrameType | None) -> None:
            self._ended_by = number

        before = {number: signal.signal(number, end) for number in ENDING}
        before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        wakeup = signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
        try:
            yield readable
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)
            os.close(readable)
            os.close(writable)


@dataclass(frozen=True)
class _Life:
    """A process, told apart from a later one that got the same number."""

    pid: int
    started_at: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))
    birth: str = ""
    """The system's own mark of when it began; empty where it gives none."""

    def as_dict(self) -> dict[str, Any]:
        return {"pid": self.pid, "started_at": self.started_at, "birth": self.birth or birth_of(self.pid)}


class _Child:
    def __init__(self, part: Part, log: Path) -> None:
        self.part, self.log = part, log
        self.process: subprocess.Popen[bytes] | None = None
        self.life: _Life | None = None
        self.due = 0.0
        self.pause = 0.0
        self._began = 0.0

    def start(self) -> None:
        self._began = time.monotonic()
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self.part.command,
                env=self.part.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A group of its own: Ctrl-C reaches us alone, and we end everyone in order. And what a part has
                # started can be ended with it.
                start_new_session=True,
                preexec_fn=_die_with_parent(),
            )
        self.life = _Life(self.process.pid)

    def ended(self) -> int | None:
        """The exit status when it has died since the last look; then it is due again after a while."""
        if self.process is None or (status := self.process.poll()) is None:
            return None
        self.tell(signal.SIGKILL)
        self.process = self.life = None
        self.put_off()
        return status

    def put_off(self) -> None:
        """Due again at once the first time; later after longer and longer pauses."""
        lived_well = time.monotonic() - self._began > GOOD_LIFE
        self.pause = 0.1 if lived_well or not self.pause else min(LONGEST_PAUSE, max(1.0, 2 * self.pause))
        self.due = time.monotonic() + self.pause

    def tell(self, number: int) -> None:
        """Signal it and all that it has started."""
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, number)

    def wait(self, deadline: float) -> None:
        if self.process is not None:
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(max(0.0, deadline - time.monotonic()))

    def rotate_log(self) -> None:
        """Keep the newest part. Copied and cut, not renamed: the child writes on, at the end of the same file."""
        with suppress(OSError):
            if self.log.stat().st_size < LOG_BYTES:
                return
            for number in range(LOG_FILES - 1, 0, -1):
                with suppress(FileNotFoundError):
                    Path(f"{self.log}.{number}").replace(f"{self.log}.{number + 1}")
            Path(f"{self.log}.1").write_bytes(self.log.read_bytes())
            os.truncate(self.log, 0)


def _die_with_parent() -> Callable[[], None] | None:
    """Linux: have the kernel end the child when its parent dies without a word (prctl(2), PR_SET_PDEATHSIG)."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(1, int(signal.SIGTERM), 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)

    return ask


@contextmanager
def _watched(state: Path) -> Iterator[None]:
    """Elsewhere: a process that only waits for our end, and then ends what we could not."""
    if sys.platform == "linux":
        yield
        return
    watcher = subprocess.Popen(
        [sys.executable, "-c", "from workflows.processes import outlive; outlive()", state],
        stdin=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield
    finally:
        watcher.communicate()


def outlive() -> None:
    """Wait until whoever holds the other end of standard input is gone; end what is in the state file by then."""
    sys.stdin.buffer.read()
    _end_leftovers(Path(sys.argv[1]))


def _other_children() -> list[int]:
    """Linux: children that we have started, but do not look after (proc(5), ``children``)."""
    with suppress(OSError):
        tasks = Path("/proc/self/task").glob("*/children")
        return [int(pid) for task in tasks for pid in task.read_text(encoding="ascii").split()]
    return []


@contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    with lock.open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CannotServe(f"Signoff already runs on {lock.parent.parent} (process {_first_line(file)}).") from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _first_line(file: IO[str]) -> str:
    file.seek(0)
    return file.readline().strip() or "unknown"


def _end_leftovers(state: Path) -> None:
    """End the children of a ``signoff serve`` that was killed, where they have not ended with it."""
    try:
        lives = json.loads(state.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    lives.pop("serve", None)
    pids = [life["pid"] for life in lives.values() if life["birth"] and birth_of(life["pid"]) == life["birth"]]
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + PATIENCE
        for pid in pids:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, number)
        while time.monotonic() < deadline and any(birth_of(pid) for pid in pids):
            time.sleep(0.1)
    state.unlink(missing_ok=True)


def _insist_on_ports(settings: Settings) -> None:
    wanted = [("SIGNOFF_PORT", settings.host, settings.port, socket.SOCK_STREAM)]
    if settings.embedded_prefect:
        wanted.append(("SIGNOFF_PREFECT_PORT", "127.0.0.1", settings.prefect_server_port, socket.SOCK_STREAM))
    if settings.embedded_mail:
        wanted.append(("SIGNOFF_MAILBOX_PORT", "127.0.0.1", settings.mailbox_smtp_port, socket.SOCK_STREAM))
    wanted.append(("SIGNOFF_POKE_PORT", *settings.poke_address, socket.SOCK_DGRAM))
    wanted.append(("SIGNOFF_DISPATCHER_PORT", *settings.dispatcher_address, socket.SOCK_DGRAM))
    for name, host, port, kind in wanted:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with socket.socket(family, kind) as probe:
            if kind is socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise CannotServe(
                    f"Port {port} on {host} cannot be had ({error.strerror}); set {name}, or stop what has it."
                ) from None


def _answers(host: str, port: int) -> bool:
    near = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104 - compared, not bound
    try:
        with socket.create_connection((near, port), timeout=1) as connection:
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return connection.recv(12).endswith(b" 200")
    except OSError:
        return False


def _drain(woken: int, *, until: float) -> None:
    readable, _, _ = select.select([woken], [], [], max(0.0, until - time.monotonic()))
    if readable:
        with suppress(BlockingIOError):
            while os.read(woken, 512):
                pass


def _how(status: int) -> str:
    if status >= 0:
        return f"status {status}"
    try:
        return signal.Signals(-status).name
    except ValueError:
        return f"signal {-status}"


def _say(sentence: str) -> None:
    with suppress(OSError, ValueError):  # the terminal may be gone
        sys.stderr.write(f"signoff: {sentence}\n")
        sys.stderr.flush()


def _as_text(value: object) -> str:
    match value:
        case SecretStr():
            return value.get_secret_value()
        case tuple():
            return ",".join(str(part) for part in value)
        case _:
            return str(value)
