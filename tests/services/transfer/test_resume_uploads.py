"""A copy that was cut off goes on in the next try: only what is missing is read and sent."""

from __future__ import annotations

import gc
import json
import logging
import re
import threading
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import CopyReceipt, errors
from airscoop.transfer.job import TransferJob
from airscoop.transfer.options import TransferOptions
from airscoop.transfer.resume import FileResumeStore
from support.fault_server import Fault, FaultProxy, Request, error, origin
from support.ranges import part as web_part
from support.ranges import starts
from support.s3 import BUCKET, MIB, PART_BYTES, Store, gzipped, json_lines, noise
from support.waiting import eventually

PARTS = 6
BODY = noise((PARTS - 1) * PART_BYTES + MIB)


@pytest.fixture
def state(tmp_path: Path) -> FileResumeStore:
    return FileResumeStore(tmp_path / "state" / "copy.json")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(BODY)
    return path


def failing_after(count: int) -> Fault:
    """Passes `count` requests on; the others get an answer that is worth another try."""
    left = threading.Semaphore(count)
    refuse = error("InternalError", 500)

    def act(handler: Any, request: Request) -> None:
        if left.acquire(blocking=False):
            code, headers, body = handler.forward(request)
            handler.answer(code, body, headers)
        else:
            refuse(handler, request)

    return act


def forget(proxy: FaultProxy) -> None:
    """Ends the faults, once what the client has left has been dealt with."""
    gc.collect()
    assert eventually(proxy.server.is_idle)
    proxy.server.rules.clear()
    proxy.server.requests.clear()


def cut_off(
    source: Any,
    store: Store,
    proxy: FaultProxy,
    state: FileResumeStore,
    *,
    parts: int = 3,
    **more: Any,
) -> dict[str, Any]:
    """A first try that fails after some parts; what it stored."""
    proxy.on("part", failing_after(parts), times=100_000)
    with pytest.raises(errors.AirscoopError) as caught:
        go_on(source, store, proxy, state, **more)
    assert caught.value.retryable
    del caught  # its frames keep the transfer, and so connections
    forget(proxy)
    assert store.names() == []
    assert len(store.uploads()) == 1
    stored = state.load()
    assert stored is not None
    return stored


def go_on(
    source: Any, store: Store, proxy: FaultProxy, state: FileResumeStore, **more: Any
) -> CopyReceipt:
    to = store.settings(endpoint_url=proxy.url)
    name = more.pop("name", "f")
    return airscoop.copy(source, store.uri(name), destination_s3=to, resume=state, **more)


def sent(proxy: FaultProxy) -> list[int]:
    """The numbers of the parts that were sent."""
    queries = (request.query for request in proxy.requests("part"))
    numbers = (query.partition("partNumber=")[2].partition("&")[0] for query in queries)
    return sorted({int(number) for number in numbers})


def assert_done(store: Store, state: FileResumeStore, body: bytes, name: str = "f") -> None:
    assert store.get(name) == body
    assert store.uploads() == []
    assert not state.path.exists()


def listed_numbers(store: Store, stored: dict[str, Any]) -> list[int]:
    answer = store.client.list_parts(
        Bucket=BUCKET, Key=store.key("f"), UploadId=stored["upload_id"]
    )
    return [part["PartNumber"] for part in answer.get("Parts", [])]


def test_a_raw_file_is_read_on_from_where_the_proven_parts_end(
    store: Store, proxy: FaultProxy, state: FileResumeStore, source: Path
) -> None:
    stored = cut_off(source, store, proxy, state)
    there = listed_numbers(store, stored)
    assert stored["mark"]["parts"] >= 1
    receipt = go_on(source, store, proxy, state)
    assert receipt.resumed == "bytes"
    assert sent(proxy) == sorted(set(range(1, PARTS + 1)) - set(there))
    assert receipt.resumed_bytes == len(there) * PART_BYTES
    assert receipt.source_bytes == receipt.destination_bytes == len(BODY)
    assert proxy.requests("create") == []
    assert_done(store, state, BODY)


def test_without_proof_a_raw_file_is_read_again_and_compared(
    store: Store, proxy: FaultProxy, state: FileResumeStore, source: Path
) -> None:
    stored = cut_off(source, store, proxy, state)
    there = listed_numbers(store, stored)
    state.save(stored | {"mark": None})
    receipt = go_on(source, store, proxy, state)
    assert receipt.resumed == "parts"
    assert sent(proxy) == sorted(set(range(1, PARTS + 1)) - set(there))
    assert receipt.resumed_bytes == len(there) * PART_BYTES
    assert_done(store, state, BODY)


