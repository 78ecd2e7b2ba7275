"""The local Athena's API by boto3: a query from its start to its result, and what it leaves."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.athena_server import AthenaServer, finished
from support.s3 import BUCKET, Store


def refusal(call: Any, **request: Any) -> tuple[str, str]:
    """The name and the words of what a call is refused with."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    told = caught.value.response["Error"]
    return told["Code"], told["Message"]


def rows_of(page: dict[str, Any]) -> list[list[str | None]]:
    return [[each.get("VarCharValue") for each in row["Data"]] for row in page["ResultSet"]["Rows"]]


def test_a_query_succeeds_and_its_result_is_at_its_place(
    athena_server: AthenaServer, store: Store
) -> None:
    query = athena_server.run(
        "SELECT 'a\"b' AS x, CAST(NULL AS varchar) AS y, '' AS z", store.uri("r")
    )
    assert query["Status"]["State"] == "SUCCEEDED"
    assert (query["StatementType"], query["SubstatementType"]) == ("DML", "SELECT")
    assert query["WorkGroup"] == "primary"
    assert query["Status"]["SubmissionDateTime"] <= query["Status"]["CompletionDateTime"]
    place = query["ResultConfiguration"]["OutputLocation"]
    assert place == store.uri(f"r/{query['QueryExecutionId']}.csv")
    name = place.removeprefix(store.uri(""))
    assert store.get(name) == b'"x","y","z"\n"a""b",,""\n'
    metadata = store.get(f"{name}.metadata")
    assert query["QueryExecutionId"].encode() in metadata
    assert b"varchar" in metadata
    page = athena_server.client().get_query_results(QueryExecutionId=query["QueryExecutionId"])
    assert rows_of(page) == [["x", "y", "z"], ['a"b', None, ""]]
    columns = page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    assert [(each["Name"], each["Label"], each["Type"]) for each in columns] == [
        (name, name, "varchar") for name in "xyz"
    ]
    assert page["UpdateCount"] == 0


def test_pages_hold_every_row_once_whatever_is_in_it(
    athena_server: AthenaServer, store: Store
) -> None:
    texts = ["a\nb", "", 'quo"te,', "é\r\n", "last"]
    union = " UNION ALL ".join(f"SELECT {n} AS n, '{text}' AS t" for n, text in enumerate(texts))
    query = athena_server.run(f"SELECT n, t FROM ({union}) q ORDER BY n", store.uri("r"))
    assert query["Status"]["State"] == "SUCCEEDED", query["Status"]
    pages = athena_server.client().get_paginator("get_query_results")
    found = [
        rows_of(page)
        for page in pages.paginate(
            QueryExecutionId=query["QueryExecutionId"], PaginationConfig={"PageSize": 2}
        )
    ]
    assert [len(page) for page in found] == [2, 2, 2, 0]
    assert [row for page in found for row in page] == [
        ["n", "t"], *([str(n), text] for n, text in enumerate(texts))
    ]  # fmt: skip


def test_a_token_of_another_query_or_of_nobody_is_malformed(
    athena_server: AthenaServer, store: Store
) -> None:
    athena = athena_server.client()
    one, other = (athena_server.run("SELECT 1 AS x", store.uri("r")) for _ in range(2))
    page = athena.get_query_results(QueryExecutionId=one["QueryExecutionId"], MaxResults=1)
    for token in (page["NextToken"], "nonsense"):
        assert refusal(
            athena.get_query_results, QueryExecutionId=other["QueryExecutionId"], NextToken=token
        ) == ("InvalidRequestException", f"Malformed nextPageToken {token}")


