"""insert_distinct against others: a second load, conflicts, locks, cancels, lost connections."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

import psycopg
import pytest

from airscoop import InsertReceipt, errors
from airscoop.warehouse.session import Mode, Warehouse
from support.warehouse import Settings, connect, connect_owner, proxied, said
from support.wire_proxy import Hook, WireProxy

Eye = psycopg.Connection[tuple[object, ...]]
ROWS = [("a", 1), ("a", 2), ("b", 1), (None, 1), (None, 2)]
DISTINCT = 3


@pytest.fixture
def eye(database: Settings) -> Iterator[Eye]:
    """s.source with rows that hold duplicates, s.target empty; the test's own connection."""
    with psycopg.connect(database["dsn"], autocommit=True) as connection:
        connection.execute(
            "CREATE SCHEMA s;"
            "CREATE TABLE s.source (k text, stamp integer);"
            "CREATE TABLE s.target (k text, stamp integer)"
        )
        connection.cursor().executemany("INSERT INTO s.source VALUES (%s, %s)", ROWS)
        # The schema airscoop is there already, as after the first load of any table.
        with connect(database) as warehouse:
            insert(warehouse)
        connection.execute("TRUNCATE s.target, airscoop.loads")
        yield connection


def insert(warehouse: Warehouse, mode: Mode = "keep") -> InsertReceipt:
    return warehouse.insert_distinct(
        source="s.source", target="s.target", columns=("k", "stamp"), key=("k",),
        order_by=("stamp",), mode=mode,
    )  # fmt: skip


def count(eye: Eye, table: str) -> int:
    found = eye.execute(f"SELECT COUNT(*) FROM {table}".encode()).fetchone()
    assert found is not None and isinstance(found[0], int)
    return found[0]


class Meeting:
    """Makes two loads overlap: none commits before the other has come to its LOCK or its COMMIT."""

    def __init__(self, *, swallow_lock: bool) -> None:
        self._swallow = swallow_lock
        self._met = {"COMMIT"} if swallow_lock else {"COMMIT", "LOCK"}
        self._at = ["", ""]
        self._moved = threading.Condition()

    def __call__(self, number: int, sql: str) -> str:
        word = sql.split()[0]
        with self._moved:
            self._at[number] = word
            self._moved.notify_all()
            if word == "COMMIT":
                self._moved.wait_for(lambda: self._at[1 - number] in self._met, timeout=300)
        return "SELECT 1" if word == "LOCK" and self._swallow else sql


