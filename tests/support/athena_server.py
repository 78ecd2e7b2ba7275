"""The local Athena in a process of its own, on the tests' S3 server and moto's Glue catalog."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from airscoop import Credentials
from airscoop.local import clients
from airscoop.local.processes import accepts, free_ports
from support.moto import REGION, MotoServer
from support.s3 import OWNER, READER, Store
from support.waiting import eventually

OVER = ("SUCCEEDED", "FAILED", "CANCELLED")


@dataclass(frozen=True)
class AthenaServer:
    """Where a local Athena is, and what it works on."""

    endpoint: str
    s3_endpoint: str
    glue_endpoint: str

    def client(self, **options: Any) -> Any:
        return boto3.client("athena", endpoint_url=self.endpoint, **client_options(**options))

    def environment(self) -> dict[str, str]:
        """AWS's variables for a process that asks it."""
        return {
            "AWS_ACCESS_KEY_ID": OWNER.access_key_id,
            "AWS_SECRET_ACCESS_KEY": OWNER.secret_access_key,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL_ATHENA": self.endpoint,
            "AWS_ENDPOINT_URL_GLUE": self.glue_endpoint,
            "AWS_ENDPOINT_URL_S3": self.s3_endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def run(self, statement: str, place: str | None = None, **request: Any) -> dict[str, Any]:
        """Runs a statement to its end; its QueryExecution."""
        if place is not None:
            request["ResultConfiguration"] = {"OutputLocation": place}
        athena = self.client()
        started = athena.start_query_execution(QueryString=statement, **request)
        return finished(athena, started["QueryExecutionId"])


def client_options(**options: Any) -> dict[str, Any]:
    limits = {"connect_timeout": 5, "read_timeout": 60, "retries": {"max_attempts": 1}}
    return {
        "region_name": REGION,
        "aws_access_key_id": OWNER.access_key_id,
        "aws_secret_access_key": OWNER.secret_access_key,
        "config": Config(**{**limits, **options}),
    }


def finished(athena: Any, query: str) -> dict[str, Any]:
    """The QueryExecution of a query that has ended."""
    while True:
        found: dict[str, Any] = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
        if found["Status"]["State"] in OVER:
            return found
        time.sleep(0.02)


@contextmanager
def running(
    s3: str, glue: str, *options: str, credentials: Credentials = OWNER
) -> Iterator[AthenaServer]:
    """A local Athena as long as the `with` lasts; its options are the command line's."""
    (port,) = free_ports(1)
    words = ["--port", str(port), "--s3", s3, "--glue", glue, *options]
    keys = {
        "AWS_ACCESS_KEY_ID": credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": credentials.secret_access_key,
    }
    with tempfile.TemporaryDirectory(prefix="airscoop-test-athena-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                [sys.executable, "-m", "airscoop.local.athena", *words],
                stdout=output, stderr=output, env={**clients.environment(), **keys},
            )  # fmt: skip
        try:

            def answers() -> bool:
                assert server.poll() is None, log.read_text()
                return accepts(port)

            assert eventually(answers, seconds=60), log.read_text()
            yield AthenaServer(f"http://127.0.0.1:{port}", s3, glue)
        finally:
            server.kill()
            server.wait()


@pytest.fixture(scope="session")
def athena_server(s3_server: Store, moto_server: MotoServer) -> Iterator[AthenaServer]:
    """One local Athena for the whole session; names of the tests' own keep them apart."""
    with running(s3_server.endpoint, moto_server.endpoint) as server:
        yield server


@pytest.fixture(scope="session")
def reading_athena(s3_server: Store, moto_server: MotoServer) -> Iterator[AthenaServer]:
    """One whose keys may read, and write nothing."""
    with running(s3_server.endpoint, moto_server.endpoint, credentials=READER) as server:
        yield server


@pytest.fixture
def glue_database(moto_server: MotoServer) -> str:
    """A database of the test's own in the catalog."""
    name = f"db_{uuid.uuid4().hex[:12]}"
    moto_server.client("glue").create_database(DatabaseInput={"Name": name})
    return name
