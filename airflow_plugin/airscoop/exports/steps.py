"""The steps of an export: register, lock, compute, publish, finish.

Plain functions, which the operators call. From lock to finish an export's steps share one lock:
each takes it up where the step before left it, renews it while it works, and hands it over.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from airscoop.cancelling import Cancellable, Cancellation
from airscoop.exports import model as exports
from airscoop.exports.lease import HANDOVER_SECONDS, SECONDS, Lease, holder
from airscoop.exports.registry import (
    CONFLICT,
    STALE,
    UNFINISHED,
    ChangesFile,
    ExportRecord,
    Registry,
    stale_message,
)
from airscoop.receipts.deltas import DeltaReceipt
from airscoop.receipts.exports import ChangesReceipt, FinishReceipt, RegisterReceipt

if TYPE_CHECKING:
    from airscoop.aws.credentials import KinesisSettings, S3Settings
    from airscoop.deltas.job import Delta
    from airscoop.exports.model import Export
    from airscoop.receipts.publishing import PublishReceipt
    from airscoop.receipts.transfer import CopyReceipt

log = logging.getLogger(__name__)


# It is given what cancels the whole step, once, before the step does anything that takes long.
OnStart = Callable[[Cancellable], object]


@dataclass(frozen=True, kw_only=True)
class ExportLock:
    """An export that may be worked on: `owner` holds its table's lock, since `fence`."""

    export: str
    previous: str | None
    owner: str
    fence: int

    @property
    def dataset(self) -> str:
        """TENANT/TABLE."""
        return self.export.rpartition("/")[0]

    def to_dict(self) -> dict[str, Any]:
        """JSON types, for XCom."""
        return dataclasses.asdict(self)

    @classmethod
    def of(cls, value: ExportLock | Mapping[str, Any]) -> ExportLock:
        """The lock, or what `to_dict` made of it."""
        if isinstance(value, ExportLock):
            return value
        try:
            return cls(**value)
        except TypeError as error:
            from airscoop.errors import UsageError

            raise UsageError(
                f"lock must be the result of LockExportOperator, not {value!r:.100}"
            ) from error


