"""The receipt of a comparison of two exports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from airscoop.receipts import Receipt


@dataclass(frozen=True, kw_only=True)
class DeltaReceipt(Receipt):
    """A comparison of two exports.

    old_rows = updated + unchanged + deleted + old_duplicates, and
    new_rows = inserted + updated + unchanged + new_duplicates; duplicates are rows that a later row
    with the same key replaces (duplicates="last"). format: of the exports. sorted: both came in the
    order of their keys and were merged. spilled_bytes: written to temporary files. The etags are
    those of sources that have one.
    """

    verb: str = "delta"
    old: str | None
    new: str
    key: list[str]
    format: Literal["csv", "jsonl"]
    old_rows: int
    new_rows: int
    inserted: int
    updated: int
    deleted: int
    unchanged: int
    old_duplicates: int
    new_duplicates: int
    sorted: bool
    spilled_bytes: int
    old_etag: str | None
    new_etag: str | None
    source_bytes: int
    text_bytes: int
    retries: int

    def summary(self) -> str:
        text = (
            f"{self.old or 'nothing'} -> {self.new}: {self.old_rows:,} rows before, "
            f"{self.new_rows:,} now: {self.inserted:,} inserted, {self.updated:,} updated, "
            f"{self.deleted:,} deleted, {self.unchanged:,} unchanged"
        )
        if self.old_duplicates + self.new_duplicates > 0:
            text += f", {self.old_duplicates + self.new_duplicates:,} duplicates"
        return f"{text}, {self.seconds:.1f} s"
