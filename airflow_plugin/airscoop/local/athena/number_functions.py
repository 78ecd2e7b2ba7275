"""Functions of numbers."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from airscoop.local.athena.context import coerced, made
from airscoop.local.athena.failures import Unknown
from airscoop.local.athena.functions import function, simple, wrong_arguments
from airscoop.local.athena.operators import arithmetic
from airscoop.local.athena.python_functions import failed
from airscoop.local.athena.python_functions import function as python
from airscoop.local.athena.scopes import Typed
from airscoop.local.athena.types import DOUBLE, INTEGER, as_decimal, decimal, duck

for _name in ("sin", "cos", "tan", "atan", "radians", "degrees"):
    simple(_name, f"double -> double: {_name}({{0}})")
for _name in ("sqrt", "cbrt", "ln", "log2", "log10", "exp", "asin", "acos", "sinh", "cosh", "tanh"):
    simple(_name, f"double -> double: a_{_name}({{0}})")
simple("log", "double, double -> double: a_log({0}, {1})")
simple("atan2", "double, double -> double: atan2({0}, {1})")
simple("power", "double, double -> double: a_power({0}, {1})")
simple("pow", "double, double -> double: a_power({0}, {1})")
simple("pi", "-> double: pi()")
simple("e", "-> double: exp(CAST(1 AS DOUBLE))")
simple("infinity", "-> double: CAST('Infinity' AS DOUBLE)")
simple("nan", "-> double: CAST('NaN' AS DOUBLE)")
simple("is_nan", "double -> boolean: isnan({0})")
simple("is_finite", "double -> boolean: isfinite({0})")
simple("is_infinite", "double -> boolean: isinf({0})")
simple("bitwise_and", "bigint, bigint -> bigint: ({0} & {1})")
simple("bitwise_or", "bigint, bigint -> bigint: ({0} | {1})")
simple("bitwise_xor", "bigint, bigint -> bigint: xor({0}, {1})")
simple("bitwise_not", "bigint -> bigint: (~{0})")
simple("from_base", "varchar, bigint -> bigint: a_from_base({0}, {1})")
simple("to_base", "bigint, bigint -> varchar: a_to_base({0}, {1})")
simple(
    "width_bucket", "double, double, double, bigint -> bigint: a_width_bucket({0}, {1}, {2}, {3})"
)


def _keeps(name: str, values: list[Typed], node: Any) -> Typed:
    if len(values) != 1 or not values[0].type.is_number:
        raise wrong_arguments(name, values, node)
    return values[0]


@function("mod")
def _mod(values: list[Typed], node: Any) -> Typed:
    if len(values) != 2 or not all(each.type.is_number for each in values):
        raise wrong_arguments("mod", values, node)
    return arithmetic("%", values[0], values[1])


@function("abs")
def _abs(values: list[Typed], node: Any) -> Typed:
    value = _keeps("abs", values, node)
    return made(f"abs({value.sql})", value.type, value)


@function("sign")
def _sign(values: list[Typed], node: Any) -> Typed:
    value = _keeps("sign", values, node)
    kind = decimal(1, 0) if value.type.name == "decimal" else value.type
    return made(f"CAST(sign({value.sql}) AS {duck(kind)})", kind, value)


def _whole(name: str, values: list[Typed], node: Any) -> Typed:
    """ceil and floor of a decimal have one digit more before the point, and none after."""
    value = _keeps(name, values, node)
    kind = value.type
    if kind.is_integer:
        return value
    if kind.name == "decimal":
        precision, scale = kind.numbers
        kind = decimal(min(38, precision - scale + min(scale, 1)), 0)
    return made(f"CAST({name}({value.sql}) AS {duck(kind)})", kind, value)


@function("ceil", "ceiling")
def _ceil(values: list[Typed], node: Any) -> Typed:
    return _whole("ceil", values, node)


@function("floor")
def _floor(values: list[Typed], node: Any) -> Typed:
    return _whole("floor", values, node)


@function("truncate")
def _truncate(values: list[Typed], node: Any) -> Typed:
    if len(values) == 1 and values[0].type.name in ("double", "real"):
        return made(
            f"CAST(trunc({values[0].sql}) AS {duck(values[0].type)})", values[0].type, *values
        )
    raise Unknown("truncate of other numbers than one double")


@function("round")
def _round(values: list[Typed], node: Any) -> Typed:
    """Half away from zero, a decimal in Trino's precision."""
    if len(values) not in (1, 2) or not values[0].type.is_number or (
        len(values) == 2 and not values[1].type.is_integer
    ):  # fmt: skip
        raise wrong_arguments("round", values, node)
    value, kind = values[0], values[0].type
    digits = coerced(values[1], INTEGER).sql if len(values) == 2 else "0"
    if kind.is_integer and len(values) == 1:
        return value
    if kind.is_exact:
        precision, scale = as_decimal(kind).numbers
        result = kind
        if kind.name == "decimal":
            result = (
                decimal(min(38, precision + 1), scale)
                if len(values) == 2
                else decimal(min(38, precision - scale + min(1, scale)), 0)
            )
        sql = (
            f"a_round_exact(CAST({value.sql} AS VARCHAR), {digits}, "
            f"{result.numbers[1] if result.numbers else 0})"
        )
        return made(f"CAST({sql} AS {duck(result)})", result, *values)
    sql = f"CAST(a_round(CAST({value.sql} AS DOUBLE), {digits}) AS {duck(kind)})"
    return made(sql, kind, *values)


