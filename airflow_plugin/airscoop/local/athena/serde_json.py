"""JSON SerDes: openx's with its rules, and Hive's own.

A reader turns one line into the values of the wanted columns, in order.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from airscoop.local.athena.failures import QueryFailed
from airscoop.local.athena.texts import of_double
from airscoop.local.athena.types import BOUNDS, Type

OPENX = "org.openx.data.jsonserde.JsonSerDe"
HCATALOG = ("org.apache.hive.hcatalog.data.JsonSerDe", "org.apache.hadoop.hive.serde2.JsonSerDe")
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d(?::\d\d)?)(\.\d{1,9})?Z?")
Reader = Callable[[bytes], Sequence[Any]]
Wanted = Sequence[tuple[int, str, Type]]
"""The columns that a query uses: their place in the table, name and type."""


def _no_json(why: str) -> QueryFailed:
    return QueryFailed(f"HIVE_CURSOR_ERROR: Row is not a valid JSON Object - JSONException: {why}")


def bad_value(value: Any, place: int, kind: Type) -> QueryFailed:
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return QueryFailed(
        f"HIVE_BAD_DATA: Error parsing field value '{shown}' for field {place}: "
        f'it is no {kind}; For input string: "{shown}"'
    )


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")


def _truth(parameters: Mapping[str, str], name: str, default: str) -> bool:
    return parameters.get(name, default).lower() == "true"


class OpenX:
    """org.openx.data.jsonserde.JsonSerDe: one object a line; its options are SerDe properties."""

    def __init__(self, columns: Wanted, parameters: Mapping[str, str]) -> None:
        self._lowers = _truth(parameters, "case.insensitive", "true")
        self._dots = _truth(parameters, "dots.in.keys", "false")
        self._ignores = _truth(parameters, "ignore.malformed.json", "false")
        self._columns = [
            (place, self._key(parameters.get(f"mapping.{name}", name)), kind)
            for place, name, kind in columns
        ]
        self._empty = [None] * len(columns)

    def _key(self, key: str) -> str:
        if self._dots:
            key = key.replace(".", "_")
        return key.lower() if self._lowers else key

    def _pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            name = self._key(key)
            if name in found:
                raise ValueError(f'Duplicate key "{name}"')
            found[name] = value
        return found

    def __call__(self, line: bytes) -> Sequence[Any]:
        text = line.decode("utf-8", errors="replace").strip()
        if not text:
            return self._empty
        try:
            found = json.loads(text, object_pairs_hook=self._pairs, parse_constant=_refuse_constant)
            if not isinstance(found, dict | list):
                raise ValueError("A JSONObject text must begin with '{' at 1")
        except (ValueError, RecursionError) as error:
            if self._ignores:
                return self._empty
            raise _no_json(str(error)) from error
        if isinstance(found, list):
            return [
                None if place >= len(found) else value_of(found[place], kind, place, openx=True)
                for place, _, kind in self._columns
            ]
        return [
            value_of(found.get(key), kind, place, openx=True) for place, key, kind in self._columns
        ]


class HCatalog:
    """Hive's own: keys in any case, no malformed line, no text where a number belongs."""

    def __init__(self, columns: Wanted, parameters: Mapping[str, str]) -> None:
        self._columns = columns

    def __call__(self, line: bytes) -> Sequence[Any]:
        try:
            found = json.loads(line.decode("utf-8"), parse_constant=_refuse_constant)
            if not isinstance(found, dict):
                raise ValueError("Start token not found where expected")
        except (ValueError, RecursionError) as error:
            raise QueryFailed(f"HIVE_CURSOR_ERROR: JsonParseException: {error}") from error
        lowered = {key.lower(): value for key, value in found.items()}
        return [
            value_of(lowered.get(name), kind, place, openx=False)
            for place, name, kind in self._columns
        ]


