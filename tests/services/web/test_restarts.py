"""A source that breaks, and cannot be read on from there, is read from its start again: as long as
nothing of it is in anybody's hands."""

from __future__ import annotations

import logging
import re
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors
from airscoop.transfer.job import TransferJob
from airscoop.transfer.options import TransferOptions
from support.fault_server import (
    Answer,
    FaultProxy,
    Origin,
    chunked,
    raw,
    status,
    then_reset,
    with_length,
)
from support.ranges import part, starts
from support.s3 import AIRSCOOP, MIB, Store, gzipped, json_lines, noise

BODY = noise(3 * MIB)
LARGE = noise(22 * MIB, seed=4)


def whatever_is_asked(first: Answer) -> Answer:
    """The start, whatever range is asked for."""

    def send(connection: socket.socket, head: str) -> None:
        first(connection, head.replace("Range:", "Was:"))

    return send


def no_such_range(connection: socket.socket, head: str) -> None:
    status(416)(connection, head)


WITHOUT_RANGES: dict[str, tuple[Answer, ...]] = {
    "no Accept-Ranges": (part(BODY, cut=MIB, ranges=False), part(BODY, ranges=False)),
    "a weak ETag": (
        part(BODY, cut=MIB, validator='ETag: W/"weak"'), part(BODY, validator='ETag: W/"weak"'),
    ),
    "no validator": (part(BODY, cut=MIB, validator="Server: none"), with_length(BODY)),
    "200 to a Range": (part(BODY, cut=MIB), whatever_is_asked(part(BODY)), part(BODY)),
    "200 to a Range, without its ETag": (
        part(BODY, cut=MIB), whatever_is_asked(with_length(BODY)), part(BODY),
    ),
    "416": (part(BODY, cut=MIB), no_such_range, part(BODY)),
    "a rest without its ETag": (part(BODY, cut=MIB), part(BODY, shown="Server: none"), part(BODY)),
    "closed too early": (with_length(BODY[:MIB], said=len(BODY)), with_length(BODY)),
    "closed in the chunks": (chunked(BODY, size=65536, cut_at=MIB), with_length(BODY)),
}  # fmt: skip


@pytest.mark.parametrize("answers", WITHOUT_RANGES.values(), ids=WITHOUT_RANGES)
@pytest.mark.parametrize("to", ["file", "s3", "nowhere"])
def test_a_source_without_ranges_is_read_from_its_start_again(
    to: str, answers: tuple[Answer, ...], web: Origin, store: Store, tmp_path: Path
) -> None:
    url = web.serve("/f", *answers)
    if to == "nowhere":
        receipt = airscoop.check(url, format="raw")
    elif to == "file":
        receipt = airscoop.copy(url, tmp_path / "f")
        assert (tmp_path / "f").read_bytes() == BODY
    else:
        receipt = airscoop.copy(url, store.uri("a"), destination_s3=store.settings())
        assert store.get("a") == BODY and store.uploads() == []
    assert (receipt.restarts, receipt.source_bytes) == (1, len(BODY))
    assert starts(web)[-1] == 0


def test_records_are_counted_once_over_a_restart(web: Origin, tmp_path: Path) -> None:
    text = json_lines(20_000)
    packed = gzipped(text)
    cut = part(packed, cut=len(packed) // 2, ranges=False)
    receipt = airscoop.copy(
        web.serve("/f", cut, with_length(packed)), tmp_path / "f", format="jsonl"
    )
    assert (tmp_path / "f").read_bytes() == text
    assert (receipt.records_out, receipt.restarts) == (20_000, 1)
    assert "read again from the start" in receipt.summary()


def broken(body: bytes = BODY, cut: int = MIB) -> Answer:
    return part(body, cut=cut, ranges=False)


@pytest.mark.parametrize(
    ("given", "requests"), [({}, 3), ({"restarts": 0}, 1), ({"restarts": 5}, 6)]
)
def test_the_restarts_are_counted_and_then_it_is_a_failed_connection(
    given: dict[str, Any], requests: int, web: Origin, tmp_path: Path
) -> None:
    with pytest.raises(errors.ConnectionFailed) as failed:
        airscoop.copy(web.serve("/f", broken()), tmp_path / "f", **given)
    assert failed.value.retryable
    assert len(web.heads) == requests
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["200 to a Range", "416", "a rest without its ETag"])
def test_a_broken_promise_of_ranges_is_a_failed_connection(
    name: str, web: Origin, tmp_path: Path
) -> None:
    first, rest, _ = WITHOUT_RANGES[name]
    with pytest.raises(errors.ConnectionFailed, match=r"the connection broke after \d+ bytes, and"):
        airscoop.copy(web.serve("/f", first, rest), tmp_path / "f", restarts=0)


