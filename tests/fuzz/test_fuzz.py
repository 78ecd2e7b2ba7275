"""Each fuzz target on its seeds; `./run fuzz` looks for inputs that nobody thought of."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from fuzz import fuzzing

pytestmark = pytest.mark.skipif(shutil.which("clang") is None, reason="clang is not here")


@pytest.fixture(scope="module", autouse=True)
def _built() -> None:
    assert fuzzing.build() == ""


@pytest.mark.parametrize("target", fuzzing.targets())
def test_no_input_breaks(target: str, tmp_path: Path) -> None:
    done = subprocess.run(fuzzing.command(target, "-runs=0", tmp_path), capture_output=True)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-8000:]
    seeds = list((fuzzing.HERE / "seeds" / target).iterdir())
    assert f"{len(seeds)} files found in {fuzzing.HERE}".encode() in done.stderr
