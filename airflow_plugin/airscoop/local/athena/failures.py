"""Why a statement fails, in Athena's words."""

from __future__ import annotations

from typing import Any

SYSTEM, USER, OTHER = 1, 2, 3
SYNTAX_ERROR = "SYNTAX_ERROR"
# AthenaError.ErrorType, by the code that a message begins with.
NUMBERS = {
    "DIVISION_BY_ZERO": 1001,
    "TYPE_MISMATCH": 1002,
    SYNTAX_ERROR: 1006,
    "COLUMN_NOT_FOUND": 1006,
    "CATALOG_NOT_FOUND": 1006,
    "INVALID_CAST_ARGUMENT": 1100,
    "NUMERIC_VALUE_OUT_OF_RANGE": 1100,
    "INVALID_PARAMETER_USAGE": 1100,
    "INVALID_TABLE_PROPERTY": 1103,
    "INVALID_FUNCTION_ARGUMENT": 1106,
    "TABLE_ALREADY_EXISTS": 1110,
    "NOT_SUPPORTED": 1200,
    "TABLE_NOT_FOUND": 1301,
    "SCHEMA_NOT_FOUND": 1301,
    "FUNCTION_NOT_FOUND": 1303,
}
_OF_USERS = 1000


class QueryFailed(Exception):
    """A statement that Athena refuses, or that fails while it runs.

    category: 1 system, 2 user, 3 other; error_type: AthenaError's number, else the message's.
    """

    def __init__(
        self,
        message: str,
        *,
        category: int = USER,
        error_type: int | None = None,
        retryable: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.category = category
        by_code = NUMBERS.get(message.partition(":")[0], _OF_USERS)
        self.error_type = by_code if error_type is None else error_type
        self.retryable = retryable


class Unknown(QueryFailed):
    """What Athena may well know, and the local Athena does not."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"NOT_SUPPORTED: local Athena does not know {what}; run this statement in AWS",
            category=OTHER,
        )
        self.what = what


def place(node: Any) -> str:
    """`line 1:8: `, where the statement's text has the node; empty where nobody knows."""
    found = [each.meta for each in (node.walk() if node is not None else ()) if "line" in each.meta]
    if not found:
        return ""
    first = min(found, key=lambda meta: meta["start"])
    return f"line {first['line']}:{first['col'] - (first['end'] - first['start'])}: "


def at(node: Any, code: str, message: str) -> QueryFailed:
    """An error that names its place: `COLUMN_NOT_FOUND: line 1:8: …`."""
    return QueryFailed(f"{code}: {place(node)}{message}")