@dataclass(frozen=True, kw_only=True)
class LockAttempt:
    """One of three: the lock, what is waited for, or why there is nothing to do."""

    lock: ExportLock | None = None
    waits_for: str | None = None
    finished: str | None = None


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How long a lock holds without a sign of life: in a step, and between two of them."""

    seconds: float = SECONDS
    handover_seconds: float = HANDOVER_SECONDS


# --- register ---


def register_exports(
    registry: Registry,
    prefixes: Sequence[str],
    *,
    complete_marker: str | None = None,
    s3: S3Settings | None = None,
    ca_file: str | None = None,
    on_start: OnStart | None = None,
) -> RegisterReceipt:
    """Registers every export below the s3:// prefixes that is not registered, in version order.

    The receipt's `exports` are those to work on. What is wrong with one version (older than the
    last done one, a second object, other content) is kept in its record and holds up no other.
    """
    start = time.monotonic()
    found = _Found()
    cancellation = _begun("registering", on_start)
    for prefix in prefixes:
        listing = exports.list_exports(
            prefix,
            complete_marker=complete_marker,
            s3=s3,
            ca_file=ca_file,
            check=cancellation.check,
        )
        found.incomplete += listing.incomplete
        found.other_objects += listing.other_objects
        conflicts = {export.id: (export, reason) for export, reason in listing.conflicts}
        every = [*listing.exports, *(export for export, _ in conflicts.values())]
        for dataset in sorted({export.dataset for export in every}):
            cancellation.check()
            known = {record.id: record for record in registry.records(dataset)}
            found.work += [_opened(registry, one) for one in known.values() if one.is_open]
            for export in (one for one in every if one.dataset == dataset):
                cancellation.check()
                found.count += 1
                if export.id in conflicts:
                    found.conflict(registry, *conflicts[export.id])
                else:
                    found.register(registry, export, known.get(export.id))
    return found.receipt(time.monotonic() - start)


def register_export(
    registry: Registry,
    uri: str,
    *,
    complete_marker: str | None = None,
    s3: S3Settings | None = None,
    ca_file: str | None = None,
    on_start: OnStart | None = None,
) -> RegisterReceipt:
    """Registers the one export that an object belongs to.

    One that is done already is left alone, one that failed is to be worked on once more. Exports of
    the same table before it that are not finished are worked on first. StaleExport when it is older
    than the last done one; ExportConflict; NotFound.
    """
    from airscoop.errors import StaleExport

    start = time.monotonic()
    found = _Found(count=1)
    cancellation = _begun("registering", on_start)
    export = exports.find_export(
        uri, complete_marker=complete_marker, s3=s3, ca_file=ca_file, check=cancellation.check
    )
    cancellation.check()
    if export is None:
        found.count = 0
        found.incomplete.append(exports.place_of(uri).id)
        return found.receipt(time.monotonic() - start)
    registration = registry.register(export)
    record = registration.record
    if record.code == STALE:
        raise StaleExport(str(record.error))
    if registration.status == "registered":
        found.registered.append(export.id)
    else:
        found.already_there += 1
        if record.state == "failed":
            record = registry.retry(record)
    if record.state in UNFINISHED:
        before = registry.unfinished(export.dataset, before=export.version)
        found.work = [*(_opened(registry, one) for one in before), export]
    return found.receipt(time.monotonic() - start)


def _opened(registry: Registry, record: ExportRecord) -> Export:
    """One that failed half published is worked on once more, without being asked for."""
    return (registry.retry(record) if record.half_published else record).export


@dataclass(kw_only=True)
class _Found:
    """A receipt in the making."""

    count: int = 0
    work: list[Export] = dataclasses.field(default_factory=list)
    registered: list[str] = dataclasses.field(default_factory=list)
    already_there: int = 0
    refused: dict[str, str] = dataclasses.field(default_factory=dict)
    conflicts: dict[str, str] = dataclasses.field(default_factory=dict)
    incomplete: list[str] = dataclasses.field(default_factory=list)
    other_objects: int = 0

    def register(self, registry: Registry, export: Export, known: ExportRecord | None) -> None:
        from airscoop.errors import ExportConflict

        same = known is not None and known.export.fingerprint == export.fingerprint
        if known is not None and same and known.conflict is None:
            self.already_there += 1
            return
        try:
            registration = registry.register(export)
        except ExportConflict as error:
            self.conflict(registry, export, str(error))
            return
        if registration.status == "already_there":
            self.already_there += 1
            return
        self.work.append(export)
        if registration.status == "refused":
            self.refused[export.id] = str(registration.record.error)
        else:
            self.registered.append(export.id)

    def conflict(self, registry: Registry, export: Export, reason: str) -> None:
        self.conflicts[export.id] = reason
        if exports.is_version(export.version) and registry.report_conflict(export, reason):
            self.work.append(export)

    def receipt(self, seconds: float) -> RegisterReceipt:
        work = {export.id: export for export in self.work}
        in_order = sorted(work.values(), key=lambda export: (export.dataset, export.order))
        return RegisterReceipt(
            seconds=seconds,
            exports=[export.id for export in in_order],
            found=self.count,
            registered=self.registered,
            already_there=self.already_there,
            refused=self.refused,
            conflicts=self.conflicts,
            incomplete=sorted(self.incomplete),
            other_objects=self.other_objects,
        )


# --- lock ---


def lock_export(
    registry: Registry, export_id: str, owner: str, *, terms: Terms | None = None
) -> LockAttempt:
    """Takes the lock of an export's table, once no earlier export of it is unfinished.

    Does not wait: ask again while `waits_for` says for what. The lock holds for the handover's
    time; `compute_changes` and the others go on with it. StaleExport and ExportConflict fail the
    export.
    """
    dataset = export_id.rpartition("/")[0]
    version = export_id.rpartition("/")[2]
    record = registry.get(export_id)
    reason = _finished(record, owner)
    if reason is not None:
        return LockAttempt(finished=reason)
    earlier = _earlier(registry, dataset, version)
    if earlier is not None:
        return earlier
    terms = terms or Terms()
    lease = Lease.try_acquire(registry, dataset, owner, seconds=terms.handover_seconds)
    if lease is None:
        return LockAttempt(waits_for=holder(registry, dataset))
    try:
        attempt = _lock_held(registry, lease, export_id)
    except BaseException:
        lease.release()
        raise
    if attempt.lock is None:
        lease.release()
    return attempt


def _lock_held(registry: Registry, lease: Lease, export_id: str) -> LockAttempt:
    """Looks once more: before the lock was had, another run may have finished this or that."""
    from airscoop.errors import ExportConflict, StaleExport

    record = registry.get(export_id)
    reason = _finished(record, lease.owner)
    if reason is not None:
        return LockAttempt(finished=reason)
    if record.conflict is not None:
        registry.failed(lease, export_id, record.conflict, CONFLICT)
        raise ExportConflict(record.conflict)
    last = registry.last_done(lease.dataset)
    if last is not None and last.export.order > record.export.order:
        message = stale_message(record.export, last)
        registry.start(lease, record, previous=None)
        registry.failed(lease, export_id, message, STALE)
        raise StaleExport(message)
    earlier = _earlier(registry, lease.dataset, record.export.version)
    if earlier is not None:
        return earlier
    previous = None if last is None else last.export.version
    registry.start(lease, record, previous=previous)
    lock = ExportLock(export=export_id, previous=previous, owner=lease.owner, fence=lease.fence)
    return LockAttempt(lock=lock)


def _earlier(registry: Registry, dataset: str, version: str) -> LockAttempt | None:
    """The wait for an earlier export of the table, if there is one that must be done before."""
    from airscoop.errors import PreconditionFailed

    for earlier in registry.unfinished(dataset, before=version):
        if earlier.half_published:
            raise PreconditionFailed(
                f"{earlier.id} has failed after some of its changes were published "
                f"({earlier.error}): later versions wait until it is done; mend the cause, the "
                "next run goes on with it, or let it go by Registry.give_up"
            )
        return LockAttempt(waits_for=f"{earlier.id}, which is {earlier.state}")
    return None


def _finished(record: ExportRecord, owner: str) -> str | None:
    """Why there is nothing to do; raises what the export was refused for.

    A failed export is worked on again by the run in which it failed, when that is told to, and by
    any run when some of its changes are published.
    """
    from airscoop.errors import ExportConflict, StaleExport

    if record.state == "done":
        if record.conflict is not None:
            raise ExportConflict(record.conflict)
        return f"{record.id} is done"
    if record.state != "failed":
        return None
    if record.code == STALE:
        raise StaleExport(str(record.error))
    if record.conflict is not None:
        raise ExportConflict(record.conflict)
    if record.is_open or record.owner == owner:
        return None
    return f"{record.id} has failed: {record.error}"


# --- compute, publish, finish ---


def _begun(what: str, on_start: OnStart | None) -> Cancellation:
    """What cancels a step, known to whoever may want to."""
    cancellation = Cancellation(what)
    if on_start is not None:
        on_start(cancellation)
    return cancellation


@contextlib.contextmanager
def _working(
    registry: Registry, lock: ExportLock, terms: Terms | None, on_start: OnStart | None
) -> Iterator[tuple[Lease, Cancellation]]:
    """`working`, and what cancels it: `on_start`'s receiver, or the loss of the lock."""
    cancellation = Cancellation(lock.export)
    with working(registry, lock, terms, on_lost=lambda: cancellation.cancel()) as lease:
        if on_start is not None:
            on_start(cancellation)
        cancellation.check()
        yield lease, cancellation


