"""Plays one random history on real servers, in processes of its own, and judges the outcome."""

from __future__ import annotations

import dataclasses
import gzip
import itertools
import json
import runpy
import signal
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from airscoop.errors import SuspectExport
from airscoop.exports.lease import held_lock
from airscoop.exports.on_call import retry
from airscoop.exports.registry import STALE, ExportRecord, Registry
from support.delta_tables import Table
from support.history_plan import MARKER, OTHER_CHANGES, Blow, Event, History, Round, Version
from support.history_processes import Child
from support.history_scene import Scene
from support.history_worker import CONSUMER, Pipeline, consume, loop, task
from support.kinesis import Stream
from support.s3 import BUCKET, Store
from support.warehouse import Settings

Rows = dict[str, dict[str, Any]]
CHILD_SECONDS = 120
PAUSE_SECONDS = 1.2  # more than a lease
MOST_CALM_RUNS = 8
TRIES = 3  # of a task
EVIL = "this is of no export"


@dataclass
class Outcome:
    """How a run ended. green: it said that all went well."""

    name: str
    green: bool = False
    told: list[dict[str, Any]] = field(default_factory=list)
    hangs: bool = False


class Play:
    """One history under way. `problems` are what is wrong with it."""

    def __init__(
        self, plan: History, store: Store, registry: Registry, stream: Stream, scene: Scene,
        pipeline: Pipeline, database: Settings, folder: Path,
    ) -> None:  # fmt: skip
        self.plan, self.store, self.registry, self.stream = plan, store, registry, stream
        self.scene, self.pipeline, self.folder = scene, pipeline, folder
        self._warehouse = database
        scene.spoil = self._spoil_now
        self.problems: list[str] = []
        self.notes: list[str] = []
        self._put: list[Version] = []
        self._told: set[str] = set()  # exports of which some run has told an error
        self._approves = False  # whether the next run may delete as much as it will
        self._runs = itertools.count()
        self._database = folder / "consumer.db"

    # --- what the exporter does ---

    @property
    def dataset(self) -> str:
        return f"{self.store.prefix}/orders"

    def _id(self, version: Version) -> str:
        return f"{self.dataset}/{version.name}"

    def _object(self, version: Version, file: str) -> str:
        return f"orders/{version.name}/{file}"

    def _do(self, event: Event) -> None:
        version = self.plan.versions[event.version]
        if event.what == "put":
            for name, data in version.files().items():
                self.store.put(self._object(version, name), data)
            if self.plan.kind.marker:
                self.store.put(self._object(version, MARKER), b"")
            self._put.append(version)
        elif event.what == "mend":
            self._mend(version)
        else:
            self._spoil(version, str(event.how))

    def _spoil(self, version: Version, how: str) -> None:
        """What would be another export, if it were seen before the first, is left undone."""
        seen = self.registry.find(self._id(version)) is not None
        if not seen and (how == "other content" or self.plan.kind.marker):
            self.notes.append(f"{version.name} is not registered yet, and stays as it is")
            return
        table: Table = dict.fromkeys(("k1", "evil"), (EVIL,) * version.width)
        other = Version(version.name, version.width, table, 1, version.json_lines, version.seed)
        (data,) = other.files().values()
        if how == "a second object":
            name = "second" + next(iter(version.files())).removeprefix("export")
        else:
            name = next(iter(version.files()))
        self.store.put(self._object(version, name), data)

    def _spoil_now(self, blow: Blow) -> None:
        """In the middle of a run."""
        if blow.what == OTHER_CHANGES:
            name = f"{self.stream.name}/{self._id(self._put[-1])}.jsonl.gz"
            key = {"PK": 666 if self.plan.kind.number_keys else EVIL}
            change = {"op": "INSERT", "key": key, "row": key, "id": EVIL}
            data = gzip.compress(json.dumps(change).encode() + b"\n")
            self.store.client.put_object(Bucket=BUCKET, Key=name, Body=data)
            return
        self._spoil(self.plan.versions[blow.seed], blow.what)

    def _mend(self, version: Version) -> None:
        files = version.files()
        prefix = f"orders/{version.name}/"
        for name in self.store.names():
            file = name.removeprefix(prefix)
            if name.startswith(prefix) and file not in files and file != MARKER:
                self.store.client.delete_object(Bucket=BUCKET, Key=self.store.key(name))
        for name, data in files.items():
            if self.store.get(prefix + name) != data:
                self.store.put(prefix + name, data)

    # --- runs ---

    def _loop(self, outcome: Outcome, *, is_victim: bool) -> None:
        """A whole run in one process."""
        report = self.folder / f"{outcome.name}.jsonl"
        child = Child(loop, self._configured(), outcome.name, str(report))
        if is_victim:
            self.scene.victims["worker"] = child
        self._end(child, outcome, report)

    def _configured(self) -> Pipeline:
        """As a person has it for the next run."""
        compare: dict[str, Any] = {
            "max_delete_ratio": self.plan.kind.max_delete_ratio,
            "on_schema_change": "all",
            "approved_delete_ratio": 1.0 if self._approves else None,
        }
        return dataclasses.replace(self.pipeline, compare=compare)

    def _end(self, child: Child, outcome: Outcome, report: Path) -> bool:
        code = child.wait(CHILD_SECONDS)
        if code is None:
            outcome.hangs = True
            self.problems.append(f"{outcome.name} has no end after {CHILD_SECONDS} s")
            child.end()
        told = report.read_text().splitlines() if report.exists() else []
        outcome.told = [json.loads(line) for line in told]
        outcome.green = code == 0
        self._told |= {one["where"] for one in outcome.told if one["what"] == "error"}
        self.notes.append(f"{outcome.name} ended by {code}: {_shown(outcome.told)}")
        self.problems += [
            f"{outcome.name}: {one['where']} failed by what is no AirscoopError: {one['error']}"
            for one in outcome.told
            if one["what"] == "foreign error"
        ]
        return outcome.green

    def _task(self, outcome: Outcome, name: str, given: Any = None) -> Any:
        """A task of a run, tried again as Airflow does; None: it failed, or had nothing to give."""
        for number in range(TRIES):
            step = Outcome(f"{outcome.name}-{next(self._runs)}-{name}-{number}")
            report = self.folder / f"{step.name}.jsonl"
            child = Child(task, self._configured(), outcome.name, str(report), name, given)
            self.scene.victims["worker"] = child
            if self._end(child, step, report):
                gives = [one["result"] for one in step.told if one["what"] == "gives"]
                return gives[0] if gives else True
        outcome.green = False
        return None

    def _tasks(self, outcome: Outcome) -> None:
        """A run as the tasks of a DAG, in a process each."""
        outcome.green = True
        for export in self._task(outcome, "register") or []:
            lock = self._task(outcome, "lock", export)
            if lock is None:
                continue
            all(self._task(outcome, step, lock) for step in ("compute", "apply", "publish"))
            if self._task(outcome, "finish", lock) != "done":
                outcome.green = False

    def _play_round(self, one: Round) -> None:
        for event in one.events:
            self._do(event)
        self._approves = one.on_call and self._on_call()
        newest = self._put[-1] if self._put else None
        self.scene.arm(one.blows)
        consumer = self._consume(idle_seconds=0.3) if one.consumes else None
        if consumer is not None:
            self.scene.victims["consumer"] = consumer
        first, second = Outcome(f"run{next(self._runs)}"), Outcome(f"rival{next(self._runs)}")
        ends = self._loop_as_victim if one.style == "loop" else self._tasks
        thread = threading.Thread(target=ends, args=(first,))
        thread.start()
        rival = threading.Thread(target=self._loop_as_rival, args=(second,))
        has_pause = any(blow.what == "pause" for blow in one.blows)
        if one.rival and not has_pause:
            rival.start()
        while thread.is_alive():
            if self.scene.paused.wait(0.02):
                self._while_paused(rival if one.rival else None)
        thread.join()
        self.scene.disarm()
        if rival.ident is not None:
            rival.join()
        if consumer is not None and consumer.wait(CHILD_SECONDS) is None:
            consumer.end()
            self.problems.append("the consumer has no end")
        self.notes += [f"fired: {blow}" for blow in self.scene.fired]
        for outcome in (first, second):
            self._check_green(outcome, newest)

    def _loop_as_victim(self, outcome: Outcome) -> None:
        self._loop(outcome, is_victim=True)

    def _loop_as_rival(self, outcome: Outcome) -> None:
        self._loop(outcome, is_victim=False)

    def _while_paused(self, rival: threading.Thread | None) -> None:
        """One that is paused in a transaction holds a lock, which a rival waits for."""
        if rival is not None and rival.ident is None:
            rival.start()
            in_transaction = self.scene.fired[-1].service == "sql"
            rival.join(PAUSE_SECONDS if in_transaction else None)
        else:
            time.sleep(PAUSE_SECONDS)
        self.scene.paused.clear()
        self.scene.victims["worker"].send(signal.SIGCONT)
        self.scene.resumed.set()

    def _consume(self, *, idle_seconds: float) -> Child:
        log = self.folder / "consumer.log"
        return Child(consume, self.pipeline, str(self._database), str(log), idle_seconds)

    # --- what must hold ---

    def _check_green(self, outcome: Outcome, newest: Version | None) -> None:
        if not outcome.green or newest is None:
            return
        record = self.registry.find(self._id(newest))
        if record is None or record.state != "done":
            state = "not registered" if record is None else f"{record.state}: {record.error}"
            self.problems.append(
                f"{outcome.name} is green, and the newest, {newest.name}, is {state}"
            )

    def play(self) -> None:
        """All rounds, then runs in peace until all is done."""
        self.make_table()
        for number, one in enumerate(self.plan.rounds):
            self.notes.append(f"round {number}")
            self._play_round(one)
        for _ in range(MOST_CALM_RUNS):
            outcome = Outcome(f"calm{next(self._runs)}")
            self._loop_as_rival(outcome)
            self._check_green(outcome, self._put[-1])
            if outcome.green:
                break
            self._approves = self._on_call()
        else:
            self.problems.append(f"not green after {MOST_CALM_RUNS} runs in peace")
        if self._consume(idle_seconds=0.5).wait(CHILD_SECONDS) != 0:
            self.problems.append(
                "the last consumer failed: " + (self.folder / "consumer.log").read_text()
            )
        self.problems += self._judged()

    def _on_call(self) -> bool:
        """What a person does about failed exports; whether the next run deletes what it wants."""
        approves = False
        for record in self.registry.records(self.dataset):
            if record.state == "failed" and record.code != STALE and record.conflict is None:
                self.notes.append(f"retry {record.id}, which failed by {record.error}")
                retry(self.registry, record.id)
                approves = approves or record.code == SuspectExport.code
        return approves

    def _judged(self) -> Iterator[str]:
        records = {one.export.version: one for one in self.registry.records(self.dataset)}
        done = [one for one in self.plan.versions if _is_done(records.get(one.name))]
        for version in self._put:
            record = records.get(version.name)
            if not _is_done(record) and self._id(version) not in self._told:
                yield f"{version.name} is lost: {record and (record.state, record.error)}"
        if self._put and self._put[-1] not in done:
            yield f"{self._put[-1].name}, the newest, is not done"
        lock = held_lock(self.registry, self.dataset)
        if lock is not None:
            yield f"the lock is held by {lock['owner']} when all is done"
        yield from self._judged_stream(done)
        yield from self._judged_version([records[one.name] for one in done])
        expected = done[-1].rows() if done else {}
        yield from differences("the consumer's table", self._consumed(), expected)
        yield from differences("the table", self._applied(), expected)

    def _judged_stream(self, done: list[Version]) -> Iterator[str]:
        """Of each key the stream tells what the exports do, in their order, and nothing else."""
        expected: defaultdict[str, list[Any]] = defaultdict(list)
        before: Rows = {}
        for version in done:
            now = version.rows()
            for key in before.keys() | now.keys():
                if before.get(key) != now.get(key):
                    expected[key].append(now.get(key))
            before = now
        found: defaultdict[str, list[Any]] = defaultdict(list)
        seen: set[str] = set()
        for change in self.stream.changes():
            if change["id"] in seen:
                continue
            seen.add(change["id"])
            row = None if change["op"] == "DELETE" else _plain(change["row"])
            found[str(change["key"]["PK"])].append(row)
        for key in sorted(expected.keys() | found.keys()):
            if expected[key] != found[key]:
                yield f"of {key!r} the stream tells {found[key]}, the exports {expected[key]}"

    def _judged_version(self, done: list[ExportRecord]) -> Iterator[str]:
        """The consumer says that its table equals the last version in which anything changed."""
        changing = [one.export.version for one in done if one.changes and one.changes.count]
        made = runpy.run_path(str(CONSUMER))["Consumer"]
        said = made(self.stream.name, str(self._database), self.stream.client).version(self.dataset)
        if [said] != changing[-1:]:
            yield f"the consumer says that its table equals {said}, not {changing[-1:]}"

    def _consumed(self) -> Rows:
        with closing(sqlite3.connect(self._database)) as opened:
            rows = opened.execute("select key, row from rows").fetchall()
        return {str(json.loads(key)["PK"]): _plain(json.loads(row)) for key, row in rows}

    def make_table(self) -> None:
        """As its owner makes it."""
        texts = "jsonb" if self.plan.kind.json_lines else "text"
        key = "bigint" if self.plan.kind.number_keys else "text"
        names = [f"c{n}" for n in range(max(version.width for version in self.plan.versions))]
        schema, columns = self.pipeline.table.partition(".")[0], [f"{n} {texts}" for n in names]
        with psycopg.connect(self._warehouse["dsn"], autocommit=True) as owner:
            owner.execute(f"CREATE SCHEMA {schema}".encode())
            columns = [f'"PK" {key} PRIMARY KEY', *columns]
            owner.execute(f"CREATE TABLE {self.pipeline.table} ({', '.join(columns)})".encode())

    def _applied(self) -> Rows:
        with psycopg.connect(self._warehouse["dsn"], row_factory=dict_row) as eye:
            rows = eye.execute(f"SELECT * FROM {self.pipeline.table}".encode()).fetchall()
        return {str(row["PK"]): _plain(row) for row in rows}


def differences(name: str, found: Rows, expected: Rows) -> Iterator[str]:
    """What one table has otherwise than the model."""
    for key in sorted(found.keys() | expected.keys()):
        if found.get(key) != expected.get(key):
            yield f"{name} has {found.get(key)} for {key!r}, the model {expected.get(key)}"


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Without the key and NULL."""
    return {name: value for name, value in row.items() if name != "PK" and value is not None}


def _is_done(record: ExportRecord | None) -> bool:
    return record is not None and record.state == "done"


def _shown(told: list[dict[str, Any]]) -> str:
    return "; ".join(" ".join(str(value)[:200] for value in one.values()) for one in told)
