"""The DAG files load in Airflow and are the pipelines."""

from __future__ import annotations

from airflow.dag_processing.dagbag import DagBag

from support.paths import ROOT


def test_every_dag_file_loads_without_error(bag: DagBag) -> None:
    assert bag.import_errors == {}
    assert set(bag.dags) == {path.stem for path in (ROOT / "dags").glob("*.py")}
