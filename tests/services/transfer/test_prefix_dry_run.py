"""copy_prefix(dry_run=True): what would be copied, what is there, what would fail."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import PrefixIncomplete, PrefixReceipt
from airscoop.errors import NotFound, UsageError
from support.fault_server import fault_proxy
from support.s3 import Store, noise

SIZES = {"a.bin": 0, "deep/b.bin": 3000, "z.bin": 70_000}


def copy_prefix(store: Store, source: Any, destination: Any, **options: Any) -> PrefixReceipt:
    settings = store.settings()
    return airscoop.copy_prefix(
        source, destination, **({"source_s3": settings, "destination_s3": settings} | options)
    )


def fill(store: Store) -> None:
    for name, size in SIZES.items():
        store.put(f"in/{name}", noise(size, seed=size))


def test_from_prefix_to_prefix_it_only_asks(store: Store) -> None:
    fill(store)
    store.put("out/z.bin", noise(70_000, seed=70_000))
    before = store.names()
    with fault_proxy(store.endpoint) as proxy:
        settings = store.settings(endpoint_url=proxy.url)
        planned = copy_prefix(
            store,
            store.uri("in/"),
            store.uri("out/"),
            source_s3=settings,
            destination_s3=settings,
            dry_run=True,
        )
        assert set(proxy.kinds()) == {"list", "head"}
    assert store.names() == before
    assert planned.dry_run
    assert (planned.objects, planned.copied, planned.equal, planned.to_copy) == (3, 0, 1, 2)
    assert (planned.to_copy_bytes, planned.equal_bytes, planned.source_bytes) == (3000, 70_000, 0)
    assert [(one.source, one.destination, one.bytes) for one in planned.planned] == [
        (store.uri("in/a.bin"), store.uri("out/a.bin"), 0),
        (store.uri("in/deep/b.bin"), store.uri("out/deep/b.bin"), 3000),
    ]
    assert "dry run, nothing was copied" in planned.summary()
    done = copy_prefix(store, store.uri("in/"), store.uri("out/"))
    assert (done.copied, done.equal) == (planned.to_copy, planned.equal)
    assert {copy.destination for copy in done.copies} == {
        one.destination for one in planned.planned
    }


def test_from_prefix_to_folder_no_folder_is_made(store: Store, tmp_path: Path) -> None:
    fill(store)
    planned = copy_prefix(store, store.uri("in/"), tmp_path / "new", dry_run=True)
    assert planned.to_copy == 3
    assert list(tmp_path.iterdir()) == []
    copy_prefix(store, store.uri("in/"), tmp_path / "new")
    again = copy_prefix(store, store.uri("in/"), tmp_path / "new", dry_run=True)
    assert (again.to_copy, again.equal) == (0, 3)


def test_from_a_folder_and_of_several(store: Store, tmp_path: Path) -> None:
    for name in ("x", "y"):
        (tmp_path / name).write_text(name * 10)
    planned = copy_prefix(store, f"{tmp_path}/", store.uri("out/"), exclude=["y"], dry_run=True)
    assert [one.bytes for one in planned.planned] == [10]
    several = [tmp_path / "x", "http://127.0.0.1:9/page", store.put("in/o", b"123")]
    planned = copy_prefix(store, several, store.uri("out/"), dry_run=True)
    assert [one.bytes for one in planned.planned] == [10, None, 3]
    assert [name for name in store.names() if name.startswith("out/")] == []


def test_what_would_fail_is_told_as_it_would_be(store: Store, tmp_path: Path) -> None:
    store.put("in/a", b"1")
    store.put("in/a/b", b"2")
    with pytest.raises(PrefixIncomplete, match="1 of 2 objects would not be copied") as caught:
        copy_prefix(store, store.uri("in/"), f"{tmp_path}/", dry_run=True)
    assert caught.value.receipt.dry_run and caught.value.committed is False
    with pytest.raises(NotFound):
        copy_prefix(store, store.uri("none/"), store.uri("out/"), dry_run=True)
    store.put("out/a", b"another")
    with pytest.raises(PrefixIncomplete, match="there already and would not be overwritten"):
        copy_prefix(store, store.uri("in/"), store.uri("out/"), overwrite=False, dry_run=True)
    with pytest.raises(PrefixIncomplete):
        copy_prefix(store, [tmp_path / "gone"], store.uri("out/"), dry_run=True)


def test_the_command_prints_what_it_would_copy(store: Store, tmp_path: Path) -> None:
    fill(store)
    command = [sys.executable, "-m", "airscoop.cli", "copy", "--dry-run"]
    places = [store.uri("in/"), store.uri("out/")]
    done = subprocess.run(
        [*command, *places], env=store.environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert (
        lines[1] == f"{store.uri('in/deep/b.bin')} -> {store.uri('out/deep/b.bin')} (3,000 bytes)"
    )
    assert lines[-1].startswith("dry run, nothing was copied: ")
    as_json = subprocess.run(
        [*command, "--json", *places], env=store.environment(), capture_output=True, text=True
    )
    receipt = json.loads(as_json.stdout)
    planned = receipt["diagnostics"]
    assert (planned["dry_run"], receipt["copied"], planned["to_copy"]) == (True, 0, 3)
    assert [name for name in store.names() if name.startswith("out/")] == []
    (tmp_path / "f").write_text("x")
    one = subprocess.run(
        [*command, tmp_path / "f", store.uri("out/f")], env=store.environment(), capture_output=True
    )
    assert one.returncode == 2
    assert b"--dry-run are for a source that ends in /, or for several sources" in one.stderr


def test_a_dry_run_is_a_flag(store: Store) -> None:
    with pytest.raises(UsageError, match=r"^dry_run has to be True or False"):
        copy_prefix(store, store.uri("in/"), store.uri("out/"), dry_run="no")
