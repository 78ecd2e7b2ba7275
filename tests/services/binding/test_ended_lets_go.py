"""What has ended keeps no threads, descriptors or buffers, also while its object, or an exception
that came out of it, is still held. Facts are told all the same."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.kinesis import Counting, change, lines
from support.s3 import MIB, Store, gzipped, json_lines, noise

COUNT = 20
MOST_MIB = 24  # of all of them together, and the allocator's

# `use(number)` returns what is held. The first use is the warm-up.
PROGRAM = """
import gc, json, os, re, sys, time, airscoop
from pathlib import Path
from airscoop import errors
from airscoop.transfer.job import TransferJob
from airscoop.transfer.options import TransferOptions
folder, store = sys.argv[2:4]

def held():
    status = Path("/proc/self/status").read_text()
    return {
        "descriptors": len(os.listdir("/proc/self/fd")),
        "threads": len(os.listdir("/proc/self/task")),
        "mib": int(re.search(r"VmRSS:\\s+(\\d+) kB", status).group(1)) // 1024,
    }

def caught(run):
    try:
        run()
    except errors.AirscoopError as error:
        return error  # its traceback holds the frames, and they what they work with
    raise AssertionError("no error")

%s

kept = [use("first")]
before = held()
kept += [use(number) for number in range(int(sys.argv[1]))]
for _ in range(100):  # a thread that gives a long file back may take a moment
    after = held()
    if after["threads"] <= before["threads"]:
        break
    time.sleep(0.05)
print(json.dumps({name: after[name] - before[name] for name in before}))
"""

COPY = """
def use(number):
    options = TransferOptions(source=%s, destination=f"{%s}/%s{number}.gz", format="jsonl")
    job = TransferJob(options)
    assert job.run().records_out == 40_000
    assert job._transfer.facts()["records_out"] == 40_000
    return job
"""

USES = {
    "files that were read and closed": """
def use(number):
    file = airscoop.open(f"{store}/in.jsonl.gz", "rb")
    assert file.read(10)
    file.close()
    return file
""",
    "files that were read to their end": """
def use(number):
    file = airscoop.open(f"{folder}/in.jsonl.gz", "rb")
    assert len(file.read()) > 1000
    return file
""",
    "files that were written": """
def use(number):
    file = airscoop.open(f"{store}/written{number}.gz", "wb")
    file.write(os.urandom(1 << 20))
    file.close()
    return file
""",
    "copies to a gzip file": COPY % ('f"{folder}/in.jsonl"', "folder", "out"),
    "copies to a gzip object": COPY % ('f"{store}/in.jsonl.gz"', "store", "out"),
    "exceptions of copies that failed": """
def use(number):
    return caught(lambda: airscoop.copy(
        f"{store}/bad.jsonl", f"{store}/never{number}.gz", format="jsonl"
    ))
""",
    "exceptions of copies whose callback failed": """
def fail(*upload):
    raise errors.UsageError("the callback's")

def use(number):
    options = TransferOptions(source=f"{folder}/noise", destination=f"{store}/never{number}")
    native = TransferJob(options)._transfer
    return native, caught(lambda: native.run(None, fail))
""",
    "exceptions of reads": """
def use(number):
    def read():
        with airscoop.open(f"{folder}/cut.gz", "rb") as file:
            file.read()
    return caught(read)
""",
    "exceptions of sources that are not there": """
def use(number):
    return caught(lambda: airscoop.open(f"{store}/nothing", "rb"))
""",
    "uploads that were committed": """
def use(number):
    with airscoop.Upload(f"{store}/upload{number}.gz") as upload:
        upload.write(os.urandom(1 << 20))
    assert upload.written_bytes() > 1 << 20
    return upload
""",
    "uploads that were aborted": """
def use(number):
    upload = airscoop.Upload(f"{store}/upload{number}")
    upload.write(os.urandom(9 << 20))
    upload.abort()
    assert upload.written_bytes() == 9 << 20
    return upload
""",
    "outputs in several files": """
def use(number):
    with airscoop.open(f"{store}/split{number}.jsonl", "wb", split_bytes=5 << 20) as file:
        for _ in range(6):
            file.write(bytes(1 << 20) + b"\\n")
    assert len(file.receipt.files) == 2
    return file
""",
    "comparisons": """
def use(number):
    job = airscoop.DeltaJob(None, f"{folder}/export.csv", memory_limit=16 << 20)
    assert len(job.run()) == 200_000
    assert job._native.facts()["inserted"] == 200_000
    return job
