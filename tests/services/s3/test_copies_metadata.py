"""S3 to S3 as a stream: what belongs to the object comes along as in a copy by the server, except
what the change makes untrue; the receipt says what could not.
"""

from __future__ import annotations

import dataclasses
import gzip
import uuid
from typing import Any

import pytest

import airscoop
from airscoop import ObjectOptions
from airscoop.resume import FileResumeStore
from support.fault_server import error, fault_proxy
from support.moto import ACCESS_KEY_ID, SECRET_ACCESS_KEY, MotoServer
from support.s3 import BUCKET, MIB, NEXT_OWNER, Store, gzipped, noise
from support.s3 import json_lines as lines

PLAIN: dict[str, Any] = {
    "ContentType": "text/csv; charset=utf-8",
    "ContentLanguage": "de",
    "ContentDisposition": 'attachment; filename="sales.csv"',
    "CacheControl": "no-cache, max-age=60",
    "Expires": "Thu, 01 Jan 2032 00:00:00 GMT",
    "Metadata": {"owner": "me", "case": "Kept As It Is", "empty": ""},
}
KEPT = (
    "ContentType",
    "ContentEncoding",
    "ContentLanguage",
    "ContentDisposition",
    "CacheControl",
    "ExpiresString",
    "Metadata",
)
TAGS = "kind=a%2Fb&level=1"
TAG_SET = [{"Key": "kind", "Value": "a/b"}, {"Key": "level", "Value": "1"}]


def source(store: Store, name: str, data: bytes, **given: Any) -> str:
    store.client.put_object(Bucket=BUCKET, Key=store.key(name), Body=data, **given)
    return store.uri(name)


def streamed(store: Store, place: str, name: str, **options: Any) -> airscoop.CopyReceipt:
    both: dict[str, Any] = {"source_s3": store.settings(), "destination_s3": store.settings()}
    receipt = airscoop.copy(place, store.uri(name), **both | {"server_side": False} | options)
    assert not receipt.server_side
    return receipt


def tags(store: Store, name: str) -> list[dict[str, str]]:
    answer = store.client.get_object_tagging(Bucket=BUCKET, Key=store.key(name))
    return sorted(answer["TagSet"], key=lambda tag: tag["Key"])


def kept(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: facts.get(name) for name in KEPT}


@pytest.mark.parametrize("size", [0, 1000, 9 * MIB], ids=["empty", "one PUT", "parts"])
def test_all_that_a_server_copies_comes_along(store: Store, size: int) -> None:
    place = source(store, "in.csv", noise(size), **PLAIN, Tagging=TAGS)
    airscoop.copy(
        place,
        store.uri("server.csv"),
        source_s3=store.settings(),
        destination_s3=store.settings(),
    )
    receipt = streamed(store, place, "out.csv")
    assert kept(store.head("out.csv")) == kept(store.head("server.csv"))
    assert kept(store.head("out.csv"))["Metadata"]["owner"] == "me"
    assert tags(store, "out.csv") == tags(store, "in.csv") == TAG_SET
    assert receipt.metadata_lost == []
    assert "not taken along" not in receipt.summary()


def test_two_sets_of_credentials_are_no_hindrance(store: Store) -> None:
    place = source(store, "in.csv", b"a,b\n", **PLAIN, Tagging=TAGS)
    receipt = streamed(
        store,
        place,
        "out.csv",
        server_side=True,
        destination_s3=store.settings(credentials=NEXT_OWNER),
    )
    assert kept(store.head("out.csv")) == kept(store.head("in.csv"))
    assert tags(store, "out.csv") == TAG_SET
    assert receipt.metadata_lost == []


def test_an_object_inside_a_prefix_brings_its_own(store: Store) -> None:
    source(store, "in/a.csv", b"a\n", **PLAIN, Tagging=TAGS)
    source(store, "in/b.csv", b"b\n", ContentType="text/plain", Metadata={"b": "2"})
    airscoop.copy_prefix(
        store.uri("in/"),
        store.uri("out/"),
        server_side=False,
        source_s3=store.settings(),
        destination_s3=store.settings(),
    )
    assert kept(store.head("out/a.csv")) == kept(store.head("in/a.csv"))
    assert kept(store.head("out/b.csv")) == kept(store.head("in/b.csv"))
    assert tags(store, "out/a.csv") == TAG_SET and tags(store, "out/b.csv") == []


