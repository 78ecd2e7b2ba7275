"""Local names are bytes: one that is not UTF-8 is copied in every locale, and printed escaped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop.errors import NotFound, PrefixIncomplete, UsageError

LOCALES = [
    {"LC_ALL": "C.UTF-8"},
    {"LC_ALL": "C"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
    {"LC_ALL": "C.UTF-8", "PYTHONIOENCODING": "latin-1:strict"},
    {"LC_ALL": "POSIX", "PYTHONUTF8": "1"},
]
NAME = b"x\xff\xc3\xa9.txt"


def command(
    folder: Path, locale: dict[str, str], *arguments: str | bytes
) -> subprocess.CompletedProcess[bytes]:
    environment = {name: text for name, text in os.environ.items() if not name.startswith("LC_")}
    line = [sys.executable, "-m", "airscoop.cli", *arguments]
    return subprocess.run(line, cwd=folder, env=environment | locale, capture_output=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / os.fsdecode(NAME)).write_bytes(b"data")
    (tmp_path / "to").mkdir()
    return tmp_path


@pytest.mark.parametrize("locale", LOCALES, ids=str)
def test_a_name_that_is_not_utf8_is_copied_in_every_locale(
    folder: Path, locale: dict[str, str]
) -> None:
    done = command(folder, locale, "copy", NAME, b"to/y\xfe")
    assert done.returncode == 0, done.stderr
    assert rb"x\xff" in done.stdout
    done = command(folder, locale, "copy", "--json", NAME, "to/")
    assert json.loads(done.stdout)["destination"] == "to/x\\xffé.txt", done
    done = command(folder, locale, "copy", b"to/y\xfe", NAME, "to/")
    assert done.returncode == 0 and rb"y\xfe and 1 more" in done.stdout
    assert command(folder, locale, "check", "--format=raw", NAME).returncode == 0
    assert command(folder, locale, "cat", NAME).stdout == b"data"
    assert sorted(os.listdir(os.fsencode(folder / "to"))) == [NAME, b"y\xfe"]  # noqa: PTH208


@pytest.mark.parametrize("locale", LOCALES, ids=str)
def test_what_is_not_there_is_named_escaped(folder: Path, locale: dict[str, str]) -> None:
    done = command(folder, locale, "copy", "--json", b"gone\xff", "to/")
    assert done.returncode == 1
    assert rb"gone\xff" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("locale", LOCALES, ids=str)
def test_a_key_that_cannot_be_utf8_is_wrong_usage(folder: Path, locale: dict[str, str]) -> None:
    for destination in (b"s3://bucket/p/", b"s3://bucket/p/" + NAME):
        done = command(folder, locale, "copy", NAME, destination)
        assert done.returncode == 2, done.stderr
        assert rb"\xff" in done.stderr and b"UTF-8" in done.stderr
    done = command(folder, locale, "cat", b"https://127.0.0.1:9/\xff")
    assert done.returncode in (1, 2) and b"Traceback" not in done.stderr


def test_python_reads_writes_and_opens_such_names(folder: Path) -> None:
    source = os.fsdecode(os.fsencode(folder) + b"/" + NAME)
    receipt = airscoop.copy(source, f"{folder}/to/")
    assert receipt.source.endswith("x\\xffé.txt")
    json.dumps(receipt.to_dict()).encode("ascii")
    receipt.summary().encode()
    assert b"".join(airscoop.read(source, format="raw")) == b"data"
    with airscoop.open(source, "rb") as file:
        assert file.read() == b"data"
    target = os.fsdecode(os.fsencode(folder) + b"/\xfd")
    with airscoop.open(target, "wb") as file:
        file.write(b"other")
    assert Path(target).read_bytes() == b"other"
    with airscoop.Upload(target) as upload:
        upload.write(b"more")
    assert Path(target).read_bytes() == b"more"
    with pytest.raises(NotFound, match=r"\\xff"):
        airscoop.copy(target + "\udcff", f"{folder}/to/")
    with pytest.raises(UsageError, match="UTF-8"):
        airscoop.copy(source, "s3://bucket/")
    with pytest.raises(UsageError, match="UTF-8"):
        airscoop.copy("\ud800", folder / "to/x")


def test_rejects_lie_beside_such_names(folder: Path) -> None:
    source = folder / os.fsdecode(b"\xff.jsonl")
    source.write_bytes(b'{"a": 1}\n{bad\n')
    receipt = airscoop.copy(
        source, folder / os.fsdecode(b"to/\xfe.jsonl"), format="jsonl", max_rejected=1
    )
    assert receipt.records_rejected == 1
    assert os.fsdecode(b"\xfe.jsonl.jsonl") in os.listdir(folder / "to/_rejects")  # noqa: PTH208
    json.dumps(receipt.to_dict()).encode("ascii")


@pytest.mark.parametrize(
    "options",
    [
        {"headers": {"X": "a\udcff"}},
        {"headers": {"X\udcff": "a"}},
        {"auth": ("u", "\udcff")},
        {"body": "\udcff"},
    ],
    ids=repr,
)
def test_an_option_that_is_not_utf8_is_wrong_usage(options: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="UTF-8"):
        airscoop.copy("http://127.0.0.1:9/x", tmp_path / "x", **options)


def test_a_header_of_an_object_that_is_not_utf8_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="UTF-8"):
        airscoop.ObjectOptions(content_type="\udcff")


def test_a_name_below_a_folder_that_is_no_key_fails_as_one_given_alone(folder: Path) -> None:
    nobody = airscoop.S3Settings(endpoint_url="http://127.0.0.1:9", region="x", anonymous=True)
    with pytest.raises(PrefixIncomplete) as caught:
        airscoop.copy_prefix(f"{folder}/", "s3://b/x/", destination_s3=nobody)
    (failure,) = caught.value.receipt.failures
    assert (failure.error, failure.retryable) == ("USAGE", False)
    assert failure.message.startswith(r"s3://b/x/x\xffé.txt is not UTF-8")
