"""watched: gives a DAG the two tasks that tell of a failed run, and decide about its state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import BaseNotifier

from airscoop.errors import UsageError
from airscoop.notifications.log_line import LogLine
from airscoop.notifications.tell_failure import TellFailureOperator
from airscoop.notifications.unskipped import Unskipped

if TYPE_CHECKING:
    from airflow.sdk import DAG

TELL, DONE = "tell_failure", "done"
# Airflow would take them from the DAG's default_args.
ALONE: dict[str, Any] = {"depends_on_past": False, "wait_for_downstream": False}
RETRIES: dict[str, Any] = {
    "retries": 5,
    "retry_delay": timedelta(seconds=30),
    "retry_exponential_backoff": 2,
    "max_retry_delay": timedelta(minutes=10),
}


class DoneOperator(Unskipped, EmptyOperator):
    """The last task of a watched DAG: it decides about the run, and does nothing."""


def watched(dag: DAG, *, notify: BaseNotifier | Sequence[BaseNotifier] | None = None) -> DAG:
    """Adds two tasks behind all others of the DAG, and gives the DAG back.

    `tell_failure` runs when all others have ended, whatever became of them, and tells each notifier
    of those that failed; it is skipped where none has. `done` does nothing: the run succeeds with
    it, and fails where Airflow would have failed it for the DAG's own last tasks. Call it when the
    DAG has all of its tasks.

    notify: Airflow's notifiers, `EventBridge` among them; None writes an error into the log.
    UsageError: the DAG has no task, or what would keep the two from working; it says what to do.
    """
    notifiers = [LogLine()] if notify is None else _notifiers(notify)
    _check(dag)
    last, leaves = list(_deciding(dag)), [task for task in dag.tasks if not task.downstream_list]
    where: dict[str, Any] = {"dag": dag, "task_group": dag.task_group, **ALONE}
    done = DoneOperator(task_id=DONE, trigger_rule="none_failed", **where)
    tell = TellFailureOperator(
        task_id=TELL, notify=notifiers, apart=(DONE,), trigger_rule="all_done", **RETRIES, **where
    )
    for task in last:
        task >> done
    for task in {task.task_id: task for task in (*last, *leaves)}.values():
        task >> tell
    return dag


def _deciding(dag: DAG) -> Iterator[Any]:
    """The tasks by which Airflow decides about a run of the DAG as it is.

    These are its leaves; teardowns are looked over, unless they say that their failure counts.
    """

    def counts(task: Any) -> bool:
        return not task.is_teardown or task.on_failure_fail_dagrun

    for task in dag.tasks:
        if counts(task) and not any(map(counts, task.downstream_list)):
            yield task


def _notifiers(given: BaseNotifier | Sequence[BaseNotifier]) -> list[BaseNotifier]:
    notifiers: list[Any] = [*given] if isinstance(given, list | tuple) else [given]
    wrong = [each for each in notifiers if not isinstance(each, BaseNotifier)]
    if wrong or not notifiers:
        what = type(wrong[0]).__name__ if wrong else "nothing"
        raise UsageError(f"watched: notify takes notifiers (airflow.sdk.BaseNotifier), not {what}")
    return notifiers


def _check(dag: DAG) -> None:
    """What would let a failure go untold is an error when the DAG is read."""
    said = f"watched: the DAG {dag.dag_id}"
    if not dag.tasks:
        raise UsageError(f"{said} has no tasks; call watched behind its last one")
    for name in (TELL, DONE):
        if dag.has_task(name):
            raise UsageError(f"{said} has a task {name} already; watched adds one of that name")
    if dag.fail_fast:
        raise UsageError(f"{said} has fail_fast=True, which skips {TELL}, too; leave it out")
    for task in dag.tasks:
        if task.is_setup and not any(each.is_teardown for each in task.downstream_list):
            raise UsageError(
                f"{said} has the setup {task.task_id} without a teardown: if it fails, Airflow "
                f"runs no task behind it, {TELL} among them; make it an ordinary task"
            )
