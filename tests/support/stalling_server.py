"""An HTTP server that sends the first part of a body, says so, and then nothing more."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class StallingServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, body: bytes, sent_bytes: int) -> None:
        super().__init__(("127.0.0.1", 0), StallingHandler)
        self.body = body
        self.sent_bytes = sent_bytes
        self.stalled = threading.Event()
        self.ended = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class StallingHandler(BaseHTTPRequestHandler):
    server: StallingServer

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body[: self.server.sent_bytes])
        self.wfile.flush()
        self.server.stalled.set()
        self.server.ended.wait()

    def log_message(self, *arguments: object) -> None:
        """Keeps the test's output quiet."""


@contextlib.contextmanager
def stalling_server(body: bytes, *, sent_bytes: int) -> Iterator[StallingServer]:
    """Every GET gets `sent_bytes` of `body` and then waits until the block is left."""
    server = StallingServer(body, sent_bytes)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
