"""apply_changes against others: a second one, writers, cancels, kills, lost connections; memory."""

from __future__ import annotations

import gzip
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest

from airscoop import ApplyReceipt, errors
from airscoop.warehouse.session import Warehouse
from support.warehouse import Settings, connect, proxied, said
from support.wire_proxy import WireProxy, pump

Eye = psycopg.Connection[tuple[Any, ...]]
BEFORE = [(1, "one"), (2, "two"), (3, "three")]
AFTER = [(1, "one"), (2, "zwei"), (4, "four")]
CHANGES = [
    {"op": "DELETE", "key": {"id": "3"}, "row": {"id": "3", "note": "three"}},
    {"op": "UPDATE", "key": {"id": "2"}, "row": {"id": "2", "note": "zwei"}},
    {"op": "INSERT", "key": {"id": "4"}, "row": {"id": "4", "note": "four"}},
]
RESET = (
    "TRUNCATE s.t, airscoop.applied; INSERT INTO s.t VALUES (1, 'one'), (2, 'two'), (3, 'three')"
)


@pytest.fixture
def changes(tmp_path: Path) -> Path:
    path = tmp_path / "changes.jsonl"
    path.write_text("".join(json.dumps(change) + "\n" for change in CHANGES))
    return path


@pytest.fixture
def eye(database: Settings, tmp_path: Path) -> Iterator[Eye]:
    """s.t; the schema airscoop is there already, as after the first run."""
    nothing = tmp_path / "nothing.jsonl"
    nothing.touch()
    with psycopg.connect(database["dsn"], autocommit=True) as connection:
        connection.execute("CREATE SCHEMA s; CREATE TABLE s.t (id integer, note text)")
        with connect(database) as warehouse:
            apply(warehouse, nothing)
        connection.execute(RESET.encode())
        yield connection


def apply(warehouse: Warehouse, path: Path) -> ApplyReceipt:
    return warehouse.apply_changes(path, table="s.t", key=["id"])


def rows(eye: Eye) -> list[tuple[Any, ...]]:
    return eye.execute("SELECT id, note FROM s.t ORDER BY 1").fetchall()


