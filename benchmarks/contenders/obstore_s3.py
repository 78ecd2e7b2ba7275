"""obstore: object_store of Apache Arrow, in Rust."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import obstore
from job import JOB, MIB, run
from obstore.store import HTTPStore, S3Store

RANGE_BYTES = 16 * MIB


def _store(*, unsigned: bool = True) -> S3Store:
    return S3Store(
        JOB.bucket,
        endpoint=JOB.endpoint,
        region=JOB.region,
        virtual_hosted_style_request=False,
        unsigned_payload=unsigned,
        client_options={"allow_http": True},
    )


def discard() -> int:
    """One stream."""
    blocks = obstore.get(_store(), JOB.key).stream(min_chunk_size=MIB)
    return sum(len(block) for block in blocks)


def discard_ranges() -> int:
    """Four ranges at a time."""
    store = _store()
    size = obstore.head(store, JOB.key)["size"]

    def fetch(start: int) -> int:
        end = min(start + RANGE_BYTES, size)
        return len(obstore.get_range(store, JOB.key, start=start, end=end))

    with ThreadPoolExecutor(4) as pool:
        return sum(pool.map(fetch, range(0, size, RANGE_BYTES)))


def download() -> None:
    with Path(JOB.written).open("wb") as file:
        for block in obstore.get(_store(), JOB.key).stream(min_chunk_size=MIB):
            file.write(block)


def download_ranges() -> None:
    """Four ranges at a time, each written at its place."""
    store = _store()
    size = obstore.head(store, JOB.key)["size"]
    file = os.open(JOB.written, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.ftruncate(file, size)

    def fetch(start: int) -> None:
        end = min(start + RANGE_BYTES, size)
        block = memoryview(obstore.get_range(store, JOB.key, start=start, end=end))
        while block:
            written = os.pwrite(file, block, start)
            block, start = block[written:], start + written

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(fetch, range(0, size, RANGE_BYTES)))
    os.close(file)


def upload_unsigned() -> None:
    obstore.put(_store(), JOB.target, Path(JOB.file), chunk_size=8 * MIB)


def upload_signed() -> None:
    obstore.put(_store(unsigned=False), JOB.target, Path(JOB.file), chunk_size=8 * MIB)


def _stdin() -> Iterator[bytes]:
    while block := sys.stdin.buffer.read(MIB):
        yield block


def upload_stream() -> None:
    obstore.put(_store(), JOB.target, _stdin(), chunk_size=8 * MIB)


def copy_url() -> None:
    """The bytes of a URL as they are."""
    parts = urlsplit(JOB.url)
    web = HTTPStore(f"{parts.scheme}://{parts.netloc}", client_options={"allow_http": True})
    blocks = obstore.get(web, parts.path.lstrip("/")).stream(min_chunk_size=MIB)
    with obstore.open_writer(_store(), JOB.target, buffer_size=8 * MIB) as target:
        for block in blocks:
            target.write(block)


if __name__ == "__main__":
    run(
        discard,
        discard_ranges,
        download,
        download_ranges,
        upload_unsigned,
        upload_signed,
        upload_stream,
        copy_url,
    )
