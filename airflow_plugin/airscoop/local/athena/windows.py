"""Window functions, and aggregations OVER a window."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from airscoop.local.athena.aggregates import AGGREGATES, aggregate
from airscoop.local.athena.context import Context, coerced, compile_expression, handles
from airscoop.local.athena.failures import Unknown, at
from airscoop.local.athena.functions import SPECIAL, wrong_arguments
from airscoop.local.athena.ordering import order_sql
from airscoop.local.athena.scopes import Scope, Typed
from airscoop.local.athena.types import BIGINT, DOUBLE, common

_RANKS = {
    "row_number": BIGINT, "rank": BIGINT, "dense_rank": BIGINT, "percent_rank": DOUBLE,
    "cume_dist": DOUBLE,
}  # fmt: skip
_VALUES = ("first_value", "last_value", "nth_value", "lag", "lead")
WINDOW_FUNCTIONS = (*_RANKS, "ntile", *_VALUES)


@handles(exp.Window)
def _window(node: exp.Window, scope: Scope, context: Context) -> Typed:
    call, nulls = node.this, ""
    if isinstance(call, exp.IgnoreNulls | exp.RespectNulls):
        nulls = " IGNORE NULLS" if isinstance(call, exp.IgnoreNulls) else ""
        call = call.this
    condition = None
    if isinstance(call, exp.Filter):
        condition, call = call.expression.this, call.this
    over = f" OVER ({_specification(node, scope, context)})"
    name = call.name.lower() if isinstance(call, exp.Anonymous) else ""
    if name in AGGREGATES:
        return aggregate(call, scope, context, condition=condition, over=over)
    if name not in WINDOW_FUNCTIONS or condition is not None:
        if name not in WINDOW_FUNCTIONS:
            raise Unknown(f"the window function {call.sql('trino')}")
        raise at(node, "FUNCTION_NOT_AGGREGATE", "Filter is only valid for aggregation functions")
    values = [compile_expression(each, scope, context) for each in call.expressions]
    return _call(name, values, nulls, over, call)


def _call(name: str, values: list[Typed], nulls: str, over: str, node: Any) -> Typed:
    if name in _RANKS:
        if values:
            raise wrong_arguments(name, values, node)
        return Typed(f"{name}(){over}", _RANKS[name], None)
    if name == "ntile":
        if len(values) != 1 or not values[0].type.is_integer:
            raise wrong_arguments(name, values, node)
        return Typed(f"ntile({values[0].sql}){over}", BIGINT, None)
    most = {"first_value": 1, "last_value": 1, "nth_value": 2}.get(name, 3)
    if not 1 <= len(values) <= most or (name == "nth_value" and len(values) != 2):
        raise wrong_arguments(name, values, node)
    kind = values[0].type
    if len(values) == 3:
        both = common(kind, values[2].type)
        if both != kind:
            raise wrong_arguments(name, values, node)
        values = [*values[:2], coerced(values[2], kind)]
    inside = ", ".join(each.sql for each in values)
    return Typed(f"{name}({inside}{nulls}){over}", kind, None)


def _specification(node: exp.Window, scope: Scope, context: Context) -> str:
    named = node.args.get("alias")
    if named is not None:
        found = _named(named.name.lower(), scope)
        if found is None:
            raise at(node, "INVALID_WINDOW_REFERENCE", f"Cannot resolve WINDOW name {named.name}")
        return _specification(_bare(found), scope, context)
    if node.args.get("first") is not None:
        raise Unknown("a window that goes on from a named one")
    parts = []
    if keys := node.args.get("partition_by"):
        parts.append(
            f"PARTITION BY {', '.join(compile_expression(e, scope, context).sql for e in keys)}"
        )
    if (order := node.args.get("order")) is not None:
        terms = [
            order_sql(compile_expression(e.this, scope, context), e) for e in order.expressions
        ]
        parts.append(f"ORDER BY {', '.join(terms)}")
    if (spec := node.args.get("spec")) is not None:
        parts.append(_frame(spec, scope, context))
    return " ".join(parts)


def _named(name: str, scope: Scope | None) -> Any:
    while scope is not None:
        if name in scope.windows:
            return scope.windows[name]
        scope = scope.parent
    return None


def _bare(window: exp.Window) -> exp.Window:
    """A window of WINDOW … AS, without its own name."""
    copy = window.copy()
    copy.set("alias", None)
    return copy


def _frame(spec: exp.WindowSpec, scope: Scope, context: Context) -> str:
    kind = spec.args["kind"].upper()
    if spec.args.get("exclude") is not None or kind not in ("ROWS", "RANGE", "GROUPS"):
        raise Unknown(f"the window frame {spec.sql('trino')}")

    def end(name: str) -> str:
        value, side = spec.args.get(name), spec.args.get(f"{name}_side")
        if value is None:
            return "CURRENT ROW"
        text = value if isinstance(value, str) else compile_expression(value, scope, context).sql
        return f"{text} {side}" if side else text

    return f"{kind} BETWEEN {end('start')} AND {end('end')}"


def _without_over(node: Any, scope: Scope, context: Context) -> Typed:
    words = f"Window function {node.name.lower()} requires an OVER clause"
    raise at(node, "MISSING_OVER", words)


SPECIAL.update(dict.fromkeys(WINDOW_FUNCTIONS, _without_over))
