"""Servers that misbehave on purpose: an HTTP origin, and a proxy before a real S3 server."""

from __future__ import annotations

import email.message
import hashlib
import http.client
import re
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit


def reset(connection: socket.socket) -> None:
    """Ends a connection by RST instead of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


Answer = Callable[[socket.socket, str], None]


def raw(*pieces: bytes) -> Answer:
    """Sends the bytes as they are, then closes."""

    def send(connection: socket.socket, head: str) -> None:
        for piece in pieces:
            connection.sendall(piece)

    return send


def with_length(body: bytes, *, said: int | None = None, headers: str = "") -> Answer:
    """A 200 with Content-Length, which may lie."""
    length = len(body) if said is None else said
    return raw(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{headers}\r\n".encode(), body)


def chunk(data: bytes) -> bytes:
    """One chunk of the chunked coding; of no data it is the last."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def chunked(body: bytes, *, size: int = 1000, cut_at: int | None = None) -> Answer:
    """A 200 in chunks; cut after `cut_at` bytes of the coded body."""
    coded = b"".join(chunk(body[i : i + size]) for i in range(0, len(body), size)) + chunk(b"")
    return raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", coded[:cut_at])


def until_close(body: bytes) -> Answer:
    """HTTP/1.0: the end of the connection is the end of the body."""
    return raw(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n", body)


def redirect(location: str, *, status: int = 302) -> Answer:
    """Sends the client elsewhere."""
    head = f"HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 0\r\n"
    return raw(head.encode(), b"Connection: close\r\n\r\n")


def status(code: int, *, headers: str = "", body: bytes = b"no") -> Answer:
    """An answer without data."""
    head = f"HTTP/1.1 {code} Said\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    return raw(f"{head}{headers}\r\n".encode(), body)


def then_reset(first: Answer) -> Answer:
    """The answer, then RST."""

    def send(connection: socket.socket, head: str) -> None:
        first(connection, head)
        reset(connection)

    return send


class Origin:
    """Answers each connection once, by path. Lists of answers are used up one by one."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._tls = tls
        self._answers: dict[str, list[Answer]] = {}
        self.heads: list[str] = []
        self.bodies: list[bytes] = []  # of requests that have one
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def serve(self, path: str, *answers: Answer, host: str = "127.0.0.1") -> str:
        """The URL at which the answers are given in turn, the last one for ever."""
        self._answers[path] = list(answers)
        return f"{'http' if self._tls is None else 'https'}://{host}:{self.port}{path}"

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection:
            received = b""
            try:
                if self._tls is not None:
                    connection = self._tls.wrap_socket(connection, server_side=True)
                while b"\r\n\r\n" not in received:
                    more = connection.recv(65536)
                    if not more:
                        return
                    received += more
                head = received.partition(b"\r\n\r\n")[0].decode()
                self._read_body(connection, head, received.partition(b"\r\n\r\n")[2])
                self.heads.append(head)
                answers = self._answers[head.split(" ")[1].partition("?")[0]]
                (answers.pop(0) if len(answers) > 1 else answers[0])(connection, head)
            except OSError:
                return  # the client left

    def _read_body(self, connection: socket.socket, head: str, received: bytes) -> None:
        lines = (line.lower().partition(": ") for line in head.split("\r\n"))
        length = next((int(value) for name, _, value in lines if name == "content-length"), None)
        if length is None:
            return
        while len(received) < length:
            received += connection.recv(65536)
        self.bodies.append(received)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@contextmanager
def origin(tls: ssl.SSLContext | None = None) -> Iterator[Origin]:
    """An HTTP server of the test's own, or an HTTPS one."""
    server = Origin(tls)
    try:
        yield server
    finally:
        server.close()


@dataclass
class Request:
    """What arrived at the proxy."""

    method: str
    path: str
    query: str
    headers: email.message.Message[str, str]
    body: bytes = b""

    @property
    def length(self) -> int:
        """The announced length of the body."""
        return int(self.headers.get("Content-Length") or 0)

    @property
    def kind(self) -> str:
        """The S3 operation, in one word."""
        has_key = self.path.count("/") > 1 and not self.path.endswith("/")
        if "uploadId=" in self.query:
            kinds = {"PUT": "part", "POST": "complete", "DELETE": "abort", "GET": "parts"}
            return kinds[self.method]
        if self.method == "POST":
            return "create"
        return {"PUT": "put", "GET": "get" if has_key else "list", "HEAD": "head"}.get(
            self.method, "delete"
        )


Fault = Callable[["_Handler", Request], None]
LocalAnswer = Callable[[Request], tuple[int, dict[str, str], bytes]]


@dataclass
class _Rule:
    kind: str
    fault: Fault
    times: int
    skip: int = 0
    fired: int = 0


def before_body(fault: Fault) -> Fault:
    """Marks a fault that acts while the request's body is still on its way."""
    marked: Any = fault
    marked.before_body = True
    return fault


def error(code: str, http_status: int, message: str = "said the proxy", **headers: str) -> Fault:
    """Answers with an S3 error and does not pass the request on."""
    body = (
        f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message>"
        "<RequestId>REQ-1</RequestId></Error>"
    )

    def act(handler: _Handler, request: Request) -> None:
        shown = {name.replace("_", "-"): value for name, value in headers.items()}
        handler.answer(http_status, b"" if request.method == "HEAD" else body.encode(), shown)

    return act


def plain(http_status: int, body: bytes = b"") -> Fault:
    """Answers with any body and does not pass the request on."""
    return lambda handler, request: handler.answer(http_status, body, {})


def stored(handler: _Handler, request: Request) -> None:
    """Answers a PUT as if it were stored, and stores nothing."""
    handler.answer(200, b"", {"ETag": f'"{hashlib.md5(request.body).hexdigest()}"'})


def lose_answer(handler: _Handler, request: Request) -> None:
    """The request reaches the server, the answer does not reach the client."""
    handler.forward(request)
    handler.hang_up()


def cut_answer(handler: _Handler, request: Request) -> None:
    """Half of the answer's body arrives, under the length of the whole."""
    code, headers, body = handler.forward(request)
    handler.answer(code, body[: len(body) // 2], headers, length=len(body))
    handler.hang_up()


def shorten_answer(handler: _Handler, request: Request) -> None:
    """Half of the answer's body arrives as if it were the whole."""
    code, headers, body = handler.forward(request)
    handler.answer(code, body[: len(body) // 2], headers)


def without_etag(handler: _Handler, request: Request) -> None:
    """The answer lacks the ETag."""
    code, headers, body = handler.forward(request)
    handler.answer(code, body, {n: v for n, v in headers.items() if n.lower() != "etag"})


def with_lines(*lines: tuple[str, str]) -> Fault:
    """The answer, with more header lines; they may repeat names."""

    def act(handler: _Handler, request: Request) -> None:
        code, headers, body = handler.forward(request)
        handler.answer(code, body, headers, more=lines)

    return act


@before_body
def reset_early(handler: _Handler, request: Request) -> None:
    """The connection goes while the body is on its way."""
    handler.rfile.read(request.length // 2)
    handler.hang_up()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""

    def hang_up(self) -> None:
        """Ends the connection by RST."""
        self.close_connection = True
        reset(self.connection)

    def forward(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        """What the real server answers."""
        if self.server.answer_locally is not None:
            return self.server.answer_locally(request)
        upstream = http.client.HTTPConnection(self.server.upstream, timeout=60)
        try:
            target = request.path + (f"?{request.query}" if request.query else "")
            upstream.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                upstream.putheader(name, value)
            upstream.endheaders(request.body or None)
            answer = upstream.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            upstream.close()

    def answer(
        self,
        code: int,
        body: bytes,
        headers: dict[str, str],
        *,
        length: int | None = None,
        more: Sequence[tuple[str, str]] = (),
    ) -> None:
        """`more` are header lines that may repeat names."""
        self.send_response_only(code)
        for name, value in (*headers.items(), *more):
            if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                self.send_header(name, value)
        if code != 204:
            said = headers.get("Content-Length") if self.command == "HEAD" else None
            self.send_header("Content-Length", said or str(len(body) if length is None else length))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        request = Request(self.command, parts.path, parts.query, self.headers)
        rule = self.server.take_rule(request.kind)
        if rule is not None and getattr(rule.fault, "before_body", False):
            self.server.note(request)
            rule.fault(self, request)
            return
        request.body = self.rfile.read(request.length)
        self.server.note(request)
        if rule is not None:
            rule.fault(self, request)
            return
        code, headers, body = self.forward(request)
        self.answer(code, body, headers)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, upstream: str, answer_locally: LocalAnswer | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.socket.setblocking(False)  # a fault may take the listener away before it accepts
        self.upstream = upstream
        self.answer_locally = answer_locally
        self.rules: list[_Rule] = []
        self.requests: list[Request] = []
        self.accepted = 0  # connections, those that have ended too
        self._connections = 0
        self._lock = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._lock:
            self.accepted += 1
            self._connections += 1
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._connections -= 1

    def is_idle(self) -> bool:
        """Whether all that arrived is dealt with and every client has left."""
        waiting, _, _ = select.select([self.socket], [], [], 0)
        with self._lock:
            return not waiting and self._connections == 0

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is part of the tests."""

    def take_rule(self, kind: str) -> _Rule | None:
        with self._lock:
            for rule in self.rules:
                if not re.fullmatch(rule.kind, kind) or rule.times == 0:
                    continue
                if rule.skip > 0:
                    rule.skip -= 1
                    continue
                rule.times -= 1
                rule.fired += 1
                return rule
        return None

    def note(self, request: Request) -> None:
        with self._lock:
            self.requests.append(request)


@dataclass
class FaultProxy:
    """Passes S3 requests on, but for the faults that are asked of it."""

    server: _Server
    url: str = field(init=False)

    def __post_init__(self) -> None:
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def on(self, kind: str, fault: Fault, *, times: int = 1, skip: int = 0) -> _Rule:
        """After `skip` requests of a kind (a pattern) the next `times` meet the fault."""
        rule = _Rule(kind, fault, times, skip)
        self.server.rules.append(rule)
        return rule

    def kinds(self) -> list[str]:
        """The operations that arrived, in order."""
        return [request.kind for request in self.server.requests]

    def requests(self, kind: str) -> list[Request]:
        """The requests of one operation."""
        return [request for request in self.server.requests if request.kind == kind]


@contextmanager
def fault_proxy(endpoint: str, answer_locally: LocalAnswer | None = None) -> Iterator[FaultProxy]:
    """A proxy before the S3 server at `endpoint`, or before a function that answers."""
    server = _Server(urlsplit(endpoint).netloc, answer_locally)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield FaultProxy(server)
    finally:
        server.shutdown()
        server.server_close()
