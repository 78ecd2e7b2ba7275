"""Functions that are about no type: COALESCE, NULLIF, TRY, ROW, GREATEST."""

from __future__ import annotations

from typing import Any

from airscoop.local.athena.context import Context, compile_expression, in_common, made
from airscoop.local.athena.failures import Unknown, at
from airscoop.local.athena.functions import function, special, wrong_arguments
from airscoop.local.athena.operators import compared, concatenated, row_value
from airscoop.local.athena.scopes import Scope, Typed
from airscoop.local.athena.types import BIGINT, VARCHAR


@special("coalesce")
def _coalesce(node: Any, scope: Scope, context: Context) -> Typed:
    values = [compile_expression(each, scope, context) for each in node.expressions]
    if len(values) < 2:
        raise at(
            node,
            "INVALID_FUNCTION_ARGUMENT",
            "The 'coalesce' function must have at least two arguments",
        )
    words = "All COALESCE operands must be the same type: {}"
    ready, kind = in_common(values, node, words)
    return made(f"coalesce({', '.join(each.sql for each in ready)})", kind, *values)


@function("nullif")
def _nullif(values: list[Typed], node: Any) -> Typed:
    if len(values) != 2:
        raise at(
            node, "INVALID_FUNCTION_ARGUMENT", "Invalid number of arguments for 'nullif' function"
        )
    same = compared("=", values[0], values[1], node)
    sql = f"(CASE WHEN {same.sql} THEN NULL ELSE {values[0].sql} END)"
    return made(sql, values[0].type, *values)


@special("try")
def _try(node: Any, scope: Scope, context: Context) -> Typed:
    if len(node.expressions) != 1:
        raise at(
            node, "INVALID_FUNCTION_ARGUMENT", "The 'try' function must have exactly one argument"
        )
    value = compile_expression(node.expressions[0], scope, context)
    return made(f"TRY({value.sql})", value.type, value)


@special("grouping")
def _grouping(node: Any, scope: Scope, context: Context) -> Typed:
    """A bit for each column, set where the column is not grouped by."""
    values = [compile_expression(each, scope, context) for each in node.expressions]
    return made(f"CAST(grouping({', '.join(each.sql for each in values)}) AS BIGINT)", BIGINT)


@function("row")
def _row(values: list[Typed], node: Any) -> Typed:
    return row_value(values)


@function("concat")
def _concat(values: list[Typed], node: Any) -> Typed:
    if len(values) < 2:
        raise at(
            node, "INVALID_FUNCTION_ARGUMENT", "There must be two or more concatenation arguments"
        )
    return concatenated(values, node)


@function("typeof")
def _typeof(values: list[Typed], node: Any) -> Typed:
    if len(values) != 1:
        raise wrong_arguments("typeof", values, node)
    return Typed(f"'{values[0].type}'", VARCHAR)


def _extreme(name: str, values: list[Typed], node: Any) -> Typed:
    ready, kind = in_common(values, node, f"Unexpected parameters for function {name}: {{}}")
    if kind.items or kind.name in ("json", "timestamptz"):
        raise Unknown(f"{name} of {kind}")
    any_null = " OR ".join(f"{each.sql} IS NULL" for each in ready)
    whole = f"{name}({', '.join(each.sql for each in ready)})"
    return made(f"(CASE WHEN {any_null} THEN NULL ELSE {whole} END)", kind, *values)


@function("greatest")
def _greatest(values: list[Typed], node: Any) -> Typed:
    return _extreme("greatest", values, node)


@function("least")
def _least(values: list[Typed], node: Any) -> Typed:
    return _extreme("least", values, node)
