"""CREATE and DROP of databases, external tables and views; ALTER TABLE; MSCK."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from airscoop.local.athena.answers import Answer
from airscoop.local.athena.failures import QueryFailed, Unknown
from airscoop.local.athena.hive_words import Words
from airscoop.local.athena.parsing import parse
from airscoop.local.athena.queries import compile_query
from airscoop.local.athena.serde_csv import LAZY
from airscoop.local.athena.serde_json import HCATALOG
from airscoop.local.athena.tables import View, view_text
from airscoop.local.athena.types import from_hive, to_hive

if TYPE_CHECKING:
    from airscoop.local.athena.running import Session

TEXT_INPUT = "org.apache.hadoop.mapred.TextInputFormat"
TEXT_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
PARQUET_INPUT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
PARQUET_OUTPUT = "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
PARQUET_SERDE = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
_DDL_TASK = "FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. "


def ddl_failed(words: str) -> QueryFailed:
    return QueryFailed(_DDL_TASK + words)


def no_table(database: str, name: str) -> QueryFailed:
    return QueryFailed(
        f"FAILED: SemanticException [Error 10001]: Table not found {database}.{name}"
    )


def no_database(name: str) -> QueryFailed:
    return QueryFailed(f"FAILED: SemanticException [Error 10072]: Database does not exist: {name}")


def place_of(session: Session, found: tuple[str | None, str]) -> tuple[str, str]:
    """A table's database and name; the database is the session's if none is said."""
    database = found[0] or session.database
    if database is None:
        raise QueryFailed("SYNTAX_ERROR: Schema must be specified when session schema is not set")
    return database.lower(), found[1]


# --- databases -----------------------------------------------------------------------------------


def create_database(session: Session, words: Words) -> Answer:
    quiet = words.accept("IF", "NOT", "EXISTS")
    facts: dict[str, Any] = {"Name": words.name()}
    while not words.at_end():
        if words.accept("COMMENT"):
            facts["Description"] = words.string()
        elif words.accept("LOCATION"):
            facts["LocationUri"] = words.string()
        elif words.accept("WITH", "DBPROPERTIES"):
            facts["Parameters"] = words.properties()
        else:
            raise words.error()
    glue = session.catalogue.glue
    try:
        glue.create_database(DatabaseInput=facts)
    except glue.exceptions.AlreadyExistsException as error:
        if not quiet:
            raise ddl_failed(f"Database {facts['Name']} already exists") from error
    return Answer("DDL", "CREATE_DATABASE")


def drop_database(session: Session, words: Words) -> Answer:
    quiet = words.accept("IF", "EXISTS")
    name = words.name()
    cascade = words.accept("CASCADE")
    if not cascade:
        words.accept("RESTRICT")
    words.end()
    catalogue = session.catalogue
    if not catalogue.has_database(name):
        if quiet:
            return Answer("DDL", "DROP_DATABASE")
        raise no_database(name)
    if not cascade and catalogue.tables(name):
        raise ddl_failed(
            f"InvalidOperationException(message:Database {name} is not empty. One or more tables "
            "exist.)"
        )
    for each in catalogue.tables(name):
        catalogue.glue.delete_table(DatabaseName=name, Name=each["Name"])
    catalogue.glue.delete_database(Name=name)
    return Answer("DDL", "DROP_DATABASE")


# --- external tables -----------------------------------------------------------------------------


@dataclass
class _Definition:
    """What CREATE EXTERNAL TABLE says."""

    columns: list[dict[str, str]] = field(default_factory=list)
    keys: list[dict[str, str]] = field(default_factory=list)
    serde: str = ""
    serde_parameters: dict[str, str] = field(default_factory=dict)
    input_format: str = ""
    output_format: str = ""
    location: str = ""
    comment: str = ""
    parameters: dict[str, str] = field(default_factory=dict)


def create_table(session: Session, words: Words) -> Answer:
    quiet = words.accept("IF", "NOT", "EXISTS")
    database, name = place_of(session, words.table())
    found = _Definition()
    words.expect("(")
    found.columns = _columns(words)
    while not words.at_end():
        _clause(words, found)
    _complete(found)
    _create(session, database, name, found, quiet=quiet)
    return Answer("DDL", "CREATE_TABLE")


def _columns(words: Words) -> list[dict[str, str]]:
    """`name type [COMMENT '…'], …)`, after the opening parenthesis."""
    found: list[dict[str, str]] = []
    while True:
        column = {"Name": words.name(), "Type": _type(words)}
        if words.accept("COMMENT"):
            column["Comment"] = words.string()
        if column["Name"] in [each["Name"] for each in found]:
            raise QueryFailed(
                f"FAILED: SemanticException [Error 10036]: Duplicate column name: {column['Name']}"
            )
        found.append(column)
        if words.accept(")"):
            return found
        words.expect(",")


def _type(words: Words) -> str:
    """A type's text up to the comma, parenthesis or COMMENT behind it."""
    depth, parts = 0, []
    while True:
        word = words.peek()
        if not word or (depth == 0 and word in (",", ")", "COMMENT")):
            break
        depth += (word in "<(") - (word in ">)")
        parts.append(words.next().text)
    text = "".join(parts).lower()
    if not text:
        raise words.error()
    from_hive(text)
    return text


