"""The receipt of a copy of a prefix."""

from __future__ import annotations

from dataclasses import dataclass, field

from airscoop.receipts import Receipt, megabytes
from airscoop.receipts.transfer import CopyReceipt

MOST_EXAMPLES = 5
MOST_KEPT = 1_000  # receipts and failures each: a receipt of a million objects goes to XCom, too


@dataclass(frozen=True, kw_only=True)
class CopyFailure:
    """An object of a prefix whose copy failed, and why.

    committed: True where it is there nevertheless, None where nobody knows.
    """

    source: str
    destination: str
    error: str
    message: str
    retryable: bool
    committed: bool | None = False


@dataclass(frozen=True, kw_only=True)
class PlannedCopy:
    """What a dry run would copy. bytes: of the source; None of a web address: it is not asked."""

    source: str
    destination: str
    bytes: int | None


@dataclass(frozen=True, kw_only=True, repr=False)
class PrefixReceipt(Receipt):
    """A copy of a prefix, or of several sources: objects = copied + equal + failed + to_copy.

    equal: those that the destination had already, by size and checksum. markers: empty objects that
    stand for folders, which are left out. copies: the receipts of the first 1,000 that were copied.
    failures: the first 1,000 that failed. The counts are of all. metadata_lost: how many were
    copied without some of their metadata or tags; metadata_lost_examples: the first 5 of them, with
    the reason ("s3://…: tags: …"). records_rejected: of all that were copied; reject_examples: of
    the first 5 that have some, where the first one was ("s3://…: line 3 (byte 17): …").
    dry_run: nothing was copied; to_copy and to_copy_bytes are what would be, and `planned` the
    first 1,000 of it; failures are what would fail.
    """

    MATTERS = (
        "source", "destination", "objects", "copied", "equal", "failed", "records_rejected",
        "failures",
    )  # fmt: skip

    verb: str = "copy_prefix"
    source: str
    destination: str
    objects: int
    copied: int
    equal: int
    failed: int
    markers: int
    source_bytes: int
    destination_bytes: int
    equal_bytes: int
    copies: list[CopyReceipt]
    failures: list[CopyFailure]
    metadata_lost: int = 0
    metadata_lost_examples: list[str] = field(default_factory=list)
    records_rejected: int = 0
    reject_examples: list[str] = field(default_factory=list)
    dry_run: bool = False
    to_copy: int = 0
    to_copy_bytes: int = 0
    planned: list[PlannedCopy] = field(default_factory=list)

    def summary(self) -> str:
        if self.dry_run:
            return self._plan()
        failed = f", {self.failed:,} FAILED" if self.failed else ""
        lost = ""
        if self.metadata_lost:
            first = f" ({self.metadata_lost_examples[0]})" if self.metadata_lost_examples else ""
            lost = f", {self.metadata_lost:,} without all of their metadata{first}"
        rejected = ""
        if self.records_rejected:
            first = f" ({self.reject_examples[0]})" if self.reject_examples else ""
            rejected = f", {self.records_rejected:,} records rejected{first}"
        return (
            f"{self.source} -> {self.destination}: {self.objects:,} objects, {self.copied:,} copied"
            f" ({megabytes(self.source_bytes)}), {self.equal:,} equal{failed}{lost}{rejected},"
            f" {self.seconds:.1f} s"
        )

    def _plan(self) -> str:
        lines = [
            f"{one.source} -> {one.destination}"
            + ("" if one.bytes is None else f" ({one.bytes:,} bytes)")
            for one in self.planned
        ]
        if self.to_copy > len(self.planned):
            lines.append(f"… and {self.to_copy - len(self.planned):,} more")
        failed = f", {self.failed:,} would FAIL" if self.failed else ""
        lines.append(
            f"dry run, nothing was copied: {self.source} -> {self.destination}: "
            f"{self.objects:,} objects, {self.to_copy:,} to copy"
            f" ({megabytes(self.to_copy_bytes)}), {self.equal:,} equal{failed},"
            f" {self.seconds:.1f} s"
        )
        return "\n".join(lines)
