"""The step that applies an export's changes to a table of a warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airscoop.aws.settings import S3Settings
from airscoop.errors import SourceChanged, WrongExportState
from airscoop.exports.registry import Registry
from airscoop.exports.steps.working import (
    ExportLock,
    LockDict,
    OnStart,
    Terms,
    cancellable,
    etag_of,
)
from airscoop.warehouse.session import LoadContext, Warehouse

if TYPE_CHECKING:
    from airscoop.receipts.warehouse import ApplyReceipt
    from airscoop.transfer.options import InvalidCharacters, KeyCase
    from airscoop.warehouse.session import JsonTexts


def apply_changes(
    registry: Registry,
    lock: ExportLock | LockDict,
    warehouse: Warehouse,
    *,
    table: str,
    key: Sequence[str],
    ignore_columns: Sequence[str] = (),
    expected_changes: int | None = None,
    json_texts: JsonTexts | None = None,
    again: bool = False,
    on_invalid_characters: InvalidCharacters = "error",
    on_key_case: KeyCase = "error",
    publishes: bool = False,
    s3: S3Settings | None = None,
    terms: Terms | None = None,
    on_start: OnStart | None = None,
    load: LoadContext | None = None,
) -> ApplyReceipt:
    """Applies an export's changes to a table, as `Warehouse.apply_changes` does.

    The file is the one that was computed, with as many changes. That something of the export may
    be in a table is noted before it begins, so no later version of the dataset goes on without it;
    what was done is noted behind it. The registry is asked for the lock right before the COMMIT:
    whoever has lost it applies nothing. publishes: the changes go nowhere else, so the export is
    published with this. Again, after it was applied: nothing is changed.
    """
    lock = ExportLock.of(lock)
    with cancellable(registry, lock, terms, on_start) as (lease, cancellation):
        record = registry.get(lock.export)
        changes = record.changes
        if changes is None or record.state not in ("computed", "published"):
            raise WrongExportState(f"{lock.export} is {record.state}: its changes are not computed")
        if etag_of(changes.uri, s3, cancellation) != changes.etag:
            raise SourceChanged(
                f"{changes.uri} is not the file that was computed; compute it again"
            )
        if not record.begun:
            registry.begin_publishing(lease, lock.export)
        with cancellation.reaching(warehouse):
            receipt = warehouse.apply_changes(
                changes.uri,
                changes_etag=changes.etag,
                table=table,
                key=key,
                ignore_columns=ignore_columns,
                expected_changes=changes.count if expected_changes is None else expected_changes,
                json_texts=json_texts,
                again=again,
                on_invalid_characters=on_invalid_characters,
                on_key_case=on_key_case,
                s3=s3,
                load=load,
                before_commit=lease.confirm,
            )
        registry.applied(lease, lock.export, table, receipt.to_dict())
        if publishes:
            registry.published(lease, lock.export, changes.count, receipt.to_dict())
        return receipt
