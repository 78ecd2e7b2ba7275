"""Runs seeds on threads of its own, ahead of the tests that ask for them: most of it is waiting."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import cast

import pytest


def seeds_of(request: pytest.FixtureRequest) -> list[int]:
    """Those that the tests of the fixture's file are to run."""
    return [
        cast(int, item.callspec.params["seed"])
        for item in request.session.items
        if item.path == request.path and isinstance(item, pytest.Function)
    ]


class Seeds:
    """`run` says of a seed what is wrong with how it ended."""

    def __init__(
        self,
        seeds: Sequence[int],
        run: Callable[[int], list[str]],
        *,
        threads: int,
        deadline_seconds: float,
    ) -> None:
        self._run, self._deadline_seconds = run, deadline_seconds
        self._waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._done = {seed: threading.Event() for seed in seeds}
        self._started: dict[int, float] = {}
        self._problems: dict[int, list[str]] = {}
        self._stopped = False
        for seed in seeds:
            self._waiting.put(seed)
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def _work(self) -> None:
        while not self._stopped:
            try:
                seed = self._waiting.get_nowait()
            except queue.Empty:
                return
            self._started[seed] = time.monotonic()
            try:
                self._problems[seed] = self._run(seed)
            except BaseException as error:
                self._problems[seed] = [f"the test itself failed: {error!r}"]
            self._done[seed].set()

    def problems(self, seed: int) -> list[str]:
        """What is wrong with how a seed ended."""
        while not self._done[seed].wait(0.5):
            started = self._started.get(seed)
            if started is not None and time.monotonic() - started > self._deadline_seconds:
                return [f"no end after {self._deadline_seconds:g} seconds"]
        return self._problems[seed]

    def stop(self) -> None:
        """Begins no other seed."""
        self._stopped = True
