"""DuckDB's errors in Athena's words."""

from __future__ import annotations

import re

import duckdb
from botocore.exceptions import BotoCoreError, ClientError

from airscoop.local.athena.failures import OTHER, SYSTEM, QueryFailed

_OURS = re.compile(r"ValueError: ([A-Z_]+: .*)", re.DOTALL)
_INTEGERS = {"INT8": "tinyint", "INT16": "smallint", "INT32": "integer", "INT64": "bigint"}
_OVERFLOW = re.compile(r"Overflow in (\w+) of (INT\d+) \((-?\d+) \S+ (-?\d+)\)")
_TOO_WIDE = re.compile(r"Type INT\d+ with value (-?\d+) can't be cast .* destination type (INT\d+)")


def in_athenas_words(error: Exception) -> QueryFailed:
    """What a statement fails with when DuckDB, S3 or Glue does."""
    text = str(error)
    if isinstance(error, BotoCoreError | ClientError):
        return QueryFailed(f"HIVE_METASTORE_ERROR: {text}", category=SYSTEM)
    if not isinstance(error, duckdb.Error):
        return QueryFailed(
            f"GENERIC_INTERNAL_ERROR: local Athena: {type(error).__name__}: {text}", category=SYSTEM
        )
    if found := _OURS.search(text):
        return QueryFailed(found[1].strip())
    if (known := _known(text)) is not None:
        return QueryFailed(known)
    if isinstance(error, duckdb.ConversionException):
        return QueryFailed(f"INVALID_CAST_ARGUMENT: {text}")
    if isinstance(error, duckdb.OutOfRangeException):
        return QueryFailed(f"NUMERIC_VALUE_OUT_OF_RANGE: {text}")
    if isinstance(error, duckdb.OutOfMemoryException):
        return QueryFailed(
            "EXCEEDED_LOCAL_MEMORY_LIMIT: Query exhausted resources at this scale factor"
        )
    return QueryFailed(
        f"NOT_SUPPORTED: local Athena could not run this statement: {text}", category=OTHER
    )


def _known(text: str) -> str | None:
    if "Division by zero" in text:
        return "DIVISION_BY_ZERO: Division by zero"
    if found := _OVERFLOW.search(text):
        sign = {"addition": "+", "subtraction": "-", "multiplication": "*", "division": "/"}
        kind = _INTEGERS.get(found[2], "integer")
        shown = f"{found[3]} {sign.get(found[1], found[1])} {found[4]}"
        return f"NUMERIC_VALUE_OUT_OF_RANGE: {kind} {found[1]} overflow: {shown}"
    if found := _TOO_WIDE.search(text):
        kind = _INTEGERS.get(found[2], "integer")
        return f"NUMERIC_VALUE_OUT_OF_RANGE: Out of range for {kind}: {found[1]}"
    if "More than one row returned by a subquery" in text:
        return "SUBQUERY_MULTIPLE_ROWS: Scalar sub-query has returned multiple rows"
    if found := re.search(r'column "?([^"]+)"? must appear in the GROUP BY clause', text):
        return (
            f"EXPRESSION_NOT_AGGREGATE: '{found[1]}' must be an aggregate expression or appear in "
            "GROUP BY clause"
        )
    if "clause cannot contain aggregates" in text or "cannot contain window functions" in text:
        clause = (
            "GROUP BY" if "GROUP BY" in text else text.partition(" clause")[0].rpartition(" ")[2]
        )
        return (
            f"EXPRESSION_NOT_SCALAR: {clause} clause cannot contain aggregations, window functions "
            "or grouping operations"
        )
    if "aggregate function calls cannot be nested" in text.lower():
        return "NESTED_AGGREGATION: Cannot nest aggregations inside aggregation"
    if "keys must be unique" in text:
        return "INVALID_FUNCTION_ARGUMENT: Duplicate map keys are not allowed"
    if "keys can not be NULL" in text or "key can not be NULL" in text:
        return "INVALID_FUNCTION_ARGUMENT: map key cannot be null"
    return None
