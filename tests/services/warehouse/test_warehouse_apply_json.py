"""Values in columns of JSON, from the export to the table: each keeps its type."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

import airscoop
from airscoop import errors
from airscoop.receipts.warehouse import ApplyReceipt
from airscoop.warehouse.session import Warehouse

VALUES: list[Any] = [
    "123", "true", "null", "[1,2]", '{"a": 1}', "", '"', "\\", "\u0001\n", "é€𝄞", "\u0001",
    123, 1.5, True, False, None, [], ["1", 1, None], {}, {"a": {"b": "2"}},
]  # fmt: skip
TEXTS = ['{"a": [1, "x"]}', "[1,2]", "123", "true", "null", '"text"']


class Table:
    """public.t with an id and a column of JSON."""

    def __init__(self, dsn: str, folder: Path, kind: str) -> None:
        self.dsn, self.folder = dsn, folder
        self.eye = psycopg.connect(dsn, autocommit=True)
        self.eye.execute(f"CREATE TABLE public.t (id text, doc {kind})".encode())

    def changes(self, old: str | None, new: str, suffix: str) -> Path:
        """The file of changes from one export to another."""
        before, now = self.folder / f"old{suffix}", self.folder / f"new{suffix}"
        now.write_text(new)
        if old is not None:
            before.write_text(old)
        out = self.folder / "changes.jsonl"
        delta = airscoop.delta(None if old is None else before, now, key="id", max_delete_ratio=1)
        delta.write(out)
        return out

    def apply(self, changes: Path, key: str = "id", **options: Any) -> ApplyReceipt:
        with Warehouse(self.dsn, dialect="postgres") as warehouse:
            return warehouse.apply_changes(changes, table="public.t", key=key, **options)

    def docs(self) -> list[Any]:
        found = self.eye.execute(b"SELECT doc::text FROM public.t ORDER BY id").fetchall()
        return [None if doc is None else json.loads(doc) for (doc,) in found]


@pytest.fixture(params=["jsonb", "json"])
def table(
    request: pytest.FixtureRequest, database: dict[str, str], tmp_path: Path
) -> Iterator[Any]:
    found = Table(database["dsn"], tmp_path, request.param)
    yield found
    found.eye.close()


def json_lines(values: list[Any]) -> str:
    rows = ({"id": f"{number:03}", "doc": value} for number, value in enumerate(values))
    return "".join(json.dumps(row) + "\n" for row in rows)


def csv(values: list[str]) -> str:
    quoted = (value.replace('"', '""') for value in values)
    return "id,doc\n" + "".join(f'{n:03},"{value}"\n' for n, value in enumerate(quoted))


def test_each_value_of_json_lines_keeps_its_type(table: Table) -> None:
    changes = table.changes(None, json_lines(VALUES), ".jsonl")
    receipt = table.apply(changes)
    assert table.docs() == VALUES
    assert receipt.json_texts == "value"
    assert table.apply(changes).already_applied


def test_updates_keep_types_too(table: Table) -> None:
    first, second = json_lines(VALUES), json_lines([*VALUES[1:], VALUES[0]])
    table.apply(table.changes(None, first, ".jsonl"))
    table.apply(table.changes(first, second, ".jsonl"))
    assert table.docs() == [*VALUES[1:], VALUES[0]]


def test_texts_of_csv_are_read_as_json(table: Table) -> None:
    changes = table.changes(None, csv(TEXTS), ".csv")
    receipt = table.apply(changes)
    assert table.docs() == [json.loads(text) for text in TEXTS]
    assert receipt.json_texts == "parse"


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_what_is_said_goes_before_what_the_changes_say(table: Table, suffix: str) -> None:
    export = csv(TEXTS) if suffix == ".csv" else json_lines(TEXTS)
    changes = table.changes(None, export, suffix)
    assert table.apply(changes, json_texts="value").json_texts == "value"
    assert table.docs() == TEXTS
    table.eye.execute("TRUNCATE public.t")
    assert table.apply(changes, json_texts="parse", again=True).json_texts == "parse"
    assert table.docs() == [json.loads(text) for text in TEXTS]


def test_changes_that_say_nothing_have_values(table: Table) -> None:
    path = table.folder / "made.jsonl"
    change = {"op": "INSERT", "key": {"id": "1"}, "row": {"id": "1", "doc": "123"}}
    path.write_text(json.dumps(change) + "\n")
    assert table.apply(path).json_texts == "value"
    assert table.docs() == ["123"]


def test_changes_of_both_kinds_need_a_word(table: Table) -> None:
    lines = table.changes(None, csv(["1"]), ".csv").read_text()
    lines += table.changes(None, json_lines([0, "1"]), ".jsonl").read_text().splitlines()[1]
    path = table.folder / "both.jsonl"
    path.write_text(lines + "\n")
    with pytest.raises(errors.BadRecord, match=r"change 2: .*json_texts"):
        table.apply(path)
    table.apply(path, json_texts="value")
    assert table.docs() == ["1", "1"]


def test_a_text_that_is_no_json_is_named_with_its_change(table: Table) -> None:
    changes = table.changes(None, csv(["1", "no json"]), ".csv")
    with pytest.raises(errors.BadRecord, match=r'change 2 .*"doc"'):
        table.apply(changes)
    assert table.docs() == []


def test_a_key_of_json_keeps_its_type(database: dict[str, str], tmp_path: Path) -> None:
    table = Table(database["dsn"], tmp_path, "jsonb")
    table.apply(table.changes(None, json_lines(["7", 7]), ".jsonl"))
    path = tmp_path / "by-doc.jsonl"
    changes = [
        {"op": "DELETE", "key": {"doc": "7"}, "row": {"id": "000", "doc": "7"}},
        {"op": "UPDATE", "key": {"doc": 7}, "row": {"id": "x", "doc": 7}},
    ]
    path.write_text("".join(json.dumps(change) + "\n" for change in changes))
    table.apply(path, key="doc")
    assert table.eye.execute("SELECT id, doc FROM public.t").fetchall() == [("x", 7)]
    table.eye.close()


def test_a_rule_that_is_none_is_refused(table: Table) -> None:
    words = r'json_texts cannot be "text"; use "value" or "parse"'
    with pytest.raises(errors.UsageError, match=words):
        table.apply(table.folder / "none.jsonl", json_texts="text")


def test_columns_equal_but_for_case_are_applied_where_that_is_said(
    database: dict[str, str], tmp_path: Path
) -> None:
    table = Table(database["dsn"], tmp_path, "jsonb")
    table.eye.execute('CREATE TABLE public.u (id text, "A" text, a text)')
    export = tmp_path / "new.csv"
    export.write_text("id,A,a\n1,x,y\n")
    out = tmp_path / "changes.jsonl"
    airscoop.delta(None, export, key="id", on_key_case="keep").write(out)
    with Warehouse(table.dsn, dialect="postgres") as warehouse:
        with pytest.raises(errors.BadRecord, match="equal but for case"):
            warehouse.apply_changes(out, table="public.u", key="id")
        warehouse.apply_changes(out, table="public.u", key="id", on_key_case="keep")
    assert table.eye.execute("SELECT * FROM public.u").fetchall() == [("1", "x", "y")]
    table.eye.close()
