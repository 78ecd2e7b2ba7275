"""Functions of arrays, with lambdas too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from airscoop.local.athena.casts import cast
from airscoop.local.athena.context import (
    Context,
    as_boolean,
    coerced,
    compile_expression,
    in_common,
    made,
)
from airscoop.local.athena.failures import Unknown, at
from airscoop.local.athena.functions import function, special, wrong_arguments
from airscoop.local.athena.python_functions import failed
from airscoop.local.athena.python_functions import function as python
from airscoop.local.athena.scopes import Field, Scope, Typed
from airscoop.local.athena.types import (
    BIGINT,
    BOOLEAN,
    DATE,
    VARCHAR,
    Type,
    array,
    common,
    duck,
    row,
)


@dataclass(frozen=True)
class Lambda:
    """A lambda whose parameters have types: `lambda names: body` of DuckDB."""

    names: list[str]
    body: Typed

    @property
    def sql(self) -> str:
        return f"lambda {', '.join(self.names)}: {self.body.sql}"


def lambda_of(node: Any, kinds: list[Type], scope: Scope, context: Context) -> Lambda:
    """Compiles a lambda for parameters of these types."""
    if not isinstance(node, exp.Lambda):
        raise at(node, "TYPE_MISMATCH", f"Expected a lambda, not {node.sql('trino')}")
    if len(node.expressions) != len(kinds):
        words = (
            f"Expected a lambda that takes {len(kinds)} argument(s) but got {len(node.expressions)}"
        )
        raise at(node, "INVALID_ARGUMENTS", words)
    names = [context.alias("x") for _ in kinds]
    fields = [
        Field(each.name.lower(), kind, name)
        for each, kind, name in zip(node.expressions, kinds, names, strict=True)
    ]
    return Lambda(names, compile_expression(node.this, Scope(fields, scope, scope.ctes), context))


def _array(name: str, values: list[Typed], node: Any, place: int = 0) -> Typed:
    if place >= len(values) or values[place].type.name != "array":
        raise wrong_arguments(name, values, node)
    return values[place]


def plain_items(value: Typed, name: str) -> None:
    """Refuses what DuckDB compares otherwise than Trino."""
    if value.type.name == "array" and (
        value.type.item.items or value.type.item.name in ("json", "timestamptz")
    ):
        raise Unknown(f"{name} of {value.type}")


@function("cardinality")
def _cardinality(values: list[Typed], node: Any) -> Typed:
    if len(values) != 1 or values[0].type.name not in ("array", "map"):
        raise wrong_arguments("cardinality", values, node)
    name = "len" if values[0].type.name == "array" else "cardinality"
    return made(f"CAST({name}({values[0].sql}) AS BIGINT)", BIGINT, *values)


@function("element_at")
def _element_at(values: list[Typed], node: Any) -> Typed:
    if len(values) != 2:
        raise wrong_arguments("element_at", values, node)
    value, index = values
    if value.type.name == "array" and index.type.is_integer:
        sql = f"list_extract({value.sql}, a_element_index(CAST({index.sql} AS BIGINT)))"
        return made(sql, value.type.item, *values)
    if value.type.name == "map" and common(value.type.items[0], index.type) is not None:
        key = coerced(index, value.type.items[0])
        return made(f"({value.sql})[{key.sql}]", value.type.item, *values)
    raise wrong_arguments("element_at", values, node)


@python("BIGINT", "BIGINT")
def element_index(index: int) -> int:
    if index == 0:
        raise failed("INVALID_FUNCTION_ARGUMENT", "SQL array indices start at 1")
    return index


def _with_item(name: str, values: list[Typed], node: Any) -> tuple[Typed, Typed]:
    value = _array(name, values, node)
    if len(values) != 2 or common(value.type.item, values[1].type) is None:
        raise wrong_arguments(name, values, node)
    plain_items(value, name)
    kind = common(value.type.item, values[1].type)
    assert kind is not None
    return coerced(value, array(kind)), coerced(values[1], kind)


@function("contains")
def _contains(values: list[Typed], node: Any) -> Typed:
    """NULL where the element is not there and a NULL is."""
    value, item = _with_item("contains", values, node)
    sql = (
        f"(CASE WHEN {value.sql} IS NULL OR {item.sql} IS NULL THEN NULL "
        f"WHEN list_contains({value.sql}, {item.sql}) THEN true "
        f"WHEN list_count({value.sql}) < len({value.sql}) THEN NULL ELSE false END)"
    )
    return made(sql, BOOLEAN, *values)


@function("array_position")
def _array_position(values: list[Typed], node: Any) -> Typed:
    value, item = _with_item("array_position", values, node)
    sql = (
        f"(CASE WHEN {value.sql} IS NULL OR {item.sql} IS NULL THEN NULL "
        f"ELSE coalesce(list_position({value.sql}, {item.sql}), 0) END)"
    )
    return made(f"CAST({sql} AS BIGINT)", BIGINT, *values)


@function("array_remove")
def _array_remove(values: list[Typed], node: Any) -> Typed:
    value, item = _with_item("array_remove", values, node)
    sql = (
        f"(CASE WHEN {item.sql} IS NOT NULL THEN list_filter({value.sql}, lambda e: e IS "
        f"DISTINCT FROM {item.sql}) END)"
    )
    return made(sql, value.type, *values)


@function("array_distinct")
def _array_distinct(values: list[Typed], node: Any) -> Typed:
    value = _array("array_distinct", values, node)
    plain_items(value, "array_distinct")
    sql = (
        f"list_filter({value.sql}, lambda e, n: "
        f"len(list_filter(({value.sql})[1 : CAST(n AS BIGINT) - 1], lambda o: o IS NOT "
        "DISTINCT FROM e)) = 0)"
    )
    return made(sql, value.type, *values)


@function("array_sort")
def _array_sort(values: list[Typed], node: Any) -> Typed:
    value = _array("array_sort", values, node)
    if len(values) != 1:
        raise Unknown("array_sort with a comparator")
    plain_items(value, "array_sort")
    return made(f"list_sort({value.sql}, 'ASC', 'NULLS LAST')", value.type, *values)


def _extreme(name: str, values: list[Typed], node: Any) -> Typed:
    value = _array(f"array_{name}", values, node)
    plain_items(value, f"array_{name}")
    sql = (
        f"(CASE WHEN list_count({value.sql}) = len({value.sql}) THEN list_{name}({value.sql}) END)"
    )
    return made(sql, value.type.item, *values)


@function("array_max")
def _array_max(values: list[Typed], node: Any) -> Typed:
    return _extreme("max", values, node)


@function("array_min")
def _array_min(values: list[Typed], node: Any) -> Typed:
    return _extreme("min", values, node)


@function("array_join")
def _array_join(values: list[Typed], node: Any) -> Typed:
    value = _array("array_join", values, node)
    if len(values) not in (2, 3) or any(each.type.name != "varchar" for each in values[1:]):
        raise wrong_arguments("array_join", values, node)
    if value.type.item.items:
        raise wrong_arguments("array_join", values, node)
    texts = (
        cast(value, array(VARCHAR), node).sql if value.type.item.name != "varchar" else value.sql
    )
    texts = f"CAST({texts} AS VARCHAR[])"
    if len(values) == 3:
        sql = f"a_join_all({texts}, {values[1].sql}, {values[2].sql})"
    else:
        sql = f"a_join({texts}, {values[1].sql})"
    return made(sql, VARCHAR, *values)


@python("VARCHAR[];VARCHAR", "VARCHAR")
def join(values: list[str | None], by: str) -> str:
    return by.join(each for each in values if each is not None)


@python("VARCHAR[];VARCHAR;VARCHAR", "VARCHAR")
def join_all(values: list[str | None], by: str, null: str) -> str:
    return by.join(null if each is None else each for each in values)


@function("flatten")
def _flatten(values: list[Typed], node: Any) -> Typed:
    value = _array("flatten", values, node)
    if value.type.item.name != "array":
        raise wrong_arguments("flatten", values, node)
    return made(
        f"flatten(list_filter({value.sql}, lambda e: e IS NOT NULL))", value.type.item, *values
    )


@function("slice")
def _slice(values: list[Typed], node: Any) -> Typed:
    value = _array("slice", values, node)
    if len(values) != 3 or not all(each.type.is_integer for each in values[1:]):
        raise wrong_arguments("slice", values, node)
    start = f"a_slice_start(CAST({values[1].sql} AS BIGINT), len({value.sql}))"
    count = f"a_slice_length(CAST({values[2].sql} AS BIGINT))"
    sql = f"({value.sql})[{start} : {start} + {count} - 1]"
    return made(
        (
            f"(CASE WHEN {start} > 0 AND {count} > 0 THEN {sql} WHEN {value.sql} IS NOT NULL "
            "THEN [] END)"
        ),
        value.type,
        *values,
    )


@python("BIGINT;BIGINT", "BIGINT")
def slice_start(start: int, length: int) -> int:
    """0: beyond the beginning, which gives nothing."""
    if start == 0:
        raise failed("INVALID_FUNCTION_ARGUMENT", "SQL array indices start at 1")
    return start if start > 0 else max(0, length + start + 1)


@python("BIGINT", "BIGINT")
def slice_length(length: int) -> int:
    if length < 0:
        words = "length must be greater than or equal to 0"
        raise failed("INVALID_FUNCTION_ARGUMENT", words)
    return length


@function("sequence")
def _sequence(values: list[Typed], node: Any) -> Typed:
    if len(values) in (2, 3) and all(each.type.is_integer for each in values):
        low, high, *step = (f"CAST({each.sql} AS BIGINT)" for each in values)
        by = step[0] if step else f"(CASE WHEN {low} <= {high} THEN 1 ELSE -1 END)"
        return made(f"a_sequence({low}, {high}, {by})", array(BIGINT), *values)
    if len(values) == 2 and all(each.type == DATE for each in values):
        low, high = (
            f"CAST(date_diff('day', DATE '1970-01-01', {each.sql}) AS BIGINT)" for each in values
        )
        by = f"(CASE WHEN {low} <= {high} THEN 1 ELSE -1 END)"
        days = f"a_sequence({low}, {high}, {by})"
        sql = f"list_transform({days}, lambda d: DATE '1970-01-01' + CAST(d AS INTEGER))"
        return made(f"CAST({sql} AS DATE[])", array(DATE), *values)
    if (
        len(values) == 3
        and values[0].type.name in ("date", "timestamp")
        and values[0].type == values[1].type
    ):
        first, last, by_step = values
        sql = (
            f"generate_series(CAST({first.sql} AS TIMESTAMP), CAST({last.sql} AS TIMESTAMP), "
            f"{by_step.sql})"
        )
        return made(f"CAST({sql} AS {duck(first.type)}[])", array(first.type), *values)
    raise wrong_arguments("sequence", values, node)


@python("BIGINT;BIGINT;BIGINT", "BIGINT[]")
def sequence(low: int, high: int, step: int) -> list[int]:
    if step == 0:
        raise failed("INVALID_FUNCTION_ARGUMENT", "step must not be zero")
    if (high - low) * step < 0:
        words = (
            "sequence stop value should be greater than or equal to start value if step is "
            "greater than zero otherwise stop should be less than or equal to start"
        )
        raise failed("INVALID_FUNCTION_ARGUMENT", words)
    if (high - low) // step >= 10_000:
        words = "result of sequence function must not have more than 10000 entries"
        raise failed("INVALID_FUNCTION_ARGUMENT", words)
    return list(range(low, high + (1 if step > 0 else -1), step))


@function("repeat")
def _repeat(values: list[Typed], node: Any) -> Typed:
    if len(values) != 2 or not values[1].type.is_integer:
        raise wrong_arguments("repeat", values, node)
    sql = f"list_transform(range(CAST({values[1].sql} AS BIGINT)), lambda n: {values[0].sql})"
    return made(sql, array(values[0].type), *values)


def _sets(name: str, values: list[Typed], node: Any) -> tuple[list[Typed], Type]:
    if len(values) != 2:
        raise wrong_arguments(name, values, node)
    for place in (0, 1):
        plain_items(_array(name, values, node, place), name)
    return in_common(values, node, f"Unexpected parameters for function {name}: {{}}")


def _distinct_sql(sql: str) -> str:
    return (
        f"list_transform([{sql}], lambda l: list_filter(l, lambda e, n: len(list_filter("
        "l[1 : CAST(n AS BIGINT) - 1], lambda o: o IS NOT DISTINCT FROM e)) = 0))[1]"
    )


@function("array_union")
def _array_union(values: list[Typed], node: Any) -> Typed:
    (a, b), kind = _sets("array_union", values, node)
    return made(_distinct_sql(f"({a.sql} || {b.sql})"), kind, *values)


@function("array_intersect")
def _array_intersect(values: list[Typed], node: Any) -> Typed:
    (a, b), kind = _sets("array_intersect", values, node)
    sql = (
        f"list_filter({a.sql}, lambda e: len(list_filter({b.sql}, lambda o: o IS NOT DISTINCT "
        "FROM e)) > 0)"
    )
    return made(f"(CASE WHEN {b.sql} IS NOT NULL THEN {_distinct_sql(sql)} END)", kind, *values)


@function("array_except")
def _array_except(values: list[Typed], node: Any) -> Typed:
    (a, b), kind = _sets("array_except", values, node)
    sql = (
        f"list_filter({a.sql}, lambda e: len(list_filter({b.sql}, lambda o: o IS NOT DISTINCT "
        "FROM e)) = 0)"
    )
    return made(f"(CASE WHEN {b.sql} IS NOT NULL THEN {_distinct_sql(sql)} END)", kind, *values)


@function("arrays_overlap")
def _arrays_overlap(values: list[Typed], node: Any) -> Typed:
    (a, b), _ = _sets("arrays_overlap", values, node)
    sql = (
        f"(CASE WHEN {a.sql} IS NULL OR {b.sql} IS NULL THEN NULL "
        f"WHEN len(list_filter({a.sql}, lambda e: e IS NOT NULL AND "
        f"list_contains({b.sql}, e))) > 0 THEN true "
        f"WHEN len({a.sql}) > 0 AND len({b.sql}) > 0 AND (list_count({a.sql}) < "
        f"len({a.sql}) OR list_count({b.sql}) < len({b.sql})) THEN NULL "
        "ELSE false END)"
    )
    return made(sql, BOOLEAN, *values)


@function("zip")
def _zip(values: list[Typed], node: Any) -> Typed:
    for place in range(len(values)):
        _array("zip", values, node, place)
    kind = row(*((None, each.type.item) for each in values))
    most = f"greatest({', '.join(f'len({each.sql})' for each in values)})"
    members = ", ".join(f"'f{n}': ({each.sql})[i]" for n, each in enumerate(values))
    nulls = " OR ".join(f"{each.sql} IS NULL" for each in values)
    sql = (
        f"(CASE WHEN {nulls} THEN NULL ELSE list_transform(range(1, {most} + 1), lambda i: "
        f"{{{members}}}) END)"
    )
    return made(sql, array(kind), *values)


# --- lambdas -------------------------------------------------------------------------------------


def _first_array(node: Any, count: int, scope: Scope, context: Context) -> Typed:
    name = node.name.lower()
    if len(node.expressions) != count:
        raise at(node, "FUNCTION_NOT_FOUND", f"Unexpected parameters for function {name}")
    value = compile_expression(node.expressions[0], scope, context)
    if value.type.name != "array":
        raise wrong_arguments(name, [value], node)
    return value


@special("transform")
def _transform(node: Any, scope: Scope, context: Context) -> Typed:
    value = _first_array(node, 2, scope, context)
    call = lambda_of(node.expressions[1], [value.type.item], scope, context)
    sql = f"list_transform({value.sql}, {call.sql})"
    return Typed(sql, array(call.body.type), None)


@special("filter")
def _filter(node: Any, scope: Scope, context: Context) -> Typed:
    value = _first_array(node, 2, scope, context)
    call = lambda_of(node.expressions[1], [value.type.item], scope, context)
    as_boolean(call.body, node, "Lambda of filter must give a boolean (actual: {})")
    return Typed(f"list_filter({value.sql}, {call.sql})", value.type, None)


def _match(node: Any, scope: Scope, context: Context) -> str:
    """The array of what the predicate says of each element."""
    value = _first_array(node, 2, scope, context)
    call = lambda_of(node.expressions[1], [value.type.item], scope, context)
    as_boolean(call.body, node, "Lambda must give a boolean (actual: {})")
    return f"list_transform({value.sql}, {call.sql})"


def _matched(found: str, sure: str, otherwise: str) -> Typed:
    sql = (
        f"list_transform([{found}], lambda m: CASE WHEN m IS NULL THEN NULL "
        f"WHEN list_contains(m, {sure}) THEN {'true' if otherwise == 'false' else 'false'} "
        f"WHEN list_count(m) < len(m) THEN NULL ELSE {otherwise} END)[1]"
    )
    return Typed(sql, BOOLEAN, None)


@special("any_match")
def _any_match(node: Any, scope: Scope, context: Context) -> Typed:
    return _matched(_match(node, scope, context), "true", "false")


@special("all_match")
def _all_match(node: Any, scope: Scope, context: Context) -> Typed:
    return _matched(_match(node, scope, context), "false", "true")


@special("none_match")
def _none_match(node: Any, scope: Scope, context: Context) -> Typed:
    return _matched(_match(node, scope, context), "true", "true")


@special("reduce")
def _reduce(node: Any, scope: Scope, context: Context) -> Typed:
    """The state begins as given; each step must keep its type."""
    value = _first_array(node, 4, scope, context)
    start = compile_expression(node.expressions[1], scope, context)
    step = lambda_of(node.expressions[2], [start.type, value.type.item], scope, context)
    if (kind := common(start.type, step.body.type)) is None:
        raise wrong_arguments("reduce", [value, start], node)
    if kind != start.type:
        start = coerced(start, kind)
        step = lambda_of(node.expressions[2], [kind, value.type.item], scope, context)
        if step.body.type != kind and duck(step.body.type) != duck(kind):
            raise wrong_arguments("reduce", [value, start], node)
    end = lambda_of(node.expressions[3], [kind], scope, context)
    state, item = step.names
    # DuckDB's list_reduce wants elements and state of one type: both ride in one structure.
    pair = f"{{'s': CAST({start.sql} AS {duck(kind)}), 'e': CAST(NULL AS {duck(value.type.item)})}}"
    items = f"list_transform({value.sql}, lambda e: {{'s': CAST(NULL AS {duck(kind)}), 'e': e}})"
    body = step.body.sql
    folded = (
        f"list_reduce({items}, lambda p, q: {{'s': list_transform([p.s], lambda {state}: "
        f"list_transform([q.e], lambda {item}: CAST({body} AS {duck(kind)}))[1])[1], "
        f"'e': CAST(NULL AS {duck(value.type.item)})}}, {pair})"
    )
    sql = (
        f"list_transform([struct_extract({folded}, 's')], lambda {end.names[0]}: {end.body.sql})[1]"
    )
    return Typed(f"(CASE WHEN {value.sql} IS NOT NULL THEN {sql} END)", end.body.type, None)


@special("zip_with")
def _zip_with(node: Any, scope: Scope, context: Context) -> Typed:
    first = _first_array(node, 3, scope, context)
    second = compile_expression(node.expressions[1], scope, context)
    if second.type.name != "array":
        raise wrong_arguments("zip_with", [first, second], node)
    call = lambda_of(node.expressions[2], [first.type.item, second.type.item], scope, context)
    one, two = call.names
    most = f"greatest(len({first.sql}), len({second.sql}))"
    sql = (
        f"(CASE WHEN {first.sql} IS NULL OR {second.sql} IS NULL THEN NULL ELSE "
        f"list_transform(range(1, {most} + 1), lambda i: "
        f"list_transform([({first.sql})[i]], lambda {one}: "
        f"list_transform([({second.sql})[i]], lambda {two}: {call.body.sql})[1])[1]) END)"
    )
    return Typed(sql, array(call.body.type), None)
