"""Queries: SELECT and its clauses, set operations, VALUES, WITH."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from airscoop.local.athena.context import (
    Context,
    OutputColumn,
    Query,
    as_boolean,
    compile_expression,
    in_common,
)
from airscoop.local.athena.failures import Unknown, at
from airscoop.local.athena.grouping import check_grouped, has_aggregate
from airscoop.local.athena.ordering import order_sql
from airscoop.local.athena.pruning import push
from airscoop.local.athena.relations import compile_from
from airscoop.local.athena.scopes import Cte, Field, Origin, Scope, Typed
from airscoop.local.athena.types import common, duck

_SELECT_PARTS = {
    "expressions", "from_", "joins", "where", "group", "having", "windows", "distinct", "order",
    "limit", "offset", "with_", "kind", "hint",
}  # fmt: skip


def compile_query(
    node: Any, outer: Scope | None, context: Context, *, ctes: Mapping[str, Cte] | None = None
) -> Query:
    """A query in DuckDB's SQL. outer: the query around it, whose columns it may name."""
    known = dict(ctes if ctes is not None else outer.ctes if outer else {})
    if (with_ := node.args.get("with_")) is not None:
        if with_.args.get("recursive"):
            raise Unknown("WITH RECURSIVE")
        for each in with_.expressions:
            columns = tuple(c.name.lower() for c in each.args["alias"].columns)
            known[each.alias.lower()] = Cte(each.this, columns, dict(known))
    match node:
        case exp.Subquery():
            query = compile_query(node.this, outer, context, ctes=known)
            return _ordered(query, node, outer, context)
        case exp.Select():
            return _select(node, outer, known, context)
        case exp.SetOperation():
            return _set_operation(node, outer, known, context)
        case exp.Values():
            return _ordered(_values(node, outer, known, context), node, outer, context)
    raise Unknown(f"the statement {node.sql('trino')[:80]}")


# --- select --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Item:
    name: str | None
    value: Typed
    node: Any


def _select(
    node: exp.Select, outer: Scope | None, ctes: Mapping[str, Cte], context: Context
) -> Query:
    _refuse_unknown_parts(node)
    scope = Scope([], outer, ctes)
    source, scope.fields = compile_from(node, scope, context)
    scope = _with_windows(node, scope)
    where = _where(node, scope, context)
    items = _items(node, scope, context)
    groups = _groups(node, items, scope, context)
    having = node.args.get("having")
    if groups or having is not None or any(has_aggregate(item.node) for item in items):
        nodes = [item.node for item in items if item.node is not None]
        check_grouped(nodes, groups, scope, context)
    parts = [", ".join(f"{item.value.sql} AS c{n}" for n, item in enumerate(items))]
    parts += [f"FROM {source}"] if source else []
    parts += [where] if where else []
    parts += [f"GROUP BY {', '.join(groups)}"] if groups else []
    if having is not None:
        words = "HAVING clause must evaluate to a boolean: actual type {}"
        value = as_boolean(compile_expression(having.this, scope, context), having.this, words)
        parts.append(f"HAVING {value.sql}")
    distinct = _distinct(node)
    parts += _order_and_limit(node, items, scope, context, distinct=bool(distinct))
    columns = tuple(
        OutputColumn(item.name, item.value.type, origin)
        for item, origin in zip(items, _origins(node, items, groups), strict=True)
    )
    return Query(f"SELECT {distinct}{' '.join(parts)}", columns)


def _refuse_unknown_parts(node: exp.Select) -> None:
    for name, value in node.args.items():
        if value and name not in _SELECT_PARTS:
            title = {"sample": "TABLESAMPLE"}.get(name, name.upper().strip("_"))
            raise Unknown(f"the clause {title}")


def _with_windows(node: exp.Select, scope: Scope) -> Scope:
    scope.windows = {each.name.lower(): each for each in node.args.get("windows") or []}
    return scope


def _distinct(node: exp.Select) -> str:
    distinct = node.args.get("distinct")
    if distinct is None:
        return ""
    if distinct.args.get("on"):
        raise at(node, "SYNTAX_ERROR", "mismatched input 'ON'")
    return "DISTINCT "


def _where(node: exp.Select, scope: Scope, context: Context) -> str:
    where = node.args.get("where")
    if where is None:
        return ""
    words = "WHERE clause must evaluate to a boolean: actual type {}"
    value = as_boolean(compile_expression(where.this, scope, context), where.this, words)
    push(where.this, scope, scope, context)
    return f"WHERE {value.sql}"


def _items(node: exp.Select, scope: Scope, context: Context) -> list[_Item]:
    items: list[_Item] = []
    for each in node.expressions:
        value = each.this if isinstance(each, exp.Alias) else each
        if isinstance(value, exp.Star) or (
            isinstance(value, exp.Column) and isinstance(value.this, exp.Star)
        ):
            items += _star(value, scope)
            continue
        name = each.alias.lower() if isinstance(each, exp.Alias) else _implied_name(value)
        items.append(_Item(name, compile_expression(value, scope, context), value))
    return items


