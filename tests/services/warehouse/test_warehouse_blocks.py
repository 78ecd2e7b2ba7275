"""Warehouse.transaction(): a block of statements stands whole, or not at all."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from airscoop import Warehouse, errors
from support.standin import StandIn
from support.waiting import eventually
from support.warehouse import Settings, connect, proxied


@pytest.fixture
def eye(database: Settings) -> Iterator[psycopg.Connection[Any]]:
    """The test's own connection, and a table."""
    with psycopg.connect(database["dsn"], autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE public.t (k text PRIMARY KEY DEFERRABLE INITIALLY DEFERRED)"
        )
        yield connection


@pytest.fixture
def warehouse(database: Settings, eye: psycopg.Connection[Any]) -> Iterator[Warehouse]:
    """Closing it in a transaction would be an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with connect(database) as found:
            yield found


def rows(eye: psycopg.Connection[Any]) -> list[str]:
    return sorted(row[0] for row in eye.execute("SELECT k FROM public.t").fetchall())


def put(warehouse: Warehouse, key: str) -> None:
    warehouse.execute("INSERT INTO public.t VALUES ($1)", (key,))


def test_the_end_of_the_block_commits(warehouse: Warehouse, eye: psycopg.Connection[Any]) -> None:
    with warehouse.transaction():
        put(warehouse, "a")
        with warehouse.query("SELECT k FROM public.t") as found:
            assert list(found) == [("a",)]
        assert rows(eye) == []
    assert rows(eye) == ["a"]
    with warehouse.transaction():
        put(warehouse, "b")
    assert rows(eye) == ["a", "b"]


def test_it_connects_by_itself(database: Settings, eye: psycopg.Connection[Any]) -> None:
    warehouse = connect(database)
    with warehouse.transaction():
        put(warehouse, "a")
    warehouse.close()
    assert rows(eye) == ["a"]


@pytest.mark.parametrize("exception", [KeyError, KeyboardInterrupt, GeneratorExit, SystemExit])
def test_an_exception_rolls_back_and_is_raised(
    warehouse: Warehouse, eye: psycopg.Connection[Any], exception: type[BaseException]
) -> None:
    with pytest.raises(exception), warehouse.transaction():
        put(warehouse, "a")
        raise exception
    assert rows(eye) == []
    put(warehouse, "b")
    assert rows(eye) == ["b"]


def test_a_statement_that_fails_rolls_back(
    warehouse: Warehouse, eye: psycopg.Connection[Any]
) -> None:
    with pytest.raises(errors.SqlError, match="division"), warehouse.transaction():
        put(warehouse, "a")
        warehouse.execute("SELECT 1 / 0")
    assert rows(eye) == []


def test_an_error_that_was_caught_does_not_commit_in_silence(
    warehouse: Warehouse, eye: psycopg.Connection[Any]
) -> None:
    """PostgreSQL answers COMMIT of a failed transaction by ROLLBACK, without an error."""
    with (
        pytest.raises(
            errors.UsageError, match="has failed, so all of it was rolled back"
        ) as caught,
        warehouse.transaction(),
    ):
        put(warehouse, "a")
        with pytest.raises(errors.SqlError):
            warehouse.execute("SELECT 1 / 0")
    assert caught.value.committed is False
    assert rows(eye) == []
    put(warehouse, "b")


def test_a_savepoint_keeps_the_rest(warehouse: Warehouse, eye: psycopg.Connection[Any]) -> None:
    with warehouse.transaction():
        put(warehouse, "a")
        warehouse.execute("SAVEPOINT s")
        with pytest.raises(errors.SqlError):
            warehouse.execute("SELECT 1 / 0")
        warehouse.execute("ROLLBACK TO SAVEPOINT s")
        put(warehouse, "b")
    assert rows(eye) == ["a", "b"]


def test_what_commit_refuses_is_rolled_back_and_told(
    warehouse: Warehouse, eye: psycopg.Connection[Any]
) -> None:
    with pytest.raises(errors.SqlError, match="duplicate key") as caught, warehouse.transaction():
        put(warehouse, "a")
        put(warehouse, "a")
    assert caught.value.committed is False
    assert rows(eye) == []
    put(warehouse, "b")


def test_a_block_in_a_block_is_wrong_usage_and_ends_neither(
    warehouse: Warehouse, eye: psycopg.Connection[Any]
) -> None:
    with warehouse.transaction():
        put(warehouse, "a")
        with (
            pytest.raises(errors.UsageError, match="transaction makes a transaction of its own"),
            warehouse.transaction(),
        ):
            pytest.fail("the inner block was entered")
        put(warehouse, "b")
    assert rows(eye) == ["a", "b"]


def test_a_block_in_a_transaction_of_the_callers_is_wrong_usage(
    warehouse: Warehouse, eye: psycopg.Connection[Any]
) -> None:
    warehouse.execute("BEGIN")
    put(warehouse, "a")
    with pytest.raises(errors.UsageError, match="run COMMIT or ROLLBACK first"):
        warehouse.transaction().__enter__()
    warehouse.execute("COMMIT")
    assert rows(eye) == ["a"]


@pytest.mark.parametrize(
    "sql",
    [
        "BEGIN",
        "begin work",
        "START TRANSACTION",
        "COMMIT",
        "/* now */ Commit And Chain",
        "END",
        "ROLLBACK",
        "rollback work",
        "-- x\nABORT",
        ";COMMIT",
        "PREPARE TRANSACTION 'x'",
    ],
)
@pytest.mark.parametrize("call", ["execute", "query"])
def test_within_a_block_no_statement_ends_it(
    warehouse: Warehouse, eye: psycopg.Connection[Any], sql: str, call: str
) -> None:
    with warehouse.transaction():
        put(warehouse, "a")
        with pytest.raises(errors.UsageError, match="neither begins nor ends a transaction"):
            getattr(warehouse, call)(sql)
        assert rows(eye) == []
    assert rows(eye) == ["a"]
    warehouse.execute("BEGIN")  # outside it is the caller's own matter
    warehouse.execute("ROLLBACK")


@pytest.mark.parametrize("sql", ["ROLLBACK TO s", "rollback work to savepoint s", "RELEASE s"])
def test_savepoints_are_no_end(
    warehouse: Warehouse, eye: psycopg.Connection[Any], sql: str
) -> None:
    with warehouse.transaction():
        put(warehouse, "a")
        warehouse.execute("SAVEPOINT s")
        warehouse.execute(sql)
        assert rows(eye) == []
    assert rows(eye) == ["a"]


SCRIPT = "BEGIN;\nINSERT INTO public.t VALUES ('script');\nCOMMIT;\n"
CHANGE = '{"op": "INSERT", "key": {"k": "z"}, "row": {"k": "z"}, "id": "x"}\n'
VERBS: dict[str, Callable[[Warehouse, Path], object]] = {
    "run_script": lambda w, folder: w.run_script(folder / "s.sql"),
    "apply_changes": lambda w, folder: w.apply_changes(folder / "c", "public.t", key=["k"]),
    "insert_distinct": lambda w, _: w.insert_distinct(
        "public.t", "public.t", columns=["k"], key=["k"]
    ),
    "refresh": lambda w, _: w.refresh("public.v"),
    "add_partitions": lambda w, _: w.add_partitions("s.t", []),
    "init": lambda w, _: w.init(),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_with_a_transaction_of_its_own_is_refused_in_a_block(
    warehouse: Warehouse, eye: psycopg.Connection[Any], tmp_path: Path, verb: str
) -> None:
    """Also a script with its own BEGIN and COMMIT, which would end the block's."""
    (tmp_path / "s.sql").write_text(SCRIPT)
    (tmp_path / "c").write_text(CHANGE)
    with warehouse.transaction():
        put(warehouse, "a")
        with pytest.raises(
            errors.UsageError, match=rf"{verb} makes a transaction.*after the block of transaction"
        ):
            VERBS[verb](warehouse, tmp_path)
        assert rows(eye) == []
    assert rows(eye) == ["a"]