""",
    "exceptions of comparisons": """
def use(number):
    return caught(lambda: airscoop.delta(None, f"{folder}/export.csv", min_rows=1_000_000))
""",
    "readers of changes at their end": """
delta = airscoop.delta(None, f"{folder}/export.csv", memory_limit=16 << 20)

def use(number):
    reader = delta._changes.reader()
    while reader.read(1 << 20):
        pass
    return reader
""",
    "publishings": """
def use(number):
    job = airscoop.PublishJob(f"{folder}/changes.jsonl.gz", "any")
    assert job.run().sent == job.acknowledged == 2000
    return job
""",
    "exceptions of publishings": """
def use(number):
    return caught(lambda: airscoop.publish(f"{folder}/in.jsonl", "any"))
""",
}

WAREHOUSE = {
    "warehouses that were closed": """
from airscoop import Warehouse

def use(number):
    with Warehouse(os.environ["DSN"], dialect="postgres") as warehouse:
        assert warehouse.execute("SELECT 1") == [("1",)]
    return warehouse
""",
    "exceptions of warehouses": """
from airscoop import Warehouse

def use(number):
    def run():
        with Warehouse(os.environ["DSN"], dialect="postgres") as warehouse:
            warehouse.execute("SELECT nothing")
    return caught(run)
""",
    "warehouses that could not be reached": """
from airscoop import Warehouse

def use(number):
    def run():
        with Warehouse(os.environ["DSN"].replace(":correct", ":wrong"), dialect="postgres"):
            pass
    return caught(run)
""",
    "warehouses whose connection was lost": """
from airscoop import Warehouse

def use(number):
    warehouse = Warehouse(os.environ["DSN"], dialect="postgres")
    error = caught(lambda: warehouse.execute("SELECT pg_terminate_backend(pg_backend_pid())"))
    assert isinstance(error, errors.ConnectionFailed), error
    return error
""",
    "warehouses that were cancelled": """
from airscoop import Warehouse

def use(number):
    warehouse = Warehouse(os.environ["DSN"], dialect="postgres")
    warehouse.execute("SELECT 1")
    warehouse.cancel()
    error = caught(lambda: warehouse.execute("SELECT 1"))
    assert isinstance(error, errors.Cancelled), error
    return warehouse, error
""",
}


@pytest.fixture
def folder(tmp_path: Path, store: Store) -> Path:
    """What the uses read: here, and some of it in S3."""
    records = json_lines(40_000, width=40)
    (tmp_path / "in.jsonl").write_bytes(records)
    (tmp_path / "in.jsonl.gz").write_bytes(gzipped(records))
    (tmp_path / "cut.gz").write_bytes(gzipped(records)[:-1000])
    (tmp_path / "noise").write_bytes(noise(17 * MIB))
    (tmp_path / "changes.jsonl.gz").write_bytes(gzipped(lines([change(n) for n in range(2000)])))
    rows = "".join(f"{number * 7919 % 200_000},{'v' * 40}\n" for number in range(200_000))
    (tmp_path / "export.csv").write_text("PK,v\n" + rows)
    store.put("x/in.jsonl.gz", gzipped(records))
    store.put("x/bad.jsonl", records + b"{bad\n")
    return tmp_path


def kept(use: str, store: Store, folder: Path, **environment: str) -> dict[str, float]:
    command = [sys.executable, "-c", PROGRAM % use, str(COUNT), str(folder), store.uri("x")]
    done = subprocess.run(
        command, env=store.environment() | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    counted: dict[str, float] = json.loads(done.stdout)
    return counted


def is_nothing(counted: dict[str, float]) -> bool:
    return counted["threads"] <= 0 and counted["descriptors"] <= 0 and counted["mib"] <= MOST_MIB


@pytest.mark.parametrize("what", USES)
def test_nothing_is_kept_of(what: str, store: Store, folder: Path) -> None:
    kinesis = Counting()
    try:
        counted = kept(USES[what], store, folder, AWS_ENDPOINT_URL_KINESIS=kinesis.url)
    finally:
        kinesis.close()
    assert is_nothing(counted), counted


@pytest.mark.parametrize("what", WAREHOUSE)
def test_nothing_is_kept_of_the(
    what: str, store: Store, tmp_path: Path, database: dict[str, str]
) -> None:
    counted = kept(WAREHOUSE[what], store, tmp_path, DSN=database["dsn"])
    assert is_nothing(counted), counted
