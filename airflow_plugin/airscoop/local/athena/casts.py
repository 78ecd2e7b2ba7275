"""CAST and TRY_CAST, as Trino casts: strict texts, half up, varchar(n) cut."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from airscoop.local.athena import json_casts
from airscoop.local.athena.context import Context, coerced, compile_expression, handles, made
from airscoop.local.athena.failures import Unknown, at
from airscoop.local.athena.scopes import Scope, Typed
from airscoop.local.athena.types import (
    BOUNDS,
    JSON,
    UNKNOWN,
    VARBINARY,
    VARCHAR,
    Type,
    array,
    decimal,
    duck,
    map_of,
    varchar,
)

_SIMPLE = {
    "BOOLEAN": "boolean", "TINYINT": "tinyint", "SMALLINT": "smallint", "INT": "integer",
    "BIGINT": "bigint", "DOUBLE": "double", "FLOAT": "real", "DATE": "date",
    "VARBINARY": "varbinary", "JSON": "json",
}  # fmt: skip
_TITLES = {"tinyint": "TINYINT", "smallint": "SMALLINT", "integer": "INT", "bigint": "BIGINT"}


def type_of(node: exp.DataType) -> Type:
    """A type as the statement writes it."""
    name = node.this.name if hasattr(node.this, "name") else str(node.this)
    numbers = [int(each.name) for each in node.expressions if isinstance(each, exp.DataTypeParam)]
    if name in _SIMPLE and not node.expressions:
        return Type(_SIMPLE[name])
    match name:
        case "VARCHAR":
            return varchar(numbers[0]) if numbers else VARCHAR
        case "CHAR":
            return Type("char", (numbers[0] if numbers else 1,))
        case "DECIMAL":
            precision, scale = (*numbers, *(38, 0)[len(numbers) :])
            return decimal(precision, scale)
        case "TIMESTAMP" | "TIMESTAMPTZ" if not numbers or numbers[0] <= 6:
            return Type(
                "timestamptz" if name.endswith("TZ") else "timestamp",
                (numbers[0] if numbers else 3,),
            )
        case "ARRAY":
            return array(type_of(node.expressions[0]))
        case "MAP":
            return map_of(*(type_of(each) for each in node.expressions))
        case "STRUCT":
            return _row_type(node)
    raise Unknown(f"the type {node.sql('trino')}")


def _row_type(node: exp.DataType) -> Type:
    names: list[str | None] = []
    items: list[Type] = []
    for each in node.expressions:
        if isinstance(each, exp.ColumnDef):
            names.append(each.name.lower())
            items.append(type_of(each.args["kind"]))
        else:
            names.append(None)
            items.append(type_of(each))
    return Type("row", items=tuple(items), fields=tuple(names))


@handles(exp.Cast)
def _cast(node: exp.Cast, scope: Scope, context: Context) -> Typed:
    if (
        isinstance(node.this, exp.Literal)
        and node.this.is_string
        and "DataTypeParam" in repr(node.to)
    ):
        literal_time = _literal_time(node)
        if literal_time is not None:
            return literal_time
    value = compile_expression(node.this, scope, context)
    if (
        isinstance(node.this, exp.Literal)
        and node.to.this.name == "DECIMAL"
        and not node.to.expressions
    ):
        return compile_expression(exp.Literal.number(node.this.name), scope, context)
    return cast(value, type_of(node.to), node)


def _literal_time(node: exp.Cast) -> Typed | None:
    """TIMESTAMP '…': its digits are the precision."""
    if node.to.this.name not in ("TIMESTAMP", "TIMESTAMPTZ"):
        return None
    text = node.this.name
    fraction = text.partition(".")[2]
    digits = len(fraction) - len(fraction.lstrip("0123456789"))
    if node.to.this.name == "TIMESTAMPTZ":
        return made(f"a_zoned('{text}')", Type("timestamptz", (max(3, digits),)))
    if digits > 6:
        raise Unknown(f"a timestamp of {digits} digits")
    sql = f"a_timestamp('{text}', {digits})"
    return Typed(sql, Type("timestamp", (digits,)), literal=text)


@handles(exp.TryCast)
def _try_cast(node: exp.TryCast, scope: Scope, context: Context) -> Typed:
    value = cast(compile_expression(node.this, scope, context), type_of(node.to), node)
    return made(f"TRY({value.sql})", value.type, value)


def cast(value: Typed, kind: Type, node: Any) -> Typed:
    """An explicit cast."""
    found = _cast_sql(value, kind)
    if found is None:
        raise at(node, "TYPE_MISMATCH", f"Cannot cast {value.type} to {kind}")
    return Typed(found, kind, value.origins)


def _cast_sql(value: Typed, kind: Type) -> str | None:
    sql, source = value.sql, value.type
    if source in (kind, UNKNOWN):
        return coerced(value, kind).sql
    if kind == JSON or source == JSON:
        return (
            json_casts.to_json(value, cast)
            if kind == JSON
            else json_casts.from_json(value, kind, cast)
        )
    if source.items or kind.items:
        return _nested(value, kind)
    casts = {
        "boolean": _to_boolean, "decimal": _to_decimal, "varchar": _to_text, "char": _to_text,
        "date": _to_time, "timestamp": _to_time, "timestamptz": _to_time,
        "double": _to_double, "real": _to_double,
    }  # fmt: skip
    if kind.is_integer:
        return _to_integer(sql, source, kind)
    if kind == VARBINARY:
        return f"encode({sql})" if source.name == "varchar" else None
    return casts[kind.name](sql, source, kind) if kind.name in casts else None


def _to_integer(sql: str, source: Type, kind: Type) -> str | None:
    low, high = BOUNDS[kind.name]
    if source.is_text:
        whole = f"a_integer({sql}, '{_TITLES[kind.name]}', {low}, {high})"
    elif source.name in ("double", "real"):
        whole = f"a_integer_of_double({sql}, '{kind.name}', {low}, {high})"
    elif source.is_exact or source.name == "boolean":
        whole = sql
    else:
        return None
    return f"CAST({whole} AS {duck(kind)})"


def _to_double(sql: str, source: Type, kind: Type) -> str | None:
    if source.is_text:
        return f"CAST(a_number({sql}, '{kind.name.upper()}') AS {duck(kind)})"
    if source.is_number or source.name == "boolean":
        return f"CAST({sql} AS {duck(kind)})"
    return None


def _to_boolean(sql: str, source: Type, kind: Type) -> str | None:
    if source.is_text:
        return f"a_boolean({sql})"
    return f"({sql} <> 0)" if source.is_number else None


def _to_decimal(sql: str, source: Type, kind: Type) -> str | None:
    precision, scale = kind.numbers
    if source.is_text:
        text = f"a_decimal_of_text({sql}, {precision}, {scale})"
    elif source.name in ("double", "real"):
        text = f"a_decimal_of_double({sql}, {precision}, {scale})"
    elif source.is_exact:
        title = source.name.upper() if source.is_integer else "DECIMAL"
        text = f"a_decimal_fitted(CAST({sql} AS VARCHAR), {precision}, {scale}, '{title}')"
    elif source.name == "boolean":
        text = f"CAST({sql} AS INTEGER)"
    else:
        return None
    return f"CAST({text} AS {duck(kind)})"


def _to_text(sql: str, source: Type, kind: Type) -> str | None:
    if kind.name == "char":
        if not source.is_text:
            return None
        return f"rtrim(left({sql}, {kind.numbers[0]}), ' ')"
    if source.name == "varchar":
        shorter = kind.numbers and (not source.numbers or kind.numbers[0] < source.numbers[0])
        return f"left({sql}, {kind.numbers[0]})" if shorter else sql
    if source.name == "char":
        text = f"rpad({sql}, {source.numbers[0]}, ' ')"
        return f"left({text}, {kind.numbers[0]})" if kind.numbers else text
    if source.name in ("double", "real"):
        text = f"a_double_text({sql}, {'true' if source.name == 'real' else 'false'})"
    elif source.name == "timestamp":
        text = f"a_timestamp_text({sql}, {source.numbers[0]})"
    elif source.name == "timestamptz":
        text = f"a_zoned_text({sql}, {source.numbers[0]})"
    elif source.is_exact or source.name in ("boolean", "date"):
        text = f"CAST({sql} AS VARCHAR)"
    else:
        return None
    return f"a_fitting_text({text}, {kind.numbers[0]})" if kind.numbers else text


def _to_time(sql: str, source: Type, kind: Type) -> str | None:
    if source.name == "timestamptz" and kind.name != "timestamptz":
        sql, source = f"a_local({sql})", Type("timestamp", source.numbers)
    if kind.name == "date":
        if source.is_text:
            return f"a_date({sql})"
        return f"CAST({sql} AS DATE)" if source.name == "timestamp" else None
    if source.is_text:
        name = "a_zoned" if kind.name == "timestamptz" else "a_timestamp"
        return (
            f"{name}({sql})" if kind.name == "timestamptz" else f"{name}({sql}, {kind.numbers[0]})"
        )
    if not source.is_time:
        return None
    if kind.name == "timestamptz":
        return coerced(Typed(sql, source), kind).sql
    if source.name == "timestamp" and source.numbers[0] > kind.numbers[0]:
        return f"a_rounded_time(CAST({sql} AS TIMESTAMP), {kind.numbers[0]})"
    return f"CAST({sql} AS TIMESTAMP)"


def _nested(value: Typed, kind: Type) -> str | None:
    sql, source = value.sql, value.type
    if source.name != kind.name or len(source.items) != len(kind.items):
        return None
    if kind.name == "array":
        inner = _cast_sql(Typed("e", source.item), kind.item)
        return None if inner is None else f"list_transform({sql}, lambda e: {inner})"
    if kind.name == "row":
        members = []
        for number, (old, new) in enumerate(zip(source.items, kind.items, strict=True)):
            inner = _cast_sql(Typed(f"struct_extract({sql}, 'f{number}')", old), new)
            if inner is None:
                return None
            members.append(f"'f{number}': {inner}")
        return f"CASE WHEN {sql} IS NOT NULL THEN {{{', '.join(members)}}} END"
    key = _cast_sql(Typed("e", source.items[0]), kind.items[0])
    item = _cast_sql(Typed("e", source.items[1]), kind.items[1])
    if key is None or item is None:
        return None
    return (
        f"map(list_transform(map_keys({sql}), lambda e: {key}), "
        f"list_transform(map_values({sql}), lambda e: {item}))"
    )
