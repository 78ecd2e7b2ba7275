"""airscoop.open on local files: reading, writing, wrong usage."""

from __future__ import annotations

import gc
import gzip
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors
from airscoop.transfer.options import Compression
from airscoop.transfer.writers import BUFFER_BYTES
from support.open_files import DATA, TEXT, assert_empty

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


def test_a_large_read_for_pyarrow_is_memory_that_outlives_the_file(tmp_path: Path) -> None:
    """pyarrow asks by `read_buffer`, and takes what it gets as it is."""
    data = bytes(range(256)) * 12_000  # 3,072,000 bytes
    (tmp_path / "in").write_bytes(data)
    with airscoop.open(tmp_path / "in", "rb") as file:
        assert file.read(7) == data[:7]  # some of the file lies in its buffer now
        large = file.read_buffer(2_000_000)
        assert (type(large), file.tell()) == (memoryview, 2_000_007)
        assert large == data[7:2_000_007]
        small = file.read_buffer(1000)
        assert small == data[2_000_007:2_001_007]
        rest = file.read_buffer(2**62)  # no more memory than there are bytes
        assert rest == data[2_001_007:]
        assert file.read_buffer(2_000_000) == file.read_buffer(1) == b""
    assert large == data[7:2_000_007]


def test_what_is_inflated_is_read_for_pyarrow_as_it_comes(tmp_path: Path) -> None:
    (tmp_path / "in.gz").write_bytes(gzip.compress(bytes(3_000_000)))
    with airscoop.open(tmp_path / "in.gz", "rb") as file:
        assert file.read_buffer(2_000_000) == bytes(2_000_000)
        assert file.read_buffer(-1) == bytes(1_000_000)


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
        ("r", {"ca_file": "/ca.pem"}, "use s3=airscoop.S3Settings.ca_file="),
        ("r", {"compression_level": 3}, "it is for writing"),
        ("w", {"allow_unknown_length": True}, "it is for reading"),
        ("w", {"colour": "red"}, "there are s3, compression_level, memory_limit"),
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
