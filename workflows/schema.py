"""Bring the database to the shape that this code expects, and tell whether it has it.

Alembic is imported only where it has something to do: it costs each process that serves 18 MB.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"


def alembic_config(url: str) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config


def migrate(url: str) -> None:
    """Bring the database to the newest shape. Safe to call by several processes at once."""
    from alembic import command

    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    command.upgrade(alembic_config(url), "head")


def migrate_apart(url: str) -> None:
    """As ``migrate``, in a process that ends with it: whoever serves for months has no use for Alembic afterwards.

    Raises:
        RuntimeError: it did not come to its end; what went wrong stands in the log.
    """
    command = [sys.executable, "-c", "import os; from workflows.schema import migrate; migrate(os.environ['DATABASE'])"]
    done = subprocess.run(command, env={**os.environ, "DATABASE": url}, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise RuntimeError("The database could not be brought to its newest shape.")


def is_current(engine: Engine) -> bool:
    """Whether the database has the shape that this code expects."""
    try:
        with engine.execution_options(reading=True).connect() as connection:
            return connection.execute(text("select version_num from alembic_version")).scalars().all() == [newest()]
    except DBAPIError:  # nothing has been made in it yet, or it cannot be reached
        return False


def newest() -> str:
    """The revision that the code expects. Files are named ``REVISION_what_it_does.py``, each after the one before."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))
