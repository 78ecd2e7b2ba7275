"""Which fields of `TransferOptions` the functions take that take a part of them. For type checkers:
nothing here is loaded when airscoop runs.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TypedDict

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

    max_record_bytes: int | None
    invalid_characters: InvalidCharacters
    nonfinite: Nonfinite
    key_case: KeyCase
    records: str | None
    csv: CsvDialect | None
    columns: Sequence[str] | None


class SourceOptions(RecordOptions, WebOptions, total=False):
    """How a source is read and checked."""

    allow_unknown_length: bool
    memory_limit: int | None
    ca_file: str | None
    version_id: str | None
    compression: Compression
    allow_plain: bool
    trailing_garbage: TrailingGarbage
    head_lines: int | None


class DestinationOptions(RecordOptions, total=False):
    """How a destination is written."""

    compression: Compression
    compression_level: int | None
    checksum: Checksum
    max_rejected: int
    rejects: str | os.PathLike[str] | None
    memory_limit: int | None
    overwrite: bool
    if_match: str | None
    object_options: ObjectOptions
    ca_file: str | None
    split_part: bool
    destination_fd: int | None


class ObjectCopyOptions(RecordOptions, WebOptions, total=False):
    """How each object of a prefix is copied."""

    format: Format
    compression: Compression
    compression_level: int | None
    allow_plain: bool
    trailing_garbage: TrailingGarbage
    checksum: Checksum
    max_rejected: int
    rejects: str | os.PathLike[str] | None
    allow_unknown_length: bool
    server_side: bool
    split_bytes: int | None
    split_replace: bool
    overwrite: bool
    object_options: ObjectOptions
    ca_file: str | None


class FileOptions(TypedDict, total=False):
    """How each file of an output in several is written."""

    compression: Compression
    compression_level: int | None
    checksum: Checksum
    overwrite: bool
    memory_limit: int | None
    ca_file: str | None
