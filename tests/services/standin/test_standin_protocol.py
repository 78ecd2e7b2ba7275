"""The wire protocol of the Redshift stand-in: what passes, what is answered, what is refused."""

from __future__ import annotations

import socket
import struct
import threading
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import pq

from support.standin import PASSWORD, USER, StandIn
from support.waiting import eventually

Connection = psycopg.Connection[Any]


@pytest.fixture
def table(connection: Connection) -> Iterator[str]:
    name = f"public.t_{uuid.uuid4().hex[:8]}"
    connection.execute(f"CREATE TABLE {name} (a integer, b varchar(100))".encode())
    yield name
    connection.execute(b"ROLLBACK")
    connection.execute(f"DROP TABLE {name}".encode())


def test_encryption_is_declined_and_the_session_goes_on_in_plain(standin: StandIn) -> None:
    with socket.create_connection(("127.0.0.1", standin.port)) as raw:
        for code in (80877103, 80877104):
            raw.sendall(struct.pack("!II", 8, code))
            assert raw.recv(1) == b"N"
        body = struct.pack("!I", 196608) + f"user\0{USER}\0database\0dev\0\0".encode()
        raw.sendall(struct.pack("!I", len(body) + 4) + body)
        assert raw.recv(1) == b"R"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"password": "wrong"}, "password authentication failed"),
        ({"user": "nobody"}, "password authentication failed"),
        ({"dbname": "missing"}, 'database "missing" does not exist'),
        ({"sslmode": "require"}, "server does not support SSL"),
    ],
)
def test_a_login_that_fails_says_why(
    standin: StandIn, options: dict[str, str], reason: str
) -> None:
    with pytest.raises(psycopg.OperationalError, match=reason) as caught:
        standin.connect(**options)
    assert PASSWORD not in str(caught.value)


def test_parameters_of_the_session_come_through(connection: Connection) -> None:
    status = connection.pgconn.parameter_status
    assert (
        status(
            b"server_version",
        )
        is not None
    )
    assert status(b"standard_conforming_strings") == b"on"
    assert connection.info.encoding == "utf-8"


@pytest.mark.parametrize("rows", [0, 1, 100_000])
def test_results_of_any_size_pass(connection: Connection, rows: int) -> None:
    cursor = connection.execute(
        "SELECT g, repeat('x', g %% 500) FROM generate_series(1, %s) g", (rows,)
    )
    assert sum(len(text) for _, text in cursor) == sum(
        number % 500 for number in range(1, rows + 1)
    )


def test_a_large_value_passes_both_ways(connection: Connection) -> None:
    text = "é" * 5_000_000
    assert connection.execute("SELECT %s::text", (text,)).fetchone() == (text,)
    literal = connection.execute(f"SELECT '{text}', max(1)".encode()).fetchone()
    assert literal == (text, 1)


def test_errors_of_postgresql_pass_with_all_their_fields(connection: Connection) -> None:
    with pytest.raises(psycopg.errors.UndefinedColumn) as caught:
        connection.execute("SELECT missing FROM pg_class")
    assert caught.value.diag.statement_position == "8"
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_notices_and_notifications_pass(connection: Connection) -> None:
    notices: list[str | None] = []
    connection.add_notice_handler(lambda diag: notices.append(diag.message_primary))
    connection.execute("DO $$ BEGIN RAISE NOTICE 'on conflict; returning'; END $$")
    assert notices == ["on conflict; returning"]


def test_several_statements_in_one_message_give_all_results(connection: Connection) -> None:
    cursor = connection.execute("SELECT 1; SELECT 2; SELECT 'a;b'")
    found = [cursor.fetchone()]
    while cursor.nextset():
        found.append(cursor.fetchone())
    assert found == [(1,), (2,), ("a;b",)]


def test_copy_passes_both_ways(connection: Connection, table: str) -> None:
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
            for number in range(1000):
                copy.write_row((number, "Q" * (number % 50)))
        with cursor.copy(f"COPY {table} TO STDOUT".encode()) as copy:
            assert len(list(copy.rows())) == 1000
    assert connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone() == (1000,)


