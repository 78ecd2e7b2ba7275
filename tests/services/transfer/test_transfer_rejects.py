"""Bad records: each fails the run or is accounted for in a reject file."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors
from support.fault_server import FaultProxy, error, lose_answer
from support.s3 import BUCKET, Store, gzipped, json_lines

GOOD = json_lines(30)
BAD = [b"{not json}", b'{"a": 1} {"b": 2}', b'{"text": "\xff"}', b'{"open": }', b"NaN"]
MIXED = GOOD + b"".join(line + b"\n" + GOOD for line in BAD)
TARGET = "reviews/downloaded_at=2026112100/reviews.json.gz"
REJECTS = "reviews/_rejects/downloaded_at=2026112100/reviews.json.gz.jsonl"


def copy_to(store: Store, data: bytes, name: str = TARGET, **options: Any) -> airscoop.CopyReceipt:
    source = store.put("source", gzipped(data))
    return airscoop.copy(
        source, store.uri(name), format="jsonl",
        source_s3=store.settings(), destination_s3=store.settings(), **options,
    )  # fmt: skip


def test_a_bad_record_fails_with_source_line_offset_reason_and_beginning(store: Store) -> None:
    with pytest.raises(errors.BadRecord) as caught:
        copy_to(store, MIXED)
    message = str(caught.value)
    assert store.uri("source") in message
    assert "line 31" in message
    assert f"byte {len(GOOD)}" in message
    assert "{not json}" in message
    assert not caught.value.retryable
    assert store.names() == ["source"]
    assert store.uploads() == []


def test_rejected_records_go_to_the_prefix_root_and_add_up(store: Store) -> None:
    receipt = copy_to(store, MIXED, max_rejected=len(BAD))
    assert receipt.records_in == receipt.records_out + receipt.records_rejected
    assert (receipt.records_out, receipt.records_rejected) == (6 * 30, len(BAD))
    assert receipt.rejects == store.uri(REJECTS)
    assert store.names() == sorted(["source", TARGET, REJECTS])
    assert store.head(TARGET)["ETag"] == receipt.etag
    rejects = [json.loads(line) for line in store.get(REJECTS).splitlines()]
    lines = MIXED.split(b"\n")
    for reject, bad in zip(rejects, BAD, strict=True):
        assert lines[reject["line"] - 1] == bad
        assert MIXED[reject["byte_offset"] :].startswith(bad)
        assert reject["length"] == len(bad)
        assert reject["source"] == store.uri("source")
        assert reject["reason"]
        assert reject["snippet"] == bad.decode(errors="replace")


def test_rejected_records_of_a_file_go_beside_its_partition(tmp_path: Path) -> None:
    source = tmp_path / "in.json"
    source.write_bytes(MIXED)
    folder = tmp_path / "table" / "day=1" / "hour=2"
    folder.mkdir(parents=True)
    receipt = airscoop.copy(source, folder / "out.json", format="jsonl", max_rejected=5)
    expected = tmp_path / "table" / "_rejects" / "day=1" / "hour=2" / "out.json.jsonl"
    assert receipt.rejects == str(expected)
    assert len(expected.read_bytes().splitlines()) == len(BAD)
    assert (folder / "out.json").read_bytes() == GOOD * 6
    assert [item.name for item in folder.iterdir()] == ["out.json"]


def test_a_place_for_rejects_can_be_named(store: Store) -> None:
    place = store.uri("elsewhere/bad.jsonl")
    assert copy_to(store, MIXED, max_rejected=9, rejects=place).rejects == place
    assert len(store.get("elsewhere/bad.jsonl").splitlines()) == len(BAD)


def test_one_too_many_leaves_neither_object_nor_reject_file(store: Store) -> None:
    with pytest.raises(errors.TooManyRejected, match="max_rejected"):
        copy_to(store, MIXED, max_rejected=len(BAD) - 1)
    assert store.names() == ["source"]
    assert store.uploads() == []


def test_one_too_many_leaves_no_file(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(MIXED)
    with pytest.raises(errors.TooManyRejected):
        airscoop.copy(tmp_path / "in", tmp_path / "out", format="jsonl", max_rejected=2)
    assert [item.name for item in tmp_path.iterdir()] == ["in"]


def test_a_rerun_without_bad_records_removes_the_stale_reject_file(
    store: Store, tmp_path: Path
) -> None:
    copy_to(store, MIXED, max_rejected=9)
    receipt = copy_to(store, GOOD, max_rejected=9)
    assert receipt.rejects is None
    assert store.names() == sorted(["source", TARGET])
    for data, left in ((MIXED, True), (GOOD, False)):
        (tmp_path / "in").write_bytes(data)
        airscoop.copy(tmp_path / "in", tmp_path / "out", format="jsonl", max_rejected=9)
        assert (tmp_path / "_rejects" / "out.jsonl").exists() == left


def test_a_failed_rerun_keeps_the_earlier_object_and_reject_file(store: Store) -> None:
    copy_to(store, MIXED, max_rejected=9)
    before = {name: store.head(name)["ETag"] for name in (TARGET, REJECTS)}
    with pytest.raises(errors.TooManyRejected):
        copy_to(store, MIXED * 3, max_rejected=9)
    assert before == {name: store.head(name)["ETag"] for name in (TARGET, REJECTS)}


def copy_by(proxy: FaultProxy, store: Store, data: bytes) -> airscoop.CopyReceipt:
    source = store.put("source", gzipped(data))
    return airscoop.copy(
        source, store.uri(TARGET), format="jsonl", max_rejected=9,
        source_s3=store.settings(), destination_s3=store.settings(endpoint_url=proxy.url),
    )  # fmt: skip


def test_a_clean_rerun_whose_commit_fails_keeps_the_earlier_reject_file(
    store: Store, proxy: FaultProxy
) -> None:
    copy_to(store, MIXED, max_rejected=9)
    before = {name: store.head(name)["ETag"] for name in (TARGET, REJECTS)}
    proxy.on("put|complete", error("AccessDenied", 403))
    with pytest.raises(errors.AccessDenied):
        copy_by(proxy, store, GOOD)
    assert before == {name: store.head(name)["ETag"] for name in (TARGET, REJECTS)}


def test_a_clean_rerun_whose_commit_won_unheard_removes_the_earlier_reject_file(
    store: Store, proxy: FaultProxy
) -> None:
    copy_to(store, MIXED, name="out.json", max_rejected=9)
    proxy.on("complete", lose_answer, times=100)
    proxy.on("head", error("AccessDenied", 403), times=3)  # only the look after the abort tells
    source = store.put("source", json_lines(50_000, width=400))
    receipt = airscoop.copy(
        source, store.uri("out.json"), format="jsonl", max_rejected=9,
        source_s3=store.settings(), destination_s3=store.settings(endpoint_url=proxy.url),
    )  # fmt: skip
    assert receipt.parts > 1
    assert store.names() == ["out.json", "source"]


def test_an_earlier_reject_file_that_stays_is_an_error_that_says_what_is_committed(
    store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    copy_to(store, MIXED, max_rejected=9)
    proxy.on("delete", error("AccessDenied", 403))
    with pytest.raises(errors.AccessDenied, match=r"is committed .*_rejects.* not be removed"):
        copy_by(proxy, store, GOOD)
    assert gzip.decompress(store.get(TARGET)) == GOOD
    (tmp_path / "in").write_bytes(GOOD)
    (tmp_path / "_rejects" / "out.jsonl").mkdir(parents=True)
    with pytest.raises(errors.FileError, match=r"out is committed .*out.jsonl could not"):
        airscoop.copy(tmp_path / "in", tmp_path / "out", format="jsonl", max_rejected=1)
    assert (tmp_path / "out").read_bytes() == GOOD


def test_a_source_of_bad_records_only_gives_an_empty_destination(store: Store) -> None:
    receipt = copy_to(store, b"\n".join(BAD), name="out.json", max_rejected=5)
    assert (receipt.records_in, receipt.records_out, receipt.records_rejected) == (5, 0, 5)
    assert store.get("out.json") == b""


def test_a_record_beyond_max_record_bytes_is_a_bad_record(store: Store) -> None:
    long = b'{"long": "%s"}' % (b"x" * 300_000)
    limits: dict[str, Any] = {"max_record_bytes": 100_000, "name": "out.json"}
    with pytest.raises(errors.BadRecord, match="100000"):
        copy_to(store, GOOD + long + b"\n" + GOOD, **limits)
    receipt = copy_to(store, GOOD + long + b"\n" + GOOD, max_rejected=1, **limits)
    assert store.get("out.json") == GOOD * 2
    reject = json.loads(store.get("_rejects/out.json.jsonl"))
    assert reject["length"] == len(long)
    assert len(reject["snippet"]) <= 1024
    assert receipt.records_rejected == 1


def test_a_record_of_exactly_max_record_bytes_is_good(store: Store) -> None:
    record = b'"%s"' % (b"x" * 998)
    receipt = copy_to(store, record + b"\n" + record, max_record_bytes=1000, name="out.json")
    assert receipt.records_out == 2
    with pytest.raises(errors.BadRecord):
        copy_to(store, record, max_record_bytes=999)


def test_more_rejects_than_the_reject_file_holds_end_the_run(store: Store) -> None:
    bad = b"".join(b"{%d %s\n" % (n, b"x" * 2000) for n in range(4000))
    with pytest.raises(errors.TooManyRejected, match="reject file is full"):
        copy_to(store, bad, max_rejected=10**9)
    assert store.names() == ["source"]


def test_many_rejects_beside_a_multipart_upload_are_all_kept(store: Store) -> None:
    rows = json_lines(100_000, width=200)
    lines = rows.split(b"\n")
    for at in range(0, 100_000, 50):
        lines[at] = b"[bad %d" % at
    receipt = copy_to(store, b"\n".join(lines), name="out.json", max_rejected=2000)
    assert receipt.parts > 1
    assert (receipt.records_rejected, receipt.records_out) == (2000, 98_000)
    kept = store.get("_rejects/out.json.jsonl").splitlines()
    assert [json.loads(line)["snippet"] for line in kept] == [
        f"[bad {at}" for at in range(0, 100_000, 50)
    ]
    assert len(store.get("out.json").splitlines()) == 98_000


def test_max_rejected_needs_records(store: Store) -> None:
    with pytest.raises(errors.UsageError, match="max_rejected"):
        airscoop.copy("-", store.uri("a"), max_rejected=1, destination_s3=store.settings())


def test_rejects_on_the_other_side_of_the_network_are_refused(store: Store, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(GOOD)
    with pytest.raises(errors.UsageError, match="beside the destination"):
        airscoop.copy(
            tmp_path / "in", tmp_path / "out", format="jsonl", max_rejected=1,
            rejects=f"s3://{BUCKET}/x",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("rejects", "why"),
    [
        (TARGET, "are one"),
        ("source", "replace the source"),
        ("reviews/downloaded_at=2026112100/bad.jsonl", "lies in the partition"),
        ("reviews/downloaded_at=2026112100/_rejects/bad.jsonl", "lies in the partition"),
    ],
)
def test_rejects_in_the_way_of_objects_are_refused(rejects: str, why: str, store: Store) -> None:
    with pytest.raises(errors.UsageError, match=why) as caught:
        copy_to(store, MIXED, max_rejected=9, rejects=store.uri(rejects))
    assert store.uri(rejects) in str(caught.value)
    assert store.uri("source" if rejects == "source" else TARGET) in str(caught.value)
    assert store.names() == ["source"]


@pytest.mark.parametrize(
    ("rejects", "why"),
    [
        ("day=1/./out", "are one"),
        ("day=2/../day=1/out", "are one"),
        ("link/out", "are one"),
        ("day=1/../in", "replace the source"),
        ("alias", "replace the source"),
        ("link/bad.jsonl", "lies in the partition"),
        ("day=1/not/yet/there.jsonl", "lies in the partition"),
    ],
)
def test_rejects_in_the_way_of_files_are_refused(rejects: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(MIXED)
    (tmp_path / "day=1").mkdir()
    (tmp_path / "link").symlink_to("day=1")
    (tmp_path / "alias").symlink_to("in")
    place = f"{tmp_path}/{rejects}"
    with pytest.raises(errors.UsageError, match=why) as caught:
        airscoop.copy(
            tmp_path / "in", tmp_path / "day=1" / "out", format="jsonl", max_rejected=9,
            rejects=place,
        )  # fmt: skip
    assert place in str(caught.value)
    assert (tmp_path / "in").read_bytes() == MIXED
    assert list((tmp_path / "day=1").iterdir()) == []


@pytest.mark.parametrize("rejects", ["day=10/bad.jsonl", "day=1.jsonl", "plain/bad.jsonl"])
def test_rejects_beside_a_partition_are_written(rejects: str, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(MIXED)
    (tmp_path / "day=1").mkdir()
    airscoop.copy(
        tmp_path / "in", tmp_path / "day=1" / "out", format="jsonl", max_rejected=9,
        rejects=str(tmp_path / rejects),
    )  # fmt: skip
    assert len((tmp_path / rejects).read_bytes().splitlines()) == len(BAD)


def test_rejects_may_lie_in_the_folder_of_a_destination_without_partitions(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(MIXED)
    place = tmp_path / "bad.jsonl"
    airscoop.copy(
        tmp_path / "in", tmp_path / "out", format="jsonl", max_rejected=9, rejects=str(place)
    )
    assert len(place.read_bytes().splitlines()) == len(BAD)


def test_check_counts_rejected_records_without_writing_them(store: Store) -> None:
    source = store.put("source", MIXED)
    receipt = airscoop.check(source, max_rejected=9, s3=store.settings())
    assert (receipt.records_out, receipt.records_rejected) == (180, 5)
    assert receipt.rejects is None
    assert store.names() == ["source"]
