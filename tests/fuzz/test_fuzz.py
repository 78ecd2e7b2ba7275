"""Each fuzz target for a few seconds, from the seeds; `./run fuzz` runs them longer."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import fuzzing
import pytest

SECONDS = 5

pytestmark = pytest.mark.skipif(shutil.which("clang-14") is None, reason="clang-14 is not here")


@pytest.fixture(scope="module")
def built() -> None:
    assert fuzzing.build() == ""


@pytest.mark.parametrize("target", fuzzing.targets())
def test_no_input_breaks(built: None, target: str, tmp_path: Path) -> None:
    command = fuzzing.command(target, seconds=SECONDS, folder=tmp_path)
    done = subprocess.run(command, capture_output=True)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-8000:]
