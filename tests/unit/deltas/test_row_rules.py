"""What a row may be: a delta refuses, where it reads, what readers of its changes would refuse."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors
from airscoop.cli import main
from support.deltas import Exports, write


@pytest.fixture
def exports(tmp_path: Path) -> Exports:
    return Exports(tmp_path)


def written(delta: airscoop.Delta, folder: Path, **options: Any) -> list[Any]:
    """The changes, once they have passed the check of their file."""
    out = folder / "changes.jsonl"
    delta.write(out)
    airscoop.check(out, format="jsonl", **options)
    return [json.loads(line) for line in out.read_text().splitlines()]


NULS = [
    ("PK,a\n1,x\n2,y\0z\n", r"line 3 \(byte 12\)"),
    ('PK,a\n1,x\n2,"y\0"\n', r"line 3 \(byte 13\)"),
    ("PK,a\n\0,x\n", r"line 2 \(byte 5\)"),
    ("PK,a\n1,x\n" + 'a,"b\nc"\n' * 9 + "2,\0", r"line 21 \(byte 83\)"),
    ("PK,a\0\n1,x\n", "column's name"),
]


@pytest.mark.parametrize(("text", "place"), NULS)
def test_a_nul_in_csv_is_refused_with_its_place(exports: Exports, text: str, place: str) -> None:
    with pytest.raises(errors.BadRecord, match=f"{place}.*NUL|{place} holds a NUL"):
        exports.delta(None, text, on_duplicates="last")


@pytest.mark.parametrize("old", [None, "a,PK\nx,1\n"])
def test_a_nul_in_csv_is_replaced_where_that_is_asked_for(
    exports: Exports, old: str | None, tmp_path: Path
) -> None:
    text = 'PK,a\n1,"x\0""\0"\n\0,\0\0y\n3,plain\n'
    delta = exports.delta(old, text, on_invalid_characters="replace")
    rows = [change["row"] for change in written(delta, tmp_path)]
    assert sorted(rows, key=lambda row: str(row["PK"])) == [
        {"PK": "1", "a": 'x\ufffd"\ufffd'},
        {"PK": "3", "a": "plain"},
        {"PK": "\ufffd", "a": "\ufffd\ufffdy"},
    ]


def test_a_nul_in_a_name_is_replaced_too(exports: Exports, tmp_path: Path) -> None:
    delta = exports.delta(None, "PK,a\0\n1,x\n", on_invalid_characters="replace")
    assert written(delta, tmp_path)[0]["row"] == {"PK": "1", "a\ufffd": "x"}


JSON_BAD = [
    '{"PK": 1, "a": "\\u0000"}\n',
    '{"PK": 1, "\\ud800": 2}\n',
    '{"PK": 1, "o": ["\\udc00"]}\n',
]


@pytest.mark.parametrize("line", JSON_BAD)
def test_what_no_table_stores_is_refused_or_replaced(
    exports: Exports, line: str, tmp_path: Path
) -> None:
    with pytest.raises(errors.BadRecord, match="line 1"):
        exports.delta(None, line, suffix=".jsonl")
    delta = exports.delta(None, line, suffix=".jsonl", on_invalid_characters="replace")
    assert "\ufffd" in json.dumps(written(delta, tmp_path), ensure_ascii=False)


def nested(depth: int) -> str:
    """A row of that many objects and arrays within each other."""
    return '{"PK":1,"v":' + "[" * (depth - 1) + "]" * (depth - 1) + "}\n"


def test_a_row_is_as_deep_as_its_change_may_be(exports: Exports, tmp_path: Path) -> None:
    delta = exports.delta(None, nested(999), suffix=".jsonl")
    delta.write(tmp_path / "out.jsonl")
    airscoop.check(tmp_path / "out.jsonl", format="jsonl")
    with pytest.raises(errors.BadRecord, match="once the row is in a change"):
        exports.delta(None, nested(1000), suffix=".jsonl")


CLASHES = [
    (".csv", "PK,Name,name\n1,a,b\n"),
    (".csv", "pk,PK\n1,2\n"),
    (".jsonl", '{"PK": 1, "Name": "a", "name": "b"}\n'),
    (".jsonl", '{"PK": 1, "Name": "a"}\n{"PK": 2, "name": "b"}\n'),
]


@pytest.mark.parametrize(("suffix", "text"), CLASHES)
def test_names_equal_but_for_case_are_refused_or_kept(
    exports: Exports, suffix: str, text: str, tmp_path: Path
) -> None:
    with pytest.raises(errors.BadRecord, match="equal but for case"):
        exports.delta(None, text, suffix=suffix)
    delta = exports.delta(None, text, suffix=suffix, on_key_case="keep")
    changes = written(delta, tmp_path, on_key_case="keep")
    assert len(changes[0]["row"]) == len({name for row in changes for name in row["row"]})
    with pytest.raises(errors.BadRecord, match="equal but for case"):
        airscoop.check(tmp_path / "changes.jsonl", format="jsonl")


@pytest.mark.parametrize(("suffix", "text"), [CLASHES[0], CLASHES[2]])
def test_names_equal_but_for_case_are_numbered_as_by_a_copy(
    exports: Exports, suffix: str, text: str, tmp_path: Path
) -> None:
    delta = exports.delta(None, text, suffix=suffix, on_key_case="rename")
    row = written(delta, tmp_path)[0]["row"]
    assert {name: row[name] for name in row if name != "PK"} == {"Name": "a", "name_2": "b"}


def test_a_number_that_a_column_has_is_passed_over(exports: Exports) -> None:
    delta = exports.delta(None, "PK,a,A,A_2,a_3\n1,2,3,4,5\n", on_key_case="rename")
    assert list(next(iter(delta))["row"]) == ["PK", "a", "A_4", "A_2", "a_3"]


def test_letters_beyond_ascii_have_no_case(exports: Exports, tmp_path: Path) -> None:
    delta = exports.delta(None, "PK,É,é\n1,a,b\n")
    assert written(delta, tmp_path)[0]["row"] == {"PK": "1", "É": "a", "é": "b"}


LIMIT = 10_000


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
@pytest.mark.parametrize("value", ["x", '"', "\\", "\x01", "é"])
def test_a_row_is_as_long_as_its_change_may_be(
    exports: Exports, suffix: str, value: str, tmp_path: Path
) -> None:
    """Whatever is not refused passes the check with the same limit."""

    def export(count: int) -> str:
        text = value * count
        if suffix == ".jsonl":
            return json.dumps({"PK": "1", "a": text}, ensure_ascii=False) + "\n"
        quoted = text.replace('"', '""')
        return f'PK,a\n1,"{quoted}"\n'

    taken = 0
    for count in range(0, LIMIT, 97):
        try:
            delta = exports.delta(None, export(count), suffix=suffix, max_record_bytes=LIMIT)
        except errors.BadRecord as error:
            assert "max_record_bytes" in str(error)
            break
        taken = count
        written(delta, tmp_path, max_record_bytes=LIMIT)
    size = len(json.dumps(value * taken, ensure_ascii=False).encode())
    assert LIMIT - 2_000 < size < LIMIT


def test_the_change_of_an_update_counts_with_all_names(exports: Exports, tmp_path: Path) -> None:
    names = [f"column {number:04}" for number in range(400)]
    header, row = ",".join(["PK", *names]), ",".join(["1", *("x" for _ in names)])
    other = row.replace("x", "y")
    for limit in range(12_000, 17_000, 500):
        try:
            delta = exports.delta(
                f"{header}\n{row}\n", f"{header}\n{other}\n", max_record_bytes=limit
            )
        except errors.BadRecord:
            continue
        written(delta, tmp_path, max_record_bytes=limit)
        return
    pytest.fail("no limit was enough")


def test_the_command_has_the_rules(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new = write(tmp_path / "new.csv", "PK,A,a\n1,\0,y\n")
    out = tmp_path / "out.jsonl"
    arguments = ["delta", "-", str(new), "--out", str(out)]
    assert main(arguments) != 0
    assert main([*arguments, "--on-key-case", "keep"]) != 0
    assert main([*arguments, "--on-key-case", "rename", "--on-invalid-characters", "replace"]) == 0
    assert json.loads(out.read_text())["row"] == {"PK": "1", "A": "\ufffd", "a_2": "y"}
    assert "NUL" in capsys.readouterr().err


BEYOND_PYTHON = {"digits": '{"PK":1,"v":' + "9" * 5000 + "}\n"}
if sys.version_info < (3, 12):  # later ones read all depths that a change may have
    BEYOND_PYTHON["nesting"] = nested(990)


@pytest.mark.parametrize("line", BEYOND_PYTHON.values(), ids=BEYOND_PYTHON)
def test_what_python_cannot_read_is_an_error_of_ours(
    exports: Exports, line: str, tmp_path: Path
) -> None:
    delta = exports.delta(None, line, suffix=".jsonl")
    with pytest.raises(errors.UnsupportedFormat, match="change 1 "):
        list(delta)
    delta.write(tmp_path / "out.jsonl")
    airscoop.check(tmp_path / "out.jsonl", format="jsonl")
