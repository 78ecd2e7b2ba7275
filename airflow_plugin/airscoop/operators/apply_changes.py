"""ApplyChangesOperator: a file of changes into a table, by key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk.exceptions import AirflowSkipException

from airscoop import kinds
from airscoop.errors import UsageError
from airscoop.exports.lease import HANDOVER_SECONDS, SECONDS
from airscoop.exports.registry import TABLE
from airscoop.exports.steps.apply import apply_changes
from airscoop.exports.steps.working import ExportLock, Terms
from airscoop.hooks.aws import registry as registry_of
from airscoop.hooks.aws import s3_settings
from airscoop.operators.base import LEASE_KINDS, WarehouseOperator
from airscoop.operators.counts import EXPECTED, Guard, number_in
from airscoop.operators.receipts import detail_of
from airscoop.transfer.options import place
from airscoop.transfer.places import is_s3
from airscoop.warehouse.session import LoadContext

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

    from airscoop.exports.steps.working import LockDict
    from airscoop.operators.receipts import ChangesDict
    from airscoop.receipts.warehouse import ApplyReceipt
    from airscoop.transfer.options import InvalidCharacters, KeyCase
    from airscoop.warehouse.session import JsonTexts

COUNTS = ("inserted", "updated", "deleted")


class ApplyChangesOperator(WarehouseOperator):
    """Applies the changes in the file `changes`, as `airscoop.delta` writes them, to `table`.

    key: the columns of the changes' keys. ignore_columns: columns of the file that are left out.
    receipt: what the task returned that wrote the file (its `.output`), or a sequence of such
    receipts, as of a mapped one; the file must hold as many changes as were counted, or nothing is
    applied. expected_changes: a number in place of what the receipt counted, or None for no check.
    json_texts: as of `Warehouse.apply_changes`; by default what the changes say, or else the
    receipt.
    on_invalid_characters, on_key_case: what a change may hold, as of `airscoop.copy`.
    again: also a file that is not the successor of the table's version, or was applied before the
    table changed further.
    lock: the output of a LockExportOperator: then it is a step of that export, whose changes are
    those that a SnapshotDeltaOperator has written (neither `changes` nor `receipt` is needed); it
    is skipped where there is no lock. publishes: the changes go nowhere else, so the export is
    published with this. registry, lease_seconds, handover_seconds: as of that operator.
    """

    verb = "apply"
    template_fields: Sequence[str] = (
        "changes", "table", "key", "ignore_columns", "receipt", "lock",
    )  # fmt: skip
    ui_color = "#d9efd9"
    KINDS = LEASE_KINDS | {
        "again": kinds.FLAG,
        "publishes": kinds.FLAG,
        "expected_changes": EXPECTED,
    }

    def __init__(
        self,
        *,
        changes: str | None = None,
        table: str,
        key: Sequence[str] | XComArg,
        ignore_columns: Sequence[str] | XComArg = (),
        receipt: XComArg | ChangesDict | Sequence[XComArg | ChangesDict] | None = None,
        expected_changes: int | Literal["receipt"] | None = "receipt",
        json_texts: JsonTexts | None = None,
        again: bool = False,
        on_invalid_characters: InvalidCharacters = "error",
        on_key_case: KeyCase = "error",
        aws_conn_id: str | None = "aws_default",
        lock: XComArg | LockDict | None = None,
        publishes: bool = False,
        registry: str = TABLE,
        lease_seconds: float = SECONDS,
        handover_seconds: float = HANDOVER_SECONDS,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.changes = changes
        self.table = table
        self.key: Any = key
        self.ignore_columns: Any = ignore_columns
        self.receipt: Any = receipt
        self.expected_changes = expected_changes
        self.json_texts = json_texts
        self.again = again
        self.on_invalid_characters: InvalidCharacters = on_invalid_characters
        self.on_key_case: KeyCase = on_key_case
        self.aws_conn_id = aws_conn_id
        self.lock: Any = lock
        self.is_step = lock is not None
        self.publishes = publishes
        self.registry = registry
        self.lease_seconds = lease_seconds
        self.handover_seconds = handover_seconds

    def perform(self, context: Context) -> ApplyReceipt:
        if self.is_step and self.lock is None:
            raise AirflowSkipException("there is no lock: nothing was to be done for this export")
        return self._step(context) if self.is_step else self._apply(context)

    def _apply(self, context: Context) -> ApplyReceipt:
        if self.changes is None:
            raise UsageError("changes is None; give a file, or lock: the export whose it is")
        changes = place(self.changes, "changes")
        expected = self._expected()
        settings = s3_settings(self.aws_conn_id) if is_s3(changes) else None
        with self.open_warehouse(context) as warehouse:
            return warehouse.apply_changes(
                changes,
                expected_changes=expected,
                s3=settings,
                **self._options(context),
            )

    def _step(self, context: Context) -> ApplyReceipt:
        lock = ExportLock.of(self.lock)
        by_registry = self.receipt is None and self.expected_changes == "receipt"
        expected = None if by_registry else self._expected()
        settings = s3_settings(self.aws_conn_id)
        with self.open_warehouse(context) as warehouse:
            return apply_changes(
                registry_of(self.aws_conn_id, self.registry),
                lock,
                warehouse,
                expected_changes=expected,
                publishes=self.publishes,
                s3=settings,
                terms=Terms(seconds=self.lease_seconds, handover_seconds=self.handover_seconds),
                on_start=self.started,
                **self._options(context),
            )

    def _options(self, context: Context) -> dict[str, Any]:
        """What both ways to apply take alike."""
        return {
            "table": self.table,
            "key": self.key,
            "ignore_columns": self.ignore_columns,
            "json_texts": self.json_texts or self._told(),
            "again": self.again,
            "on_invalid_characters": self.on_invalid_characters,
            "on_key_case": self.on_key_case,
            "load": _load(context),
        }

    def _guard(self) -> Guard:
        return Guard(
            number="expected_changes",
            writer="the task that wrote the changes",
            count=_changes_in,
        )

    def _expected(self) -> int | None:
        return self._guard().expected(self.expected_changes, self.receipt)

    def _told(self) -> JsonTexts | None:
        """By the receipts, where all say that the exports were CSV."""
        formats = {_format_in(receipt) for receipt in self._guard().receipts_of(self.receipt)}
        return "parse" if formats == {"csv"} else None


def _load(context: Context) -> LoadContext:
    ti = context["ti"]
    return LoadContext(
        dag_id=ti.dag_id, run_id=ti.run_id, task_id=ti.task_id, try_number=ti.try_number
    )


def _format_in(receipt: Mapping[str, object]) -> object:
    """Of a delta's receipt, or of a SnapshotDeltaOperator's, which has it inside."""
    inner = receipt.get("delta")
    return detail_of(inner if isinstance(inner, Mapping) else receipt, "format")


def _changes_in(receipt: Mapping[str, object]) -> int | None:
    """Of a delta's receipt, or of a SnapshotDeltaOperator's."""
    found = number_in(receipt, *COUNTS)
    return number_in(receipt, "count") if found is None else found
