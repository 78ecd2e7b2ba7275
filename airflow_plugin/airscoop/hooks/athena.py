"""Athena and the Glue catalog by an Airflow connection, through the Amazon provider's hooks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airscoop.aws.settings import S3Settings
from airscoop.deltas.sql import quoted
from airscoop.errors import NotFound, SqlError, UnsupportedFormat, UsageError
from airscoop.hooks import aws

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.athena import AthenaHook

# Without another one the backslash would escape; opencsv has no way to say "none" in a catalog.
NO_ESCAPE = "\x01"


@dataclass(frozen=True, kw_only=True)
class AthenaSettings:
    """Where Athena works.

    database: of the Glue catalog, for the tables of the run. results: an s3:// prefix; the changes
    and Athena's own results are written below it, in a folder for each run. aws_conn_id: an Airflow
    connection, None for botocore's own credentials. empty_is_null: empty values are NULL, as
    nothing between two commas is for the other engine; else they are empty texts.
    """

    database: str
    results: str
    workgroup: str = "primary"
    aws_conn_id: str | None = None
    empty_is_null: bool = False
    poll_seconds: float = 5.0

    def s3(self) -> tuple[S3Settings, str | None] | None:
        """How the connection reaches S3, and the CA file to trust; None without a connection."""
        return None if self.aws_conn_id is None else aws.s3_settings(self.aws_conn_id)

    def connect(self) -> AthenaConnection:
        """Athena and the Glue catalog, by the connection."""
        return AthenaConnection(athena_hook(self.aws_conn_id), glue_client(self.aws_conn_id))


def glue_client(aws_conn_id: str | None) -> Any:
    """A client for the Glue catalog."""
    return aws.client(aws_conn_id, "glue", needed_by='engine="athena"')


def athena_hook(aws_conn_id: str | None) -> AthenaHook:
    """The provider's hook."""
    try:
        from airflow.providers.amazon.aws.hooks.athena import AthenaHook
    except ImportError as error:
        raise UsageError(
            'engine="athena" needs the package apache-airflow-providers-amazon; install it'
        ) from error
    return AthenaHook(aws_conn_id=aws.existing(aws_conn_id), log_query=False)


class AthenaConnection:
    """Athena by the provider's hook, and the Glue catalog by a client."""

    def __init__(self, hook: AthenaHook, glue: Any) -> None:
        self._hook = hook
        self._glue = glue

    def run_query(
        self,
        statement: str,
        *,
        database: str,
        results: str,
        workgroup: str,
        poll_seconds: float,
        on_wait: Callable[[], object],
    ) -> str:
        """Runs one statement to its end, however long that takes; its id.

        `on_wait` is called at least once a second. The query is stopped when that, or a signal,
        raises. A failure is SqlError, worth another try where Athena says so.
        """
        query = self._hook.run_query(
            statement, {"Database": database}, {"OutputLocation": results}, workgroup=workgroup
        )
        try:
            while (state := self._hook.check_query_status(query)) not in self._hook.TERMINAL_STATES:
                _wait(poll_seconds, on_wait)
        except BaseException:
            self._hook.stop_query(query)
            raise
        if state != "SUCCEEDED":
            status = self._hook.get_query_info(query)["QueryExecution"]["Status"]
            failed = SqlError(
                f"the Athena query {query} {state.lower()}: {status.get('StateChangeReason', '')}"
            )
            failed.retryable = bool(status.get("AthenaError", {}).get("Retryable"))
            raise failed
        return query

    def numbers(self, query: str) -> list[int]:
        """The one row of numbers that a query gave, behind the row of names."""
        answer: Any = self._hook.get_query_results(query)
        return [int(item["VarCharValue"]) for item in answer["ResultSet"]["Rows"][1]["Data"]]

    @contextmanager
    def csv_table(
        self, *, database: str, name: str, columns: Sequence[str], location: str
    ) -> Iterator[str]:
        """A table of texts over the CSV files below `location`, as long as the `with` lasts."""
        self._glue.create_table(
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
            self._glue.delete_table(DatabaseName=database, Name=name)

    def text_columns(self, database: str, name: str) -> list[str]:
        """The columns of a table of the catalog, which must be texts."""
        from botocore.exceptions import ClientError

        try:
            table = self._glue.get_table(DatabaseName=database, Name=name)["Table"]
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


def _wait(seconds: float, on_wait: Callable[[], object]) -> None:
    end = time.monotonic() + seconds
    while True:
        on_wait()
        left = end - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(left, 1.0))