def test_copy_by_the_extended_protocol_leaves_the_session_in_step(
    connection: Connection, table: str
) -> None:
    pg = connection.pgconn
    assert pg.exec_params(f"COPY {table} FROM STDIN".encode(), None).status == pq.ExecStatus.COPY_IN
    pg.put_copy_data(b"1\tx\n")
    pg.put_copy_end()
    while pg.get_result():
        pass
    # External DDL is answered only once all else is, so this hangs when the count is wrong.
    error = pg.exec_(b"ALTER TABLE missing.t ADD PARTITION (d=1) LOCATION 's3://b/1'").error_message
    assert b'schema "missing" does not exist' in error


def test_a_broken_copy_can_be_left(connection: Connection, table: str) -> None:
    with pytest.raises(psycopg.errors.InvalidTextRepresentation):  # noqa: SIM117
        with connection.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copy:
            copy.write(b"no number\tx\n")
    assert connection.execute("SELECT 1").fetchone() == (1,)


def cancel_when_it_runs(standin: StandIn, session: Connection, pid: int) -> None:
    running = "SELECT 1 FROM pg_stat_activity WHERE pid = %s AND query LIKE '%%pg_sleep(600)%%'"
    with standin.connect() as watcher:
        active = running + " AND state = 'active'"
        assert eventually(lambda: watcher.execute(active, (pid,)).fetchone() is not None)
    session.cancel()


def test_a_cancel_request_ends_its_own_sessions_statement(
    standin: StandIn, connection: Connection
) -> None:
    with standin.connect() as other:
        other.pgconn.send_query(b"SELECT pg_sleep(0.5), 'finished'")
        pid = connection.info.backend_pid
        canceller = threading.Thread(target=cancel_when_it_runs, args=(standin, connection, pid))
        canceller.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("SELECT pg_sleep(600)")
        canceller.join()
        result = other.pgconn.get_result()
        assert result is not None
        assert result.get_value(0, 1) == b"finished"
        assert other.pgconn.get_result() is None
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_cancel_request_ends_external_ddl_that_waits(
    standin: StandIn, connection: Connection
) -> None:
    schema = f"waiting_{uuid.uuid4().hex[:8]}"
    serde = "ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' STORED AS TEXTFILE"
    for sql in (
        f"CREATE EXTERNAL SCHEMA {schema} FROM DATA CATALOG DATABASE 'd' IAM_ROLE default",
        f"CREATE EXTERNAL TABLE {schema}.t (a integer) PARTITIONED BY (d integer) {serde} "
        "LOCATION 's3://b/'",
        f"ALTER TABLE {schema}.t ADD PARTITION (d=1) LOCATION 'file:///nowhere'",
    ):
        connection.execute(sql.encode())
    with standin.connect() as reader, reader.transaction():
        reader.execute(f"SELECT * FROM {schema}.t".encode())
        timer = threading.Timer(0.3, connection.cancel)
        timer.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute(f"ALTER TABLE {schema}.t DROP PARTITION (d=1)".encode())
        timer.join()
    connection.execute(f"ALTER TABLE {schema}.t DROP PARTITION (d=1)".encode())
    connection.execute(f"DROP SCHEMA {schema} CASCADE".encode())


def test_a_cancel_request_with_a_wrong_key_does_nothing(
    standin: StandIn, connection: Connection
) -> None:
    pid = connection.info.backend_pid
    with socket.create_connection(("127.0.0.1", standin.port)) as raw:
        raw.sendall(struct.pack("!IIII", 16, 80877102, pid, 12345))
        assert raw.recv(1) == b""
    assert connection.execute("SELECT pg_sleep(0.1), 1").fetchone() == ("", 1)


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\4", b"\0\0\0\x08\0\1\0\0"])
def test_what_is_no_client_is_turned_away(standin: StandIn, garbage: bytes) -> None:
    with socket.create_connection(("127.0.0.1", standin.port)) as raw:
        raw.sendall(garbage)
        raw.shutdown(socket.SHUT_WR)
        while raw.recv(1024):
            pass
    with standin.connect() as session:
        assert session.execute("SELECT 1").fetchone() == (1,)


