"""What stands in FROM: tables, views, joins, subqueries, VALUES and UNNEST."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlglot import exp

from airscoop.local.athena.context import (
    Context,
    as_boolean,
    compile_expression,
    in_common,
    quoted,
)
from airscoop.local.athena.failures import Unknown, at
from airscoop.local.athena.parsing import parse
from airscoop.local.athena.partitions import partitions_of, values_sql
from airscoop.local.athena.pruning import push
from airscoop.local.athena.scans import PATH, Scan
from airscoop.local.athena.scopes import Field, Origin, Scope, Typed, not_pushable
from airscoop.local.athena.tables import Table, View
from airscoop.local.athena.types import BIGINT, VARCHAR, Type

Relation = tuple[str, list[Field]]
CATALOG = "awsdatacatalog"


def compile_from(node: exp.Select, scope: Scope, context: Context) -> Relation:
    """FROM and its joins: DuckDB's SQL, and the fields that can be named."""
    first = node.args.get("from_")
    if first is None:
        return "", []
    return _joined(first.this, node.args.get("joins") or [], scope, context)


def _joined(first: Any, joins: list[Any], scope: Scope, context: Context) -> Relation:
    sql, fields = _relation(first, scope, context)
    for join in joins:
        sql, fields = _join(sql, fields, join, scope, context)
    return sql, fields


def _relation(node: Any, scope: Scope, context: Context) -> Relation:
    if node.args.get("sample") is not None or isinstance(node, exp.TableSample):
        raise Unknown("TABLESAMPLE")
    if node.args.get("pivots"):
        raise Unknown("PIVOT")
    inner = node.args.get("joins") or []
    if inner and not isinstance(node, exp.Subquery):
        bare = node.copy()
        bare.set("joins", None)
        sql, fields = _joined(bare, inner, scope, context)
        return f"({sql})", fields
    match node:
        case exp.Table():
            return _table(node, scope, context)
        case exp.Subquery() if isinstance(node.this, exp.Table | exp.Subquery) and not node.alias:
            sql, fields = _joined(node.this, inner, scope, context)
            return (f"({sql})" if inner else sql), fields
        case exp.Subquery() | exp.Values():
            return _subquery(node, scope, context)
        case exp.Unnest():
            return _unnest(node, scope, context)
        case exp.Lateral() if isinstance(node.this, exp.Subquery):
            inside = node.this.copy()
            inside.set("alias", node.args.get("alias"))
            sql, fields = _subquery(inside, scope, context)
            return f"LATERAL {sql}", fields
    raise Unknown(f"{type(node).__name__.upper()} in FROM")


# --- named tables --------------------------------------------------------------------------------


def path_of(node: exp.Table, context: Context) -> tuple[str, str]:
    """A table's database and name, in lower case."""
    catalog, database = node.catalog.lower(), node.db.lower()
    if catalog and catalog not in (CATALOG, context.catalog.lower()):
        raise at(node, "CATALOG_NOT_FOUND", f"Catalog '{catalog}' does not exist")
    if not database:
        if context.database is None:
            words = "Schema must be specified when session schema is not set"
            raise at(node, "MISSING_SCHEMA_NAME", words)
        database = context.database.lower()
    return database, node.name.lower()


def _table(node: exp.Table, scope: Scope, context: Context) -> Relation:
    if node.args.get("version") is not None or node.args.get("when") is not None:
        raise Unknown("FOR VERSION AS OF and FOR TIMESTAMP AS OF")
    if not isinstance(node.this, exp.Identifier):
        raise Unknown(f"the table function {node.this.sql('trino')}")
    if not node.db and (cte := scope.ctes.get(node.name.lower())) is not None:
        return _cte(node, cte, context)
    database, name = path_of(node, context)
    if name.endswith("$partitions"):
        return _partitions(node, database, name.removesuffix("$partitions"), context)
    if database == "information_schema":
        raise Unknown("information_schema: use SHOW or the Glue API")
    found = context.catalogue.get(database, name)
    if found is None:
        raise _no_table(node, database, name, context)
    if isinstance(found, View):
        return _view(node, found, context)
    return _scan(node, found, context)


def _no_table(node: Any, database: str, name: str, context: Context) -> Exception:
    if not context.catalogue.has_database(database):
        return at(node, "SCHEMA_NOT_FOUND", f"Schema '{database}' does not exist")
    words = f"Table '{CATALOG}.{database}.{name}' does not exist"
    return at(node, "TABLE_NOT_FOUND", words)


def _scan(node: exp.Table, table: Table, context: Context) -> Relation:
    scan = Scan(table, context.alias("s"))
    context.scans.append(scan)
    found = [*table.columns, *table.keys, (PATH, VARCHAR)]
    fields = [
        Field(
            name=name,
            type=kind,
            sql=f"{scan.alias}.{quoted(name)}",
            qualifier=(CATALOG, table.database, table.name),
            origin=Origin(scan, name),
            hidden=name == PATH,
        )
        for name, kind in found
    ]
    return f"{scan.relation} AS {scan.alias}", _aliased(node, fields)


