"""SHOW and DESCRIBE."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airscoop.local.athena.answers import Answer, Column
from airscoop.local.athena.ddl import no_database, no_table, place_of
from airscoop.local.athena.ddl_partitions import table_of
from airscoop.local.athena.failures import QueryFailed, Unknown
from airscoop.local.athena.hive_words import Words
from airscoop.local.athena.partitions import partitions_of
from airscoop.local.athena.projection import is_enabled
from airscoop.local.athena.tables import View

if TYPE_CHECKING:
    from airscoop.local.athena.running import Session

WIDTH = 20


def _text(name: str) -> Column:
    return Column(name, "string", 0, 0)


def _answer(kind: str, column: str, values: list[str]) -> Answer:
    return Answer("DDL", kind, (_text(column),), [(each,) for each in values])


def _pattern(words: Words) -> re.Pattern[str] | None:
    """Hive's: `*` for anything, `|` between alternatives."""
    words.accept("LIKE")
    if words.at_end():
        return None
    text = words.string()
    words.end()
    parts = (re.escape(part).replace(r"\*", ".*") for part in text.lower().split("|"))
    return re.compile("|".join(parts))


def show(session: Session, words: Words) -> Answer:
    if words.accept("DATABASES") or words.accept("SCHEMAS"):
        pattern = _pattern(words)
        names = session.catalogue.databases()
        found = [each for each in names if pattern is None or pattern.fullmatch(each)]
        return _answer("SHOW_DATABASES", "database_name", found)
    for kind in ("TABLES", "VIEWS"):
        if words.accept(kind):
            return _tables(session, words, views_only=kind == "VIEWS")
    if words.accept("PARTITIONS"):
        return _partitions(session, words)
    if words.accept("COLUMNS"):
        return _columns(session, words)
    if words.accept("CREATE", "TABLE"):
        return _create_table(session, words)
    if words.accept("CREATE", "VIEW"):
        return _create_view(session, words)
    if words.accept("TBLPROPERTIES"):
        return _properties(session, words)
    raise Unknown(f"SHOW {words.peek()}")


def _tables(session: Session, words: Words, *, views_only: bool) -> Answer:
    database = session.database
    if words.accept("IN") or words.accept("FROM"):
        database = words.name()
    if database is None or not session.catalogue.has_database(database.lower()):
        raise no_database(database or "(none)")
    pattern = _pattern(words)
    found = [
        each["Name"]
        for each in session.catalogue.tables(database.lower())
        if (pattern is None or pattern.fullmatch(each["Name"]))
        and (not views_only or each.get("TableType") == "VIRTUAL_VIEW")
    ]
    return _answer("SHOW_VIEWS" if views_only else "SHOW_TABLES", "tab_name", found)


def _partitions(session: Session, words: Words) -> Answer:
    database, name = place_of(session, words.table())
    words.end()
    table, _ = table_of(session, database, name)
    if not table.keys:
        raise QueryFailed(
            f"FAILED: Execution Error, return code 1 from org.apache.hadoop.hive.ql.exec.DDLTask. "
            f"Table {name} is not a partitioned table"
        )
    if is_enabled(table):
        raise Unknown("SHOW PARTITIONS of a table with partition projection")
    keys = [key for key, _ in table.keys]
    found = [
        "/".join(f"{key}={value}" for key, value in zip(keys, each.values, strict=True))
        for each in partitions_of(session.catalogue, table, {}, [])
    ]
    return _answer("SHOW_PARTITIONS", "partition", sorted(found))


def _columns(session: Session, words: Words) -> Answer:
    if not (words.accept("IN") or words.accept("FROM")):
        raise words.error()
    found = words.table()
    if words.accept("IN") or words.accept("FROM"):
        found = (words.name(), found[1])
    words.end()
    database, name = place_of(session, found)
    raw = session.catalogue.raw(database, name)
    if raw is None:
        raise no_table(database, name)
    columns = [*raw["StorageDescriptor"].get("Columns", []), *(raw.get("PartitionKeys") or [])]
    return _answer("SHOW_COLUMNS", "field", [each["Name"].ljust(WIDTH) for each in columns])


