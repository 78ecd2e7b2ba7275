"""Servers for transfers of any size that keep nothing: a source that repeats a pattern, and an S3
that counts what it is sent."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from support.fault_server import FaultProxy, Request, fault_proxy

STEP_BYTES = 1024 * 1024


class Endless:
    """`block` repeated `count` times as one object, with ranges; counts what it has sent."""

    def __init__(self, block: bytes, count: int) -> None:
        # Twice, so that a step from any place is one slice.
        self._block = block * (1 if len(block) >= STEP_BYTES else STEP_BYTES // len(block) + 1)
        self._twice = self._block + self._block[:STEP_BYTES]
        self.size = len(block) * count
        self.sent = 0
        self._lock = threading.Lock()

    def send(self, handler: Any, request: Request) -> None:
        """Answers a GET."""
        wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers["Range"] or "")
        first = int(wanted.group(1)) if wanted else 0
        last = int(wanted.group(2)) if wanted and wanted.group(2) else self.size - 1
        headers = {"ETag": '"endless"', "Accept-Ranges": "bytes"}
        if wanted:
            headers["Content-Range"] = f"bytes {first}-{last}/{self.size}"
        handler.answer(206 if wanted else 200, b"", headers, length=last + 1 - first)
        at = first
        view = memoryview(self._twice)
        while at <= last:
            start = at % len(self._block)
            piece = view[start : start + min(STEP_BYTES, last + 1 - at)]
            handler.connection.sendall(piece)
            at += len(piece)
            with self._lock:
                self.sent += len(piece)


class Counting:
    """An S3 that takes any object and keeps the ETags and lengths of its parts. `gate` is waited
    for before the answer to a part."""

    def __init__(self) -> None:
        self.received = 0
        self.completed = False
        self.gate = threading.Event()
        self.gate.set()
        self._parts: dict[int, str] = {}
        self._lock = threading.Lock()

    def answer(self, request: Request) -> tuple[int, dict[str, str], bytes]:
        """Answers all that an upload asks."""
        kind = request.kind
        if kind == "create":
            return 200, {}, (
                b"<InitiateMultipartUploadResult><UploadId>u</UploadId>"
                b"</InitiateMultipartUploadResult>"
            )  # fmt: skip
        if kind == "part":
            self.gate.wait(120)
            number = int(re.findall(r"partNumber=(\d+)", request.query)[0])
            name = hashlib.md5(b"%d" % number).hexdigest()
            with self._lock:
                self.received += len(request.body)
                self._parts[number] = name
            return 200, {"ETag": f'"{name}"'}, b""
        if kind == "complete":
            self.completed = True
            return (
                200,
                {},
                (
                    "<CompleteMultipartUploadResult><ETag>&quot;"
                    f"{self._etag()}&quot;</ETag></CompleteMultipartUploadResult>"
                ).encode(),
            )
        if kind == "put":
            self.received += len(request.body)
            self.completed = True
            return 200, {"ETag": f'"{hashlib.md5(request.body).hexdigest()}"'}, b""
        if kind == "abort":
            return 204, {}, b""
        return 404, {}, b""

    def _etag(self) -> str:
        digests = b"".join(bytes.fromhex(self._parts[n]) for n in sorted(self._parts))
        return f"{hashlib.md5(digests).hexdigest()}-{len(self._parts)}"


@contextmanager
def endless(source: Endless) -> Iterator[FaultProxy]:
    """The source, at every path of a server."""
    with fault_proxy("http://nowhere", lambda request: (404, {}, b"")) as proxy:
        proxy.on("get", source.send, times=1_000_000)
        yield proxy


@contextmanager
def counting(sink: Counting) -> Iterator[FaultProxy]:
    """The sink, as an S3 endpoint."""
    with fault_proxy("http://nowhere", sink.answer) as proxy:
        yield proxy
