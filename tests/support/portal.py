"""The web part alone, over a runtime of the tests, where a browser can reach it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from api.main import create_app
from tests.support.servers import free_port, wait_until
from workflows.runtime import Runtime


@contextmanager
def portal(runtime: Runtime) -> Iterator[str]:
    """Its address, as long as the block runs."""
    port = free_port()
    settings = uvicorn.Config(
        create_app(runtime=runtime), host="127.0.0.1", port=port, log_level="warning", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive(), "the portal")
        assert thread.is_alive(), "it ended at once"
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
