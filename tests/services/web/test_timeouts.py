"""What a source may take: to begin, between its bytes, for its bytes, and as a whole."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors
from support.fault_server import Answer, FaultProxy, Origin, with_length
from support.s3 import MIB, Store

DATA = b"a line\n" * 1000
HEAD = f"HTTP/1.1 200 OK\r\nContent-Length: {len(DATA)}\r\n\r\n".encode()
LONG = 0.8  # of the pauses here; the limits that they break are less than half of it
SHORT = 0.3


def slow(*pieces: bytes, pause: float = LONG) -> Answer:
    """Waits before each piece."""

    def send(connection: socket.socket, head: str) -> None:
        for piece in pieces:
            time.sleep(pause)
            connection.sendall(piece)

    return send


def then(*pieces: bytes) -> Answer:
    """The first piece at once, the others late."""

    def send(connection: socket.socket, head: str) -> None:
        connection.sendall(pieces[0])
        slow(*pieces[1:])(connection, head)

    return send


SLOW_STARTS = {
    "nothing for a while": slow(HEAD + DATA),
    "the head at once, then nothing": then(HEAD, DATA),
}


@pytest.mark.parametrize("answer", SLOW_STARTS.values(), ids=SLOW_STARTS)
def test_a_source_that_is_slow_to_begin_is_asked_once(
    answer: Answer, web: Origin, tmp_path: Path
) -> None:
    receipt = airscoop.copy(
        web.serve("/f", answer), tmp_path / "f", timeout=airscoop.Timeouts(idle=SHORT)
    )
    assert (receipt.retries, len(web.heads)) == (0, 1)
    assert (tmp_path / "f").read_bytes() == DATA


@pytest.mark.parametrize("answer", SLOW_STARTS.values(), ids=SLOW_STARTS)
def test_the_time_to_begin_is_bounded(answer: Answer, web: Origin, tmp_path: Path) -> None:
    limits = airscoop.Timeouts(first_byte=SHORT)
    with pytest.raises(errors.TimedOut, match=r"/f: nothing came of the answer's data for 0\.3 s"):
        airscoop.copy(web.serve("/f", answer), tmp_path / "f", timeout=limits)
    assert list(tmp_path.iterdir()) == []


def test_a_pause_in_the_data_is_bounded_by_idle(web: Origin, tmp_path: Path) -> None:
    url = web.serve("/f", then(HEAD + DATA[:100], DATA[100:]))
    with pytest.raises(errors.TimedOut, match=r"not a byte moved for 0\.3 s") as failed:
        airscoop.copy(url, tmp_path / "f", timeout={"idle": SHORT}, restarts=0)
    assert failed.value.retryable
    airscoop.copy(url, tmp_path / "f", timeout={"first_byte": SHORT})
    assert (tmp_path / "f").read_bytes() == DATA


def test_a_drip_ends_the_run_if_asked(web: Origin, tmp_path: Path) -> None:
    url = web.serve("/f", slow(HEAD, *(DATA[n : n + 70] for n in range(0, 7000, 70)), pause=0.02))
    limits = airscoop.Timeouts(idle=SHORT, min_rate=100_000)
    with pytest.raises(errors.TimedOut, match="fewer than the 100000 a second that are demanded"):
        airscoop.copy(url, tmp_path / "f", timeout=limits, restarts=0)
    receipt = airscoop.copy(url, tmp_path / "f", timeout=airscoop.Timeouts(idle=5, min_rate=10))
    assert receipt.destination_bytes == len(DATA)


def test_the_whole_is_bounded_if_asked(web: Origin, tmp_path: Path) -> None:
    url = web.serve("/f", slow(HEAD, *(DATA[n : n + 70] for n in range(0, 7000, 70)), pause=0.02))
    with pytest.raises(errors.TimedOut, match=r"the whole took longer than the 0\.3 s"):
        airscoop.copy(url, tmp_path / "f", timeout=SHORT)
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_takes_its_time_is_not_the_servers_silence(web: Origin) -> None:
    body = bytes(8 * MIB)
    url = web.serve("/f", with_length(body))
    limits = airscoop.Timeouts(idle=SHORT, first_byte=SHORT, min_rate=10 * MIB)
    read = 0
    for block in airscoop.read(url, format="raw", timeout=limits, restarts=0):
        if read in (0, 256 * 1024):
            time.sleep(LONG)
        read += len(block)
    assert read == len(body)


def test_an_object_in_s3_is_bounded_alike(store: Store, proxy: FaultProxy, tmp_path: Path) -> None:
    def late(handler: Any, request: Any) -> None:
        time.sleep(LONG)
        code, headers, body = handler.forward(request)
        handler.answer(code, body, headers)

    source = store.put("f", DATA)
    proxy.on("get", late, times=9)
    settings = store.settings(endpoint_url=proxy.url)
    with pytest.raises(errors.TimedOut, match="nothing came of the answer's data"):
        airscoop.copy(source, tmp_path / "f", source_s3=settings, timeout={"first_byte": SHORT})
    assert len(proxy.requests("get")) == 3
    airscoop.copy(source, tmp_path / "f", source_s3=settings, timeout={"idle": SHORT})
    assert (tmp_path / "f").read_bytes() == DATA


def test_connecting_is_bounded(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        full = [socket.socket() for _ in range(4)]
        for each in full:
            each.setblocking(False)
            each.connect_ex(address)
        with pytest.raises(errors.TimedOut):
            airscoop.copy(
                f"http://127.0.0.1:{address[1]}/f", tmp_path / "f",
                timeout=airscoop.Timeouts(connect=SHORT), retry_seconds=0,
            )  # fmt: skip
        for each in full:
            each.close()


def dripping(data: bytes) -> Answer:
    """A redirect whose body does not come to its end."""

    def send(connection: socket.socket, head: str) -> None:
        lines = "HTTP/1.1 302 Elsewhere\r\nLocation: /g\r\nContent-Length: 60000\r\n\r\n"
        connection.sendall(lines.encode())
        for _ in range(600):
            connection.sendall(data)
            time.sleep(0.1)

    return send


@pytest.mark.parametrize("data", [b"x", b""], ids=["a byte now and then", "none"])
def test_the_body_of_a_redirect_is_not_waited_for(data: bytes, web: Origin, tmp_path: Path) -> None:
    web.serve("/g", with_length(DATA))
    url = web.serve("/f", dripping(data))
    airscoop.copy(url, tmp_path / "f", timeout={"whole": 30})
    assert (tmp_path / "f").read_bytes() == DATA
    assert len(web.heads) == 2
