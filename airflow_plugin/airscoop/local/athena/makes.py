"""UNLOAD, CREATE TABLE AS and INSERT INTO: statements that write objects."""

from __future__ import annotations

import re
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airscoop.local.athena import ddl
from airscoop.local.athena.answers import Answer
from airscoop.local.athena.ddl_partitions import create_partitions, table_of
from airscoop.local.athena.failures import QueryFailed, Unknown
from airscoop.local.athena.files import is_empty
from airscoop.local.athena.parsing import parse
from airscoop.local.athena.queries import compile_query
from airscoop.local.athena.serde_csv import LAZY
from airscoop.local.athena.serde_json import HCATALOG
from airscoop.local.athena.tables import Table
from airscoop.local.athena.types import Type, common, duck, to_hive
from airscoop.local.athena.with_properties import Properties, cut_query, properties_of
from airscoop.local.athena.writing import Format, Writer, folder

if TYPE_CHECKING:
    from airscoop.local.athena.hive_words import Words
    from airscoop.local.athena.running import Session


def _written(session: Session, writer: Writer, tree: Any, casts: list[Type] | None) -> int:
    """Runs a query into a writer; the bytes that it scanned. casts: what its columns become."""
    with session.result(tree, casts=casts) as result:
        for batch in result.batches():
            for row in batch:
                writer.add(row)
        scanned = result.scanned
    try:
        writer.send()
    except Exception as error:
        raise session.failure(error) from error
    return scanned


def _require_empty(session: Session, location: str) -> None:
    if not is_empty(session.s3, location):
        raise QueryFailed(
            "HIVE_PATH_ALREADY_EXISTS: Target directory already exists and is not empty: "
            f"{location}"
        )


def _split(
    columns: list[tuple[str, Type]], keys: list[str]
) -> tuple[list[tuple[str, Type]], list[tuple[str, Type]]]:
    """Columns and partition columns, which stand last and in their order."""
    names = [name for name, _ in columns]
    if keys and names[-len(keys) :] != keys:
        raise QueryFailed(
            "INVALID_TABLE_PROPERTY: Partition keys must be the last columns in the table and in "
            f"the same order as the table properties: {keys}"
        )
    if len(keys) == len(columns):
        raise QueryFailed("INVALID_TABLE_PROPERTY: Table contains only partition columns")
    width = len(columns) - len(keys)
    return columns[:width], columns[width:]


# --- unload --------------------------------------------------------------------------------------


def unload(session: Session, statement: str) -> Answer:
    sql, rest = cut_query(statement)
    rest.expect("TO")
    location = rest.string()
    given = Properties()
    if rest.accept("WITH"):
        given = properties_of(rest)
    rest.end()
    form = Format(
        given.need("format").upper(),
        given.text("compression", "GZIP").upper(),
        given.text("field_delimiter", "\x01"),
    )
    tree = parse(sql)
    query = compile_query(tree, None, session.context())
    keys = [each.lower() for each in given.names("partitioned_by")]
    given.end()
    named = [(each.name or f"_col{n}", each.type) for n, each in enumerate(query.columns)]
    columns, partition = _split(named, keys)
    _require_empty(session, location)
    with tempfile.TemporaryDirectory(prefix="airscoop-athena-") as place:
        writer = Writer(
            session.s3, location, form, columns, partition, Path(place), session.query_id
        )
        scanned = _written(session, writer, tree, None)
    return Answer(
        "DML", "UNLOAD", scanned_bytes=scanned, written=tuple(writer.written),
        update_count=writer.rows,
    )  # fmt: skip


# --- create table as -----------------------------------------------------------------------------

_SERDES = {
    "PARQUET": (ddl.PARQUET_SERDE, ddl.PARQUET_INPUT, ddl.PARQUET_OUTPUT),
    "TEXTFILE": (LAZY, ddl.TEXT_INPUT, ddl.TEXT_OUTPUT),
    "JSON": (HCATALOG[0], ddl.TEXT_INPUT, ddl.TEXT_OUTPUT),
}


