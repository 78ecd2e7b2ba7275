"""Names in any case, and words that would be another moment on each run, in all verbs."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

import airscoop
from airscoop import errors
from airscoop.warehouse.session import Warehouse
from support.standin import StandIn

MOVING = ["today", "Now", " yesterday", "tomorrow 12:00", "infinity", "-infinity", "epoch"]


class Place:
    """A schema of its own on one of the two servers."""

    def __init__(self, dsn: str, dialect: Any, folder: Path) -> None:
        self.dsn, self.dialect, self.folder = dsn, dialect, folder
        self.schema = f"names{random.getrandbits(48):x}"
        self.eye = psycopg.connect(dsn, autocommit=True)
        self.run(f"CREATE SCHEMA {self.schema}")

    def run(self, sql: str) -> None:
        self.eye.execute(sql.replace("SCHEMA_", self.schema).encode())

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        sql = f"SELECT * FROM {self.schema}.{table} ORDER BY 1"
        return self.eye.execute(sql.encode()).fetchall()

    def connect(self) -> Warehouse:
        return Warehouse(self.dsn, dialect=self.dialect)

    def changes(self, *changes: dict[str, Any]) -> Path:
        path = self.folder / "changes.jsonl"
        path.write_text("".join(json.dumps({"id": "0", **each}) + "\n" for each in changes))
        return path


def closed(place: Place) -> Iterator[Place]:
    try:
        yield place
    finally:
        place.run("DROP SCHEMA SCHEMA_ CASCADE")
        place.eye.close()


@pytest.fixture(params=["postgres", "redshift"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "postgres":
        dsn = request.getfixturevalue("database")["dsn"]
    else:
        stand_in: StandIn = request.getfixturevalue("standin")
        dsn = stand_in.dsn
    yield from closed(Place(dsn, request.param, tmp_path))


@pytest.fixture
def on_postgres(database: dict[str, str], tmp_path: Path) -> Iterator[Place]:
    yield from closed(Place(database["dsn"], "postgres", tmp_path))


def test_an_insert_takes_names_in_any_case(place: Place) -> None:
    place.run("CREATE TABLE SCHEMA_.src (id integer, note varchar(9), day integer)")
    place.run("CREATE TABLE SCHEMA_.tgt (id integer, note varchar(9))")
    place.run("INSERT INTO SCHEMA_.src VALUES (1, 'a', 1), (1, 'b', 1), (2, 'c', 2)")
    day: Any = {"Day": 1}
    with place.connect() as warehouse:
        receipt = warehouse.insert_distinct(
            source=f"{place.schema.upper()}.Src",
            target=f"{place.schema}.TGT",
            columns=["ID", "Note"],
            key="Id",
            order_by="NOTE",
            partition=day,
        )
    assert (receipt.inserted, receipt.duplicates) == (1, 1)
    assert place.rows("tgt") == [(1, "b")]


def test_source_and_target_may_spell_a_column_differently(on_postgres: Place) -> None:
    on_postgres.run('CREATE TABLE SCHEMA_."Src" ("ID" integer, "Day" integer)')
    on_postgres.run("CREATE TABLE SCHEMA_.tgt (id integer)")
    on_postgres.run('INSERT INTO SCHEMA_."Src" VALUES (1, 1), (2, 2)')
    with on_postgres.connect() as warehouse:
        warehouse.insert_distinct(
            source=f"{on_postgres.schema}.src",
            target=f"{on_postgres.schema}.tgt",
            columns=["Id"],
            key=["iD"],
            partition={"DAY": "1"},
        )
    assert on_postgres.rows("tgt") == [(1,)]


def test_a_name_that_is_written_like_one_is_that_one(on_postgres: Place) -> None:
    on_postgres.run('CREATE TABLE SCHEMA_."T" (id integer, "ID" integer)')
    on_postgres.run("CREATE TABLE SCHEMA_.t (id integer)")
    on_postgres.run('INSERT INTO SCHEMA_."T" VALUES (1, 7)')
    on_postgres.run("INSERT INTO SCHEMA_.t VALUES (2)")
    on_postgres.run('CREATE TABLE SCHEMA_.target ("ID" integer)')
    schema = on_postgres.schema
    with on_postgres.connect() as warehouse:
        for source, column in ((f"{schema}.T", "ID"), (f"{schema}.t", "id")):
            warehouse.insert_distinct(
                source=source, target=f"{schema}.target", columns=[column], key=[column]
            )
        with pytest.raises(errors.NotFound, match="does not exist"):
            warehouse.insert_distinct(
                source=f"{schema}.T", target=f"{schema}.target", columns=["Id"], key=["Id"]
            )
    assert on_postgres.rows("target") == [(2,), (7,)]


def test_changes_take_names_in_any_case(place: Place) -> None:
    place.run("CREATE TABLE SCHEMA_.t (id integer, note varchar(9))")
    place.run("INSERT INTO SCHEMA_.t VALUES (1, 'a'), (2, 'b')")
    path = place.changes(
        {"op": "UPDATE", "key": {"PK": "1", "ID": "1"}, "row": {"ID": "1", "NOTE": "z", "X": "1"}},
        {"op": "DELETE", "key": {"ID": "2"}, "row": {"ID": "2", "NOTE": "b", "X": "1"}},
    )
    path.write_text(path.read_text().replace('"PK": "1", ', ""))
    with place.connect() as warehouse:
        for table in (f"{place.schema}.T", f"{place.schema.upper()}.t"):
            receipt = warehouse.apply_changes(path, table=table, key="Id", ignore_columns="x")
    assert receipt.already_applied
    assert place.rows("t") == [(1, "z")]


def test_a_file_that_was_overtaken_is_known_by_any_spelling_of_its_table(place: Place) -> None:
    place.run("CREATE TABLE SCHEMA_.t (id integer, note varchar(9))")
    path = place.changes({"op": "INSERT", "key": {"id": "1"}, "row": {"id": "1", "note": "a"}})
    with place.connect() as warehouse:
        warehouse.apply_changes(path, table=f"{place.schema}.t", key="id")
        first = path.read_bytes()
        place.changes({"op": "DELETE", "key": {"id": "1"}, "row": {"id": "1", "note": "a"}})
        warehouse.apply_changes(path, table=f"{place.schema}.t", key="id")
        path.write_bytes(first)
        with pytest.raises(errors.AlreadyApplied, match="this file was applied at"):
            warehouse.apply_changes(path, table=f"{place.schema}.T", key="id")


def test_a_view_is_refreshed_in_any_case(on_postgres: Place) -> None:
    on_postgres.run("CREATE TABLE SCHEMA_.t AS SELECT 1 AS x")
    on_postgres.run('CREATE MATERIALIZED VIEW SCHEMA_."View" AS SELECT x FROM SCHEMA_.t')
    on_postgres.run("INSERT INTO SCHEMA_.t VALUES (2)")
    assert on_postgres.rows('"View"') == [(1,)]
    with on_postgres.connect() as warehouse:
        warehouse.refresh(f"{on_postgres.schema}.VIEW")
    assert on_postgres.rows('"View"') == [(1,), (2,)]


def test_a_delta_takes_its_key_in_any_case_and_apply_goes_on_with_it(place: Place) -> None:
    place.run("CREATE TABLE SCHEMA_.t (pk integer, note varchar(9))")
    place.run("INSERT INTO SCHEMA_.t VALUES (1, 'a')")
    old, new = place.folder / "old.csv", place.folder / "new.csv"
    old.write_text("PK,Note\n1,a\n")
    new.write_text("PK,Note\n1,b\n2,c\n")
    out = place.folder / "out.jsonl"
    airscoop.delta(str(old), str(new), key="pk").write(str(out))
    assert [json.loads(line)["key"] for line in out.read_text().splitlines()] == [
        {"PK": "1"},
        {"PK": "2"},
    ]
    with place.connect() as warehouse:
        warehouse.apply_changes(out, table=f"{place.schema}.T", key="pk")
    assert place.rows("t") == [(1, "b"), (2, "c")]
    with pytest.raises(errors.UsageError, match="given twice"):
        airscoop.delta(str(old), str(new), key=["pk", "PK"])
    old.write_text("")
    (place.folder / "new.jsonl").write_text('{"Pk": 1}\n')
    assert airscoop.delta(None, str(place.folder / "new.jsonl"), key="pK").receipt.inserted == 1


def test_a_word_for_a_moment_is_no_value_of_a_change(on_postgres: Place) -> None:
    kinds = {"d": "date", "ts": "timestamp", "tz": "timestamptz", "t": "time", "r": "daterange"}
    columns = ", ".join(f"{name} {kind}" for name, kind in kinds.items())
    on_postgres.run(f"CREATE TABLE SCHEMA_.t (id integer, note text, {columns})")
    with on_postgres.connect() as warehouse:
        for column in kinds:
            for word in MOVING:
                row = {"note": word, **dict.fromkeys(kinds), column: word}
                path = on_postgres.changes(
                    {"op": "INSERT", "key": {"id": "2"}, "row": {"id": "2", **row}}
                )
                wanted = rf"change 1: '{word}' of the column \"{column}\""
                with pytest.raises(errors.BadRecord, match=wanted):
                    warehouse.apply_changes(path, table=f"{on_postgres.schema}.t", key="id")
    assert on_postgres.rows("t") == []


def test_nor_of_the_key_of_a_delete(place: Place) -> None:
    place.run("CREATE TABLE SCHEMA_.t (day date)")
    path = place.changes({"op": "DELETE", "key": {"day": "today"}, "row": {"day": "today"}})
    with (
        place.connect() as warehouse,
        pytest.raises(errors.BadRecord, match=r"change 1: 'today' of the column \"day\""),
    ):
        warehouse.apply_changes(path, table=f"{place.schema}.t", key="day")


def test_a_word_for_a_moment_is_no_partition(place: Place) -> None:
    place.run("CREATE TABLE SCHEMA_.src (id integer, at timestamp, note varchar(9))")
    place.run("CREATE TABLE SCHEMA_.tgt (id integer)")
    place.run("INSERT INTO SCHEMA_.src VALUES (1, '2026-01-05', 'today')")
    given: dict[str, Any] = {
        "source": f"{place.schema}.src",
        "target": f"{place.schema}.tgt",
        "columns": "id",
        "key": "id",
    }
    with place.connect() as warehouse:
        for word in MOVING:
            with pytest.raises(errors.UsageError, match=f'{word}.*column "at" is a word'):
                warehouse.insert_distinct(**given, partition={"AT": word})
        assert warehouse.insert_distinct(**given, partition={"note": "today"}).inserted == 1