def test_a_web_source_is_asked_for_the_rest_only(
    store: Store, proxy: FaultProxy, state: FileResumeStore
) -> None:
    with origin() as web:
        url = web.serve("/f", web_part(BODY))
        stored = cut_off(f"{url}?sig=first", store, proxy, state)
        receipt = go_on(f"{url}?sig=second", store, proxy, state)
        assert starts(web) == [0, stored["mark"]["bytes"]]
    assert (receipt.resumed, receipt.source_etag) == ("bytes", '"one"')
    assert "sig=" not in json.dumps(stored)
    assert_done(store, state, BODY)


def test_an_object_is_asked_for_the_rest_of_the_same_version(
    store: Store, proxy: FaultProxy, state: FileResumeStore
) -> None:
    source = store.put("source", BODY)
    settings = store.settings(endpoint_url=proxy.url)
    options = {"source_s3": settings, "name": "out/f", "server_side": False}
    proxy.on("part", failing_after(3), times=100_000)
    with pytest.raises(errors.AirscoopError):
        go_on(source, store, proxy, state, **options)
    forget(proxy)
    receipt = go_on(source, store, proxy, state, **options)
    assert receipt.resumed == "bytes"
    (request,) = (found for found in proxy.requests("get") if "Range" in found.headers)
    assert request.headers["Range"].startswith("bytes=")
    assert request.headers["If-Match"] == receipt.source_etag
    assert_done(store, state, BODY, "out/f")


def test_a_web_server_that_stopped_answering_in_ranges_is_read_from_the_start(
    store: Store, proxy: FaultProxy, state: FileResumeStore
) -> None:
    with origin() as web:
        cut_off(web.serve("/f", web_part(BODY)), store, proxy, state)
        receipt = go_on(web.serve("/f", web_part(BODY, ranges=False)), store, proxy, state)
    assert (receipt.resumed, receipt.resumed_bytes) == ("restarted", 0)
    assert_done(store, state, BODY)


def test_passed_on_gzip_lines_are_checked_again_and_only_missing_parts_are_sent(
    store: Store, proxy: FaultProxy, state: FileResumeStore, tmp_path: Path
) -> None:
    text = json_lines(500_000)
    body = gzipped(text, level=0)
    source = tmp_path / "lines.gz"
    source.write_bytes(body)
    stored = cut_off(source, store, proxy, state, name="f.gz", format="jsonl", parts=2)
    assert stored["resumable"] and not stored["seekable"]
    receipt = go_on(source, store, proxy, state, name="f.gz", format="jsonl")
    assert (receipt.resumed, receipt.unchanged) == ("parts", True)
    assert receipt.records_in == receipt.records_out == 500_000
    assert 0 < receipt.resumed_bytes <= 2 * PART_BYTES
    assert len(sent(proxy)) == receipt.parts - receipt.resumed_bytes // PART_BYTES
    assert_done(store, state, body, "f.gz")


def test_a_transform_starts_again_and_ends_the_upload_before(
    store: Store, proxy: FaultProxy, state: FileResumeStore, tmp_path: Path
) -> None:
    source = tmp_path / "lines"
    source.write_bytes(json_lines(400_000))
    with pytest.raises(errors.AirscoopError):
        proxy.on("part", failing_after(1), times=100_000)
        go_on(source, store, proxy, state, format="jsonl")
    assert store.uploads() == []
    proxy.server.rules.clear()
    receipt = go_on(source, store, proxy, state, format="jsonl")
    assert (receipt.resumed, receipt.resumed_bytes) == ("restarted", 0)
    assert_done(store, state, source.read_bytes())


def test_a_changed_file_starts_again(
    store: Store, proxy: FaultProxy, state: FileResumeStore, source: Path
) -> None:
    stored = cut_off(source, store, proxy, state)
    other = noise(len(BODY), seed=2)
    source.write_bytes(other)
    receipt = go_on(source, store, proxy, state)
    assert (receipt.resumed, receipt.resumed_bytes) == ("restarted", 0)
    assert sent(proxy) == list(range(1, PARTS + 1))
    with pytest.raises(store.client.exceptions.ClientError):
        listed_numbers(store, stored)
    assert_done(store, state, other)


def test_a_changed_web_source_starts_again(
    store: Store, proxy: FaultProxy, state: FileResumeStore
) -> None:
    other = noise(len(BODY), seed=2)
    with origin() as web:
        cut_off(web.serve("/f", web_part(BODY)), store, proxy, state)
        receipt = go_on(web.serve("/f", web_part(other, etag='"two"')), store, proxy, state)
    assert receipt.resumed == "restarted"
    assert_done(store, state, other)