@function("random", "rand")
def _random_number(values: list[Typed], node: Any) -> Typed:
    if not values:
        return Typed("random()", DOUBLE, None)
    if any(not each.type.is_integer for each in values) or len(values) > 2:
        raise wrong_arguments("random", values, node)
    low = values[0].sql if len(values) == 2 else "0"
    sql = f"CAST(floor(random() * ({values[-1].sql} - {low})) + {low} AS {duck(values[-1].type)})"
    return Typed(sql, values[-1].type, None)


@python("VARCHAR;INTEGER;INTEGER", "VARCHAR")
def round_exact(text: str, digits: int, scale: int) -> str:
    value = Decimal(text)
    rounded = (
        value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
        if digits < scale or digits < 0
        else value
    )
    return f"{rounded.quantize(Decimal(1).scaleb(-scale)):f}"


@python("DOUBLE;INTEGER", "DOUBLE")
def round(value: float, digits: int) -> float:
    """As Trino: half up of the value times a power of ten, computed in doubles."""
    if not math.isfinite(value):
        return value
    factor = 10.0**digits
    scaled = abs(value) * factor
    if math.isinf(scaled):
        return value
    return math.copysign(math.floor(scaled + 0.5) / factor, value)


def _logarithm(call: Any, value: float) -> float:
    if math.isnan(value) or value < 0:
        return math.nan
    if value == 0:
        return -math.inf
    return float(call(value))


@python("DOUBLE", "DOUBLE")
def sqrt(value: float) -> float:
    return math.sqrt(value) if value >= 0 else math.nan


@python("DOUBLE", "DOUBLE")
def cbrt(value: float) -> float:
    """Exact for cubes, as Java's is."""
    found = math.cbrt(value)
    if not math.isfinite(found):
        return found
    whole = float(math.floor(found + 0.5))
    return whole if whole**3 == value else found


@python("DOUBLE", "DOUBLE")
def ln(value: float) -> float:
    return _logarithm(math.log, value)


@python("DOUBLE", "DOUBLE")
def log2(value: float) -> float:
    return _logarithm(math.log2, value)


@python("DOUBLE", "DOUBLE")
def log10(value: float) -> float:
    return _logarithm(math.log10, value)


@python("DOUBLE;DOUBLE", "DOUBLE")
def log(base: float, value: float) -> float:
    below = _logarithm(math.log, base)
    above = _logarithm(math.log, value)
    return above / below if below else math.nan if above == 0 else math.copysign(math.inf, above)


def _or_infinity(call: Any, *values: float) -> float:
    try:
        return float(call(*values))
    except OverflowError:
        return math.inf
    except ValueError:
        return math.nan


@python("DOUBLE", "DOUBLE")
def exp(value: float) -> float:
    return _or_infinity(math.exp, value)


@python("DOUBLE", "DOUBLE")
def asin(value: float) -> float:
    return _or_infinity(math.asin, value)


@python("DOUBLE", "DOUBLE")
def acos(value: float) -> float:
    return _or_infinity(math.acos, value)


@python("DOUBLE", "DOUBLE")
def sinh(value: float) -> float:
    return math.copysign(_or_infinity(math.sinh, abs(value)), value)


@python("DOUBLE", "DOUBLE")
def cosh(value: float) -> float:
    return _or_infinity(math.cosh, value)


@python("DOUBLE", "DOUBLE")
def tanh(value: float) -> float:
    return math.tanh(value)


@python("DOUBLE;DOUBLE", "DOUBLE")
def power(base: float, exponent: float) -> float:
    """Math.pow: a zero to a negative power is infinite."""
    if base == 0 and exponent < 0:
        odd = exponent.is_integer() and exponent % 2 == 1
        return math.copysign(math.inf, base) if odd else math.inf
    if abs(base) == 1 and math.isinf(exponent):
        return math.nan
    found = _or_infinity(math.pow, base, exponent)
    negative = base < 0 and exponent.is_integer() and exponent % 2 == 1
    return -found if negative and found == math.inf else found


@python("VARCHAR;BIGINT", "BIGINT")
def from_base(text: str, radix: int) -> int:
    if not 2 <= radix <= 36:
        raise failed("INVALID_FUNCTION_ARGUMENT", "Radix must be between 2 and 36")
    try:
        if not text.lstrip("+-").isalnum():
            raise ValueError
        return int(text, radix)
    except ValueError as error:
        raise failed(
            "INVALID_FUNCTION_ARGUMENT", f"Not a valid base-{radix} number: {text}"
        ) from error


@python("BIGINT;BIGINT", "VARCHAR")
def to_base(value: int, radix: int) -> str:
    if not 2 <= radix <= 36:
        raise failed("INVALID_FUNCTION_ARGUMENT", "Radix must be between 2 and 36")
    digits, rest = "", abs(value)
    while rest or not digits:
        rest, digit = divmod(rest, radix)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + digits
    return f"-{digits}" if value < 0 else digits


@python("DOUBLE;DOUBLE;DOUBLE;BIGINT", "BIGINT")
def width_bucket(value: float, low: float, high: float, count: int) -> int:
    if count <= 0:
        raise failed("INVALID_FUNCTION_ARGUMENT", "bucketCount must be greater than 0")
    if low == high:
        raise failed("INVALID_FUNCTION_ARGUMENT", "bounds cannot equal each other")
    if high < low:
        value, low, high = -value, -low, -high
    if value < low:
        return 0
    if value >= high:
        return count + 1
    return math.floor(count * (value - low) / (high - low)) + 1