def create_table_as(session: Session, words: Words) -> Answer:
    quiet = words.accept("IF", "NOT", "EXISTS")
    database, name = ddl.place_of(session, words.table())
    given = properties_of(words) if words.accept("WITH") else Properties()
    words.expect("AS")
    sql, empty = _without_data(words.rest())
    if session.catalogue.raw(database, name) is not None:
        if quiet:
            return Answer("DDL", "CREATE_TABLE_AS_SELECT", written=(), update_count=0)
        raise QueryFailed(
            f"TABLE_ALREADY_EXISTS: line 1:1: Table 'awsdatacatalog.{database}.{name}' already "
            "exists"
        )
    if not session.catalogue.has_database(database):
        raise QueryFailed(f"SCHEMA_NOT_FOUND: line 1:1: Schema {database} not found")
    form = _format(given)
    tree = parse(sql)
    named = ddl.named_columns(compile_query(tree, None, session.context()))
    keys = [each.lower() for each in given.names("partitioned_by")]
    location = given.text("external_location", "") or _own_place(session)
    given.end()
    columns, partition = _split(named, keys)
    types = [(column, to_hive(kind)) for column, kind in (*columns, *partition)]
    _require_empty(session, location)
    with tempfile.TemporaryDirectory(prefix="airscoop-athena-") as place:
        writer = Writer(
            session.s3, location, form, columns, partition, Path(place), session.query_id
        )
        scanned = 0 if empty else _written(session, writer, tree, None)
    _register(session, database, name, location, form, types, len(partition))
    table, raw = table_of(session, database, name)
    _add_partitions(session, table, raw, writer)
    return Answer(
        "DDL", "CREATE_TABLE_AS_SELECT", scanned_bytes=scanned, written=tuple(writer.written),
        update_count=writer.rows,
    )  # fmt: skip


def _without_data(sql: str) -> tuple[str, bool]:
    found = re.fullmatch(r"(.*?)\bWITH\s+(NO\s+)?DATA\s*", sql, re.DOTALL | re.IGNORECASE)
    return (found[1], bool(found[2])) if found else (sql, False)


def _format(given: Properties) -> Format:
    name = given.text("format", "PARQUET").upper()
    compression = given.text("write_compression", "")
    for old in ("parquet_compression",):
        compression = compression or given.text(old, "")
    if given.text("table_type", "HIVE").upper() != "HIVE":
        raise Unknown("CREATE TABLE AS of a table_type that is not HIVE")
    if given.has("bucketed_by") or given.has("bucket_count"):
        raise Unknown("buckets: bucketed_by")
    given.text("is_external", "true")
    return Format(name, (compression or "GZIP").upper(), given.text("field_delimiter", "\x01"))


def _own_place(session: Session) -> str:
    if session.output is None:
        raise QueryFailed(
            "INVALID_TABLE_PROPERTY: external_location is missing and the query has no result place"
        )
    return f"{session.output.rstrip('/')}/tables/{session.query_id}/"


def _register(
    session: Session, database: str, name: str, location: str, form: Format,
    types: list[tuple[str, str]], keys: int,
) -> None:  # fmt: skip
    serde, input_format, output_format = _SERDES[form.name]
    columns = [{"Name": column, "Type": kind} for column, kind in types]
    width = len(columns) - keys
    parameters = {"EXTERNAL": "TRUE", "has_encrypted_data": "false"}
    parameters["transient_lastDdlTime"] = str(int(time.time()))
    if form.name == "PARQUET":
        parameters["parquet.compression"] = form.compression
    session.catalogue.glue.create_table(
        DatabaseName=database,
        TableInput={
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "Owner": "hadoop",
            "Parameters": parameters,
            "PartitionKeys": columns[width:],
            "StorageDescriptor": {
                "Columns": columns[:width],
                "Location": location,
                "InputFormat": input_format,
                "OutputFormat": output_format,
                "SerdeInfo": {
                    "SerializationLibrary": serde,
                    "Parameters": _serde_parameters(form),
                },
            },
        },
    )


def _serde_parameters(form: Format) -> dict[str, str]:
    if form.name != "TEXTFILE":
        return {"serialization.format": "1"}
    if form.delimiter == "\x01":
        return {"serialization.format": "1"}
    return {"field.delim": form.delimiter, "serialization.format": form.delimiter}


