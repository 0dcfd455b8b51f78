"""A payment system on loopback, to which released invoices are posted."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class PaymentSystem:
    """Takes what is posted to it, and answers as it is told. ``before``: called with how many came, before it does."""

    url: str
    answer: int = 200
    before: Callable[[int], None] = lambda number: None
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.got]


@contextmanager
def payment_system_at_work() -> Iterator[PaymentSystem]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            system.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            system.before(len(system.got))
            self.send_response(system.answer)
            if system.answer == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    system = PaymentSystem(f"http://127.0.0.1:{server.server_port}/signoff?tenant=1")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield system
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
