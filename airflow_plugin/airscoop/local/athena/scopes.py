"""Names and what they stand for: the columns that a clause sees."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from airscoop.local.athena.failures import at
from airscoop.local.athena.types import Type

if TYPE_CHECKING:
    from airscoop.local.athena.scans import Scan


@dataclass(frozen=True, eq=False)
class Origin:
    """The column of a table that a value comes from, unchanged."""

    scan: Scan
    column: str


@dataclass(frozen=True, eq=False)
class Typed:
    """An expression in DuckDB's SQL and its type in Athena.

    origins: the tables' columns it is made of; None: of more than those. literal: the text that a
    constant is written as.
    """

    sql: str
    type: Type
    origins: frozenset[Origin] | None = frozenset()
    literal: str | None = None


@dataclass(frozen=True, eq=False)
class Field:
    """One column that can be named. qualifier: the names of its relation, the last one nearest.

    pushable: a condition on it may keep rows of its table from being read.
    """

    name: str | None
    type: Type
    sql: str
    qualifier: tuple[str, ...] = ()
    origin: Origin | None = None
    hidden: bool = False  # not in *
    pushable: bool = True


@dataclass(frozen=True, eq=False)
class Cte:
    """A query of WITH, compiled anew wherever it is named, as Trino does."""

    query: Any
    columns: tuple[str, ...]
    ctes: Mapping[str, Cte]


@dataclass
class Scope:
    """The fields of one query, and of those around it."""

    fields: list[Field] = field(default_factory=list)
    parent: Scope | None = None
    ctes: Mapping[str, Cte] = field(default_factory=dict)
    windows: Mapping[str, Any] = field(default_factory=dict)

    def resolve(self, path: tuple[str, ...], node: Any) -> tuple[Field, tuple[str, ...]]:
        """The field of a dotted name, and what is left of the name: members of a row."""
        scope: Scope | None = self
        while scope is not None:
            found = scope.resolve_own(path, node)
            if found is not None:
                return found
            scope = scope.parent
        raise at(node, "COLUMN_NOT_FOUND", f"Column '{'.'.join(path)}' cannot be resolved")

    def resolve_own(self, path: tuple[str, ...], node: Any) -> tuple[Field, tuple[str, ...]] | None:
        for taken in range(min(len(path) - 1, 3), -1, -1):
            qualifier, name = path[:taken], path[taken]
            found = [
                each
                for each in self.fields
                if each.name == name and (not taken or each.qualifier[-taken:] == qualifier)
            ]
            if len(found) > 1:
                raise at(node, "AMBIGUOUS_NAME", f"Column '{'.'.join(path)}' is ambiguous")
            if found:
                return found[0], path[taken + 1 :]
        return None

    def star(self, qualifier: tuple[str, ...]) -> list[Field]:
        return [
            each
            for each in self.fields
            if not each.hidden and (not qualifier or each.qualifier[-len(qualifier) :] == qualifier)
        ]


def not_pushable(fields: Iterable[Field]) -> list[Field]:
    """The side of an outer join that may be missing."""
    return [replace(each, pushable=False) for each in fields]
