"""What PostgreSQL would do and Redshift refuses, with Redshift's words where they are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from airscoop.local.redshift.errors import SqlError, syntax_error_near
from airscoop.local.redshift.tokens import Token, keywords

_COLUMN_TYPES = {
    "SERIAL", "BIGSERIAL", "SMALLSERIAL", "JSON", "JSONB", "UUID", "BYTEA", "XML", "MONEY",
}  # fmt: skip
_STARTS = {
    ("CREATE", "INDEX"): "CREATE INDEX",
    ("CREATE", "UNIQUE", "INDEX"): "CREATE INDEX",
    ("CREATE", "SEQUENCE"): "CREATE SEQUENCE",
    ("CREATE", "TRIGGER"): "CREATE TRIGGER",
    ("CREATE", "RULE"): "CREATE RULE",
    ("CREATE", "EXTENSION"): "CREATE EXTENSION",
    ("CREATE", "DOMAIN"): "CREATE DOMAIN",
    ("CREATE", "FOREIGN"): "CREATE FOREIGN",
    ("SAVEPOINT",): "SAVEPOINT",
    ("RELEASE",): "RELEASE SAVEPOINT",
    ("ROLLBACK", "TO"): "ROLLBACK TO SAVEPOINT",
}
_FUNCTIONS = {"STRING_AGG", "ARRAY_AGG"}
_UNKNOWN_PARAMETERS = {
    "LOCK_TIMEOUT", "IDLE_IN_TRANSACTION_SESSION_TIMEOUT", "TRANSACTION_TIMEOUT", "WORK_MEM",
}  # fmt: skip


def _at(words: Sequence[str], place: int, *expected: str) -> bool:
    return tuple(words[place : place + len(expected)]) == expected


def _clause(words: Sequence[str], place: int, token: Token) -> SqlError | None:
    """The refusal of what starts at one place of a statement."""
    is_name = place > 0 and words[place - 1] == "."
    if is_name:
        return None
    match words[place]:
        case "ON" if _at(words, place, "ON", "CONFLICT"):
            return syntax_error_near(token.text)
        case "DISTINCT" if _at(words, place, "DISTINCT", "ON", "("):
            return SqlError("0A000", "SELECT DISTINCT ON is not supported")
        case "IS" if _at(words, place, "IS", "DISTINCT", "FROM"):
            return syntax_error_near("DISTINCT")
        case "IS" if _at(words, place, "IS", "NOT", "DISTINCT", "FROM"):
            return syntax_error_near("DISTINCT")
        case "FILTER" if _at(words, place - 1, ")", "FILTER", "(", "WHERE"):
            return syntax_error_near("(")
        case name if name in _FUNCTIONS and _at(words, place + 1, "("):
            return SqlError("42883", f"function {token.text.lower()} does not exist")
    return None


def _returning(words: Sequence[str], tokens: Sequence[Token]) -> SqlError | None:
    if words[0] not in ("INSERT", "UPDATE", "DELETE", "WITH"):
        return None
    for place, word in enumerate(words):
        if word == "RETURNING" and place and words[place - 1] not in (".", "AS"):
            return syntax_error_near(tokens[place].text)
    return None


def _create_table(words: Sequence[str], tokens: Sequence[Token]) -> SqlError | None:
    """Column types Redshift does not have; only in a list of columns, not in a query."""
    if words[0] != "CREATE" or "TABLE" not in words[:4] or "AS" in words:
        return None
    depth = 0
    for place, word in enumerate(words):
        depth += (word == "(") - (word == ")")
        starts_column = depth == 1 and words[place - 1] in ("(", ",")
        if not starts_column or place + 1 >= len(words):
            continue
        if words[place + 1] in _COLUMN_TYPES:
            column, kind = tokens[place].value, tokens[place + 1].text.lower()
            return SqlError("0A000", f'Column "{column}" has unsupported type "{kind}".')
    if any(_at(words, place, "PARTITION", "BY") for place in range(len(words))):
        return syntax_error_near("PARTITION")
    return None


def _parameter(words: Sequence[str]) -> SqlError | None:
    """A parameter that PostgreSQL has got since and Redshift has not."""
    if words[0] not in ("SET", "RESET", "SHOW"):
        return None
    place = 2 if words[1:2] in (["SESSION"], ["LOCAL"]) else 1
    name = words[place] if place < len(words) else ""
    if name in _UNKNOWN_PARAMETERS:
        return SqlError("42704", f'unrecognized configuration parameter "{name.lower()}"')
    return None


def refusal(tokens: Sequence[Token]) -> SqlError | None:
    """The error Redshift gives for this statement, or None."""
    words = keywords(tokens)
    if (error := _parameter(words)) is not None:
        return error
    for start, title in _STARTS.items():
        if _at(words, 0, *start):
            return SqlError("0A000", f"{title} is not supported")
    whole: Sequence[Callable[[Sequence[str], Sequence[Token]], SqlError | None]]
    whole = (_returning, _create_table)
    for check in whole:
        if (error := check(words, tokens)) is not None:
            return error
    for place, token in enumerate(tokens):
        if (error := _clause(words, place, token)) is not None:
            return error
    return None
