"""How two exports are compared: the options that verb, jobs, operator and command share."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from airscoop import kinds
from airscoop.aws.settings import S3_SETTINGS, S3Settings
from airscoop.kinds import Size
from airscoop.transfer.options import InvalidCharacters, KeyCase

if TYPE_CHECKING:
    from airscoop.transfer.csv_dialect import CsvDialect

TableFormat = Literal["auto", "csv", "jsonl"]
Duplicates = Literal["error", "last"]
SchemaChange = Literal["error", "all", "compare_common"]
GoneColumns = Literal["null", "drop"]
EmptyKey = Literal["error", "allow"]
Engine = Literal["local", "athena"]
Numbers = Literal["digits", "value"]

Source = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


class CompareOptions(TypedDict, total=False):
    """What is compared, what is refused, and what it may take; `delta` says more."""

    key: Sequence[str]
    format: TableFormat
    on_duplicates: Duplicates
    on_empty_key: EmptyKey
    on_schema_change: SchemaChange
    gone_columns: GoneColumns
    numbers: Numbers
    on_invalid_characters: InvalidCharacters
    on_key_case: KeyCase
    max_delete_ratio: float
    max_update_ratio: float | None
    min_rows: int
    memory_limit: Size | None
    max_record_bytes: Size | None
    temp_dir: str | os.PathLike[str] | None
    csv: CsvDialect | Mapping[str, Any] | None
    columns: Sequence[str] | None
    allow_unknown_length: bool


class DeltaOptions(CompareOptions, total=False):
    """And which versions they are of what, and how to reach both."""

    dataset: str | None
    version: str | None
    previous: str | None
    s3: S3Settings | None


DEFAULTS: DeltaOptions = {
    "key": ("PK",),
    "format": "auto",
    "on_duplicates": "error",
    "on_empty_key": "error",
    "on_schema_change": "error",
    "gone_columns": "null",
    "numbers": "digits",
    "on_invalid_characters": "error",
    "on_key_case": "error",
    "max_delete_ratio": 0.3,
    "max_update_ratio": None,
    "min_rows": 1,
    "dataset": None,
    "version": None,
    "previous": None,
    "memory_limit": None,
    "max_record_bytes": None,
    "temp_dir": None,
    "csv": None,
    "columns": None,
    "allow_unknown_length": False,
    "s3": None,
}

KINDS: kinds.Kinds = {
    "format": kinds.choice(TableFormat),
    "on_duplicates": kinds.choice(Duplicates),
    "on_empty_key": kinds.choice(EmptyKey),
    "on_schema_change": kinds.choice(SchemaChange),
    "gone_columns": kinds.choice(GoneColumns),
    "numbers": kinds.choice(Numbers),
    "on_invalid_characters": kinds.choice(InvalidCharacters),
    "on_key_case": kinds.choice(KeyCase),
    "max_delete_ratio": kinds.number(0, 1),
    "max_update_ratio": kinds.number(0, 1),
    "min_rows": kinds.whole(),
    "version": kinds.TEXT,
    "memory_limit": kinds.size(0),
    "max_record_bytes": kinds.size(),
    "temp_dir": kinds.PATH,
    "allow_unknown_length": kinds.FLAG,
    "s3": S3_SETTINGS,
}
