"""What logging is given when a call ends, and when an object is dropped: never where it could wait
for a lock that its own thread holds, or where no module is left."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from airscoop import tracing
from airscoop._native import Transfer
from support.s3 import Store

# Threads end calls while the main thread is within the queue that its logging uses, too.
QUEUED = """
import faulthandler, logging, logging.handlers, queue, sys, threading
from airscoop._native import Transfer

faulthandler.dump_traceback_later(120, exit=True)
sys.setswitchinterval(1e-5)
records = queue.Queue(-1)
logger = logging.getLogger("airscoop.trace")
logger.setLevel(logging.DEBUG)
logger.propagate = False
logger.addHandler(logging.handlers.QueueHandler(records))
left = [int(sys.argv[2])] * 2

def write(number):
    while left[number] > 0:
        left[number] -= 1
        transfer = Transfer({"destination": f"{sys.argv[1]}/{number}", "memory_limit": 40 << 20})
        transfer.write(b"x")
        transfer.commit()

threads = [threading.Thread(target=write, args=(number,)) for number in range(2)]
for thread in threads:
    thread.start()
while any(thread.is_alive() for thread in threads):
    for _ in range(100):
        records.put(None)
        records.get()
"""

DROPPED = """
import logging, os, sys
from airscoop._native import Transfer

options = dict(argument.split("=", 1) for argument in sys.argv[1:])
transfer = Transfer({**options, "format": "raw", "compression": "none"})
transfer.write(os.urandom(12 << 20))
"""


def test_the_main_thread_may_be_within_its_own_logging_when_a_call_ends_elsewhere(
    tmp_path: Path,
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", QUEUED, str(tmp_path), "500"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_dropped_when_python_ends_is_taken_back(store: Store) -> None:
    settings = store.settings()
    assert settings.credentials is not None
    options = {
        "destination": store.uri("dropped"),
        "destination_endpoint_url": store.endpoint,
        "destination_region": "us-east-1",
        "destination_access_key_id": settings.credentials.access_key_id,
        "destination_secret_access_key": settings.credentials.secret_access_key,
    }
    done = subprocess.run(
        [sys.executable, "-c", DROPPED, *(f"{name}={value}" for name, value in options.items())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert store.uploads() == []
    assert store.names() == []


def test_logging_is_not_asked_by_every_write(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[bool] = []

    def wanted() -> bool:
        asked.append(False)
        return False

    monkeypatch.setattr(tracing, "wanted", wanted)
    transfer = Transfer({"destination": str(tmp_path / "out"), "format": "raw"})
    for _ in range(5000):
        transfer.write(b"x")
    assert 1 <= len(asked) < 2500
    transfer.commit()
