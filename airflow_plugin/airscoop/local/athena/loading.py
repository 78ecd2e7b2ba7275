"""Brings the rows that a query reads into DuckDB: a table for each set of files."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow

from airscoop.local.athena import parquet_files, partitions, serde_csv, serde_json
from airscoop.local.athena.arrow_types import arrow
from airscoop.local.athena.context import Context, quoted
from airscoop.local.athena.failures import QueryFailed, Unknown
from airscoop.local.athena.files import Object, lines, objects
from airscoop.local.athena.partitions import value_sql
from airscoop.local.athena.scans import PATH, Scan
from airscoop.local.athena.tables import Partition, Storage, Table
from airscoop.local.athena.types import VARCHAR, Type, duck

BATCH_ROWS, BATCH_BYTES = 50_000, 16 << 20
_LINE_SERDES: dict[str, Callable[..., serde_json.Reader]] = {
    serde_json.OPENX: serde_json.OpenX,
    **dict.fromkeys(serde_json.HCATALOG, serde_json.HCatalog),
    serde_csv.OPEN_CSV: serde_csv.OpenCsv,
    serde_csv.LAZY: serde_csv.Lazy,
}
SERDES = (*_LINE_SERDES, parquet_files.SERDE)


@dataclass
class _Group:
    """Mentions of a table that read the same partitions, and so the same rows."""

    table: Table
    partitions: list[Partition]
    scans: list[Scan]
    columns: dict[str, Type] = field(default_factory=dict)


@dataclass
class Loader:
    """One statement's. folder: for files that must lie on the disk; scanned: bytes so far."""

    connection: Any
    s3: Any
    context: Context
    folder: str
    cancelled: threading.Event
    scanned: int = 0

    def load(self, scans: Sequence[Scan]) -> None:
        """Makes each mention's relation."""
        groups: dict[tuple[Any, ...], _Group] = {}
        for scan in scans:
            found = self._partitions(scan)
            key = (scan.table.title, *((each.values, each.location) for each in found))
            group = groups.setdefault(key, _Group(scan.table, found, []))
            group.scans.append(scan)
            group.columns |= scan.columns
        for number, group in enumerate(groups.values()):
            before = self.scanned
            self._load(f"files{number}", group)
            self.scanned += (self.scanned - before) * (len(group.scans) - 1)
            for scan in group.scans:
                self.connection.execute(f"CREATE VIEW {scan.relation} AS FROM files{number}")

    def _partitions(self, scan: Scan) -> list[Partition]:
        table = scan.table
        if not table.keys:
            return [Partition((), table.storage.location, table.storage)]
        now = self.context.now
        return partitions.chosen(self.connection, self.context.catalogue, scan, now=now)

    def _load(self, name: str, group: _Group) -> None:
        keys = [(each, kind) for each, kind in group.table.keys if each in group.columns]
        own = [(each, kind) for each, kind in group.table.columns if each in group.columns]
        path = [(PATH, VARCHAR)] if PATH in group.columns else []
        columns = [*own, *path, *keys]
        shown = [f"{quoted(each)} {duck(kind)}" for each, kind in columns] or ['"none" BOOLEAN']
        self.connection.execute(f"CREATE TABLE {name} ({', '.join(shown)})")
        for partition in group.partitions:
            values = dict(zip((key for key, _ in group.table.keys), partition.values, strict=True))
            fixed = [value_sql(values[key], kind) for key, kind in keys]
            for source in objects(self.s3, partition.location):
                self._load_object(name, group.table, partition, source, own, bool(path), fixed)

    def _load_object(
        self, name: str, table: Table, partition: Partition, source: Object,
        own: list[tuple[str, Type]], with_path: bool, fixed: list[str],
    ) -> None:  # fmt: skip
        if with_path:
            fixed = [f"'{source.address.replace(chr(39), chr(39) * 2)}'", *fixed]
        names = [f"c{number}" for number in range(len(own))]
        values = [*names, *fixed] or ["true"]
        for count, arrays in self._batches(table, partition, source, own):
            self._check()
            if arrays:
                batch = pyarrow.table(arrays, names=names)
            else:
                batch = pyarrow.table({"nothing": pyarrow.nulls(count, pyarrow.int8())})
            self.connection.register("batch", batch)
            self.connection.execute(f"INSERT INTO {name} SELECT {', '.join(values)} FROM batch")
            self.connection.unregister("batch")

    def _check(self) -> None:
        if self.cancelled.is_set():
            raise QueryFailed("Query was canceled by user")

    def _batches(
        self, table: Table, partition: Partition, source: Object, own: list[tuple[str, Type]]
    ) -> Iterator[tuple[int, list[Any]]]:
        storage = partition.storage or table.storage
        if storage.serde == parquet_files.SERDE:
            scanned: list[int] = []
            yield from parquet_files.batches(self.s3, source, own, self.folder, scanned)
            self.scanned += sum(scanned)
            return
        self.scanned += source.size
        reader = _reader(table, storage, own)
        skipped = _header_lines(table)
        values: list[Sequence[Any]] = []
        size = 0
        for number, line in enumerate(lines(self.s3, source)):
            if number < skipped:
                continue
            values.append(reader(line))
            size += len(line)
            if len(values) >= BATCH_ROWS or size >= BATCH_BYTES:
                yield len(values), _arrays(values, own)
                values, size = [], 0
        if values:
            yield len(values), _arrays(values, own)


def _reader(table: Table, storage: Storage, own: list[tuple[str, Type]]) -> serde_json.Reader:
    serde = _LINE_SERDES.get(storage.serde)
    if serde is None:
        raise Unknown(f"the SerDe {storage.serde or '(none)'} of {table.title}")
    places = {name: place for place, (name, _) in enumerate(table.columns)}
    wanted = [(places[name], name, kind) for name, kind in own]
    return serde(wanted, storage.serde_parameters)


def _header_lines(table: Table) -> int:
    text = table.parameters.get("skip.header.line.count", "0")
    if not text.isdigit():
        raise QueryFailed(
            f"HIVE_INVALID_METADATA: Invalid value for skip.header.line.count: {text}"
        )
    return int(text)


def _arrays(values: list[Sequence[Any]], own: list[tuple[str, Type]]) -> list[Any]:
    columns = zip(*values, strict=True)
    return [pyarrow.array(c, arrow(kind)) for c, (_, kind) in zip(columns, own, strict=True)]
