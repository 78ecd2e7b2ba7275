"""The Redshift stand-in and the whole local stack, each with state of its own, for the tests."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from airscoop import Warehouse
from airscoop.local import processes
from airscoop.local import stack as local_stack
from airscoop.local.postgres import Postgres
from airscoop.local.processes import Process
from support.paths import PACKAGE_ROOT
from support.postgres import server_programs

USER, PASSWORD = "awsuser", "standin-secret"
SERDE = "ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' STORED AS TEXTFILE"
READY_SECONDS = 60


def state_folder() -> Path:
    """Short, because Unix sockets are in it, and open to the user that runs PostgreSQL."""
    folder = Path(tempfile.mkdtemp(prefix="airscoop-test-", dir="/tmp"))
    folder.chmod(0o711)
    return folder


class StandIn:
    """One stand-in process in front of one database."""

    def __init__(self, root: Path, postgres: Postgres, postgres_port: int, database: str) -> None:
        self._log = root / f"{database}.log"
        self._postgres = postgres
        self._postgres_port = postgres_port
        self._socket = root / "run" / database
        self._process: Process | None = None
        self.database = database
        self.objects = root / "objects" / database
        self.objects.mkdir(parents=True, exist_ok=True)
        (self.port,) = processes.free_ports(1)

    @property
    def dsn(self) -> str:
        place = f"127.0.0.1:{self.port}/{self.database}"
        return f"postgresql://{USER}:{PASSWORD}@{place}?sslmode=disable"

    @property
    def backend_dsn(self) -> str:
        """PostgreSQL itself, past the stand-in."""
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self._postgres_port}/{self.database}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, isolation: str = "snapshot") -> None:
        arguments = {
            "--port": self.port,
            "--postgres-port": self._postgres_port,
            "--postgres-sockets": self._postgres.sockets,
            "--postgres-uid": self._postgres.uid,
            "--database": self.database,
            "--socket": self._socket,
            "--isolation": isolation,
        }
        words = [str(word) for pair in arguments.items() for word in pair]
        self._process = processes.start(
            "the stand-in",
            [sys.executable, "-m", "airscoop.local.redshift", *words],
            log=self._log,
            env={**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)},
        )
        processes.wait_until(
            lambda: processes.accepts(self.port),
            self._process,
            log=self._log,
            seconds=READY_SECONDS,
        )

    def stop(self) -> None:
        assert self._process is not None
        processes.stop(self._process)

    def connect(self, **options: Any) -> psycopg.Connection[Any]:
        return psycopg.connect(self.dsn, autocommit=True, **options)

    def readings(self) -> int:
        """How many programs of foreign tables the stand-in is connected to."""
        connected, path = "03", str(self._socket)
        rows = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()]
        return sum(row[5] == connected and row[-1] == path for row in rows)

    def peak_kib(self) -> int:
        """The most memory the stand-in's process ever had."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
        raise AssertionError("no VmHWM")


class Spectrum:
    """An external schema of one test's own, with the folder its tables read."""

    def __init__(self, stand_in: StandIn, connection: psycopg.Connection[Any]) -> None:
        self.stand_in = stand_in
        self.connection = connection
        self.schema = f"spectrum_{uuid.uuid4().hex[:8]}"
        self.folder = stand_in.objects / self.schema
        self.folder.mkdir()
        self.run(
            f"CREATE EXTERNAL SCHEMA {self.schema} FROM DATA CATALOG DATABASE 'spectrumdb' "
            "IAM_ROLE 'arn:aws:iam::000000000000:role/r' CREATE EXTERNAL DATABASE IF NOT EXISTS"
        )

    def run(self, sql: str, parameters: Sequence[Any] | None = None) -> list[tuple[Any, ...]]:
        cursor = self.connection.execute(sql.encode(), parameters)
        return cursor.fetchall() if cursor.description else []

    def create(self, table: str, columns: str, partitions: str = "", properties: str = "") -> str:
        """An external table; its name with the schema."""
        name = f"{self.schema}.{table}"
        by = f"PARTITIONED BY ({partitions})" if partitions else ""
        extra = f"TABLE PROPERTIES ({properties})" if properties else ""
        self.run(
            f"CREATE EXTERNAL TABLE {name} ({columns}) {by} {SERDE} "
            f"LOCATION '{self.location(table)}' {extra}"
        )
        return name

    def location(self, place: str) -> str:
        return f"file://{self.folder}/{place}"

    def write(self, place: str, *lines: Mapping[str, Any] | str | bytes) -> str:
        """Puts JSON lines at `place`; gives the location of the folder that holds them."""
        path = self.folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(_line(line) + b"\n" for line in lines))
        return self.location(str(Path(place).parent))