def as_text(value: Any) -> str:
    """What a string column has for a JSON value: its JSON, if it is no text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return of_double(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def of_text(text: str, kind: Type) -> str:
    """A text as varchar(n) or char(n), which is held without the spaces at its end."""
    if not kind.numbers:
        return text
    cut = text[: kind.numbers[0]]
    return cut.rstrip(" ") if kind.name == "char" else cut


def value_of(value: Any, kind: Type, place: int, *, openx: bool) -> Any:
    """A JSON value as a column's type; QueryFailed (HIVE_BAD_DATA) where it is none."""
    if value is None:
        return None
    match kind.name:
        case "varchar" | "char":
            if not openx and isinstance(value, dict | list):
                raise bad_value(value, place, kind)
            return of_text(as_text(value), kind)
        case "array":
            items = value if isinstance(value, list) else [value] if openx else None
            if items is None:
                raise bad_value(value, place, kind)
            return [value_of(each, kind.item, place, openx=openx) for each in items]
        case "map":
            if not isinstance(value, dict):
                raise bad_value(value, place, kind)
            return [
                (
                    value_of(k, kind.items[0], place, openx=True),
                    value_of(v, kind.item, place, openx=openx),
                )
                for k, v in value.items()
            ]
        case "row":
            return _row(value, kind, place, openx=openx)
    return _scalar(value, kind, place, openx=openx)


def _row(value: Any, kind: Type, place: int, *, openx: bool) -> dict[str, Any]:
    if isinstance(value, list) and openx:
        members = [value[n] if n < len(value) else None for n in range(len(kind.items))]
    elif isinstance(value, dict):
        lowered = {key.lower(): each for key, each in value.items()}
        members = [lowered.get(name or "") for name in kind.fields]
    else:
        raise bad_value(value, place, kind)
    pairs = enumerate(zip(members, kind.items, strict=True))
    return {f"f{n}": value_of(each, item, place, openx=openx) for n, (each, item) in pairs}


def _scalar(value: Any, kind: Type, place: int, *, openx: bool) -> Any:
    if isinstance(value, dict | list) or (isinstance(value, str) and not openx and kind.is_number):
        raise bad_value(value, place, kind)
    try:
        return SCALARS[kind.name](value, kind)
    except (ValueError, InvalidOperation, KeyError, OverflowError) as error:
        raise bad_value(value, place, kind) from error


def _integer(value: Any, kind: Type) -> int:
    if isinstance(value, bool | float):
        raise ValueError
    if isinstance(value, str) and not re.fullmatch(r"[+-]?\d+", value):
        raise ValueError
    number = int(value)
    low, high = BOUNDS[kind.name]
    if not low <= number <= high:
        raise ValueError
    return number


def _double(value: Any, kind: Type) -> float:
    if isinstance(value, bool) or (isinstance(value, str) and "_" in value):
        raise ValueError
    return float(value)


def _boolean(value: Any, kind: Type) -> bool:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}[str(value).lower()]


def _decimal(value: Any, kind: Type) -> Decimal:
    if isinstance(value, bool):
        raise ValueError
    number = Decimal(str(value)).quantize(Decimal(1).scaleb(-kind.numbers[1]), ROUND_HALF_UP)
    if len(number.as_tuple().digits) > kind.numbers[0]:
        raise ValueError
    return number


def _date(value: Any, kind: Type) -> datetime.date:
    return datetime.date.fromisoformat(str(value))


def timestamp(value: Any, kind: Type) -> datetime.datetime:
    """`2020-01-02 03:04:05.678`, also with a T and a Z."""
    found = _TIMESTAMP.fullmatch(str(value))
    if found is None:
        raise ValueError
    fraction = (found[3] or ".0")[1:].ljust(6, "0")[:6]
    return datetime.datetime.fromisoformat(f"{found[1]} {found[2]}").replace(
        microsecond=int(fraction)
    )


SCALARS: dict[str, Callable[[Any, Type], Any]] = {
    "tinyint": _integer,
    "smallint": _integer,
    "integer": _integer,
    "bigint": _integer,
    "real": _double,
    "double": _double,
    "boolean": _boolean,
    "decimal": _decimal,
    "date": _date,
    "timestamp": timestamp,
}
