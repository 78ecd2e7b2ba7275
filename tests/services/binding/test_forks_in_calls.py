"""A process that forks in Python code which the engine calls: the child that comes back is told
that what runs is its parent's, as after any other fork, and the parent goes on."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from support.fault_server import Origin, origin, raw
from support.kinesis import Counting, change, lines
from support.s3 import MIB, PART_BYTES, Store, noise
from support.waiting import eventually
from support.warehouse import statement_runs

DATA = noise(2 * PART_BYTES + MIB)
EXPORT = b"PK,name\n" + b"".join(b"%d,Ann\n" % number for number in range(1000))
CHANGES = lines([change(number) for number in range(100)])

# fork() returns twice, as ever; the child is the caller's to deal with, and does nothing about it.
DRIVER = """
import gc, os, signal, sys, airscoop
from pathlib import Path
from airscoop import errors, storage
from airscoop.transfer.job import TransferJob
from airscoop.transfer.options import TransferOptions
parent, forked, url = os.getpid(), Path(sys.argv[1]), sys.argv[2]
children = []

def fork(*given):
    if os.getpid() != parent or children:
        return
    child = os.fork()
    if child > 0:
        children.append(child)
        forked.touch()

signal.signal(signal.SIGUSR1, fork)

def provider():
    fork()
    return airscoop.Credentials(
        access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
        secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
    )

provided = airscoop.S3Settings(
    credentials_provider=provider, endpoint_url=os.environ.get("AWS_ENDPOINT_URL_S3")
)

def drive(run, *uses):
    try:
        run()
    except errors.UsageError as error:
        told = [str(error)]
        for use in uses:
            try:
                use()
            except errors.UsageError as again:
                told.append(str(again))
        right = len(told) == 1 + len(uses) and all("forked from" in text for text in told)
        run = use = uses = None
        gc.collect()
        print(told, file=sys.stderr, flush=True)
        os._exit(7 if right and os.getpid() != parent else 9)
    assert os.getpid() == parent
    print("child", os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]))
"""

COPY = """
job = TransferJob(TransferOptions(source=url, destination=sys.argv[3], **options))
native = job._transfer
drive(lambda: job.run(**run), native.facts, native.mark, job.cancel, lambda: native.run(None))
"""

DELTA = """
job = airscoop.DeltaJob(sys.argv[3], url, max_delete_ratio=1.0)
native = job._native
drive(lambda: job.run(**run), native.facts, native.changes, job.cancel, lambda: native.run(None))
"""

PUBLISH = """
job = airscoop.PublishJob(url, "any")
native = job._native
drive(lambda: job.run(**run), native.facts, job.cancel, lambda: native.run(None))
"""

ON_PROGRESS = "options, run = {}, {'on_progress': fork}\n"
ON_SIGNAL = "options, run = {}, {}\n"
ON_PROVIDER = "options, run = {'destination_s3': provided}, {}\n"


class Forking:
    """Starts the driver with one way to use the engine, and has it fork in the middle."""

    def __init__(self, folder: Path, web: Origin) -> None:
        self.forked = folder / "forked"
        self.web = web
        self.signals = False
        self.process: subprocess.Popen[str] | None = None

    def serve(self, body: bytes) -> str:
        """A source that sends half of the body, and the rest once the process has forked."""

        def send(connection: socket.socket, head: str) -> None:
            begin = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            connection.sendall(begin + body[: len(body) // 2])
            self.wait()
            connection.sendall(body[len(body) // 2 :])

        return self.web.serve("/data", send)

    def wait(self) -> None:
        if self.signals:
            assert eventually(lambda: self.process is not None)
            assert self.process is not None
            self.process.send_signal(signal.SIGUSR1)
        assert eventually(self.forked.exists, seconds=60)

    def start(self, environment: dict[str, str], program: str, *arguments: str) -> None:
        self.signals = program.startswith(ON_SIGNAL)
        self.process = subprocess.Popen(
            [sys.executable, "-c", DRIVER + program, str(self.forked), *arguments],
            env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def assert_child(self, exit_code: int = 7) -> str:
        """The child ended so, and the parent well."""
        assert self.process is not None
        printed, problems = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, problems
        assert printed == f"child {exit_code}\n", problems
        return problems


@pytest.fixture
def forking(tmp_path: Path) -> Iterator[Forking]:
    with origin() as web:
        yield Forking(tmp_path, web)


@pytest.mark.parametrize(
    "way", [ON_PROGRESS, ON_SIGNAL, ON_PROVIDER], ids=["progress", "signal", "provider"]
)
def test_a_fork_while_a_copy_runs(way: str, forking: Forking, store: Store) -> None:
    url = forking.serve(DATA)
    forking.start(store.environment(), way + COPY, url, store.uri("a"))
    forking.assert_child()
    assert store.get("a") == DATA
    assert store.uploads() == []


def test_a_fork_in_the_store_of_a_resumable_copy(
    forking: Forking, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "in").write_bytes(DATA)
    program = """
class Store:
    seconds_between_saves = 0.0
    def load(self): return None
    def save(self, state): fork()
    def clear(self): pass

