"""Every reader of records says in one way where a bad one is, and which source it is in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors

# Format, text, the bad record, what is said of it.
BAD = {
    "json lines": ("jsonl", '\n{"a":1}\n\n{"Name":1,"name":2}\n', '{"Name"', '"name"'),
    "a key twice": ("jsonl", '{"a":1}\n{"b":{"x":1,"x":2}}\n', '{"b"', 'the key "x" stands twice'),
    "control characters": ("jsonl", '{"a\\n\x7f":1,"A\\n\x7f":2}\n', "{", r'"A\n\x7f"'),
    "an array": ("json-array", '[{"a":1},\n{"Name":1,"name":2}]', '{"Name"', '"name"'),
    "an array cut": ("json-array", '[{"a":1},\n{"a":2', '{"a":2', "the text ends inside a value"),
    "values": ("json-values", '{"a":1}\n\n{"Name":1,"name":2}', '{"Name"', '"name"'),
    "literals": ("python-literal", "{'a':1}\n{'Name':1,'name':2}\n", "{'Name'", '"name"'),
    "csv": ("csv", "PK,v\n1,a\n2\n", "2\n", "value"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_record_has_source_line_and_byte(tmp_path: Path, name: str) -> None:
    kind, text, record, words = BAD[name]
    source = tmp_path / "source.txt"
    source.write_text(text)
    at = text.index(record)
    place = f"line {text[:at].count(chr(10)) + 1} (byte {at}): "
    options: Any = {"format": kind}
    with pytest.raises(errors.BadRecord, match=re.escape(f"{source}: {place}")) as raised:
        airscoop.check(source, **options)
    assert words in str(raised.value)
    with pytest.raises(errors.BadRecord, match=re.escape(f"{source}: {place}")):
        airscoop.copy(source, tmp_path / "out", **options)
    receipt = airscoop.copy(source, tmp_path / "out", max_rejected=1, **options)
    assert receipt.first_reject is not None
    assert receipt.first_reject.startswith(place)
    assert words in receipt.first_reject
    assert f"1 rejected, on {place}" in receipt.summary()


@pytest.mark.parametrize("text", ['{"a":1}', "", "[1] x", "[1", '"x"', "[1]["])
def test_faults_of_a_document_name_the_source(tmp_path: Path, text: str) -> None:
    source = tmp_path / "source.txt"
    source.write_text(text)
    named = re.escape(f"{source}: ")
    with pytest.raises(errors.BadRecord, match=named):
        airscoop.check(source, format="json-array")
    with pytest.raises(errors.BadRecord, match=named):
        airscoop.copy(source, tmp_path / "out", format="json-array")
    with pytest.raises(errors.BadRecord, match=named):
        list(airscoop.read(source, format="json-array"))


def test_the_summary_of_many_says_where_the_first_is(tmp_path: Path) -> None:
    source = tmp_path / "source.jsonl"
    source.write_text('{"a":1}\nx\ny\n')
    receipt = airscoop.check(source, format="jsonl", max_rejected=5)
    assert "2 rejected, the first on line 2 (byte 8): " in receipt.summary()
    assert airscoop.check(source, format="raw").first_reject is None


def test_the_summary_of_several_sources_says_it_too(tmp_path: Path) -> None:
    for name, text in (("a", '{"a":1}\n'), ("b", '{"a":1}\nx\n'), ("c", "\ny\nz\n")):
        (tmp_path / f"{name}.jsonl").write_text(text)
    (tmp_path / "to").mkdir()
    receipt = airscoop.copy_prefix(
        [tmp_path / f"{name}.jsonl" for name in "abc"],
        tmp_path / "to",
        format="jsonl",
        max_rejected=5,
        jobs=1,
    )
    assert receipt.records_rejected == 3
    assert receipt.reject_examples[0].startswith(f"{tmp_path}/b.jsonl: line 2 (byte 8): ")
    assert receipt.reject_examples[1].startswith(f"{tmp_path}/c.jsonl: line 2 (byte 1): ")
    assert f"3 records rejected ({tmp_path}/b.jsonl: line 2 " in receipt.summary()
