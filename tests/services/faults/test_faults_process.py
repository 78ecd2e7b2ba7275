"""What a process does while it transfers: forks, exits, runs several at once, runs many."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

import airscoop
from support.fault_server import origin
from support.s3 import MIB, PART_BYTES, Store, gzipped, json_lines, noise
from support.waiting import eventually

DATA = noise(2 * PART_BYTES + MIB)

FORK_BETWEEN_WRITES = """
import gc, os, sys, airscoop
from airscoop import errors
data = open(sys.argv[2], "rb").read()
half = len(data) // 2
with airscoop.Upload(sys.argv[1]) as upload:
    upload.write(data[:half])
    child = os.fork()
    if child == 0:
        for use in (lambda: upload.write(b"child"), upload.commit, upload._transfer.facts):
            try:
                use()
            except errors.UsageError as error:
                assert "forked" in str(error), error
            else:
                os._exit(9)
        upload.abort()
        del upload
        gc.collect()
        how = sys.argv[3]
        if how == "exec":
            os.execv("/bin/true", ["true"])
        sys.exit(0) if how == "exit" else os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    upload.write(data[half:])
print(upload.receipt.destination_bytes)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "data").write_bytes(DATA)
    return tmp_path / "data"


@pytest.mark.parametrize("how", ["exit", "_exit", "exec"])
def test_a_forked_child_leaves_its_parents_upload_alone(how: str, store: Store, file: Path) -> None:
    process = store.python(FORK_BETWEEN_WRITES, store.uri("a"), str(file), how)
    printed, problems = process.communicate()
    assert printed == f"{len(DATA)}\n", problems
    assert store.get("a") == DATA
    assert store.uploads() == []


def test_a_with_block_that_a_forked_child_ends_commits_nothing(store: Store, file: Path) -> None:
    program = """
import os, sys, airscoop
from airscoop import errors
child = None
try:
    with airscoop.Upload(sys.argv[1]) as upload:
        upload.write(b"data")
        child = os.fork()
        if child > 0:
            assert os.waitpid(child, 0)[1] == 0
            raise ZeroDivisionError
except errors.UsageError as error:
    os._exit(0 if child == 0 and "forked" in str(error) else 9)
except ZeroDivisionError:
    print("parent")
"""
    process = store.python(program, store.uri("a"))
    printed, problems = process.communicate()
    assert printed == "parent\n", problems
    store.assert_untouched()


FORK_WHILE_RUNNING = """
import multiprocessing, os, sys, threading, time, airscoop

def child():
    airscoop.copy(sys.argv[3], sys.argv[4])

def fork_by_hand():
    pid = os.fork()
    if pid == 0:
        child()
        sys.exit(0)
    return os.waitpid(pid, 0)[1]

def fork_by_multiprocessing():
    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    process.join(60)
    return process.exitcode

done = threading.Thread(target=lambda: results.append(airscoop.copy(sys.argv[1], sys.argv[2])))
results = []
done.start()
sys.stdin.readline()  # the test has seen the upload
assert globals()[sys.argv[5]]() == 0
print("forked", flush=True)
done.join()
print(results[0].destination_bytes)
"""


@pytest.mark.parametrize("how", ["fork_by_hand", "fork_by_multiprocessing"])
def test_a_fork_beside_a_running_transfer_disturbs_neither(
    how: str, store: Store, file: Path
) -> None:
    go_on = threading.Event()

    def send(connection: socket.socket, head: str) -> None:
        start = f"HTTP/1.1 200 OK\r\nContent-Length: {len(DATA)}\r\n\r\n".encode()
        connection.sendall(start + DATA[:-MIB])
        go_on.wait(60)
        connection.sendall(DATA[-MIB:])

    with origin() as web:
        arguments = (web.serve("/data", send), store.uri("a"), str(file), store.uri("b"), how)
        process = store.python(FORK_WHILE_RUNNING, *arguments, stdin=-1)
        with process:
            assert process.stdin is not None and process.stdout is not None
            assert eventually(lambda: store.uploads() != [])
            process.stdin.write("go\n")
            process.stdin.flush()
            assert process.stdout.readline() == "forked\n"
            go_on.set()
            printed, problems = process.communicate()
    assert printed == f"{len(DATA)}\n", problems
    assert store.get("a") == store.get("b") == DATA
    assert store.uploads() == []


