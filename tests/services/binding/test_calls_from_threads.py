"""One object of the engine's used by several threads: what one of them runs, the others may ask for
facts and cancel; all else is refused by name, and never harms what runs."""

from __future__ import annotations

import contextlib
import gzip
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors
from airscoop._native import Delta, Publish, Session, Transfer
from airscoop.transfer.options import TransferOptions
from airscoop.transfer.upload import OwnedUpload
from support.fault_server import Origin, Request, fault_proxy
from support.kinesis import Stream, change, lines
from support.paths import PACKAGE_ROOT
from support.s3 import MIB, PART_BYTES, Store, noise
from support.waiting import eventually

DATA = noise(PART_BYTES)
OLD = "PK,name\n1,Ann\n2,Bob\n"
NEW = "PK,name\n1,Ann\n3,Cy\n"
NONE = (None, None, None)  # no exception leaves the block


class Gate:
    """A source that sends half of its body, and the rest when it is told to."""

    def __init__(self, web: Origin, body: bytes) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        self.url = web.serve("/data", self._send)
        self._body = body

    def _send(self, connection: socket.socket, head: str) -> None:
        half = len(self._body) // 2
        begin = f"HTTP/1.1 200 OK\r\nContent-Length: {len(self._body)}\r\n\r\n".encode()
        connection.sendall(begin + self._body[:half])
        self.reached.set()
        self.opened.wait(60)
        connection.sendall(self._body[half:])


@contextlib.contextmanager
def running(run: Callable[[], Any], gate: Gate) -> Iterator[list[Any]]:
    """While another thread is inside `run`; what that returned or raised is there at the end."""
    ended: list[Any] = []

    def call() -> None:
        try:
            ended.append(run())
        except BaseException as error:
            ended.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    try:
        assert gate.reached.wait(60)
        yield ended
    finally:
        gate.opened.set()
        thread.join(60)


def refused(*uses: Callable[[], object]) -> None:
    for use in uses:
        with pytest.raises(errors.UsageError, match="in use by another thread"):
            use()


def test_while_a_copy_runs_all_but_facts_and_cancel_is_refused(web: Origin, tmp_path: Path) -> None:
    gate = Gate(web, DATA)
    native = Transfer(TransferOptions(source=gate.url, destination=str(tmp_path / "out")).native())
    with running(lambda: native.run(None), gate) as ended:
        assert eventually(lambda: native.facts()["source_bytes"] > 0)
        assert native.facts()["source_total_bytes"] == len(DATA)
        refused(lambda: native.run(None), native.mark, native.abort, lambda: native.__exit__(*NONE))
        with pytest.raises(errors.UsageError, match=r"take_up\(\) comes before run"):
            take_up(native)
    assert ended[0]["destination_bytes"] == len(DATA)
    assert native.facts() == ended[0]
    native.cancel()  # does nothing any more
    assert (tmp_path / "out").read_bytes() == DATA


def take_up(native: Transfer) -> None:
    native.take_up(
        upload_id="u", source="s", parts=[], kept_parts=0, kept_bytes=0, kept_checksum=0, keep=False
    )


def test_while_a_source_is_read_a_second_read_is_refused(web: Origin) -> None:
    gate = Gate(web, DATA[:1000])  # less than a read gives at a time
    native = Transfer(TransferOptions(source=gate.url).native(), to_memory=True)
    got: list[bytes] = []

    def read() -> None:
        while block := native.read():
            got.append(block)

    with running(read, gate):
        assert eventually(lambda: native.facts()["source_bytes"] == 500)
        refused(native.read, native.abort, native.mark)
    assert b"".join(got) == DATA[:1000]
    assert native.read() == b""


