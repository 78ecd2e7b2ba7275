"""Several sources below one destination; prefixes and patterns that match nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import PrefixIncomplete, PrefixReceipt
from airscoop.errors import NotFound, UsageError
from support.fault_server import fault_proxy, plain
from support.moto import MotoServer
from support.s3 import Store, noise


def copy_prefix(store: Store, source: Any, destination: Any, **options: Any) -> PrefixReceipt:
    settings = store.settings()
    return airscoop.copy_prefix(
        source, destination, source_s3=settings, destination_s3=settings, **options
    )


def command(store: Store, *arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "airscoop.cli", "copy", "-q", *arguments]
    return subprocess.run(line, env=store.environment(), capture_output=True, text=True)


def three(store: Store, folder: Path) -> list[str]:
    store.put("in/one", b"1")
    (folder / "two").write_bytes(b"22")
    (folder / "three").write_bytes(b"333")
    return [store.uri("in/one"), f"{folder}/two", f"{folder}/three"]


def test_several_sources_go_below_a_prefix_each_under_its_name(
    store: Store, tmp_path: Path
) -> None:
    sources = three(store, tmp_path)
    done = command(store, *sources, "--json", store.uri("out/"))
    assert done.returncode == 0, done.stderr
    assert {name: store.get(name) for name in store.names() if name.startswith("out/")} == {
        "out/one": b"1",
        "out/two": b"22",
        "out/three": b"333",
    }
    receipt = json.loads(done.stdout)
    assert (receipt["objects"], receipt["copied"], receipt["failed"]) == (3, 3, 0)
    assert receipt["source"] == f"{sources[0]} and 2 more"
    (tmp_path / "to").mkdir()
    assert copy_prefix(store, sources[:2], tmp_path / "to").copied == 2
    assert sorted(os.listdir(tmp_path / "to")) == ["one", "two"]  # noqa: PTH208


def test_flags_may_stand_between_the_sources(store: Store, tmp_path: Path) -> None:
    one, two, three_ = three(store, tmp_path)
    done = command(store, one, two, "--jobs", "1", three_, "--checksum=none", store.uri("out/"))
    assert done.returncode == 0, done.stderr
    assert store.get("out/three") == b"333"
    (tmp_path / "-x").write_bytes(b"4")
    line = [sys.executable, "-m", "airscoop.cli", "copy", "-q", "--", "-x", "two", "./to/"]
    (tmp_path / "to").mkdir()
    assert subprocess.run(line, cwd=tmp_path).returncode == 0
    assert (tmp_path / "to/-x").read_bytes() == b"4"


def test_two_sources_of_one_name_are_refused_before_anything(store: Store, tmp_path: Path) -> None:
    sources = three(store, tmp_path)
    store.put("elsewhere/two", b"2")
    with pytest.raises(UsageError, match="Nothing was copied"):
        copy_prefix(store, [*sources, store.uri("elsewhere/two")], store.uri("out/"))
    assert not [name for name in store.names() if name.startswith("out/")]


def test_one_source_that_fails_does_not_stop_the_others_and_is_named(
    store: Store, tmp_path: Path
) -> None:
    sources = three(store, tmp_path)
    gone = [f"{tmp_path}/gone", store.uri("in/lost"), str(tmp_path)]
    with pytest.raises(PrefixIncomplete, match="gone") as caught:
        copy_prefix(store, [gone[0], *sources, *gone[1:]], store.uri("out/"), jobs=1)
    receipt = caught.value.receipt
    assert (receipt.copied, receipt.failed) == (3, 2 + 1)
    assert sorted(one.source for one in receipt.failures) == sorted(gone)


@pytest.mark.parametrize("destination", ["s3://b/key", "-", "https://host/p/", "/no/such/folder/"])
def test_several_sources_need_a_folder_or_prefix(
    store: Store, tmp_path: Path, destination: str
) -> None:
    with pytest.raises((UsageError, NotFound)):
        copy_prefix(store, three(store, tmp_path), destination)
    with pytest.raises(UsageError, match="alone"):
        copy_prefix(store, [f"{tmp_path}/two", f"{tmp_path}/"], store.uri("out/"))
    with pytest.raises(UsageError):
        copy_prefix(store, [], store.uri("out/"))
    assert command(store, f"{tmp_path}/two", "-", store.uri("out/")).returncode == 2


def test_what_matches_nothing_is_an_error_unless_empty_is_allowed(
    store: Store, tmp_path: Path
) -> None:
    store.put("in/a.txt", b"data")
    (tmp_path / "empty").mkdir()
    for source, filters in (
        (store.uri("nothing/"), []),
        (store.uri("in/"), [("include", "*.csv")]),
        (f"{tmp_path}/empty/", []),
    ):
        with pytest.raises(NotFound, match="nothing to copy") as caught:
            copy_prefix(store, source, store.uri("out/"), filters=filters)
        assert not caught.value.retryable
        assert ("filters" in str(caught.value)) == bool(filters)
        receipt = copy_prefix(store, source, store.uri("out/"), filters=filters, allow_empty=True)
        assert receipt.objects == 0
    line = [store.uri("in/"), store.uri("out/"), "--include", "*.csv"]
    assert command(store, *line).returncode == 1
    assert command(store, *line, "--allow-empty").returncode == 0


def test_a_prefix_of_equal_objects_is_not_empty(store: Store) -> None:
    for name in ("in/a", "out/a"):
        store.put(name, b"data")
    assert copy_prefix(store, store.uri("in/"), store.uri("out/")).equal == 1


def test_an_excluded_file_does_not_refuse_the_keys_below_it(store: Store, tmp_path: Path) -> None:
    keys = "".join(
        f"<Contents><Key>{store.key(name)}</Key><Size>4</Size><ETag>e</ETag></Contents>"
        for name in ("x", "x/y")
    )
    listing = f"<ListBucketResult><IsTruncated>false</IsTruncated>{keys}</ListBucketResult>"
    store.put("x/y", b"data")
    with fault_proxy(store.endpoint) as proxy:
        proxy.on("list", plain(200, listing.encode()))
        receipt = airscoop.copy_prefix(
            store.uri(""),
            tmp_path,
            exclude=["x"],
            source_s3=store.settings(endpoint_url=proxy.url),
        )
    assert receipt.copied == 1
    assert (tmp_path / "x/y").read_bytes() == b"data"


def test_content_under_a_key_that_ends_in_a_slash_is_copied_or_named(
    moto_server: MotoServer, tmp_path: Path
) -> None:
    s3 = airscoop.S3Settings(
        endpoint_url=moto_server.endpoint,
        region="us-east-1",
        credentials=airscoop.Credentials(access_key_id="KEY", secret_access_key="secret"),
    )
    client, bucket = moto_server.client("s3"), f"slashes-{tmp_path.name}".replace("_", "-")
    client.create_bucket(Bucket=bucket)
    contents = {"in/": b"own", "in/sub/": b"data", "in/x": b"x", "in/none/": b""}
    for key, body in contents.items():
        client.put_object(Bucket=bucket, Key=key, Body=body)
    below = f"s3://{bucket}"
    for to, by_server in (("out", True), ("through", False)):
        receipt = airscoop.copy_prefix(
            f"{below}/in/",
            f"{below}/{to}/",
            server_side=by_server,
            source_s3=s3,
            destination_s3=s3,
        )
        assert (receipt.copied, receipt.markers) == (3, 1)
        for name, body in (("", b"own"), ("sub/", b"data"), ("x", b"x")):
            found = client.get_object(Bucket=bucket, Key=f"{to}/{name}")
            assert found["Body"].read() == body
    with pytest.raises(PrefixIncomplete, match="sub/") as caught:
        airscoop.copy_prefix(f"{below}/in/", tmp_path, source_s3=s3)
    assert (caught.value.receipt.copied, caught.value.receipt.failed) == (1, 2)
    assert (tmp_path / "x").read_bytes() == b"x"
    chosen = airscoop.copy_prefix(
        f"{below}/in/", tmp_path, exclude=["*/", ""], source_s3=s3, overwrite=True
    )
    assert (chosen.objects, chosen.failed) == (1, 0)


def test_the_receipt_keeps_the_first_thousand_and_counts_all(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airscoop.transfer import prefix_tally

    monkeypatch.setattr(prefix_tally, "MOST_KEPT", 3)
    for number in range(9):
        (tmp_path / f"{number}").write_bytes(noise(10) if number % 2 else b"{")
    with pytest.raises(PrefixIncomplete) as caught:
        copy_prefix(store, f"{tmp_path}/", store.uri("out/"), format="jsonl")
    receipt = caught.value.receipt
    assert (receipt.objects, receipt.copied, receipt.failed) == (9, 0, 9)
    assert len(receipt.failures) == 3
    for path in tmp_path.iterdir():
        path.write_bytes(b'{"a": 1}\n')
    receipt = copy_prefix(store, f"{tmp_path}/", store.uri("out/"), format="jsonl")
    assert (receipt.objects, receipt.copied, len(receipt.copies)) == (9, 9, 3)
    assert receipt.source_bytes == 9 * 9
