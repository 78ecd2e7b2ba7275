"""The receipt of a comparison of two exports."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from airscoop.receipts import Receipt

MOST_COLUMNS = 20  # of a receipt, which goes to XCom
MOST_SCHEMA_COLUMNS = 1000  # of those that are new or gone
SHOWN_COLUMNS = 3  # of its summary


def most_updated(columns: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Those that changed in most rows, these first."""
    return dict(sorted(columns, key=lambda column: -column[1])[:MOST_COLUMNS])


def _shown(names: list[str]) -> str:
    more = len(names) - SHOWN_COLUMNS
    shown = ", ".join(names[:SHOWN_COLUMNS])
    return f"{shown} and {more} more" if more > 0 else shown


@dataclass(frozen=True, kw_only=True, repr=False)
class DeltaReceipt(Receipt):
    """A comparison of two exports.

    old_rows = updated + unchanged + deleted + old_duplicates, and
    new_rows = inserted + updated + unchanged + new_duplicates; duplicates are rows that a later row
    with the same key replaces (on_duplicates="last"). columns_added and columns_gone: those that
    the new, or the old, export has alone, the first 1,000. format: of the exports. updated_columns:
    in how many of the updated rows each column changed, of the 20 that changed in most; None where
    that is not counted (Athena). sorted: both came in the order of their keys and were merged.
    spilled_bytes: written to temporary files. The etags are those of sources that have one.
    """

    MATTERS = ("old", "new", "old_rows", "new_rows", "inserted", "updated", "deleted", "unchanged")

    verb: str = "delta"
    old: str | None
    new: str
    key: list[str]
    columns_added: list[str] = field(default_factory=list)
    columns_gone: list[str] = field(default_factory=list)
    format: Literal["csv", "jsonl"]
    old_rows: int
    new_rows: int
    inserted: int
    updated: int
    updated_columns: dict[str, int] | None = None
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
        return f"{text}{self._schema()}{self._updates()}, {self.seconds:.1f} s"

    def _schema(self) -> str:
        lists = (("added", self.columns_added), ("gone", self.columns_gone))
        return "".join(f"; columns {what}: {_shown(names)}" for what, names in lists if names)

    def _updates(self) -> str:
        """The share says at a glance whether a source stamps each row anew, and in which column."""
        if not self.updated or not self.old_rows:
            return ""
        columns = self.updated_columns or {}
        shown = [f"{name} {rows:,}" for name, rows in list(columns.items())[:SHOWN_COLUMNS]]
        if len(columns) > len(shown):
            shown.append(f"{len(columns) - len(shown)} more columns")
        share = f"; updated: {100 * self.updated / self.old_rows:.1f} % of the rows before"
        return f"{share}, in {', '.join(shown)}" if shown else share