def test_while_one_thread_writes_nobody_else_writes_commits_or_aborts(store: Store) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def wait(handler: Any, request: Request) -> None:
        reached.set()
        go_on.wait(60)
        code, headers, body = handler.forward(request)
        handler.answer(code, body, headers)

    with fault_proxy(store.endpoint) as proxy:
        proxy.on("part", wait, times=1)
        options = TransferOptions(
            source="", destination=store.uri("a"), memory_limit=24 * MIB,
            destination_s3=store.settings(endpoint_url=proxy.url),
        )  # fmt: skip
        native = Transfer(options.native() | {"source": None})
        written: list[object] = []
        thread = threading.Thread(target=lambda: written.append(native.write(5 * DATA)))
        thread.start()
        assert reached.wait(60)
        refused(
            lambda: native.write(b"x"), native.seal, native.commit, native.abort,
            lambda: native.__exit__(*NONE), lambda: native.__exit__(ValueError, ValueError(), None),
        )  # fmt: skip
        assert native.facts()["destination_bytes"] <= 5 * len(DATA)
        go_on.set()
        thread.join(60)
        assert written == [5 * len(DATA)]
        native.commit()
    assert store.get("a") == 5 * DATA


def test_changes_are_written_in_one_piece(tmp_path: Path) -> None:
    """A write of another thread cannot come between two of their blocks."""
    rows = "".join(f"{number},{'v' * 200}\n" for number in range(40_000))
    (tmp_path / "new.csv").write_text("PK,v\n" + rows)
    delta = airscoop.delta(None, tmp_path / "new.csv")
    whole, done = b"".join(delta.blocks()), threading.Event()
    with OwnedUpload(TransferOptions(source="", destination=str(tmp_path / "out"))) as upload:

        def disturb() -> None:
            while not done.wait(0.001):  # between its writes the other one may begin
                with contextlib.suppress(errors.UsageError):
                    upload.write(b"#\n")

        thread = threading.Thread(target=disturb)
        thread.start()
        written = 0
        while not written:  # refused as long as the other one is writing
            with contextlib.suppress(errors.UsageError):
                written = upload.write_changes(delta._changes)
        done.set()
        thread.join()
    assert written == len(whole)
    assert (tmp_path / "out").read_bytes().strip(b"#\n") + b"\n" == whole


def test_while_exports_are_compared_all_but_facts_and_cancel_is_refused(
    web: Origin, tmp_path: Path
) -> None:
    (tmp_path / "old.csv").write_text(OLD)
    gate = Gate(web, NEW.encode())
    job = airscoop.DeltaJob(tmp_path / "old.csv", gate.url, max_delete_ratio=1.0)
    with running(job.run, gate) as ended:
        assert job._native.facts()["inserted"] == 0
        refused(lambda: job._native.run(None))
        with pytest.raises(errors.UsageError, match="only after a run"):
            job._native.changes()
    assert ended[0].receipt.inserted == job._native.facts()["inserted"] == 1
    job.cancel()
    with pytest.raises(errors.UsageError, match="only once"):
        job._native.changes()


def test_while_changes_are_published_their_number_can_be_asked_for(
    web: Origin, stream: Stream
) -> None:
    gate = Gate(web, lines([change(number) for number in range(200)]))
    job = airscoop.PublishJob(gate.url, stream.name, kinesis=stream.settings())
    with running(job.run, gate) as ended:
        assert job.acknowledged >= 0
        refused(lambda: job._native.run(None))
    assert ended[0].sent == job.acknowledged == 200
    assert sum(job._native.facts()["shards"].values()) == 200
    job.cancel()
    with pytest.raises(errors.UsageError, match="has ended"):
        job._native.run(None)


@pytest.mark.parametrize(
    ("make", "uses"),
    [
        (lambda: Transfer.__new__(Transfer),
         ("facts", "mark", "read", "seal", "commit", "abort", "cancel", "__exit__")),
        (lambda: Delta.__new__(Delta), ("facts", "changes", "cancel")),
        (lambda: Publish.__new__(Publish), ("facts", "cancel")),
    ],
    ids=["Transfer", "Delta", "Publish"],
)  # fmt: skip
def test_what_was_never_set_up_says_so(make: Callable[[], Any], uses: tuple[str, ...]) -> None:
    for name in uses:
        with pytest.raises(errors.UsageError, match="not set up"):
            getattr(make(), name)(*(NONE if name == "__exit__" else ()))
    with pytest.raises(errors.UsageError, match="not set up"):
        make().run(None) if "read" not in uses else make().write(b"x")