drive(lambda: airscoop.copy(url, sys.argv[3], resume=Store()))
"""
    forking.start(store.environment(), program, str(tmp_path / "in"), store.uri("a"))
    forking.assert_child()
    assert store.get("a") == DATA
    assert store.uploads() == []


@pytest.mark.parametrize(
    "use",
    [
        "file = airscoop.open(url, 'rb')\ndrive(file.read, file.raw._source._transfer.facts)\n",
        "file = airscoop.open(url, 'rb')\ndrive(lambda: list(file))\n",
        "drive(lambda: list(airscoop.read(url, format='raw')))\n",
    ],
    ids=["read", "lines", "blocks"],
)
def test_a_fork_while_a_source_is_read(use: str, forking: Forking, store: Store) -> None:
    forking.start(store.environment(), ON_SIGNAL + use, forking.serve(DATA))
    forking.assert_child()


@pytest.mark.parametrize("way", [ON_PROGRESS, ON_SIGNAL], ids=["progress", "signal"])
def test_a_fork_while_exports_are_compared(
    way: str, forking: Forking, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "old.csv").write_bytes(EXPORT)
    forking.start(
        store.environment(), way + DELTA, forking.serve(EXPORT), str(tmp_path / "old.csv")
    )
    forking.assert_child()


def test_a_fork_on_a_thread_of_the_engine_ends_the_child_that_comes_back(
    forking: Forking, store: Store
) -> None:
    program = "drive(lambda: airscoop.delta(None, url, s3=provided))\n"
    forking.start(store.environment(), program, store.put("new.csv", EXPORT))
    assert "came back from a credentials provider" in forking.assert_child(1)


@pytest.mark.parametrize("way", [ON_PROGRESS, ON_SIGNAL], ids=["progress", "signal"])
def test_a_fork_while_changes_are_published(way: str, forking: Forking, store: Store) -> None:
    kinesis = Counting()
    environment = store.environment() | {"AWS_ENDPOINT_URL_KINESIS": kinesis.url}
    try:
        forking.start(environment, way + PUBLISH, forking.serve(CHANGES))
        forking.assert_child()
        assert kinesis.records == 100
    finally:
        kinesis.close()


def test_a_fork_while_a_bucket_is_listed(forking: Forking, store: Store) -> None:
    listing = b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"

    def send(connection: socket.socket, head: str) -> None:
        forking.wait()
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(listing), listing)(
            connection, head
        )

    url = forking.web.serve("/bucket", send)
    program = ON_SIGNAL + "drive(lambda: list(storage.list_objects('s3://bucket/')))\n"
    environment = store.environment() | {"AWS_ENDPOINT_URL_S3": url.removesuffix("/bucket")}
    forking.start(environment, program, url)
    forking.assert_child()


WAREHOUSE = """
from airscoop import Warehouse
warehouse = Warehouse(url, dialect="postgres")
"""


def test_a_fork_while_a_statement_runs(
    forking: Forking, store: Store, database: dict[str, str]
) -> None:
    program = """
rows = []
drive(
    lambda: rows.extend(warehouse.execute("SELECT count(*), pg_sleep(0) FROM held")),
    lambda: warehouse.execute("SELECT 1"), warehouse.cancel,
)
assert rows == [("0", "")]
assert warehouse.execute("SELECT 1") == [("1",)]
"""
    with psycopg.connect(database["dsn"]) as holder:
        holder.execute("CREATE TABLE held (a integer)")
        holder.commit()
        holder.execute("LOCK TABLE held IN ACCESS EXCLUSIVE MODE")
        forking.start(store.environment(), ON_SIGNAL + WAREHOUSE + program, database["dsn"])
        assert eventually(lambda: statement_runs(database, "pg_sleep(0)"))
        forking.wait()
        holder.commit()
    forking.assert_child()


def test_a_fork_in_the_provider_of_changes_that_are_applied(
    forking: Forking, store: Store, database: dict[str, str]
) -> None:
    program = """
warehouse.execute('CREATE TABLE t ("PK" text, n text, text text)')
drive(
    lambda: warehouse.apply_changes(sys.argv[3], table="public.t", key=["PK"], s3=provided),
    lambda: warehouse.execute("SELECT 1"),
)
assert warehouse.execute("SELECT count(*) FROM t") == [("100",)]
"""
    changes = store.put("changes.jsonl", CHANGES)
    forking.start(store.environment(), WAREHOUSE + program, database["dsn"], changes)
    forking.assert_child()


def test_an_exception_of_the_child_is_the_childs(forking: Forking, store: Store) -> None:
    program = """
def leave(progress):
    fork()
    if os.getpid() != parent:
        raise SystemExit(5)

drive(lambda: airscoop.copy(url, sys.argv[3], on_progress=leave))
"""
    forking.start(store.environment(), program, forking.serve(DATA), store.uri("a"))
    forking.assert_child(5)
    assert store.get("a") == DATA


def test_a_child_that_comes_back_can_use_the_engine_anew(
    forking: Forking, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "in").write_bytes(DATA)
    program = """
def run():
    try:
        airscoop.copy(url, sys.argv[3], on_progress=fork)
    except errors.UsageError:
        airscoop.copy(sys.argv[4], sys.argv[5])
        raise

drive(run)
"""
    forking.start(
        store.environment(), program, forking.serve(DATA),
        store.uri("a"), str(tmp_path / "in"), store.uri("b"),
    )  # fmt: skip
    forking.assert_child()
    assert store.get("a") == store.get("b") == DATA
