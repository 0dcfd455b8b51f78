"""Where something runs: ``HOST:PID:BIRTH``, enough to tell later, on the same machine, whether it still does."""

from __future__ import annotations

import os
import socket
from pathlib import Path


def here() -> str:
    pid = os.getpid()
    return f"{socket.gethostname()}:{pid}:{birth_of(pid)}"


def has_died(place: str) -> bool:
    """``True`` only for a process of this machine that is certainly gone; nobody can say from here about others."""
    match place.rsplit(":", 2):
        case [host, pid, birth] if host == socket.gethostname() and pid.isdigit():
            return birth_of(int(pid)) != birth if birth else not _exists(int(pid))
        case _:
            return False


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def birth_of(pid: int) -> str:
    """When this process began, in ticks since the machine's own start; empty when it is gone, has only to be buried, or
    the system does not say (proc(5), ``stat``: fields 3 and 22)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in ("Z", "X") else fields[19]
