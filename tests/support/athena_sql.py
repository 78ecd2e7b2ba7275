"""Athena's SQL in this process: the local Athena's engine, over tables that are given as values."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from airscoop.deltas.sql import literal, quoted
from airscoop.local.athena.engine import Engine

Row = Sequence[str | None]


@dataclass(frozen=True)
class Texts:
    """A table whose columns are all texts."""

    columns: Sequence[str]
    rows: Sequence[Row]

    def query(self) -> str:
        """The table as a SELECT."""
        columns = ", ".join(
            f"CAST({quoted(f'v{n}')} AS varchar) AS {quoted(name)}"
            for n, name in enumerate(self.columns)
        )
        names = ", ".join(quoted(f"v{n}") for n in range(len(self.columns)))
        # A table of values has a row at least.
        rows = [*self.rows, [None] * len(self.columns)]
        values = ", ".join(
            "(" + ", ".join([str(n), *map(_value, row)]) + ")" for n, row in enumerate(rows)
        )
        return (
            f'SELECT {columns} FROM (VALUES {values}) AS t ("number", {names}) '
            f'WHERE "number" < {len(self.rows)}'
        )


def _value(value: str | None) -> str:
    return "NULL" if value is None else literal(value)


def answer(statement: str, tables: Mapping[str, Texts]) -> list[Row]:
    """The rows of a statement that begins WITH; `tables` has what it names, as it is written."""
    given = ",\n".join(f"{name} AS ({table.query()})" for name, table in tables.items())
    found = Engine(s3=None, glue=None).run(
        f"WITH {given},\n{statement.removeprefix('WITH ')}",
        database=None,
        catalog="AwsDataCatalog",
        parameters=[],
        output=None,
        query_id="test",
        cancelled=threading.Event(),
    )
    return list(found.rows)
