"""Format csv: a text in any dialect becomes plain CSV, or it is told what is wrong with it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors
from airscoop.cli import main

TEXT = 'Report\r\nPK;name\r\n1;É\r\n2;"a;b"\r\n'
FLAGS = ["--csv-delimiter", ";", "--csv-skip-rows", "1", "--csv-encoding", "latin-1"]
DIALECT = airscoop.CsvDialect(delimiter=";", skip_rows=1, encoding="latin-1")
PLAIN = "PK,name\n1,É\n2,a;b\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.csv"
    path.write_bytes(TEXT.encode("latin-1"))
    return path


def test_a_copy_arrives_as_plain_csv(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.csv.gz"
    receipt = airscoop.copy(source, target, format="csv", csv=DIALECT)
    assert gzip.decompress(target.read_bytes()).decode() == PLAIN
    assert (receipt.records_in, receipt.records_out, receipt.records_changed) == (2, 2, 2)
    assert b"".join(airscoop.read(source, format="csv", csv=DIALECT)).decode() == PLAIN


def test_bad_records_go_to_the_reject_file(tmp_path: Path) -> None:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("k,v\n1\n2,b\n", encoding="utf-8")
    with pytest.raises(
        errors.BadRecord, match=r"in\.csv: line 2.*the row has 1 values, the header"
    ):
        airscoop.copy(source, target, format="csv")
    assert not target.exists()
    receipt = airscoop.copy(source, target, format="csv", max_rejected=1)
    assert (receipt.records_in, receipt.records_rejected) == (2, 1)
    assert target.read_text() == "k,v\n2,b\n"


def test_check_knows_csv_by_its_name_and_says_what_is_wrong(
    source: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "-q", str(source), *FLAGS]) == 0
    assert main(["check", "-q", str(source), *FLAGS[:-2]]) != 0
    assert "line 3 (byte 17): the text is not UTF-8; perhaps its" in capsys.readouterr().err
    assert main(["check", "-q", str(source), "--csv-skip-rows", "1"]) != 0
    assert "in.csv: line 2 (byte 8): the header is one column, PK;name: is the delimiter ';'?" in (
        capsys.readouterr().err
    )
    assert airscoop.check(source, csv=DIALECT).records_in == 2
    source.write_text("k,v\n1\n", encoding="utf-8")
    with pytest.raises(errors.BadRecord, match="the row has 1 values, the header names 2"):
        airscoop.check(source)


def test_head_and_cat_show_what_the_flags_make_of_it(
    source: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["head", "-q", "-n", "2", str(source), *FLAGS]) == 0
    assert capfdbinary.readouterr().out.decode() == "PK,name\n1,É\n"
    assert main(["cat", "-q", str(source), *FLAGS]) == 0
    assert capfdbinary.readouterr().out.decode() == PLAIN
    assert main(["cat", "-q", str(source)]) == 0
    assert capfdbinary.readouterr().out == TEXT.encode("latin-1")


def test_a_tab_and_columns_are_written_as_shells_can(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    source = tmp_path / "in.tsv"
    source.write_text("1\ta\n", encoding="utf-8")
    flags = ["--csv-delimiter", "\\t", "--csv-no-header", "--columns", 'k,"v,w"']
    assert main(["cat", "-q", str(source), *flags]) == 0
    assert capfdbinary.readouterr().out == b'"k","v,w"\n1,a\n'


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"csv": {"delimeter": ";"}}, "there is no 'delimeter': its fields are delimiter, quote"),
        ({"csv": ";"}, "csv has to be an airscoop.CsvDialect or its fields, not str"),
        ({"csv": {"delimiter": 1}}, "csv: delimiter has to be a text, not 1"),
        ({"csv": {"delimiter": "::"}}, 'the delimiter "::" is not one character'),
        ({"csv": {"header": "no"}}, "header has to be True or False, not 'no'"),
        (
            {"csv": {"skip_rows": -1}},
            "csv: skip_rows has to be a whole number .*, not -1",
        ),
        (
            {"csv": {"skip_rows": True}},
            "csv: skip_rows has to be a whole number .*, not True",
        ),
        ({"csv": {"null_values": "NULL"}}, "null_values has to be a list of texts, not 'NULL'"),
        ({"csv": {"null_values": [None]}}, "null_values is None; give a text"),
        ({"csv": {"encoding": "klingon"}}, 'there is no encoding "klingon" here'),
        ({"columns": ["k"]}, r"columns names the columns of CSV without a header: csv=CsvDialect"),
        ({"csv": {"header": False}, "columns": [None]}, r"columns\[0\] is None; give a text"),
        ({"csv": {"header": False}, "columns": []}, "columns names no column"),
    ],
)
def test_what_cannot_be_meant_is_refused(source: Path, given: dict[str, Any], message: str) -> None:
    with pytest.raises(errors.UsageError, match=message):
        airscoop.check(source, format="csv", **given)


def test_csv_is_not_cut_into_files_which_would_lack_the_header(
    source: Path, tmp_path: Path
) -> None:
    with pytest.raises(errors.UsageError, match="csv and split_bytes do not go together"):
        airscoop.copy(source, tmp_path / "out.csv", format="csv", csv=DIALECT, split_bytes=9)


@pytest.mark.parametrize("format", ["raw", "jsonl"])
def test_a_dialect_is_of_no_other_format(format: Any, source: Path, tmp_path: Path) -> None:
    with pytest.raises(errors.UsageError, match='format="csv"'):
        airscoop.copy(source, tmp_path / "out", csv=DIALECT, format=format)


def test_places_in_another_encoding_have_a_line_and_no_byte(tmp_path: Path) -> None:
    """What a byte is in UTF-8 says nothing of the source."""
    source, rejects = tmp_path / "in.csv", tmp_path / "bad.jsonl"
    source.write_bytes("k,v\n1,É\n2\n".encode("latin-1"))
    dialect = airscoop.CsvDialect(encoding="latin-1")
    with pytest.raises(errors.BadRecord, match=r"in\.csv: line 3: the row has 1 values"):
        airscoop.check(source, csv=dialect)
    target = tmp_path / "out.csv"
    airscoop.copy(source, target, format="csv", csv=dialect, max_rejected=1, rejects=rejects)
    (line,) = rejects.read_text().splitlines()
    assert (json.loads(line)["line"], json.loads(line)["byte_offset"]) == (3, None)


def test_a_header_in_a_message_is_cut_between_characters(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("a\t" + "é" * 90 + "\n", encoding="utf-8")
    with pytest.raises(errors.BadRecord) as raised:
        airscoop.check(source)
    assert "one column, a\\t" in str(raised.value)
    assert "…: is the delimiter a tab?" in str(raised.value)


@pytest.mark.parametrize("blank", ["\n", "\r\n", "\n\n"])
def test_blank_lines_are_no_rows_of_one_column_either(tmp_path: Path, blank: str) -> None:
    source, copied = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text(f'a{blank}1{blank}""\n{blank}2{blank}{blank}', newline="")
    receipt = airscoop.copy(source, copied, format="csv")
    assert (copied.read_text(), receipt.records_in) == ('a\n1\n""\n2\n', 3)


@pytest.mark.parametrize("dialect", [{}, {"delimiter": ";"}, {"header": False}])
def test_a_null_that_is_all_of_a_row_is_no_empty_string(
    tmp_path: Path, dialect: dict[str, Any]
) -> None:
    source, copied = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text("a\n1\nNULL\n2\n")
    csv = airscoop.CsvDialect(null_values=["NULL"], **dialect)
    columns = None if dialect.get("header", True) else ["a"]
    with pytest.raises(errors.BadRecord, match=r"line 3 \(byte 4\): NULL is its only value"):
        airscoop.copy(source, copied, format="csv", csv=csv, columns=columns)
    receipt = airscoop.copy(source, copied, format="csv", csv=csv, columns=columns, max_rejected=1)
    assert receipt.records_rejected == 1
    source.write_text('a\n1\n"NULL"\n')
    airscoop.copy(source, copied, format="csv", csv=csv, columns=columns)
    assert copied.read_text().endswith("\n1\nNULL\n")


def test_a_null_beside_another_value_is_nothing_at_all(tmp_path: Path) -> None:
    source, copied = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text('a,b\nNULL,NULL\n"",NULL\n')
    airscoop.copy(source, copied, format="csv", csv=airscoop.CsvDialect(null_values=["NULL"]))
    assert copied.read_text() == 'a,b\n,\n"",\n'
