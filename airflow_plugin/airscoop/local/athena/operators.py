"""Operators: arithmetic, comparison, logic, CASE, IN, LIKE."""

from __future__ import annotations

import re
from typing import Any

from sqlglot import exp

from airscoop.local.athena.context import (
    Context,
    as_boolean,
    coerced,
    compile_expression,
    compile_subquery,
    handles,
    in_common,
    literal,
    made,
)
from airscoop.local.athena.failures import Unknown, at
from airscoop.local.athena.scopes import Scope, Typed
from airscoop.local.athena.types import (
    BIGINT,
    BOOLEAN,
    BOUNDS,
    DAYS,
    DOUBLE,
    INTEGER,
    MONTHS,
    UNKNOWN,
    VARCHAR,
    Type,
    array,
    as_decimal,
    common,
    decimal,
    duck,
    varchar,
)

_SIGNS = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.Mod: "%"}
_COMPARISONS = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.GT: ">",
    exp.LTE: "<=",
    exp.GTE: ">=",
}


# --- constants and names -------------------------------------------------------------------------


@handles(exp.Literal)
def _literal(node: exp.Literal, scope: Scope, context: Context) -> Typed:
    text = str(node.this)
    if node.is_string:
        return Typed(literal(text), varchar(len(text)), literal=text)
    if "e" in text.lower():
        return Typed(f"CAST({float(text)!r} AS DOUBLE)", DOUBLE, literal=text)
    if "." in text:
        whole, _, fraction = text.partition(".")
        precision = len(whole.lstrip("0")) + len(fraction) or 1
        if precision > 38:
            raise at(node, "NUMERIC_VALUE_OUT_OF_RANGE", "Value exceeds maximum precision")
        kind = decimal(precision, len(fraction))
        return Typed(f"CAST('{text}' AS {duck(kind)})", kind, literal=text)
    number = int(text)
    for kind in (INTEGER, BIGINT):
        if number <= BOUNDS[kind.name][1]:
            return Typed(f"CAST({number} AS {duck(kind)})", kind, literal=text)
    raise at(node, "INVALID_LITERAL", f"Invalid numeric literal: {text}")


@handles(exp.Boolean)
def _boolean(node: exp.Boolean, scope: Scope, context: Context) -> Typed:
    return Typed("true" if node.this else "false", BOOLEAN)


@handles(exp.Null)
def _null(node: exp.Null, scope: Scope, context: Context) -> Typed:
    return Typed("NULL", UNKNOWN)


@handles(exp.HexString)
def _hex(node: exp.HexString, scope: Scope, context: Context) -> Typed:
    if not re.fullmatch(r"(?:[0-9a-fA-F]{2})*", node.name):
        raise at(node, "INVALID_LITERAL", f"Invalid hexadecimal literal: {node.name}")
    return Typed(f"from_hex('{node.name}')", Type("varbinary"))


@handles(exp.Paren)
def _paren(node: exp.Paren, scope: Scope, context: Context) -> Typed:
    inner = compile_expression(node.this, scope, context)
    return Typed(f"({inner.sql})", inner.type, inner.origins, inner.literal)


@handles(exp.Column)
def _column(node: exp.Column, scope: Scope, context: Context) -> Typed:
    path = tuple(part.name.lower() for part in node.parts)
    return _named(path, node, scope)


@handles(exp.Identifier)
def _identifier(node: exp.Identifier, scope: Scope, context: Context) -> Typed:
    return _named((node.name.lower(),), node, scope)


def _named(path: tuple[str, ...], node: Any, scope: Scope) -> Typed:
    found, members = scope.resolve(path, node)
    if found.origin is not None:
        found.origin.scan.use(found.origin.column, found.type)
        origins = frozenset({found.origin}) if found.pushable else None
        value = Typed(found.sql, found.type, origins)
    else:
        value = Typed(found.sql, found.type, None)
    for member in members:
        value = member_of(value, member, node)
    return value


def member_of(value: Typed, name: str, node: Any) -> Typed:
    """A row's field."""
    if value.type.name != "row":
        raise at(node, "TYPE_MISMATCH", f"Expression {node.sql('trino')} is not of type ROW")
    fields = [each.lower() if each else None for each in value.type.fields]
    if fields.count(name) != 1:
        how = "is ambiguous" if name in fields else "cannot be resolved"
        raise at(node, "COLUMN_NOT_FOUND", f"Column '{node.sql('trino')}' {how}")
    place = fields.index(name)
    return made(f"struct_extract({value.sql}, 'f{place}')", value.type.items[place], value)


