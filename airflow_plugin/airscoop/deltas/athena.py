"""The delta of exports beyond one machine: as SQL by Athena, on tables made for the run."""

from __future__ import annotations

import csv
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Protocol

from airscoop.aws import storage
from airscoop.aws.settings import S3Settings
from airscoop.cancelling import Cancellation
from airscoop.cleaning_up import quietly
from airscoop.deltas.athena_leftovers import PREFIX, MadeTable, remove_left
from airscoop.deltas.athena_result import AthenaDelta, discard, read
from airscoop.deltas.column_case import by_case
from airscoop.deltas.options import GoneColumns, SchemaChange
from airscoop.deltas.schema_change import alone, check_schema
from airscoop.deltas.sql import COUNTS, DeltaSql, check_counts, check_length, quoted
from airscoop.error_facts import with_facts
from airscoop.errors import BadRecord, SchemaChanged, UsageError
from airscoop.given import spelled
from airscoop.receipts.deltas import MOST_SCHEMA_COLUMNS, DeltaReceipt
from airscoop.transfer import places
from airscoop.transfer.options import KeyCase
from airscoop.transfer.read_places import ReadPlaces


class AthenaSettings(Protocol):
    """Where Athena works, and how it is reached; `airscoop.AthenaSettings` says more."""

    @property
    def database(self) -> str:
        """Of the Glue catalog, for the tables of the run."""

    @property
    def results(self) -> str:
        """An s3:// prefix."""

    @property
    def workgroup(self) -> str:
        """Athena's."""

    @property
    def empty_is_null(self) -> bool:
        """Whether empty values are NULL."""

    @property
    def poll_seconds(self) -> float:
        """Between two looks at a query."""

    def s3(self) -> S3Settings | None:
        """How to reach S3; None: as the caller says."""

    def connect(self) -> AthenaClient:
        """Athena and the Glue catalog."""


