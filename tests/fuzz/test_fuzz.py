"""Each fuzz target for ten seconds, from the seeds, as many at once as there are processors;
`./run fuzz` runs them longer."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from fuzz import fuzzing

SECONDS = 10

Run = Future["subprocess.CompletedProcess[bytes]"]

pytestmark = pytest.mark.skipif(shutil.which("clang-14") is None, reason="clang-14 is not here")


@pytest.fixture(scope="module")
def runs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Run]]:
    """The runs of the targets that were asked for."""
    assert fuzzing.build() == ""
    folder = tmp_path_factory.mktemp("fuzz")
    chosen = [getattr(item, "callspec", None) for item in request.session.items]
    targets = {spec.params["target"] for spec in chosen if spec and "target" in spec.params}

    def run(target: str) -> subprocess.CompletedProcess[bytes]:
        command = fuzzing.command(target, seconds=SECONDS, folder=folder)
        return subprocess.run(command, capture_output=True)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {t: pool.submit(run, t) for t in fuzzing.targets() if t in targets}


@pytest.mark.parametrize("target", fuzzing.targets())
def test_no_input_breaks(runs: dict[str, Run], target: str) -> None:
    done = runs[target].result()
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-8000:]
