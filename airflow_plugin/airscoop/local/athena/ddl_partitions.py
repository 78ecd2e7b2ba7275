"""ALTER TABLE and MSCK REPAIR TABLE: the partitions that the catalogue knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from airscoop.local.athena.answers import Answer
from airscoop.local.athena.ddl import _columns, ddl_failed, no_table, place_of
from airscoop.local.athena.failures import QueryFailed, Unknown
from airscoop.local.athena.files import bucket_and_prefix, objects
from airscoop.local.athena.hive_words import Words
from airscoop.local.athena.tables import Table

if TYPE_CHECKING:
    from airscoop.local.athena.running import Session


def table_of(session: Session, database: str, name: str) -> tuple[Table, dict[str, Any]]:
    """A table that is no view, and Glue's own words of it."""
    raw = session.catalogue.raw(database, name)
    found = session.catalogue.get(database, name) if raw is not None else None
    if raw is None or not isinstance(found, Table):
        raise no_table(database, name)
    return found, raw


def alter_table(session: Session, words: Words) -> Answer:
    database, name = place_of(session, words.table())
    table, raw = table_of(session, database, name)
    if words.accept("ADD", "COLUMNS"):
        return _add_columns(session, words, table, raw)
    if words.accept("ADD"):
        return _add(session, words, table, raw)
    if words.accept("DROP"):
        return _drop(session, words, table)
    if words.peek() == "PARTITION":
        return _set_location(session, words, table, raw)
    if words.accept("SET", "TBLPROPERTIES"):
        properties = words.properties()
        words.end()
        _update(session, table, raw, Parameters={**raw.get("Parameters", {}), **properties})
        return Answer("DDL", "ALTER_TABLE_SET_TBLPROPERTIES")
    if words.accept("SET", "LOCATION"):
        storage = {**raw["StorageDescriptor"], "Location": words.string()}
        words.end()
        _update(session, table, raw, StorageDescriptor=storage)
        return Answer("DDL", "ALTER_TABLE_SET_LOCATION")
    raise Unknown(f"ALTER TABLE … {words.peek()}")


_INPUT = (
    "Name", "Description", "Owner", "Retention", "StorageDescriptor", "PartitionKeys",
    "ViewOriginalText", "ViewExpandedText", "TableType", "Parameters",
)  # fmt: skip


def _update(session: Session, table: Table, raw: dict[str, Any], **changes: Any) -> None:
    kept = {key: raw[key] for key in _INPUT if key in raw}
    session.catalogue.glue.update_table(DatabaseName=table.database, TableInput={**kept, **changes})


def _add_columns(session: Session, words: Words, table: Table, raw: dict[str, Any]) -> Answer:
    words.expect("(")
    added = _columns(words)
    words.end()
    known = {name for name, _ in (*table.columns, *table.keys)}
    if double := [each["Name"] for each in added if each["Name"] in known]:
        raise ddl_failed(f"Duplicate column name: {double[0]}")
    storage = dict(raw["StorageDescriptor"])
    storage["Columns"] = [*storage.get("Columns", []), *added]
    _update(session, table, raw, StorageDescriptor=storage)
    return Answer("DDL", "ALTER_TABLE_ADD_COLUMNS")


def _specification(words: Words, table: Table, *, whole: bool = True) -> dict[str, str]:
    """PARTITION (dt = '…', n = 1)."""
    words.expect("PARTITION", "(")
    found: dict[str, str] = {}
    while True:
        name = words.name()
        words.expect("=")
        text = words.string() if words.peek()[:1] in ("'", '"') else words.next().text
        found[name] = text
        if words.accept(")"):
            break
        words.expect(",")
    names = [name for name, _ in table.keys]
    if not set(found) <= set(names) or (whole and len(found) != len(names)):
        raise QueryFailed(
            "FAILED: SemanticException [Error 10006]: Partition not found: the partition columns "
            f"of {table.title} are {', '.join(names) or '(none)'}"
        )
    return found


def _default_location(table: Table, values: dict[str, str]) -> str:
    root = table.storage.location.rstrip("/")
    return root + "/" + "/".join(f"{name}={values[name]}" for name, _ in table.keys)


def _input(table: Table, raw: dict[str, Any], values: dict[str, str], location: str) -> Any:
    storage = {**raw["StorageDescriptor"], "Location": location}
    return {"Values": [values[name] for name, _ in table.keys], "StorageDescriptor": storage}


