"""From a seed to a history of a table: its exports, the runs of the pipeline, and what happens to
them; readable, and the same every time."""

from __future__ import annotations

import gzip
import random
from dataclasses import dataclass
from typing import Any, Literal

from support.delta_tables import Row, Table, as_csv, as_json
from support.fault_catalog import S3_FAULTS

MARKER = "_SUCCESS"
KEYS = [*(f"k{n}" for n in range(14)), "7", "07", "é", "a b", 'q"', "ü,ö"]
NUMBERS = [*range(19), 2**53 + 1]
TEXTS = [
    None,
    "",
    "a",
    "b",
    "c",
    "é",
    'x "y", z',
    "two\nlines",
    "1",
    "1.0",
    "null",
    "{}",
    "long" * 40,
]

VALUES: list[Any] = [*TEXTS, 1, 1.5, -0.25, True, False, [], {"b": [1, "é"], "a": None}, {}]

Target = Literal["worker", "consumer"]
Service = Literal["s3", "aws", "sql"]
SERVICES: tuple[Service, ...] = ("s3", "aws", "sql")
Moment = Literal["before", "after", "late"]  # of a request: not acted on, not heard of, ms after it
Style = Literal["loop", "tasks"]
# What is wrong with a version, until it is mended.
Spoiling = Literal["a second object", "other content"]
SPOILING: tuple[Spoiling, ...] = ("a second object", "other content")
# Someone writes over the file of the newest version's changes.
OTHER_CHANGES = "another file of changes"

# Faults that no test waits long for. A schedule of faults alone has the others, too.
FAULTS_OF_S3 = (
    "reset before the answer", "closed before the answer", "cut in the head", "cut after the head",
    "lost answer", "closed while sending", "half a body to the server", "500", "503", "SlowDown",
    "cut in the body", "409", "conditional 409", "AccessDenied", "ExpiredToken", "wrong ETag",
)  # fmt: skip
FAULTS_OF_AWS = ("lost answer", "500", "throttled", "some records refused")
FAULTS_OF_SQL = ("lost before", "lost answer")
OF_WORKERS: dict[Service, tuple[str, ...]] = {
    "s3": ("list", "get", "head", "put", "put"),
    "aws": ("GetItem", "Query", "PutItem", "UpdateItem", "TransactWriteItems", "PutRecords",
            "TransactWriteItems", "PutRecords", "PutRecords"),
    "sql": ("", "COMMIT"),
}  # fmt: skip
OF_CONSUMERS = ("ListShards", "GetShardIterator", "GetRecords", "GetRecords", "GetRecords")


def _spelled(chance: random.Random, key: Any) -> Any:
    """The key 7 as 7 or as 7.0; as_json writes é in either way, too."""
    again = isinstance(key, int) and key < 2**53 and chance.random() < 0.3
    return float(key) if again else key


@dataclass(frozen=True)
class Version:
    """One export, and the table that it is."""

    name: str
    width: int  # columns beside the key; those of all versions have names of their own
    table: Table
    objects: int
    json_lines: bool
    seed: int

    def rows(self) -> dict[str, dict[str, Any]]:
        """What readers must have of it: by key the columns that are not null."""
        names = [f"c{n}" for n in range(self.width)]
        return {
            str(key): {n: v for n, v in zip(names, row, strict=True) if v is not None}
            for key, row in self.table.items()
        }

    def files(self) -> dict[str, bytes]:
        """Its objects, by name."""
        chance = random.Random(self.seed)
        rows = [(_spelled(chance, key), row) for key, row in self.table.items()]
        if chance.random() < 0.6:
            chance.shuffle(rows)
        write = as_json if self.json_lines else as_csv
        found: dict[str, bytes] = {}
        for number in range(self.objects):
            part = rows[number :: self.objects]
            if not part and number > 0:
                continue
            data = write(self.width, part, random.Random(self.seed))  # one order of columns
            name = f"part-{number + 9}" if self.objects > 1 else "export"
            found[f"{name}.{'jsonl' if self.json_lines else 'csv'}.gz"] = gzip.compress(
                data, mtime=0
            )
        return found


