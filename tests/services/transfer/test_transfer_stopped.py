"""Uploads that are stopped: by signals, exceptions, dropped references, cancels, exits."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import airscoop
from airscoop import errors
from airscoop.transfer.job import TransferJob
from airscoop.transfer.options import TransferOptions
from support.fault_server import Request, fault_proxy, origin, plain, with_length
from support.s3 import AIRSCOOP, MIB, PART_BYTES, Store, noise, open_below
from support.waiting import eventually

if TYPE_CHECKING:
    from airscoop._native import Transfer

DATA = noise(2 * PART_BYTES + MIB)

# Airflow waits so long between SIGTERM and SIGKILL: 200 ms of a slice and 3 s of abort must fit.
BEFORE_SIGKILL = 5.0


class Stop(Exception):
    """Raised by the tests."""


def has_upload(store: Store) -> Callable[[], bool]:
    return lambda: store.uploads() != []


def has_open(process: subprocess.Popen[str], folder: Path) -> Callable[[], bool]:
    """Whether the process has a file of the folder open."""
    return lambda: open_below(folder, process.pid) != []


def start_command(store: Store, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*AIRSCOOP, *arguments], env=store.environment(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sent", "exit_code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)], ids=["TERM", "INT"]
)
def test_a_signal_in_the_middle_of_an_upload_takes_it_back(
    sent: signal.Signals, exit_code: int, stalled: str, store: Store
) -> None:
    with start_command(store, "copy", stalled, store.uri("a")) as process:
        assert eventually(has_upload(store))
        process.send_signal(sent)
        _, printed = process.communicate()
    assert process.returncode == exit_code
    assert "what was under way was taken back" in printed
    store.assert_untouched()


def test_a_signal_while_a_file_is_written_leaves_nothing(
    stalled: str, store: Store, tmp_path: Path
) -> None:
    with start_command(store, "copy", stalled, str(tmp_path / "a")) as process:
        assert eventually(has_open(process, tmp_path))
        process.terminate()
        process.communicate()
    assert process.returncode == 143
    assert list(tmp_path.iterdir()) == []


def test_kill_9_in_the_middle_of_an_upload_leaves_no_object(stalled: str, store: Store) -> None:
    with start_command(store, "copy", stalled, store.uri("a")) as process:
        assert eventually(has_upload(store))
        process.kill()
        process.communicate()
    assert store.names() == []
    # What is left of the upload is not in the way of the next try.
    (upload,) = store.uploads()
    with airscoop.Upload(store.uri("a"), s3=store.settings()) as again:
        again.write(DATA)
    assert store.get("a") == DATA
    assert store.uploads() == [upload]


def test_kill_9_while_a_file_is_written_leaves_nothing(
    stalled: str, store: Store, tmp_path: Path
) -> None:
    with start_command(store, "copy", stalled, str(tmp_path / "a")) as process:
        assert eventually(has_open(process, tmp_path))
        process.kill()
        process.communicate()
    assert list(tmp_path.iterdir()) == []


TIMED_INTERRUPT = """
import sys, threading, time, os, signal, airscoop
def interrupt():
    time.sleep(float(sys.argv[3]))
    global sent
    sent = time.monotonic()
    os.kill(os.getpid(), signal.SIGINT)
import airscoop.transfer.copy, botocore.session
threading.Thread(target=interrupt, daemon=True).start()
try:
    airscoop.copy(sys.argv[1], sys.argv[2])
except KeyboardInterrupt:
    print(time.monotonic() - sent)
