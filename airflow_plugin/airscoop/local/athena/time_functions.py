"""Functions of dates and times. A timestamp with time zone is its UTC time and its zone."""

from __future__ import annotations

import datetime
import math
import re
from typing import Any

from sqlglot import exp

from airscoop.local.athena import java_times, mysql_times, zones
from airscoop.local.athena.casts import cast
from airscoop.local.athena.context import Context, coerced, compile_expression, handles, made
from airscoop.local.athena.failures import Unknown, at
from airscoop.local.athena.functions import function, simple, special, wrong_arguments
from airscoop.local.athena.projection import moved
from airscoop.local.athena.python_functions import ZONED, failed
from airscoop.local.athena.python_functions import function as python
from airscoop.local.athena.scopes import Scope, Typed
from airscoop.local.athena.texts import of_timestamp
from airscoop.local.athena.types import (
    BIGINT,
    DATE,
    TIMESTAMP,
    TIMESTAMPTZ,
    VARCHAR,
    Type,
    duck,
)

_EPOCH = datetime.datetime(1970, 1, 1)
_UNITS = ("millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year")

simple("date_parse", "varchar, varchar -> timestamp: a_date_parse({0}, {1})")
simple("from_iso8601_date", "varchar -> date: a_iso_date({0})")
simple("from_iso8601_timestamp", "varchar -> timestamptz: a_iso_timestamp({0})")
simple("parse_datetime", "varchar, varchar -> timestamptz: a_parse_datetime({0}, {1})")
simple("from_unixtime", "double -> timestamptz: a_from_unixtime({0}, 'UTC')",
       "double, varchar -> timestamptz: a_from_unixtime({0}, {1})")  # fmt: skip
simple("at_timezone", "timestamptz, varchar -> timestamptz: a_at_timezone({0}, {1})")
simple("with_timezone", "timestamp, varchar -> timestamptz: a_with_timezone({0}, {1})")
simple("current_timezone", "-> varchar: 'UTC'")
simple("last_day_of_month", "date -> date: last_day({0})", "timestamp -> date: last_day({0})",
       "timestamptz -> date: last_day(a_local({0}))")  # fmt: skip
simple("to_unixtime", "timestamp -> double: epoch({0})",
       "timestamptz -> double: epoch(struct_extract({0}, 'at'))")  # fmt: skip
simple(
    "to_iso8601", "date -> varchar: CAST({0} AS VARCHAR)", "timestamp -> varchar: a_iso_text({0})"
)

# --- parts ---------------------------------------------------------------------------------------

_PARTS = {
    "year": "year", "quarter": "quarter", "month": "month", "week": "week",
    "week_of_year": "week", "day": "day", "day_of_month": "day", "day_of_week": "isodow",
    "dow": "isodow", "day_of_year": "doy", "doy": "doy", "year_of_week": "isoyear",
    "yow": "isoyear", "hour": "hour", "minute": "minute", "second": "second",
    "millisecond": "millisecond",
}  # fmt: skip


def as_local(value: Typed) -> Typed:
    """A time of a zone as the clock there shows it."""
    if value.type.name != "timestamptz":
        return value
    return made(f"a_local({value.sql})", Type("timestamp", value.type.numbers), value)


def _part(name: str, value: Typed, node: Any) -> Typed:
    shown = as_local(value)
    if shown.type.name not in ("date", "timestamp"):
        raise wrong_arguments(name, [value], node)
    if name == "millisecond":
        sql = f"(extract(millisecond FROM {coerced(shown, TIMESTAMP).sql}) % 1000)"
    else:
        sql = f"extract({_PARTS[name]} FROM {shown.sql})"
    if shown.type == DATE and name in ("hour", "minute", "second", "millisecond"):
        raise wrong_arguments(name, [value], node)
    return made(f"CAST({sql} AS BIGINT)", BIGINT, value)


def _register_part(name: str) -> None:
    @function(name)
    def call(values: list[Typed], node: Any) -> Typed:
        if len(values) != 1:
            raise wrong_arguments(name, values, node)
        return _part(name, values[0], node)


