"""Moto's server: Kinesis, DynamoDB, SQS, EventBridge and Glue: python -m airscoop.local.aws …

It keeps everything in memory: what a restart forgot, `ensure` makes anew.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from airscoop.local import processes
from airscoop.local.clients import client as client
from airscoop.local.processes import LocalStackError, Process, Recorder
from airscoop.local.resources import Queue, Resource, Stream, Table
from airscoop.local.web_guard import guarded

SERVICES = ("kinesis", "dynamodb", "sqs", "events", "glue")
# What AWS's clients call a service where they read its endpoint, if not by its name.
CLIENT_NAMES = {"events": "eventbridge"}
HOST = "127.0.0.1"
# It has nothing to save.
_STOP_SECONDS = 3


def endpoint_variable(service: str) -> str:
    """Where AWS's clients read the endpoint of a service."""
    return f"AWS_ENDPOINT_URL_{CLIENT_NAMES.get(service, service).upper()}"


def start(
    root: Path, port: int, log: Path, record: Recorder, environment: Mapping[str, str]
) -> Process:
    """Starts the server; it is ready when its port accepts. `root` is the stack's folder."""
    # The folder tells whose server it is, should the record of it be lost.
    words = ["--port", str(port), "--stack", str(root)]
    return processes.start(
        "moto's server",
        [sys.executable, "-m", "airscoop.local.aws", *words],
        log=log,
        record=record,
        env=environment,
        stop_seconds=_STOP_SECONDS,
    )


def ensure(endpoint: str, credentials: Mapping[str, str], resources: Iterable[Resource]) -> None:
    """Makes those of the resources that are not there."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        for resource in resources:
            _ensure_one(resource, endpoint, credentials)
    except (BotoCoreError, ClientError) as error:
        raise LocalStackError(f"moto's server at {endpoint}: {error}") from error


def _ensure_one(resource: Resource, endpoint: str, credentials: Mapping[str, str]) -> None:
    match resource:
        case Table(name=name):
            dynamodb = client("dynamodb", endpoint, credentials)
            if name not in dynamodb.list_tables()["TableNames"]:
                make_table(dynamodb, name)
        case Stream():
            _ensure_stream(client("kinesis", endpoint, credentials), resource)
        case Queue(name=name):
            client("sqs", endpoint, credentials).create_queue(QueueName=name)


def make_table(dynamodb: Any, name: str) -> None:
    """Makes a table for the registry, and waits until it is there."""
    keys = {"pk": "HASH", "sk": "RANGE"}
    dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})


def _ensure_stream(kinesis: Any, stream: Stream) -> None:
    if stream.name in kinesis.list_streams()["StreamNames"]:
        return
    kinesis.create_stream(StreamName=stream.name, ShardCount=stream.shards)
    kinesis.get_waiter("stream_exists").wait(StreamName=stream.name, WaiterConfig={"Delay": 1})


def address(resource: Resource, endpoint: str) -> str:
    """What a caller names it by: a queue by its URL in moto's one account, others by their name."""
    if isinstance(resource, Queue):
        return f"{endpoint}/123456789012/{resource.name}"
    return resource.name


def serve(port: int) -> None:
    """Serves until the process ends.

    moto looks at a condition and then writes, on as many threads as there are requests: two writes
    may both see it hold. DynamoDB does one after the other, so here one request of a service waits
    for the one before; but not SQS's, as receiving may wait for messages. Web pages are refused:
    moto asks for no key, and one could wipe the registry.
    """
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import run_simple

    application = DomainDispatcherApplication(create_backend_app)
    one_by_one = {name: threading.Lock() for name in ("DynamoDB", "Kinesis", "AWSGlue")}

    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        service = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")[0].partition("_")[0]
        with one_by_one.get(service, contextlib.nullcontext()):
            return application(environ, start_response)

    hosts = (f"{HOST}:{port}", f"localhost:{port}")
    # It would log every request.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    run_simple(HOST, port, guarded(answer, hosts), threaded=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="airscoop.local.aws", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--stack", help="the folder of the stack that this server belongs to")
    serve(parser.parse_args().port)


if __name__ == "__main__":
    main()
