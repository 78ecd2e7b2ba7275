"""What an error knows beside its text: attributes, and the same in the command's JSON."""

from __future__ import annotations

import copy
import json
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors
from airscoop.cli import main
from support.paths import ROOT
from support.s3 import gzipped

OLD = "id,a\n" + "".join(f"{n},x\n" for n in range(1, 11))
FEWER = "id,a\n" + "".join(f"{n},x\n" for n in range(1, 7))
CHANGED = "id,a\n" + "".join(f"{n},y\n" for n in range(1, 11))
TWICE = OLD + "7,y\n8,y\n"
OTHER = OLD.replace("id,a", "id,b")
BAD = '{"n": 1}\n{"n": }\n[\n'
Facts = dict[str, Any]

DELTAS: dict[str, tuple[str, Facts, Facts]] = {
    "min_rows": (
        FEWER,
        {"min_rows": 7},
        {"limit_name": "min_rows", "limit": 7, "old_rows": 10, "new_rows": 6, "deleted": 4},
    ),
    "deletes": (
        FEWER,
        {"max_delete_ratio": 0.25},
        {
            "limit_name": "max_delete_ratio",
            "limit": 0.25,
            "old_rows": 10,
            "new_rows": 6,
            "deleted": 4,
            "ratio": 0.4,
        },
    ),
    "updates": (
        CHANGED,
        {"max_update_ratio": 0.5},
        {
            "limit_name": "max_update_ratio",
            "limit": 0.5,
            "old_rows": 10,
            "new_rows": 10,
            "updated": 10,
            "ratio": 1.0,
        },
    ),
    "duplicates": (TWICE, {}, {"key": "id=7", "source": "NEW", "line": 12}),
    "columns": (OTHER, {}, {"added": ["b"], "gone": ["a"]}),
    "spelling": (OLD.replace("id,a", "id,A"), {}, {"added": ["A"], "gone": ["a"]}),
}
CLASSES = {"duplicates": "DuplicateKey", "columns": "SchemaChanged", "spelling": "SchemaChanged"}
RECORD = ("source", "line", "byte_offset", "reason", "snippet")
WAYS: list[Callable[[Any], Any]] = [
    lambda error: error,
    copy.copy,
    copy.deepcopy,
    lambda error: pickle.loads(pickle.dumps(error)),
]


def own(error: errors.AirscoopError) -> Facts:
    """The facts that are not those of every error."""
    every = ("code", "retryable", "committed", "source_missing", "os_errno")
    return {
        name: value
        for name, value in vars(error).items()
        if value is not None and name not in (*every, "http_status", "sqlstate", "request_id")
    }


def places(folder: Path, new: str) -> tuple[str, str]:
    (folder / "old.csv").write_text(OLD)
    (folder / "new.csv").write_text(new)
    return str(folder / "old.csv"), str(folder / "new.csv")


@pytest.mark.parametrize("again", WAYS)
@pytest.mark.parametrize("case", DELTAS)
def test_a_delta_that_is_refused_says_by_what_figures(
    case: str, again: Callable[[Any], Any], tmp_path: Path
) -> None:
    new, options, expected = DELTAS[case]
    old_path, new_path = places(tmp_path, new)
    with pytest.raises(errors.DataError) as caught:
        airscoop.delta(old_path, new_path, key=["id"], **options)
    assert type(caught.value).__name__ == CLASSES.get(case, "SuspectExport")
    if "source" in expected:
        expected = {**expected, "source": new_path}
    assert own(again(caught.value)) == expected


@pytest.mark.parametrize("case", DELTAS)
def test_the_command_tells_the_same_figures(
    case: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    new, options, expected = DELTAS[case]
    old_path, new_path = places(tmp_path, new)
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    assert main(["delta", old_path, new_path, "--key", "id", "--json", *flags]) == 3
    told = json.loads(capfd.readouterr().out)
    if "source" in expected:
        expected = {**expected, "source": new_path}
    common = {"error", "message", "retryable", "committed", "http_status", "sqlstate", "request_id"}
    assert {name: value for name, value in told.items() if name not in common} == expected
    assert common <= told.keys()


def test_a_list_of_columns_is_whole_or_not_there(tmp_path: Path) -> None:
    for count, known in ((80, True), (200, False)):
        names = [f"a column {n}" for n in range(count)]
        header = ",".join(["id", "a", *names])
        old_path, new_path = places(tmp_path, f"{header}\n1,x{',' * count}\n")
        with pytest.raises(errors.SchemaChanged) as caught:
            airscoop.delta(old_path, new_path, key=["id"])
        assert caught.value.added == (names if known else None)
        assert caught.value.gone == []


@pytest.mark.parametrize("again", WAYS)
def test_too_many_bad_records_say_the_limit_and_the_last_record(
    again: Callable[[Any], Any], tmp_path: Path
) -> None:
    (tmp_path / "in.jsonl").write_text(BAD)
    with pytest.raises(errors.TooManyRejected) as caught:
        airscoop.copy(tmp_path / "in.jsonl", tmp_path / "out", format="jsonl", max_rejected=1)
    found = own(again(caught.value))
    assert found.pop("reason") in str(caught.value)
    assert found == {
        "limit_name": "max_rejected",
        "limit": 1,
        "source": str(tmp_path / "in.jsonl"),
        "line": 3,
        "byte_offset": 17,
        "snippet": "[",
    }


@pytest.mark.parametrize("again", WAYS)
def test_gzip_data_that_end_too_early_say_where(
    again: Callable[[Any], Any], tmp_path: Path
) -> None:
    whole = gzipped(b"some lines\n" * 1000)
    (tmp_path / "in.gz").write_bytes(whole[:-3])
    with pytest.raises(errors.Truncated) as caught:
        airscoop.copy(tmp_path / "in.gz", tmp_path / "out")
    assert own(again(caught.value)) == {"counted": "bytes", "found": len(whole) - 3}


def test_an_error_of_another_kind_has_the_attributes_too() -> None:
    header = (ROOT / "csrc/include/scoop/error.h").read_text()
    table = header.partition("SCOOP_ERROR_FACTS(X)")[2].partition("enum")[0]
    names = re.findall(r'X\(\w+, "(\w+)"\)', table)
    assert {"key", "limit", "holder"} <= set(names)
    stub = (ROOT / "airflow_plugin/airscoop/_native.pyi").read_text()
    for name in (*names, *RECORD, "statements_committed", "published", "start_at"):
        assert getattr(errors.UsageError("wrong"), name) is None
        assert re.search(rf"^    {name}: .* \| None$", stub, re.MULTILINE), name
        assert f"`{name}`" in (errors.__doc__ or "")
