"""What became of the objects of a prefix: counts of all, the receipts of the first."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from airscoop.receipts.prefix import (
    MOST_EXAMPLES,
    MOST_KEPT,
    CopyFailure,
    PlannedCopy,
    PrefixReceipt,
)
from airscoop.receipts.transfer import CopyReceipt


@dataclass(kw_only=True)
class Tally:
    """Counts of a copy that many threads work on; `lock` guards all that they change."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    found: int = 0
    markers: int = 0
    copied: int = 0
    equal: int = 0
    failed: int = 0
    source_bytes: int = 0
    destination_bytes: int = 0
    equal_bytes: int = 0
    records_in: int = 0
    records_rejected: int = 0
    may_be_there: bool = False  # a copy, or one that failed in its commit
    metadata_lost: int = 0
    metadata_lost_examples: list[str] = field(default_factory=list)
    reject_examples: list[str] = field(default_factory=list)
    copies: list[CopyReceipt] = field(default_factory=list)
    failures: list[CopyFailure] = field(default_factory=list)
    to_copy: int = 0
    to_copy_bytes: int = 0
    planned: list[PlannedCopy] = field(default_factory=list)

    def note_copy(self, receipt: CopyReceipt) -> None:
        """One more that was copied."""
        with self.lock:
            self.copied += 1
            self.source_bytes += receipt.source_bytes
            self.destination_bytes += receipt.destination_bytes
            self.records_in += receipt.records_in
            self.records_rejected += receipt.records_rejected
            if receipt.first_reject and len(self.reject_examples) < MOST_EXAMPLES:
                self.reject_examples.append(f"{receipt.source}: {receipt.first_reject}")
            self.may_be_there = True
            if len(self.copies) < MOST_KEPT:
                self.copies.append(receipt)
            if receipt.metadata_lost:
                self.metadata_lost += 1
                if len(self.metadata_lost_examples) < MOST_EXAMPLES:
                    why = "; ".join(receipt.metadata_lost)
                    self.metadata_lost_examples.append(f"{receipt.source}: {why}")

    def note_equal(self, count_bytes: int) -> None:
        """One more that the destination has."""
        with self.lock:
            self.equal += 1
            self.equal_bytes += count_bytes

    def note_planned(self, planned: PlannedCopy) -> None:
        """One more that would be copied."""
        with self.lock:
            self.to_copy += 1
            self.to_copy_bytes += planned.bytes or 0
            if len(self.planned) < MOST_KEPT:
                self.planned.append(planned)

    def note_failure(self, failure: CopyFailure) -> None:
        """One more that failed."""
        with self.lock:
            self.failed += 1
            self.may_be_there |= failure.committed is not False
            if len(self.failures) < MOST_KEPT:
                self.failures.append(failure)

    def receipt(
        self, source: str, destination: str, seconds: float, *, dry_run: bool
    ) -> PrefixReceipt:
        """All of it, once the threads are done."""
        return PrefixReceipt(
            seconds=seconds,
            dry_run=dry_run,
            source=source,
            destination=destination,
            objects=self.found,
            copied=self.copied,
            equal=self.equal,
            failed=self.failed,
            markers=self.markers,
            source_bytes=self.source_bytes,
            destination_bytes=self.destination_bytes,
            equal_bytes=self.equal_bytes,
            copies=sorted(self.copies, key=lambda copy: copy.source),
            records_rejected=self.records_rejected,
            reject_examples=self.reject_examples,
            metadata_lost=self.metadata_lost,
            metadata_lost_examples=self.metadata_lost_examples,
            failures=sorted(self.failures, key=lambda failure: failure.source),
            to_copy=self.to_copy,
            to_copy_bytes=self.to_copy_bytes,
            planned=sorted(self.planned, key=lambda planned: planned.source),
        )
