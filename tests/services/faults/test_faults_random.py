"""Random transfers under random faults: the exact object and a true receipt, or an error and no
object. A seed tells everything; `--fault-seeds N` runs the first N, `--fault-seed N` one again."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.fault_run import Run, judge, tidy
from support.fault_schedule import schedule
from support.s3 import Store
from support.seeds import Seeds, seeds_of

THREADS = 6
DEADLINE_SECONDS = 90


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    one = metafunc.config.getoption("--fault-seed")
    count = metafunc.config.getoption("--fault-seeds")
    metafunc.parametrize("seed", [one] if one is not None else range(count))


def run(seed: int, server: Store, folder: Path) -> list[str]:
    """What is wrong with how a seed ended."""
    own = folder / str(seed)
    own.mkdir()
    prefix = f"seed{seed}-{uuid.uuid4().hex[:8]}"
    store = Store(server.endpoint, prefix, server.client)
    running = Run(schedule(seed), store, own)
    try:
        return judge(running, running.transfer())
    finally:
        tidy(store)


@pytest.fixture(scope="module")
def seeds(
    request: pytest.FixtureRequest, s3_server: Store, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Seeds]:
    folder = tmp_path_factory.mktemp("seeds")
    running = Seeds(
        seeds_of(request),
        lambda seed: run(seed, s3_server, folder),
        threads=THREADS,
        deadline_seconds=DEADLINE_SECONDS,
    )
    yield running
    running.stop()


def test_the_object_and_its_receipt_are_exact_or_nothing_is_there(seed: int, seeds: Seeds) -> None:
    problems = seeds.problems(seed)
    if problems:
        again = f"./run test tests/services/faults/test_faults_random.py --fault-seed {seed}"
        lines = "\n".join(["", str(schedule(seed)), *(f"  !! {p}" for p in problems), again])
        pytest.fail(lines, pytrace=False)
