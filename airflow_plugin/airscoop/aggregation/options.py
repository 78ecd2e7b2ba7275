"""What is counted, and how: the options that verb, job, operator and command share."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from airscoop import kinds
from airscoop.aws.settings import S3_SETTINGS, S3Settings
from airscoop.kinds import Size
from airscoop.transfer.options import InvalidCharacters, KeyCase, Nonfinite

if TYPE_CHECKING:
    from airscoop.transfer.csv_dialect import CsvDialect

RecordFormat = Literal["auto", "jsonl", "json-values", "json-array", "csv"]
Missing = Literal["error", "null"]
OtherType = Literal["error", "null"]

Source = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]
MOST_TOP = 100_000


class AggregateOptions(TypedDict, total=False):
    """What is counted, what is refused, and what it may take; `aggregate` says more."""

    group_by: Mapping[str, Sequence[Any]]
    measures: Mapping[str, str]
    format: RecordFormat
    on_missing: Missing
    on_other_type: OtherType
    top: int | None
    max_rejected: int
    rejects: str | os.PathLike[str] | None
    include: Sequence[str]
    exclude: Sequence[str]
    allow_empty: bool
    on_invalid_characters: InvalidCharacters
    on_nonfinite: Nonfinite
    on_key_case: KeyCase
    records: str | None
    csv: CsvDialect | Mapping[str, Any] | None
    columns: Sequence[str] | None
    allow_unknown_length: bool
    memory_limit: Size | None
    max_record_bytes: Size | None
    temp_dir: str | os.PathLike[str] | None
    s3: S3Settings | None


DEFAULTS: AggregateOptions = {
    "group_by": {},
    "measures": {"count": "count"},
    "format": "auto",
    "on_missing": "error",
    "on_other_type": "error",
    "top": None,
    "max_rejected": 0,
    "rejects": None,
    "include": (),
    "exclude": (),
    "allow_empty": False,
    "on_invalid_characters": "error",
    "on_nonfinite": "error",
    "on_key_case": "error",
    "records": None,
    "csv": None,
    "columns": None,
    "allow_unknown_length": False,
    "memory_limit": None,
    "max_record_bytes": None,
    "temp_dir": None,
    "s3": None,
}

KINDS: kinds.Kinds = {
    "format": kinds.choice(RecordFormat),
    "on_missing": kinds.choice(Missing),
    "on_other_type": kinds.choice(OtherType),
    "top": kinds.whole(1, MOST_TOP),
    "max_rejected": kinds.whole(),
    "rejects": kinds.PATH,
    "allow_empty": kinds.FLAG,
    "on_invalid_characters": kinds.choice(InvalidCharacters),
    "on_nonfinite": kinds.choice(Nonfinite),
    "on_key_case": kinds.choice(KeyCase),
    "records": kinds.TEXT,
    "allow_unknown_length": kinds.FLAG,
    "memory_limit": kinds.size(0),
    "max_record_bytes": kinds.size(),
    "temp_dir": kinds.PATH,
    "s3": S3_SETTINGS,
}
