"""The verb `delta`: what changed between two full exports of a table."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack, cast

from airscoop import _native, kinds
from airscoop.aws.settings import S3Settings
from airscoop.cancelling import Cancellation
from airscoop.deltas.options import (
    DEFAULTS,
    KINDS,
    DeltaOptions,
    Engine,
    SchemaChange,
    Source,
    TableFormat,
)
from airscoop.deltas.result import Delta
from airscoop.deltas.stamp import stamp_of, version_of_ids
from airscoop.errors import UnsupportedFormat, UsageError
from airscoop.given import names
from airscoop.receipts.deltas import MOST_SCHEMA_COLUMNS, DeltaReceipt, most_updated
from airscoop.signatures import refuse_unknown, showing
from airscoop.transfer import csv_dialect, places
from airscoop.transfer.csv_dialect import CsvDialect
from airscoop.transfer.options import TransferOptions, place
from airscoop.transfer.read_places import ReadPlaces

if TYPE_CHECKING:
    from airscoop._native import Changes, DeltaFacts
    from airscoop.deltas.athena import AthenaJob, AthenaSettings

FORMATS: tuple[TableFormat, ...] = ("auto", "csv", "jsonl")
SCHEMA_CHANGES: tuple[SchemaChange, ...] = ("error", "compare_common", "all")  # as the engine has


class DeltaJob:
    """A comparison that another thread (or a signal handler) can cancel: while it runs, and while
    its result is written."""

    @showing(DeltaOptions, DEFAULTS)
    def __init__(self, old: Source | None, new: Source, **options: Unpack[DeltaOptions]) -> None:
        refuse_unknown("DeltaJob.__init__", options, DEFAULTS)
        given = _given(options)
        self._cancellation = Cancellation("the comparison")
        self._key = names(given["key"], "key")
        self._old = _places(old)
        self._new = _places(new)
        self._read = (
            ReadPlaces(sources=self._old, s3=given["s3"]),
            ReadPlaces(sources=self._new, s3=given["s3"]),
        )
        _check_schema_change(given)
        _check_csv(given)
        self._stamp = stamp_of(given, first=not self._old)
        temp_dir = given["temp_dir"]
        self._native = _native.Delta(
            _side(self._old, given),
            _side(self._new, given),
            self._key,
            format=FORMATS.index(given["format"]),
            keep_last=given["on_duplicates"] == "last",
            empty_keys=given["on_empty_key"] == "allow",
            schema_change=SCHEMA_CHANGES.index(given["on_schema_change"]),
            drop_gone=given["gone_columns"] == "drop",
            any_case=given["on_key_case"] == "keep",
            numbers_by_value=given["numbers"] == "value",
            max_delete_ratio=given["max_delete_ratio"],
            max_update_ratio=given["max_update_ratio"],
            min_rows=given["min_rows"],
            memory_limit=int(given["memory_limit"] or 0),
            temp_dir=None if temp_dir is None else places.path(temp_dir),
            version=version_of_ids(given),
            stamp=self._stamp,
        )

    def cancel(self) -> None:
        """Makes `run`, or the `write` of its result, end in Cancelled soon."""
        self._native.cancel()  # refuses in a forked child, whose parent's work this is
        self._cancellation.cancel()

    def refuse_destination(
        self, destination: str | os.PathLike[str], *, s3: S3Settings | None = None
    ) -> None:
        """Raises UsageError where a result written there would replace one of the exports: as
        `Delta.write` does, before anything is opened."""
        for read in self._read:
            read.refuse(destination, s3)

    def run(self, *, on_progress: Callable[[DeltaFacts], object] | None = None) -> Delta:
        """Compares to the end; `on_progress` is called about once a second, on this thread."""
        if on_progress is not None:
            kinds.FUNCTION.read(on_progress, "on_progress")
        start = time.monotonic()
        if on_progress is not None:
            kinds.FUNCTION.read(on_progress, "on_progress")

        def report() -> None:
            if on_progress is not None:
                on_progress(self._native.facts())

        facts = self._native.run(report if on_progress is not None else None)
        changes = self._native.changes()
        receipt = self._receipt(facts, changes, time.monotonic() - start)
        return Delta(
            changes,
            receipt,
            stamp=self._stamp,
            read=self._read,
            cancellation=self._cancellation,
        )

    def _receipt(self, facts: DeltaFacts, changes: Changes, seconds: float) -> DeltaReceipt:
        old, new = facts["old"], facts["new"]
        schema = changes.schema_change()
        return DeltaReceipt(
            seconds=seconds,
            old=_displayed(self._old) if self._old else None,
            new=_displayed(self._new),
            key=list(self._key),
            columns_added=schema["added"][:MOST_SCHEMA_COLUMNS],
            columns_gone=schema["gone"][:MOST_SCHEMA_COLUMNS],
            format="jsonl" if facts["json"] else "csv",
            old_rows=old["rows"],
            new_rows=new["rows"],
            inserted=facts["inserted"],
            updated=facts["updated"],
            updated_columns=most_updated(changes.updated_columns()),
            deleted=facts["deleted"],
            unchanged=facts["unchanged"],
            old_duplicates=old["duplicates"],
            new_duplicates=new["duplicates"],
            sorted=facts["sorted"],
            spilled_bytes=facts["spilled_bytes"],
            old_etag=old["etag"] or None,
            new_etag=new["etag"] or None,
            source_bytes=old["source_bytes"] + new["source_bytes"],
            text_bytes=old["text_bytes"] + new["text_bytes"],
            retries=old["retries"] + new["retries"],
        )


def _side(sources: Sequence[str], options: DeltaOptions) -> tuple[dict[str, Any], ...]:
    """One export, as the binding takes it.

    `columns` of JSON lines are those that the export has, whatever its rows show.
    """
    found = options["s3"] or S3Settings()
    dialect = CsvDialect.of(options["csv"])
    told = options["columns"] if dialect is None and options["format"] != "csv" else None
    of_json = {} if told is None else csv_dialect.columns_of_json(told)
    if any(places.is_s3(source) for source in sources):
        found = found.resolved()
    return tuple(
        TransferOptions(
            source=source,
            max_record_bytes=options["max_record_bytes"],
            on_invalid_characters=options["on_invalid_characters"],
            on_key_case=options["on_key_case"],
            allow_unknown_length=options["allow_unknown_length"],
            source_s3=found,
            format="raw" if dialect is None else "csv",
            csv=dialect,
            columns=None if of_json else options["columns"],
        ).native()
        | of_json
        for source in sources
    )


def _places(source: Source | None) -> tuple[str, ...]:
    if source is None:
        return ()
    if isinstance(source, str | os.PathLike):
        return (place(source, "source"),)
    if not isinstance(source, Sequence) or isinstance(source, bytes | bytearray):
        kinds.refuse("an export", "a place, or a list of places", source)
    return tuple(place(one, "source") for one in source)


def _displayed(sources: Sequence[str]) -> str:
    more = f" and {len(sources) - 1} more" if len(sources) > 1 else ""
    return places.displayed(sources[0]) + more


def _given(options: DeltaOptions) -> DeltaOptions:
    """All options, each read by its kind."""
    return cast("DeltaOptions", {**DEFAULTS, **kinds.read_all(options, KINDS, DEFAULTS)})


def _check_csv(options: DeltaOptions) -> None:
    if options["csv"] is not None and options["format"] == "jsonl":
        raise UsageError('csv says how CSV is written: it does not go with format="jsonl"')
    dialect = CsvDialect.of(options["csv"])
    if dialect is not None and not dialect.header and options["columns"] is None:
        raise UsageError("a delta of CSV without a header needs the names of its columns: columns")


def _check_schema_change(options: DeltaOptions) -> None:
    if options["gone_columns"] == "drop" and options["on_schema_change"] != "all":
        raise UsageError('gone_columns="drop" goes with on_schema_change="all" alone')


@showing(DeltaOptions, DEFAULTS)
def delta(
    old: Source | None,
    new: Source,
    *,
    engine: Engine = "local",
    athena: AthenaSettings | Mapping[str, Any] | None = None,
    on_progress: Callable[[Any], object] | None = None,
    **options: Unpack[DeltaOptions],
) -> Delta:
    """Compares two full exports of a table by key: what was inserted, updated and deleted.

    Sources are http(s)://, s3:// or a path; CSV or JSON lines (by name, else by the first byte),
    gzip or plain. An export of several objects is a sequence of them: they are read one after the
    other, in CSV each with its own header row, all equal. `old` None is the first import: every row
    is an INSERT. Both exports are read at the same time and once; exports in the order of their
    keys need no memory to speak of, others up to `memory_limit` (64 MiB) and beyond that temporary
    files in `temp_dir`.

    No change is written that its readers would refuse: `on_invalid_characters` and `on_key_case`
    say, as in `copy`, what becomes of NULs and of names that are equal but for case (with "keep"
    say so to `check`, `publish` and `apply_changes`, too), and a row is refused whose change could
    be longer than `max_record_bytes` (4 MiB). numbers="value" takes numbers of JSON lines by their
    value, also within objects: 1.0 and 1.00 are 1; those of a key always are.

    A column that one of the exports has alone is SchemaChanged. With on_schema_change="all" it is
    compared as if the other one had it with nulls: each row in which a new column is not null is an
    UPDATE, and so is each in which one that is gone was not; such columns are null in the rows from
    then on, or, with gone_columns="drop", they are in no row and not compared. "compare_common"
    compares the columns that both have: the new ones' values are told only of rows that change in
    others, and those of all other rows never, as the next version has the column, too.

    The result is refused (SuspectExport) when the new export has fewer than `min_rows` rows, when
    more than `max_delete_ratio` of the old rows are gone, or when more than `max_update_ratio` of
    them changed (None: all may, as where each row has a time stamp). `version` names the new export
    in the changes' ids: give it wherever a consumer drops ids that it has seen, as the same change
    may come again in a later version. `dataset` and `previous`, the version of the old export, go
    with it: then each change says all three, and `apply_changes` knows what the file is of.

    engine="athena" compares CSV exports in S3, or tables of the Glue catalog ("database.table"), by
    Athena, as `athena` says; the changes, with the same ids, are read from its results in S3.

    Raises a subclass of airscoop.errors.AirscoopError; nothing is left behind then.
    """
    refuse_unknown("delta", options, DEFAULTS)
    job = delta_job(old, new, engine=engine, athena=athena, **options)
    return job.run(on_progress=on_progress)


@showing(DeltaOptions, DEFAULTS)
def delta_job(
    old: Source | None,
    new: Source,
    *,
    engine: Engine = "local",
    athena: AthenaSettings | Mapping[str, Any] | None = None,
    **options: Unpack[DeltaOptions],
) -> DeltaJob | AthenaJob:
    """The job that `delta` runs, with the same arguments."""
    kinds.choice(Engine).read(engine, "engine")
    if engine == "athena":
        return _athena_job(old, new, athena, options)
    return DeltaJob(old, new, **options)


def _athena_job(
    old: Source | None,
    new: Source,
    athena: AthenaSettings | Mapping[str, Any] | None,
    options: DeltaOptions,
) -> AthenaJob:
    import airscoop  # the core does not know whose AthenaSettings is
    from airscoop.deltas.athena import AthenaJob

    if athena is None:
        raise UsageError('engine="athena" needs athena=AthenaSettings(database=…, results=…)')
    refuse_unknown("delta_job", options, DEFAULTS)
    given = _given(options)
    if (
        given["format"] == "jsonl"
        or given["on_duplicates"] != "error"
        or given["on_schema_change"] == "compare_common"
        or given["numbers"] != "digits"
        or given["on_invalid_characters"] != "error"
        or given["on_empty_key"] != "error"
        or given["csv"] is not None
    ):
        raise UnsupportedFormat(
            'engine="athena" compares CSV without duplicates: not '
            'format="jsonl", on_duplicates="last", on_empty_key="allow", numbers="value", '
            'on_schema_change="compare_common", on_invalid_characters="replace" or csv='
        )
    _check_schema_change(given)
    temp_dir = given["temp_dir"]
    return AthenaJob(
        _places(old),
        _places(new),
        settings=airscoop.AthenaSettings(**athena) if isinstance(athena, Mapping) else athena,
        key=names(given["key"], "key"),
        version=version_of_ids(given) or "",
        stamp=stamp_of(given, first=old is None),
        on_key_case=given["on_key_case"],
        on_schema_change=given["on_schema_change"],
        gone_columns=given["gone_columns"],
        max_delete_ratio=given["max_delete_ratio"],
        max_update_ratio=given["max_update_ratio"],
        min_rows=given["min_rows"],
        s3=given["s3"],
        temp_dir=None if temp_dir is None else places.path(temp_dir),
    )
