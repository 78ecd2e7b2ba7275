"""airscoop.delta over real servers: S3 and HTTP sources, S3 results, faults, and real data."""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors
from support.airports import airports
from support.fault_server import origin, with_length
from support.s3 import Store

OLD = "PK,v\n" + "".join(f"{n},x{n}\n" for n in range(1000, 9000))
NEW = OLD.replace("\n1234,x", "\n1234,y").replace("2000,x2000\n", "") + "9000,z\n"


def put(store: Store, name: str, text: str) -> str:
    return store.put(name, gzip.compress(text.encode()))


def ops(delta: Any) -> set[tuple[str, str]]:
    return {(change["op"], change["key"]["PK"]) for change in delta}


EXPECTED = {("UPDATE", "1234"), ("DELETE", "2000"), ("INSERT", "9000")}


def test_two_objects_are_compared_and_the_changes_are_an_object(store: Store) -> None:
    old, new = put(store, "old.csv.gz", OLD), put(store, "new.csv.gz", NEW)
    settings = store.settings()
    delta = airscoop.delta(old, new, s3=settings)
    assert ops(delta) == EXPECTED
    assert delta.receipt.old_etag
    assert delta.receipt.new_etag
    delta.write(store.uri("changes.jsonl.gz"), s3=settings)
    written = store.get("changes.jsonl.gz")
    assert [json.loads(line) for line in gzip.decompress(written).splitlines()] == list(delta)


ALONE = """
import sys, airscoop
delta = airscoop.delta(*sys.argv[1:3], max_delete_ratio=1.0)
sys.stdout.buffer.write(b"".join(delta.blocks()))
"""
NO_THREADS = "int pthread_create(void *a, void *b, void *c, void *d) { return 11; } /* EAGAIN */"


@pytest.mark.parametrize("name", ["export.csv", "export.csv.gz"])
def test_without_threads_two_objects_are_read_in_turn(
    name: str, store: Store, tmp_path: Path
) -> None:
    """They are larger than all that is received ahead."""
    (tmp_path / "shim.c").write_text(NO_THREADS)
    shim = tmp_path / "shim.so"
    subprocess.run(["gcc", "-w", "-shared", "-fPIC", "-o", shim, tmp_path / "shim.c"], check=True)
    uris = []
    for version in ("old", "new"):
        rows = (f"{n},{version if n % 50 == 0 else n * 7919}{'v' * 150}\n" for n in range(150_000))
        text = ("PK,v\n" + "".join(rows)).encode()
        uris.append(
            store.put(f"{version}-{name}", gzip.compress(text, 1) if name.endswith("gz") else text)
        )
    command = [sys.executable, "-c", ALONE, *uris]
    environment = store.environment()
    expected = subprocess.run(command, env=environment, capture_output=True, check=True)
    done = subprocess.run(
        command, env=environment | {"LD_PRELOAD": str(shim)}, capture_output=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == expected.stdout
    assert len(done.stdout.splitlines()) == 3000


def test_an_object_that_is_not_there_is_named(store: Store) -> None:
    old = put(store, "old.csv.gz", OLD)
    with pytest.raises(errors.NotFound, match="gone"):
        airscoop.delta(old, store.uri("gone.csv"), s3=store.settings())


def test_a_web_source_is_compared_with_a_file(tmp_path: Path) -> None:
    old = tmp_path / "old.csv"
    old.write_text(OLD)
    with origin() as server:
        url = server.serve("/new.csv", with_length(NEW.encode()))
        assert ops(airscoop.delta(old, url)) == EXPECTED


def test_a_web_source_that_is_cut_gives_nothing(tmp_path: Path) -> None:
    old = tmp_path / "old.csv"
    old.write_text(OLD)
    with origin() as server:
        body = NEW.encode()
        url = server.serve("/new.csv", with_length(body[: len(body) // 2], said=len(body)))
        with pytest.raises(errors.Truncated, match=r"/new\.csv"):
            airscoop.delta(old, url)


def test_real_snapshots_have_the_changes_that_pythons_csv_finds() -> None:
    old, new = airports("20250909"), airports("20260905")
    delta = airscoop.delta(old, new, key=["icao"])
    receipt = delta.receipt
    assert (receipt.inserted, receipt.deleted, receipt.updated) == (628, 600, 12_062)

    def rows(path: Path) -> dict[str, dict[str, str]]:
        with path.open(encoding="utf-8", newline="") as file:
            return {row["icao"]: row for row in csv.DictReader(file)}

    before, now = rows(old), rows(new)
    for change in delta:
        row = {name: value or "" for name, value in change["row"].items()}
        key = row["icao"]
        assert row == (before if change["op"] == "DELETE" else now)[key]
        if change["op"] == "UPDATE":
            names = {name for name in row if now[key][name] != before[key][name]}
            assert names == set(change["changed"])


def test_changes_replace_no_export_in_s3_whatever_the_endpoint_is_called(store: Store) -> None:
    old, new = store.put("old.csv", OLD.encode()), store.put("new.csv", NEW.encode())
    delta = airscoop.delta(old, new, s3=store.settings())
    for endpoint in (store.endpoint, store.endpoint.replace("127.0.0.1", "localhost")):
        other = store.settings(endpoint_url=endpoint)
        for place in (old, new, new.replace("s3://", "S3://")):
            with pytest.raises(errors.UsageError, match="which it would replace"):
                delta.write(place, s3=other)
    delta.write(store.uri("new.csv.jsonl"), s3=store.settings())
    assert (store.get("old.csv"), store.get("new.csv")) == (OLD.encode(), NEW.encode())


def test_an_object_is_copied_onto_itself_as_it_is_only(store: Store) -> None:
    source = store.put("a.jsonl", b'{"a": 1}\n')
    both: dict[str, Any] = {"source_s3": store.settings(), "destination_s3": store.settings()}
    with pytest.raises(errors.UsageError, match="is the source"):
        airscoop.copy(source, source, format="jsonl", **both)
    airscoop.copy(source, source, **both)
    assert store.get("a.jsonl") == b'{"a": 1}\n'
