"""Open multipart uploads: shown, cleaned, and nothing else touched."""

from __future__ import annotations

import json
import subprocess
import time
from datetime import UTC, datetime, timedelta

import pytest

from airscoop import errors, uploads
from airscoop.transfer.leftover_uploads import OpenUpload
from support.fault_server import FaultProxy, Request, fault_proxy, lose_answer, plain
from support.s3 import AIRSCOOP, BUCKET, MIB, READER, Store, begin

NONE = timedelta(0)


def prefix(store: Store) -> str:
    return store.uri("")


def run(store: Store, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*AIRSCOOP, "uploads", *arguments], env=store.environment(), capture_output=True, text=True
    )


def test_open_uploads_are_listed_with_their_ages(store: Store) -> None:
    ids = {begin(store, "a b+ü"), begin(store, "a b+ü"), begin(store, "c/d")}
    store.put("finished", b"x")
    found = list(uploads.list_uploads(prefix(store), s3=store.settings()))
    assert {one.upload_id for one in found} == ids
    assert sorted(one.uri for one in found) == sorted(
        [store.uri("a b+ü"), store.uri("a b+ü"), store.uri("c/d")]
    )
    for one in found:
        assert one.initiated is not None
        assert abs(datetime.now(UTC) - one.initiated) < timedelta(minutes=5)
    assert (
        list(
            uploads.list_uploads(prefix(store), older_than=timedelta(hours=1), s3=store.settings())
        )
        == []
    )


def test_parts_are_listed_by_number(store: Store) -> None:
    upload = OpenUpload(
        bucket=BUCKET, key=store.key("f"), upload_id=begin(store, "f", b"x" * 5 * MIB, b"y")
    )
    parts = uploads.list_parts(upload, s3=store.settings())
    assert [(part.number, part.size) for part in parts] == [(1, 5 * MIB), (2, 1)]
    uploads.abort(upload, s3=store.settings())
    with pytest.raises(errors.NotFound):
        uploads.list_parts(upload, s3=store.settings())
    uploads.abort(upload, s3=store.settings())


def test_clean_aborts_what_is_old_below_the_prefix_only(store: Store) -> None:
    begin(store, "in/a", b"x" * 5 * MIB)
    begin(store, "in/b")
    begin(store, "out")
    receipt = uploads.clean(store.uri("in/"), older_than=timedelta(hours=1), s3=store.settings())
    assert (receipt.found, receipt.aborted) == (0, 0)
    time.sleep(1.1)  # the server tells whole seconds
    receipt = uploads.clean(store.uri("in/"), older_than=NONE, s3=store.settings())
    assert (receipt.found, receipt.aborted) == (2, 2)
    assert store.uploads() == [store.key("out")]


def test_the_command_shows_first_and_cleans_when_told(store: Store) -> None:
    upload = begin(store, "f")
    time.sleep(1.1)
    shown = run(store, "list", prefix(store))
    assert shown.returncode == 0 and upload in shown.stdout and store.uri("f") in shown.stdout
    unsure = run(store, "clean", prefix(store), "--older-than", "1s")
    assert unsure.returncode == 2 and "--yes" in unsure.stderr
    dry = run(store, "clean", prefix(store), "--older-than", "1s", "--dry-run", "--json")
    assert json.loads(dry.stdout)["found"] == 1
    young = run(store, "clean", prefix(store), "--yes", "--json")
    assert json.loads(young.stdout)["aborted"] == 0
    assert store.uploads() == [store.key("f")]
    done = run(store, "clean", prefix(store), "--older-than", "1s", "--yes", "--json")
    assert json.loads(done.stdout)["aborted"] == 1
    assert store.uploads() == []


def test_without_the_right_to_abort_nothing_is_gone_and_it_says_so(store: Store) -> None:
    begin(store, "f")
    time.sleep(1.1)
    with pytest.raises(errors.AccessDenied, match="AbortMultipartUpload"):
        uploads.clean(prefix(store), older_than=NONE, s3=store.settings(credentials=READER))
    assert store.uploads() == [store.key("f")]


def test_an_abort_whose_answer_is_lost_is_sent_again(store: Store) -> None:
    upload = OpenUpload(bucket=BUCKET, key=store.key("f"), upload_id=begin(store, "f"))
    with fault_proxy(store.endpoint) as proxy:
        proxy.on("abort", lose_answer)
        uploads.abort(upload, s3=store.settings(endpoint_url=proxy.url))
    assert store.uploads() == []


PAGE = (
    "<ListPartsResult><IsTruncated>{more}</IsTruncated><NextPartNumberMarker>{last}"
    "</NextPartNumberMarker><Part><PartNumber>{last}</PartNumber><ETag>e</ETag><Size>1</Size>"
    "</Part></ListPartsResult>"
)


def answer(proxy: FaultProxy, kind: str, *pages: str) -> list[Request]:
    for page in pages:
        proxy.on(kind, plain(200, page.encode()))
    return proxy.server.requests


def test_parts_are_read_page_by_page(store: Store) -> None:
    upload = OpenUpload(bucket=BUCKET, key="k", upload_id="u")
    with fault_proxy(store.endpoint) as proxy:
        asked = answer(
            proxy, "parts", PAGE.format(more="true", last=7), PAGE.format(more="false", last=9)
        )
        found = uploads.list_parts(upload, s3=store.settings(endpoint_url=proxy.url))
        assert [part.number for part in found] == [7, 9]
        assert "part-number-marker=7" in asked[1].query
        answer(proxy, "parts", *[PAGE.format(more="true", last=7)] * 2)
        with pytest.raises(errors.ProtocolError, match="does not go on"):
            uploads.list_parts(upload, s3=store.settings(endpoint_url=proxy.url))


def test_uploads_are_read_page_by_page(store: Store) -> None:
    first, last = (
        f"<ListMultipartUploadsResult><EncodingType>url</EncodingType><IsTruncated>{more}"
        f"</IsTruncated><NextKeyMarker>a%2Bb</NextKeyMarker><NextUploadIdMarker>u1"
        f"</NextUploadIdMarker><Upload><Key>a%2Bb</Key><UploadId>{upload}</UploadId></Upload>"
        "</ListMultipartUploadsResult>"
        for more, upload in (("true", "u1"), ("false", "u2"))
    )
    with fault_proxy(store.endpoint) as proxy:
        settings = store.settings(endpoint_url=proxy.url)
        asked = answer(proxy, "list", first, last)
        found = list(uploads.list_uploads("s3://bucket/a", s3=settings))
        assert [(one.key, one.upload_id, one.initiated) for one in found] == [
            ("a+b", "u1", None),
            ("a+b", "u2", None),
        ]
        assert "key-marker=a%2Bb" in asked[1].query
        assert "upload-id-marker=u1" in asked[1].query
        answer(proxy, "list", last)
        assert list(uploads.list_uploads("s3://bucket/a", older_than=NONE, s3=settings)) == []
