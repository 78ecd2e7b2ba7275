"""What whoever is on call does with the registry: look, try again, give up, take a lock away."""

from __future__ import annotations

import time
from collections.abc import Sequence

from airscoop.errors import UsageError, WrongExportState
from airscoop.exports import lease
from airscoop.exports.registry import STALE, ExportRecord, Registry
from airscoop.receipts.exports import (
    ExportsReceipt,
    ExportState,
    LockState,
    OnCallReceipt,
    UnlockReceipt,
)


def look(
    registry: Registry, datasets: Sequence[str] = (), *, every: bool = False
) -> ExportsReceipt:
    """Exports from the last done one on, of tables (TENANT/TABLE; none: of all), and their locks.

    every: those before it, too.
    """
    start = time.monotonic()
    exports: list[ExportState] = []
    locks: list[LockState] = []
    for dataset in map(_table, datasets) if datasets else registry.datasets():
        last = registry.find_last_done(dataset)
        if last.version is not None and not every:
            exports.append(_state(registry.get(last.id)))
        after = None if every else last.version
        exports += map(_state, registry.records(dataset, after=after))
        held = lease.held_lock(registry, dataset)
        if held is not None:
            locks.append(LockState(dataset=dataset, owner=held["owner"], fence=held["fence"]))
    return ExportsReceipt(
        seconds=time.monotonic() - start, table=registry.table.name, exports=exports, locks=locks
    )


def retry(registry: Registry, export_id: str) -> OnCallReceipt:
    """Has a failed export worked on by the next run."""
    start = time.monotonic()
    record = registry.get(export_id)
    if record.state != "failed":
        raise WrongExportState(f"{export_id} is {record.state}: only a failed one is tried again")
    if record.code == STALE:
        raise WrongExportState(f"{export_id} cannot be tried again: {record.error}")
    if record.conflict is not None:
        raise WrongExportState(
            f"{export_id} is tried again once what is wrong in S3 is mended: {record.conflict}"
        )
    return _done("retry", start, record, registry.retry(record))


def give_up(registry: Registry, export_id: str) -> OnCallReceipt:
    """Lets later versions go on without an export that failed, and runs end well with it."""
    start = time.monotonic()
    record = registry.get(export_id)
    if record.state != "failed" or record.given_up:
        state = "given up already" if record.given_up else record.state
        raise WrongExportState(f"{export_id} is {state}: only one that has failed is given up")
    return _done("give-up", start, record, registry.give_up(export_id))


def unlock(registry: Registry, dataset: str) -> UnlockReceipt:
    """Takes the lock of a table (TENANT/TABLE) away from who holds it.

    Who still works under it finds it lost, and writes nothing more to the registry.
    """
    start = time.monotonic()
    taken = lease.take_away(registry, _table(dataset))
    return UnlockReceipt(
        seconds=time.monotonic() - start,
        dataset=dataset,
        held_by=None if taken is None else taken["owner"],
    )


def _table(name: str) -> str:
    tenant, _, table = name.partition("/")
    if not tenant or not table or "/" in table:
        raise UsageError(f"{name!r} is not TENANT/TABLE")
    return name


def _done(verb: str, start: float, before: ExportRecord, now: ExportRecord) -> OnCallReceipt:
    return OnCallReceipt(
        verb=verb,
        seconds=time.monotonic() - start,
        export=now.id,
        was=before.state,
        state=now.state,
        error=before.error,
    )


def _state(record: ExportRecord) -> ExportState:
    return ExportState(
        export=record.id,
        state=record.state,
        holds_up_others=record.is_open,
        changes=None if record.changes is None else record.changes.count,
        published=record.offset,
        attempts=record.attempts,
        owner=record.owner,
        given_up=record.given_up,
        code=record.code,
        error=record.error,
        updated_at=record.updated_at,
    )
