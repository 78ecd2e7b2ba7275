"""The functions that are known, and how a call is compiled. What is not here is refused by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from airscoop.local.athena.context import Context, coerced, compile_expression, handles, made
from airscoop.local.athena.failures import QueryFailed, Unknown, at
from airscoop.local.athena.scopes import Scope, Typed
from airscoop.local.athena.types import DOUBLE, UNKNOWN, VARCHAR, Type, common, from_hive

Call = Callable[[list[Typed], Any], Typed]
Special = Callable[[Any, Scope, Context], Typed]
FUNCTIONS: dict[str, Call] = {}
"""Functions of plain values, by name."""
SPECIAL: dict[str, Special] = {}
"""Functions with lambdas or with an evaluation of their own, by name."""


def function(*names: str) -> Callable[[Call], Call]:
    def keep(call: Call) -> Call:
        for name in names:
            FUNCTIONS[name] = call
        return call

    return keep


def special(*names: str) -> Callable[[Special], Special]:
    def keep(call: Special) -> Special:
        for name in names:
            SPECIAL[name] = call
        return call

    return keep


def _parse_kind(text: str) -> Type:
    if text == "timestamptz":
        return Type("timestamptz", (3,))
    if text.endswith("[]"):
        return Type("array", items=(_parse_kind(text[:-2]),))
    return from_hive({"integer": "int"}.get(text, text))


def accepts(wanted: Type, given: Type) -> bool:
    """Whether a value of a type can stand where another is wanted."""
    if given == UNKNOWN or wanted == given:
        return True
    if wanted == VARCHAR and given.name == "varchar":
        return True
    if wanted.name == given.name == "timestamp" or wanted.name == given.name == "timestamptz":
        return True
    if wanted.name == given.name == "array":
        return accepts(wanted.item, given.item)
    return common(wanted, given) == wanted


def simple(name: str, *overloads: str) -> None:
    """Functions by their signatures: `varchar, bigint -> varchar: substr({0}, {1})`.

    `any` accepts each type; a result `0` is the type of the first argument.
    """
    parsed = []
    for each in overloads:
        signature, _, template = each.partition(": ")
        left, _, result = signature.partition("->")
        kinds = [part.strip() for part in left.split(",") if part.strip()]
        parsed.append((kinds, result.strip(), template))

    def call(values: list[Typed], node: Any) -> Typed:
        for kinds, result, template in parsed:
            if len(kinds) != len(values) or not all(
                kind == "any" or accepts(_parse_kind(kind), value.type)
                for kind, value in zip(kinds, values, strict=True)
            ):
                continue
            ready = [
                value if kind == "any" else coerced(value, _parse_kind(kind))
                for kind, value in zip(kinds, values, strict=True)
            ]
            kind = values[0].type if result == "0" else _parse_kind(result)
            sql = template.format(*(each.sql for each in ready))
            if kind == DOUBLE and template.startswith("a_"):
                sql = f"CAST({sql} AS DOUBLE)"
            return made(sql, kind, *values)
        raise wrong_arguments(name, values, node)

    FUNCTIONS[name] = call


def wrong_arguments(name: str, values: list[Typed], node: Any) -> QueryFailed:
    shown = ", ".join(str(each.type) for each in values)
    return at(node, "FUNCTION_NOT_FOUND", f"Unexpected parameters ({shown}) for function {name}")


@handles(exp.Anonymous)
def _call(node: exp.Anonymous, scope: Scope, context: Context) -> Typed:
    name = node.name.lower()
    if name in SPECIAL:
        return SPECIAL[name](node, scope, context)
    if name not in FUNCTIONS:
        raise Unknown(f"the function {name}")
    values = []
    for each in node.expressions:
        if isinstance(each, exp.Star | exp.Distinct | exp.Order | exp.Lambda):
            raise at(node, "FUNCTION_NOT_AGGREGATE", f"DISTINCT or * in {name}, no aggregation")
        values.append(compile_expression(each, scope, context))
    return FUNCTIONS[name](values, node)