@handles(exp.Dot)
def _dot(node: exp.Dot, scope: Scope, context: Context) -> Typed:
    if not isinstance(node.expression, exp.Identifier):
        raise Unknown(f"the expression {node.sql('trino')}")
    value = compile_expression(node.this, scope, context)
    return member_of(value, node.expression.name.lower(), node)


# --- arithmetic ----------------------------------------------------------------------------------


@handles(*_SIGNS)
def _arithmetic(node: exp.Binary, scope: Scope, context: Context) -> Typed:
    left = compile_expression(node.left, scope, context)
    right = compile_expression(node.right, scope, context)
    sign = _SIGNS[type(node)]
    if left.type == UNKNOWN or right.type == UNKNOWN:
        kind = common(left.type, right.type)
        if kind is not None and kind.is_number:
            left, right = coerced(left, kind), coerced(right, kind)
    if left.type.is_number and right.type.is_number:
        return arithmetic(sign, left, right)
    found = _of_times(sign, left, right, node)
    if found is None:
        raise at(node, "TYPE_MISMATCH", f"Cannot apply operator: {left.type} {sign} {right.type}")
    return found


def arithmetic(sign: str, left: Typed, right: Typed) -> Typed:
    kind = common(left.type, right.type)
    assert kind is not None
    if kind.name == "decimal":
        return _decimals(sign, left, right)
    first, second = coerced(left, kind).sql, coerced(right, kind).sql
    if kind.is_integer and sign == "/":
        sign = "//"
    elif not kind.is_integer and sign == "%":
        sql = f"CAST(a_modulus({first}, {second}) AS {duck(kind)})"
        return made(sql, kind, left, right)
    return made(f"({first} {sign} {second})", kind, left, right)


def _result_of_decimals(sign: str, left: Type, right: Type) -> Type:
    (lp, ls), (rp, rs) = left.numbers, right.numbers
    scale = max(ls, rs)
    if sign in "+-":
        return decimal(min(38, 1 + scale + max(lp - ls, rp - rs)), scale)
    if sign == "*":
        if ls + rs > 38:
            raise Unknown(f"{left} * {right}, whose scale is beyond 38")
        return decimal(min(38, lp + rp), ls + rs)
    if sign == "/":
        return decimal(min(38, lp + rs + max(0, rs - ls)), scale)
    return decimal(min(lp - ls, rp - rs) + scale or 1, scale)


def _decimals(sign: str, left: Typed, right: Typed) -> Typed:
    """Exact, with Trino's precision and scale; Python's decimals do what DuckDB's do not."""
    first, second = (coerced(each, as_decimal(each.type)) for each in (left, right))
    kind = _result_of_decimals(sign, first.type, second.type)
    (lp, _), (rp, _) = first.type.numbers, second.type.numbers
    if sign in "+-" and kind.numbers[0] < 38:
        held = duck(kind)
        sql = f"CAST(CAST({first.sql} AS {held}) {sign} CAST({second.sql} AS {held}) AS {held})"
    elif sign == "*" and lp + rp <= 38:
        sql = f"CAST({first.sql} * {second.sql} AS {duck(kind)})"
    else:
        texts = f"CAST({first.sql} AS VARCHAR), CAST({second.sql} AS VARCHAR)"
        scale = kind.numbers[1]
        sql = f"CAST(a_decimal('{sign}', {texts}, {scale}) AS {duck(kind)})"
    return made(sql, kind, left, right)


def _of_times(sign: str, left: Typed, right: Typed, node: Any) -> Typed | None:
    kinds = (left.type.name, right.type.name)
    if sign == "+" and left.type in (DAYS, MONTHS) and right.type.name in ("date", "timestamp"):
        left, right = right, left
        kinds = (left.type.name, right.type.name)
    if sign in "+-" and kinds[0] in ("date", "timestamp") and right.type in (DAYS, MONTHS):
        sql = f"({left.sql} {sign} {right.sql})"
        if kinds[0] == "date" and right.type == DAYS:
            sql = f"a_date_of({sql}, 'Cannot add hour, minutes or seconds to a date')"
        return made(f"CAST({sql} AS {duck(left.type)})", left.type, left, right)
    if sign == "-" and kinds[0] == kinds[1] and kinds[0] in ("date", "timestamp"):
        parts = f"CAST({left.sql} AS TIMESTAMP) - CAST({right.sql} AS TIMESTAMP)"
        return made(f"({parts})", DAYS, left, right)
    if sign in "+-" and left.type == right.type and left.type in (DAYS, MONTHS):
        return made(f"({left.sql} {sign} {right.sql})", left.type, left, right)
    if "timestamptz" in kinds or DAYS in (left.type, right.type):
        raise Unknown(f"{left.type} {sign} {right.type}")
    return None


