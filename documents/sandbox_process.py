"""The server that forks a child for every job on a file, and what the child does; see `documents.sandbox`.

Nothing here knows a path, a setting or a network. The server has one thread, so that forking is safe; what a library
adds to it must be known to survive a fork.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import json
import os
import resource
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from documents.intake import IntakeRefused

Job = Callable[..., tuple[dict[str, Any], list[bytes]]]

PARENT_CHECK_SECONDS = 2
PR_SET_PDEATHSIG = 1
OPEN_FILES = 32

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def serve(
    control_fd: int, idle_seconds: float, preparation: tuple[str, Mapping[str, Any]], modules: Sequence[str]
) -> NoReturn:
    """Load the modules and call the function that prepares, if there is one; then fork a child for each pair of sockets
    that arrives; end when the other side is gone.

    The first socket is the child's. Over the second the server tells how the child ended (four bytes), and learns from
    its closing that nobody waits for the child any more.
    """
    # Ctrl-C and the end of a service reach the whole group: whoever started us decides when we end, by closing.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    os.set_inheritable(control_fd, False)
    control = socket.socket(fileno=control_fd)
    parent = os.getppid()
    children: dict[int, socket.socket] = {}
    selector = selectors.DefaultSelector()
    alarm, rings = socket.socketpair()
    for end in (alarm, rings):
        end.setblocking(False)
    signal.set_wakeup_fd(rings.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, _noted)
    selector.register(control, selectors.EVENT_READ)
    selector.register(alarm, selectors.EVENT_READ)
    for module in modules:
        import_module(module)
    prepare, prepared = preparation
    if prepare:
        _named(prepare)(**prepared)
    gc.collect()
    gc.freeze()  # pages that the collector does not touch stay shared with the children

    used = time.monotonic()
    while True:
        for key, _ in selector.select(PARENT_CHECK_SECONDS):
            if key.fileobj is control:
                received = _receive(control)
                if received is None:
                    _end(children)
                pid = _fork(received, children)
                children[pid] = received[1]
                selector.register(received[1], selectors.EVENT_READ, pid)
                received[0].close()
            elif key.fileobj is alarm:
                with contextlib.suppress(BlockingIOError):
                    alarm.recv(4096)
            elif key.data in children:  # nobody waits for it any more
                os.kill(key.data, signal.SIGKILL)
                selector.unregister(children[key.data])
        for pid, status in _ended():
            watched = children.pop(pid)
            with contextlib.suppress(KeyError):
                selector.unregister(watched)
            with contextlib.suppress(OSError):
                watched.sendall(status.to_bytes(4, "big"))
            watched.close()
            used = time.monotonic()
        idle = not children and time.monotonic() - used > idle_seconds
        if os.getppid() != parent or idle:  # whoever needs it again starts another
            _end(children)


def _noted(*_: object) -> None:
    """Python writes to the wakeup descriptor only for signals that have a handler."""


def _receive(control: socket.socket) -> tuple[socket.socket, socket.socket] | None:
    try:
        message, descriptors, _, _ = socket.recv_fds(control, 1, 2)
    except ConnectionError:
        return None
    if not message or len(descriptors) != 2:
        return None
    return socket.socket(fileno=descriptors[0]), socket.socket(fileno=descriptors[1])


def _fork(sockets: tuple[socket.socket, socket.socket], others: Mapping[int, socket.socket]) -> int:
    server = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        job, watched = sockets
        keep = os.dup(job.fileno())
        for each in (watched, *others.values()):
            each.close()
        # control, selector and alarm as well: a child that held them would hide the end of the server
        os.closerange(3, keep)
        os.closerange(keep + 1, 1024)
        _die_with(server)
        _work(socket.socket(fileno=keep))
        code = 0
    finally:
        os._exit(code)  # no clean-up by libraries that have read a hostile file


def survives(work: Callable[[], object], *, memory_bytes: int, seconds: int) -> bool:
    """Whether a child does this within these limits (of what it writes to, of processor time), without an exception: so
    that a server may then do the same, whom nothing limits. For `prepare`, before there are other children.
    """
    server = os.getpid()
    pid = os.fork()
    if pid:
        return os.waitpid(pid, 0)[1] == 0
    code = 1
    try:
        os.closerange(3, 1024)
        _die_with(server)
        _limit(memory_bytes, "data", seconds, 2 * seconds)
        work()
        code = 0
    finally:
        os._exit(code)


def _die_with(server: int) -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server:
        os._exit(1)


def _ended() -> list[tuple[int, int]]:
    found = []
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                break
            found.append((pid, status))
    return found


def _end(children: Mapping[int, socket.socket]) -> NoReturn:
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    os._exit(0)


def _work(ours: socket.socket) -> None:
    """The child's whole life: limits, one job, one answer."""
    stream = ours.makefile("rb")
    order = json.loads(stream.read(int.from_bytes(stream.read(8), "big")))
    _limit(order["memory"], order["memory_is"], order["seconds"], order["wall"])
    try:
        data = stream.read(order["size"])
        if len(data) != order["size"]:
            return
        job: Job = _named(order["job"])
        values, parts = job(data, **order["arguments"])
        head: dict[str, Any] = {"kind": "done", "values": values}
    except IntakeRefused as refused:
        parts = []
        head = {"kind": "refused", "code": refused.code, "sentence": refused.sentence, "values": refused.values}
    except (MemoryError, RecursionError):
        parts, head = [], {"kind": "memory", "values": {}}
    except Exception:  # noqa: BLE001  # whatever a library raises on a broken file; the parent writes it into its log
        parts, head = [], {"kind": "failed", "values": {}, "failure": traceback.format_exc(limit=-4)}
    head["sizes"] = [len(part) for part in parts]
    sent = json.dumps(head).encode()
    ours.sendall(len(sent).to_bytes(8, "big") + sent)
    for part in parts:
        ours.sendall(part)


def _named(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found


def _limit(memory: int, memory_is: str, seconds: int, wall: int) -> None:
    with contextlib.suppress(OSError):  # Linux: should the machine run out of memory, this process goes first
        Path("/proc/self/oom_score_adj").write_text("1000")
    silent = os.open(os.devnull, os.O_WRONLY)
    for standard in (1, 2):  # libraries complain there about every broken file
        os.dup2(silent, standard)
    os.close(silent)
    # By the kernel, so that no native code can outlast it. SIGALRM and SIGXCPU end the process.
    for each in (signal.SIGALRM, signal.SIGXCPU):
        signal.signal(each, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, wall)
    limits = {
        resource.RLIMIT_CPU: (seconds, seconds + 1),
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_FSIZE: (0, 0),  # it has no business writing files
        resource.RLIMIT_NOFILE: (OPEN_FILES, OPEN_FILES),
        resource.RLIMIT_DATA if memory_is == "data" else resource.RLIMIT_AS: (memory, memory),
    }
    for which, limit in limits.items():
        with contextlib.suppress(ValueError, OSError):  # macOS knows a limit of memory and does not take it
            resource.setrlimit(which, limit)
