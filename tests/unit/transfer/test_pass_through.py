"""Gzip to gzip: bytes that need no change are passed on, and checked beside."""

from __future__ import annotations

import gzip
import json
import threading
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors
from airscoop.transfer.options import Format
from support.waiting import eventually

LINES = [json.dumps({"n": n, "text": f"line {n} é " * 20}, ensure_ascii=False) for n in range(5000)]
TEXT = ("\n".join(LINES) + "\n").encode()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "source.gz"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "out" / "target.gz"


@pytest.fixture(autouse=True)
def folder(target: Path) -> None:
    target.parent.mkdir()


def pack(path: Path, text: bytes) -> bytes:
    packed = gzip.compress(text, 1)
    path.write_bytes(packed)
    return packed


@pytest.mark.parametrize("format", ["raw", "jsonl"])
def test_what_needs_no_change_arrives_byte_for_byte(
    source: Path, target: Path, format: Format
) -> None:
    packed = pack(source, TEXT)
    receipt = airscoop.copy(source, target, format=format)
    assert target.read_bytes() == packed
    assert (receipt.unchanged, receipt.restarted) == (True, False)
    assert receipt.text_bytes == len(TEXT)
    assert receipt.source_bytes == receipt.destination_bytes == len(packed)
    assert receipt.records_out == (len(LINES) if format == "jsonl" else 0)


def test_members_and_a_missing_last_newline_are_no_reason_to_change(
    source: Path, target: Path
) -> None:
    source.write_bytes(gzip.compress(TEXT) + gzip.compress(b"") + gzip.compress(TEXT[:-1]))
    receipt = airscoop.copy(source, target, format="jsonl")
    assert receipt.unchanged
    assert (receipt.records_in, receipt.gzip_members) == (2 * len(LINES), 3)
    assert target.read_bytes() == source.read_bytes()


CHANGES: dict[str, tuple[bytes, bytes, dict[str, Any]]] = {
    "a byte order mark": (b"\xef\xbb\xbf" + TEXT, TEXT, {}),
    "a blank line": (TEXT + b"\n" + TEXT, TEXT + TEXT, {}),
    "a value over two lines": (TEXT + b'{"a":\n1}\n', TEXT + b'{"a": 1}\n', {}),
    "an escape to replace": (
        TEXT + b'"\\u0000"\n',
        TEXT + b'"\\ufffd"\n',
        {"on_invalid_characters": "replace"},
    ),
    "a key to rename": (
        TEXT + b'{"a": 1, "A": 2}\n',
        TEXT + b'{"a": 1, "A_2": 2}\n',
        {"on_key_case": "rename"},
    ),
    "a record to reject": (TEXT + b"{]\n" + TEXT, TEXT + TEXT, {"max_rejected": 1}),
}


@pytest.mark.parametrize("why", CHANGES)
def test_the_first_byte_that_must_change_restarts_it_as_a_transform(
    source: Path, target: Path, why: str
) -> None:
    text, wanted, options = CHANGES[why]
    pack(source, text)
    receipt = airscoop.copy(source, target, format="jsonl", **options)
    assert (receipt.unchanged, receipt.restarted) == (False, True)
    assert gzip.decompress(target.read_bytes()) == wanted
    assert receipt.source_bytes == source.stat().st_size
    assert receipt.records_in == receipt.records_out + receipt.records_rejected
    assert receipt.records_rejected == options.get("max_rejected", 0)


def test_a_rejected_record_is_counted_once_though_it_was_read_twice(
    source: Path, target: Path
) -> None:
    pack(source, TEXT + b"{]\n")
    receipt = airscoop.copy(source, target, format="jsonl", max_rejected=1)
    assert receipt.rejects is not None
    assert len(Path(receipt.rejects).read_text().splitlines()) == 1


def test_a_level_that_is_asked_for_is_given(source: Path, target: Path) -> None:
    pack(source, TEXT)
    receipt = airscoop.copy(source, target, format="jsonl", compression_level=9)
    assert not receipt.unchanged
    assert len(target.read_bytes()) < source.stat().st_size


def test_a_bad_record_ends_it_and_nothing_appears(source: Path, target: Path) -> None:
    pack(source, TEXT + b"{]\n" + TEXT * 20)
    with pytest.raises(errors.BadRecord, match="line 5001"):
        airscoop.copy(source, target, format="jsonl")
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize("format", ["raw", "jsonl"])
@pytest.mark.parametrize("fault", ["cut", "crc", "garbage"])
def test_damaged_gzip_data_is_not_passed_on(
    source: Path, target: Path, format: Format, fault: str
) -> None:
    packed = bytearray(pack(source, TEXT))
    if fault == "cut":
        del packed[-100:]
    elif fault == "crc":
        packed[-6] ^= 1
    else:
        packed += b"garbage"
    source.write_bytes(packed)
    with pytest.raises((errors.Truncated, errors.CorruptData, errors.TrailingGarbage)):
        airscoop.copy(source, target, format=format)
    assert list(target.parent.iterdir()) == []


def test_no_thread_is_left_behind(source: Path, target: Path) -> None:
    def threads() -> set[str]:
        of_python = {str(thread.native_id) for thread in threading.enumerate()}
        return {task.name for task in Path("/proc/self/task").iterdir()} - of_python

    pack(source, TEXT + b"\n" + TEXT)
    before = threads()
    for _ in range(20):
        airscoop.copy(source, target, format="jsonl")
    # A thread that was joined is listed until the kernel has dropped it.
    assert eventually(lambda: not threads() > before)


def test_a_pipe_is_transformed_at_once_because_it_cannot_be_read_again(
    source: Path, target: Path
) -> None:
    import subprocess
    import sys

    packed = pack(source, TEXT + b"\n")

    command = [
        sys.executable,
        "-m",
        "airscoop.cli",
        "copy",
        "-",
        str(target),
        "--format",
        "jsonl",
        "--json",
    ]
    done = subprocess.run(command, input=packed, capture_output=True)
    assert json.loads(done.stdout)["diagnostics"]["restarted"] is False
    assert gzip.decompress(target.read_bytes()) == TEXT
