"""RefreshMaterializedViewOperator: refreshes a view, unless nothing below it changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from airscoop.errors import UsageError
from airscoop.operators.base import WarehouseOperator
from airscoop.operators.counts import number_in
from airscoop.operators.receipts import receipts_in

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

    from airscoop.operators.receipts import InsertDict
    from airscoop.receipts.warehouse import RefreshReceipt
    from airscoop.warehouse.session import Warehouse


class RefreshMaterializedViewOperator(WarehouseOperator):
    """Refreshes `view` ("schema.view").

    receipt: what the insert into its table returned (its `.output`), or a sequence of such
    receipts, as of the inserts into its tables. Where all of them say that nothing changed, the
    task is skipped, unless the log of loads knows of a change in this run: of an insert that was
    killed after its commit, only that is left. Without a receipt it always refreshes.
    """

    verb = "refresh"
    template_fields: Sequence[str] = ("view", "receipt")
    ui_color = "#f4e3d7"

    def __init__(
        self,
        *,
        view: str,
        receipt: XComArg | InsertDict | Sequence[XComArg | InsertDict] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.view = view
        self.receipt: Any = receipt
        self._of_inserts = receipt is not None

    def perform(self, context: Context) -> RefreshReceipt:
        if self._of_inserts and self.receipt is None:
            raise UsageError("receipt came as None: its task was skipped, or returned nothing")
        counts = [_changed_rows(name, receipt) for name, receipt in receipts_in(self.receipt)]
        changed = not counts or sum(counts) > 0
        with self.open_warehouse(context) as warehouse:
            if not changed and not logged_change(warehouse, context):
                raise AirflowSkipException(f"{self.view}: no insert changed a table below it")
            return warehouse.refresh(self.view)


def _changed_rows(name: str, receipt: object) -> int:
    counts = number_in(receipt, "inserted", "replaced") if isinstance(receipt, Mapping) else None
    if counts is None:
        raise UsageError(
            f"{name} must be what an InsertDistinctOperator returned, "
            f"not {type(receipt).__name__}; pass that task's output"
        )
    return counts


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
