"""The delta as SQL: its changes by the local Athena are those of the C engine, one by one."""

from __future__ import annotations

import csv
import json
import random
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import airscoop
from airscoop import errors
from airscoop.deltas.sql import COUNTS, DeltaSql, check_counts, literal, quoted
from support.athena_sql import Texts, answer
from support.delta_tables import Table, export, tables
from support.delta_tables import quoted as csv_value
from support.properties import examples


def given_as(width: int, old: Table | None, new: Table) -> dict[str, Texts]:
    names = ["PK", *(f"c{n}" for n in range(width))]
    return {
        name: Texts(names, [[key, *row] for key, row in table.items()])
        for name, table in (("old_export", old), ("new_export", new))
        if table is not None
    }


def sql_for(width: int, *, old: bool = True, version: str = "") -> DeltaSql:
    return DeltaSql(
        old="old_export" if old else None,
        new="new_export",
        columns=["PK", *(f"c{n}" for n in range(width))],
        key=["PK"],
        version=version,
    )


def by_sql(exports: Mapping[str, Texts], sql: DeltaSql) -> dict[str, Any]:
    lines = [str(line) for (line,) in answer(sql.lines(), exports)]
    changes = [json.loads(line) for line in lines]
    assert [change["id"] for change in changes] == sorted({change["id"] for change in changes})
    for line, change in zip(lines, changes, strict=True):
        assert line.endswith(f'"id":"{change["id"]}"}}')
    return by_id(changes)


def counted(exports: Mapping[str, Texts], sql: DeltaSql) -> dict[str, int]:
    (row,) = answer(sql.counts(), exports)
    return dict(zip(COUNTS, (int(value or 0) for value in row), strict=True))


def by_id(changes: Iterable[Any]) -> dict[str, Any]:
    return {
        change["id"]: (
            change["op"],
            change["key"],
            change["row"],
            sorted(change["changed"]) if "changed" in change else None,
        )
        for change in changes
    }


@examples(60)
@given(tables())
def test_any_two_tables_have_the_same_changes_by_both_engines(
    case: tuple[int, Table, Table],
) -> None:
    width, old, new = case
    exports = given_as(width, old, new)
    sql = sql_for(width, version="it's v2")
    with tempfile.TemporaryDirectory() as folder:
        paths = [
            export(Path(folder), name, width, table, random.Random(1), json_lines=False)
            for name, table in (("old", old), ("new", new))
        ]
        delta = airscoop.delta(*paths, max_delete_ratio=1.0, min_rows=0, version="it's v2")
    assert by_sql(exports, sql) == by_id(delta)
    counts = counted(exports, sql)
    receipt = delta.receipt
    for name in ("old_rows", "new_rows", "inserted", "updated", "deleted", "unchanged"):
        assert counts[name] == getattr(receipt, name), name


@examples(60)
@given(tables(), st.permutations(range(3)), st.booleans())
def test_columns_of_one_export_alone_have_the_same_changes_by_both_engines(
    case: tuple[int, Table, Table], places: list[int], drops: bool
) -> None:
    """The old export lacks one column, the new one lacks another."""
    width, old, new = case
    lacks = {"old": f"c{places[0]}", "new": f"c{places[1]}"}
    exports = given_as(width, old, new)
    names = ["PK", *(f"c{n}" for n in range(width))]
    both = [name for name in names if not (name == lacks["new"] and drops)]
    called = {side: [None if name == lacks[side] else name for name in both] for side in lacks}
    columns = [*(name for name in both if name != lacks["new"]), *(set(both) & {lacks["new"]})]
    sql = DeltaSql(
        old="old_export",
        new="new_export",
        columns=columns,
        key=["PK"],
        old_columns=[called["old"][both.index(name)] for name in columns],
        new_columns=[called["new"][both.index(name)] for name in columns],
    )
    with tempfile.TemporaryDirectory() as folder:
        paths = {side: Path(folder, f"{side}.csv") for side in lacks}
        for side, table in (("old", old), ("new", new)):
            own = [n for n, name in enumerate(names) if name != lacks[side]]
            lines = [",".join(names[n] for n in own)]
            lines += [
                ",".join(csv_value((key, *row)[n], always=False) for n in own)
                for key, row in table.items()
            ]
            paths[side].write_bytes("".join(f"{line}\n" for line in lines).encode())
        delta = airscoop.delta(
            paths["old"],
            paths["new"],
            max_delete_ratio=1.0,
            min_rows=0,
            on_schema_change="all",
            gone_columns="drop" if drops else "null",
        )
        assert by_sql(exports, sql) == by_id(delta)


def test_without_an_old_export_every_row_is_an_insert() -> None:
    new: Table = {"1": ("a",), "2": (None,)}
    changes = by_sql(given_as(1, None, new), sql_for(1, old=False))
    assert sorted(change[0] for change in changes.values()) == ["INSERT", "INSERT"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"new_duplicates": 1}, errors.DuplicateKey),
        ({"empty_keys": 2}, errors.BadRecord),
        ({"cut_rows": 2}, errors.BadRecord),
        ({"new_rows": 0}, errors.SuspectExport),
        ({"deleted": 4}, errors.SuspectExport),
        ({"inserted": 1}, errors.CountMismatch),
    ],
)
def test_the_counts_are_checked(changes: dict[str, int], error: type[errors.AirscoopError]) -> None:
    counts = dict.fromkeys(COUNTS, 0) | {"old_rows": 10, "new_rows": 10, "unchanged": 10}
    check_counts(counts, name="t", max_delete_ratio=0.3, min_rows=1)
    with pytest.raises(error):
        check_counts(counts | changes, name="t", max_delete_ratio=0.3, min_rows=1)


def test_a_key_that_is_no_column_is_refused() -> None:
    with pytest.raises(errors.UsageError, match='"id" is no column of t; the columns are a, b'):
        DeltaSql(old=None, new="t", columns=["a", "b"], key=["id"])


def test_names_may_hold_anything_that_sql_would_take_for_its_own(tmp_path: Path) -> None:
    names = ['the "key"', "it's", "select", "a b", 'x"."y', 'v"; DROP TABLE t; --', "\\", "{}é"]
    old = {"1": ["a"] * 7, "2": ["b"] * 7}
    new = {"1": ["a"] * 6 + ["z"], "3": ["c"] * 7}
    paths: list[Path] = []
    exports: dict[str, Texts] = {}
    for table, rows in (('old "t"', old), ("it's new", new)):
        exports[quoted(table)] = Texts(names, [[key, *row] for key, row in rows.items()])
        paths.append(tmp_path / f"{len(paths)}.csv")
        with paths[-1].open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(names)
            for key, row in rows.items():
                writer.writerow([key, *row])
    sql = DeltaSql(old=quoted('old "t"'), new=quoted("it's new"), columns=names, key=[names[0]])
    delta = airscoop.delta(*paths, key=[names[0]], max_delete_ratio=1.0)
    assert by_sql(exports, sql) == by_id(delta)
    assert counted(exports, sql)["updated"] == 1


def test_an_identifier_and_a_text_end_only_where_they_end() -> None:
    for text in ('"', '""', "'", 'a"b', "a'b", "\\'", '\\"', "", "plain"):
        assert quoted(text)[1:-1].replace('""', "").count('"') == 0
        assert literal(text)[1:-1].replace("''", "").count("'") == 0
        one = Texts([text or "x"], [[text]])
        assert answer("WITH x AS (SELECT * FROM t) SELECT * FROM x", {"t": one}) == [(text,)]
