"""Applying an export's changes to a table is a step of the registry, as publishing is."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airscoop import errors
from airscoop.exports.lease import Lease
from airscoop.exports.steps.apply import apply_changes
from airscoop.exports.steps.working import ExportLock
from airscoop.receipts.warehouse import ApplyReceipt
from airscoop.warehouse.session import Warehouse
from support.apply import Applied
from support.exports import QUICK, ROWS, Exports

OTHER = {**ROWS, "2": "changed", "9": "new"}
NEWER = {**OTHER, "2": "newer"}


@pytest.fixture
def target(database: dict[str, str], tmp_path: Path) -> Iterator[Applied]:
    found = Applied(database["dsn"], "postgres", tmp_path)
    found.run('CREATE TABLE SCHEMA.t ("PK" text PRIMARY KEY, v text)')
    yield found
    found.close()


def apply(exports: Exports, lock: ExportLock, target: Applied, **options: Any) -> ApplyReceipt:
    with Warehouse(target.dsn, dialect="postgres") as warehouse:
        return apply_changes(
            exports.registry,
            lock,
            warehouse,
            table=f"{target.schema}.t",
            key=["PK"],
            s3=exports.store.settings(),
            **{"terms": QUICK, **options},
        )


def test_changes_are_applied_once_and_the_registry_knows(exports: Exports, target: Applied) -> None:
    exports.put("V1", ROWS)
    exports.register()
    lock = exports.lock("V1")
    with pytest.raises(errors.WrongExportState, match="its changes are not computed"):
        apply(exports, lock, target)
    exports.compute(lock)
    receipt = apply(exports, lock, target, publishes=True)
    assert receipt.inserted == len(ROWS)
    record = exports.registry.get(lock.export)
    assert (record.state, record.begun) == ("published", True)
    assert record.receipts["applied"][f"{target.schema}.t"]["inserted"] == len(ROWS)
    assert apply(exports, lock, target, publishes=True).already_applied
    assert exports.finish(lock).state == "done"
    assert target.logged("dataset, version, previous") == [(exports.dataset, "V1", None)]


def test_a_version_that_was_applied_and_failed_is_not_left_out(
    exports: Exports, target: Applied
) -> None:
    for version, rows in (("V1", ROWS), ("V2", OTHER), ("V3", NEWER)):
        exports.put(version, rows)
    exports.register()
    lock = exports.lock("V1")
    exports.compute(lock)
    apply(exports, lock, target, publishes=True)
    exports.finish(lock)
    lock = exports.lock("V2")
    exports.compute(lock)
    apply(exports, lock, target)
    exports.finish(lock, state="failed", error="the stream is gone")
    assert exports.registry.get(lock.export).half_published
    with pytest.raises(errors.WrongExportState, match="later versions wait until it is done"):
        exports.lock("V3", "next")
    lock = exports.lock("V2")
    exports.compute(lock)
    assert apply(exports, lock, target, publishes=True).already_applied
    exports.finish(lock)
    lock = exports.lock("V3")
    exports.compute(lock)
    assert apply(exports, lock, target, publishes=True).updated == 1
    assert dict(target.rows()) == NEWER


def test_it_is_noted_before_anything_is_applied(exports: Exports, target: Applied) -> None:
    exports.put("V1", ROWS)
    exports.register()
    lock = exports.lock("V1")
    exports.compute(lock)
    target.run("ALTER TABLE SCHEMA.t RENAME TO gone")
    with pytest.raises(errors.AirscoopError):
        apply(exports, lock, target)
    assert exports.registry.get(lock.export).begun
    target.run("ALTER TABLE SCHEMA.gone RENAME TO t")
    assert apply(exports, lock, target).inserted == len(ROWS)


def test_who_has_lost_the_lock_applies_nothing(
    exports: Exports, target: Applied, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports.put("V1", ROWS)
    exports.register()
    lock = exports.lock("V1", "paused")
    exports.compute(lock)
    confirm = Lease.confirm

    def lose(lease: Lease) -> None:
        monkeypatch.setattr(Lease, "confirm", confirm)
        exports.taken_over("V1", "another")
        lease.confirm()

    monkeypatch.setattr(Lease, "confirm", lose)  # all is applied, and nothing is visible yet
    with pytest.raises(errors.LockLost):
        apply(exports, lock, target)
    assert target.rows() == []
    assert exports.registry.get(lock.export).receipts.get("applied") is None


def test_another_file_than_the_computed_one_is_not_applied(
    exports: Exports, target: Applied
) -> None:
    exports.put("V1", ROWS)
    exports.register()
    lock = exports.lock("V1")
    written = exports.compute(lock)
    key = written.changes.split("/", 3)[3]
    exports.store.client.put_object(Bucket="transfers", Key=key, Body=b"{}\n")
    with pytest.raises(errors.SourceChanged, match="is not the file that was computed"):
        apply(exports, lock, target)
    assert target.rows() == []


def test_a_file_that_is_replaced_when_it_was_looked_at_is_not_applied(
    exports: Exports, target: Applied
) -> None:
    """Between the question for its ETag and its answer another one may be put there."""
    exports.put("V1", ROWS)
    exports.register()
    written = exports.compute(exports.lock("V1"))
    with Warehouse(target.dsn, dialect="postgres") as warehouse:
        for etag in ('"another"', written.etag):
            wrong = etag != written.etag
            with pytest.raises(errors.SourceChanged) if wrong else contextlib.nullcontext():
                warehouse.apply_changes(
                    written.changes,
                    table=f"{target.schema}.t",
                    key=["PK"],
                    changes_etag=etag,
                    s3=exports.store.settings(),
                )
            assert len(target.rows()) == (0 if wrong else len(ROWS))