def _clause(words: Words, found: _Definition) -> None:
    if words.accept("COMMENT"):
        found.comment = words.string()
    elif words.accept("PARTITIONED", "BY", "("):
        found.keys = _columns(words)
    elif words.accept("ROW", "FORMAT", "SERDE"):
        found.serde = words.string()
        if words.accept("WITH", "SERDEPROPERTIES"):
            found.serde_parameters = words.properties()
    elif words.accept("ROW", "FORMAT", "DELIMITED"):
        _delimited(words, found)
    elif words.accept("WITH", "SERDEPROPERTIES"):
        found.serde_parameters |= words.properties()
    elif words.accept("STORED", "AS"):
        _stored(words, found)
    elif words.accept("LOCATION"):
        found.location = words.string()
    elif words.accept("TBLPROPERTIES"):
        found.parameters = words.properties()
    elif words.accept("CLUSTERED"):
        raise Unknown("CLUSTERED BY")
    else:
        raise words.error()


def _delimited(words: Words, found: _Definition) -> None:
    found.serde = LAZY
    parameters = found.serde_parameters
    while True:
        if words.accept("FIELDS", "TERMINATED", "BY"):
            parameters["field.delim"] = parameters["serialization.format"] = words.string()
        elif words.accept("ESCAPED", "BY"):
            parameters["escape.delim"] = words.string()
        elif words.accept("COLLECTION", "ITEMS", "TERMINATED", "BY"):
            parameters["collection.delim"] = words.string()
        elif words.accept("MAP", "KEYS", "TERMINATED", "BY"):
            parameters["mapkey.delim"] = words.string()
        elif words.accept("LINES", "TERMINATED", "BY"):
            parameters["line.delim"] = words.string()
        elif words.accept("NULL", "DEFINED", "AS"):
            parameters["serialization.null.format"] = words.string()
        else:
            return


def _stored(words: Words, found: _Definition) -> None:
    if words.accept("INPUTFORMAT"):
        found.input_format = words.string()
        words.expect("OUTPUTFORMAT")
        found.output_format = words.string()
        return
    kind = words.next().upper
    formats = {
        "TEXTFILE": (TEXT_INPUT, TEXT_OUTPUT, LAZY),
        "PARQUET": (PARQUET_INPUT, PARQUET_OUTPUT, PARQUET_SERDE),
        "JSONFILE": (TEXT_INPUT, TEXT_OUTPUT, HCATALOG[0]),
    }
    if kind not in formats:
        raise Unknown(f"STORED AS {kind}")
    found.input_format, found.output_format, serde = formats[kind]
    found.serde = found.serde or serde


def _complete(found: _Definition) -> None:
    if not found.location.startswith("s3://"):
        raise ddl_failed(
            "MetaException(message:No location was given, or none that begins with s3://)"
        )
    found.serde = found.serde or LAZY
    found.input_format = found.input_format or TEXT_INPUT
    found.output_format = found.output_format or TEXT_OUTPUT
    both = {each["Name"] for each in found.columns} & {each["Name"] for each in found.keys}
    if both:
        raise QueryFailed(
            "FAILED: SemanticException [Error 10035]: Column repeated in partitioning columns"
        )
    if found.serde == LAZY:
        found.serde_parameters.setdefault("serialization.format", "1")


