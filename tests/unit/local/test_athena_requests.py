"""The local Athena's requests and files, without a server: wrong ones are told as AWS does."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from airscoop.local.athena import result_files, statement_kinds
from airscoop.local.athena.api_errors import ApiError
from airscoop.local.athena.engine import Column
from airscoop.local.athena.metadata_file import metadata
from airscoop.local.athena.paging import page
from airscoop.local.athena.requests import checked
from airscoop.local.athena.web import Application

START = "StartQueryExecution"
CONSTRAINT = "failed to satisfy constraint: Member must"


@pytest.mark.parametrize(
    ("operation", "request_fields", "words"),
    [
        (START, {}, f"1 validation error detected: Value null at 'queryString' {CONSTRAINT} not"),
        (START, {"QueryString": ""}, f"'queryString' {CONSTRAINT} have length greater than or eq"),
        (
            START,
            {"QueryString": "x", "WorkGroup": "a b"},
            f"Value at 'workGroup' {CONSTRAINT} satisfy regular expression pattern",
        ),
        (
            START,
            {"QueryString": "x", "QueryExecutionContext": {"Database": ""}},
            f"Value at 'queryExecutionContext.database' {CONSTRAINT} have length",
        ),
        (
            START,
            {"QueryString": "x", "ExecutionParameters": []},
            f"Value at 'executionParameters' {CONSTRAINT} have length greater than or equal to 1",
        ),
        (
            "GetQueryResults",
            {"QueryExecutionId": "q", "MaxResults": 0, "NextToken": ""},
            "2 validation errors detected",
        ),
        (
            "GetQueryResults",
            {"QueryExecutionId": "q", "MaxResults": 1001},
            f"'maxResults' {CONSTRAINT} have value less than or equal to 1000",
        ),
        (
            "UpdateWorkGroup",
            {"WorkGroup": "w", "State": "OFF"},
            f"Value at 'state' {CONSTRAINT} satisfy enum value set: [DISABLED, ENABLED]",
        ),
        (
            "BatchGetQueryExecution",
            {"QueryExecutionIds": ["q"] * 51},
            f"'queryExecutionIds' {CONSTRAINT} have length less than or equal to 50",
        ),
    ],
)  # fmt: skip
def test_a_request_beyond_the_models_limits_is_refused(
    operation: str, request_fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(ApiError) as caught:
        checked(operation, request_fields)
    assert words in str(caught.value)
    assert caught.value.body()["AthenaErrorCode"] == "INVALID_INPUT"


@pytest.mark.parametrize(
    "request_fields",
    [
        {"QueryString": 1},
        {"QueryString": "x", "ExecutionParameters": "1"},
        {"QueryString": "x", "QueryExecutionContext": "db"},
    ],
)
def test_a_value_of_another_kind_is_no_request(request_fields: dict[str, Any]) -> None:
    with pytest.raises(ApiError) as caught:
        checked(START, request_fields)
    assert caught.value.body()["__type"] == "SerializationException"


def test_fields_that_the_model_does_not_know_are_left_out() -> None:
    assert checked(START, {"QueryString": "x", "New": 1, "WorkGroup": None}) == {"QueryString": "x"}


def asked(target: str, body: bytes) -> tuple[str, dict[str, Any]]:
    """The status and the body that a request gets; it does not reach the service."""
    statuses: list[str] = []
    environ = {
        "HTTP_X_AMZ_TARGET": target,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    service: Any = None
    answer = Application(service)(environ, lambda status, headers: statuses.append(status))
    return statuses[0], json.loads(b"".join(answer))


@pytest.mark.parametrize(
    ("target", "body", "kind", "words"),
    [
        ("AmazonAthena.StartSession", b"{}", "UnknownOperationException", "know the operation Sta"),
        ("AmazonAthena.Nothing", b"{}", "UnknownOperationException", "no operation 'Nothing'"),
        ("AWSGlue.GetTable", b"{}", "UnknownOperationException", "no operation"),
        ("", b"{}", "UnknownOperationException", "no operation"),
        ("AmazonAthena.GetQueryExecution", b"{", "SerializationException", "no JSON"),
        ("AmazonAthena.GetQueryExecution", b"[]", "SerializationException", "no JSON object"),
        ("AmazonAthena.GetQueryExecution", b"\xff", "SerializationException", "no JSON"),
    ],
)
def test_what_is_no_request_of_athenas_is_refused(
    target: str, body: bytes, kind: str, words: str
) -> None:
    status, found = asked(target, body)
    assert status.startswith("400")
    assert found["__type"] == kind
    assert words in found["Message"]


@pytest.mark.parametrize(
    ("statement", "kind", "name"),
    [
        ("SELECT 1", ("DML", "SELECT"), "q.csv"),
        (" -- why\n /* so */ (select 1)", ("DML", "SELECT"), "q.csv"),
        ("with a as (select 1) select * from a", ("DML", "SELECT"), "q.csv"),
        ("VALUES 1", ("DML", "SELECT"), "q.csv"),
        ("EXPLAIN SELECT 1", ("DML", "EXPLAIN"), "q.txt"),
        ("INSERT INTO t SELECT 1", ("DML", "INSERT"), "q"),
        ("UNLOAD (SELECT 1) TO 's3://b/k/' WITH (format = 'JSON')", ("DML", "UNLOAD"), "q"),
        ("CREATE TABLE t AS SELECT 1", ("DDL", "CREATE_TABLE_AS_SELECT"), "tables/q"),
        (
            "CREATE TABLE t WITH (external_location = 's3://b/as select/') AS\n"
            "(WITH a AS (SELECT 1) SELECT * FROM a)",
            ("DDL", "CREATE_TABLE_AS_SELECT"),
            "tables/q",
        ),
        ("CREATE EXTERNAL TABLE t (n int COMMENT 'as select') LOCATION 's3://b/'", ("DDL", None),
         "q.txt"),
        ("CREATE VIEW v AS SELECT 1", ("DDL", None), "q.txt"),
        ("MSCK REPAIR TABLE t", ("DDL", None), "q.txt"),
        ("show tables", ("UTILITY", None), "q.txt"),
        ("", ("DDL", None), "q.txt"),
    ],
)  # fmt: skip
def test_the_first_words_say_what_kind_of_statement_it_is(
    statement: str, kind: tuple[str, str | None], name: str
) -> None:
    found = statement_kinds.kind(statement)
    assert (found.statement, found.substatement) == kind
    assert found.form.format(id="q") == name


def test_a_list_is_told_in_pages_until_its_end() -> None:
    keys = [f"k{n}" for n in range(5)]
    found, token = page(keys, token=None, most=2)
    pages = [found]
    while token is not None:
        found, token = page(keys, token=token, most=2)
        pages.append(found)
    assert pages == [["k0", "k1"], ["k2", "k3"], ["k4"]]
    for wrong in ("k0", "", "a\u00e9"):
        with pytest.raises(ApiError, match="Malformed nextPageToken"):
            page(keys, token=wrong, most=2)


def test_rows_come_back_from_a_csv_as_they_were(tmp_path: Any) -> None:
    columns = [Column("a", "varchar", 0, 0), Column("b", "varchar", 0, 0)]
    rows = [("x", None), ("", 'q"\n,"'), (None, None), ("\r\n", "\u00e9")]
    file = io.BytesIO()
    assert result_files.write_csv(file, columns, iter(rows)) == len(rows)
    file.seek(0)
    found = []
    while record := result_files.read_record(file):
        found.append(result_files.values_of(record))
    assert found == [("a", "b"), *rows]


def fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a message of protobuf, by the rules of its wire format."""
    place = 0

    def varint() -> int:
        nonlocal place
        value = shift = 0
        while True:
            byte = data[place]
            place += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while place < len(data):
        number, kind = divmod(varint(), 8)
        if kind == 0:
            yield number, varint()
        else:
            assert kind == 2
            size = varint()
            yield number, data[place : place + size]
            place += size


def test_the_metadata_file_has_each_column_where_drivers_look_for_it() -> None:
    columns = [Column("a" * 200, "varchar", 2147483647, 0), Column("d", "decimal", 10, 2)]
    found = list(fields(metadata("q", columns, update_type="INSERT", update_count=300)))
    assert found[:3] == [(1, b"q"), (2, b"INSERT"), (3, 300)]
    told = [dict(fields(data)) for number, data in found[3:] if number == 4]
    assert [(each[4], each[5], each[6], each[7], each[8], each[10]) for each in told] == [
        (b"a" * 200, b"a" * 200, b"varchar", 2147483647, 0, 1),
        (b"d", b"d", b"decimal", 10, 2, 0),
    ]
    assert [
        number for number, _ in fields(metadata("q", [], update_type=None, update_count=None))
    ] == [1]