def _properties(session: Session, words: Words) -> Answer:
    database, name = place_of(session, words.table())
    wanted = None
    if words.accept("("):
        wanted = words.string()
        words.expect(")")
    words.end()
    _, raw = table_of(session, database, name)
    parameters = raw.get("Parameters") or {}
    shown = [
        f"{key}\t{value}" for key, value in sorted(parameters.items()) if wanted in (None, key)
    ]
    return _answer("SHOW_TBLPROPERTIES", "prpt_name", shown)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return "'" + escaped.replace("\t", "\\t").replace("\x01", "\\u0001") + "'"


def _listed(pairs: dict[str, str]) -> list[str]:
    lines = [f"  {_quoted(key)}={_quoted(value)}, " for key, value in sorted(pairs.items())]
    return [*lines[:-1], lines[-1][:-2] + ")"] if lines else []


def _create_table(session: Session, words: Words) -> Answer:
    database, name = place_of(session, words.table())
    words.end()
    _, raw = table_of(session, database, name)
    storage = raw["StorageDescriptor"]

    def columns(found: list[dict[str, str]]) -> list[str]:
        lines = []
        for place, each in enumerate(found):
            comment = f" COMMENT {_quoted(each['Comment'])}" if each.get("Comment") else ""
            end = ")" if place == len(found) - 1 else ", "
            lines.append(f"  `{each['Name']}` {each['Type']}{comment}{end}")
        return lines

    lines = [f"CREATE EXTERNAL TABLE `{database}.{name}`(", *columns(storage["Columns"])]
    if keys := raw.get("PartitionKeys"):
        lines += ["PARTITIONED BY ( ", *columns(keys)]
    info = storage["SerdeInfo"]
    lines += ["ROW FORMAT SERDE ", f"  {_quoted(info['SerializationLibrary'])} "]
    if parameters := info.get("Parameters"):
        lines += ["WITH SERDEPROPERTIES ( ", *_listed(parameters)]
    lines += ["STORED AS INPUTFORMAT ", f"  {_quoted(storage['InputFormat'])} "]
    lines += ["OUTPUTFORMAT ", f"  {_quoted(storage['OutputFormat'])}"]
    lines += ["LOCATION", f"  {_quoted(storage['Location'])}"]
    shown = {k: v for k, v in (raw.get("Parameters") or {}).items() if k != "EXTERNAL"}
    if shown:
        lines += ["TBLPROPERTIES (", *_listed(shown)]
    return _answer("SHOW_CREATE_TABLE", "createtab_stmt", lines)


def _create_view(session: Session, words: Words) -> Answer:
    database, name = place_of(session, words.table())
    words.end()
    view = session.catalogue.get(database, name)
    if not isinstance(view, View):
        raise no_table(database, name)
    lines = f"CREATE VIEW {database}.{name} AS\n{view.sql}".split("\n")
    return _answer("SHOW_CREATE_VIEW", "Create View", lines)


def describe(session: Session, words: Words) -> Answer:
    """One text a row, its parts padded, as Athena answers; the columns are named as three."""
    if words.accept("EXTENDED") or words.accept("FORMATTED"):
        raise Unknown("DESCRIBE EXTENDED and DESCRIBE FORMATTED")
    database, name = place_of(session, words.table())
    words.end()
    raw = session.catalogue.raw(database, name)
    if raw is None:
        raise no_table(database, name)

    def line(*parts: str) -> tuple[str]:
        return ("\t".join(part.ljust(WIDTH) for part in parts),)

    def lines(found: list[dict[str, str]]) -> list[tuple[str]]:
        return [line(each["Name"], each["Type"], each.get("Comment", "")) for each in found]

    keys = raw.get("PartitionKeys") or []
    rows = lines([*raw["StorageDescriptor"].get("Columns", []), *keys])
    if keys:
        rows += [("\t \t ",), ("# Partition Information\t \t ",)]
        rows += [line("# col_name", "data_type", "comment"), ("\t \t ",), *lines(keys)]
    names = ("col_name", "data_type", "comment")
    return Answer("DDL", "DESCRIBE_TABLE", tuple(_text(each) for each in names), rows)
