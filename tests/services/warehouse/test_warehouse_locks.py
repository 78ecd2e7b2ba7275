"""lock_timeout bounds every wait for a lock, whoever holds it, and the log says whom."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from airscoop import errors
from airscoop.warehouse.session import Dialect, Warehouse
from support.standin import StandIn
from support.waiting import eventually
from support.wire_proxy import WireProxy

Eye = psycopg.Connection[Any]
CHANGE = '{"op": "INSERT", "key": {"k": "z"}, "row": {"k": "z", "stamp": "1"}, "id": "x"}\n'


class House:
    """A schema with source, target, a view and a script, on either server."""

    def __init__(self, dsn: str, dialect: Dialect, folder: Path) -> None:
        self.dsn, self.dialect = dsn, dialect
        self.schema = f"house_{uuid.uuid4().hex[:8]}"
        self.changes = folder / "changes.jsonl"
        self.changes.write_text(CHANGE)
        self.script = folder / "script.sql"
        self.script.write_text(f"SELECT 1;\nINSERT INTO {self.schema}.target VALUES ('y', 1)")

    def create(self, eye: Eye) -> None:
        eye.execute(
            f"CREATE SCHEMA {self.schema};"
            f"CREATE TABLE {self.schema}.source (k varchar(20), stamp integer);"
            f"CREATE TABLE {self.schema}.target (k varchar(20), stamp integer);"
            f"INSERT INTO {self.schema}.source VALUES ('a', 1), ('b', 1);"
            f"CREATE MATERIALIZED VIEW {self.schema}.v AS"
            f" SELECT COUNT(*) AS n FROM {self.schema}.target".encode()
        )
        # The schema airscoop is there already, as after the first load of any table.
        with self.open() as warehouse:
            self.insert(warehouse)
        eye.execute(f"DELETE FROM {self.schema}.target".encode())

    def open(self, **options: Any) -> Warehouse:
        return Warehouse(self.dsn, dialect=self.dialect, **options)

    def insert(self, warehouse: Warehouse) -> Any:
        return warehouse.insert_distinct(
            source=f"{self.schema}.source", target=f"{self.schema}.target",
            columns=("k", "stamp"), key=("k",),
        )  # fmt: skip

    def apply(self, warehouse: Warehouse) -> Any:
        return warehouse.apply_changes(self.changes, table=f"{self.schema}.target", key=["k"])

    def refresh(self, warehouse: Warehouse) -> Any:
        return warehouse.refresh(f"{self.schema}.v")

    def execute(self, warehouse: Warehouse) -> Any:
        return warehouse.execute(f"INSERT INTO {self.schema}.target VALUES ('x', 1)")

    def run_script(self, warehouse: Warehouse) -> Any:
        return warehouse.run_script(self.script)

    def count(self, eye: Eye) -> int:
        return int(
            eye.execute(f"SELECT COUNT(*) FROM {self.schema}.target".encode()).fetchall()[0][0]
        )

    @contextmanager
    def held(self, *statements: str) -> Iterator[Eye]:
        """Another session's open transaction, in which the statements have been run."""
        with psycopg.connect(self.dsn, application_name="holder") as holder:
            for statement in statements:
                holder.execute(statement.format(s=self.schema).encode())
            yield holder
            holder.rollback()


