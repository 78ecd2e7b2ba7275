"""The DAG's YAML is read strictly: what is wrong is named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from airscoop.systems.snapshot_delta.config import load_snapshot_delta
from airscoop.systems.yaml_model import ConfigError
from support.paths import ROOT

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
    "on_duplicates": "error",
    "on_schema_change": "error",
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
        ("on_duplicates", "first", "one of error, last"),
        ("on_schema_change", "ignore", "one of error, all, compare_common"),
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
