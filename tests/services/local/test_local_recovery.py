"""The local stack after accidents: killed halfway, a damaged state file, an impossible folder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from airscoop.local import processes
from airscoop.local import stack as local_stack
from airscoop.local.postgres import Postgres
from airscoop.local.processes import LocalStackError, Process
from support.paths import PACKAGE_ROOT
from support.postgres import server_programs
from support.standin import READY_SECONDS, state_folder
from support.waiting import eventually

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PACKAGE_ROOT)}


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder of the test's own."""
    found = state_folder()
    monkeypatch.setenv("AIRSCOOP_LOCAL_DIR", str(found))
    yield found
    shutil.rmtree(found)


@pytest.fixture
def postgres(folder: Path) -> Postgres:
    """No cluster yet; its sockets are in the same folder."""
    server_programs()
    sockets = folder / "run"
    sockets.mkdir(mode=0o711)
    found = Postgres(folder, sockets)
    shutil.chown(sockets, found.user)
    return found


def local(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "airscoop.local", *words]
    return subprocess.run(command, env=ENVIRONMENT | _chosen(), capture_output=True, text=True)


def _chosen() -> dict[str, str]:
    return {"AIRSCOOP_LOCAL_DIR": os.environ["AIRSCOOP_LOCAL_DIR"]}


def start(postgres: Postgres, folder: Path) -> tuple[Process, int]:
    (port,) = processes.free_ports(1)
    log = folder / "postgres.log"
    server = postgres.start(port, log)
    processes.wait_until(lambda: postgres.is_ready(port), server, log=log, seconds=READY_SECONDS)
    return server, port


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_cluster_that_was_cut_off_is_made_anew(
    postgres: Postgres, folder: Path, number: int
) -> None:
    make = (
        "import sys; from pathlib import Path; from airscoop.local.postgres import Postgres; "
        "root = Path(sys.argv[1]); Postgres(root, root / 'run').create()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", make, str(folder)], env=ENVIRONMENT, stderr=subprocess.DEVNULL
    )
    assert eventually(lambda: any(folder.glob("postgres*/PG_VERSION")), seconds=READY_SECONDS)
    (beside,) = folder.glob("postgres.new-*")
    child.send_signal(number)
    assert child.wait() != 0
    postgres.create()
    server, port = start(postgres, folder)
    try:
        assert postgres.psql(port, "SELECT 1;") == "1\n"
    finally:
        processes.stop(server)
        assert eventually(lambda: not processes.with_words({str(beside)}), seconds=READY_SECONDS)


def test_the_user_of_an_older_stack_keeps_what_it_owns_under_its_new_name(
    postgres: Postgres, folder: Path
) -> None:
    """Named like the schema airscoop, it found there what has no schema."""
    before, user, database = "airscoop", local_stack.POSTGRES_USER, local_stack.POSTGRES_DATABASE
    postgres.create()
    server, port = start(postgres, folder)
    try:
        postgres.ensure(port, {before: "x"}, {database: before})
        for _ in range(2):
            postgres.rename_role(port, local_stack.POSTGRES_USER_BEFORE, user)
            postgres.ensure(port, {user: "y"}, {database: user})
        dsn = f"postgresql://{user}:y@127.0.0.1:{port}/{database}"
        with psycopg.connect(dsn) as session:
            session.execute("CREATE SCHEMA airscoop")
            assert session.execute("SELECT current_schema()").fetchone() == ("public",)
        assert (
            postgres.psql(port, "SELECT count(*) FROM pg_roles WHERE rolname = 'airscoop'") == "0\n"
        )
    finally:
        processes.stop(server)


def test_a_half_made_cluster_is_replaced(postgres: Postgres) -> None:
    postgres.data.mkdir()
    (postgres.data / "PG_VERSION").write_text("15\n")
    postgres.create()
    assert (postgres.data / "global").is_dir()


def test_the_lock_of_a_server_that_runs_is_left(postgres: Postgres, folder: Path) -> None:
    postgres.create()
    lock = postgres.data / "postmaster.pid"
    server, port = start(postgres, folder)
    try:
        before = lock.read_text()
        with pytest.raises(LocalStackError, match=f"kill -INT {server.pid}"):
            postgres.start(port, folder / "second.log")
        assert lock.read_text() == before
    finally:
        processes.stop(server)


def test_the_lock_of_a_server_that_is_gone_is_removed(postgres: Postgres, folder: Path) -> None:
    postgres.create()
    # PostgreSQL takes any process of its own user for a server.
    user = postgres.user if os.getuid() == 0 else None
    other = processes.start("sleep", ["sleep", "600"], log=folder / "log", user=user)
    lock = postgres.data / "postmaster.pid"
    lock.write_text(f"{other.pid}\n{postgres.data}\n")
    shutil.chown(lock, postgres.user)
    try:
        server, _ = start(postgres, folder)
        assert lock.read_text().splitlines()[0] == str(server.pid)
        processes.stop(server)
        assert processes.alive(other)
    finally:
        processes.stop(other)


def test_a_process_begins_only_after_it_is_recorded(folder: Path) -> None:
    mark = folder / "began"
    recorded: list[Process] = []

    def record(process: Process) -> None:
        time.sleep(0.2)
        assert not mark.exists()
        recorded.append(process)

    started = processes.start("it", ["touch", mark], log=folder / "log", record=record)
    assert recorded == [started]
    assert eventually(lambda: not processes.alive(started), seconds=READY_SECONDS)
    assert mark.exists()


def test_a_process_whose_starter_is_killed_before_the_record_never_begins(folder: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from airscoop.local import processes\n"
        "def record(process):\n"
        "    print(process.pid, process.started, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "root = Path(sys.argv[1])\n"
        "processes.start('it', ['sh', '-c', 'touch \"$0\"; sleep 600', root / 'began'],"
        " log=root / 'log', record=record)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    pid, started = map(int, done.stdout.split())
    process = Process("it", pid, started, signal.SIGTERM)
    assert eventually(lambda: not processes.alive(process), seconds=READY_SECONDS)
    assert not (folder / "began").exists()


@pytest.mark.parametrize("place", ["/proc/x", "/etc/passwd/x"])
def test_a_folder_that_cannot_be_made_is_named(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRSCOOP_LOCAL_DIR", place)
    done = local("up")
    assert done.returncode == 1
    assert done.stderr.startswith(f"airscoop: local: {place} cannot be made (")
    assert "set AIRSCOOP_LOCAL_DIR" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"processes": {}, "other": 1}'])
@pytest.mark.parametrize("verb", ["up", "down", "status"])
def test_a_damaged_state_file_is_named(folder: Path, verb: str, content: str) -> None:
    (folder / "stack.json").write_text(content)
    done = local(verb)
    assert done.returncode == 1
    assert done.stderr.startswith(f"airscoop: local: {folder}/stack.json is damaged: none of")
    assert done.stderr.count("\n") == 1


def test_a_damaged_state_file_leaves_the_running_processes_to_be_named(folder: Path) -> None:
    local_stack.up()
    whole = (folder / "stack.json").read_text()
    try:
        (folder / "stack.json").write_text(whole[:100])
        done = local("down")
        assert done.returncode == 1
        for process in json.loads(whole)["processes"].values():
            assert f"{process['pid']} (" in done.stderr
    finally:
        (folder / "stack.json").write_text(whole)
        local_stack.down()
