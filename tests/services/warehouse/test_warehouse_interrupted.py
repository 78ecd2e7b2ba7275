"""A verb that is stopped when the server has carried out a statement, or may have: `committed`."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from airscoop import errors
from airscoop.warehouse.session import Partition, Warehouse
from support.standin import Spectrum, StandIn
from support.warehouse import Settings, connect_owner, said
from support.wire_proxy import WireProxy

Eye = psycopg.Connection[tuple[object, ...]]
WAYS = ("cancel", "signal", "lost")


class Stop(Exception):
    """Raised by a signal's handler, as Airflow's timeouts are."""


@pytest.fixture(autouse=True)
def stopping() -> Iterator[None]:
    def handler(number: int, frame: object) -> None:
        raise Stop

    before = signal.signal(signal.SIGUSR1, handler)
    yield
    signal.signal(signal.SIGUSR1, before)


@pytest.fixture
def eye(database: Settings) -> Iterator[Eye]:
    """s.a, an empty table, and s.v, a materialized view of it; the test's own connection."""
    with psycopg.connect(database["dsn"], autocommit=True) as connection:
        connection.execute(
            "CREATE SCHEMA s; CREATE TABLE s.a (n integer);"
            "CREATE MATERIALIZED VIEW s.v AS SELECT n FROM s.a"
        )
        yield connection


def rows(eye: Eye, table: str = "s.a") -> int:
    found = eye.execute(f"SELECT COUNT(*) FROM {table}".encode()).fetchone()
    assert found is not None and isinstance(found[0], int)
    return found[0]


class Late:
    """Stops the session when the server has answered the statement that holds `word`, before the
    answer is passed on."""

    def __init__(self, word: str, way: str) -> None:
        self._word, self._way = word, way
        self._answered = threading.Event()
        self._passed = threading.Event()
        self.warehouse: Warehouse | None = None

    def hook(self, number: int, sql: str) -> str:
        if self._word in sql:
            self._answered.set()
        return sql

    def back(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := server.recv(65536):
                if self._answered.is_set():
                    self._answered.clear()
                    self._act(client)
                client.sendall(piece)
                self._passed.set()
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)

    def _act(self, client: socket.socket) -> None:
        assert self.warehouse is not None
        if self._way == "lost":
            client.shutdown(socket.SHUT_RDWR)
        elif self._way in ("cancel", "silence"):
            self.warehouse.cancel()
        else:
            self._passed.clear()
            os.kill(os.getpid(), signal.SIGUSR1)
        if self._way != "together":
            # Of the slice in which both are looked at; or of all the time a cancel waits.
            time.sleep(4 if self._way == "silence" else 0.5)

    def cancel_with_the_answer(self, number: int, frame: object) -> None:
        """A signal's handler, which returns when both have come."""
        assert self.warehouse is not None
        self.warehouse.cancel()
        assert self._passed.wait(60)


@contextmanager
def stopped(database: Settings, word: str, way: str) -> Iterator[Warehouse]:
    late = Late(word, way)
    if way == "together":
        signal.signal(signal.SIGUSR1, late.cancel_with_the_answer)
    with (
        WireProxy(int(database["port"]), late.hook, back=late.back) as proxy,
        connect_owner(database, proxy.port) as late.warehouse,
    ):
        yield late.warehouse


def told(call: Callable[[], object], way: str) -> bool | None:
    """What the exception, by which the call ends, says of the commit."""
    kinds = {"cancel": errors.Cancelled, "signal": Stop, "lost": errors.ConnectionFailed}
    with pytest.raises(kinds[way]) as caught:
        call()
    error: Any = caught.value
    assert error.committed in (True, False, None)
    text = str(error) + " ".join(getattr(error, "__notes__", []))
    assert ("committed already" in text) == (error.committed is True)
    committed: bool | None = error.committed
    return committed


def in_a_block(warehouse: Warehouse) -> None:
    with warehouse.transaction():
        warehouse.execute("INSERT INTO s.a VALUES (1)")


def by_statements(warehouse: Warehouse) -> None:
    for sql in ("BEGIN", "INSERT INTO s.a VALUES (1)", "COMMIT"):
        warehouse.execute(sql)


def by_a_load(warehouse: Warehouse) -> None:
    warehouse.insert_distinct(source="s.v", target="s.a", columns=("n",), key=("n",))


def truth(way: str) -> bool | None:
    """What can be said of a statement that was carried out."""
    return None if way == "lost" else True


def left_open(way: str) -> Any:
    """Closing the session tells of the open transaction, unless the server has ended it."""
    return contextlib.nullcontext() if way == "lost" else pytest.warns(RuntimeWarning)