@dataclass(frozen=True)
class Kind:
    """What the exports of a history are like."""

    json_lines: bool
    number_keys: bool
    marker: str | None
    max_delete_ratio: float  # above it a person has to approve a version
    schema_changes: bool

    def __str__(self) -> str:
        words = ["JSON lines" if self.json_lines else "CSV"]
        words += ["numbers as keys"] if self.number_keys else []
        words += ["several objects"] if self.marker else []
        words += ["columns come and go"] if self.schema_changes else []
        words += ["deletes are approved"] if self.max_delete_ratio < 1 else []
        return ", ".join(words)

    def row(self, chance: random.Random, width: int) -> Row:
        values = VALUES if self.json_lines else TEXTS
        return tuple(chance.choice(values) for _ in range(width))

    def keys(self, chance: random.Random, count: int) -> list[Any]:
        chosen = chance.sample(NUMBERS if self.number_keys else KEYS, count)
        return chosen if self.json_lines else [str(key) for key in chosen]


@dataclass(frozen=True)
class Event:
    """What the exporter does between two runs."""

    what: Literal["put", "spoil", "mend"]
    version: int
    how: Spoiling | None = None

    def __str__(self) -> str:
        return f"{self.what} {self.version}" + (f": {self.how}" if self.how else "")


@dataclass(frozen=True)
class Blow:
    """What happens at one request of a process, after `skip` others of its kind."""

    target: Target
    what: str  # kill, term, pause, a fault's name, or a Spoiling, of the version `seed`
    service: Service
    kind: str
    skip: int
    moment: Moment
    late_ms: int
    times: int
    seed: int

    @property
    def is_signal(self) -> bool:
        return self.what in ("kill", "term", "pause")

    def __str__(self) -> str:
        when = f"{self.late_ms} ms after" if self.moment == "late" else self.moment
        more = when if self.is_signal else f"{self.times} times"
        return (
            f"{self.target}: {self.what} at {self.service} {self.kind or 'any'}, "
            f"after {self.skip} others, {more}"
        )


@dataclass(frozen=True)
class Round:
    """What the exporter does, then one run of the pipeline beside a consumer."""

    events: tuple[Event, ...]
    style: Style
    rival: bool  # a second run at the same time, or while the first is paused
    consumes: bool
    on_call: bool  # before it a person has what failed tried again, and approves it
    blows: tuple[Blow, ...]

    def __str__(self) -> str:
        words = [*map(str, self.events), self.style]
        words += ["a rival"] if self.rival else []
        words += ["a consumer"] if self.consumes else []
        words += ["on call"] if self.on_call else []
        return "; ".join([", ".join(words), *map(str, self.blows)])


@dataclass(frozen=True)
class History:
    """One table's life."""

    seed: int
    kind: Kind
    versions: tuple[Version, ...]
    rounds: tuple[Round, ...]

    def __str__(self) -> str:
        sizes = ", ".join(f"{v.name} {len(v.table)}x{v.width}" for v in self.versions)
        return "\n  ".join(
            [f"seed {self.seed}: {self.kind}; versions {sizes}",
             *(f"round {number}: {one}" for number, one in enumerate(self.rounds))]
        )  # fmt: skip


def _next_table(chance: random.Random, kind: Kind, before: Table, width: int) -> Table:
    """Much of it stays; small sets of keys and values, so that much comes back as it was."""
    now = {
        key: tuple((*row, *[None] * width)[:width])
        for key, row in before.items()
        if chance.random() > 0.2
    }
    for key in now:
        if chance.random() < 0.3:
            now[key] = kind.row(chance, width)
    for key in kind.keys(chance, chance.randint(0 if now else 1, 6)):
        now.setdefault(key, kind.row(chance, width))
    return now


def _versions(chance: random.Random, kind: Kind) -> tuple[Version, ...]:
    table: Table = {}
    width, first = chance.randint(1, 3), chance.choice([1, 8, 98])
    found: list[Version] = []
    for number in range(chance.randint(3, 4)):
        if kind.schema_changes and number:
            width = min(4, max(1, width + chance.choice([-1, 0, 1, 1])))
        table = _next_table(chance, kind, table, width)
        objects = chance.choice([1, 2, 3]) if kind.marker else 1
        seed = chance.getrandbits(32)
        found.append(Version(f"V{first + number}", width, table, objects, kind.json_lines, seed))
    return tuple(found)