def _create(session: Session, database: str, name: str, found: _Definition, *, quiet: bool) -> None:
    table: dict[str, Any] = {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Owner": "hadoop",
        "Parameters": {
            "EXTERNAL": "TRUE",
            "transient_lastDdlTime": str(int(time.time())),
            **found.parameters,
        },
        "PartitionKeys": found.keys,
        "StorageDescriptor": {
            "Columns": found.columns,
            "Location": found.location,
            "InputFormat": found.input_format,
            "OutputFormat": found.output_format,
            "Compressed": False,
            "NumberOfBuckets": -1,
            "SerdeInfo": {
                "SerializationLibrary": found.serde,
                "Parameters": found.serde_parameters,
            },
        },
    }
    if found.comment:
        table["Description"] = found.comment
    glue = session.catalogue.glue
    try:
        glue.create_table(DatabaseName=database, TableInput=table)
    except glue.exceptions.AlreadyExistsException as error:
        if not quiet:
            raise ddl_failed(
                f"AlreadyExistsException(message:Table {name} already exists.)"
            ) from error
    except glue.exceptions.EntityNotFoundException as error:
        raise no_database(database) from error


def drop_table(session: Session, words: Words, *, view: bool) -> Answer:
    quiet = words.accept("IF", "EXISTS")
    database, name = place_of(session, words.table())
    words.accept("PURGE")
    words.end()
    found = session.catalogue.raw(database, name)
    kind = "DROP_VIEW" if view else "DROP_TABLE"
    if found is None:
        if not quiet:
            raise no_table(database, name)
        return Answer("DDL", kind)
    if (found.get("TableType") == "VIRTUAL_VIEW") != view:
        one, other = ("a base table", "DROP VIEW") if view else ("a view", "DROP TABLE")
        raise ddl_failed(f"Cannot drop {one} with {other}")
    session.catalogue.glue.delete_table(DatabaseName=database, Name=name)
    return Answer("DDL", kind)


# --- views ---------------------------------------------------------------------------------------


def create_view(session: Session, words: Words, *, replace: bool) -> Answer:
    database, name = place_of(session, words.table())
    words.expect("AS")
    sql = words.rest()
    query = compile_query(parse(sql), None, session.context())
    columns = named_columns(query)
    view = View(
        database=database,
        name=name,
        sql=sql,
        catalog="awsdatacatalog",
        schema=(session.database or database).lower(),
        columns=tuple((column, str(kind)) for column, kind in columns),
    )
    before = session.catalogue.raw(database, name)
    if before is not None and (not replace or before.get("TableType") != "VIRTUAL_VIEW"):
        raise QueryFailed(
            "TABLE_ALREADY_EXISTS: line 1:1: View already exists: "
            f"'awsdatacatalog.{database}.{name}'"
        )
    _keep_view(session, view, columns, exists=before is not None)
    return Answer("DDL", "CREATE_VIEW")


def named_columns(query: Any) -> list[tuple[str, Any]]:
    """The columns of a query that becomes a table or a view; each needs a name of its own."""
    names: list[str] = []
    for number, column in enumerate(query.columns, 1):
        if column.name is None:
            raise QueryFailed(
                f"MISSING_COLUMN_NAME: line 1:1: Column name not specified at position {number}"
            )
        if column.name in names:
            raise QueryFailed(
                f"DUPLICATE_COLUMN_NAME: line 1:1: Column name '{column.name}' specified more than "
                "once"
            )
        names.append(column.name)
    return [(name, column.type) for name, column in zip(names, query.columns, strict=True)]


def _keep_view(session: Session, view: View, columns: list[Any], *, exists: bool) -> None:
    def hive(kind: Any) -> str:
        try:
            return to_hive(kind)
        except Unknown:
            return "string"

    table = {
        "Name": view.name,
        "TableType": "VIRTUAL_VIEW",
        "Owner": "hadoop",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "ViewOriginalText": view_text(view),
        "ViewExpandedText": "/* Presto View */",
        "PartitionKeys": [],
        "StorageDescriptor": {
            "Columns": [{"Name": name, "Type": hive(kind)} for name, kind in columns],
            "Location": "",
            "SerdeInfo": {},
        },
    }
    glue = session.catalogue.glue
    try:
        if exists:
            glue.update_table(DatabaseName=view.database, TableInput=table)
        else:
            glue.create_table(DatabaseName=view.database, TableInput=table)
    except glue.exceptions.EntityNotFoundException as error:
        raise no_database(view.database) from error
