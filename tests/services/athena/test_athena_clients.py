"""The local Athena by those who usually ask Athena: each client as its own page shows it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import Any

import awswrangler
import boto3
import pandas
import pyathena
import pytest
from airflow.providers.amazon.aws.hooks.athena import AthenaHook
from airflow.providers.amazon.aws.operators.athena import AthenaOperator
from airflow.providers.amazon.aws.sensors.athena import AthenaSensor
from pyathena.pandas.cursor import PandasCursor

from support.athena_server import AthenaServer
from support.moto import REGION, MotoServer
from support.s3 import OWNER, Store

SERDE = "org.openx.data.jsonserde.JsonSerDe"
ROWS = [{"n": 1, "t": "a"}, {"n": 2, "t": 'b"\n'}, {"n": 3, "t": None}]


@pytest.fixture
def asked(
    athena_server: AthenaServer,
    moto_server: MotoServer,
    monkeypatch: pytest.MonkeyPatch,
    glue_database: str,
    store: Store,
) -> str:
    """A database with the table `rows`; clients find the servers by AWS's variables."""
    for name, text in athena_server.environment().items():
        monkeypatch.setenv(name, text)
    store.put("rows/1.json", "".join(f"{json.dumps(row)}\n" for row in ROWS).encode())
    kinds = {"n": "int", "t": "string"}
    storage = {
        "Columns": [{"Name": name, "Type": kind} for name, kind in kinds.items()],
        "Location": store.uri("rows/"),
        "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
        "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
        "SerdeInfo": {"SerializationLibrary": SERDE},
    }
    table = {"Name": "rows", "TableType": "EXTERNAL_TABLE", "StorageDescriptor": storage}
    moto_server.client("glue").create_table(DatabaseName=glue_database, TableInput=table)
    return glue_database


def test_the_operator_and_the_sensor_of_the_amazon_provider(asked: str, store: Store) -> None:
    operator = AthenaOperator(
        task_id="query",
        query="SELECT n FROM rows ORDER BY n",
        database=asked,
        output_location=store.uri("r"),
        aws_conn_id=None,
        region_name=REGION,
        sleep_time=1,
    )
    query = operator.execute({})
    assert query is not None
    sensor = AthenaSensor(
        task_id="wait", query_execution_id=query, aws_conn_id=None, region_name=REGION
    )
    assert sensor.poke({})
    hook = AthenaHook(aws_conn_id=None, region_name=REGION)
    assert hook.get_output_location(query) == f"{store.uri('r')}/{query}.csv"
    found: Any = hook.get_query_results(query)
    assert [row["Data"][0]["VarCharValue"] for row in found["ResultSet"]["Rows"]] == [
        "n", "1", "2", "3"
    ]  # fmt: skip


def test_an_operator_whose_query_fails_fails_with_athenas_reason(asked: str, store: Store) -> None:
    operator = AthenaOperator(
        task_id="query",
        query="SELECT nothing FROM rows",
        database=asked,
        output_location=store.uri("r"),
        aws_conn_id=None,
        region_name=REGION,
        sleep_time=1,
    )
    with pytest.raises(Exception, match="nothing"):
        operator.execute({})


@pytest.mark.parametrize(
    "options",
    [
        {"ctas_approach": False},
        {"ctas_approach": True},
        {"ctas_approach": False, "unload_approach": True},
        {"ctas_approach": False, "chunksize": 2},
    ],
    ids=["csv", "ctas", "unload", "chunks"],
)
def test_awswrangler_reads_a_query(options: dict[str, Any], asked: str, store: Store) -> None:
    session = boto3.Session(
        aws_access_key_id=OWNER.access_key_id,
        aws_secret_access_key=OWNER.secret_access_key,
        region_name=REGION,
    )
    found = awswrangler.athena.read_sql_query(
        "SELECT n, t FROM rows ORDER BY n",
        database=asked,
        s3_output=store.uri("r/"),
        boto3_session=session,
        athena_query_wait_polling_delay=0.05,
        **options,
    )
    frame = found if isinstance(found, pandas.DataFrame) else pandas.concat(list(found))
    texts = dict(zip(frame["n"], frame["t"].fillna("NULL"), strict=True))
    assert texts == {1: "a", 2: 'b"\n', 3: "NULL"}


