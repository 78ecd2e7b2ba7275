"""Recognisers of Redshift's DDL for external schemas, tables and partitions.

Each takes the tokens of one statement and gives a command, or raises the error Redshift's user
would see. `recognise` gives None for a statement that is none of them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

from airscoop.local.redshift import columns
from airscoop.local.redshift.columns import Column
from airscoop.local.redshift.cursor import Cursor
from airscoop.local.redshift.errors import SqlError
from airscoop.local.redshift.tokens import Kind, Token

MOST_PARTITIONS_PER_STATEMENT = 100
JSON_SERDE = "org.openx.data.jsonserde.JsonSerDe"
_EXTERNAL_SETTINGS = {("SET", "LOCATION"), ("TABLE", "PROPERTIES")}
_SERDE_PROPERTIES = {
    "case.insensitive": ("true",),
    "ignore.malformed.json": ("true", "false"),
    "dots.in.keys": ("false",),
}


@dataclass(frozen=True)
class TableName:
    schema: str
    table: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}"


@dataclass(frozen=True)
class Partition:
    values: dict[str, str]
    location: str


@dataclass(frozen=True)
class CreateSchema:
    schema: str
    database: str
    if_not_exists: bool
    options: dict[str, str]
    title = "CREATE EXTERNAL SCHEMA"
    tag = "CREATE SCHEMA"


@dataclass(frozen=True)
class CreateTable:
    name: TableName
    columns: list[Column]
    partition_columns: list[Column]
    serde: str
    serde_properties: dict[str, str]
    location: str
    properties: dict[str, str]
    title = "CREATE EXTERNAL TABLE"
    tag = "CREATE EXTERNAL TABLE"


@dataclass(frozen=True)
class AddPartitions:
    name: TableName
    partitions: list[Partition]
    if_not_exists: bool
    title = "ALTER EXTERNAL TABLE"
    tag = "ALTER TABLE"


@dataclass(frozen=True)
class SetPartitionLocation:
    name: TableName
    partition: Partition
    title = "ALTER EXTERNAL TABLE"
    tag = "ALTER TABLE"


@dataclass(frozen=True)
class DropPartition:
    name: TableName
    values: dict[str, str]
    title = "ALTER EXTERNAL TABLE"
    tag = "ALTER TABLE"


@dataclass(frozen=True)
class SetTableLocation:
    name: TableName
    location: str
    title = "ALTER EXTERNAL TABLE"
    tag = "ALTER TABLE"


@dataclass(frozen=True)
class SetTableProperties:
    name: TableName
    properties: dict[str, str]
    title = "ALTER EXTERNAL TABLE"
    tag = "ALTER TABLE"


@dataclass(frozen=True)
class DropTables:
    """Only the catalogue knows whether these are external; otherwise PostgreSQL drops them."""

    names: list[TableName] = field(default_factory=list)
    if_exists: bool = False
    cascade: bool = False
    title = "DROP EXTERNAL TABLE"
    tag = "DROP TABLE"


Command = (
    CreateSchema
    | CreateTable
    | AddPartitions
    | SetPartitionLocation
    | DropPartition
    | SetTableLocation
    | SetTableProperties
    | DropTables
)


def _table_name(cursor: Cursor) -> TableName:
    first = cursor.name()
    if not cursor.accept("."):
        raise SqlError("42601", f'external table "{first}" must be written with its schema')
    return TableName(first, cursor.name())


def _string_pairs(cursor: Cursor) -> dict[str, str]:
    """('a'='b', …)"""
    pairs = {}
    cursor.expect("(")
    while True:
        key = cursor.string()
        cursor.expect("=")
        pairs[key] = cursor.string()
        if not cursor.accept(","):
            break
    cursor.expect(")")
    return pairs


def _create_schema(cursor: Cursor) -> CreateSchema:
    if_not_exists = cursor.accept("IF", "NOT", "EXISTS")
    schema = cursor.name()
    cursor.expect("FROM")
    if not cursor.accept("DATA", "CATALOG"):
        token = cursor.peek()
        source = token.text if token else ""
        raise SqlError("0A000", f"the stand-in serves FROM DATA CATALOG only, not FROM {source}")
    cursor.expect("DATABASE")
    database = cursor.string()
    options: dict[str, str] = {}
    while not cursor.at_end():
        if cursor.accept("CREATE", "EXTERNAL", "DATABASE", "IF", "NOT", "EXISTS"):
            continue
        option = cursor.word()
        if option not in ("REGION", "IAM_ROLE", "CATALOG_ROLE", "CATALOG_ID"):
            raise SqlError("42601", f'syntax error at or near "{option.lower()}"')
        if option == "IAM_ROLE" and cursor.accept("DEFAULT"):
            options[option] = "default"
        else:
            options[option] = cursor.string()
    if "IAM_ROLE" not in options:
        raise SqlError("42601", "CREATE EXTERNAL SCHEMA needs an IAM_ROLE")
    return CreateSchema(schema, database, if_not_exists, options)


def _column(cursor: Cursor) -> Column:
    name = cursor.name()
    words = [cursor.word().lower()]
    if words[0] == "double":
        cursor.expect("PRECISION")
        words.append("precision")
    elif words[0] == "character" and cursor.accept("VARYING"):
        words.append("varying")
    elif words[0] == "timestamp" and cursor.accept("WITHOUT", "TIME", "ZONE"):
        words.append("without time zone")
    arguments: list[str] = []
    if cursor.accept("("):
        while not cursor.accept(")"):
            if cursor.accept(","):
                continue
            arguments.append("max" if cursor.accept("MAX") else cursor.literal())
    return columns.column(name, " ".join(words), arguments)


def _columns(cursor: Cursor) -> list[Column]:
    found = []
    cursor.expect("(")
    while True:
        found.append(_column(cursor))
        if not cursor.accept(","):
            break
    cursor.expect(")")
    return found


def _row_format(cursor: Cursor) -> tuple[str, dict[str, str]]:
    if not cursor.accept("ROW", "FORMAT", "SERDE"):
        raise SqlError("0A000", f"the stand-in reads ROW FORMAT SERDE '{JSON_SERDE}' only")
    serde = cursor.string()
    if serde != JSON_SERDE:
        raise SqlError("0A000", f"the stand-in reads {JSON_SERDE} only, not {serde}")
    properties = {}
    if cursor.accept("WITH", "SERDEPROPERTIES"):
        properties = _string_pairs(cursor)
    for key, value in properties.items():
        if value.lower() not in _SERDE_PROPERTIES.get(key, ()):
            raise SqlError("0A000", f"the stand-in does not know the property '{key}'='{value}'")
    return serde, properties


def _stored_as(cursor: Cursor) -> None:
    cursor.expect("STORED", "AS")
    if cursor.accept("TEXTFILE"):
        return
    if cursor.accept("INPUTFORMAT"):
        cursor.string()
        cursor.expect("OUTPUTFORMAT")
        cursor.string()
        return
    raise SqlError("0A000", f"{JSON_SERDE} needs STORED AS TEXTFILE")


def _no_column_twice(found: Sequence[Column]) -> None:
    seen: set[str] = set()
    for item in found:
        if item.name in seen:
            raise SqlError("42701", f'column "{item.name}" is specified more than once')
        seen.add(item.name)


def _create_table(cursor: Cursor) -> CreateTable:
    name = _table_name(cursor)
    data = _columns(cursor)
    partitioned: list[Column] = []
    if cursor.accept("PARTITIONED", "BY"):
        partitioned = _columns(cursor)
    _no_column_twice([*data, *partitioned])
    serde, serde_properties = _row_format(cursor)
    _stored_as(cursor)
    cursor.expect("LOCATION")
    location = cursor.string()
    properties: dict[str, str] = {}
    if cursor.accept("TABLE", "PROPERTIES"):
        properties = _string_pairs(cursor)
    if cursor.accept("AS"):
        raise SqlError("0A000", "the stand-in does not write external tables")
    cursor.end()
    return CreateTable(name, data, partitioned, serde, serde_properties, location, properties)


def _partition_values(cursor: Cursor) -> dict[str, str]:
    values: dict[str, str] = {}
    cursor.expect("PARTITION", "(")
    while True:
        key = cursor.name()
        if key in values:
            raise SqlError("42701", f'partition column "{key}" is specified more than once')
        cursor.expect("=")
        values[key] = cursor.literal()
        if not cursor.accept(","):
            break
    cursor.expect(")")
    return values


def _add_partitions(cursor: Cursor, name: TableName) -> AddPartitions:
    if_not_exists = cursor.accept("IF", "NOT", "EXISTS")
    partitions = []
    while not cursor.at_end():
        values = _partition_values(cursor)
        cursor.expect("LOCATION")
        partitions.append(Partition(values, cursor.string()))
    if not partitions:
        raise cursor.error()
    if len(partitions) > MOST_PARTITIONS_PER_STATEMENT:
        raise SqlError(
            "54000",
            f"{len(partitions)} partitions in one ALTER TABLE … ADD PARTITION: "
            f"at most {MOST_PARTITIONS_PER_STATEMENT} are allowed",
        )
    return AddPartitions(name, partitions, if_not_exists)


def _alter_table(tokens: Sequence[Token]) -> Command | None:
    """None when the statement neither names a partition nor sets what only external tables have.

    Any other form with the word PARTITION is an error, never a guess.
    """
    cursor = Cursor(tokens)
    cursor.expect("ALTER", "TABLE")
    words = [token.upper if token.kind is Kind.WORD else "" for token in tokens]
    pairs = set(itertools.pairwise(words))
    if "PARTITION" not in words and not pairs & _EXTERNAL_SETTINGS:
        return None
    name = _table_name(cursor)
    if cursor.accept("ADD"):
        return _add_partitions(cursor, name)
    if cursor.accept("DROP"):
        values = _partition_values(cursor)
        cursor.end()
        return DropPartition(name, values)
    if cursor.accept("SET", "LOCATION"):
        location = cursor.string()
        cursor.end()
        return SetTableLocation(name, location)
    if cursor.accept("SET", "TABLE", "PROPERTIES"):
        properties = _string_pairs(cursor)
        cursor.end()
        return SetTableProperties(name, properties)
    values = _partition_values(cursor)
    cursor.expect("SET", "LOCATION")
    location = cursor.string()
    cursor.end()
    return SetPartitionLocation(name, Partition(values, location))


def _drop_tables(tokens: Sequence[Token]) -> DropTables | None:
    """None for what PostgreSQL shall judge by itself."""
    cursor = Cursor(tokens)
    cursor.expect("DROP", "TABLE")
    if_exists = cursor.accept("IF", "EXISTS")
    names: list[TableName] = []
    while True:
        try:
            names.append(_table_name(cursor))
        except SqlError:
            return None
        if not cursor.accept(","):
            break
    cascade = cursor.accept("CASCADE")
    if not cascade:
        cursor.accept("RESTRICT")
    return DropTables(names, if_exists, cascade) if cursor.at_end() else None


def recognise(tokens: Sequence[Token]) -> Command | None:
    """The external command that the statement is, or None; SqlError for a wrong form of one."""
    cursor = Cursor(tokens)
    if cursor.accept("CREATE", "EXTERNAL"):
        if cursor.accept("SCHEMA"):
            return _create_schema(cursor)
        cursor.expect("TABLE")
        return _create_table(cursor)
    if cursor.accept("ALTER", "TABLE"):
        return _alter_table(tokens)
    if cursor.accept("DROP", "TABLE"):
        return _drop_tables(tokens)
    return None
