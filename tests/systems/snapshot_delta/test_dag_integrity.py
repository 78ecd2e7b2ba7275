"""What the DAG says of the pipeline."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, Asset
from airflow.sdk.bases.decorator import DecoratedOperator
from airflow.sdk.exceptions import AirflowFailException

from airscoop.operators.lock_export import LockExportOperator
from support.paths import ROOT

GROUP = "snapshot"


@pytest.fixture
def snapshots(bag: DagBag) -> DAG:
    found: DAG = bag.dags["snapshot_delta"]
    return found


def test_an_export_is_registered_locked_compared_published_and_finished(snapshots: DAG) -> None:
    assert {task.task_id: task.upstream_task_ids for task in snapshots.tasks} == {
        "register": set(),
        "exports": {"register"},
        f"{GROUP}.lock": {"exports"},
        f"{GROUP}.delta": {"exports", f"{GROUP}.lock"},
        f"{GROUP}.publish": {f"{GROUP}.lock", f"{GROUP}.delta"},
        f"{GROUP}.finish": {f"{GROUP}.lock", f"{GROUP}.publish"},
        "tell_failure": {f"{GROUP}.finish"},
        "done": {f"{GROUP}.finish"},
    }


def test_an_export_is_finished_whatever_became_of_its_tasks(snapshots: DAG) -> None:
    assert snapshots.get_task(f"{GROUP}.finish").trigger_rule == "all_done"


def test_no_export_waits_for_another_run_of_its_dag(snapshots: DAG) -> None:
    assert snapshots.max_active_runs > 1
    assert snapshots.max_active_tasks > 1
    lock = snapshots.get_task(f"{GROUP}.lock")
    assert isinstance(lock, LockExportOperator)
    assert lock.mode == "reschedule"


def test_without_a_queue_runs_are_started_by_hand(snapshots: DAG) -> None:
    assert snapshots.schedule is None


def test_a_queue_is_watched_for_hints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_SNAPSHOT_DELTA_QUEUE", "https://sqs.example.com/1/exports")
    bag = DagBag(dag_folder=str(ROOT / "dags" / "snapshot_delta.py"))
    assert bag.import_errors == {}
    schedule = bag.dags["snapshot_delta"].schedule
    assert isinstance(schedule, list)
    (asset,) = schedule
    assert isinstance(asset, Asset)
    (watcher,) = asset.watchers
    kind, arguments = watcher.trigger.serialize()
    assert kind.endswith(".SqsSensorTrigger")
    assert arguments["sqs_queue"] == "https://sqs.example.com/1/exports"
    assert arguments["delete_message_on_reception"] is True


def chosen_by(snapshots: DAG) -> Callable[..., list[dict[str, Any]]]:
    """The function of the task that chooses the exports."""
    task = snapshots.get_task("exports")
    assert isinstance(task, DecoratedOperator)
    return task.python_callable


def exports_of(snapshots: DAG, **params: object) -> list[dict[str, Any]]:
    given: dict[str, object] = {"object": None, "max_delete_ratio": None, **params}
    exports = [f"tenant/test_table/V{n}" for n in (1, 2)]
    return chosen_by(snapshots)({"exports": exports}, params=given)


def test_each_export_gets_the_settings_of_its_table(snapshots: DAG) -> None:
    first, second = exports_of(snapshots)
    assert (first["export"], second["export"]) == ("tenant/test_table/V1", "tenant/test_table/V2")
    assert first["key"] == ["id"]
    assert first["delta_options"]["max_delete_ratio"] == 0.3


def test_a_run_takes_no_more_exports_than_airflow_maps(snapshots: DAG) -> None:
    exports = [f"tenant/test_table/V{n}" for n in range(1100)]
    params = {"object": None, "max_delete_ratio": None}
    found = chosen_by(snapshots)({"exports": exports}, params=params)
    assert [one["export"] for one in found] == exports[:1000]


def test_deletes_are_approved_for_the_export_of_the_key_alone(snapshots: DAG) -> None:
    key = "tenant/test_table/V2/e.csv.gz"
    for given in (key, f"s3://bucket/{key}"):
        first, second = exports_of(snapshots, object=given, max_delete_ratio=0.9)
        assert first["delta_options"]["max_delete_ratio"] == 0.3
        assert second["delta_options"]["max_delete_ratio"] == 0.9
        assert (first["approved"], second["approved"]) == (None, 0.9)  # which the record keeps
    for work in exports_of(snapshots, max_delete_ratio=0.9):
        assert work["delta_options"]["max_delete_ratio"] == 0.3
        assert work["approved"] is None


def test_an_export_of_an_unknown_table_names_the_file_to_add_it_to(snapshots: DAG) -> None:
    given = {"object": None, "max_delete_ratio": None}
    with pytest.raises(AirflowFailException, match=r"acme/x/V1 .*snapshot_delta\.yml: add it"):
        chosen_by(snapshots)({"exports": ["acme/x/V1"]}, params=given)
