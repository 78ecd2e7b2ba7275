"""Writes rows as objects: text, JSON lines or Parquet, compressed, in folders of partitions."""

from __future__ import annotations

import base64
import datetime
import gzip
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow
import pyarrow.parquet

from airscoop.local.athena.arrow_types import arrow
from airscoop.local.athena.failures import QueryFailed, Unknown
from airscoop.local.athena.files import bucket_and_prefix
from airscoop.local.athena.partitions import NULL_VALUE
from airscoop.local.athena.texts import of_double, of_timestamp
from airscoop.local.athena.types import Type

FORMATS = ("TEXTFILE", "JSON", "PARQUET")
MOST_PARTITIONS = 100
FILES = 3  # of one partition: a reader must not count on one
_BATCH = 5_000
_PARQUET_CODECS = {"GZIP": "gzip", "SNAPPY": "snappy", "ZSTD": "zstd", "LZ4": "lz4", "NONE": "none"}
# What Hive escapes in the names of partition folders: not spaces, not letters beyond ASCII.
_PLAIN = "".join(chr(n) for n in range(0x20, 0x7F) if chr(n) not in "\"#%'*/:=?\\{[]^") + "".join(
    chr(n) for n in range(0x80, 0x250)
)


@dataclass(frozen=True)
class Format:
    """How rows are written. delimiter, null: of text alone."""

    name: str
    compression: str = "GZIP"
    delimiter: str = "\x01"
    null: str = "\\N"

    def __post_init__(self) -> None:
        if self.name not in FORMATS:
            raise Unknown(f"the format {self.name} in what is written")
        known = _PARQUET_CODECS if self.name == "PARQUET" else ("GZIP", "NONE")
        if self.compression not in known:
            raise Unknown(f"the compression {self.compression} of {self.name}")

    @property
    def ending(self) -> str:
        if self.name == "PARQUET":
            return ""
        return ".gz" if self.compression == "GZIP" else ""


def partition_text(value: Any, kind: Type) -> str:
    """A value as the catalogue has it."""
    if value is None:
        return NULL_VALUE
    return delimited_text(value, kind)


def folder(names: Sequence[str], texts: Sequence[str]) -> str:
    """`dt=2026-01-02/n=1/`."""
    parts = (f"{name}={quote(text, safe=_PLAIN)}/" for name, text in zip(names, texts, strict=True))
    return "".join(parts)


def delimited_text(value: Any, kind: Type) -> str:
    """A value as delimited text has it."""
    match kind.name:
        case "boolean":
            return "true" if value else "false"
        case "double" | "real":
            return of_double(value, single=kind.name == "real")
        case "decimal":
            return f"{value:.{kind.numbers[1]}f}"
        case "timestamp":
            return of_timestamp(value, 3)
        case "varbinary":
            return base64.b64encode(bytes(value)).decode()
    if kind.items or kind.name in ("timestamptz", "json"):
        raise Unknown(f"a column of type {kind} in a text file")
    return str(value)


def json_value(value: Any, kind: Type) -> Any:
    """A value as a JSON object has it."""
    if value is None:
        return None
    match kind.name:
        case "array":
            return [json_value(each, kind.item) for each in value]
        case "map":
            return {str(k): json_value(v, kind.item) for k, v in value.items()}
        case "row":
            names = [name or f"field{n}" for n, name in enumerate(kind.fields)]
            parts = zip(names, value.values(), kind.items, strict=True)
            return {name: json_value(each, item) for name, each, item in parts}
        case "timestamp":
            return of_timestamp(value, 3)
        case "date":
            return str(value)
        case "decimal":
            return float(value) if kind.numbers[1] else int(value)
        case "timestamptz" | "varbinary":
            raise Unknown(f"a column of type {kind} in a JSON file")
    return value


class _Lines:
    """A text or JSON file."""

    def __init__(self, path: Path, form: Format, columns: list[tuple[str, Type]]) -> None:
        self._columns, self._form = columns, form
        self._file: Any = path.open("wb")
        if form.compression == "GZIP":
            self._file = gzip.GzipFile(fileobj=self._file, mode="wb", mtime=0)
        self._raw = self._file.fileobj if form.compression == "GZIP" else self._file

    def add(self, row: Sequence[Any]) -> None:
        if self._form.name == "JSON":
            pairs = zip(self._columns, row, strict=True)
            found = {name: json_value(value, kind) for (name, kind), value in pairs}
            text = json.dumps(found, ensure_ascii=False, separators=(",", ":"))
        else:
            text = self._form.delimiter.join(
                self._form.null if value is None else delimited_text(value, kind)
                for value, (_, kind) in zip(row, self._columns, strict=True)
            )
        self._file.write(f"{text}\n".encode())

    def close(self) -> None:
        self._file.close()
        self._raw.close()


