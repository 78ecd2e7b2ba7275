"""The receipt of changes published on a stream."""

from __future__ import annotations

from dataclasses import dataclass

from airscoop.receipts import Receipt, megabytes


@dataclass(frozen=True, kw_only=True, repr=False)
class PublishReceipt(Receipt):
    """Changes published on a stream: changes = skipped + sent.

    changes: in the file. skipped: those before `start_at`, which an earlier run had published.
    retried: how many times a record was sent again, throttled: how many times one was refused
    because its shard's throughput was used up. shards: how many records each shard took, bytes: of
    their data. calls: of PutRecords.
    """

    MATTERS = ("source", "stream", "changes", "skipped", "sent", "retried", "throttled", "bytes")

    verb: str = "publish"
    source: str
    stream: str
    changes: int
    skipped: int
    sent: int
    retried: int
    throttled: int
    shards: dict[str, int]
    bytes: int
    calls: int
    source_bytes: int
    source_etag: str | None
    source_retries: int

    def summary(self) -> str:
        text = (
            f"{self.source} -> {self.stream}: {self.changes:,} changes, {self.sent:,} sent"
            f" ({megabytes(self.bytes)}) to {len(self.shards):,} shards"
        )
        if self.skipped:
            text += f", {self.skipped:,} were there before"
        if self.retried:
            text += f", {self.retried:,} sent again ({self.throttled:,} throttled)"
        return f"{text}, {self.seconds:.1f} s"
