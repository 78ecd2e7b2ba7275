"""`claim`: whatever happens in its `with`, the lock is free after it, and the record is true."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from airscoop import errors
from airscoop.exports.lease import held_lock
from airscoop.exports.registry import ExportRecord
from airscoop.exports.steps.claim import claim
from airscoop.exports.steps.finish import finish_export
from airscoop.exports.steps.lock import LockAttempt
from support.exports import QUICK, ROWS, Exports


@contextmanager
def claimed(exports: Exports, version: str, owner: str = "me") -> Iterator[LockAttempt]:
    with claim(exports.registry, exports.id(version), owner, terms=QUICK) as attempt:
        yield attempt


def after(exports: Exports, version: str) -> ExportRecord:
    """The record, once the lock is known to be free."""
    assert held_lock(exports.registry, exports.dataset) is None
    return exports.registry.get(exports.id(version))


@pytest.fixture
def two(exports: Exports) -> Exports:
    for version in ("V1", "V2"):
        exports.put(version, ROWS)
    exports.register()
    return exports


def test_an_export_whose_changes_are_published_is_done(two: Exports) -> None:
    for version in ("V1", "V2"):
        with claimed(two, version) as attempt:
            assert attempt.lock is not None
            two.compute(attempt.lock)
            two.published(attempt.lock)
        assert after(two, version).state == "done"
    with claimed(two, "V1") as attempt:
        assert attempt.finished == f"{two.id('V1')} is done"
    assert after(two, "V2").previous == "V1"


def test_one_that_is_refused_has_failed_and_the_next_goes_on(two: Exports) -> None:
    with pytest.raises(errors.SuspectExport), claimed(two, "V1") as attempt:
        assert attempt.lock is not None
        two.compute(attempt.lock, min_rows=99)
    record = after(two, "V1")
    assert (record.state, record.code) == ("failed", "SUSPECT_EXPORT")
    assert "fewer than min_rows" in str(record.error)
    with claimed(two, "V2") as attempt:
        assert attempt.lock is not None


@pytest.mark.parametrize(
    "error", [errors.Throttled("slow down"), KeyboardInterrupt(), RuntimeError("a bug")]
)
def test_what_may_pass_or_is_no_error_of_the_export_leaves_it_to_the_next_one(
    error: BaseException, two: Exports
) -> None:
    with pytest.raises(type(error)), claimed(two, "V1") as attempt:
        assert attempt.lock is not None
        two.compute(attempt.lock)
        raise error
    assert after(two, "V1").state == "computed"
    with claimed(two, "V1", "other") as attempt:
        assert attempt.lock is not None
        assert not two.compute(attempt.lock).computed


def test_a_block_that_is_left_early_leaves_the_export_as_far_as_it_came(two: Exports) -> None:
    with claimed(two, "V1") as attempt:
        assert attempt.lock is not None
    assert after(two, "V1").state == "running"


def test_one_that_was_finished_in_the_block_stays_so(two: Exports) -> None:
    with claimed(two, "V1") as attempt:
        assert attempt.lock is not None
        finish_export(two.registry, attempt.lock, state="failed", error="not wanted")
    record = after(two, "V1")
    assert (record.state, record.error) == ("failed", "not wanted")


def test_a_lock_that_is_another_ones_is_left_alone(two: Exports) -> None:
    with pytest.raises(errors.LockLost), claimed(two, "V1") as attempt:
        assert attempt.lock is not None
        held = two.taken_over("V1", "other")
        two.compute(attempt.lock)
    found = held_lock(two.registry, two.dataset)
    assert found is not None
    assert found["owner"] == held.owner == "other"


def test_a_lock_that_is_held_is_told_and_not_released(two: Exports) -> None:
    held = two.lock("V1", "other")
    with claimed(two, "V1") as attempt:
        assert attempt.lock is None
        assert "held by other" in str(attempt.waits_for)
    found = held_lock(two.registry, two.dataset)
    assert found is not None
    assert found["fence"] == held.fence


def test_a_registry_that_does_not_answer_replaces_no_error(
    two: Exports, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise errors.ConnectionFailed("the table is away")

    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(errors.SuspectExport),
        claimed(two, "V1") as attempt,
    ):
        assert attempt.lock is not None
        try:
            two.compute(attempt.lock, min_rows=99)
        finally:
            monkeypatch.setattr(two.registry.table, "update", refuse)
    assert "the table is away" in caplog.text
