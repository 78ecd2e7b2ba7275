"""Arrow's types of what is loaded into DuckDB."""

from __future__ import annotations

from typing import Any

import pyarrow

from airscoop.local.athena.types import Type

_NAMES = {
    "boolean": "bool_", "tinyint": "int8", "smallint": "int16", "integer": "int32",
    "bigint": "int64", "real": "float32", "double": "float64", "varchar": "string",
    "char": "string", "json": "string", "varbinary": "binary", "date": "date32",
}  # fmt: skip


def arrow(kind: Type) -> Any:
    """A row's fields are f0, f1, … as in DuckDB."""
    match kind.name:
        case "decimal":
            return pyarrow.decimal128(*kind.numbers)
        case "timestamp":
            return pyarrow.timestamp("us")
        case "array":
            return pyarrow.list_(arrow(kind.item))
        case "map":
            return pyarrow.map_(arrow(kind.items[0]), arrow(kind.items[1]))
        case "row":
            return pyarrow.struct([(f"f{n}", arrow(each)) for n, each in enumerate(kind.items)])
    return getattr(pyarrow, _NAMES[kind.name])()