def connection(database: str, store: Store, **options: Any) -> Any:
    return pyathena.connect(
        s3_staging_dir=store.uri("r/"),
        schema_name=database,
        region_name=REGION,
        poll_interval=0.05,
        **options,
    )


def test_pyathenas_cursor_reads_rows_with_parameters(asked: str, store: Store) -> None:
    with connection(asked, store) as athena, athena.cursor() as cursor:
        cursor.execute("SELECT n, t FROM rows WHERE n > %(least)d ORDER BY n", {"least": 1})
        assert [each[0] for each in cursor.description] == ["n", "t"]
        assert cursor.fetchall() == [(2, 'b"\n'), (3, None)]
        assert cursor.list_table_metadata(schema_name=asked)[0].name == "rows"
        cursor.execute("SELECT t FROM rows WHERE n = ?", ["1"], paramstyle="qmark")
        assert cursor.fetchall() == [("a",)]


def test_pyathenas_pandas_cursor_reads_the_file(asked: str, store: Store) -> None:
    with connection(asked, store, cursor_class=PandasCursor) as athena:
        frame = athena.cursor().execute("SELECT n, t FROM rows ORDER BY n").as_pandas()
    assert list(frame["n"]) == [1, 2, 3]
    assert list(frame["t"].fillna("NULL")) == ["a", 'b"\n', "NULL"]


def test_sqlalchemy_reads_by_pyathena(
    asked: str, store: Store, athena_server: AthenaServer
) -> None:
    import sqlalchemy

    place = store.uri("r/").replace(":", "%3A").replace("/", "%2F")
    url = f"awsathena+rest://@athena.{REGION}.amazonaws.com:443/{asked}?s3_staging_dir={place}"
    engine = sqlalchemy.create_engine(
        url, connect_args={"endpoint_url": None, "poll_interval": 0.05}
    )
    with engine.connect() as connected:
        found = connected.execute(sqlalchemy.text("SELECT count(*) AS c FROM rows")).scalar()
    assert found == 3


def aws(*words: str) -> Any:
    """What the AWS CLI answers."""
    line = [sys.executable, "-m", "awscli", "athena", *words, "--output", "json"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout or "null")


def test_the_calls_of_the_aws_command_line(asked: str, store: Store) -> None:
    started = aws(
        "start-query-execution",
        "--query-string", "SELECT n FROM rows ORDER BY n",
        "--query-execution-context", f"Database={asked}",
        "--result-configuration", f"OutputLocation={store.uri('r/')}",
    )  # fmt: skip
    query = ("--query-execution-id", started["QueryExecutionId"])
    state = ""
    while state not in ("SUCCEEDED", "FAILED"):
        state = aws("get-query-execution", *query)["QueryExecution"]["Status"]["State"]
    assert state == "SUCCEEDED"
    rows = aws("get-query-results", *query, "--page-size", "2")["ResultSet"]["Rows"]
    assert [row["Data"][0]["VarCharValue"] for row in rows] == ["n", "1", "2", "3"]
    assert aws("get-work-group", "--work-group", "primary")["WorkGroup"]["State"] == "ENABLED"


def test_many_threads_of_boto3_ask_at_once(
    athena_server: AthenaServer, store: Store, moto_server: MotoServer
) -> None:
    states: list[str] = []

    def ask() -> None:
        found = athena_server.run("SELECT 1 AS x", store.uri("r"))
        states.append(found["Status"]["State"])

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert states == ["SUCCEEDED"] * 12