for _name in _PARTS:
    if _name not in ("dow", "doy", "yow"):
        _register_part(_name)
for _short, _long in (("dow", "day_of_week"), ("doy", "day_of_year"), ("yow", "year_of_week")):
    _register_part(_short)


@handles(exp.Extract)
def _extract(node: exp.Extract, scope: Scope, context: Context) -> Typed:
    name = node.this.name.lower()
    if name not in _PARTS:
        raise Unknown(f"EXTRACT({name.upper()} FROM …)")
    return _part(name, compile_expression(node.expression, scope, context), node)


# --- now -----------------------------------------------------------------------------------------


def _now(context: Context) -> datetime.datetime:
    now = context.now.astimezone(datetime.UTC).replace(tzinfo=None)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


@handles(exp.CurrentTimestamp)
def _current_timestamp(node: exp.Expression, scope: Scope, context: Context) -> Typed:
    return special_now(node, scope, context)


@special("now")
def special_now(node: Any, scope: Scope, context: Context) -> Typed:
    if getattr(node, "expressions", None) or (node.this and not isinstance(node, exp.Anonymous)):
        raise Unknown("current_timestamp of a precision of its own")
    at_ = f"TIMESTAMP '{_now(context)}'"
    return Typed(f"{{'at': {at_}, 'zone': 'UTC'}}", TIMESTAMPTZ)


@handles(exp.CurrentDate)
def _current_date(node: exp.CurrentDate, scope: Scope, context: Context) -> Typed:
    return Typed(f"DATE '{_now(context).date()}'", DATE)


@handles(exp.Localtimestamp)
def _localtimestamp(node: exp.Expression, scope: Scope, context: Context) -> Typed:
    return Typed(f"TIMESTAMP '{_now(context)}'", TIMESTAMP)


@handles(exp.AtTimeZone)
def _at_time_zone(node: exp.AtTimeZone, scope: Scope, context: Context) -> Typed:
    value = compile_expression(node.this, scope, context)
    zone = compile_expression(node.args["zone"], scope, context)
    if value.type.name not in ("timestamp", "timestamptz") or zone.type.name != "varchar":
        raise at(
            node,
            "TYPE_MISMATCH",
            (
                "Type of value must be a time or timestamp with or without time zone (actual "
                f"{value.type})"
            ),
        )
    return made(
        f"a_at_timezone({coerced(value, TIMESTAMPTZ).sql}, {zone.sql})", TIMESTAMPTZ, value, zone
    )


# --- units ---------------------------------------------------------------------------------------


def _unit(value: Typed, name: str, node: Any) -> str:
    unit = (value.literal or "").lower()
    if value.literal is None:
        raise Unknown(f"{name} with a unit that is no constant")
    if unit not in _UNITS:
        raise at(node, "INVALID_FUNCTION_ARGUMENT", f"'{unit}' is not a valid TIMESTAMP field")
    return unit


@function("date_trunc")
def _date_trunc(values: list[Typed], node: Any) -> Typed:
    if len(values) != 2 or values[1].type.name not in ("date", "timestamp", "timestamptz"):
        raise wrong_arguments("date_trunc", values, node)
    unit, value = _unit(values[0], "date_trunc", node), values[1]
    if value.type == DATE and unit in ("millisecond", "second", "minute", "hour"):
        raise at(node, "INVALID_FUNCTION_ARGUMENT", f"'{unit}' is not a valid DATE field")
    if value.type.name == "timestamptz":
        zone = f"struct_extract({value.sql}, 'zone')"
        cut = f"CAST(date_trunc('{unit}', a_local({value.sql})) AS TIMESTAMP)"
        return made(f"a_with_timezone({cut}, {zone})", value.type, value)
    sql = f"CAST(date_trunc('{unit}', {value.sql}) AS {duck(value.type)})"
    return made(sql, value.type, value)