def _add_partitions(session: Session, table: Table, raw: dict[str, Any], writer: Writer) -> None:
    if not writer.keys:
        return
    names = [name for name, _ in writer.keys]
    root = writer.location.rstrip("/")
    inputs = [
        {
            "Values": list(texts),
            "StorageDescriptor": {
                **raw["StorageDescriptor"],
                "Location": f"{root}/{folder(names, texts)}".rstrip("/"),
            },
        }
        for texts in writer.partitions
    ]
    create_partitions(session, table, inputs, quiet=True)


# --- insert --------------------------------------------------------------------------------------


def insert(session: Session, words: Words) -> Answer:
    database, name = ddl.place_of(session, words.table())
    if session.catalogue.raw(database, name) is None:
        raise QueryFailed(
            f"TABLE_NOT_FOUND: line 1:1: Table 'awsdatacatalog.{database}.{name}' does not exist"
        )
    table, raw = table_of(session, database, name)
    form = _insert_format(table)
    wanted = _named_columns(words, table)
    tree = parse(words.rest())
    context = session.context()
    query = compile_query(tree, None, context)
    ordered = [*table.columns, *table.keys]
    kinds = dict(ordered)
    targets = [kinds[column] for column in wanted]
    if len(targets) != len(query.columns) or not all(
        _storable(each.type, kind) for each, kind in zip(query.columns, targets, strict=True)
    ):
        shown = ", ".join(map(str, targets))
        found = ", ".join(str(each.type) for each in query.columns)
        raise QueryFailed(
            "TYPE_MISMATCH: line 1:1: Insert query has mismatched column types: "
            f"Table: [{shown}], Query: [{found}]"
        )
    with tempfile.TemporaryDirectory(prefix="airscoop-athena-") as place:
        writer = Writer(
            session.s3, table.storage.location, form, list(table.columns), list(table.keys),
            Path(place), session.query_id,
        )  # fmt: skip
        arranged = _Arranged(writer, wanted, [column for column, _ in ordered])
        scanned = _written(session, arranged, tree, targets)  # type: ignore[arg-type]
    _add_partitions(session, table, raw, writer)
    return Answer(
        "DML", "INSERT", scanned_bytes=scanned, written=tuple(writer.written),
        update_count=writer.rows,
    )  # fmt: skip


class _Arranged:
    """A writer that takes the columns of a statement in their own order."""

    def __init__(self, writer: Writer, given: list[str], wanted: list[str]) -> None:
        self._writer = writer
        self._places = [given.index(name) if name in given else None for name in wanted]

    def add(self, row: Any) -> None:
        self._writer.add([None if place is None else row[place] for place in self._places])

    def send(self) -> None:
        self._writer.send()


def _storable(source: Type, kind: Type) -> bool:
    if source.is_text and kind.is_text:
        return True
    both = common(source, kind)
    return both is not None and duck(both) == duck(kind)


def _named_columns(words: Words, table: Table) -> list[str]:
    names = [name for name, _ in (*table.columns, *table.keys)]
    if words.peek() != "(" or words.peek(1) in ("SELECT", "WITH", "VALUES", "("):
        return names
    words.expect("(")
    found = []
    while True:
        name = words.name()
        if name not in names:
            raise QueryFailed(
                "COLUMN_NOT_FOUND: line 1:1: Insert column name does not exist in target "
                f"table: {name}"
            )
        found.append(name)
        if words.accept(")"):
            return found
        words.expect(",")


def _insert_format(table: Table) -> Format:
    serde = table.storage.serde
    if serde == ddl.PARQUET_SERDE:
        chosen = table.parameters.get("parquet.compression", "GZIP").upper()
        return Format("PARQUET", "NONE" if chosen == "UNCOMPRESSED" else chosen)
    if serde in HCATALOG:
        return Format("JSON")
    if serde == LAZY:
        given = table.storage.serde_parameters
        if given.get("escape.delim"):
            raise Unknown("INSERT INTO a table of escaped text")
        return Format("TEXTFILE", delimiter=given.get("field.delim", "\x01"))
    raise QueryFailed(
        f"HIVE_UNSUPPORTED_FORMAT: Output format {table.storage.input_format} with SerDe {serde} "
        "is not supported."
    )
