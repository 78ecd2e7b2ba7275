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

A record that is no change is put aside in the table `dead_letters`, and reading goes on. A stream
that was made anew, or whose records may have expired before they were read, ends it with an error:
what is missing cannot be read any more, but be had by a new database and a first import.

It says when the table equals a version, by the protocol of docs/how-to/publish.md: each change says
its dataset, its version, and how many changes that version has.

It needs kinesis:DescribeStreamSummary, ListShards, GetShardIterator and GetRecords. One process
reads one stream; ids are kept for ever here, though a stream gives records again for as long as it
retains them (a year at most) and no longer.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
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
create table if not exists dead_letters (
    shard text, sequence_number text, why text not null, data blob not null,
    primary key (shard, sequence_number)
) without rowid;
create table if not exists versions (
    dataset text, version text, previous text, changes integer not null, taken integer not null,
    first_arrival real not null, primary key (dataset, version)
) without rowid;
create table if not exists stream (name text primary key, created real not null) without rowid;
create table if not exists read_until (shard text primary key, time real not null) without rowid;
"""
GAP = (
    "changes may be missing that can never be read. Start with a new database, and publish the "
    "newest export as a first import: docs/how-to/publish.md says how"
)
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


class Gap(Exception):
    """Records may be missing, and cannot be had any more."""


class NoChange(Exception):
    """What is wrong with a record that is no change."""


def read_change(data: bytes) -> dict[str, Any]:
    """The change of a record, its numbers as they are written."""
    try:
        change = json.loads(data, parse_int=Number, parse_float=Number)
    except (ValueError, RecursionError) as error:
        raise NoChange(f"it is no JSON: {error}") from error
    if not isinstance(change, dict):
        raise NoChange("it is no JSON object")
    needed = ("op", "key", "id") if change.get("op") == "DELETE" else ("op", "key", "id", "row")
    missing = [name for name in needed if change.get(name) is None]
    if missing:
        raise NoChange(f"it has no {' and no '.join(missing)}")
    if change["op"] not in ("INSERT", "UPDATE", "DELETE") or not isinstance(change["id"], str):
        raise NoChange("its op is none of INSERT, UPDATE and DELETE, or its id no text")
    return change


class Consumer:
    """Reads a stream into a database."""

    def __init__(self, stream: str, database: str, kinesis: Any = None) -> None:
        self._stream = stream
        self._kinesis = kinesis or boto3.client("kinesis")
        self._database = sqlite3.connect(database, isolation_level=None, timeout=60)
        self._database.execute("pragma journal_mode = wal")
        self._database.executescript(SCHEMA)
        self._iterators: dict[str, str] = {}
        self._retention: float | None = None  # seconds

    def check_stream(self) -> None:
        """Raises Gap when the stream is not the one that was read, or was not read for too long."""
        answer = self._kinesis.describe_stream_summary(StreamName=self._stream)
        summary = answer["StreamDescriptionSummary"]
        created = summary["StreamCreationTimestamp"].timestamp()
        self._retention = summary["RetentionPeriodHours"] * 3600
        self._database.execute(
            "insert or ignore into stream values (?, ?)", (self._stream, created)
        )
        kept = self._select("select created from stream where name = ?", self._stream)
        if kept != [(created,)]:
            raise Gap(f"the stream {self._stream} was made anew since it was read: {GAP}")
        for (shard,) in self._select(
            "select shard from read_until where shard not in (select shard from shards where ended)"
        ):
            self._check_retention(shard)

    def _check_retention(self, shard: str) -> None:
        """Whether what came after the last read may have expired by now."""
        kept = self._select("select time from read_until where shard = ?", shard)
        if self._retention is not None and kept and time.time() - kept[0][0] > self._retention:
            raise Gap(
                f"what was not read of {shard} is older than the {self._retention / 3600:g} hours "
                f"for which {self._stream} keeps records: {GAP}"
            )

    def version(self, dataset: str) -> str | None:
        """The version that the table equals; None: none, as one is on its way, or was left half.

        Versions come one after the other; the first one that counts is the last import of all rows.
        """
        found = self._select(
            "select version, previous is null, changes = taken from versions where dataset = ? "
            "order by first_arrival desc",
            dataset,
        )
        for _, is_import, is_whole in found:
            if is_import or not is_whole:
                return found[0][0] if is_whole else None
        return None

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
        self._check_retention(shard)
        until = time.time() - answer.get("MillisBehindLatest", 0) / 1000
        self._take(shard, answer["Records"], until, ended=following is None)
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

    def _take(
        self, shard: str, records: Iterable[Mapping[str, Any]], until: float, *, ended: bool
    ) -> None:
        """Rows, ids and the shard's checkpoint: all of them, or none."""
        equalled: list[str] = []
        self._database.execute("begin immediate")
        try:
            for record in records:
                equalled += self._take_record(shard, record)
                self._keep_place(shard, record["SequenceNumber"])
            if ended:
                self._keep_place(shard, None)
            self._database.execute(
                "insert into read_until values (?, ?) "
                "on conflict (shard) do update set time = excluded.time",
                (shard, until),
            )
            self._database.execute("commit")
        except BaseException:
            self._database.execute("rollback")
            self._iterators.pop(shard, None)
            raise
        for line in equalled:
            print(line, flush=True)

    def _take_record(self, shard: str, record: Mapping[str, Any]) -> Iterator[str]:
        """Applies a change that is new; yields what is to be said of its version."""
        try:
            change = read_change(record["Data"])
        except NoChange as error:
            self._put_aside(shard, record, str(error))
            return
        new = self._database.execute(
            "insert into seen values (?) on conflict do nothing", (change["id"],)
        )
        if new.rowcount == 1:
            self._apply(change)
            yield from self._count(change, record)

    def _put_aside(self, shard: str, record: Mapping[str, Any], why: str) -> None:
        data, number = record["Data"], record["SequenceNumber"]
        kept = self._database.execute(
            "insert or ignore into dead_letters values (?, ?, ?, ?)", (shard, number, why, data)
        )
        if kept.rowcount == 1:
            print(f"{shard} {number}: put aside: {why}", file=sys.stderr, flush=True)

    def _count(self, change: Mapping[str, Any], record: Mapping[str, Any]) -> Iterator[str]:
        """Counts a change of a version; yields that the table equals it, if that is so now."""
        stamp = [change.get(name) for name in ("dataset", "version", "previous", "changes")]
        dataset, version, _, changes = stamp
        if not (isinstance(dataset, str) and isinstance(version, str) and changes is not None):
            return  # a file that does not say what it is of
        arrival = record["ApproximateArrivalTimestamp"].timestamp()
        self._database.execute(
            "insert into versions values (?, ?, ?, ?, 1, ?) on conflict (dataset, version) "
            "do update set taken = taken + 1, changes = excluded.changes, "
            "first_arrival = min(first_arrival, excluded.first_arrival)",
            (*stamp[:3], int(changes), arrival),
        )
        if self.version(dataset) == version:
            yield f"{dataset}: the table equals {version}"

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
    consumer = Consumer(options.stream, options.database)
    try:
        consumer.check_stream()
        consumer.run(until_idle=options.until_idle)
    except Gap as error:
        sys.exit(f"consumer: {error}")


if __name__ == "__main__":
    main()