@pytest.mark.parametrize("name", ["out.csv", "out.csv.gz"])
def test_a_split_output_says_that_it_takes_nothing_along(store: Store, name: str) -> None:
    place = source(store, "in.csv", b"a,b\n", **PLAIN, Tagging=TAGS)
    receipt = streamed(store, place, name, split_bytes=5 * MIB)
    (lost,) = receipt.metadata_lost
    what, _, why = lost.partition(": ")
    named = {"tags", "Cache-Control", "Content-Disposition", "Content-Language", "Expires"}
    typed = set() if name.endswith(".gz") else {"Content-Type"}
    assert set(what.split(", ")) == named | {"metadata"} | typed
    assert "object_options" in why and f"not taken along: {lost}" in receipt.summary()
    given = ObjectOptions(
        content_type="text/csv",
        cache_control="private",
        content_disposition="inline",
        content_language="",
        expires="",
        tags={"a": "b"},
        metadata={"a": "b"},
    )
    receipt = streamed(store, place, name, split_bytes=5 * MIB, object_options=given)
    assert receipt.metadata_lost == []
    first = name.replace("out", "out-00000")
    assert store.head(first)["CacheControl"] == "private"
    assert store.head(first)["Metadata"]["a"] == "b"


def test_a_split_output_of_a_bare_object_loses_nothing(store: Store, tmp_path: Any) -> None:
    place = source(store, "in", b"a,b\n", ContentType="binary/octet-stream")
    assert streamed(store, place, "out", split_bytes=5 * MIB).metadata_lost == []
    place = source(store, "in.csv", b"a,b\n", **PLAIN, Tagging=TAGS)
    options: dict[str, Any] = {"split_bytes": 5 * MIB, "source_s3": store.settings()}
    assert airscoop.copy(place, tmp_path / "out.csv", **options).metadata_lost == []


def test_a_prefix_tells_how_many_lost_metadata(store: Store) -> None:
    for number in range(7):
        source(store, f"in/{number}.csv", b"a\n", Tagging=TAGS)
    source(store, "in/bare.csv", b"b\n")
    with fault_proxy(store.endpoint) as proxy:
        proxy.on("get", tagging, times=100)
        receipt = airscoop.copy_prefix(
            store.uri("in/"),
            store.uri("out/"),
            server_side=False,
            source_s3=dataclasses.replace(store, endpoint=proxy.url).settings(),
            destination_s3=store.settings(),
        )
    assert receipt.failed == 0 and receipt.copied == 8
    lost = [copy for copy in receipt.copies if copy.metadata_lost]
    assert receipt.metadata_lost == len(lost) >= 7
    assert len(receipt.metadata_lost_examples) == 5
    assert all("GetObjectTagging" in example for example in receipt.metadata_lost_examples)
    assert f", {len(lost)} without all of their metadata (s3://" in receipt.summary()


def test_inflated_bytes_lose_their_encoding_and_no_more(store: Store) -> None:
    given = PLAIN | {"ContentEncoding": "gzip"}
    place = source(store, "in.csv.gz", gzipped(b"a,b\n" * 9), **given, Tagging=TAGS)
    receipt = streamed(store, place, "out.csv", compression="none")
    facts = kept(store.head("out.csv"))
    assert store.get("out.csv") == b"a,b\n" * 9
    assert facts == kept(store.head("in.csv.gz")) | {"ContentEncoding": None}
    assert receipt.metadata_lost == []


def test_kept_gzip_data_keep_their_encoding(store: Store) -> None:
    place = source(store, "in.csv.gz", gzipped(b"a\n"), **PLAIN, ContentEncoding="gzip")
    streamed(store, place, "out.csv.gz")
    assert kept(store.head("out.csv.gz")) == kept(store.head("in.csv.gz"))


def test_the_outermost_encoding_alone_is_taken_off(store: Store) -> None:
    place = source(store, "in.csv.gz", gzipped(b"a\n"), ContentEncoding="br, gzip")
    streamed(store, place, "out.csv", compression="none")
    assert store.head("out.csv")["ContentEncoding"] == "br"


