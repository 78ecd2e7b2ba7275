"""The errors of statements, in Athena's words; and what is refused by name."""

from __future__ import annotations

import pytest

from airscoop.local.athena.failures import OTHER, USER, QueryFailed
from support.athena_engine import Athena

ERRORS = {
    "SELECT 1/0": "DIVISION_BY_ZERO: Division by zero",
    "SELECT 5 % 0": "DIVISION_BY_ZERO: Division by zero",
    "SELECT 1.5/0.0": "DIVISION_BY_ZERO: Division by zero",
    "SELECT 2147483647 + 1": (
        "NUMERIC_VALUE_OUT_OF_RANGE: integer addition overflow: 2147483647 + 1"
    ),
    "SELECT cast(3000000000 as integer)": (
        "NUMERIC_VALUE_OUT_OF_RANGE: Out of range for integer: 3000000000"
    ),
    "SELECT cast(' 5' as integer)": "INVALID_CAST_ARGUMENT: Cannot cast ' 5' to INT",
    "SELECT cast('5.0' as bigint)": "INVALID_CAST_ARGUMENT: Cannot cast '5.0' to BIGINT",
    "SELECT cast('' as double)": "INVALID_CAST_ARGUMENT: Cannot cast '' to DOUBLE",
    "SELECT cast('x' as boolean)": "INVALID_CAST_ARGUMENT: Cannot cast 'x' to BOOLEAN",
    "SELECT cast('x' as date)": "INVALID_CAST_ARGUMENT: Value cannot be cast to date: x",
    "SELECT cast(1234 as varchar(2))": (
        "INVALID_CAST_ARGUMENT: Value 1234 cannot be represented as varchar(2)"
    ),
    "SELECT 'a' = 1": "TYPE_MISMATCH: line 1:8: Cannot apply operator: varchar(1) = integer",
    "SELECT 'a' + 1": "TYPE_MISMATCH: line 1:8: Cannot apply operator: varchar(1) + integer",
    "SELECT x FROM (VALUES 1) t(y)": "COLUMN_NOT_FOUND: line 1:8: Column 'x' cannot be resolved",
    "SELECT y FROM (VALUES 1) t(y), (VALUES 2) u(y)": (
        "AMBIGUOUS_NAME: line 1:8: Column 'y' is ambiguous"
    ),
    "SELECT 1 WHERE 1": (
        "TYPE_MISMATCH: line 1:16: WHERE clause must evaluate to a boolean: actual type integer"
    ),
    "SELECT sum(x) FROM (VALUES 'a') t(x)": (
        "FUNCTION_NOT_FOUND: line 1:8: Unexpected parameters (varchar(1)) for function sum"
    ),
    "SELECT array[1,2][3]": (
        "INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to array length: "
        "3 > 2"
    ),
    "SELECT array[1,2][0]": "INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1",
    "SELECT map(array['a'], array[1])['z']": (
        "INVALID_FUNCTION_ARGUMENT: Key not present in map: z"
    ),
    "SELECT (SELECT 1 UNION ALL SELECT 2)": (
        "SUBQUERY_MULTIPLE_ROWS: Scalar sub-query has returned multiple rows"
    ),
    "SELECT 1 UNION SELECT 'a'": (
        "TYPE_MISMATCH: line 1:8: column 1 in UNION query has incompatible types: integer, "
        "varchar(1)"
    ),
    "SELECT 1, 2 UNION SELECT 1": (
        "TYPE_MISMATCH: line 1:8: UNION query has different number of fields: 2, 1"
    ),
    "SELECT DISTINCT a FROM (VALUES (1, 2)) t(a, b) ORDER BY b": (
        "EXPRESSION_NOT_IN_DISTINCT: line 1:57: For SELECT DISTINCT, ORDER BY expressions must "
        "appear in select list"
    ),
    "SELECT a FROM (VALUES 1) t(a) ORDER BY 2": (
        "INVALID_COLUMN_REFERENCE: line 1:40: ORDER BY position 2 is not in select list"
    ),
    "SELECT rank()": "MISSING_OVER: line 1:8: Window function rank requires an OVER clause",
    "SELECT * FROM nothere": (
        "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.{db}.nothere' does not exist"
    ),
    "SELECT * FROM nowhere.t": "SCHEMA_NOT_FOUND: line 1:15: Schema 'nowhere' does not exist",
    "SELECT 1 LIMIT 3 OFFSET 2": "SYNTAX_ERROR: line 1:18: mismatched input 'OFFSET'",
    "SELECT 1::bigint": "SYNTAX_ERROR: line 1:9: mismatched input '::'",
    "SELECT `a` FROM t": (
        "SYNTAX_ERROR: line 1:8: backquoted identifiers are not supported; use double quotes to "
        "quote identifiers"
    ),
    "SELECT a, FROM (VALUES 1) t(a)": "SYNTAX_ERROR: line 1:9: mismatched input ','",
    "SELECT FROM (VALUES 1) t(a)": "SYNTAX_ERROR: line 1:21: mismatched input 'FROM'",
    "SELECT 1 == 1": "SYNTAX_ERROR: line 1:10: mismatched input '=='",
    "SELECT a:b FROM t": "SYNTAX_ERROR: line 1:9: mismatched input ':'",
    "SELECT 1 LIMIT 1, 2": "SYNTAX_ERROR: line 1:17: mismatched input ','",
    "SELECT * FROM (VALUES 1) t(a) JOIN (VALUES 2) u(b)": (
        "SYNTAX_ERROR: line 1:44: mismatched input. Expecting: 'ON', 'USING'"
    ),
    "SELECT cast(1 AS float)": "TYPE_NOT_FOUND: line 1:18: Unknown type: float",
    "SELECT cast(1 AS string)": "TYPE_NOT_FOUND: line 1:18: Unknown type: string",
    "SELECT a, b FROM (VALUES (1, 2)) t(a, b) GROUP BY a": (
        "EXPRESSION_NOT_AGGREGATE: line 1:11: 'b' must be an aggregate expression or appear in "
        "GROUP BY clause"
    ),
    "SELECT a, count(*) FROM (VALUES 1) t(a)": (
        "EXPRESSION_NOT_AGGREGATE: line 1:8: 'a' must be an aggregate expression or appear in "
        "GROUP BY clause"
    ),
    "SELECT sum(count(*)) FROM (VALUES 1) t(a)": (
        "NESTED_AGGREGATION: Cannot nest aggregations inside aggregation"
    ),
    "SELECT 1 FROM (VALUES 1) t(a) WHERE max(a) > 0": (
        "EXPRESSION_NOT_SCALAR: WHERE clause cannot contain aggregations, window functions or "
        "grouping operations"
    ),
    "SELCT 1": "SYNTAX_ERROR: line 1:1: mismatched input 'SELCT'",
    "SELECT * FROM (VALUES (1, 2)) t(a)": (
        "MISMATCHED_COLUMN_ALIASES: line 1:24: Column alias list has 1 entries but 't' has 2 "
        "columns available"
    ),
}


