"""Aggregate functions, with DISTINCT, ORDER BY, FILTER and OVER."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from airscoop.local.athena.context import (
    Context,
    as_boolean,
    coerced,
    compile_expression,
    handles,
)
from airscoop.local.athena.failures import Unknown, at
from airscoop.local.athena.functions import SPECIAL, wrong_arguments
from airscoop.local.athena.ordering import order_sql
from airscoop.local.athena.scopes import Scope, Typed
from airscoop.local.athena.types import (
    BIGINT,
    BOOLEAN,
    DOUBLE,
    REAL,
    VARCHAR,
    Type,
    array,
    decimal,
    duck,
    map_of,
)


@dataclass(frozen=True)
class Made:
    """One aggregation: DuckDB's call without FILTER and OVER, and what goes around it."""

    call: str
    type: Type
    around: str = "{}"


Aggregate = Callable[[list[Typed], str, str, Any], Made]
"""Arguments, `DISTINCT ` or nothing, ` ORDER BY …` or nothing, the node."""
AGGREGATES: dict[str, Aggregate] = {}


def _aggregate(*names: str) -> Callable[[Aggregate], Aggregate]:
    def keep(call: Aggregate) -> Aggregate:
        for name in names:
            AGGREGATES[name] = call
        return call

    return keep


def aggregate(
    node: Any, scope: Scope, context: Context, *, condition: Any = None, over: str = ""
) -> Typed:
    """A call of an aggregate function."""
    name = node.name.lower()
    arguments, distinct, order = _arguments(node, scope, context)
    made_ = AGGREGATES[name](arguments, distinct, order, node)
    return _finished(made_, scope, context, condition, over)


def _finished(found: Made, scope: Scope, context: Context, condition: Any, over: str) -> Typed:
    filtered = ""
    if condition is not None:
        words = "Filter expression must evaluate to a boolean: actual type {}"
        value = as_boolean(compile_expression(condition, scope, context), condition, words)
        filtered = f" FILTER (WHERE {value.sql})"
    return Typed(found.around.format(f"{found.call}{filtered}{over}"), found.type, None)


def _arguments(node: Any, scope: Scope, context: Context) -> tuple[list[Typed], str, str]:
    values: list[Typed] = []
    distinct = order = ""
    for each in node.expressions:
        if isinstance(each, exp.Star):
            if node.name.lower() != "count":
                raise wrong_arguments(node.name.lower(), values, node)
            continue
        if isinstance(each, exp.Order):
            terms = [
                order_sql(compile_expression(term.this, scope, context), term)
                for term in each.expressions
            ]
            order = f" ORDER BY {', '.join(terms)}"
            each = each.this
        if isinstance(each, exp.Distinct):
            distinct = "DISTINCT "
            values += [compile_expression(one, scope, context) for one in each.expressions]
            continue
        if isinstance(each, exp.Lambda):
            raise Unknown(f"a lambda in {node.name.lower()}")
        values.append(compile_expression(each, scope, context))
    return values, distinct, order


@handles(exp.Filter)
def _filter(node: exp.Filter, scope: Scope, context: Context) -> Typed:
    condition = node.expression.this
    if isinstance(node.this, exp.GroupConcat):
        return _listagg(node.this, scope, context, condition)
    if not isinstance(node.this, exp.Anonymous) or node.this.name.lower() not in AGGREGATES:
        words = f"Filter is only valid for aggregation functions: {node.this.sql('trino')}"
        raise at(node, "FUNCTION_NOT_AGGREGATE", words)
    return aggregate(node.this, scope, context, condition=condition)


@handles(exp.GroupConcat)
def _group_concat(node: exp.GroupConcat, scope: Scope, context: Context) -> Typed:
    return _listagg(node, scope, context, None)


def _listagg(node: exp.GroupConcat, scope: Scope, context: Context, condition: Any) -> Typed:
    if node.args.get("on_overflow") is not None:
        raise Unknown("LISTAGG … ON OVERFLOW")
    order = node.this
    if not isinstance(order, exp.Order):
        raise at(node, "SYNTAX_ERROR", "mismatched input ')'. Expecting: 'WITHIN'")
    inner, distinct = order.this, ""
    if isinstance(inner, exp.Distinct):
        inner, distinct = inner.expressions[0], "DISTINCT "
    value = compile_expression(inner, scope, context)
    if value.type.name != "varchar":
        raise wrong_arguments("listagg", [value], node)
    separator = node.args.get("separator")
    by = compile_expression(separator, scope, context).sql if separator is not None else "''"
    terms = [order_sql(compile_expression(t.this, scope, context), t) for t in order.expressions]
    call = f"string_agg({distinct}{value.sql}, {by} ORDER BY {', '.join(terms)})"
    return _finished(Made(call, VARCHAR), scope, context, condition, "")


