"""Every state of an export, and what each action does about it: the table of the registry's page.

The export is the newest of its table, and the one before it is done, unless its state says more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from airscoop import errors
from airscoop.exports import on_call
from airscoop.exports.lease import HANDOVER_SECONDS, Lease
from airscoop.exports.registry import ChangesFile, ExportRecord
from airscoop.exports.steps.lock import lock_export
from airscoop.exports.steps.register import register_exports
from airscoop.exports.steps.working import ExportLock
from support.exports import QUICK, ROWS, Exports
from support.s3 import BUCKET

NEWER = ROWS | {"4": "D", "5": "e"}
SECOND = "second.csv.gz"


@dataclass(frozen=True)
class Subject:
    """The export `version`; lock: of the run that has it, or had it."""

    exports: Exports
    version: str = "V2"
    lock: ExportLock | None = None

    @property
    def record(self) -> ExportRecord:
        return self.exports.registry.get(self.exports.id(self.version))


def registered(exports: Exports) -> Subject:
    exports.put("V1", ROWS)
    exports.register()
    exports.work("V1")
    exports.put("V2", NEWER)
    exports.register()
    return Subject(exports)


def running(exports: Exports) -> Subject:
    registered(exports)
    return Subject(exports, lock=exports.lock("V2", "first"))


def computed(exports: Exports) -> Subject:
    subject = running(exports)
    assert subject.lock is not None
    exports.compute(subject.lock)
    return subject


def sent(exports: Exports, count: int) -> Subject:
    subject = computed(exports)
    assert subject.lock is not None
    with Lease.attach(exports.registry, exports.dataset, "first", subject.lock.fence) as lease:
        if count:
            exports.registry.save_offset(lease, subject.lock.export, count)
        else:
            exports.registry.begin_publishing(lease, subject.lock.export)
    return subject


def begun(exports: Exports) -> Subject:
    return sent(exports, 0)


def half(exports: Exports) -> Subject:
    return sent(exports, 1)


def published(exports: Exports) -> Subject:
    subject = computed(exports)
    assert subject.lock is not None
    exports.published(subject.lock)
    return subject


def done(exports: Exports) -> Subject:
    subject = published(exports)
    assert subject.lock is not None
    exports.finish(subject.lock)
    return subject


def fails(subject: Subject, code: str) -> Subject:
    """As a step and the last task of its run end it."""
    assert subject.lock is not None
    registry, exports = subject.exports.registry, subject.exports
    with Lease.attach(registry, exports.dataset, "first", subject.lock.fence) as lease:
        registry.note_error(lease, subject.lock.export, f"it was {code}", code)
    assert exports.finish(subject.lock, state="failed").state == "failed"
    return subject


def failed(exports: Exports) -> Subject:
    return fails(running(exports), "SUSPECT_EXPORT")


def throttled(exports: Exports) -> Subject:
    return fails(running(exports), "THROTTLED")


def unknown(exports: Exports) -> Subject:
    """Its worker died in every try."""
    subject = running(exports)
    assert subject.lock is not None
    exports.finish(subject.lock)
    return subject


def conflicting(exports: Exports) -> Subject:
    """A second object stands beside it."""
    subject = running(exports)
    assert subject.lock is not None
    exports.put("V2", ROWS, SECOND)
    with pytest.raises(errors.ExportConflict):
        exports.compute(subject.lock)
    exports.finish(subject.lock)
    exports.register()  # which sees it, too
    return subject


def remove_second(exports: Exports) -> None:
    exports.store.client.delete_object(Bucket=BUCKET, Key=f"{exports.id('V2')}/{SECOND}")


def mended(exports: Exports) -> Subject:
    subject = conflicting(exports)
    remove_second(exports)
    return subject


def half_failed(exports: Exports) -> Subject:
    return fails(half(exports), "TOO_LARGE")


def given_up(exports: Exports) -> Subject:
    subject = half_failed(exports)
    on_call.give_up(exports.registry, exports.id("V2"))
    return subject


def stale(exports: Exports) -> Subject:
    done(exports)
    exports.put("V0", ROWS)
    exports.register()
    return Subject(exports, version="V0")


STATES: dict[str, Callable[[Exports], Subject]] = {
    each.__name__: each
    for each in (
        registered, running, computed, begun, half, published, done, failed, throttled, unknown,
        conflicting, mended, half_failed, given_up, stale,
    )
}  # fmt: skip


# --- what another run, on-call staff and the last task do about it ---


def lock_of_another(subject: Subject) -> ExportLock | None:
    """Once the lock of whoever had it is over; None: there is nothing to do."""
    exports = subject.exports
    for _ in range(3):
        attempt = lock_export(exports.registry, exports.id(subject.version), "another", terms=QUICK)
        if attempt.lock is not None or attempt.finished is not None:
            return attempt.lock
        exports.clock.go(HANDOVER_SECONDS + 1)
    raise AssertionError(attempt)


def run(subject: Subject) -> str:
    """A whole run of another one: green, and what it has done, or red, and why."""
    exports, worked = subject.exports, []
    for export in exports.register().exports:
        version = export.rpartition("/")[2]
        try:
            lock = lock_of_another(Subject(exports, version))
        except errors.AirscoopError as error:
            return f"red: {type(error).__name__}"
        if lock is not None:
            exports.compute(lock)
            exports.published(lock)
            worked.append(f"{version} {exports.finish(lock).state}")
    return f"green: {', '.join(worked) or 'nothing'}"


def lock(subject: Subject) -> str:
    return "skipped" if lock_of_another(subject) is None else subject.record.state


def retry(subject: Subject) -> str:
    return on_call.retry(subject.exports.registry, subject.record.id).state


def give_up(subject: Subject) -> str:
    on_call.give_up(subject.exports.registry, subject.record.id)
    assert not subject.record.is_open
    return "given up"


def finish_done(subject: Subject) -> str:
    assert subject.lock is not None
    return subject.exports.finish(subject.lock, state="done").state


def finish_failed(subject: Subject) -> str:
    assert subject.lock is not None
    return subject.exports.finish(subject.lock, state="failed").state


ACTIONS: tuple[Callable[[Subject], str], ...] = (
    run, lock, retry, give_up, finish_done, finish_failed,
)  # fmt: skip
NO, CONFLICT, STALE = "WrongExportState", "ExportConflict", "StaleExport"
NOBODY = ""  # has a lock to finish it with
WORKS = "green: V2 done"
TABLE = {
    # state: a run, its lock task alone, retry, give-up, finish as done, finish as failed
    "registered": (WORKS, "running", NO, NO, NOBODY, NOBODY),
    "running": (WORKS, "running", NO, NO, NO, "failed"),
    "computed": (WORKS, "computed", NO, NO, "done", "failed"),
    "begun": (WORKS, "computed", NO, NO, NO, "failed"),
    "half": (WORKS, "computed", NO, NO, NO, "failed"),
    "published": (WORKS, "published", NO, NO, "done", "failed"),
    "done": ("green: nothing", "skipped", NO, NO, "done", "done"),
    "failed": (f"red: {NO}", NO, "registered", "given up", "failed", "failed"),
    "throttled": (WORKS, NO, "registered", "given up", "failed", "failed"),
    "unknown": (f"red: {NO}", NO, "registered", "given up", "failed", "failed"),
    "conflicting": (f"red: {CONFLICT}", CONFLICT, NO, "given up", "failed", "failed"),
    "mended": (WORKS, CONFLICT, NO, "given up", "failed", "failed"),
    "half_failed": (WORKS, "computed", "registered", "given up", "failed", "failed"),
    "given_up": ("green: nothing", "skipped", "registered", NO, "failed", "failed"),
    "stale": ("green: nothing", STALE, NO, "given up", NOBODY, NOBODY),
}


def test_the_table_has_every_state() -> None:
    assert TABLE.keys() == STATES.keys()
    assert all(len(row) == len(ACTIONS) for row in TABLE.values())


@pytest.mark.parametrize(
    ("state", "action", "expected"),
    [
        pytest.param(state, action, expected, id=f"{state}-{action.__name__}")
        for state, row in TABLE.items()
        for action, expected in zip(ACTIONS, row, strict=True)
        if expected != NOBODY
    ],
)
def test_a_state_and_an_action(
    state: str, action: Callable[[Subject], str], expected: str, exports: Exports
) -> None:
    subject = STATES[state](exports)
    before = subject.record
    if expected in (NO, CONFLICT, STALE):
        with pytest.raises(getattr(errors, expected)):
            action(subject)
        assert subject.record == before
        return
    assert action(subject) == expected


@pytest.mark.parametrize("state", ["failed", "unknown", "conflicting"])
def test_a_run_is_never_green_while_the_newest_version_has_failed(
    state: str, exports: Exports
) -> None:
    subject = STATES[state](exports)
    for _ in range(3):
        receipt = exports.register()
        assert receipt.exports == [exports.id("V2")]
        assert list(receipt.failed) == [exports.id("V2")]
        assert str(subject.record.error) in receipt.summary()
        assert run(subject).startswith("red: ")
    assert subject.record.state == "failed"
    exports.put("V3", NEWER)
    assert run(subject) == "green: V3 done"


@pytest.mark.parametrize("state", ["failed", "unknown", "conflicting", "half_failed"])
def test_what_is_given_up_fails_no_run_until_it_is_tried_again(
    state: str, exports: Exports
) -> None:
    subject = STATES[state](exports)
    on_call.give_up(exports.registry, subject.record.id)
    assert run(subject) == "green: nothing"
    assert "given up" in on_call.look(exports.registry, [exports.dataset]).summary()
    remove_second(exports)
    exports.register()
    on_call.retry(exports.registry, subject.record.id)
    assert run(subject) == WORKS


def test_an_export_whose_objects_are_gone_fails_every_run_until_they_are_back(
    exports: Exports,
) -> None:
    exports.put("V1", ROWS)
    subject = Subject(exports, version="V1")
    exports.register()
    key = f"{exports.id('V1')}/export.csv.gz"
    exports.store.client.delete_object(Bucket=BUCKET, Key=key)

    def a_run() -> ExportLock:
        prefix = f"s3://{BUCKET}/{exports.dataset}/"  # no object says which table it is
        receipt = register_exports(exports.registry, [prefix], s3=exports.store.settings())
        assert receipt.exports == [exports.id("V1")]
        lock = lock_of_another(subject)
        assert lock is not None
        return lock

    lock = a_run()
    with pytest.raises(errors.NotFound):
        exports.compute(lock)
    exports.finish(lock)
    for _ in range(2):
        with pytest.raises(errors.WrongExportState, match="has failed: "):
            lock_export(exports.registry, exports.id("V1"), "yet another")
    exports.put("V1", ROWS)
    exports.compute(a_run())


def test_what_was_put_back_is_taken_up_again(exports: Exports) -> None:
    exports.put("V1", ROWS)
    subject = Subject(exports, version="V1")
    exports.register()
    exports.put("V1", NEWER)
    assert run(subject) == "red: ExportConflict"
    assert run(subject) == "red: ExportConflict"
    exports.put("V1", ROWS)
    receipt = exports.register()
    assert (receipt.again, receipt.failed) == ([exports.id("V1")], {})
    assert "1 tried again" in receipt.summary()
    assert run(subject) == "green: V1 done"


def test_one_that_failed_for_the_export_before_it_is_taken_up_when_that_is_back(
    exports: Exports,
) -> None:
    subject = registered(exports)
    exports.put("V1", {"other": "rows"})
    lock = lock_of_another(subject)
    assert lock is not None
    with pytest.raises(errors.ExportConflict, match=r"V1/.* has changed since"):
        exports.compute(lock)
    exports.finish(lock)
    exports.put("V1", ROWS)
    assert run(subject) == WORKS


def test_versions_are_tried_again_in_their_order_and_none_before_one_that_is_worked_on(
    exports: Exports,
) -> None:
    subject = running(exports)
    exports.put("V3", NEWER)
    exports.register()
    fails(subject, "THROTTLED")
    lock = exports.lock("V3", "third")
    with Lease.attach(exports.registry, exports.dataset, "third", lock.fence) as lease:
        exports.registry.note_error(lease, lock.export, "slow down", "THROTTLED")
    assert exports.register().again == []
    exports.finish(lock, state="failed")
    assert exports.register().again == [exports.id("V2"), exports.id("V3")]
    assert run(subject) == "green: V2 done, V3 done"


# --- half published: the file that was computed, never another one ---


def test_an_approval_stays_with_the_version_in_every_later_run(exports: Exports) -> None:
    exports.put("V1", ROWS)
    exports.register()
    exports.work("V1")
    exports.put("V2", {"1": "a"})
    exports.register()
    lock = exports.lock("V2", "approved")
    with pytest.raises(errors.SuspectExport):
        exports.compute(lock, max_delete_ratio=0.3)
    assert exports.compute(lock, max_delete_ratio=0.3, approved_delete_ratio=0.9).count == 3
    exports.finish(lock, state="failed", error="throttled")
    record = on_call.retry(exports.registry, lock.export)
    assert record.state == "registered"
    lock = exports.lock("V2", "next")
    assert exports.compute(lock, max_delete_ratio=0.3).count == 3
    assert exports.registry.get(lock.export).approved_delete_ratio == 0.9


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize("ends", ["failed", "killed"])
def test_a_half_published_export_goes_on_with_its_file_whatever_is_asked_for_now(
    ends: str, offset: int, exports: Exports
) -> None:
    subject = sent(exports, offset)
    file = subject.record.changes
    if ends == "failed":
        fails(subject, "THROTTLED")
    exports.register()
    lock = lock_of_another(subject)
    assert lock is not None
    again = exports.compute(
        lock, max_delete_ratio=0.0, max_update_ratio=0.0, min_rows=999, changes="s3://elsewhere/x"
    )
    assert (again.computed, again.changes) == (False, file.uri if file else None)
    assert subject.record.offset == offset


@pytest.mark.parametrize("state", ["half", "half_failed"])
def test_a_file_that_is_gone_is_computed_again_without_limits_or_refused(
    state: str, exports: Exports
) -> None:
    subject = STATES[state](exports)
    file = subject.record.changes
    assert file is not None
    key = file.uri.split("/", 3)[3]
    exports.register()
    lock = lock_of_another(subject)
    assert lock is not None
    exports.store.client.delete_object(Bucket=BUCKET, Key=key)
    with pytest.raises(errors.WrongExportState, match=r"half published \(1 of 2 .*another one"):
        exports.compute(lock, key=["PK", "v"])
    assert subject.record.changes == file
    assert subject.record.offset == 1
    again = exports.compute(lock, max_delete_ratio=0.0, max_update_ratio=0.0, min_rows=999)
    assert ChangesFile(uri=again.changes, etag=again.etag, count=again.count) == file
    assert again.computed