def test_the_same_token_starts_one_query(athena_server: AthenaServer, store: Store) -> None:
    athena, token = athena_server.client(), str(uuid.uuid4())
    request = {
        "QueryString": "SELECT 1 AS x",
        "ClientRequestToken": token,
        "ResultConfiguration": {"OutputLocation": store.uri("r")},
    }
    first = athena.start_query_execution(**request)["QueryExecutionId"]
    assert athena.start_query_execution(**request)["QueryExecutionId"] == first
    finished(athena, first)
    assert athena.start_query_execution(**request)["QueryExecutionId"] == first
    for change in (
        {"QueryString": "SELECT 2 AS x"},
        {"ResultConfiguration": {"OutputLocation": store.uri("other")}},
        {"QueryExecutionContext": {"Database": "other"}},
        {"ExecutionParameters": ["1"]},
    ):
        assert refusal(athena.start_query_execution, **{**request, **change}) == (
            "InvalidRequestException", "Idempotent parameters do not match"
        )  # fmt: skip


@pytest.mark.parametrize(
    ("request_fields", "words"),
    [
        (
            {"QueryString": "SELECT 1"},
            "No output location provided. An output location is required",
        ),
        (
            {"QueryString": "SELECT 1", "ResultConfiguration": {"OutputLocation": "https://b/k"}},
            "outputLocation is not a valid S3 path.",
        ),
        ({"QueryString": "SELECT 1", "WorkGroup": "nowhere"}, "WorkGroup is not found."),
        (
            {"QueryString": "SELECT 1", "ClientRequestToken": "too short, that is sure"},
            "Value at 'clientRequestToken' failed to satisfy constraint: "
            "Member must have length greater than or equal to 32",
        ),
        (
            {"QueryString": "SELECT '" + "é" * 131_100 + "'"},
            "Value at 'queryString' failed to satisfy constraint: "
            "Member must have length less than or equal to 262144",
        ),
    ],
    ids=["no place", "no address in S3", "no workgroup", "short token", "long statement"],
)
def test_what_cannot_start_is_refused_in_athenas_words(
    request_fields: dict[str, Any], words: str, athena_server: AthenaServer
) -> None:
    athena = athena_server.client(parameter_validation=False)
    code, message = refusal(athena.start_query_execution, **request_fields)
    assert code == "InvalidRequestException"
    assert words in message


def test_a_query_that_fails_says_why(athena_server: AthenaServer, store: Store) -> None:
    query = athena_server.run("SELECT nothing_of_this_name", store.uri("r"))
    assert query["Status"]["State"] == "FAILED"
    error = query["Status"]["AthenaError"]
    assert query["Status"]["StateChangeReason"] == error["ErrorMessage"]
    assert (error["ErrorCategory"], error["Retryable"]) == (2, False)
    assert "nothing_of_this_name" in error["ErrorMessage"]
    assert store.names() == []
    code, message = refusal(
        athena_server.client().get_query_results, QueryExecutionId=query["QueryExecutionId"]
    )
    assert code == "InvalidRequestException"
    assert message == "Query did not finish successfully. Final query state: FAILED"


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("SELEC 1", "line 1:1: mismatched input 'SELEC'"),
        ("SELECT 1 FROM (", "line 1:1"),
        ("SELECT 1 +", "line 1:"),
        ("SELECT\n  1 FROM WHERE", "line 2:"),
        ("GIVE ME ROWS", "line 1:1: mismatched input 'GIVE'"),
        ("-- nothing", "mismatched input '<EOF>'"),
    ],
)
def test_what_athena_cannot_read_does_not_become_a_query(
    statement: str, words: str, athena_server: AthenaServer, store: Store
) -> None:
    with pytest.raises(ClientError) as caught:
        athena_server.run(statement, store.uri("r"))
    told = caught.value.response
    assert told["Error"]["Code"] == "InvalidRequestException"
    assert told["AthenaErrorCode"] == "MALFORMED_QUERY"
    assert words in told["Error"]["Message"]