def test_inflated_bytes_are_no_gzip_files_by_type_or_name(store: Store) -> None:
    place = source(
        store,
        "in.csv.gz",
        gzipped(b"a\n"),
        ContentType="application/x-gzip",
        ContentDisposition='attachment; filename="in.csv.gz"',
        CacheControl="private",
    )
    receipt = streamed(store, place, "out.csv", compression="none")
    facts = store.head("out.csv")
    assert "gzip" not in facts["ContentType"]
    assert "ContentDisposition" not in facts and facts["CacheControl"] == "private"
    assert len(receipt.metadata_lost) == 1 and "Content-Disposition" in receipt.metadata_lost[0]
    assert "not taken along: Content-Disposition" in receipt.summary()


def test_packed_bytes_are_gzip_files_by_type(store: Store) -> None:
    place = source(store, "in.csv", b"a\n", **PLAIN, Tagging=TAGS)
    streamed(store, place, "out.csv.gz", compression="gzip")
    facts = kept(store.head("out.csv.gz"))
    assert gzip.decompress(store.get("out.csv.gz")) == b"a\n"
    assert facts == kept(store.head("in.csv")) | {"ContentType": "application/gzip"}
    assert tags(store, "out.csv.gz") == TAG_SET


def test_a_format_has_its_own_type(store: Store) -> None:
    given = PLAIN | {"ContentType": "application/json", "ContentEncoding": "gzip"}
    place = source(store, "in.json.gz", gzipped(lines(3)), **given, Tagging=TAGS)
    receipt = streamed(store, place, "out.jsonl", format="jsonl", server_side=True)
    changed = {"ContentType": "application/x-ndjson", "ContentEncoding": None}
    assert kept(store.head("out.jsonl")) == kept(store.head("in.json.gz")) | changed
    assert tags(store, "out.jsonl") == TAG_SET
    assert receipt.metadata_lost == []


def test_what_the_caller_gives_wins(store: Store) -> None:
    place = source(store, "in.csv", b"a\n", **PLAIN, Tagging=TAGS)
    given = ObjectOptions(content_type="text/x-mine", metadata={"mine": "1"}, tags={"t": "1"})
    streamed(store, place, "out.csv", object_options=given)
    facts = store.head("out.csv")
    assert facts["ContentType"] == "text/x-mine" and facts["Metadata"] == {"mine": "1"}
    assert facts["CacheControl"] == PLAIN["CacheControl"]
    assert tags(store, "out.csv") == [{"Key": "t", "Value": "1"}]


def tagging(handler: Any, request: Any) -> None:
    """Refuses what asks for tags, and passes the rest on."""
    if "tagging" in request.query:
        error("AccessDenied", 403)(handler, request)
    else:
        status, headers, body = handler.forward(request)
        handler.answer(status, body, headers)


def test_tags_that_cannot_be_read_are_said(store: Store) -> None:
    place = source(store, "in.csv", b"a\n", **PLAIN, Tagging=TAGS)
    with fault_proxy(store.endpoint) as proxy:
        proxy.on("get", tagging, times=2)
        through = dataclasses.replace(store, endpoint=proxy.url)
        receipt = streamed(through, place, "out.csv")
    assert receipt.metadata_lost == ["tags: they cannot be read (s3:GetObjectTagging, HTTP 403)"]
    assert "not taken along: tags" in receipt.summary()
    assert store.head("out.csv")["Metadata"]["owner"] == "me"
    assert tags(store, "out.csv") == []


@pytest.mark.parametrize("size", [10, 9 * MIB], ids=["one PUT", "parts"])
def test_tags_that_cannot_be_written_are_said(store: Store, size: int) -> None:
    place = source(store, "in.csv", noise(size), **PLAIN, Tagging=TAGS)

    with fault_proxy(store.endpoint) as proxy:
        proxy.on("put|create", error("AccessDenied", 403))
        through = dataclasses.replace(store, endpoint=proxy.url)
        receipt = streamed(through, place, "out.csv")
        first, second = proxy.requests("put") or proxy.requests("create")
    assert first.headers["x-amz-tagging"] == TAGS and "x-amz-tagging" not in second.headers
    assert receipt.metadata_lost == ["tags: the destination does not take them (HTTP 403)"]
    assert store.head("out.csv")["Metadata"]["owner"] == "me"
    assert tags(store, "out.csv") == []
    assert store.uploads() == []


