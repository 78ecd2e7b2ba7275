"""What is wrong with a file, an object or an address is also Python's own error about files."""

from __future__ import annotations

import copy
import errno
import os
import pickle
from pathlib import Path

import pytest

import airscoop
from airscoop import errors
from support.other_user import folder_for_all, run_as_other

KINDS = {
    errors.PlaceNotFound: (errors.NotFound, FileNotFoundError),
    errors.PlaceAccessDenied: (errors.AccessDenied, PermissionError),
    errors.PlaceExists: (errors.ConflictError, FileExistsError),
}
FACTS = ("code", "retryable", "committed", "http_status", "os_errno", "sqlstate", "request_id")


def missing(path: Path) -> errors.PlaceNotFound:
    with pytest.raises(FileNotFoundError) as caught:
        airscoop.open(path)
    assert isinstance(caught.value, errors.PlaceNotFound)
    return caught.value


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_both_with_the_code_of_ours(kind: type[errors.AirscoopError]) -> None:
    ours, built_in = KINDS[kind]
    assert issubclass(kind, ours) and issubclass(kind, built_in)
    assert kind.code == ours.code or ours is errors.ConflictError
    assert kind.retryable is ours.retryable
    assert kind.__name__ in errors.__all__
    assert kind.__module__ == "airscoop.errors"


def test_the_attributes_are_those_of_both(tmp_path: Path) -> None:
    error = missing(tmp_path / "no")
    assert (error.errno, error.filename) == (errno.ENOENT, str(tmp_path / "no"))
    assert error.strerror == os.strerror(errno.ENOENT)
    assert (error.code, error.os_errno) == ("NOT_FOUND", errno.ENOENT)
    assert error.args == (str(error),)
    assert str(error) == f"opening {tmp_path}/no: No such file or directory"


@pytest.mark.parametrize(
    "again", [copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))]
)
def test_a_copy_and_a_pickle_keep_everything(again: object, tmp_path: Path) -> None:
    error = missing(tmp_path / "no")
    error.add_note("a note")
    other = again(error)  # type: ignore[operator]
    assert type(other) is type(error)
    names = (*FACTS, "args", "errno", "strerror", "filename", "__notes__")
    assert [getattr(other, name) for name in names] == [getattr(error, name) for name in names]
    assert str(other) == str(error)


def test_one_that_is_made_in_python_says_its_text() -> None:
    error = errors.PlaceExists("x is there already")
    assert str(error) == "x is there already"
    assert (error.errno, error.filename, error.http_status) == (None, None, None)


@pytest.mark.parametrize("mode", ["w", "wb"])
def test_a_folder_that_is_not_there_is_told_when_it_is_opened(mode: str, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        airscoop.open(tmp_path / "no" / "x", mode)
    assert caught.value.filename == str(tmp_path / "no" / "x")


@pytest.mark.parametrize("mode", ["w", "wb"])
def test_a_file_that_is_kept_is_told_when_it_is_opened(mode: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("older")
    with pytest.raises(FileExistsError) as caught:
        airscoop.open(tmp_path / "x", mode, overwrite=False)
    assert (caught.value.errno, caught.value.filename) == (errno.EEXIST, str(tmp_path / "x"))
    assert (tmp_path / "x").read_text() == "older"


OPEN = """
import errno, sys, airscoop
try:
    airscoop.open(sys.argv[1], sys.argv[2])
except PermissionError as error:
    assert isinstance(error, airscoop.errors.AccessDenied)
    assert (error.errno, error.filename) == (errno.EACCES, sys.argv[1])
    print("refused")
"""


@pytest.mark.parametrize("mode", ["r", "w"])
def test_a_file_that_may_not_be_opened_is_told_when_it_is_opened(mode: str) -> None:
    with folder_for_all() as folder:
        (folder / "x").touch(mode=0o444)
        folder.chmod(0o000 if mode == "r" else 0o555)
        done = run_as_other(OPEN, str(folder / "x"), mode)
        folder.chmod(0o755)
    assert (done.stdout, done.stderr) == ("refused\n", "")


def test_every_verb_raises_it(tmp_path: Path) -> None:
    there, gone = tmp_path / "there", tmp_path / "gone"
    there.write_text("{}\n")
    for verb in (
        lambda: airscoop.copy(gone, tmp_path / "to"),
        lambda: airscoop.copy(there, tmp_path / "no" / "to"),
        lambda: airscoop.check(gone),
        lambda: list(airscoop.read(gone, format="raw")),
        lambda: airscoop.delta(str(gone), str(there), key=["id"]),
        lambda: airscoop.Upload(tmp_path / "no" / "to").write(b"x"),
        lambda: airscoop.copy_prefix(f"{gone}/", "s3://bucket/to/"),
    ):
        with pytest.raises(FileNotFoundError) as caught:
            verb()
        assert isinstance(caught.value, errors.NotFound)
        assert str(caught.value.filename).startswith(str(tmp_path))


def test_other_faults_of_files_are_no_error_of_python(tmp_path: Path) -> None:
    (tmp_path / "x").touch()
    with pytest.raises(errors.FileError) as caught:
        airscoop.open(tmp_path / "x" / "below")
    assert not isinstance(caught.value, OSError)
    assert caught.value.os_errno == errno.ENOTDIR


def test_a_split_output_that_is_in_the_way_is_there_already(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"x\n" * 4_000_000)
    (tmp_path / "out-00001").write_text("someone's")
    with pytest.raises(FileExistsError) as caught:
        airscoop.copy(tmp_path / "in", tmp_path / "out", split_bytes=5 * 2**20)
    assert isinstance(caught.value, errors.PlaceExists)
    assert caught.value.filename == str(tmp_path / "out-00001")
