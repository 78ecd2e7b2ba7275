"""When an object of a prefix is left alone: only where equal bytes are proven."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from airscoop._native import checksum_add
from airscoop.aws.storage import ObjectInfo
from airscoop.transfer.prefix_equal import are_equal

DATA, OTHER = b"data of an object", b"Data of an object"
SUM_BYTES = {"CRC32C": 4, "CRC64NVME": 8}


def checksum(data: bytes, kind: str = "CRC32C") -> str:
    value = checksum_add(kind, 0, data).to_bytes(SUM_BYTES[kind], "big")
    return f"{kind}:{base64.b64encode(value).decode()}"


def md5(data: bytes) -> str:
    return f'"{hashlib.md5(data).hexdigest()}"'


def parts_etag(data: bytes, count: int = 2) -> str:
    return f'"{hashlib.md5(data).hexdigest()}-{count}"'


def info(etag: str, *, size: int = len(DATA), checksum: str | None = None) -> ObjectInfo:
    return ObjectInfo(bucket="b", key="k", size=size, etag=etag, checksum=checksum)


@pytest.mark.parametrize("kind", ["CRC32C", "CRC64NVME"])
def test_objects_with_checksums_of_one_kind_are_compared_by_these_alone(kind: str) -> None:
    one = info(md5(DATA), checksum=checksum(DATA, kind))
    assert are_equal(one, info(parts_etag(b"in two parts"), checksum=checksum(DATA, kind)))
    assert not are_equal(one, info(md5(OTHER), checksum=checksum(OTHER, kind)))
    assert not are_equal(one, info(md5(DATA), checksum=checksum(OTHER, kind)))


@pytest.mark.parametrize(
    "theirs", [None, checksum(DATA, "CRC64NVME"), checksum(OTHER, "CRC64NVME")]
)
def test_objects_without_checksums_of_one_kind_are_compared_by_etags_of_md5s(
    theirs: str | None,
) -> None:
    ours = checksum(DATA)
    for etag, other in ((md5(DATA), md5(OTHER)), (parts_etag(DATA), parts_etag(OTHER))):
        assert are_equal(info(etag, checksum=ours), info(etag, checksum=theirs))
        assert not are_equal(info(etag, checksum=ours), info(other, checksum=theirs))
    assert not are_equal(info(parts_etag(DATA, 2)), info(parts_etag(DATA, 3)))
    assert not are_equal(info(md5(DATA)), info(parts_etag(DATA)))


@pytest.mark.parametrize(
    "etag",
    ["", '""', '"v1"', 'W/"0123456789abcdef0123456789abcdef"', "0123456789abcdef0123456789abcdef",
     '"0123456789ABCDEF0123456789abcdef"', '"0123456789abcdef0123456789abcdef-"',
     '"0123456789abcdef0123456789abcdef0"'],
)  # fmt: skip
def test_an_etag_that_is_not_made_of_md5s_proves_nothing(etag: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(DATA)
    assert not are_equal(info(etag), info(etag))
    assert not are_equal(tmp_path / "x", info(etag))


@pytest.mark.parametrize("etag", [md5(DATA), parts_etag(DATA)])
def test_objects_of_different_sizes_are_never_equal(etag: str) -> None:
    longer = len(DATA) + 1
    assert not are_equal(info(etag), info(etag, size=longer))
    sums = checksum(DATA)
    assert not are_equal(info(etag, checksum=sums), info(etag, size=longer, checksum=sums))


@pytest.mark.parametrize("kind", ["CRC32C", "CRC64NVME"])
def test_a_file_is_summed_up_as_the_object_was(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    for data, expected in ((DATA, True), (OTHER, False), (DATA + b"!", False), (b"", False)):
        path.write_bytes(data)
        one = info(parts_etag(DATA), checksum=checksum(DATA, kind))
        assert are_equal(path, one) is are_equal(one, path) is expected
        assert are_equal(path, info(md5(DATA))) is expected


def test_of_a_file_the_objects_checksum_counts_more_than_its_etag(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(DATA)
    assert not are_equal(tmp_path / "x", info(md5(DATA), checksum=checksum(OTHER)))


def test_a_file_and_an_object_of_parts_without_a_checksum_cannot_be_compared(
    tmp_path: Path,
) -> None:
    (tmp_path / "x").write_bytes(DATA)
    assert not are_equal(tmp_path / "x", info(parts_etag(DATA)))


def test_two_files_are_not_compared(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(DATA)
    assert not are_equal(tmp_path / "x", tmp_path / "x")
