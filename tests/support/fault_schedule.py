"""From a seed to a transfer and the faults that it meets; readable, and the same every time."""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from support.fault_catalog import ALL, FAULTS_OF_GZIP, S3_FAULTS, WEB_FAULTS, WRITES, Kind

KIB, MIB = 1024, 1024 * 1024
PART_BYTES = 5 * MIB

Source = Literal["web", "s3", "file", "write"]
Target = Literal["s3", "file", "read"]
Side = Literal["source", "target"]
# How a web server marks a version of its file: by its ETag, by a time of change that is over, by
# one that is not (both versions have it), by a weak ETag that both have, or not at all.
Validator = Literal["etag", "date", "young date", "weak etag", "none"]
VALIDATORS: tuple[Validator, ...] = (
    "etag", "etag", "etag", "date", "young date", "young date", "weak etag", "none",
)  # fmt: skip
PATHS: list[tuple[Source, Target]] = [
    ("web", "s3"), ("web", "s3"), ("s3", "s3"), ("s3", "s3"), ("file", "s3"), ("file", "s3"),
    ("write", "s3"), ("s3", "file"), ("web", "file"), ("web", "read"), ("s3", "read"),
]  # fmt: skip


@dataclass(frozen=True)
class Data:
    """A source and what must come of it."""

    seed: int
    form: str
    packed: bool
    size: int
    bad: int
    blank: int
    bom: bool

    @cached_property
    def _lines(self) -> tuple[bytes, bytes, int]:
        """Source text, expected text, records."""
        chance = random.Random(self.seed)
        source: list[bytes] = []
        good: list[bytes] = []
        total = 0
        while total < self.size:
            word = chance.randbytes(chance.randint(4, 2000)).hex()
            record = {"n": len(good), "text": word, "ok": True, "none": None}
            text = json.dumps(record, separators=(",", ":")).encode() + b"\n"
            line = repr(record).encode() + b"\n" if self.form == "python-literal" else text
            good.append(text)
            source.append(line)
            total += len(line)
        for line in [b"{bad, []\n"] * self.bad + [b" \n"] * self.blank:
            source.insert(chance.randint(0, len(source)), line)
        start = b"\xef\xbb\xbf" if self.bom else b""
        return start + b"".join(source), b"".join(good), len(good)

    @cached_property
    def text(self) -> bytes:
        """The source, inflated."""
        if self.form != "raw":
            return self._lines[0]
        chance = random.Random(self.seed)
        return b"#" + chance.randbytes(self.size - 1) if self.size else b""

    @cached_property
    def content(self) -> bytes:
        """The source."""
        return gzip.compress(self.text, 1, mtime=0) if self.packed else self.text

    @cached_property
    def expected(self) -> bytes:
        """The destination, inflated."""
        return self.text if self.form == "raw" else self._lines[1]

    @property
    def good(self) -> int:
        """How many records must come out."""
        return 0 if self.form == "raw" else self._lines[2]


@dataclass(frozen=True)
class Step:
    """One fault of a schedule: after `skip` requests of a kind the next `times` meet it."""

    name: str
    side: Side
    kind: str
    times: int
    skip: int
    seed: int
    fault: Kind = field(repr=False)

    def __str__(self) -> str:
        after = f" after {self.skip}" if self.skip else ""
        return f"{self.side}: {self.kind}: {self.name}, {self.times} times{after}"


@dataclass(frozen=True)
class Schedule:
    """One transfer and its faults."""

    seed: int
    source: Source
    target: Target
    data: Data
    validator: Validator
    changed: Data | None  # what the source becomes in the middle
    name: str
    level: int | None
    checksum: Literal["crc32c", "crc64nvme", "none"]
    signing: Literal["auto", "never"]
    max_rejected: int
    memory_limit: int | None
    occupied: bool  # something stands at the destination before
    sum_of_source: bool  # S3 keeps a checksum of the source
    steps: tuple[Step, ...]

    @property
    def packs(self) -> bool:
        """Whether the destination is gzip."""
        return self.target != "read" and self.name.endswith(".gz")

    @property
    def keeps(self) -> bool:
        """Whether the destination is the source, byte for byte."""
        return self.target != "read" and self.data.form == "raw" and not self.packs

    def __str__(self) -> str:
        data = self.data
        facts = [
            f"{len(data.content):,} bytes", f"{data.bad} bad", f"{data.blank} blank",
            *(["BOM"] if data.bom else []), *(["gzip"] if data.packed else []),
        ]  # fmt: skip
        options = [
            f"checksum {self.checksum}", f"signing {self.signing}",
            f"max_rejected {self.max_rejected}",
            f"level {self.level}", f"memory {self.memory_limit}",
            "occupied" if self.occupied else "empty",
        ]  # fmt: skip
        return "\n  ".join(
            [
                f"seed {self.seed}: {data.form} {self.source} -> {self.target} {self.name}",
                *([f"validator: {self.validator}"] if self.source == "web" else []),
                "source: " + ", ".join(facts) + (", changed meanwhile" if self.changed else ""),
                "options: " + ", ".join(options),
                *map(str, self.steps),
            ]
        )


