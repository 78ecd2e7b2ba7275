"""CAST to and from JSON. `cast`: of other types, as casts.py does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airscoop.local.athena.failures import Unknown
from airscoop.local.athena.scopes import Typed
from airscoop.local.athena.types import JSON, VARCHAR, Type

Cast = Callable[[Typed, Type, Any], Typed]


def to_json(value: Typed, cast: Cast) -> str | None:
    """A value as JSON; a row becomes an array, as in Trino."""
    sql, kind = value.sql, value.type
    match kind.name:
        case "json":
            return sql
        case "unknown":
            return "CAST(NULL AS VARCHAR)"
        case "varchar":
            return f"a_json_text({sql})"
        case "boolean":
            return f"CAST({sql} AS VARCHAR)"
        case "double" | "real":
            return f"a_json_double(CAST({sql} AS DOUBLE))"
        case "date" | "timestamp":
            return f"a_json_text({cast(value, VARCHAR, None).sql})"
        case "array":
            inner = f"coalesce({_inner('e', kind.item, cast)}, 'null')"
            items = f"array_to_string(list_transform({sql}, lambda e: {inner}), ',')"
            return f"(CASE WHEN {sql} IS NOT NULL THEN '[' || coalesce({items}, '') || ']' END)"
        case "row":
            parts = []
            for number, item in enumerate(kind.items):
                member = _inner(f"struct_extract({sql}, 'f{number}')", item, cast)
                parts.append(f"coalesce({member}, 'null')")
            inside = " || ',' || ".join(parts)
            return f"(CASE WHEN {sql} IS NOT NULL THEN '[' || {inside} || ']' END)"
        case "map":
            return _of_map(sql, kind, cast)
    return f"CAST({sql} AS VARCHAR)" if kind.is_exact else None


def _inner(sql: str, kind: Type, cast: Cast) -> str:
    found = to_json(Typed(sql, kind), cast)
    if found is None:
        raise Unknown(f"CAST({kind} AS JSON)")
    return found


def _of_map(sql: str, kind: Type, cast: Cast) -> str:
    """Keys in the order of their texts."""
    if kind.items[0].name != "varchar":
        raise Unknown(f"CAST({kind} AS JSON)")
    member = f"a_json_text(k) || ':' || coalesce({_inner(f'({sql})[k]', kind.item, cast)}, 'null')"
    members = (
        f"array_to_string(list_transform(list_sort(map_keys({sql})), lambda k: {member}), ',')"
    )
    return f"(CASE WHEN {sql} IS NOT NULL THEN '{{' || coalesce({members}, '') || '}}' END)"


def from_json(value: Typed, kind: Type, cast: Cast) -> str | None:
    sql = value.sql
    title = str(kind)
    match kind.name:
        case (
            "varchar"
            | "boolean"
            | "tinyint"
            | "smallint"
            | "integer"
            | "bigint"
            | "double"
            | "real"
            | "decimal"
        ):
            scalar = Typed(f"a_json_scalar({sql}, '{kind.name}')", VARCHAR)
            if kind.is_integer:
                # A number with a fraction is rounded.
                return cast(cast(scalar, Type("decimal", (38, 10)), None), kind, None).sql
            return cast(scalar, kind, None).sql
        case "array":
            items = f"a_json_items({sql}, '{title}')"
            return f"list_transform({items}, lambda e: {_from('e', kind.item, cast)})"
        case "map":
            if kind.items[0].name != "varchar":
                raise Unknown(f"CAST(JSON AS {kind})")
            members = f"a_json_members({sql}, '{title}')"
            items = (
                f"list_transform(map_values({members}), lambda e: {_from('e', kind.item, cast)})"
            )
            whole = f"map(map_keys({members}), {items})"
            return f"(CASE WHEN {members} IS NOT NULL THEN {whole} END)"
        case "row":
            parts = []
            for number, (name, item) in enumerate(zip(kind.fields, kind.items, strict=True)):
                field = f"a_json_field({sql}, {number}, '{(name or '').lower()}', 'row')"
                parts.append(f"'f{number}': {_from(field, item, cast)}")
            return f"(CASE WHEN NOT a_json_is_null({sql}) THEN {{{', '.join(parts)}}} END)"
    return None


def _from(sql: str, kind: Type, cast: Cast) -> str:
    if kind == JSON:
        return sql
    found = from_json(Typed(sql, JSON), kind, cast)
    if found is None:
        raise Unknown(f"CAST(JSON AS {kind})")
    return found
