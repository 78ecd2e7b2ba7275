"""An S3 server for the transfer tests, and what is asked of it in almost every one of them."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from airscoop import Credentials, S3Settings
from airscoop.local.processes import free_ports
from support.paths import PACKAGE_ROOT
from support.waiting import eventually

MIB = 1024 * 1024
PART_BYTES = 8 * MIB
BUCKET = "transfers"
OWNER = Credentials(access_key_id="OWNERKEYID", secret_access_key="owner/secret+key=of.tests")
NEXT_OWNER = Credentials(
    access_key_id="NEXTOWNERKEYID", secret_access_key="next/secret+key=of.tests"
)
READER = Credentials(access_key_id="READERKEYID", secret_access_key="reader/secret+key=of.tests")
AIRSCOOP = (
    sys.executable,
    "-c",
    "import sys; from airscoop.cli import main; sys.exit(main())",
)


def json_lines(count: int, *, width: int = 60) -> bytes:
    """`count` different JSON objects, one a line."""
    return b"".join(
        b'{"n": %d, "text": "%s"}\n' % (n, (b"%d\xc3\xa9" % (n * 7919)) * (width // 8))
        for n in range(count)
    )


def noise(size: int, *, seed: int = 1) -> bytes:
    """Bytes that do not compress and do not begin like any known format."""
    import random

    return b"#" + random.Random(seed).randbytes(size - 1) if size else b""


@dataclass(frozen=True)
class Store:
    """One test's own prefix in the bucket."""

    endpoint: str
    prefix: str
    client: Any

    def settings(self, **changes: Any) -> S3Settings:
        values: dict[str, Any] = {
            "credentials": OWNER,
            "endpoint_url": self.endpoint,
            "region": "us-east-1",
        }
        return S3Settings(**(values | changes))

    def key(self, name: str) -> str:
        return f"{self.prefix}/{name}"

    def uri(self, name: str) -> str:
        return f"s3://{BUCKET}/{self.key(name)}"

    def put(self, name: str, data: bytes) -> str:
        self.client.put_object(Bucket=BUCKET, Key=self.key(name), Body=data)
        return self.uri(name)

    def get(self, name: str) -> bytes:
        body: bytes = self.client.get_object(Bucket=BUCKET, Key=self.key(name))["Body"].read()
        return body

    def head(self, name: str) -> dict[str, Any]:
        facts: dict[str, Any] = self.client.head_object(Bucket=BUCKET, Key=self.key(name))
        return facts

    def names(self) -> list[str]:
        """The names of all objects under the test's prefix."""
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=BUCKET, Prefix=f"{self.prefix}/"
        )
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        return sorted(key.removeprefix(f"{self.prefix}/") for key in keys)

    def uploads(self) -> list[str]:
        """The keys of multipart uploads that are neither completed nor aborted."""
        answer = self.client.list_multipart_uploads(Bucket=BUCKET, Prefix=f"{self.prefix}/")
        return [item["Key"] for item in answer.get("Uploads", [])]

    def assert_untouched(self) -> None:
        """Neither an object nor an upload is there."""
        assert self.names() == []
        assert self.uploads() == []

    def environment(self) -> dict[str, str]:
        """What a process of its own needs to reach the same store."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return kept | {
            "AWS_ACCESS_KEY_ID": OWNER.access_key_id,
            "AWS_SECRET_ACCESS_KEY": OWNER.secret_access_key,
            "AWS_ENDPOINT_URL_S3": self.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "PYTHONPATH": str(PACKAGE_ROOT),
        }

    def python(self, program: str, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Starts Python on a program text, with the store in its environment."""
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
        return subprocess.Popen(
            [sys.executable, "-c", program, *arguments], env=self.environment(), **options
        )


def begin(store: Store, name: str, *parts: bytes) -> str:
    """An upload that nobody finishes."""
    upload: str = store.client.create_multipart_upload(Bucket=BUCKET, Key=store.key(name))[
        "UploadId"
    ]
    for number, body in enumerate(parts, 1):
        store.client.upload_part(
            Bucket=BUCKET, Key=store.key(name), UploadId=upload, PartNumber=number, Body=body
        )
    return upload


def open_below(folder: Path, process: int | str = "self") -> list[str]:
    """The files of a folder that a process has open, those without a name too."""
    places = []
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile by another thread
            places.append(str(descriptor.readlink()))
    return [place for place in places if place.startswith(f"{folder}/")]


def _client(endpoint: str) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=OWNER.access_key_id,
        aws_secret_access_key=OWNER.secret_access_key,
        config=Config(
            s3={"addressing_style": "path"}, request_checksum_calculation="when_required"
        ),
    )


def _identities() -> dict[str, Any]:
    def identity(credentials: Credentials, *actions: str) -> dict[str, Any]:
        keys = {
            "accessKey": credentials.access_key_id,
            "secretKey": credentials.secret_access_key,
        }
        return {"name": actions[0], "credentials": [keys], "actions": list(actions)}

    everything = ("Admin", "Read", "Write", "List", "Tagging")
    owners = [identity(owner, *everything) for owner in (OWNER, NEXT_OWNER)]
    owners[1]["name"] = "NextAdmin"
    return {"identities": [*owners, identity(READER, "Read", "List")]}


def _make_bucket(client: Any, server: subprocess.Popen[bytes], log: Path) -> None:
    def made() -> bool:
        assert server.poll() is None, log.read_text()
        try:
            client.create_bucket(Bucket=BUCKET)
            client.put_object(Bucket=BUCKET, Key="ready", Body=b"yes")
        except client.exceptions.BucketAlreadyOwnedByYou:
            client.put_object(Bucket=BUCKET, Key="ready", Body=b"yes")
        except (BotoCoreError, ClientError):
            return False
        return True

    assert eventually(made, seconds=60), log.read_text()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[Store]:
    """SeaweedFS with an owner and a reader; the bucket `transfers` is there."""
    root = Path(tempfile.mkdtemp(prefix="airscoop-test-s3-"))
    identities, log = root / "identities.json", root / "log"
    identities.write_text(json.dumps(_identities()))
    (root / "data").mkdir()
    names = ("s3", "master", "volume", "filer")
    ports = iter(free_ports(2 * len(names)))
    flags = [f"-{name}.port{kind}={next(ports)}" for name in names for kind in ("", ".grpc")]
    endpoint = "http://127.0.0.1:" + flags[0].partition("=")[2]
    weed = Path(sys.executable).parent / "weed"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [
                weed, "server", f"-dir={root / 'data'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
                "-s3", f"-s3.config={identities}", "-s3.port.iceberg=0", "-s3.port.lance=0",
                "-master.telemetry=false", "-volume.preStopSeconds=0", "-volume.max=300",
                "-master.volumeSizeLimitMB=1024", *flags,
            ],
            stdout=output, stderr=output, cwd=root,
        )  # fmt: skip
    try:
        client = _client(endpoint)
        _make_bucket(client, server, log)
        yield Store(endpoint, "all", client)
    finally:
        server.kill()
        server.wait()
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture
def store(s3_server: Store) -> Store:
    """A prefix of the test's own in the S3 server."""
    return Store(s3_server.endpoint, uuid.uuid4().hex[:12], s3_server.client)


def gzipped(data: bytes, *, level: int = 6) -> bytes:
    """A gzip member without a time in it."""
    return gzip.compress(data, level, mtime=0)
