"""Warehouse.query: names and types, Python's values, Arrow and pandas, in bounded memory."""

from __future__ import annotations

import datetime
import gc
import resource
import warnings
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pyarrow
import pytest

from airscoop import errors
from airscoop.warehouse.rows import Column
from support.warehouse import Settings, connect, connect_owner

UTC = datetime.UTC
TYPED = (
    "SELECT true AS b, 7::smallint AS s, -5 AS i, 9007199254740993::bigint AS l, 0.5::real AS f,"
    " 'NaN'::float8 AS d, 12.50::numeric(9,2) AS n, date '2026-02-28' AS day,"
    " time '01:02:03.5' AS at, timestamp '2026-01-02 03:04:05.678901' AS ts,"
    " timestamptz '2026-01-02 03:04:05+02' AS tz, '\\x00ff'::bytea AS raw,"
    " '6f0f3c1c-8d9e-4c53-9d0c-0a3a0f9bb1c5'::uuid AS u, 'Grüße'::varchar(9) AS t,"
    " '{\"a\": 1}'::jsonb AS j, NULL::integer AS none"
)


def test_rows_have_names_types_and_pythons_values(database: Settings) -> None:
    with connect(database) as warehouse, warehouse.query(TYPED) as rows:
        assert rows.columns[6] == Column(name="n", type="numeric(9,2)")
        assert [column.type for column in rows.columns[:3]] == ["boolean", "smallint", "integer"]
        assert rows.columns[13].type == "character varying(9)"
        (row,) = rows
    assert row[:5] == (True, 7, -5, 9007199254740993, 0.5)
    assert row[5] != row[5]
    assert row[6:] == (
        Decimal("12.50"),
        datetime.date(2026, 2, 28),
        datetime.time(1, 2, 3, 500_000),
        datetime.datetime(2026, 1, 2, 3, 4, 5, 678_901),
        datetime.datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC),
        b"\0\xff",
        UUID("6f0f3c1c-8d9e-4c53-9d0c-0a3a0f9bb1c5"),
        "Grüße",
        '{"a": 1}',
        None,
    )


def test_parameters_are_bound(database: Settings) -> None:
    with connect(database) as warehouse:
        rows = warehouse.query("SELECT $1::integer + 1, $2::text, $3::text", (41, "'; --", None))
        assert list(rows) == [(42, "'; --", None)]


def test_a_statement_without_rows_has_none_and_is_carried_out(database: Settings) -> None:
    with connect_owner(database) as warehouse:
        assert list(warehouse.query("CREATE TABLE t (a integer)")) == []
        assert list(warehouse.query("INSERT INTO t VALUES (1), (2) RETURNING a")) == [(1,), (2,)]
        empty = warehouse.query("SELECT a FROM t WHERE a > 9")
        assert [column.name for column in empty.columns] == ["a"]
        assert list(empty) == []
        assert warehouse.execute("SELECT count(*) FROM t") == [("2",)]


def test_many_rows_are_read_in_bounded_memory(database: Settings) -> None:
    with connect(database) as warehouse:
        assert sum(1 for _ in warehouse.query("SELECT 1 FROM generate_series(1, 10000)")) == 10_000
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        series = "SELECT n, repeat('x', 200) FROM generate_series(1, 300000) AS n"
        assert sum(row[0] for row in warehouse.query(series)) == 300_000 * 300_001 // 2
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert after - before < 16 * 1024  # KiB; the rows are 60 MB


def test_while_rows_are_read_the_session_does_nothing_else(database: Settings) -> None:
    with connect(database) as warehouse:
        rows = warehouse.query("SELECT generate_series(1, 100000)")
        reading = iter(rows)
        assert next(reading) == (1,)
        for call in (warehouse.execute, warehouse.query):
            with pytest.raises(errors.UsageError, match="rows of a query are being read"):
                call("SELECT 1")
        with pytest.raises(errors.UsageError, match="rows of a query are being read"):
            warehouse.refresh("public.v")
        rows.close()
        assert warehouse.execute("SELECT 1") == [("1",)]
        with pytest.raises(errors.UsageError, match="read once"):
            iter(rows)


def test_rows_that_are_forgotten_or_left_end_their_query(database: Settings) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with connect(database) as warehouse:
            for row in warehouse.query("SELECT generate_series(1, 100000)"):
                assert row == (1,)
                break
            gc.collect()
            assert warehouse.execute("SELECT 1") == [("1",)]
            warehouse.query("SELECT generate_series(1, 100000)")
            gc.collect()
            assert warehouse.execute("SELECT 1") == [("1",)]
            left = warehouse.query("SELECT generate_series(1, 100000)")
        with pytest.raises(errors.UsageError, match="session is closed"):
            list(left)


