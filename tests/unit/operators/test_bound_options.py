"""Options of a verb in a field of an operator: bound before anything runs, and blamed for nothing
else."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airscoop.exports.steps.compute import compute_changes
from airscoop.exports.steps.publish import publish_changes
from airscoop.operators import publish_changes as publishing
from airscoop.operators import snapshot_delta as comparing
from airscoop.operators.publish_changes import PublishChangesOperator
from airscoop.operators.snapshot_delta import SnapshotDeltaOperator

LOCK: Any = {"export": "t/x/V1", "previous": None, "owner": "me", "fence": 1}
NO_CONTEXT: Any = {}
NOTHING: Any = None


def delta(**options: Any) -> Any:
    return SnapshotDeltaOperator(
        task_id="d", lock=LOCK, changes="s3://b/c", aws_conn_id=None, **options
    ).execute(NO_CONTEXT)


def publish(**options: Any) -> Any:
    return PublishChangesOperator(
        task_id="p", lock=LOCK, stream="s", aws_conn_id=None, **options
    ).execute(NO_CONTEXT)


def fail(*arguments: object, **options: object) -> None:
    raise TypeError("inside of the step")


@pytest.mark.parametrize(
    ("run", "options", "told"),
    [
        (delta, {"delta_options": {"min_row": 3}}, "d: delta_options: .*'min_row'.* min_rows"),
        (delta, {"delta_options": {"key": ["a"]}}, "d: delta_options: .*'key'"),
        (delta, {"delta_options": {"s3": None}}, "d: delta_options: .*'s3'"),
        (delta, {"delta_options": ["min_rows"]}, "d: delta_options is .*mapping"),
        (delta, {"athena": {"datbase": "x"}}, "d: athena: .*'datbase'.* database"),
        (delta, {"athena": {"database": "x"}}, "d: athena lacks 'results'"),
        (publish, {"publish_options": {"max_trys": 3}}, "p: publish_options: .*'max_trys'"),
        (publish, {"publish_options": {"kinesis": None}}, "p: publish_options: .*'kinesis'"),
    ],
)
def test_an_unknown_option_is_named_before_anything_is_opened(
    monkeypatch: pytest.MonkeyPatch, run: Any, options: dict[str, Any], told: str
) -> None:
    monkeypatch.setattr(SnapshotDeltaOperator, "open_registry", fail)
    monkeypatch.setattr(PublishChangesOperator, "open_registry", fail)
    with pytest.raises(AirflowFailException, match=f"UsageError: {told}"):
        run(**options)


@pytest.mark.parametrize(
    ("module", "step", "run", "options"),
    [
        (comparing, "compute_changes", delta, {"delta_options": {"min_rows": 3}}),
        (publishing, "publish_changes", publish, {"publish_options": {"retry_seconds": 3}}),
    ],
)
def test_a_type_error_within_a_step_is_not_blamed_on_its_options(
    monkeypatch: pytest.MonkeyPatch, module: Any, step: str, run: Any, options: dict[str, Any]
) -> None:
    monkeypatch.setattr(module, step, fail)
    with pytest.raises(TypeError, match=r"^inside of the step$"):
        run(**options)


def test_a_step_binds_its_options_before_it_takes_the_lock_up() -> None:
    with pytest.raises(TypeError, match=r"compute_changes\(\) .*'min_row'"):
        compute_changes(NOTHING, LOCK, changes="s3://b/c", **{"min_row": 1})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"publish_changes\(\) .*'max_trys'"):
        publish_changes(NOTHING, LOCK, "s", **{"max_trys": 1})  # type: ignore[arg-type]
