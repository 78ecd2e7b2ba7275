"""Columns of external tables: the types Redshift Spectrum knows for JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from airscoop.local.redshift.errors import SqlError

VARCHAR_MAX_BYTES = 65535
CHAR_MAX_BYTES = 4096
DECIMAL_MAX_DIGITS = 38

_PLAIN = {
    "smallint": ("integer", "smallint"),
    "int2": ("integer", "smallint"),
    "integer": ("integer", "integer"),
    "int": ("integer", "integer"),
    "int4": ("integer", "integer"),
    "bigint": ("integer", "bigint"),
    "int8": ("integer", "bigint"),
    "real": ("float", "real"),
    "float4": ("float", "real"),
    "double precision": ("float", "double precision"),
    "float8": ("float", "double precision"),
    "float": ("float", "double precision"),
    "boolean": ("boolean", "boolean"),
    "bool": ("boolean", "boolean"),
    "date": ("date", "date"),
    "timestamp": ("timestamp", "timestamp"),
    "timestamp without time zone": ("timestamp", "timestamp"),
}
_VARCHAR = ("varchar", "character varying", "nvarchar")
_CHAR = ("char", "character", "nchar", "bpchar")
_DECIMAL = ("decimal", "numeric")


@dataclass(frozen=True)
class Column:
    """`kind` says how a value is checked, `sql` is the type in PostgreSQL's words.

    `width` is the number of bytes of a text, `digits` and `scale` those of a decimal.
    """

    name: str
    kind: str
    sql: str
    width: int = 0
    digits: int = 0
    scale: int = 0

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def _length(column: str, word: str, arguments: list[str], default: int, largest: int) -> int:
    if not arguments:
        return default
    if len(arguments) == 1 and arguments[0].lower() == "max":
        return largest
    if len(arguments) != 1 or not arguments[0].isdigit():
        raise SqlError("42601", f'column "{column}": {word} takes one length')
    length = int(arguments[0])
    if not 1 <= length <= largest:
        raise SqlError(
            "22023", f'column "{column}": the length of {word} must be between 1 and {largest}'
        )
    return length


def column(name: str, word: str, arguments: list[str]) -> Column:
    """A column of the type `word`, for example "varchar" with ["max"]; else an SqlError."""
    if word in _PLAIN and not arguments:
        kind, sql = _PLAIN[word]
        return Column(name, kind, sql)
    if word in _VARCHAR:
        width = _length(name, word, arguments, 256, VARCHAR_MAX_BYTES)
        return Column(name, "text", f"character varying({width})", width=width)
    if word in _CHAR:
        width = _length(name, word, arguments, 1, CHAR_MAX_BYTES)
        return Column(name, "text", f"character({width})", width=width)
    if word in _DECIMAL:
        sizes = [int(text) for text in arguments if text.isdigit()]
        if len(sizes) != len(arguments) or len(sizes) > 2:
            raise SqlError("42601", f'column "{name}": {word} takes a precision and a scale')
        digits, scale = (*sizes, 0)[:2] if sizes else (18, 0)
        if not 1 <= digits <= DECIMAL_MAX_DIGITS or scale > digits:
            raise SqlError("22023", f'column "{name}": decimal({digits},{scale}) is out of range')
        sql = f"numeric({digits},{scale})"
        return Column(name, "decimal", sql, digits=digits, scale=scale)
    raise SqlError(
        "0A000", f'Unsupported data type "{word}" for external table creation (column "{name}").'
    )
