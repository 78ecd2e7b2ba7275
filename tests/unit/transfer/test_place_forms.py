"""A place may be a text, a path, one in the home folder, and to open an open descriptor."""

from __future__ import annotations

import errno
import gzip
import io
import os
import random
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors
from airscoop.cli import main
from airscoop.resume import FileResumeStore
from airscoop.transfer import places

TEXT = "".join(f"é{n}\n" for n in range(100_000))
DATA = TEXT.encode()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "in").write_bytes(b'{"id": 1}\n')
    return tmp_path / "home"


@pytest.mark.parametrize("kind", [str, Path])
def test_the_home_folder_is_meant_by_a_tilde(kind: type, home: Path) -> None:
    def place(name: str) -> Any:
        return kind(f"~/{name}")

    airscoop.copy(place("in"), place("a"))
    assert airscoop.check(place("a")).records_in == 1
    assert b"".join(airscoop.read(place("a"), format="raw")) == b'{"id": 1}\n'
    with airscoop.open(place("a")) as file, airscoop.open(place("b"), "w") as other:
        other.write(file.read())
    assert file.name == str(home / "a")
    with airscoop.Upload(place("c")) as upload:
        upload.write(b"id\n")
    (home / "b").write_text("id\n1\n")
    delta = airscoop.delta(place("c"), place("b"), key=["id"], temp_dir=place(""))
    assert delta.receipt.inserted == 1
    delta.write(place("d"))
    assert FileResumeStore(place("e")).path == home / "e"
    assert sorted(path.name for path in home.iterdir()) == ["a", "b", "c", "d", "in"]


@pytest.mark.parametrize("kind", [str, Path])
def test_rejects_may_lie_there_too(kind: type, home: Path) -> None:
    (home / "in").write_bytes(b"{}\nbad\n")
    receipt = airscoop.copy(
        home / "in", home / "to", format="jsonl", max_rejected=1, rejects=kind("~/bad")
    )
    assert receipt.rejects == str(home / "bad")
    assert (home / "bad").exists()


def test_the_command_takes_it_where_the_shell_does_not(home: Path) -> None:
    assert main(["copy", "~/in", "~/to", "--quiet"]) == 0
    assert (home / "to").read_bytes() == b'{"id": 1}\n'


def test_what_is_no_home_folder_stays_a_name(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a~", "./~", "no/~/x", "~nobody-of-this-name/x", "s3://b/~/k", "http://h/~k"):
        assert places.normalized(name) == name


class Somewhere:
    """A place of another library's."""

    def __init__(self, path: Any) -> None:
        self._path = path

    def __fspath__(self) -> Any:
        return self._path


@pytest.mark.parametrize("as_bytes", [False, True])
def test_any_path_like_object_is_a_place(as_bytes: bool, tmp_path: Path) -> None:
    path = str(tmp_path / "é")
    place = Somewhere(path.encode() if as_bytes else path)
    with airscoop.open(place, "w") as file:
        file.write("x")
    assert airscoop.copy(place, tmp_path / "b").source == path


@pytest.mark.parametrize("place", [None, 1.5, ["a"], True, object()])
def test_what_is_none_is_wrong_usage(place: Any, tmp_path: Path) -> None:
    for verb in (
        lambda: airscoop.copy(place, tmp_path / "to"),
        lambda: airscoop.copy(tmp_path / "in", place),
        lambda: airscoop.open(place),
        lambda: airscoop.open(place, "w"),
        lambda: airscoop.Upload(place),
    ):
        with pytest.raises(errors.UsageError, match=type(place).__name__):
            verb()


# --- descriptors ---


def test_a_descriptor_is_read_from_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"before\n" + DATA)
    fd = os.open(tmp_path / "in", os.O_RDONLY)
    os.lseek(fd, 7, os.SEEK_SET)
    with airscoop.open(fd, encoding="utf-8") as file:
        assert file.name == fd
        assert file.read() == TEXT
    with pytest.raises(OSError) as caught:
        os.fstat(fd)
    assert caught.value.errno == errno.EBADF


@pytest.mark.parametrize("standing", [0, 7, 600_000, 1_000_000, 1_000_005])
def test_a_descriptor_of_a_file_is_sought_in_as_by_the_built_in_open(
    standing: int, tmp_path: Path
) -> None:
    content = random.Random(standing).randbytes(1_000_000)
    (tmp_path / "in").write_bytes(content)
    steps = [(0, 1), (5, 0), (-100, 2), (300_000, 0), (-10, 1), (0, 2), (1_000_003, 0), (0, 0)]
    seen = []
    for opener in (io.open, airscoop.open):
        fd = os.open(tmp_path / "in", os.O_RDONLY)
        os.lseek(fd, standing, os.SEEK_SET)
        with opener(fd, "rb") as file:
            if standing > len(content):
                assert file.read() == b""
                continue
            assert file.seekable()
            seen.append([file.tell(), file.read(4), file.tell()])
            for offset, whence in steps:
                seen[-1] += [file.seek(offset, whence), file.read(20), file.tell()]
            seen[-1] += [file.seek(2), file.read()]
    assert seen[1:] == seen[:1]


def test_a_descriptor_is_read_by_who_seeks(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "in", "w") as archive:
        archive.writestr("name", DATA)
    (tmp_path / "other").write_bytes(b"other")
    fd = os.open(tmp_path / "in", os.O_RDONLY)
    with airscoop.open(fd, "rb", closefd=False) as file, zipfile.ZipFile(file) as archive:
        assert file.size == os.fstat(fd).st_size
        other = os.open(tmp_path / "other", os.O_RDONLY)
        os.dup2(other, fd)  # what it was stays what is read
        os.close(other)
        assert archive.read("name") == DATA
    os.close(fd)


