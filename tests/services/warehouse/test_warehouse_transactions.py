"""Whose transaction it is: a verb's own, the caller's, a script's, and what nobody ended."""

from __future__ import annotations

import gc
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from airscoop import errors
from airscoop.warehouse.session import Partition, Warehouse
from support.standin import Spectrum
from support.warehouse import Settings, connect

CHANGE = '{"op": "INSERT", "key": {"k": "z"}, "row": {"k": "z", "stamp": "1"}, "id": "x"}\n'


@pytest.fixture
def eye(database: Settings) -> Iterator[psycopg.Connection[Any]]:
    """The test's own connection; s.source with two keys, s.target empty, s.v over it."""
    with psycopg.connect(database["dsn"], autocommit=True) as connection:
        connection.execute(
            "CREATE SCHEMA s; CREATE TABLE s.source (k text, stamp integer);"
            "CREATE TABLE s.target (k text, stamp integer);"
            "INSERT INTO s.source VALUES ('a', 1), ('b', 1);"
            "CREATE MATERIALIZED VIEW s.v AS SELECT COUNT(*) AS n FROM s.target"
        )
        yield connection


def count(eye: psycopg.Connection[Any], table: str) -> int:
    return int(eye.execute(f"SELECT COUNT(*) FROM {table}".encode()).fetchall()[0][0])


def insert(warehouse: Warehouse) -> object:
    return warehouse.insert_distinct(
        source="s.source", target="s.target", columns=("k", "stamp"), key=("k",)
    )


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.fixture
def verbs(tmp_path: Path) -> dict[str, Callable[[Warehouse], object]]:
    """Every verb that makes a transaction of its own, by its name."""
    changes = write(tmp_path, "changes.jsonl", CHANGE)
    script = write(tmp_path, "script.sql", "INSERT INTO s.target VALUES ('y', 1)")
    return {
        "insert_distinct": insert,
        "apply_changes": lambda w: w.apply_changes(changes, table="s.target", key=["k"]),
        "refresh": lambda w: w.refresh("s.v"),
        "add_partitions": lambda w: w.add_partitions("s.t", []),
        "run_script": lambda w: w.run_script(script),
    }


@pytest.mark.parametrize(
    "verb", ["insert_distinct", "apply_changes", "refresh", "add_partitions", "run_script"]
)
def test_a_verb_neither_joins_commits_nor_takes_back_the_callers_transaction(
    database: Settings,
    eye: psycopg.Connection[Any],
    verbs: dict[str, Callable[[Warehouse], object]],
    verb: str,
) -> None:
    with connect(database) as warehouse:
        warehouse.execute("BEGIN")
        warehouse.execute("INSERT INTO s.target VALUES ('mine', 1)")
        with pytest.raises(errors.UsageError, match=f"{verb} makes a transaction.*one is open"):
            verbs[verb](warehouse)
        assert count(eye, "s.target") == 0
        assert warehouse.execute("SELECT k FROM s.target") == [("mine",)]
        warehouse.execute("COMMIT")
    assert eye.execute("SELECT k FROM s.target").fetchall() == [("mine",)]


@pytest.mark.parametrize(
    "verb", ["insert_distinct", "apply_changes", "refresh", "add_partitions", "run_script"]
)
def test_a_verb_says_that_the_callers_transaction_has_failed(
    database: Settings,
    eye: psycopg.Connection[Any],
    verbs: dict[str, Callable[[Warehouse], object]],
    verb: str,
) -> None:
    with connect(database) as warehouse:
        warehouse.execute("BEGIN")
        with pytest.raises(errors.SqlError):
            warehouse.execute("SELECT 1 / 0")
        with pytest.raises(errors.UsageError, match=f"{verb} .*has failed; run ROLLBACK first"):
            verbs[verb](warehouse)
        warehouse.execute("ROLLBACK")
        assert warehouse.execute("SELECT 1") == [("1",)]


def test_a_snapshot_older_than_the_lock_cannot_insert_a_key_twice(
    database: Settings, eye: psycopg.Connection[Any]
) -> None:
    with connect(database) as late, connect(database) as first:
        late.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        late.execute("SELECT COUNT(*) FROM s.target")
        insert(first)
        with pytest.raises(errors.UsageError, match="insert_distinct"):
            insert(late)
        late.execute("COMMIT")
        insert(late)
    assert count(eye, "s.target") == 2


