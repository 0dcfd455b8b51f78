"""Other houses on loopback HTTP: whatever a test lets them answer, and a whole authority with its lists."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from signing.authority import Authority
from tests.support.authority import PASSPHRASE

Answer = Callable[[str, bytes], bytes | None]


@contextmanager
def served(answer: Answer) -> Iterator[str]:
    """`answer` is given path and body; None is 404."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.reply(b"")

        def do_POST(self) -> None:
            self.reply(self.rfile.read(int(self.headers["Content-Length"])))

        def reply(self, body: bytes) -> None:
            told = answer(self.path, body)
            self.send_response(404 if told is None else 200)
            self.send_header("Content-Length", str(len(told or b"")))
            self.end_headers()
            self.wfile.write(told or b"")

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def house_online(folder: Path) -> Iterator[tuple[Authority, str]]:
    """Another house that stamps time and publishes its lists at an address which its certificates name."""
    houses: list[Authority] = []

    def answer(path: str, body: bytes) -> bytes | None:
        return houses[0].tsa.respond(body) if path == "/tsa" else houses[0].crls().get(path.removeprefix("/"))

    with served(answer) as url:
        houses.append(
            Authority.open(folder, passphrase=PASSPHRASE, organisation="Zeit GmbH", country="DE", publish_url=url)
        )
        yield houses[0], url
