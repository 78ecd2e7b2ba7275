"""A PostgreSQL of the stack's own: data folder, port, roles; never the system's cluster."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from airscoop.local import postgres_programs, processes
from airscoop.local.processes import LocalStackError, Process, Recorder

SUPERUSER = "postgres"

_HBA = """\
local all {superuser} peer map=airscoop
host all all 127.0.0.1/32 scram-sha-256
"""
_CONF = """
listen_addresses = '127.0.0.1'
fsync = off
synchronous_commit = off
full_page_writes = off
shared_buffers = 64MB
max_connections = 200
log_min_messages = warning
log_min_error_statement = panic
"""


# The last file that is made.
_COMPLETE = "airscoop.complete"


def _caller() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        raise LocalStackError(
            f"the user {os.getuid()} has no entry in the system's list of users, without which "
            "PostgreSQL does not start; add one to /etc/passwd"
        ) from None


def _append(path: Path, text: str) -> None:
    with path.open("a") as stream:
        stream.write(text)


class Postgres:
    """The cluster under `root`; `sockets` is where its superuser may log in without password."""

    def __init__(self, root: Path, sockets: Path) -> None:
        self.data = root / "postgres"
        self.sockets = sockets
        self.user = "postgres" if os.getuid() == 0 else _caller()

    @property
    def uid(self) -> int:
        try:
            return pwd.getpwnam(self.user).pw_uid
        except KeyError:
            raise LocalStackError(
                f"there is no user {self.user}, as whom root runs PostgreSQL's server: "
                "apt-get install postgresql makes one"
            ) from None

    def _program(self, name: str) -> Path:
        return postgres_programs.folder_for(self.data) / name

    def check(self) -> None:
        """LocalStackError says what the system lacks."""
        self._program("postgres")
        assert self.uid >= 0

    def _switch(self) -> str | None:
        return self.user if os.getuid() == 0 else None

    def _run(self, *command: str | Path, text: str | None = None) -> str:
        user = self._switch()
        done = subprocess.run(  # noqa: S603
            [os.fspath(word) for word in command],
            input=text,
            text=True,
            capture_output=True,
            cwd="/",
            user=user,
            group=user,
            extra_groups=[] if user else None,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            check=False,
        )
        if done.returncode:
            raise LocalStackError(f"{command[0]}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def create(self) -> None:
        """Makes the cluster unless it is there; one that an earlier attempt left is removed.

        Callers must exclude each other.
        """
        self.check()
        # An initdb whose parent was killed may still write there: never the same name twice.
        for left in self.data.parent.glob(f"{self.data.name}.new-*"):
            shutil.rmtree(left, ignore_errors=True)
        if (self.data / _COMPLETE).exists():
            return
        if self.data.exists():
            shutil.rmtree(self.data)
        prefix = f"{self.data.name}.new-"
        beside = Path(tempfile.mkdtemp(prefix=prefix, dir=self.data.parent))
        try:
            self._fill(beside)
            beside.rename(self.data)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise

    def _fill(self, data: Path) -> None:
        if os.getuid() == 0:
            os.chown(data, self.uid, -1)
        self._run(
            self._program("initdb"), "--pgdata", data, "--username", SUPERUSER,
            "--encoding", "UTF8", "--locale", "C",
            "--auth-local", "peer", "--auth-host", "reject", "--no-sync",
        )  # fmt: skip
        _append(data / "postgresql.conf", _CONF)
        (data / "pg_hba.conf").write_text(_HBA.format(superuser=SUPERUSER))
        names = sorted({self.user, _caller()})
        _append(data / "pg_ident.conf", "".join(f"airscoop {name} {SUPERUSER}\n" for name in names))
        (data / _COMPLETE).touch()

    def start(self, port: int, log: Path, record: Recorder = processes.unrecorded) -> Process:
        """Starts the server; it is ready when `is_ready` says so."""
        self._remove_stale_lock()
        return processes.start(
            "PostgreSQL",
            [self._program("postgres"), "-D", self.data, "-p", str(port), "-k", self.sockets],
            log=log,
            record=record,
            user=self._switch(),
            stop_signal=signal.SIGINT,
        )

    def _remove_stale_lock(self) -> None:
        """PostgreSQL itself would take any process that has the old pid for its own."""
        lock = self.data / "postmaster.pid"
        try:
            pid = lock.read_text().partition("\n")[0].strip()
            runs_here = Path(f"/proc/{pid}/cwd").readlink() == self.data.resolve()
        except OSError:
            runs_here = False
        if runs_here:
            raise LocalStackError(
                f"a PostgreSQL that this stack did not record runs on {self.data}: "
                f"end it with kill -INT {pid}, then try again"
            )
        lock.unlink(missing_ok=True)

    def is_ready(self, port: int) -> bool:
        probe = self._program("pg_isready")
        command = [str(probe), "-q", "-h", str(self.sockets), "-p", str(port)]
        return subprocess.run(command, check=False).returncode == 0  # noqa: S603

    def psql(self, port: int, sql: str) -> str:
        """Runs `sql` as the superuser, each statement by itself; gives the rows as text."""
        return self._run(
            self._program("psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
            "-h", self.sockets, "-p", str(port), "-U", SUPERUSER, "-d", "postgres",
            "-f", "-", text=sql,
        )  # fmt: skip

    def rename_role(self, port: int, before: str, after: str) -> None:
        """Of a cluster that an older airscoop made; what the role owns stays its own."""
        if self._has(port, "pg_roles", "rolname", before):
            self.psql(port, f"ALTER ROLE {before} RENAME TO {after};")

    def ensure(self, port: int, roles: Mapping[str, str], databases: Mapping[str, str]) -> None:
        """Roles (name to password) and databases (name to owner): made when missing."""
        for role, password in roles.items():
            verb = "ALTER" if self._has(port, "pg_roles", "rolname", role) else "CREATE"
            self.psql(
                port,
                f"{verb} ROLE {role} LOGIN CREATEROLE CREATEDB PASSWORD '{password}';",
            )
        for database, owner in databases.items():
            if not self._has(port, "pg_database", "datname", database):
                self.psql(port, f"CREATE DATABASE {database} OWNER {owner};")

    def _has(self, port: int, view: str, column: str, name: str) -> bool:
        question = f"SELECT 1 FROM {view} WHERE {column} = '{name}';"  # noqa: S608
        return bool(self.psql(port, question).strip())
