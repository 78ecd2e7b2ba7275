"""Athena and the Glue catalog by an Airflow connection, through the Amazon provider's hooks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from airscoop import kinds
from airscoop.aws.service_errors import aws_errors
from airscoop.aws.settings import S3Settings
from airscoop.cleaning_up import cleaned_up, quietly
from airscoop.deltas.athena_leftovers import MadeTable
from airscoop.deltas.sql import quoted
from airscoop.errors import NotFound, UnsupportedFormat, UsageError
from airscoop.hooks import aws
from airscoop.hooks.athena_workgroup import Workgroup, workgroup
from airscoop.process_mark import process_mark

if TYPE_CHECKING:
    from airflow.providers.amazon.aws.hooks.athena import AthenaHook

# Without another one the backslash would escape; opencsv has no way to say "none" in a catalog.
NO_ESCAPE = "\x01"
MADE_BY = "airscoop.process"


KINDS: kinds.Kinds = {
    **dict.fromkeys(("database", "results", "workgroup", "aws_conn_id"), kinds.TEXT),
    "empty_is_null": kinds.FLAG,
    "poll_seconds": kinds.number(0, 3600),
}


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

    def __post_init__(self) -> None:
        kinds.settle(self, KINDS, "athena: ")

    def s3(self) -> S3Settings | None:
        """How the connection reaches S3; None without a connection."""
        return None if self.aws_conn_id is None else aws.s3_settings(self.aws_conn_id)

    def connect(self) -> AthenaConnection:
        """Athena and the Glue catalog, by the connection."""
        with aws_errors("Athena"):
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
        self._workgroup = Workgroup(name="")

    def use_workgroup(self, name: str, *, requester_pays: bool) -> None:
        """Looks at what a workgroup lays down; later queries run in it."""
        with aws_errors("Athena"):
            client = self._hook.get_conn()
        self._workgroup = workgroup(client, name)
        self._workgroup.check(requester_pays=requester_pays)

    def run_query(
        self,
        statement: str,
        *,
        database: str,
        results: str,
        expected_bucket_owner: str | None,
        poll_seconds: float,
        on_wait: Callable[[], object],
    ) -> str:
        """Runs one statement to its end, however long that takes; its id.

        `on_wait` is called at least once a second. The query is stopped when that, or a signal,
        raises. A failure is SqlError, worth another try where Athena says so.
        """
        place = self._workgroup.result_configuration(results, expected_bucket_owner)
        with aws_errors("Athena"):
            query = self._hook.run_query(
                statement, {"Database": database}, place, workgroup=self._workgroup.name
            )
            try:
                while (status := self._status(query))["State"] not in self._hook.TERMINAL_STATES:
                    _wait(poll_seconds, on_wait)
            except BaseException:
                quietly(f"the Athena query {query}", lambda: self._hook.stop_query(query))
                raise
        if status["State"] != "SUCCEEDED":
            raise self._workgroup.failure(query, status)
        return query

    def _status(self, query: str) -> Any:
        return self._hook.get_query_info(query)["QueryExecution"]["Status"]

    def numbers(self, query: str) -> list[int]:
        """The one row of numbers that a query gave, behind the row of names."""
        with aws_errors(f"the Athena query {query}"):
            answer: Any = self._hook.get_query_results(query)
        return [int(item["VarCharValue"]) for item in answer["ResultSet"]["Rows"][1]["Data"]]

    @contextmanager
    def csv_table(
        self, *, database: str, name: str, columns: Sequence[str], location: str
    ) -> Iterator[str]:
        """A table of texts over the CSV files below `location`, as long as the `with` lasts."""
        with cleaned_up(f"the Glue table {database}.{name}", lambda: self.drop(database, name)):
            with _glue_errors(database, name):
                self._glue.create_table(
                    DatabaseName=database, TableInput=_csv_table(name, columns, location)
                )
            yield f"{quoted(database)}.{quoted(name)}"

    def drop(self, database: str, name: str) -> None:
        """Removes a table from the catalog; nothing is wrong when there is none."""
        with suppress(NotFound), _glue_errors(database, name):
            self._glue.delete_table(DatabaseName=database, Name=name)

    def tables(self, database: str, prefix: str) -> Iterator[MadeTable]:
        """The tables of a database whose names begin with `prefix`."""
        pages = self._glue.get_paginator("get_tables")
        with aws_errors(f"the Glue database {database}"):
            for page in pages.paginate(DatabaseName=database, Expression=f"{prefix}.*"):
                now = parsedate_to_datetime(page["ResponseMetadata"]["HTTPHeaders"]["date"])
                for table in page["TableList"]:
                    yield MadeTable(
                        name=table["Name"],
                        mark=table.get("Parameters", {}).get(MADE_BY, ""),
                        age_seconds=(now - table["CreateTime"]).total_seconds(),
                    )

    def text_columns(self, database: str, name: str) -> list[str]:
        """The columns of a table of the catalog, which must be texts."""
        try:
            with _glue_errors(database, name):
                table = self._glue.get_table(DatabaseName=database, Name=name)["Table"]
        except NotFound as error:
            raise NotFound(f"{database}.{name} is no table of the Glue catalog: {error}") from error
        columns = table["StorageDescriptor"]["Columns"]
        for column in columns:
            if column["Type"].partition("(")[0] not in ("string", "varchar", "char"):
                raise UnsupportedFormat(
                    f"{database}.{name}: the column {column['Name']} is {column['Type']}; "
                    "a delta compares texts, so all columns must be strings"
                )
        return [column["Name"] for column in columns]


def _glue_errors(database: str, name: str) -> AbstractContextManager[None]:
    return aws_errors(f"the Glue table {database}.{name}")


def _csv_table(name: str, columns: Sequence[str], location: str) -> dict[str, Any]:
    return {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {
            "EXTERNAL": "TRUE",
            "skip.header.line.count": "1",
            MADE_BY: process_mark(),
        },
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
    }


def _wait(seconds: float, on_wait: Callable[[], object]) -> None:
    end = time.monotonic() + seconds
    while True:
        on_wait()
        left = end - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(left, 1.0))