def _one(name: str, values: list[Typed], node: Any) -> Typed:
    if len(values) != 1:
        raise wrong_arguments(name, values, node)
    return values[0]


@_aggregate("count")
def _count(values: list[Typed], distinct: str, order: str, node: Any) -> Made:
    if len(values) > 1:
        raise wrong_arguments("count", values, node)
    return Made(f"count({distinct}{values[0].sql if values else '*'})", BIGINT)


@_aggregate("count_if")
def _count_if(values: list[Typed], distinct: str, order: str, node: Any) -> Made:
    value = as_boolean(
        _one("count_if", values, node), node, "Unexpected parameters ({}) for function count_if"
    )
    return Made(f"count({distinct}CASE WHEN {value.sql} THEN 1 END)", BIGINT)


@_aggregate("sum")
def _sum(values: list[Typed], distinct: str, order: str, node: Any) -> Made:
    value = _one("sum", values, node)
    if value.type.is_integer:
        return Made(f"sum({distinct}{value.sql})", BIGINT, "CAST({} AS BIGINT)")
    if value.type.name == "decimal":
        kind = decimal(38, value.type.numbers[1])
        return Made(f"sum({distinct}{value.sql})", kind, f"CAST({{}} AS {duck(kind)})")
    if value.type in (DOUBLE, REAL):
        return Made(f"sum({distinct}{value.sql})", value.type, f"CAST({{}} AS {duck(value.type)})")
    raise wrong_arguments("sum", values, node)


@_aggregate("avg")
def _avg(values: list[Typed], distinct: str, order: str, node: Any) -> Made:
    value = _one("avg", values, node)
    if value.type.name == "decimal":
        if order or distinct:
            raise Unknown("avg(DISTINCT …) of a decimal")
        scale = value.type.numbers[1]
        texts = "list_transform({}, lambda e: CAST(e AS VARCHAR))"
        average = f"CAST(a_average({texts}, {scale}) AS {duck(value.type)})"
        return Made(f"list({value.sql})", value.type, average)
    if value.type.is_integer or value.type == DOUBLE:
        return Made(f"avg({distinct}CAST({value.sql} AS DOUBLE))", DOUBLE)
    if value.type == REAL:
        return Made(f"avg({distinct}{value.sql})", REAL, "CAST({} AS FLOAT)")
    raise wrong_arguments("avg", values, node)


def _extreme(name: str, values: list[Typed], distinct: str, node: Any) -> Made:
    if len(values) == 2 and values[1].type.is_integer:
        return Made(f"{name}({values[0].sql}, {values[1].sql})", array(values[0].type))
    value = _one(name, values, node)
    if value.type.items or value.type.name in ("json", "timestamptz", "unknown"):
        raise Unknown(f"{name} of {value.type}")
    return Made(f"{name}({value.sql})", value.type)


@_aggregate("max")
def _max(values: list[Typed], distinct: str, order: str, node: Any) -> Made:
    return _extreme("max", values, distinct, node)


@_aggregate("min")
def _min(values: list[Typed], distinct: str, order: str, node: Any) -> Made:
    return _extreme("min", values, distinct, node)


def _by(name: str, values: list[Typed], node: Any) -> Made:
    """The value may be NULL where the other is the greatest; DuckDB's plain form leaves it out."""
    if len(values) == 3:
        raise Unknown(f"{name} of n values")
    if len(values) != 2 or values[1].type.items:
        raise wrong_arguments(name, values, node)
    value, key = values
    duck_name = {"max_by": "arg_max_null", "min_by": "arg_min_null"}[name]
    return Made(f"{duck_name}({value.sql}, {key.sql})", value.type)


@_aggregate("max_by")
def _max_by(values: list[Typed], distinct: str, order: str, node: Any) -> Made:
    return _by("max_by", values, node)


@_aggregate("min_by")
def _min_by(values: list[Typed], distinct: str, order: str, node: Any) -> Made:
    return _by("min_by", values, node)


@_aggregate("arbitrary", "any_value")
def _any(values: list[Typed], distinct: str, order: str, node: Any) -> Made:
    value = _one(node.name.lower(), values, node)
    return Made(f"any_value({value.sql}{order})", value.type)


@_aggregate("array_agg")
def _array_agg(values: list[Typed], distinct: str, order: str, node: Any) -> Made:
    value = _one("array_agg", values, node)
    return Made(f"array_agg({distinct}{value.sql}{order})", array(value.type))


@_aggregate("bool_and", "every")
def _bool_and(values: list[Typed], distinct: str, order: str, node: Any) -> Made:
    value = as_boolean(
        _one("bool_and", values, node), node, "Unexpected parameters ({}) for function bool_and"
    )
    return Made(f"bool_and({value.sql})", BOOLEAN)


