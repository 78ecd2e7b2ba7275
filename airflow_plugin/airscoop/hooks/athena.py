"""Queries of Athena, and tables of the Glue catalog, through the Amazon provider's hooks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airscoop.deltas.sql import quoted

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.athena import AthenaHook

MOST_QUERY_BYTES = 262_144  # StartQueryExecution's
# Without another one the backslash would escape; opencsv has no way to say "none" in a catalog.
NO_ESCAPE = "\x01"


def glue_client(aws_conn_id: str | None) -> Any:
    """A client for the Glue catalog."""
    from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook

    return AwsBaseHook(aws_conn_id=aws_conn_id, client_type="glue").get_conn()


def athena_hook(aws_conn_id: str | None) -> AthenaHook:
    """The provider's hook."""
    try:
        from airflow.providers.amazon.aws.hooks.athena import AthenaHook
    except ImportError as error:
        from airscoop.errors import UsageError

        raise UsageError(
            'engine="athena" needs the package apache-airflow-providers-amazon; install it'
        ) from error
    return AthenaHook(aws_conn_id=aws_conn_id, log_query=False)


def check_length(statement: str) -> None:
    """Refuses a statement that Athena would not take."""
    from airscoop.errors import UsageError

    if len(statement.encode()) > MOST_QUERY_BYTES:
        raise UsageError(
            f"the statement would have {len(statement.encode()):,} bytes, more than Athena's "
            f"{MOST_QUERY_BYTES:,}: the table has too many columns for it"
        )


def run_query(
    hook: AthenaHook,
    statement: str,
    *,
    database: str,
    results: str,
    workgroup: str,
    poll_seconds: float,
    on_wait: Callable[[], object],
) -> str:
    """Runs one statement to its end, however long that takes; its id.

    `on_wait` is called at least once a second. The query is stopped when that, or a signal, raises.
    A failure is SqlError, worth another try where Athena says so.
    """
    from airscoop.errors import SqlError

    query = hook.run_query(
        statement, {"Database": database}, {"OutputLocation": results}, workgroup=workgroup
    )
    try:
        while (state := hook.check_query_status(query)) not in hook.TERMINAL_STATES:
            _wait(poll_seconds, on_wait)
    except BaseException:
        hook.stop_query(query)
        raise
    if state != "SUCCEEDED":
        status = hook.get_query_info(query)["QueryExecution"]["Status"]
        failed = SqlError(
            f"the Athena query {query} {state.lower()}: {status.get('StateChangeReason', '')}"
        )
        failed.retryable = bool(status.get("AthenaError", {}).get("Retryable"))
        raise failed
    return query


def _wait(seconds: float, on_wait: Callable[[], object]) -> None:
    end = time.monotonic() + seconds
    while True:
        on_wait()
        left = end - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(left, 1.0))


def query_numbers(hook: AthenaHook, query: str) -> list[int]:
    """The one row of numbers that a query gave, behind the row of names."""
    answer: Any = hook.get_query_results(query)
    return [int(item["VarCharValue"]) for item in answer["ResultSet"]["Rows"][1]["Data"]]


@contextmanager
def csv_table(
    glue: Any, *, database: str, name: str, columns: Sequence[str], location: str
) -> Iterator[str]:
    """A table of texts over the CSV files below `location`, as long as the `with` lasts."""
    glue.create_table(
        DatabaseName=database,
        TableInput={
            "Name": name,
            "TableType": "EXTERNAL_TABLE",
            "Parameters": {"EXTERNAL": "TRUE", "skip.header.line.count": "1"},
            "StorageDescriptor": {
                "Columns": [{"Name": column, "Type": "string"} for column in columns],
                "Location": location,
                "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
                "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                "SerdeInfo": {
                    "SerializationLibrary": "org.apache.hadoop.hive.serde2.OpenCSVSerde",
                    "Parameters": {
                        "separatorChar": ",",
                        "quoteChar": '"',
                        "escapeChar": NO_ESCAPE,
                    },
                },
            },
        },
    )
    try:
        yield f"{quoted(database)}.{quoted(name)}"
    finally:
        glue.delete_table(DatabaseName=database, Name=name)


def text_columns(glue: Any, database: str, name: str) -> list[str]:
    """The columns of a table of the catalog, which must be texts."""
    from botocore.exceptions import ClientError

    from airscoop.errors import NotFound, UnsupportedFormat

    try:
        table = glue.get_table(DatabaseName=database, Name=name)["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "EntityNotFoundException":
            raise
        raise NotFound(f"{database}.{name} is no table of the Glue catalog") from error
    columns = table["StorageDescriptor"]["Columns"]
    for column in columns:
        if column["Type"].partition("(")[0] not in ("string", "varchar", "char"):
            raise UnsupportedFormat(
                f"{database}.{name}: the column {column['Name']} is {column['Type']}; "
                "a delta compares texts, so all columns must be strings"
            )
    return [column["Name"] for column in columns]
