"""Columns that one of two exports has alone: what is compared, told and refused."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from airscoop import errors
from airscoop.cli import main
from support.delta_tables import quoted
from support.deltas import Exports
from support.properties import examples

Row = dict[str, str | None]
FORMATS = (".csv", ".jsonl")


def written(names: Sequence[str], rows: Iterable[Row], suffix: str) -> str:
    """An export with these columns; one that a row lacks is null."""
    if suffix == ".jsonl":
        return "".join(json.dumps({n: row.get(n) for n in names}) + "\n" for row in rows)
    lines = [",".join(names)]
    lines += [",".join(quoted(row.get(n), always=False) for n in names) for row in rows]
    return "".join(f"{line}\n" for line in lines)


def by_id(delta: Any) -> dict[str, Any]:
    """The changes; columns have no order."""
    return {one["id"]: {**one, "changed": sorted(one.get("changed", []))} for one in delta}


def kept(table: dict[str, Row], delta: Any) -> dict[str, Row]:
    """The table of a consumer, once it has the changes."""
    rows = dict(table)
    for change in delta:
        key = change["key"]["PK"]
        if change["op"] == "DELETE":
            del rows[key]
        else:
            rows[key] = {**rows.get(key, {}), **change["row"]}
    return rows


def filled(table: dict[str, Row]) -> dict[str, Row]:
    """Without nulls, which are the same as nothing."""
    return {key: {n: v for n, v in row.items() if v is not None} for key, row in table.items()}


@st.composite
def versions(draw: st.DrawFn) -> list[tuple[list[str], list[Row]]]:
    """Some exports of one table, each with columns of its own, in an order of its own."""
    found = []
    rows: dict[str, Row] = {}
    for _ in range(draw(st.integers(2, 4))):
        names = draw(st.lists(st.sampled_from("abcd"), unique=True, max_size=4))
        values = st.fixed_dictionaries({n: st.sampled_from([None, "", "x", "y,"]) for n in "abcd"})
        keys = draw(st.lists(st.integers(0, 9).map(str), unique=True, min_size=1))
        rows = {
            key: rows[key] if key in rows and draw(st.integers(0, 3)) else draw(values)
            for key in keys
        }
        order = draw(st.permutations(["PK", *names]))
        found.append((list(order), [{**row, "PK": key} for key, row in rows.items()]))
    return found


@pytest.mark.parametrize("suffix", FORMATS)
@examples(60)
@given(history=versions(), gone=st.sampled_from(["null", "drop"]))
def test_changes_are_those_of_exports_that_all_have_the_columns(
    suffix: str,
    history: list[tuple[list[str], list[Row]]],
    gone: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    exports = Exports(tmp_path_factory.mktemp("exports"))
    options: dict[str, Any] = {"suffix": suffix, "version": "v", "on_schema_change": "all"}
    (were, before), (names, rows) = history[:2]
    plain = (written(were, before, suffix), written(names, rows, suffix))
    found = exports.delta(*plain, gone_columns=gone, **options)
    lost = [name for name in were if name not in names]
    both = [*names, *(lost if gone == "null" else [])]
    known = [{n: row.get(n) for n in were} for row in before]
    padded = (written(both, known, suffix), written(both, only(names, rows), suffix))
    expected = exports.delta(*padded, suffix=suffix, version="v")
    if suffix == ".csv":
        assert by_id(found) == by_id(expected)
        assert pyarrow.table(found).schema == pyarrow.table(expected).schema
    assert {one["id"] for one in found} == {one["id"] for one in expected}


def only(names: Sequence[str], rows: Iterable[Row]) -> list[Row]:
    return [{n: row.get(n) for n in names} for row in rows]


@pytest.mark.parametrize("suffix", FORMATS)
@examples(60)
@given(history=versions())
def test_a_table_that_gets_the_changes_is_the_export(
    suffix: str,
    history: list[tuple[list[str], list[Row]]],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    exports = Exports(tmp_path_factory.mktemp("exports"))
    table: dict[str, Row] = {}
    before = None
    for names, rows in history:
        now = written(names, rows, suffix)
        table = kept(table, exports.delta(before, now, suffix=suffix, on_schema_change="all"))
        assert filled(table) == filled({str(row["PK"]): row for row in only(names, rows)})
        before = now


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_new_column_reaches_all_rows_although_a_later_version_changes_one(
    suffix: str, tmp_path: Path
) -> None:
    first = written(["PK", "v"], [{"PK": n, "v": "a"} for n in "1234"], suffix)
    rows: list[Row] = [{"PK": n, "v": "a", "c": f"c{n}"} for n in "123"]
    rows.append({"PK": "4", "v": "a", "c": None})
    second = written(["PK", "v", "c"], rows, suffix)
    exports = Exports(tmp_path)
    delta = exports.delta(first, second, suffix=suffix, on_schema_change="all")
    assert sorted((c["op"], c["key"]["PK"], c["changed"]) for c in delta) == [
        ("UPDATE", "1", ["c"]), ("UPDATE", "2", ["c"]), ("UPDATE", "3", ["c"]),
    ]  # fmt: skip
    assert delta.receipt.unchanged == 1
    rows[0]["c"] = "new"
    third = exports.delta(second, written(["PK", "v", "c"], rows, suffix), suffix=suffix)
    assert [c["row"]["c"] for c in third] == ["new"]


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("order", ["12345678", "73158264"])
def test_a_column_that_is_gone_becomes_null_or_is_dropped(
    suffix: str, order: str, tmp_path: Path
) -> None:
    old = written(["PK", "c", "v"], [{"PK": n, "v": "a", "c": "x"} for n in order[:-1]], suffix)
    new = written(["v", "PK"], [{"PK": n, "v": "a"} for n in order[1:]], suffix)
    options: dict[str, Any] = {"suffix": suffix, "on_schema_change": "all"}
    delta = Exports(tmp_path).delta(old, new, **options)
    assert (delta.receipt.inserted, delta.receipt.updated, delta.receipt.deleted) == (1, 6, 1)
    changes = {c["op"]: c for c in delta}
    assert changes["UPDATE"]["changed"] == ["c"]
    assert changes["UPDATE"]["row"]["c"] is None
    assert changes["INSERT"]["row"] == {"v": "a", "PK": order[-1], "c": None}
    assert changes["DELETE"]["row"] == {"v": "a", "PK": order[0], "c": "x"}
    dropped = Exports(tmp_path).delta(old, new, gone_columns="drop", **options)
    assert {c["op"]: c["row"] for c in dropped} == {
        "INSERT": {"v": "a", "PK": order[-1]}, "DELETE": {"v": "a", "PK": order[0]},
    }  # fmt: skip


def test_the_empty_text_in_a_new_column_is_a_change(tmp_path: Path) -> None:
    delta = Exports(tmp_path).delta("PK\n1\n2\n", 'PK,c\n1,""\n2,\n', on_schema_change="all")
    assert [(c["key"]["PK"], c["row"]["c"]) for c in delta] == [("1", "")]


def test_all_columns_may_be_others_but_the_key(tmp_path: Path) -> None:
    delta = Exports(tmp_path).delta("a,PK\nx,1\n", "PK,b\n1,y\n", on_schema_change="all")
    assert [(c["op"], c["row"], c["changed"]) for c in delta] == [
        ("UPDATE", {"PK": "1", "b": "y", "a": None}, ["b", "a"])
    ]


def test_a_key_of_several_columns_stays_it(tmp_path: Path) -> None:
    old, new = "k,a,j\n1,x,2\n1,x,3\n", "j,b,k\n2,y,1\n3,,1\n"
    delta = Exports(tmp_path).delta(old, new, key=["k", "j"], on_schema_change="all")
    assert [c["key"] for c in delta] == [{"k": "1", "j": "2"}, {"k": "1", "j": "3"}]


@pytest.mark.parametrize("mode", ["all", "compare_common"])
@pytest.mark.parametrize("suffix", FORMATS)
def test_the_receipt_tells_what_is_new_and_what_is_gone(
    mode: str, suffix: str, tmp_path: Path
) -> None:
    old = written(["PK", "a", "b", "c"], [{"PK": "1", "a": "x", "b": "y", "c": "z"}], suffix)
    new = written(["PK", "d", "b"], [{"PK": "1", "d": "x", "b": "y"}], suffix)
    receipt = Exports(tmp_path).delta(old, new, suffix=suffix, on_schema_change=mode).receipt
    assert (receipt.columns_added, receipt.columns_gone) == (["d"], ["a", "c"])
    assert "; columns added: d; columns gone: a, c" in receipt.summary()
    assert receipt.to_dict()["diagnostics"]["columns_gone"] == ["a", "c"]
    same = Exports(tmp_path).delta(old, old, suffix=suffix).receipt
    assert (same.columns_added, same.columns_gone) == ([], [])
    assert "columns" not in same.summary()


def test_a_receipt_of_very_many_columns_has_the_first_thousand(tmp_path: Path) -> None:
    names = [f"c{n}" for n in range(1500)]
    new = ",".join(["PK", *names]) + "\n1" + "," * 1500 + "\n"
    receipt = Exports(tmp_path).delta("PK\n1\n", new, on_schema_change="all").receipt
    assert receipt.columns_added == names[:1000]
    assert "columns added: c0, c1, c2 and 997 more" in receipt.summary()


def test_an_error_of_columns_advises_to_compare_them_all(tmp_path: Path) -> None:
    for suffix in FORMATS:
        with pytest.raises(errors.SchemaChanged, match=r'added: c; .*on_schema_change="all"'):
            Exports(tmp_path).delta(
                written(["PK"], [{"PK": "1"}], suffix),
                written(["PK", "c"], [{"PK": "1", "c": "x"}], suffix),
                suffix=suffix,
            )


@pytest.mark.parametrize("mode", ["error", "all", "compare_common"])
@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    ("before", "now", "key"),
    [
        ("PK,v", "pk,v", "PK"),
        ("pk,v", "PK,v", "PK"),
        ("PK,v", "PK,V", "PK"),
        ("a,B,v", "A,B,v", "b,a"),
    ],
)
def test_another_case_alone_is_a_changed_schema(
    mode: str, suffix: str, before: str, now: str, key: str, tmp_path: Path
) -> None:
    old, new = (
        written(names, [dict.fromkeys(names, "1")], suffix)
        for names in (before.split(","), now.split(","))
    )
    options: dict[str, Any] = {"suffix": suffix, "on_schema_change": mode, "key": key.split(",")}
    with pytest.raises(errors.SchemaChanged, match=r'the column ".*" of .* is ".*" in .*spelling'):
        Exports(tmp_path).delta(old, new, **options)


@pytest.mark.parametrize("suffix", FORMATS)
def test_another_case_is_another_column_where_case_is_kept_but_no_other_key(
    suffix: str, tmp_path: Path
) -> None:
    old, new = (
        written(names, [dict.fromkeys(names, "1")], suffix) for names in (["PK", "v"], ["PK", "V"])
    )
    options: dict[str, Any] = {"suffix": suffix, "on_schema_change": "all", "on_key_case": "keep"}
    (change,) = Exports(tmp_path).delta(old, new, **options)
    assert change["row"] == {"PK": "1", "V": "1", "v": None}
    with pytest.raises(errors.SchemaChanged, match=r'"PK" of .* is "pk"'):
        Exports(tmp_path).delta("PK\n1\n", "pk\n1\n", on_schema_change="all", on_key_case="keep")


def test_wide_exports_with_no_column_in_common_take_no_square_of_time(tmp_path: Path) -> None:
    old, new = (
        "PK," + ",".join(f"{side}{n}" for n in range(60_000)) + "\n" + "1," * 60_000 + "1\n"
        for side in "ab"
    )
    delta = Exports(tmp_path).delta(old, new, on_schema_change="all", max_record_bytes=1 << 25)
    assert delta.receipt.updated == 1


def test_dropping_goes_with_all_alone(tmp_path: Path) -> None:
    with pytest.raises(errors.UsageError, match='goes with on_schema_change="all"'):
        Exports(tmp_path).delta(None, "PK\n1\n", gone_columns="drop")
    with pytest.raises(
        errors.UsageError, match='gone_columns cannot be "keep"; use "null" or "drop"'
    ):
        Exports(tmp_path).delta(None, "PK\n1\n", gone_columns="keep")


def test_the_command_takes_both(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    old.write_text("PK,a\n1,x\n")
    new.write_text("PK,b\n1,y\n")
    command = ["delta", str(old), str(new), "--on-schema-change", "all", "--out", "-"]
    rows = []
    for more in ([], ["--gone-columns", "drop"]):
        assert main([*command, *more]) == 0
        out, told = capfd.readouterr()
        assert "columns added: b; columns gone: a" in told
        rows.append(json.loads(out)["row"])
    assert rows == [{"PK": "1", "b": "y", "a": None}, {"PK": "1", "b": "y"}]


def test_the_first_version_has_no_new_columns(tmp_path: Path) -> None:
    receipt = Exports(tmp_path).delta(None, "PK,a\n1,x\n", on_schema_change="all").receipt
    assert (receipt.inserted, receipt.columns_added) == (1, [])


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("suffix", FORMATS)
def test_many_unsorted_rows_have_the_changes_of_padded_exports(
    suffix: str, seed: int, tmp_path: Path
) -> None:
    rng = random.Random(seed)
    rows: list[Row] = [
        {"PK": str(n), "a": str(n % 7), "b": rng.choice([None, "x"]), "c": "z" * (n % 50)}
        for n in range(20_000)
    ]
    before, now = rng.sample(rows, 15_000), rng.sample(rows, 15_000)
    known, are = only(["a", "PK", "b"], before), only(["c", "PK", "a"], now)
    options: dict[str, Any] = {"suffix": suffix, "version": "v", "memory_limit": 16 << 20}
    found = Exports(tmp_path).delta(
        written(["a", "PK", "b"], known, suffix), written(["c", "PK", "a"], are, suffix),
        on_schema_change="all", **options,
    )  # fmt: skip
    names = ["c", "PK", "a", "b"]
    expected = Exports(tmp_path).delta(
        written(names, known, suffix), written(names, are, suffix), **options
    )
    assert not found.receipt.sorted
    assert by_id(found) == by_id(expected)
