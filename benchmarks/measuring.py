"""Runs a contender as a process of its own and says what that took."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

HERE = Path(__file__).parent
OUTPUT_CHARACTERS = 2000


@dataclass(frozen=True, kw_only=True)
class Job:
    """What a contender's words and programs are told; see contenders/job.py."""

    python: str
    peer_python: str
    s5cmd: str
    endpoint: str
    region: str
    access_key_id: str
    secret_access_key: str
    bucket: str
    key: str
    target: str
    file: str
    written: str
    url: str
    contenders: str = str(HERE / "contenders")

    def words(self, templates: Sequence[str]) -> list[str]:
        return [word.format(**asdict(self)) for word in templates]

    def told(self) -> dict[str, str]:
        """The environment of the programs in contenders/: all but the keys."""
        told = asdict(self)
        for secret in ("access_key_id", "secret_access_key"):
            del told[secret]
        return {"BENCH_JOB": json.dumps(told)}


@dataclass(frozen=True, kw_only=True)
class Usage:
    """What a run took; for a pipeline the sums over its programs, memory included."""

    wall_s: float
    cpu_s: float
    peak_bytes: int


def build(folder: Path) -> Path:
    """The small program that starts and measures the others."""
    program, source = folder / "measured", HERE / "measured.c"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        folder.mkdir(parents=True, exist_ok=True)
        command: list[str | Path] = ["cc", "-std=c17", "-O2", "-o", program, source]
        subprocess.run(command, check=True)  # noqa: S603
    return program


def run(
    measured: Path,
    words: Sequence[str],
    *,
    environment: Mapping[str, str],
    stdout: Path | None = None,
    uncounted: int = 0,
) -> tuple[Usage, str]:
    """Runs the words; `uncounted` programs at the pipeline's start are not in the sums.

    Returns what it took and what it printed, unless that went to `stdout`.
    """
    with (
        tempfile.NamedTemporaryFile("r") as report,
        tempfile.TemporaryFile("w+") as printed,
        tempfile.TemporaryFile("w+") as problems,
        open(stdout, "wb") if stdout else printed as output,  # noqa: PTH123
    ):
        done = subprocess.run(  # noqa: S603
            [measured, report.name, *words],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=problems,
            check=False,
        )
        told = json.loads(report.read() or '{"processes": []}')
        if done.returncode != 0 or any(one["status"] for one in told["processes"]):
            problems.seek(0)
            ended = problems.read()[-OUTPUT_CHARACTERS:]
            codes = ", ".join(str(one["status"]) for one in told["processes"])
            raise SystemExit(f"bench: {_shown(words)} failed ({codes}):\n{ended}")
        text = ""
        if stdout is None:
            printed.seek(0)
            text = printed.read(OUTPUT_CHARACTERS)
    counted = told["processes"][uncounted:]
    return (
        Usage(
            wall_s=told["wall_s"],
            cpu_s=sum(one["user_s"] + one["system_s"] for one in counted),
            peak_bytes=sum(one["peak_bytes"] for one in counted),
        ),
        text,
    )


def _shown(words: Sequence[str]) -> str:
    """The words without curl's keys."""
    hidden = ["(keys)" if before == "--user" else word for before, word in _pairs(words)]
    return " ".join(hidden)


def _pairs(words: Sequence[str]) -> list[tuple[str, str]]:
    return list(zip(["", *words], words, strict=False))
