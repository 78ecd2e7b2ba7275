"""OpenCSVSerde and LazySimpleSerDe: lines of separated values."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from decimal import InvalidOperation
from typing import Any

from airscoop.local.athena.failures import Unknown
from airscoop.local.athena.serde_json import SCALARS, Wanted, bad_value, of_text
from airscoop.local.athena.types import Type

OPEN_CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
LAZY = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
_EPOCH = datetime.datetime(1970, 1, 1)


class OpenCsv:
    """OpenCSV 2.3's parser, one line a row: a quoted field that goes on is cut off."""

    def __init__(self, columns: Wanted, parameters: Mapping[str, str]) -> None:
        self._separator = parameters.get("separatorChar", ",")[:1]
        self._quote = parameters.get("quoteChar", '"')[:1]
        # The SerDe takes the quote's own default for "none said", and the parser has its own.
        escape = parameters.get("escapeChar", '"')[:1]
        self._escape = "\\" if escape == '"' else escape
        self._columns = columns
        for _, name, kind in columns:
            if kind.name not in _OPEN_CSV_TYPES:
                raise Unknown(f"a column of type {kind} in an OpenCSVSerde table ({name})")

    def __call__(self, line: bytes) -> Sequence[Any]:
        text = line.decode("utf-8", errors="replace")
        if self._quote in text or self._escape in text:
            found = self._fields(text)
        else:
            found = text.split(self._separator)
        return [
            None if place >= len(found) else _typed(found[place], kind, place)
            for place, _, kind in self._columns
        ]

    def _fields(self, text: str) -> list[str]:
        """As CSVParser.parseLine reads: its odd cases are meant."""
        fields: list[str] = []
        field: list[str] = []
        quoted = False
        place, end = 0, len(text)
        while place < end:
            sign = text[place]
            following = text[place + 1] if place + 1 < end else ""
            if sign == self._escape:
                if quoted and following and following in (self._quote, self._escape):
                    field.append(following)
                    place += 1
            elif sign == self._quote:
                if quoted and following == self._quote:
                    field.append(following)
                    place += 1
                else:
                    self._at_quote(text, place, following, field)
                    quoted = not quoted
            elif sign == self._separator and not quoted:
                fields.append("".join(field))
                field = []
            else:
                field.append(sign)
            place += 1
        return fields if quoted else [*fields, "".join(field)]

    def _at_quote(self, text: str, place: int, following: str, field: list[str]) -> None:
        """A quote in the midst of a field is kept, after spaces alone it drops them."""
        inside = place > 2 and text[place - 1] != self._separator
        if inside and following and following != self._separator:
            if field and not "".join(field).strip():
                field.clear()
            else:
                field.append(self._quote)


_OPEN_CSV_TYPES = {
    "varchar", "boolean", "tinyint", "smallint", "integer", "bigint", "double", "date",
    "timestamp",
}  # fmt: skip


def _typed(text: str, kind: Type, place: int) -> Any:
    if kind.name == "varchar":
        return of_text(text, kind)
    try:
        if kind.name == "date":  # days since 1970
            return (_EPOCH + datetime.timedelta(days=int(text))).date()
        if kind.name == "timestamp":  # milliseconds since 1970
            return _EPOCH + datetime.timedelta(milliseconds=int(text))
        return SCALARS[kind.name](text, kind)
    except (ValueError, KeyError, OverflowError) as error:
        raise bad_value(text, place, kind) from error


class Lazy:
    """Delimited text: `\\N` and what is no value of the type are NULL."""

    def __init__(self, columns: Wanted, parameters: Mapping[str, str]) -> None:
        given = parameters.get("field.delim") or parameters.get("serialization.format") or "\x01"
        if re.fullmatch(r"\d{1,3}", given):
            given = chr(int(given))
        if len(given) != 1:
            raise Unknown(f"the delimiter {given!r} of LazySimpleSerDe")
        if parameters.get("line.delim", "\n") != "\n":
            raise Unknown("lines that end in another sign than a newline")
        self._delimiter = given
        self._escape = parameters.get("escape.delim", "")
        self._null = parameters.get("serialization.null.format", "\\N")
        self._columns = columns
        for _, name, kind in columns:
            if kind.items or kind.name in ("varbinary", "json"):
                raise Unknown(f"a column of type {kind} in delimited text ({name})")

    def __call__(self, line: bytes) -> Sequence[Any]:
        text = line.decode("utf-8", errors="replace")
        if self._escape and self._escape in text:
            found = self._escaped(text)
        else:
            found = text.split(self._delimiter)
        return [
            None if place >= len(found) else self._value(found[place], kind)
            for place, _, kind in self._columns
        ]

    def _escaped(self, text: str) -> list[str]:
        pattern = re.compile(f"{re.escape(self._escape)}(.)|{re.escape(self._delimiter)}", re.S)
        fields, end, field = [], 0, ""
        for match in pattern.finditer(text):
            field += text[end : match.start()]
            end = match.end()
            if match[1] is None:
                fields.append(field)
                field = ""
            else:
                field += "\\N" if match[0] == "\\N" else match[1]
        return [*fields, field + text[end:]]

    def _value(self, text: str, kind: Type) -> Any:
        if text == self._null:
            return None
        if kind.is_text:
            return of_text(text, kind)
        try:
            return SCALARS[kind.name](text.strip() if kind.name in _STRIPPED else text, kind)
        except (ValueError, KeyError, InvalidOperation, OverflowError):
            return None


_STRIPPED = {"double", "real"}
