"""The DAG's YAML is read strictly: what is wrong is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from support.paths import ROOT

from airscoop.systems.bestsellers.config import load_bestsellers_sources
from airscoop.systems.snapshot_delta.config import load_snapshot_delta
from airscoop.systems.yaml_model import ConfigError

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


SNAPSHOTS: dict[str, Any] = {
    "bucket": "exports",
    "complete_marker": None,
    "changes": "s3://changes/here",
    "registry": "registry",
    "stream": "changes",
    "aws_conn_id": "aws_default",
    "poll_seconds": 10,
    "retry_seconds": 30,
}
TABLE: dict[str, Any] = {
    "tenant": "acme",
    "table": "orders",
    "key": ["id"],
    "format": "auto",
    "duplicates": "error",
    "schema_change": "error",
    "max_delete_ratio": 0.3,
    "min_rows": 1,
}


def snapshot_problem(tmp_path: Path, document: object) -> str:
    path = tmp_path / "snapshots.yml"
    path.write_text(yaml.safe_dump(document))
    with pytest.raises(ConfigError) as caught:
        load_snapshot_delta(path)
    return str(caught.value).removeprefix(str(path)).removeprefix(": ")


def test_the_committed_file_names_the_demos_table() -> None:
    config = load_snapshot_delta(ROOT / "dags" / "config" / "snapshot_delta.yml")
    assert [table.name for table in config.tables] == ["tenant/test_table"]
    assert config.complete_marker is None


@pytest.mark.parametrize("field", SNAPSHOTS)
def test_a_missing_field_of_the_snapshots_is_named(tmp_path: Path, field: str) -> None:
    rest = {name: value for name, value in SNAPSHOTS.items() if name != field}
    text = snapshot_problem(tmp_path, {**rest, "tables": [TABLE]})
    assert text == f"missing field {field}"


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        ("max_delete_ratio", 1.5, "a number from 0 to 1"),
        ("max_delete_ratio", True, "a number from 0 to 1"),
        ("duplicates", "first", "one of error, last"),
        ("schema_change", "ignore", "one of error, compare_common"),
        ("min_rows", -1, "a number, 0 or more"),
        ("key", "id", "a list of texts"),
        ("tenant", "", "a text"),
    ],
)
def test_a_wrong_value_of_a_table_is_named(
    tmp_path: Path, field: str, value: object, what: str
) -> None:
    text = snapshot_problem(tmp_path, {**SNAPSHOTS, "tables": [{**TABLE, field: value}]})
    assert text == f"table orders: field {field} must be {what}, not {value!r}"


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({**SNAPSHOTS, "tables": []}, "expected a mapping of fields, tables among them, a list"),
        ({**SNAPSHOTS, "tables": [TABLE, TABLE]}, "two tables are named acme/orders"),
        ({**SNAPSHOTS, "tables": [{**TABLE, "key": []}]}, "table orders: field key must name"),
        (
            {**SNAPSHOTS, "tables": [{**TABLE, "tenant": "a/b"}]},
            "table orders: field tenant must not contain a slash",
        ),
        ({**SNAPSHOTS, "tables": [TABLE], "strean": "x"}, "unknown field strean"),
        ({**SNAPSHOTS, "tables": [TABLE], "changes": "/tmp"}, "field changes must begin with s3"),
        (
            {**SNAPSHOTS, "tables": [TABLE], "complete_marker": ""},
            "field complete_marker must be a text, or null, not ''",
        ),
    ],
)
def test_snapshots_that_cannot_be_meant_are_refused(
    tmp_path: Path, document: object, text: str
) -> None:
    assert snapshot_problem(tmp_path, document).startswith(text)


def test_a_misspelt_field_is_named_before_the_missing_one(tmp_path: Path) -> None:
    rest = {name: value for name, value in GOOD.items() if name != "columns"}
    path = write(tmp_path / "sources.yml", GOOD, {**rest, "name": "other", "colums": ["asin"]})
    with pytest.raises(ConfigError, match=r"source other: unknown field colums$"):
        load_bestsellers_sources(path)