def _implied_name(node: Any) -> str | None:
    if isinstance(node, exp.Column):
        return node.name.lower()
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier):
        return node.expression.name.lower()
    return None


def _star(node: Any, scope: Scope) -> list[_Item]:
    qualifier = (
        tuple(part.name.lower() for part in node.parts[:-1]) if isinstance(node, exp.Column) else ()
    )
    fields = scope.star(qualifier)
    if not fields:
        if qualifier:
            words = f"Unable to resolve reference {'.'.join(qualifier)}"
            raise at(node, "INVALID_COLUMN_REFERENCE", words)
        raise at(node, "COLUMN_NOT_FOUND", "SELECT * not allowed from relation that has no columns")
    items = []
    for field in fields:
        if field.origin is not None:
            field.origin.scan.use(field.origin.column, field.type)
        origins = frozenset({field.origin}) if field.origin and field.pushable else None
        items.append(_Item(field.name, Typed(field.sql, field.type, origins), None))
    return items


def _origins(node: exp.Select, items: list[_Item], groups: list[str]) -> list[Origin | None]:
    """The columns through which a condition from without reaches the tables within."""
    opaque = (
        node.args.get("limit") or node.args.get("offset") or node.find(exp.Window) is not None
        or (node.args.get("having") is not None and not groups)
    )  # fmt: skip
    keys = None
    if groups:
        keys = set(groups)
    elif not opaque and any(map(has_aggregate, node.expressions)):
        opaque = True
    found: list[Origin | None] = []
    for item in items:
        origins = item.value.origins
        plain = (
            origins is not None
            and len(origins) == 1
            and isinstance(item.node, exp.Column | None.__class__)
        )
        reachable = plain and not opaque and (keys is None or item.value.sql in keys)
        found.append(next(iter(origins)) if reachable and origins else None)
    return found


# --- grouping ------------------------------------------------------------------------------------


def _groups(node: exp.Select, items: list[_Item], scope: Scope, context: Context) -> list[str]:
    group = node.args.get("group")
    if group is None:
        return []
    if group.args.get("all") or group.args.get("totals"):
        raise Unknown("GROUP BY ALL")
    return [_group(each, items, scope, context) for each in group.expressions]


def _group(node: Any, items: list[_Item], scope: Scope, context: Context) -> str:
    match node:
        case exp.GroupingSets() | exp.Rollup() | exp.Cube():
            inside = ", ".join(_group(e, items, scope, context) for e in node.expressions)
            title = {"GroupingSets": "GROUPING SETS"}.get(type(node).__name__, type(node).__name__)
            return f"{title.upper()} ({inside})"
        case exp.Paren():
            return f"({_group(node.this, items, scope, context)})"
        case exp.Tuple():
            return f"({', '.join(_group(e, items, scope, context) for e in node.expressions)})"
        case exp.Literal() if not node.is_string:
            return _at_place(node, items, "GROUP BY").value.sql
    return compile_expression(node, scope, context).sql


def _at_place(node: exp.Literal, items: list[_Item], clause: str) -> _Item:
    if not node.name.isdigit() or not 1 <= int(node.name) <= len(items):
        words = f"{clause} position {node.name} is not in select list"
        raise at(node, "INVALID_COLUMN_REFERENCE", words)
    return items[int(node.name) - 1]


# --- order and limit -----------------------------------------------------------------------------


def _order_and_limit(
    node: Any, items: list[_Item], scope: Scope, context: Context, *, distinct: bool = False
) -> list[str]:
    parts = []
    if (order := node.args.get("order")) is not None:
        terms = [
            _order_item(each, items, scope, context, distinct=distinct)
            for each in order.expressions
        ]
        parts.append(f"ORDER BY {', '.join(terms)}")
    if (limit := node.args.get("limit")) is not None:
        parts += _limit(limit)
    if (offset := node.args.get("offset")) is not None:
        parts.append(f"OFFSET {_count(offset.expression, 'OFFSET')}")
    return parts


def _order_item(
    node: exp.Ordered, items: list[_Item], scope: Scope, context: Context, *, distinct: bool
) -> str:
    if isinstance(node.this, exp.Literal) and not node.this.is_string:
        value = _at_place(node.this, items, "ORDER BY").value
    else:
        names = [
            Field(item.name, item.value.type, f"({item.value.sql})")
            for item in items
            if item.name is not None
        ]
        seen = {each.name for each in names}
        ambiguous = len(seen) < len(names)
        sources = {
            item.value.sql for item in items if item.name == getattr(node.this, "name", "").lower()
        }
        if ambiguous and isinstance(node.this, exp.Column) and len(sources) == 1:
            value = compile_expression(node.this, scope, context)
        else:
            ordering = Scope(names, scope, scope.ctes)
            value = compile_expression(node.this, ordering, context)
    bare = value.sql.removeprefix("(").removesuffix(")")
    for number, item in enumerate(items):
        if item.value.sql in (value.sql, bare) and value.type.name != "timestamptz":
            return order_sql(Typed(str(number + 1), value.type), node)
    if distinct:
        words = "For SELECT DISTINCT, ORDER BY expressions must appear in select list"
        raise at(node, "EXPRESSION_NOT_IN_DISTINCT", words)
    return order_sql(value, node)


