"""Parquet objects: columns by name, as the types of the catalogue where those hold them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow
import pyarrow.parquet

from airscoop.local.athena.arrow_types import arrow
from airscoop.local.athena.failures import QueryFailed, Unknown
from airscoop.local.athena.files import Object
from airscoop.local.athena.types import Type

SERDE = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
_WIDER = {
    "tinyint": ("int8",),
    "smallint": ("int8", "int16"),
    "integer": ("int8", "int16", "int32", "uint8", "uint16"),
    "bigint": ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32"),
    "real": ("float",),
    "double": ("double", "float"),
    "boolean": ("bool",),
    "varchar": ("string", "large_string"),
    "char": ("string", "large_string"),
    "varbinary": ("binary", "large_binary"),
    "date": ("date32[day]",),
}


def batches(
    s3: Any, source: Object, columns: Sequence[tuple[str, Type]], folder: str, scanned: list[int]
) -> Iterator[tuple[int, list[Any]]]:
    """Batches of one object: the number of rows, and an Arrow array for each column.

    The bytes that the columns take up are appended to `scanned`.
    """
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".parquet") as file:
        s3.download_fileobj(source.bucket, source.key, file)
        file.flush()
        try:
            with pyarrow.parquet.ParquetFile(file.name) as parquet:
                names = {each.lower(): each for each in parquet.schema_arrow.names}
                scanned.append(_column_bytes(parquet.metadata, {name for name, _ in columns}))
                there = [names[name] for name, _ in columns if name in names]
                for batch in parquet.iter_batches(batch_size=20_000, columns=there):
                    yield (
                        batch.num_rows,
                        [
                            _column(batch, names.get(name), name, kind, source)
                            for name, kind in columns
                        ],
                    )
        except pyarrow.ArrowInvalid as error:
            raise QueryFailed(
                f"HIVE_CANNOT_OPEN_SPLIT: {source.address} is not a valid Parquet File: {error}"
            ) from error


def _column(batch: Any, found: str | None, name: str, kind: Type, source: Object) -> Any:
    if found is None:
        return pyarrow.nulls(batch.num_rows, arrow(kind))
    values = batch.column(found)
    shown = str(values.type)
    if kind.items:
        if not _same_shape(values.type, kind):
            raise _incompatible(shown, name, kind, source)
        plain = [_plain(each, kind) for each in values.to_pylist()]
        return pyarrow.array(plain, arrow(kind))
    if not _holds(shown, kind):
        raise _incompatible(shown, name, kind, source)
    return values.cast(arrow(kind), safe=False)


def _holds(shown: str, kind: Type) -> bool:
    if kind.name == "decimal":
        return shown.startswith("decimal128") and shown.endswith(f"{kind.numbers[1]})")
    if kind.name == "timestamp":
        return shown.startswith("timestamp[")
    if kind.name not in _WIDER:
        raise Unknown(f"a Parquet column of type {kind}")
    return bool(shown in _WIDER[kind.name])


def _same_shape(found: Any, kind: Type) -> bool:
    kinds = pyarrow.types
    if kind.name == "array":
        return bool(kinds.is_list(found) or kinds.is_large_list(found))
    return bool(kinds.is_map(found) if kind.name == "map" else kinds.is_struct(found))


def _plain(value: Any, kind: Type) -> Any:
    """A nested value with a row's members by their places."""
    if value is None:
        return None
    match kind.name:
        case "array":
            return [_plain(each, kind.item) for each in value]
        case "map":
            return [(_plain(k, kind.items[0]), _plain(v, kind.item)) for k, v in value]
        case "row":
            lowered = {key.lower(): each for key, each in value.items()}
            members = enumerate(zip(kind.fields, kind.items, strict=True))
            return {f"f{n}": _plain(lowered.get(name or ""), item) for n, (name, item) in members}
    return value


def _incompatible(shown: str, name: str, kind: Type, source: Object) -> QueryFailed:
    return QueryFailed(
        f"HIVE_BAD_DATA: Malformed Parquet file. Field {name}'s type {shown.upper()} in parquet "
        f"file {source.address} is incompatible with type {kind} defined in table schema"
    )


def _column_bytes(facts: Any, columns: set[str]) -> int:
    """What the columns take up in an object, roughly what Athena reads and counts."""
    total = 0
    for group in (facts.row_group(n) for n in range(facts.num_row_groups)):
        for each in (group.column(n) for n in range(group.num_columns)):
            if each.path_in_schema.split(".")[0].lower() in columns:
                total += each.total_compressed_size
    return total
