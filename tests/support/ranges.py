"""A web source that can be read from the middle on."""

from __future__ import annotations

import re
import socket
import threading

from support.fault_server import Answer, Origin, reset

ETAG = '"one"'
STALL_SECONDS = 150


def part(
    body: bytes,
    *,
    cut: int | None = None,
    etag: str = ETAG,
    ranges: bool = True,
    validator: str = "",
    shown: str = "",
) -> Answer:
    """The body, or the rest that If-Range allows; the connection breaks after `cut` bytes."""
    validator = validator or f"ETag: {etag}"

    def send(connection: socket.socket, head: str) -> None:
        wanted = re.search(r"Range: bytes=(\d+)-", head)
        same = f"If-Range: {validator.partition(': ')[2]}" in head
        start = int(wanted.group(1)) if wanted and same and ranges else 0
        lines = ["HTTP/1.1 206 Rest" if start else "HTTP/1.1 200 OK", shown or validator]
        lines += [f"Content-Length: {len(body) - start}"]
        if ranges:
            lines.append("Accept-Ranges: bytes")
        if start:
            lines.append(f"Content-Range: bytes {start}-{len(body) - 1}/{len(body)}")
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        connection.sendall(body[start:] if cut is None else body[start : start + cut])
        if cut is not None:
            reset(connection)

    return send


def starts(web: Origin) -> list[int]:
    """The first byte of each request."""
    ranges = [re.search(r"Range: bytes=(\d+)-", head) for head in web.heads]
    return [int(found.group(1)) if found else 0 for found in ranges]


def stalling(body: bytes, *, after: int, released: threading.Event) -> Answer:
    """The body, or the rest that If-Range allows; a first request stalls after some bytes."""

    def send(connection: socket.socket, head: str) -> None:
        wanted = re.search(r"Range: bytes=(\d+)-", head)
        start = int(wanted.group(1)) if wanted and 'If-Range: "one"' in head else 0
        lines = ["HTTP/1.1 206 Rest" if start else "HTTP/1.1 200 OK", 'ETag: "one"']
        lines += [f"Content-Length: {len(body) - start}", "Accept-Ranges: bytes"]
        if start:
            lines.append(f"Content-Range: bytes {start}-{len(body) - 1}/{len(body)}")
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        connection.sendall(body[start : len(body) if start else after])
        if not start:
            released.wait(STALL_SECONDS)

    return send
