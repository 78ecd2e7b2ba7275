"""Keys of JSON lines that are one for every reader are one for the delta."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airscoop import errors
from support.deltas import Exports
from support.spellings import MOST, SPELLINGS, export


def keys(delta: Any) -> list[bytes]:
    """The text of each change's key."""
    lines = b"".join(delta.blocks()).splitlines()
    return sorted(line.split(b'"key":')[1].split(b',"row":')[0] for line in lines)


def test_a_spelling_makes_no_change(tmp_path: Path) -> None:
    for old in range(MOST):
        for new in range(MOST):
            assert Exports(tmp_path).ops(export(old), export(new), suffix=".jsonl") == []


def test_changes_have_one_key_and_one_id_in_all_spellings(tmp_path: Path) -> None:
    seen = set()
    for turn in range(MOST):
        delta = Exports(tmp_path).delta(export(0, 1), export(turn, 2), suffix=".jsonl")
        assert {change["op"] for change in delta} == {"UPDATE"}
        assert len(set(keys(delta))) == len(SPELLINGS)
        seen.add(json.dumps(sorted((change["row"]["n"], change["id"]) for change in delta)))
        seen.add(b"".join(keys(delta)).decode())
    assert len(seen) == 2


def test_keys_are_written_in_one_form(tmp_path: Path) -> None:
    delta = Exports(tmp_path).delta(None, export(1), suffix=".jsonl")
    found = {change["row"]["n"]: key for change, key in zip(delta, lines_of(delta), strict=True)}
    assert found["one"] == '{"PK":1}'
    assert found["zero"] == '{"PK":0}'
    assert found["big"] == '{"PK":1e22}'
    assert found["beyond floats"] == '{"PK":9007199254740993}'
    assert found["members"] == '{"PK":{"a":1,"b":["é",{"x":0,"y":"/"}]}}'


def lines_of(delta: Any) -> list[str]:
    """The text of each change's key, in the order of the changes."""
    lines = b"".join(delta.blocks()).decode().splitlines()
    return [line.split('"key":')[1].split(',"row":')[0] for line in lines]


@pytest.mark.parametrize("name", [name for name, forms in SPELLINGS.items() if len(forms) > 1])
def test_two_spellings_in_one_export_are_a_key_twice(name: str, tmp_path: Path) -> None:
    both = "".join(f'{{"PK":{form}}}\n' for form in SPELLINGS[name][:2])
    with pytest.raises(errors.DuplicateKey):
        Exports(tmp_path).delta(None, both, suffix=".jsonl")


def test_a_part_of_a_key_has_one_form(tmp_path: Path) -> None:
    old, new = '{"a":1.0,"b":"x","n":1.0}\n', '{"b":"x","a":1e0,"n":1.0}\n'
    assert Exports(tmp_path).ops(old, new, suffix=".jsonl", key=["a", "b"]) == []


def test_numbers_beside_the_key_still_differ_by_their_digits(tmp_path: Path) -> None:
    old, new = '{"PK":1.0,"n":1.0}\n', '{"PK":1.00,"n":1.00}\n'
    delta = Exports(tmp_path).delta(old, new, suffix=".jsonl")
    (line,) = b"".join(delta.blocks()).splitlines()
    assert b'"key":{"PK":1},"row":{"PK":1,"n":1.00},"changed":["n"]' in line
