"""Exports for the tests of airscoop.delta."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import airscoop

MIB = 1024 * 1024
OLD = "PK,name,city\n1,Ann,Bern\n2,Bob,Rome\n3,Cy,Oslo\n"
NEW = "PK,name,city\n1,Ann,Bern\n3,Cy,Paris\n4,Di,Lima\n"


def write(path: Path, text: str | bytes) -> Path:
    """A file with this content, gzip if its name says so."""
    data = text.encode() if isinstance(text, str) else text
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return path


class Exports:
    """Two exports to write and compare."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def delta(
        self, old: str | bytes | None, new: str | bytes, *, suffix: str = ".csv", **options: Any
    ) -> airscoop.Delta:
        before = None if old is None else write(self.folder / f"old{suffix}", old)
        now = write(self.folder / f"new{suffix}", new)
        options.setdefault("max_delete_ratio", 1.0)
        return airscoop.delta(before, now, **options)

    def ops(self, old: str | bytes | None, new: str | bytes, **options: Any) -> list[str]:
        """The changes as "INSERT 1", sorted."""
        changes = self.delta(old, new, **options)
        return sorted(f"{c['op']} {','.join(map(str, c['key'].values()))}" for c in changes)


def shuffled(count: int, *, seed: int, width: int = 80) -> str:
    import random

    rows = [f"{n},{'v' * width}{n * 7919 % 1000}\n" for n in range(count)]
    random.Random(seed).shuffle(rows)
    return "PK,v\n" + "".join(rows)
