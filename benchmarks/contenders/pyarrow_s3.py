"""pyarrow's S3 file system, over AWS's C++ SDK."""

from __future__ import annotations

import sys
from urllib.parse import urlsplit

from job import JOB, MIB, run
from pyarrow.fs import LocalFileSystem, S3FileSystem, copy_files

S3 = S3FileSystem(endpoint_override=urlsplit(JOB.endpoint).netloc, scheme="http", region=JOB.region)


def discard() -> int:
    size = 0
    with S3.open_input_stream(f"{JOB.bucket}/{JOB.key}") as stream:
        while block := stream.read_buffer(8 * MIB):
            size += block.size
    return size


def download() -> None:
    copy_files(
        f"{JOB.bucket}/{JOB.key}",
        JOB.written,
        source_filesystem=S3,
        destination_filesystem=LocalFileSystem(),
        chunk_size=8 * MIB,
    )


def upload() -> None:
    copy_files(
        JOB.file,
        f"{JOB.bucket}/{JOB.target}",
        source_filesystem=LocalFileSystem(),
        destination_filesystem=S3,
        chunk_size=8 * MIB,
    )


def upload_stream() -> None:
    with S3.open_output_stream(f"{JOB.bucket}/{JOB.target}") as target:
        while block := sys.stdin.buffer.read(8 * MIB):
            target.write(block)


if __name__ == "__main__":
    run(discard, download, upload, upload_stream)
