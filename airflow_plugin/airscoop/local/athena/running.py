"""One statement, from its text to its answer."""

from __future__ import annotations

import re
import shutil
import tempfile
import threading
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from airscoop.local.athena.answers import Answer, Column
from airscoop.local.athena.context import Context, Query
from airscoop.local.athena.duck_errors import in_athenas_words
from airscoop.local.athena.failures import QueryFailed, Unknown
from airscoop.local.athena.known import register
from airscoop.local.athena.loading import Loader
from airscoop.local.athena.queries import compile_query
from airscoop.local.athena.statements import dispatch
from airscoop.local.athena.tables import Catalogue
from airscoop.local.athena.texts import text
from airscoop.local.athena.types import MONTHS, Type, column_info_name, duck, precision_and_scale

if TYPE_CHECKING:
    from collections.abc import Iterator

MEMORY_LIMIT = "1GB"
ROWS_AT_ONCE = 2000
CANCELLED = "Query was canceled by user"


@dataclass(frozen=True)
class Result:
    """A query that is ready to give its rows, as DuckDB's values."""

    query: Query
    connection: Any
    scanned: int
    session: Session

    def batches(self) -> Iterator[list[tuple[Any, ...]]]:
        try:
            while found := self.connection.fetchmany(ROWS_AT_ONCE):
                self.session.check()
                yield found
        except Exception as error:
            raise self.session.failure(error) from error


class Session:
    """What one statement needs. It is used once."""

    def __init__(
        self, *, s3: Any, glue: Any, database: str | None, catalog: str, output: str | None,
        query_id: str, cancelled: threading.Event, prepared: dict[str, str],
    ) -> None:  # fmt: skip
        self.s3 = s3
        self.catalogue = Catalogue(glue)
        self.database, self.catalog = database, catalog
        self.output, self.query_id = output, query_id
        self.cancelled = cancelled
        self.prepared = prepared

    def check(self) -> None:
        if self.cancelled.is_set():
            raise QueryFailed(CANCELLED)

    def failure(self, error: Exception) -> QueryFailed:
        """Any error of the work, in Athena's words."""
        if self.cancelled.is_set():
            return QueryFailed(CANCELLED)
        return error if isinstance(error, QueryFailed) else in_athenas_words(error)

    def run(self, statement: str, parameters: Sequence[str]) -> Answer:
        try:
            return dispatch(self, trimmed(statement), parameters)
        except QueryFailed:
            raise
        except Exception as error:
            raise self.failure(error) from error

    def context(self) -> Context:
        return Context(
            compile_query=compile_query,
            catalogue=self.catalogue,
            catalog=self.catalog,
            database=self.database,
        )

    @contextmanager
    def result(
        self, tree: Any, *, casts: list[Type] | None = None
    ) -> Generator[Result, None, None]:
        """A query that runs, for as long as the `with` lasts. casts: what its columns become."""
        context = self.context()
        query = compile_query(tree, None, context)
        for column in query.columns:
            refuse_months(column.type)
        sql = query.sql if casts is None else _cast(query, casts)
        with ExitStack() as stack:
            folder = tempfile.mkdtemp(prefix="airscoop-athena-")
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            connection = stack.enter_context(_connection(folder, self.cancelled))
            try:
                conditions = [text for scan in context.scans for text, _ in scan.conditions]
                register(connection, " ".join([sql, *conditions]))
                loader = Loader(connection, self.s3, context, folder, self.cancelled)
                loader.load(context.scans)
                connection.execute(sql)
            except Exception as error:
                raise self.failure(error) from error
            yield Result(query, connection, loader.scanned, self)

    def select(self, tree: Any) -> Answer:
        """The answer of a query; its rows are read as they are asked for."""
        rows = self._rows(tree)
        query, scanned = next(rows)
        return Answer(
            "DML", "SELECT", columns_of(query), rows, scanned_bytes=scanned
        )  # fmt: skip

    def _rows(self, tree: Any) -> Generator[Any, None, None]:
        with self.result(tree) as result:
            yield result.query, result.scanned
            kinds = [column.type for column in result.query.columns]
            for batch in result.batches():
                yield from (_texts(row, kinds) for row in batch)


def refuse_months(kind: Type) -> None:
    """A value that DuckDB gives as a number of days."""
    if kind == MONTHS:
        raise Unknown(f"a column of type {kind}: write a CAST or add it to a date")
    for item in kind.items:
        refuse_months(item)


def _cast(query: Query, kinds: list[Type]) -> str:
    names = ", ".join(f"c{number}" for number in range(len(kinds)))
    values = ", ".join(f"CAST(c{number} AS {duck(kind)})" for number, kind in enumerate(kinds))
    return f"SELECT {values} FROM ({query.sql}) AS q({names})"


def trimmed(statement: str) -> str:
    return re.sub(r";\s*\Z", "", statement)


def _texts(row: tuple[Any, ...], kinds: list[Type]) -> tuple[str | None, ...]:
    return tuple(text(value, kind) for value, kind in zip(row, kinds, strict=True))


def columns_of(query: Query) -> tuple[Column, ...]:
    """A column without a name is called `_col` and its place."""
    return tuple(
        Column(
            each.name if each.name is not None else f"_col{number}",
            column_info_name(each.type),
            *precision_and_scale(each.type),
        )
        for number, each in enumerate(query.columns)
    )


@contextmanager
def _connection(folder: str, cancelled: threading.Event) -> Generator[Any, None, None]:
    """DuckDB with a file to spill to, cut off from everything else, until it is interrupted."""
    connection = duckdb.connect(f"{folder}/tables.duckdb", config={"memory_limit": MEMORY_LIMIT})
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.05):
            if cancelled.is_set():
                connection.interrupt()

    watcher = threading.Thread(target=watch, daemon=True)
    try:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"SET temp_directory = '{folder}/spill'")
        watcher.start()
        yield connection
    finally:
        ended.set()
        if watcher.is_alive():
            watcher.join()
        connection.close()
