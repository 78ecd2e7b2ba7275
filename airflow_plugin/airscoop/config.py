"""The YAML files beside the DAGs: read strictly, so that a typing error names itself."""

from __future__ import annotations

import dataclasses
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NewType, TypeVar

from airscoop.deltas.options import Duplicates, SchemaChange, TableFormat

Format = Literal["jsonl", "python-literal"]  # of records: raw bytes are no rows of a table
Mode = Literal["keep", "replace"]
Ratio = NewType("Ratio", float)
Record = TypeVar("Record")


class ConfigError(ValueError):
    """A configuration file is wrong; the message names the file, the entry and the field."""


@dataclass(frozen=True, kw_only=True)
class BestsellersSource:
    """One source of the DAG bestsellers, as dags/config/bestsellers_data_sources.yml explains."""

    name: str
    file_url: str
    bucket_dir: str
    partition_key: str
    external_dbtable: str
    dbtable: str
    columns: list[str]
    distinct_on_columns: list[str]
    format: Format
    order_by: list[str]
    mode: Mode
    max_rejected: int
    pool: str


@dataclass(frozen=True, kw_only=True)
class SnapshotTable:
    """One table of the DAG snapshot_delta, as dags/config/snapshot_delta.yml explains."""

    tenant: str
    table: str
    key: list[str]
    format: TableFormat
    duplicates: Duplicates
    schema_change: SchemaChange
    max_delete_ratio: Ratio
    min_rows: int

    @property
    def name(self) -> str:
        """TENANT/TABLE."""
        return f"{self.tenant}/{self.table}"


@dataclass(frozen=True, kw_only=True)
class SnapshotDelta:
    """The DAG snapshot_delta: its places, and its tables."""

    bucket: str
    complete_marker: str | None
    changes: str
    registry: str
    stream: str
    aws_conn_id: str
    poll_seconds: int
    retry_seconds: int
    tables: list[SnapshotTable]


def load_bestsellers_sources(path: Path) -> list[BestsellersSource]:
    """Reads the list `sources` of the file; raises ConfigError."""
    document = _document(path)
    entries = document.get("sources") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries or set(document) != {"sources"}:
        raise ConfigError(f"{path}: expected one field, sources, with a list of sources")
    sources = []
    for number, entry in enumerate(entries, start=1):
        place, source = _record(path, "source", number, entry, BestsellersSource)
        _check_values(place, source)
        sources.append(source)
    _check_names(path, "sources", [source.name for source in sources])
    return sources


def load_snapshot_delta(path: Path) -> SnapshotDelta:
    """Reads the file of the DAG snapshot_delta; raises ConfigError."""
    document = _document(path)
    entries = document.get("tables") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not entries:
        raise ConfigError(f"{path}: expected a mapping of fields, tables among them, a list")
    tables = []
    for number, entry in enumerate(entries, start=1):
        place, table = _record(path, "table", number, entry, SnapshotTable)
        if not table.key:
            raise ConfigError(f"{place}: field key must name at least one column")
        for field in ("tenant", "table"):
            if "/" in getattr(table, field):
                raise ConfigError(f"{place}: field {field} must not contain a slash")
        tables.append(table)
    _check_names(path, "tables", [table.name for table in tables])
    _check_fields(str(path), document, SnapshotDelta)
    if not document["changes"].startswith("s3://"):
        raise ConfigError(f"{path}: field changes must begin with s3://")
    return SnapshotDelta(**{**document, "tables": tables})


def _document(path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = "" if mark is None else f", line {mark.line + 1}"
        raise ConfigError(f"{path}{line}: {error.problem or error.context}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error


def _check_names(path: Path, what: str, names: list[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{path}: two {what} are named {name}")


def _record(
    path: Path, what: str, number: int, entry: object, kind: type[Record]
) -> tuple[str, Record]:
    """One entry of a list, checked field by field, and how to name it in an error."""
    if not isinstance(entry, dict):
        raise ConfigError(f"{path}: {what} {number} is not a mapping of fields")
    place = f"{path}: {what} {entry.get('name', entry.get('table', number))}"
    _check_fields(place, entry, kind)
    return place, kind(**entry)


def _check_fields(place: str, entry: dict[str, Any], kind: type[Any]) -> None:
    types = typing.get_type_hints(kind)
    for unknown in entry.keys() - types.keys():
        raise ConfigError(f"{place}: unknown field {unknown}")
    for field in dataclasses.fields(kind):
        if field.name not in entry:
            raise ConfigError(f"{place}: missing field {field.name}")
        _check_type(place, field.name, types[field.name], entry[field.name])


def _check_type(place: str, field: str, expected: Any, value: object) -> None:
    if typing.get_origin(expected) is Literal:
        fits = value in typing.get_args(expected)
        what = f"one of {', '.join(typing.get_args(expected))}"
    elif expected is Ratio:
        fits = type(value) in (int, float) and 0 <= value <= 1  # type: ignore[operator]
        what = "a number from 0 to 1"
    elif expected is int:
        fits = type(value) is int and value >= 0
        what = "a number, 0 or more"
    elif expected is str:
        fits = isinstance(value, str) and value != ""
        what = "a text"
    elif expected == str | None:
        fits = value is None or (isinstance(value, str) and value != "")
        what = "a text, or null"
    elif expected == list[str]:
        fits = isinstance(value, list) and all(isinstance(item, str) for item in value)
        what = "a list of texts"
    else:
        # A list of records, each checked by itself.
        fits, what = isinstance(value, list), "a list"
    if not fits:
        raise ConfigError(f"{place}: field {field} must be {what}, not {value!r}")


def _check_values(place: str, source: BestsellersSource) -> None:
    if source.mode == "replace" and not source.order_by:
        raise ConfigError(f"{place}: field order_by must name a column where mode is replace")
    if not source.bucket_dir.startswith("s3://"):
        raise ConfigError(f"{place}: field bucket_dir must begin with s3://")
    if source.bucket_dir.endswith("/"):
        raise ConfigError(f"{place}: field bucket_dir must not end with a slash")
    for field in ("columns", "distinct_on_columns"):
        if not getattr(source, field):
            raise ConfigError(f"{place}: field {field} must name at least one column")
    for field in ("distinct_on_columns", "order_by"):
        for column in getattr(source, field):
            if column not in source.columns:
                raise ConfigError(f"{place}: field {field} names {column}, which columns lacks")
