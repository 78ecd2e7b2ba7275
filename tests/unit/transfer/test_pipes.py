"""Standard output of every kind, whole, in order, without blocking the transfer; pipes going in."""

from __future__ import annotations

import fcntl
import io
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest

COMMAND = (sys.executable, "-m", "airscoop.cli", "cat")
SIZE_BYTES = 3_000_001


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stdout") / "source"
    path.write_bytes(random.Random(1).randbytes(SIZE_BYTES))
    return path


def read_slowly(read: Callable[[int], bytes]) -> bytes:
    """In odd pieces, with a pause now and then, so that the writer meets a full pipe."""
    found = bytearray()
    while piece := read(50_001):
        found += piece
        if len(found) % 7 == 0:
            time.sleep(0.02)
    return bytes(found)


def test_a_pipe_gets_all_in_order(source: Path) -> None:
    with subprocess.Popen([*COMMAND, source], stdout=subprocess.PIPE) as process:
        assert isinstance(process.stdout, io.BufferedReader)
        assert read_slowly(process.stdout.read1) == source.read_bytes()
    assert process.returncode == 0


def test_a_socket_gets_all_in_order(source: Path) -> None:
    ours, theirs = socket.socketpair()
    with ours, subprocess.Popen([*COMMAND, source], stdout=theirs.fileno()) as process:
        theirs.close()
        assert read_slowly(ours.recv) == source.read_bytes()
    assert process.returncode == 0


def test_a_terminal_gets_all_in_order(source: Path) -> None:
    ours, theirs = os.openpty()
    text = source.read_bytes().hex().encode()[:200_000]
    lines = b"\n".join(text[at : at + 100] for at in range(0, len(text), 100))
    source = source.with_name("lines")
    source.write_bytes(lines)
    with subprocess.Popen([*COMMAND, source], stdout=theirs) as process:
        os.close(theirs)
        found = bytearray()
        while len(found) < len(lines) + lines.count(b"\n"):  # a terminal adds carriage returns
            found += os.read(ours, 4096)
    os.close(ours)
    assert found.replace(b"\r", b"") == lines
    assert process.returncode == 0


def test_a_file_is_written_at_its_place_and_appended_to(source: Path, tmp_path: Path) -> None:
    place = tmp_path / "out"
    place.write_bytes(b"before")
    with place.open("ab") as out:
        subprocess.run([*COMMAND, source], stdout=out, check=True)
    assert place.read_bytes() == b"before" + source.read_bytes()


def test_a_shared_pipe_stays_blocking_for_its_others(source: Path) -> None:
    ours, theirs = os.pipe()
    with subprocess.Popen([*COMMAND, source], stdout=theirs) as process:
        assert os.read(ours, 10) == source.read_bytes()[:10]  # it is writing now
        assert not fcntl.fcntl(theirs, fcntl.F_GETFL) & os.O_NONBLOCK
        os.close(theirs)
        with os.fdopen(ours, "rb") as rest:
            rest.read()
    assert process.returncode == 0


def full_pipe() -> tuple[int, int]:
    return os.pipe()


def full_socket() -> tuple[int, int]:
    ours, theirs = socket.socketpair()
    return ours.detach(), theirs.detach()


def waiting(descriptor: int) -> int:
    """How many bytes wait to be read."""
    (count,) = struct.unpack("i", fcntl.ioctl(descriptor, termios.FIONREAD, bytes(4)))
    return int(count)


def stand_still(descriptor: int) -> None:
    """Waits until nothing more comes, twenty looks in a row."""
    before, looks = -1, 0
    while looks < 20:
        now = waiting(descriptor)
        looks = looks + 1 if now == before else 0
        before = now
        time.sleep(0.02)


@pytest.mark.parametrize("kind", [full_pipe, full_socket])
def test_ctrl_c_ends_a_transfer_whose_reader_stands_still(
    source: Path, kind: Callable[[], tuple[int, int]]
) -> None:
    ours, theirs = kind()
    with subprocess.Popen([*COMMAND, source], stdout=theirs, stderr=subprocess.PIPE) as process:
        os.close(theirs)
        os.read(ours, 1)
        stand_still(ours)
        process.send_signal(signal.SIGINT)
        process.wait()  # without a reader; the test's own limit ends it otherwise
    os.close(ours)
    assert process.returncode == 128 + signal.SIGINT


def test_a_pipe_on_standard_input_is_widened_but_never_narrowed() -> None:
    for before, after in ((65_536, 262_144), (1_048_576, 1_048_576)):
        ours, theirs = os.pipe()
        fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, before)
        with subprocess.Popen(
            [*COMMAND, "-"], stdin=ours, stdout=subprocess.PIPE, bufsize=0
        ) as process:
            os.close(ours)
            os.write(theirs, b"x")
            assert process.stdout is not None
            while fcntl.fcntl(theirs, fcntl.F_GETPIPE_SZ) != after:
                time.sleep(0.05)
            os.write(theirs, b"y" * 5000)
            assert fcntl.fcntl(theirs, fcntl.F_GETPIPE_SZ) == after
            os.close(theirs)
            assert process.stdout.read() == b"x" + b"y" * 5000
        assert process.returncode == 0
