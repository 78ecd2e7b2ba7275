"""Which kind of statement a text is, and who carries it out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from airscoop.local.athena import ddl, ddl_partitions, makes, prepared, shows
from airscoop.local.athena.answers import Answer
from airscoop.local.athena.failures import SYNTAX_ERROR, QueryFailed, Unknown
from airscoop.local.athena.hive_words import Words
from airscoop.local.athena.parsing import bind, parse

if TYPE_CHECKING:
    from airscoop.local.athena.running import Session

Carrier = Callable[["Session", Words], Answer]


def _drop_view(session: Session, words: Words) -> Answer:
    return ddl.drop_table(session, words, view=True)


def _drop_table(session: Session, words: Words) -> Answer:
    return ddl.drop_table(session, words, view=False)


def _create_view(session: Session, words: Words) -> Answer:
    return ddl.create_view(session, words, replace=False)


def _replace_view(session: Session, words: Words) -> Answer:
    return ddl.create_view(session, words, replace=True)


STATEMENTS: dict[tuple[str, ...], Carrier] = {
    ("CREATE", "DATABASE"): ddl.create_database,
    ("CREATE", "SCHEMA"): ddl.create_database,
    ("DROP", "DATABASE"): ddl.drop_database,
    ("DROP", "SCHEMA"): ddl.drop_database,
    ("CREATE", "EXTERNAL", "TABLE"): ddl.create_table,
    ("CREATE", "TABLE"): makes.create_table_as,
    ("CREATE", "OR", "REPLACE", "VIEW"): _replace_view,
    ("CREATE", "VIEW"): _create_view,
    ("DROP", "TABLE"): _drop_table,
    ("DROP", "VIEW"): _drop_view,
    ("ALTER", "TABLE"): ddl_partitions.alter_table,
    ("MSCK", "REPAIR", "TABLE"): ddl_partitions.repair,
    ("INSERT", "INTO"): makes.insert,
    ("SHOW",): shows.show,
    ("DESCRIBE",): shows.describe,
    ("DESC",): shows.describe,
    ("PREPARE",): prepared.prepare,
    ("DEALLOCATE", "PREPARE"): prepared.deallocate,
}
QUERIES = ("SELECT", "WITH", "VALUES", "TABLE")


def check(statement: str) -> None:
    """Raises QueryFailed where Athena's parser stops; it looks at queries, and at first words."""
    words = Words(statement)
    first = _first(words)
    if first in QUERIES:
        parse(statement)
    elif not (
        first in ("UNLOAD", "EXECUTE", *_OTHERS) or any(words.accept(*each) for each in STATEMENTS)
    ):
        raise _mismatched(words)


def _first(words: Words) -> str:
    return next((each.upper for each in words.words if each.text != "("), "")


def _mismatched(words: Words) -> QueryFailed:
    return QueryFailed(f"{SYNTAX_ERROR}: {words.error().message}")


def dispatch(session: Session, statement: str, parameters: Sequence[str]) -> Answer:
    """Carries out one statement. parameters: SQL for its question marks."""
    if not re.match(r"\s*prepare\b", statement, re.IGNORECASE):
        statement = bind(statement, parameters)
    words = Words(statement)
    if words.at_end():
        raise _mismatched(words)
    first = _first(words)
    if first in QUERIES:
        return session.select(parse(statement))
    if first == "UNLOAD":
        return makes.unload(session, statement)
    if words.accept("EXECUTE"):
        return dispatch(session, *prepared.executed(session, words))
    for start, carry in STATEMENTS.items():
        if words.accept(*start):
            return carry(session, words)
    if first.isalpha() and first in _OTHERS:
        raise Unknown(f"the statement {first}")
    raise _mismatched(words)


_OTHERS = {
    "EXPLAIN", "DELETE", "UPDATE", "MERGE", "OPTIMIZE", "VACUUM", "CREATE", "DROP", "ALTER", "MSCK",
    "INSERT", "DEALLOCATE", "GRANT", "REVOKE", "ANALYZE", "SET", "CALL", "USE", "USING",
}  # fmt: skip
