"""What every test may ask for. Databases are real; parts that are absent skip the test and are named at the end.

No import of Prefect here: it costs two seconds.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from sqlalchemy.engine import URL

from tests.support import parts, servers

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from tests.support.office import Office

# A busy machine is no failure; what CI finds, everybody finds again.
patient = hypothesis.settings(deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("developer", patient)
hypothesis.settings.register_profile("ci", patient, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if parts.in_ci() else "developer")


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own settings must not decide how a test ends."""
    from workflows.settings import Settings

    monkeypatch.setitem(Settings.model_config, "env_file", None)
    for name in os.environ:
        if name.startswith(("SIGNOFF_", "PREFECT_")) and not name.startswith("SIGNOFF_TEST_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session", autouse=True)
def _shared_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """One folder for all processes of this run: what takes long to make and is never changed is made once."""
    base = tmp_path_factory.getbasetemp()
    os.environ["SIGNOFF_TEST_SHARED"] = str(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base)


@pytest.fixture(scope="session", autouse=True)
def _statements_are_put_together_once() -> Iterator[None]:
    """Each test has a database and so an engine of its own, which would put every statement together anew: a quarter of
    all time. The engines of one kind of database share what they have made of them."""
    from sqlalchemy import Engine
    from sqlmodel import create_engine

    first: dict[str, Engine] = {}

    def sharing(*args: Any, **options: Any) -> Engine:
        engine = create_engine(*args, **options)
        shared = first.setdefault(engine.name, engine)
        if (
            getattr(shared.dialect, "server_version_info", None) or engine.name == "sqlite"
        ):  # it has been connected once
            engine.dialect, engine._compiled_cache = shared.dialect, shared._compiled_cache
        return engine

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("workflows.database.create_engine", sharing)
        yield


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated, empty database of this test's own, on each kind of database."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def office(database_url: str, tmp_path: Path) -> Iterator[Office]:
    """Nobody works in it yet: files put in whom they need, in a fixture of the same name."""
    from tests.support.office import open_office

    office = open_office(database_url, tmp_path)
    yield office
    office.runtime.engine.dispose()


@pytest.fixture
def web(office: Office) -> Iterator[TestClient]:
    """The portal of that office, asked as browsers ask."""
    from fastapi.testclient import TestClient

    from api.main import create_app
    from tests.support.web import HTML

    with TestClient(create_app(runtime=office.runtime), headers=HTML, follow_redirects=False) as web:
        yield web


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table, on each kind of database: for what is about migrations."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    server: URL = request.getfixturevalue("postgresql_server")
    name = f"signoff_test_{uuid.uuid4().hex}"
    yield servers.create_database(server, name).render_as_string(hide_password=False)
    servers.drop_database(server, name)


@pytest.fixture
def sqlite_url(migrated_sqlite: Path) -> Iterator[str]:
    """In memory where that can be had: each commit waits for the disk."""
    with tempfile.TemporaryDirectory(prefix="signoff-sqlite-", dir=servers.fast_folder()) as folder:
        path = Path(folder) / "signoff.db"
        shutil.copyfile(migrated_sqlite, path)
        yield f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(postgresql_server: URL, migrated_postgresql: str) -> Iterator[str]:
    name = f"signoff_test_{uuid.uuid4().hex}"
    url = servers.create_database(postgresql_server, name, like=migrated_postgresql)
    yield url.render_as_string(hide_password=False)
    servers.drop_database(postgresql_server, name)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from workflows.schema import migrate

    path = tmp_path_factory.mktemp("migrated") / "signoff.db"
    migrate(f"sqlite:///{path}")
    left = [each.name for each in path.parent.iterdir() if each != path]
    assert not left, f"a connection is still open after the migration: {left}"
    return path


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql_server: URL) -> Iterator[str]:
    from workflows.schema import migrate

    name = f"signoff_migrated_{uuid.uuid4().hex}"
    url = servers.create_database(postgresql_server, name)
    migrate(url.render_as_string(hide_password=False))
    yield name
    servers.drop_database(postgresql_server, name)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[URL]:
    """The administrative database of a real server."""
    with servers.postgresql() as address:
        yield address


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.S3Server]:
    """A real S3 server; give each test a bucket of its own."""
    with servers.s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="session")
def mailpit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.MailServer]:
    """A real SMTP server without TLS or sign-in, shared by all tests: look for your own recipient only."""
    with servers.mailpit(tmp_path_factory.mktemp("mailpit")) as server:
        yield server


@pytest.fixture
def start_mailpit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., servers.MailServer]]:
    """Starts a Mailpit of this test's own, with options: ``start_mailpit("--smtp-require-starttls", …)``."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def start(*options: str | Path) -> servers.MailServer:
            return stack.enter_context(servers.mailpit(tmp_path_factory.mktemp("mailpit"), *options))

        yield start


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name the parts that were absent, and how many tests each would have brought."""
    absent: Counter[str] = Counter()
    for report in terminalreporter.stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        found = re.search(re.escape(parts.ABSENT) + "(.+)", reason)
        if found:
            absent[found[1]] += 1
    if absent:
        terminalreporter.section("parts that are not installed here")
        for part, number in sorted(absent.items()):
            terminalreporter.line(f"{number} {'test was' if number == 1 else 'tests were'} skipped without {part}")