@function("date_add")
def _date_add(values: list[Typed], node: Any) -> Typed:
    if len(values) != 3 or not values[1].type.is_integer or not values[2].type.is_time:
        raise wrong_arguments("date_add", values, node)
    unit, value = _unit(values[0], "date_add", node), values[2]
    count = f"CAST({values[1].sql} AS BIGINT)"
    if value.type == DATE and unit in ("millisecond", "second", "minute", "hour"):
        raise at(node, "INVALID_FUNCTION_ARGUMENT", f"'{unit}' is not a valid DATE field")
    if value.type.name == "timestamptz":
        zone = f"struct_extract({value.sql}, 'zone')"
        if unit in ("millisecond", "second", "minute", "hour"):
            later = f"a_add('{unit}', {count}, struct_extract({value.sql}, 'at'))"
            sql = f"a_at_timezone({{'at': {later}, 'zone': 'UTC'}}, {zone})"
        else:
            sql = f"a_with_timezone(a_add('{unit}', {count}, a_local({value.sql})), {zone})"
        return made(sql, value.type, *values)
    sql = f"CAST(a_add('{unit}', {count}, CAST({value.sql} AS TIMESTAMP)) AS {duck(value.type)})"
    return made(sql, value.type, *values)


@function("date_diff")
def _date_diff(values: list[Typed], node: Any) -> Typed:
    if len(values) != 3 or not all(each.type.is_time for each in values[1:]):
        raise wrong_arguments("date_diff", values, node)
    unit = _unit(values[0], "date_diff", node)
    first, second = values[1:]
    zoned = [each.type.name == "timestamptz" for each in (first, second)]
    if any(zoned):
        if unit not in ("millisecond", "second", "minute", "hour"):
            raise Unknown(f"date_diff in units of {unit} between times of zones")
        parts = [
            f"struct_extract({coerced(each, TIMESTAMPTZ).sql}, 'at')" for each in (first, second)
        ]
    else:
        parts = [f"CAST({each.sql} AS TIMESTAMP)" for each in (first, second)]
    return made(f"a_diff('{unit}', {parts[0]}, {parts[1]})", BIGINT, *values)


@python("VARCHAR;BIGINT;TIMESTAMP", "TIMESTAMP")
def add(unit: str, count: int, moment: datetime.datetime) -> datetime.datetime:
    if unit == "quarter":
        unit, count = "month", count * 3
    return moved(moment, f"{unit}s", count)


_LENGTHS = {"millisecond": 1_000, "second": 10**6, "minute": 60 * 10**6, "hour": 3600 * 10**6,
            "day": 86400 * 10**6, "week": 7 * 86400 * 10**6}  # fmt: skip


