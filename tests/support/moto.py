"""A moto server (DynamoDB, Kinesis, SQS) for the tests, and a proxy that loses its answers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from airscoop.local.processes import free_ports
from support.paths import PACKAGE_ROOT
from support.waiting import eventually

ACCESS_KEY_ID, SECRET_ACCESS_KEY, REGION = "MOTOKEYID", "moto/secret+key=of.tests", "us-east-1"
# moto answers on several threads and looks at a condition before it writes, so two writes may both
# see it hold; DynamoDB does one after the other, and with this lock moto does. A request is read
# before: a client that is stopped in the middle of one holds up no other.
PROGRAM = """
import io, sys, threading
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple
application, one = DomainDispatcherApplication(create_backend_app), threading.Lock()
def serve(environ, start):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    with one:
        return application(environ, start)
run_simple("127.0.0.1", int(sys.argv[1]), serve, threaded=True)
"""


def aws_environment(endpoint: str) -> dict[str, str]:
    """What makes botocore, in any process, talk to a server with the tests' keys."""
    return {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
        "AWS_ENDPOINT_URL_KINESIS": endpoint,
        "AWS_ENDPOINT_URL_SQS": endpoint,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@dataclass(frozen=True)
class MotoServer:
    """The server's address, and clients for it."""

    endpoint: str

    def client(self, service: str, **options: Any) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
            config=Config(**{"connect_timeout": 5, "read_timeout": 20, **options}),
        )

    def environment(self) -> dict[str, str]:
        """A whole environment for a process of its own."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return kept | aws_environment(self.endpoint) | {"PYTHONPATH": str(PACKAGE_ROOT)}

    def make_registry(self) -> str:
        """A registry table of the test's own."""
        name = f"registry-{uuid.uuid4().hex[:12]}"
        self.client("dynamodb").create_table(
            TableName=name,
            AttributeDefinitions=[
                {"AttributeName": each, "AttributeType": "S"} for each in ("pk", "sk")
            ],
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        return name


@pytest.fixture(scope="session")
def moto_server() -> Iterator[MotoServer]:
    """One moto server for the whole session; names of the tests' own keep them apart."""
    (port,) = free_ports(1)
    with tempfile.TemporaryDirectory(prefix="airscoop-test-moto-") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as output:
            server = subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(port)], stdout=output, stderr=output, cwd=folder
            )
        try:

            def answers() -> bool:
                assert server.poll() is None, log.read_text()
                with socket.socket() as probe:
                    return probe.connect_ex(("127.0.0.1", port)) == 0

            assert eventually(answers, seconds=60), log.read_text()
            yield MotoServer(f"http://127.0.0.1:{port}")
        finally:
            server.kill()
            server.wait()


@pytest.fixture
def registry_table(moto_server: MotoServer) -> str:
    """The name of a registry table of the test's own."""
    return moto_server.make_registry()


class LosingProxy:
    """Passes requests on to a server; the answers to some are lost after it acted on them.

    `lose("UpdateItem", 2)`: the next two answers to that operation. `delay("PutRecords", 1)`: each
    of its answers waits a second. `hold("PutRecords", 6)`: after six answers to it no more come to
    the end, and what is asked then does not reach the server. `seen` has all operations.
    """

    def __init__(self, server: str) -> None:
        self._host = server.removeprefix("http://")
        self._losses: dict[str, int] = {}
        self._delays: dict[str, float] = {}
        self._held = ""
        self._passes = 0
        self._released = threading.Event()
        self._lock = threading.Lock()
        self.seen: list[str] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def lose(self, operation: str, times: int = 1) -> None:
        with self._lock:
            self._losses[operation] = times

    def delay(self, operation: str, seconds: float) -> None:
        self._delays[operation] = seconds

    def hold(self, operation: str, after: int) -> None:
        with self._lock:
            self._held, self._passes = operation, after

    @property
    def is_holding(self) -> bool:
        return self._passes < 0

    def _is_held(self, operation: str) -> bool:
        with self._lock:
            self._passes -= operation == self._held
            return operation == self._held and self._passes < 0

    def _is_lost(self, operation: str) -> bool:
        with self._lock:
            self.seen.append(operation)
            left = self._losses.get(operation, 0)
            self._losses[operation] = max(0, left - 1)
            return left > 0

    def __enter__(self) -> LosingProxy:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
                if proxy._is_held(operation):
                    proxy._released.wait(60)
                    self.close_connection = True
                    return
                server = HTTPConnection(proxy._host, timeout=20)
                server.request("POST", self.path, body, dict(self.headers.items()))
                answer = server.getresponse()
                data = answer.read()
                server.close()
                lost = proxy._is_lost(operation)
                time.sleep(proxy._delays.get(operation, 0))
                if lost:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("connection", "content-length", "transfer-encoding"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *arguments: Any) -> None:
                """Nothing."""

        return Handler


@pytest.fixture
def losing_proxy(moto_server: MotoServer) -> Iterator[LosingProxy]:
    """A proxy in front of the moto server."""
    with LosingProxy(moto_server.endpoint) as proxy:
        yield proxy