def test_rows_that_are_being_read_keep_it_from_committing(
    warehouse: Warehouse, eye: psycopg.Connection[Any]
) -> None:
    with (
        pytest.raises(errors.UsageError, match="rows of a query") as caught,
        warehouse.transaction(),
    ):
        put(warehouse, "a")
        found = iter(warehouse.query("SELECT generate_series(1, 100000)"))
        next(found)
    assert caught.value.committed is False
    assert rows(eye) == []
    put(warehouse, "b")


def test_a_cancel_from_another_thread_leaves_nothing(
    database: Settings, eye: psycopg.Connection[Any]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warehouse = connect(database)
        timer = threading.Timer(0.3, warehouse.cancel)
        with pytest.raises(errors.Cancelled) as caught, warehouse.transaction():
            put(warehouse, "a")
            timer.start()
            warehouse.execute("SELECT pg_sleep(60)")
        timer.join()
        warehouse.close()
    assert caught.value.committed is False
    assert rows(eye) == []


def test_a_cancel_between_two_statements_is_told_at_the_end(
    database: Settings, eye: psycopg.Connection[Any]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warehouse = connect(database)
        with pytest.raises(errors.Cancelled) as caught, warehouse.transaction():
            put(warehouse, "a")
            warehouse.cancel()
        warehouse.close()
    assert caught.value.committed is False
    assert rows(eye) == []


def test_a_session_that_is_closed_in_a_block_warns_and_commits_nothing(
    database: Settings, eye: psycopg.Connection[Any]
) -> None:
    warehouse = connect(database)
    with pytest.raises(errors.UsageError, match="closed"), warehouse.transaction():
        put(warehouse, "a")
        with pytest.warns(RuntimeWarning, match="rolled back"):
            warehouse.close()
    assert rows(eye) == []


def test_a_connection_that_is_lost_in_a_block_leaves_nothing(
    warehouse: Warehouse, eye: psycopg.Connection[Any]
) -> None:
    with pytest.raises(errors.ConnectionFailed) as caught, warehouse.transaction():
        put(warehouse, "a")
        ((pid,),) = warehouse.execute("SELECT pg_backend_pid()")
        eye.execute(f"SELECT pg_terminate_backend({pid})".encode())
        put(warehouse, "b")
    assert caught.value.committed is False
    assert rows(eye) == []


@pytest.mark.parametrize("arrives", [True, False])
def test_a_connection_that_is_lost_at_commit_says_that_nobody_knows(
    database: Settings, eye: psycopg.Connection[Any], arrives: bool
) -> None:
    """By what arrived the rows stand, or do not; who asked cannot tell which."""

    def hook(_: int, sql: str) -> str | None:
        if sql == "COMMIT" and not arrives:
            raise OSError
        return None if sql == "COMMIT" else sql

    with (
        proxied(database, hook) as warehouse,
        pytest.raises(errors.ConnectionFailed, match="committed is unknown") as caught,
        warehouse.transaction(),
    ):
        warehouse.execute("INSERT INTO public.t VALUES ('a')")
    assert caught.value.committed is None
    assert caught.value.retryable
    expected = ["a"] if arrives else []
    assert eventually(lambda: rows(eye) == expected)


def test_on_redshift_truncate_is_an_end(standin: StandIn) -> None:
    with Warehouse(standin.dsn) as warehouse, warehouse.transaction():
        warehouse.execute("CREATE TEMP TABLE truncated (k integer)")
        with pytest.raises(errors.UsageError, match="on Redshift TRUNCATE does, too"):
            warehouse.execute("TRUNCATE truncated")
        warehouse.execute("DELETE FROM truncated")


def test_on_postgresql_truncate_is_part_of_it(
    warehouse: Warehouse, eye: psycopg.Connection[Any]
) -> None:
    eye.execute("INSERT INTO public.t VALUES ('a')")
    with pytest.raises(KeyError), warehouse.transaction():
        warehouse.execute("TRUNCATE public.t")
        raise KeyError
    assert rows(eye) == ["a"]