@pytest.fixture(params=["postgres", "redshift"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[House, Eye]]:
    """On PostgreSQL, and on the stand-in for Redshift."""
    yield from made(request, tmp_path, request.param)


@pytest.fixture
def on_postgres(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[House, Eye]]:
    yield from made(request, tmp_path, "postgres")


@pytest.fixture
def on_redshift(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[House, Eye]]:
    yield from made(request, tmp_path, "redshift")


def made(
    request: pytest.FixtureRequest, folder: Path, dialect: Dialect
) -> Iterator[tuple[House, Eye]]:
    if dialect == "postgres":
        dsn = str(request.getfixturevalue("database")["dsn"])
    else:
        stand_in: StandIn = request.getfixturevalue("standin")
        dsn = stand_in.dsn
    found = House(dsn, dialect, folder)
    with psycopg.connect(dsn, autocommit=True) as eye:
        found.create(eye)
        yield found, eye
        eye.execute(f"DROP SCHEMA {found.schema} CASCADE".encode())


ALTER = "ALTER TABLE {s}.target ADD COLUMN other integer"


@pytest.mark.parametrize("verb", ["insert", "apply"])
@pytest.mark.parametrize("holding", [ALTER, "LOCK TABLE {s}.target"])
def test_a_load_does_not_wait_for_its_table_longer_than_lock_timeout(
    house: tuple[House, Eye], verb: str, holding: str
) -> None:
    found, eye = house
    act = getattr(found, verb)
    with found.open(lock_timeout_seconds=0.3) as warehouse:
        with found.held(holding), pytest.raises(errors.LockTimeout) as caught:
            act(warehouse)
        assert f'the table "{found.schema}"."target"' in str(caught.value)
        assert "300 ms" in str(caught.value) and caught.value.retryable
        assert found.count(eye) == 0
        assert act(warehouse).changed


@pytest.mark.parametrize(
    ("verb", "holding"),
    [
        ("refresh", "LOCK TABLE {s}.target"),
        ("refresh", "REFRESH MATERIALIZED VIEW {s}.v"),
        ("execute", ALTER),
        ("run_script", ALTER),
        ("insert", "LOCK TABLE {s}.source"),
        ("insert", "LOCK TABLE airscoop.loads"),
        ("apply", "LOCK TABLE airscoop.lock_{s}_target"),
    ],
)
def test_on_postgresql_no_statement_of_a_verb_waits_longer(
    on_postgres: tuple[House, Eye], verb: str, holding: str
) -> None:
    found, eye = on_postgres
    with found.open(lock_timeout_seconds=0.3) as warehouse:
        with found.held(holding), pytest.raises(errors.LockTimeout) as caught:
            getattr(found, verb)(warehouse)
        assert caught.value.sqlstate == "55P03" and caught.value.retryable
        assert found.count(eye) == 0
        getattr(found, verb)(warehouse)


def test_a_scripts_own_lock_timeout_counts_in_it(on_postgres: tuple[House, Eye]) -> None:
    found, _ = on_postgres
    text = found.script.read_text()
    found.script.write_text(f"SET lock_timeout = '100ms';\n{text}")
    late = pytest.raises(errors.LockTimeout, match=r"script\.sql:3")
    with found.open(lock_timeout_seconds=600) as warehouse, found.held(ALTER), late:
        found.run_script(warehouse)


def test_a_scripts_lock_timeout_does_not_free_the_load_after_it(
    on_postgres: tuple[House, Eye],
) -> None:
    found, _ = on_postgres
    with found.open(lock_timeout_seconds=0.3) as warehouse:
        warehouse.execute("SET lock_timeout = 0")
        with found.held(ALTER), pytest.raises(errors.LockTimeout):
            found.insert(warehouse)


@pytest.mark.parametrize("verb", ["execute", "refresh", "run_script"])
def test_on_redshift_the_others_are_bounded_by_statement_timeout(
    on_redshift: tuple[House, Eye], verb: str
) -> None:
    found, _ = on_redshift
    with found.open(lock_timeout_seconds=0.1, statement_timeout_seconds=0.5) as warehouse:
        with found.held("LOCK TABLE {s}.target"), pytest.raises(errors.TimedOut) as caught:
            getattr(found, verb)(warehouse)
        assert caught.value.sqlstate == "57014"


def test_the_stand_in_knows_lock_timeout_as_little_as_redshift(standin: StandIn) -> None:
    with standin.connect() as session:
        for sql in (
            b"SET lock_timeout = '1s'",
            b"SET LOCAL lock_timeout TO 5",
            b"SHOW lock_timeout",
        ):
            with pytest.raises(
                psycopg.errors.UndefinedObject,
                match='unrecognized configuration parameter "lock_timeout"',
            ):
                session.execute(sql)


@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("verb", ["insert", "apply"])
def test_what_the_caller_has_set_is_set_after_a_load(
    house: tuple[House, Eye], verb: str, fails: bool
) -> None:
    found, _ = house
    with found.open(lock_timeout_seconds=0.3, statement_timeout_seconds=99) as warehouse:
        warehouse.execute("SET statement_timeout = '77s'")
        if fails:
            with found.held(ALTER), pytest.raises(errors.LockTimeout):
                getattr(found, verb)(warehouse)
        else:
            getattr(found, verb)(warehouse)
        assert warehouse.execute("SHOW statement_timeout") == [("77s",)]
        if found.dialect == "postgres":
            assert warehouse.execute("SHOW lock_timeout") == [("300ms",)]


def test_a_refused_value_is_looked_for_under_the_callers_own_limit(
    on_redshift: tuple[House, Eye], standin: StandIn
) -> None:
    found, _ = on_redshift
    found.changes.write_text(CHANGE.replace('"stamp": "1"', '"stamp": "x"'))
    seen: list[str] = []

    def hook(number: int, sql: str) -> str:
        seen.append(sql)
        return sql

    with WireProxy(standin.port, hook) as proxy:
        found.dsn = found.dsn.replace(f":{standin.port}/", f":{proxy.port}/")
        with found.open(lock_timeout_seconds=9, statement_timeout_seconds=77) as warehouse:
            with pytest.raises(errors.BadRecord, match="stamp"):
                found.apply(warehouse)
            assert warehouse.execute("SHOW statement_timeout") == [("77s",)]
    first = seen.index("ROLLBACK")
    limits = [sql for sql in seen[: seen.index("BEGIN", first)] if "SET statement_timeout" in sql]
    assert limits[-1] != limits[-3] and "9000" not in limits[-1]


def test_a_long_wait_for_a_turn_is_not_cut_by_statement_timeout(house: tuple[House, Eye]) -> None:
    found, _ = house
    done: list[Any] = []
    with (
        found.open(lock_timeout_seconds=600, statement_timeout_seconds=1.5) as warehouse,
        found.held("LOCK TABLE airscoop.lock_{s}_target") as holder,
    ):
        worker = threading.Thread(target=lambda: done.append(found.insert(warehouse)))
        worker.start()
        holder.execute("SELECT pg_sleep(2)")
        holder.rollback()
        worker.join()
    assert done[0].inserted == 2


def test_a_snapshot_from_before_an_alter_does_not_hide_the_targets_rows(
    on_postgres: tuple[House, Eye],
) -> None:
    """A table that another session has written anew is empty to an older snapshot."""
    found, eye = on_postgres
    with found.open() as warehouse:
        found.insert(warehouse)
        warehouse.execute("SET default_transaction_isolation TO 'repeatable read'")
        done: list[Any] = []
        with found.held("ALTER TABLE {s}.target ALTER COLUMN stamp TYPE bigint") as holder:
            worker = threading.Thread(target=lambda: done.append(found.insert(warehouse)))
            worker.start()
            assert eventually(lambda: blocked(eye))
            holder.commit()
            worker.join()
    assert (done[0].inserted, done[0].already_there) == (0, 2)
    assert found.count(eye) == 2


def blocked(eye: Eye) -> bool:
    found = eye.execute("SELECT COUNT(*) FROM pg_locks WHERE NOT granted").fetchall()
    return bool(found[0][0])


class Waits(logging.Handler):
    """Calls `act` with the first line about a wait."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._act = act

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        self._act()


@pytest.mark.parametrize(
    ("verb", "holding", "what"),
    [
        ("insert", "LOCK TABLE airscoop.lock_{s}_target", 'lock "airscoop"."lock_{s}_target"'),
        ("insert", ALTER, 'table "{s}"."target"'),
        ("apply", ALTER, 'table "{s}"."target"'),
        ("refresh", "LOCK TABLE {s}.target", 'view "{s}"."v"'),
    ],
)
def test_the_log_says_what_is_waited_for_and_who_holds_it(
    house: tuple[House, Eye], verb: str, holding: str, what: str
) -> None:
    found, _ = house
    logger = logging.getLogger("airscoop.warehouse")
    with found.held(holding) as holder, found.open() as warehouse:
        pid, user = holder.info.backend_pid, holder.info.user
        waits = Waits(holder.rollback)
        logger.addHandler(waits)
        try:
            getattr(found, verb)(warehouse)
        finally:
            logger.removeHandler(waits)
    assert len(waits.lines) == 1
    assert waits.lines[0].startswith(f"waiting for the {what.format(s=found.schema)}, held by ")
    assert f"session {pid} (user {user}" in waits.lines[0]


def test_an_exception_of_the_log_ends_the_wait(on_postgres: tuple[House, Eye]) -> None:
    found, eye = on_postgres

    class Full(Exception):
        pass

    def fail() -> None:
        raise Full

    logger = logging.getLogger("airscoop.warehouse")
    waits = Waits(fail)
    logger.addHandler(waits)
    try:
        with found.held(ALTER), found.open() as warehouse, pytest.raises(Full):
            found.insert(warehouse)
    finally:
        logger.removeHandler(waits)
    assert found.count(eye) == 0
