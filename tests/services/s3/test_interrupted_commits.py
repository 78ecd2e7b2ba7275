"""A run that is stopped in its commit: the exception says what became of the destination."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors
from airscoop.transfer.job import TransferJob
from airscoop.transfer.options import TransferOptions
from support.fault_server import (
    Fault,
    FaultProxy,
    Request,
    before_body,
    error,
    lose_answer,
    reset_early,
)
from support.s3 import AIRSCOOP, MIB, PART_BYTES, Store, noise

SIZES = {"put": 1000, "complete": PART_BYTES + MIB}


class Stop(Exception):
    """Raised by a signal's handler, as Airflow's timeouts are."""


@pytest.fixture
def stopping() -> Iterator[Callable[[], None]]:
    """Has this process raise Stop, wherever it is."""

    def handler(number: int, frame: object) -> None:
        raise Stop

    before = signal.signal(signal.SIGUSR1, handler)
    yield lambda: os.kill(os.getpid(), signal.SIGUSR1)
    signal.signal(signal.SIGUSR1, before)


class Commit:
    """A request that commits, in the hands of the proxy: `stop` is called before the server gets
    it or after the server has carried it out, and the client's next step decides what it sees."""

    def __init__(self, stop: Callable[[], None], *, carried_out: bool) -> None:
        self.stop, self.carried_out = stop, carried_out

    def __call__(self, handler: Any, request: Request) -> None:
        if self.carried_out:
            answer = handler.forward(request)
        self.stop()
        time.sleep(0.5)  # of the slice in which the signal is looked at
        if not self.carried_out:
            error("InternalError", 500)(handler, request)
            return
        code, headers, body = answer
        handler.answer(code, body, headers)


def job(store: Store, proxy: FaultProxy, source: Path, **options: Any) -> TransferJob:
    settings = store.settings(endpoint_url=proxy.url)
    return TransferJob(
        TransferOptions(
            source=str(source), destination=store.uri("a"), destination_s3=settings, **options
        )
    )


def assert_told(store: Store, told: bool | None, data: bytes) -> None:
    """What the exception says of the object is so."""
    names = store.names()
    if told is not None:
        assert names == (["a"] if told else [])
    if names:
        assert store.get("a") == data


