"""FinishExportOperator: an export is done, or has failed; its table's lock is released."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk.exceptions import AirflowFailException

from airscoop.exports.steps.finish import finish_export
from airscoop.operators.base import ExportStepOperator
from airscoop.operators.receipts import receipts_in

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

    from airscoop.receipts.exports import FinishReceipt


class FinishExportOperator(ExportStepOperator):
    """The last step. It runs whatever became of those before it (trigger rule "all_done").

    lock: the output of the LockExportOperator; without one it is skipped, or fails if a task before
    it has failed, as it is this last task that decides about the run. receipt: what another task
    returned (its `.output`), or a sequence of such receipts: they must be there for the export to
    be done, besides that its changes are published.
    state: "done" or "failed" decides that itself, but what is half published is not done. A failed
    export's error is in the registry, and fails this task, too, so that the run fails, unless
    `state` asked for it.
    """

    verb = "finish"
    template_fields: Sequence[str] = ("lock", "receipt")
    ui_color = "#d9efd9"

    def __init__(
        self,
        *,
        receipt: XComArg
        | Mapping[str, object]
        | Sequence[XComArg | Mapping[str, object] | None]
        | None = None,
        state: Literal["done", "failed"] | None = None,
        **kwargs: Any,
    ) -> None:
        if state is None:
            kwargs.setdefault("trigger_rule", "all_done")
        super().__init__(**kwargs)
        self.receipt: Any = receipt
        self._needs_receipt = receipt is not None
        self.state = state

    def perform(self, context: Context) -> FinishReceipt:
        if self.lock is None:
            self._check_tasks_before(context)
        missing = (self._needs_receipt and self.receipt is None) or any(
            one is None for _, one in receipts_in(self.receipt)
        )
        receipt = finish_export(
            self.open_registry(),
            self.held_lock(),
            state=self.state,
            error="a task before this one has failed" if missing else None,
            terms=self.terms(),
            on_start=self.started,
        )
        if receipt.state == "failed" and self.state is None:
            raise AirflowFailException(receipt.summary())
        return receipt

    def _check_tasks_before(self, context: Context) -> None:
        ti, names = context["ti"], sorted(self.upstream_task_ids)
        if not names:
            return
        found = ti.get_task_states(dag_id=ti.dag_id, task_ids=names, run_ids=[ti.run_id])
        states = found.get(ti.run_id, {})
        for name in (*names, *(f"{each}_{ti.map_index}" for each in names)):
            if states.get(name) == "failed":
                raise AirflowFailException(f"{name} has failed: the export was not worked on")