@pytest.mark.parametrize(
    ("statement", "code", "number"),
    [
        ("SELECT * FROM gone", "TABLE_NOT_FOUND", 1301),
        ("SELECT nothing", "COLUMN_NOT_FOUND", 1006),
        ("SELECT CAST('x' AS integer)", "INVALID_CAST_ARGUMENT", 1100),
        ("SELECT 1 / 0", "DIVISION_BY_ZERO", 1001),
        ("EXPLAIN SELECT 1", "NOT_SUPPORTED", 1200),
    ],
)
def test_the_number_of_an_error_is_that_of_athenas_list(
    statement: str,
    code: str,
    number: int,
    athena_server: AthenaServer,
    glue_database: str,
    store: Store,
) -> None:
    context = {"Database": glue_database}
    query = athena_server.run(statement, store.uri("r"), QueryExecutionContext=context)
    assert query["Status"]["State"] == "FAILED"
    error = query["Status"]["AthenaError"]
    assert (error["ErrorMessage"].partition(":")[0], error["ErrorType"]) == (code, number)


def test_a_bucket_that_refuses_the_result_fails_the_query(
    reading_athena: AthenaServer, store: Store
) -> None:
    query = reading_athena.run("SELECT 1 AS x", store.uri("r"))
    place = query["ResultConfiguration"]["OutputLocation"]
    assert query["Status"]["State"] == "FAILED"
    assert query["Status"]["StateChangeReason"] == (
        f"Access denied when writing output to url: {place} . Please ensure you are allowed to "
        "access the S3 bucket. If you are encrypting query results with KMS key, please ensure you "
        "are allowed to access your KMS key"
    )
    assert query["Status"]["AthenaError"]["ErrorCategory"] == 2


def test_a_query_for_a_bucket_that_is_not_there_does_not_start(
    athena_server: AthenaServer,
) -> None:
    code, message = refusal(
        athena_server.client().start_query_execution,
        QueryString="SELECT 1 AS x",
        ResultConfiguration={"OutputLocation": "s3://not-a-bucket-of-the-tests/r/"},
    )
    assert code == "InvalidRequestException"
    assert message.startswith("The S3 location provided to save your query results is invalid.")


def test_a_result_that_someone_has_removed_is_not_found(
    athena_server: AthenaServer, store: Store
) -> None:
    query = athena_server.run("SELECT 1 AS x", store.uri("r"))
    name = query["ResultConfiguration"]["OutputLocation"].removeprefix(f"s3://{BUCKET}/")
    store.client.delete_object(Bucket=BUCKET, Key=name)
    assert refusal(
        athena_server.client().get_query_results, QueryExecutionId=query["QueryExecutionId"]
    ) == ("InvalidRequestException", "Could not find results")


def test_what_nobody_started_is_not_there(athena_server: AthenaServer) -> None:
    athena, unknown = athena_server.client(), str(uuid.uuid4())
    for call in (
        athena.get_query_execution, athena.get_query_results, athena.stop_query_execution,
        athena.get_query_runtime_statistics,
    ):  # fmt: skip
        code, message = refusal(call, QueryExecutionId=unknown)
        assert code == "InvalidRequestException"
        assert message == f"QueryExecution {unknown} was not found"
    found = athena.batch_get_query_execution(QueryExecutionIds=[unknown])
    assert found["QueryExecutions"] == []
    assert [each["QueryExecutionId"] for each in found["UnprocessedQueryExecutionIds"]] == [unknown]


def test_an_operation_that_is_not_known_here_is_named(athena_server: AthenaServer) -> None:
    code, message = refusal(athena_server.client().list_notebook_metadata, WorkGroup="primary")
    assert code == "UnknownOperationException"
    assert message.endswith("does not know the operation ListNotebookMetadata")


def test_the_statistics_of_a_query(athena_server: AthenaServer, store: Store) -> None:
    query = athena_server.run("SELECT 1 AS x UNION ALL SELECT 2", store.uri("r"))
    statistics = query["Statistics"]
    parts = statistics["QueryQueueTimeInMillis"] + statistics["EngineExecutionTimeInMillis"]
    assert 0 <= statistics["TotalExecutionTimeInMillis"] - parts <= 2
    found = athena_server.client().get_query_runtime_statistics(
        QueryExecutionId=query["QueryExecutionId"]
    )["QueryRuntimeStatistics"]
    assert found["Rows"]["OutputRows"] == 2
    assert found["Rows"]["InputBytes"] == statistics["DataScannedInBytes"]
