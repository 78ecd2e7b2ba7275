"""InsertDistinctOperator: from a partition into a table, without duplicates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airscoop.errors import UsageError
from airscoop.operators.base import WarehouseOperator
from airscoop.operators.counts import EXPECTED, Guard, number_in
from airscoop.operators.receipts import detail_of
from airscoop.transfer.places import is_s3
from airscoop.warehouse.session import LoadContext

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

    from airscoop.operators.receipts import DownloadDict
    from airscoop.receipts.warehouse import InsertReceipt


class InsertDistinctOperator(WarehouseOperator):
    """Inserts the rows of `partition` of `source` whose keys `target` lacks.

    key: the key's columns. order_by: of two rows with one key the greater wins.
    mode: "keep" the row that is there, or "replace" it where the incoming one is greater.
    receipt: what the StreamToS3Operator returned that wrote the partition (its `.output`), or a
    sequence of such receipts, as of a mapped one. The partition must give as many records as were
    written, and the catalog must have it where they were written, or nothing is inserted.
    expected_records: a number in place of what the receipt counted, or None for no check of counts.
    min_records: the least that the partition may give, or nothing is inserted (TooFewRecords).
    """

    verb = "insert"
    template_fields: Sequence[str] = (
        "source",
        "target",
        "columns",
        "key",
        "order_by",
        "mode",
        "partition",
        "receipt",
    )
    ui_color = "#d9efd9"
    KINDS = {"expected_records": EXPECTED}  # noqa: RUF012

    def __init__(
        self,
        *,
        source: str,
        target: str,
        columns: Sequence[str] | XComArg,
        key: Sequence[str] | XComArg,
        order_by: Sequence[str] | XComArg = (),
        mode: Literal["keep", "replace"] | str | XComArg = "keep",
        partition: Mapping[str, str] | XComArg | None = None,
        receipt: XComArg | DownloadDict | Sequence[XComArg | DownloadDict] | None = None,
        expected_records: int | Literal["receipt"] | None = "receipt",
        min_records: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.target = target
        self.columns: Any = columns
        self.key: Any = key
        self.order_by: Any = order_by
        self.mode: Any = mode
        self.partition: Any = partition
        self._of_partition = partition is not None
        self.receipt: Any = receipt
        self.expected_records = expected_records
        self.min_records = min_records

    def perform(self, context: Context) -> InsertReceipt:
        guard = Guard(
            number="expected_records",
            writer="a StreamToS3Operator",
            count=lambda receipt: number_in(receipt, "records_out"),
        )
        expected = guard.expected(self.expected_records, self.receipt)
        receipts = guard.receipts_of(self.receipt)
        if self._of_partition and self.partition is None:
            raise UsageError("partition came as None, which would insert the whole source")
        with self.open_warehouse(context) as warehouse:
            return warehouse.insert_distinct(
                source=self.source,
                target=self.target,
                columns=self.columns,
                key=self.key,
                order_by=self.order_by,
                mode=self.mode,
                partition=self.partition,
                expected_records=expected,
                min_records=self.min_records,
                objects=[name for name in _texts(receipts, "destination") if is_s3(name)],
                load=self._load(context, receipts),
            )

    def _load(self, context: Context, receipts: Sequence[Mapping[str, object]]) -> LoadContext:
        ti = context["ti"]
        return LoadContext(
            source=", ".join(_texts(receipts, "source")) or None,
            etag=", ".join(_texts(receipts, "source_etag")) or None,
            object=", ".join(_texts(receipts, "destination")) or None,
            dag_id=ti.dag_id,
            run_id=ti.run_id,
            task_id=ti.task_id,
            try_number=ti.try_number,
        )


def _texts(receipts: Sequence[Mapping[str, object]], name: str) -> list[str]:
    found = [detail_of(receipt, name) for receipt in receipts]
    return [str(each) for each in found if each]
