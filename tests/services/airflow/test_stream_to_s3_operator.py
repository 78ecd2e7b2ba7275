"""StreamToS3Operator on a real S3: the connection's keys and endpoint, and SIGTERM in an upload."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

import boto3
import pytest
from airflow.sdk.exceptions import AirflowFailException

from airscoop.errors import Cancelled
from airscoop.local.airflow_home import aws_connection
from airscoop.operators.stream_to_s3 import StreamToS3Operator
from support.stalling_server import stalling_server
from support.waiting import eventually

NO_CONTEXT: Any = {}


@pytest.fixture
def client(stack: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    """A boto3 client for looking; the Airflow connection "local_s3" leads to the same server."""
    s3 = stack["s3"]
    monkeypatch.setenv("AIRFLOW_CONN_LOCAL_S3", json.dumps(aws_connection(s3)))
    return boto3.client(
        "s3",
        endpoint_url=s3["endpoint"],
        region_name=s3["region"],
        aws_access_key_id=s3["access_key_id"],
        aws_secret_access_key=s3["secret_access_key"],
    )


def stream(source: object, destination: str) -> StreamToS3Operator:
    return StreamToS3Operator(
        task_id="stream", source=str(source), destination=destination, aws_conn_id="local_s3"
    )


def uploads(client: Any, bucket: str, key: str) -> list[Any]:
    found: list[Any] = client.list_multipart_uploads(Bucket=bucket, Prefix=key).get("Uploads", [])
    return found


def objects(client: Any, bucket: str, key: str) -> int:
    count: int = client.list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"]
    return count


def test_the_connections_keys_and_endpoint_are_used(
    client: Any, stack: dict[str, Any], tmp_path: Path
) -> None:
    bucket = stack["s3"]["bucket"]
    source = tmp_path / "in.txt"
    source.write_text("hello")
    receipt = stream(source, f"s3://{bucket}/operator/in.txt").execute(NO_CONTEXT)
    got = client.get_object(Bucket=bucket, Key="operator/in.txt")
    assert got["Body"].read() == b"hello"
    assert receipt["diagnostics"]["etag"] == got["ETag"]


def test_a_wrong_secret_key_fails_for_good_without_saying_it(
    client: Any, stack: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = aws_connection({**stack["s3"], "secret_access_key": "not-the-s3cret"})
    monkeypatch.setenv("AIRFLOW_CONN_LOCAL_S3", json.dumps(wrong))
    source = tmp_path / "in.txt"
    source.write_text("hello")
    with pytest.raises(AirflowFailException, match=r"AccessDenied.*operator/denied") as caught:
        stream(source, f"s3://{stack['s3']['bucket']}/operator/denied").execute(NO_CONTEXT)
    assert "not-the-s3cret" not in str(caught.value)
    assert objects(client, stack["s3"]["bucket"], "operator/denied") == 0


def test_sigterm_in_the_middle_of_an_upload_leaves_no_object_and_no_upload(
    client: Any, stack: dict[str, Any]
) -> None:
    bucket, key = stack["s3"]["bucket"], "operator/killed"
    body = os.urandom(1 << 20) * 32
    with stalling_server(body, sent_bytes=len(body) - 1) as server:
        operator = stream(server.url, f"s3://{bucket}/{key}")
        before = signal.signal(signal.SIGTERM, lambda *_: operator.on_kill())
        seen: list[Any] = []

        def is_there() -> bool:
            seen.extend(uploads(client, bucket, key))
            return seen != []

        def terminate_in_the_upload() -> None:
            eventually(is_there)
            os.kill(os.getpid(), signal.SIGTERM)

        watcher = threading.Thread(target=terminate_in_the_upload)
        watcher.start()
        try:
            with pytest.raises(Cancelled) as caught:
                operator.execute(NO_CONTEXT)
        finally:
            watcher.join()
            signal.signal(signal.SIGTERM, before)
    assert seen
    assert caught.value.retryable
    assert uploads(client, bucket, key) == []
    assert objects(client, bucket, key) == 0
