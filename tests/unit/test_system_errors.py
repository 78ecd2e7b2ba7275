"""What the system refuses is told by the file that it is about, and nothing secret in its name."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from airscoop.errors import NotFound
from airscoop.system_errors import code_of, told


def refused(call: Callable[[], object]) -> OSError:
    with pytest.raises(OSError) as caught:
        call()
    return caught.value


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    error = refused((tmp_path / "a").read_bytes)
    assert (told(error), code_of(error)) == (
        f"{tmp_path}/a: No such file or directory",
        "NOT_FOUND",
    )


def test_both_files_of_a_renaming(tmp_path: Path) -> None:
    error = refused(lambda: (tmp_path / "a").rename(tmp_path / "b"))
    assert told(error) == f"{tmp_path}/a -> {tmp_path}/b: No such file or directory"


def test_a_name_of_bytes_and_one_with_a_secret(tmp_path: Path) -> None:
    assert told(refused(lambda: os.open(b"/no/\xff\n", 0))).startswith("/no/\\xff?: No such")
    secret = f"https://user:secret@host/{tmp_path.name}"
    assert "secret" not in told(refused(lambda: os.open(secret, 0)))


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.EACCES, "ACCESS_DENIED"),
        (errno.EPERM, "ACCESS_DENIED"),
        (errno.EEXIST, "EXISTS"),
        (errno.ENOSPC, "IO"),
    ],
)
def test_the_code_is_that_of_the_number(number: int, code: str) -> None:
    assert code_of(OSError(number, os.strerror(number))) == code
    assert told(OSError(number, os.strerror(number))) == os.strerror(number)


def test_the_text_of_another_error_is_its_own() -> None:
    assert told(NotFound("the table t is not there")) == "the table t is not there"