def _aliased(node: Any, fields: list[Field]) -> list[Field]:
    """`AS t`, `AS t(a, b)`."""
    alias = node.args.get("alias")
    if alias is None:
        return fields
    title = alias.name.lower()
    names = [each.name.lower() for each in alias.columns]
    shown = [each for each in fields if not each.hidden]
    if names and len(names) != len(shown):
        words = (
            f"Column alias list has {len(names)} entries but '{title}' has {len(shown)} columns "
            "available"
        )
        raise at(node, "MISMATCHED_COLUMN_ALIASES", words)
    found = [replace(each, qualifier=(title,) if title else ()) for each in fields]
    if not names:
        return found
    return [
        replace(each, name=name)
        for each, name in zip((f for f in found if not f.hidden), names, strict=True)
    ]


def _of_query(query: Any, qualifier: tuple[str, ...], context: Context) -> Relation:
    """A compiled query as a relation."""
    alias = context.alias()
    names = ", ".join(f"c{number}" for number in range(len(query.columns)))
    fields = [
        Field(column.name, column.type, f"{alias}.c{number}", qualifier, column.origin)
        for number, column in enumerate(query.columns)
    ]
    return f"({query.sql}) AS {alias}({names})", fields


def _cte(node: exp.Table, cte: Any, context: Context) -> Relation:
    query = context.compile_query(cte.query, None, context, ctes=cte.ctes)
    sql, fields = _of_query(query, (node.name.lower(),), context)
    if cte.columns:
        if len(cte.columns) != len(fields):
            words = (
                f"Column alias list has {len(cte.columns)} entries but '{node.name}' has "
                f"{len(fields)} columns available"
            )
            raise at(node, "MISMATCHED_COLUMN_ALIASES", words)
        fields = [replace(f, name=name) for f, name in zip(fields, cte.columns, strict=True)]
    return sql, _aliased(node, fields)


def _view(node: exp.Table, view: View, context: Context) -> Relation:
    title = f"{CATALOG}.{view.database}.{view.name}"
    if title in context.views:
        raise at(node, "VIEW_IS_RECURSIVE", f"View is recursive: '{title}'")
    outer = context.database, context.views
    context.database, context.views = view.schema or view.database, (*context.views, title)
    try:
        query = context.compile_query(parse(view.sql), None, context)
    finally:
        context.database, context.views = outer
    if len(query.columns) != len(view.columns):
        words = f"View '{title}' is stale or in invalid state: column count mismatch"
        raise at(node, "VIEW_IS_STALE", words)
    sql, fields = _of_query(query, (CATALOG, view.database, view.name), context)
    named = [
        replace(each, name=name.lower())
        for each, (name, _) in zip(fields, view.columns, strict=True)
    ]
    return sql, _aliased(node, named)


def _partitions(node: exp.Table, database: str, name: str, context: Context) -> Relation:
    """`"table$partitions"`: one row a partition."""
    table = context.catalogue.get(database, name)
    if not isinstance(table, Table) or not table.keys:
        raise _no_table(node, database, f"{name}$partitions", context)
    alias = context.alias()
    rows = values_sql(table, list(partitions_of(context.catalogue, table, {}, [])))
    fields = [
        Field(key, kind, f"{alias}.{quoted(key)}", (CATALOG, database, f"{name}$partitions"))
        for key, kind in table.keys
    ]
    return f"({rows}) AS {alias}", _aliased(node, fields)


def _subquery(node: Any, scope: Scope, context: Context) -> Relation:
    query = context.compile_query(node, scope, context)
    sql, fields = _of_query(query, (), context)
    return sql, _aliased(node, fields)


# --- unnest --------------------------------------------------------------------------------------


def _unnest(node: exp.Unnest, scope: Scope, context: Context) -> Relation:
    """Rows side by side, the short ones filled with NULL; an array of rows gives its members."""
    alias = context.alias()
    inner: list[str] = []
    outer: list[tuple[str | None, Type, str]] = []
    lengths: list[str] = []
    for each in node.expressions:
        value = compile_expression(each, scope, context)
        place = f"u{len(inner)}"
        if value.type.name == "map":
            for part, kind in zip(("map_keys", "map_values"), value.type.items, strict=True):
                outer.append((None, kind, f"u{len(inner)}"))
                inner.append(f"unnest({part}({value.sql})) AS u{len(inner)}")
            lengths.append(f"coalesce(cardinality({value.sql}), 0)")
        elif value.type.name == "array":
            inner.append(f"unnest({value.sql}) AS {place}")
            lengths.append(f"coalesce(len({value.sql}), 0)")
            outer += _members(value.type.item, place)
        else:
            words = f"Cannot unnest type: {value.type}"
            raise at(node, "INVALID_FUNCTION_ARGUMENT", words)
    offset = node.args.get("offset")
    if offset:
        number = f"u{len(inner)}"
        inner.append(f"unnest(range(1, 1 + greatest({', '.join(lengths)}))) AS {number}")
        outer.append((None, BIGINT, number))
    columns = ", ".join(f"{sql} AS c{number}" for number, (_, _, sql) in enumerate(outer))
    sql = f"LATERAL (SELECT {columns} FROM (SELECT {', '.join(inner)})) AS {alias}"
    fields = [
        Field(name, kind, f"{alias}.c{number}") for number, (name, kind, _) in enumerate(outer)
    ]
    return sql, _aliased(_with_ordinality_name(node), fields)


