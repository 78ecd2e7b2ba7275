"""The DAG's YAML is read strictly: what is wrong is named."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import pytest
import yaml

from airscoop.systems.bestsellers.config import load_bestsellers_sources
from airscoop.systems.yaml_model import ConfigError
from support.paths import ROOT

GOOD: dict[str, Any] = {
    "name": "reviews",
    "file_url": "http://example.com/reviews.json.gz",
    "bucket_dir": "s3://bucket/reviews",
    "partition_key": "downloaded_at",
    "external_dbtable": "spectrum.reviews",
    "dbtable": "bestsellers.reviews",
    "columns": ["reviewerid", "asin", "unixreviewtime"],
    "distinct_on_columns": ["reviewerid", "asin"],
    "format": "jsonl",
    "order_by": ["unixreviewtime"],
    "mode": "replace",
    "max_rejected": 0,
    "pool": "default_pool",
}


def write(path: Path, *entries: object) -> Path:
    path.write_text(yaml.safe_dump({"sources": list(entries)}))
    return path


def problem(tmp_path: Path, **changes: object) -> str:
    with pytest.raises(ConfigError) as caught:
        load_bestsellers_sources(write(tmp_path / "sources.yml", {**GOOD, **changes}))
    return str(caught.value)


def test_the_committed_file_names_reviews_and_metadata() -> None:
    path = ROOT / "dags" / "config" / "bestsellers.yml"
    reviews, metadata = load_bestsellers_sources(path)
    assert (reviews.name, metadata.name) == ("reviews", "metadata")
    assert (reviews.format, metadata.format) == ("jsonl", "python-literal")
    assert reviews.distinct_on_columns == ["reviewerid", "asin"]


@pytest.mark.parametrize("field", GOOD)
def test_a_missing_field_is_named(tmp_path: Path, field: str) -> None:
    entry = {name: value for name, value in GOOD.items() if name != field}
    with pytest.raises(ConfigError, match=f"missing field {field}$"):
        load_bestsellers_sources(write(tmp_path / "sources.yml", entry))


def test_an_unknown_field_is_named_with_its_source_and_file(tmp_path: Path) -> None:
    text = problem(tmp_path, max_rejects=3)
    assert text == f"{tmp_path / 'sources.yml'}: source reviews: unknown field max_rejects"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("file_url", 7),
        ("file_url", ""),
        ("columns", "asin"),
        ("columns", []),
        ("columns", [1]),
        ("distinct_on_columns", []),
        ("distinct_on_columns", ["price"]),
        ("order_by", ["price"]),
        ("order_by", []),
        ("format", "csv"),
        ("format", "raw"),
        ("mode", "upsert"),
        ("max_rejected", -1),
        ("max_rejected", True),
        ("max_rejected", "0"),
        ("bucket_dir", "bucket/reviews"),
        ("bucket_dir", "s3://bucket/reviews/"),
        ("bucket_dir", "s3://"),
    ],
)
def test_a_wrong_value_names_its_field(tmp_path: Path, field: str, value: object) -> None:
    assert f"source reviews: field {field} " in problem(tmp_path, **{field: value})


def test_two_sources_of_one_name_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="two sources are named reviews"):
        load_bestsellers_sources(write(tmp_path / "sources.yml", GOOD, GOOD))


@pytest.mark.parametrize("text", ["", "[]", "sources: []", "sources: [1]", "sources: [{}]\nx: 1"])
def test_a_file_of_another_shape_is_an_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sources.yml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"sources\.yml"):
        load_bestsellers_sources(path)


def test_an_error_in_the_yaml_names_file_and_line(tmp_path: Path) -> None:
    path = tmp_path / "sources.yml"
    path.write_text("sources:\n  - name: reviews\n    columns: [a, b\n  - name: metadata\n")
    with pytest.raises(ConfigError, match=r"sources\.yml, line 4: "):
        load_bestsellers_sources(path)


@pytest.mark.parametrize("data", [b"sources: \x07", b"sources: \xff"])
def test_a_file_that_is_no_text_is_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "sources.yml"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match=r"sources\.yml: "):
        load_bestsellers_sources(path)


def test_a_misspelt_field_is_named_before_the_missing_one(tmp_path: Path) -> None:
    rest = {name: value for name, value in GOOD.items() if name != "columns"}
    path = write(tmp_path / "sources.yml", GOOD, {**rest, "name": "other", "colums": ["asin"]})
    with pytest.raises(ConfigError, match=r"source other: unknown field colums$"):
        load_bestsellers_sources(path)


def test_values_of_other_fields_are_not_shown(tmp_path: Path) -> None:
    entry = {**GOOD, "bucket_dir": "geheim"}
    del entry["pool"]
    with pytest.raises(ConfigError) as caught:
        load_bestsellers_sources(write(tmp_path / "sources.yml", entry))
    assert "geheim" not in "".join(traceback.format_exception(caught.value))
