"""Every receipt says what it is of, when, by what; what matters comes first."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest

import airscoop
from airscoop.receipts import FORMAT_VERSION, MOST_THAT_MATTER
from airscoop.receipts.warehouse import RefreshReceipt
from support.paths import ROOT
from support.receipts import KINDS, names_of

SCHEMA = json.loads((ROOT / "docs/reference/receipt.schema.json").read_text())
ENVELOPE = ["started_at", "finished_at", "seconds", "airscoop_version", "format_version"]


@pytest.mark.parametrize("cls", KINDS, ids=lambda cls: cls.__name__)
def test_at_most_ten_fields_that_matter_come_first_and_the_rest_is_nested(
    cls: type[airscoop.Receipt],
) -> None:
    told = list(cls(**names_of(cls)).to_dict())
    assert told == ["id", "verb", *cls.MATTERS, *ENVELOPE, "diagnostics"]
    assert 0 < len(cls.MATTERS) <= MOST_THAT_MATTER
    assert set(cls.MATTERS) <= {field.name for field in dataclasses.fields(cls)}


@pytest.mark.parametrize("cls", KINDS, ids=lambda cls: cls.__name__)
def test_its_repr_is_one_short_line(cls: type[airscoop.Receipt]) -> None:
    values = names_of(cls) | {"verb": "retry"}
    for field in dataclasses.fields(cls):
        if field.name not in ("verb", "seconds", "finished_at"):
            values[field.name] = _of_type(str(field.type), field.name * 200)
    shown = repr(cls(**values))
    assert shown.startswith(f"<{cls.__name__} ")
    assert "\n" not in shown
    assert len(shown) < 300


def _of_type(kind: str, text: str) -> Any:
    """A value that a summary can show."""
    values: dict[str, Any] = {
        "list[str]": [text] * 5,
        "list": [],
        "dict[str, int]": {text: 1},
        "dict": {text: text},
        "int": 7,
        "float": 7.0,
        "bool": False,
    }
    return next((value for start, value in values.items() if kind.startswith(start)), text)


def test_a_run_says_when_it_was_and_by_which_version(tmp_path: Path) -> None:
    before = datetime.now().astimezone()
    source = tmp_path / "in.txt"
    source.write_text("text")
    receipt = airscoop.copy(source, tmp_path / "out.txt")
    told = receipt.to_dict()
    started, finished = (datetime.fromisoformat(told[name]) for name in ENVELOPE[:2])
    assert before - timedelta(seconds=1) <= started <= finished
    assert finished.utcoffset() == timedelta(0)
    assert abs((finished - started).total_seconds() - receipt.seconds) < 0.01
    assert told["airscoop_version"] == airscoop.__version__
    assert told["format_version"] == FORMAT_VERSION
    jsonschema.validate(told, SCHEMA)


def test_each_run_has_an_id_of_its_own_and_equality_asks_for_what_was_done() -> None:
    one, other = (RefreshReceipt(seconds=1.0, view="a.b") for _ in range(2))
    assert one.id != other.id
    assert len(one.id) == 32
    assert one == other
    assert one != RefreshReceipt(seconds=1.0, view="a.c")
    assert dataclasses.replace(one, seconds=2.0).id == one.id


def test_the_schema_is_of_every_class_and_refuses_what_is_none() -> None:
    assert SCHEMA["$defs"].keys() >= {cls.__name__ for cls in KINDS}
    told = RefreshReceipt(seconds=1.0, view="a.b").to_dict()
    jsonschema.validate(told, SCHEMA)
    for wrong in (told | {"more": 1}, told | {"format_version": 0}, told | {"view": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, SCHEMA)
