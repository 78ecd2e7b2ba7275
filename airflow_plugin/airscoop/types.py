"""Types that only annotations name. They are made when something asks: typing loads for 4 ms.

Annotations of dataclasses write `types.Name`, which typing.get_type_hints and pydantic can resolve.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airscoop._types import (
        Change,
        Checksum,
        Compression,
        DateTime,
        Duplicates,
        Encryption,
        Engine,
        ExportEnd,
        Format,
        InvalidCharacters,
        JsonObject,
        KeyCase,
        Nonfinite,
        PartitionStatus,
        PayloadSigning,
        Resumed,
        SchemaChange,
        TableFormat,
    )

__all__ = [
    "Change",
    "Checksum",
    "Compression",
    "DateTime",
    "Duplicates",
    "Encryption",
    "Engine",
    "ExportEnd",
    "Format",
    "InvalidCharacters",
    "JsonObject",
    "KeyCase",
    "Nonfinite",
    "PartitionStatus",
    "PayloadSigning",
    "Resumed",
    "SchemaChange",
    "TableFormat",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module 'airscoop.types' has no attribute {name!r}")
        from airscoop import _types

        return getattr(_types, name)
