"""The made data: deterministic, of any size, in the exact shape, with every difficulty in it."""

from __future__ import annotations

import ast
import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from airscoop.systems.bestsellers import made_data as bestsellers_data
from airscoop.systems.bestsellers.made_data import Plan, make

FIELDS = {
    "reviewerID",
    "asin",
    "reviewerName",
    "helpful",
    "reviewText",
    "overall",
    "summary",
    "unixReviewTime",
    "reviewTime",
}
PLAN = Plan(reviews=4000, metadata=600, seed=3)
LATE = Plan(reviews=4000, metadata=600, seed=3, late=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("data")
    make(made / "first", PLAN)
    make(made / "late", LATE)
    return made


def lines(path: Path) -> list[str]:
    return gzip.decompress(path.read_bytes()).decode().split("\n")[:-1]


def reviews(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines(folder / "reviews.json.gz")]


def metadata(folder: Path) -> list[dict[str, Any]]:
    return [ast.literal_eval(line) for line in lines(folder / "metadata.json.gz")]


def key(review: dict[str, Any]) -> tuple[object, object]:
    return review.get("reviewerID"), review.get("asin")


def latest(rows: list[dict[str, Any]]) -> dict[tuple[object, object], int]:
    times: dict[tuple[object, object], int] = {}
    for row in rows:
        times[key(row)] = max(row["unixReviewTime"], times.get(key(row), 0))
    return times


def test_the_same_plan_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    make(tmp_path, PLAN)
    for name in ("reviews.json.gz", "metadata.json.gz"):
        assert (tmp_path / name).read_bytes() == (folder / "first" / name).read_bytes()


def test_another_seed_gives_other_data(folder: Path, tmp_path: Path) -> None:
    make(tmp_path, Plan(reviews=4000, metadata=600, seed=4))
    assert lines(tmp_path / "reviews.json.gz") != lines(folder / "first" / "reviews.json.gz")


def test_reviews_have_the_fields_and_types_of_the_data_set(folder: Path) -> None:
    rows = reviews(folder / "first")
    assert len(rows) == 4000
    assert set().union(*rows) == FIELDS
    for row in rows:
        assert isinstance(row["unixReviewTime"], int)
        assert isinstance(row["overall"], float | None)
        assert [type(count) for count in row["helpful"]] == [int, int]


def test_metadata_are_python_literals_that_are_not_json(folder: Path) -> None:
    rows = metadata(folder / "first")
    assert len(rows) == 600
    with pytest.raises(json.JSONDecodeError):
        json.loads(lines(folder / "first" / "metadata.json.gz")[0])
    nested = {name for row in rows for name in row if isinstance(row[name], dict | list)}
    assert nested == {"related", "salesRank", "categories"}
    assert {type(row.get("price")) for row in rows} == {float, type(None)}


def test_every_difficulty_occurs(folder: Path) -> None:
    raw = lines(folder / "first" / "reviews.json.gz")
    rows = reviews(folder / "first")
    assert max(Counter(raw).values()) > 1
    assert len({key(row) for row in rows}) < len({json.dumps(row) for row in rows})
    assert any(row["reviewerID"] is None for row in rows)
    assert any("asin" not in row for row in rows)
    assert any("reviewerName" not in row for row in rows)
    texts = " ".join(row["reviewText"] for row in rows)
    for difficulty in ("'", '"', "\\", "\n", "\u2028", "é", "本", "😀"):
        assert difficulty in texts
    longest = max(len(row["reviewText"].encode()) for row in rows)
    assert 65_000 < longest <= 65_535
    literals = "".join(lines(folder / "first" / "metadata.json.gz"))
    for difficulty in ('"', "\\'", "\\U0001f600", "😀", "None"):
        assert difficulty in literals


def test_the_late_delivery_has_newer_older_unchanged_and_new_reviews(folder: Path) -> None:
    first, late = latest(reviews(folder / "first")), reviews(folder / "late")
    compared = Counter(
        "new" if key(row) not in first else (row["unixReviewTime"] > first[key(row)])
        for row in late
    )
    assert compared["new"] > 100
    assert compared[True] > 100
    assert compared[False] > 1000


def test_the_late_metadata_add_products_to_the_first_ones(folder: Path) -> None:
    first = {row["asin"] for row in metadata(folder / "first")}
    late = {row["asin"] for row in metadata(folder / "late")}
    assert first < late


def test_the_command_says_that_the_data_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bestsellers_data.main([str(tmp_path), "--reviews", "3", "--metadata", "2"])
    assert "it is not Amazon's" in capsys.readouterr().out
    assert len(reviews(tmp_path)) == 3
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "metadata.json.gz",
        "reviews.json.gz",
    ]
