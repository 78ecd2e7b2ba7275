"""Whether what a copy would write is there already: by size and checksum, never by time or name."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

from airscoop._native import checksum_add
from airscoop.aws.storage import ObjectInfo

BLOCK_BYTES = 1024 * 1024
SUM_BYTES = {"CRC32C": 4, "CRC64NVME": 8}
MD5_ETAG = re.compile(r'"[0-9a-f]{32}"')
PARTS_ETAG = re.compile(r'"[0-9a-f]{32}-[0-9]+"')  # of the MD5s of the parts


def are_equal(one: ObjectInfo | Path, other: ObjectInfo | Path) -> bool:
    """Whether an object and another, or a file, are proven to hold the same bytes.

    Objects are compared by the checksum of the whole that S3 keeps of both, else by equal ETags
    that are made of MD5s. A file is summed up as S3 has summed up the object. False when nothing
    can be compared.
    """
    if isinstance(one, Path):
        one, other = other, one
    if isinstance(one, Path):
        return False
    if isinstance(other, Path):
        return other.stat().st_size == one.size and _holds(other, one)
    if one.size != other.size:
        return False
    if one.checksum and other.checksum and _kind(one.checksum) == _kind(other.checksum):
        return one.checksum == other.checksum
    made_of_md5 = MD5_ETAG.fullmatch(one.etag) or PARTS_ETAG.fullmatch(one.etag)
    return made_of_md5 is not None and one.etag == other.etag


def _kind(checksum: str) -> str:
    return checksum.partition(":")[0]


def _holds(path: Path, info: ObjectInfo) -> bool:
    if info.checksum is not None:
        return file_checksum(path, _kind(info.checksum)) == info.checksum
    if MD5_ETAG.fullmatch(info.etag) is None:
        return False
    with path.open("rb") as file:
        return f'"{hashlib.file_digest(file, "md5").hexdigest()}"' == info.etag


def file_checksum(path: Path, algorithm: str) -> str:
    """A file's checksum as S3 writes it: "CRC32C:base64"."""
    value, block = 0, memoryview(bytearray(BLOCK_BYTES))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(block):
            value = checksum_add(algorithm, value, block[:count])
    text = base64.b64encode(value.to_bytes(SUM_BYTES[algorithm], "big")).decode()
    return f"{algorithm}:{text}"
