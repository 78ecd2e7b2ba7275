"""The verb `delta`: what changed between two full exports of a table."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

from airscoop.aws.credentials import S3Settings
from airscoop.cancelling import Cancellation
from airscoop.receipts.deltas import DeltaReceipt
from airscoop.transfer import places
from airscoop.transfer.options import TransferOptions, place

if TYPE_CHECKING:
    from airscoop._native import Changes, DeltaFacts
    from airscoop._native import Delta as NativeDelta
    from airscoop.deltas.athena import AthenaJob, AthenaSettings
    from airscoop.receipts.transfer import CopyReceipt
    from airscoop.transfer.copy import Upload

TableFormat = Literal["auto", "csv", "jsonl"]
Duplicates = Literal["error", "last"]
SchemaChange = Literal["error", "compare_common"]
Engine = Literal["local", "athena"]

Source = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]

ENGINES: tuple[Engine, ...] = ("local", "athena")
FORMATS: tuple[TableFormat, ...] = ("auto", "csv", "jsonl")
MAX_DELETE_RATIO = 0.3
MIN_ROWS = 1
BLOCK_BYTES = 1 << 20


class Change(TypedDict):
    """One change. `row` has the new values, of a DELETE the old ones; `changed` is an UPDATE's."""

    op: Literal["INSERT", "UPDATE", "DELETE"]
    key: dict[str, Any]
    row: dict[str, Any]
    changed: NotRequired[list[str]]
    id: str


class Delta:
    """The changes between two exports, to iterate, to write, to take as Arrow, again and again.

    They are in memory or in an unnamed temporary file, and gone with the object. `receipt` counts.
    """

    receipt: DeltaReceipt

    def __init__(
        self, changes: Changes, receipt: DeltaReceipt, *, cancellation: Cancellation | None = None
    ) -> None:
        self._changes = changes
        self.receipt = receipt
        self._cancellation = cancellation or Cancellation("the delta")

    def blocks(self) -> Iterator[bytes]:
        """The changes as JSON lines, in blocks of about 1 MiB."""
        reader = self._changes.reader()
        while block := reader.read(BLOCK_BYTES):
            yield block

    def __iter__(self) -> Iterator[Change]:
        import json

        for block in self.blocks():
            for line in block.splitlines():
                change: Change = json.loads(line)
                yield change

    def __len__(self) -> int:
        return self.receipt.inserted + self.receipt.updated + self.receipt.deleted

    def __bool__(self) -> bool:
        """True, also without changes: a Delta is a result."""
        return True

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """For pyarrow, polars, DuckDB: op, key {…}, row {…}, changed […], id; values as text."""
        return self._changes.__arrow_c_stream__(requested_schema)

    def write(
        self,
        destination: str | os.PathLike[str],
        *,
        destination_s3: S3Settings | None = None,
        before_commit: Callable[[], object] | None = None,
        **options: Any,
    ) -> CopyReceipt:
        """Writes the changes as JSON lines, compressed when the name ends in .gz.

        The destination (s3://, a path or "-") appears whole or not at all. `before_commit` is
        called when all is sent and nothing is visible yet; what it raises takes everything back.
        The `cancel` of the job that made this result makes the writing end in Cancelled, too.
        """
        from airscoop.transfer.copy import Upload

        held = before_commit is not None
        with (
            Upload(destination, destination_s3=destination_s3, held=held, **options) as upload,
            self._cancellation.reaching(upload),
        ):
            self._write_to(upload)
            if before_commit is not None:
                upload.seal()
                before_commit()
            return upload.commit()

    def _write_to(self, upload: Upload) -> None:
        upload.write_changes(self._changes)

    def discard(self) -> None:
        """Removes what is kept outside of this process: Athena's results."""


