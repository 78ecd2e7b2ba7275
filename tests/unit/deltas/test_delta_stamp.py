"""What each change says of its file: dataset, version, and the version before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors

OF_V2: dict[str, Any] = {"dataset": 'acme/it\'s "ours"', "version": "v2", "previous": "v1"}


def exports(folder: Path, *texts: str) -> list[Path]:
    paths = [folder / f"{number}.csv" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    return paths


def test_each_change_says_what_it_is_of(tmp_path: Path) -> None:
    old, new = exports(tmp_path, "PK,v\n1,a\n2,b\n3,c\n", "PK,v\n1,a\n2,B\n4,d\n")
    delta = airscoop.delta(old, new, max_delete_ratio=1, **OF_V2)
    delta.write(tmp_path / "changes.jsonl")
    written = [json.loads(line) for line in (tmp_path / "changes.jsonl").read_text().splitlines()]
    assert {one["op"] for one in written} == {"INSERT", "UPDATE", "DELETE"}
    for one in written:
        assert {name: one[name] for name in OF_V2} == OF_V2
    assert list(delta) == written


def test_the_first_import_has_no_version_before(tmp_path: Path) -> None:
    (new,) = exports(tmp_path, "PK,v\n1,a\n")
    (change,) = airscoop.delta(None, new, dataset="acme/orders", version="v1")
    assert "previous" in change
    assert change["previous"] is None


def test_ids_are_those_of_the_datasets_version(tmp_path: Path) -> None:
    old, new = exports(tmp_path, "PK,v\n1,a\n", "PK,v\n1,b\n")
    (named,) = airscoop.delta(old, new, dataset="acme/orders", version="v2", previous="v1")
    (before,) = airscoop.delta(old, new, version="acme/orders/v2")
    assert named["id"] == before["id"]
    assert set(named) - set(before) == {"dataset", "version", "previous", "changes"}
    assert named["changes"] == 1


def test_a_file_without_changes_says_its_version_in_its_one_line(tmp_path: Path) -> None:
    old, new = exports(tmp_path, "PK,v\n1,a\n", "PK,v\n1,a\n")
    delta = airscoop.delta(old, new, **OF_V2)
    delta.write(tmp_path / "changes.jsonl")
    assert json.loads((tmp_path / "changes.jsonl").read_text()) == {**OF_V2, "changes": 0}
    assert list(delta) == []
    airscoop.delta(old, new, version="v2").write(tmp_path / "unnamed.jsonl")
    assert (tmp_path / "unnamed.jsonl").read_text() == ""


@pytest.mark.parametrize(
    "given",
    [
        {"dataset": "acme/orders"},
        {"dataset": "acme/orders", "version": "v2"},
        {"version": "v2", "previous": "v1"},
        {"dataset": "acme/orders", "previous": "v1"},
        {"dataset": "", "version": "v2", "previous": "v1"},
        {"dataset": "acme/orders", "version": "v\n2", "previous": "v1"},
        {"dataset": "acme/orders", "version": "v" * 513, "previous": "v1"},
    ],
)  # fmt: skip
def test_what_no_reader_could_use_is_refused(tmp_path: Path, given: dict[str, str]) -> None:
    old, new = exports(tmp_path, "PK,v\n1,a\n", "PK,v\n1,b\n")
    with pytest.raises(errors.UsageError, match=r"dataset|version"):
        airscoop.delta(old, new, key=["PK"], **given)  # type: ignore[arg-type]


def test_a_first_import_has_no_previous(tmp_path: Path) -> None:
    (new,) = exports(tmp_path, "PK,v\n1,a\n")
    with pytest.raises(errors.UsageError, match="none where there is no old export"):
        airscoop.delta(None, new, dataset="acme/orders", version="v2", previous="v1")


def test_the_length_of_a_change_counts_what_it_is_of(tmp_path: Path) -> None:
    old, new = exports(tmp_path, "PK,v\n1,a\n", f"PK,v\n1,{'b' * 4000}\n")
    limits: dict[str, Any] = {"max_record_bytes": 4700}
    (change,) = airscoop.delta(old, new, **limits)
    assert len(json.dumps(change)) < 4700
    with pytest.raises(errors.BadRecord, match="more than max_record_bytes, 4700"):
        airscoop.delta(old, new, **limits, **{**OF_V2, "dataset": "d" * 900})
