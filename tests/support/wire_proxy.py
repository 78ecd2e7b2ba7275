"""A proxy that shows a test each simple statement before PostgreSQL sees it."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType

CANCEL_REQUEST = 80877102
# Given the connection's number (from 0) and a statement: what the server gets in its place. None
# passes it on and then hangs up on the client, so that no answer arrives.
Hook = Callable[[int, str], str | None]
# Passes the server's bytes on to the client until one of both ends.
Back = Callable[[socket.socket, socket.socket], None]


class WireProxy:
    """Listens on `port` while the `with` lasts; no TLS. Cancel requests are passed on."""

    def __init__(self, server_port: int, hook: Hook, *, back: Back | None = None) -> None:
        self._server_port, self._hook, self._back = server_port, hook, back or pump
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]

    def __enter__(self) -> WireProxy:
        self._threads[0].start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        number = 0
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._server_port))
            self._sockets += [client, server]
            length, code = struct.unpack("!ii", first := read(client, 8))
            server.sendall(first + read(client, length - 8))
            forward = threading.Thread(target=self._forward, args=(number, client, server))
            back = threading.Thread(target=self._back, args=(server, client))
            self._threads += [forward, back]
            forward.start()
            back.start()
            number += code != CANCEL_REQUEST

    def _forward(self, number: int, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError):
            while True:
                kind, length = struct.unpack("!ci", read(client, 5))
                body = read(client, length - 4)
                answer: str | None = ""
                if kind == b"Q":
                    answer = self._hook(number, body[:-1].decode())
                    body = body if answer is None else answer.encode() + b"\0"
                server.sendall(kind + struct.pack("!i", len(body) + 4) + body)
                if answer is None:
                    client.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)


def read(source: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length:
        piece = source.recv(length - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)
