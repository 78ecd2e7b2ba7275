"""What Athena does with a statement, done by DuckDB over a real S3 server.

The control plane (StartQueryExecution and what follows, the Glue catalog) is moto's; moto runs no
SQL. The tables' files are read as OpenCSVSerDe reads them; UNLOAD writes several, each in order.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import urllib.request
import uuid
from typing import Any

import duckdb
import sqlglot
from airflow.providers.amazon.aws.hooks.athena import AthenaHook

from support.athena_sql import on_duckdb
from support.moto import MotoServer
from support.s3 import BUCKET, Store

UNLOAD = re.compile(r"UNLOAD \(\n(.*)\n\) TO 's3://[^/]+/([^']*)' WITH \((.*)\)", re.DOTALL)
TABLE = re.compile(r'FROM "([^"]+)"\."([^"]+)"')
FILES = 3


class DuckAthena(AthenaHook):
    """The provider's hook on moto; each statement is run here, just before it is sent there."""

    def __init__(self, moto: MotoServer, store: Store, catalog_rows: dict[str, Any]) -> None:
        super().__init__(aws_conn_id=None, region_name="us-east-1", log_query=False)
        self._moto, self._store, self._rows = moto, store, catalog_rows
        self.statements: list[str] = []
        self.fail_unload = False

    def get_conn(self) -> Any:
        return self._moto.client("athena")

    def run_query(self, query: str, *arguments: Any, **options: Any) -> str:
        self.statements.append(query)
        unload = UNLOAD.fullmatch(query)
        if unload:
            assert unload[3] == "format = 'TEXTFILE', compression = 'GZIP'"
            self._unload(self._execute(unload[1]), unload[2])
            if self.fail_unload:
                raise RuntimeError("the query failed after it had written")
        else:
            if "OutputLocation" in arguments[1]:
                self._keep_answer(arguments[1]["OutputLocation"])
            names_and_row = [self._names(query), *self._execute(query)]
            self._answer([[{"VarCharValue": str(v)} for v in row] for row in names_and_row])
        return super().run_query(query, *arguments, **options)

    def _names(self, query: str) -> list[str]:
        return [one.alias for one in sqlglot.parse_one(query, read="athena").expressions]

    def _execute(self, query: str) -> list[tuple[Any, ...]]:
        connection = duckdb.connect()
        for database, table in sorted(set(TABLE.findall(query))):
            connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{database}"')
            self._load(connection, database, table)
        return connection.execute(on_duckdb(query)).fetchall()

    def _load(self, connection: Any, database: str, table: str) -> None:
        found = self._moto.client("glue").get_table(DatabaseName=database, Name=table)["Table"]
        storage = found["StorageDescriptor"]
        names = [column["Name"] for column in storage["Columns"]]
        columns = ", ".join('"' + name.replace('"', '""') + '" VARCHAR' for name in names)
        connection.execute(f'CREATE TABLE "{database}"."{table}" ({columns})')
        rows = self._rows.get(table)
        if rows is None:
            assert found["Parameters"]["skip.header.line.count"] == "1"
            assert storage["SerdeInfo"]["SerializationLibrary"].endswith(".OpenCSVSerde")
            rows = self._csv_rows(storage["Location"], len(names))
        if rows:
            columns_of = list(zip(*rows, strict=True))
            connection.register("given", _arrow(names, columns_of))
            connection.execute(f'INSERT INTO "{database}"."{table}" SELECT * FROM given')
            connection.unregister("given")

    def _csv_rows(self, location: str, width: int) -> list[tuple[str | None, ...]]:
        prefix = location.removeprefix(f"s3://{BUCKET}/")
        answer = self._store.client.list_objects_v2(Bucket=BUCKET, Prefix=prefix)
        rows: list[tuple[str | None, ...]] = []
        for item in answer["Contents"]:
            name = item["Key"].rpartition("/")[2]
            if name.startswith(("_", ".")):
                continue
            data = self._store.client.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read()
            text = (gzip.decompress(data) if name.endswith(".gz") else data).decode()
            # One line is one row, whatever its quotes say.
            for line in text.removesuffix("\n").split("\n")[1:]:
                values: list[str | None] = list(next(csv.reader([line.removesuffix("\r")])))
                rows.append(tuple((values + [None] * width)[:width]))
        return rows

    def _unload(self, rows: list[tuple[Any, ...]], prefix: str) -> None:
        for number in range(FILES):
            text = "".join(f"{line}\n" for (line,) in rows[number::FILES]).encode()
            key = f"{prefix}2026_{number}_x.gz"
            self._store.client.put_object(Bucket=BUCKET, Key=key, Body=gzip.compress(text))

    def _keep_answer(self, prefix: str) -> None:
        """Athena keeps what each query answers in S3, besides."""
        for kind in ("csv", "csv.metadata"):
            key = f"{prefix.removeprefix(f's3://{BUCKET}/')}{uuid.uuid4()}.{kind}"
            self._store.client.put_object(Bucket=BUCKET, Key=key, Body=b"x")

    def _answer(self, rows: list[list[dict[str, str]]]) -> None:
        results = {"results": [{"rows": [{"Data": row} for row in rows], "column_info": []}]}
        request = urllib.request.Request(
            f"{self._moto.endpoint}/moto-api/static/athena/query-results",
            json.dumps({"region": "us-east-1", **results}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.status == 201


def _arrow(names: list[str], columns: list[Any]) -> Any:
    import pyarrow

    return pyarrow.table(
        {
            name: pyarrow.array(values, pyarrow.string())
            for name, values in zip(names, columns, strict=True)
        }
    )
