"""Makes the environment in .venv: exactly the packages of requirements.txt, each checked against its hash.

Needs nothing but the Python that runs it. uv comes first, by pip and by its hash from the same lock; then uv brings the
rest, about ten times as fast. Called by make; does nothing that was done before, except what has changed.
"""

from __future__ import annotations

import os
import re
import ssl
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.txt"
PROGRAMS = VENV / ("Scripts" if os.name == "nt" else "bin")

# Where systems keep the certificates they trust, for a Python that was built elsewhere and does not know.
BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def main() -> None:
    if not (3, 11) <= sys.version_info < (3, 15):
        sys.exit(f"Signoff needs Python 3.11 to 3.14; {sys.executable} is {sys.version.split()[0]}. Try make PYTHON=…")
    if not (PROGRAMS / "python").exists():
        make_venv()
    if not (PROGRAMS / "uv").exists():
        say("Fetching uv")
        install_uv()
    say("Fetching and installing the packages of requirements.txt")
    run(PROGRAMS / "uv", "pip", "sync", "--quiet", "--require-hashes", LOCK, environment=for_uv())
    # Editable: the checkout itself is what runs. Its build tool is in the lock, so nothing else is fetched.
    install = ("pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--offline", "--editable", ROOT)
    run(PROGRAMS / "uv", *install, environment=for_uv())


def make_venv() -> None:
    say(f"Making .venv with Python {sys.version.split()[0]}")
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        sys.exit("This Python lacks its venv module. On Debian and Ubuntu: apt-get install python3-venv")
    venv.create(VENV, with_pip=True, clear=True, symlinks=os.name != "nt")


def install_uv() -> None:
    pinned = re.search(r"^uv==\S+(?: \\\n\s+--hash=\S+)+", LOCK.read_text(), re.MULTILINE)
    if pinned is None:
        sys.exit("requirements.txt does not pin uv")
    wanted = VENV / "uv.txt"
    wanted.write_text(pinned[0] + "\n")
    pip = (PROGRAMS / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--require-hashes", "--only-binary", ":all:", "--requirement", wanted, environment=for_pip())


def for_pip() -> dict[str, str]:
    """pip trusts the certificates it brings along; before 24.2 it must be told to trust the system's, too."""
    environment = dict(os.environ)
    if "PIP_CERT" not in environment and not configured("global.cert"):
        bundle = system_certificates()
        if bundle:
            environment["PIP_CERT"] = bundle
    return environment


def for_uv() -> dict[str, str]:
    """uv does not read pip's configuration: a company's own index is passed on to it."""
    environment = {
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_SYSTEM_CERTS": "1",
        # now, once: where Python may not write beside its packages, each process would compile them again
        "UV_COMPILE_BYTECODE": "1",
        "UV_NO_PROGRESS": "" if sys.stderr.isatty() else "1",
        **os.environ,
        "VIRTUAL_ENV": str(VENV),
    }
    return {name: value for name, value in environment.items() if value}


def system_certificates() -> str | None:
    known = ssl.get_default_verify_paths()
    return next((path for path in (known.cafile, *BUNDLES) if path and Path(path).is_file()), None)


def configured(name: str) -> bool:
    command = (PROGRAMS / "python", "-m", "pip", "config", "get", name)
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def run(*command: str | Path, environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def say(what: str) -> None:
    print(what, "…", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