class AthenaClient(Protocol):
    """What a comparison asks of Athena and of the Glue catalog; all errors are AirscoopErrors."""

    def use_workgroup(self, name: str, *, requester_pays: bool) -> None:
        """Looks at what a workgroup lays down; later queries run in it."""

    def run_query(
        self,
        statement: str,
        *,
        database: str,
        results: str,
        expected_bucket_owner: str | None,
        poll_seconds: float,
        on_wait: Callable[[], object],
    ) -> str:
        """Runs one statement to its end; its id. `on_wait` is called at least once a second."""

    def numbers(self, query: str) -> list[int]:
        """The one row of numbers that a query gave."""

    def csv_table(
        self, *, database: str, name: str, columns: Sequence[str], location: str
    ) -> AbstractContextManager[str]:
        """A table of texts over CSV files; its name in SQL, as long as the `with` lasts."""

    def tables(self, database: str, prefix: str) -> Iterable[MadeTable]:
        """The tables of a database whose names begin with `prefix`."""

    def drop(self, database: str, name: str) -> None:
        """Removes a table from the catalog; nothing is wrong when there is none."""

    def text_columns(self, database: str, name: str) -> list[str]:
        """The columns of a table of the catalog, which must be texts."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """One export as a table: its name in SQL, its columns, and what the table calls them."""

    table: str
    columns: list[str]
    physical: list[str]
    made: bool  # for this run, over CSV: NULL is a value that is missing
    size: int

    def called(self, columns: Sequence[str]) -> list[str | None]:
        """What the table calls these columns; None: it lacks it."""
        names = dict(zip(self.columns, self.physical, strict=True))
        return [names.get(name) for name in columns]


class AthenaJob:
    """A comparison that another thread (or a signal handler) can cancel: while it runs, and while
    its result is written.

    It leaves nothing but its result.
    """

    def __init__(
        self,
        old: Sequence[str],
        new: Sequence[str],
        *,
        settings: AthenaSettings,
        key: Sequence[str],
        version: str,
        stamp: str,
        max_delete_ratio: float,
        max_update_ratio: float | None,
        min_rows: int,
        on_key_case: KeyCase,
        on_schema_change: SchemaChange,
        gone_columns: GoneColumns,
        s3: S3Settings | None,
        temp_dir: str | None = None,
    ) -> None:
        self._old, self._new = old, new
        self._settings = settings
        self._key, self._version = key, version
        self._stamp = stamp
        self._max_delete_ratio, self._min_rows = max_delete_ratio, min_rows
        self._on_key_case: KeyCase = on_key_case
        self._on_schema_change: SchemaChange = on_schema_change
        self._gone_columns: GoneColumns = gone_columns
        self._max_update_ratio = max_update_ratio
        self._s3 = s3 or settings.s3() or S3Settings()
        self._temp_dir = temp_dir
        found_in_s3 = [name for name in (*old, *new) if places.is_s3(name)]  # others are tables
        self._read = ReadPlaces(sources=found_in_s3, s3=self._s3)
        self._name = f"{PREFIX}{uuid.uuid4().hex}"
        self._folder = f"{settings.results.rstrip('/')}/{self._name}/"
        self._cancellation = Cancellation(f"{_shown(new)}: the comparison")
        self._on_wait: Callable[[], object] = self._cancellation.check

    def cancel(self) -> None:
        """Makes `run`, or the `write` of its result, end in Cancelled soon."""
        self._cancellation.cancel()

    def refuse_destination(
        self, destination: str | os.PathLike[str], *, s3: S3Settings | None = None
    ) -> None:
        """Raises UsageError where a result written there would replace one of the exports."""
        self._read.refuse(destination, s3)

    def run(self, *, on_progress: Callable[[None], object] | None = None) -> AthenaDelta:
        """Counts first, and writes nothing when the counts are refused.

        `on_progress` is called about once a second while Athena works, on this thread.
        """

        def wait() -> None:
            self._cancellation.check()
            if on_progress is not None:
                on_progress(None)

        start = time.monotonic()
        self._on_wait = wait
        self._s3 = self._s3.resolved()
        self._client = self._settings.connect()
        self._client.use_workgroup(self._settings.workgroup, requester_pays=self._s3.requester_pays)
        quietly("what a killed run may have left", self._remove_left)
        with ExitStack() as tables:
            after = self._side(tables, "new", self._new)
            before = self._side(tables, "old", self._old) if self._old else None
            sql = self._sql(before, after)
            unload = sql.unload(f"{self._folder}changes/")
            check_length(unload)
            with self._discarding():
                counts = self._counts(sql)
                check_counts(
                    counts,
                    name=_shown(self._new),
                    max_delete_ratio=self._max_delete_ratio,
                    max_update_ratio=self._max_update_ratio,
                    min_rows=self._min_rows,
                )
                self._query(unload)
        receipt = self._receipt(before, after, counts, time.monotonic() - start)
        return AthenaDelta(
            receipt,
            stamp=self._stamp,
            folder=self._folder,
            s3=self._s3,
            read=(self._read,),
            cancellation=self._cancellation,
            temp_dir=self._temp_dir,
        )

    @contextmanager
    def _discarding(self) -> Iterator[None]:
        """Athena keeps what each query answers, and leaves what a failed one has written."""
        try:
            yield
        except BaseException:
            quietly(self._folder, lambda: discard(self._folder, self._s3))
            raise

    def _remove_left(self) -> None:
        database, results = self._settings.database, self._settings.results.rstrip("/")
        remove_left(
            self._client.tables(database, PREFIX),
            drop=lambda name: self._client.drop(database, name),
            discard=lambda run: discard(f"{results}/{run}/", self._s3),
        )

    def _receipt(
        self, before: Side | None, after: Side, counts: dict[str, int], seconds: float
    ) -> DeltaReceipt:
        added, gone = alone(before.columns, after.columns) if before else ([], [])
        return DeltaReceipt(
            seconds=seconds,
            old=_shown(self._old) if self._old else None,
            new=_shown(self._new),
            key=list(self._key),
            columns_added=added[:MOST_SCHEMA_COLUMNS],
            columns_gone=gone[:MOST_SCHEMA_COLUMNS],
            format="csv",
            sorted=False,
            spilled_bytes=0,
            old_etag=None,
            new_etag=None,
            source_bytes=after.size + (before.size if before else 0),
            text_bytes=0,
            retries=0,
            old_duplicates=0,
            new_duplicates=0,
            old_rows=counts["old_rows"],
            new_rows=counts["new_rows"],
            inserted=counts["inserted"],
            updated=counts["updated"],
            deleted=counts["deleted"],
            unchanged=counts["unchanged"],
        )

    def _query(self, statement: str) -> str:
        self._cancellation.check()
        return self._client.run_query(
            statement,
            database=self._settings.database,
            results=f"{self._folder}queries/",
            expected_bucket_owner=self._s3.expected_bucket_owner,
            poll_seconds=self._settings.poll_seconds,
            on_wait=self._on_wait,
        )

    def _counts(self, sql: DeltaSql) -> dict[str, int]:
        return dict(zip(COUNTS, self._client.numbers(self._query(sql.counts())), strict=True))

    def _sql(self, before: Side | None, after: Side) -> DeltaSql:
        columns = list(after.columns)
        if before is not None:
            check_schema(
                before.columns,
                after.columns,
                key=self._key,
                on_schema_change=self._on_schema_change,
                any_case=self._on_key_case == "keep",
                old=_shown(self._old),
                new=_shown(self._new),
            )
            if self._gone_columns == "null":
                columns += alone(before.columns, after.columns)[1]
        return DeltaSql(
            old=None if before is None else before.table,
            new=after.table,
            columns=columns,
            key=[spelled(name, after.columns) for name in self._key],
            version=self._version,
            stamp=self._stamp,
            old_columns=None if before is None else before.called(columns),
            new_columns=after.called(columns),
            old_last=before.physical[-1] if before is not None and before.made else None,
            new_last=after.physical[-1] if after.made else None,
            empty_is_null=self._settings.empty_is_null,
        )

    def _side(self, tables: ExitStack, side: str, sources: Sequence[str]) -> Side:
        if not places.is_s3(sources[0]):
            database, _, table = sources[0].rpartition(".")
            database = database or self._settings.database
            columns = self._client.text_columns(database, table)
            return Side(
                table=f"{quoted(database)}.{quoted(table)}",
                columns=columns,
                physical=columns,
                made=False,
                size=0,
            )
        location, size = self._location(sources)
        columns = self._header(sources)
        physical = [f"c{number}" for number in range(len(columns))]
        name = tables.enter_context(
            self._client.csv_table(
                database=self._settings.database,
                name=f"{self._name}_{side}",
                columns=physical,
                location=location,
            )
        )
        return Side(table=name, columns=columns, physical=physical, made=True, size=size)

    def _location(self, sources: Sequence[str]) -> tuple[str, int]:
        """The folder that holds the export's objects and no others: a table has no finer place."""
        folder = f"{sources[0].rpartition('/')[0]}/"
        sizes = {
            each.uri: each.size
            for each in storage.list_objects(folder, s3=self._s3, check=self._cancellation.check)
        }
        data = {uri for uri in sizes if not uri.rpartition("/")[2].startswith(("_", "."))}
        if missing := sorted(set(sources) - data):
            raise places.not_found(
                missing[0], f"{missing[0]} is not there, or is in another folder than {sources[0]}"
            )
        if others := sorted(data - set(sources)):
            raise UsageError(
                f"{folder} holds {others[0]}, too, which is no part of the export; Athena reads "
                "whole folders: keep each export in a folder of its own"
            )
        return folder, sum(sizes[uri] for uri in sources)

    def _header(self, sources: Sequence[str]) -> list[str]:
        """The names in the first line, which must be the same in all objects that are not empty."""
        names: list[str] = []
        for source in sources:
            text = self._first_line(source).removeprefix("\ufeff")
            if not text:
                continue
            line = text.rstrip("\r\n")
            found = next(csv.reader([line]), [])
            if not found or len(set(found)) != len(found) or "" in found or line.count('"') % 2:
                reason = "the first line is no row of names"
                bad = BadRecord(f"{source}: {reason}: {line[:200]}")
                raise with_facts(bad, source=source, line=1, reason=reason, snippet=line[:200])
            if names and names != found:
                added, gone = alone(names, found)
                changed = SchemaChanged(f"{source} has other columns than {sources[0]}")
                raise with_facts(changed, added=added, gone=gone)
            names = found
        if not names:
            raise BadRecord(f"{_shown(sources)}: there is no header row")
        return by_case(names, self._on_key_case, sources[0])

    def _first_line(self, source: str) -> str:
        blocks = read(self._cancellation, source, s3=self._s3, head_lines=1)
        return b"".join(blocks).decode("utf-8", errors="replace")


def _shown(sources: Sequence[str]) -> str:
    return sources[0] + (f" and {len(sources) - 1} more" if len(sources) > 1 else "")
