"""A delta of very wide rows that is stopped by a signal: it ends soon, and leaves nothing."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.waiting import eventually

COLUMNS, ROWS = 20_000, 24
MOST_SECONDS = 1.5  # of the processor's time: a slow machine takes no more of it
wide = pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
sparse = pytest.mark.parametrize("own", [False, True], ids=["dense", "sparse"])


def export(suffix: str, salt: str, *, own: bool = False) -> str:
    """Rows of all columns; own: each of a part that no other row has. Half of it is more than a
    reader takes before it makes rows."""
    names = [f"c{n}" for n in range(COLUMNS)]
    part = COLUMNS // ROWS
    rows: list[dict[str, Any]] = []
    for key in range(ROWS):
        given = names[key * part : (key + 1) * part] if own else names
        rows.append({"PK": str(key), **dict.fromkeys(given, salt * (600 if own else 30))})
    if suffix == ".jsonl":
        return "".join(json.dumps(row) + "\n" for row in rows)
    lines = [",".join(["PK", *names])]
    lines += [",".join([row["PK"], *(row.get(name, "") for name in names)]) for row in rows]
    return "\n".join(lines) + "\n"


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Delta:
    """`airscoop delta old -`: what it is given comes through a pipe."""

    def __init__(self, folder: Path, suffix: str, own: bool, out: str) -> None:
        self.folder = folder
        self.temp = folder / "temp"
        self.temp.mkdir()
        old = folder / f"old{suffix}"
        old.write_text(export(suffix, "a", own=own))
        self.before = set(folder.iterdir())
        words = ["delta", str(old), "-", "--format", suffix[1:], "--out", out, "-v"]
        words += ["--temp-dir", str(self.temp), "--max-record-bytes", "16M"]
        with (folder / "said").open("w") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "airscoop", *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
            )

    def said(self) -> str:
        return (self.folder / "said").read_text()

    def feed(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def assert_ends_soon(self) -> None:
        earlier = children_seconds()
        used = processor_seconds(self.process.pid)
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=300) == 143, self.said()
        assert children_seconds() - earlier - used < MOST_SECONDS
        assert "stopped by SIGTERM" in self.said()
        assert set(self.folder.iterdir()) - {self.folder / "said"} == self.before
        assert list(self.temp.iterdir()) == []


@pytest.fixture
def running(tmp_path: Path) -> Iterator[list[Delta]]:
    found: list[Delta] = []
    yield found
    for delta in found:
        delta.process.kill()
        delta.process.wait()
        for stream in (delta.process.stdin, delta.process.stdout):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):  # what it did not take
                stream.close()


@wide
@sparse
def test_it_ends_while_the_rows_are_compared(
    running: list[Delta], tmp_path: Path, suffix: str, own: bool
) -> None:
    """The other half of them is still to come."""
    delta = Delta(tmp_path, suffix, own, str(tmp_path / "changes.jsonl"))
    running.append(delta)
    text = export(suffix, "b", own=own)
    delta.feed(text[: len(text) // 2])
    assert eventually(lambda: "comparing" in delta.said())
    delta.assert_ends_soon()


@wide
@sparse
def test_it_ends_while_the_changes_are_written(
    running: list[Delta], tmp_path: Path, suffix: str, own: bool
) -> None:
    """To a pipe that nobody reads."""
    delta = Delta(tmp_path, suffix, own, "-")
    running.append(delta)
    delta.feed(export(suffix, "b", own=own))
    assert delta.process.stdin is not None
    delta.process.stdin.close()
    assert eventually(lambda: "delta: done" in delta.said())
    delta.assert_ends_soon()
