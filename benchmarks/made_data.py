"""The data of the benchmarks: made once and kept; the same on any machine."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import accumulate
from pathlib import Path
from unittest import mock

from airscoop.systems.bestsellers import made_data as bestsellers_data
from airscoop.systems.bestsellers.made_data import Plan

MIB = 2**20
BLOCK_BYTES = 64 * MIB  # text repeats after so much, far beyond what gzip looks back (32 KiB)
VOCABULARY = 20_000
LETTERS = "etaoinshrdlcumwfgypbvk"


@dataclass(frozen=True, kw_only=True)
class Made:
    """A made file; for gzip data `text_bytes` and `sha256` are those of the inflated text.
    `lines` are records: an array's brackets are none."""

    name: str
    bytes: int
    text_bytes: int
    lines: int
    sha256: str

    @property
    def ratio(self) -> float:
        return self.text_bytes / self.bytes


def random_bytes(folder: Path, size_bytes: int) -> Made:
    """Bytes that do not compress."""
    chance = random.Random("random bytes")  # noqa: S311

    def blocks() -> Iterator[bytes]:
        left = size_bytes
        while left > 0:
            yield chance.randbytes(min(left, MIB))
            left -= MIB

    return _kept(folder, f"random-{size_bytes}", lambda path: _write(path, blocks()))


def reviews(folder: Path, size_bytes: int) -> Made:
    """JSON lines in the shape of book reviews, packed by gzip -6 about 3 to 1 as real ones are."""
    chance = random.Random("vocabulary")  # noqa: S311
    words = [_word(chance, rank) for rank in range(1, VOCABULARY + 1)]
    weights = list(accumulate(rank**-0.8 for rank in range(1, VOCABULARY + 1)))

    def prose(chance: random.Random, count: int) -> str:
        parts = chance.choices(words, cum_weights=weights, k=count)
        if chance.random() < 0.4:
            parts.insert(chance.randrange(count + 1), chance.choice(bestsellers_data.SPICES))
        return " ".join(parts).capitalize() + "."

    def make(path: Path) -> Made:
        plan = Plan(reviews=size_bytes, metadata=500_000, seed=1)
        with mock.patch.object(bestsellers_data, "prose", prose):
            return _pack(path, _repeated(bestsellers_data.review_lines(plan), size_bytes))

    return _kept(folder, f"reviews-{size_bytes}.json.gz", make)


def literals(folder: Path, size_bytes: int) -> Made:
    """Lines of Python literals in the shape of product metadata, not packed."""

    def make(path: Path) -> Made:
        plan = Plan(reviews=0, metadata=size_bytes, seed=1)
        return _write(path, _repeated(bestsellers_data.metadata_lines(plan), size_bytes))

    return _kept(folder, f"literals-{size_bytes}.txt", make)


def array(folder: Path, size_bytes: int) -> Made:
    """One JSON array of review records, not packed."""

    def make(path: Path) -> Made:
        plan = Plan(reviews=size_bytes, metadata=500_000, seed=1)
        lines = b"".join(_repeated(bestsellers_data.review_lines(plan), size_bytes))
        body = lines.rstrip(b"\n").replace(b"\n", b",\n")
        made = _write(path, iter((b"[\n", body, b"\n]\n")))
        return replace(made, lines=made.lines - 2)

    return _kept(folder, f"array-{size_bytes}.json", make)


def _word(chance: random.Random, rank: int) -> str:
    """Frequent words are short; the lengths are such that gzip finds about what real text gives."""
    length = max(1, 2 + min(9, int(rank**0.22)) + chance.randint(-1, 2))
    return "".join(chance.choice(LETTERS) for _ in range(length))


def _repeated(lines: Iterator[str], size_bytes: int) -> Iterator[bytes]:
    """Whole lines of at least `size_bytes`; after the first block the same lines again."""
    block = bytearray()
    for line in lines:
        block += line.encode() + b"\n"
        if len(block) >= min(BLOCK_BYTES, size_bytes):
            break
    data = bytes(block)
    for _ in range(0, size_bytes, len(data)):
        yield data


def _write(path: Path, blocks: Iterator[bytes]) -> Made:
    digest, size, lines = hashlib.sha256(), 0, 0
    with path.open("wb") as file:
        for block in blocks:
            file.write(block)
            digest.update(block)
            size += len(block)
            lines += block.count(b"\n")
    return Made(name=path.name, bytes=size, text_bytes=size, lines=lines, sha256=digest.hexdigest())


def _pack(path: Path, blocks: Iterator[bytes]) -> Made:
    digest, size, lines = hashlib.sha256(), 0, 0
    with path.open("wb") as file:
        command = ["gzip", "-6", "-n"]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=file) as packer:  # noqa: S603
            assert packer.stdin is not None
            for block in blocks:
                packer.stdin.write(block)
                digest.update(block)
                size += len(block)
                lines += block.count(b"\n")
    if packer.returncode != 0:
        raise SystemExit("bench: gzip failed")
    return Made(
        name=path.name,
        bytes=path.stat().st_size,
        text_bytes=size,
        lines=lines,
        sha256=digest.hexdigest(),
    )


def _kept(folder: Path, name: str, make: Callable[[Path], Made]) -> Made:
    """Makes the file unless it is there; its facts are kept beside it, and written last."""
    path, facts = folder / name, folder / f"{name}.facts"
    if path.exists() and facts.exists():
        made = Made(**json.loads(facts.read_text()))
        if made.bytes == path.stat().st_size:
            return made
    print(f"bench: making {name}", file=sys.stderr, flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    made = make(path)
    facts.write_text(json.dumps(asdict(made)))
    return made