def test_two_at_once_apply_the_file_once(database: Settings, eye: Eye, changes: Path) -> None:
    """None commits before the other has come to its LOCK."""
    at_lock = [threading.Event(), threading.Event()]
    receipts: list[ApplyReceipt] = []

    def hook(number: int, sql: str) -> str:
        if sql.startswith("LOCK TABLE"):
            at_lock[number].set()
        if sql == "COMMIT":
            at_lock[1 - number].wait(timeout=300)
        return sql

    def run(warehouse: Warehouse) -> None:
        with warehouse:
            receipts.append(apply(warehouse, changes))

    with WireProxy(int(database["port"]), hook) as proxy:
        threads = [
            threading.Thread(target=run, args=(connect(database, proxy.port),)) for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(receipt.already_applied for receipt in receipts) == [False, True]
    assert rows(eye) == AFTER


def test_the_lock_comes_first(database: Settings, eye: Eye, changes: Path) -> None:
    seen: list[str] = []

    def hook(number: int, sql: str) -> str:
        seen.append(sql)
        return sql

    with proxied(database, hook) as warehouse:
        apply(warehouse, changes)
    assert seen[seen.index("BEGIN") + 1] == ('LOCK TABLE "airscoop"."lock_s_t" IN EXCLUSIVE MODE')


def test_readers_go_on_and_writers_wait(database: Settings, eye: Eye, changes: Path) -> None:
    found: list[Any] = []

    def hook(number: int, sql: str) -> str:
        if sql == "COMMIT":
            with psycopg.connect(database["dsn"]) as other:
                found.append(rows(other))
                other.execute("SET lock_timeout = '100ms'")
                with pytest.raises(psycopg.errors.LockNotAvailable):
                    other.execute("INSERT INTO s.t VALUES (4, 'another')")
        return sql

    with proxied(database, hook) as warehouse:
        apply(warehouse, changes)
    assert found == [BEFORE]
    assert rows(eye) == AFTER


def test_a_lock_that_is_not_granted_ends_in_lock_timeout(
    database: Settings, eye: Eye, changes: Path
) -> None:
    with connect(database, lock_timeout_seconds=0.2) as warehouse:
        for table in ("airscoop.lock_s_t", "s.t"):
            with psycopg.connect(database["dsn"]) as other:
                other.execute(f"LOCK TABLE {table} IN ROW EXCLUSIVE MODE".encode())
                with pytest.raises(errors.LockTimeout) as caught:
                    apply(warehouse, changes)
            assert caught.value.retryable and rows(eye) == BEFORE
        assert apply(warehouse, changes).changed


def test_conflicts_are_tried_again_with_the_file_read_anew(
    database: Settings, eye: Eye, changes: Path
) -> None:
    eye.execute(
        """CREATE SEQUENCE s.tries;
        CREATE FUNCTION s.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
          IF nextval('s.tries') < 3 THEN RAISE EXCEPTION '1023' USING ERRCODE = 'XX000'; END IF;
          RETURN NULL;
        END $$;
        CREATE TRIGGER refuse AFTER UPDATE ON s.t FOR EACH STATEMENT EXECUTE FUNCTION s.refuse()"""
    )
    with connect(database) as warehouse:
        receipt = apply(warehouse, changes)
    assert (receipt.attempts, receipt.changes, receipt.updated) == (3, 3, 1)
    assert rows(eye) == AFTER


def run_disturbed(
    database: Settings, changes: Path, at: int, act: Callable[[Warehouse], object]
) -> None:
    """`act` comes in when statement number `at` is on its way."""
    seen: list[str] = []
    disturbed: list[Warehouse] = []

    def hook(number: int, sql: str) -> str:
        seen.append(sql)
        if len(seen) == at + 1:
            act(disturbed[0])
        return sql

    with proxied(database, hook) as warehouse:
        disturbed.append(warehouse)
        apply(warehouse, changes)


def disturb(
    database: Settings, changes: Path, at: int, act: Callable[[Warehouse], object]
) -> BaseException:
    with pytest.raises(errors.AirscoopError) as caught:
        run_disturbed(database, changes, at, act)
    return caught.value


def statements(database: Settings, eye: Eye, changes: Path) -> list[str]:
    seen: list[str] = []

    def hook(number: int, sql: str) -> str:
        seen.append(sql)
        return sql

    with proxied(database, hook) as warehouse:
        apply(warehouse, changes)
    words = [sql.split()[0] for sql in seen]
    assert {"COPY", "DELETE", "UPDATE", "INSERT", "COMMIT"} <= set(words)
    eye.execute(RESET.encode())
    return seen


def test_a_cancel_at_any_statement_applies_nothing_in_silence(
    database: Settings, eye: Eye, changes: Path
) -> None:
    for at, sql in enumerate(statements(database, eye, changes)):
        committed = said(partial(run_disturbed, database, changes, at, Warehouse.cancel))
        assert committed is False or sql == "COMMIT"
        if committed is not None:
            assert rows(eye) == (AFTER if committed else BEFORE), sql
        eye.execute(RESET.encode())


def test_a_killed_backend_at_any_statement_applies_nothing(
    database: Settings, eye: Eye, changes: Path
) -> None:
    def kill(warehouse: Warehouse) -> None:
        eye.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    for at, sql in enumerate(statements(database, eye, changes)):
        error = disturb(database, changes, at, kill)
        assert isinstance(error, errors.ConnectionFailed) and error.retryable, sql
        assert ("is unknown" in str(error)) == (sql == "COMMIT")
        assert error.committed is (None if sql == "COMMIT" else False)
        assert rows(eye) == BEFORE, sql


def test_a_connection_lost_at_commit_is_settled_by_the_next_run(
    database: Settings, eye: Eye, changes: Path
) -> None:
    def hook(number: int, sql: str) -> str | None:
        return None if sql == "COMMIT" else sql

    lost = pytest.raises(
        errors.ConnectionFailed, match=r"unknown.*safe, no change is applied twice"
    )
    with proxied(database, hook) as warehouse, lost:
        apply(warehouse, changes)
    with connect(database) as warehouse:
        receipt = apply(warehouse, changes)
        assert receipt.already_applied != receipt.changed
    assert rows(eye) == AFTER


class Stalling:
    """A relay that stops reading from a client after so many bytes."""

    def __init__(self, server_port: int, most: int) -> None:
        self._server_port, self._most = server_port, most
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.stalled = threading.Event()
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        for each in (self._listener, *self._sockets):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._server_port))
                self._sockets += [client, server]
                threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
                threading.Thread(target=pump, args=(server, client), daemon=True).start()

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        passed = 0
        with suppress(OSError):
            while passed < self._most and (piece := client.recv(65536)):
                server.sendall(piece)
                passed += len(piece)
            if passed >= self._most:
                self.stalled.set()
            else:
                server.shutdown(socket.SHUT_RDWR)


