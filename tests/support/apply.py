"""A table to apply changes to, made of what a test says, and the test's own eye on it."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

from airscoop import ApplyReceipt
from airscoop.warehouse.session import Warehouse

Change = dict[str, Any]


class Applied:
    """A schema of its own, whose table is SCHEMA.t."""

    def __init__(self, dsn: str, dialect: Any, folder: Path) -> None:
        self.dsn, self.dialect, self.folder = dsn, dialect, folder
        self.schema = f"applied{random.getrandbits(48):x}"
        self.eye = psycopg.connect(dsn, autocommit=True)
        self.run(f"CREATE SCHEMA {self.schema}")
        if dialect == "postgres":
            self.run(f"SET search_path TO {self.schema}, public")

    def run(self, sql: str) -> None:
        self.eye.execute(sql.replace("SCHEMA.", f"{self.schema}.").encode())

    def rows(self, what: str = "*", table: str = "t") -> list[tuple[Any, ...]]:
        found = self.eye.execute(f"SELECT {what} FROM {self.schema}.{table}".encode()).fetchall()
        return sorted(found, key=lambda row: [(value is not None, str(value)) for value in row])

    def file(self, *changes: Change, name: str = "changes.jsonl") -> Path:
        path = self.folder / name
        path.write_text("".join(json.dumps({"id": "0", **each}) + "\n" for each in changes))
        return path

    def apply(
        self,
        *changes: Change | Path,
        key: Sequence[str] = ("id",),
        table: str = "t",
        **options: Any,
    ) -> ApplyReceipt:
        path = (
            changes[0]
            if isinstance(changes[0], Path)
            else self.file(*(each for each in changes if isinstance(each, dict)))
        )
        with Warehouse(self.dsn, dialect=self.dialect) as warehouse:
            return warehouse.apply_changes(path, table=f"{self.schema}.{table}", key=key, **options)

    def logged(self, what: str) -> list[tuple[Any, ...]]:
        return self.eye.execute(
            f"SELECT {what} FROM airscoop.applied WHERE target_table LIKE '{self.schema}.%'"
            " ORDER BY number".encode()
        ).fetchall()

    def close(self) -> None:
        self.run(f"DROP SCHEMA {self.schema} CASCADE")
        self.eye.close()


def change(op: str, **row: Any) -> Change:
    """A change whose key is the member `id` of its row."""
    return {"op": op, "key": {"id": row["id"]}, "row": row}