class _Parquet:
    """A Parquet file; rows wait until there are some."""

    def __init__(self, path: Path, form: Format, columns: list[tuple[str, Type]]) -> None:
        self._columns = columns
        self._schema = pyarrow.schema([(name, _named(kind)) for name, kind in columns])
        codec = _PARQUET_CODECS[form.compression]
        self._writer = pyarrow.parquet.ParquetWriter(path, self._schema, compression=codec)
        self._rows: list[Sequence[Any]] = []

    def add(self, row: Sequence[Any]) -> None:
        self._rows.append(row)
        if len(self._rows) >= _BATCH:
            self._flush()

    def _flush(self) -> None:
        arrays = [
            pyarrow.array([_with_names(value, kind) for value in values], _named(kind))
            for values, (_, kind) in zip(zip(*self._rows, strict=True), self._columns, strict=True)
        ]
        self._writer.write_table(pyarrow.table(arrays, schema=self._schema))
        self._rows = []

    def close(self) -> None:
        if self._rows:
            self._flush()
        self._writer.close()


def _named(kind: Type) -> Any:
    """Arrow's type with a row's own names."""
    match kind.name:
        case "array":
            return pyarrow.list_(_named(kind.item))
        case "map":
            return pyarrow.map_(_named(kind.items[0]), _named(kind.item))
        case "row":
            names = [name or f"field{n}" for n, name in enumerate(kind.fields)]
            return pyarrow.struct(
                [(name, _named(i)) for name, i in zip(names, kind.items, strict=True)]
            )
        case "timestamptz" | "json" | "unknown":
            raise Unknown(f"a column of type {kind} in a Parquet file")
    return arrow(kind)


def _with_names(value: Any, kind: Type) -> Any:
    if value is None:
        return None
    match kind.name:
        case "array":
            return [_with_names(each, kind.item) for each in value]
        case "map":
            return [
                (_with_names(k, kind.items[0]), _with_names(v, kind.item)) for k, v in value.items()
            ]
        case "row":
            names = [name or f"field{n}" for n, name in enumerate(kind.fields)]
            parts = zip(names, value.values(), kind.items, strict=True)
            return {name: _with_names(each, item) for name, each, item in parts}
        case "varbinary":
            return bytes(value)
    return value


@dataclass
class Writer:
    """Takes rows, whose last values are the partition's, and puts objects below a location.

    place: of the disk, for the files until they are sent. columns: without the partition's.
    """

    s3: Any
    location: str
    form: Format
    columns: list[tuple[str, Type]]
    keys: list[tuple[str, Type]]
    place: Path
    query_id: str
    rows: int = 0
    written: list[str] = field(default_factory=list)
    _files: dict[tuple[str, ...], list[tuple[Path, Any]]] = field(default_factory=dict)
    _counts: dict[tuple[str, ...], int] = field(default_factory=dict)

    @property
    def partitions(self) -> list[tuple[str, ...]]:
        return list(self._files)

    def add(self, row: Sequence[Any]) -> None:
        width = len(self.columns)
        texts = tuple(
            partition_text(value, kind)
            for value, (_, kind) in zip(row[width:], self.keys, strict=True)
        )
        files = self._files.setdefault(texts, [])
        if len(self._files) > MOST_PARTITIONS:
            raise QueryFailed(
                "HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100 open writers for "
                "partitions/buckets"
            )
        number = self._counts.get(texts, 0)
        if len(files) < FILES:
            files.append(self._open())
        files[number % FILES][1].add(row[:width])
        self._counts[texts] = number + 1
        self.rows += 1

    def _open(self) -> tuple[Path, Any]:
        path = self.place / f"written-{uuid.uuid4().hex}"
        kind = _Parquet if self.form.name == "PARQUET" else _Lines
        return path, kind(path, self.form, self.columns)

    def send(self) -> None:
        """Closes the files and makes them objects of names that were not there."""
        bucket, prefix = bucket_and_prefix(self.location.rstrip("/") + "/")
        stamp = datetime.datetime.now(datetime.UTC).strftime("%Y%m%d_%H%M%S")
        for texts, files in self._files.items():
            below = folder([name for name, _ in self.keys], texts)
            for path, file in files:
                file.close()
                name = f"{stamp}_{self.query_id[:5]}_{uuid.uuid4()}{self.form.ending}"
                key = f"{prefix}{below}{name}"
                self.s3.upload_file(str(path), bucket, key)
                path.unlink()
                self.written.append(f"s3://{bucket}/{key}")
