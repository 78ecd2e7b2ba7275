"""Functions of maps."""

from __future__ import annotations

from typing import Any

from airscoop.local.athena.array_functions import lambda_of
from airscoop.local.athena.context import Context, as_boolean, compile_expression, in_common, made
from airscoop.local.athena.failures import Unknown, at
from airscoop.local.athena.functions import function, simple, special, wrong_arguments
from airscoop.local.athena.python_functions import failed
from airscoop.local.athena.python_functions import function as python
from airscoop.local.athena.scopes import Scope, Typed
from airscoop.local.athena.types import UNKNOWN, array, duck, map_of, row

simple(
    "split_to_map", "varchar, varchar, varchar -> map<string,string>: a_split_to_map({0}, {1}, {2})"
)


@function("map")
def _map(values: list[Typed], node: Any) -> Typed:
    if not values:
        kind = map_of(UNKNOWN, UNKNOWN)
        return Typed(f"CAST(map([], []) AS {duck(kind)})", kind)
    if len(values) != 2 or any(each.type.name != "array" for each in values):
        raise wrong_arguments("map", values, node)
    keys, items = values
    if keys.type.item.items:
        raise Unknown(f"a map with keys of type {keys.type.item}")
    same = f"a_same_length(len({keys.sql}), len({items.sql}))"
    sql = f"(CASE WHEN {same} THEN map({keys.sql}, {items.sql}) END)"
    return made(sql, map_of(keys.type.item, items.type.item), *values)


@python("BIGINT;BIGINT", "BOOLEAN")
def same_length(keys: int, items: int) -> bool:
    if keys != items:
        words = "Key and value arrays must be the same length"
        raise failed("INVALID_FUNCTION_ARGUMENT", words)
    return True


def _one(name: str, values: list[Typed], node: Any) -> Typed:
    if len(values) != 1 or values[0].type.name != "map":
        raise wrong_arguments(name, values, node)
    return values[0]


@function("map_keys")
def _map_keys(values: list[Typed], node: Any) -> Typed:
    value = _one("map_keys", values, node)
    return made(f"map_keys({value.sql})", array(value.type.items[0]), value)


@function("map_values")
def _map_values(values: list[Typed], node: Any) -> Typed:
    value = _one("map_values", values, node)
    return made(f"map_values({value.sql})", array(value.type.item), value)


@function("map_entries")
def _map_entries(values: list[Typed], node: Any) -> Typed:
    value = _one("map_entries", values, node)
    kind = row((None, value.type.items[0]), (None, value.type.item))
    sql = (
        f"list_transform(map_keys({value.sql}), lambda k, n: "
        f"{{'f0': k, 'f1': (map_values({value.sql}))[n]}})"
    )
    return made(sql, array(kind), value)


@function("map_from_entries")
def _map_from_entries(values: list[Typed], node: Any) -> Typed:
    if len(values) != 1 or values[0].type.name != "array" or len(values[0].type.item.items) != 2:
        raise wrong_arguments("map_from_entries", values, node)
    value = values[0]
    keys = f"list_transform({value.sql}, lambda e: struct_extract(e, 'f0'))"
    items = f"list_transform({value.sql}, lambda e: struct_extract(e, 'f1'))"
    return made(f"map({keys}, {items})", map_of(*value.type.item.items), value)


@function("map_concat")
def _map_concat(values: list[Typed], node: Any) -> Typed:
    if len(values) < 2 or any(each.type.name != "map" for each in values):
        raise wrong_arguments("map_concat", values, node)
    ready, kind = in_common(values, node, "Unexpected parameters for function map_concat: {}")
    nulls = " OR ".join(f"{each.sql} IS NULL" for each in ready)
    inside = ", ".join(each.sql for each in ready)
    return made(f"(CASE WHEN {nulls} THEN NULL ELSE map_concat({inside}) END)", kind, *values)


def _with_lambda(node: Any, scope: Scope, context: Context) -> tuple[Typed, Any]:
    name = node.name.lower()
    if len(node.expressions) != 2:
        raise at(node, "FUNCTION_NOT_FOUND", f"Unexpected parameters for function {name}")
    value = compile_expression(node.expressions[0], scope, context)
    if value.type.name != "map":
        raise wrong_arguments(name, [value], node)
    return value, lambda_of(node.expressions[1], list(value.type.items), scope, context)


def _each(value: Typed, call: Any) -> str:
    """What a lambda of key and value gives, as a list in the order of the keys."""
    key, item = call.names
    return (
        f"list_transform(map_keys({value.sql}), lambda {key}, n: list_transform("
        f"[(map_values({value.sql}))[n]], lambda {item}: {call.body.sql})[1])"
    )


@special("map_filter")
def _map_filter(node: Any, scope: Scope, context: Context) -> Typed:
    value, call = _with_lambda(node, scope, context)
    as_boolean(call.body, node, "Lambda of map_filter must give a boolean (actual: {})")
    kept = f"list_transform([{_each(value, call)}], lambda kept: map("
    keys = f"list_filter(map_keys({value.sql}), lambda k, n: kept[n])"
    items = f"list_filter(map_values({value.sql}), lambda v, n: kept[n])"
    return Typed(
        f"(CASE WHEN {value.sql} IS NOT NULL THEN {kept}{keys}, {items}))[1] END)", value.type, None
    )


@special("transform_values")
def _transform_values(node: Any, scope: Scope, context: Context) -> Typed:
    value, call = _with_lambda(node, scope, context)
    kind = map_of(value.type.items[0], call.body.type)
    sql = (
        f"(CASE WHEN {value.sql} IS NOT NULL THEN map(map_keys({value.sql}), "
        f"{_each(value, call)}) END)"
    )
    return Typed(sql, kind, None)


@special("transform_keys")
def _transform_keys(node: Any, scope: Scope, context: Context) -> Typed:
    value, call = _with_lambda(node, scope, context)
    kind = map_of(call.body.type, value.type.item)
    sql = (
        f"(CASE WHEN {value.sql} IS NOT NULL THEN map({_each(value, call)}, "
        f"map_values({value.sql})) END)"
    )
    return Typed(sql, kind, None)


@python("VARCHAR;VARCHAR;VARCHAR", "MAP(VARCHAR, VARCHAR)")
def split_to_map(text: str, entries: str, pairs: str) -> dict[str, str]:
    if not entries or not pairs or entries == pairs:
        words = "entryDelimiter and keyValueDelimiter must not be the same nor empty"
        raise failed("INVALID_FUNCTION_ARGUMENT", words)
    found: dict[str, str] = {}
    for entry in text.removesuffix(entries).split(entries) if text else []:
        key, sign, value = entry.partition(pairs)
        if not sign or pairs in value:
            words = (
                f"Key-value delimiter must appear exactly once in each entry. Bad input: '{entry}'"
            )
            raise failed("INVALID_FUNCTION_ARGUMENT", words)
        if key in found:
            raise failed("INVALID_FUNCTION_ARGUMENT", f"Duplicate keys ({key}) are not allowed")
        found[key] = value
    return found
