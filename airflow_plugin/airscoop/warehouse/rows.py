"""The rows of a query, as they come: names, types, Python's values, Arrow, pandas."""

from __future__ import annotations

import contextlib
import datetime
import decimal
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

from airscoop.errors import AirscoopError, UnsupportedFormat, UsageError

if TYPE_CHECKING:
    from airscoop._native import Session


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a query: its name, and its type as SQL writes it."""

    name: str
    type: str


class Rows:
    """What `Warehouse.query` gives; iterate over it, once.

    `columns` are names and types. Rows are tuples: int, float, Decimal, bool, bytes, UUID, date,
    time and datetime where the column's type is one of these, else the text that the server sends;
    None is NULL. pyarrow, polars and DuckDB read it as an Arrow stream (`pyarrow.table(rows)`);
    `to_pandas()` gives a DataFrame. Rows come from the server as they are asked for, so memory does
    not grow with their number. Until all are read, or `close()` is called (leaving a `with` does),
    the session does nothing else.
    """

    def __init__(self, session: Session, query: int, columns: list[tuple[str, int, int]]) -> None:
        self._session = session
        self._query = query  # the session may have begun another one since
        self._is_open = True
        self.columns = [
            Column(name=name, type=_type_name(number, modifier))
            for name, number, modifier in columns
        ]
        self._readers = [_READERS.get(number) for _, number, _ in columns]
        self._taken = False

    def __repr__(self) -> str:
        return f"<airscoop rows of {', '.join(column.name for column in self.columns)}>"

    def __enter__(self) -> Rows:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        self._take()
        return self._rows()

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        try:
            while self._is_open:
                batch = self._session.query_next(self._query)
                if not batch:
                    self._is_open = False
                for row in batch:
                    yield tuple(map(self._value, range(len(row)), row))
        except BaseException:
            self.close()
            raise

    def _value(self, place: int, text: str | None) -> Any:
        reader = self._readers[place]
        if text is None or reader is None:
            return text
        try:
            return reader(text)
        except (ValueError, ArithmeticError):
            column = self.columns[place]
            raise UnsupportedFormat(
                f"the column {column.name}: Python has no {column.type} {text[:60]!r}; cast the "
                "column to text"
            ) from None

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """For pyarrow, polars, DuckDB: a column of the nearest type for each; once."""
        self._take()
        stream = self._session.query_arrow(self._query)
        self._is_open = False  # the stream ends the query, when its reader lets go of it
        return stream

    def to_pandas(self) -> Any:
        """All rows as a pandas DataFrame, by pyarrow; both must be installed."""
        try:
            import pandas  # noqa: F401
            import pyarrow
        except ImportError as error:
            raise UsageError(
                f"to_pandas() needs the packages pandas and pyarrow ({error}); install them"
            ) from error
        try:
            table = pyarrow.table(self)
        except (OSError, pyarrow.ArrowException):
            failure = self._session.query_failure()  # Arrow tells its text alone
            if failure is None:
                raise
            raise failure from None
        return table.to_pandas()

    def close(self) -> None:
        """Ends the query, on the server too; rows that were not read are lost."""
        if self._is_open:
            self._is_open = False
            self._session.query_close(self._query)

    def __del__(self) -> None:
        # Missing where __init__ failed.
        if self.__dict__.get("_is_open"):
            with contextlib.suppress(AirscoopError):  # another thread has the session
                self.close()

    def _take(self) -> None:
        if self._taken:
            raise UsageError("the rows of a query are read once; run it again, or keep them")
        self._taken = True


def _boolean(text: str) -> bool:
    return text == "t"


def _bytes(text: str) -> bytes:
    if not text.startswith("\\x"):
        raise ValueError(text)
    return bytes.fromhex(text[2:])


# By their numbers in pg_type, which Redshift shares.
_READERS: dict[int, Callable[[str], Any]] = {
    16: _boolean,
    17: _bytes,
    20: int,
    21: int,
    23: int,
    26: int,
    700: float,
    701: float,
    1082: datetime.date.fromisoformat,
    1083: datetime.time.fromisoformat,
    1114: datetime.datetime.fromisoformat,
    1184: datetime.datetime.fromisoformat,
    1700: decimal.Decimal,
    2950: uuid.UUID,
}
_NAMES = {
    16: "boolean",
    17: "bytea",
    18: '"char"',
    19: "name",
    20: "bigint",
    21: "smallint",
    23: "integer",
    25: "text",
    26: "oid",
    114: "json",
    700: "real",
    701: "double precision",
    705: "unknown",
    1042: "character",
    1043: "character varying",
    1082: "date",
    1083: "time without time zone",
    1114: "timestamp without time zone",
    1184: "timestamp with time zone",
    1186: "interval",
    1266: "time with time zone",
    1700: "numeric",
    2950: "uuid",
    3802: "jsonb",
    4000: "super",
    1000: "boolean[]",
    1005: "smallint[]",
    1007: "integer[]",
    1009: "text[]",
    1015: "character varying[]",
    1016: "bigint[]",
    1022: "double precision[]",
    1231: "numeric[]",
}


def _type_name(number: int, modifier: int) -> str:
    name = _NAMES.get(number, f"type {number}")
    if modifier < 4:
        return name
    if number in (1042, 1043):
        return f"{name}({modifier - 4})"
    if number == 1700:
        return f"{name}({(modifier - 4) >> 16},{(modifier - 4) & 0x7FF})"
    return name
