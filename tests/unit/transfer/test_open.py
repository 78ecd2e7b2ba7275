"""airscoop.open on local files: a file object whose result is whole or not there."""

from __future__ import annotations

import contextlib
import csv
import gc
import gzip
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
from airscoop.transfer.options import Compression
from airscoop.transfer.writers import BUFFER_BYTES

TEXT = "".join(f"{n},line é {n * 7919}\n" for n in range(60_000))
DATA = TEXT.encode()
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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the written files go; empty."""
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.csv.gz"
    path.write_bytes(gzip.compress(DATA, 1))
    return path


def assert_empty(folder: Path) -> None:
    assert list(folder.iterdir()) == []


# --- reading ---


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_reading_gives_what_is_in_the_file(packed: bool, tmp_path: Path) -> None:
    path = tmp_path / "source"
    path.write_bytes(gzip.compress(DATA) if packed else DATA)
    with airscoop.open(path) as text:
        assert text.read() == TEXT
    with airscoop.open(path, "rb") as binary:
        assert binary.read() == DATA
        assert binary.read() == b""
    with airscoop.open(f"file://{path}", "rt") as text:
        assert list(text) == TEXT.splitlines(keepends=True)


def test_compression_keep_reads_the_bytes_as_they_are_stored(source: Path) -> None:
    with airscoop.open(source, "rb", compression="keep") as file:
        assert file.read() == source.read_bytes()


def test_compression_none_reads_what_is_no_gzip_data(source: Path) -> None:
    with airscoop.open(source, "rb", compression="none") as file:
        assert file.read() == DATA


@pytest.mark.parametrize("size", [0, 1, BUFFER_BYTES - 1, BUFFER_BYTES, BUFFER_BYTES + 1])
def test_every_way_to_read_sees_the_same_bytes(size: int, tmp_path: Path) -> None:
    data = (DATA * 2)[:size]
    path = tmp_path / "source"
    path.write_bytes(data)

    def with_open(read: Callable[[Any], bytes]) -> bytes:
        with airscoop.open(path, "rb") as file:
            return read(file)

    def by_readinto(file: io.BufferedReader) -> bytes:
        got, buffer = b"", bytearray(70_001)
        while count := file.readinto(buffer):
            got += buffer[:count]
        return got

    assert with_open(by_readinto) == data
    assert with_open(lambda file: b"".join(file)) == data
    assert with_open(lambda file: b"".join(iter(lambda: file.read(100_003), b""))) == data
    assert with_open(lambda file: b"".join(iter(file.read1, b""))) == data
    assert with_open(lambda file: file.read(10) + file.peek()[:0] + file.read()) == data


def test_a_reader_of_what_is_inflated_tells_where_it_is_and_cannot_seek(source: Path) -> None:
    first = DATA.splitlines(keepends=True)[0]
    with airscoop.open(source, "rb") as file:
        assert (file.readable(), file.writable(), file.seekable()) == (True, False, False)
        assert file.readline() == first
        assert file.tell() == len(first)
        for move in ((0,), (0, io.SEEK_END), (file.tell(),)):
            with pytest.raises(errors.UsageError, match=r"source\.csv\.gz is read in one direc"):
                file.seek(*move)
        assert file.tell() == len(first)
        assert file.size is None
        with pytest.raises(io.UnsupportedOperation):
            file.write(b"x")
        with pytest.raises(io.UnsupportedOperation):
            file.fileno()
    with airscoop.open(source) as text:
        assert not text.seekable()
        for call in (text.tell, lambda: text.seek(0)):
            with pytest.raises(errors.UsageError, match="since it is inflated"):
                call()


def test_a_reader_of_stored_bytes_goes_anywhere(source: Path) -> None:
    stored = source.read_bytes()
    with airscoop.open(source, "rb", compression="keep") as file, source.open("rb") as theirs:
        assert (file.seekable(), file.size) == (True, len(stored))
        for place, whence in ((-20, 2), (5, 0), (7, 1), (-3, 1), (0, 2), (10**9, 0), (0, 0)):
            assert file.seek(place, whence) == theirs.seek(place, whence)
            assert file.read(9) == theirs.read(9)
            assert file.tell() == theirs.tell()
            assert file.peek(1)[:1] == theirs.peek(1)[:1]
        file.seek(3)
        assert file.read() == stored[3:]
        for wrong in ((-1, 0), (0, 7)):
            with pytest.raises(ValueError):
                file.seek(*wrong)
        assert file.tell() == len(stored)


def test_an_open_file_cannot_be_pickled_and_seeks_by_keyword(source: Path) -> None:
    import pickle

    for compression in ("auto", "keep"):
        with airscoop.open(source, "rb", compression=compression) as file:
            with pytest.raises(TypeError, match="cannot be pickled: pickle its name"):
                pickle.dumps(file)
            assert file.read(1)
    with airscoop.open(source, "rb", compression="keep") as file:
        assert file.seek(-4, whence=io.SEEK_END) == source.stat().st_size - 4
        assert int.from_bytes(file.read(), "little") == len(DATA)


def test_text_that_is_stored_as_it_is_goes_where_tell_was(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(DATA)
    with airscoop.open(path) as file:
        lines = [file.readline() for _ in range(1000)]
        place = file.tell()
        rest = file.read()
        assert "".join(lines) + rest == TEXT
        assert file.seek(place) == place
        assert file.read() == rest
        assert file.seek(0) == 0
        assert file.readline() == lines[0]


@pytest.mark.parametrize("newline", [None, "", "\n", "\r", "\r\n"])
def test_newlines_are_those_of_the_built_in_open(newline: str | None, folder: Path) -> None:
    text = "a\nb\r\nc\rd\n\re"
    for opener, name in ((open, "theirs"), (airscoop.open, "ours")):
        with opener(folder / name, "w", newline=newline, encoding="utf-8") as file:
            file.write(text)
    assert (folder / "ours").read_bytes() == (folder / "theirs").read_bytes()
    (folder / "in").write_bytes(text.encode())
    with (
        (folder / "in").open(newline=newline, encoding="utf-8") as theirs,
        airscoop.open(folder / "in", newline=newline) as ours,
    ):
        assert list(ours) == list(theirs)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "latin-1"])
def test_encodings_are_those_of_the_built_in_open(encoding: str, folder: Path) -> None:
    with airscoop.open(folder / "ours", "w", encoding=encoding) as file:
        file.write("né\n")
        file.write("è\n")
    with (folder / "theirs").open("w", encoding=encoding) as theirs:
        theirs.write("né\nè\n")
    assert (folder / "ours").read_bytes() == (folder / "theirs").read_bytes()
    with airscoop.open(folder / "ours", encoding=encoding) as ours:
        assert ours.read() == "né\nè\n"


def test_text_is_utf_8_and_faults_in_it_are_faults(folder: Path) -> None:
    (folder / "in").write_bytes(b"caf\xe9\n")
    with airscoop.open(folder / "in") as file, pytest.raises(UnicodeDecodeError):
        file.read()
    with airscoop.open(folder / "in", errors="replace") as file:
        assert file.read() == "caf\ufffd\n"


def test_a_source_that_is_not_there_fails_when_it_is_opened(tmp_path: Path) -> None:
    with pytest.raises(errors.NotFound, match="nothing_here"):
        airscoop.open(tmp_path / "nothing_here")


READS: dict[str, Callable[[Any], object]] = {
    "read": lambda file: file.read(),
    "lines": lambda file: list(file),
    "small reads": lambda file: list(iter(lambda: file.read(5000), file.read(0))),
    "copyfileobj": lambda file: shutil.copyfileobj(file, io.BytesIO()),
    "readinto": lambda file: list(iter(lambda: file.readinto(bytearray(5000)), 0)),
}


@pytest.mark.parametrize("way", READS)
def test_a_source_that_is_cut_off_raises_in_every_way_to_read_and_again(
    way: str, source: Path
) -> None:
    source.write_bytes(source.read_bytes()[:-9])
    with airscoop.open(source, "rb") as file:
        for _ in range(3):
            with pytest.raises(errors.Truncated, match=r"source\.csv\.gz"):
                READS[way](file)
    if way in ("read", "lines"):
        with airscoop.open(source) as text:
            for _ in range(3):
                with pytest.raises(errors.Truncated):
                    READS[way](text)


def test_a_damaged_source_raises_at_its_end(source: Path) -> None:
    packed = bytearray(source.read_bytes())
    packed[-5] ^= 1
    source.write_bytes(packed)
    with airscoop.open(source, "rb") as file, pytest.raises(errors.CorruptData):
        while file.read(1000):
            pass


def test_a_damaged_source_that_is_closed_before_its_end_is_no_error(source: Path) -> None:
    source.write_bytes(source.read_bytes()[:-9])
    with airscoop.open(source) as file:
        assert file.readline() == TEXT.splitlines(keepends=True)[0]
    file.close()
    assert file.closed
    with pytest.raises(ValueError, match="closed"):
        file.read()


def test_a_closed_reader_refuses_to_read(source: Path) -> None:
    file = airscoop.open(source, "rb")
    raw: Any = file.raw
    file.close()
    for call in (file.read, file.readline, file.tell, raw.read, raw.readall, raw.tell):
        with pytest.raises(ValueError, match="closed"):
            call()


def test_name_and_mode_are_there_and_hold_no_secret(source: Path, folder: Path) -> None:
    with airscoop.open(source) as reader, airscoop.open(folder / "out", "wb") as writer:
        assert (reader.name, reader.mode) == (str(source), "r")
        assert (reader.buffer.name, getattr(reader.buffer, "mode", None)) == (str(source), "rb")
        assert (writer.name, writer.mode) == (str(folder / "out"), "wb")


# --- writing ---


@pytest.mark.parametrize("mode", ["w", "wt", "wb"])
def test_writing_makes_the_file_appear_when_it_is_closed(mode: str, folder: Path) -> None:
    with airscoop.open(folder / "out", mode) as file:
        for line in TEXT.splitlines(keepends=True):
            file.write(line.encode() if "b" in mode else line)
        file.flush()
        assert_empty(folder)
        assert (file.receipt, file.closed) == (None, False)
    assert (folder / "out").read_bytes() == DATA
    assert file.closed
    assert file.receipt is not None
    assert file.receipt.destination == str(folder / "out")
    assert file.receipt.destination_bytes == len(DATA)


def test_a_file_that_is_closed_without_with_is_there(folder: Path) -> None:
    file = airscoop.open(folder / "out", "w")
    print("a", 1, sep=",", file=file, flush=True)
    file.writelines(["b,2\n", "c,3\n"])
    file.close()
    file.close()
    assert (folder / "out").read_text() == "a,1\nb,2\nc,3\n"
    with pytest.raises(ValueError, match="closed"):
        file.write("x")
    with pytest.raises(ValueError, match="closed"):
        file.buffer.write(b"x")
    with pytest.raises(ValueError, match="closed"):
        file.flush()


def test_an_empty_file_can_be_written(folder: Path) -> None:
    for name in ("empty", "empty.gz"):
        airscoop.open(folder / name, "wb").close()
    assert (folder / "empty").read_bytes() == b""
    assert gzip.decompress((folder / "empty.gz").read_bytes()) == b""


@pytest.mark.parametrize(
    ("name", "compression", "packed"),
    [
        ("a", "auto", False),
        ("a.gz", "auto", True),
        ("a", "gzip", True),
        ("a.gz", "none", False),
        ("a.gz", "keep", False),
        ("a.GZ", "auto", True),
        ("a.bz2", "gzip", True),
    ],
)
def test_compression_goes_by_the_name_or_as_told(
    name: str, compression: Compression, packed: bool, folder: Path
) -> None:
    with airscoop.open(folder / name, "wb", compression=compression) as file:
        file.write(DATA)
    got = (folder / name).read_bytes()
    assert (gzip.decompress(got) if packed else got) == DATA


def test_the_compression_level_is_passed_on(folder: Path) -> None:
    for level in (1, 9):
        with airscoop.open(folder / f"{level}.gz", "w", compression_level=level) as file:
            file.write(TEXT)
    fast, small = ((folder / f"{level}.gz").read_bytes() for level in (1, 9))
    assert fast != small
    assert gzip.decompress(fast) == gzip.decompress(small) == DATA


WRITTEN_GZIP: list[tuple[str, Compression]] = [
    ("a.gz", "auto"),
    ("a.bin", "auto"),
    ("a.gz", "gzip"),
    ("a.tgz", "keep"),
    ("a.gz", "keep"),
]


@pytest.mark.parametrize(("name", "compression"), WRITTEN_GZIP)
def test_gzip_data_that_is_written_is_neither_packed_again_nor_inflated(
    name: str, compression: Compression, folder: Path
) -> None:
    packed = gzip.compress(DATA)
    with airscoop.open(folder / name, "wb", compression=compression) as file:
        file.write(packed)
    assert (folder / name).read_bytes() == packed


def test_gzip_data_that_is_cut_off_is_not_committed(folder: Path) -> None:
    file = airscoop.open(folder / "a.gz", "wb")
    file.write(gzip.compress(DATA)[:-3])
    with pytest.raises(errors.Truncated):
        file.close()
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("a.bz2", "bz2.open(file, "),
        ("a.xz", "lzma.open(file, "),
        ("a.ZST", "zstandard.open(file, "),
        ("a.tgz", 'tarfile.open(fileobj=file, mode="'),
        ("a.7z", "py7zr.SevenZipFile(file, "),
        ("a.rar", "file"),
        ("a.br", "brotli."),
        ("a.Z", "compress"),
        ("a.taz", "compress"),
        ("a.lzo", '"lzop"'),
        ("a.snappy", "snappy.stream_"),
        ("a.sz", "snappy.stream_"),
        ("a.deflate", "zlib."),
        ("a.zlib", "zlib."),
    ],
)
@pytest.mark.parametrize("mode", ["r", "rb", "w", "wb"])
def test_a_name_of_another_compression_is_refused_with_the_right_line(
    name: str, line: str, mode: str, folder: Path
) -> None:
    with pytest.raises(errors.UsageError) as told:
        airscoop.open(folder / name, mode)
    assert line in str(told.value)
    binary = "rb" if "r" in mode else "wb"
    assert f'airscoop.open("{folder / name}", "{binary}", compression="keep")' in str(told.value)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("suffix", ["svgz", "gzip", "BGZ", "emz"])
def test_every_gzip_name_is_inflated_when_read_and_only_gz_is_packed(
    suffix: str, folder: Path
) -> None:
    file = folder / f"a.{suffix}"
    with pytest.raises(errors.UsageError, match=r'gzip\.open\(file, "wb"\)'):
        airscoop.open(file, "w")
    file.write_bytes(gzip.compress(DATA))
    assert airscoop.open(file, "rb").read() == DATA
    assert airscoop.open(file, newline="").read() == DATA.decode()
    file.write_bytes(DATA)
    with pytest.raises(errors.CorruptData, match="named as gzip data"):
        airscoop.open(file, "rb").read()


@pytest.mark.parametrize("address", ["x%2Ezst", "x.zst;v=1", "d;a=b/x%2ez%73t;v=1?y=z.gz"])
def test_the_name_of_an_address_is_read_without_encoding_and_parameters(address: str) -> None:
    with pytest.raises(errors.UsageError, match=r"zstandard\.open"):
        airscoop.open(f"http://127.0.0.1:9/{address}", "rb")


def shown_line(file: Path, mode: str) -> str:
    with pytest.raises(errors.UsageError) as told:
        airscoop.open(file, mode)
    return str(told.value).partition("data. ")[2]


@pytest.mark.parametrize("suffix", ["deflate", "zlib", "zz"])
def test_the_lines_that_are_shown_run_as_they_are(suffix: str, folder: Path) -> None:
    import zlib

    file = folder / f"a.{suffix}"
    known: dict[str, Any] = {"airscoop": airscoop, "zlib": zlib, "data": DATA}
    exec(shown_line(file, "w"), known)
    assert zlib.decompress(file.read_bytes()) == DATA
    exec(shown_line(file, "r").replace("as file: ", "as file: found = "), known)
    assert known["found"] == DATA


def test_the_lines_that_open_work(folder: Path) -> None:
    import bz2
    import lzma

    for module, name in ((bz2, "a.bz2"), (lzma, "a.xz"), (gzip, "a.svgz")):
        with (
            airscoop.open(folder / name, "wb", compression="keep") as file,
            module.open(file, "wb") as packed,
        ):
            packed.write(DATA)
        with airscoop.open(folder / name, "rb", compression="keep") as stored:
            assert module.open(stored, "rb").read() == DATA


def test_an_archive_is_bytes_and_no_text(folder: Path) -> None:
    with pytest.raises(errors.UsageError, match="zipfile"):
        airscoop.open(folder / "a.zip", "w")


def test_every_bytes_like_object_can_be_written(folder: Path) -> None:
    import array

    numbers = array.array("I", range(100_000))
    with airscoop.open(folder / "out", "wb") as file:
        assert file.write(numbers[:3]) == 12
        assert file.write(numbers) == 400_000
        assert file.write(memoryview(b"abc")) == 3
        assert file.write(bytearray(b"")) == 0
        assert file.tell() == 400_015
        with pytest.raises(TypeError):
            file.write("text")  # type: ignore[arg-type]  # wrong on purpose
        with pytest.raises(TypeError):
            file.write(memoryview(numbers)[::2])
    assert (folder / "out").read_bytes() == bytes(numbers[:3]) + bytes(numbers) + b"abc"


def test_a_buffer_may_be_used_again_after_a_write(folder: Path) -> None:
    with airscoop.open(folder / "out", "wb") as file:
        for size in (100, 2 * BUFFER_BYTES):
            buffer = bytearray(b"a" * size)
            file.write(buffer)
            buffer[:] = b"b" * size
    assert (folder / "out").read_bytes() == b"a" * (100 + 2 * BUFFER_BYTES)


def test_a_writer_is_a_file_that_only_writes(folder: Path) -> None:
    with airscoop.open(folder / "out", "wb") as file:
        assert (file.readable(), file.writable(), file.seekable()) == (False, True, False)
        assert not file.isatty()
        for call in (file.read, file.readline, file.fileno, lambda: file.seek(0), file.truncate):
            with pytest.raises(io.UnsupportedOperation):
                call()


def test_a_destination_that_cannot_be_written_fails_when_it_is_opened(folder: Path) -> None:
    with pytest.raises(errors.NotFound):
        airscoop.open(folder / "missing" / "out", "w")
    with pytest.raises(errors.UsageError, match="is a folder"):
        airscoop.open(folder, "wb")
    with pytest.raises(errors.UsageError, match="a destination is s3://"):
        airscoop.open("http://127.0.0.1:1/a", "wb")


def test_a_text_writer_cannot_seek_either(folder: Path) -> None:
    with airscoop.open(folder / "out", "w") as file:
        file.write("ab")
        assert (file.tell(), file.seekable()) == (2, False)
        with pytest.raises(io.UnsupportedOperation):
            file.seek(0)
        with pytest.raises(io.UnsupportedOperation):
            file.read()
    assert (folder / "out").read_text() == "ab"


def test_a_text_file_gives_away_its_binary_one(folder: Path) -> None:
    file = airscoop.open(folder / "out", "w")
    file.write("a")
    writer = file.detach()
    with pytest.raises(ValueError, match="detached"):
        file.detach()
    del file
    gc.collect()
    writer.write(b"b")
    writer.close()
    assert (folder / "out").read_bytes() == b"ab"


# --- what commits nothing ---


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


# --- wrong usage ---


@pytest.mark.parametrize(
    ("mode", "advice"),
    [
        ("a", "cannot be appended to"),
        ("ab", "cannot be appended to"),
        ("r+", "once for reading and once for writing"),
        ("x", 'use "w" with overwrite=False'),
        ("rU", "newline=None"),
        ("", '"r", "rb", "w" and "wb"'),
        ("rw", '"r", "rb", "w" and "wb"'),
        ("rbt", '"r", "rb", "w" and "wb"'),
        ("rr", '"r", "rb", "w" and "wb"'),
        ("t", '"r", "rb", "w" and "wb"'),
        (3, '"r", "rb", "w" and "wb"'),
    ],
)
def test_a_mode_that_is_not_known_is_told_what_to_do(mode: Any, advice: str) -> None:
    with pytest.raises(errors.UsageError, match=advice):
        airscoop.open("nothing", mode)


@pytest.mark.parametrize(
    ("mode", "options", "advice"),
    [
        ("r", {"transport_params": {}}, "use s3=airscoop.S3Settings"),
        ("r", {"buffering": 1}, "always buffers"),
        ("w", {"compression_kwargs": {}}, "use compression_level="),
        ("w", {"destination_s3": None}, "use s3="),
        ("r", {"compression_level": 3}, "it is for writing"),
        ("w", {"allow_unknown_length": True}, "it is for reading"),
        ("w", {"colour": "red"}, "there are s3, ca_file, compression_level, memory_limit"),
        ("r", {"s3": {"region": "x"}}, "S3Settings"),
        ("r", {"compression": "gzip"}, "by its content"),
        ("r", {"compression": "disable"}, 'use "keep"'),
        ("w", {"compression": "infer_from_extension"}, 'use "auto"'),
        ("w", {"compression": ".gz"}, 'use "gzip"'),
        ("w", {"compression": "zstd"}, 'use "auto" or "keep" or "gzip" or "none"'),
        ("w", {"compression_level": 11}, "1 to 9"),
        ("rb", {"encoding": "utf-8"}, "for text"),
        ("wb", {"newline": ""}, "for text"),
        ("w", {"encoding": "utf-99"}, "unknown encoding: utf-99"),
        ("r", {"newline": "x"}, "illegal newline"),
    ],
)
def test_an_option_that_is_not_known_is_told_what_to_do(
    mode: str, options: dict[str, Any], advice: str, folder: Path
) -> None:
    with pytest.raises(errors.UsageError, match=advice):
        airscoop.open(folder / "out", mode, **options)
    assert_empty(folder)


@pytest.mark.parametrize(
    ("place", "advice"),
    [("-", "sys.stdin.buffer"), (1.5, "not float"), (b"x", "not bytes"), ("gs://b/k", "gs://")],
)
def test_a_place_that_is_not_known_is_told_what_to_do(place: Any, advice: str) -> None:
    for mode in ("r", "wb"):
        with pytest.raises(errors.UsageError, match=advice):
            airscoop.open(place, mode)