@pytest.mark.parametrize("statement", ERRORS)
def test_an_error_is_in_athenas_words(athena: Athena, statement: str) -> None:
    expected = ERRORS[statement].replace("{db}", athena.database)
    assert athena.failure(statement) == expected


UNKNOWN = {
    "SELECT foo(1)": "the function foo",
    "SELECT soundex('a')": "the function soundex",
    "WITH RECURSIVE t(n) AS (SELECT 1) SELECT * FROM t": "WITH RECURSIVE",
    "SELECT * FROM (VALUES 1) t(a) TABLESAMPLE BERNOULLI (10)": "TABLESAMPLE",
    "SELECT row(1) = row(2)": "a comparison of row(integer)",
    "SELECT array[1] < array[2]": "the order of arrays",
    "SELECT time '01:02:03'": "the type TIME",
    r"SELECT regexp_like('a', '\p{L}')": r"\p in the regular expression",
    r"SELECT regexp_like('é', '\w')": "on a text beyond ASCII",
    "SELECT date_format(date '2020-01-01', '%U')": "%U in the pattern of a time",
    "SELECT json_extract('{}', '$..a')": "the JSON path $..a",
    "SELECT interval '1' month": "interval year to month",
    "SELECT max_by(a, b, 2) FROM (VALUES (1, 2)) t(a, b)": "max_by of n values",
    "SELECT 0x1F": "a number such as 0x1F",
    "SELECT 1_000": "a number such as 1_000",
    "EXPLAIN SELECT 1": "the statement EXPLAIN",
    "DELETE FROM t": "the statement DELETE",
    "SELECT * FROM information_schema.tables": "information_schema",
    "SELECT checksum(1)": "checksum",
    "SHOW STATS FOR t": "SHOW STATS",
}


@pytest.mark.parametrize("statement", UNKNOWN)
def test_what_is_not_known_is_refused_by_its_name(athena: Athena, statement: str) -> None:
    with pytest.raises(QueryFailed) as caught:
        athena.rows(statement)
    assert UNKNOWN[statement] in caught.value.message
    assert "local Athena does not know" in caught.value.message


def test_a_users_error_and_an_unknown_thing_have_their_categories(athena: Athena) -> None:
    for statement, category in (("SELECT 1/0", USER), ("SELECT foo(1)", OTHER)):
        with pytest.raises(QueryFailed) as caught:
            athena.rows(statement)
        assert (caught.value.category, caught.value.retryable) == (category, False)
