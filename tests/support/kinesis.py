"""A stream for the tests in moto's server, and a proxy before it that does what moto does not: it
refuses records, throttles, fails, and loses answers."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import threading
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from airscoop import KinesisSettings
from support.moto import REGION, MotoServer, aws_environment
from support.paths import PACKAGE_ROOT
from support.s3 import OWNER

THROTTLED = "ProvisionedThroughputExceededException"


@dataclass
class Answer:
    """What the proxy does with one call instead of passing it on.

    `refuse` says which records are not stored and by which error; `lose` stores the others, but the
    caller never hears of it; `status` with `code` or `told` is the whole answer, and nothing is
    stored.
    """

    refuse: Callable[[dict[str, Any]], str | None] | None = None
    lose: bool = False
    status: int = 0
    code: str = ""
    told: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)


Script = Callable[[str, dict[str, Any]], Answer | None]


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that leaves is part of the tests."""


class Proxy:
    """Stands before moto. `script` is asked for each call; None passes it on."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.script: Script = lambda operation, body: None
        self.calls: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.stored: list[tuple[str, bytes]] = []  # partition key, data: in the order of storing
        self.most_at_once = 0
        self.gate = threading.Event()
        self.gate.set()
        self.passes = 0  # so many PutRecords a closed gate lets through
        self._at_once = 0
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.gate.set()
        self._server.shutdown()
        self._server.server_close()

    def puts(self) -> list[dict[str, Any]]:
        """The bodies of all PutRecords."""
        return [body for operation, body, _ in self.calls if operation == "PutRecords"]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                proxy._serve(self, self.rfile.read(length))

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        return Handler

    def _serve(self, handler: BaseHTTPRequestHandler, raw: bytes) -> None:
        operation = handler.headers["X-Amz-Target"].partition(".")[2]
        body = json.loads(raw)
        with self._lock:
            self.calls.append((operation, body, dict(handler.headers.items())))
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            answer = self.script(operation, body)
            waits = operation == "PutRecords" and self.passes <= 0
            self.passes -= operation == "PutRecords"
        if waits:
            self.gate.wait(60)
        if answer is None:
            answer = Answer()
        if answer.status:
            said = answer.told or {"__type": answer.code, "message": "as the test wants it"}
            self._end(handler, answer.status, json.dumps(said).encode(), answer.headers)
            return
        status, told = self._pass_on(operation, body, raw, handler, answer)
        if answer.lose:
            with self._lock:
                self._at_once -= 1
            handler.close_connection = True
            handler.connection.close()
            return
        self._end(handler, status, told, answer.headers)

    def _end(
        self, handler: BaseHTTPRequestHandler, status: int, told: bytes, headers: dict[str, str]
    ) -> None:
        with self._lock:
            self._at_once -= 1
        handler.send_response_only(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(told)))
        with contextlib.suppress(OSError):  # the other side may be gone
            handler.end_headers()
            handler.wfile.write(told)

    def _pass_on(
        self,
        operation: str,
        body: dict[str, Any],
        raw: bytes,
        handler: BaseHTTPRequestHandler,
        answer: Answer,
    ) -> tuple[int, bytes]:
        with self._lock:
            if operation != "PutRecords":
                return self._ask(handler, raw)
            refused = [answer.refuse and answer.refuse(one) for one in body["Records"]]
            passed = [one for one, code in zip(body["Records"], refused, strict=True) if not code]
            results: list[dict[str, Any]] = []
            if passed:
                status, told = self._ask(handler, json.dumps(body | {"Records": passed}).encode())
                if status != 200:
                    return status, told
                results = json.loads(told)["Records"]
                self.stored += [
                    (one["PartitionKey"], base64.b64decode(one["Data"])) for one in passed
                ]
            stored = iter(results)
            records = [
                {"ErrorCode": code, "ErrorMessage": "refused"} if code else next(stored)
                for code in refused
            ]
            failed = sum(1 for code in refused if code)
            return 200, json.dumps({"FailedRecordCount": failed, "Records": records}).encode()

    def _ask(self, handler: BaseHTTPRequestHandler, body: bytes) -> tuple[int, bytes]:
        kept = ("X-Amz-Target", "Content-Type", "Authorization", "X-Amz-Date")
        headers = {name: handler.headers[name] for name in kept if handler.headers[name]}
        request = urllib.request.Request(self.target, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


class Counting:
    """A Kinesis that stores all and keeps nothing; counts records."""

    def __init__(self) -> None:
        self.records = 0
        counting, lock = self, threading.Lock()
        description = b'{"StreamDescriptionSummary": {"StreamStatus": "ACTIVE"}}'

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = description
                if self.headers["X-Amz-Target"].endswith("PutRecords"):
                    count = body.count(b'"PartitionKey"')
                    one = b'{"SequenceNumber": "1", "ShardId": "shardId-000000000000"}'
                    answer = b'{"FailedRecordCount": 0, "Records": [%s]}' % b",".join(count * [one])
                    with lock:
                        counting.records += count
                self.send_response_only(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass(frozen=True)
class Stream:
    """One test's own stream, and the proxy before it."""

    name: str
    proxy: Proxy
    client: Any

    def settings(self, **changes: Any) -> KinesisSettings:
        values: dict[str, Any] = {
            "credentials": OWNER,
            "endpoint_url": self.proxy.url,
            "region": REGION,
        }
        return KinesisSettings(**(values | changes))

    def environment(self) -> dict[str, str]:
        """What a process of its own needs to reach the stream."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        own = {"AWS_ENDPOINT_URL_KINESIS": self.proxy.url, "PYTHONPATH": str(PACKAGE_ROOT)}
        return kept | aws_environment(self.proxy.url) | own

    def shards(self) -> list[str]:
        return [one["ShardId"] for one in self.client.list_shards(StreamName=self.name)["Shards"]]

    def records(self) -> list[dict[str, Any]]:
        """All records, shard by shard, as a consumer reads them."""
        found: list[dict[str, Any]] = []
        for shard in self.shards():
            place = self.client.get_shard_iterator(
                StreamName=self.name, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            while True:
                answer = self.client.get_records(ShardIterator=place)
                found += [one | {"ShardId": shard} for one in answer["Records"]]
                if not answer["Records"]:
                    break
                place = answer["NextShardIterator"]
        return found

    def changes(self) -> list[dict[str, Any]]:
        return [json.loads(one["Data"]) for one in self.records()]


@pytest.fixture
def stream(moto_server: MotoServer) -> Iterator[Stream]:
    """A stream with three shards, behind a proxy of its own."""
    client = moto_server.client("kinesis")
    name = f"changes-{uuid.uuid4().hex[:12]}"
    client.create_stream(StreamName=name, ShardCount=3)
    proxy = Proxy(moto_server.endpoint)
    try:
        yield Stream(name, proxy, client)
    finally:
        proxy.close()
        client.delete_stream(StreamName=name)


def change(number: int, key: object = None, *, width: int = 20) -> dict[str, Any]:
    """A change as `delta` makes it."""
    own = f"K{number}" if key is None else key
    row = {"PK": own, "n": str(number), "text": "é" * width}
    return {"op": "INSERT", "key": {"PK": own}, "row": row, "id": f"{number:032x}"}


def lines(changes: list[dict[str, Any]]) -> bytes:
    texts = [json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in changes]
    return "".join(f"{text}\n" for text in texts).encode()


def first_times(stored: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """What a consumer that drops what it has seen takes."""
    return list(dict.fromkeys(stored))


def assert_in_order(stored: list[tuple[str, bytes]], expected: list[dict[str, Any]]) -> None:
    """Each change at least once; of each key in the order of the file, repetitions included."""
    place = {one["id"]: number for number, one in enumerate(expected)}
    newest: dict[str, int] = {}
    seen = set()
    for key, data in stored:
        one = json.loads(data)
        assert one == expected[place[one["id"]]]
        assert place[one["id"]] >= newest.get(key, -1), "a change was overtaken by a later one"
        newest[key] = place[one["id"]]
        seen.add(one["id"])
    assert seen == set(place)
