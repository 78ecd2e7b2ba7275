"""S3 to S3 by the server itself: CopyObject, UploadPartCopy, and what makes us read instead."""

from __future__ import annotations

import dataclasses
import gzip
from typing import Any

import pytest

import airscoop
from airscoop.errors import AirscoopError, ConnectionFailed, CorruptData, HttpError, SourceChanged
from support.fault_server import FaultProxy, error, fault_proxy, lose_answer, plain, with_lines
from support.s3 import OWNER, READER, Store, gzipped, noise
from support.s3 import json_lines as lines

PART = 64 * 1024 * 1024
BIG = PART + 1024 * 1024
BIG_DATA = noise(1024 * 1024) * (BIG // (1024 * 1024))


def copied(store: Store, source: str, destination: str, **options: Any) -> airscoop.CopyReceipt:
    settings = options.pop("settings", None) or store.settings()
    both: dict[str, Any] = {"source_s3": settings, "destination_s3": settings}
    return airscoop.copy(source, store.uri(destination), **both | options)


@pytest.fixture(scope="module")
def big(s3_server: Store) -> str:
    """An object above what is copied at once."""
    s3_server.client.put_object(
        Bucket="transfers",
        Key="big/source.bin",
        Body=BIG_DATA,
        ContentType="text/x-notes",
        Metadata={"owner": "me", "Title": "Notes"},
        CacheControl="no-cache",
        Tagging="kind=a%26b&level=1",
    )
    return "s3://transfers/big/source.bin"


def through(store: Store, proxy: FaultProxy) -> Store:
    return dataclasses.replace(store, endpoint=proxy.url)


@pytest.mark.parametrize("size", [0, 1, 9, 100_000])
def test_a_small_object_is_copied_by_one_request_without_its_bytes(store: Store, size: int) -> None:
    data = noise(size)
    source = store.put("in.bin", data)
    with fault_proxy(store.endpoint) as proxy:
        receipt = copied(through(store, proxy), source, "out.bin")
        assert proxy.kinds() == ["head", *(["get"] if size else []), "put"]
        assert all(request.headers["Range"] for request in proxy.requests("get"))
    assert store.get("out.bin") == data
    assert receipt.server_side and receipt.unchanged and receipt.server_side_refused is None
    assert receipt.source_bytes == receipt.destination_bytes == receipt.text_bytes == size
    assert receipt.etag == store.head("out.bin")["ETag"] == receipt.source_etag


def test_a_large_object_is_copied_in_parts_with_the_checksum_of_the_whole(
    store: Store, big: str
) -> None:
    receipt = copied(store, big, "out.bin")
    facts = store.client.head_object(
        Bucket="transfers", Key=store.key("out.bin"), ChecksumMode="ENABLED"
    )
    assert store.get("out.bin") == BIG_DATA
    assert receipt.server_side and receipt.parts == 2
    assert receipt.checksum == f"CRC32C:{facts['ChecksumCRC32C']}"
    assert receipt.etag == facts["ETag"]
    assert receipt.destination_bytes == BIG
    assert store.uploads() == []


def test_what_belongs_to_the_object_is_copied_with_it(store: Store, big: str) -> None:
    store.client.put_object(
        Bucket="transfers",
        Key=store.key("in.txt"),
        Body=b"some",
        ContentType="text/x-notes",
        Metadata={"owner": "me"},
        Tagging="kind=a%26b",
    )
    copied(store, store.uri("in.txt"), "small")
    copied(store, big, "large")
    for name, metadata, tags in (
        ("small", {"owner": "me"}, {"kind": "a&b"}),
        ("large", {"owner": "me", "title": "Notes"}, {"kind": "a&b", "level": "1"}),
    ):
        facts = store.head(name)
        tagging = store.client.get_object_tagging(Bucket="transfers", Key=store.key(name))
        assert facts["ContentType"] == "text/x-notes"
        assert {key.lower(): value for key, value in facts["Metadata"].items()} == metadata
        assert {tag["Key"]: tag["Value"] for tag in tagging["TagSet"]} == tags
    assert store.head("large")["CacheControl"] == "no-cache"


MOST_METADATA = {f"name-{n}": f"{n}" for n in range(40)}


@pytest.mark.parametrize("size", [100_000, BIG], ids=["at once", "in parts"])
def test_a_header_that_the_source_repeats_is_told_once(store: Store, big: str, size: int) -> None:
    source = big if size == BIG else store.put("in.bin", noise(size))
    with fault_proxy(store.endpoint) as proxy:
        proxy.on("head", with_lines(*[("Cache-Control", "no-cache")] * 24))
        receipt = copied(
            through(store, proxy),
            source,
            "out.bin",
            object_options=airscoop.ObjectOptions(metadata=MOST_METADATA),
        )
    assert receipt.server_side
    facts = store.head("out.bin")
    assert {name.lower(): value for name, value in facts["Metadata"].items()} == MOST_METADATA
    assert facts["CacheControl"] == "no-cache"


def test_values_of_a_repeated_header_are_joined(store: Store) -> None:
    source = store.put("in.bin", b"data")
    with fault_proxy(store.endpoint) as proxy:
        values = ("private", "max-age=60", "private")
        proxy.on("head", with_lines(*[("Cache-Control", value) for value in values]))
        copied(
            through(store, proxy),
            source,
            "out.bin",
            object_options=airscoop.ObjectOptions(metadata={"a": "b"}),
        )
    assert store.head("out.bin")["CacheControl"] == "private, max-age=60, private"


@pytest.mark.parametrize("count", [65, 100, 200])
def test_more_headers_than_can_be_told_are_left_to_the_server(store: Store, count: int) -> None:
    lines = [(f"x-amz-meta-m{n}", "v") for n in range(count)]
    source = store.put("in.bin", b"data")
    with fault_proxy(store.endpoint) as proxy:
        proxy.on("head", with_lines(*lines), times=2)
        assert copied(through(store, proxy), source, "1").server_side
        told = copied(
            through(store, proxy),
            source,
            "2",
            object_options=airscoop.ObjectOptions(content_type="text/x-other"),
        )
    assert not told.server_side
    assert store.get("1") == store.get("2") == b"data"
    assert store.head("2")["ContentType"] == "text/x-other"


def test_a_value_that_would_begin_a_header_of_its_own_is_not_passed_on(store: Store) -> None:
    source = store.put("in.bin", b"data")
    with fault_proxy(store.endpoint) as proxy:
        proxy.on("head", with_lines(("Cache-Control", "private\rx-amz-acl: public-read")))
        copied(
            through(store, proxy),
            source,
            "out.bin",
            object_options=airscoop.ObjectOptions(content_type="text/x-other"),
        )
        assert all("x-amz-acl" not in str(put.headers) for put in proxy.requests("put|get"))
    assert store.get("out.bin") == b"data"


@pytest.mark.parametrize("key", ["a b/ü+%&=.bin", "a//b.bin", "what?.bin"])
def test_every_key_can_be_the_source(store: Store, key: str) -> None:
    with airscoop.open(store.uri(key), "wb", s3=store.settings()) as file:
        file.write(b"data")
    assert copied(store, store.uri(key), "out.bin").server_side
    assert store.get("out.bin") == b"data"


def test_gzip_for_a_gzip_name_is_copied_and_not_looked_into(store: Store) -> None:
    data = gzipped(lines(1000))[:-4] + b"lies"  # whoever reads it sees a wrong length
    source = store.put("in.json.gz", data)
    receipt = copied(store, source, "out.json.gz")
    assert receipt.server_side and receipt.text_bytes == 0
    assert store.get("out.json.gz") == data
    with pytest.raises(CorruptData):
        copied(store, source, "read.json.gz", server_side=False)
    assert "read.json.gz" not in store.names()


def test_what_has_to_change_is_read_and_written(store: Store) -> None:
    text = lines(1000)
    packed, flat = store.put("in.json.gz", gzipped(text)), store.put("in.json", text)
    for source, destination, options, expected in (
        (packed, "1.json", {}, text),
        (flat, "2.json.gz", {}, text),
        (packed, "4.json.gz", {"compression_level": 1}, text),
        (flat, "5.json", {"format": "jsonl"}, text),
        (packed, "6.json.gz", {"format": "jsonl"}, text),
    ):
        receipt = copied(store, source, destination, **options)
        found = store.get(destination)
        assert (gzip.decompress(found) if destination.endswith(".gz") else found) == expected
        assert not receipt.server_side and receipt.server_side_refused is None, destination


def test_names_decide_what_the_server_may_copy(store: Store) -> None:
    text, packed = lines(1000), gzipped(lines(1000))
    for source, destination, data, handling in (
        ("1.tgz", "1b.tgz", packed, "kept"),
        ("2.bin", "2b.bin", packed, "kept"),
        ("3.json.gz", "3b.csv", packed, "kept"),
        ("4.json", "4b.json.gz", packed, "kept"),
        ("5.GZ", "5b.GZ", packed, "kept"),
        ("6.gz", "6b.gz", b"", "kept"),
        ("7.json.gz", "7b.json", packed, "inflated"),
        ("8.json", "8b.json.gz", text, "packed"),
        ("9.json", "9b.json.gz", b"", "packed"),
        ("10.dat", "10b.json.gz", b"\x1f\x8b is no gzip header", "packed"),
    ):
        receipt = copied(store, store.put(source, data), destination)
        assert receipt.compression == handling, source
        assert receipt.server_side == (handling == "kept"), source
        if handling == "kept":
            assert store.get(destination) == data
    assert store.get("7b.json") == text
    assert gzip.decompress(store.get("8b.json.gz")) == text
    assert gzip.decompress(store.get("9b.json.gz")) == b""


def test_an_object_that_is_named_as_gzip_and_is_not_is_refused_by_the_servers_copy_too(
    store: Store,
) -> None:
    source = store.put("login.json.gz", b"<html><body>log in</body></html>")
    with pytest.raises(CorruptData, match="named as gzip data, but looks like HTML"):
        copied(store, source, "out.json.gz")
    assert "out.json.gz" not in store.names()
    receipt = copied(store, source, "out.json.gz", allow_plain=True)
    assert receipt.compression == "kept" and receipt.server_side


def test_other_credentials_or_another_region_are_read_and_written(store: Store) -> None:
    source = store.put("in.bin", b"data")
    for settings in (store.settings(credentials=READER), store.settings(region="eu-west-1")):
        receipt = copied(store, source, "out.bin", source_s3=settings)
        assert not receipt.server_side
        assert store.get("out.bin") == b"data"


def test_server_side_can_be_turned_off(store: Store) -> None:
    assert not copied(store, store.put("in.bin", b"data"), "out.bin", server_side=False).server_side


@pytest.mark.parametrize(
    ("code", "status"), [("NotImplemented", 501), ("AccessDenied", 403), ("InvalidRequest", 400)]
)
@pytest.mark.parametrize("size", ["small", "big"])
def test_a_server_that_refuses_gets_the_bytes(
    store: Store, big: str, code: str, status: int, size: str
) -> None:
    source = big if size == "big" else store.put("in.bin", b"data")
    with fault_proxy(store.endpoint) as proxy:
        proxy.on("put", error(code, status))
        if size == "big":
            proxy.on("part", error(code, status))
        receipt = copied(through(store, proxy), source, "out.bin")
    assert not receipt.server_side
    assert receipt.server_side_refused is not None and code in receipt.server_side_refused
    assert store.get("out.bin") == (BIG_DATA if size == "big" else b"data")
    assert store.uploads() == []


def test_a_server_that_refuses_parts_copies_at_once(store: Store, big: str) -> None:
    with fault_proxy(store.endpoint) as proxy:
        proxy.on("part", error("InvalidArgument", 400, "checksum missing"))
        receipt = copied(through(store, proxy), big, "out.bin")
        assert [kind for kind in proxy.kinds() if kind == "put"] == ["put"]
    assert receipt.server_side and receipt.server_side_refused is None
    assert receipt.source_bytes == receipt.destination_bytes == BIG
    assert store.get("out.bin") == BIG_DATA
    assert store.uploads() == []


@pytest.mark.parametrize("kind", ["get", "put", "part"])
def test_a_source_that_changes_is_an_error_and_leaves_nothing(
    store: Store, big: str, kind: str
) -> None:
    source = big if kind == "part" else store.put("in.bin", b"data")
    with fault_proxy(store.endpoint) as proxy:

        def change(handler: Any, request: Any) -> None:
            error("PreconditionFailed", 412)(handler, request)

        proxy.on(kind, change)
        if kind == "get":  # seen before anything was decided: the new one is read
            assert not copied(through(store, proxy), source, "out.bin").server_side
            return
        with pytest.raises(SourceChanged):
            copied(through(store, proxy), source, "out.bin")
    assert "out.bin" not in store.names()
    assert store.uploads() == []


def test_every_part_demands_the_etag_of_the_source(store: Store, big: str) -> None:
    with fault_proxy(store.endpoint) as proxy:
        copied(through(store, proxy), big, "out.bin")
        etag = proxy.requests("part")[0].headers["x-amz-copy-source-if-match"]
        assert {r.headers["x-amz-copy-source-if-match"] for r in proxy.requests("part")} == {etag}
        ranges = sorted(r.headers["x-amz-copy-source-range"] for r in proxy.requests("part"))
    assert ranges == [f"bytes=0-{PART - 1}", f"bytes={PART}-{BIG - 1}"]
    assert etag == store.client.head_object(Bucket="transfers", Key="big/source.bin")["ETag"]


@pytest.mark.parametrize("kind", ["put", "part"])
def test_an_error_after_200_is_tried_again(store: Store, big: str, kind: str) -> None:
    source = big if kind == "part" else store.put("in.bin", b"data")
    with fault_proxy(store.endpoint) as proxy:
        proxy.on(kind, error("InternalError", 200))
        receipt = copied(through(store, proxy), source, "out.bin")
    assert receipt.server_side and receipt.retries == 1
    assert store.get("out.bin") == (BIG_DATA if kind == "part" else b"data")


@pytest.mark.parametrize("kind", ["put", "part"])
def test_an_answer_without_a_result_is_no_copy(store: Store, big: str, kind: str) -> None:
    source = big if kind == "part" else store.put("in.bin", b"data")
    with fault_proxy(store.endpoint) as proxy:
        proxy.on(kind, plain(200, b"<CopyObjectResult></CopyObjectResult>"), times=9)
        with pytest.raises(AirscoopError):
            copied(through(store, proxy), source, "out.bin")
    assert "out.bin" not in store.names()
    assert store.uploads() == []


def test_parts_with_a_wrong_checksum_are_not_completed(store: Store) -> None:
    with airscoop.open(store.uri("in.bin"), "wb", s3=store.settings()) as file:
        file.write(BIG_DATA)
    wrong = (
        b"<CopyPartResult><ETag>0123456789abcdef0123456789abcdef</ETag>"
        b"<ChecksumCRC32C>AAAAAA==</ChecksumCRC32C></CopyPartResult>"
    )
    with fault_proxy(store.endpoint) as proxy:
        proxy.on("part", plain(200, wrong))
        proxy.on("put", error("NotImplemented", 501))
        receipt = copied(through(store, proxy), store.uri("in.bin"), "out.bin")
        # The one that completes is the upload of what was read.
        assert [kind for kind in proxy.kinds() if kind in ("create", "complete")] == [
            "create",
            "create",
            "complete",
        ]
    assert not receipt.server_side
    assert store.get("out.bin") == BIG_DATA
    assert store.uploads() == []


def test_a_lost_answer_to_complete_is_looked_after(store: Store, big: str) -> None:
    with fault_proxy(store.endpoint) as proxy:
        proxy.on("complete", lose_answer)
        receipt = copied(through(store, proxy), big, "out.bin")
    assert receipt.server_side
    assert store.get("out.bin") == BIG_DATA
    assert store.uploads() == []


@pytest.mark.parametrize(
    ("kind", "fault", "expected"),
    [
        ("create", error("InternalError", 500), HttpError),
        ("part", error("InternalError", 500), HttpError),
        ("complete", error("InternalError", 500), HttpError),
        ("part", lose_answer, ConnectionFailed),
    ],
)
def test_a_copy_that_fails_in_the_middle_leaves_nothing(
    store: Store, big: str, kind: str, fault: Any, expected: type[AirscoopError]
) -> None:
    with fault_proxy(store.endpoint) as proxy:
        proxy.on(kind, fault, times=100)
        with pytest.raises(expected):
            copied(through(store, proxy), big, "out.bin")
    store.assert_untouched()


def test_a_cancelled_copy_leaves_nothing(store: Store, big: str) -> None:
    from airscoop.errors import Cancelled
    from airscoop.transfer.job import TransferJob
    from airscoop.transfer.options import TransferOptions

    with fault_proxy(store.endpoint) as proxy:
        settings = store.settings(endpoint_url=proxy.url, credentials=OWNER)
        job = TransferJob(
            TransferOptions(
                source=big,
                destination=store.uri("out.bin"),
                source_s3=settings,
                destination_s3=settings,
            )
        )

        def cancel(handler: Any, request: Any) -> None:
            job.cancel()
            code, headers, body = handler.forward(request)
            handler.answer(code, body, headers)

        proxy.on("part", cancel)
        with pytest.raises(Cancelled):
            job.run()
    store.assert_untouched()


@pytest.mark.parametrize("size", ["small", "big"])
def test_what_is_asked_for_the_object_replaces_what_the_source_has(
    store: Store, big: str, size: str
) -> None:
    source = big
    if size == "small":
        source = store.uri("in.txt")
        store.client.put_object(
            Bucket="transfers",
            Key=store.key("in.txt"),
            Body=b"some",
            ContentType="text/x-notes",
            CacheControl="no-cache",
            Metadata={"owner": "me"},
            Tagging="kind=a",
        )
    asked = airscoop.ObjectOptions(metadata={"team": "ours"}, tags={"x": "1"})
    assert copied(store, source, "all", object_options=asked).server_side
    typed = airscoop.ObjectOptions(content_type="text/plain")
    assert copied(store, source, "typed", object_options=typed).server_side

    def tags(name: str) -> dict[str, str]:
        answer = store.client.get_object_tagging(Bucket="transfers", Key=store.key(name))
        return {tag["Key"]: tag["Value"] for tag in answer["TagSet"]}

    assert store.head("all")["Metadata"] == {"team": "ours"}
    assert store.head("all")["CacheControl"] == "no-cache"
    assert store.head("all")["ContentType"] == "text/x-notes"
    assert tags("all") == {"x": "1"}
    assert store.head("typed")["ContentType"] == "text/plain"
    assert store.head("typed")["Metadata"]["owner"] == "me"
    assert tags("typed")["kind"].startswith("a")


def test_what_must_not_be_replaced_is_read_and_written(store: Store) -> None:
    source = store.put("in.bin", b"data")
    assert not copied(store, source, "out.bin", overwrite=False).server_side
    with pytest.raises(AirscoopError):
        copied(store, source, "out.bin", overwrite=False)
