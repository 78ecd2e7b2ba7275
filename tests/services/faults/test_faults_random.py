"""Random transfers under random faults: the exact object and a true receipt, or an error and no
object. A seed tells everything; `--fault-seeds N` runs the first N, `--fault-seed N` one again."""

from __future__ import annotations

import queue
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest

from support.fault_run import Run, judge, tidy
from support.fault_schedule import schedule
from support.s3 import Store

THREADS = 6
DEADLINE_SECONDS = 90


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    one = metafunc.config.getoption("--fault-seed")
    count = metafunc.config.getoption("--fault-seeds")
    metafunc.parametrize("seed", [one] if one is not None else range(count))


class Seeds:
    """Runs seeds on threads of its own, ahead of the tests that ask for them: most of a run is
    waiting."""

    def __init__(self, server: Store, folder: Path, seeds: list[int]) -> None:
        self._server, self._folder = server, folder
        self._waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._done = {seed: threading.Event() for seed in seeds}
        self._started: dict[int, float] = {}
        self._problems: dict[int, list[str]] = {}
        self.stopped = False
        for seed in seeds:
            self._waiting.put(seed)
        for _ in range(THREADS):
            threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while not self.stopped:
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

    def _run(self, seed: int) -> list[str]:
        folder = self._folder / str(seed)
        folder.mkdir()
        prefix = f"seed{seed}-{uuid.uuid4().hex[:8]}"
        store = Store(self._server.endpoint, prefix, self._server.client)
        run = Run(schedule(seed), store, folder)
        try:
            return judge(run, run.transfer())
        finally:
            tidy(store)

    def problems(self, seed: int) -> list[str]:
        """What is wrong with how a seed ended."""
        while not self._done[seed].wait(0.5):
            started = self._started.get(seed)
            if started is not None and time.monotonic() - started > DEADLINE_SECONDS:
                return [f"no end after {DEADLINE_SECONDS} seconds"]
        return self._problems[seed]


@pytest.fixture(scope="module")
def seeds(
    request: pytest.FixtureRequest, s3_server: Store, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Seeds]:
    wanted = [
        cast(int, item.callspec.params["seed"])
        for item in request.session.items
        if item.path == request.path and isinstance(item, pytest.Function)
    ]
    running = Seeds(s3_server, tmp_path_factory.mktemp("seeds"), wanted)
    yield running
    running.stopped = True


def test_the_object_and_its_receipt_are_exact_or_nothing_is_there(seed: int, seeds: Seeds) -> None:
    problems = seeds.problems(seed)
    if problems:
        again = f"./run test tests/services/faults/test_faults_random.py --fault-seed {seed}"
        lines = "\n".join(["", str(schedule(seed)), *(f"  !! {p}" for p in problems), again])
        pytest.fail(lines, pytrace=False)