def test_an_upload_that_is_gone_starts_again(
    store: Store, proxy: FaultProxy, state: FileResumeStore, source: Path
) -> None:
    stored = cut_off(source, store, proxy, state)
    store.client.abort_multipart_upload(
        Bucket=BUCKET, Key=store.key("f"), UploadId=stored["upload_id"]
    )
    receipt = go_on(source, store, proxy, state)
    assert receipt.resumed == "restarted"
    assert_done(store, state, BODY)


def test_an_upload_that_goes_while_it_is_taken_up_starts_again(
    store: Store, proxy: FaultProxy, state: FileResumeStore, source: Path
) -> None:
    cut_off(source, store, proxy, state)
    proxy.on("part", error("NoSuchUpload", 404))
    receipt = go_on(source, store, proxy, state)
    assert receipt.resumed == "restarted"
    assert_done(store, state, BODY)


@pytest.mark.parametrize(
    "change", [{"checksum": "crc64nvme"}, {"memory_limit": 64 * MIB}, {"name": "g"}]
)
def test_other_options_start_again_and_end_the_upload_before(
    store: Store, proxy: FaultProxy, state: FileResumeStore, source: Path, change: dict[str, Any]
) -> None:
    cut_off(source, store, proxy, state)
    receipt = go_on(source, store, proxy, state, **change)
    assert receipt.resumed == "restarted"
    assert_done(store, state, BODY, change.get("name", "f"))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"upload_id": 7}', "\x00\xff"])
def test_a_damaged_state_is_told_and_starts_again(
    store: Store,
    proxy: FaultProxy,
    state: FileResumeStore,
    source: Path,
    caplog: pytest.LogCaptureFixture,
    text: str,
) -> None:
    state.path.parent.mkdir()
    state.path.write_text(text)
    with caplog.at_level(logging.WARNING):
        receipt = go_on(source, store, proxy, state)
    assert f"{state.path}: the state of an earlier try cannot be read" in caplog.text
    assert receipt.resumed == "restarted"
    assert_done(store, state, BODY)


def test_a_part_that_someone_overwrote_is_sent_again(
    store: Store, proxy: FaultProxy, state: FileResumeStore, source: Path
) -> None:
    stored = cut_off(source, store, proxy, state)
    there = listed_numbers(store, stored)
    store.client.upload_part(
        Bucket=BUCKET,
        Key=store.key("f"),
        UploadId=stored["upload_id"],
        PartNumber=1,
        Body=noise(PART_BYTES, seed=9),
    )
    receipt = go_on(source, store, proxy, state)
    assert receipt.resumed == "parts"
    assert sent(proxy) == sorted({1} | set(range(1, PARTS + 1)) - set(there))
    assert_done(store, state, BODY)


def test_a_part_that_is_listed_with_other_contents_is_sent_again(
    store: Store, proxy: FaultProxy, state: FileResumeStore, source: Path
) -> None:
    """As above on servers that, unlike SeaweedFS, list an overwritten part once."""
    stored = cut_off(source, store, proxy, state)
    there = listed_numbers(store, stored)

    def overwritten(handler: Any, request: Request) -> None:
        code, headers, body = handler.forward(request)
        body = re.sub(rb"(?<=&#34;)[0-9a-f]{32}", b"0" * 32, body, count=1)
        handler.answer(code, body, headers)

    proxy.on("parts", overwritten)
    receipt = go_on(source, store, proxy, state)
    assert receipt.resumed == "parts"
    assert sent(proxy) == sorted({min(there)} | set(range(1, PARTS + 1)) - set(there))
    assert_done(store, state, BODY)