def test_data_that_end_short_of_what_was_announced_are_truncated(
    web: Origin, tmp_path: Path
) -> None:
    url = web.serve("/f", with_length(BODY[:MIB], said=len(BODY)))
    with pytest.raises(errors.Truncated):
        airscoop.copy(url, tmp_path / "f")
    assert len(web.heads) == 3


def test_exit_codes_tell_a_lost_connection_from_data_that_are_short(
    web: Origin, tmp_path: Path
) -> None:
    lost, short = broken(), with_length(BODY[:MIB], said=len(BODY))
    for path, answer, code, name in (
        ("/lost", lost, 1, b"ConnectionFailed"), ("/short", short, 3, b"Truncated"),
    ):  # fmt: skip
        line = [*AIRSCOOP, "copy", web.serve(path, answer), str(tmp_path / "f"), "--restarts", "0"]
        done = subprocess.run(line, capture_output=True, check=False)
        assert (done.returncode, name in done.stderr) == (code, True)


def breaks_late(connection: socket.socket, head: str) -> None:
    """Once what was sent has been read."""
    raw(f"HTTP/1.1 200 OK\r\nContent-Length: {len(BODY)}\r\n\r\n".encode(), BODY[:MIB])(
        connection, head
    )
    time.sleep(1)
    then_reset(raw())(connection, head)


def test_a_reader_keeps_what_it_has_and_gets_an_error(web: Origin) -> None:
    url = web.serve("/f", breaks_late, with_length(BODY))
    read = b""
    with pytest.raises(errors.ConnectionFailed):
        for block in airscoop.read(url, format="raw"):
            read += block
    assert BODY.startswith(read) and read != b""
    assert len(web.heads) == 1


def test_a_reader_that_has_nothing_yet_never_sees_a_restart(web: Origin) -> None:
    url = web.serve("/f", broken(cut=1000), with_length(BODY))
    assert b"".join(airscoop.read(url, format="raw")) == BODY
    with airscoop.open(web.serve("/g", broken(cut=1000), with_length(BODY)), "rb") as file:
        assert file.read() == BODY
    assert len(web.heads) == 4


def test_standard_output_takes_nothing_back(web: Origin) -> None:
    url = web.serve("/f", breaks_late, with_length(BODY))
    done = subprocess.run([*AIRSCOOP, "cat", url], capture_output=True, check=False)
    assert done.returncode == 1 and b"ConnectionFailed" in done.stderr
    assert BODY.startswith(done.stdout) and done.stdout != b""
    assert len(web.heads) == 1


def test_each_restart_is_a_line_of_the_trace(
    web: Origin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "airscoop")
    airscoop.copy(web.serve("/f", broken(), broken(), with_length(BODY)), tmp_path / "f")
    told = [r.getMessage() for r in caplog.records if "from the start in" in r.getMessage()]
    assert [re.search(r"restart (\d) of 2", line)[1] for line in told] == ["1", "2"]  # type: ignore[index]


def test_a_silent_connection_is_a_broken_one(web: Origin, tmp_path: Path) -> None:
    def silent(connection: socket.socket, head: str) -> None:
        with_length(BODY[:MIB], said=len(BODY))(connection, head)
        connection.recv(1)  # until the client leaves

    url = web.serve("/f", silent, with_length(BODY))
    assert airscoop.copy(url, tmp_path / "f", timeout={"idle": 0.3}).restarts == 1
    assert (tmp_path / "f").read_bytes() == BODY