@handles(exp.Neg)
def _negative(node: exp.Neg, scope: Scope, context: Context) -> Typed:
    value = compile_expression(node.this, scope, context)
    if not (value.type.is_number or value.type in (DAYS, MONTHS)):
        raise at(node, "TYPE_MISMATCH", f"Cannot negate {value.type}")
    text = f"-{value.literal}" if value.literal else None
    return Typed(f"(-{value.sql})", value.type, value.origins, text)


_UNITS = {
    "YEAR": MONTHS,
    "MONTH": MONTHS,
    "DAY": DAYS,
    "HOUR": DAYS,
    "MINUTE": DAYS,
    "SECOND": DAYS,
}


@handles(exp.Interval)
def _interval(node: exp.Interval, scope: Scope, context: Context) -> Typed:
    unit = node.args.get("unit")
    name = unit.name.upper() if isinstance(unit, exp.Var) else ""
    if name not in _UNITS or not isinstance(node.this, exp.Literal) or not node.this.is_string:
        raise Unknown(f"the interval {node.sql('trino')}")
    if not re.fullmatch(r"[+-]?\d+", node.this.name):
        raise at(node, "INVALID_LITERAL", f"Invalid INTERVAL value: {node.this.name}")
    number = int(node.this.name)
    return Typed(f"(INTERVAL ({number}) {name})", _UNITS[name])


# --- comparison ----------------------------------------------------------------------------------


def _comparable(kind: Type, node: Any) -> None:
    if kind.name in ("row", "map", "json", "timestamptz array"):
        raise Unknown(f"a comparison of {kind}: {node.sql('trino')}")
    if kind.name == "array" and (kind.item.items or kind.item.name in ("double", "real")):
        raise Unknown(f"a comparison of {kind}: {node.sql('trino')}")


def compared(sign: str, left: Typed, right: Typed, node: Any) -> Typed:
    """Two values by =, <>, <, >, <= or >=."""
    kind = common(left.type, right.type)
    if kind is None:
        raise at(node, "TYPE_MISMATCH", f"Cannot apply operator: {left.type} {sign} {right.type}")
    _comparable(kind, node)
    first, second = coerced(left, kind), coerced(right, kind)
    a, b = first.sql, second.sql
    if kind.name == "timestamptz":
        a, b = f"struct_extract({a}, 'at')", f"struct_extract({b}, 'at')"
    sql = f"({a} {sign} {b})"
    if kind.name in ("double", "real"):
        sql = _without_nan(sign, first, second, sql)
    elif kind.name == "array":
        sql = _of_arrays(sign, a, b, sql)
    return made(sql, BOOLEAN, left, right)


def _without_nan(sign: str, left: Typed, right: Typed, sql: str) -> str:
    """NaN is equal to nothing in Trino, and equal to itself and the greatest in DuckDB."""
    unsure = [each.sql for each in (left, right) if each.literal is None]
    if not unsure:
        return sql
    if sign == "<>":
        return f"({sql} OR {' OR '.join(f'isnan({each})' for each in unsure)})"
    return f"({sql} AND {' AND '.join(f'NOT isnan({each})' for each in unsure)})"


def _of_arrays(sign: str, left: str, right: str, sql: str) -> str:
    if sign not in ("=", "<>"):
        raise Unknown(f"the order of arrays: {sign}")
    nulls = f"(list_count({left}) < len({left}) OR list_count({right}) < len({right}))"
    same = f"CASE WHEN len({left}) = len({right}) AND {nulls} THEN NULL ELSE {sql} END"
    return f"({same})"


def _tuples(sign: str, left: exp.Tuple, right: exp.Tuple, node: Any) -> exp.Expression:
    if len(left.expressions) != len(right.expressions) or sign not in ("=", "<>"):
        raise Unknown(f"the comparison {node.sql('trino')}")
    pairs = zip(left.expressions, right.expressions, strict=True)
    parts = [exp.EQ(this=a.copy(), expression=b.copy()) for a, b in pairs]
    whole = exp.paren(exp.and_(*parts))
    return whole if sign == "=" else exp.Not(this=whole)


