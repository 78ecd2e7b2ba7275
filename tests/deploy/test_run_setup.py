"""./run setup, interrupted: whatever the moment, the next one works. What ./run refuses.

The script is the real one, in a folder of its own with a package of one C file; its lock has what a
build needs, as wheels made again from what is installed here, so that no network is needed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import time
import zipfile
from importlib.metadata import distribution
from pathlib import Path, PurePosixPath

import pytest

from airscoop.local.postgres_programs import VERSIONS
from support.paths import ROOT

LOCKED = ("uv", "setuptools", "wheel")
PYPROJECT = """
[build-system]
requires = ["setuptools", "wheel"]
build-backend = "setuptools.build_meta"
[project]
name = "airscoop"
version = "0"
[project.scripts]
airscoop = "airscoop:main"
[tool.setuptools.packages.find]
where = ["airflow_plugin"]
"""
SETUP = """
from setuptools import Extension, setup
setup(ext_modules=[Extension("airscoop._native", ["csrc/native.c"])])
"""
NATIVE = """
#include <Python.h>
static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "airscoop._native"};
PyMODINIT_FUNC PyInit__native(void) { return PyModule_Create(&definition); }
"""
PACKAGE = """
from airscoop import _native
def main():
    print("it works")
"""


def wheel_of(name: str, folder: Path) -> Path:
    """What is installed as a wheel again; scripts go where a wheel has them."""
    installed = distribution(name)
    stem = f"{name}-{installed.version}"
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for file in installed.files or ():
            place = PurePosixPath(file)
            if place.suffix == ".pyc" or "__pycache__" in place.parts:
                continue
            inside = f"{stem}.data/scripts/{place.name}" if place.parts[0] == ".." else str(place)
            wheel.write(str(file.locate()), inside)
    return path


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheels, and the lock that names them."""
    folder = tmp_path_factory.mktemp("wheels")
    lines = []
    for name in LOCKED:
        digest = hashlib.sha256(wheel_of(name, folder).read_bytes()).hexdigest()
        lines.append(f"{name}=={distribution(name).version} \\\n    --hash=sha256:{digest}\n")
    (folder / "requirements.lock").write_text("".join(lines))
    return folder


@pytest.fixture
def folder(tmp_path: Path, wheels: Path) -> Path:
    """A checkout of the small package."""
    for path, text in {
        "pyproject.toml": PYPROJECT,
        "setup.py": SETUP,
        "csrc/native.c": NATIVE,
        "airflow_plugin/airscoop/__init__.py": PACKAGE,
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    shutil.copy(ROOT / "run", tmp_path)
    shutil.copy(wheels / "requirements.lock", tmp_path)
    return tmp_path


@pytest.fixture
def environment(wheels: Path) -> dict[str, str]:
    others = ("PIP_", "UV_")
    own = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    return own | {
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
        "UV_OFFLINE": "1",
        "UV_FIND_LINKS": str(wheels),
    }


def started(folder: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    """./run setup as a terminal starts it, in a process group of its own."""
    return subprocess.Popen(
        ["./run", "setup"],
        cwd=folder,
        env=environment,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def identity(path: Path) -> tuple[int, int] | None:
    if not path.exists():
        return None
    found = path.lstat()
    return found.st_ino, found.st_mtime_ns


def interrupted(folder: Path, environment: dict[str, str], *, at: str, number: int) -> None:
    """Starts a setup and stops it once it has made the file `at`: all of it, as Ctrl-C does, or by
    SIGKILL the script alone."""
    before = identity(folder / at)
    process = started(folder, environment)
    while identity(folder / at) in (before, None):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.002)
    (os.kill if number == signal.SIGKILL else os.killpg)(process.pid, number)
    assert process.wait() not in (0, 1)
    assert process.stdout is not None
    process.stdout.close()


def set_up(folder: Path, environment: dict[str, str]) -> str:
    """A whole setup, after which the package works; what it said."""
    process = started(folder, environment)
    said = process.communicate()[0]
    assert process.returncode == 0, said
    assert subprocess.check_output([folder / ".venv/bin/airscoop"], text=True) == "it works\n"
    return said


def test_ctrl_c_while_the_environment_is_made_spoils_nothing(
    folder: Path, environment: dict[str, str]
) -> None:
    # What an earlier Ctrl-C left for good: no pip, and stamps of things that are not there.
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", folder / ".venv"])
    (folder / ".venv/build.stamp").write_text("of another time")
    interrupted(folder, environment, at=".venv/bin/python", number=signal.SIGINT)
    assert "building the package" in set_up(folder, environment)


def test_what_a_killed_run_had_started_ends_before_the_next_begins(
    folder: Path, environment: dict[str, str]
) -> None:
    interrupted(folder, environment, at=".venv/bin/python", number=signal.SIGKILL)
    assert "waiting for another ./run" in set_up(folder, environment)
    made = identity(folder / ".venv/bin/airscoop")
    assert set_up(folder, environment) == ""
    assert identity(folder / ".venv/bin/airscoop") == made


@pytest.fixture
def no_apt(tmp_path: Path) -> dict[str, str]:
    """An environment in which whatever is installed is noted, and fails."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("apt-get", "dpkg-query", "python3"):
        (programs / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/begun\nexit 1\n")
        (programs / name).chmod(0o755)
    return {"PATH": f"{programs}:/usr/bin:/bin"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["demo", "nosuch"], "there is no demo 'nosuch'; there are: bestsellers, snapshot_delta"),
        (["demo", "snapshot"], "there is no demo 'snapshot'"),
        (["fuzz", "60", "nosuch"], "./run fuzz knows no target 'nosuch'"),
        (["bench", "nosuch"], "./run bench transfer"),
        (["setup", "now"], "./run setup takes no arguments"),
        (["lint", "x"], "./run lint takes no arguments"),
        (["down", "--purgee"], "./run down takes --purge alone"),
        (["nosuch"], "there is no 'nosuch'"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_wrong_words_end_it_before_anything_is_installed(
    words: list[str], said: str, no_apt: dict[str, str], tmp_path: Path
) -> None:
    done = subprocess.run([ROOT / "run", *words], env=no_apt, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert not (tmp_path / "begun").exists()


def test_elsewhere_it_names_the_systems_that_it_supports(
    folder: Path, environment: dict[str, str]
) -> None:
    programs = folder / "programs"
    programs.mkdir()
    for name in ("bash", "dirname", "readlink", "env", "id", "flock", "git"):
        (programs / name).symlink_to(shutil.which(name) or name)
    environment |= {"PATH": str(programs)}
    script = (folder / "run").read_text()
    (folder / "run").write_text(script.replace("export PATH=/usr/lib/ccache:$PATH", "export PATH"))
    done = subprocess.run(
        ["./run", "setup"], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "./run works on Debian 12 and 13, and Ubuntu 24.04" in done.stderr


def test_a_setup_that_only_builds_installs_no_server(
    folder: Path, environment: dict[str, str]
) -> None:
    asked = folder / "asked"
    script = (folder / "run").read_text()
    noting = f'need_packages() {{ echo "$@" >{asked}; }}\n\n# The lock'
    (folder / "run").write_text(script.replace("# The lock", noting, 1))
    set_up(folder, environment)
    assert "libpq-dev" in asked.read_text()
    assert "postgresql" not in asked.read_text()


def test_the_script_and_the_package_know_the_same_versions_of_postgresql() -> None:
    known = f"postgres_versions=({{{min(VERSIONS)}..{max(VERSIONS)}}})"
    assert known in (ROOT / "run").read_text().splitlines()
