"""Processes of a random history, forked from one that has imported what they need."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["airscoop", "airscoop.exports.steps.claim", "airscoop.exports.steps.compute",
     "airscoop.exports.steps.publish", "airscoop.exports.steps.register",
     "airscoop.warehouse.session", "airscoop.publishing.job", "airscoop.deltas.job",
     "boto3", "botocore.session", "botocore.endpoint", "botocore.httpsession", "pytest"]
)  # fmt: skip
# A process that two threads ask for its end has one for the first of them alone.
ONE_AT_A_TIME = threading.Lock()


class Child:
    """One process; `target` is a function of a module."""

    def __init__(self, target: Callable[..., object], *arguments: Any) -> None:
        self._process = FORKS.Process(target=target, args=arguments, daemon=True)
        with ONE_AT_A_TIME:
            self._process.start()

    def has_ended(self) -> bool:
        with ONE_AT_A_TIME:
            return self._process.exitcode is not None

    def wait(self, seconds: float) -> int | None:
        """How it ended, below 0: by a signal; None: it has not."""
        end = time.monotonic() + seconds
        while not self.has_ended():
            if time.monotonic() > end:
                return None
            time.sleep(0.005)
        return self._process.exitcode

    def send(self, number: signal.Signals) -> None:
        """A signal, unless it has ended."""
        with ONE_AT_A_TIME:
            if self._process.exitcode is None and self._process.pid is not None:
                os.kill(self._process.pid, number)

    def end(self) -> None:
        """Leaves nothing of it."""
        self.send(signal.SIGKILL)
        self.wait(60)
