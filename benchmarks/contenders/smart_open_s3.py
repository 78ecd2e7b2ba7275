"""smart_open: the usual way to stream in Python."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from job import JOB, MIB, run
from smart_open import open as smart_open

SOURCE = f"s3://{JOB.bucket}/{JOB.key}"
TARGET = f"s3://{JOB.bucket}/{JOB.target}"


def discard() -> int:
    size = 0
    with smart_open(SOURCE, "rb", compression="disable") as file:
        while block := file.read(MIB):
            size += len(block)
    return size


def download() -> None:
    with (
        smart_open(SOURCE, "rb", compression="disable") as file,
        Path(JOB.written).open("wb") as to,
    ):
        shutil.copyfileobj(file, to, MIB)


def upload_stream() -> None:
    with smart_open(TARGET, "wb", compression="disable") as to:
        shutil.copyfileobj(sys.stdin.buffer, to, MIB)


def recompress() -> None:
    """Inflated and packed again by the names' .gz, line by line: what one writes first."""
    with smart_open(JOB.url, "rb") as lines, smart_open(TARGET, "wb") as to:
        for line in lines:
            to.write(line)


if __name__ == "__main__":
    run(discard, download, upload_stream, recompress)
