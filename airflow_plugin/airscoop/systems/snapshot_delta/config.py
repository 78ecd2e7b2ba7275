"""What dags/config/snapshot_delta.yml holds; the fields are explained there."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Self

from pydantic import model_validator

from airscoop.deltas.options import Duplicates, SchemaChange, TableFormat
from airscoop.systems.yaml_model import (
    Count,
    Ratio,
    Text,
    TextOrNull,
    Texts,
    YamlEntry,
    YamlFile,
    named_once,
)


class SnapshotTable(YamlEntry):
    """One table of the DAG snapshot_delta."""

    called_by: ClassVar[str] = "table"

    tenant: Text
    table: Text
    key: Texts
    format: TableFormat
    on_duplicates: Duplicates
    on_schema_change: SchemaChange
    max_delete_ratio: Ratio
    min_rows: Count

    @property
    def name(self) -> str:
        """TENANT/TABLE."""
        return f"{self.tenant}/{self.table}"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not self.key:
            raise ValueError("field key must name at least one column")
        for field in ("tenant", "table"):
            if "/" in getattr(self, field):
                raise ValueError(f"field {field} must not contain a slash")
        return self


class SnapshotDelta(YamlFile):
    """The whole file: the DAG's places, and its tables."""

    entries: ClassVar[str] = "tables"

    tables: list[SnapshotTable]
    bucket: Text
    complete_marker: TextOrNull
    changes: Text
    registry: Text
    stream: Text
    aws_conn_id: Text
    poll_seconds: Count
    retry_seconds: Count

    @model_validator(mode="after")
    def _fits(self) -> Self:
        named_once("tables", [table.name for table in self.tables])
        if not self.changes.startswith("s3://"):
            raise ValueError("field changes must begin with s3://")
        return self


def load_snapshot_delta(path: Path) -> SnapshotDelta:
    """Reads the file; raises ConfigError."""
    return SnapshotDelta.read(path)
