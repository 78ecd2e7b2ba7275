"""A temporary folder that lies in memory (a container's /tmp): what is written there counts."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors
from support.parts import SIZES, write_in_parts
from support.paths import PACKAGE_ROOT
from support.s3 import MIB, Store, noise

ROWS = 120_000


@pytest.fixture(params=["tmpfs", "ramfs"])
def in_memory(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A folder that lies in memory."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a file system")
    folder = tmp_path / "in_memory"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", request.param, request.param, str(folder)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.fixture
def exports(tmp_path: Path) -> tuple[Path, Path]:
    """Two exports of 25 MB in no order, with 1,199 changes."""
    rows = [f"{n},{'v' * 200}{n}\n" for n in range(ROWS)]
    for seed, name in enumerate(("old.csv", "new.csv")):
        random.Random(seed).shuffle(rows)
        text = "".join(rows)
        if name == "new.csv":
            text = text.replace("00\n", "00 now\n")
        (tmp_path / name).write_text(f"PK,v\n{text}")
    return tmp_path / "old.csv", tmp_path / "new.csv"


@pytest.mark.parametrize("limit", [16, 24, 64])
def test_a_delta_that_would_need_more_says_it_and_names_temp_dir(
    limit: int, in_memory: Path, exports: tuple[Path, Path]
) -> None:
    with pytest.raises(errors.MemoryLimit, match=rf"{in_memory} is memory .*temp_dir") as caught:
        airscoop.delta(*exports, memory_limit=limit * MIB, temp_dir=in_memory)
    assert not caught.value.retryable
    assert "raise memory_limit" in str(caught.value)
    assert list(in_memory.iterdir()) == []


@pytest.mark.parametrize("duplicates", ["error", "last"])
def test_what_the_limit_has_room_for_may_lie_there(
    duplicates: Any, in_memory: Path, exports: tuple[Path, Path], tmp_path: Path
) -> None:
    found = airscoop.delta(
        *exports, memory_limit=300 * MIB, temp_dir=in_memory, on_duplicates=duplicates
    )
    on_disk = airscoop.delta(
        *exports, memory_limit=16 * MIB, temp_dir=tmp_path, on_duplicates=duplicates
    )
    assert len(found) == ROWS // 100 - 1  # 0 has one zero
    assert b"".join(found.blocks()) == b"".join(on_disk.blocks())


def test_the_usual_folder_is_looked_at_too_and_many_changes_count(
    in_memory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A first import, in the order of its keys: the changes are as long as the export."""
    export = tmp_path / "export.csv"
    export.write_text("PK,v\n" + "".join(f"{n},{'v' * 200}\n" for n in range(100_000, 220_000)))
    monkeypatch.setenv("TMPDIR", str(in_memory))
    assert len(airscoop.delta(None, export)) == ROWS
    with pytest.raises(errors.MemoryLimit, match=rf"{in_memory} is memory .*temp_dir"):
        airscoop.delta(None, export, memory_limit=24 * MIB)
    assert len(airscoop.delta(None, export, memory_limit=24 * MIB, temp_dir=tmp_path)) == ROWS


def test_results_that_are_kept_do_not_hinder_each_other(
    in_memory: Path, exports: tuple[Path, Path]
) -> None:
    options: dict[str, Any] = {"memory_limit": 128 * MIB, "temp_dir": in_memory}
    kept = [airscoop.delta(None, exports[0], **options) for _ in range(4)]
    assert [len(each) for each in kept] == [ROWS] * 4


PROGRAM = """
import sys, airscoop
limit = int(sys.argv[4])
try:
    delta = airscoop.delta(sys.argv[1], sys.argv[2], temp_dir=sys.argv[3],
                           memory_limit=limit or None)
    print(len(delta))
except airscoop.errors.MemoryLimit as error:
    print(error)
"""


@pytest.mark.parametrize("limit", [0, 16 * MIB, 64 * MIB, 1024 * MIB, 4096 * MIB])
def test_within_a_small_container_a_delta_is_never_killed_at_any_limit(
    limit: int,
    in_memory: Path,
    group: Path,
    tmp_path: Path,
) -> None:
    rows = [f"{n},{'v' * 400}{n}\n" for n in range(400_000)]
    for seed, name in enumerate(("old.csv", "new.csv")):
        random.Random(seed).shuffle(rows)
        (tmp_path / name).write_text("PK,v\n" + "".join(rows))
    done = subprocess.run(
        [
            "/bin/sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh",
            sys.executable, "-c", PROGRAM, *(tmp_path / name for name in ("old.csv", "new.csv")),
            in_memory, str(limit),
        ],
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(PACKAGE_ROOT)},
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.returncode} {done.stderr[-2000:]}"
    assert f"{in_memory} is memory" in done.stdout
    assert "temp_dir" in done.stdout


def test_a_part_that_is_too_large_for_the_limit_does_not_wait_in_memory_as_a_file(
    store: Store, in_memory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(in_memory))
    with pytest.raises(errors.MemoryLimit, match=rf"{in_memory} is memory .*set TMPDIR") as caught:
        write_in_parts(noise(SIZES["file"]), store, store.endpoint)
    assert not caught.value.retryable
    store.assert_untouched()
    write_in_parts(noise(SIZES["memory"]), store, store.endpoint)