def many(path: Path, count: int, width: int = 100) -> Path:
    with gzip.open(path, "wt", compresslevel=1) as file:
        for number in range(10, 10 + count):
            row = {"id": str(number), "note": "x" * width}
            file.write(json.dumps({"op": "INSERT", "key": {"id": row["id"]}, "row": row}) + "\n")
    return path


def test_a_cancel_in_the_middle_of_the_data_ends_it(
    database: Settings, eye: Eye, tmp_path: Path
) -> None:
    path = many(tmp_path / "many.jsonl.gz", 200, width=100_000)
    relay = Stalling(int(database["port"]), 2_000_000)
    with connect(database, relay.port) as warehouse:

        def cancel() -> None:
            relay.stalled.wait(timeout=300)
            warehouse.cancel()

        threading.Thread(target=cancel).start()
        with pytest.raises(errors.Cancelled):
            apply(warehouse, path)
    relay.close()
    assert rows(eye) == BEFORE


def command(database: Settings, port: int, path: Path) -> subprocess.Popen[bytes]:
    dsn = f"host=127.0.0.1 port={port} user={database['user']} dbname={database['dbname']}"
    line = [sys.executable, "-m", "airscoop.cli", "apply", str(path), "s.t", "--key", "id"]
    return subprocess.Popen(
        [*line, "--dialect", "postgres", "--dsn", f"{dsn} sslmode=disable", "--json"],
        env={**os.environ, "PGPASSWORD": database["password"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("word", ["COPY", "UPDATE"])
def test_a_killed_process_applies_nothing(
    database: Settings, eye: Eye, changes: Path, number: signal.Signals, word: str
) -> None:
    reached, killed = threading.Event(), threading.Event()

    def hook(connection: int, sql: str) -> str:
        if sql.startswith(word):
            reached.set()
            killed.wait(timeout=300)
        return sql

    with WireProxy(int(database["port"]), hook) as proxy:
        process = command(database, proxy.port, changes)
        assert reached.wait(timeout=300)
        process.send_signal(number)
        process.wait()  # before the statement goes on, which may be faster than the signal
        killed.set()
        process.communicate()
    assert process.returncode == (143 if number == signal.SIGTERM else -signal.SIGKILL)
    assert rows(eye) == BEFORE
    process = command(database, int(database["port"]), changes)
    receipt = json.loads(process.communicate()[0])
    assert (receipt["inserted"], receipt["updated"], receipt["deleted"]) == (1, 1, 1)
    assert rows(eye) == AFTER


MEASURE = """
import re, sys
from airscoop.warehouse.session import Warehouse
def peak():  # not ru_maxrss, which begins with that of the process that started this one
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read()).group(1))
before = peak()
with Warehouse(sys.argv[1], dialect="postgres") as warehouse:
    receipt = warehouse.apply_changes(sys.argv[2], table="s.t", key=["id"])
print(receipt.inserted, peak() - before)
"""


def test_memory_stays_bounded(database: Settings, eye: Eye, tmp_path: Path) -> None:
    count = 150_000
    path = many(tmp_path / "many.jsonl.gz", count, width=900)
    assert count * 900 > 128 << 20
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, database["dsn"], str(path)],
        check=True,
        capture_output=True,
    )
    inserted, peak_kib = map(int, done.stdout.split())
    assert inserted == count
    assert peak_kib < 48 * 1024
