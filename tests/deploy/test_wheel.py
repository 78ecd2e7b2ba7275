"""The wheel: one binary for every CPython from 3.11 on, with types and all modules."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.paths import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    work = tmp_path_factory.mktemp("wheel")
    steps = ["egg_info", "-e", work, "build", "-b", work / "build"]
    steps += ["bdist_wheel", "-d", work / "dist", "-b", work / "bdist"]
    command = [sys.executable, "setup.py", "-q", *map(str, steps)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (built,) = (work / "dist").glob("*.whl")
    yield built


def test_the_wheel_is_tagged_for_the_stable_abi(wheel: Path) -> None:
    assert "-cp311-abi3-linux" in wheel.name


def test_the_binary_uses_the_stable_abi_only(wheel: Path) -> None:
    command = [sys.executable, "-m", "abi3audit", "--strict", "--report", str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_module_and_the_types_are_in_the_wheel(wheel: Path) -> None:
    package = ROOT / "airflow_plugin"
    wanted = {str(path.relative_to(package)) for path in package.glob("airscoop/**/*.py")}
    wanted |= {"airscoop/py.typed", "airscoop/_native.pyi", "airscoop/_native.abi3.so"}
    assert wanted <= set(zipfile.ZipFile(wheel).namelist())
