"""Prefect's own server on SQLite, as ``signoff serve`` starts it.

It is Prefect's application as it comes, but for one thing. Prefect begins its transactions DEFERRED: one that has read
and then writes, while another has written, fails at once without waiting (SQLITE_BUSY_SNAPSHOT). The server answers
503, and its clients wait two seconds before they try again. Begun IMMEDIATE, writers wait for each other, milliseconds.
Measured with a worker and four launchers on two cores, 20 launches: before, 140 refusals in 5 s; after, none in 1 s.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import uvicorn
from prefect.server.api.server import create_app
from prefect.server.database.configurations import AioSqliteConfiguration
from prefect.settings import (
    PREFECT_SERVER_API_KEEPALIVE_TIMEOUT,
    PREFECT_SERVER_API_WEBSOCKET_PING_INTERVAL,
    PREFECT_SERVER_API_WEBSOCKET_PING_TIMEOUT,
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
    """Arguments: host and port. Everything else is in Prefect's own environment variables."""
    host, port = sys.argv[1:]
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


if __name__ == "__main__":
    main()
