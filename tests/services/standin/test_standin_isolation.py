"""Isolation levels of the Redshift stand-in, and its words for conflicts."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from support.standin import StandIn

Connection = psycopg.Connection[Any]
CYCLE = (
    "Serializable isolation violation on table - 0, transactions forming the cycle are: "
    "0, 0 (pid:{pid})"
)


def two_rows(stand_in: StandIn) -> str:
    name = f"public.t_{uuid.uuid4().hex[:8]}"
    with stand_in.connect() as session:
        session.execute(
            f"CREATE TABLE {name} AS SELECT 1 AS id, 0 AS n UNION ALL SELECT 2, 0".encode()
        )
    return name


def transactions(stand_in: StandIn, begin: str) -> Iterator[tuple[Connection, Connection]]:
    with stand_in.connect() as first, stand_in.connect() as second:
        for session in (first, second):
            session.execute(begin.encode())
        yield first, second


def lost_update(stand_in: StandIn, begin: str = "BEGIN") -> tuple[psycopg.Error, int]:
    """Both update the same row; the error of the second, and its process id."""
    table = two_rows(stand_in)
    for first, second in transactions(stand_in, begin):
        for session in (first, second):
            session.execute(f"SELECT * FROM {table}".encode())
        first.execute(f"UPDATE {table} SET n = 1 WHERE id = 1".encode())
        first.execute("COMMIT")
        with pytest.raises(psycopg.Error) as caught:
            second.execute(f"UPDATE {table} SET n = 2 WHERE id = 1".encode())
        return caught.value, second.info.backend_pid
    raise AssertionError


def write_skew(stand_in: StandIn, begin: str = "BEGIN") -> psycopg.Error | None:
    """Each reads what the other writes; the error of the second, None when both commit."""
    table = two_rows(stand_in)
    for first, second in transactions(stand_in, begin):
        for row, session in enumerate((first, second), 1):
            session.execute(f"SELECT sum(n) FROM {table}".encode())
            session.execute(f"UPDATE {table} SET n = 1 WHERE id = {row}".encode())
        first.execute("COMMIT")
        try:
            second.execute("COMMIT")
        except psycopg.Error as error:
            return error
        return None
    raise AssertionError


def test_snapshot_is_the_default_and_lets_write_skew_through(standin: StandIn) -> None:
    assert write_skew(standin) is None


def test_a_conflict_under_snapshot_has_redshifts_words(standin: StandIn) -> None:
    error, _ = lost_update(standin)
    assert error.sqlstate == "XX000"
    words = "could not complete because of conflict with concurrent transaction"
    assert error.diag.message_primary == words


def test_serializable_by_the_stand_ins_option_reports_1023(serializable_standin: StandIn) -> None:
    error, pid = lost_update(serializable_standin)
    assert (error.sqlstate, error.diag.message_primary) == ("XX000", "1023")
    assert error.diag.message_detail == CYCLE.format(pid=pid)
    skew = write_skew(serializable_standin)
    assert skew is not None
    assert (skew.sqlstate, skew.diag.message_primary) == ("XX000", "1023")


def test_serializable_by_the_transactions_own_word(standin: StandIn) -> None:
    begin = "BEGIN ISOLATION LEVEL SERIALIZABLE"
    assert lost_update(standin, begin)[0].diag.message_primary == "1023"
    skew = write_skew(standin, begin)
    assert skew is not None
    assert skew.diag.message_primary == "1023"


def test_snapshot_by_the_transactions_own_word(serializable_standin: StandIn) -> None:
    begin = "BEGIN ISOLATION LEVEL SNAPSHOT"
    assert write_skew(serializable_standin, begin) is None
    error, _ = lost_update(serializable_standin, begin)
    assert error.diag.message_primary is not None
    assert error.diag.message_primary.startswith("could not complete")


def test_serializable_by_the_sessions_options(standin: StandIn) -> None:
    options = "-c default_transaction_isolation=serializable"
    with standin.connect(options=options) as session:
        assert session.execute("SHOW transaction_isolation").fetchone() == ("serializable",)


def test_the_databases_level_is_changed_for_new_sessions(spare_standin: StandIn) -> None:
    with spare_standin.connect() as session:
        session.execute("ALTER DATABASE spare ISOLATION LEVEL SERIALIZABLE")
    assert lost_update(spare_standin)[0].diag.message_primary == "1023"
    with spare_standin.connect() as session:
        session.execute("ALTER DATABASE spare ISOLATION LEVEL SNAPSHOT")
    assert write_skew(spare_standin) is None


def test_a_conflict_can_be_tried_again(standin: StandIn) -> None:
    table = two_rows(standin)
    for first, second in transactions(standin, "BEGIN"):
        second.execute(f"SELECT * FROM {table}".encode())
        first.execute(f"UPDATE {table} SET n = n + 1 WHERE id = 1".encode())
        first.execute("COMMIT")
        with pytest.raises(psycopg.Error, match="conflict"):
            second.execute(f"UPDATE {table} SET n = n + 1 WHERE id = 1".encode())
        second.execute("ROLLBACK")
        second.execute(f"UPDATE {table} SET n = n + 1 WHERE id = 1".encode())
        found = second.execute(f"SELECT n FROM {table} WHERE id = 1".encode()).fetchone()
        assert found == (2,)
