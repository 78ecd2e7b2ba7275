"""The receipts of the verbs that load a warehouse."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from airscoop.receipts import Receipt

DRY_RUN = "dry run, nothing was changed: "


@dataclass(frozen=True, kw_only=True)
class PartitionResult:
    """One partition after `add_partitions`."""

    values: dict[str, str]
    location: str
    status: Literal["added", "moved", "unchanged"]


@dataclass(frozen=True, kw_only=True, repr=False)
class PartitionReceipt(Receipt):
    """Partitions registered on an external table."""

    MATTERS = ("table", "partitions", "added", "moved", "unchanged")

    verb: str = "partition"
    table: str
    partitions: list[PartitionResult]
    added: int
    moved: int
    unchanged: int

    def summary(self) -> str:
        return (
            f"{self.table}: {self.added} partitions added, {self.moved} moved, "
            f"{self.unchanged} unchanged, {self.seconds:.1f} s"
        )


@dataclass(frozen=True, kw_only=True, repr=False)
class InsertReceipt(Receipt):
    """A deduplicating insert: scanned = duplicates + already_there + inserted + replaced.

    dry_run: nothing was inserted; the counts are what would be.
    """

    MATTERS = (
        "source", "target", "scanned", "duplicates", "already_there", "inserted", "replaced",
        "dry_run",
    )  # fmt: skip

    verb: str = "insert"
    source: str
    target: str
    partition: dict[str, str]
    mode: str
    scanned: int
    duplicates: int
    already_there: int
    inserted: int
    replaced: int
    attempts: int
    dry_run: bool = False

    @property
    def changed(self) -> bool:
        """Whether the target is different from before."""
        return not self.dry_run and self.inserted + self.replaced > 0

    def summary(self) -> str:
        return (
            f"{DRY_RUN if self.dry_run else ''}{self.source} -> {self.target}: "
            f"{self.scanned:,} scanned = {self.inserted:,} inserted"
            f" + {self.replaced:,} replaced + {self.already_there:,} already there"
            f" + {self.duplicates:,} duplicates, {self.seconds:.1f} s"
        )


@dataclass(frozen=True, kw_only=True, repr=False)
class ApplyReceipt(Receipt):
    """A file of changes applied to a table: changes = inserted + updated + deleted.

    already_applied: the table was as the changes want it, so nothing was done and the three are 0.
    json_texts: what a text became in a column of JSON: a string ("value"), or what it reads as
    ("parse"). digest: SHA-256 of the file's lines, as airscoop.applied has it. etag: of a source
    that has one. dry_run: nothing was applied; the counts are what would be.
    """

    MATTERS = (
        "changes_file", "table", "changes", "inserted", "updated", "deleted", "already_applied",
        "dry_run",
    )  # fmt: skip

    verb: str = "apply"
    changes_file: str
    table: str
    key: list[str]
    changes: int
    inserted: int
    updated: int
    deleted: int
    already_applied: bool
    json_texts: Literal["value", "parse"]
    digest: str
    etag: str | None
    source_bytes: int
    text_bytes: int
    retries: int
    attempts: int
    dry_run: bool = False

    @property
    def changed(self) -> bool:
        """Whether the table is different from before."""
        return not self.dry_run and self.inserted + self.updated + self.deleted > 0

    def summary(self) -> str:
        done = (
            "all applied already: nothing was changed"
            if self.already_applied
            else f"{self.inserted:,} inserted + {self.updated:,} updated + {self.deleted:,} deleted"
        )
        return (
            f"{DRY_RUN if self.dry_run else ''}{self.changes_file} -> {self.table}: "
            f"{self.changes:,} changes{', ' if self.already_applied else ' = '}{done}"
            f", {self.seconds:.1f} s"
        )


@dataclass(frozen=True, kw_only=True, repr=False)
class InitReceipt(Receipt):
    """The schema airscoop, set up for several database users.

    versions: of its tables. made: tables that were not there. brought_forward: tables of an older
    version. granted_to: who was granted what loads need of the schema. left: statements for the
    owners of locks that an older airscoop made, without which only those owners can load.
    """

    MATTERS = ("versions", "made", "brought_forward", "granted_to", "left")

    verb: str = "init"
    versions: dict[str, int]
    made: list[str]
    brought_forward: list[str]
    granted_to: list[str]
    left: list[str]

    def summary(self) -> str:
        done = [
            f"{what} {', '.join(names)}"
            for what, names in (
                ("made", self.made),
                ("brought forward", self.brought_forward),
                ("granted to", self.granted_to),
            )
            if names
        ]
        left = "".join(f"\nfor the owner of an older lock: {statement}" for statement in self.left)
        return f"the schema airscoop: {'; '.join(done) or 'all was there'}{left}"


@dataclass(frozen=True, kw_only=True, repr=False)
class RefreshReceipt(Receipt):
    """A refreshed materialized view."""

    MATTERS = ("view",)

    verb: str = "refresh"
    view: str

    def summary(self) -> str:
        return f"{self.view} refreshed, {self.seconds:.1f} s"


@dataclass(frozen=True, kw_only=True, repr=False)
class ScriptReceipt(Receipt):
    """A script run statement by statement.

    dry_run: none of the statements was run; `planned` are they, with variables filled in.
    """

    MATTERS = ("file", "statements", "dry_run", "planned")

    verb: str = "script"
    file: str
    statements: int
    dry_run: bool = False
    planned: list[str] = field(default_factory=list)

    def summary(self) -> str:
        if self.dry_run:
            shown = "".join(f"{statement}\n;\n" for statement in self.planned)
            return f"{shown}-- dry run: {self.file}: {self.statements} statements, none was run"
        return f"{self.file}: {self.statements} statements, {self.seconds:.1f} s"
