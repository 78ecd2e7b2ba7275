"""The server for DynamoDB, Kinesis and SQS of the local stack: what a web page can do to it."""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from airscoop.local import aws
from airscoop.local.processes import accepts, free_ports
from support.waiting import eventually

KEYS = {"access_key_id": "A", "secret_access_key": "s"}


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "airscoop.local.aws", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            assert eventually(lambda: accepts(port), seconds=60)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()


def answer(url: str, **headers: str) -> int:
    request = urllib.request.Request(url, b"", headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as found:
            return int(found.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_web_page_cannot_wipe_the_registry(endpoint: str) -> None:
    dynamodb = aws.client("dynamodb", endpoint, KEYS)
    aws.make_table(dynamodb, "registry")
    reset = f"{endpoint}/moto-api/reset"
    assert answer(reset) == 403
    assert answer(reset, Origin="https://evil.example") == 403
    assert answer(endpoint, Origin="https://evil.example") == 403
    assert answer(endpoint, Host="evil.example") == 403
    assert dynamodb.list_tables()["TableNames"] == ["registry"]


def test_each_service_works_by_either_name_of_the_machine(endpoint: str) -> None:
    by_name = endpoint.replace("127.0.0.1", "localhost")
    assert aws.client("kinesis", by_name, KEYS).list_streams()["StreamNames"] == []
    sqs = aws.client("sqs", endpoint, KEYS)
    queue = sqs.create_queue(QueueName="q")["QueueUrl"]
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
