"""Exports of CSV as people have it."""

from __future__ import annotations

from pathlib import Path

import pytest

import airscoop
from airscoop import CsvDialect, errors
from airscoop.cli import main
from support.deltas import NEW, OLD, Exports, write

CHANGES = ["DELETE 2", "INSERT 4", "UPDATE 3"]


@pytest.fixture
def exports(tmp_path: Path) -> Exports:
    return Exports(tmp_path)


@pytest.mark.parametrize("delimiter", [";", "\t", "|", "¦", "\x01"])
def test_the_delimiter_is_any_character(exports: Exports, delimiter: str) -> None:
    old, new = (text.replace(",", delimiter) for text in (OLD, NEW))
    assert exports.ops(old, new, csv=CsvDialect(delimiter=delimiter)) == CHANGES
    assert exports.ops(old, new, suffix=".tsv.gz", csv={"delimiter": delimiter}) == CHANGES


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-16-le", "utf-8-sig"])
def test_the_encoding_is_named(exports: Exports, encoding: str) -> None:
    text = "PK,name\n1,Éva\n"
    (change,) = exports.delta(None, text.encode(encoding), csv=CsvDialect(encoding=encoding))
    assert change["row"] == {"PK": "1", "name": "Éva"}


def test_a_dialect_gives_the_ids_of_plain_csv(exports: Exports) -> None:
    plain = [c["id"] for c in exports.delta(None, 'PK,v\n1,\n2,""\n3,"a;b"\n')]
    other = exports.delta(
        None,
        "PK;v\n1;NULL\n2;\n3;a\\;b\n",
        csv=CsvDialect(delimiter=";", escape="\\", null_values=["NULL"]),
    )
    assert [c["id"] for c in other] == plain


def test_without_a_header_columns_name_them(exports: Exports) -> None:
    def headless(text: str) -> str:
        return text.partition("\n")[2]

    dialect = CsvDialect(header=False)
    columns = ["PK", "name", "city"]
    assert exports.ops(headless(OLD), headless(NEW), csv=dialect, columns=columns) == CHANGES
    with pytest.raises(errors.UsageError, match="needs the names of its columns: columns"):
        exports.delta(None, "1,a\n", csv=dialect)
    with pytest.raises(errors.BadRecord, match=r"line 1.*has 2 values, the header names 3"):
        exports.delta(None, "1,a\n", csv=dialect, columns=columns)


def test_lines_are_those_of_the_file(exports: Exports) -> None:
    text = "Report\n# by x\n\nPK;v\n1;a\n# no row\n;b\n"
    dialect = CsvDialect(delimiter=";", skip_rows=1, comment="#")
    with pytest.raises(errors.BadRecord, match=r'new\.csv: line 7: the key column "PK" is empty'):
        exports.delta(None, text, csv=dialect)
    with pytest.raises(errors.DuplicateKey, match="PK=1 on line 7"):
        exports.delta(None, text.replace("\n;b", "\n1;b"), csv=dialect)
    with pytest.raises(errors.BadRecord, match="line 2: the key column"):
        exports.delta(None, "1,a\n,b\n", csv=CsvDialect(header=False), columns=["PK", "v"])


def test_what_is_not_of_the_encoding_is_told_with_its_place(exports: Exports) -> None:
    with pytest.raises(errors.BadRecord, match=r"new\.csv: line 2 \(byte 7\): byte 0x81 begins no"):
        exports.delta(None, b"PK,v\n1,\x81\n", csv=CsvDialect(encoding="cp1252"))


def test_several_objects_have_one_dialect(tmp_path: Path) -> None:
    parts = [write(tmp_path / f"{n}.csv.gz", f"PK;v\r{n};a\r".encode("utf-16")) for n in range(3)]
    dialect = CsvDialect(delimiter=";", encoding="utf-16")
    assert len(airscoop.delta(None, parts, csv=dialect)) == 3


def test_a_dialect_is_of_csv(exports: Exports) -> None:
    with pytest.raises(errors.UsageError, match=r'csv says how CSV is written.*format="jsonl"'):
        exports.delta(None, "PK\n1\n", format="jsonl", csv=CsvDialect(delimiter=";"))


def test_the_command_line_has_a_flag_for_each(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    new = write(tmp_path / "new.txt", "x\n#c\n1|'a''b'|-\n".encode("utf-16"))
    words = ["delta", "-", str(new), "--out", "-", "--csv-delimiter", "|", "--csv-quote", "'"]
    words += ["--csv-no-header", "--columns", "PK,v,w", "--csv-skip-rows", "1", "--csv-escape", "^"]
    words += ["--csv-encoding", "utf-16", "--csv-null", "-", "--csv-comment", "#"]
    assert main(words) == 0
    assert '"row":{"PK":"1","v":"a\'b","w":null}' in capfd.readouterr().out


def test_the_error_of_another_encoding_says_how_it_is_named(exports: Exports) -> None:
    with pytest.raises(errors.UnsupportedFormat, match=r"UTF-16 text data; .*encoding=…"):
        exports.delta(None, "PK,v\n1,a\n".encode("utf-16"))
    with pytest.raises(errors.BadRecord, match="not UTF-8; perhaps its encoding is another"):
        exports.delta(None, b"PK,v\n1,\xe9\n")


@pytest.mark.parametrize(("mark", "named"), [(";", "';'"), ("\t", "a tab"), ("|", "'|'")])
def test_a_header_that_is_one_column_asks_for_the_delimiter(
    exports: Exports, mark: str, named: str
) -> None:
    with pytest.raises(errors.UsageError) as raised:
        exports.delta(None, f"PK{mark}v\n1{mark}a\n")
    assert str(raised.value).endswith(f": is the delimiter {named}?")