@pytest.mark.parametrize("way", WAYS)
def test_a_statement_that_was_carried_out_is_committed(
    database: Settings, eye: Eye, way: str
) -> None:
    sql = "INSERT INTO s.a VALUES (1)"
    with stopped(database, sql, way) as warehouse:
        assert told(lambda: warehouse.execute(sql), way) is truth(way)
    assert rows(eye) == 1


@pytest.mark.parametrize("way", WAYS)
def test_a_statement_in_the_callers_transaction_is_not(
    database: Settings, eye: Eye, way: str
) -> None:
    sql = "INSERT INTO s.a SELECT CASE WHEN true THEN 1 END"
    with left_open(way), stopped(database, sql, way) as warehouse:
        warehouse.execute("BEGIN")
        assert told(lambda: warehouse.execute(sql), way) is False
    assert rows(eye) == 0


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("commit", ["COMMIT", " /* all */ end"])
def test_the_callers_own_commit_is(database: Settings, eye: Eye, way: str, commit: str) -> None:
    with stopped(database, commit, way) as warehouse:
        warehouse.execute("BEGIN")
        warehouse.execute("INSERT INTO s.a VALUES (1)")
        assert told(lambda: warehouse.execute(commit), way) is truth(way)
    assert rows(eye) == 1


@pytest.mark.parametrize("commit", [in_a_block, by_statements, by_a_load])
@pytest.mark.parametrize(("way", "truth"), [("together", True), ("silence", None)])
def test_a_cancel_that_comes_with_the_commit_or_outwaits_it_tells_the_truth(
    database: Settings,
    eye: Eye,
    commit: Callable[[Warehouse], None],
    way: str,
    truth: bool | None,
) -> None:
    eye.execute("INSERT INTO s.a VALUES (1); REFRESH MATERIALIZED VIEW s.v; TRUNCATE s.a")
    with connect_owner(database) as warehouse:  # the first load of all makes tables
        by_a_load(warehouse)
    eye.execute("TRUNCATE s.a")
    with stopped(database, "COMMIT", way) as warehouse:
        assert said(lambda: commit(warehouse)) is truth
    assert rows(eye) == 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("sql", ["BEGIN", "-- anew\nstart transaction;"])
def test_what_only_begins_a_transaction_commits_nothing(
    database: Settings, eye: Eye, way: str, sql: str
) -> None:
    with left_open(way), stopped(database, sql, way) as warehouse:
        assert told(lambda: warehouse.execute(sql), way) is False
    assert rows(eye) == 0


@pytest.mark.parametrize("way", ["cancel", "signal"])
def test_a_commit_of_a_failed_transaction_commits_nothing(
    database: Settings, eye: Eye, way: str
) -> None:
    with stopped(database, "COMMIT", way) as warehouse:
        warehouse.execute("BEGIN")
        warehouse.execute("INSERT INTO s.a VALUES (1)")
        with pytest.raises(errors.AirscoopError):
            warehouse.execute("SELECT nothing")
        assert told(lambda: warehouse.execute("COMMIT"), way) is False
    assert rows(eye) == 0


@pytest.mark.parametrize("way", WAYS)
def test_a_view_that_was_refreshed_is(database: Settings, eye: Eye, way: str) -> None:
    eye.execute("INSERT INTO s.a VALUES (1)")
    with stopped(database, "REFRESH", way) as warehouse:
        assert told(lambda: warehouse.refresh("s.v"), way) is truth(way)
    assert rows(eye, "s.v") == 1


@pytest.mark.parametrize("verb", ["execute", "refresh", "run_script"])
def test_a_statement_that_was_ended_on_the_server_is_not(
    database: Settings, eye: Eye, tmp_path: Path, verb: str
) -> None:
    (tmp_path / "f.sql").write_text("INSERT INTO s.a VALUES (1)")
    calls: dict[str, Callable[[Warehouse], object]] = {
        "execute": lambda warehouse: warehouse.execute("INSERT INTO s.a VALUES (1)"),
        "refresh": lambda warehouse: warehouse.refresh("s.v"),
        "run_script": lambda warehouse: warehouse.run_script(tmp_path / "f.sql"),
    }
    with psycopg.connect(database["dsn"]) as other, connect_owner(database) as warehouse:
        other.execute("LOCK TABLE s.a")
        timer = threading.Timer(0.5, warehouse.cancel)
        timer.start()
        assert told(lambda: calls[verb](warehouse), "cancel") is False
        timer.join()
    assert rows(eye) == 0


