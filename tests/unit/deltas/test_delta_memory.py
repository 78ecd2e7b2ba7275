"""airscoop.delta: memory, temporary files, and exports whose order breaks."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors
from support.deltas import MIB, NEW, OLD, Exports, shuffled, write


@pytest.fixture
def exports(tmp_path: Path) -> Exports:
    return Exports(tmp_path)


def test_what_does_not_fit_the_memory_is_spilled(exports: Exports) -> None:
    old = shuffled(150_000, seed=1, width=200)
    new = shuffled(150_000, seed=2, width=200)
    new = new.replace("\n77,v", "\n77,w").replace("\n5,", "\n200005,")
    free = exports.delta(old, new, memory_limit=400 * MIB)
    tight = exports.delta(old, new, memory_limit=16 * MIB, temp_dir=exports.folder)
    assert free.receipt.spilled_bytes == 0
    assert tight.receipt.spilled_bytes > 10 * MIB
    assert not tight.receipt.sorted
    by_id = {c["id"]: c for c in free}
    assert {c["id"]: c for c in tight} == by_id
    assert sorted(c["op"] for c in tight) == ["DELETE", "INSERT", "UPDATE"]
    assert sorted(path.name for path in exports.folder.iterdir()) == ["new.csv", "old.csv"]


@pytest.mark.parametrize("duplicates", ["error", "last"])
@pytest.mark.parametrize("json_lines", [False, True], ids=["csv", "json lines"])
def test_the_same_exports_give_the_same_bytes_whatever_the_seed_and_the_memory(
    json_lines: bool, duplicates: str, exports: Exports
) -> None:
    """Each process hashes keys with a seed of its own."""
    old = shuffled(60_000, seed=1, width=60)
    new = shuffled(60_000, seed=2, width=60).replace("7,v", "7,w").replace("\n5", "\n2000005")
    names = ("old.csv", "new.csv")
    if json_lines:
        old, new = (
            "".join(
                json.dumps(dict(zip(("PK", "v"), line.split(","), strict=True))) + "\n"
                for line in text.splitlines()[1:]
            )
            for text in (old, new)
        )
        names = ("old.jsonl", "new.jsonl")
    for name, text in zip(names, (old, new), strict=True):
        (exports.folder / name).write_text(text)
    program = (
        "import sys, airscoop\n"
        "delta = airscoop.delta(*sys.argv[1:3], on_duplicates=sys.argv[3], max_delete_ratio=1.0,\n"
        "                       memory_limit=int(sys.argv[4]), temp_dir=sys.argv[5])\n"
        "sys.stdout.buffer.write(b''.join(delta.blocks()))\n"
        "print(delta.receipt.spilled_bytes > 2 * 2**20, file=sys.stderr)\n"
    )
    written, spilled = set(), []
    for limit in (16 * MIB, 16 * MIB, 20 * MIB, 300 * MIB):
        done = subprocess.run(
            [
                sys.executable, "-c", program, *(exports.folder / name for name in names),
                duplicates, str(limit), exports.folder,
            ],
            capture_output=True, check=True,
        )  # fmt: skip
        written.add(done.stdout)
        spilled.append(done.stderr.decode().strip())
    assert len(written) == 1
    assert len(written.pop().splitlines()) > 10_000
    assert spilled[:2] == ["True", "True"]


def test_exports_in_nearly_the_same_order_write_next_to_nothing(exports: Exports) -> None:
    import random

    def stirred(rows: list[str], seed: int) -> str:
        chance, parts = (
            random.Random(seed),
            [rows[at : at + 500] for at in range(0, len(rows), 500)],
        )
        for part in parts:
            chance.shuffle(part)
        return "PK,v\n" + "".join(row for part in parts for row in part)

    rows = shuffled(150_000, seed=1, width=200).splitlines(keepends=True)[1:]
    delta = exports.delta(stirred(rows, 2), stirred(rows, 3), memory_limit=32 * MIB)
    assert delta.receipt.unchanged == len(rows)
    assert delta.receipt.spilled_bytes < 2 * MIB
    far = exports.delta(stirred(rows, 2), stirred(rows[::-1], 3), memory_limit=32 * MIB)
    assert far.receipt.unchanged == len(rows)
    assert far.receipt.spilled_bytes > 10 * MIB


def test_a_broken_order_goes_on_with_what_was_read(exports: Exports) -> None:
    rows = [f"{n},v{n}\n" for n in range(100_000, 200_000)]
    moved = [*rows[:90_000], *rows[95_000:], *rows[90_001:95_000], "1,x\n"]
    moved[5] = "100005,changed\n"
    delta = exports.delta("PK,v\n" + "".join(rows), "PK,v\n" + "".join(moved))
    assert not delta.receipt.sorted
    assert sorted((c["op"], c["key"]["PK"]) for c in delta) == [
        ("DELETE", "190000"),
        ("INSERT", "1"),
        ("UPDATE", "100005"),
    ]


def test_the_order_of_changes_does_not_depend_on_how_the_bytes_come(tmp_path: Path) -> None:
    import random

    rows = [f"{n},{random.Random(n).getrandbits(160):x}\n" for n in range(1, 60_000)]
    moved = [row[:-1] + "x\n" if n % 30 == 0 else row for n, row in enumerate(rows)]
    random.Random(1).shuffle(tail := moved[20_000:])
    written = {}
    for name, pack in (("plain", bytes), ("gzip", gzip.compress)):
        places = [tmp_path / f"{name}-{side}" for side in ("old", "new")]
        for place, text in zip(places, (rows, moved[:20_000] + tail), strict=True):
            place.write_bytes(pack(("PK,v\n" + "".join(text)).encode()))
        written[name] = b"".join(airscoop.delta(places[0], places[1]).blocks())
    assert written["plain"].count(b"UPDATE") == 2000
    assert written["plain"] == written["gzip"]


@pytest.mark.parametrize("keys", [range(9_990, 30_000), sorted(map(str, range(9_990, 30_000)))])
def test_both_orders_of_numbers_are_merged(exports: Exports, keys: Any) -> None:
    text = "PK,v\n" + "".join(f"{key},x\n" for key in keys)
    delta = exports.delta(text, text.replace("\n12345,x", "\n12345,y"))
    assert delta.receipt.sorted
    assert [(c["op"], c["key"]["PK"]) for c in delta] == [("UPDATE", "12345")]


FILL = """
import resource, sys, airscoop
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
try:
    airscoop.delta(sys.argv[1], sys.argv[2], memory_limit=16 << 20, temp_dir=sys.argv[3])
