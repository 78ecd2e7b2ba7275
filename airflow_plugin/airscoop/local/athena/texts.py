"""A value as Athena prints it."""

from __future__ import annotations

import datetime
import math
import struct
from decimal import Decimal
from typing import Any

from airscoop.local.athena import zones
from airscoop.local.athena.types import Type


def _java(digits: str, exponent: int, negative: bool) -> str:
    """Java's text of a number 0.DIGITS times ten to the power of the exponent."""
    digits = digits.rstrip("0") or "0"
    if -3 < exponent <= 7:
        if exponent <= 0:
            text = "0." + "0" * -exponent + digits
        else:
            text = digits[:exponent].ljust(exponent, "0") + "." + (digits[exponent:] or "0")
    else:
        text = f"{digits[0]}.{digits[1:] or '0'}E{exponent - 1}"
    return f"-{text}" if negative else text


def _shortest(value: float, *, single: bool) -> str:
    if not single:
        return repr(value)
    for precision in range(6, 10):
        text = f"{value:.{precision}g}"
        if struct.pack("f", float(text)) == struct.pack("f", value):
            return text
    return repr(value)


def of_double(value: float, *, single: bool = False) -> str:
    """Double.toString: 1.0, 1.0E10, 1.0E-4, NaN, Infinity."""
    if math.isnan(value):
        return "NaN"
    negative = math.copysign(1.0, value) < 0
    if math.isinf(value):
        return "-Infinity" if negative else "Infinity"
    if value == 0:
        return "-0.0" if negative else "0.0"
    _, digits, exponent = Decimal(_shortest(abs(value), single=single)).as_tuple()
    figures = "".join(map(str, digits))
    return _java(figures, len(figures) + int(exponent), negative)


def of_timestamp(value: datetime.datetime, digits: int) -> str:
    text = value.strftime("%H:%M:%S")
    fraction = f".{value.microsecond:06d}"[: digits + 1] if digits else ""
    return f"{value.year:04d}-{value.month:02d}-{value.day:02d} {text}{fraction}"


def _of_interval(value: datetime.timedelta) -> str:
    micro = value // datetime.timedelta(milliseconds=1)
    sign, micro = ("-", -micro) if micro < 0 else ("", micro)
    seconds, milli = divmod(micro, 1000)
    days, seconds = divmod(seconds, 86400)
    return (
        f"{sign}{days} "
        f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{milli:03d}"
    )


def _members(value: Any, kind: Type) -> str:
    values = list(value.values()) if isinstance(value, dict) else list(value)
    names = [name or f"field{number}" for number, name in enumerate(kind.fields)]
    parts = zip(names, values, kind.items, strict=True)
    return "{" + ", ".join(f"{name}={_inner(each, item)}" for name, each, item in parts) + "}"


def _entries(value: Any, kind: Type) -> str:
    parts = (f"{_inner(k, kind.items[0])}={_inner(v, kind.items[1])}" for k, v in value.items())
    return "{" + ", ".join(parts) + "}"


def _inner(value: Any, kind: Type) -> str:
    found = text(value, kind)
    return "null" if found is None else found


def text(value: Any, kind: Type) -> str | None:
    """What GetQueryResults and the result's CSV have for a value from DuckDB; None for NULL."""
    if value is None:
        return None
    match kind.name:
        case "boolean":
            return "true" if value else "false"
        case "double" | "real":
            return of_double(value, single=kind.name == "real")
        case "decimal":
            return f"{value:.{kind.numbers[1]}f}"
        case "timestamp":
            return of_timestamp(value, 3)
        case "timestamptz":
            return f"{of_timestamp(zones.clock(value), 3)} {value['zone']}"
        case "varbinary":
            return bytes(value).hex(" ")
        case "array":
            return "[" + ", ".join(_inner(each, kind.item) for each in value) + "]"
        case "map":
            return _entries(value, kind)
        case "row":
            return _members(value, kind)
        case "char":
            return str(value).ljust(kind.numbers[0])
        case "interval day to second":
            return _of_interval(value)
    return str(value)
