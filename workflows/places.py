"""Where something runs: ``HOST:PID:BIRTH:SPACE``, enough to tell later, on the same machine, whether it still does.

``SPACE``: the process namespace (pid_namespaces(7)). Two containers may bear one name, and their processes one number;
neither sees those of the other. Empty where the system has none.
"""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path


def here() -> str:
    pid = os.getpid()
    return f"{socket.gethostname()}:{pid}:{birth_of(pid)}:{_space()}"


def has_died(place: str) -> bool:
    """``True`` only for a process of this machine that is certainly gone; nobody can say from here about others."""
    match place.split(":"):
        case [host, pid, birth, space] if (
            host == socket.gethostname() and space == _space() and pid.isdigit() and birth
        ):
            return birth_of(int(pid)) != birth
        case _:
            return False


def _space() -> str:
    try:
        return str(Path("/proc/self/ns/pid").stat().st_ino)
    except OSError:
        return ""


def birth_of(pid: int) -> str:
    """When this process began, as the system writes it, without colons; empty when it is gone or has only to be buried.

    A number alone would not do: the system gives it to another process some day.
    """
    if Path("/proc/self/stat").exists():
        return _from_proc(pid)
    told = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, began = told.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else "-".join(began.split()).replace(":", ".")


def _from_proc(pid: int) -> str:
    """Ticks since the machine's own start (proc(5), ``stat``: fields 3 and 22)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in ("Z", "X") else fields[19]
