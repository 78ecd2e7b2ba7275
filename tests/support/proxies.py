"""The servers of fault_server as fixtures: one of each for a test."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from support.fault_server import FaultProxy, Origin, fault_proxy, origin
from support.s3 import MIB, PART_BYTES, Store, noise


@pytest.fixture
def proxy(store: Store) -> Iterator[FaultProxy]:
    """A proxy before the S3 server."""
    with fault_proxy(store.endpoint) as running:
        yield running


@pytest.fixture
def web() -> Iterator[Origin]:
    with origin() as running:
        yield running


@pytest.fixture
def stalled(web: Origin) -> Iterator[str]:
    """The URL of a source that sends the most of a file, and then nothing until the test ends."""
    done = threading.Event()
    data = noise(2 * PART_BYTES + MIB)

    def send(connection: socket.socket, head: str) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + data)
        done.wait(120)

    yield web.serve("/data", send)
    done.set()
