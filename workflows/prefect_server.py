"""Prefect's own server on SQLite, as ``signoff serve`` starts it.

It is Prefect's application as it comes, but for one thing. Prefect begins its transactions DEFERRED: one that has read
and then writes, while another has written, fails at once without waiting (SQLITE_BUSY_SNAPSHOT). The server answers
503, and its clients wait two seconds before they try again. Begun IMMEDIATE, writers wait for each other, milliseconds.
Measured with a worker and four launchers on two cores, 20 launches: before, 140 refusals in 5 s; after, none in 1 s.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from importlib import metadata
from pathlib import Path

import uvicorn
from prefect.server.api.server import create_app
from prefect.server.database import provide_database_interface
from prefect.server.database.configurations import AioSqliteConfiguration
from prefect.settings import (
    PREFECT_SERVER_API_KEEPALIVE_TIMEOUT,
    PREFECT_SERVER_API_WEBSOCKET_PING_INTERVAL,
    PREFECT_SERVER_API_WEBSOCKET_PING_TIMEOUT,
    get_current_settings,
)
from sqlalchemy.ext.asyncio import AsyncSession, AsyncSessionTransaction

_begin_transaction = AioSqliteConfiguration.begin_transaction


@asynccontextmanager
async def _immediate(
    self: AioSqliteConfiguration, session: AsyncSession, with_for_update: bool = False
) -> AsyncGenerator[AsyncSessionTransaction, None]:
    async with _begin_transaction(self, session, with_for_update=True) as transaction:
        yield transaction


def main() -> None:
    """Arguments: host and port; or ``migrate``. Everything else is in Prefect's own environment variables."""
    if sys.argv[1:] == ["migrate"]:
        asyncio.run(provide_database_interface().create_db())
        return
    host, port = sys.argv[1:]
    migrate_apart(get_current_settings().home / "migrated-by")
    AioSqliteConfiguration.begin_transaction = _immediate  # type: ignore[method-assign]
    uvicorn.run(  # as `prefect server start` does, without its command line
        create_app(final=True),
        host=host,
        port=int(port),
        log_level="warning",
        access_log=False,
        timeout_keep_alive=PREFECT_SERVER_API_KEEPALIVE_TIMEOUT.value(),
        timeout_graceful_shutdown=2,
        ws_ping_interval=PREFECT_SERVER_API_WEBSOCKET_PING_INTERVAL.value(),
        ws_ping_timeout=PREFECT_SERVER_API_WEBSOCKET_PING_TIMEOUT.value(),
    )


def migrate_apart(mark: Path) -> None:
    """Have Prefect's tables made by a process that ends with it: what that takes would stay for as long as this runs.

    ``mark``: names the version of Prefect that has made them. Without success the server makes them itself, as ever.
    """
    if os.environ.get("PREFECT_SERVER_DATABASE_CONNECTION_URL"):
        return  # a database of somebody's own
    version = metadata.version("prefect")
    if not mark.exists() or mark.read_text() != version:
        command = [sys.executable, "-m", "workflows.prefect_server", "migrate"]
        if subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode:
            return
        mark.write_text(version)
    get_current_settings().server.database.migrate_on_start = False


if __name__ == "__main__":
    main()
