"""LockExportOperator: waits until an export may be worked on, and takes its table's lock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseSensorOperator, PokeReturnValue
from airflow.sdk.exceptions import AirflowSkipException

from airscoop.exports.lease import HANDOVER_SECONDS
from airscoop.exports.registry import TABLE
from airscoop.exports.steps.lock import lock_export
from airscoop.exports.steps.working import Terms
from airscoop.hooks import aws
from airscoop.operators.arguments import OwnArguments
from airscoop.operators.base import LEASE_KINDS, airflow_errors
from airscoop.operators.error_xcom import error_pushed
from airscoop.operators.task_receipt import TaskReceipt

if TYPE_CHECKING:
    from airflow.sdk import Context


class LockExportOperator(BaseSensorOperator, OwnArguments):
    """Waits until all earlier exports of the table are done or failed and the lock is to be had.

    export: TENANT/TABLE/VERSION. Gives the lock, which the steps that follow take: a dict of the
    export, the previous version that is done, the owner (this run) and the fence. Skips when
    another run has finished the export; fails when it is older than the last done one, has other
    objects than were registered, or is the newest version and has failed in another run. It waits
    in mode "reschedule", so it keeps no worker. A lock whose holder gives no sign of life is taken
    over after its lease.
    """

    template_fields: Sequence[str] = ("export",)
    ui_color = "#e4d7f4"
    KINDS = {"handover_seconds": LEASE_KINDS["handover_seconds"]}  # noqa: RUF012

    def __init__(
        self,
        *,
        export: str,
        registry: str = TABLE,
        aws_conn_id: str | None = "aws_default",
        handover_seconds: float = HANDOVER_SECONDS,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"mode": "reschedule", "poke_interval": 10, **kwargs})
        self.export = export
        self.registry = registry
        self.aws_conn_id = aws_conn_id
        self.handover_seconds = handover_seconds

    def execute(self, context: Context) -> Any:
        kept = TaskReceipt(context, verb="lock")
        with kept.kept(), error_pushed(context):
            lock = super().execute(context)
            kept.done_with(lock or {})
        return lock

    def poke(self, context: Context) -> PokeReturnValue:
        with airflow_errors(self.task_id):
            self.read_arguments()
            terms = Terms(handover_seconds=self.handover_seconds)
            registry = aws.registry(self.aws_conn_id, self.registry)
            attempt = lock_export(registry, self.export, owner(context), terms=terms)
        if attempt.finished is not None:
            raise AirflowSkipException(attempt.finished)
        if attempt.lock is None:
            self.log.info("%s waits for %s", self.export, attempt.waits_for)
            return PokeReturnValue(is_done=False)
        return PokeReturnValue(is_done=True, xcom_value=attempt.lock.to_dict())


def owner(context: Context) -> str:
    """DAG, run and map index: the tasks of one export in one run, in all of their tries."""
    ti = context["ti"]
    return f"{ti.dag_id}/{ti.run_id}/{ti.map_index}"