@handles(*_COMPARISONS)
def _comparison(node: exp.Binary, scope: Scope, context: Context) -> Typed:
    sign = _COMPARISONS[type(node)]
    if isinstance(node.left, exp.Tuple) and isinstance(node.right, exp.Tuple):
        return compile_expression(_tuples(sign, node.left, node.right, node), scope, context)
    if _quantifier(node.right) is not None:
        return _quantified(sign, node, scope, context)
    left = compile_expression(node.left, scope, context)
    right = compile_expression(node.right, scope, context)
    return compared(sign, left, right, node)


def _quantifier(node: Any) -> tuple[str, Any] | None:
    if isinstance(node, exp.Any | exp.All):
        return ("ANY" if isinstance(node, exp.Any) else "ALL"), node.this
    if isinstance(node, exp.Anonymous) and node.name.lower() in ("all", "any", "some"):
        return ("ALL" if node.name.lower() == "all" else "ANY"), node.expressions[0]
    return None


def _quantified(sign: str, node: exp.Binary, scope: Scope, context: Context) -> Typed:
    found = _quantifier(node.right)
    assert found is not None
    left = compile_expression(node.left, scope, context)
    sql, kind = compile_subquery(found[1], scope, context)
    both = common(left.type, kind)
    if both is None:
        raise at(node, "TYPE_MISMATCH", f"Cannot apply operator: {left.type} {sign} {kind}")
    _comparable(both, node)
    rows = f"(SELECT CAST(c0 AS {duck(both)}) FROM ({sql}) AS {context.alias()}(c0))"
    return Typed(f"({coerced(left, both).sql} {sign} {found[0]} {rows})", BOOLEAN, None)


@handles(exp.NullSafeNEQ, exp.NullSafeEQ)
def _distinct(node: exp.Binary, scope: Scope, context: Context) -> Typed:
    left = compile_expression(node.left, scope, context)
    right = compile_expression(node.right, scope, context)
    kind = common(left.type, right.type)
    if kind is None:
        words = f"Cannot apply operator: {left.type} IS DISTINCT FROM {right.type}"
        raise at(node, "TYPE_MISMATCH", words)
    _comparable(kind, node)
    how = "IS DISTINCT FROM" if isinstance(node, exp.NullSafeNEQ) else "IS NOT DISTINCT FROM"
    sql = f"({coerced(left, kind).sql} {how} {coerced(right, kind).sql})"
    return made(sql, BOOLEAN, left, right)


@handles(exp.Is)
def _is(node: exp.Is, scope: Scope, context: Context) -> Typed:
    value = compile_expression(node.this, scope, context)
    if isinstance(node.expression, exp.Null):
        return made(f"({value.sql} IS NULL)", BOOLEAN, value)
    raise at(node, "SYNTAX_ERROR", f"mismatched input '{node.expression.sql('trino').lower()}'")


@handles(exp.Between)
def _between(node: exp.Between, scope: Scope, context: Context) -> Typed:
    value, low, high = (
        compile_expression(each, scope, context)
        for each in (node.this, node.args["low"], node.args["high"])
    )
    above = compared(">=", value, low, node)
    below = compared("<=", value, high, node)
    return made(f"({above.sql} AND {below.sql})", BOOLEAN, value, low, high)


@handles(exp.In)
def _in(node: exp.In, scope: Scope, context: Context) -> Typed:
    if isinstance(node.this, exp.Tuple):
        return _tuple_in(node, scope, context)
    value = compile_expression(node.this, scope, context)
    if node.args.get("query") is not None:
        return _in_subquery(value, node, scope, context)
    if node.args.get("unnest") or node.args.get("field"):
        raise Unknown(f"the expression {node.sql('trino')}")
    items = [compile_expression(each, scope, context) for each in node.expressions]
    words = "IN value and list items must be the same type: {}"
    both, kind = in_common([value, *items], node, words)
    _comparable(kind, node)
    if kind.name == "timestamptz" or kind.name == "array":
        parts = [compared("=", value, each, node).sql for each in items]
        return made(f"({' OR '.join(parts)})", BOOLEAN, *both)
    inside = ", ".join(each.sql for each in both[1:])
    return made(f"({both[0].sql} IN ({inside}))", BOOLEAN, *both)


def _tuple_in(node: exp.In, scope: Scope, context: Context) -> Typed:
    if not node.expressions or not all(isinstance(e, exp.Tuple) for e in node.expressions):
        raise Unknown(f"the expression {node.sql('trino')}")
    parts = [_tuples("=", node.this, each, node) for each in node.expressions]
    return compile_expression(exp.or_(*parts), scope, context)


