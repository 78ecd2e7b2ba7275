"""The .metadata beside a result: protobuf without a public schema, as drivers of Athena read it."""

from __future__ import annotations

from collections.abc import Iterable

from airscoop.local.athena.engine import Column

# Fields of the file, and of a column in it.
QUERY_ID, UPDATE_TYPE, UPDATE_COUNT, COLUMN = 1, 2, 3, 4
CATALOG, NAME, LABEL, TYPE, PRECISION, SCALE, NULLABLE, CASE_SENSITIVE = 1, 4, 5, 6, 7, 8, 9, 10
UNKNOWN_NULLABLE = 3
CATALOG_NAME = "hive"
CASED = ("varchar", "char")


def metadata(
    query_id: str, columns: Iterable[Column], *, update_type: str | None, update_count: int | None
) -> bytes:
    """The file's bytes."""
    found = _text(QUERY_ID, query_id)
    if update_type is not None:
        found += _text(UPDATE_TYPE, update_type) + _number(UPDATE_COUNT, update_count or 0)
    return found + b"".join(_bytes(COLUMN, _column(column)) for column in columns)


def _column(column: Column) -> bytes:
    return b"".join(
        (
            _text(CATALOG, CATALOG_NAME),
            _text(NAME, column.name),
            _text(LABEL, column.name),
            _text(TYPE, column.type),
            _number(PRECISION, column.precision),
            _number(SCALE, column.scale),
            _number(NULLABLE, UNKNOWN_NULLABLE),
            _number(CASE_SENSITIVE, column.type in CASED),
        )
    )


def _text(field: int, text: str) -> bytes:
    return _bytes(field, text.encode())


def _bytes(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
