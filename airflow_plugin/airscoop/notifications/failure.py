"""A failed run: which of its tasks failed for good, and with what error."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airscoop.operators.safe_texts import without_secrets

if TYPE_CHECKING:
    from airflow.sdk import Context

KILLED = "killed"
# Airflow's own words for a task that left none do not tell these apart, either.
LEFT_NONE = (
    "it left no error: its process was killed, somebody set it to failed, or it is a task of your "
    "own that raised; its log says more"
)
NAMED_IN_SUMMARY = 5


@dataclass(frozen=True, kw_only=True)
class FailedTask:
    """map_index: of a mapped task, else None. code: the error's, or `killed` for a task that left
    none; retryable is then None."""

    task_id: str
    map_index: int | None
    code: str
    message: str
    retryable: bool | None

    @property
    def name(self) -> str:
        """The task's id; of a mapped task with its index: `load[3]`."""
        return self.task_id if self.map_index is None else f"{self.task_id}[{self.map_index}]"

    @classmethod
    def of(cls, task_id: str, map_index: int | None, left: object) -> FailedTask:
        """The task with what it left as XCom: None, the dict of an operator, or a text."""
        where: Any = {"task_id": task_id, "map_index": map_index}
        if left is None:
            return cls(**where, code=KILLED, message=LEFT_NONE, retryable=None)
        found = left if isinstance(left, Mapping) else {"message": left}
        retryable = found.get("retryable")
        return cls(
            **where,
            code=without_secrets(str(found.get("code", "error"))),
            message=without_secrets(str(found.get("message", ""))),
            retryable=retryable if isinstance(retryable, bool) else None,
        )


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What a notifier finds as `failure` in its context, and so its templates, too.

    data_interval_start, logical_date: ISO, UTC; None for a run without one. clear_number: how often
    the run was cleared.
    """

    dag_id: str
    run_id: str
    logical_date: str | None
    data_interval_start: str | None
    clear_number: int
    failed_tasks: tuple[FailedTask, ...]

    @classmethod
    def of(cls, context: Context, failed_tasks: tuple[FailedTask, ...]) -> Failure:
        """The failure of the context's run."""
        run = context["dag_run"]
        return cls(
            dag_id=run.dag_id,
            run_id=run.run_id,
            logical_date=_iso(run.logical_date),
            data_interval_start=_iso(run.data_interval_start),
            clear_number=getattr(run, "clear_number", None) or 0,
            failed_tasks=failed_tasks,
        )

    @property
    def idempotency_key(self) -> str:
        """The same for all tries that tell of this run; another one once the run was cleared."""
        names = json.dumps([self.dag_id, self.run_id, self.clear_number])
        return hashlib.sha256(names.encode()).hexdigest()[:32]

    def summary(self) -> str:
        """One line: the run, and its first failed tasks with their errors."""
        named = self.failed_tasks[:NAMED_IN_SUMMARY]
        errors = [f"{task.name} ({task.code}): {task.message}" for task in named]
        if more := len(self.failed_tasks) - len(named):
            errors.append(f"and {more} more")
        return f"{self.dag_id} failed in {self.run_id}: {'; '.join(errors)}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with `idempotency_key` and `failed_count`."""
        values = asdict(self) | {"failed_tasks": [asdict(task) for task in self.failed_tasks]}
        count = len(self.failed_tasks)
        return {"idempotency_key": self.idempotency_key, **values, "failed_count": count}


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()