def test_an_error_among_the_rows_ends_the_query_and_not_the_session(database: Settings) -> None:
    with connect(database) as warehouse:
        rows = warehouse.query("SELECT 100 / (5000 - n) FROM generate_series(1, 9000) AS n")
        with pytest.raises(errors.SqlError, match="division by zero") as caught:
            list(rows)
        assert (caught.value.sqlstate, caught.value.committed) == ("22012", False)
        with pytest.raises(errors.NotFound, match="nothing"):
            warehouse.query("SELECT * FROM nothing")
        assert warehouse.execute("SELECT 1") == [("1",)]


def test_a_query_within_a_transaction_leaves_it_open(database: Settings) -> None:
    with connect_owner(database) as warehouse:
        warehouse.execute("CREATE TABLE t (a integer)")
        warehouse.execute("BEGIN")
        assert list(warehouse.query("INSERT INTO t VALUES (1) RETURNING a")) == [(1,)]
        warehouse.execute("ROLLBACK")
        assert warehouse.execute("SELECT count(*) FROM t") == [("0",)]


def test_a_cancel_ends_a_query(database: Settings) -> None:
    with connect(database) as warehouse:
        rows = iter(warehouse.query("SELECT generate_series(1, 10000000)"))
        assert next(rows) == (1,)
        warehouse.cancel()
        with pytest.raises(errors.Cancelled):
            for _ in rows:
                pass


def test_a_connection_that_is_lost_among_the_rows_is_told(database: Settings) -> None:
    with connect(database) as warehouse:
        ((pid,),) = warehouse.execute("SELECT pg_backend_pid()")
        rows = iter(warehouse.query("SELECT n, pg_sleep(n / 5000) FROM generate_series(1, 9000) n"))
        assert next(rows)[0] == 1
        with psycopg.connect(database["dsn"]) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (int(pid or 0),))
        with pytest.raises(errors.ConnectionFailed) as caught:
            list(rows)
        assert (caught.value.retryable, caught.value.committed) == (True, None)
        with pytest.raises(errors.ConnectionFailed, match="open a new session"):
            warehouse.execute("SELECT 1")


def test_a_query_that_takes_too_long_is_ended_and_the_session_goes_on(database: Settings) -> None:
    with connect(database, statement_timeout_seconds=0.3) as warehouse:
        rows = warehouse.query("SELECT n, pg_sleep(n / 5000) FROM generate_series(1, 9000) n")
        with pytest.raises(errors.TimedOut):
            list(rows)
        assert warehouse.execute("SELECT 1") == [("1",)]


@pytest.mark.parametrize("value", ["date 'infinity'", "timestamp '0044-03-15 00:00:00 BC'"])
def test_a_value_that_python_does_not_have_is_named(database: Settings, value: str) -> None:
    with connect(database) as warehouse:
        with pytest.raises(errors.UnsupportedFormat, match=r"column x: Python has no .*cast"):
            list(warehouse.query(f"SELECT {value} AS x"))
        with pytest.raises(OSError, match=r"column x.*cast"):
            pyarrow.table(warehouse.query(f"SELECT {value} AS x"))
        with pytest.raises(errors.UnsupportedFormat, match=r"column x.*cast"):
            warehouse.query(f"SELECT {value} AS x").to_pandas()
        assert warehouse.execute("SELECT 1") == [("1",)]


def test_arrow_has_the_columns_types(database: Settings) -> None:
    with connect(database) as warehouse:
        table = pyarrow.table(warehouse.query(TYPED + " UNION ALL " + TYPED))
    types = {field.name: str(field.type) for field in table.schema}
    assert types == {
        "b": "bool",
        "s": "int16",
        "i": "int32",
        "l": "int64",
        "f": "float",
        "d": "double",
        "n": "decimal128(9, 2)",
        "day": "date32[day]",
        "at": "time64[us]",
        "ts": "timestamp[us]",
        "tz": "timestamp[us, tz=UTC]",
        "raw": "binary",
        "u": "string",
        "t": "string",
        "j": "string",
        "none": "int32",
    }
    first, second = table.to_pylist()
    assert {**first, "d": 0} == {**second, "d": 0}
    assert (first["b"], first["s"], first["l"]) == (True, 7, 9007199254740993)
    assert (first["n"], first["day"]) == (Decimal("12.50"), datetime.date(2026, 2, 28))
    assert first["at"] == datetime.time(1, 2, 3, 500_000)
    assert first["ts"] == datetime.datetime(2026, 1, 2, 3, 4, 5, 678_901)
    assert first["tz"].timestamp() == datetime.datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC).timestamp()
    assert (first["raw"], first["t"], first["none"]) == (b"\0\xff", "Grüße", None)


