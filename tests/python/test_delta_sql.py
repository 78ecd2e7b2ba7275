"""The delta as SQL: its changes on DuckDB are those of the C engine, one by one."""

from __future__ import annotations

import random
import re
import tempfile
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
from hypothesis import given, settings
from test_delta_properties import Table, export, tables

import airscoop
from airscoop import errors
from airscoop.delta_sql import COUNTS, DeltaSql, check_counts
from airscoop.hooks.athena import delta_by_athena


def on_duckdb(statement: str) -> str:
    """Athena's SQL in DuckDB's dialect, whose sha256 takes text and gives hex digits."""
    tree = sqlglot.parse_one(statement, read="athena")

    def plain(node: sqlglot.Expression) -> sqlglot.Expression:
        if isinstance(node, sqlglot.exp.Hex | sqlglot.exp.LowerHex):
            text = node.find(sqlglot.exp.Encode)
            assert text is not None
            return sqlglot.exp.Anonymous(this="sha256", expressions=[text.this])
        return node

    return tree.transform(plain).sql(dialect="duckdb")


def connect(width: int, old: Table | None, new: Table) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    names = ["PK", *(f"c{n}" for n in range(width))]
    for name, table in (("old_export", old), ("new_export", new)):
        if table is None:
            continue
        columns = ", ".join(f"{column} VARCHAR" for column in names)
        connection.execute(f"CREATE TABLE {name} ({columns})")
        marks = ", ".join("?" for _ in names)
        for key, row in table.items():
            connection.execute(f"INSERT INTO {name} VALUES ({marks})", [key, *row])
    return connection


def sql_for(width: int, *, old: bool = True, version: str = "") -> DeltaSql:
    return DeltaSql(
        old="old_export" if old else None,
        new="new_export",
        columns=["PK", *(f"c{n}" for n in range(width))],
        key=["PK"],
        version=version,
    )


def by_sql(connection: duckdb.DuckDBPyConnection, sql: DeltaSql) -> dict[str, Any]:
    rows = connection.execute(on_duckdb(sql.changes())).fetchall()
    assert len({row[4] for row in rows}) == len(rows)
    return {row[4]: (row[0], row[1], row[2], row[3] and sorted(row[3])) for row in rows}


def by_c(delta: airscoop.Delta) -> dict[str, Any]:
    return {
        change["id"]: (
            change["op"],
            change["key"],
            change["row"],
            sorted(change["changed"]) if "changed" in change else None,
        )
        for change in delta
    }


@settings(max_examples=60, deadline=None)
@given(tables())
def test_any_two_tables_have_the_same_changes_by_both_engines(
    case: tuple[int, Table, Table],
) -> None:
    width, old, new = case
    connection = connect(width, old, new)
    sql = sql_for(width, version="it's v2")
    with tempfile.TemporaryDirectory() as folder:
        paths = [
            export(Path(folder), name, width, table, random.Random(1), json_lines=False)
            for name, table in (("old", old), ("new", new))
        ]
        delta = airscoop.delta(*paths, max_delete_ratio=1.0, min_rows=0, version="it's v2")
    assert by_sql(connection, sql) == by_c(delta)
    row = connection.execute(on_duckdb(sql.counts())).fetchone()
    assert row is not None
    counts = dict(zip(COUNTS, row, strict=True))
    receipt = delta.receipt
    for name in ("old_rows", "new_rows", "inserted", "updated", "deleted", "unchanged"):
        assert counts[name] == getattr(receipt, name), name


def test_without_an_old_export_every_row_is_an_insert() -> None:
    new: Table = {"1": ("a",), "2": (None,)}
    changes = by_sql(connect(1, None, new), sql_for(1, old=False))
    assert sorted(change[0] for change in changes.values()) == ["INSERT", "INSERT"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"new_duplicates": 1}, errors.DuplicateKey),
        ({"empty_keys": 2}, errors.BadRecord),
        ({"new_rows": 0}, errors.SuspectExport),
        ({"deleted": 4}, errors.SuspectExport),
        ({"inserted": 1}, errors.CountMismatch),
    ],
)
def test_the_counts_are_checked(changes: dict[str, int], error: type[errors.AirscoopError]) -> None:
    counts = dict.fromkeys(COUNTS, 0) | {"old_rows": 10, "new_rows": 10, "unchanged": 10}
    check_counts(counts, name="t", max_delete_ratio=0.3, min_rows=1)
    with pytest.raises(error):
        check_counts(counts | changes, name="t", max_delete_ratio=0.3, min_rows=1)


def test_a_key_that_is_no_column_is_refused() -> None:
    with pytest.raises(errors.UsageError, match='"id" is no column of t; the columns are a, b'):
        DeltaSql(old=None, new="t", columns=["a", "b"], key=["id"])


class DuckHook:
    """Athena's hook, as far as it is used, over DuckDB."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.statements: list[str] = []
        self.rows: list[Any] = []

    def run_query(self, query: str, context: Any, place: Any, workgroup: str) -> str:
        assert (context, place) == ({"Database": "db"}, {"OutputLocation": "s3://b/results/"})
        self.statements.append(query)
        unload = re.fullmatch(r"UNLOAD \(\n(.*)\n\) TO '.*", query, re.DOTALL)
        self.rows = self.connection.execute(on_duckdb(unload[1] if unload else query)).fetchall()
        return f"query-{len(self.statements)}"

    def poll_query_status(self, query: str, sleep_time: int) -> str:
        return "SUCCEEDED"

    def get_query_results(self, query: str) -> Any:
        data = [[{"VarCharValue": str(value)} for value in row] for row in (COUNTS, *self.rows)]
        return {"ResultSet": {"Rows": [{"Data": row} for row in data]}}


def test_athena_counts_first_and_then_unloads() -> None:
    old: Table = {str(n): ("a",) for n in range(10)}
    hook: Any = DuckHook(connect(1, old, {**old, "3": ("b",), "10": ("c",)}))
    place = {"destination": "s3://b/out/", "query_results": "s3://b/results/"}
    receipt = delta_by_athena(hook, sql_for(1), database="db", **place)
    assert (receipt.inserted, receipt.updated, receipt.unchanged) == (1, 1, 9)
    assert len(hook.rows) == 2
    assert "TO 's3://b/out/' WITH (format = 'JSON'" in hook.statements[1]


def test_athena_writes_nothing_when_the_counts_are_refused() -> None:
    old: Table = {str(n): ("a",) for n in range(10)}
    hook: Any = DuckHook(connect(1, old, {"1": ("a",)}))
    place = {"destination": "s3://b/out/", "query_results": "s3://b/results/"}
    with pytest.raises(errors.SuspectExport):
        delta_by_athena(hook, sql_for(1), database="db", **place)
    assert len(hook.statements) == 1
