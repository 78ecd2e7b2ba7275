"""JSON lines to the rows of an external table, in COPY's text format.

Keys match columns whatever their case; a missing key is NULL; a nested value is its JSON text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from airscoop.local.redshift.catalog import Reading
from airscoop.local.redshift.columns import Column

NULL = "\\N"
MOST_RECORD_BYTES = 4 * 1024 * 1024
_INTEGER = re.compile(r"[+-]?\d+")
_RANGES = {"smallint": 1 << 15, "integer": 1 << 31, "bigint": 1 << 63}
# The first of these that a table's properties name decides about texts wider than their column.
_SURPLUS = ("FAIL", "DROP_ROW", "SET_TO_NULL", "TRUNCATE", "DISABLED")
_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


class BadValue(Exception):
    """A value that its column cannot hold, or a line that is no JSON object."""


class DropRow(Exception):
    """The table's properties say to leave this row out."""


class Number(str):
    """A number's digits as they stood in the file."""


def _refuse_constant(name: str) -> Any:
    raise BadValue(f"{name} is not JSON")


_DECODER = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=_refuse_constant)


def lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines without their ends; holds one line and one chunk at most."""
    rest = b""
    for chunk in chunks:
        head, *others = chunk.split(b"\n")
        rest += head
        for line in others:
            yield rest
            rest = line
        if len(rest) > MOST_RECORD_BYTES:
            yield rest
            rest = b""
    if rest:
        yield rest


def _json_text(value: Any) -> str:
    """JSON with every number as it stood in the file."""
    if isinstance(value, Number):
        return value
    if isinstance(value, dict):
        items = (f"{_json_text(str(key))}:{_json_text(item)}" for key, item in value.items())
        return "{" + ",".join(items) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_json_text, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return _json_text(value)


def surplus_rule(properties: Mapping[str, str]) -> str:
    """What happens to a text wider than its column; Redshift's default sets NULL."""
    if properties.get("data_cleansing_enabled", "true").lower() == "false":
        return "TRUNCATE"
    given = {
        properties.get(name, "").upper()
        for name in ("surplus_char_handling", "surplus_bytes_handling")
    }
    return next((rule for rule in _SURPLUS if rule in given), "SET_TO_NULL")


def _text(column: Column, rule: str) -> Callable[[Any], str]:
    width = column.width

    def convert(value: Any) -> str:
        text = _scalar(value)
        if "\0" in text:
            raise BadValue("holds the character with code 0")
        if len(text) > width or not text.isascii():
            encoded = text.encode()
            if len(encoded) > width:
                if rule == "FAIL":
                    raise BadValue(f"{len(encoded)} bytes, but the column holds {width}")
                if rule == "DROP_ROW":
                    raise DropRow
                if rule == "SET_TO_NULL":
                    return NULL
                text = encoded[:width].decode(errors="ignore")
        return text.translate(_ESCAPES)

    return convert


def _integer(column: Column) -> Callable[[Any], str]:
    limit = _RANGES[column.sql]

    def convert(value: Any) -> str:
        text = _scalar(value)
        if not _INTEGER.fullmatch(text) or not -limit <= int(text) < limit:
            raise BadValue(f"{text[:80]!r} is not of type {column.sql}")
        return text

    return convert


def _checked(column: Column, check: Callable[[str], Any]) -> Callable[[Any], str]:
    def convert(value: Any) -> str:
        text = _scalar(value)
        try:
            check(text)
        except (ValueError, InvalidOperation) as error:
            raise BadValue(f"{text[:80]!r} is not of type {column.sql}") from error
        return text.translate(_ESCAPES)

    return convert


def _boolean(text: str) -> None:
    if text.lower() not in ("true", "false"):
        raise ValueError(text)


def _decimal_check(column: Column) -> Callable[[str], None]:
    limit = Decimal(10) ** (column.digits - column.scale)

    def check(text: str) -> None:
        if not abs(Decimal(text)) < limit:
            raise ValueError(text)

    return check


def _converter(column: Column, rule: str) -> Callable[[Any], str]:
    if column.kind == "text":
        return _text(column, rule)
    if column.kind == "integer":
        return _integer(column)
    checks: dict[str, Callable[[str], Any]] = {
        "float": float,
        "decimal": _decimal_check(column),
        "boolean": _boolean,
        "date": date.fromisoformat,
        "timestamp": datetime.fromisoformat,
    }
    return _checked(column, checks[column.kind])


class RowWriter:
    """Makes text rows of one partition; a line that fails raises BadValue."""

    def __init__(self, reading: Reading) -> None:
        table = reading.table
        rule = surplus_rule(table.properties)
        self._names = [column.name for column in table.columns]
        self._converters = [_converter(column, rule) for column in table.columns]
        self._places = {name: place for place, name in enumerate(self._names)}
        self._tail = "".join("\t" + value.translate(_ESCAPES) for value in reading.values) + "\n"
        self._nulls_for_malformed = (
            table.serde_properties.get("ignore.malformed.json", "false").lower() == "true"
        )

    def _object(self, line: bytes) -> dict[str, Any]:
        if len(line) > MOST_RECORD_BYTES:
            raise BadValue(f"longer than {MOST_RECORD_BYTES} bytes")
        try:
            value = _DECODER.decode(line.decode())
        except (ValueError, RecursionError) as error:
            raise BadValue(f"not JSON: {error}") from error
        if not isinstance(value, dict):
            raise BadValue("not a JSON object")
        return value

    def row(self, line: bytes) -> str:
        """One line of text format; empty for a blank line or a row to leave out."""
        if not line.strip():
            return ""
        cells = [NULL] * len(self._names)
        try:
            record = self._object(line)
        except BadValue:
            if not self._nulls_for_malformed:
                raise
            record = {}
        for key, value in record.items():
            place = self._places.get(key)
            if place is None:
                place = self._places.get(key.lower())
            if place is None or value is None:
                continue
            try:
                cells[place] = self._converters[place](value)
            except DropRow:
                return ""
            except (BadValue, UnicodeError) as error:
                raise BadValue(f"column {self._names[place]}: {error}") from error
        return "\t".join(cells) + self._tail