def test_a_descriptor_whose_file_changes_between_two_reads_is_told(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(bytes(2_000_000))
    fd = os.open(tmp_path / "in", os.O_RDWR)
    with airscoop.open(fd, "rb") as file:
        file.seek(1_500_000)
        assert file.read(1) == b"\0"
        os.truncate(fd, 1_999_999)
        file.seek(1_000_000)
        with pytest.raises(errors.SourceChanged, match=f"descriptor {fd} changed"):
            file.read(1)


def test_what_cannot_be_sought_in_says_why(tmp_path: Path) -> None:
    (tmp_path / "in.gz").write_bytes(gzip.compress(b"some"))
    packed = os.open(tmp_path / "in.gz", os.O_RDONLY)
    pipe, end = os.pipe()
    os.write(end, b"some")
    os.close(end)
    for fd, why in ((packed, "since it is inflated"), (pipe, "since its length is not known")):
        with airscoop.open(fd, "rb") as file:
            assert (file.seekable(), file.tell()) == (False, 0)
            with pytest.raises(errors.UsageError, match=f"{fd} is read in one direction, {why}"):
                file.seek(0)
            assert file.read() == b"some"


def test_a_descriptor_of_a_folder_is_named(tmp_path: Path) -> None:
    fd = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(errors.UsageError, match=f"^descriptor {fd} is one of a folder"):
        airscoop.open(fd, "rb")
    os.close(fd)


def test_what_it_holds_is_inflated(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(gzip.compress(DATA))
    for compression, expected in (("auto", DATA), ("keep", (tmp_path / "in").read_bytes())):
        fd = os.open(tmp_path / "in", os.O_RDONLY)
        options: dict[str, Any] = {"compression": compression}
        with airscoop.open(fd, "rb", **options) as file:
            assert file.read() == expected


def test_a_pipe_is_read_and_written() -> None:
    source, target = os.pipe()
    got: list[bytes] = []

    def read() -> None:
        with airscoop.open(source, "rb") as file:
            got.append(file.read())

    thread = threading.Thread(target=read)
    thread.start()
    with airscoop.open(target, "wb") as file:
        file.write(DATA)
    assert file.receipt is not None
    thread.join()
    assert got == [DATA]


@pytest.mark.parametrize("mode", ["w", "wb"])
@pytest.mark.parametrize("closefd", [True, False])
def test_a_descriptor_is_written_from_where_it_stands(
    mode: str, closefd: bool, tmp_path: Path
) -> None:
    fd = os.open(tmp_path / "out", os.O_RDWR | os.O_CREAT)
    os.write(fd, b"head\n")
    with airscoop.open(fd, mode, closefd=closefd) as file:
        assert file.name == fd
        file.write(TEXT if mode == "w" else DATA)
    assert (tmp_path / "out").read_bytes() == b"head\n" + DATA
    if closefd:
        with pytest.raises(OSError):
            os.fstat(fd)
    else:
        os.close(fd)


def test_one_that_is_kept_goes_on_where_the_file_ended(tmp_path: Path) -> None:
    fd = os.open(tmp_path / "out", os.O_RDWR | os.O_CREAT)
    for _ in range(2):
        with airscoop.open(fd, "w", compression="gzip", closefd=False) as file:
            file.write("x\n")
    os.close(fd)
    assert gzip.decompress((tmp_path / "out").read_bytes()) == b"x\nx\n"


@pytest.mark.parametrize("end", ["abort", "drop", "error"])
def test_a_descriptor_is_closed_however_its_file_ends(end: str, tmp_path: Path) -> None:
    fd = os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT)
    file = airscoop.open(fd, "w")
    if end == "abort":
        file.abort()
    elif end == "drop":
        with pytest.warns(RuntimeWarning, match=f"{fd}: dropped without close.*its end"):
            del file
    else:
        with pytest.raises(ZeroDivisionError), file:
            raise ZeroDivisionError
    with pytest.raises(OSError):
        os.fstat(fd)


def test_a_file_that_is_dropped_closes_what_it_reads(tmp_path: Path) -> None:
    (tmp_path / "in").touch()
    fd = os.open(tmp_path / "in", os.O_RDONLY)
    file = airscoop.open(fd, "rb")
    del file
    with pytest.raises(OSError):
        os.fstat(fd)


def test_what_is_refused_leaves_the_descriptor_open(tmp_path: Path) -> None:
    fd = os.open(tmp_path / "out", os.O_RDWR | os.O_CREAT)
    for options in ({"overwrite": False}, {"split_bytes": 5 * 2**20}):
        with pytest.raises(errors.UsageError):
            airscoop.open(fd, "w", **options)
    with pytest.raises(errors.UsageError, match="version_id"):
        airscoop.open(fd, version_id="1")
    os.close(fd)


def test_a_descriptor_that_is_not_open_is_an_error_as_of_the_built_in_open() -> None:
    fd = os.open(os.devnull, os.O_RDONLY)
    os.close(fd)
    for opener in (io.open, airscoop.open):
        with pytest.raises(OSError) as caught:
            opener(fd, "rb")
        assert caught.value.errno == errno.EBADF
    assert str(caught.value) == f"[Errno 9] Bad file descriptor: 'descriptor {fd}'"


def test_a_name_is_always_closed(tmp_path: Path) -> None:
    with pytest.raises(errors.UsageError, match="closefd"):
        airscoop.open(tmp_path / "x", "w", closefd=False)
