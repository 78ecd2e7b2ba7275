"""Which columns an export has: those of all its rows, wherever they are."""

from __future__ import annotations

import gzip
import itertools
import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pytest

import airscoop
from airscoop import errors
from support.deltas import Exports, write

PAD = "x" * 90_000  # three such rows are more than the first 256 KiB
Row = dict[str, Any]


@pytest.fixture
def exports(tmp_path: Path) -> Exports:
    return Exports(tmp_path)


class Parts:
    """Exports of several objects."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.numbers = folder, itertools.count()

    def of(self, *texts: str | bytes, suffix: str = ".jsonl") -> list[Path]:
        number = next(self.numbers)
        return [write(self.folder / f"{number}-{n}{suffix}", text) for n, text in enumerate(texts)]


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(tmp_path)


def lines(*rows: Row) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def filled(count: int, first_key: int = 1000) -> list[Row]:
    return [{"PK": first_key + n, "v": PAD} for n in range(count)]


# The guard against other columns


@pytest.mark.parametrize("blank", ["", "\n", " \n\n", "\ufeff", "\ufeff\r\n"])
@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".txt"])
def test_a_column_that_is_gone_is_told_although_the_first_object_is_blank(
    parts: Parts, blank: str, suffix: str
) -> None:
    old = parts.of('{"PK":1,"v":"a","w":5}\n', suffix=suffix)
    new = parts.of(blank, '{"PK":1,"v":"a"}\n', suffix=suffix)
    with pytest.raises(errors.SchemaChanged, match="gone: w;"):
        airscoop.delta(old, new, max_delete_ratio=1.0)
    with pytest.raises(errors.SchemaChanged, match="added: w;"):
        airscoop.delta(new, old, max_delete_ratio=1.0)


def test_members_that_come_after_a_blank_object_are_columns(parts: Parts) -> None:
    old = parts.of('{"PK":1,"v":"a"}\n')
    new = parts.of("", '{"PK":1,"v":"a"}\n', "\n", '{"v":"b","PK":2}\n', "")
    assert [c["row"] for c in airscoop.delta(old, new)] == [{"PK": 2, "v": "b"}]


def test_a_first_row_as_long_as_may_be_has_the_columns(exports: Exports) -> None:
    big = {"PK": 1, "big": "y" * 3_000_000, "w": 1}
    assert exports.ops(lines(big), lines(big, {"PK": 2, "w": 2}), suffix=".jsonl") == ["INSERT 2"]
    with pytest.raises(errors.SchemaChanged, match="gone: w;"):
        exports.delta(
            lines(big), lines({**big, "w": None}).replace(', "w": null', ""), suffix=".jsonl"
        )


def test_a_member_that_comes_late_and_the_other_side_lacks_is_told(exports: Exports) -> None:
    old = lines({"PK": 1, "v": "a"}, *filled(8))
    new = old + lines({"PK": 2, "v": "b", "late": 1})
    with pytest.raises(errors.SchemaChanged, match="added: late;"):
        exports.delta(old, new, suffix=".jsonl")
    with pytest.raises(errors.SchemaChanged, match="gone: late;"):
        exports.delta(new, old, suffix=".jsonl")


def test_an_export_without_a_row_lacks_no_columns(parts: Parts) -> None:
    rows = parts.of("\n", '{"PK":1,"v":"a"}\n')
    none = parts.of("", "\n", "")
    assert [c["op"] for c in airscoop.delta(none, rows)] == ["INSERT"]
    gone = airscoop.delta(rows, none, min_rows=0, max_delete_ratio=1.0)
    assert [c["row"] for c in gone] == [{"PK": 1, "v": "a"}]
    assert list(airscoop.delta(none, none, min_rows=0)) == []
    assert list(airscoop.delta(None, none, min_rows=0)) == []


def test_rows_without_members_are_no_blank_lines(exports: Exports) -> None:
    with pytest.raises(errors.BadRecord, match='the key column "PK" is empty'):
        exports.delta(None, "{}\n{}\n", suffix=".jsonl")


# Members that come late


def late_tables(seed: int) -> tuple[list[Row], list[Row]]:
    """Two tables whose columns turn up here and there, and are told by name where they are."""
    rng = random.Random(seed)
    names = [f"c{n}" for n in range(6)]
    rng.shuffle(names)

    def table(keys: list[int]) -> list[Row]:
        rows = []
        for at, key in enumerate(keys):
            met = names[: 1 + at * len(names) // len(keys)]
            row: Row = {"PK": key}
            row.update(
                {name: rng.choice([None, 1, "a", "", [2]]) for name in rng.sample(met, len(met))}
            )
            rows.append({**row, "pad": "p" * rng.choice([10, 60_000])})
        return rows

    old_keys, new_keys = (rng.sample(range(30), 25) for _ in range(2))
    if rng.random() < 0.5:
        old_keys.sort()
        new_keys.sort()
    return table(old_keys), table(new_keys)


def without_nulls(rows: list[Row]) -> list[Row]:
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def whole(rows: list[Row]) -> list[Row]:
    """Each row names all columns."""
    names = sorted({name for row in rows for name in row})
    return [{name: row.get(name) for name in names} for row in rows]


def in_parts(parts: Parts, rows: list[Row], rng: random.Random) -> list[Path]:
    cuts = sorted(rng.choices(range(len(rows) + 1), k=rng.randrange(4)))
    ends = [0, *cuts, len(rows)]
    return parts.of(*(lines(*rows[a:b]) for a, b in itertools.pairwise(ends)))


def by_id(delta: airscoop.Delta) -> dict[str, Any]:
    return {
        c["id"]: (c["op"], c["key"], c["row"], sorted(c["changed"]) if "changed" in c else None)
        for c in delta
    }


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("duplicates", ["error", "last"])
def test_changes_are_those_of_exports_that_name_all_columns_at_once(
    parts: Parts, seed: int, duplicates: str
) -> None:
    old, new = late_tables(seed)
    sparse_old, sparse_new = without_nulls(old), without_nulls(new)
    options: Any = {"max_delete_ratio": 1.0, "on_duplicates": duplicates, "version": "v"}
    rng = random.Random(seed)
    old_names, new_names = ({n for row in rows for n in row} for rows in (sparse_old, sparse_new))
    if old_names != new_names:
        with pytest.raises(errors.SchemaChanged):
            airscoop.delta(
                in_parts(parts, sparse_old, rng), in_parts(parts, sparse_new, rng), **options
            )
        options["on_schema_change"] = "compare_common"
    late = airscoop.delta(
        in_parts(parts, sparse_old, rng), in_parts(parts, sparse_new, rng), **options
    )
    told = airscoop.delta(
        parts.of(lines(*whole(sparse_old))), parts.of(lines(*whole(sparse_new))), **options
    )
    assert by_id(late) == by_id(told)
    counts = ("old_rows", "new_rows", "inserted", "updated", "deleted", "unchanged")
    assert [getattr(late.receipt, n) for n in counts] == [getattr(told.receipt, n) for n in counts]


def test_rows_before_a_late_member_have_null_there(exports: Exports) -> None:
    rows = [{"PK": 1, "v": "a"}, *filled(8), {"PK": 2, "late": True, "v": "b"}]
    changes = list(exports.delta(None, lines(*rows), suffix=".jsonl"))
    assert changes[0]["row"] == {"PK": 1, "v": "a", "late": None}
    assert changes[-1]["row"] == {"PK": 2, "v": "b", "late": True}
    assert list(changes[-1]["row"]) == ["PK", "v", "late"]


def test_a_member_late_in_one_and_early_in_the_other_is_one_column(exports: Exports) -> None:
    old = lines({"PK": 1, "w": 5, "v": "a"}, {"PK": 2, "v": "b"})
    new = lines({"PK": 1, "v": "a"}, {"PK": 2, "v": "b"}, *filled(8), {"PK": 3, "v": "c", "w": 7})
    changes = [c for c in exports.delta(old, new, suffix=".jsonl") if c["key"]["PK"] < 1000]
    assert [(c["op"], c["row"], c.get("changed")) for c in changes] == [
        ("UPDATE", {"PK": 1, "v": "a", "w": None}, ["w"]),
        ("INSERT", {"PK": 3, "v": "c", "w": 7}, None),
    ]


def test_the_order_of_columns_is_that_of_the_new_export(exports: Exports) -> None:
    """The old one has met `z` long before."""
    old = lines({"z": 1, "PK": 1, "v": "a"})
    new = lines({"PK": 1, "v": "a"}, *filled(8), {"PK": 2, "y": 3, "z": 2})
    delta = exports.delta(old, new, suffix=".jsonl", on_schema_change="compare_common")
    table = pyarrow.table(delta)
    assert [f.name for f in table.schema.field("row").type] == ["PK", "v", "z", "y"]
    assert {tuple(c["row"]) for c in delta} == {("PK", "v", "z", "y")}


def test_common_columns_are_compared_although_they_come_late(exports: Exports) -> None:
    old = lines({"PK": 1, "v": "a", "w": 1, "o": 1}, {"PK": 2, "v": "b", "w": 2, "o": 2})
    new = lines({"PK": 1, "v": "a", "n": 1}, *filled(8), {"PK": 2, "v": "b", "w": 2, "n": 2})
    delta = exports.delta(old, new, suffix=".jsonl", on_schema_change="compare_common")
    changes = [c for c in delta if c["key"]["PK"] < 1000]
    assert [(c["op"], c["row"], c["changed"]) for c in changes] == [
        ("UPDATE", {"PK": 1, "v": "a", "w": None, "n": 1}, ["w"])
    ]
    assert (delta.receipt.updated, delta.receipt.unchanged) == (1, 1)


def test_columns_that_are_told_are_both_exports_whatever_their_rows_show(exports: Exports) -> None:
    old, new = lines({"PK": 1, "v": "a"}), lines({"PK": 1, "v": "a", "w": 2}, {"PK": 2, "v": "b"})
    with pytest.raises(errors.SchemaChanged, match="added: w;"):
        exports.delta(old, new, suffix=".jsonl")
    delta = exports.delta(old, new, suffix=".jsonl", columns=["PK", "w", 'quoted "é", v', "v"])
    assert [(c["op"], c["row"], c.get("changed")) for c in delta] == [
        ("UPDATE", {"PK": 1, "w": 2, 'quoted "é", v': None, "v": "a"}, ["w"]),
        ("INSERT", {"PK": 2, "w": None, 'quoted "é", v': None, "v": "b"}, None),
    ]
    assert (delta.receipt.columns_added, delta.receipt.columns_gone) == ([], [])


@pytest.mark.parametrize("seed", range(5))
def test_telling_the_columns_of_late_members_changes_no_change(parts: Parts, seed: int) -> None:
    old, new = late_tables(seed)
    names = sorted({name for row in [*old, *new] for name in row})
    last = {**dict.fromkeys(names, 1), "PK": 100}  # shows them all
    sides = [
        in_parts(parts, [*without_nulls(rows), last], random.Random(seed)) for rows in (old, new)
    ]
    options: Any = {"max_delete_ratio": 1.0, "version": "v"}
    guessed = airscoop.delta(*sides, **options)
    assert by_id(airscoop.delta(*sides, columns=names, **options)) == by_id(guessed)


def test_a_member_that_was_not_told_is_still_a_column(exports: Exports) -> None:
    old, new = lines({"PK": 1, "v": "a"}), lines({"PK": 1, "v": "a"}, *filled(8), {"PK": 2, "x": 1})
    with pytest.raises(errors.SchemaChanged, match="added: x;"):
        exports.delta(old, new, suffix=".jsonl", columns=["PK", "v"])


@pytest.mark.parametrize("suffix", [".csv", ""])
def test_columns_are_not_told_of_csv_with_a_header(exports: Exports, suffix: str) -> None:
    with pytest.raises(errors.UsageError, match=r"columns names those of JSON lines, and of CSV w"):
        exports.delta("PK,v\n1,a\n", "PK,v\n1,b\n", suffix=suffix, columns=["PK", "v"])


def test_names_of_columns_without_end_are_refused(exports: Exports) -> None:
    rows = (f'{{"PK":{n},"{"n" * 1000}{n}":1}}\n' for n in range(100))
    with pytest.raises(errors.BadRecord, match=r"names of its .* columns have together more than"):
        exports.delta(None, "".join(rows), suffix=".jsonl", max_record_bytes=50_000)


# Objects of CSV without a byte


@pytest.mark.parametrize("empty", ["", "\ufeff", "\n\r\n\r", gzip.compress(b"", mtime=0)])
def test_csv_objects_without_a_row_are_passed_over(parts: Parts, empty: str | bytes) -> None:
    rows = ["PK,v\n1,a\n", "PK,v\n2,b\n"]
    old = parts.of(*rows, suffix=".csv")
    for places in itertools.product([(), (empty,), (empty, empty)], repeat=3):
        new = parts.of(*places[0], rows[0], *places[1], rows[1], *places[2], suffix=".csv")
        delta = airscoop.delta(old, new)
        assert (delta.receipt.unchanged, delta.receipt.new_rows) == (2, 2)
    with pytest.raises(errors.SchemaChanged, match="of the same export"):
        airscoop.delta(None, parts.of(empty, rows[0], empty, "PK,w\n2,b\n", suffix=".csv"))


def test_csv_of_no_bytes_at_all_has_no_header(parts: Parts) -> None:
    with pytest.raises(errors.BadRecord, match=r"0-0\.csv: line 1 \(byte 0\): there is no header"):
        airscoop.delta(None, parts.of("", suffix=".csv"), min_rows=0)
    with pytest.raises(errors.BadRecord, match=r"1-0\.csv and 1 more: .*there is no header row"):
        airscoop.delta(None, parts.of("", "", suffix=".csv"), min_rows=0)


def test_an_empty_object_has_no_format(parts: Parts) -> None:
    new = parts.of("", '{"PK":1}\n', "", suffix=".part")
    assert [c["row"] for c in airscoop.delta(None, new)] == [{"PK": 1}]


# Many columns


def sparse(count: int, salt: str) -> str:
    """Each row has a column of its own: rows with all their NULLs are longer than they are."""
    return "".join(f'{{"PK":{n},"c{n}":"{salt}"}}\n' for n in range(count))


def test_rows_of_few_members_of_many_columns_are_taken_in_pieces(exports: Exports) -> None:
    count = 6000
    delta = exports.delta(sparse(count, "a"), sparse(count, "b"), suffix=".jsonl")
    receipt = delta.receipt
    assert (receipt.updated, receipt.old_rows, receipt.new_rows) == (count, count, count)
    change = next(iter(delta))
    assert (change["key"], change["changed"], len(change["row"])) == ({"PK": 0}, ["c0"], count + 1)


def scattered(seed: int, count: int = 60, width: int = 400) -> list[Row]:
    """Rows with members here and there, in runs, all or none: NULLs in runs of all lengths."""
    rng = random.Random(seed)
    names = [f"c{n}" for n in range(width)]
    rows = []
    for key in rng.sample(range(count * 2), count):
        kind = rng.randrange(4)
        first = rng.randrange(width)
        given = (
            rng.sample(names, rng.choice([0, 1, 2, 5]))
            if kind == 0
            else names[first : first + rng.choice([1, 63, 64, 65, 200])]
            if kind == 1
            else names[:: rng.choice([1, 2, 63, 64, 65, 66])]
            if kind == 2
            else names[-1:]
        )
        row: Row = {name: rng.choice([1, "a", "", "b,c", '"', [2], None]) for name in given}
        row["PK"] = key
        members = list(row.items())
        rng.shuffle(members)
        rows.append(dict(members))
    return rows


def expected_changes(old: list[Row], new: list[Row], common: set[str]) -> set[tuple[Any, ...]]:
    """As `by_key` says them, from dicts."""
    before, now = ({row["PK"]: row for row in rows} for rows in (old, new))
    own = [{name for row in rows for name in row} for rows in (old, new)]

    def said(op: str, key: int, row: Row, names: set[str], changed: Any = None) -> tuple[Any, ...]:
        return (op, key, json.dumps({n: row.get(n) for n in sorted(names)}), changed)

    changes = {said("DELETE", key, before[key], own[0]) for key in before.keys() - now.keys()}
    changes |= {said("INSERT", key, now[key], own[1]) for key in now.keys() - before.keys()}
    for key in before.keys() & now.keys():
        changed = sorted(n for n in common if before[key].get(n) != now[key].get(n))
        if changed:
            changes.add(said("UPDATE", key, now[key], own[1], tuple(changed)))
    return changes


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("duplicates", ["error", "last"])
@pytest.mark.parametrize("numbered", [True, False])
def test_rows_with_few_of_many_columns_are_told_as_they_are(
    parts: Parts, seed: int, duplicates: Any, numbered: bool
) -> None:
    old, new = scattered(seed), scattered(seed + 1000)
    new += [row for row in old if row["PK"] % 3 == 0 and row["PK"] not in {r["PK"] for r in new}]
    if numbered:
        old.sort(key=lambda row: row["PK"])
        new.sort(key=lambda row: row["PK"])
    rng = random.Random(seed)
    delta = airscoop.delta(
        in_parts(parts, old, rng),
        in_parts(parts, new, rng),
        max_delete_ratio=1.0,
        on_duplicates=duplicates,
        on_schema_change="compare_common",
    )
    common = {n for row in old for n in row} & {n for row in new for n in row}
    found = {
        (
            c["op"],
            c["key"]["PK"],
            json.dumps(c["row"], sort_keys=True),
            tuple(sorted(c["changed"])) if "changed" in c else None,
        )
        for c in delta
    }
    assert found == expected_changes(old, new, common)
    assert delta.receipt.inserted + delta.receipt.updated + delta.receipt.deleted == len(found)


def test_the_longest_change_of_many_columns_is_as_long_as_it_may_be(
    exports: Exports, tmp_path: Path
) -> None:
    """The length that is told without writing the changes is that of what is written."""
    names = [f'a "long" näme {n}' for n in range(300)]
    texts = [
        lines({"PK": 1, **{n: [salt, '"'] for n in names}}, {"PK": 2, names[7]: salt}, {"PK": 3})
        for salt in ("x", "y")
    ]
    out = tmp_path / "changes.jsonl"
    exports.delta(*texts, suffix=".jsonl").write(out)
    longest = max(len(line) for line in out.read_bytes().splitlines(keepends=True))
    exports.delta(*texts, suffix=".jsonl", max_record_bytes=longest)
    with pytest.raises(errors.BadRecord, match=rf"change of PK=1 has {longest} bytes .* 301 col"):
        exports.delta(*texts, suffix=".jsonl", max_record_bytes=longest - 1)


def processor_seconds(compare: Callable[[], object]) -> float:
    begun = time.process_time()
    compare()
    return time.process_time() - begun


def test_time_grows_as_the_members_do_where_each_row_has_a_column_of_its_own(
    exports: Exports,
) -> None:
    """By the processor's time: with rows times columns, eight times as many would be 64 times."""

    def seconds(count: int) -> float:
        old, new = sparse(count, "a"), sparse(count - 1, "a") + '{"PK":-1}\n'
        return processor_seconds(
            lambda: exports.delta(old, new, suffix=".jsonl", on_schema_change="compare_common")
        )

    assert seconds(32_000) < 30 * max(seconds(4_000), 0.03)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_time_grows_as_the_columns_do(exports: Exports, suffix: str) -> None:
    """By the processor's time: with the square, eight times the columns would be 64 times that."""

    def seconds(count: int) -> float:
        row: Row = {"PK": 1} | {f"c{n}": f"v{n}" for n in range(count)}
        texts = [
            lines({**row, "c1": value})
            if suffix == ".jsonl"
            else ",".join(row) + "\n" + ",".join(map(str, {**row, "c1": value}.values())) + "\n"
            for value in ("x", "y")
        ]

        def compare() -> None:
            delta = exports.delta(*texts, suffix=suffix, max_record_bytes=64 << 20)
            assert next(iter(delta))["changed"] == ["c1"]

        return processor_seconds(compare)

    assert seconds(80_000) < 30 * max(seconds(10_000), 0.02)
