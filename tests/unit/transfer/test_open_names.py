"""What the name of an open file says of its compression."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors
from support.open_files import DATA


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