def _blow(chance: random.Random, target: Target) -> Blow:
    service: Service = "aws"
    what = chance.choices(["kill", "term", "pause", "fault"], [5, 2, 2, 6])[0]
    if target == "consumer":
        what = chance.choices(["kill", "fault"], [3, 1])[0]
        kind = chance.choice(OF_CONSUMERS)
    else:
        service = chance.choices(SERVICES, [3, 6, 2])[0]
        kind = chance.choice(OF_WORKERS[service])
    if what == "fault":
        faults = {"s3": FAULTS_OF_S3, "aws": FAULTS_OF_AWS, "sql": FAULTS_OF_SQL}[service]
        fitting = [one for one in faults if _fits(one, service, kind)]
        what = chance.choice(fitting)
    return Blow(
        target=target,
        what=what,
        service=service,
        kind=kind,
        skip=chance.choice([0, 0, 1, 2, 3, 5]) if kind else chance.randint(0, 30),
        moment=chance.choice(["before", "after", "late"]),
        late_ms=chance.choice([0, 1, 3, 10]),
        times=chance.choice([1, 1, 2, 4]),
        seed=chance.getrandbits(32),
    )


def _fits(fault: str, service: Service, kind: str) -> bool:
    if service == "s3":
        return kind in S3_FAULTS[fault].on or (kind == "list" and fault in ("500", "lost answer"))
    return fault != "some records refused" or kind == "PutRecords"


def _round(chance: random.Random, events: list[Event], blows: list[Blow]) -> Round:
    if chance.random() < 0.15:
        blows = [*blows, _replacing_blow(chance)]
    blows = blows + [_blow(chance, "worker") for _ in range(chance.choice([0, 1, 1, 2, 3]))]
    consumes = chance.random() < 0.6
    if consumes:
        blows += [_blow(chance, "consumer") for _ in range(chance.choice([0, 1, 2]))]
    paused = any(blow.what == "pause" for blow in blows)
    return Round(
        events=tuple(events),
        style=chance.choice(["loop", "loop", "tasks"]),
        rival=chance.random() < (0.7 if paused else 0.15),
        consumes=consumes,
        on_call=chance.random() < 0.5,
        blows=tuple(blows),
    )


def _spoiling(chance: random.Random) -> Spoiling:
    return chance.choice(SPOILING)


def _spoiling_blow(chance: random.Random, version: int) -> Blow:
    """At a reading, before which all that stands there is registered."""
    return Blow(
        target="worker",
        what=_spoiling(chance),
        service="s3",
        kind="get",
        skip=chance.choice([0, 0, 1, 2]),
        moment="before",
        late_ms=0,
        times=1,
        seed=version,
    )


def _replacing_blow(chance: random.Random) -> Blow:
    kind = chance.choice(["head", "get"])
    return Blow("worker", OTHER_CHANGES, "s3", kind, chance.randint(0, 4), "before", 0, 1, 0)


def _rounds(chance: random.Random, count: int, marked: bool) -> tuple[Round, ...]:
    rounds: list[Round] = []
    spoilt: list[int] = []
    soon: list[Event] = []  # for the next round
    number = 0
    while number < count or spoilt or soon:
        last = number == count
        mended = [one for one in spoilt if chance.random() < 0.6 or (last and not soon)]
        events = [Event("mend", version) for version in mended]
        spoilt = [one for one in spoilt if one not in mended] + [one.version for one in soon]
        events, soon, blows = events + soon, [], []
        for _ in range(0 if last else chance.choice([0, 1, 1, 1, 2])):
            if number == count:
                break
            events.append(Event("put", number))
            when = chance.choices(["never", "now", "in the run", "later"], [10, 2, 2, 2])[0]
            if when == "now" and not marked:
                events.append(Event("spoil", number, "a second object"))
                spoilt.append(number)
            elif when == "in the run":
                blows.append(_spoiling_blow(chance, number))
                spoilt.append(number)
            elif when == "later":
                soon.append(Event("spoil", number, _spoiling(chance)))
            number += 1
        rounds.append(_round(chance, events, blows))
    return tuple(rounds)


def history(seed: int) -> History:
    """The history of a seed."""
    chance = random.Random(seed)
    kind = Kind(
        json_lines=chance.random() < 0.5,
        number_keys=chance.random() < 0.4,
        marker=MARKER if chance.random() < 0.4 else None,
        max_delete_ratio=chance.choice([1.0, 1.0, 0.1]),
        schema_changes=chance.random() < 0.4,
    )
    versions = _versions(chance, kind)
    return History(
        seed=seed,
        kind=kind,
        versions=versions,
        rounds=_rounds(chance, len(versions), kind.marker is not None),
    )
