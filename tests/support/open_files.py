"""What the tests of open files write and read."""

from __future__ import annotations

from pathlib import Path

TEXT = "".join(f"{n},line é {n * 7919}\n" for n in range(60_000))
DATA = TEXT.encode()


def assert_empty(folder: Path) -> None:
    assert list(folder.iterdir()) == []
