"""Objects through the command while its standard streams are closed, full or without a reader."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from support.s3 import AIRSCOOP, PART_BYTES, Store, noise

DATA = noise(2 * PART_BYTES)


@pytest.fixture
def kept(store: Store) -> str:
    return store.put("kept", DATA)


def run(store: Store, line: str, folder: Path) -> tuple[int, bytes]:
    """The exit code, and what came on stderr."""
    done = subprocess.run(
        ["bash", "-c", f'set -o pipefail; "$@" {line}', "bash", *AIRSCOOP],
        env=store.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        cwd=folder,
        timeout=60,
    )
    assert b"Traceback" not in done.stderr and b"Exception ignored" not in done.stderr
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("streams", "code", "told"),
    [
        (">&-", 2, b"airscoop: UsageError: standard output is closed: "),
        ("<&- >&-", 2, b"airscoop: UsageError: standard output is closed: "),
        ("<&- >&- 2>&-", 2, b""),
        (">/dev/full", 1, b"airscoop: FileError: writing to standard output: No space left"),
        ("| head -c 10", 141, b""),
        ("2>&- >out", 0, b""),
        ("2>/dev/full >out", 0, b""),
        ("<&- >out", 0, b""),
    ],
)
def test_an_object_is_printed_or_it_is_said_why_not(
    streams: str, code: int, told: bytes, kept: str, store: Store, tmp_path: Path
) -> None:
    found, said = run(store, f"cat {kept} {streams}", tmp_path)
    assert (found, bool(said)) == (code, bool(told))
    assert said.startswith(told)
    if code == 0:
        assert (tmp_path / "out").read_bytes() == DATA


@pytest.mark.parametrize("streams", [">&-", "<&- >&- 2>&-", ">/dev/full", "| :", "2>/dev/full >o"])
@pytest.mark.parametrize("as_json", ["", "--json"])
def test_an_object_that_is_committed_is_0_or_4(
    as_json: str, streams: str, kept: str, store: Store, tmp_path: Path
) -> None:
    code, said = run(store, f"copy {kept} {store.uri('out')} {as_json} {streams}", tmp_path)
    unprinted = (as_json or "full" in streams) and "2>/dev/full" not in streams
    assert code == (4 if unprinted else 0)
    assert said == b"" or b"done, but the receipt could not be printed: " in said
    assert store.get("out") == DATA
    if streams.endswith(">o"):
        printed = (tmp_path / "o").read_text()
        assert json.loads(printed)["verb"] == "copy" if as_json else "MB in" in printed