@_aggregate("bool_or")
def _bool_or(values: list[Typed], distinct: str, order: str, node: Any) -> Made:
    value = as_boolean(
        _one("bool_or", values, node), node, "Unexpected parameters ({}) for function bool_or"
    )
    return Made(f"bool_or({value.sql})", BOOLEAN)


@_aggregate("approx_distinct")
def _approx_distinct(values: list[Typed], distinct: str, order: str, node: Any) -> Made:
    """Exact here, which is within every error that may be asked for."""
    if len(values) not in (1, 2):
        raise wrong_arguments("approx_distinct", values, node)
    return Made(f"count(DISTINCT {values[0].sql})", BIGINT)


@_aggregate("approx_percentile")
def _approx_percentile(values: list[Typed], distinct: str, order: str, node: Any) -> Made:
    """A value that occurs, as Trino gives; exact here."""
    if len(values) != 2 or not values[0].type.is_number:
        raise Unknown("approx_percentile of other arguments than a number and a percentage")
    value, share = values
    if share.type.name == "array":
        return Made(f"quantile_disc({value.sql}, {share.sql})", array(value.type))
    return Made(f"quantile_disc({value.sql}, {coerced(share, DOUBLE).sql})", value.type)


@_aggregate("map_agg")
def _map_agg(values: list[Typed], distinct: str, order: str, node: Any) -> Made:
    """The first value of a key; a NULL key counts for nothing."""
    if len(values) != 2 or values[0].type.items:
        raise wrong_arguments("map_agg", values, node)
    key, value = values
    call = f"list({{'k': {key.sql}, 'v': {value.sql}}}{order})"
    kind = map_of(key.type, value.type)
    kept = (
        "list_filter({0}, lambda x, n: x.k IS NOT NULL AND "
        "list_position(list_transform({0}, lambda y: y.k), x.k) = n)"
    )
    body = f"map(list_transform({kept}, lambda z: z.k), list_transform({kept}, lambda z: z.v))"
    return Made(call, kind, _once(body))


def _once(body: str) -> str:
    """A text that names an aggregation more than once, as one that names it once."""
    return "list_transform([{}], lambda agg: " + body.replace("{0}", "agg") + ")[1]"


@_aggregate("histogram")
def _histogram(values: list[Typed], distinct: str, order: str, node: Any) -> Made:
    value = _one("histogram", values, node)
    kind = map_of(value.type, BIGINT)
    return Made(f"histogram({value.sql})", kind, f"CAST({{}} AS {duck(kind)})")


_STATISTICS = {
    "stddev": "stddev_samp", "stddev_samp": "stddev_samp", "stddev_pop": "stddev_pop",
    "variance": "var_samp", "var_samp": "var_samp", "var_pop": "var_pop",
}  # fmt: skip
_PAIRS = ("corr", "covar_pop", "covar_samp", "regr_slope", "regr_intercept")


def _statistic(name: str) -> None:
    def call(values: list[Typed], distinct: str, order: str, node: Any) -> Made:
        value = _one(name, values, node)
        if not value.type.is_number:
            raise wrong_arguments(name, values, node)
        return Made(f"{_STATISTICS[name]}({distinct}{coerced(value, DOUBLE).sql})", DOUBLE)

    AGGREGATES[name] = call


def _pair(name: str) -> None:
    def call(values: list[Typed], distinct: str, order: str, node: Any) -> Made:
        if len(values) != 2 or not all(each.type.is_number for each in values):
            raise wrong_arguments(name, values, node)
        inside = ", ".join(coerced(each, DOUBLE).sql for each in values)
        return Made(f"{name}({inside})", DOUBLE)

    AGGREGATES[name] = call


for _name in ("stddev", "stddev_samp", "stddev_pop", "variance", "var_samp", "var_pop"):
    _statistic(_name)
for _name in _PAIRS:
    _pair(_name)


def _bitwise(name: str, call_name: str) -> None:
    def call(values: list[Typed], distinct: str, order: str, node: Any) -> Made:
        value = _one(name, values, node)
        if not value.type.is_integer:
            raise wrong_arguments(name, values, node)
        return Made(f"{call_name}({coerced(value, BIGINT).sql})", BIGINT)

    AGGREGATES[name] = call


for _name, _duck_name in (
    ("bitwise_and_agg", "bit_and"),
    ("bitwise_or_agg", "bit_or"),
    ("bitwise_xor_agg", "bit_xor"),
):
    _bitwise(_name, _duck_name)


def _call(node: Any, scope: Scope, context: Context) -> Typed:
    return aggregate(node, scope, context)


SPECIAL.update(dict.fromkeys(AGGREGATES, _call))
