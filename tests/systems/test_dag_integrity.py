"""The DAG files load in Airflow and are the pipelines."""

from __future__ import annotations

from airflow.dag_processing.dagbag import DagBag

from support.paths import ROOT


def test_every_dag_file_loads_without_error(bag: DagBag) -> None:
    assert bag.import_errors == {}
    assert set(bag.dags) == {path.stem for path in (ROOT / "dags").glob("*.py")}


def test_every_dag_is_watched_behind_all_of_its_tasks(bag: DagBag) -> None:
    for dag in bag.dags.values():
        assert {task.task_id for task in dag.leaves} == {"tell_failure", "done"}, dag.dag_id
        tell, done = dag.get_task("tell_failure"), dag.get_task("done")
        assert tell.upstream_task_ids == done.upstream_task_ids
