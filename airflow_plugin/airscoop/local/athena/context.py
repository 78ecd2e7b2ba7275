"""What the compilation of one statement knows, and the table of what it can compile."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from airscoop.local.athena.failures import Unknown, at
from airscoop.local.athena.scans import Scan
from airscoop.local.athena.scopes import Cte, Origin, Scope, Typed
from airscoop.local.athena.tables import Catalogue
from airscoop.local.athena.types import BOOLEAN, UNKNOWN, Type, common, duck


@dataclass(frozen=True)
class OutputColumn:
    """name: None where the query gives none."""

    name: str | None
    type: Type
    origin: Origin | None = None


@dataclass(frozen=True)
class Query:
    """sql gives columns c0, c1, …"""

    sql: str
    columns: tuple[OutputColumn, ...]


class CompileQuery(Protocol):
    """`queries.compile_query`, which needs the expressions that need it."""

    def __call__(
        self,
        node: Any,
        outer: Scope | None,
        context: Context,
        *,
        ctes: Mapping[str, Cte] | None = None,
    ) -> Query: ...


@dataclass
class Context:
    """One statement's."""

    compile_query: CompileQuery
    catalogue: Catalogue
    catalog: str
    database: str | None
    now: datetime.datetime = field(default_factory=lambda: datetime.datetime.now(datetime.UTC))
    scans: list[Scan] = field(default_factory=list)
    views: tuple[str, ...] = ()  # within which the compilation is
    _numbers: int = 0

    def alias(self, letter: str = "r") -> str:
        self._numbers += 1
        return f"{letter}{self._numbers}"


Handler = Callable[[Any, Scope, Context], Typed]
EXPRESSIONS: dict[type, Handler] = {}
"""Every kind of expression that is known; any other is refused by name."""


def handles(*kinds: type) -> Callable[[Handler], Handler]:
    def keep(handler: Handler) -> Handler:
        for kind in kinds:
            EXPRESSIONS[kind] = handler
        return handler

    return keep


def compile_expression(node: Any, scope: Scope, context: Context) -> Typed:
    """An expression in DuckDB's SQL, with Athena's type."""
    handler = EXPRESSIONS.get(type(node))
    if handler is None:
        raise Unknown(f"the expression {type(node).__name__.upper()}: {node.sql('trino')}")
    return handler(node, scope, context)


def inspect_expression(node: Any, scope: Scope, context: Context) -> Typed:
    """As compile_expression, of an expression that is compiled elsewhere, too: it reads nothing."""
    known = len(context.scans)
    found = compile_expression(node, scope, context)
    del context.scans[known:]
    return found


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def union_of_origins(*typed: Typed) -> frozenset[Any] | None:
    found: frozenset[Any] = frozenset()
    for each in typed:
        if each.origins is None:
            return None
        found |= each.origins
    return found


def made(sql: str, kind: Type, *of: Typed) -> Typed:
    """An expression made of others."""
    return Typed(sql, kind, union_of_origins(*of))


def null_of(kind: Type) -> str:
    return f"CAST(NULL AS {duck(kind)})"


def coerced(value: Typed, kind: Type) -> Typed:
    """A value as a type that its own can become by itself."""
    if value.type == kind:
        return value
    if value.type == UNKNOWN:
        return Typed(null_of(kind), kind, value.origins)
    if kind.name == "timestamptz" and value.type.name != "timestamptz":
        sql = f"{{'at': CAST({value.sql} AS TIMESTAMP), 'zone': 'UTC'}}"
        return Typed(f"CASE WHEN ({value.sql}) IS NOT NULL THEN {sql} END", kind, value.origins)
    if value.type.is_text and kind.is_text:
        if "char" in (value.type.name, kind.name) and value.type.name != kind.name:
            raise Unknown(f"{value.type} where {kind} stands: write a CAST")
        return Typed(value.sql, kind, value.origins, value.literal)
    if duck(value.type) == duck(kind):
        return Typed(value.sql, kind, value.origins, value.literal)
    return Typed(f"CAST({value.sql} AS {duck(kind)})", kind, value.origins)


def in_common(values: Sequence[Typed], node: Any, words: str) -> tuple[list[Typed], Type]:
    """Values as one type; `words` of the error where there is none."""
    kind = UNKNOWN
    for value in values:
        wider = common(kind, value.type)
        if wider is None:
            raise at(node, "TYPE_MISMATCH", words.format(kind))
        kind = wider
    return [coerced(value, kind) for value in values], kind


def as_boolean(value: Typed, node: Any, words: str) -> Typed:
    if value.type not in (BOOLEAN, UNKNOWN):
        raise at(node, "TYPE_MISMATCH", words.format(value.type))
    return coerced(value, BOOLEAN)


def compile_subquery(node: Any, scope: Scope, context: Context) -> tuple[str, Type]:
    """A query of one column, within an expression."""
    query = context.compile_query(node, scope, context)
    if len(query.columns) != 1:
        words = (
            "Multiple columns returned by subquery are not yet supported. Found "
            f"{len(query.columns)}"
        )
        raise at(node, "NOT_SUPPORTED", words)
    return query.sql, query.columns[0].type
