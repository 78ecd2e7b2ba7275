"""RefreshMaterializedViewOperator: refreshes a view, unless nothing below it changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from airscoop.operators.base import WarehouseOperator

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

    from airscoop.receipt import RefreshReceipt


class RefreshMaterializedViewOperator(WarehouseOperator):
    """Refreshes `view` ("schema.view").

    inserts: the receipts of the inserts into its tables (their `.output`). Where all of them say
    that nothing changed, the task is skipped. Without `inserts` it always refreshes.
    """

    template_fields: Sequence[str] = ("view", "inserts")
    ui_color = "#f4e3d7"

    def __init__(
        self,
        *,
        view: str,
        inserts: Sequence[XComArg | Mapping[str, Any]] = (),
        redshift_conn_id: str = "redshift_default",
        lock_timeout: float | None = None,
        statement_timeout: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.view = view
        self.inserts = inserts
        self.redshift_conn_id = redshift_conn_id
        self.lock_timeout = lock_timeout
        self.statement_timeout = statement_timeout

    def perform(self, context: Context) -> RefreshReceipt:
        if self.inserts and not any(self._changed(receipt) for receipt in self.inserts):
            raise AirflowSkipException(f"{self.view}: no insert changed a table below it")
        with self.open_warehouse(context) as warehouse:
            return warehouse.refresh(self.view)

    def _changed(self, receipt: object) -> bool:
        if not isinstance(receipt, Mapping) or "inserted" not in receipt:
            raise ValueError(
                f"{self.task_id}: inserts must be receipts of InsertDistinctOperator, "
                f"not {type(receipt).__name__}; pass those tasks' outputs"
            )
        return bool(receipt["inserted"] or receipt["replaced"])
