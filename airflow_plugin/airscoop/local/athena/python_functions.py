"""What DuckDB lacks, or does in another way than Trino, as functions of Python.

Each is called a_… in DuckDB's SQL. NULL in any argument gives NULL. An error is a ValueError whose
text is Trino's, with its code.
"""

from __future__ import annotations

import datetime
import functools
import math
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from typing import Any

from airscoop.local.athena.texts import of_double, of_timestamp
from airscoop.local.athena.types import TIMESTAMPTZ, duck

ZONED = duck(TIMESTAMPTZ)
_FUNCTIONS: dict[str, tuple[Callable[..., Any], list[str], str]] = {}
_EXACT = Context(prec=100)
_NUMBER = re.compile(r"[+-]?(?:NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fFdD]?)")
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_TIMESTAMP = re.compile(
    r"([+-]?\d{4,})-(\d{1,2})-(\d{1,2})(?: (?:(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d+))?)?)?)?"
)


def function(arguments: str, result: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Keeps a function for DuckDB; arguments: its types, separated by semicolons.

    A double comes as its text, because DuckDB takes NaN from Python for NULL: CAST it.
    """
    as_text = result == "DOUBLE"

    def keep(call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def nullable(*values: Any) -> Any:
            if any(each is None for each in values):
                return None
            found = call(*values)
            return repr(found) if as_text and found is not None else found

        kinds = arguments.split(";") if arguments else []
        _FUNCTIONS[f"a_{call.__name__}"] = (nullable, kinds, "VARCHAR" if as_text else result)
        return call

    return keep


def register(connection: Any, sql: str) -> None:
    """Gives a connection those that a text of SQL names: to give it all takes a while."""
    named = {*re.findall(r"\ba_\w+", sql)} & _FUNCTIONS.keys()
    zoned = connection.struct_type({"at": "TIMESTAMP", "zone": "VARCHAR"})
    for name in sorted(named):
        call, kinds, result = _FUNCTIONS[name]
        types = [zoned if kind == ZONED else kind for kind in (*kinds, result)]
        connection.create_function(name, call, types[:-1], types[-1], null_handling="special")


def failed(code: str, message: str) -> ValueError:
    return ValueError(f"{code}: {message}")


@function("VARCHAR", "VARCHAR")
def fail(message: str) -> None:
    """Where a statement goes wrong for the rows that come here."""
    raise ValueError(message)


# --- numbers -------------------------------------------------------------------------------------


@function("DOUBLE;DOUBLE", "DOUBLE")
def modulus(left: float, right: float) -> float:
    if right == 0 or math.isinf(left):
        return math.nan
    return math.fmod(left, right)


@function("VARCHAR;VARCHAR;VARCHAR;INTEGER", "VARCHAR")
def decimal(sign: str, left: str, right: str, scale: int) -> str:
    """Exact arithmetic, rounded half up to the scale of the result."""
    a, b = Decimal(left), Decimal(right)
    if sign in "/%" and b == 0:
        raise failed("DIVISION_BY_ZERO", "Division by zero")
    match sign:
        case "+":
            value = _EXACT.add(a, b)
        case "-":
            value = _EXACT.subtract(a, b)
        case "*":
            value = _EXACT.multiply(a, b)
        case "/":
            value = _EXACT.divide(a, b)
        case _:
            value = _EXACT.remainder(a, b)
    rounded = value.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, _EXACT)
    if len(rounded.as_tuple().digits) > 38:
        raise failed("NUMERIC_VALUE_OUT_OF_RANGE", "Decimal overflow")
    return f"{rounded:f}"


@function("VARCHAR[];INTEGER", "VARCHAR")
def average(texts: list[str | None], scale: int) -> str | None:
    """Of decimals, rounded half up to their own scale."""
    values = [Decimal(each) for each in texts if each is not None]
    if not values:
        return None
    mean = _EXACT.divide(sum(values, Decimal(0)), Decimal(len(values)))
    return f"{mean.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, _EXACT):f}"


@function("BIGINT;BIGINT", "BIGINT")
def subscript(index: int, length: int) -> int:
    if index == 0:
        raise failed("INVALID_FUNCTION_ARGUMENT", "SQL array indices start at 1")
    if index < 0:
        raise failed("INVALID_FUNCTION_ARGUMENT", f"Array subscript is negative: {index}")
    if index > length:
        words = f"Array subscript must be less than or equal to array length: {index} > {length}"
        raise failed("INVALID_FUNCTION_ARGUMENT", words)
    return index


@function("BOOLEAN;VARCHAR", "BOOLEAN")
def key(is_there: bool, shown: str) -> bool:
    if not is_there:
        raise failed("INVALID_FUNCTION_ARGUMENT", f"Key not present in map: {shown}")
    return True


# --- casts from text -----------------------------------------------------------------------------


@function("VARCHAR;VARCHAR;BIGINT;BIGINT", "BIGINT")
def integer(text: str, title: str, low: int, high: int) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", text) or not low <= int(text) <= high:
        raise failed("INVALID_CAST_ARGUMENT", f"Cannot cast '{text}' to {title}")
    return int(text)


@function("VARCHAR;VARCHAR", "DOUBLE")
def number(text: str, title: str) -> float:
    bare = text.strip()
    if not _NUMBER.fullmatch(bare):
        raise failed("INVALID_CAST_ARGUMENT", f"Cannot cast '{text}' to {title}")
    return float(bare.rstrip("fFdD") if bare[-1:] in "fFdD" else bare)


@function("VARCHAR;INTEGER;INTEGER", "VARCHAR")
def decimal_of_text(text: str, precision: int, scale: int) -> str:
    if not _DECIMAL.fullmatch(text):
        words = (
            f"Cannot cast VARCHAR '{text}' to DECIMAL({precision}, {scale}). Value is not a number."
        )
        raise failed("INVALID_CAST_ARGUMENT", words)
    return _fitting(Decimal(text), precision, scale, f"VARCHAR '{text}'")


@function("DOUBLE;INTEGER;INTEGER", "VARCHAR")
def decimal_of_double(value: float, precision: int, scale: int) -> str:
    if not math.isfinite(value):
        words = f"Cannot cast DOUBLE '{of_double(value)}' to DECIMAL({precision}, {scale})"
        raise failed("INVALID_CAST_ARGUMENT", words)
    return _fitting(Decimal(repr(value)), precision, scale, f"DOUBLE '{of_double(value)}'")


@function("VARCHAR;INTEGER;INTEGER;VARCHAR", "VARCHAR")
def decimal_fitted(text: str, precision: int, scale: int, title: str) -> str:
    return _fitting(Decimal(text), precision, scale, f"{title} '{text}'")


def _fitting(value: Decimal, precision: int, scale: int, shown: str) -> str:
    words = f"Cannot cast {shown} to DECIMAL({precision}, {scale})"
    try:
        found = value.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP, _EXACT)
    except InvalidOperation as error:
        raise failed("INVALID_CAST_ARGUMENT", words) from error
    if abs(found) >= Decimal(10) ** (precision - scale):
        raise failed("INVALID_CAST_ARGUMENT", words)
    return f"{found:f}"


@function("VARCHAR", "BOOLEAN")
def boolean(text: str) -> bool:
    if text.lower() in ("t", "true", "1"):
        return True
    if text.lower() in ("f", "false", "0"):
        return False
    raise failed("INVALID_CAST_ARGUMENT", f"Cannot cast '{text}' to BOOLEAN")


@function("VARCHAR", "DATE")
def date(text: str) -> datetime.date:
    found = re.fullmatch(r"(\d{4,})-(\d{1,2})-(\d{1,2})", text.strip())
    try:
        if found:
            return datetime.date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        pass
    raise failed("INVALID_CAST_ARGUMENT", f"Value cannot be cast to date: {text}")


@function("VARCHAR;INTEGER", "TIMESTAMP")
def timestamp(text: str, digits: int) -> datetime.datetime:
    found = _TIMESTAMP.fullmatch(text.strip())
    try:
        if found:
            parts = [int(each or 0) for each in found.groups()[:6]]
            moment = datetime.datetime(*parts)  # type: ignore[arg-type]
            fraction = Decimal(f"0.{found[7] or 0}")
            step = Decimal(1).scaleb(-digits)
            micro = int(fraction.quantize(step, ROUND_HALF_UP) * 1_000_000)
            return moment + datetime.timedelta(microseconds=micro)
    except ValueError:
        pass
    raise failed("INVALID_CAST_ARGUMENT", f"Value cannot be cast to timestamp: {text}")


# --- casts to numbers and to text ----------------------------------------------------------------


@function("DOUBLE;VARCHAR;BIGINT;BIGINT", "BIGINT")
def integer_of_double(value: float, title: str, low: int, high: int) -> int:
    if not math.isfinite(value):
        words = f"Cannot cast double {of_double(value)} to {title}"
        if title == "bigint":
            words = f"Unable to cast {of_double(value)} to bigint"
        raise failed("INVALID_CAST_ARGUMENT", words)
    rounded = int(Decimal(value).to_integral_value(ROUND_HALF_UP))
    if not low <= rounded <= high:
        if title == "bigint":
            words = f"Unable to cast {of_double(value)} to bigint"
            raise failed("INVALID_CAST_ARGUMENT", words)
        words = f"Out of range for {title}: {of_double(value)}"
        raise failed("NUMERIC_VALUE_OUT_OF_RANGE", words)
    return rounded


@function("DOUBLE;BOOLEAN", "VARCHAR")
def double_text(value: float, single: bool) -> str:
    """As Trino casts: 1.5E0."""
    if value == 0:
        return "-0E0" if math.copysign(1.0, value) < 0 else "0E0"
    if not math.isfinite(value):
        return of_double(value)
    plain = Decimal(of_double(value, single=single)).normalize()
    sign, digits, exponent = plain.as_tuple()
    figures = "".join(map(str, digits))
    power = int(exponent) + len(figures) - 1
    return f"{'-' if sign else ''}{figures[0]}.{figures[1:] or '0'}E{power}"


@function("TIMESTAMP;INTEGER", "VARCHAR")
def timestamp_text(value: datetime.datetime, digits: int) -> str:
    return of_timestamp(value, digits)


@function("VARCHAR;INTEGER", "VARCHAR")
def fitting_text(text: str, length: int) -> str:
    """A number's text, which no varchar(n) cuts."""
    if len(text) > length:
        words = f"Value {text} cannot be represented as varchar({length})"
        raise failed("INVALID_CAST_ARGUMENT", words)
    return text


@function("TIMESTAMP;VARCHAR", "DATE")
def date_of(value: datetime.datetime, words: str) -> datetime.date:
    if value.time() != datetime.time():
        raise failed("INVALID_FUNCTION_ARGUMENT", words)
    return value.date()
