"""What the DAG says of the pipeline."""

from __future__ import annotations

from datetime import timedelta

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG, CronTriggerTimetable

from airscoop.operators import AddPartitionOperator, InsertDistinctOperator, StreamToS3Operator

REFRESH = "run_refresh_materialized_view_on_redshift"


@pytest.fixture
def dag(bag: DagBag) -> DAG:
    found: DAG = bag.dags["bestsellers"]
    return found


def test_the_seven_tasks_and_what_each_and_those_behind_wait_for(dag: DAG) -> None:
    assert {task.task_id: task.upstream_task_ids for task in dag.tasks} == {
        "download_reviews": set(),
        "download_metadata": set(),
        "partition_reviews": {"download_reviews"},
        "partition_metadata": {"download_metadata"},
        "insert_reviews": {"download_reviews", "partition_reviews"},
        "insert_metadata": {"download_metadata", "partition_metadata"},
        REFRESH: {"insert_reviews", "insert_metadata"},
        "tell_failure": {REFRESH},
        "done": {REFRESH},
    }


def test_the_schedule_names_its_timetable(dag: DAG) -> None:
    assert dag.schedule == CronTriggerTimetable("0 */8 * * *", timezone="UTC")
    assert dag.catchup is False
    assert dag.max_active_runs == 1


def test_every_task_retries_three_times_after_half_a_minute(dag: DAG) -> None:
    for task in dag.get_task(REFRESH).get_flat_relatives(upstream=True):
        assert task.retries == 3
        assert task.retry_delay == timedelta(seconds=30)


def test_the_object_lies_in_the_partition_that_is_registered_and_read(dag: DAG) -> None:
    download, register, insert = (
        dag.get_task(f"{step}_reviews") for step in ("download", "partition", "insert")
    )
    assert isinstance(download, StreamToS3Operator)
    assert isinstance(register, AddPartitionOperator)
    assert isinstance(insert, InsertDistinctOperator)
    hour = "{{ macros.airscoop.partition_hour(dag_run) }}"
    assert download.destination == f"{register.location}reviews.json.gz"
    assert register.location.endswith(f"/bestsellers/reviews/downloaded_at={hour}/")
    assert register.values == insert.partition == {"downloaded_at": hour}