def test_a_source_that_changed_is_no_reason_to_restart(web: Origin, tmp_path: Path) -> None:
    url = web.serve("/f", part(BODY, cut=MIB), part(BODY, etag='"two"'))
    with pytest.raises(errors.SourceChanged):
        airscoop.copy(url, tmp_path / "f")
    assert len(web.heads) == 2


def breaks_after_parts(body: bytes, proxy: FaultProxy) -> Answer:
    """All but the end; then the connection breaks, once two parts are on their way to S3."""

    def send(connection: socket.socket, head: str) -> None:
        lines = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(lines.encode() + body[:-1000])
        until = time.monotonic() + 20
        while proxy.kinds().count("part") < 2 and time.monotonic() < until:
            time.sleep(0.01)
        then_reset(raw())(connection, head)

    return send


@pytest.mark.parametrize("form", ["raw", "jsonl"])
def test_parts_that_are_proven_are_not_sent_again(
    form: Any, web: Origin, store: Store, proxy: FaultProxy
) -> None:
    body = LARGE if form == "raw" else json_lines(300_000)

    settings = store.settings(endpoint_url=proxy.url)
    url = web.serve("/f", breaks_after_parts(body, proxy), with_length(body))
    receipt = airscoop.copy(url, store.uri("a"), format=form, destination_s3=settings)
    assert store.get("a") == body and store.uploads() == []
    assert (receipt.restarts, receipt.resumed) == (1, None)
    assert receipt.resumed_bytes > 0
    assert proxy.kinds().count("create") == 1
    sent = sum(request.length for request in proxy.requests("part"))
    assert sent + receipt.resumed_bytes == len(body) + receipt.resumed_bytes
    assert receipt.resumed_bytes >= 2 * 8 * MIB


def test_a_cancel_before_the_restart_brings_a_byte_leaves_no_upload(
    web: Origin, store: Store, proxy: FaultProxy
) -> None:
    jobs: list[TransferJob] = []
    ended = threading.Event()

    def then_cancelled(connection: socket.socket, head: str) -> None:
        breaks_after_parts(LARGE, proxy)(connection, head)
        time.sleep(0.4)  # the parts that were on their way arrive
        jobs[0].cancel()

    def silent(connection: socket.socket, head: str) -> None:
        ended.wait(60)

    settings = store.settings(endpoint_url=proxy.url)
    url = web.serve("/f", then_cancelled, silent)
    options = TransferOptions(source=url, destination=store.uri("a"), destination_s3=settings)
    jobs.append(TransferJob(options))
    with pytest.raises(errors.Cancelled):
        jobs[0].run()
    ended.set()
    assert store.uploads() == []


def test_parts_of_a_source_that_became_another_are_sent_anew(
    web: Origin, store: Store, proxy: FaultProxy
) -> None:
    other = noise(20 * MIB, seed=5)
    settings = store.settings(endpoint_url=proxy.url)
    url = web.serve("/f", breaks_after_parts(LARGE, proxy), with_length(other))
    receipt = airscoop.copy(url, store.uri("a"), destination_s3=settings)
    assert store.get("a") == other and store.uploads() == []
    assert (receipt.restarts, receipt.resumed_bytes) == (1, 0)


def test_an_object_without_a_strong_etag_is_read_from_its_start_again(
    store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    def cut(handler: Any, request: Any) -> None:
        code, headers, body = handler.forward(request)
        handler.answer(code, body[:MIB], headers | {"Etag": 'W/"weak"'}, length=len(body))
        handler.hang_up()

    source = store.put("f", BODY)
    proxy.on("get", cut)
    settings = store.settings(endpoint_url=proxy.url)
    receipt = airscoop.copy(source, tmp_path / "f", source_s3=settings)
    assert (tmp_path / "f").read_bytes() == BODY
    assert receipt.restarts == 1