def _size(chance: random.Random) -> int:
    most = chance.choices(
        [0, 2 * KIB, 300 * KIB, PART_BYTES, 3 * PART_BYTES, 40 * MIB], [5, 30, 20, 14, 28, 3]
    )[0]
    return chance.randint(most // 3, most)


def _data(chance: random.Random, source: Source) -> Data:
    form = chance.choice(["raw", "raw", "jsonl", "jsonl", "jsonl", "python-literal"])
    lines = form != "raw"
    return Data(
        seed=chance.getrandbits(32),
        form=form,
        packed=source != "write" and chance.random() < 0.5,
        size=min(_size(chance), 12 * MIB if lines else 40 * MIB),
        bad=chance.choice([0, 0, 0, 0, 1, 3]) if lines else 0,
        blank=chance.choice([0, 0, 0, 1]) if lines else 0,
        bom=lines and chance.random() < 0.1,
    )


UPLOAD = ("part", "part", "create", "complete", "complete")
SINGLE = ("put", "put", "put")
REST = ("head", "abort", "parts", "delete")


def _kind(chance: random.Random, fault: Kind, multipart: bool) -> str:
    """The requests that a fault on the destination meets."""
    if set(ALL) <= set(fault.on) and chance.random() < 0.1:
        return ".*"
    if set(WRITES) <= set(fault.on) and chance.random() < 0.1:
        return "|".join(WRITES)
    likely = [kind for kind in (UPLOAD if multipart else SINGLE) if kind in fault.on]
    rest = [kind for kind in REST if kind in fault.on]
    return chance.choice(rest if not likely or (rest and chance.random() < 0.2) else likely)


def _fits(fault: Kind, side: Side, multipart: bool) -> bool:
    if side == "source":
        return "get" in fault.on
    return any(kind in fault.on for kind in ((*UPLOAD, *REST) if multipart else SINGLE))


def _step(chance: random.Random, side: Side, kinds: dict[str, Kind], multipart: bool) -> Step:
    name = chance.choice([n for n, fault in kinds.items() if _fits(fault, side, multipart)])
    return Step(
        name=name,
        side=side,
        kind="get" if side == "source" else _kind(chance, kinds[name], multipart),
        times=chance.choice([1, 1, 1, 1, 2, 2, 3, 5, 100]),
        skip=chance.choice([0, 0, 0, 0, 1, 2]),
        seed=chance.getrandbits(32),
        fault=kinds[name],
    )


def _steps(chance: random.Random, source: Source, target: Target, data: Data, summed: bool,
           multipart: bool, unread: bool) -> tuple[Step, ...]:  # fmt: skip
    faults: dict[Side, dict[str, Kind]] = {}
    if source in ("web", "s3"):
        faults["source"] = dict(WEB_FAULTS if source == "web" else S3_FAULTS)
        # Nothing else would show that a byte is another, or that the rest is missing.
        if (data.packed and not unread) or summed:
            faults["source"] |= FAULTS_OF_GZIP
    if target == "s3":
        faults["target"] = dict(S3_FAULTS)
    if not faults:
        return ()
    count = chance.choices([0, 1, 2, 3, 4], [1, 7, 5, 3, 2])[0]
    sides = [chance.choice(list(faults)) for _ in range(count)]
    return tuple(_step(chance, side, faults[side], multipart) for side in sides)


def _tolerated(chance: random.Random, target: Target) -> int:
    """Who reads has no receipt that would tell of bad records: none may be."""
    most = chance.choice([0, 1, 10])
    return 0 if target == "read" else most


def schedule(seed: int) -> Schedule:
    """The transfer and the faults of a seed."""
    chance = random.Random(seed)
    source, target = chance.choice(PATHS)
    data = _data(chance, source)
    name = "out" + (".gz" if chance.random() < 0.5 else "")
    level = chance.choice([None, None, 1]) if name.endswith(".gz") else None
    summed = source == "s3" and chance.random() < 0.5
    multipart = len(data.content) > PART_BYTES
    validator = chance.choice(VALIDATORS)
    proves = source != "web" or validator in ("etag", "date")
    changes = source in ("web", "s3") and chance.random() < (0.08 if proves else 0.7)
    small = (24 if data.form == "raw" else 30) * MIB  # for parts of 5 MiB
    # What is kept as it is nobody inflates, so its sum is not compared.
    unread = data.form == "raw" and target != "read" and not name.endswith(".gz")
    changed = None
    if changes:
        # Of the same size nothing but a validator tells the two apart.
        size = data.size if chance.random() < 0.8 else data.size // 2 + 7
        changed = Data(seed + 1, data.form, data.packed, size, 0, 0, False)
    return Schedule(
        seed=seed,
        source=source,
        target=target,
        data=data,
        validator=validator,
        changed=changed,
        name=name,
        level=level,
        checksum=chance.choice(["crc32c", "crc32c", "crc64nvme", "none"]),
        signing=chance.choice(["auto", "never"]),
        max_rejected=_tolerated(chance, target) if data.form != "raw" else 0,
        memory_limit=chance.choice([None, small, small]) if source != "s3" else None,
        occupied=chance.random() < 0.4,
        sum_of_source=summed,
        steps=_steps(chance, source, target, data, summed, multipart, unread),
    )
