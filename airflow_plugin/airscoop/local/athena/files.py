"""The objects of a table: which are read, and how their bytes become lines."""

from __future__ import annotations

import bz2
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from airscoop.local.athena.failures import QueryFailed, Unknown

BLOCK = 1 << 20
_REFUSED = (".lz4", ".snappy", ".lzo", ".zst", ".deflate", ".br", ".xz", ".zip")


@dataclass(frozen=True)
class Object:
    bucket: str
    key: str
    size: int

    @property
    def address(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def bucket_and_prefix(location: str) -> tuple[str, str]:
    scheme, _, rest = location.partition("://")
    if scheme != "s3" or not rest:
        raise QueryFailed(f"HIVE_METASTORE_ERROR: {location} is no place in S3 (s3://…)")
    bucket, _, prefix = rest.partition("/")
    return bucket, prefix


def objects(s3: Any, location: str) -> Iterator[Object]:
    """What lies below a location, but what Hive hides: names that begin with _ or a dot."""
    bucket, prefix = bucket_and_prefix(location)
    if prefix and not prefix.endswith("/"):
        prefix += "/"
    try:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                below = item["Key"][len(prefix) :].split("/")
                if item["Size"] and not any(name.startswith(("_", ".")) for name in below):
                    yield Object(bucket, item["Key"], item["Size"])
    except s3.exceptions.NoSuchBucket as error:
        raise QueryFailed(f"HIVE_METASTORE_ERROR: the bucket {bucket} does not exist") from error


def is_empty(s3: Any, location: str) -> bool:
    """Whether nothing at all lies below a location, hidden or not."""
    bucket, prefix = bucket_and_prefix(location)
    found = s3.list_objects_v2(Bucket=bucket, Prefix=prefix.rstrip("/") + "/", MaxKeys=1)
    return not found.get("KeyCount")


def _blocks(s3: Any, source: Object) -> Iterator[bytes]:
    body = s3.get_object(Bucket=source.bucket, Key=source.key)["Body"]
    yield from body.iter_chunks(BLOCK)


def _gunzipped(blocks: Iterator[bytes], source: Object) -> Iterator[bytes]:
    """Every member of a gzip object."""
    member = zlib.decompressobj(wbits=31)
    try:
        for block in blocks:
            while block:
                if member.eof:
                    if not block.strip(b"\0"):
                        break
                    member = zlib.decompressobj(wbits=31)
                yield member.decompress(block)
                block = member.unused_data
    except zlib.error as error:
        raise QueryFailed(f"HIVE_CURSOR_ERROR: {source.address}: {error}") from error
    if not member.eof:
        raise QueryFailed(f"HIVE_CURSOR_ERROR: {source.address}: Unexpected end of input stream")


def _bunzipped(blocks: Iterator[bytes], source: Object) -> Iterator[bytes]:
    stream = bz2.BZ2Decompressor()
    try:
        for block in blocks:
            while block:
                if stream.eof:
                    stream = bz2.BZ2Decompressor()
                yield stream.decompress(block)
                block = stream.unused_data
    except OSError as error:
        raise QueryFailed(f"HIVE_CURSOR_ERROR: {source.address}: {error}") from error


def content(s3: Any, source: Object) -> Iterator[bytes]:
    """An object's bytes, decompressed by its name."""
    name = source.key.lower()
    if name.endswith(_REFUSED):
        raise Unknown(f"objects compressed as {source.address}")
    blocks = _blocks(s3, source)
    if name.endswith(".gz"):
        return _gunzipped(blocks, source)
    if name.endswith(".bz2"):
        return _bunzipped(blocks, source)
    return blocks


def lines(s3: Any, source: Object) -> Iterator[bytes]:
    """An object's lines, without their ends, which are LF, CR LF or CR as Hadoop takes them."""
    rest: list[bytes] = []
    for block in content(s3, source):
        first, *found = block.split(b"\n")
        rest.append(first)
        if found:
            yield from _split_at_returns(b"".join(rest))
            rest = [found.pop()]
            for line in found:
                yield from _split_at_returns(line)
    if last := b"".join(rest):
        yield from _split_at_returns(last)


def _split_at_returns(line: bytes) -> list[bytes]:
    if b"\r" not in line:
        return [line]
    return line.removesuffix(b"\r").split(b"\r")
