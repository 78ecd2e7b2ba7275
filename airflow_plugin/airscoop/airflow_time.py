"""The hour that a run stands for: the one source of partition values in every DAG."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol


class RunTimes(Protocol):
    """What is asked of an Airflow DAG run."""

    logical_date: datetime | None
    run_after: datetime | None


def partition_hour(dag_run: RunTimes) -> str:
    """YYYYMMDDHH in UTC of the run's logical date, or of `run_after` where it has none.

    It is the same for all tasks and tries of a run, and never from the clock. Raises ValueError
    for a run with neither date, or with one that lacks a time zone.
    """
    date = dag_run.logical_date or dag_run.run_after
    if date is None:
        raise ValueError(
            "the DAG run has neither a logical date nor run_after, so its partition is unknown; "
            "trigger it with a logical date"
        )
    if date.tzinfo is None:
        raise ValueError(f"the DAG run's date {date.isoformat()} has no time zone")
    return date.astimezone(UTC).strftime("%Y%m%d%H")
