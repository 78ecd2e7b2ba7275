"""Any two tables: the changes applied to the old one give the new one, however the exports come."""

from __future__ import annotations

import csv
import io
import random
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import airscoop
from support.delta_tables import Table, as_dialect, export, tables, texts
from support.properties import examples


def compared(width: int, old: Table, new: Table, seed: int, **options: Any) -> airscoop.Delta:
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        json_lines = rng.random() < 0.4
        paths = [
            export(Path(folder), name, width, table, rng, json_lines=json_lines)
            for name, table in (("old", old), ("new", new))
        ]
        return airscoop.delta(*paths, max_delete_ratio=1.0, min_rows=0, **options)


def applied(changes: list[airscoop.Change], old: Table, width: int) -> Table:
    result = dict(old)
    for change in changes:
        key = change["key"]["PK"]
        row = tuple(change["row"][f"c{n}"] for n in range(width))
        if change["op"] == "INSERT":
            assert key not in result
            result[key] = row
        elif change["op"] == "UPDATE":
            assert change["changed"] == [
                name
                for name in change["row"]
                if name != "PK" and row[int(name[1:])] != result[key][int(name[1:])]
            ]
            assert row != result[key]
            result[key] = row
        else:
            assert result.pop(key) == row
    return result


@examples(150)
@given(tables(), st.integers(), st.integers(), st.booleans())
def test_changes_make_the_new_table_of_the_old_one(
    case: tuple[int, Table, Table], seed: int, other_seed: int, keep_last: bool
) -> None:
    width, old, new = case
    options = {"on_duplicates": "last"} if keep_last else {}
    delta = compared(width, old, new, seed, **options)
    changes = list(delta)
    assert applied(changes, old, width) == new
    assert len({c["id"] for c in changes}) == len(changes)
    receipt = delta.receipt
    assert receipt.old_rows == len(old) == receipt.updated + receipt.unchanged + receipt.deleted
    assert receipt.new_rows == len(new) == receipt.updated + receipt.unchanged + receipt.inserted
    # Order, cut, gzip and format make no difference, not even to the ids.
    again = list(compared(width, old, new, other_seed))
    plain = {c["id"]: (c["op"], c["key"], c["row"], set(c.get("changed", ()))) for c in changes}
    assert {
        c["id"]: (c["op"], c["key"], c["row"], set(c.get("changed", ()))) for c in again
    } == plain


@examples(100)
@given(st.lists(st.tuples(texts.filter(bool), texts, texts), max_size=20, unique_by=lambda r: r[0]))
def test_what_pythons_csv_writes_is_read_as_it_was(rows: list[tuple[str, str, str]]) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([("PK", "a", "b"), *rows])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "new.csv")
        path.write_bytes(out.getvalue().encode())
        changes = list(airscoop.delta(None, path, min_rows=0))
    assert sorted(tuple(c["row"].values()) for c in changes) == sorted(rows)


dialects = st.builds(
    airscoop.CsvDialect,
    delimiter=st.sampled_from([None, ",", ";", "\t", "|", "§"]),
    quote=st.sampled_from([None, '"', "'", "þ"]),
    escape=st.sampled_from([None, "\\", "^"]),
    header=st.booleans(),
    skip_rows=st.integers(0, 2),
    encoding=st.sampled_from([None, "utf-8", "utf-16", "utf-16-le", "utf-32", "gb18030"]),
    null_values=st.sampled_from([None, ["NULL"], ["\\N"], ["", "-"]]),
    comment=st.sampled_from([None, "#", "//"]),
)


@examples(80)
@given(tables(), dialects, st.integers())
def test_a_dialect_gives_the_changes_of_plain_csv(
    case: tuple[int, Table, Table], dialect: airscoop.CsvDialect, seed: int
) -> None:
    width, old, new = case
    rng = random.Random(seed)
    columns = None if dialect.header else ["PK", *(f"c{n}" for n in range(width))]
    with tempfile.TemporaryDirectory() as folder:
        for name, table in (("old", old), ("new", new)):
            data = as_dialect(width, list(table.items()), dialect, rng)
            Path(folder, name).write_bytes(data)
        delta = airscoop.delta(
            Path(folder, "old"),
            Path(folder, "new"),
            csv=dialect,
            columns=columns,
            max_delete_ratio=1.0,
            min_rows=0,
        )
        assert applied(list(delta), old, width) == new
    assert {change["id"] for change in delta} == {
        change["id"] for change in compared(width, old, new, seed)
    }
