"""RefreshMaterializedViewOperator: refreshes a view, unless nothing below it changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from airscoop.errors import UsageError
from airscoop.operators.base import WarehouseOperator

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

    from airscoop.operators.counts import InsertDict
    from airscoop.receipts.warehouse import RefreshReceipt
    from airscoop.warehouse.session import Warehouse


class RefreshMaterializedViewOperator(WarehouseOperator):
    """Refreshes `view` ("schema.view").

    inserts: the receipts of the inserts into its tables (their `.output`). Where all of them say
    that nothing changed, the task is skipped, unless the log of loads knows of a change in this
    run: of an insert that was killed after its commit, only that is left. Without `inserts` it
    always refreshes.
    """

    template_fields: Sequence[str] = ("view", "inserts")
    ui_color = "#f4e3d7"

    def __init__(
        self,
        *,
        view: str,
        inserts: Sequence[XComArg | InsertDict] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.view = view
        self.inserts = inserts

    def perform(self, context: Context) -> RefreshReceipt:
        changed = not self.inserts or any(map(self._changed, self.inserts))
        with self.open_warehouse(context) as warehouse:
            if not changed and not logged_change(warehouse, context):
                raise AirflowSkipException(f"{self.view}: no insert changed a table below it")
            return warehouse.refresh(self.view)

    def _changed(self, receipt: object) -> bool:
        if not isinstance(receipt, Mapping) or "inserted" not in receipt:
            raise UsageError(
                "inserts must be receipts of InsertDistinctOperator, "
                f"not {type(receipt).__name__}; pass those tasks' outputs"
            )
        return bool(receipt["inserted"] or receipt["replaced"])


def logged_change(warehouse: Warehouse, context: Context) -> bool:
    """Whether a load of this run, since it started, inserted or replaced a row."""
    run = context["dag_run"]
    since = run.start_date or run.run_after
    rows = warehouse.execute(
        "SELECT COUNT(*) FROM airscoop.loads WHERE dag_id = $1 AND run_id = $2"
        " AND inserted + replaced > 0 AND loaded_at >= $3",
        (run.dag_id, run.run_id, since.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")),
    )
    return rows[0][0] != "0"
