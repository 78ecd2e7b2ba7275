"""examples/consumer.py: each change once, whatever comes twice and whenever it is killed."""

from __future__ import annotations

import importlib.util
import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest

import airscoop
from support.kinesis import Answer, Script, Stream
from support.paths import ROOT
from support.waiting import eventually

CONSUMER = ROOT / "examples/consumer.py"
ROWS = 3000


def start(stream: Stream, database: Path, *, until_idle: float) -> subprocess.Popen[str]:
    words = [stream.name, str(database), "--until-idle", str(until_idle)]
    return subprocess.Popen(
        [sys.executable, CONSUMER, *words],
        env=stream.environment(), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def consume(stream: Stream, database: Path) -> None:
    consumer = start(stream, database, until_idle=1)
    _, problems = consumer.communicate()
    assert consumer.returncode == 0, problems


def table(database: Path) -> dict[str, dict[str, Any]]:
    with closing(sqlite3.connect(database)) as opened:
        rows = opened.execute("select key, row from rows").fetchall()
    return {json.loads(key)["PK"]: json.loads(row) for key, row in rows}


def export(folder: Path, name: str, rows: dict[str, str]) -> Path:
    path = folder / name
    path.write_text("PK,a\n" + "".join(f"{key},{value}\n" for key, value in rows.items()))
    return path


def publish(stream: Stream, old: Path | None, new: Path, **options: Any) -> None:
    """The delta of two exports."""
    changes = new.with_suffix(".jsonl.gz")
    airscoop.delta(old, new, version=new.name, max_delete_ratio=1, **options).write(changes)
    airscoop.publish(changes, stream.name, kinesis=stream.settings())


@pytest.fixture
def exports(tmp_path: Path) -> tuple[Path, Path, dict[str, dict[str, Any]]]:
    """Two exports, and the table as the second has it."""
    first = {f"K{n}": str(n) for n in range(ROWS)}
    second = {key: f"{value}!" if int(value) % 3 else value for key, value in first.items()}
    for n in range(0, ROWS, 10):
        del second[f"K{n}"]
    second |= {f"N{n}": "new" for n in range(100)}
    expected = {key: {"PK": key, "a": value} for key, value in second.items()}
    return export(tmp_path, "v1", first), export(tmp_path, "v2", second), expected


def test_the_table_becomes_what_the_last_export_is(
    exports: tuple[Path, Path, dict[str, dict[str, Any]]], stream: Stream, tmp_path: Path
) -> None:
    first, second, expected = exports
    database = tmp_path / "table.db"
    publish(stream, None, first)
    publish(stream, first, second)
    consume(stream, database)
    assert table(database) == expected


def test_the_table_follows_columns_that_come_and_go(stream: Stream, tmp_path: Path) -> None:
    texts = [
        "PK,a\n1,x\n2,y\n",
        "PK,a,c\n1,x,p\n2,y,q\n",
        "PK,a,c\n1,x,P\n2,y,q\n",
        "c,PK\nP,1\nq,2\n",
    ]
    before: Path | None = None
    for number, text in enumerate(texts):
        now = tmp_path / f"v{number}"
        now.write_text(text)
        publish(stream, before, now, on_schema_change="all")
        before = now
    consume(stream, tmp_path / "table.db")
    assert table(tmp_path / "table.db") == {
        "1": {"PK": "1", "a": None, "c": "P"}, "2": {"PK": "2", "a": None, "c": "q"},
    }  # fmt: skip


def test_changes_that_come_twice_count_once(
    exports: tuple[Path, Path, dict[str, dict[str, Any]]], stream: Stream, tmp_path: Path
) -> None:
    first, second, expected = exports
    database = tmp_path / "table.db"
    lost = iter([True, False, True] + [False] * 1000)
    stream.proxy.script = lambda operation, body: (
        Answer(lose=next(lost)) if operation == "PutRecords" else None
    )
    publish(stream, None, first)
    publish(stream, first, second)
    assert len(stream.proxy.stored) > len(set(stream.proxy.stored))
    consume(stream, database)
    assert table(database) == expected
    # The first once more, late: an old INSERT must not undo what came after it.
    publish(stream, None, first)
    consume(stream, database)
    assert table(database) == expected


def test_a_consumer_that_is_killed_goes_on_where_it_stopped(
    exports: tuple[Path, Path, dict[str, dict[str, Any]]], stream: Stream, tmp_path: Path
) -> None:
    first, second, expected = exports
    database = tmp_path / "table.db"
    publish(stream, None, first)
    publish(stream, first, second)
    read = 0

    def applied() -> int:
        if not database.exists():
            return 0
        with closing(sqlite3.connect(database, timeout=60)) as opened:
            tables = "select count(*) from sqlite_master where name = 'shards'"
            if opened.execute(tables).fetchone()[0] == 0:
                return 0
            count: int = opened.execute("select count(*) from seen").fetchone()[0]
            return count

    def has_more_than(before: int) -> bool:
        return applied() > min(before, len(set(stream.proxy.stored)) - 1)

    for _ in range(3):
        consumer = start(stream, database, until_idle=60)
        before = applied()
        assert eventually(partial(has_more_than, before))
        consumer.kill()
        consumer.communicate()
        assert consumer.returncode == -signal.SIGKILL
        read = applied()
    assert read > 0
    consume(stream, database)
    assert table(database) == expected
    assert applied() == len(set(stream.proxy.stored))


class Resharded:
    """A stream whose shards 0 and 1 were merged into 2, which moto's never end: the children are
    listed first, and one record comes a read."""

    PARENTS: ClassVar[dict[str, list[str]]] = {"2": ["0", "1"], "0": [], "1": []}

    def __init__(self, changes: dict[str, list[dict[str, Any]]]) -> None:
        self.changes = changes
        self.read: list[str] = []

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_shards"
        return self

    def paginate(self, **_: object) -> list[dict[str, Any]]:
        names = ("ParentShardId", "AdjacentParentShardId")
        return [
            {"Shards": [{"ShardId": shard, **dict(zip(names, parents, strict=False))}]}
            for shard, parents in self.PARENTS.items()
        ]

    def get_shard_iterator(self, **asked: str) -> dict[str, str]:
        number = int(asked.get("StartingSequenceNumber", "-1")) + 1
        return {"ShardIterator": f"{asked['ShardId']}:{number}"}

    def get_records(self, **asked: Any) -> dict[str, Any]:
        shard, _, number = asked["ShardIterator"].partition(":")
        place = int(number)
        found = self.changes[shard][place : place + 1]
        if found:
            self.read.append(shard)
        records = [{"Data": json.dumps(one), "SequenceNumber": str(place)} for one in found]
        ended = shard != "2" and place + 1 >= len(self.changes[shard])
        following = {} if ended else {"NextShardIterator": f"{shard}:{place + len(found)}"}
        return {"Records": records, **following}


def test_children_are_read_after_their_parents(tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("consumer", CONSUMER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def one(op: str, key: str, value: int) -> dict[str, Any]:
        row = {"PK": key, "a": value}
        return {"op": op, "key": {"PK": key}, "row": row, "id": f"{key}{value}"}

    kinesis = Resharded(
        {
            "0": [one("INSERT", "a", 0), one("UPDATE", "a", 1), one("UPDATE", "a", 2)],
            "1": [one("INSERT", "b", 0)],
            "2": [one("UPDATE", "a", 3), one("DELETE", "b", 1), one("UPDATE", "a", 4)],
        }
    )
    database = tmp_path / "table.db"
    for _ in range(4):  # a new consumer each time: all it knows is in the database
        module.Consumer("any", str(database), kinesis).read_once()
    module.Consumer("any", str(database), kinesis).run(until_idle=0.5)
    assert kinesis.read.index("2") == 4
    assert sorted(kinesis.read) == ["0", "0", "0", "1", "2", "2", "2"]
    assert table(database) == {"a": {"PK": "a", "a": 4}}


FOREIGN = [
    b"no json", b"\xff\xfe", b"[1]", b"7", b"null", b"", b'{"no": "change"}',
    b'{"op": "UPSERT", "key": {"PK": "1"}, "row": {}, "id": "x"}',
    b'{"op": "INSERT", "key": {"PK": "1"}, "id": "x"}',
    b'{"op": "INSERT", "row": {"PK": "1"}, "id": "x"}',
    b'{"op": "INSERT", "key": {"PK": "1"}, "row": {"PK": "1"}}',
    b'{"op": "INSERT", "key": {"PK": "1"}, "row": {"PK": "1"}, "id": {}}',
    b"[" * 100_000,
]  # fmt: skip


def test_records_that_are_no_changes_are_put_aside_and_reading_goes_on(
    stream: Stream, tmp_path: Path
) -> None:
    database = tmp_path / "table.db"
    good = {"op": "INSERT", "key": {"PK": "1"}, "row": {"PK": "1"}, "id": "a"}
    after = {"op": "INSERT", "key": {"PK": "2"}, "row": {"PK": "2"}, "id": "b"}
    data = [json.dumps(good).encode(), *FOREIGN, json.dumps(after).encode()]
    stream.client.put_records(
        StreamName=stream.name,
        Records=[{"Data": one or b" ", "PartitionKey": "same"} for one in data],
    )
    for _ in range(2):  # the second time there is nothing new
        consume(stream, database)
        assert table(database) == {"1": {"PK": "1"}, "2": {"PK": "2"}}
        with closing(sqlite3.connect(database)) as opened:
            kept = opened.execute("select data, why from dead_letters").fetchall()
        assert sorted(one for one, _ in kept) == sorted(one or b" " for one in FOREIGN)
        assert all(why for _, why in kept)


def refusal(stream: Stream, database: Path) -> str:
    consumer = start(stream, database, until_idle=1)
    _, problems = consumer.communicate()
    assert consumer.returncode == 1
    return problems


def test_a_stream_that_was_made_anew_is_noticed(
    exports: tuple[Path, Path, dict[str, dict[str, Any]]], stream: Stream, tmp_path: Path
) -> None:
    first, second, _ = exports
    database = tmp_path / "table.db"
    publish(stream, None, first)
    consume(stream, database)
    before = table(database)
    stream.client.delete_stream(StreamName=stream.name)
    stream.client.create_stream(StreamName=stream.name, ShardCount=3)
    publish(stream, first, second)
    for _ in range(2):
        said = refusal(stream, database)
        assert f"consumer: the stream {stream.name} was made anew since it was read" in said
        assert "Start with a new database" in said
    assert table(database) == before


def test_records_that_may_have_expired_unread_are_noticed(
    exports: tuple[Path, Path, dict[str, dict[str, Any]]], stream: Stream, tmp_path: Path
) -> None:
    first, second, expected = exports
    database = tmp_path / "table.db"
    publish(stream, None, first)
    consume(stream, database)
    publish(stream, first, second)
    with closing(sqlite3.connect(database)) as opened, opened:
        opened.execute("update read_until set time = time - 23 * 3600")
    consume(stream, database)
    assert table(database) == expected
    with closing(sqlite3.connect(database)) as opened, opened:
        opened.execute("update read_until set time = time - 25 * 3600")
    assert "is older than the 24 hours for which" in refusal(stream, database)


def said_versions(stream: Stream, database: Path) -> list[str]:
    words = [stream.name, str(database), "--until-idle", "1"]
    done = subprocess.run(
        [sys.executable, CONSUMER, *words], env=stream.environment(), check=True,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    return done.stdout.splitlines()


def twice() -> Script:
    """The first request's answer is lost, so its changes come once more."""
    lost = iter([True])
    return lambda operation, body: (
        Answer(lose=next(lost, False)) if operation == "PutRecords" else None
    )


def named(old: Path | None, new: Path, **names: str | None) -> Path:
    """The file of a delta whose changes say what they are of."""
    delta = airscoop.delta(old, new, version=names["version"])
    path = new.parent / "changes.jsonl"
    lines = [json.dumps({**change, **names, "changes": len(delta)}) for change in delta]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_the_consumer_says_when_its_table_equals_a_version(stream: Stream, tmp_path: Path) -> None:
    database, before = tmp_path / "table.db", None
    rows = {f"K{n}": "a" for n in range(700)}
    versions: list[tuple[str, dict[str, str]]] = [
        ("v1", rows), ("v2", rows | {"K1": "b"}), ("v3", rows | {"K1": "b"}), ("v4", rows),
    ]  # fmt: skip
    for number, (version, now) in enumerate(versions):
        path = export(tmp_path, version, now)
        previous = versions[number - 1][0] if number else None
        changes = named(before, path, dataset="acme/orders", version=version, previous=previous)
        stream.proxy.script = twice()
        airscoop.publish(changes, stream.name, kinesis=stream.settings())
        is_new = changes.stat().st_size > 0
        expected = [f"acme/orders: the table equals {version}"] if is_new else []
        assert said_versions(stream, database) == expected
        assert table(database) == {key: {"PK": key, "a": value} for key, value in now.items()}
        before = path


def test_a_version_of_which_a_part_is_missing_is_never_said(stream: Stream, tmp_path: Path) -> None:
    database = tmp_path / "table.db"
    first = export(tmp_path, "v1", {"1": "a", "2": "a"})
    second = export(tmp_path, "v2", {"1": "b", "2": "b"})
    third = export(tmp_path, "v3", {"1": "c", "2": "c"})

    def send(
        old: Path | None, new: Path, version: str, previous: str | None, skips: int = 0
    ) -> None:
        changes = named(old, new, dataset="d", version=version, previous=previous)
        airscoop.publish(changes, stream.name, kinesis=stream.settings(), start_at=skips)

    send(None, first, "v1", None)
    assert said_versions(stream, database) == ["d: the table equals v1"]
    send(first, second, "v2", "v1", skips=1)  # given up after a part
    send(first, third, "v3", "v1")
    assert said_versions(stream, database) == []
    send(None, third, "v3 once more", None)
    assert said_versions(stream, database) == ["d: the table equals v3 once more"]