class DeltaJob:
    """A comparison that another thread (or a signal handler) can cancel: while it runs, and while
    its result is written."""

    def __init__(
        self,
        old: Source | None,
        new: Source,
        *,
        key: Sequence[str] = ("PK",),
        format: TableFormat = "auto",
        duplicates: Duplicates = "error",
        schema_change: SchemaChange = "error",
        max_delete_ratio: float = MAX_DELETE_RATIO,
        min_rows: int = MIN_ROWS,
        version: str | None = None,
        memory_limit: int | None = None,
        max_record_bytes: int | None = None,
        temp_dir: str | os.PathLike[str] | None = None,
        allow_unknown_length: bool = False,
        old_s3: S3Settings | None = None,
        new_s3: S3Settings | None = None,
        ca_file: str | None = None,
    ) -> None:
        from airscoop._native import Delta as NativeDelta

        self._cancellation = Cancellation("the comparison")
        self._key = (key,) if isinstance(key, str) else tuple(key)
        self._old = _places(old)
        self._new = _places(new)
        _check("format", format, FORMATS)
        _check("duplicates", duplicates, ("error", "last"))
        _check("schema_change", schema_change, ("error", "compare_common"))
        _check_count("min_rows", min_rows)
        _check_count("memory_limit", memory_limit or 0)

        def side(sources: Sequence[str], settings: S3Settings | None) -> tuple[dict[str, Any], ...]:
            found = settings or S3Settings()
            if any(places.is_s3(source) for source in sources):
                found = found.resolved()
            return tuple(
                TransferOptions(
                    source=source,
                    max_record_bytes=max_record_bytes,
                    allow_unknown_length=allow_unknown_length,
                    source_s3=found,
                    ca_file=ca_file,
                ).native()
                for source in sources
            )

        self._native: NativeDelta = NativeDelta(
            side(self._old, old_s3),
            side(self._new, new_s3 or old_s3),
            self._key,
            format=FORMATS.index(format),
            keep_last=duplicates == "last",
            common_only=schema_change == "compare_common",
            max_delete_ratio=max_delete_ratio,
            min_rows=min_rows,
            memory_limit=memory_limit or 0,
            temp_dir=None if temp_dir is None else os.fspath(temp_dir),
            version=version,
        )

    def cancel(self) -> None:
        """Makes `run`, or the `write` of its result, end in Cancelled soon."""
        self._native.cancel()  # refuses in a forked child, whose parent's work this is
        self._cancellation.cancel()

    def run(self, *, on_progress: Callable[[DeltaFacts], object] | None = None) -> Delta:
        """Compares to the end; `on_progress` is called about once a second, on this thread."""
        start = time.monotonic()

        def report() -> None:
            if on_progress is not None:
                on_progress(self._native.facts())

        facts = self._native.run(report if on_progress is not None else None)
        receipt = self._receipt(facts, time.monotonic() - start)
        return Delta(self._native.changes(), receipt, cancellation=self._cancellation)

    def _receipt(self, facts: DeltaFacts, seconds: float) -> DeltaReceipt:
        old, new = facts["old"], facts["new"]
        return DeltaReceipt(
            seconds=seconds,
            old=_displayed(self._old) if self._old else None,
            new=_displayed(self._new),
            key=list(self._key),
            old_rows=old["rows"],
            new_rows=new["rows"],
            inserted=facts["inserted"],
            updated=facts["updated"],
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


def _places(source: Source | None) -> tuple[str, ...]:
    if source is None:
        return ()
    if isinstance(source, str | os.PathLike):
        return (place(source),)
    return tuple(place(one) for one in source)


def _displayed(sources: Sequence[str]) -> str:
    more = f" and {len(sources) - 1} more" if len(sources) > 1 else ""
    return places.displayed(sources[0]) + more


def _check(name: str, value: str, choices: Sequence[str]) -> None:
    if value not in choices:
        from airscoop.errors import UsageError

        raise UsageError(f'{name} cannot be "{value}": it is one of {", ".join(choices)}')


def _check_count(name: str, value: object) -> None:
    if not isinstance(value, int) or not 0 <= value < 2**63:
        from airscoop.errors import UsageError

        raise UsageError(f"{name} is not a whole number, or out of range")


def delta(
    old: Source | None,
    new: Source,
    *,
    key: Sequence[str] = ("PK",),
    format: TableFormat = "auto",
    duplicates: Duplicates = "error",
    schema_change: SchemaChange = "error",
    max_delete_ratio: float = MAX_DELETE_RATIO,
    min_rows: int = MIN_ROWS,
    version: str | None = None,
    memory_limit: int | None = None,
    max_record_bytes: int | None = None,
    temp_dir: str | os.PathLike[str] | None = None,
    allow_unknown_length: bool = False,
    old_s3: S3Settings | None = None,
    new_s3: S3Settings | None = None,
    ca_file: str | None = None,
    engine: Engine = "local",
    athena: AthenaSettings | Mapping[str, Any] | None = None,
    on_progress: Callable[[Any], object] | None = None,
) -> Delta:
    """Compares two full exports of a table by key: what was inserted, updated and deleted.

    Sources are http(s)://, s3:// or a path; CSV or JSON lines (by name, else by the first byte),
    gzip or plain. An export of several objects is a sequence of them: they are read one after the
    other, in CSV each with its own header row, all equal. `old` None is the first import: every row
    is an INSERT. Both exports are read at the same time and once; exports in the order of their
    keys need no memory to speak of, others up to `memory_limit` (64 MiB) and beyond that temporary
    files in `temp_dir`.

    The result is refused (SuspectExport) when the new export has fewer than `min_rows` rows, or
    when more than `max_delete_ratio` of the old rows are gone. `version` names the new export in
    the changes' ids: give it wherever a consumer drops ids that it has seen, as the same change may
    come again in a later version.

    engine="athena" compares CSV exports in S3, or tables of the Glue catalog ("database.table"), by
    Athena, as `athena` says; the changes, with the same ids, are read from its results in S3.

    Raises a subclass of airscoop.errors.AirscoopError; nothing is left behind then.
    """
    job = delta_job(
        old,
        new,
        key=key,
        format=format,
        duplicates=duplicates,
        schema_change=schema_change,
        max_delete_ratio=max_delete_ratio,
        min_rows=min_rows,
        version=version,
        memory_limit=memory_limit,
        max_record_bytes=max_record_bytes,
        temp_dir=temp_dir,
        allow_unknown_length=allow_unknown_length,
        old_s3=old_s3,
        new_s3=new_s3,
        ca_file=ca_file,
        engine=engine,
        athena=athena,
    )
    return job.run(on_progress=on_progress)


def delta_job(
    old: Source | None,
    new: Source,
    *,
    engine: Engine = "local",
    athena: AthenaSettings | Mapping[str, Any] | None = None,
    **options: Any,
) -> DeltaJob | AthenaJob:
    """The job that `delta` runs, with the same arguments."""
    _check("engine", engine, ENGINES)
    if engine == "athena":
        return _athena_job(old, new, athena, **options)
    return DeltaJob(old, new, **options)


def _athena_job(
    old: Source | None,
    new: Source,
    athena: AthenaSettings | Mapping[str, Any] | None,
    *,
    key: Sequence[str] = ("PK",),
    format: TableFormat = "auto",
    duplicates: Duplicates = "error",
    schema_change: SchemaChange = "error",
    max_delete_ratio: float = MAX_DELETE_RATIO,
    min_rows: int = MIN_ROWS,
    version: str | None = None,
    old_s3: S3Settings | None = None,
    new_s3: S3Settings | None = None,
    ca_file: str | None = None,
    **of_the_other_engine: Any,
) -> AthenaJob:
    from airscoop.deltas.athena import AthenaJob, AthenaSettings
    from airscoop.errors import UnsupportedFormat, UsageError

    if athena is None:
        raise UsageError('engine="athena" needs athena=AthenaSettings(database=…, results=…)')
    if format == "jsonl" or duplicates != "error" or schema_change != "error":
        raise UnsupportedFormat(
            'engine="athena" compares CSV with equal columns and without duplicates: not '
            'format="jsonl", duplicates="last" or schema_change="compare_common"'
        )
    return AthenaJob(
        _places(old),
        _places(new),
        settings=athena if isinstance(athena, AthenaSettings) else AthenaSettings(**athena),
        key=(key,) if isinstance(key, str) else tuple(key),
        version=version or "",
        max_delete_ratio=max_delete_ratio,
        min_rows=min_rows,
        s3=new_s3 or old_s3,
        ca_file=ca_file,
    )
