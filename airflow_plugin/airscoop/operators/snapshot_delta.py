"""SnapshotDeltaOperator: what changed between an export and the last done one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airscoop import kinds
from airscoop.deltas.options import KINDS as OF_DELTA
from airscoop.deltas.options import CompareOptions
from airscoop.errors import UsageError
from airscoop.exports.steps.compute import compute_changes
from airscoop.given import options_of
from airscoop.hooks.athena import KINDS as ATHENA_KINDS
from airscoop.hooks.athena import AthenaSettings
from airscoop.operators.base import ExportStepOperator
from airscoop.operators.task_receipt import SoFar

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

    from airscoop._native import DeltaFacts
    from airscoop.deltas.options import Engine
    from airscoop.receipts.exports import ChangesReceipt


class SnapshotDeltaOperator(ExportStepOperator):
    """Writes the changes of a locked export to CHANGES/TENANT/TABLE/VERSION.jsonl.gz.

    lock: the output of a LockExportOperator. changes: an s3:// prefix. key: the key's columns.
    delta_options: further arguments of `airscoop.delta`. engine: "athena" compares by Athena, on
    what `athena` says (the fields of `airscoop.AthenaSettings`). approved_delete_ratio: a
    `max_delete_ratio` for this version alone, which the registry keeps for later runs; None: none.
    Where an earlier try has written the file, nothing is computed.
    """

    verb = "compute"
    template_fields: Sequence[str] = (
        "lock", "changes", "key", "delta_options", "athena", "approved_delete_ratio",
    )  # fmt: skip
    ui_color = "#d7e3f4"
    KINDS = {"approved_delete_ratio": OF_DELTA["max_delete_ratio"]}  # noqa: RUF012

    def __init__(
        self,
        *,
        changes: str,
        key: Sequence[str] = ("PK",),
        delta_options: Mapping[str, Any] | None = None,
        engine: Engine = "local",
        athena: Mapping[str, Any] | None = None,
        approved_delete_ratio: float | XComArg | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.changes = changes
        self.key = key
        self.delta_options = delta_options
        self.engine = engine
        self.athena = athena
        self.approved_delete_ratio: Any = approved_delete_ratio

    def perform(self, context: Context) -> ChangesReceipt:
        lock = self.held_lock()
        known = CompareOptions.__annotations__.keys() - {"key"}
        options = kinds.rendered(options_of(self.delta_options, "delta_options", known), OF_DELTA)
        athena = self._athena()
        return compute_changes(
            self.open_registry(),
            lock,
            changes=self.changes,
            key=self.key,
            s3=self.s3(),
            terms=self.terms(),
            on_start=self.started,
            on_progress=self._on_progress,
            engine=self.engine,
            athena=athena,
            approved_delete_ratio=self.approved_delete_ratio,
            **options,
        )

    def _on_progress(self, facts: DeltaFacts | None) -> None:
        self._facts = facts
        self.note_progress()

    def so_far(self) -> SoFar:
        facts: DeltaFacts | None = self.__dict__.get("_facts")
        if facts is None:  # not begun, or by Athena, which tells nothing
            return SoFar()
        return SoFar(
            counts={
                "old_rows": facts["old"]["rows"],
                "new_rows": facts["new"]["rows"],
                "inserted": facts["inserted"],
                "updated": facts["updated"],
                "deleted": facts["deleted"],
                "unchanged": facts["unchanged"],
            }
        )

    def _athena(self) -> AthenaSettings | None:
        if self.athena is None:
            return None
        known = {field.name for field in dataclasses.fields(AthenaSettings)}
        given = kinds.rendered(options_of(self.athena, "athena", known), ATHENA_KINDS)
        for name in ("database", "results"):
            if name not in given:
                raise UsageError(f"athena lacks {name!r}")
        return AthenaSettings(**{"aws_conn_id": self.aws_conn_id, **given})
