"""A key in every spelling, from the exports to the consumer's table: one partition key, one row."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import airscoop
from support.kinesis import Stream
from support.paths import ROOT
from support.spellings import MOST, SPELLINGS, export


def consume(stream: Stream, database: Path) -> list[str]:
    """The rows of the example consumer's table, once nothing more comes."""
    words = [str(ROOT / "examples/consumer.py"), stream.name, str(database), "--until-idle", "1"]
    subprocess.run([sys.executable, *words], env=stream.environment(), check=True)
    with closing(sqlite3.connect(database)) as opened:
        return [row for (row,) in opened.execute("select row from rows")]


def partition_keys(stream: Stream) -> set[str]:
    return {key for key, _ in stream.proxy.stored}


def test_exports_in_every_spelling_keep_one_row_for_each_key(
    stream: Stream, tmp_path: Path
) -> None:
    before: Path | None = None
    for turn in range(MOST):
        now = tmp_path / f"v{turn}.jsonl"
        now.write_text(export(turn, turn))
        changes = tmp_path / f"changes{turn}.jsonl.gz"
        airscoop.delta(before, now, version=now.name, max_delete_ratio=1).write(changes)
        airscoop.publish(changes, stream.name, kinesis=stream.settings())
        before = now
    assert len(stream.proxy.stored) == MOST * len(SPELLINGS)
    assert len(partition_keys(stream)) == len(SPELLINGS)
    rows = [json.loads(row) for row in consume(stream, tmp_path / "table.db")]
    assert sorted((row["n"], row["v"]) for row in rows) == [
        (name, MOST - 1) for name in sorted(SPELLINGS)
    ]


def test_changes_of_other_writers_in_every_spelling_are_of_one_key(
    stream: Stream, tmp_path: Path
) -> None:
    changes = tmp_path / "changes.jsonl"
    with changes.open("w") as out:
        for name, forms in SPELLINGS.items():
            for number, form in enumerate(forms):
                members = [f'"b": "{name}"', f'"a" : {form}'][:: 1 if number % 2 else -1]
                key, row = ",".join(members), f'"n":"{name}","v":{number}'
                out.write(
                    f'{{"op":"UPDATE","key":{{{key}}},"row":{{{row}}},"id":"{name}{number}"}}\n'
                )
    airscoop.publish(changes, stream.name, kinesis=stream.settings())
    assert len(partition_keys(stream)) == len(SPELLINGS)
    rows = [json.loads(row) for row in consume(stream, tmp_path / "table.db")]
    assert {row["n"]: row["v"] for row in rows} == {
        name: len(forms) - 1 for name, forms in SPELLINGS.items()
    }
    assert len(rows) == len(SPELLINGS)


def test_the_consumer_keeps_numbers_as_they_are_written(stream: Stream, tmp_path: Path) -> None:
    new = tmp_path / "new.jsonl"
    numbers = ["1.10", "12345678901234567.890", "1e400", "-0.0", "123456789012345678901"]
    new.write_text(f'{{"PK":1,"n":[{",".join(numbers)}]}}\n')
    airscoop.delta(None, new).write(tmp_path / "changes.jsonl")
    airscoop.publish(tmp_path / "changes.jsonl", stream.name, kinesis=stream.settings())
    (row,) = consume(stream, tmp_path / "table.db")
    assert row == f'{{"PK": 1, "n": [{", ".join(numbers)}]}}'
