"""Installs the peers: Python packages and Go programs, all under the benchmark's own folder."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
REQUIREMENTS = HERE / "requirements.txt"
# What cannot be beside the others.
OTHERS = {"s3fs": HERE / "requirements-s3fs.txt", "dlt": HERE / "requirements-dlt.txt"}
GO_PROGRAMS = {
    "minio": "github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c",
    "versitygw": "github.com/versity/versitygw/cmd/versitygw@v1.8.0",
}


def settle(folder: Path) -> None:
    """Makes a home folder of its own for all programs that are started from here.

    Go, MinIO, perf and matplotlib write into the home folder; clients read settings from it.
    """
    home = folder / "home"
    home.mkdir(parents=True, exist_ok=True)
    os.environ["HOME"] = str(home)
    for name in ("XDG_CONFIG_HOME", "XDG_CACHE_HOME", "AWS_PROFILE", "AWS_CONFIG_FILE"):
        os.environ.pop(name, None)


def python(folder: Path, name: str = "venv") -> Path:
    """The interpreter of a peers' environment, whether or not it is installed yet."""
    return folder / name / "bin/python"


def install_python(folder: Path, name: str = "venv") -> None:
    requirements = OTHERS.get(name, REQUIREMENTS)
    stamp = folder / name / "requirements.stamp"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print("bench: installing the peers from PyPI", file=sys.stderr, flush=True)
    uv = Path(sys.executable).with_name("uv")
    environment = {
        "UV_CACHE_DIR": str(folder / "cache"),
        "UV_SYSTEM_CERTS": os.environ.get("UV_SYSTEM_CERTS", "1"),
    }
    commands = (
        (uv, "venv", "-q", "--clear", "--python", sys.executable, folder / name),
        (uv, "pip", "install", "-q", "--python", python(folder, name), "-r", requirements),
    )
    for command in commands:
        _run(command, environment)
    shutil.rmtree(folder / "cache", ignore_errors=True)
    stamp.write_text(wanted)


def python_versions(folder: Path) -> dict[str, str]:
    program = (
        "import importlib.metadata as m, json, sys;"
        "print(json.dumps({n: m.version(n) for n in sys.argv[1:]}))"
    )
    wanted = [
        line.partition("==")[0].partition("[")[0]
        for line in REQUIREMENTS.read_text().splitlines()
        if "==" in line
    ]
    told = subprocess.run(  # noqa: S603
        [python(folder), "-c", program, *wanted], capture_output=True, text=True, check=True
    )
    versions: dict[str, str] = json.loads(told.stdout)
    return versions


def s5cmd(folder: Path) -> Path:
    """The program itself; the one in bin/ is a Python script that starts it."""
    return next((folder / "venv").glob("lib/python*/site-packages/s5cmd/bin/s5cmd"), Path("s5cmd"))


def go_program(folder: Path, name: str) -> Path | None:
    """The program, built if it is missing; None without Go.

    AIRSCOOP_BENCH_BIN names a folder with programs that were built before.
    """
    given = os.environ.get("AIRSCOOP_BENCH_BIN")
    program = Path(given) / name if given else folder / "bin" / name
    if program.exists():
        return program
    if shutil.which("go") is None:
        return None
    print(f"bench: building {name}, which takes minutes", file=sys.stderr, flush=True)
    environment = {
        "GOBIN": str(program.parent),
        "GOPATH": str(folder / "go"),
        "GOCACHE": str(folder / "go-cache"),
        "GOFLAGS": "-modcacherw",
        "CGO_ENABLED": "0",
    }
    _run(("go", "install", GO_PROGRAMS[name]), environment)
    for kept in ("go", "go-cache"):
        shutil.rmtree(folder / kept, ignore_errors=True)
    return program


def _run(command: tuple[str | Path, ...], environment: Mapping[str, str]) -> None:
    done = subprocess.run(  # noqa: S603
        command,
        env={**os.environ, **environment},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"bench: {' '.join(map(str, command))} failed:\n{done.stderr}")
