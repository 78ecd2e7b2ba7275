"""Runs Athena's statements: queries by DuckDB over the files in S3, the rest on the catalogue."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from airscoop.local.athena import statements
from airscoop.local.athena.answers import Answer, Column
from airscoop.local.athena.failures import QueryFailed
from airscoop.local.athena.running import Session, trimmed

__all__ = ["Answer", "Column", "Engine", "QueryFailed"]


class Engine:
    """One for all statements, of any thread. s3, glue: boto3 clients."""

    def __init__(self, *, s3: Any, glue: Any) -> None:
        self._s3, self._glue = s3, glue
        self._prepared: dict[str, str] = {}

    def check(self, statement: str) -> None:
        """Raises QueryFailed where Athena's parser stops, before anything is looked up."""
        statements.check(trimmed(statement))

    def run(
        self,
        statement: str,
        *,
        database: str | None,
        catalog: str,
        parameters: Sequence[str],
        output: str | None,
        query_id: str,
        cancelled: threading.Event,
    ) -> Answer:
        """Carries out one statement.

        database: what names without one are in. parameters: SQL for each `?`. output: the prefix
        (s3://…/) of the query's results, below which tables without a place of their own are made.
        Raises QueryFailed, also once `cancelled` is set.
        """
        return Session(
            s3=self._s3,
            glue=self._glue,
            database=database,
            catalog=catalog,
            output=output,
            query_id=query_id,
            cancelled=cancelled,
            prepared=self._prepared,
        ).run(statement, parameters)