def _add(session: Session, words: Words, table: Table, raw: dict[str, Any]) -> Answer:
    quiet = words.accept("IF", "NOT", "EXISTS")
    inputs = []
    while not words.at_end():
        values = _specification(words, table)
        location = words.string() if words.accept("LOCATION") else _default_location(table, values)
        bucket_and_prefix(location)
        inputs.append(_input(table, raw, values, location))
    if not inputs:
        raise words.error()
    create_partitions(session, table, inputs, quiet=quiet)
    return Answer("DDL", "ALTER_TABLE_ADD_PARTITION")


def create_partitions(session: Session, table: Table, inputs: list[Any], *, quiet: bool) -> None:
    """Registers partitions; quiet: those that are there already stay as they are."""
    for start in range(0, len(inputs), 100):
        answer = session.catalogue.glue.batch_create_partition(
            DatabaseName=table.database,
            TableName=table.name,
            PartitionInputList=inputs[start : start + 100],
        )
        for error in answer.get("Errors") or []:
            detail = error["ErrorDetail"]
            if detail["ErrorCode"] != "AlreadyExistsException":
                raise ddl_failed(f"{detail['ErrorCode']}(message:{detail.get('ErrorMessage')})")
            if not quiet:
                raise ddl_failed(
                    "AlreadyExistsException(message:Partition already exists.): "
                    + ", ".join(error["PartitionValues"])
                )


def _drop(session: Session, words: Words, table: Table) -> Answer:
    quiet = words.accept("IF", "EXISTS")
    while True:
        wanted = _specification(words, table, whole=False)
        places = {name: place for place, (name, _) in enumerate(table.keys)}
        found = [
            each
            for each in session.catalogue.partitions(table)
            if all(each.values[places[name]] == value for name, value in wanted.items())
        ]
        if not found and not quiet:
            raise QueryFailed(
                f"FAILED: SemanticException [Error 10006]: Partition not found {wanted}"
            )
        for each in found:
            session.catalogue.glue.delete_partition(
                DatabaseName=table.database, TableName=table.name, PartitionValues=list(each.values)
            )
        if words.at_end():
            return Answer("DDL", "ALTER_TABLE_DROP_PARTITION")
        words.expect(",")


def _set_location(session: Session, words: Words, table: Table, raw: dict[str, Any]) -> Answer:
    values = _specification(words, table)
    words.expect("SET", "LOCATION")
    location = words.string()
    words.end()
    glue = session.catalogue.glue
    wanted = [values[name] for name, _ in table.keys]
    try:
        glue.get_partition(
            DatabaseName=table.database, TableName=table.name, PartitionValues=wanted
        )
    except glue.exceptions.EntityNotFoundException as error:
        raise QueryFailed(
            f"FAILED: SemanticException [Error 10006]: Partition not found {values}"
        ) from error
    glue.update_partition(
        DatabaseName=table.database,
        TableName=table.name,
        PartitionValueList=wanted,
        PartitionInput=_input(table, raw, values, location),
    )
    return Answer("DDL", "ALTER_PARTITION_LOCATION")


def repair(session: Session, words: Words) -> Answer:
    """Adds the Hive folders (key=value) that are not registered; removes none."""
    database, name = place_of(session, words.table())
    words.end()
    table, raw = table_of(session, database, name)
    known = {each.values for each in session.catalogue.partitions(table)}
    _, prefix = bucket_and_prefix(table.storage.location.rstrip("/") + "/")
    missing: dict[tuple[str, ...], str] = {}
    for each in objects(session.s3, table.storage.location):
        folders = each.key[len(prefix) :].split("/")[:-1]
        values = _values(table, folders)
        if values is not None and values not in known:
            depth = len(table.keys)
            path = "/".join(folders[:depth])
            missing.setdefault(values, f"s3://{each.bucket}/{prefix}{path}")
    keys = [key for key, _ in table.keys]
    inputs = [
        _input(table, raw, dict(zip(keys, values, strict=True)), location)
        for values, location in missing.items()
    ]
    create_partitions(session, table, inputs, quiet=True)
    title = f"{name}:"
    shown = [
        "/".join(f"{key}={value}" for key, value in zip(keys, values, strict=True))
        for values in missing
    ]
    rows = []
    if shown:
        rows.append(
            (f"Partitions not in metastore:\t{'	'.join(title + each for each in shown)}",)
        )
        rows += [(f"Repair: Added partition to metastore {title}{each}",) for each in shown]
    return Answer("DDL", "MSCK_REPAIR_TABLE", (), rows)


def _values(table: Table, folders: list[str]) -> tuple[str, ...] | None:
    """The values in the first folders; MSCK sees no key in capitals and no value with a colon."""
    values = []
    for (key, _), folder in zip(table.keys, folders, strict=False):
        found, sign, value = folder.partition("=")
        if not sign or found != key or ":" in unquote(value):
            return None
        values.append(unquote(value))
    return tuple(values) if table.keys and len(values) == len(table.keys) else None
