"""How a CSV text is written, where it is not as RFC 4180 says."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airscoop import given, kinds
from airscoop.errors import UsageError

KINDS: kinds.Kinds = {
    **dict.fromkeys(("delimiter", "quote", "escape", "encoding", "comment"), kinds.TEXT),
    "header": kinds.FLAG,
    "skip_rows": kinds.whole(),
}


@dataclass(frozen=True, kw_only=True)
class CsvDialect:
    """How a CSV text is written. What is None is as RFC 4180 says: commas, double quotes, UTF-8.

    delimiter, quote, escape: one character each; quote "" where there are no quotes. A quote that
    is doubled within quotes is one anyway; `escape` makes the character behind it data, within
    quotes and without. header False: the first row is one, too, and `columns` names the columns.
    skip_rows: lines before the header. encoding: as iconv names it, such as latin-1, cp1252,
    utf-16. null_values: the texts without quotes that are NULL, in place of nothing at all; give ""
    as well where that is NULL, too. comment: what a line begins with that is none, such as "#".
    """

    delimiter: str | None = None
    quote: str | None = None
    escape: str | None = None
    header: bool = True
    skip_rows: int = 0
    encoding: str | None = None
    null_values: Sequence[str] | None = None
    comment: str | None = None

    def __post_init__(self) -> None:
        kinds.settle(self, KINDS, "csv: ")
        if self.null_values is not None:
            object.__setattr__(self, "null_values", _texts("csv: null_values", self.null_values))
            if any("\n" in text or "\r" in text for text in self.null_values):
                raise UsageError("csv: null_values are texts without quotes, so without line ends")

    @classmethod
    def of(cls, dialect: object) -> CsvDialect | None:
        """A dialect, or its fields as a mapping, as YAML and templates give it."""
        if dialect is None or isinstance(dialect, CsvDialect):
            return dialect
        if not isinstance(dialect, Mapping):
            raise UsageError(
                f"csv has to be an airscoop.CsvDialect or its fields, not {type(dialect).__name__}"
            )
        known = [field.name for field in dataclasses.fields(cls)]
        for name in dialect:
            if name not in known:
                raise UsageError(f"csv: there is no {name!r}: its fields are {', '.join(known)}")
        return cls(**dialect)


def columns_of_json(columns: Sequence[str]) -> dict[str, Any]:
    """What the binding takes of the names of columns that JSON lines have."""
    return {"csv_columns": _header(columns)}


def native(dialect: CsvDialect | None, columns: Sequence[str] | None) -> dict[str, Any]:
    """What the binding takes of a dialect, and of the names of columns that stand in no header."""
    header = dialect is None or dialect.header
    if columns is not None and header:
        raise UsageError(
            "columns names the columns of CSV without a header: csv=CsvDialect(header=False)"
        )
    if dialect is None:
        return {}
    nulls = dialect.null_values
    return {
        "csv_delimiter": dialect.delimiter,
        "csv_quote": dialect.quote,
        "csv_escape": dialect.escape,
        "csv_comment": dialect.comment,
        "csv_encoding": dialect.encoding,
        "csv_null_values": None if nulls is None else "".join(f"{text}\n" for text in nulls),
        "csv_skip_rows": dialect.skip_rows,
        "csv_no_header": not header,
        "csv_columns": None if columns is None else _header(columns),
    }


def _texts(name: str, values: object) -> tuple[str, ...]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        kinds.refuse(name, "a list of texts", values)
    return tuple(given.text(value, name) for value in values)


def _header(columns: Sequence[str]) -> str:
    found = given.names(columns, "columns")
    if not found:
        raise UsageError("columns names no column")
    return ",".join('"' + name.replace('"', '""') + '"' for name in found)
