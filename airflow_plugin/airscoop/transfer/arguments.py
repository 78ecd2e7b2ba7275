"""Which options the public functions take that take a part of what `copy` does.

The engine's own (`TransferOptions`) are more: what is not named here no caller sets.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypedDict

from airscoop.aws.settings import S3Settings
from airscoop.kinds import Size
from airscoop.transfer.csv_dialect import CsvDialect
from airscoop.transfer.object_options import ObjectOptions
from airscoop.transfer.options import (
    Checksum,
    Compression,
    Format,
    InvalidCharacters,
    KeyCase,
    Nonfinite,
    TrailingGarbage,
)
from airscoop.transfer.web import WebOptions


class RecordOptions(TypedDict, total=False):
    """How records are checked."""

    max_record_bytes: Size | None
    on_invalid_characters: InvalidCharacters
    on_nonfinite: Nonfinite
    on_key_case: KeyCase
    records: str | None
    csv: CsvDialect | None
    columns: Sequence[str] | None


class SourceOptions(RecordOptions, WebOptions, total=False):
    """How a source is read and checked."""

    allow_unknown_length: bool
    memory_limit: Size | None
    version_id: str | None
    compression: Compression
    allow_plain: bool
    on_trailing_garbage: TrailingGarbage


class DestinationOptions(RecordOptions, total=False):
    """How a destination is written."""

    compression: Compression
    compression_level: int | None
    checksum: Checksum
    max_rejected: int
    rejects: str | os.PathLike[str] | None
    memory_limit: Size | None
    overwrite: bool
    if_match: str | None
    object_options: ObjectOptions | None


class ObjectCopyOptions(RecordOptions, WebOptions, total=False):
    """How each object of a prefix is copied."""

    format: Format
    compression: Compression
    compression_level: int | None
    allow_plain: bool
    on_trailing_garbage: TrailingGarbage
    checksum: Checksum
    max_rejected: int
    min_records: int
    allow_unknown_length: bool
    server_side: bool
    overwrite: bool
    object_options: ObjectOptions | None


class CopyOptions(ObjectCopyOptions, total=False):
    """What is copied, what is refused, and how both ends are reached; `copy` says more."""

    rejects: str | os.PathLike[str] | None
    version_id: str | None
    split_bytes: Size | None
    split_replace: bool
    memory_limit: Size | None
    if_match: str | None
    s3: S3Settings | None
    source_s3: S3Settings | None
    destination_s3: S3Settings | None


COPY_DEFAULTS: CopyOptions = {
    "format": "auto",
    "compression": "auto",
    "compression_level": None,
    "allow_plain": False,
    "on_trailing_garbage": "error",
    "checksum": "crc32c",
    "max_rejected": 0,
    "min_records": 0,
    "rejects": None,
    "max_record_bytes": None,
    "on_invalid_characters": "error",
    "on_nonfinite": "error",
    "on_key_case": "error",
    "records": None,
    "csv": None,
    "columns": None,
    "allow_unknown_length": False,
    "version_id": None,
    "timeout": None,
    "retry_seconds": None,
    "restarts": None,
    "headers": None,
    "auth": None,
    "body": None,
    "idempotent": False,
    "server_side": True,
    "split_bytes": None,
    "split_replace": False,
    "memory_limit": None,
    "overwrite": True,
    "if_match": None,
    "object_options": None,
    "s3": None,
    "source_s3": None,
    "destination_s3": None,
}