def load_twice_at_once(
    database: Settings, hook: Hook, opened: Callable[..., Warehouse] = connect
) -> tuple[list[InsertReceipt], list[BaseException]]:
    receipts: list[InsertReceipt] = []
    caught: list[BaseException] = []

    def load(warehouse: Warehouse) -> None:
        try:
            with warehouse:
                receipts.append(insert(warehouse))
        except BaseException as error:
            caught.append(error)

    with WireProxy(int(database["port"]), hook) as proxy:
        threads = [
            threading.Thread(target=load, args=(opened(database, proxy.port),)) for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return receipts, caught


def set_isolation(eye: Eye, database: Settings, level: str) -> None:
    name = database["dbname"]
    eye.execute(f"ALTER DATABASE {name} SET default_transaction_isolation = '{level}'".encode())


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_two_inserts_at_once_leave_an_exact_table(database: Settings, eye: Eye, level: str) -> None:
    set_isolation(eye, database, level)
    receipts, caught = load_twice_at_once(database, Meeting(swallow_lock=False))
    assert caught == []
    assert sorted(receipt.inserted for receipt in receipts) == [0, DISTINCT]
    assert [receipt.attempts for receipt in receipts] == [1, 1]
    assert count(eye, "s.target") == DISTINCT
    assert count(eye, "airscoop.loads") == 2


def test_without_the_lock_snapshots_let_both_insert(database: Settings, eye: Eye) -> None:
    """Shows that the meeting above is a real race, and that the LOCK is what decides it."""
    set_isolation(eye, database, "repeatable read")
    receipts, caught = load_twice_at_once(database, Meeting(swallow_lock=True))
    assert caught == []
    assert [receipt.inserted for receipt in receipts] == [DISTINCT, DISTINCT]
    assert count(eye, "s.target") == 2 * DISTINCT


def test_without_the_lock_a_serializable_load_runs_into_a_conflict(
    database: Settings, eye: Eye
) -> None:
    set_isolation(eye, database, "serializable")
    receipts, caught = load_twice_at_once(database, Meeting(swallow_lock=True))
    assert caught == []
    assert max(receipt.attempts for receipt in receipts) > 1
    assert count(eye, "s.target") == DISTINCT


def test_the_lock_comes_first_and_the_source_is_read_once(database: Settings, eye: Eye) -> None:
    seen: list[str] = []
    eye.execute("ALTER TABLE s.source ALTER stamp TYPE bigint")  # else it is read where it is

    def hook(number: int, sql: str) -> str:
        seen.append(sql)
        return sql

    with proxied(database, hook) as warehouse:
        insert(warehouse, mode="replace")
    begin = seen.index("BEGIN")
    assert seen[begin + 1] == 'LOCK TABLE "airscoop"."lock_s_target" IN EXCLUSIVE MODE'
    assert len([sql for sql in seen if '"s"."source"' in sql]) == 1


@pytest.mark.parametrize("first", [True, False])
def test_readers_never_wait_for_a_load(database: Settings, eye: Eye, first: bool) -> None:
    read: list[int] = []

    def hook(number: int, sql: str) -> str:
        if sql == "COMMIT":
            with psycopg.connect(database["dsn"]) as reader:
                reader.execute("SET lock_timeout = '1s'")
                read.append(len(reader.execute("SELECT * FROM s.target").fetchall()))
        return sql

    with proxied(database, hook) as warehouse:
        insert(warehouse, mode="keep" if first else "replace")
    assert read == [0]


def test_a_conflict_is_tried_again(database: Settings, eye: Eye) -> None:
    set_isolation(eye, database, "repeatable read")
    eye.execute("INSERT INTO s.target VALUES ('a', 0)")
    conflicts = iter([True, False])

    def hook(number: int, sql: str) -> str:
        if sql.startswith('DELETE FROM "s"."target"') and next(conflicts):
            eye.execute("UPDATE s.target SET stamp = 1")
        return sql

    with proxied(database, hook) as warehouse:
        receipt = insert(warehouse, mode="replace")
    assert (receipt.attempts, receipt.replaced, receipt.inserted) == (2, 1, 2)
    assert count(eye, "s.target") == DISTINCT


# How Redshift reports what PostgreSQL reports as 40001.
CONFLICTS = (
    "1023",
    "could not complete because of conflict with concurrent transaction",
    "could not open relation with OID 4711",
)
REDSHIFT_CONFLICT = """
CREATE SEQUENCE s.tries;
CREATE FUNCTION s.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF nextval('s.tries') < {tries} THEN
    RAISE EXCEPTION '{message}' USING ERRCODE = 'XX000',
      DETAIL = 'Serializable isolation violation on table - 1, transactions forming the cycle are:';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER refuse AFTER INSERT ON s.target FOR EACH STATEMENT EXECUTE FUNCTION s.refuse();
"""


@pytest.mark.parametrize("message", CONFLICTS)
def test_redshifts_own_conflicts_are_tried_again(
    database: Settings, eye: Eye, message: str
) -> None:
    eye.execute(REDSHIFT_CONFLICT.format(tries=3, message=message).encode())
    with connect(database) as warehouse:
        receipt = insert(warehouse)
    assert (receipt.attempts, receipt.inserted) == (3, DISTINCT)


def test_conflicts_without_end_are_given_up(database: Settings, eye: Eye) -> None:
    eye.execute(REDSHIFT_CONFLICT.format(tries=1000, message=CONFLICTS[0]).encode())
    with connect(database) as warehouse, pytest.raises(errors.SerializationConflict) as caught:
        insert(warehouse)
    assert caught.value.retryable and caught.value.sqlstate == "XX000"
    assert eye.execute("SELECT last_value FROM s.tries").fetchone() == (5,)
    assert count(eye, "s.target") == 0


def test_a_lock_that_is_not_granted_ends_in_lock_timeout(database: Settings, eye: Eye) -> None:
    with connect(database, lock_timeout_seconds=2, statement_timeout_seconds=77) as warehouse:
        with psycopg.connect(database["dsn"]) as other:
            other.execute("LOCK TABLE airscoop.lock_s_target")
            with pytest.raises(errors.LockTimeout, match="lock_s_target") as caught:
                insert(warehouse)
            holder = caught.value.holder
            assert holder is not None and holder.startswith(f"{other.info.backend_pid} (user ")
        assert caught.value.retryable and caught.value.sqlstate == "55P03"
        assert warehouse.execute("SHOW statement_timeout") == [("77s",)]
        assert insert(warehouse).inserted == DISTINCT
        assert warehouse.execute("SHOW statement_timeout") == [("77s",)]


def test_a_statement_timeout_leaves_nothing(database: Settings, eye: Eye) -> None:
    eye.execute("CREATE VIEW s.slow AS SELECT k, stamp FROM s.source, pg_sleep(600)")
    with connect(database, statement_timeout_seconds=0.2, lock_timeout_seconds=60) as warehouse:
        with pytest.raises(errors.TimedOut):
            warehouse.insert_distinct(
                source="s.slow", target="s.target", columns=("k", "stamp"), key=("k",)
            )
        assert warehouse.execute("SHOW statement_timeout") == [("200ms",)]
    assert count(eye, "s.target") == 0


def statements_of_a_load(database: Settings) -> list[str]:
    seen: list[str] = []

    def hook(number: int, sql: str) -> str:
        seen.append(sql)
        return sql

    with proxied(database, hook) as warehouse:
        insert(warehouse, mode="replace")
    return seen


def run_disturbed(database: Settings, at: int, act: Callable[[Warehouse], object]) -> None:
    """Runs a load; `act` comes in when its statement number `at` is on its way."""
    seen: list[str] = []
    disturbed: list[Warehouse] = []

    def hook(number: int, sql: str) -> str:
        seen.append(sql)
        if len(seen) == at + 1:
            act(disturbed[0])
        return sql

    with proxied(database, hook) as warehouse:
        disturbed.append(warehouse)
        insert(warehouse, mode="replace")


def disturb(database: Settings, at: int, act: Callable[[Warehouse], object]) -> BaseException:
    with pytest.raises(errors.AirscoopError) as caught:
        run_disturbed(database, at, act)
    return caught.value


def test_a_cancel_at_any_statement_inserts_nothing_in_silence(database: Settings, eye: Eye) -> None:
    eye.execute("INSERT INTO s.target VALUES ('a', 0)")
    statements = statements_of_a_load(database)
    assert "COMMIT" in statements
    for at, sql in enumerate(statements):
        eye.execute("TRUNCATE s.target; INSERT INTO s.target VALUES ('a', 0)")
        committed = said(partial(run_disturbed, database, at, Warehouse.cancel))
        assert committed is False or sql == "COMMIT"
        if committed is not None:
            assert count(eye, "s.target") == (DISTINCT if committed else 1), sql


class Stop(Exception):
    """Raised by a signal's handler, as Airflow's timeouts are."""


def raise_stop(number: int, frame: object) -> None:
    raise Stop


def test_what_a_signal_raises_at_any_statement_says_whether_rows_are_committed(
    database: Settings, eye: Eye
) -> None:
    before = signal.signal(signal.SIGUSR1, raise_stop)
    told = set()
    try:
        for at, sql in enumerate(statements_of_a_load(database)):
            eye.execute("TRUNCATE s.target; INSERT INTO s.target VALUES ('a', 0)")
            with pytest.raises(Stop) as caught:
                disturb(database, at, lambda warehouse: os.kill(os.getpid(), signal.SIGUSR1))
            stop: Any = caught.value
            committed = stop.committed
            told.add(committed)
            assert count(eye, "s.target") == (DISTINCT if committed else 1), sql
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert False in told and told <= {True, False}  # at COMMIT the server may be the faster one


def test_a_killed_backend_at_any_statement_inserts_nothing_in_silence(
    database: Settings, eye: Eye
) -> None:
    eye.execute("INSERT INTO s.target VALUES ('a', 0)")
    statements = statements_of_a_load(database)

    def kill(warehouse: Warehouse) -> None:
        eye.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    for at, sql in enumerate(statements):
        eye.execute("TRUNCATE s.target; INSERT INTO s.target VALUES ('a', 0)")
        error = disturb(database, at, kill)
        assert isinstance(error, errors.ConnectionFailed) and error.retryable, sql
        assert ("is unknown" in str(error)) == (sql == "COMMIT")
        assert error.committed is (None if sql == "COMMIT" else False)
        assert count(eye, "s.target") == 1, sql


def test_a_connection_lost_at_commit_says_that_the_outcome_is_unknown(
    database: Settings, eye: Eye
) -> None:
    def hook(number: int, sql: str) -> str | None:
        return None if sql == "COMMIT" else sql

    lost = pytest.raises(errors.ConnectionFailed, match=r"unknown.*safe")
    with proxied(database, hook) as warehouse, lost as caught:
        insert(warehouse)
    assert caught.value.retryable
    assert caught.value.committed is None
    with connect(database) as warehouse:
        assert insert(warehouse).already_there in (0, DISTINCT)
    assert count(eye, "s.target") == DISTINCT


def test_first_loads_at_once_both_set_up_what_is_missing(database: Settings, eye: Eye) -> None:
    eye.execute("DROP SCHEMA airscoop CASCADE")
    ready = threading.Barrier(2)

    def hook(number: int, sql: str) -> str:
        if sql.startswith("CREATE") and "TEMP" not in sql and not ready.broken:
            with suppress(threading.BrokenBarrierError):
                ready.wait(timeout=0.5)
        return sql

    receipts, caught = load_twice_at_once(database, hook, connect_owner)
    assert caught == []
    assert sorted(receipt.inserted for receipt in receipts) == [0, DISTINCT]
