"""AWS's C runtime, whose S3 client splits requests and keeps many connections by itself."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from awscrt.auth import AwsCredentialsProvider
from awscrt.http import HttpHeaders, HttpRequest
from awscrt.s3 import (
    S3ChecksumAlgorithm,
    S3ChecksumConfig,
    S3ChecksumLocation,
    S3Client,
    S3RequestTlsMode,
    S3RequestType,
    create_default_s3_signing_config,
)
from job import JOB, run

CREDENTIALS = AwsCredentialsProvider.new_environment()


def _client(**options: Any) -> S3Client:
    signing = create_default_s3_signing_config(
        region=JOB.region, credential_provider=CREDENTIALS, **options
    )
    return S3Client(region=JOB.region, tls_mode=S3RequestTlsMode.DISABLED, signing_config=signing)


def _transfer(client: S3Client, kind: Any, method: str, key: str, **options: Any) -> None:
    path = f"/{JOB.bucket}/{key}"
    headers = HttpHeaders([("host", urlsplit(JOB.endpoint).netloc)])
    if "send_filepath" in options:
        headers.add("content-length", str(Path(options["send_filepath"]).stat().st_size))
    request = HttpRequest(method, path, headers)
    client.make_request(type=kind, request=request, **options).finished_future.result()


def discard() -> int:
    size, lock = 0, threading.Lock()

    def on_body(chunk: bytes, **_: object) -> None:
        nonlocal size
        with lock:
            size += len(chunk)

    _transfer(_client(), S3RequestType.GET_OBJECT, "GET", JOB.key, on_body=on_body)
    return size


def download() -> None:
    _transfer(_client(), S3RequestType.GET_OBJECT, "GET", JOB.key, recv_filepath=JOB.written)


def _upload(client: S3Client, checksum: S3ChecksumAlgorithm) -> None:
    config = S3ChecksumConfig(algorithm=checksum, location=S3ChecksumLocation.HEADER)
    _transfer(
        client,
        S3RequestType.PUT_OBJECT,
        "PUT",
        JOB.target,
        send_filepath=JOB.file,
        checksum_config=config,
    )


def upload_unsigned() -> None:
    """Its signing leaves the payload out by itself."""
    _upload(_client(), S3ChecksumAlgorithm.CRC32C)


def upload_plain() -> None:
    _transfer(_client(), S3RequestType.PUT_OBJECT, "PUT", JOB.target, send_filepath=JOB.file)


if __name__ == "__main__":
    run(discard, download, upload_unsigned, upload_plain)
