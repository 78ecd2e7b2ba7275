"""Makes full exports of one table, each a little later than the one before.

The same arguments always give the same bytes. The first two exports are in the order of their keys,
the third is not.
"""

from __future__ import annotations

import csv
import gzip
import io
import random
from collections.abc import Iterator
from dataclasses import dataclass

KEY = "id"
COLUMNS = (KEY, "name", "city", "balance", "note", "updated_at")
# As a source system would name them: date, number of the day's export, file.
KEYS = (
    "tenant/test_table/20201230_V0001/export1.csv.gz",
    "tenant/test_table/20201230_V0002/export2.csv.gz",
    "tenant/test_table/20201231_V0001/export3.csv.gz",
)
DELETED, UPDATED, INSERTED = 0.02, 0.03, 0.01

NAMES = ("Mary O'Neil", 'Bob "Bobby" Smith', "Zoë", "李雷", "Søren K.", "Ann, Dr.")
CITIES = ("Berlin", "São Paulo", "Nairobi", "Kyoto", "Reykjavík")
NOTES = ("", "calls back", "first line\nsecond line", "50% off, twice", "café 🐧")

Row = dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Export:
    """One export: its key in S3 and its bytes, gzip."""

    key: str
    body: bytes


def exports(rows: int, seed: int) -> Iterator[Export]:
    """The three exports of KEYS; the first has `rows` rows."""
    chance = random.Random(f"exports {seed}")  # noqa: S311
    table = {number: _new_row(chance, number) for number in range(1, rows + 1)}
    for version, key in enumerate(KEYS):
        if version > 0:
            _move_on(chance, table, version)
        lines = [table[number] for number in sorted(table)]
        if version == len(KEYS) - 1:
            chance.shuffle(lines)
        yield Export(key=key, body=_compressed(lines))


def _new_row(chance: random.Random, number: int) -> Row:
    return {
        KEY: f"{number:08d}",
        "name": chance.choice(NAMES),
        "city": chance.choice(CITIES),
        "balance": f"{chance.randrange(-50_000, 5_000_000) / 100:.2f}",
        "note": chance.choice(NOTES),
        "updated_at": "2020-12-30T00:00:00Z",
    }


def _move_on(chance: random.Random, table: dict[int, Row], version: int) -> None:
    """Deletes, updates and inserts some rows."""
    before, last = sorted(table), max(table)
    for number in before:
        dice = chance.random()
        if dice < DELETED:
            del table[number]
        elif dice < DELETED + UPDATED:
            balance = f"{chance.randrange(-50_000, 5_000_000) / 100:.2f}"
            updated_at = f"2020-12-30T{version:02d}:00:00Z"
            table[number] = {**table[number], "balance": balance, "updated_at": updated_at}
    for number in range(last + 1, last + 1 + int(len(before) * INSERTED)):
        table[number] = _new_row(chance, number)


def _compressed(rows: list[Row]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return gzip.compress(text.getvalue().encode(), mtime=0)