def _line(line: Mapping[str, Any] | str | bytes) -> bytes:
    if isinstance(line, bytes):
        return line
    return line.encode() if isinstance(line, str) else json.dumps(line).encode()


@pytest.fixture(scope="session")
def stand_in_backend() -> Iterator[tuple[Path, Postgres, int]]:
    """A PostgreSQL for stand-ins: state folder, cluster, port."""
    server_programs()
    root = state_folder()
    (root / "run").mkdir()
    postgres = Postgres(root, root / "run")
    shutil.chown(root / "run", postgres.user)
    (root / "run").chmod(0o711)
    (port,) = processes.free_ports(1)
    try:
        postgres.create()
        server = postgres.start(port, root / "postgres.log")
        try:
            processes.wait_until(
                lambda: postgres.is_ready(port),
                server,
                log=root / "postgres.log",
                seconds=READY_SECONDS,
            )
            postgres.ensure(port, {USER: PASSWORD}, {"dev": USER, "serial": USER, "spare": USER})
            yield root, postgres, port
        finally:
            processes.stop(server)
    finally:
        shutil.rmtree(root)


@pytest.fixture(scope="session")
def standin(stand_in_backend: tuple[Path, Postgres, int]) -> Iterator[StandIn]:
    """A stand-in with Redshift's default isolation."""
    root, postgres, port = stand_in_backend
    found = StandIn(root, postgres, port, "dev")
    found.start()
    yield found
    found.stop()


@pytest.fixture(scope="session")
def serializable_standin(stand_in_backend: tuple[Path, Postgres, int]) -> Iterator[StandIn]:
    root, postgres, port = stand_in_backend
    found = StandIn(root, postgres, port, "serial")
    found.start("serializable")
    yield found
    found.stop()


@pytest.fixture
def spare_standin(stand_in_backend: tuple[Path, Postgres, int]) -> Iterator[StandIn]:
    """One that a test may stop, start and set up as it likes; its database is kept."""
    root, postgres, port = stand_in_backend
    found = StandIn(root, postgres, port, "spare")
    found.start()
    yield found
    found.stop()


@pytest.fixture
def connection(standin: StandIn) -> Iterator[psycopg.Connection[Any]]:
    """A session in autocommit."""
    with standin.connect() as session:
        yield session


@pytest.fixture
def spectrum(standin: StandIn, connection: psycopg.Connection[Any]) -> Iterator[Spectrum]:
    found = Spectrum(standin, connection)
    yield found
    with standin.connect() as session:
        session.execute(f"DROP SCHEMA {found.schema} CASCADE".encode())


@pytest.fixture(scope="session")
def stack() -> Iterator[dict[str, Any]]:
    """The whole local stack: what `airscoop local status --json` prints."""
    folder = state_folder()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRSCOOP_LOCAL_DIR", str(folder))
        try:
            status = local_stack.up()
            patch.delenv("AIRSCOOP_LOCAL_DIR")
            yield status.to_dict()
        finally:
            patch.setenv("AIRSCOOP_LOCAL_DIR", str(folder))
            local_stack.down()
            shutil.rmtree(folder)


@contextmanager
def without_schemas(status: dict[str, Any], *schemas: str) -> Iterator[None]:
    """Drops schemas of the stack's warehouse, before and after."""

    def drop() -> None:
        with Warehouse(status["warehouse"]["dsn"]) as warehouse:
            for schema in schemas:
                warehouse.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")

    drop()
    yield
    drop()
