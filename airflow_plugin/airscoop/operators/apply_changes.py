"""ApplyChangesOperator: a file of changes into a table, by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airscoop.errors import UsageError
from airscoop.operators.base import WarehouseOperator

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

    from airscoop.receipts.warehouse import ApplyReceipt

COUNTS = ("inserted", "updated", "deleted")


class ApplyChangesOperator(WarehouseOperator):
    """Applies the changes in the file `changes`, as `airscoop.delta` writes them, to `table`.

    key: the columns of the changes' keys. ignore_columns: columns of the file that are left out.
    delta: the receipt of the task that wrote the file (its `.output`); the file must hold as many
    changes as that task counted, or nothing is applied.
    again: also a file that was applied before the table changed further.
    """

    template_fields: Sequence[str] = ("changes", "table", "key", "delta")
    ui_color = "#d9efd9"

    def __init__(
        self,
        *,
        changes: str,
        table: str,
        key: Sequence[str],
        ignore_columns: Sequence[str] = (),
        delta: XComArg | Mapping[str, Any] | None = None,
        again: bool = False,
        redshift_conn_id: str = "redshift_default",
        aws_conn_id: str | None = "aws_default",
        lock_timeout: float | None = None,
        statement_timeout: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.changes = changes
        self.table = table
        self.key = key
        self.ignore_columns = ignore_columns
        self.delta = delta
        self.again = again
        self.redshift_conn_id = redshift_conn_id
        self.aws_conn_id = aws_conn_id
        self.lock_timeout = lock_timeout
        self.statement_timeout = statement_timeout

    def perform(self, context: Context) -> ApplyReceipt:
        from airscoop import LoadContext
        from airscoop.hooks.aws import s3_settings
        from airscoop.places import is_s3

        ti = context["ti"]
        expected = self._expected_changes()
        settings, ca_file = s3_settings(self.aws_conn_id) if is_s3(self.changes) else (None, None)
        with self.open_warehouse(context) as warehouse:
            return warehouse.apply_changes(
                self.changes,
                table=self.table,
                key=self.key,
                ignore_columns=self.ignore_columns,
                expected_changes=expected,
                again=self.again,
                changes_s3=settings,
                ca_file=ca_file,
                load=LoadContext(
                    dag_id=ti.dag_id,
                    run_id=ti.run_id,
                    task_id=ti.task_id,
                    try_number=ti.try_number,
                ),
            )

    def _expected_changes(self) -> int | None:
        if self.delta is None:
            return None
        if not isinstance(self.delta, Mapping) or any(name not in self.delta for name in COUNTS):
            raise UsageError(
                f"{self.task_id}: delta must be the receipt of the task that wrote the changes, "
                f"not {type(self.delta).__name__}; pass that task's output"
            )
        return sum(int(self.delta[name]) for name in COUNTS)
