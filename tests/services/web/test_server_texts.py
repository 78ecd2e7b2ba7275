"""What a server says of itself, in whatever encoding and however long, is no reason to fail: it is
shown as whole characters, and what it says of two objects stays different."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors, storage
from support.fault_server import Fault, FaultProxy, Request, error, origin
from support.s3 import Store

LATIN = '"caf\xe9"'  # sent as one byte, which is no UTF-8
SHOWN = '"caf\\xe9"'


def with_etag(etag: str) -> Fault:
    """The answer, with another ETag."""

    def act(handler: Any, request: Request) -> None:
        code, headers, body = handler.forward(request)
        kept = {name: value for name, value in headers.items() if name.lower() != "etag"}
        handler.answer(code, body, kept | {"ETag": etag})

    return act


def as_json(receipt: Any) -> Any:
    return json.loads(json.dumps(dataclasses.asdict(receipt), default=str).encode())


def test_an_object_is_stored_whatever_its_etag_is(
    store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(b"data")
    proxy.on("put|head", with_etag(LATIN), times=10)
    receipt = airscoop.copy(
        tmp_path / "f", store.uri("f"), destination_s3=store.settings(endpoint_url=proxy.url)
    )
    assert store.get("f") == b"data"
    assert receipt.etag == as_json(receipt)["etag"] == SHOWN


def test_an_object_is_read_whatever_its_etag_is(
    store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    source = store.put("f", b"data")
    proxy.on("get|head", with_etag(LATIN), times=10)
    settings = store.settings(endpoint_url=proxy.url)
    receipt = airscoop.copy(source, tmp_path / "f", source_s3=settings)
    assert (tmp_path / "f").read_bytes() == b"data"
    assert receipt.source_etag == as_json(receipt)["source_etag"] == SHOWN
    assert storage.head(source, s3=settings).etag == SHOWN


def test_etags_that_differ_are_shown_as_different(store: Store, proxy: FaultProxy) -> None:
    source = store.put("f", b"data")
    proxy.on("head", with_etag('"\xe8"'))
    proxy.on("head", with_etag('"\xe9"'))
    settings = store.settings(endpoint_url=proxy.url)
    assert storage.head(source, s3=settings).etag != storage.head(source, s3=settings).etag


def test_a_checksum_that_is_none_is_no_reason_to_fail(
    store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    def summed(handler: Any, request: Request) -> None:
        code, headers, body = handler.forward(request)
        handler.answer(
            code, body, headers | {"x-amz-checksum-crc32c": "\xe9\xe9\xe9\xe9\xe9\xe9=="}
        )

    (tmp_path / "f").write_bytes(b"data")
    proxy.on("put|head", summed, times=10)
    receipt = airscoop.copy(
        tmp_path / "f", store.uri("f"), destination_s3=store.settings(endpoint_url=proxy.url)
    )
    assert as_json(receipt)["checksum"].startswith("CRC32C:")


def test_a_delta_reads_a_file_whatever_its_etag_is(tmp_path: Path) -> None:
    with origin() as server:

        def send(connection: Any, head: str) -> None:
            body = b"id,a\n1,x\n"
            answer = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nETag: {LATIN}\r\n\r\n"
            connection.sendall(answer.encode("latin-1") + body)

        url = server.serve("/new.csv", send)
        assert airscoop.delta(None, url, key=["id"]).receipt.new_etag == SHOWN


@pytest.mark.parametrize("padding", range(4))
def test_a_copy_that_the_server_refuses_at_length_is_made_by_us(
    store: Store, proxy: FaultProxy, padding: int
) -> None:
    why = "x" * padding + "€" * 1000
    source = store.put("in.bin", b"data")
    proxy.on("put", error("AccessDenied", 403, why))
    settings = store.settings(endpoint_url=proxy.url)
    receipt = airscoop.copy(
        source, store.uri("out.bin"), source_s3=settings, destination_s3=settings
    )
    assert store.get("out.bin") == b"data"
    refused = as_json(receipt)["server_side_refused"]
    said = refused.partition("AccessDenied: ")[2]
    assert len(said) > 50 and why.startswith(said)


@pytest.mark.parametrize("padding", range(4))
def test_an_error_at_length_ends_with_a_whole_character(
    store: Store, proxy: FaultProxy, tmp_path: Path, padding: int
) -> None:
    (tmp_path / "f").write_bytes(b"data")
    proxy.on("put", error("AccessDenied", 403, "x" * padding + "€" * 1000))
    with pytest.raises(errors.AccessDenied) as failed:
        airscoop.copy(
            tmp_path / "f", store.uri("f"), destination_s3=store.settings(endpoint_url=proxy.url)
        )
    assert "€€€" in str(failed.value)
    assert not {"\ufffd", "?"} & set(str(failed.value)) and "\\x" not in str(failed.value)


@pytest.mark.parametrize("padding", range(4))
def test_a_long_name_is_cut_at_a_whole_character(tmp_path: Path, padding: int) -> None:
    with pytest.raises(errors.FileError, match="€: File name too long") as failed:
        airscoop.copy(f"/{'x' * padding}{'€' * 400}", tmp_path / "f")
    assert not {"\ufffd", "?"} & set(str(failed.value)) and "\\x" not in str(failed.value)
