"""min_records of copies: with fewer records nothing becomes visible, wherever the bytes go."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop.errors import DataError, PrefixIncomplete, TooFewRecords, UsageError
from support.s3 import Store, gzipped
from support.split import SPLIT, rows

THREE = b'{"a": 1}\n{"a": 2}\n{"a": 3}\n'


def copied(store: Store, source: str, destination: str, **options: Any) -> airscoop.CopyReceipt:
    settings = store.settings()
    return airscoop.copy(
        source, destination, source_s3=settings, destination_s3=settings, **options
    )


@pytest.mark.parametrize(
    ("name", "body", "options"),
    [
        ("in.jsonl", THREE, {"format": "jsonl"}),
        ("in.jsonl.gz", gzipped(THREE), {"format": "jsonl"}),
        ("in.jsonl.gz", gzipped(THREE), {"format": "jsonl", "compression": "none"}),
        ("in.txt", THREE.replace(b'"', b"'"), {"format": "python-literal"}),
        ("in.json", b'[{"a":1},{"a":2},{"a":3}]', {"format": "json-array"}),
        ("in.csv", b"a\n1\n2\n3\n", {"format": "csv"}),
        ("in.jsonl", THREE + b"[\n", {"format": "jsonl", "max_rejected": 1}),
    ],
)
def test_nothing_becomes_visible_of_an_object_with_too_few(
    store: Store, name: str, body: bytes, options: dict[str, Any]
) -> None:
    source, to = store.put(name, body), store.uri("out/there")
    with pytest.raises(TooFewRecords) as caught:
        copied(store, source, to, min_records=4, **options)
    assert (caught.value.limit_name, caught.value.limit) == ("min_records", 4)
    assert (caught.value.counted, caught.value.found) == ("records", 3)
    assert caught.value.committed is False and not caught.value.retryable
    assert store.names() == [name]
    assert store.uploads() == []
    assert copied(store, source, to, min_records=3, **options).records_out == 3
    assert "out/there" in store.names()


def test_an_object_that_is_there_stays(store: Store) -> None:
    source, to = store.put("in.jsonl", THREE), store.put("out.jsonl", b"yesterday's")
    with pytest.raises(TooFewRecords):
        copied(store, source, to, format="jsonl", min_records=10)
    assert store.get("out.jsonl") == b"yesterday's"


def test_an_empty_source_has_too_few(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").touch()
    with pytest.raises(DataError, match="gave 0 records, and min_records is 1"):
        airscoop.copy(tmp_path / "in.jsonl", tmp_path / "out", format="jsonl", min_records=1)
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_of_several_files_the_records_of_all_count(store: Store) -> None:
    source, to = store.put("in.json", rows(22_000)), store.uri("out.json.gz")
    options: dict[str, Any] = {"format": "jsonl", "compression": "gzip", "split_bytes": SPLIT}
    with pytest.raises(TooFewRecords):
        copied(store, source, to, min_records=22_001, **options)
    assert store.names() == ["in.json"]
    assert store.uploads() == []
    receipt = copied(store, source, to, min_records=22_000, **options)
    assert len(receipt.files) > 1


def test_of_a_prefix_each_object_needs_so_many(store: Store) -> None:
    store.put("in/large.jsonl", THREE)
    store.put("in/small.jsonl", b'{"a": 1}\n')
    settings = store.settings()
    with pytest.raises(PrefixIncomplete, match=r"small\.jsonl"):
        airscoop.copy_prefix(
            store.uri("in/"),
            store.uri("out/"),
            s3=settings,
            format="jsonl",
            min_records=2,
        )
    assert [name for name in store.names() if name.startswith("out/")] == ["out/large.jsonl"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"min_records": 1}, "min_records needs a format with records, which raw is not"),
        ({"min_records": -1, "format": "jsonl"}, "min_records"),
        ({"min_records": "many", "format": "jsonl"}, "min_records"),
        ({"min_records": 2**64, "format": "jsonl"}, "min_records"),
    ],
)
def test_what_cannot_be_counted_is_refused(
    tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    (tmp_path / "in").write_bytes(THREE)
    with pytest.raises(UsageError, match=said):
        airscoop.copy(tmp_path / "in", tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_the_command_says_so_and_ends_with_3(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_bytes(THREE)
    words = ["copy", "in.jsonl", "out.jsonl", "--format", "jsonl", "--min-records", "4", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "airscoop", *words], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 3
    found = json.loads(done.stdout or done.stderr)
    assert "TOO_FEW_RECORDS" in json.dumps(found)
    assert not (tmp_path / "out.jsonl").exists()
