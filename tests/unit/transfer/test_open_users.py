"""What takes a file object, over airscoop.open: csv, json, pickle, archives, tables."""

from __future__ import annotations

import csv
import gzip
import io
import json
import pickle
import shutil
import threading
from pathlib import Path

import pytest

import airscoop
from airscoop import errors

TEXT = "".join(f"{n},line é {n * 7919}\n" for n in range(60_000))
DATA = TEXT.encode()


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


def test_csv_writes_and_reads(folder: Path) -> None:
    table = [["id", "text"], ["1", 'quoted "é"\nline'], ["2", ""]]
    with airscoop.open(folder / "t.csv.gz", "w", newline="") as file:
        csv.writer(file).writerows(table)
    with airscoop.open(folder / "t.csv.gz", newline="") as file:
        assert list(csv.reader(file)) == table


def test_json_writes_and_reads(folder: Path) -> None:
    with airscoop.open(folder / "a.json", "w") as file:
        json.dump({"a": ["é", 1]}, file, ensure_ascii=False)
    for mode in ("r", "rb"):
        with airscoop.open(folder / "a.json", mode) as source:
            assert json.load(source) == {"a": ["é", 1]}


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_writes_and_reads(protocol: int, folder: Path) -> None:
    value = {"bytes": DATA, "text": TEXT, "list": list(range(1000))}
    with airscoop.open(folder / "a.pickle.gz", "wb") as file:
        pickle.dump(value, file, protocol)
    with airscoop.open(folder / "a.pickle.gz", "rb") as source:
        assert pickle.load(source) == value


def test_pickle_reads_buffers_out_of_band(folder: Path) -> None:
    big = bytearray(DATA)
    with airscoop.open(folder / "a", "wb") as file:
        pickle.dump([big, big[:10]], file, 5)
    with airscoop.open(folder / "a", "rb") as source:
        assert pickle.load(source) == [big, big[:10]]


def test_copyfileobj_copies(source: Path, folder: Path) -> None:
    with airscoop.open(source, "rb") as reader, airscoop.open(folder / "out", "wb") as writer:
        shutil.copyfileobj(reader, writer)
    assert (folder / "out").read_bytes() == DATA
    with airscoop.open(source) as text, airscoop.open(folder / "out.gz", "w") as text_writer:
        shutil.copyfileobj(text, text_writer)
    assert gzip.decompress((folder / "out.gz").read_bytes()) == DATA


def test_archives_are_written_as_to_a_stream(folder: Path) -> None:
    import tarfile
    import zipfile

    with airscoop.open(folder / "a.zip", "wb") as file, zipfile.ZipFile(file, "w") as archive:
        archive.writestr("name", DATA)
    assert zipfile.ZipFile(folder / "a.zip").read("name") == DATA
    member = tarfile.TarInfo("name")
    member.size = len(DATA)
    with (
        airscoop.open(folder / "a.tgz", "wb", compression="keep") as file,
        tarfile.open(fileobj=file, mode="w|gz") as tar,
    ):
        tar.addfile(member, io.BytesIO(DATA))
    with (
        airscoop.open(folder / "a.tgz", "rb", compression="keep") as source,
        tarfile.open(fileobj=source, mode="r|gz") as read,
    ):
        assert [item.name for item in read] == ["name"]


def test_a_table_writer_that_wraps_and_detaches_as_pandas_does(folder: Path) -> None:
    with airscoop.open(folder / "a.csv.gz", "wb") as file:
        assert isinstance(file, io.BufferedIOBase)
        wrapper = io.TextIOWrapper(file, encoding="utf-8", newline="")
        wrapper.write(TEXT)
        wrapper.flush()
        wrapper.detach()
    assert gzip.decompress((folder / "a.csv.gz").read_bytes()) == DATA


def test_a_column_file_writer_that_asks_where_it_is_as_pyarrow_does(folder: Path) -> None:
    with airscoop.open(folder / "a.parquet", "wb") as file:
        assert not file.closed
        offsets = []
        for block in (b"PAR1", memoryview(DATA), b"PAR1"):
            offsets.append(file.tell())
            assert file.write(block) == len(block)
        file.flush()
    assert offsets == [0, 4, 4 + len(DATA)]
    assert file.closed


def test_an_archive_reader_is_told_why_it_cannot_seek_and_no_lie(folder: Path) -> None:
    import tarfile
    import zipfile

    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("name", DATA)
    packed = folder / "packed"
    packed.write_bytes(gzip.compress((folder / "a.zip").read_bytes()))
    with airscoop.open(packed, "rb") as file, pytest.raises(errors.UsageError, match="inflated"):
        zipfile.ZipFile(file)
    with (
        airscoop.open(packed, "rb") as file,
        pytest.raises(errors.UsageError, match="inflated"),
        tarfile.open(fileobj=file),
    ):
        pass


def test_another_thread_can_read_what_one_has_opened(source: Path) -> None:
    got: list[bytes] = []
    with airscoop.open(source, "rb") as file:
        thread = threading.Thread(target=lambda: got.append(file.read()))
        thread.start()
        thread.join()
    assert got == [DATA]
