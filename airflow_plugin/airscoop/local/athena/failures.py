"""Why a statement fails, in Athena's words."""

from __future__ import annotations

from typing import Any

SYSTEM, USER, OTHER = 1, 2, 3
# AthenaError.ErrorType; a user's error in a query has no finer number there.
_QUERY_ENGINE = 200
_SYNTAX = 1001


class QueryFailed(Exception):
    """A statement that Athena refuses, or that fails while it runs.

    category: 1 system, 2 user, 3 other; error_type: AthenaError's number.
    """

    def __init__(
        self,
        message: str,
        *,
        category: int = USER,
        error_type: int = _QUERY_ENGINE,
        retryable: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.category = category
        self.error_type = error_type
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
    number = _SYNTAX if code == "SYNTAX_ERROR" else _QUERY_ENGINE
    return QueryFailed(f"{code}: {place(node)}{message}", error_type=number)
