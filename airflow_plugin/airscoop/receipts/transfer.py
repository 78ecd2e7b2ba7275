"""The receipt of a copy, a check, or what else moves the bytes of one object."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from airscoop.receipts import Receipt, megabytes


@dataclass(frozen=True, kw_only=True)
class WrittenFile:
    """One file of an output that is split; `lines` counts the last one without a newline, too."""

    name: str
    bytes: int
    lines: int
    etag: str | None
    checksum: str | None


@dataclass(frozen=True, kw_only=True, repr=False)
class CopyReceipt(Receipt):
    """A copy: records_in = records_out + records_rejected (all 0 for the format raw).

    compression: what became of the bytes, "kept", "inflated" or "packed"; None where nothing was
    written, or records of plain text. trailing_garbage_bytes: behind the end of gzip data, ignored.
    first_reject: where the first rejected record was, and what is wrong with it. notes: what else
    should be known, in sentences.

    unchanged: the destination's bytes are the source's. restarted: they were passed on so at first,
    until a record had to change; then the source was read again. server_side: the S3 server copied
    by itself, so text_bytes and gzip_members of gzip data are 0, not known. server_side_refused:
    why it did not, though it was asked to. checksum: "CRC32C:base64" of the object that was
    written, which S3 has compared and keeps. parts_kept: where its parts waited to be sent,
    "memory", "source" (read again) or "file" (temporary, in TMPDIR). resumed: how the upload of an
    earlier try was used: "bytes" (the source was read on from where it stopped), "parts" (the
    source was read again, only missing parts were sent), "restarted" (it did not fit).
    resumed_bytes: how much was not sent again. restarts: how often the source was read again from
    its start, because the rest of a broken answer could not be asked for. files: of an output that
    is split; removed: those that stood in its way, of an earlier run (or of others, with
    split_replace). metadata_lost: what a copy from S3 to S3 could not take along, and why
    ("tags: …"). version_id: the version of the source, if one was asked for.
    """

    MATTERS = (
        "source", "destination", "format", "source_bytes", "destination_bytes", "records_in",
        "records_out", "records_rejected",
    )  # fmt: skip

    verb: str = "copy"
    source: str
    destination: str
    format: str
    source_bytes: int
    text_bytes: int
    destination_bytes: int
    records_in: int
    records_out: int
    records_rejected: int
    records_changed: int
    blank_lines: int
    unchanged: bool
    restarted: bool
    server_side: bool
    server_side_refused: str | None
    gzip_members: int
    bom_stripped: bool
    rejects: str | None
    etag: str | None
    checksum: str | None
    source_etag: str | None
    parts: int
    parts_kept: str | None
    retries: int
    restarts: int = 0
    resumed: Literal["bytes", "parts", "restarted"] | None = None
    resumed_bytes: int = 0
    files: list[WrittenFile] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    version_id: str | None = None
    metadata_lost: list[str] = field(default_factory=list)
    compression: Literal["kept", "inflated", "packed"] | None = None
    trailing_garbage_bytes: int = 0
    first_reject: str | None = None
    notes: list[str] = field(default_factory=list)

    def summary(self) -> str:
        if self.destination:
            source = f"{self.source} -> " if self.source else ""  # what was written by the caller
            text = (
                f"{source}{self.destination}: {megabytes(self.source_bytes)} in, "
                f"{megabytes(self.destination_bytes)} out"
            )
        else:
            text = f"{self.source}: {megabytes(self.source_bytes)} read"
        if self.compression is not None:
            text += f", {self.compression}"
        if self.format != "raw":
            text += (
                f", {self.records_in:,} records in = {self.records_out:,} out"
                f" + {self.records_rejected:,} rejected"
            )
        if self.first_reject is not None:
            text += f", {'the first ' if self.records_rejected > 1 else ''}on {self.first_reject}"
        if self.rejects is not None:
            text += f", put aside in {self.rejects}"
        if self.restarts:
            text += f", read again from the start {self.restarts} times"
        if self.resumed_bytes:
            text += f", resumed: {megabytes(self.resumed_bytes)} not sent again"
        if self.removed:
            text += f", {len(self.removed):,} old files removed"
        if self.metadata_lost:
            text += f", not taken along: {'; '.join(self.metadata_lost)}"
        if self.trailing_garbage_bytes:
            text += f", {self.trailing_garbage_bytes:,} bytes of trailing garbage ignored"
        text += f", {self.seconds:.1f} s"
        return "; ".join([text, *self.notes]) if self.notes else text
