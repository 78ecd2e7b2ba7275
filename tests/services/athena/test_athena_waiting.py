"""Queries of the local Athena that wait, that run on, that are stopped, and that read too much."""

from __future__ import annotations

import io
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from botocore.exceptions import ClientError

from support.athena_server import AthenaServer, finished, running
from support.fault_server import fault_proxy
from support.moto import MotoServer
from support.s3 import Store, noise
from support.waiting import eventually

PARQUET = "org.apache.hadoop.hive.ql.io.parquet"


@pytest.fixture
def held(
    s3_server: Store, moto_server: MotoServer
) -> Iterator[tuple[AthenaServer, threading.Event]]:
    """One that runs one query at a time, and writes no result before the event is set."""
    released = threading.Event()

    def hold(handler: Any, request: Any) -> None:
        released.wait(60)
        code, headers, body = handler.forward(request)
        handler.answer(code, body, headers)

    with (
        fault_proxy(s3_server.endpoint) as proxy,
        running(proxy.url, moto_server.endpoint, "--queries", "1") as server,
    ):
        proxy.on("put", hold, times=1000)
        yield server, released
        released.set()


def state_of(athena: Any, query: str) -> str:
    found = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
    return str(found["Status"]["State"])


def refusal(athena: Any, query: str) -> str:
    with pytest.raises(ClientError) as caught:
        athena.get_query_results(QueryExecutionId=query)
    return str(caught.value.response["Error"]["Message"])


def test_queries_wait_for_their_turn_and_are_stopped_whether_they_run_or_not(
    held: tuple[AthenaServer, threading.Event], store: Store
) -> None:
    server, released = held
    athena = server.client()
    request = {
        "QueryString": "SELECT 1 AS x",
        "ResultConfiguration": {"OutputLocation": store.uri("r")},
    }
    one, two, three = (
        athena.start_query_execution(**request)["QueryExecutionId"] for _ in range(3)
    )
    assert eventually(lambda: state_of(athena, one) == "RUNNING", seconds=60)
    assert (state_of(athena, two), state_of(athena, three)) == ("QUEUED", "QUEUED")
    assert refusal(athena, one) == "Query has not yet finished. Current state: RUNNING"
    assert refusal(athena, two) == "Query has not yet finished. Current state: QUEUED"
    for query in (two, one, one):
        athena.stop_query_execution(QueryExecutionId=query)
        told = finished(athena, query)["Status"]
        assert (told["State"], told["StateChangeReason"]) == (
            "CANCELLED", "Query cancelled by user"
        )  # fmt: skip
        assert "AthenaError" not in told
        assert refusal(athena, query) == "Could not find results"
    released.set()
    last = finished(athena, three)["Status"]
    assert last["State"] == "SUCCEEDED", last["StateChangeReason"]
    athena.stop_query_execution(QueryExecutionId=three)
    assert state_of(athena, three) == "SUCCEEDED"
    assert state_of(athena, one) == "CANCELLED"


def test_a_query_that_would_read_more_than_its_workgroup_allows_is_cancelled(
    athena_server: AthenaServer, moto_server: MotoServer, glue_database: str, store: Store
) -> None:
    file = io.BytesIO()
    values = {"big": [noise(6_000_000, seed=n).hex() for n in (1, 2)], "small": ["a", "b"]}
    pyarrow.parquet.write_table(pyarrow.table(values), file, compression="none")
    store.put("t/1.parquet", file.getvalue())
    storage = {
        "Columns": [{"Name": name, "Type": "string"} for name in values],
        "Location": store.uri("t/"),
        "InputFormat": f"{PARQUET}.MapredParquetInputFormat",
        "OutputFormat": f"{PARQUET}.MapredParquetOutputFormat",
        "SerdeInfo": {"SerializationLibrary": f"{PARQUET}.serde.ParquetHiveSerDe"},
    }
    table = {"Name": "t", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": storage}
    moto_server.client("glue").create_table(DatabaseName=glue_database, TableInput=table)
    group = f"cutoff-{store.prefix}"
    athena_server.client().create_work_group(
        Name=group,
        Configuration={
            "BytesScannedCutoffPerQuery": 10_000_000,
            "ResultConfiguration": {"OutputLocation": store.uri("r")},
        },
    )
    context: dict[str, Any] = {
        "WorkGroup": group,
        "QueryExecutionContext": {"Database": glue_database},
    }
    few = athena_server.run("SELECT count(small) AS n FROM t", **context)
    assert few["Status"]["State"] == "SUCCEEDED", few["Status"]
    assert few["Statistics"]["DataScannedInBytes"] < 10_000_000
    many = athena_server.run("SELECT max(length(big)) AS n FROM t", **context)
    assert many["Status"]["State"] == "CANCELLED"
    assert many["Status"]["StateChangeReason"] == "Bytes scanned limit was exceeded"
    assert many["Statistics"]["DataScannedInBytes"] > 10_000_000
    assert not any(many["QueryExecutionId"] in name for name in store.names())


def test_a_web_page_is_refused_and_other_clients_need_no_key(athena_server: AthenaServer) -> None:
    def status(**headers: str) -> int:
        told = {"X-Amz-Target": "AmazonAthena.ListWorkGroups", **headers}
        request = urllib.request.Request(athena_server.endpoint, b"{}", told)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    assert status() == 200
    assert status(Origin="https://evil.example") == 403
    assert status(Host="evil.example") == 403