def _limit(node: Any) -> list[str]:
    if isinstance(node, exp.Fetch):
        options = node.args.get("limit_options")
        if options is not None and (options.args.get("with_ties") or options.args.get("percent")):
            raise Unknown("FETCH FIRST … WITH TIES")
        return [f"LIMIT {_count(node.args.get('count') or exp.Literal.number(1), 'FETCH')}"]
    value = node.expression
    if isinstance(value, exp.Var) and value.name.upper() == "ALL":
        return []
    return [f"LIMIT {_count(value, 'LIMIT')}"]


def _count(node: Any, clause: str) -> int:
    if not isinstance(node, exp.Literal) or node.is_string or not node.name.isdigit():
        raise at(node, "SYNTAX_ERROR", f"mismatched input in {clause}: {node.sql('trino')}")
    return int(node.name)


def _ordered(query: Query, node: Any, outer: Scope | None, context: Context) -> Query:
    """ORDER BY, OFFSET and LIMIT around a query that has its columns already."""
    alias = context.alias()
    names = ", ".join(f"c{number}" for number in range(len(query.columns)))
    items = [
        _Item(column.name, Typed(f"{alias}.c{number}", column.type), None)
        for number, column in enumerate(query.columns)
    ]
    parts = _order_and_limit(node, items, Scope([], outer), context)
    if not parts:
        return query
    columns = tuple(OutputColumn(each.name, each.type) for each in query.columns)
    return Query(f"SELECT * FROM ({query.sql}) AS {alias}({names}) {' '.join(parts)}", columns)


# --- set operations and values -------------------------------------------------------------------


def _set_operation(
    node: exp.SetOperation, outer: Scope | None, ctes: Mapping[str, Cte], context: Context
) -> Query:
    title = type(node).__name__.upper()
    if node.args.get("by_name"):
        raise at(node, "SYNTAX_ERROR", "mismatched input 'BY'")
    left = compile_query(node.this, outer, context, ctes=ctes)
    right = compile_query(node.expression, outer, context, ctes=ctes)
    if len(left.columns) != len(right.columns):
        counts = f"{len(left.columns)}, {len(right.columns)}"
        words = f"{title} query has different number of fields: {counts}"
        raise at(node, "TYPE_MISMATCH", words)
    columns = []
    for number, (a, b) in enumerate(zip(left.columns, right.columns, strict=True), 1):
        kind = common(a.type, b.type)
        if kind is None:
            words = f"column {number} in {title} query has incompatible types: {a.type}, {b.type}"
            raise at(node, "TYPE_MISMATCH", words)
        columns.append(OutputColumn(a.name, kind))
    how = "" if node.args.get("distinct") else " ALL"
    sql = f"{_as(left, columns, context)} {title}{how} {_as(right, columns, context)}"
    return _ordered(Query(sql, tuple(columns)), node, outer, context)


def _as(query: Query, columns: list[OutputColumn], context: Context) -> str:
    """A query with its columns as given types."""
    alias = context.alias()
    names = ", ".join(f"c{number}" for number in range(len(columns)))
    values = ", ".join(
        f"CAST(c{number} AS {duck(column.type)}) AS c{number}"
        for number, column in enumerate(columns)
    )
    return f"(SELECT {values} FROM ({query.sql}) AS {alias}({names}))"


def _values(
    node: exp.Values, outer: Scope | None, ctes: Mapping[str, Cte], context: Context
) -> Query:
    scope = Scope([], outer, ctes)
    rows = [
        [
            compile_expression(value, scope, context)
            for value in (each.expressions if isinstance(each, exp.Tuple) else [each])
        ]
        for each in node.expressions
    ]
    if len({len(each) for each in rows}) != 1:
        raise at(node, "TYPE_MISMATCH", "Values rows have mismatched sizes")
    words = "Values rows have mismatched types: {}"
    columns = [in_common(each, node, words) for each in zip(*rows, strict=True)]
    lines = zip(*(values for values, _ in columns), strict=True)
    body = ", ".join("(" + ", ".join(each.sql for each in line) + ")" for line in lines)
    names = ", ".join(f"c{number}" for number in range(len(columns)))
    sql = f"SELECT * FROM (VALUES {body}) AS {context.alias()}({names})"
    return Query(sql, tuple(OutputColumn(None, kind) for _, kind in columns))
