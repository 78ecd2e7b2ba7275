"""airscoop from Python; the command line's contenders are in ../scenarios.py."""

from __future__ import annotations

from job import JOB, MIB, run

import airscoop

SOURCE = f"s3://{JOB.bucket}/{JOB.key}"


def discard() -> int:
    return sum(len(block) for block in airscoop.read(SOURCE))


def opened() -> int:
    size = 0
    with airscoop.open(SOURCE, "rb") as file:
        while block := file.read(MIB):
            size += len(block)
    return size


if __name__ == "__main__":
    run(discard, opened)