def test_a_refused_statement_is_discarded_up_to_sync(connection: Connection, table: str) -> None:
    with pytest.raises(psycopg.errors.SyntaxError), connection.pipeline() as pipeline:
        first = connection.execute(f"INSERT INTO {table} VALUES (1)".encode())
        connection.execute(f"INSERT INTO {table} VALUES (2) ON CONFLICT DO NOTHING".encode())
        connection.execute(f"INSERT INTO {table} VALUES (3)".encode())
        pipeline.sync()
        assert first.statusmessage == "INSERT 0 1"
    assert connection.execute(f"SELECT * FROM {table}".encode()).fetchall() == []


def test_a_pipeline_goes_on_after_the_sync_of_a_refused_statement(
    connection: Connection, table: str
) -> None:
    with connection.pipeline() as pipeline:
        refused = connection.execute(f"INSERT INTO {table} VALUES (2) RETURNING a".encode())
        with pytest.raises(psycopg.errors.SyntaxError):
            pipeline.sync()
        connection.execute(f"INSERT INTO {table} VALUES (%s)".encode(), (4,))
        pipeline.sync()
    assert refused.statusmessage is None
    assert connection.execute(f"SELECT a FROM {table}".encode()).fetchall() == [(4,)]


def test_a_refused_statement_ends_the_transaction_as_any_error(
    connection: Connection, table: str
) -> None:
    connection.execute("BEGIN")
    connection.execute(f"INSERT INTO {table} VALUES (1)".encode())
    with pytest.raises(psycopg.errors.SyntaxError):
        connection.execute(f"INSERT INTO {table} VALUES (%s) RETURNING a".encode(), (2,))
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        connection.execute("SELECT 1")
    assert connection.execute("COMMIT").statusmessage == "ROLLBACK"
    assert connection.execute(f"SELECT * FROM {table}".encode()).fetchall() == []


def test_external_ddl_in_a_pipeline_with_others_is_refused(connection: Connection) -> None:
    ddl = "ALTER TABLE missing.t ADD PARTITION (d=1) LOCATION 's3://b/1'"
    with pytest.raises(psycopg.errors.ActiveSqlTransaction), connection.pipeline():
        connection.execute("SELECT 1")
        connection.execute(ddl.encode())
    with pytest.raises(psycopg.Error, match="the only statement"), connection.pipeline():
        connection.execute(
            "CREATE EXTERNAL SCHEMA lone FROM DATA CATALOG DATABASE 'd' IAM_ROLE default"
        )
        connection.execute("SELECT 1")
    assert connection.execute("SELECT 1").fetchone() == (1,)
    connection.execute("DROP SCHEMA IF EXISTS lone")


def test_a_backend_that_dies_is_told_to_its_client_only(
    standin: StandIn, connection: Connection
) -> None:
    with standin.connect() as doomed:
        pid = doomed.info.backend_pid
        connection.execute("SELECT pg_terminate_backend(%s)", (pid,))
        with pytest.raises(psycopg.OperationalError, match="terminating connection"):
            doomed.execute("SELECT 1")
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_client_that_goes_away_leaves_no_session(
    standin: StandIn, connection: Connection
) -> None:
    leaver = standin.connect(application_name="leaver")
    leaver.pgconn.send_query(b"SELECT pg_sleep(0.1)")
    leaver.close()
    count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'leaver'"
    assert eventually(lambda: connection.execute(count.encode()).fetchone() == (0,))


def test_many_sessions_at_once(standin: StandIn) -> None:
    sessions = [standin.connect() for _ in range(30)]
    try:
        found = [
            session.execute("SELECT %s::int", (n,)).fetchone() for n, session in enumerate(sessions)
        ]
        assert found == [(n,) for n in range(30)]
    finally:
        for session in sessions:
            session.close()
