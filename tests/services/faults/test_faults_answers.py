"""Answers that are wrong, missing, doubled or another's: never a receipt that is not true."""

from __future__ import annotations

import itertools
import random
import time
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors
from support.fault_catalog import S3_FAULTS, exchanged, wrong_completion
from support.fault_server import Fault, FaultProxy, Request, error, lose_answer, plain
from support.s3 import MIB, PART_BYTES, Store, noise

SMALL, LARGE = noise(100_000), noise(3 * PART_BYTES + MIB)


def catalogued(name: str) -> Fault:
    return S3_FAULTS[name].make(random.Random(1))


def send(data: bytes, store: Store, proxy: FaultProxy, **options: Any) -> airscoop.CopyReceipt:
    settings = store.settings(endpoint_url=proxy.url)
    with airscoop.Upload(store.uri("a"), s3=settings, **options) as upload:
        upload.write(data)
    assert upload.receipt is not None
    return upload.receipt


@pytest.mark.parametrize("checksum", ["crc32c", "none"])
def test_a_put_that_won_but_whose_answers_were_all_lost_is_a_success(
    checksum: str, store: Store, proxy: FaultProxy
) -> None:
    proxy.on("put", lose_answer, times=100)
    receipt = send(SMALL, store, proxy, checksum=checksum)
    assert store.get("a") == SMALL
    assert receipt.etag == store.head("a")["ETag"]


def test_a_put_that_won_unheard_and_is_then_refused_is_a_success(
    store: Store, proxy: FaultProxy
) -> None:
    proxy.on("put", lose_answer)
    proxy.on("put", error("AccessDenied", 403))
    assert send(SMALL, store, proxy).etag == store.head("a")["ETag"]


def test_a_put_that_did_not_win_is_no_success_beside_an_older_object(
    store: Store, proxy: FaultProxy
) -> None:
    store.put("a", SMALL[:-1] + b"?")
    proxy.on("put", error("InternalError", 500), times=100)
    with pytest.raises(errors.HttpError, match="InternalError"):
        send(SMALL, store, proxy)
    assert store.get("a") == SMALL[:-1] + b"?"


@pytest.mark.parametrize("name", ["no ETag", "wrong ETag", "wrong checksum"])
def test_a_put_answered_with_what_is_not_so_is_looked_up(
    name: str, store: Store, proxy: FaultProxy
) -> None:
    proxy.on("put", catalogued(name))
    assert send(SMALL, store, proxy).etag == store.head("a")["ETag"]


@pytest.mark.parametrize("body", [b"", b"other data"], ids=["absent", "another"])
def test_a_put_answered_with_success_that_stored_nothing_is_an_error(
    body: bytes, store: Store, proxy: FaultProxy
) -> None:
    if body:
        store.put("a", body)
    proxy.on("put", plain(200))
    with pytest.raises(errors.ProtocolError, match="not what was sent"):
        send(SMALL, store, proxy)
    assert store.names() == (["a"] if body else [])


def test_a_complete_answered_with_another_etag_is_looked_up(
    store: Store, proxy: FaultProxy
) -> None:
    proxy.on("complete", wrong_completion)
    receipt = send(LARGE, store, proxy)
    assert receipt.etag == store.head("a")["ETag"]
    assert store.get("a") == LARGE
    assert len(proxy.requests("head")) == 1


def test_a_part_answered_with_another_etag_never_makes_an_object_of_other_bytes(
    store: Store, proxy: FaultProxy
) -> None:
    proxy.on("part", catalogued("wrong ETag"))
    with pytest.raises(errors.HttpError, match="InvalidPart"):
        send(LARGE, store, proxy)
    store.assert_untouched()


def test_parts_that_get_each_others_answers_never_make_an_object_of_other_bytes(
    store: Store, proxy: FaultProxy
) -> None:
    proxy.on("part", exchanged(wait_seconds=30), times=2)
    with pytest.raises(errors.HttpError, match="InvalidPart"):
        send(LARGE, store, proxy)
    store.assert_untouched()


def test_parts_answered_out_of_order_are_put_in_order(store: Store, proxy: FaultProxy) -> None:
    delays = iter([0.4, 0.2, 0.0, 0.0])

    def late(handler: Any, request: Request) -> None:
        answer = handler.forward(request)
        time.sleep(next(delays))
        handler.answer(answer[0], answer[2], answer[1])

    proxy.on("part", late, times=4)
    assert send(LARGE, store, proxy).parts == 4
    assert store.get("a") == LARGE


@pytest.mark.parametrize("seed", [1, 2], ids=["at once", "into the next request"])
@pytest.mark.parametrize("data", [SMALL, LARGE], ids=["put", "parts"])
def test_answers_that_come_twice_never_tell_of_another_request(
    data: bytes, seed: int, store: Store, proxy: FaultProxy
) -> None:
    proxy.on(".*", S3_FAULTS["duplicated"].make(random.Random(seed)), times=100)
    try:
        receipt = send(data, store, proxy)
    except errors.AirscoopError:
        assert store.names() == []
    else:
        assert store.get("a") == data
        assert receipt.etag == store.head("a")["ETag"]


@pytest.mark.parametrize("kind", ["put", "create", "part", "complete"])
def test_a_conflict_leaves_nothing(kind: str, store: Store, proxy: FaultProxy) -> None:
    proxy.on(kind, error("OperationAborted", 409), times=100)
    with pytest.raises(errors.AirscoopError, match="409"):
        send(SMALL if kind == "put" else LARGE, store, proxy)
    store.assert_untouched()


@pytest.mark.parametrize("kind", ["create", "part", "complete"])
def test_a_token_that_expires_in_the_middle_leaves_nothing(
    kind: str, store: Store, proxy: FaultProxy
) -> None:
    proxy.on(kind, error("ExpiredToken", 400), times=100)
    with pytest.raises(errors.CredentialsExpired):
        send(LARGE, store, proxy)
    store.assert_untouched()


def test_regions_that_point_at_each_other_end(store: Store, proxy: FaultProxy) -> None:
    regions = itertools.cycle(["eu-west-1", "us-east-1"])

    def elsewhere(handler: Any, request: Request) -> None:
        region = next(regions).encode()
        body = b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>%s</Region></Error>"
        handler.answer(400, body % region, {})

    proxy.on("put", elsewhere, times=100)
    with pytest.raises(errors.HttpError, match="AuthorizationHeaderMalformed"):
        send(SMALL, store, proxy)
    assert len(proxy.requests("put")) == 2
    store.assert_untouched()


def test_an_endpoint_without_an_address_is_named(store: Store, tmp_path: Path) -> None:
    settings = store.settings(endpoint_url="http://nowhere.invalid")
    with pytest.raises(errors.ConnectionFailed, match=r"nowhere\.invalid") as caught:
        airscoop.copy(store.uri("a"), tmp_path / "a", source_s3=settings)
    assert caught.value.retryable
    with (
        pytest.raises(errors.ConnectionFailed, match=r"nowhere\.invalid"),
        airscoop.Upload(store.uri("a"), s3=settings) as upload,
    ):
        upload.write(SMALL)
    assert list(tmp_path.iterdir()) == []