def test_two_that_go_on_with_one_upload_leave_one_right_object(
    store: Store, proxy: FaultProxy, state: FileResumeStore, source: Path
) -> None:
    stored = cut_off(source, store, proxy, state)
    receipts: list[CopyReceipt] = []

    def run(path: Path) -> None:
        own = FileResumeStore(path)
        own.save(stored)
        receipts.append(go_on(source, store, proxy, own))

    threads = [
        threading.Thread(target=run, args=(state.path.with_name(f"{n}.json"),)) for n in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(receipts) == 2
    assert store.get("f") == BODY
    assert store.uploads() == []


def test_a_failure_for_good_ends_the_upload_and_forgets_it(
    store: Store, proxy: FaultProxy, state: FileResumeStore, source: Path
) -> None:
    cut_off(source, store, proxy, state)
    source.unlink()
    with pytest.raises(errors.NotFound):
        go_on(source, store, proxy, state)
    assert not state.path.exists()
    store.assert_untouched()


def test_a_refused_part_ends_the_upload_and_forgets_it(
    store: Store, proxy: FaultProxy, state: FileResumeStore, source: Path
) -> None:
    cut_off(source, store, proxy, state)
    proxy.on("part", error("AccessDenied", 403), times=100)
    with pytest.raises(errors.AccessDenied):
        go_on(source, store, proxy, state)
    assert not state.path.exists()
    store.assert_untouched()


def test_the_last_try_leaves_nothing(
    store: Store, proxy: FaultProxy, state: FileResumeStore, source: Path
) -> None:
    cut_off(source, store, proxy, state)
    proxy.on("part", error("InternalError", 500), times=100)
    options = TransferOptions(
        source=str(source),
        destination=store.uri("f"),
        destination_s3=store.settings(endpoint_url=proxy.url),
    )
    with pytest.raises(errors.AirscoopError) as caught:
        TransferJob(options, resume=state, last_try=True).run()
    assert caught.value.retryable
    assert not state.path.exists()
    store.assert_untouched()


def test_a_source_that_is_away_for_a_while_keeps_the_upload(
    store: Store, proxy: FaultProxy, state: FileResumeStore
) -> None:
    with origin() as web:
        url = web.serve("/f", web_part(BODY))
        stored = cut_off(url, store, proxy, state)
        web.serve("/f", web_part(BODY, cut=0))
        with pytest.raises(errors.AirscoopError):
            go_on(url, store, proxy, state)
        assert state.load() == stored
        web.serve("/f", web_part(BODY))
        assert go_on(url, store, proxy, state).resumed == "bytes"
    assert_done(store, state, BODY)


def test_where_nothing_proves_that_the_source_is_the_same_nothing_is_left(
    store: Store, proxy: FaultProxy, state: FileResumeStore
) -> None:
    with origin() as web:
        url = web.serve("/f", web_part(BODY, validator="Server: none"))
        proxy.on("part", failing_after(2), times=100_000)
        with pytest.raises(errors.AirscoopError):
            go_on(url, store, proxy, state)
    store.assert_untouched()


def test_a_store_that_cannot_save_costs_the_resume_not_the_copy(
    store: Store,
    proxy: FaultProxy,
    source: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "file").write_text("no folder")
    state = FileResumeStore(tmp_path / "file" / "state.json")
    proxy.on("part", failing_after(2), times=100_000)
    with pytest.raises(errors.AirscoopError):
        go_on(source, store, proxy, state)
    assert "cannot be noted for a later try" in caplog.text
    store.assert_untouched()
    proxy.server.rules.clear()
    assert go_on(source, store, proxy, state).resumed is None
    assert store.get("f") == BODY


def test_the_state_is_small_private_and_without_secrets(
    store: Store, proxy: FaultProxy, state: FileResumeStore, source: Path
) -> None:
    cut_off(source, store, proxy, state)
    text = state.path.read_text()
    assert len(text) < 4096
    assert state.path.stat().st_mode & 0o077 == 0
    assert [path.name for path in state.path.parent.iterdir()] == ["copy.json"]
    credentials = store.settings().credentials
    assert credentials is not None
    assert credentials.secret_access_key not in text
    assert credentials.access_key_id not in text


def with_checksums(proxy: FaultProxy, sums: dict[str, str]) -> None:
    """Has the server list the parts' checksums, as AWS and MinIO do."""

    def act(handler: Any, request: Request) -> None:
        code, headers, body = handler.forward(request)
        for number, value in sums.items():
            element = f"<ChecksumCRC32C>{value}</ChecksumCRC32C>"
            found = f"<PartNumber>{number}</PartNumber>".encode()
            body = body.replace(found, found + element.encode())
        handler.answer(code, body, headers)

    proxy.on("parts", act, times=100)


@pytest.mark.parametrize("honest", [True, False])
def test_listed_checksums_decide_which_parts_are_sent(
    store: Store, proxy: FaultProxy, state: FileResumeStore, source: Path, honest: bool
) -> None:
    sums: dict[str, str] = {}
    proxy.on("part", failing_after(3), times=100_000)
    with pytest.raises(errors.AirscoopError):
        go_on(source, store, proxy, state)
    for request in proxy.requests("part"):
        number = request.query.partition("partNumber=")[2].partition("&")[0]
        sums[number] = request.headers["x-amz-checksum-crc32c"] if honest else "AAAAAA=="
    forget(proxy)
    stored = state.load()
    assert stored is not None
    there = listed_numbers(store, stored)
    state.save(stored | {"mark": None})
    with_checksums(proxy, sums)
    receipt = go_on(source, store, proxy, state)
    missing = set(range(1, PARTS + 1)) - (set(there) if honest else set())
    assert (receipt.resumed, sent(proxy)) == ("parts", sorted(missing))
    assert_done(store, state, BODY)
