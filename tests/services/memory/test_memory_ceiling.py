"""In a small container the defaults leave room for the rest of the program: nothing is killed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.memory import memory_groups
from support.s3 import MIB, Store, noise

PROGRAM = """
import dataclasses
import json, sys
import airscoop
from airscoop._native import default_memory_limit
verb, options = sys.argv[1], json.loads(sys.argv[2])
receipt = getattr(airscoop, verb)(*sys.argv[3:], **options)
facts = dataclasses.asdict(receipt if verb == "copy_prefix" else receipt.receipt)
print(json.dumps({"limit": default_memory_limit(), **facts}))
"""


def run(
    group: Path,
    store: Store,
    verb: str,
    *places: str,
    environment: dict[str, str] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Runs a verb within the cgroup, and gives its receipt."""
    command = [sys.executable, "-c", PROGRAM, verb, json.dumps(options), *places]
    done = subprocess.run(
        ["/bin/sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh", *command],
        env=store.environment() | {"AWS_LOADS": "botocore"} | (environment or {}),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"{done.returncode} {done.stderr[-2000:]}"
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def fill(store: Store, count: int, body: bytes, suffix: str = "") -> str:
    for number in range(count):
        store.put(f"in/{number}{suffix}", body + b"%d" % number)
    return store.uri("in/")


@pytest.mark.parametrize("size", [24 * MIB, 3 * MIB])
def test_a_prefix_becomes_a_folder(group: Path, store: Store, tmp_path: Path, size: int) -> None:
    source = fill(store, 8, noise(size))
    assert run(group, store, "copy_prefix", source, f"{tmp_path}/")["copied"] == 8


def test_two_exports_in_no_order_are_compared(group: Path, store: Store, tmp_path: Path) -> None:
    rows = [b"%d,%s\n" % (n * 7919 % 400_009, b"x" * 100) for n in range(400_000)]
    for name, part in (("old", rows), ("new", rows[::-1])):
        (tmp_path / name).write_bytes(b"PK,a\n" + b"".join(part))
    places = (str(tmp_path / "old"), str(tmp_path / "new"))
    facts = run(group, store, "delta", *places, format="csv", temp_dir=str(tmp_path))
    assert (facts["unchanged"], facts["sorted"]) == (400_000, False)


def test_a_default_is_a_third_of_what_there_is_and_never_too_little_to_work(
    group: Path, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_bytes(b"data")
    limits = []
    for ceiling in (1000 * MIB, 111 * MIB, 80 * MIB):
        (group / memory_groups()[1]).write_text(str(ceiling))
        facts = run(group, store, "copy_prefix", f"{tmp_path}/in/", store.uri("out/"))
        limits.append(facts["limit"])
    assert limits == [40 * MIB, 37 * MIB, 32 * MIB]