def _members(item: Type, place: str) -> list[tuple[str | None, Type, str]]:
    if item.name != "row":
        return [(None, item, place)]
    members = enumerate(zip(item.fields, item.items, strict=True))
    return [(name, kind, f"struct_extract({place}, 'f{n}')") for n, (name, kind) in members]


def _with_ordinality_name(node: exp.Unnest) -> exp.Unnest:
    """sqlglot takes the last name of `AS t(a, n)` for itself."""
    offset, alias = node.args.get("offset"), node.args.get("alias")
    if not isinstance(offset, exp.Identifier) or alias is None or not alias.columns:
        return node
    whole = node.copy()
    whole.args["alias"].append("columns", offset.copy())
    return whole


# --- joins ---------------------------------------------------------------------------------------


def _join(sql: str, left: list[Field], join: exp.Join, scope: Scope, context: Context) -> Relation:
    kind, side = join.kind.upper(), join.side.upper()
    if join.method:
        raise Unknown(f"{join.method.upper()} JOIN")
    if kind not in ("", "INNER", "CROSS", "OUTER"):
        raise Unknown(f"{kind} JOIN")
    seen = Scope(left, scope, scope.ctes)
    is_lateral = isinstance(join.this, exp.Unnest | exp.Lateral)
    other, right = _relation(join.this, seen if is_lateral else scope, context)
    if join.args.get("using"):
        return _using(sql, left, other, right, join, side, context)
    on = join.args.get("on")
    if on is None:
        if side or kind == "INNER":
            raise at(join, "SYNTAX_ERROR", "mismatched input '<EOF>'. Expecting: 'ON', 'USING'")
        return f"{sql} CROSS JOIN {other}", [*left, *right]
    if is_lateral and on != exp.true():
        raise at(
            join,
            "NOT_SUPPORTED",
            "LEFT JOIN involving UNNEST is only supported with condition ON TRUE",
        )
    both = Scope([*left, *right], scope, scope.ctes)
    words = "JOIN ON clause must evaluate to a boolean: actual type {}"
    condition = as_boolean(compile_expression(on, both, context), on, words)
    if side in ("", "LEFT"):
        push(on, both if not side else Scope(right, scope, scope.ctes), both, context)
    return f"{sql} {side} JOIN {other} ON {condition.sql}", _after(side, left, right)


def _after(side: str, left: list[Field], right: list[Field]) -> list[Field]:
    """The fields of a join; no condition on a side that may be missing holds back partitions."""
    if side in ("RIGHT", "FULL"):
        left = not_pushable(left)
    if side in ("LEFT", "FULL"):
        right = not_pushable(right)
    return [*left, *right]


def _using(
    sql: str, left: list[Field], other: str, right: list[Field], join: exp.Join, side: str,
    context: Context,
) -> Relation:  # fmt: skip
    conditions, merged = [], []
    taken: set[int] = set()
    for each in join.args["using"]:
        name = each.name.lower()
        a, b = (
            _one(name, fields, join, where) for fields, where in ((left, "left"), (right, "right"))
        )
        words = f"Column '{name}' has types that cannot be compared: {{}}"
        (x, y), kind = in_common([_as_typed(a), _as_typed(b)], join, words)
        conditions.append(f"{x.sql} = {y.sql}")
        value = {"LEFT": x.sql, "RIGHT": y.sql, "": x.sql}.get(side, f"coalesce({x.sql}, {y.sql})")
        origin = a.origin if side in ("", "LEFT") else b.origin if side == "RIGHT" else None
        merged.append(Field(name, kind, value, (), origin))
        taken |= {id(a), id(b)}
    rest = _after(
        side, [f for f in left if id(f) not in taken], [f for f in right if id(f) not in taken]
    )
    return f"{sql} {side} JOIN {other} ON {' AND '.join(conditions)}", [*merged, *rest]


def _one(name: str, fields: list[Field], node: Any, where: str) -> Field:
    found = [each for each in fields if each.name == name]
    if len(found) != 1:
        words = f"Column '{name}' is missing from {where} side of join"
        raise at(node, "COLUMN_NOT_FOUND", words)
    return found[0]


def _as_typed(field: Field) -> Typed:
    if field.origin is not None:
        field.origin.scan.use(field.origin.column, field.type)
    return Typed(field.sql, field.type)
