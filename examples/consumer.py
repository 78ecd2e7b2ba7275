"""A small Kinesis consumer that keeps a table as the changes on a stream say, each change once.

    python examples/consumer.py STREAM DATABASE [--until-idle SECONDS]

DATABASE is a SQLite file. The table `rows` has one row for each key, as JSON, and is there for the
sake of the example: put your own tables in its place. What makes it exactly once is that three
things are one transaction: the rows, the ids of the changes that were applied, and how far each
shard was read. A consumer that is killed goes on where its last transaction ended; records that are
read again, or were published again, have ids that are known, and are dropped.

Keys are equal when their values are, however they are written: 1.0 is 1e0, \\u00e9 is é, and the
order of members is none. Rows keep their numbers as they are written.

Changes of one key are in one shard, in order. When shards are split or merged, a shard is read only
after its parents have ended, so that the order holds there, too.

Of boto3 it needs the permissions kinesis:ListShards, GetShardIterator and GetRecords. One process
reads one stream; ids are kept for ever here, though a stream gives records again for as long as it
retains them (a year at most) and no longer.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import time
from collections.abc import Iterable, Mapping
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, Context, Decimal
from typing import Any

import boto3
from botocore.exceptions import ClientError

SCHEMA = """
create table if not exists rows (key text primary key, row text not null) without rowid;
create table if not exists seen (id text primary key) without rowid;
create table if not exists shards (
    shard text primary key, sequence_number text, ended integer not null default 0
) without rowid;
"""
SLOW_DOWN = ("ProvisionedThroughputExceededException", "LimitExceededException")
SECONDS_BETWEEN_READS = 0.2  # a shard allows for five reads a second
MOST_RECORDS = 1000
EXACT = Context(prec=MAX_PREC, Emax=MAX_EMAX, Emin=MIN_EMIN)
MOST_PLAIN_DIGITS = 30


class Number(str):
    """A number of JSON, as it is written: a float would round it."""

    __slots__ = ()

    def by_value(self) -> str:
        """The one spelling of its value."""
        try:
            value = EXACT.plus(Decimal(self)).normalize(EXACT)  # of -0: 0
        except ArithmeticError:  # an exponent that nothing can hold
            return str(self)
        return f"{value:f}" if abs(value.adjusted()) < MOST_PLAIN_DIGITS else str(value)


def json_text(value: Any, *, canonical: bool = False) -> str:
    """Numbers and members as they came, or in the one form that all spellings of a key have."""
    if isinstance(value, Number):
        return value.by_value() if canonical else str(value)
    if isinstance(value, Mapping):
        names = sorted(value) if canonical else list(value)
        members = [f"{json.dumps(name, ensure_ascii=False)}: "
                   f"{json_text(value[name], canonical=canonical)}" for name in names]  # fmt: skip
        return "{" + ", ".join(members) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(json_text(one, canonical=canonical) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)


class Consumer:
    """Reads a stream into a database."""

    def __init__(self, stream: str, database: str, kinesis: Any = None) -> None:
        self._stream = stream
        self._kinesis = kinesis or boto3.client("kinesis")
        self._database = sqlite3.connect(database, isolation_level=None, timeout=60)
        self._database.execute("pragma journal_mode = wal")
        self._database.executescript(SCHEMA)
        self._iterators: dict[str, str] = {}

    def run(self, *, until_idle: float | None = None) -> None:
        """Reads for ever, or until nothing has come for so many seconds."""
        last = time.monotonic()
        while until_idle is None or time.monotonic() - last < until_idle:
            if self.read_once():
                last = time.monotonic()
            else:
                time.sleep(SECONDS_BETWEEN_READS)

    def read_once(self) -> int:
        """One read of each shard whose parents have ended; how many records came."""
        return sum(self._read_shard(shard) for shard in self._readable_shards())

    def _readable_shards(self) -> list[str]:
        pages = self._kinesis.get_paginator("list_shards").paginate(StreamName=self._stream)
        listed = {one["ShardId"]: one for page in pages for one in page["Shards"]}
        ended = {shard for (shard,) in self._select("select shard from shards where ended")}

        def waits_for(shard: Mapping[str, Any]) -> set[str]:
            parents = {shard.get("ParentShardId"), shard.get("AdjacentParentShardId")}
            # A parent whose records have all expired is not listed any more.
            return {name for name in listed if name in parents} - ended

        return [name for name, one in listed.items() if name not in ended and not waits_for(one)]

    def _read_shard(self, shard: str) -> int:
        try:
            answer = self._kinesis.get_records(
                ShardIterator=self._iterator(shard), Limit=MOST_RECORDS
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "ExpiredIteratorException":  # five minutes old: another, from the database
                del self._iterators[shard]
            elif code not in SLOW_DOWN:
                raise
            return 0
        following = answer.get("NextShardIterator")  # none: the shard has ended
        self._take(shard, answer["Records"], ended=following is None)
        if following is None:
            del self._iterators[shard]
        else:
            self._iterators[shard] = following
        return len(answer["Records"])

    def _iterator(self, shard: str) -> str:
        if shard not in self._iterators:
            place = {"ShardIteratorType": "TRIM_HORIZON"}
            kept = self._select("select sequence_number from shards where shard = ?", shard)
            for (number,) in kept:
                place = {
                    "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                    "StartingSequenceNumber": number,
                }
            answer = self._kinesis.get_shard_iterator(
                StreamName=self._stream, ShardId=shard, **place
            )
            self._iterators[shard] = answer["ShardIterator"]
        return self._iterators[shard]

    def _take(self, shard: str, records: Iterable[Mapping[str, Any]], *, ended: bool) -> None:
        """Rows, ids and the shard's checkpoint: all of them, or none."""
        self._database.execute("begin immediate")
        try:
            for record in records:
                change = json.loads(record["Data"], parse_int=Number, parse_float=Number)
                new = self._database.execute(
                    "insert into seen values (?) on conflict do nothing", (change["id"],)
                )
                if new.rowcount == 1:
                    self._apply(change)
                self._keep_place(shard, record["SequenceNumber"])
            if ended:
                self._keep_place(shard, None)
            self._database.execute("commit")
        except BaseException:
            self._database.execute("rollback")
            self._iterators.pop(shard, None)
            raise

    def _apply(self, change: Mapping[str, Any]) -> None:
        key = json_text(change["key"], canonical=True)
        if change["op"] == "DELETE":
            self._database.execute("delete from rows where key = ?", (key,))
            return
        self._database.execute(
            "insert into rows values (?, ?) on conflict (key) do update set row = excluded.row",
            (key, json_text(change["row"])),
        )

    def _keep_place(self, shard: str, sequence_number: str | None) -> None:
        if sequence_number is None:
            self._database.execute(
                "insert into shards (shard, ended) values (?, 1) "
                "on conflict (shard) do update set ended = 1",
                (shard,),
            )
        else:
            self._database.execute(
                "insert into shards (shard, sequence_number) values (?, ?) "
                "on conflict (shard) do update set sequence_number = excluded.sequence_number",
                (shard, sequence_number),
            )

    def _select(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        return self._database.execute(query, values).fetchall()


def main() -> None:
    parser = argparse.ArgumentParser(
        description="Keep a table in SQLite as the changes on a Kinesis stream say."
    )
    parser.add_argument("stream")
    parser.add_argument("database")
    parser.add_argument(
        "--until-idle", type=float, metavar="SECONDS", help="end when nothing has come for so long"
    )
    options = parser.parse_args()
    Consumer(options.stream, options.database).run(until_idle=options.until_idle)


if __name__ == "__main__":
    main()
