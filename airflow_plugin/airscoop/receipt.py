"""Receipts: what every verb returns, prints, pushes to XCom and shows in the UI.

The counts of a receipt are checked before it is made: what came in equals what went out plus what
was rejected or found to be a duplicate. A receipt holds no secret and only JSON types.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal


def _plain(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def megabytes(count: int) -> str:
    """A byte count for people, in units of 10^6."""
    return f"{count / 1e6:,.1f} MB"


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """The part that all receipts share. `seconds` is wall time."""

    verb: str
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The receipt as JSON types, for XCom and `--json`."""
        plain: dict[str, Any] = _plain(self)
        return plain

    def summary(self) -> str:
        """One line for people."""
        return f"{self.verb} in {self.seconds:.1f} s"


@dataclass(frozen=True, kw_only=True)
class WrittenFile:
    """One file of an output that is split; `lines` counts the last one without a newline, too."""

    name: str
    bytes: int
    lines: int
    etag: str | None
    checksum: str | None


@dataclass(frozen=True, kw_only=True)
class CopyReceipt(Receipt):
    """A copy: records_in = records_out + records_rejected (all 0 for the format raw).

    unchanged: the destination's bytes are the source's. restarted: they were passed on so at first,
    until a record had to change; then the source was read again. server_side: the S3 server copied
    by itself, so text_bytes and gzip_members of gzip data are 0, not known. server_side_refused:
    why it did not, though it was asked to. checksum: "CRC32C:base64" of the object that was
    written, which S3 has compared and keeps. parts_kept: where its parts waited to be sent,
    "memory", "source" (read again) or "file" (temporary, in TMPDIR). resumed: how the upload of an
    earlier try was used: "bytes" (the source was read on from where it stopped), "parts" (the
    source was read again, only missing parts were sent), "restarted" (it did not fit).
    resumed_bytes: how much was not sent again.
    """

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
    resumed: Literal["bytes", "parts", "restarted"] | None = None
    resumed_bytes: int = 0
    files: list[WrittenFile] = field(default_factory=list)

    def summary(self) -> str:
        if self.destination:
            source = f"{self.source} -> " if self.source else ""  # what was written by the caller
            text = (
                f"{source}{self.destination}: {megabytes(self.source_bytes)} in, "
                f"{megabytes(self.destination_bytes)} out"
            )
        else:
            text = f"{self.source}: {megabytes(self.source_bytes)} read"
        if self.format != "raw":
            text += (
                f", {self.records_in:,} records in = {self.records_out:,} out"
                f" + {self.records_rejected:,} rejected"
            )
        if self.resumed_bytes:
            text += f", resumed: {megabytes(self.resumed_bytes)} not sent again"
        return f"{text}, {self.seconds:.1f} s"


@dataclass(frozen=True, kw_only=True)
class CopyFailure:
    """An object of a prefix that was not copied, and why."""

    source: str
    destination: str
    error: str
    message: str
    retryable: bool


@dataclass(frozen=True, kw_only=True)
class PrefixReceipt(Receipt):
    """A copy of a prefix: objects = copied + equal + the failures.

    equal: those that the destination had already, by size and checksum. markers: empty objects that
    stand for folders, which are left out. copies: the receipts of those that were copied.
    """

    verb: str = "copy_prefix"
    source: str
    destination: str
    objects: int
    copied: int
    equal: int
    markers: int
    source_bytes: int
    destination_bytes: int
    equal_bytes: int
    copies: list[CopyReceipt]
    failures: list[CopyFailure]

    def summary(self) -> str:
        failed = f", {len(self.failures):,} FAILED" if self.failures else ""
        return (
            f"{self.source} -> {self.destination}: {self.objects:,} objects, {self.copied:,} copied"
            f" ({megabytes(self.source_bytes)}), {self.equal:,} equal{failed}, {self.seconds:.1f} s"
        )


@dataclass(frozen=True, kw_only=True)
class DeltaReceipt(Receipt):
    """A comparison of two exports.

    old_rows = updated + unchanged + deleted + old_duplicates, and
    new_rows = inserted + updated + unchanged + new_duplicates; duplicates are rows that a later row
    with the same key replaces (duplicates="last"). sorted: both exports came in the order of their
    keys and were merged. spilled_bytes: written to temporary files. The etags are those of sources
    that have one.
    """

    verb: str = "delta"
    old: str | None
    new: str
    key: list[str]
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


@dataclass(frozen=True, kw_only=True)
class PublishReceipt(Receipt):
    """Changes published on a stream: changes = skipped + sent.

    changes: in the file. skipped: those before `start_at`, which an earlier run had published.
    retried: how many times a record was sent again, throttled: how many times one was refused
    because its shard's throughput was used up. shards: how many records each shard took, bytes: of
    their data. calls: of PutRecords.
    """

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


