"""Formats json-array and json-values, the whole way through copy() and the command line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

import airscoop
from airscoop import errors
from airscoop.cli import main

ITEMS = [{"n": n, "text": f"line {n} é " * 9} for n in range(3000)]
LINES = b"".join(json.dumps(item, ensure_ascii=False).encode() + b"\n" for item in ITEMS)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "in.json.gz"
    document = {"meta": {"items": [1]}, "result": {"items": ITEMS}, "end": None}
    path.write_bytes(gzip.compress(json.dumps(document, ensure_ascii=False).encode()))
    return path


def test_an_array_in_a_gzip_document_becomes_gzip_lines(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.gz"
    receipt = airscoop.copy(source, target, format="json-array", records="result.items")
    assert gzip.decompress(target.read_bytes()) == LINES
    assert (receipt.records_in, receipt.records_out) == (len(ITEMS), len(ITEMS))
    assert not receipt.unchanged


def test_the_command_line_names_the_path(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    words = ["copy", str(source), str(target), "--format", "json-array", "-q"]
    assert main([*words, "--records", "result.items"]) == 0
    assert target.read_bytes() == LINES
    assert main([*words, "--records", "result.wrong"]) != 0


def test_a_path_that_is_not_there_is_named_and_leaves_nothing(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    with pytest.raises(errors.BadRecord, match=r"result\.wrong"):
        airscoop.copy(source, target, format="json-array", records="result.wrong")
    assert not target.exists()


def test_after_a_bad_value_the_rest_is_one_reject(tmp_path: Path) -> None:
    source, target = tmp_path / "in.json", tmp_path / "out.json"
    source.write_bytes(b'{"a":\n1}{"b" 2}{"c":3}')
    with pytest.raises(errors.BadRecord):
        airscoop.copy(source, target, format="json-values")
    receipt = airscoop.copy(source, target, format="json-values", max_rejected=1)
    assert (receipt.records_in, receipt.records_rejected) == (2, 1)
    assert target.read_bytes() == b'{"a": 1}\n'


def test_records_needs_the_format_that_has_them(source: Path, tmp_path: Path) -> None:
    with pytest.raises(errors.UsageError, match="json-array"):
        airscoop.copy(source, tmp_path / "out", format="jsonl", records="a")
