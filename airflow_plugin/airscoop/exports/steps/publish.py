"""The step that publishes an export's changes, from where an earlier try stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from airscoop.aws.settings import KinesisSettings, S3Settings
from airscoop.error_facts import with_facts
from airscoop.errors import CountMismatch, SourceChanged, WrongExportState
from airscoop.exports.registry import ChangesFile, Registry
from airscoop.exports.steps.working import (
    ExportLock,
    LockDict,
    OnStart,
    Terms,
    cancellable,
    etag_of,
)
from airscoop.publishing.job import PublishJob
from airscoop.publishing.options import SendOptions
from airscoop.receipts.publishing import PublishReceipt
from airscoop.signatures import refuse_unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from airscoop._native import PublishFacts


def publish_changes(
    registry: Registry,
    lock: ExportLock | LockDict,
    stream: str,
    *,
    s3: S3Settings | None = None,
    kinesis: KinesisSettings | None = None,
    terms: Terms | None = None,
    on_start: OnStart | None = None,
    on_progress: Callable[[PublishFacts], object] | None = None,
    **publish_options: Unpack[SendOptions],
) -> PublishReceipt:
    """Publishes an export's changes to a Kinesis stream, from where an earlier try stopped.

    How far it has come is kept in the registry about once a second and at the end. A run that has
    lost its lock stops and publishes nothing more.
    """
    refuse_unknown("publish_changes", publish_options, SendOptions.__annotations__)
    lock = ExportLock.of(lock)
    with cancellable(registry, lock, terms, on_start) as (lease, cancellation):
        record = registry.get(lock.export)
        if record.changes is None or record.state not in ("computed", "published"):
            raise WrongExportState(f"{lock.export} is {record.state}: its changes are not computed")
        if etag_of(record.changes.uri, s3, cancellation) != record.changes.etag:
            raise _another_file(record.changes)
        saved = record.offset

        def save(facts: PublishFacts) -> None:
            nonlocal saved
            lease.check(cancellation.check)
            if on_progress is not None:
                on_progress(facts)
            if facts["acknowledged"] > saved:
                registry.save_offset(lease, lock.export, facts["acknowledged"])
                saved = facts["acknowledged"]

        job = PublishJob(
            record.changes.uri,
            stream,
            start_at=record.offset,
            changes_etag=record.changes.etag,
            s3=s3,
            kinesis=kinesis,
            **publish_options,
        )
        if not record.begun:
            registry.begin_publishing(lease, lock.export)
        lease.watch(job.allow_until)
        with cancellation.reaching(job):
            try:
                receipt = job.run(on_progress=save)
            except SourceChanged as error:  # since it was looked at
                raise _another_file(record.changes) from error
        _check_receipt(receipt, record.changes)
        registry.published(lease, lock.export, record.changes.count, receipt.to_dict())
        return receipt


def _another_file(computed: ChangesFile) -> SourceChanged:
    return SourceChanged(f"{computed.uri} is not the file that was computed; compute it again")


def _check_receipt(receipt: PublishReceipt, computed: ChangesFile) -> None:
    """What was published is what the registry says was computed: the file, and all of it."""
    published = (receipt.source_etag, receipt.changes)
    if published != (computed.etag, computed.count):
        mismatch = CountMismatch(
            f"{computed.uri}: {receipt.changes} changes of the ETag {receipt.source_etag} were "
            f"published, but {computed.count} of {computed.etag} were computed; compute it again"
        )
        raise with_facts(
            mismatch, counted="changes", expected=computed.count, found=receipt.changes
        )
