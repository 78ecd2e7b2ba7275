"""The types that airscoop.types gives when it is asked for them."""

from __future__ import annotations

import datetime
from typing import Any, Literal, NotRequired, TypedDict

Format = Literal["raw", "jsonl", "python-literal", "json-array", "json-values"]
Compression = Literal["auto", "gzip", "none"]
InvalidCharacters = Literal["reject", "replace"]
Checksum = Literal["crc32c", "crc64nvme", "none"]
Nonfinite = Literal["reject", "null"]
KeyCase = Literal["reject", "rename", "keep"]

PayloadSigning = Literal["auto", "never", "always"]
Encryption = Literal["AES256", "aws:kms", "aws:kms:dsse"]

TableFormat = Literal["auto", "csv", "jsonl"]
Duplicates = Literal["error", "last"]
SchemaChange = Literal["error", "compare_common"]
Engine = Literal["local", "athena"]

Resumed = Literal["bytes", "parts", "restarted"]
ExportEnd = Literal["done", "failed"]
PartitionStatus = Literal["added", "moved", "unchanged"]
DateTime = datetime.datetime
JsonObject = dict[str, Any]


class Change(TypedDict):
    """One change. `row` has the new values, of a DELETE the old ones; `changed` is an UPDATE's."""

    op: Literal["INSERT", "UPDATE", "DELETE"]
    key: dict[str, Any]
    row: dict[str, Any]
    changed: NotRequired[list[str]]
    id: str
