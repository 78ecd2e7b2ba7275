"""Tables, views and partitions as the Glue catalogue has them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airscoop.local.athena.failures import QueryFailed, Unknown
from airscoop.local.athena.types import Type, from_hive

VIEW_START, VIEW_END = "/* Presto View: ", " */"


@dataclass(frozen=True)
class Storage:
    """Where files lie and how they are read."""

    location: str
    serde: str
    serde_parameters: Mapping[str, str]
    input_format: str


@dataclass(frozen=True, eq=False)
class Table:
    """columns and keys: in the table's order, names in lower case."""

    database: str
    name: str
    columns: tuple[tuple[str, Type], ...]
    keys: tuple[tuple[str, Type], ...]
    storage: Storage
    parameters: Mapping[str, str]

    @property
    def title(self) -> str:
        return f"{self.database}.{self.name}"


@dataclass(frozen=True)
class View:
    database: str
    name: str
    sql: str
    catalog: str
    schema: str | None
    columns: tuple[tuple[str, str], ...]  # with Trino's types


@dataclass(frozen=True)
class Partition:
    """values: of the table's keys, as the catalogue's texts."""

    values: tuple[str, ...]
    location: str
    storage: Storage | None = field(default=None, compare=False)


def storage_of(found: Mapping[str, Any]) -> Storage:
    info = found.get("SerdeInfo") or {}
    return Storage(
        location=found.get("Location", ""),
        serde=info.get("SerializationLibrary", ""),
        serde_parameters=dict(info.get("Parameters") or {}),
        input_format=found.get("InputFormat", ""),
    )


def _columns(found: list[Mapping[str, Any]]) -> tuple[tuple[str, Type], ...]:
    return tuple((each["Name"].lower(), from_hive(each.get("Type", "string"))) for each in found)


class Catalogue:
    """Glue, as far as statements need it."""

    def __init__(self, glue: Any) -> None:
        self.glue = glue

    def has_database(self, name: str) -> bool:
        try:
            self.glue.get_database(Name=name)
        except self.glue.exceptions.EntityNotFoundException:
            return False
        return True

    def raw(self, database: str, name: str) -> dict[str, Any] | None:
        """Glue's own words of a table or a view; None where there is none."""
        try:
            found: dict[str, Any] = self.glue.get_table(DatabaseName=database, Name=name)["Table"]
        except self.glue.exceptions.EntityNotFoundException:
            return None
        return found

    def get(self, database: str, name: str) -> Table | View | None:
        found = self.raw(database, name)
        if found is None:
            return None
        if found.get("TableType") == "VIRTUAL_VIEW":
            return _view(database, name, found)
        parameters = dict(found.get("Parameters") or {})
        if parameters.get("table_type", "").upper() in ("ICEBERG", "DELTA", "HUDI"):
            raise Unknown(f"tables of {parameters['table_type']}")
        storage = found["StorageDescriptor"]
        return Table(
            database=database,
            name=name,
            columns=_columns(storage.get("Columns", [])),
            keys=_columns(found.get("PartitionKeys") or []),
            storage=storage_of(storage),
            parameters=parameters,
        )

    def partitions(self, table: Table) -> Iterator[Partition]:
        """Those that are registered."""
        pages = self.glue.get_paginator("get_partitions").paginate(
            DatabaseName=table.database, TableName=table.name
        )
        for page in pages:
            for each in page["Partitions"]:
                storage = storage_of(each.get("StorageDescriptor") or {})
                yield Partition(tuple(each["Values"]), storage.location, storage)

    def databases(self) -> list[str]:
        pages = self.glue.get_paginator("get_databases").paginate()
        return sorted(each["Name"] for page in pages for each in page["DatabaseList"])

    def tables(self, database: str) -> list[dict[str, Any]]:
        pages = self.glue.get_paginator("get_tables").paginate(DatabaseName=database)
        return sorted(
            (each for page in pages for each in page["TableList"]), key=lambda each: each["Name"]
        )


def _view(database: str, name: str, found: Mapping[str, Any]) -> View:
    text = found.get("ViewOriginalText") or ""
    if not text.startswith(VIEW_START):
        raise Unknown(f"the view {database}.{name}, which Hive has made")
    try:
        facts = json.loads(base64.b64decode(text[len(VIEW_START) : -len(VIEW_END)]))
        return View(
            database=database,
            name=name,
            sql=facts["originalSql"],
            catalog=facts.get("catalog", "awsdatacatalog"),
            schema=facts.get("schema"),
            columns=tuple((each["name"], each["type"]) for each in facts["columns"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise QueryFailed(
            f"INVALID_VIEW: Invalid view JSON: the text of {database}.{name} cannot be read"
        ) from error


def view_text(view: View) -> str:
    """ViewOriginalText."""
    facts = {
        "originalSql": view.sql,
        "catalog": view.catalog,
        "schema": view.schema,
        "columns": [{"name": name, "type": kind} for name, kind in view.columns],
    }
    return VIEW_START + base64.b64encode(json.dumps(facts).encode()).decode() + VIEW_END