@pytest.mark.parametrize("size", [10, 9 * MIB], ids=["one PUT", "parts"])
def test_metadata_that_are_too_much_for_the_destination_are_said(store: Store, size: int) -> None:
    many = {f"entry-{number:02d}": "x" * 100 for number in range(40)}  # S3's own limit is 2 KB
    place = source(store, "in.csv", noise(size), Metadata=many, CacheControl="private")
    receipt = streamed(store, place, "out.csv")
    assert store.head("out.csv")["Metadata"] == many and receipt.metadata_lost == []

    with fault_proxy(store.endpoint) as proxy:
        proxy.on("put|create", error("MetadataTooLarge", 400))
        receipt = streamed(dataclasses.replace(store, endpoint=proxy.url), place, "small.csv")
    assert receipt.metadata_lost == ["metadata: the destination does not take them (HTTP 400)"]
    assert store.head("small.csv")["Metadata"] == {}
    assert store.head("small.csv")["CacheControl"] == "private"


def test_a_file_needs_no_tags(store: Store, tmp_path: Any) -> None:
    place = source(store, "in.csv", b"a\n", **PLAIN, Tagging=TAGS)
    with fault_proxy(store.endpoint) as proxy:
        settings = dataclasses.replace(store, endpoint=proxy.url).settings()
        receipt = airscoop.copy(place, tmp_path / "out.csv", source_s3=settings)
        assert proxy.kinds() == ["get"]
    assert receipt.metadata_lost == []


@pytest.mark.parametrize(
    "value", ["=?UTF-8?B?w4RNw4RaIFMz?=", "=?ISO-8859-1?Q?a=E4b?=", "a,  b", '"quoted"; x=1']
)
def test_values_come_along_as_they_are(store: Store, value: str) -> None:
    place = source(store, "in.csv", b"a\n", Metadata={"note": value})
    streamed(store, place, "out.csv")
    assert store.head("out.csv")["Metadata"] == store.head("in.csv")["Metadata"]


def test_a_resumed_upload_has_the_metadata_of_its_source(store: Store, tmp_path: Any) -> None:
    place = source(store, "in.csv", noise(20 * MIB), **PLAIN, Tagging=TAGS)
    kept_in = FileResumeStore(tmp_path / "resume.json")
    with fault_proxy(store.endpoint) as proxy:
        proxy.on("part", error("SlowDown", 503), times=50, skip=1)
        with pytest.raises(airscoop.errors.AirscoopError):
            streamed(
                dataclasses.replace(store, endpoint=proxy.url), place, "out.csv", resume=kept_in
            )
    receipt = streamed(store, place, "out.csv", resume=kept_in)
    assert receipt.resumed is not None
    assert store.get("out.csv") == noise(20 * MIB)
    assert kept(store.head("out.csv")) == kept(store.head("in.csv"))
    assert tags(store, "out.csv") == TAG_SET


@pytest.fixture
def moto_store(moto_server: MotoServer) -> Store:
    client = moto_server.client("s3")
    client.create_bucket(Bucket=BUCKET)
    return Store(moto_server.endpoint, uuid.uuid4().hex[:12], client)


def test_another_server_is_no_hindrance(store: Store, moto_store: Store) -> None:
    keys = airscoop.Credentials(access_key_id=ACCESS_KEY_ID, secret_access_key=SECRET_ACCESS_KEY)
    there = moto_store.settings(credentials=keys)
    place = source(store, "in.csv", b"a\n", **PLAIN, Tagging=TAGS)
    receipt = airscoop.copy(
        place, moto_store.uri("in.csv"), source_s3=store.settings(), destination_s3=there
    )
    assert receipt.metadata_lost == []
    assert tags(moto_store, "in.csv") == TAG_SET
    airscoop.copy(
        moto_store.uri("in.csv"),
        store.uri("back.csv"),
        source_s3=there,
        destination_s3=store.settings(),
    )
    assert kept(store.head("back.csv")) == kept(store.head("in.csv"))
    assert tags(store, "back.csv") == TAG_SET
