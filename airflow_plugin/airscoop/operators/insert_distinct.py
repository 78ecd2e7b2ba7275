"""InsertDistinctOperator: from a partition into a table, without duplicates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airscoop.errors import UsageError
from airscoop.operators.base import WarehouseOperator

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

    from airscoop import LoadContext
    from airscoop.receipts.warehouse import InsertReceipt


class InsertDistinctOperator(WarehouseOperator):
    """Inserts the rows of `partition` of `source` whose keys `target` lacks.

    distinct_on: the key columns. order_by: of two rows with one key the greater wins.
    mode: "keep" the row that is there, or "replace" it where the incoming one is greater.
    download: the receipt of the task that wrote the partition (its `.output`); the partition must
    give as many records as that task wrote, or nothing is inserted.
    """

    template_fields: Sequence[str] = ("source", "target", "partition", "download")
    ui_color = "#d9efd9"

    def __init__(
        self,
        *,
        source: str,
        target: str,
        columns: Sequence[str],
        distinct_on: Sequence[str],
        order_by: Sequence[str] = (),
        mode: Literal["keep", "replace"] = "keep",
        partition: Mapping[str, str] | None = None,
        download: XComArg | Mapping[str, Any] | None = None,
        redshift_conn_id: str = "redshift_default",
        lock_timeout: float | None = None,
        statement_timeout: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.target = target
        self.columns = columns
        self.distinct_on = distinct_on
        self.order_by = order_by
        self.mode = mode
        self.partition = partition
        self.download = download
        self.redshift_conn_id = redshift_conn_id
        self.lock_timeout = lock_timeout
        self.statement_timeout = statement_timeout

    def perform(self, context: Context) -> InsertReceipt:
        receipt = self._download_receipt()
        with self.open_warehouse(context) as warehouse:
            return warehouse.insert_distinct(
                source=self.source,
                target=self.target,
                columns=self.columns,
                distinct_on=self.distinct_on,
                order_by=self.order_by,
                mode=self.mode,
                partition=self.partition,
                expected_records=_expected_records(receipt),
                load=self._load(context, receipt),
            )

    def _download_receipt(self) -> Mapping[str, Any]:
        if self.download is None:
            return {}
        if not isinstance(self.download, Mapping) or "records_out" not in self.download:
            raise UsageError(
                f"{self.task_id}: download must be the receipt of a StreamToS3Operator, "
                f"not {type(self.download).__name__}; pass that task's output"
            )
        return self.download

    def _load(self, context: Context, receipt: Mapping[str, Any]) -> LoadContext:
        from airscoop import LoadContext

        ti = context["ti"]
        return LoadContext(
            source=receipt.get("source"),
            etag=receipt.get("source_etag"),
            key=receipt.get("destination"),
            dag_id=ti.dag_id,
            run_id=ti.run_id,
            task_id=ti.task_id,
            try_number=ti.try_number,
        )


def _expected_records(receipt: Mapping[str, Any]) -> int | None:
    """What the partition must give; None for raw bytes, whose records nobody counted."""
    return None if receipt.get("format") == "raw" else receipt.get("records_out")
