"""A table that a query reads: which columns, and which partitions by which conditions."""

from __future__ import annotations

from dataclasses import dataclass, field

from airscoop.local.athena.tables import Table
from airscoop.local.athena.types import Type

PATH = "$path"


@dataclass(eq=False)
class Scan:
    """One mention of a table. alias: in DuckDB's SQL, with the columns under their own names.

    conditions: on partition columns alone, each with the columns it names; a partition that fails
    one is not read. given: the texts that a column must be equal to one of.
    """

    table: Table
    alias: str
    columns: dict[str, Type] = field(default_factory=dict)
    conditions: list[tuple[str, frozenset[str]]] = field(default_factory=list)
    given: dict[str, list[str]] = field(default_factory=dict)

    @property
    def relation(self) -> str:
        """What the loaded rows are called."""
        return f"t_{self.alias}"

    def use(self, column: str, kind: Type) -> None:
        self.columns[column] = kind