@contextlib.contextmanager
def working(
    registry: Registry,
    lock: ExportLock,
    terms: Terms | None = None,
    *,
    on_lost: Callable[[], object] | None = None,
) -> Iterator[Lease]:
    """The lock of an export while one of its steps works; errors are noted in its record."""
    from airscoop.errors import AirscoopError, Cancelled, LockLost

    terms = terms or Terms()
    with Lease.attach(
        registry,
        lock.dataset,
        lock.owner,
        lock.fence,
        seconds=terms.seconds,
        handover_seconds=terms.handover_seconds,
        on_lost=on_lost,
    ) as lease:
        try:
            yield lease
        except LockLost:
            raise
        except Cancelled:
            lease.check()  # the loss of the lock cancels, too, and is then the reason
            raise
        except AirscoopError as error:
            with contextlib.suppress(AirscoopError):
                registry.note_error(
                    lease, lock.export, f"{type(error).__name__}: {error}", error.code
                )
            raise


def compute_changes(
    registry: Registry,
    lock: ExportLock | Mapping[str, Any],
    *,
    changes: str,
    s3: S3Settings | None = None,
    ca_file: str | None = None,
    terms: Terms | None = None,
    on_start: OnStart | None = None,
    **delta_options: Any,
) -> ChangesReceipt:
    """Compares an export with the last done one, by `airscoop.delta`, and writes the changes.

    `delta_options` are those of `airscoop.delta`, with engine="athena" too. The changes go to
    CHANGES/TENANT/TABLE/VERSION.jsonl.gz below the s3:// prefix `changes`. Where an earlier try has
    written them, and they are still there, nothing is computed. Both exports must be in S3 as they
    were registered, also after they were read. The changes replace nothing but what stood there
    when the lock was taken up, and appear only while it is held.
    """
    start = time.monotonic()
    lock = ExportLock.of(lock)
    with _working(registry, lock, terms, on_start) as (lease, cancellation):
        record = registry.get(lock.export)
        place = f"{changes.rstrip('/')}/{lock.export}.jsonl.gz"
        standing = _etag(place, s3, ca_file, cancellation)
        written = record.changes if record.state != "running" else None
        if written is not None and written.uri == place and written.etag == standing:
            delta = dict(record.receipts["computed"])
            return _changes_receipt(lock, written, delta, start, computed=False)
        before = [] if lock.previous is None else [registry.get(f"{lock.dataset}/{lock.previous}")]
        compared = [record.export, *(one.export for one in before)]
        job, result = _compare(
            before[0].export.uris if before else None,
            record.export.uris,
            lease,
            cancellation,
            version=lock.export,
            old_s3=s3,
            ca_file=ca_file,
            **delta_options,
        )
        with _discarding(result):
            _check_etags(result.receipt, record.export)
            for export in compared:
                exports.check_unchanged(
                    export,
                    alone=export is record.export,
                    s3=s3,
                    ca_file=ca_file,
                    check=cancellation.check,
                )
            with cancellation.reaching(job):
                copy = _write(result, place, standing, lease, s3, ca_file)
        written = ChangesFile(uri=place, etag=copy.etag or "", count=len(result))
        delta = result.receipt.to_dict()
        registry.computed(lease, lock.export, written, delta)
        return _changes_receipt(lock, written, delta, start, computed=True)


