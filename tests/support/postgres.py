"""PostgreSQL with TLS on a free port, and a database for each test; removed afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from airscoop.local import postgres_programs
from airscoop.local.processes import free_ports
from airscoop.warehouse.session import Warehouse
from support.certificates import KEY, make_certificate

SUPERUSER, PASSWORD = "superuser", "correct horse"
# Own nothing; what the superuser makes in a test's database they may use.
LOADERS = ("loader_one", "loader_two")


def server_programs() -> Path:
    """The folder of the newest server here; without one the test is skipped."""
    found = postgres_programs.servers()
    if not found:
        pytest.skip("PostgreSQL's server is missing: apt-get install postgresql")
    return next(iter(found.values()))


def as_server(*command: str | Path) -> None:
    """Runs a command as the user that may run PostgreSQL, which root may not."""
    user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
    done = subprocess.run([*user, *map(str, command)], capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, done.stderr + done.stdout


def settings(port: int, database: str, certificate: str) -> dict[str, str]:
    password = PASSWORD.replace(" ", "%20")
    return {
        "certificate": certificate,
        "host": "127.0.0.1",
        "port": str(port),
        "user": SUPERUSER,
        "password": PASSWORD,
        "dbname": database,
        "dsn": f"postgresql://{SUPERUSER}:{password}@127.0.0.1:{port}/{database}",
    }


@pytest.fixture(scope="session")
def postgres() -> Iterator[dict[str, str]]:
    """A PostgreSQL that speaks TLS: host, port, user (a superuser), password, dbname; also dsn,
    a libpq URI, and certificate, the file of the one it shows."""
    programs = server_programs()
    root = Path(tempfile.mkdtemp(prefix="airscoop-test-"))
    secret = root / "password"
    secret.write_text(PASSWORD)
    certificate = make_certificate(root)
    if os.getuid() == 0:
        uid = pwd.getpwnam("postgres").pw_uid
        for place in (root, secret, certificate, root / KEY):
            os.chown(place, uid, -1)
    data, port = root / "data", free_ports(1)[0]
    options = (
        f"-p {port} -k {root} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=60"
        f" -c ssl=on -c ssl_cert_file={certificate} -c ssl_key_file={root}/{KEY}"
    )
    try:
        as_server(
            programs / "initdb", "-D", data, "-U", SUPERUSER, f"--pwfile={secret}", "-A",
            "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync",
        )  # fmt: skip
        as_server(programs / "pg_ctl", "-D", data, "-w", "-l", root / "log", "-o", options, "start")
        found = settings(port, "postgres", str(certificate))
        try:
            with psycopg.connect(found["dsn"], autocommit=True) as admin:
                for role in LOADERS:
                    admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'".encode())
            yield found
        finally:
            as_server(programs / "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(root)


def let_load(database: dict[str, str]) -> None:
    """Of what airscoop keeps no more than it grants, and all rights on tables to come."""
    loaders = ", ".join(LOADERS)
    with Warehouse(database["dsn"], dialect="postgres") as warehouse:
        warehouse.init(grant_to=LOADERS)
        for kind in ("SCHEMAS", "TABLES", "SEQUENCES"):
            warehouse.execute(f"ALTER DEFAULT PRIVILEGES GRANT ALL ON {kind} TO {loaders}")


@contextmanager
def new_database(postgres: dict[str, str]) -> Iterator[dict[str, str]]:
    """An empty database while the `with` lasts; the same keys as `postgres`."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres["dsn"], autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield settings(int(postgres["port"]), name, postgres["certificate"])
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def bare_database(postgres: dict[str, str]) -> Iterator[dict[str, str]]:
    """An empty database of the test's own; the same keys as `postgres`."""
    with new_database(postgres) as database:
        yield database


@pytest.fixture
def database(bare_database: dict[str, str]) -> dict[str, str]:
    """The same, in which LOADERS may load."""
    let_load(bare_database)
    return bare_database