@python("VARCHAR;TIMESTAMP;TIMESTAMP", "BIGINT")
def diff(unit: str, first: datetime.datetime, second: datetime.datetime) -> int:
    """Whole units only, towards zero."""
    if unit in _LENGTHS:
        micro = (second - first) // datetime.timedelta(microseconds=1)
        return int(math.copysign(abs(micro) // _LENGTHS[unit], micro)) if micro else 0
    sign, low, high = (1, first, second) if first <= second else (-1, second, first)
    months = (high.year - low.year) * 12 + high.month - low.month
    if moved(low, "months", months) > high:
        months -= 1
    return sign * (months // {"month": 1, "quarter": 3, "year": 12}[unit])


# --- texts ---------------------------------------------------------------------------------------


@function("date_format")
def _date_format(values: list[Typed], node: Any) -> Typed:
    if len(values) != 2 or not values[0].type.is_time or values[1].type.name != "varchar":
        raise wrong_arguments("date_format", values, node)
    moment = coerced(as_local(values[0]), TIMESTAMP)
    return made(
        f"a_date_format(CAST({moment.sql} AS TIMESTAMP), {values[1].sql})", VARCHAR, *values
    )


@function("format_datetime")
def _format_datetime(values: list[Typed], node: Any) -> Typed:
    if len(values) != 2 or not values[0].type.is_time or values[1].type.name != "varchar":
        raise wrong_arguments("format_datetime", values, node)
    moment = f"CAST({as_local(values[0]).sql} AS TIMESTAMP)"
    return made(f"a_format_datetime({moment}, {values[1].sql})", VARCHAR, *values)


@function("date")
def _date(values: list[Typed], node: Any) -> Typed:
    if len(values) != 1:
        raise wrong_arguments("date", values, node)
    return cast(values[0], DATE, node)


def _bad(error: ValueError) -> ValueError:
    return failed("INVALID_FUNCTION_ARGUMENT", str(error))


@python("VARCHAR;VARCHAR", "TIMESTAMP")
def date_parse(text: str, form: str) -> datetime.datetime:
    try:
        return mysql_times.parsed(text, form)
    except Unknown as error:
        raise ValueError(error.message) from error
    except ValueError as error:
        raise _bad(error) from error


@python("TIMESTAMP;VARCHAR", "VARCHAR")
def date_format(moment: datetime.datetime, form: str) -> str:
    try:
        return mysql_times.formatted(moment, form)
    except Unknown as error:
        raise ValueError(error.message) from error


@python("TIMESTAMP;VARCHAR", "VARCHAR")
def format_datetime(moment: datetime.datetime, form: str) -> str:
    try:
        return java_times.formatted(moment, form)
    except Unknown as error:
        raise ValueError(error.message) from error


@python("VARCHAR;VARCHAR", ZONED)
def parse_datetime(text: str, form: str) -> dict[str, Any]:
    try:
        moment = java_times.parsed(text, form)
    except Unknown as error:
        raise ValueError(error.message) from error
    except ValueError as error:
        raise _bad(error) from error
    return zones.zoned(moment)


@python("VARCHAR", "DATE")
def iso_date(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError as error:
        raise _bad(ValueError(f'Invalid format: "{text}"')) from error


@python("VARCHAR", ZONED)
def iso_timestamp(text: str) -> dict[str, Any]:
    try:
        return zones.zoned(datetime.datetime.fromisoformat(text))
    except ValueError as error:
        raise _bad(ValueError(f'Invalid format: "{text}"')) from error


@python("TIMESTAMP", "VARCHAR")
def iso_text(moment: datetime.datetime) -> str:
    return of_timestamp(moment, 3).replace(" ", "T")


# --- zones ---------------------------------------------------------------------------------------


@python(ZONED, "TIMESTAMP")
def local(value: dict[str, Any]) -> datetime.datetime:
    return zones.clock(value)


@python(f"{ZONED};VARCHAR", ZONED)
def at_timezone(value: dict[str, Any], zone: str) -> dict[str, Any]:
    zones.zone(zone)
    return {"at": value["at"], "zone": zone}


@python("TIMESTAMP;VARCHAR", ZONED)
def with_timezone(moment: datetime.datetime, zone: str) -> dict[str, Any]:
    return zones.in_zone(moment, zone)


@python("DOUBLE;VARCHAR", ZONED)
def from_unixtime(seconds: float, zone: str) -> dict[str, Any]:
    milli = math.floor(seconds * 1000 + 0.5)
    zones.zone(zone)
    return {"at": _EPOCH + datetime.timedelta(milliseconds=milli), "zone": zone}


@python("VARCHAR", ZONED)
def zoned(text: str) -> dict[str, Any]:
    """`2020-01-02 03:04:05.678 Europe/Berlin`."""
    found = re.fullmatch(
        r"(\d{4}-\d\d-\d\d(?: \d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?)\s*(\S+)?", text.strip()
    )
    if found is None:
        raise failed("INVALID_CAST_ARGUMENT", f"Value cannot be cast to timestamp: {text}")
    return zones.in_zone(datetime.datetime.fromisoformat(found[1]), found[2] or "UTC")


@python(f"{ZONED};INTEGER", "VARCHAR")
def zoned_text(value: dict[str, Any], digits: int) -> str:
    return f"{of_timestamp(zones.clock(value), digits)} {value['zone']}"


@python("TIMESTAMP;INTEGER", "TIMESTAMP")
def rounded_time(moment: datetime.datetime, digits: int) -> datetime.datetime:
    step = 10 ** (6 - digits)
    micro = (moment - _EPOCH) // datetime.timedelta(microseconds=1)
    return _EPOCH + datetime.timedelta(microseconds=(micro + step // 2) // step * step)
