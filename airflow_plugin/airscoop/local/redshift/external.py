"""Reads what a partition stands for: its objects' lines as rows in COPY's text format."""

from __future__ import annotations

from collections.abc import Generator, Iterator

from airscoop.errors import AirscoopError
from airscoop.local.redshift import objects, rows
from airscoop.local.redshift.catalog import Reading
from airscoop.local.redshift.errors import SqlError

CHUNK_BYTES = 64 * 1024
SCAN_ERROR = "XX000"


def scan_error(reason: str) -> SqlError:
    return SqlError(SCAN_ERROR, f"Spectrum Scan Error: {reason}")


def _object_rows(writer: rows.RowWriter, name: str) -> Iterator[str]:
    try:
        for number, line in enumerate(rows.lines(objects.chunks(name)), 1):
            try:
                yield writer.row(line)
            except rows.BadValue as error:
                raise scan_error(f"{name}, line {number}: {error}") from error
    except AirscoopError as error:
        reason = str(error)
        raise scan_error(reason if name in reason else f"{name}: {reason}") from error


def read(reading: Reading) -> Generator[bytes]:
    """Chunks of text rows; holds one chunk at most; SqlError with the reason when it fails."""
    writer = rows.RowWriter(reading)
    pending: list[str] = []
    size = 0
    try:
        for name in objects.objects(reading.location):
            for row in _object_rows(writer, name):
                pending.append(row)
                size += len(row)
                if size >= CHUNK_BYTES:
                    yield "".join(pending).encode()
                    pending, size = [], 0
    except (AirscoopError, OSError) as error:
        raise scan_error(f"{reading.table.name} at {reading.location}: {error}") from error
    if size:
        yield "".join(pending).encode()
