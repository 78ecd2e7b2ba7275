"""Exports in S3, a registry on moto, and the steps of an export for the tests."""

from __future__ import annotations

import csv
import gzip
import io
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from airscoop.exports import lease
from airscoop.exports.lease import Lease
from airscoop.exports.model import Export, ExportObject
from airscoop.exports.registry import ChangesFile, ExportRecord, Registry
from airscoop.exports.steps.compute import compute_changes
from airscoop.exports.steps.finish import finish_export
from airscoop.exports.steps.lock import lock_export
from airscoop.exports.steps.register import prefixes_of, register_export, register_exports
from airscoop.exports.steps.working import ExportLock, Terms
from airscoop.receipts.exports import ChangesReceipt, FinishReceipt, RegisterReceipt
from support.moto import MotoServer
from support.s3 import BUCKET, Store
from support.waiting import eventually

QUICK = Terms(seconds=0.6, handover_seconds=30)
ROWS = {"1": "a", "2": "b", "3": "c", "4": "d"}


CHANGES = ChangesFile(uri="s3://changes/t/a/V1.jsonl.gz", etag='"c"', count=3)


def export(version: str, *, etag: str = '"e"', table: str = "a") -> Export:
    uri = f"s3://bucket/tenant/{table}/{version}/x.csv.gz"
    return Export(
        bucket="bucket",
        tenant="tenant",
        table=table,
        version=version,
        objects=(ExportObject(uri=uri, size=10, etag=etag),),
    )


def locked(registry: Registry, owner: str = "me", dataset: str = "tenant/a") -> Lease:
    lease = Lease.try_acquire(registry, dataset, owner, seconds=30)
    assert lease is not None
    return lease


def work(registry: Registry, lease: Lease, version: str) -> ExportRecord:
    """Takes an export all the way to done."""
    record = registry.register(export(version)).record
    registry.start(lease, record, previous=None)
    registry.computed(lease, record.id, CHANGES, {})
    registry.published(lease, record.id, CHANGES.count, {})
    return registry.done(lease, record.id)


@pytest.fixture
def registry(moto_server: MotoServer, registry_table: str) -> Registry:
    return Registry(registry_table, client=moto_server.client("dynamodb"))


def table(rows: Mapping[str, str]) -> bytes:
    """A CSV export of rows by their keys."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("PK", "v"), *rows.items()])
    return gzip.compress(text.getvalue().encode(), mtime=0)


class LeaseClock:
    """The clock of leases in this process: time passes for them when a test says so.

    Heartbeats come by the real one, so they cannot come too late for those who wait here.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._seconds = 1000.0
        monkeypatch.setattr(lease, "time", self)

    def go(self, seconds: float) -> None:
        self._seconds += seconds

    sleep = go

    def monotonic(self) -> float:
        return self._seconds

    def monotonic_ns(self) -> int:
        return int(self._seconds * 1e9)

    CLOCK_BOOTTIME = time.CLOCK_BOOTTIME

    def clock_gettime(self, clock: int) -> float:
        """The owner's own: other processes, and the engine, have the real one."""
        return time.clock_gettime(clock) + self._seconds

    def time(self) -> float:
        return time.time()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> LeaseClock:
    return LeaseClock(monkeypatch)


@dataclass(frozen=True)
class Exports:
    """One tenant of the test's own, whose name is the store's prefix."""

    store: Store
    registry: Registry
    clock: LeaseClock

    @property
    def dataset(self) -> str:
        return f"{self.store.prefix}/orders"

    @property
    def changes(self) -> str:
        return f"s3://{BUCKET}/changes-{self.store.prefix}"

    def id(self, version: str) -> str:
        return f"{self.dataset}/{version}"

    def put(self, version: str, rows: Mapping[str, str], file: str = "export.csv.gz") -> str:
        return self.store.put(f"orders/{version}/{file}", table(rows))

    def register(self, **options: Any) -> RegisterReceipt:
        prefixes = prefixes_of(BUCKET, [self.store.prefix])
        return register_exports(self.registry, prefixes, s3=self.store.settings(), **options)

    def register_one(self, uri: str, **options: Any) -> RegisterReceipt:
        return register_export(self.registry, uri, s3=self.store.settings(), **options)

    def lock(self, version: str, owner: str = "run") -> ExportLock:
        attempt = lock_export(self.registry, self.id(version), owner, terms=QUICK)
        assert attempt.lock is not None, attempt
        return attempt.lock

    def taken_over(self, version: str, owner: str) -> ExportLock:
        """The lock of an export, once the one who held it has lost it."""
        found: list[ExportLock] = []

        def tried() -> bool:
            attempt = lock_export(self.registry, self.id(version), owner, terms=QUICK)
            found.extend([attempt.lock] if attempt.lock else [])
            self.clock.go(QUICK.handover_seconds)
            return bool(found)

        assert eventually(tried)
        return found[0]

    def compute(self, lock: ExportLock, **options: Any) -> ChangesReceipt:
        given: dict[str, Any] = {"max_delete_ratio": 1.0, "terms": QUICK, "changes": self.changes}
        return compute_changes(
            self.registry, lock, s3=self.store.settings(), **{**given, **options}
        )

    def finish(self, lock: ExportLock, **options: Any) -> FinishReceipt:
        return finish_export(self.registry, lock, terms=QUICK, **options)

    def published(self, lock: ExportLock) -> None:
        """As if all changes were on a stream."""
        with Lease.attach(self.registry, self.dataset, lock.owner, lock.fence) as lease:
            changes = self.registry.get(lock.export).changes
            assert changes is not None
            self.registry.published(lease, lock.export, changes.count, {})

    def work(self, version: str, owner: str = "run") -> ChangesReceipt:
        """From lock to done, without publishing."""
        lock = self.lock(version, owner)
        receipt = self.compute(lock)
        self.finish(lock, state="done")
        return receipt

    def written(self, version: str) -> list[dict[str, Any]]:
        """The changes in the export's file."""
        key = f"changes-{self.store.prefix}/{self.id(version)}.jsonl.gz"
        body = self.store.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return [json.loads(line) for line in gzip.decompress(body).splitlines()]

    def ops(self, version: str) -> Sequence[str]:
        return sorted(f"{one['op']} {one['key']['PK']}" for one in self.written(version))


@pytest.fixture
def exports(
    store: Store, moto_server: MotoServer, registry_table: str, clock: LeaseClock
) -> Exports:
    """A registry of the test's own."""
    return Exports(store, Registry(registry_table, client=moto_server.client("dynamodb")), clock)