def test_an_interpreter_that_exits_beside_a_transfer_on_a_daemon_thread_leaves_no_object(
    stalled: str, store: Store
) -> None:
    """The thread is stopped where it is: the upload is left to `airscoop uploads` or the bucket's
    lifecycle, as after a kill."""
    program = """
import sys, threading, airscoop
threading.Thread(target=airscoop.copy, args=sys.argv[1:], daemon=True).start()
sys.stdin.readline()
sys.exit(3)
"""
    with store.python(program, stalled, store.uri("a"), stdin=-1) as process:
        assert eventually(lambda: store.uploads() != [])
        _, problems = process.communicate("go\n")
    assert (process.returncode, problems) == (3, "")
    assert store.names() == []


def test_two_transfers_on_two_threads_are_both_exact(store: Store, tmp_path: Path) -> None:
    texts = [json_lines(40_000), json_lines(50_000, width=100)]
    receipts: dict[int, airscoop.CopyReceipt] = {}

    def run(number: int) -> None:
        receipts[number] = airscoop.copy(
            tmp_path / str(number), store.uri(f"{number}.gz"), format="jsonl",
            compression_level=number or None, destination_s3=store.settings(),
        )  # fmt: skip

    for number, text in enumerate(texts):
        (tmp_path / str(number)).write_bytes(gzipped(text))
    threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [receipts[n].records_out for n in range(2)] == [40_000, 50_000]
    assert receipts[0].unchanged and not receipts[1].unchanged
    for number, text in enumerate(texts):
        airscoop.copy(store.uri(f"{number}.gz"), tmp_path / "out", source_s3=store.settings())
        assert (tmp_path / "out").read_bytes() == text


MANY = """
import ctypes, gc, json, os, re, sys, time
from pathlib import Path
import airscoop
from airscoop import errors

M_ARENA_MAX = -8
ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)  # an arena a thread would grow for a while without a leak

def threads():
    return len(os.listdir("/proc/self/task"))

def state():
    gc.collect()
    deadline = time.monotonic() + 300
    while threads() > 1 and time.monotonic() < deadline:
        time.sleep(0.01)  # a thread that was joined is listed until the kernel has dropped it
    status = Path("/proc/self/status").read_text()
    return {
        "kib": int(re.search(r"VmRSS:\\s+(\\d+)", status).group(1)),
        "threads": threads(),
        "fds": len(os.listdir("/proc/self/fd")),
    }

lines, raw, uri, folder = sys.argv[1:]

def transfer(number):
    airscoop.copy(lines, f"{uri}/a.gz", format="jsonl")
    airscoop.copy(lines, f"{uri}/b.gz", format="jsonl", compression_level=1)
    airscoop.copy(raw, f"{uri}/c")
    airscoop.copy(f"{uri}/c", f"{folder}/c")
    with airscoop.open(f"{uri}/d", "wb") as file:
        file.write(b"data")
    try:
        airscoop.copy(lines, f"{uri}/e", format="python-literal")
    except errors.BadRecord:
        pass

states = []
for number in range(10):
    transfer(number)
    if number in (1, 9):
        states.append(state())
print(json.dumps(states))
"""


def test_sixty_transfers_in_one_process_leave_no_growth(store: Store, tmp_path: Path) -> None:
    """Six transfers a round: the state after 12 is compared with the state after 60."""
    import json

    (tmp_path / "lines.gz").write_bytes(gzipped(json_lines(30_000)[:-1] + b"\n"))
    (tmp_path / "raw").write_bytes(DATA)
    process = store.python(
        MANY, str(tmp_path / "lines.gz"), str(tmp_path / "raw"), store.uri(""), str(tmp_path)
    )
    printed, problems = process.communicate()
    assert process.returncode == 0, problems
    early, late = json.loads(printed)
    assert late["kib"] - early["kib"] < 1024, (early, late)
    assert (early["threads"], late["threads"]) == (1, 1)
    assert late["fds"] == early["fds"]