def _compare(
    old: Sequence[str] | None,
    new: Sequence[str],
    lease: Lease,
    cancellation: Cancellation,
    **options: Any,
) -> tuple[Cancellable, Delta]:
    from airscoop.deltas.job import delta_job

    job = delta_job(old, new, **options)
    with cancellation.reaching(job):
        return job, job.run(on_progress=lambda _: lease.check())


def _write(
    result: Delta,
    place: str,
    standing: str | None,
    lease: Lease,
    s3: S3Settings | None,
    ca_file: str | None,
) -> CopyReceipt:
    """Writes the changes over `standing` (an ETag; None: over nothing), and nothing else.

    The lock is asked when all is sent, right before the file appears. A process that was stopped in
    that very moment may go on when the lock is another's: then the condition keeps the file.
    """
    from airscoop.errors import PreconditionFailed

    condition: dict[str, Any] = {"overwrite": False} if standing is None else {"if_match": standing}
    try:
        return result.write(
            place, destination_s3=s3, ca_file=ca_file, before_commit=lease.confirm, **condition
        )
    except PreconditionFailed as error:
        lease.confirm()
        error.retryable = True  # by one that has lost the lock: the next try replaces it
        raise


@contextlib.contextmanager
def _discarding(result: Delta) -> Iterator[None]:
    """Removes what Athena has left in S3, when the changes are written or refused."""
    try:
        yield
    finally:
        result.discard()


