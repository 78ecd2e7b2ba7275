"""AddPartitionOperator: registers a partition on an external table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airscoop.operators.base import WarehouseOperator
from airscoop.warehouse.session import Partition

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airscoop.receipts.warehouse import PartitionReceipt


class AddPartitionOperator(WarehouseOperator):
    """Adds the partition, or moves it where it exists; the receipt says which.

    table: "schema.table" of the external table. values: partition column to value.
    location: the s3:// prefix of the partition's files.
    """

    verb = "partition"
    template_fields: Sequence[str] = ("table", "values", "location")
    ui_color = "#d7e3f4"

    def __init__(
        self,
        *,
        table: str,
        values: Mapping[str, str],
        location: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.table = table
        self.values = values
        self.location = location

    def perform(self, context: Context) -> PartitionReceipt:
        with self.open_warehouse(context) as warehouse:
            partition = Partition(values=self.values, location=self.location)
            return warehouse.add_partitions(self.table, [partition])