except airscoop.errors.FileError as error:
    print(error)
"""


def test_a_full_disk_is_a_clear_error_and_leaves_nothing(tmp_path: Path) -> None:
    old = write(tmp_path / "old.csv", shuffled(120_000, seed=1, width=200))
    new = write(tmp_path / "new.csv", shuffled(120_000, seed=2, width=200))
    temp = tmp_path / "temp"
    temp.mkdir()
    command = [sys.executable, "-c", FILL, str(old), str(new), str(temp)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert f"writing a temporary file in {temp}, behind 1048576 bytes" in done.stdout, done.stderr
    assert "another temp_dir or a higher memory_limit" in done.stdout
    assert list(temp.iterdir()) == []


def test_a_folder_that_is_not_there_is_named(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(errors.NotFound, match="temp_dir /nowhere"):
        exports.delta(OLD, NEW, temp_dir="/nowhere")  # before anything is read
    monkeypatch.setenv("TMPDIR", "/nowhere")
    old, new = shuffled(120_000, seed=1, width=200), shuffled(120_000, seed=2, width=200)
    with pytest.raises(errors.NotFound, match="opening a temporary file in /nowhere"):
        exports.delta(old, new, memory_limit=16 * MIB)


def test_a_small_memory_limit_is_refused(exports: Exports) -> None:
    with pytest.raises(errors.UsageError, match="memory_limit 1024 is less than the least"):
        exports.delta(OLD, NEW, memory_limit=1024)


PEAK = """
import sys, re, airscoop, airscoop._native, airscoop.deltas.job
def peak():  # not ru_maxrss, which begins with that of the process that started this one
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read()).group(1))
before = peak()
try:
    airscoop.delta(sys.argv[1], sys.argv[2], memory_limit=int(sys.argv[3]))
except airscoop.errors.DuplicateKey:
    pass
print((peak() - before) * 1024)
"""


def peak_bytes(old: Path, new: Path, memory_limit: int) -> int:
    """By how much a comparison raises the peak of a process."""
    command = [sys.executable, "-c", PEAK, str(old), str(new), str(memory_limit)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_sorted_exports_of_any_size_are_compared_in_constant_memory(tmp_path: Path) -> None:
    text = "PK,v\n" + "".join(f"{n},{'v' * 100}\n" for n in range(1_000_000, 1_600_000))
    old, new = write(tmp_path / "old.csv", text), write(tmp_path / "new.csv", text)
    assert peak_bytes(old, new, 0) < 30 * MIB


def test_many_rows_of_one_key_stay_within_the_memory_limit(tmp_path: Path) -> None:
    rows = [row for n in range(1_000_000) for row in (f"{n},v\n", f"one,{n}\n")]
    old = write(tmp_path / "old.csv", "PK,v\n" + "".join(rows))
    new = write(tmp_path / "new.csv", "PK,v\none,v\n")
    assert peak_bytes(old, new, 32 * MIB) < 26 * MIB


def test_short_rows_stay_near_the_memory_limit(tmp_path: Path) -> None:
    rows = [f"{n}\n" for n in range(1_000_000)]
    old = write(tmp_path / "old.csv", "PK\n" + "".join(rows[::-1]))
    new = write(tmp_path / "new.csv", "PK\n" + "".join([*rows[1::2], *rows[::2]]))
    assert peak_bytes(old, new, 40 * MIB) < 48 * MIB


@pytest.mark.parametrize("limit", [16 * MIB, 40 * MIB])
def test_unsorted_exports_stay_within_the_memory_limit(tmp_path: Path, limit: int) -> None:
    old = write(tmp_path / "old.csv", shuffled(600_000, seed=1))
    new = write(tmp_path / "new.csv", shuffled(600_000, seed=2))
    assert peak_bytes(old, new, limit) < limit