def publish_changes(
    registry: Registry,
    lock: ExportLock | Mapping[str, Any],
    stream: str,
    *,
    s3: S3Settings | None = None,
    kinesis: KinesisSettings | None = None,
    ca_file: str | None = None,
    terms: Terms | None = None,
    on_start: OnStart | None = None,
    **publish_options: Any,
) -> PublishReceipt:
    """Publishes an export's changes to a Kinesis stream, from where an earlier try stopped.

    How far it has come is kept in the registry about once a second and at the end. A run that has
    lost its lock stops and publishes nothing more.
    """
    from airscoop.errors import PreconditionFailed, SourceChanged
    from airscoop.publishing.job import PublishJob

    lock = ExportLock.of(lock)
    with _working(registry, lock, terms, on_start) as (lease, cancellation):
        record = registry.get(lock.export)
        if record.changes is None or record.state not in ("computed", "published"):
            raise PreconditionFailed(
                f"{lock.export} is {record.state}: its changes are not computed"
            )
        if _etag(record.changes.uri, s3, ca_file, cancellation) != record.changes.etag:
            raise SourceChanged(
                f"{record.changes.uri} is not the file that was computed; compute it again"
            )
        saved = record.offset

        def save(facts: Mapping[str, Any]) -> None:
            nonlocal saved
            lease.check()
            if facts["acknowledged"] > saved:
                registry.save_offset(lease, lock.export, facts["acknowledged"])
                saved = facts["acknowledged"]

        job = PublishJob(
            record.changes.uri,
            stream,
            start_at=record.offset,
            changes_s3=s3,
            kinesis=kinesis,
            ca_file=ca_file,
            **publish_options,
        )
        if not record.begun:
            registry.begin_publishing(lease, lock.export)
        with cancellation.reaching(job):
            receipt = job.run(on_progress=save)
        registry.published(lease, lock.export, record.changes.count, receipt.to_dict())
        return receipt


def finish_export(
    registry: Registry,
    lock: ExportLock | Mapping[str, Any],
    *,
    state: Literal["done", "failed"] | None = None,
    error: str | None = None,
    terms: Terms | None = None,
    on_start: OnStart | None = None,
) -> FinishReceipt:
    """Ends an export's work and releases the lock.

    state None: done if the changes are published, else failed. The error of a failed export is
    `error`, or what a step noted. Again, after it was finished: nothing happens.
    """
    start = time.monotonic()
    lock = ExportLock.of(lock)
    cancellation = _begun("finishing", on_start)
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
        renewed_at=time.monotonic(),
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


def _etag(
    uri: str, s3: S3Settings | None, ca_file: str | None, cancellation: Cancellation
) -> str | None:
    """Of what stands there; None: nothing."""
    from airscoop.aws import storage
    from airscoop.errors import NotFound

    try:
        return storage.head(uri, s3=s3, ca_file=ca_file, check=cancellation.check).etag
    except NotFound:
        return None


def _check_etags(receipt: DeltaReceipt, export: Export) -> None:
    """Of an export that is one object the very answer that was read tells what it was."""
    from airscoop.errors import ExportConflict

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


def prefixes_of(bucket: str, datasets: Iterable[str]) -> list[str]:
    """The s3:// prefixes of tenants ("TENANT") and of their tables ("TENANT/TABLE")."""
    return [f"s3://{bucket}/{dataset.strip('/')}/" for dataset in datasets]
