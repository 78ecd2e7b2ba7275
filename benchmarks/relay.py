"""Passes TCP connections on to a server, and counts what comes back: relay.counted(port)."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

_BLOCK_BYTES = 1 << 16


class Relay:
    """`received` are the bytes that clients got, heads of answers included."""

    def __init__(self, upstream: int) -> None:
        self.received = 0
        self.connections = 0
        self._upstream = upstream
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._upstream))
                self.connections += 1
                for ends in ((client, server, False), (server, client, True)):
                    threading.Thread(target=self._pass_on, args=ends, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, counts: bool) -> None:
        with contextlib.suppress(OSError):
            while block := source.recv(_BLOCK_BYTES):
                target.sendall(block)
                if counts:
                    with self._lock:
                        self.received += len(block)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()


@contextlib.contextmanager
def counted(upstream: int) -> Iterator[Relay]:
    """A relay to that port of this machine."""
    relay = Relay(upstream)
    try:
        yield relay
    finally:
        relay.close()
