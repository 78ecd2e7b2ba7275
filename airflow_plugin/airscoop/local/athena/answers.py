"""What a statement gives."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """As ColumnInfo of GetQueryResults has it."""

    name: str
    type: str
    precision: int
    scale: int


@dataclass(frozen=True)
class Answer:
    """What a statement gives.

    statement_type: DML, DDL or UTILITY; substatement_type: SELECT, CREATE_TABLE, …
    rows: as Athena's texts, None for NULL. They come while the statement runs: reading them may
    raise QueryFailed, and ends what the statement holds; read them to their end or close them.
    scanned_bytes: of the objects read, of Parquet objects of the columns read, roughly.
    written: the objects that CREATE TABLE AS, INSERT or UNLOAD wrote; update_count: their rows.
    """

    statement_type: str
    substatement_type: str
    columns: tuple[Column, ...] = ()
    rows: Iterable[tuple[str | None, ...]] = ()
    scanned_bytes: int = 0
    written: tuple[str, ...] | None = None
    update_count: int | None = None