def test_a_session_cannot_be_made_without_its_settings() -> None:
    with pytest.raises(TypeError):
        Session.__new__(Session)  # type: ignore[call-arg]  # wrong on purpose


def test_what_was_set_up_is_not_set_up_again(tmp_path: Path) -> None:
    (tmp_path / "f").write_text(OLD)
    options = TransferOptions(source=str(tmp_path / "f")).native()
    transfer = Transfer(options, to_memory=True)
    delta = airscoop.DeltaJob(None, tmp_path / "f")
    delta.run()
    again = {
        "format": 0, "keep_last": False, "empty_keys": False, "schema_change": 0,
        "drop_gone": False, "any_case": False, "numbers_by_value": False,
        "max_delete_ratio": 1.0, "max_update_ratio": None,
        "min_rows": 0, "memory_limit": 0, "temp_dir": None, "version": None,
        "stamp": None,
    }  # fmt: skip
    while transfer.read():
        pass
    with pytest.raises(errors.UsageError, match="set up once"):
        transfer.__init__(options)  # type: ignore[misc]  # called on purpose
    with pytest.raises(errors.UsageError, match="set up once"):
        delta._native.__init__((), (options,), ("PK",), **again)  # type: ignore[misc]  # called on purpose


def test_a_set_up_that_failed_can_be_done_again(tmp_path: Path) -> None:
    (tmp_path / "f").write_text(OLD)
    options = TransferOptions(source=str(tmp_path / "f")).native()
    transfer = Transfer.__new__(Transfer)
    with pytest.raises(errors.UsageError, match="there is no option"):
        transfer.__init__(options | {"unknown": 1})  # type: ignore[misc]  # called on purpose
    with pytest.raises(errors.UsageError, match="not set up"):
        transfer.facts()
    transfer.__init__(options, to_memory=True)  # type: ignore[misc]  # called on purpose
    assert transfer.read() == OLD.encode()


@pytest.mark.parametrize("value", [1, "yes", []])
def test_a_flag_is_a_bool(value: object) -> None:
    """Others would be asked what they are, and Python code could change the options meanwhile."""
    options = TransferOptions(source="f").native() | {"held": value}
    with pytest.raises(errors.UsageError, match="held is not True or False"):
        Transfer(options)


# Restarts: a value over several lines must change, so what was passed on unchanged is taken back.
# glibc fills what is freed, so that to look into it is to see garbage, or to crash.
RESTARTS = """
import sys, threading, airscoop
from airscoop._native import Transfer
from airscoop.transfer.options import TransferOptions
from airscoop.transfer.upload import OwnedUpload

runs, done = [None], threading.Event()

def ask():
    while not done.is_set():
        native = runs[0]
        if native is not None:
            facts = native.facts()
            assert 0 <= facts["source_bytes"] <= 1 << 20, facts
            assert facts["parts"] <= 2 and facts["retries"] == 0, facts
            assert facts["source_etag"] == "" and facts["source_total_bytes"] <= 1 << 20, facts

threads = [threading.Thread(target=ask) for _ in range(3)]
for thread in threads:
    thread.start()
sys.setswitchinterval(1e-5)
try:
    for number in range(int(sys.argv[3])):
        options = TransferOptions(source=sys.argv[1], destination=sys.argv[2], format="jsonl")
        runs[0] = Transfer(options.native())
        facts = runs[0].run(None)
        assert facts["restarted"] and facts["records_changed"] == 1, facts
finally:
    done.set()
    for thread in threads:
        thread.join()
"""


def test_facts_that_are_asked_for_while_a_copy_restarts_are_facts(tmp_path: Path) -> None:
    records = b"".join(b'{"n": %d}\n' % number for number in range(2000)) + b'{"n":\n1}\n'
    (tmp_path / "in.jsonl.gz").write_bytes(gzip.compress(records))
    done = subprocess.run(
        [sys.executable, "-c", RESTARTS, tmp_path / "in.jsonl.gz", tmp_path / "out.gz", "150"],
        env=os.environ | {"MALLOC_PERTURB_": "165", "PYTHONPATH": str(PACKAGE_ROOT)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
