"""What is published is the very file that was computed, and all of it."""

from __future__ import annotations

import dataclasses
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors
from airscoop.exports.lease import Lease
from airscoop.exports.steps.publish import publish_changes
from support.exports import QUICK, ROWS, Exports
from support.fault_server import FaultProxy, Request
from support.kinesis import Stream, change, lines
from support.s3 import BUCKET, Store


@pytest.fixture
def behind(exports: Exports, proxy: FaultProxy) -> Exports:
    """The same exports, reached through the proxy."""
    store = dataclasses.replace(exports.store, endpoint=proxy.url)
    return dataclasses.replace(exports, store=store)


def publish(exports: Exports, lock: Any, stream: Stream) -> Any:
    return publish_changes(
        exports.registry, lock, stream.name,
        s3=exports.store.settings(), kinesis=stream.settings(), terms=QUICK,
    )  # fmt: skip


class Replaced:
    """Another file comes between the look and the read; `ignored`: by a server without If-Match."""

    def __init__(self, exports: Exports, key: str, *, ignored: bool) -> None:
        self._client, self._place = exports.store.client, {"Bucket": BUCKET, "Key": key}
        self._ignored = ignored

    def __call__(self, handler: Any, request: Request) -> None:
        other = gzip.compress(lines([change(number) for number in range(4)]))
        etag = self._client.put_object(**self._place, Body=other)["ETag"]
        if self._ignored:
            handler.answer(200, other, {"ETag": etag})
        else:
            code, headers, body = handler.forward(request)
            handler.answer(code, body, headers)


@pytest.mark.parametrize("ignored", [False, True], ids=["", "a server without If-Match"])
def test_a_file_that_is_replaced_between_the_look_and_the_read_is_not_published(
    ignored: bool, exports: Exports, behind: Exports, proxy: FaultProxy, stream: Stream
) -> None:
    exports.put("V1", ROWS)
    exports.register()
    lock = exports.lock("V1")
    written = exports.compute(lock)
    key = written.changes.split("/", 3)[3]
    proxy.on("get", Replaced(exports, key, ignored=ignored))
    with pytest.raises(errors.SourceChanged, match="is not the file that was computed; compute it"):
        publish(behind, lock, stream)
    assert proxy.requests("get")[0].headers["If-Match"] == written.etag
    assert stream.proxy.puts() == []
    assert exports.registry.get(lock.export).state == "computed"
    assert exports.compute(lock).computed
    assert publish(behind, lock, stream).sent == len(ROWS)


@pytest.mark.parametrize("counted", [3, 5])
def test_a_file_with_another_number_of_changes_than_were_computed_is_not_called_published(
    counted: int, exports: Exports, stream: Stream
) -> None:
    exports.put("V1", ROWS)
    exports.register()
    lock = exports.lock("V1")
    exports.compute(lock)
    computed = exports.registry.get(lock.export).changes
    assert computed is not None
    with Lease.attach(exports.registry, exports.dataset, "run", lock.fence) as lease:
        other = dataclasses.replace(computed, count=counted)
        exports.registry.computed(lease, lock.export, other, {})
    with pytest.raises(errors.CountMismatch, match=rf"4 changes .* but {counted} "):
        publish(exports, lock, stream)
    assert exports.registry.get(lock.export).state == "computed"


def test_the_verb_reads_only_the_file_with_the_etag(store: Store, stream: Stream) -> None:
    text = lines([change(number) for number in range(10)])
    uri = store.put("changes.jsonl", text)
    options: dict[str, Any] = {"s3": store.settings(), "kinesis": stream.settings()}
    etag = airscoop.publish(uri, stream.name, **options).source_etag
    assert etag is not None
    assert airscoop.publish(uri, stream.name, changes_etag=etag, **options).sent == 10
    with pytest.raises(errors.SourceChanged, match=r"not the object with the ETag .x. any more"):
        airscoop.publish(uri, stream.name, changes_etag='"x"', **options)
    assert len(stream.proxy.stored) == 20
    assert {json.loads(data)["id"] for _, data in stream.proxy.stored} == {
        change(number)["id"] for number in range(10)
    }


@pytest.mark.parametrize("etag", ["", '"e"'])
def test_an_etag_is_of_an_object(etag: str, tmp_path: Path, stream: Stream) -> None:
    path = tmp_path / "changes.jsonl"
    path.write_bytes(lines([change(1)]))
    with pytest.raises(errors.UsageError, match="the ETag that is demanded is of no source in S3"):
        airscoop.publish(path, stream.name, kinesis=stream.settings(), changes_etag=etag)
