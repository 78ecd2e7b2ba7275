"""Checksums of whole objects: S3 compares what is written, airscoop what is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors
from airscoop.transfer.options import Checksum
from support.fault_server import FaultProxy, Request
from support.s3 import MIB, Store, noise

SIZES = {"one put": MIB, "parts": 20 * MIB + 3}


@pytest.fixture(params=SIZES)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(noise(SIZES[request.param]))
    return path


def kept(store: Store, name: str) -> dict[str, Any]:
    facts: dict[str, Any] = store.client.head_object(
        Bucket=store.uri(name).split("/")[2], Key=store.key(name), ChecksumMode="ENABLED"
    )
    return facts


@pytest.mark.parametrize("checksum", ["crc32c", "crc64nvme"])
def test_the_object_keeps_the_checksum_of_the_whole(
    store: Store, source: Path, checksum: Checksum
) -> None:
    receipt = airscoop.copy(
        source, store.uri("f"), checksum=checksum, destination_s3=store.settings()
    )
    assert receipt.checksum is not None
    algorithm, value = receipt.checksum.split(":")
    assert algorithm == checksum.upper()
    assert kept(store, "f")[f"Checksum{algorithm}"] == value


def test_equal_bytes_have_equal_checksums_whatever_the_parts(store: Store, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(noise(20 * MIB))
    found = {
        airscoop.copy(
            tmp_path / "f",
            store.uri("f"),
            memory_limit=limit * MIB,
            destination_s3=store.settings(),
        ).checksum
        for limit in (20, 40)
    }
    assert len(found) == 1


@pytest.mark.parametrize("checksum", ["crc32c", "crc64nvme"])
def test_each_part_is_sent_with_its_checksum_and_complete_with_the_wholes_and_its_size(
    store: Store, proxy: FaultProxy, tmp_path: Path, checksum: Checksum
) -> None:
    data = noise(20 * MIB)
    (tmp_path / "f").write_bytes(data)
    receipt = airscoop.copy(
        tmp_path / "f",
        store.uri("f"),
        checksum=checksum,
        destination_s3=store.settings(endpoint_url=proxy.url),
    )
    name = f"x-amz-checksum-{checksum}"
    sums = {part.headers[name] for part in proxy.requests("part")}
    assert len(sums) == receipt.parts == 3 and None not in sums
    (complete,) = proxy.requests("complete")
    assert complete.headers["x-amz-mp-object-size"] == str(len(data))
    assert receipt.checksum == f"{checksum.upper()}:{complete.headers[name]}"
    assert complete.headers["x-amz-checksum-type"] == "FULL_OBJECT"
    assert all(one.encode() in complete.body for one in sums)


def test_none_sends_none(store: Store, proxy: FaultProxy, source: Path) -> None:
    receipt = airscoop.copy(
        source,
        store.uri("f"),
        checksum="none",
        destination_s3=store.settings(endpoint_url=proxy.url),
    )
    assert receipt.checksum is None
    sent = [name.lower() for request in proxy.requests("put") for name in request.headers]
    sent += [name.lower() for request in proxy.requests("part") for name in request.headers]
    assert sent
    assert not any(name.startswith("x-amz-checksum") for name in sent)


def test_a_byte_that_is_flipped_on_its_way_to_s3_leaves_no_object(
    store: Store, proxy: FaultProxy, source: Path
) -> None:
    def flip(handler: Any, request: Request) -> None:
        body = bytearray(request.body)
        body[len(body) // 2] ^= 1
        request.body = bytes(body)
        handler.answer(*reversed_pair(handler.forward(request)))

    def reversed_pair(
        answer: tuple[int, dict[str, str], bytes],
    ) -> tuple[int, bytes, dict[str, str]]:
        return answer[0], answer[2], answer[1]

    for kind in ("put", "part"):
        proxy.on(kind, flip, times=10)
    with pytest.raises(errors.AirscoopError):
        airscoop.copy(
            source,
            store.uri("f"),
            destination_s3=store.settings(endpoint_url=proxy.url, payload_signing="never"),
        )
    assert store.names() == []
    assert store.uploads() == []


def test_a_byte_that_is_flipped_on_its_way_from_s3_is_found(
    store: Store, proxy: FaultProxy, source: Path, tmp_path: Path
) -> None:
    airscoop.copy(source, store.uri("f"), destination_s3=store.settings())

    def flip(handler: Any, request: Request) -> None:
        code, headers, body = handler.forward(request)
        changed = bytearray(body)
        changed[len(body) // 2] ^= 1
        handler.answer(code, bytes(changed), headers)

    proxy.on("get", flip)
    with pytest.raises(errors.CorruptData, match="CRC32C"):
        airscoop.copy(
            store.uri("f"), tmp_path / "out", source_s3=store.settings(endpoint_url=proxy.url)
        )
    assert not (tmp_path / "out").exists()
