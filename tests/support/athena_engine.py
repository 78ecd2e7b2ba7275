"""The local Athena's engine on the tests' S3 server and moto's Glue, without its API."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from airscoop.local.athena.answers import Answer
from airscoop.local.athena.engine import Engine
from airscoop.local.athena.failures import QueryFailed
from support.moto import MotoServer
from support.s3 import Store

Rows = list[tuple[str | None, ...]]


@dataclass(frozen=True)
class Athena:
    """An engine, a database of the test's own, and the test's place in S3."""

    engine: Engine
    glue: Any
    store: Store
    database: str

    def run(
        self,
        statement: str,
        parameters: Sequence[str] = (),
        cancelled: threading.Event | None = None,
    ) -> Answer:
        """`{place}` in a statement is the test's s3:// prefix, `{db}` its database."""
        text = statement.replace("{place}", self.store.uri("")).replace("{db}", self.database)
        return self.engine.run(
            text,
            database=self.database,
            catalog="AwsDataCatalog",
            parameters=parameters,
            output=self.store.uri("results/"),
            query_id=str(uuid.uuid4()),
            cancelled=cancelled or threading.Event(),
        )

    def rows(self, statement: str, parameters: Sequence[str] = ()) -> Rows:
        return list(self.run(statement, parameters).rows)

    def value(self, expression: str) -> str | None:
        """What `SELECT expression` gives."""
        ((found,),) = self.rows(f"SELECT {expression}")
        return found

    def type(self, expression: str) -> str | None:
        return self.value(f"typeof({expression})")

    def failure(self, statement: str, parameters: Sequence[str] = ()) -> str:
        """The message of the error that a statement ends in."""
        with pytest.raises(QueryFailed) as caught:
            self.rows(statement, parameters)
        return caught.value.message

    def table(
        self, name: str, columns: str, serde: str, *, properties: str = "", keys: str = "",
        table_properties: str = "",
    ) -> None:  # fmt: skip
        """An external table over the test's folder of its name. serde: what follows ROW FORMAT."""
        partitioned = f"PARTITIONED BY ({keys})" if keys else ""
        with_ = f"WITH SERDEPROPERTIES ({properties})" if properties else ""
        tail = f"TBLPROPERTIES ({table_properties})" if table_properties else ""
        list(
            self.run(
                f"CREATE EXTERNAL TABLE {name} ({columns}) {partitioned} ROW FORMAT {serde} "
                f"{with_} LOCATION '{{place}}{name}/' {tail}"
            ).rows
        )


@pytest.fixture
def athena(moto_server: MotoServer, store: Store) -> Athena:
    """The engine, with an empty database."""
    glue = moto_server.client("glue")
    database = f"db_{uuid.uuid4().hex[:12]}"
    glue.create_database(DatabaseInput={"Name": database})
    return Athena(Engine(s3=store.client, glue=glue), glue, store, database)
