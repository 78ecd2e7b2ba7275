"""What is written to an open file is whole, or not there."""

from __future__ import annotations

import contextlib
import csv
import gc
import io
import itertools
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import airscoop
from airscoop import errors
from airscoop.transfer import writers
from airscoop.transfer.writers import BUFFER_BYTES
from support.open_files import DATA, TEXT, assert_empty

DROPPED = "dropped without close"


class Stop(Exception):
    """Raised by the tests."""


@contextlib.contextmanager
def raising_at(step: int, filename: str) -> Iterator[None]:
    """Raises Stop before the step-th bytecode instruction that the functions of a file run."""
    left = step

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal left
        if frame.f_code.co_filename != filename:
            return None
        frame.f_trace_opcodes = True
        if event == "opcode":
            left -= 1
            if left == 0:
                raise Stop
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


@pytest.mark.parametrize("mode", ["w", "wb"])
@pytest.mark.parametrize("stop", [Stop, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_exception_in_the_block_leaves_nothing(
    stop: type[BaseException], mode: str, folder: Path
) -> None:
    with pytest.raises(stop), airscoop.open(folder / "out", mode) as file:
        file.write(TEXT if mode == "w" else DATA)
        raise stop
    assert file.closed
    assert file.receipt is None
    file.close()
    assert_empty(folder)


@pytest.mark.parametrize("mode", ["w", "wb"])
def test_an_exception_leaves_the_former_file_as_it_was(mode: str, folder: Path) -> None:
    (folder / "out").write_text("former")
    with pytest.raises(Stop), airscoop.open(folder / "out", mode):
        raise Stop
    assert (folder / "out").read_text() == "former"


@pytest.mark.parametrize("mode", ["w", "wb"])
def test_abort_leaves_nothing_and_leaves_the_block_quietly(mode: str, folder: Path) -> None:
    with airscoop.open(folder / "out", mode) as file:
        file.write(TEXT if mode == "w" else DATA)
        file.abort()
        file.abort()
        assert file.closed
    file.close()
    assert file.receipt is None
    assert_empty(folder)


def test_abort_after_close_does_nothing(folder: Path) -> None:
    file = airscoop.open(folder / "out", "w")
    file.write("a")
    file.close()
    file.abort()
    del file
    gc.collect()
    assert (folder / "out").read_text() == "a"


def binary(path: Path) -> Any:
    return airscoop.open(path, "wb")


WRAPPINGS: dict[str, Callable[[Path], Any]] = {
    "wb": binary,
    "w": lambda path: airscoop.open(path, "w"),
    "io.TextIOWrapper": lambda path: io.TextIOWrapper(binary(path), encoding="utf-8"),
    "io.BufferedWriter": lambda path: io.BufferedWriter(binary(path)),
    "both": lambda path: io.TextIOWrapper(io.BufferedWriter(binary(path)), encoding="utf-8"),
}


def write_some(file: Any) -> None:
    """Some that arrived, and some that is pending in every buffer."""
    for part in (TEXT, "end"):
        try:
            file.write(part)
        except TypeError:
            file.write(part.encode())


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_a_dropped_file_leaves_nothing_and_says_so(wrapping: str, folder: Path) -> None:
    file = WRAPPINGS[wrapping](folder / "out")
    write_some(file)
    with pytest.warns(RuntimeWarning, match=f"out: {DROPPED}"):
        del file
    assert_empty(folder)


@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_a_dropped_file_in_a_reference_cycle_leaves_nothing(wrapping: str, folder: Path) -> None:
    class Holder:
        file: Any
        itself: Any

    holder = Holder()
    holder.file = WRAPPINGS[wrapping](folder / "out")
    holder.itself = holder
    write_some(holder.file)
    gc.collect()
    with pytest.warns(RuntimeWarning, match=DROPPED):
        del holder
        gc.collect()
    assert_empty(folder)


def test_a_file_that_is_itself_a_cycle_leaves_nothing(folder: Path) -> None:
    for mode in ("w", "wb"):
        file: Any = airscoop.open(folder / "out", mode)
        write_some(file)
        file.itself = file
        with pytest.warns(RuntimeWarning, match=DROPPED):
            del file
            gc.collect()
    assert_empty(folder)


def test_a_dropped_text_file_takes_its_binary_one_with_it(folder: Path) -> None:
    file = airscoop.open(folder / "out", "w")
    file.write("pending in the text layer")
    writer = file.buffer
    with pytest.warns(RuntimeWarning, match=DROPPED):
        del file
    writer.close()
    assert_empty(folder)


def test_a_wrapper_of_ios_that_is_closed_commits(folder: Path) -> None:
    for name, wrap in WRAPPINGS.items():
        with wrap(folder / name) as file:
            write_some(file)
        assert (folder / name).read_bytes() == DATA + b"end"


def rows(path: Path, *, with_block: bool) -> Generator[int, None, None]:
    """A generator that writes while it is iterated."""
    if with_block:
        with airscoop.open(path, "w") as file:
            for n in range(100):
                file.write(TEXT)
                yield n
    else:
        dropped = airscoop.open(path, "w")
        for n in range(100):
            dropped.write(TEXT)
            yield n
        dropped.close()


def test_a_generator_that_is_left_in_the_middle_leaves_nothing(folder: Path) -> None:
    walk = rows(folder / "out", with_block=True)
    assert next(walk) == 0
    walk.close()
    assert_empty(folder)
    walk = rows(folder / "out", with_block=False)
    assert next(walk) == 0
    with pytest.warns(RuntimeWarning, match=DROPPED):
        del walk
    assert_empty(folder)


def test_an_exception_while_iterating_what_is_written_leaves_nothing(folder: Path) -> None:
    def broken() -> Iterator[list[int]]:
        yield from ([n] for n in range(100_000))
        raise Stop

    with pytest.raises(Stop), airscoop.open(folder / "out", "w", newline="") as file:
        csv.writer(file).writerows(broken())
    with pytest.raises(Stop), airscoop.open(folder / "out", "wb") as lines:
        lines.writelines(b"%d\n" % row[0] for row in broken())
    assert_empty(folder)


def test_a_source_that_ends_too_early_leaves_no_copy(source: Path, folder: Path) -> None:
    source.write_bytes(source.read_bytes()[:-9])
    with (
        pytest.raises(errors.Truncated),
        airscoop.open(source, "rb") as reader,
        airscoop.open(folder / "out", "wb") as writer,
    ):
        shutil.copyfileobj(reader, writer)
    assert_empty(folder)


EXITS = {
    "the end": (0, ""),
    "sys.exit": (3, "sys.exit(3)"),
    "sys.exit in the block": (3, "with file:\n    sys.exit(3)"),
    "an exception": (1, "1 / 0"),
    "a reference cycle": (0, "file.itself = file; del file"),
    "a wrapper of io's": (0, "import io; wrapper = io.TextIOWrapper(other); wrapper.write('x')"),
    "os._exit": (3, "import os; os._exit(3)"),
}


@pytest.mark.parametrize("mode", ["w", "wb"])
@pytest.mark.parametrize("way", EXITS)
def test_an_interpreter_that_exits_leaves_nothing(way: str, mode: str, folder: Path) -> None:
    status, statement = EXITS[way]
    program = f"""
import airscoop, sys
file = airscoop.open({str(folder / "out")!r}, {mode!r})
other = airscoop.open({str(folder / "other")!r}, "wb")
file.write("text" * 1000000 if {mode!r} == "w" else b"data" * 1000000)
other.write(b"other")
{statement}
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    assert_empty(folder)


# --- a hole is never committed ---


@pytest.fixture
def full() -> Iterator[None]:
    """No file may grow beyond 1 MiB: writes fail as on a full disk."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.usefixtures("full")
@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_a_write_that_failed_and_was_caught_fails_the_close(wrapping: str, folder: Path) -> None:
    file = WRAPPINGS[wrapping](folder / "out")
    with pytest.raises(errors.FileError):
        for _ in range(4):
            write_some(file)
    with pytest.raises((errors.FileError, errors.Cancelled)):
        file.close()
    assert file.closed
    file.close()
    assert_empty(folder)


@pytest.mark.usefixtures("full")
def test_a_disk_that_is_full_at_the_close_leaves_nothing(folder: Path) -> None:
    with airscoop.open(folder / "first", "wb") as file:
        file.write(b"x" * (1 << 20))
    (folder / "first").unlink()
    with pytest.raises(errors.FileError), airscoop.open(folder / "out", "w") as text:
        text.write("x" * (1 << 20))
        text.write("x")
    assert_empty(folder)


def test_text_that_cannot_be_encoded_takes_nothing_else_with_it(folder: Path) -> None:
    with airscoop.open(folder / "out", "w") as file:
        file.write("a")
        with pytest.raises(UnicodeEncodeError):
            file.write("\ud800")
        with pytest.raises(TypeError):
            file.write(b"b")  # type: ignore[arg-type]  # wrong on purpose
        file.write("c")
    assert (folder / "out").read_text() == "ac"


def test_writes_of_two_threads_at_once_are_refused_and_commit_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of any write that failed: what is committed has no holes."""
    file = airscoop.open(folder / "out", "wb")
    under_way, go_on = threading.Event(), threading.Event()
    write = file._upload.write

    def slow_write(data: Any) -> int:
        under_way.set()
        assert go_on.wait(30)
        return write(data)

    monkeypatch.setattr(file._upload, "write", slow_write)
    other = threading.Thread(target=file.write, args=(b"x" * BUFFER_BYTES,))
    other.start()
    assert under_way.wait(30)
    with pytest.raises(errors.UsageError, match="one thread at a time"):
        file.write(b"y")
    go_on.set()
    other.join()
    with pytest.raises(errors.UsageError, match="one thread at a time"):
        file.close()
    assert_empty(folder)


@pytest.mark.parametrize("mode", ["w", "wb"])
def test_an_exception_between_any_two_steps_of_a_write_never_leaves_a_hole(
    mode: str, folder: Path
) -> None:
    """A signal's handler may raise anywhere: what is committed then has every accepted byte."""
    size = BUFFER_BYTES * 2 // 5  # every third write goes through to the engine
    data: Any = "x" * size if mode == "w" else b"x" * size
    outcomes = {"whole": 0, "refused": 0}
    for step in itertools.count(1):
        file = airscoop.open(folder / "out", mode)
        accepted = 0
        try:
            with raising_at(step, writers.__file__):
                while accepted < 4:
                    file.write(data)
                    accepted += 1
        except Stop:
            pass
        else:
            file.abort()
            break
        try:
            file.close()
        except errors.AirscoopError:
            outcomes["refused"] += 1
        else:
            outcomes["whole"] += 1
            written = (folder / "out").stat().st_size
            assert written in (accepted * size, (accepted + 1) * size)
            (folder / "out").unlink()
        assert_empty(folder)
    assert min(outcomes.values()) > 0


def test_the_summary_of_what_was_written_names_its_destination(folder: Path) -> None:
    with airscoop.open(folder / "out", "wb") as file:
        file.write(b"x")
    assert file.receipt is not None
    assert file.receipt.summary().startswith(f"{folder / 'out'}: 0.0 MB in, 0.0 MB out")
