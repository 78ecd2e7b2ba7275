"""What holds a record is as large as max_record_bytes lets a record be."""

from __future__ import annotations

import array
import fcntl
import json
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

import airscoop
from airscoop import errors
from airscoop.transfer.copy import read
from airscoop.transfer.options import Format

MIB = 1024 * 1024
AIRSCOOP = (
    sys.executable,
    "-c",
    "import sys; from airscoop.cli import main; sys.exit(main())",
)
LONG = 70 * MIB


def record(length: int) -> bytes:
    return b'{"PK":1,"a":"%s"}' % (b"x" * (length - 15))


def waiting_bytes(descriptor: int) -> int:
    """How much stands in a pipe."""
    count = array.array("i", [0])
    fcntl.ioctl(descriptor, termios.FIONREAD, count)
    return count[0]


FORMS: dict[Format, tuple[bytes, bytes]] = {
    "jsonl": (b"", b"\n"),
    "json-values": (b"", b"\n"),
    "json-array": (b"[", b"]\n"),
    "python-literal": (b"", b"\n"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_long_record_waits_for_a_reader_who_is_slow(tmp_path: Path, form: Format) -> None:
    before, after = FORMS[form]
    (tmp_path / "f").write_bytes(before + record(LONG) + after)
    command: list[str | Path] = [
        *AIRSCOOP, "head", "-q", "--format", form, "--max-record-bytes", "200M", tmp_path / "f",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        # Until it is full, nobody reads.
        while waiting_bytes(process.stdout.fileno()) < 65536 and process.poll() is None:
            time.sleep(0.01)
        shown, said = process.stdout.read(), process.stderr.read()
    assert process.returncode == 0, said
    assert len(shown) == LONG + 1 and shown.startswith(b'{"PK":1,"a":"xxx')


@pytest.mark.parametrize("form", FORMS)
def test_a_long_record_is_read_into_memory(tmp_path: Path, form: Format) -> None:
    before, after = FORMS[form]
    (tmp_path / "f").write_bytes(before + record(LONG) + after)
    blocks = read(tmp_path / "f", format=form, max_record_bytes=200 * MIB)
    assert sum(map(len, blocks)) == LONG + 1


@pytest.mark.parametrize("first", [300_000, 3_000_000])
@pytest.mark.parametrize("end", [b"\n", b""])
def test_the_first_record_of_an_export_may_be_long(tmp_path: Path, first: int, end: bytes) -> None:
    (tmp_path / "f.jsonl").write_bytes(record(first) + b'\n{"PK":2,"a":"y"}' + end)
    result = airscoop.delta(None, tmp_path / "f.jsonl")
    assert result.receipt.inserted == 2


def test_the_first_record_of_an_export_may_not_be_longer_than_any(tmp_path: Path) -> None:
    (tmp_path / "f.jsonl").write_bytes(record(300_000) + b"\n")
    with pytest.raises(errors.BadRecord, match="longer than max_record_bytes, 100000"):
        airscoop.delta(None, tmp_path / "f.jsonl", max_record_bytes=100_000)


@pytest.mark.parametrize("most", [2**31 + 1, 2**63, 2**64 - 1])
def test_a_limit_beyond_any_record_is_refused(tmp_path: Path, most: int) -> None:
    (tmp_path / "f").write_bytes(json.dumps({"a": 1}).encode())
    with pytest.raises(errors.UsageError, match="max_record_bytes is at most 2147483648"):
        airscoop.copy(tmp_path / "f", tmp_path / "g", format="jsonl", max_record_bytes=most)
