"""Where something is, as a delta says it: line and byte of the source, and values as they are."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import airscoop
from airscoop import errors
from support.deltas import Exports, write


@pytest.fixture
def exports(tmp_path: Path) -> Exports:
    return Exports(tmp_path)


PAD = "x" * 100_000

BAD_ROWS = {
    "[1]": "a row must be an object",
    '{"v":1}': 'the key column "PK" is empty',
    '{"PK":""}': 'the key column "PK" is empty',
    '{"PK":1,"v":2,"v":3}': 'the key "v" stands twice',
    '{"PK":': "the text ends inside a value",
}
BEFORE = {
    "nothing": "",
    "a mark": "\ufeff",
    "blank lines": '\n \n{"PK":1,"v":2}\n\r\n\n',
    "rows of several lines": '{"PK":\n1,\n"v":2}\n\n{"PK":2,\n"v":3}\n{"PK":3,"v":3}\n',
    "more than a batch": "".join(f'{{"PK":{n},"v":"{PAD}"}}\n\n' for n in range(10)),
    "a late member": "".join(f'{{"PK":{n},"v":"{PAD}"}}\n\n' for n in range(10))
    + '\n{"PK":"z","w":1}\n',
}


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("row", BAD_ROWS)
def test_a_bad_line_of_json_is_where_it_is_said_to_be(
    exports: Exports, before: str, row: str
) -> None:
    text = BEFORE[before] + row
    if "PK" not in BEFORE[before]:  # the key is a column
        text = BEFORE[before] + '{"PK":1}\n' + row
    with pytest.raises(errors.BadRecord) as raised:
        exports.delta('{"PK":1,"v":2}\n', text, suffix=".jsonl")
    place = re.search(r"new\.jsonl: line (\d+) \(byte (\d+)\): (.*)", str(raised.value))
    assert place is not None
    assert BAD_ROWS[row] in place[3]
    offset = int(place[2])
    assert text.encode()[offset:].decode() == row
    assert int(place[1]) == text.encode()[:offset].count(b"\n") + 1


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("PK,v\n1,a\n,b\n", r"line 3 \(byte 9\): the key column"),
        ("PK,v\n1,a\n2\n", r"line 3 \(byte 9\): the row has 1 values"),
        ('\n\nPK,"v\n1,a\n', r"line 3 \(byte 5\): a quoted value is not closed"),
    ],
)
def test_a_bad_row_of_csv_has_line_and_byte(exports: Exports, text: str, place: str) -> None:
    with pytest.raises(errors.BadRecord, match=r"new\.csv: " + place):
        exports.delta(None, text)


# Keys that are there twice


KEYS = {
    "an int": (7, "PK=7 "),
    "a text": ("7", "PK=7 "),
    "an object": ({"a": 'b"c'}, r'PK={"a":"b\"c"} '),
    "quotes": ('say "hi"', 'PK=say "hi" '),
    "control characters": ("a\tb\nc\x01\x1b[31m\x7f\x9b", r"PK=a\tb\nc\x01\x1b[31m\x7f\xc2\x9b "),
    "long": ("é" * 70, "PK=" + "é" * 30 + "… "),
    "long by a byte more": ("x" + "é" * 70, "PK=x" + "é" * 29 + "… "),
    "long quotes": ('"' * 100, "PK=" + '"' * 60 + "… "),
    "long marks": ("\x01" * 100, "PK=" + r"\x01" * 15 + "… "),
}


@pytest.mark.parametrize("sorted_keys", [True, False])
@pytest.mark.parametrize("name", KEYS)
def test_a_key_twice_is_shown_as_it_is(exports: Exports, name: str, sorted_keys: bool) -> None:
    value, shown = KEYS[name]
    row = json.dumps({"PK": value}) + "\n"
    others = "" if sorted_keys else '{"PK":"zz"}\n{"PK":"aa"}\n'
    with pytest.raises(errors.DuplicateKey) as raised:
        exports.delta(None, others + row + row, suffix=".jsonl")
    assert f"has: {shown}on line {2 if sorted_keys else 4} of " in str(raised.value)


def test_a_key_of_csv_twice_is_shown_without_its_quotes(exports: Exports) -> None:
    row = '"a ""b"",\r\nc","x"\n'
    with pytest.raises(errors.DuplicateKey) as raised:
        exports.delta(None, "PK,v\n" + row + row)
    assert r'has: PK=a "b",\r\nc on line 4 of ' in str(raised.value)


def test_names_are_shown_as_values_are(exports: Exports) -> None:
    with pytest.raises(errors.SchemaChanged, match=r"added: a\\nb; gone: c\\x1b;"):
        exports.delta('PK,"c\x1b"\n1,2\n', 'PK,"a\nb"\n1,2\n')


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
@pytest.mark.parametrize("sorted_keys", [True, False])
def test_a_key_twice_is_in_the_object_that_is_named(
    tmp_path: Path, suffix: str, sorted_keys: bool
) -> None:
    def part(number: int, *keys: int) -> Path:
        rows = [f"{key},{PAD}" for key in keys]
        if suffix == ".jsonl":
            rows = [json.dumps({"PK": key, "v": PAD}) for key in keys]
        head = [] if suffix == ".jsonl" else ["PK,v"]
        return write(tmp_path / f"part-{number}{suffix}", "\n".join([*head, *rows, ""]))

    first = (1, 2, 3, 4, 5) if sorted_keys else (5, 4, 3, 2, 1)
    empty = write(tmp_path / f"empty{suffix}", "")
    new = [empty, part(0, *first), empty, part(1, 6, 7), part(2, 8, 8), part(3, 9)]
    line = 2 if suffix == ".jsonl" else 3
    with pytest.raises(
        errors.DuplicateKey, match=rf"has: PK=8 on line {line} of \S*/part-2{suffix};"
    ):
        airscoop.delta(None, new)