def test_arrow_and_rows_agree(database: Settings) -> None:
    sql = (
        "SELECT n, n % 3 = 0 AS b, CASE WHEN n % 7 <> 0 THEN n::text END AS t,"
        " (n - 2500)::numeric(20, 4) / 8 * 1.0000 AS d, (n - 2500)::numeric(38, 3) AS e,"
        " date '1969-12-01' + n AS day, timestamp '1969-12-31' + n * interval '1 hour' AS ts"
        " FROM generate_series(1, 5000) AS n"
    )
    with connect(database) as warehouse:
        rows = list(warehouse.query(sql))
        read = pyarrow.RecordBatchReader.from_stream(warehouse.query(sql))
        found = [tuple(row.values()) for batch in read for row in batch.to_pylist()]
    expected: list[Any] = [(*row[:3], format(row[3], "f"), *row[4:]) for row in rows]
    assert found == expected


def test_an_arrow_stream_that_is_let_go_of_ends_its_query_and_no_other(database: Settings) -> None:
    with connect(database) as warehouse:
        stream = pyarrow.RecordBatchReader.from_stream(
            warehouse.query("SELECT generate_series(1, 1000000)")
        )
        assert stream.read_next_batch().num_rows == 16_384
        with pytest.raises(errors.UsageError, match="rows of a query are being read"):
            warehouse.execute("SELECT 1")
        del stream
        gc.collect()
        first = pyarrow.RecordBatchReader.from_stream(warehouse.query("SELECT 1 AS a"))
        assert first.read_all().num_rows == 1
        rows = warehouse.query("SELECT generate_series(1, 100000)")
        with pytest.raises(OSError, match="query of these rows has ended"):
            first.read_next_batch()
        del first
        gc.collect()
        assert sum(1 for _ in rows) == 100_000


def test_pandas_reads_all_rows(database: Settings) -> None:
    with connect(database) as warehouse:
        frame = warehouse.query("SELECT n, 'x' || n AS t FROM generate_series(1, 3) n").to_pandas()
    assert list(frame.columns) == ["n", "t"]
    assert frame["n"].tolist() == [1, 2, 3]
    assert frame["t"].tolist() == ["x1", "x2", "x3"]


def test_polars_reads_arrow_without_pyarrow(database: Settings) -> None:
    polars = pytest.importorskip("polars")
    with connect(database) as warehouse:
        frame = polars.DataFrame(warehouse.query("SELECT n FROM generate_series(1, 3) AS n"))
    assert frame["n"].to_list() == [1, 2, 3]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE a (x integer); CREATE TABLE b (x integer)",
        "SELECT 1; SELECT 2;",
        "SELECT ';'; -- x\n SELECT 2",
    ],
)
def test_two_statements_are_refused_before_one_runs(database: Settings, sql: str) -> None:
    with connect(database) as warehouse:
        for run in (warehouse.execute, warehouse.query):
            with pytest.raises(errors.UsageError, match="one statement is run at a time"):
                run(sql)
        assert warehouse.execute("SELECT to_regclass('public.a')") == [(None,)]


@pytest.mark.parametrize("sql", ["SELECT 1;", "SELECT 1 ; ;\n-- end", "SELECT ';' || $$;$$"])
def test_one_statement_may_end_in_semicolons(database: Settings, sql: str) -> None:
    with connect(database) as warehouse:
        assert len(warehouse.execute(sql)) == 1


def test_rows_are_never_those_of_the_sessions_next_query(database: Settings) -> None:
    """The last rows of a query are here when its end is, and the session is free."""
    with connect(database) as warehouse:
        found = []
        for row in warehouse.query("SELECT g FROM generate_series(1, 2) g"):
            found.append(row)
            if len(found) == 1:
                inner = warehouse.query("SELECT -g FROM generate_series(1, 5000) g")
        assert found == [(1,), (2,)]
        assert len(list(inner)) == 5000
        empty = warehouse.query("SELECT 1 AS a WHERE false")
        other = warehouse.query("SELECT 2 AS b")
        with pytest.raises(OSError, match="the query of these rows has ended"):
            pyarrow.table(empty)
        empty.close()
        assert list(other) == [(2,)]