"""


def test_an_interrupt_is_raised_within_the_time_that_airflow_leaves(
    stalled: str, store: Store
) -> None:
    process = store.python(TIMED_INTERRUPT, stalled, store.uri("a"), "4")
    printed, problems = process.communicate()
    assert float(printed) < BEFORE_SIGKILL, problems
    store.assert_untouched()


def test_a_server_that_hangs_does_not_hold_up_an_interrupt(stalled: str, store: Store) -> None:
    with fault_proxy(store.endpoint) as proxy:
        proxy.on("abort|parts", lambda handler, request: time.sleep(20), times=100)
        hung = Store(proxy.url, store.prefix, store.client)
        process = hung.python(TIMED_INTERRUPT, stalled, store.uri("a"), "4")
        printed, problems = process.communicate()
    assert float(printed) < BEFORE_SIGKILL, problems
    assert store.names() == []


def test_an_exception_of_a_signal_handler_wins_over_cancelled(stalled: str, store: Store) -> None:
    def raise_stop(number: int, frame: object) -> None:
        raise Stop

    before = signal.signal(signal.SIGUSR1, raise_stop)
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGUSR1))
    timer.start()
    try:
        with pytest.raises(Stop):
            airscoop.copy(stalled, store.uri("a"), destination_s3=store.settings())
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)
    store.assert_untouched()


def test_an_exception_in_on_progress_takes_the_upload_back(stalled: str, store: Store) -> None:
    def on_progress(progress: airscoop.Progress) -> None:
        raise Stop

    with pytest.raises(Stop):
        airscoop.copy(
            stalled, store.uri("a"), destination_s3=store.settings(), on_progress=on_progress
        )
    store.assert_untouched()


@pytest.mark.parametrize("size", [0, 10, len(DATA)])
def test_an_exception_in_a_with_block_takes_the_upload_back(size: int, store: Store) -> None:
    with (
        pytest.raises(Stop),
        airscoop.Upload(store.uri("a"), s3=store.settings()) as upload,
    ):
        upload.write(DATA[:size])
        raise Stop
    assert upload.receipt is None
    store.assert_untouched()


def seen(upload: Transfer | airscoop.Upload, store: Store) -> bool:
    """Writes until the upload shows in S3: the network moves on while something is written."""
    return eventually(lambda: upload.write(b"more") > 0 and has_upload(store)())


def native_upload(store: Store) -> Transfer:
    from airscoop._native import Transfer

    options = TransferOptions(
        source="", destination=store.uri("a"), destination_s3=store.settings()
    ).native()
    return Transfer(options | {"source": None})


def test_an_exception_in_a_with_over_the_bindings_handle_takes_the_upload_back(
    store: Store,
) -> None:
    with pytest.raises(Stop), native_upload(store) as upload:
        upload.write(DATA)
        assert seen(upload, store)
        raise Stop
    store.assert_untouched()


def test_a_with_over_the_bindings_handle_that_ends_well_commits(store: Store) -> None:
    with native_upload(store) as upload:
        upload.write(DATA)
    assert store.get("a") == DATA
    assert store.uploads() == []


def test_a_dropped_reference_takes_the_upload_back(store: Store) -> None:
    for upload in (
        native_upload(store),
        airscoop.Upload(store.uri("a"), s3=store.settings()),
    ):
        upload.write(DATA)
        assert seen(upload, store)
        del upload
        gc.collect()
    gc.collect()
    assert eventually(lambda: store.uploads() == [])
    assert store.names() == []


def test_abort_takes_everything_back_and_leaves_the_block_quietly(store: Store) -> None:
    with airscoop.Upload(store.uri("a"), s3=store.settings()) as upload:
        upload.write(DATA)
        upload.abort()
        upload.abort()
    assert upload.receipt is None
    store.assert_untouched()
    with pytest.raises(errors.UsageError, match="ended"):
        upload.write(b"more")


def test_abort_after_commit_does_nothing(store: Store) -> None:
    upload = airscoop.Upload(store.uri("a"), s3=store.settings())
    upload.write(b"data")
    upload.commit()
    upload.abort()
    assert store.get("a") == b"data"
    with pytest.raises(errors.UsageError):
        upload.commit()


def test_a_bad_record_that_is_caught_inside_the_block_still_commits_nothing(store: Store) -> None:
    upload = airscoop.Upload(store.uri("a"), format="jsonl", s3=store.settings())
    with pytest.raises(errors.AirscoopError), upload, contextlib.suppress(errors.BadRecord):
        upload.write(b"{bad\n" + b"{}\n" * 10)
    store.assert_untouched()


EXITS = {
    "the end": "",
    "sys.exit": "import sys; sys.exit(3)",
    "an exception": "1 / 0",
    "a reference cycle": "upload.self = upload; del upload",
}


@pytest.mark.parametrize("way", EXITS)
def test_an_interpreter_that_exits_takes_its_open_upload_back(way: str, store: Store) -> None:
    program = f"""
import airscoop, sys, time
upload = airscoop.Upload(sys.argv[1])
upload.write(b"#" * {len(DATA)})
for _ in range(20):  # the network moves on while something is written
    upload.write(b"#")
    time.sleep(0.05)
