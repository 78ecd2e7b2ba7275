"""Which tasks of a run failed for good: asked of Airflow by a task of that run."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from airscoop.notifications.failure import FailedTask
from airscoop.operators.error_xcom import ERROR_KEY

if TYPE_CHECKING:
    from airflow.sdk import Context

    Instance = tuple[str, int | None]

log = logging.getLogger(__name__)

FINISHED = frozenset(("success", "failed", "skipped", "upstream_failed", "removed"))


def states_of(context: Context) -> dict[Instance, str | None]:
    """The state of each task instance of the run, by the task's id and its map index.

    Airflow names an instance of a mapped task TASK_INDEX, as another task may be named: what can
    be read in two ways is asked for by itself.
    """
    found: dict[Instance, str | None] = {}
    dag, all_states = context["dag"], _ask(context)
    mapped = {task.task_id for task in dag.tasks if _is_mapped(task)}
    for task_id in dag.task_ids:
        if task_id in mapped:
            found.update(_of_mapped(task_id, _ask(context, task_id)))
            continue
        stem = re.sub(r"_\d+$", "", task_id)
        states = _ask(context, task_id) if stem in mapped else all_states
        if task_id in states:
            found[task_id, None] = states[task_id]
    return found


def failed_tasks(context: Context, states: Mapping[Instance, str | None]) -> Iterator[FailedTask]:
    """Those that failed, with the errors that they left, in the order of the DAG's tasks.

    Tasks that could not run because of them (`upstream_failed`) are no failures of their own.
    """
    for (task_id, map_index), state in states.items():
        if state == "failed":
            yield FailedTask.of(task_id, map_index, _left(context, task_id, map_index))


def _ask(context: Context, task_id: str | None = None) -> Mapping[str, str | None]:
    ti = context["ti"]
    only = None if task_id is None else [task_id]
    answer = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id], task_ids=only)
    states: Mapping[str, str | None] = answer.get(ti.run_id, {})
    return states


def _is_mapped(task: Any) -> bool:
    return bool(task.is_mapped) or task.get_closest_mapped_task_group() is not None


def _of_mapped(
    task_id: str, states: Mapping[str, str | None]
) -> Iterator[tuple[Instance, str | None]]:
    """A mapped task that has not been expanded has one state, without an index."""
    for name, state in states.items():
        index = name.removeprefix(task_id).removeprefix("_")
        yield (task_id, int(index) if index else None), state


def _left(context: Context, task_id: str, map_index: int | None) -> object:
    """The error that a task left; a run of whose errors one cannot be read is told all the same."""
    index = -1 if map_index is None else map_index
    try:
        return context["ti"].xcom_pull(task_ids=task_id, map_indexes=index, key=ERROR_KEY)
    except Exception as error:
        log.warning("the error of %s cannot be read", task_id, exc_info=True)
        return {"code": "unreadable", "message": f"its error cannot be read: {error}"}
