"""TellFailureOperator: tells of a run's failed tasks, once all others have ended."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier, BaseOperator
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowRescheduleException,
    AirflowSkipException,
)

from airscoop.notifications.failure import Failure
from airscoop.notifications.run_failures import FINISHED, failed_tasks, states_of
from airscoop.notifications.unskipped import Unskipped

if TYPE_CHECKING:
    from airflow.sdk import Context

AGAIN_SECONDS = 10
TOLD_KEY = "airscoop_told"


class TellFailureOperator(Unskipped, BaseOperator):
    """Tells each notifier of the run's failed tasks, and is skipped where no task has failed.

    `watched` makes it. notify: Airflow's notifiers, which find the failure as `failure` in their
    context. One that fails makes the task fail, after the others were told; the next try tells only
    those that were not told yet, by the task state store (Airflow 3.3 and later; without it, all
    are told again). apart: the tasks that it does not wait for.

    Its upstream tasks may all have ended while another one of the run still works, because a task
    one of whose upstream tasks has failed does not wait for the others. It then looks again every
    ten seconds, and keeps no worker between.
    """

    def __init__(
        self, *, notify: Sequence[BaseNotifier], apart: Sequence[str] = (), **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.notify = notify
        self.apart = apart

    def execute(self, context: Context) -> None:
        others = {
            instance: state
            for instance, state in states_of(context).items()
            if instance[0] not in (self.task_id, *self.apart)
        }
        working = sorted({task for (task, _), state in others.items() if state not in FINISHED})
        if working:
            self.log.info("waits for %s", ", ".join(working))
            again = datetime.now(UTC) + timedelta(seconds=AGAIN_SECONDS)
            raise AirflowRescheduleException(again)  # type: ignore[no-untyped-call]
        failed = tuple(failed_tasks(context, others))
        if not failed:
            raise AirflowSkipException("no task of the run has failed")
        self._tell(Failure.of(context, failed), context)

    def _tell(self, failure: Failure, context: Context) -> None:
        told = Told(context.get("task_state_store"), failure.idempotency_key)
        untold = []
        for number, notifier in enumerate(self.notify):
            name = f"{number} {type(notifier).__name__}"
            if name in told.names:
                continue
            try:
                # A call renders its templates in place.
                copy.copy(notifier)({**context, "failure": failure})
            except Exception:
                self.log.exception("%s could not tell: %s", name, failure.summary())
                untold.append(name)
            else:
                told.add(name)
        if untold:
            raise AirflowException(f"not told: {', '.join(untold)}; the log says why")


class Told:
    """Which notifiers were told of one failure, for the next try."""

    def __init__(self, store: Any, idempotency_key: str) -> None:
        self._store = store
        self._key = idempotency_key
        kept = None if store is None else store.get(TOLD_KEY)
        self.names: list[str] = []
        if isinstance(kept, dict) and kept.get("idempotency_key") == idempotency_key:
            self.names = list(kept["names"])

    def add(self, name: str) -> None:
        self.names.append(name)
        if self._store is not None:
            self._store.set(TOLD_KEY, {"idempotency_key": self._key, "names": self.names})
