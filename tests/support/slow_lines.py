"""An object that is fetched behind a slow network."""

from __future__ import annotations

import dataclasses
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import airscoop
from support.fault_server import Request
from support.s3 import MIB, Store, noise

OBJECT = noise(60 * MIB)


SECONDS_A_BLOCK = 0.016


class SlowLines:
    """Answers at some 15 MB/s a connection; knows how many there were at once."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._lock = threading.Lock()
        self._open = 0
        self.most = 0

    def __call__(self, handler: Any, request: Request) -> None:
        self.send(handler, *handler.forward(request))

    def send(self, handler: Any, code: int, headers: dict[str, str], body: bytes) -> None:
        with self._lock:
            self._open += 1
            self.most = max(self.most, self._open)
        try:
            handler.send_response_only(code)
            for name, value in headers.items():
                if name.lower() not in ("connection", "transfer-encoding"):
                    handler.send_header(name, value)
            handler.end_headers()
            # By the clock, so that a busy machine does not make it slower than it is meant to be.
            begun = time.monotonic()
            for number, start in enumerate(range(0, len(body), MIB // 4), start=1):
                handler.wfile.write(body[start : start + MIB // 4])
                time.sleep(max(0.0, begun + number * SECONDS_A_BLOCK - time.monotonic()))
        finally:
            with self._lock:
                self._open -= 1
        handler.close_connection = True


@pytest.fixture(scope="session")
def placed(s3_server: Store, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of the object, with S3's checksum of the whole."""
    return place(dataclasses.replace(s3_server, prefix="ranges"), tmp_path_factory.mktemp("object"))


def place(store: Store, folder: Path) -> str:
    (folder / "f").write_bytes(OBJECT)
    airscoop.copy(folder / "f", store.uri("f"), destination_s3=store.settings())
    (folder / "f").unlink()
    return store.uri("f")


def to_file(source: str, settings: airscoop.S3Settings, folder: Path) -> bytes:
    airscoop.copy(source, folder / "out", source_s3=settings)
    return (folder / "out").read_bytes()
