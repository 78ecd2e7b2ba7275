"""The options of a transfer, checked and put into the engine's terms."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from airscoop import kinds
from airscoop.aws.access_points import is_arn, located
from airscoop.aws.settings import S3_SETTINGS, S3Settings, common_ca_file, s3_options, trusting
from airscoop.errors import UsageError
from airscoop.shown_fields import ShownFields
from airscoop.timeouts import TimeoutGiven
from airscoop.transfer import csv_dialect, login, places, web
from airscoop.transfer.csv_dialect import CsvDialect
from airscoop.transfer.object_options import ObjectOptions
from airscoop.transfer.rejects import rejects_for

Format = Literal["auto", "raw", "jsonl", "python-literal", "json-array", "json-values", "csv"]
Compression = Literal["auto", "keep", "gzip", "none"]
TrailingGarbage = Literal["error", "ignore"]
InvalidCharacters = Literal["error", "replace"]
Checksum = Literal["crc32c", "crc64nvme", "none"]
Nonfinite = Literal["error", "null"]
KeyCase = Literal["error", "rename", "keep"]


KINDS: kinds.Kinds = {
    "format": kinds.choice(Format),
    "compression": kinds.choice(Compression),
    "compression_level": kinds.whole(1, 9),
    "allow_plain": kinds.FLAG,
    "on_trailing_garbage": kinds.choice(TrailingGarbage),
    "checksum": kinds.choice(Checksum),
    "max_rejected": kinds.whole(),
    "min_records": kinds.whole(),
    "max_record_bytes": kinds.size(),
    "on_invalid_characters": kinds.choice(InvalidCharacters),
    "on_nonfinite": kinds.choice(Nonfinite),
    "records": kinds.TEXT,
    "on_key_case": kinds.choice(KeyCase),
    "allow_unknown_length": kinds.FLAG,
    "idempotent": kinds.FLAG,
    "server_side": kinds.FLAG,
    "split_bytes": kinds.size(),
    "split_replace": kinds.FLAG,
    "version_id": kinds.TEXT,
    "memory_limit": kinds.size(),
    "overwrite": kinds.FLAG,
    "if_match": kinds.TEXT,
    "object_options": kinds.instance(ObjectOptions, "an airscoop.ObjectOptions"),
    "source_s3": S3_SETTINGS,
    "destination_s3": S3_SETTINGS,
}


@dataclass(frozen=True, kw_only=True, repr=False)
class TransferOptions(ShownFields):
    """What `copy`, `read` and `check` have in common. None is the engine's default."""

    source: str
    destination: str | None = None
    format: Format = "auto"
    compression: Compression = "auto"
    compression_level: int | None = None
    allow_plain: bool = False  # a source that is named as gzip data may be something else
    on_trailing_garbage: TrailingGarbage = "error"  # behind the end of gzip data
    checksum: Checksum = "crc32c"
    max_rejected: int = 0
    min_records: int = 0  # fewer written ones are TooFewRecords
    rejects: str | os.PathLike[str] | None = None
    max_record_bytes: kinds.Size | None = None
    on_invalid_characters: InvalidCharacters = "error"
    on_nonfinite: Nonfinite = "error"
    records: str | None = None  # json-array: where the array is, names with dots between
    csv: CsvDialect | None = None  # format csv: how it is written
    columns: Sequence[str] | None = None  # of CSV without a header
    on_key_case: KeyCase = "error"  # keys of one object that are equal, or equal but for case
    allow_unknown_length: bool = False
    timeout: TimeoutGiven | None = None  # a number: of the whole
    retry_seconds: float | None = None  # of a web source: all waits of an outage together
    restarts: int | None = None  # from the start, where the rest cannot be asked for
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    auth: login.Auth | None = field(default=None, repr=False)
    body: login.Body | None = field(default=None, repr=False)  # POSTed
    idempotent: bool = False  # it may be POSTed again
    server_side: bool = True  # an S3 object for S3 is copied by the server, where nothing changes
    split_bytes: kinds.Size | None = None  # files of about this size instead of one
    split_replace: bool = False  # whatever stands in their way is replaced, whoever wrote it
    split_part: bool = False  # one of those files
    held: bool = False  # sealed before it is committed
    version_id: str | None = None  # of a source in S3; None: the newest
    source_fd: int | None = None  # of "-": an open descriptor in place of standard input
    destination_fd: int | None = None
    text_for: str | None = None  # what is read goes to several files of this name
    head_lines: int | None = None
    memory_limit: kinds.Size | None = None
    overwrite: bool = True
    if_match: str | None = None  # the ETag of the only object in S3 that may be replaced
    object_options: ObjectOptions = field(default_factory=ObjectOptions)
    source_s3: S3Settings = field(default_factory=S3Settings)
    destination_s3: S3Settings = field(default_factory=S3Settings)
    slash_key: bool = False  # the destination is a key as it was listed, which may end in "/"

    @classmethod
    def of(cls, *, s3: S3Settings | None = None, **options: Any) -> Self:
        """From options as callers give them, of which None is the default; `s3` is for the ends
        that have no settings of their own."""
        given = {name: value for name, value in options.items() if value is not None}
        if s3 is not None:
            found = S3_SETTINGS.read(s3, "s3")
            given = {"source_s3": found, "destination_s3": found} | given
        return cls(**given)

    def __post_init__(self) -> None:
        kinds.settle(self, KINDS)
        if self.format == "auto":
            object.__setattr__(self, "format", "raw" if self.csv is None else "csv")
        ca_file = common_ca_file(self.source_s3, self.destination_s3)
        for name in ("source_s3", "destination_s3"):
            object.__setattr__(self, name, trusting(getattr(self, name), ca_file))

    def rejects_place(self) -> str | None:
        """Where rejected records go; None when nothing may be rejected or nothing is written."""
        if self.rejects:
            return place(self.rejects, "rejects")
        if self.max_rejected == 0 or self.destination in (None, "-"):
            return None
        return rejects_for(str(self.destination))

    def _check(self) -> None:
        """Refuses what does not go together, and what the engine would not see."""
        rejects = self.rejects_place() if self.rejects else None
        if rejects is not None and rejects.endswith("/"):
            raise UsageError(f"{places.displayed(rejects)} names no reject file; add a file name")
        if self.source == "-" and sys.stdin is None:
            raise UsageError("standard input is closed: there is nothing to read")
        if self.split_replace and self.split_bytes is None:
            raise UsageError("split_replace needs split_bytes: one file replaces one anyway")
        if self.format == "csv" and (self.split_bytes is not None or self.split_part):
            raise UsageError("csv and split_bytes do not go together: all but one lack the header")
        if (self.destination or "").endswith("/") and not self.slash_key:
            raise UsageError(f"{self.destination} names no object; add a file name")

    def native(self) -> dict[str, Any]:
        """The dict that the binding takes; resolves credentials for the S3 ends only."""
        self._check()
        rejects = self.rejects_place()
        options: dict[str, Any] = {
            "source": places.native(self.source),
            "source_fd": self.source_fd,
            "source_version_id": self.version_id,
            "destination": None if self.destination is None else places.native(self.destination),
            "destination_fd": self.destination_fd,
            "format": self.format,
            "compression": self.compression,
            "compression_level": self.compression_level,
            "allow_plain": self.allow_plain,
            "ignore_trailing_garbage": self.on_trailing_garbage == "ignore",
            "checksum": self.checksum,
            "max_rejected": self.max_rejected,
            "min_records": self.min_records,
            "rejects": None if rejects is None else places.native(rejects),
            "max_record_bytes": self.max_record_bytes,
            "replace_invalid": self.on_invalid_characters == "replace",
            "nonfinite_null": self.on_nonfinite == "null",
            "key_case": self.on_key_case,
            "records": self.records,
            "allow_unknown_length": self.allow_unknown_length,
            "through_client": not self.server_side,
            "held": self.held,
            "split_part": self.split_part,
            "text_for": self.text_for,
            "head_lines": self.head_lines,
            "memory_limit": self.memory_limit,
            "keep_existing": not self.overwrite,
            "if_match": self.if_match,
        }
        options |= csv_dialect.native(CsvDialect.of(self.csv), self.columns)
        options |= self.object_options.native()
        options |= web.native(
            timeout=self.timeout, retry_seconds=self.retry_seconds, restarts=self.restarts
        )
        options |= login.native(
            source=self.source,
            headers=self.headers,
            auth=self.auth,
            body=self.body,
            idempotent=self.idempotent,
        )
        ends = {"source": (self.source, self.source_s3)}
        if self.destination is not None:
            ends["destination"] = (self.destination, self.destination_s3)
        # Resolving costs some 10 MiB of botocore's: equal settings are resolved once.
        resolved: dict[S3Settings, S3Settings] = {}
        for end, (name, settings) in ends.items():
            if places.is_s3(name):
                options["through_client"] = options["through_client"] or is_arn(name)
                options[end], settings = located(name, settings)
                found = resolved.get(settings) or settings.resolved()
                resolved[settings] = found
                options |= s3_options(end, found)
        if options["rejects"] is not None:
            options["rejects"], _ = located(options["rejects"], self.destination_s3)
        if any(places.is_s3(name) or places.is_http(name) for name, _ in ends.values()):
            from airscoop.aws.tls import ca_file

            options["ca_file"] = ca_file(self.source_s3.ca_file)
        return options


def place(name: str | os.PathLike[str], argument: str = "a place") -> str:
    """A source or destination as the engine takes it; `argument` is what errors call it."""
    return places.normalized(name, argument)