# A script, the statement at which it is stopped, and what is said of it: whole, in part, nothing.
SCRIPTS = {
    "the first of two": ("INSERT INTO s.a VALUES (1); INSERT INTO s.a VALUES (2)", "(1)", None),
    "the last of two": ("INSERT INTO s.a VALUES (1); INSERT INTO s.a VALUES (2)", "(2)", True),
    "in its transaction": ("BEGIN; INSERT INTO s.a VALUES (1); COMMIT", "(1)", False),
    "its BEGIN": ("BEGIN; INSERT INTO s.a VALUES (1); COMMIT", "BEGIN", False),
    "its COMMIT": ("BEGIN; INSERT INTO s.a VALUES (1); COMMIT", "COMMIT", True),
    "its first COMMIT": (
        "BEGIN; INSERT INTO s.a VALUES (1); COMMIT; INSERT INTO s.a VALUES (2)",
        "COMMIT",
        None,
    ),
    "in its second transaction": (
        "INSERT INTO s.a VALUES (1); BEGIN; INSERT INTO s.a VALUES (2); COMMIT",
        "(2)",
        None,
    ),
    "its ROLLBACK": ("BEGIN; INSERT INTO s.a VALUES (1); ROLLBACK", "ROLLBACK", False),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("where", SCRIPTS)
def test_a_script_is_committed_as_a_whole_in_part_or_not_at_all(
    database: Settings, eye: Eye, tmp_path: Path, where: str, way: str
) -> None:
    text, word, expected = SCRIPTS[where]
    (tmp_path / "f.sql").write_text(text)
    with stopped(database, word, way) as warehouse:
        found = told(lambda: warehouse.run_script(tmp_path / "f.sql"), way)
    assert found is (None if way == "lost" and expected else expected)
    if found is not None:
        assert rows(eye) == (text.count("INSERT") if found else 0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("INSERT INTO s.a VALUES (1); SELECT nothing", None),
        ("SELECT nothing; INSERT INTO s.a VALUES (1)", False),
        ("BEGIN; INSERT INTO s.a VALUES (1); SELECT nothing; COMMIT", False),
        ("BEGIN; INSERT INTO s.a VALUES (1)", False),
        ("INSERT INTO s.a VALUES (1); BEGIN; INSERT INTO s.a VALUES (2)", None),
    ],
)
def test_a_script_that_fails_says_whether_a_part_of_it_stays(
    database: Settings, eye: Eye, tmp_path: Path, text: str, expected: bool | None
) -> None:
    (tmp_path / "f.sql").write_text(text)
    failing = pytest.raises(errors.AirscoopError)
    with connect_owner(database) as warehouse, failing as caught:
        warehouse.run_script(tmp_path / "f.sql")
    assert caught.value.committed is expected
    assert rows(eye) == (0 if expected is False else 1)


def places(count: int, location: str = "s3://bucket/new/") -> list[Partition]:
    return [Partition(values={"p": str(n)}, location=location) for n in range(count)]


@contextmanager
def stopped_at(standin: StandIn, word: str, way: str) -> Iterator[Warehouse]:
    late = Late(word, way)
    with WireProxy(standin.port, late.hook, back=late.back) as proxy:
        through = standin.dsn.replace(f":{standin.port}/", f":{proxy.port}/")
        with Warehouse(through) as late.warehouse:
            yield late.warehouse


# How many partitions are added, the statement at which that is stopped, and what is said.
PARTITIONS = {
    "before anything": (1, "svv_external_columns", False),
    "the one statement": (1, "ADD IF NOT EXISTS", True),
    "the first of two": (101, "= '0'", None),
    "the last of two": (101, "= '100'", True),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("where", PARTITIONS)
def test_partitions_are_there_all_or_in_part_or_not_at_all(
    standin: StandIn, spectrum: Spectrum, where: str, way: str
) -> None:
    table = spectrum.create("t", "a varchar(20)", "p integer")
    count, word, expected = PARTITIONS[where]
    with stopped_at(standin, word, way) as warehouse:
        found = told(lambda: warehouse.add_partitions(table, places(count)), way)
    assert found is (None if way == "lost" and expected else expected)
    with Warehouse(standin.dsn) as other:
        there = len(other.partitions(table))
    assert found is None or there == (count if found else 0)


@pytest.mark.parametrize("way", WAYS)
def test_a_look_at_the_catalog_afterwards_takes_nothing_back(
    standin: StandIn, spectrum: Spectrum, way: str
) -> None:
    table = spectrum.create("t", "a varchar(20)", "p integer")
    with Warehouse(standin.dsn) as other:
        other.add_partitions(table, places(2, "s3://bucket/old/"))
    with stopped_at(standin, "SET LOCATION", way) as warehouse:
        assert told(lambda: warehouse.add_partitions(table, places(2)), way) is None
    with stopped_at(standin, "= '1') SET LOCATION", way) as warehouse:
        found = told(lambda: warehouse.add_partitions(table, places(2)), way)
    assert found is truth(way)
