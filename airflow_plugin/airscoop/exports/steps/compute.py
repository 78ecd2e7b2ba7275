"""The step that compares an export with the last done one, and writes the changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from airscoop.aws.settings import S3Settings
from airscoop.cancelling import Cancellable, Cancellation
from airscoop.cleaning_up import cleaned_up
from airscoop.deltas.job import delta_job
from airscoop.deltas.options import DEFAULTS, CompareOptions, DeltaOptions, Engine
from airscoop.deltas.result import Delta
from airscoop.errors import (
    BadRecord,
    CorruptData,
    DestinationChanged,
    DuplicateKey,
    ExportConflict,
    PlaceExists,
    SchemaChanged,
    SuspectExport,
    TrailingGarbage,
    Truncated,
    UnsupportedFormat,
    UsageError,
    WrongExportState,
)
from airscoop.exports import model
from airscoop.exports.lease import Lease
from airscoop.exports.model import Export
from airscoop.exports.registry import ChangesFile, ExportRecord, Registry
from airscoop.exports.steps.working import (
    ExportLock,
    LockDict,
    OnStart,
    Terms,
    cancellable,
    etag_of,
)
from airscoop.receipts.deltas import DeltaReceipt
from airscoop.receipts.exports import ChangesReceipt
from airscoop.signatures import refuse_unknown

if TYPE_CHECKING:
    from airscoop._native import DeltaFacts
    from airscoop.deltas.athena import AthenaSettings
    from airscoop.receipts.transfer import CopyReceipt


# What an export that was replaced by another one may be told as.
OF_CONTENT = (
    BadRecord,
    CorruptData,
    DuplicateKey,
    SchemaChanged,
    SuspectExport,
    TrailingGarbage,
    Truncated,
    UnsupportedFormat,
    UsageError,  # a header without the key
)


def compute_changes(
    registry: Registry,
    lock: ExportLock | LockDict,
    *,
    changes: str,
    s3: S3Settings | None = None,
    terms: Terms | None = None,
    on_start: OnStart | None = None,
    on_progress: Callable[[DeltaFacts | None], object] | None = None,
    engine: Engine = "local",
    athena: AthenaSettings | Mapping[str, Any] | None = None,
    approved_delete_ratio: float | None = None,
    **delta_options: Unpack[CompareOptions],
) -> ChangesReceipt:
    """Compares an export with the last done one, by `airscoop.delta`, and writes the changes.

    `delta_options` are those of `airscoop.delta`, and so are `engine` and `athena`. The changes go
    to CHANGES/TENANT/TABLE/VERSION.jsonl.gz below the s3:// prefix `changes`. Where an earlier try
    has written them, and they are still there, nothing is computed. Both exports must be in S3 as
    they were registered, also after they were read. The changes replace nothing but what stood
    there when the lock was taken up, and appear only while it is held.

    approved_delete_ratio: a `max_delete_ratio` for this version alone, which its record keeps for
    later tries. Once a part may be published nothing but the file that was computed goes on:
    limits do not count, and WrongExportState is raised where it is gone and another one came out.

    on_progress: called about once a second while the exports are compared; None from Athena.
    """
    refuse_unknown("compute_changes", delta_options, CompareOptions.__annotations__)
    start = time.monotonic()
    lock = ExportLock.of(lock)
    with cancellable(registry, lock, terms, on_start) as (lease, cancellation):
        record = registry.get(lock.export)
        if approved_delete_ratio is not None:
            record = registry.approve(lease, lock.export, approved_delete_ratio)
        sent = record.changes if record.begun else None
        place = f"{changes.rstrip('/')}/{lock.export}.jsonl.gz" if sent is None else sent.uri
        standing = etag_of(place, s3, cancellation)
        written = record.changes if record.state != "running" else None
        if written is not None and written.uri == place and written.etag == standing:
            delta = dict(record.receipts["computed"])
            return _changes_receipt(lock, written, delta, start, computed=False)
        before = [] if lock.previous is None else [registry.get(f"{lock.dataset}/{lock.previous}")]
        compared = [record.export, *(one.export for one in before)]

        def check_unchanged() -> None:
            for export in compared:
                model.check_unchanged(
                    export,
                    alone=export is record.export,
                    s3=s3,
                    check=cancellation.check,
                )

        try:
            job, result = _compare(
                before[0].export.uris if before else None,
                record.export.uris,
                lease,
                cancellation,
                on_progress=on_progress,
                engine=engine,
                athena=athena,
                dataset=lock.dataset,
                version=lock.export.rpartition("/")[2],
                previous=lock.previous,
                s3=s3,
                place=place,
                **_limits(record, delta_options),
            )
        except OF_CONTENT:
            check_unchanged()  # another content may be why: that is a conflict, which can be mended
            raise
        with cleaned_up("what Athena wrote", result.discard):
            _check_etags(result.receipt, record.export)
            check_unchanged()
            with cancellation.reaching(job):
                copy = _write(result, place, standing, lease, s3)
        written = ChangesFile(uri=place, etag=copy.etag or "", count=len(result))
        if sent is not None and written != sent:
            raise _other_file(record, written)
        delta = result.receipt.to_dict()
        registry.computed(lease, lock.export, written, delta)
        return _changes_receipt(lock, written, delta, start, computed=True)


def _limits(record: ExportRecord, options: CompareOptions) -> CompareOptions:
    """The options; without limits where the very file that they let pass must come out again."""
    if record.begun and record.changes is not None:
        return {**options, "max_delete_ratio": 1.0, "max_update_ratio": None, "min_rows": 0}
    if record.approved_delete_ratio is None:
        return options
    limit = options.get("max_delete_ratio", DEFAULTS["max_delete_ratio"])
    return {**options, "max_delete_ratio": max(limit, record.approved_delete_ratio)}


def _other_file(record: ExportRecord, written: ChangesFile) -> WrongExportState:
    sent = record.changes or written
    return WrongExportState(
        f"{record.id} is half published ({record.offset} of {sent.count} changes of {sent.uri}, "
        f"ETag {sent.etag}); that file is gone, and what was computed now is another one (ETag "
        f"{written.etag}): bring it back (bucket versioning keeps it), compare with the options of "
        f"then, or let the export go (airscoop exports give-up {record.id})"
    )


def _compare(
    old: Sequence[str] | None,
    new: Sequence[str],
    lease: Lease,
    cancellation: Cancellation,
    *,
    on_progress: Callable[[DeltaFacts | None], object] | None,
    engine: Engine,
    athena: AthenaSettings | Mapping[str, Any] | None,
    place: str,
    **options: Unpack[DeltaOptions],
) -> tuple[Cancellable, Delta]:
    job = delta_job(old, new, engine=engine, athena=athena, **options)
    job.refuse_destination(place, s3=options["s3"])

    def report(facts: DeltaFacts | None) -> None:
        lease.check(cancellation.check)
        if on_progress is not None:
            on_progress(facts)

    with cancellation.reaching(job):
        return job, job.run(on_progress=report)


def _write(
    result: Delta,
    place: str,
    standing: str | None,
    lease: Lease,
    s3: S3Settings | None,
) -> CopyReceipt:
    """Writes the changes over `standing` (an ETag; None: over nothing), and nothing else.

    The lock is asked when all is sent, right before the file appears. A process that was stopped in
    that very moment may go on when the lock is another's: then the condition keeps the file.
    """
    try:
        return result.write(
            place,
            s3=s3,
            before_commit=lease.confirm,
            overwrite=standing is not None,
            if_match=standing,
        )
    except (DestinationChanged, PlaceExists) as error:
        lease.confirm()
        error.retryable = True  # by one that has lost the lock: the next try replaces it
        raise


def _check_etags(receipt: DeltaReceipt, export: Export) -> None:
    """Of an export that is one object the very answer that was read tells what it was."""
    read, first = receipt.new_etag, export.objects[0]
    if len(export.objects) == 1 and read is not None and read != first.etag:
        raise ExportConflict(
            f"{first.uri} has changed since {export.id} was registered: its ETag is {read}, not "
            f"{first.etag}"
        )


def _changes_receipt(
    lock: ExportLock, changes: ChangesFile, delta: dict[str, Any], start: float, *, computed: bool
) -> ChangesReceipt:
    return ChangesReceipt(
        seconds=time.monotonic() - start,
        export=lock.export,
        previous=lock.previous,
        changes=changes.uri,
        etag=changes.etag,
        count=changes.count,
        computed=computed,
        delta=delta,
    )
