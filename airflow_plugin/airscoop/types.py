"""Types that only annotations name. They are made when something asks: typing loads for 4 ms.

Annotations of dataclasses write `types.Name`, which typing.get_type_hints and pydantic can resolve.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from airscoop._types import (
        Change as Change,
    )
    from airscoop._types import (
        Checksum as Checksum,
    )
    from airscoop._types import (
        Compression as Compression,
    )
    from airscoop._types import (
        DateTime as DateTime,
    )
    from airscoop._types import (
        Duplicates as Duplicates,
    )
    from airscoop._types import (
        Encryption as Encryption,
    )
    from airscoop._types import (
        Engine as Engine,
    )
    from airscoop._types import (
        ExportEnd as ExportEnd,
    )
    from airscoop._types import (
        Format as Format,
    )
    from airscoop._types import (
        InvalidCharacters as InvalidCharacters,
    )
    from airscoop._types import (
        JsonObject as JsonObject,
    )
    from airscoop._types import (
        KeyCase as KeyCase,
    )
    from airscoop._types import (
        Nonfinite as Nonfinite,
    )
    from airscoop._types import (
        PartitionStatus as PartitionStatus,
    )
    from airscoop._types import (
        PayloadSigning as PayloadSigning,
    )
    from airscoop._types import (
        Resumed as Resumed,
    )
    from airscoop._types import (
        SchemaChange as SchemaChange,
    )
    from airscoop._types import (
        TableFormat as TableFormat,
    )
else:

    def __getattr__(name: str) -> object:
        from airscoop import _types

        return getattr(_types, name)