@pytest.mark.parametrize("carried_out", [True, False], ids=["carried out", "not carried out"])
@pytest.mark.parametrize("kind", SIZES)
def test_a_cancel_in_the_commit_says_whether_the_object_is_there(
    kind: str, carried_out: bool, store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    data = noise(SIZES[kind])
    (tmp_path / "f").write_bytes(data)
    running = job(store, proxy, tmp_path / "f")
    proxy.on(kind, Commit(running.cancel, carried_out=carried_out))
    with pytest.raises(errors.Cancelled) as caught:
        running.run()
    assert caught.value.committed is carried_out
    assert ("is committed" in str(caught.value)) == carried_out
    assert_told(store, carried_out, data)
    assert store.uploads() == []


@pytest.mark.parametrize("carried_out", [True, False], ids=["carried out", "not carried out"])
@pytest.mark.parametrize("kind", SIZES)
def test_an_exception_of_a_signals_handler_gets_the_attribute_and_a_note(
    kind: str, carried_out: bool, store: Store, proxy: FaultProxy, tmp_path: Path,
    stopping: Callable[[], None],
) -> None:  # fmt: skip
    data = noise(SIZES[kind])
    (tmp_path / "f").write_bytes(data)
    proxy.on(kind, Commit(stopping, carried_out=carried_out))
    with pytest.raises(Stop) as caught:
        job(store, proxy, tmp_path / "f").run()
    stop: Any = caught.value
    assert stop.committed is carried_out
    notes = getattr(caught.value, "__notes__", [])
    assert any("committed already" in note for note in notes) == carried_out
    assert_told(store, carried_out, data)


@pytest.mark.parametrize("kind", SIZES)
def test_where_the_server_does_not_answer_any_more_it_is_said_that_nobody_knows(
    kind: str, store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    data = noise(SIZES[kind])
    (tmp_path / "f").write_bytes(data)
    running = job(store, proxy, tmp_path / "f")
    ended = threading.Event()

    def silent(handler: Any, request: Request) -> None:
        handler.forward(request)
        running.cancel()
        ended.wait(60)

    def held(handler: Any, request: Request) -> None:
        ended.wait(60)

    proxy.on(kind, silent)
    proxy.on("abort|parts|head", held, times=100)
    with pytest.raises(errors.Cancelled, match="may be there") as caught:
        running.run()
    ended.set()
    assert caught.value.committed is None
    assert_told(store, None, data)


def test_a_put_whose_body_is_still_on_its_way_makes_no_object(
    store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    data = noise(7 * MIB)
    (tmp_path / "f").write_bytes(data)
    running = job(store, proxy, tmp_path / "f", checksum="none")

    def slow(handler: Any, request: Request) -> None:
        running.cancel()
        handler.connection.settimeout(30)
        handler.close_connection = True
        time.sleep(1)

    proxy.on("put", reset_early_after(slow))
    with pytest.raises(errors.Cancelled, match="nothing was committed") as caught:
        running.run()
    assert caught.value.committed is False
    store.assert_untouched()


def reset_early_after(first: Fault) -> Fault:
    """Does something before the body has arrived, then lets the connection go."""

    @before_body
    def act(handler: Any, request: Request) -> None:
        first(handler, request)
        reset_early(handler, request)

    return act


def test_a_failure_whose_commit_came_about_and_cannot_be_looked_at_is_in_doubt(
    store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    data = noise(SIZES["complete"])
    (tmp_path / "f").write_bytes(data)

    def carried_out(handler: Any, request: Request) -> None:
        handler.forward(request)
        error("InternalError", 500)(handler, request)

    proxy.on("complete", carried_out, times=100)
    proxy.on("head", error("AccessDenied", 403), times=100)
    with pytest.raises(errors.AirscoopError, match="is not known") as caught:
        job(store, proxy, tmp_path / "f").run()
    assert caught.value.committed is None
    assert_told(store, None, data)


def test_a_commit_that_turns_out_to_have_come_about_gives_a_receipt_with_every_fact(
    store: Store, proxy: FaultProxy
) -> None:
    data = noise(SIZES["complete"])
    store.put("from", data)
    proxy.on("complete", lose_answer)
    proxy.on("complete", error("NoSuchUpload", 404), times=100)
    proxy.on("head", error("AccessDenied", 403), times=1)
    settings = store.settings(endpoint_url=proxy.url)
    receipt = airscoop.copy(
        store.uri("from"),
        store.uri("a"),
        server_side=False,
        source_s3=store.settings(),
        destination_s3=settings,
    )
    assert store.get("a") == data
    assert receipt.source_etag == store.head("from")["ETag"]
    assert receipt.etag == store.head("a")["ETag"]
    assert receipt.source_bytes == len(data)


@pytest.mark.parametrize("kind", SIZES)
def test_a_commit_that_is_refused_is_none(
    kind: str, store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(noise(SIZES[kind]))
    proxy.on(kind, error("AccessDenied", 403), times=100)
    with pytest.raises(errors.AccessDenied) as caught:
        job(store, proxy, tmp_path / "f").run()
    assert caught.value.committed is False
    store.assert_untouched()


def test_a_cancel_while_the_server_copies_says_whether_the_object_is_there(
    store: Store, proxy: FaultProxy
) -> None:
    store.put("from", b"data")
    settings = store.settings(endpoint_url=proxy.url)
    running = TransferJob(
        TransferOptions(
            source=store.uri("from"),
            destination=store.uri("a"),
            source_s3=settings,
            destination_s3=settings,
        )
    )
    proxy.on("put", Commit(running.cancel, carried_out=True))
    with pytest.raises(errors.Cancelled) as caught:
        running.run()
    assert caught.value.committed is True
    assert store.get("a") == b"data"


def test_a_cancel_after_a_file_is_renamed_says_that_it_is_there(tmp_path: Path) -> None:
    """Any moment may be the one after the rename, so many are tried: what is said is so."""
    (tmp_path / "f").write_bytes(noise(MIB))
    chance = random.Random(16)
    for number in range(100):
        to = tmp_path / f"to-{number}"
        running = TransferJob(TransferOptions(source=str(tmp_path / "f"), destination=str(to)))
        timer = threading.Timer(chance.uniform(0, 0.004), running.cancel)
        timer.start()
        try:
            running.run()
        except errors.Cancelled as error:
            assert error.committed is to.exists()
        else:
            assert to.exists()
        timer.join()


def slowly(handler: Any, request: Request) -> None:
    """Time enough for signals to be looked at."""
    time.sleep(0.05)
    answer = handler.forward(request)
    time.sleep(0.1)
    code, headers, body = answer
    handler.answer(code, body, headers)


def test_interrupts_at_any_moment_say_what_is_so(
    store: Store, proxy: FaultProxy, tmp_path: Path, stopping: Callable[[], None]
) -> None:
    chance = random.Random(16)
    outcomes: set[bool | None] = set()
    proxy.on(".*", slowly, times=10_000)
    for number in range(40):
        if number >= 20 and len(outcomes) == 2:
            break
        size = chance.choice([1000, 9 * MIB])
        (tmp_path / "f").write_bytes(noise(size, seed=number))
        running = TransferJob(
            TransferOptions(
                source=str(tmp_path / "f"),
                destination=store.uri(f"to-{number}"),
                destination_s3=store.settings(endpoint_url=proxy.url),
            )
        )
        timer = threading.Timer(chance.uniform(0, 0.2 if size == 1000 else 0.7), stopping)
        try:
            timer.start()
            running.run()
            timer.join()
            time.sleep(0.01)  # a signal that came after the run is raised here
        except Stop as stop:
            told = getattr(stop, "committed", True)
            outcomes.add(told)
            assert told is (f"to-{number}" in store.names())
        timer.join()
    assert outcomes == {True, False}
    assert store.uploads() == []


def test_a_split_output_of_which_some_files_are_there_is_in_part(
    store: Store, proxy: FaultProxy
) -> None:
    upload = airscoop.transfer.job.writing(
        TransferOptions(
            source="",
            destination=store.uri("a"),
            split_bytes=5 * MIB,
            destination_s3=store.settings(endpoint_url=proxy.url),
        )
    )
    upload.write(b"".join(noise(1000, seed=n).replace(b"\n", b"") + b"\n" for n in range(12000)))
    proxy.on("complete|put", error("AccessDenied", 403), times=100, skip=1)
    with pytest.raises(errors.AccessDenied) as caught:
        upload.commit()
    upload.abort()
    assert caught.value.committed is None
    assert len(store.names()) == 1


def test_the_command_says_it_and_its_exit_code_stays(
    store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    import subprocess

    (tmp_path / "f").write_bytes(b"data")
    asked = threading.Event()
    sent = threading.Event()

    def commit(handler: Any, request: Request) -> None:
        answer = handler.forward(request)
        asked.set()
        sent.wait(30)
        time.sleep(0.5)
        code, headers, body = answer
        handler.answer(code, body, headers)

    proxy.on("put", commit)
    environment = store.environment() | {"AWS_ENDPOINT_URL_S3": proxy.url}
    command = [*AIRSCOOP, "copy", str(tmp_path / "f"), store.uri("a")]
    with subprocess.Popen(command, env=environment, text=True, stderr=subprocess.PIPE) as process:
        assert asked.wait(30)
        process.send_signal(signal.SIGINT)
        sent.set()
        _, printed = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "was committed already" in printed
    assert store.get("a") == b"data"
