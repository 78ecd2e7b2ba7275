"""The step that registers exports: each once, in the order of versions."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from airscoop import kinds
from airscoop.aws.settings import S3Settings
from airscoop.aws.storage import bucket_and_key
from airscoop.errors import ExportConflict, StaleExport
from airscoop.exports import model
from airscoop.exports.failures import may_be_gone
from airscoop.exports.last_done import LastDone
from airscoop.exports.model import Export
from airscoop.exports.registry import STALE, UNFINISHED, ExportRecord, Registry, State
from airscoop.exports.steps.working import OnStart, begun
from airscoop.given import names
from airscoop.receipts.exports import RegisterReceipt

UNDER_WAY: tuple[State, ...] = ("running", "computed", "published", "done")


def register_exports(
    registry: Registry,
    prefixes: Sequence[str],
    *,
    complete_marker: str | None = None,
    s3: S3Settings | None = None,
    on_start: OnStart | None = None,
) -> RegisterReceipt:
    """Registers every export below the s3:// prefixes that is not registered, in version order.

    The receipt's `exports` are those to work on. What is wrong with one version (older than the
    last done one, a second object, other content) is kept in its record and holds up no other. A
    failed export whose reason may be gone is registered again: what was wrong in S3 is mended, or
    it was no fault of the export's. The newest version is among `exports` as long as it has failed.
    """
    start = time.monotonic()
    found = _Found()
    cancellation = begun("registering", on_start)
    for prefix in names(prefixes, "prefixes"):
        listing = model.list_exports(
            prefix,
            complete_marker=complete_marker,
            s3=s3,
            check=cancellation.check,
        )
        found.incomplete += listing.incomplete
        found.other_objects += listing.other_objects
        conflicts = {export.id: (export, reason) for export, reason in listing.conflicts}
        every = [*listing.exports, *(export for export, _ in conflicts.values())]
        for dataset in sorted({*_table(prefix), *(export.dataset for export in every)}):
            cancellation.check()
            known = {record.id: record for record in registry.records(dataset)}
            last = registry.find_last_done(dataset, known.values())
            for export in (one for one in every if one.dataset == dataset):
                cancellation.check()
                found.count += 1
                if export.id in conflicts:
                    found.conflict(registry, *conflicts[export.id], known)
                else:
                    found.register(registry, export, known, last)
            found.open_again(registry, last, known)
    return found.receipt(time.monotonic() - start)


def register_export(
    registry: Registry,
    uri: str,
    *,
    complete_marker: str | None = None,
    s3: S3Settings | None = None,
    on_start: OnStart | None = None,
) -> RegisterReceipt:
    """Registers the one export that an object belongs to.

    One that is done already is left alone, one that failed is to be worked on once more. Exports of
    the same table before it that are not finished are worked on first. StaleExport when it is older
    than the last done one; ExportConflict; NotFound.
    """
    start = time.monotonic()
    found = _Found(count=1)
    cancellation = begun("registering", on_start)
    export = model.find_export(
        uri, complete_marker=complete_marker, s3=s3, check=cancellation.check
    )
    cancellation.check()
    if export is None:
        found.count = 0
        found.incomplete.append(model.place_of(uri).id)
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


def _table(prefix: str) -> list[str]:
    """The TENANT/TABLE that a prefix is within, whether an object stands there or not."""
    tenant, table, *_ = [*bucket_and_key(prefix)[1].split("/"), "", ""]
    return [f"{tenant}/{table}"] if tenant and table else []


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
    unchanged: set[str] = dataclasses.field(default_factory=set)
    again: set[str] = dataclasses.field(default_factory=set)
    failed: dict[str, str] = dataclasses.field(default_factory=dict)
    refused: dict[str, str] = dataclasses.field(default_factory=dict)
    conflicts: dict[str, str] = dataclasses.field(default_factory=dict)
    incomplete: list[str] = dataclasses.field(default_factory=list)
    other_objects: int = 0

    def register(
        self,
        registry: Registry,
        export: Export,
        known: dict[str, ExportRecord],
        last: LastDone,
    ) -> None:
        """Also notes in `known` what the record is then."""
        record = known.get(export.id)
        same = record is not None and record.export.fingerprint == export.fingerprint
        if record is not None and same and record.conflict is None:
            self.already_there += 1
            self.unchanged.add(export.id)
            return
        try:
            registration = registry.register(export, last=last)
        except ExportConflict as error:
            self.conflict(registry, export, str(error), known)
            return
        known[export.id] = registration.record
        if registration.status == "already_there":
            self.already_there += 1
            self.unchanged.add(export.id)
            return
        self.work.append(export)
        if registration.status == "refused":
            self.refused[export.id] = str(registration.record.error)
        else:
            self.registered.append(export.id)

    def conflict(
        self, registry: Registry, export: Export, reason: str, known: dict[str, ExportRecord]
    ) -> None:
        """The same."""
        self.conflicts[export.id] = reason
        if not model.is_version(export.version):
            return
        if registry.report_conflict(export, reason):
            self.work.append(export)
        known[export.id] = registry.get(export.id)

    def open_again(
        self, registry: Registry, last: LastDone, known: Mapping[str, ExportRecord]
    ) -> None:
        """Adds what is not finished, what may end otherwise now, and the newest one if it failed.

        Nothing is tried again before a version that is worked on, which includes its changes.
        """
        in_order = sorted(known.values(), key=lambda record: record.export.order, reverse=True)
        self.work += [_opened(registry, one) for one in in_order if one.is_open]
        tries = True
        for record in in_order:
            tries = tries and record.export.order > last.order and record.state not in UNDER_WAY
            if tries and record.id in self.unchanged and may_be_gone(record):
                self.again.add(record.id)
                self.work.append(registry.retry(record).export)
            elif record is in_order[0] and record.has_failed:
                self.failed[record.id] = str(record.error)
                self.work.append(record.export)

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
            again=[export.id for export in in_order if export.id in self.again],
            failed=self.failed,
            incomplete=sorted(self.incomplete),
            other_objects=self.other_objects,
        )


def prefixes_of(bucket: str, datasets: Sequence[str]) -> list[str]:
    """The s3:// prefixes of tenants ("TENANT") and of their tables ("TENANT/TABLE")."""
    kinds.TEXT.read(bucket, "bucket")
    return [f"s3://{bucket}/{each.strip('/')}/" for each in names(datasets, "datasets")]
