"""The step that waits for an export's turn, and takes the lock of its table."""

from __future__ import annotations

from dataclasses import dataclass

from airscoop import kinds
from airscoop.cleaning_up import quietly
from airscoop.errors import ExportConflict, StaleExport, WrongExportState
from airscoop.exports.failures import advice
from airscoop.exports.last_done import LastDone
from airscoop.exports.lease import Lease, holder, new_owner
from airscoop.exports.registry import CONFLICT, STALE, ExportRecord, Registry, stale_message
from airscoop.exports.steps.working import ExportLock, Terms


@dataclass(frozen=True, kw_only=True)
class LockAttempt:
    """One of three: the lock, what is waited for, or why there is nothing to do."""

    lock: ExportLock | None = None
    waits_for: str | None = None
    finished: str | None = None


def lock_export(
    registry: Registry, export_id: str, owner: str | None = None, *, terms: Terms | None = None
) -> LockAttempt:
    """Takes the lock of an export's table, once no earlier export of it is unfinished.

    owner: a name for people, by default `new_owner`; a lock that is held is waited for, also where
    the names are equal.

    Does not wait: ask again while `waits_for` says for what. The lock holds for the handover's
    time; `compute_changes` and the others go on with it. StaleExport and ExportConflict fail the
    export. WrongExportState: it is the newest version, and has failed in another run.
    """
    kinds.TEXT.read(export_id, "export")
    owner = owner or new_owner()
    dataset = export_id.rpartition("/")[0]
    version = export_id.rpartition("/")[2]
    record = registry.get(export_id)
    reason = _finished(registry, record, owner)
    if reason is not None:
        return LockAttempt(finished=reason)
    last = registry.kept_last_done(dataset)
    if last is not None:  # else it is found once, under the lock
        _, earlier = _earlier(registry, last, version)
        if earlier is not None:
            return earlier
    terms = terms or Terms()
    lease = Lease.try_acquire(registry, dataset, owner, seconds=terms.handover_seconds)
    if lease is None:
        return LockAttempt(waits_for=holder(registry, dataset))
    try:
        attempt = _lock_held(registry, lease, export_id)
    except BaseException:
        quietly(f"the lock of {dataset}", lease.release)
        raise
    if attempt.lock is None:
        lease.release()
    return attempt


def _lock_held(registry: Registry, lease: Lease, export_id: str) -> LockAttempt:
    """Looks once more: before the lock was had, another run may have finished this or that."""
    record = registry.get(export_id)
    reason = _finished(registry, record, lease.owner)
    if reason is not None:
        return LockAttempt(finished=reason)
    if record.conflict is not None:
        registry.failed(lease, export_id, record.conflict, CONFLICT)
        raise ExportConflict(record.conflict)
    last = registry.bring_forward(lease)
    message = _stale(registry, last, record)
    if message is not None:
        registry.start(lease, record, previous=None)
        registry.failed(lease, export_id, message, STALE)
        raise StaleExport(message)
    last, earlier = _earlier(registry, last, record.export.version)
    if earlier is not None:
        return earlier
    registry.start(lease, record, previous=last.version)
    lock = ExportLock(export=export_id, previous=last.version, owner=lease.owner, fence=lease.fence)
    return LockAttempt(lock=lock)


def _stale(registry: Registry, last: LastDone, record: ExportRecord) -> str | None:
    """Why the export comes too late; None: it does not."""
    if last.order > record.export.order:
        return stale_message(record.export, last.id)
    newer = registry.told_behind(record)
    if newer is None:
        return None
    if newer.state == "done":
        return stale_message(record.export, newer.id)
    return stale_message(record.export, newer.id, "of which changes may be sent already")


def _earlier(
    registry: Registry, last: LastDone, version: str
) -> tuple[LastDone, LockAttempt | None]:
    """The last done export before a version; and the wait for an open one between the two, if there
    is one, which must be done first.
    """
    last, earlier = registry.first_open(last, before=version)
    if earlier is None:
        return last, None
    if earlier.half_published:
        raise WrongExportState(
            f"{earlier.id} has failed after some of its changes were published "
            f"({earlier.error}): later versions wait until it is done; mend the cause, the "
            "next run goes on with it, or let it go by Registry.give_up "
            f"(airscoop exports give-up {earlier.id})"
        )
    return last, LockAttempt(waits_for=f"{earlier.id}, which is {earlier.state}")


def _finished(registry: Registry, record: ExportRecord, owner: str) -> str | None:
    """Why there is nothing to do; raises what the export was refused for.

    A failed export is worked on again by the run in which it failed, when that is told to, and by
    any run when some of its changes are published. In any other run the table's newest version is
    an error as long as it has failed: nobody else would tell.
    """
    if record.state == "done":
        if record.conflict is not None:
            raise ExportConflict(record.conflict)
        return f"{record.id} is done"
    if record.state != "failed":
        return None
    if record.code == STALE:
        raise StaleExport(str(record.error))
    if record.conflict is not None and not record.given_up:
        raise ExportConflict(record.conflict)
    if record.is_open or record.owner == owner:
        return None
    if record.has_failed and registry.is_newest(record):
        raise WrongExportState(advice(record))
    return f"{record.id} has failed: {record.error}"