def test_a_callers_transaction_goes_on_by_execute(
    database: Settings, eye: psycopg.Connection[Any]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with connect(database) as warehouse:
            warehouse.execute("BEGIN")
            warehouse.execute("INSERT INTO s.target VALUES ($1, '1')", ("a",))
            warehouse.execute("COMMIT")
            insert(warehouse)
            warehouse.execute("BEGIN")
            warehouse.execute("DELETE FROM s.target")
            warehouse.execute("ROLLBACK")
    assert count(eye, "s.target") == 2


def leave_by_close(warehouse: Warehouse) -> None:
    warehouse.close()


def leave_by_with(warehouse: Warehouse) -> None:
    with warehouse:
        pass


def leave_by_exception(warehouse: Warehouse) -> None:
    with pytest.raises(KeyError), warehouse:
        raise KeyError


def leave_failed(warehouse: Warehouse) -> None:
    with pytest.raises(errors.SqlError):
        warehouse.execute("SELECT 1 / 0")
    warehouse.close()


def leave_cancelled(warehouse: Warehouse) -> None:
    warehouse.cancel()
    warehouse.close()


def leave_in_a_cancelled_statement(warehouse: Warehouse) -> None:
    timer = threading.Timer(0.3, warehouse.cancel)
    timer.start()
    with pytest.raises(errors.Cancelled):
        warehouse.execute("SELECT pg_sleep(60)")
    timer.join()
    warehouse.close()


@pytest.mark.parametrize(
    "leave",
    [
        leave_by_close,
        leave_by_with,
        leave_by_exception,
        leave_failed,
        leave_cancelled,
        leave_in_a_cancelled_statement,
    ],
)
def test_closing_in_a_transaction_rolls_back_and_warns(
    database: Settings, eye: psycopg.Connection[Any], leave: Callable[[Warehouse], None]
) -> None:
    warehouse = connect(database)
    warehouse.execute("BEGIN")
    warehouse.execute("INSERT INTO s.target VALUES ('a', 1)")
    with pytest.warns(RuntimeWarning, match="rolled back") as warned:
        leave(warehouse)
    assert warned[0].filename == __file__  # where it is closed, to be found
    eye.execute("SET lock_timeout = '10s'")
    eye.execute("ALTER TABLE s.target ADD COLUMN free integer")
    assert count(eye, "s.target") == 0
    with pytest.raises(errors.UsageError, match="closed"):
        warehouse.execute("SELECT 1")


def test_a_session_that_nobody_closes_rolls_back_and_warns_when_it_goes(
    database: Settings, eye: psycopg.Connection[Any]
) -> None:
    warehouse = connect(database)
    warehouse.execute("BEGIN")
    warehouse.execute("INSERT INTO s.target VALUES ('a', 1)")
    with pytest.warns(RuntimeWarning, match="rolled back"):
        del warehouse
        gc.collect()
    assert count(eye, "s.target") == 0


def test_closing_without_a_transaction_is_silent(
    database: Settings, eye: psycopg.Connection[Any]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        connect(database).close()
        with connect(database) as warehouse:
            insert(warehouse)
        with connect(database) as warehouse, pytest.raises(errors.SqlError):
            warehouse.execute("SELECT 1 / 0")


def test_a_scripts_own_transaction_is_one(
    database: Settings, eye: psycopg.Connection[Any], tmp_path: Path
) -> None:
    path = write(
        tmp_path, "s.sql", "BEGIN;\nINSERT INTO s.target VALUES ('a', 1);\nCOMMIT;\nSELECT 1;"
    )
    with connect(database) as warehouse:
        assert warehouse.run_script(path).statements == 4
    assert count(eye, "s.target") == 1


@pytest.mark.parametrize("begin", ["BEGIN", "START TRANSACTION", "COMMIT AND CHAIN"])
def test_a_script_that_leaves_a_transaction_open_is_an_error_and_leaves_nothing(
    database: Settings, eye: psycopg.Connection[Any], tmp_path: Path, begin: str
) -> None:
    first = "BEGIN;" if begin == "COMMIT AND CHAIN" else ""
    path = write(
        tmp_path, "s.sql", f"SELECT 1;\n{first}{begin};\nINSERT INTO s.target VALUES ('a', 1);"
    )
    with connect(database) as warehouse:
        with pytest.raises(errors.UsageError, match=r"s\.sql:2: the transaction.*still open"):
            warehouse.run_script(path)
        insert(warehouse)
    assert count(eye, "s.target") == 2


def test_an_error_in_a_scripts_transaction_takes_it_back(
    database: Settings, eye: psycopg.Connection[Any], tmp_path: Path
) -> None:
    path = write(tmp_path, "s.sql", "BEGIN;\nINSERT INTO s.target VALUES ('a', 1);\nSELECT 1 / 0;")
    with connect(database) as warehouse:
        with pytest.raises(errors.SqlError, match=r"s\.sql:3: division by zero"):
            warehouse.run_script(path)
        insert(warehouse)
    assert count(eye, "s.target") == 2


def test_partitions_are_not_added_in_a_transaction(spectrum: Spectrum) -> None:
    table = spectrum.create("t", "a varchar(20)", "day date")
    place = Partition(values={"day": "2027-01-05"}, location="s3://bucket/day/")
    with Warehouse(spectrum.stand_in.dsn) as warehouse:
        warehouse.execute("BEGIN")
        with pytest.raises(errors.UsageError, match="add_partitions makes a transaction"):
            warehouse.add_partitions(table, [place])
        warehouse.execute("ROLLBACK")
        assert warehouse.add_partitions(table, [place]).added == 1
