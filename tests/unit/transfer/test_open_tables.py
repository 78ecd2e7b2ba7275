"""pandas and pyarrow over airscoop.open, on files."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas
import pyarrow
import pytest
from pyarrow import csv, json, parquet

import airscoop

TABLE = pandas.DataFrame({"n": range(3000), "text": [f'é "{n}",\n' for n in range(3000)]})
COLUMNS = pyarrow.Table.from_pandas(TABLE)
PLAIN = pyarrow.table({"n": [1, 2], "text": ["é", "b"]})


def by(engine: str) -> Callable[[Any], pandas.DataFrame]:
    return lambda file: pandas.read_csv(file, engine=engine)


def in_chunks(file: Any) -> pandas.DataFrame:
    return pandas.concat(pandas.read_csv(file, chunksize=700))


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
@pytest.mark.parametrize("mode", ["w", "wb"])
def test_pandas_writes_csv_and_reads_it_by_every_engine(
    name: str, mode: str, tmp_path: Path
) -> None:
    with airscoop.open(tmp_path / name, mode) as file:
        TABLE.to_csv(file, index=False)
    assert pandas.read_csv(tmp_path / name).equals(TABLE)
    for read in (by("c"), by("python"), by("pyarrow"), in_chunks):
        for reading in ("r", "rb"):
            with airscoop.open(tmp_path / name, reading) as file:
                assert read(file).equals(TABLE), (read, reading)


@pytest.mark.parametrize("name", ["t.jsonl", "t.jsonl.gz"])
@pytest.mark.parametrize("kind", ["", "b"])
def test_pandas_writes_and_reads_json_lines(name: str, kind: str, tmp_path: Path) -> None:
    with airscoop.open(tmp_path / name, f"w{kind}") as file:
        TABLE.to_json(file, orient="records", lines=True)
    with airscoop.open(tmp_path / name, f"r{kind}") as file:
        assert pandas.read_json(file, lines=True).equals(TABLE)
    with airscoop.open(tmp_path / name, f"r{kind}") as file:
        parts = list(pandas.read_json(file, lines=True, chunksize=700))
    assert pandas.concat(parts).equals(TABLE)


def test_pyarrow_reads_csv_and_json_lines_as_they_come(tmp_path: Path) -> None:
    with airscoop.open(tmp_path / "t.csv.gz", "wb") as file:
        csv.write_csv(PLAIN, file)
    with airscoop.open(tmp_path / "t.csv.gz", "rb") as source:
        assert csv.read_csv(source) == PLAIN
    with airscoop.open(tmp_path / "t.csv.gz", "rb") as source:
        assert pyarrow.Table.from_batches(csv.open_csv(source)) == PLAIN
    (tmp_path / "t.jsonl").write_text('{"n": 1, "text": "é"}\n{"n": 2, "text": "b"}\n')
    with airscoop.open(tmp_path / "t.jsonl", "rb") as source:
        assert json.read_json(source) == PLAIN


def test_parquet_and_arrow_streams_are_written(tmp_path: Path) -> None:
    with airscoop.open(tmp_path / "a.parquet", "wb") as file:
        parquet.write_table(COLUMNS, file)
    assert parquet.read_table(tmp_path / "a.parquet").equals(COLUMNS)
    with airscoop.open(tmp_path / "b.parquet", "wb") as file:
        TABLE.to_parquet(file)
    assert pandas.read_parquet(tmp_path / "b.parquet").equals(TABLE)
    with (
        airscoop.open(tmp_path / "a.arrows", "wb") as file,
        pyarrow.ipc.new_stream(file, COLUMNS.schema) as stream,
    ):
        stream.write_table(COLUMNS)
    with airscoop.open(tmp_path / "a.arrows", "rb") as source:
        assert pyarrow.ipc.open_stream(source).read_all().equals(COLUMNS)


def test_parquet_is_read(tmp_path: Path) -> None:
    parquet.write_table(COLUMNS, tmp_path / "a.parquet")
    with airscoop.open(tmp_path / "a.parquet", "rb") as file:
        assert parquet.read_table(pyarrow.BufferReader(file.read())).equals(COLUMNS)
    with airscoop.open(tmp_path / "a.parquet", "rb") as file:
        assert parquet.read_table(file).equals(COLUMNS)
    with airscoop.open(tmp_path / "a.parquet", "rb") as file:
        assert pandas.read_parquet(file, columns=["n"]).equals(TABLE[["n"]])


class Stop(Exception):
    """Raised by the tests."""


def test_a_parquet_writer_that_is_left_by_an_exception_commits_nothing(tmp_path: Path) -> None:
    with (
        pytest.raises(Stop),
        airscoop.open(tmp_path / "a.parquet", "wb") as file,
        parquet.ParquetWriter(file, COLUMNS.schema) as writer,
    ):
        writer.write_table(COLUMNS)
        raise Stop
    assert list(tmp_path.iterdir()) == []


def test_a_parquet_writer_that_is_dropped_commits_nothing(tmp_path: Path) -> None:
    writer = parquet.ParquetWriter(airscoop.open(tmp_path / "a.parquet", "wb"), COLUMNS.schema)
    writer.write_table(COLUMNS)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        del writer
    assert list(tmp_path.iterdir()) == []
    assert any("dropped without close" in str(warning.message) for warning in caught)
