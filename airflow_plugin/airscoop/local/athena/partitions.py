"""Which of a table's partitions a query reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import duckdb

from airscoop.local.athena import projection
from airscoop.local.athena.context import literal, quoted
from airscoop.local.athena.failures import QueryFailed
from airscoop.local.athena.tables import Catalogue, Partition, Table
from airscoop.local.athena.types import duck

if TYPE_CHECKING:
    import datetime

    from airscoop.local.athena.scans import Scan

NULL_VALUE = "__HIVE_DEFAULT_PARTITION__"
NUMBER = '"the number"'


def value_sql(text: str, kind: Any) -> str:
    """A partition's value as the type of its column."""
    if text == NULL_VALUE:
        return f"CAST(NULL AS {duck(kind)})"
    return f"CAST({literal(text)} AS {duck(kind)})"


def values_sql(table: Table, partitions: Sequence[Partition]) -> str:
    """A query with a row for each partition: its values, and its NUMBER, a name of no column."""
    names = ", ".join(quoted(name) for name, _ in table.keys)
    nulls = ", ".join(f"CAST(NULL AS {duck(kind)})" for _, kind in table.keys)
    rows = [
        f"({number}, "
        + ", ".join(value_sql(v, k) for v, (_, k) in zip(each.values, table.keys, strict=True))
        + ")"
        for number, each in enumerate(partitions)
    ]
    if not rows:
        return f"SELECT * FROM (SELECT 0, {nulls}) AS p({NUMBER}, {names}) WHERE false"
    return f"SELECT * FROM (VALUES {', '.join(rows)}) AS p({NUMBER}, {names})"


def partitions_of(
    catalogue: Catalogue,
    table: Table,
    given: Mapping[str, Sequence[str]],
    narrowed: Sequence[tuple[str, Iterable[str]]],
    *,
    now: datetime.datetime | None = None,
) -> Iterator[Partition]:
    """All partitions of a table; narrowed: what is left of a projected column's values."""
    if projection.is_enabled(table):
        yield from projection.partitions(table, given, dict(narrowed), now=now)
    else:
        yield from catalogue.partitions(table)


def chosen(
    connection: Any, catalogue: Catalogue, scan: Scan, *, now: datetime.datetime
) -> list[Partition]:
    """The partitions that pass all conditions that are on partition columns alone."""
    table = scan.table
    narrowed: list[tuple[str, list[str]]] = []
    if projection.is_enabled(table):
        for name, kind in table.keys:
            values = projection.values(table, name, scan.given, now=now)
            alone = [sql for sql, columns in scan.conditions if columns == {name}]
            narrowed.append((name, _passing(connection, scan, name, kind, values, alone)))
    found = list(partitions_of(catalogue, table, scan.given, narrowed, now=now))
    if not scan.conditions or not found:
        return found
    where = " AND ".join(sql for sql, _ in scan.conditions)
    query = (
        f"SELECT {NUMBER} FROM ({values_sql(table, found)}) AS {scan.alias} "
        f"WHERE {where} ORDER BY {NUMBER}"
    )
    return [found[n] for (n,) in _run(connection, query, table)]


def _passing(
    connection: Any, scan: Scan, name: str, kind: Any, values: Iterable[str], conditions: list[str]
) -> list[str]:
    texts = list(values)
    if not conditions or not texts:
        return texts
    rows = ", ".join(f"({n}, {value_sql(each, kind)})" for n, each in enumerate(texts))
    query = (
        f"SELECT {NUMBER} FROM (VALUES {rows}) AS {scan.alias}({NUMBER}, {quoted(name)}) "
        f"WHERE {' AND '.join(conditions)} ORDER BY {NUMBER}"
    )
    return [texts[n] for (n,) in _run(connection, query, scan.table)]


def _run(connection: Any, query: str, table: Table) -> list[tuple[int]]:
    try:
        found: list[tuple[int]] = connection.execute(query).fetchall()
    except duckdb.ConversionException as error:
        raise QueryFailed(
            f"HIVE_INVALID_PARTITION_VALUE: Invalid partition value of table {table.title}: {error}"
        ) from error
    return found
