"""Keys with any characters: uploaded, listed, looked at and read again under the same name."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import strategies as st

import airscoop
from airscoop import storage
from support.fault_server import fault_proxy, stored
from support.properties import examples
from support.s3 import BUCKET, Store

ODD = [
    "with space", "a+b", "100%", "%2F", "a%20b", "semi;colon", "a=b&c=d", "what?", "sharp#1",
    "quo'te\"s", "(round)[square]{curly}", "*star*", "a,b:c@d!e$f", "~tilde^`",
    "ünïcödé", "日本語", "e\u0301", "\U0001f600", "<xml>&amp;", "..hidden", "dots..", "a/b/c.d",
    "downloaded_at=2026112100/name.json.gz", "-", "|pipe",
]  # fmt: skip


def check_round_trip(store: Store, name: str) -> None:
    s3 = store.settings()
    key = store.key(name)
    data = f"the data of {name}\n".encode()
    with airscoop.Upload(store.uri(name), s3=s3, compression="none") as upload:
        upload.write(data)
    assert store.client.get_object(Bucket=BUCKET, Key=key)["Body"].read() == data
    listed = [item.key for item in storage.list_objects(store.uri(""), s3=s3)]
    assert key in listed
    found = storage.head(store.uri(name), s3=s3)
    assert (found.key, found.size, found.uri) == (key, len(data), store.uri(name))
    assert b"".join(airscoop.read(store.uri(name), format="raw", s3=s3, allow_plain=True)) == data


@pytest.mark.parametrize("name", ODD)
def test_odd_keys_keep_their_names(name: str, store: Store) -> None:
    check_round_trip(store, name)


# SeaweedFS keeps objects as files: it knows no dot segments, no empty ones, no control characters,
# and takes a backslash for a slash.
SEGMENT = st.text(
    st.characters(exclude_characters="/\\", exclude_categories=["Cs", "Cc"]),
    min_size=1,
    max_size=12,
).filter(lambda text: text not in (".", ".."))


@examples(40, HealthCheck.function_scoped_fixture)
@given(st.lists(SEGMENT, min_size=1, max_size=3))
@example(["+ %", ";=&", "é?#"])
def test_any_key_keeps_its_name(s3_server: Store, segments: list[str]) -> None:
    prefix = uuid.uuid4().hex[:12]
    check_round_trip(Store(s3_server.endpoint, prefix, s3_server.client), "/".join(segments))


@pytest.mark.parametrize("name", ["a/../b", "./a", "a/./b", "../up", "a//b"])
def test_dots_and_empty_segments_are_sent_as_they_are(name: str, store: Store) -> None:
    with fault_proxy(store.endpoint) as proxy:
        proxy.on("put", stored)
        s3 = store.settings(endpoint_url=proxy.url)
        with airscoop.Upload(store.uri(name), s3=s3) as upload:
            upload.write(b"x")
        assert proxy.requests("put")[0].path == f"/{BUCKET}/{store.key(name)}"


def test_a_key_with_an_empty_segment_is_stored_and_read(store: Store) -> None:
    s3 = store.settings()
    with airscoop.Upload(store.uri("a//b"), s3=s3) as upload:
        upload.write(b"x")
    assert b"".join(airscoop.read(store.uri("a//b"), format="raw", s3=s3)) == b"x"


def test_listings_beyond_one_page_are_complete_and_in_order(store: Store) -> None:
    names = [f"page/{n:04d} +é" for n in range(1100)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: store.put(name, b""), names))
    s3 = store.settings()
    listed = [item.key for item in storage.list_objects(store.uri("page/"), s3=s3)]
    assert listed == [store.key(name) for name in names]


def test_a_prefix_without_objects_lists_nothing(store: Store) -> None:
    assert list(storage.list_objects(store.uri("none/"), s3=store.settings())) == []


def test_a_listing_holds_sizes_and_etags(store: Store) -> None:
    store.put("a", b"12345")
    (item,) = storage.list_objects(store.uri(""), s3=store.settings())
    assert item.size == 5
    assert item.etag == store.head("a")["ETag"]
    assert item.bucket == BUCKET