print("written", flush=True)
sys.stdin.readline()
{EXITS[way]}
"""
    with store.python(program, store.uri("a"), stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        assert eventually(has_upload(store))
        process.communicate("go\n")
    store.assert_untouched()


@pytest.mark.parametrize("late", [False, True], ids=["at once", "in the middle"])
def test_a_cancel_from_another_thread_ends_in_cancelled(
    late: bool, stalled: str, store: Store
) -> None:
    options = TransferOptions(
        source=stalled, destination=store.uri("a"), destination_s3=store.settings()
    )
    job = TransferJob(options)

    def cancel() -> None:
        assert eventually(has_upload(store))
        job.cancel()

    thread = threading.Thread(target=cancel)
    if late:
        thread.start()
    else:
        job.cancel()
    with pytest.raises(errors.Cancelled, match="nothing was committed") as caught:
        job.run()
    if late:
        thread.join()
    assert caught.value.retryable
    store.assert_untouched()


def test_a_cancel_while_the_server_completes_the_upload_is_never_a_success(store: Store) -> None:
    job: list[TransferJob] = []

    def cancel_and_wait(handler: Any, request: Request) -> None:
        job[0].cancel()
        time.sleep(2)
        plain(500)(handler, request)

    with origin() as web, fault_proxy(store.endpoint) as proxy:
        proxy.on("complete", cancel_and_wait)
        settings = store.settings(endpoint_url=proxy.url)
        options = TransferOptions(
            source=web.serve("/data", with_length(DATA)),
            destination=store.uri("a"),
            destination_s3=settings,
        )
        job.append(TransferJob(options))
        with pytest.raises(errors.Cancelled):
            job[0].run()
    store.assert_untouched()


def test_a_cancel_while_a_record_streams_from_a_file_ends_in_cancelled(
    store: Store, tmp_path: Path
) -> None:
    with (tmp_path / "in").open("wb") as file:
        file.write(b'{"a": 1}\n')
        file.truncate(1 << 40)  # one more line, of NULs, that no machine comes to the end of
    options = TransferOptions(
        source=str(tmp_path / "in"),
        destination=str(tmp_path / "out.gz"),
        format="jsonl",
        max_rejected=1,
    )
    job = TransferJob(options)
    timer = threading.Timer(0.1, job.cancel)
    timer.start()
    with pytest.raises(errors.Cancelled):
        job.run()
    timer.join()
    assert [item.name for item in tmp_path.iterdir()] == ["in"]


def test_a_job_runs_once(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"x")
    job = TransferJob(
        TransferOptions(source=str(tmp_path / "in"), destination=str(tmp_path / "out"))
    )
    job.run()
    with pytest.raises(errors.UsageError, match="ended"):
        job.run()


def test_other_threads_run_while_a_transfer_waits(stalled: str, store: Store) -> None:
    counted = 0
    options = TransferOptions(source=stalled, destination=store.uri("a"),
                              destination_s3=store.settings())  # fmt: skip
    job = TransferJob(options)

    def count() -> None:
        nonlocal counted
        while counted < 20:
            time.sleep(0.01)
            counted += 1
        job.cancel()

    thread = threading.Thread(target=count)
    thread.start()
    with pytest.raises(errors.Cancelled):
        job.run()
    thread.join()
    assert counted == 20


def test_a_transfer_that_was_never_set_up_is_refused() -> None:
    from airscoop._native import Transfer

    empty = Transfer.__new__(Transfer)
    with pytest.raises(errors.UsageError, match="not set up"):
        empty.facts()
    with pytest.raises(errors.UsageError, match="not set up"):
        empty.cancel()
    with pytest.raises(errors.UsageError, match="not set up"):
        empty.run(None)


def test_two_threads_cannot_run_one_transfer(stalled: str, store: Store) -> None:
    job = TransferJob(
        TransferOptions(source=stalled, destination=store.uri("a"), destination_s3=store.settings())
    )
    refused: list[BaseException] = []

    def second() -> None:
        assert eventually(has_upload(store))
        try:
            job.run()
        except errors.UsageError as error:
            refused.append(error)
        job.cancel()

    thread = threading.Thread(target=second)
    thread.start()
    with pytest.raises(errors.Cancelled):
        job.run()
    thread.join()
    assert "another thread" in str(refused[0])
