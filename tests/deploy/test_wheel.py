"""The wheel: one binary for every CPython from 3.11 on, with types and all modules."""

from __future__ import annotations

import platform
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.paths import PACKAGE_ROOT, ROOT


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
    package = PACKAGE_ROOT
    files = [path for ending in ("py", "sql") for path in package.glob(f"airscoop/**/*.{ending}")]
    wanted = {str(path.relative_to(package)) for path in files}
    wanted |= {"airscoop/py.typed", "airscoop/_native.pyi", "airscoop/_native.abi3.so"}
    assert wanted <= set(zipfile.ZipFile(wheel).namelist())


@pytest.fixture(scope="module")
def binary(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with zipfile.ZipFile(wheel) as archive:
        return Path(archive.extract("airscoop/_native.abi3.so", tmp_path_factory.mktemp("binary")))


def told_by(tool: str, option: str, binary: Path) -> str:
    command = [tool, option, str(binary)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_the_binary_is_read_only_where_attacks_write(binary: Path) -> None:
    assert "BIND_NOW" in told_by("readelf", "-dW", binary)
    segments = told_by("readelf", "-lW", binary)
    assert "GNU_RELRO" in segments
    (stack,) = (line for line in segments.splitlines() if "GNU_STACK" in line)
    assert "RWE" not in stack.split()


def test_the_binary_checks_the_bounds_that_its_compiler_knows(binary: Path) -> None:
    symbols = told_by("nm", "-D", binary)
    assert "__stack_chk_fail" in symbols
    assert "__snprintf_chk" in symbols


def test_what_is_shipped_is_compiled_by_the_flags_that_are_tested() -> None:
    command = ["make", "-s", "-n", "-B", "-C", str(ROOT / "csrc"), "FLAVOR=plain"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    (tested, *_) = (line.split() for line in done.stdout.splitlines() if "base/memory.c" in line)
    named = (
        line.partition(" := ") for line in (ROOT / "csrc" / "flags.mk").read_text().splitlines()
    )
    flags = {name: words.split() for name, mark, words in named if mark}
    for name in ("STANDARD", "WARNINGS", "SHIPPED", "HARDENED", f"HARDENED_{platform.machine()}"):
        assert set(flags.get(name, [])) <= set(tested), name
