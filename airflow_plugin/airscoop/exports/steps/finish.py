"""The step that ends an export's work, well or not, and releases the lock."""

from __future__ import annotations

import time
from typing import Literal

from airscoop.exports.lease import Lease, boottime
from airscoop.exports.registry import ExportRecord, Registry
from airscoop.exports.steps.working import ExportLock, LockDict, OnStart, Terms, begun
from airscoop.receipts.exports import FinishReceipt


def finish_export(
    registry: Registry,
    lock: ExportLock | LockDict,
    *,
    state: Literal["done", "failed"] | None = None,
    error: str | None = None,
    terms: Terms | None = None,
    on_start: OnStart | None = None,
) -> FinishReceipt:
    """Ends an export's work and releases the lock.

    state None: done if the changes are published, else failed. The error of a failed export is
    `error`, or what a step noted. Again, after it was finished: nothing happens. WrongExportState
    for "done" where no changes are computed, or only a part of them is published; the lock stays.
    """
    start = time.monotonic()
    lock = ExportLock.of(lock)
    cancellation = begun("finishing", on_start)
    record = registry.get(lock.export)
    terms = terms or Terms()
    cancellation.check()
    if record.state in ("done", "failed") and record.owner == lock.owner:
        _release_left(registry, record, lock.owner, terms)
    else:
        lease = Lease.attach(
            registry, lock.dataset, lock.owner, lock.fence, seconds=terms.handover_seconds
        )
        record = _finish(registry, lease, registry.get(lock.export), state, error)
        lease.release()
    return FinishReceipt(
        seconds=time.monotonic() - start,
        export=lock.export,
        previous=record.previous,
        state="done" if record.state == "done" else "failed",
        error=record.error,
        changes=None if record.changes is None else record.changes.count,
        published=record.offset,
    )


def _release_left(registry: Registry, record: ExportRecord, owner: str, terms: Terms) -> None:
    """A try that was killed behind its last write has left the lock, unless it is another's now."""
    Lease(
        registry,
        record.export.dataset,
        owner,
        record.fence,
        seconds=terms.handover_seconds,
        handover_seconds=terms.handover_seconds,
        releases=True,
        on_lost=None,
        renewed_at=boottime(),
    ).release()


def _finish(
    registry: Registry,
    lease: Lease,
    record: ExportRecord,
    state: Literal["done", "failed"] | None,
    error: str | None,
) -> ExportRecord:
    if state == "done" or (state is None and error is None and record.state == "published"):
        return registry.done(lease, record.id)
    reason = error or record.error or f"a step failed while it was {record.state}"
    return registry.failed(lease, record.id, reason, record.code)