def _in_subquery(value: Typed, node: exp.In, scope: Scope, context: Context) -> Typed:
    sql, kind = compile_subquery(node.args["query"], scope, context)
    both = common(value.type, kind)
    if both is None:
        words = "Value expression and result of subquery must be of the same type: "
        raise at(node, "TYPE_MISMATCH", f"{words}{value.type} vs {kind}")
    _comparable(both, node)
    rows = f"SELECT CAST(c0 AS {duck(both)}) FROM ({sql}) AS {context.alias()}(c0)"
    return Typed(f"({coerced(value, both).sql} IN ({rows}))", BOOLEAN, None)


@handles(exp.Exists)
def _exists(node: exp.Exists, scope: Scope, context: Context) -> Typed:
    return Typed(f"EXISTS ({context.compile_query(node.this, scope, context).sql})", BOOLEAN, None)


@handles(exp.Subquery, exp.Select, exp.Union)
def _scalar(node: exp.Subquery, scope: Scope, context: Context) -> Typed:
    sql, kind = compile_subquery(node, scope, context)
    return Typed(f"({sql})", kind, None)


def _like(node: Any, scope: Scope, context: Context, escape: Any = None) -> Typed:
    value, pattern = (compile_expression(e, scope, context) for e in (node.this, node.expression))
    parts = [value, pattern]
    if escape is not None:
        parts.append(compile_expression(escape, scope, context))
    for each in parts:
        if each.type.name not in ("varchar", "unknown"):
            words = f"Left side of LIKE expression must evaluate to a varchar (actual: {each.type})"
            raise at(node, "TYPE_MISMATCH", words)
    texts = [coerced(each, VARCHAR).sql for each in parts]
    ending = f" ESCAPE {texts[2]}" if escape is not None else ""
    sql = f"({texts[0]} LIKE {texts[1]}{ending})"
    return made(f"(NOT {sql})" if node.args.get("negate") else sql, BOOLEAN, *parts)


@handles(exp.Like)
def _plain_like(node: exp.Like, scope: Scope, context: Context) -> Typed:
    return _like(node, scope, context)


@handles(exp.Escape)
def _escaped_like(node: exp.Escape, scope: Scope, context: Context) -> Typed:
    if not isinstance(node.this, exp.Like):
        raise Unknown(f"the expression {node.sql('trino')}")
    return _like(node.this, scope, context, node.expression)


# --- logic ---------------------------------------------------------------------------------------


@handles(exp.And, exp.Or)
def _logic(node: exp.Connector, scope: Scope, context: Context) -> Typed:
    words = "Logical expression term must evaluate to a boolean (actual: {})"
    parts = [
        as_boolean(compile_expression(each, scope, context), each, words)
        for each in node.flatten(unnest=False)
    ]
    word = " AND " if isinstance(node, exp.And) else " OR "
    return made(f"({word.join(each.sql for each in parts)})", BOOLEAN, *parts)


@handles(exp.Not)
def _not(node: exp.Not, scope: Scope, context: Context) -> Typed:
    value = compile_expression(node.this, scope, context)
    words = "Value of logical NOT expression must evaluate to a boolean (actual: {})"
    value = as_boolean(value, node, words)
    return made(f"(NOT {value.sql})", BOOLEAN, value)


def conditional(
    pairs: list[tuple[Typed, Typed]], otherwise: Typed | None, node: Any, words: str
) -> Typed:
    """CASE WHEN … THEN … END."""
    values = [value for _, value in pairs] + [otherwise or Typed("NULL", UNKNOWN)]
    values, kind = in_common(values, node, words)
    when = " ".join(
        f"WHEN {condition.sql} THEN {value.sql}"
        for (condition, _), value in zip(pairs, values[:-1], strict=True)
    )
    sql = f"(CASE {when} ELSE {values[-1].sql} END)"
    return made(sql, kind, *(condition for condition, _ in pairs), *values)


@handles(exp.Case)
def _case(node: exp.Case, scope: Scope, context: Context) -> Typed:
    operand = compile_expression(node.this, scope, context) if node.this else None
    pairs = []
    for each in node.args["ifs"]:
        condition = compile_expression(each.this, scope, context)
        if operand is not None:
            condition = compared("=", operand, condition, each)
        words = "CASE WHEN clause must evaluate to a boolean (actual: {})"
        condition = as_boolean(condition, each, words)
        pairs.append((condition, compile_expression(each.args["true"], scope, context)))
    default = node.args.get("default")
    otherwise = compile_expression(default, scope, context) if default else None
    return conditional(pairs, otherwise, node, "All CASE results must be the same type: {}")


