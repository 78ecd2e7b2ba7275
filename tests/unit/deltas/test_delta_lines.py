"""The lines that a delta writes, byte for byte: an oracle in Python makes the same ones."""

from __future__ import annotations

import gzip
import hashlib
import json
import signal
from pathlib import Path

import pytest

import airscoop
from airscoop.transfer.options import TransferOptions
from airscoop.transfer.upload import OwnedUpload

Row = dict[str, str | None]

NAMES = ["PK", 'a "name"', "n\nl", "é", "x", "long name " * 7]
PLAIN_LENGTHS = [0, 1, 2, 9, 10, 15, 16, 17, 31, 32, 33, 63, 64, 65, 99, 100, 127, 128, 129, 1000]


def _quoted(value: str | None) -> str:
    if value is None:
        return ""
    if value == "" or set(value) & set(',"\n\r'):
        return '"' + value.replace('"', '""') + '"'
    return value


def _csv(rows: list[Row]) -> str:
    header: Row = dict(zip(NAMES, NAMES, strict=True))
    return "".join(",".join(map(_quoted, row.values())) + "\n" for row in [header, *rows])


def _identified(row: Row) -> str:
    return "".join(
        "N" if row[name] is None else f"S{len(str(row[name]))}:{row[name]}"
        for name in sorted(NAMES, key=str.encode)
    )


def _line(op: str, row: Row, before: Row | None = None) -> bytes:
    """A change as docs/how-to/delta.md describes it."""
    hashed = "\n".join(["v1", op, _identified(row), *([_identified(before)] if before else [])])
    change: dict[str, object] = {"op": op, "key": {"PK": row["PK"]}, "row": row}
    if before is not None:
        change["changed"] = [name for name in NAMES if row[name] != before[name]]
    change["format"] = "csv"
    change["id"] = hashlib.sha256(hashed.encode()).hexdigest()[:32]
    return json.dumps(change, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _rows(values: list[str | None]) -> list[Row]:
    """One row a value, in each column in turn, or in two; the others are short, empty or NULL."""
    rows: list[Row] = []
    for number, value in enumerate(values):
        others = [None, "" if number % 4 == 0 else "b", "12345678901234567"]
        members = [others[(number + i) % 3] for i in range(len(NAMES) - 1)]
        members[number % 5] = value
        if number % 3 == 0:
            members[(number + 2) % 5] = value
        rows.append(dict(zip(NAMES, [f"{number:05}", *members], strict=True)))
    return rows


SPECIAL = ["", ",", '"', "\\", "\n", "\x1f", "\x01", "\x7f", "é", "😀", '""', "\t,é"]


@pytest.mark.parametrize("special", SPECIAL)
def test_any_byte_may_stand_anywhere_in_a_row(tmp_path: Path, special: str) -> None:
    values: list[str | None] = ["a" * n for n in PLAIN_LENGTHS]
    values += ["a" * n + special + "z" * (80 - n) for n in range(81)]
    values += ["a" * n + special for n in range(1, 81)]
    rows = _rows(values)
    then = [row | {"x": f"{row['x']}{special}?"} for row in rows]
    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    old.write_text(_csv(then), newline="")
    new.write_text(_csv(rows), newline="")

    inserts = airscoop.delta(None, new, version="v1")
    updates = airscoop.delta(old, new, version="v1")
    deletes = airscoop.delta(new, _empty(tmp_path), version="v1", max_delete_ratio=1.0, min_rows=0)

    assert b"".join(inserts.blocks()) == b"".join(_line("INSERT", row) for row in rows)
    assert b"".join(deletes.blocks()) == b"".join(_line("DELETE", row) for row in rows)
    assert b"".join(updates.blocks()) == b"".join(
        _line("UPDATE", row, before) for row, before in zip(rows, then, strict=True)
    )


def _empty(folder: Path) -> Path:
    path = folder / "empty.csv"
    path.write_text(_csv([]), newline="")
    return path


@pytest.fixture
def many(tmp_path: Path) -> airscoop.Delta:
    """More changes than a block in a temporary file holds, from a merge of two sorted exports."""
    old, new = tmp_path / "many-old.csv", tmp_path / "many-new.csv"
    old.write_text("PK,v\n" + "".join(f"{n:06},{'v' * 90}\n" for n in range(80_000) if n % 5))
    new.write_text("PK,v\n" + "".join(f"{n:06},{'w' * 90}\n" for n in range(80_000) if n % 7))
    return airscoop.delta(old, new)


def test_many_changes_are_written_in_their_order(many: airscoop.Delta, tmp_path: Path) -> None:
    lines = b"".join(many.blocks())
    assert lines.count(b"\n") == len(many) > 70_000
    for _ in range(3):
        receipt = many.write(tmp_path / "out.jsonl")
        assert (tmp_path / "out.jsonl").read_bytes() == lines
        assert receipt.destination_bytes == len(lines)
    many.write(tmp_path / "out.jsonl.gz")
    assert gzip.decompress((tmp_path / "out.jsonl.gz").read_bytes()) == lines


def test_a_signal_ends_writing_and_leaves_nothing(many: airscoop.Delta, tmp_path: Path) -> None:
    class Enough(Exception):
        pass

    def stop(*_: object) -> None:
        raise Enough

    threads = len(list(Path("/proc/self/task").iterdir()))
    before = signal.signal(signal.SIGALRM, stop)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.005)
        with pytest.raises(Enough):
            many.write(tmp_path / "out.jsonl")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert not (tmp_path / "out.jsonl").exists()
    assert len(list(Path("/proc/self/task").iterdir())) == threads


def test_only_changes_are_written_as_changes(many: airscoop.Delta, tmp_path: Path) -> None:
    with OwnedUpload(TransferOptions(source="", destination=f"{tmp_path}/out.jsonl")) as upload:
        with pytest.raises(TypeError):
            upload.write_changes(many)  # type: ignore[arg-type]  # wrong on purpose
        upload.abort()
    assert not (tmp_path / "out.jsonl").exists()