@dataclass(frozen=True, kw_only=True)
class RegisterReceipt(Receipt):
    """Exports found in S3 and what became of them: found = registered + already_there + refused +
    conflicts.

    exports: the ids (TENANT/TABLE/VERSION) to work on, by table in the order of versions: new ones,
    those that an earlier run has not finished, and, once, those whose error is to be seen. refused:
    older than the last done one, and conflicts: more objects or other content than was registered,
    each with the reason. incomplete: those whose marker is not there yet. other_objects: how many
    objects' names are not those of an export's.
    """

    verb: str = "register"
    exports: list[str]
    found: int
    registered: list[str]
    already_there: int
    refused: dict[str, str]
    conflicts: dict[str, str]
    incomplete: list[str]
    other_objects: int

    def summary(self) -> str:
        text = (
            f"{self.found:,} exports: {len(self.registered):,} registered, "
            f"{self.already_there:,} already there"
        )
        for count, what in (
            (len(self.refused), "refused"),
            (len(self.conflicts), "in conflict"),
            (len(self.incomplete), "not complete yet"),
        ):
            text += f", {count:,} {what}" if count else ""
        reasons = [*self.refused.values(), *self.conflicts.values()]
        return "; ".join([f"{text}, {len(self.exports):,} to work on", *reasons])


@dataclass(frozen=True, kw_only=True)
class ChangesReceipt(Receipt):
    """The changes of an export, written to `changes`; previous: the version it was compared with.

    computed: false where an earlier try had written the same file. delta: the comparison's receipt.
    """

    verb: str = "compute"
    export: str
    previous: str | None
    changes: str
    etag: str
    count: int
    computed: bool
    delta: dict[str, Any]

    def summary(self) -> str:
        how = "written to" if self.computed else "already in"
        return (
            f"{self.export} against {self.previous or 'nothing'}: {self.count:,} changes {how} "
            f"{self.changes}, {self.seconds:.1f} s"
        )


@dataclass(frozen=True, kw_only=True)
class FinishReceipt(Receipt):
    """The end of an export's work; its lock is released."""

    verb: str = "finish"
    export: str
    previous: str | None
    state: Literal["done", "failed"]
    error: str | None
    changes: int | None
    published: int

    def summary(self) -> str:
        error = f": {self.error}" if self.error else ""
        return f"{self.export} is {self.state}{error}"


@dataclass(frozen=True, kw_only=True)
class PartitionResult:
    """One partition after `add_partitions`."""

    values: dict[str, str]
    location: str
    status: Literal["added", "moved", "unchanged"]


@dataclass(frozen=True, kw_only=True)
class PartitionReceipt(Receipt):
    """Partitions registered on an external table."""

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


@dataclass(frozen=True, kw_only=True)
class InsertReceipt(Receipt):
    """A deduplicating insert: scanned = duplicates + already_there + inserted + replaced."""

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

    @property
    def changed(self) -> bool:
        """Whether the target is different from before."""
        return self.inserted + self.replaced > 0

    def summary(self) -> str:
        return (
            f"{self.source} -> {self.target}: {self.scanned:,} scanned = {self.inserted:,} inserted"
            f" + {self.replaced:,} replaced + {self.already_there:,} already there"
            f" + {self.duplicates:,} duplicates, {self.seconds:.1f} s"
        )


@dataclass(frozen=True, kw_only=True)
class ApplyReceipt(Receipt):
    """A file of changes applied to a table: changes = inserted + updated + deleted.

    already_applied: the table was as the changes want it, so nothing was done and the three are 0.
    digest: SHA-256 of the file's lines, as airscoop.applied has it. etag: of a source that has one.
    """

    verb: str = "apply"
    changes_file: str
    table: str
    key: list[str]
    changes: int
    inserted: int
    updated: int
    deleted: int
    already_applied: bool
    digest: str
    etag: str | None
    source_bytes: int
    text_bytes: int
    retries: int
    attempts: int

    @property
    def changed(self) -> bool:
        """Whether the table is different from before."""
        return self.inserted + self.updated + self.deleted > 0

    def summary(self) -> str:
        done = (
            "all applied already: nothing was changed"
            if self.already_applied
            else f"{self.inserted:,} inserted + {self.updated:,} updated + {self.deleted:,} deleted"
        )
        return (
            f"{self.changes_file} -> {self.table}: {self.changes:,} changes"
            f"{', ' if self.already_applied else ' = '}{done}, {self.seconds:.1f} s"
        )


@dataclass(frozen=True, kw_only=True)
class RefreshReceipt(Receipt):
    """A refreshed materialized view."""

    verb: str = "refresh"
    view: str

    def summary(self) -> str:
        return f"{self.view} refreshed, {self.seconds:.1f} s"


@dataclass(frozen=True, kw_only=True)
class ScriptReceipt(Receipt):
    """A script run statement by statement."""

    verb: str = "script"
    file: str
    statements: int

    def summary(self) -> str:
        return f"{self.file}: {self.statements} statements, {self.seconds:.1f} s"