@handles(exp.If)
def _if(node: exp.If, scope: Scope, context: Context) -> Typed:
    condition = as_boolean(
        compile_expression(node.this, scope, context),
        node,
        "IF condition must evaluate to a boolean (actual: {})",
    )
    then = compile_expression(node.args["true"], scope, context)
    default = node.args.get("false")
    otherwise = compile_expression(default, scope, context) if default else None
    words = "Result types for IF must be the same: {}"
    return conditional([(condition, then)], otherwise, node, words)


# --- arrays, rows, subscripts, texts -------------------------------------------------------------


@handles(exp.Array)
def _array(node: exp.Array, scope: Scope, context: Context) -> Typed:
    values = [compile_expression(each, scope, context) for each in node.expressions]
    values, kind = in_common(values, node, "All ARRAY elements must be the same type: {}")
    inside = ", ".join(each.sql for each in values)
    sql = f"CAST([{inside}] AS {duck(kind)}[])" if kind == UNKNOWN or not values else f"[{inside}]"
    return made(sql, array(kind), *values)


def row_value(values: list[Typed]) -> Typed:
    inside = ", ".join(f"'f{number}': {each.sql}" for number, each in enumerate(values))
    kind = Type(
        "row", items=tuple(each.type for each in values), fields=tuple(None for _ in values)
    )
    return made(f"{{{inside}}}", kind, *values)


@handles(exp.Tuple)
def _tuple(node: exp.Tuple, scope: Scope, context: Context) -> Typed:
    return row_value([compile_expression(each, scope, context) for each in node.expressions])


@handles(exp.Bracket)
def _subscript(node: exp.Bracket, scope: Scope, context: Context) -> Typed:
    value = compile_expression(node.this, scope, context)
    if len(node.expressions) != 1 or isinstance(node.expressions[0], exp.Slice):
        raise at(node, "SYNTAX_ERROR", "mismatched input ':'")
    index = compile_expression(node.expressions[0], scope, context)
    if value.type.name == "array" and index.type.is_integer:
        checked = f"a_subscript(CAST({index.sql} AS BIGINT), len({value.sql}))"
        return made(f"({value.sql})[{checked}]", value.type.item, value, index)
    if value.type.name == "map":
        kind = common(value.type.items[0], index.type)
        if kind is not None:
            key = coerced(index, value.type.items[0])
            there = f"a_key(map_contains({value.sql}, {key.sql}), CAST({key.sql} AS VARCHAR))"
            sql = f"(CASE WHEN {there} THEN ({value.sql})[{key.sql}] END)"
            return made(sql, value.type.item, value, index)
    if value.type.name == "row" and index.literal is not None and index.type.is_integer:
        place = int(index.literal) - 1
        if not 0 <= place < len(value.type.items):
            raise at(node, "INVALID_FUNCTION_ARGUMENT", f"Index out of range: {place + 1}")
        return made(f"struct_extract({value.sql}, 'f{place}')", value.type.items[place], value)
    raise at(node, "TYPE_MISMATCH", f"Cannot use {index.type} for subscript of {value.type}")


def concatenated(values: list[Typed], node: Any) -> Typed:
    """|| of texts or arrays; an array takes an element on either side."""
    if all(each.type.name in ("varchar", "unknown") for each in values):
        sql = " || ".join(coerced(each, VARCHAR).sql for each in values)
        return made(f"({sql})", VARCHAR, *values)
    arrays = [each.type for each in values if each.type.name == "array"]
    if not arrays or any(each.type == UNKNOWN for each in values):
        shown = ", ".join(str(each.type) for each in values)
        words = f"Unexpected parameters ({shown}) for function concat"
        raise at(node, "FUNCTION_NOT_FOUND", words)
    lists = [
        each if each.type.name == "array" else made(f"[{each.sql}]", array(each.type), each)
        for each in values
    ]
    lists, kind = in_common(lists, node, "Unexpected parameters for function concat: {}")
    return made(f"({' || '.join(each.sql for each in lists)})", kind, *values)


@handles(exp.DPipe)
def _concat(node: exp.DPipe, scope: Scope, context: Context) -> Typed:
    parts = [compile_expression(each, scope, context) for each in node.flatten(unnest=False)]
    return concatenated(parts, node)
