"""airscoop.delta: what changed between two exports, and what each kind of bad export gets."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors
from airscoop.cli import main
from support.deltas import MIB, NEW, OLD, Exports, shuffled, write


@pytest.fixture
def exports(tmp_path: Path) -> Exports:
    return Exports(tmp_path)


def test_the_delta_has_inserts_updates_and_deletes(exports: Exports) -> None:
    changes = {c["key"]["PK"]: c for c in exports.delta(OLD, NEW)}
    assert {k: c["op"] for k, c in changes.items()} == {"2": "DELETE", "3": "UPDATE", "4": "INSERT"}
    assert changes["2"]["row"] == {"PK": "2", "name": "Bob", "city": "Rome"}
    assert changes["3"]["row"] == {"PK": "3", "name": "Cy", "city": "Paris"}
    assert changes["3"]["changed"] == ["city"]
    assert "changed" not in changes["2"]
    assert "changed" not in changes["4"]


def test_the_receipt_counts_every_row(exports: Exports) -> None:
    delta = exports.delta(OLD, NEW)
    receipt = delta.receipt
    assert (receipt.old_rows, receipt.new_rows) == (3, 3)
    assert (receipt.inserted, receipt.updated, receipt.deleted, receipt.unchanged) == (1, 1, 1, 1)
    assert receipt.sorted
    assert len(delta) == 3
    assert json.loads(json.dumps(receipt.to_dict()))["diagnostics"]["key"] == ["PK"]
    assert "1 inserted, 1 updated, 1 deleted, 1 unchanged; updated: 33.3 %" in receipt.summary()


def test_the_receipt_says_which_columns_changed(exports: Exports) -> None:
    old = "PK,a,b,t\n" + "".join(f'{n},x,"y,y",1\n' for n in range(5000))
    new = "t,PK,b,a\n" + "".join(f'2,{n},"y,{"z" if n < 3 else "y"}",x\n' for n in range(5000))
    receipt = exports.delta(old, new).receipt
    assert list((receipt.updated_columns or {}).items()) == [("t", 5000), ("b", 3)]
    assert "; updated: 100.0 % of the rows before, in t 5,000, b 3, " in receipt.summary()
    assert exports.delta(old, old).receipt.updated_columns == {}
    assert exports.delta(None, new).receipt.updated_columns == {}


def test_more_updates_than_approved_are_suspect(exports: Exports) -> None:
    message = r"changes 1 of 3 rows.* 33\.3 %.*city \(1 rows\)"
    with pytest.raises(errors.SuspectExport, match=message):
        exports.delta(OLD, NEW, max_update_ratio=0.3)
    assert exports.delta(OLD, NEW, max_update_ratio=0.34).receipt.updated == 1
    for value in (1.5, -0.1, float("nan"), "x"):
        with pytest.raises(errors.UsageError, match="max_update_ratio"):
            exports.delta(OLD, NEW, max_update_ratio=value)


def test_the_receipt_of_what_is_written_counts_the_changes(
    exports: Exports, tmp_path: Path
) -> None:
    written = exports.delta(OLD, NEW).write(tmp_path / "changes.jsonl.gz")
    assert (written.records_in, written.records_out, written.format) == (3, 3, "jsonl")


def test_the_error_asks_for_the_delimiter(exports: Exports) -> None:
    with pytest.raises(errors.UsageError, match=r"its columns are PK;v: is the delimiter ';'\?"):
        exports.delta(None, "PK;v\n1;a\n")


def test_without_an_old_export_every_row_is_an_insert(exports: Exports) -> None:
    assert exports.ops(None, NEW) == ["INSERT 1", "INSERT 3", "INSERT 4"]


def test_an_old_export_with_a_header_and_no_rows_is_fine(exports: Exports) -> None:
    assert exports.ops("PK,name,city\n", NEW) == ["INSERT 1", "INSERT 3", "INSERT 4"]


def test_equal_exports_have_no_changes_and_the_delta_is_still_true(exports: Exports) -> None:
    delta = exports.delta(OLD, OLD)
    assert list(delta) == []
    assert delta
    assert delta.receipt.unchanged == 3


def test_a_delta_is_iterated_again_from_its_first_change(exports: Exports) -> None:
    delta = exports.delta(OLD, NEW)
    assert list(delta) == list(delta) != []


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".txt", ".txt.gz"])
def test_csv_is_known_by_name_or_content(exports: Exports, suffix: str) -> None:
    assert exports.ops(OLD, NEW, suffix=suffix) == ["DELETE 2", "INSERT 4", "UPDATE 3"]


JSON_OLD = '{"PK": 1, "a": "x"}\n{"PK": 2, "a": {"b": [1, 2]}}\n{"PK": 3, "a": null}\n'
JSON_NEW = '{"a": "x", "PK": 1}\n{"PK": 2, "a": {"b":[1,2]}}\n{"PK": 3, "a": 1.50}\n{"PK": 4}\n'


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".json", ".ndjson", ".txt"])
def test_json_lines_are_known_by_name_or_content(exports: Exports, suffix: str) -> None:
    assert exports.ops(JSON_OLD, JSON_NEW, suffix=suffix) == ["INSERT 4", "UPDATE 3"]


def test_json_values_keep_their_types(exports: Exports) -> None:
    changes = list(exports.delta(JSON_OLD, JSON_NEW, suffix=".jsonl"))
    update = next(c for c in changes if c["op"] == "UPDATE")
    assert update["key"] == {"PK": 3}
    assert update["row"] == {"PK": 3, "a": 1.5}
    assert next(c for c in changes if c["op"] == "INSERT")["row"] == {"PK": 4, "a": None}


def test_a_json_string_is_not_the_number_that_looks_like_it(exports: Exports) -> None:
    old, new = '{"PK": "a", "n": 1}\n', '{"PK": "a", "n": "1"}\n'
    assert exports.ops(old, new, suffix=".jsonl") == ["UPDATE a"]


def test_escapes_in_json_do_not_make_a_difference(exports: Exports) -> None:
    old, new = '{"PK": "\\u0061", "n": "\\ud83d\\ude00\\/"}\n', '{"PK": "a", "n": "😀/"}\n'
    assert exports.ops(old, new, suffix=".jsonl") == []


def test_the_format_can_be_given(exports: Exports) -> None:
    with pytest.raises(errors.BadRecord, match=r"new\.txt: line 1 "):
        exports.delta(None, "PK\n1\n", suffix=".txt", format="jsonl")
    with pytest.raises(errors.UsageError, match='format cannot be "xml"'):
        exports.delta(None, "PK\n1\n", format="xml")


def test_two_formats_are_not_compared(tmp_path: Path) -> None:
    old, new = write(tmp_path / "a.csv", OLD), write(tmp_path / "b.jsonl", JSON_NEW)
    with pytest.raises(errors.UsageError, match=r"a\.csv is CSV, .*b\.jsonl is JSON lines"):
        airscoop.delta(old, new)


def test_other_formats_are_refused_by_name(exports: Exports) -> None:
    with pytest.raises(errors.UnsupportedFormat, match=r"new\.csv: zip data"):
        exports.delta(None, b"PK\x03\x04\x14\x00\x00\x00\x08\x00\x00")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_each_kind_of_line_end_gives_the_same_changes(exports: Exports, end: str) -> None:
    new = NEW.replace("\n", end)
    assert exports.ops(OLD, new) == ["DELETE 2", "INSERT 4", "UPDATE 3"]
    assert exports.ops(None, end + new) == ["INSERT 1", "INSERT 3", "INSERT 4"]


def test_a_carriage_return_inside_quotes_is_data(exports: Exports) -> None:
    (change,) = exports.delta(None, 'PK,v\r1,"a\rb\r\nc"\r')
    assert change["row"] == {"PK": "1", "v": "a\rb\r\nc"}


# Keys


def test_any_column_can_be_the_key(exports: Exports) -> None:
    assert exports.ops(OLD, NEW, key=["name"]) == ["DELETE Bob", "INSERT Di", "UPDATE Cy"]


def test_a_key_may_have_several_columns(exports: Exports) -> None:
    old = "a,b,v\n1,1,x\n1,2,x\n"
    new = "a,b,v\n1,1,x\n1,2,y\n11,2,x\n1,12,x\n"
    assert exports.ops(old, new, key=["a", "b"]) == ["INSERT 1,12", "INSERT 11,2", "UPDATE 1,2"]


def test_parts_of_a_key_do_not_run_into_each_other(exports: Exports) -> None:
    old, new = "a,b\nx,yz\n", "a,b\nxy,z\n"
    assert exports.ops(old, new, key=["a", "b"]) == ["DELETE x,yz", "INSERT xy,z"]


def test_a_key_that_is_no_column_is_named(exports: Exports) -> None:
    with pytest.raises(errors.UsageError, match=r'"id" is no column of .*; its columns are PK, na'):
        exports.delta(OLD, NEW, key=["id"])


@pytest.mark.parametrize("row", [",x,y", '"",x,y'])
def test_an_empty_key_is_an_error_with_its_place(exports: Exports, row: str) -> None:
    with pytest.raises(errors.BadRecord, match=r'new\.csv: line 5 \(byte 45\): .*"PK" is empty'):
        exports.delta(OLD, NEW + row + "\n")


@pytest.mark.parametrize("name", ["key", "version", "temp_dir"])
def test_a_text_with_a_nul_character_is_refused(name: str, exports: Exports) -> None:
    """Behind it libscoop would see nothing: "PK\\0junk" was PK."""
    later: dict[str, Any] = {name: "\0" if name != "key" else ["PK", "\0"]}
    with pytest.raises(errors.UsageError, match=f"{name} holds a NUL character"):
        exports.delta(OLD, NEW, **{name: "PK\0junk"})
    with pytest.raises(errors.UsageError, match=rf"{name}(\[1\])? holds a NUL character"):
        exports.delta(OLD, NEW, **later)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("duplicates", ["error", "last"])
def test_a_part_of_a_key_may_be_empty_where_that_is_allowed(
    exports: Exports, shuffle: bool, duplicates: str
) -> None:
    """NULL and the empty text are two keys, also where rows are matched by their hashes."""
    rows = ["1,,a\n", '1,"",b\n', ",1,c\n", "1,1,d\n"]
    old = "k,l,v\n" + "".join(reversed(rows) if shuffle else rows)
    new = old.replace(",b", ",x").replace("1,,a\n", "").replace(",1,c", '"",1,c')
    options: dict[str, Any] = {"key": ["k", "l"], "on_duplicates": duplicates}
    with pytest.raises(errors.BadRecord, match=r'the key column "[kl]" is empty'):
        exports.delta(old, new, **options)
    changes = [
        (c["op"], c["key"]) for c in exports.delta(old, new, on_empty_key="allow", **options)
    ]
    assert sorted(changes, key=str) == [
        ("DELETE", {"k": "1", "l": None}),
        ("DELETE", {"k": None, "l": "1"}),
        ("INSERT", {"k": "", "l": "1"}),
        ("UPDATE", {"k": "1", "l": ""}),
    ]


def test_a_key_is_never_empty_as_a_whole(exports: Exports) -> None:
    with pytest.raises(errors.BadRecord, match='the key column "k" is empty'):
        exports.delta(None, 'k,l,v\n,"",a\n', key=["k", "l"], on_empty_key="allow")
    with pytest.raises(errors.BadRecord, match='the key column "PK" is empty'):
        exports.delta(None, "PK,v\n,a\n", on_empty_key="allow")
    with pytest.raises(errors.UsageError, match='on_empty_key cannot be "yes"'):
        exports.delta(None, "PK,v\n1,a\n", on_empty_key="yes")


def test_a_member_of_a_key_may_be_null_where_that_is_allowed(exports: Exports) -> None:
    old, new = '{"a":1,"v":1}\n{"a":1,"b":"","v":2}\n', '{"a":1,"b":"","v":3}\n'
    options: dict[str, Any] = {"key": ["a", "b"], "on_empty_key": "allow", "suffix": ".jsonl"}
    changes = [(c["op"], c["key"]) for c in exports.delta(old, new, **options)]
    assert sorted(changes, key=str) == [
        ("DELETE", {"a": 1, "b": None}),
        ("UPDATE", {"a": 1, "b": ""}),
    ]


def test_a_key_is_needed_and_given_once(exports: Exports) -> None:
    with pytest.raises(errors.UsageError, match="at least one key"):
        exports.delta(OLD, NEW, key=[])
    with pytest.raises(errors.UsageError, match='"PK" is given twice'):
        exports.delta(OLD, NEW, key=["PK", "PK"])


# The same key twice


DUPLICATED = "PK,v\n1,a\n2,b\n2,c\n3,d\n"
SHUFFLED_DUPLICATES = "PK,v\n3,d\n2,b\n1,a\n2,c\n"


@pytest.mark.parametrize("new", [DUPLICATED, SHUFFLED_DUPLICATES])
def test_a_key_twice_is_an_error_with_an_example(exports: Exports, new: str) -> None:
    line = 1 + new.splitlines().index("2,c")
    with pytest.raises(errors.DuplicateKey, match=rf"1 rows .*PK=2 on line {line} of .*new\.csv"):
        exports.delta("PK,v\n1,a\n2,b\n", new)


@pytest.mark.parametrize("old", [DUPLICATED, SHUFFLED_DUPLICATES])
def test_a_key_twice_in_the_old_export_is_an_error_too(exports: Exports, old: str) -> None:
    with pytest.raises(errors.DuplicateKey, match=r'old\.csv; .*on_duplicates="last"'):
        exports.delta(old, "PK,v\n1,a\n2,b\n3,d\n")


def test_a_key_again_after_both_sides_were_settled_is_an_error(exports: Exports) -> None:
    # Sorted at first: 1 and 2 are merged and forgotten before the order breaks.
    new = "PK,v\n" + "".join(f"{n},x\n" for n in range(100_000, 160_000)) + "100001,y\n"
    with pytest.raises(errors.DuplicateKey, match="PK=100001 on line 60002"):
        exports.delta("PK,v\n" + "".join(f"{n},x\n" for n in range(100_000, 160_000)), new)


def test_a_key_twice_in_both_exports_far_apart_is_an_error_too(exports: Exports) -> None:
    rows = [f"{n ^ 7},{'v' * 200}\n" for n in range(60_000)]
    text = "PK,v\n" + "".join([*rows[:40_000], rows[9], *rows[40_000:]])
    with pytest.raises(errors.DuplicateKey, match="2 rows have a key that an") as raised:
        exports.delta(text, text, memory_limit=16 * MIB)
    # Both pairs were settled and forgotten before anyone knew.
    assert "of their export has; which is not known any more" in str(raised.value)


def test_the_later_row_is_told_after_the_order_broke(exports: Exports) -> None:
    rows = [f"{n:06},{'v' * 40}\n" for n in range(60_000)]
    old = "PK,v\n" + "".join([*rows, "00000a,x\n", rows[50]])  # the first of them breaks the order
    new = "PK,v\n" + "".join([*rows[:50], *rows[51:]])
    with pytest.raises(errors.DuplicateKey, match="PK=000050 on line 60003 of"):
        exports.delta(old, new)


def test_at_most_three_examples_are_shown(exports: Exports) -> None:
    rows = "".join(f"{n},x\n" for n in (1, 1, 2, 2, 3, 3, 4, 4, 5, 5))
    with pytest.raises(errors.DuplicateKey) as caught:
        exports.delta(None, "PK,v\n" + rows)
    assert str(caught.value).startswith("5 rows have a key")
    assert str(caught.value).count(" on line ") == 3


@pytest.mark.parametrize("new", [DUPLICATED, SHUFFLED_DUPLICATES])
def test_the_last_duplicate_counts_if_asked(exports: Exports, new: str) -> None:
    old = "PK,v\n1,a\n2,old\n2,c\n"
    delta = exports.delta(old, new, on_duplicates="last")
    assert [(c["op"], c["key"]["PK"]) for c in delta] == [("INSERT", "3")]
    receipt = delta.receipt
    assert (receipt.old_duplicates, receipt.new_duplicates, receipt.unchanged) == (1, 1, 2)
    assert "2 duplicates" in receipt.summary()


# Columns


def test_columns_are_compared_by_name(exports: Exports) -> None:
    new = "city,PK,name\nBern,1,Ann\nOslo,3,Cyril\n"
    changes = list(exports.delta(OLD, new))
    assert [(c["op"], c["key"]["PK"], c.get("changed")) for c in changes] == [
        ("UPDATE", "3", ["name"]),
        ("DELETE", "2", None),
    ]
    assert changes[0]["row"] == {"city": "Oslo", "PK": "3", "name": "Cyril"}


def test_a_column_added_or_gone_is_an_error_that_names_it(exports: Exports) -> None:
    with pytest.raises(errors.SchemaChanged, match=r'added: zip; gone: city; .*="all"'):
        exports.delta(OLD, "PK,name,zip\n1,Ann,3000\n")


def test_common_columns_are_compared_if_asked_and_rows_stay_whole(exports: Exports) -> None:
    new = "PK,zip,name\n1,3000,Ann\n3,75000,Cyril\n4,1,Di\n"
    changes = {
        c["key"]["PK"]: c for c in exports.delta(OLD, new, on_schema_change="compare_common")
    }
    assert sorted(changes) == ["2", "3", "4"]
    assert changes["3"]["changed"] == ["name"]
    assert changes["3"]["row"] == {"PK": "3", "name": "Cyril", "zip": "75000"}
    assert changes["4"]["row"] == {"PK": "4", "name": "Di", "zip": "1"}
    assert changes["2"]["row"] == {"PK": "2", "name": "Bob", "city": "Rome"}


# CSV as exports write it


def test_quoted_newlines_commas_and_quotes_are_data(exports: Exports) -> None:
    old = 'PK,a\n1,"x\ny, ""z"""\n2,b\n'
    delta = exports.delta(None, old)
    assert [c["row"]["a"] for c in delta] == ['x\ny, "z"', "b"]


def test_quotes_that_are_not_needed_make_no_difference(exports: Exports) -> None:
    assert exports.ops(OLD, OLD.replace("Ann", '"Ann"').replace("\n2,", '\n"2",')) == []


def test_crlf_and_lf_are_the_same(exports: Exports) -> None:
    assert exports.ops(OLD, OLD.replace("\n", "\r\n")) == []
    quoted = 'PK,a\r\n"1","x"\r\n'
    assert exports.ops("PK,a\n1,x\n", quoted) == []


def test_a_byte_order_mark_is_not_part_of_the_first_name(exports: Exports) -> None:
    assert exports.ops(OLD, "\ufeff" + OLD) == []
    assert exports.ops(JSON_OLD, "\ufeff" + JSON_OLD, suffix=".jsonl") == []


def test_null_and_the_empty_string_differ(exports: Exports) -> None:
    changes = list(exports.delta("PK,a,b\n1,,\n2,x,\n", 'PK,a,b\n1,"",\n2,x,\n'))
    assert [(c["row"]["a"], c["changed"]) for c in changes] == [("", ["a"])]
    assert exports.ops('PK,a\n1,""\n', "PK,a\n1,\n") == ["UPDATE 1"]


def test_a_last_row_without_a_newline_is_a_row(exports: Exports) -> None:
    assert exports.ops(OLD, OLD.rstrip("\n")) == []
    assert exports.ops('PK,a\n1,"x"\n', 'PK,a\n1,"x"') == []


def test_blank_lines_are_no_rows(exports: Exports) -> None:
    assert exports.ops(OLD, OLD.replace("\n2", "\n\n\r\n2") + "\n\n") == []


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1,Ann\n", r"line 2 \(byte 13\): the row has 2 values, the header names 3"),
        ("1,Ann,Bern,x\n", r"line 2 \(byte 13\): the row has more than 3 values"),
        ('1,An"n,Bern\n', r"line 2 \(byte 17\): a quote inside a value"),
        ('1,"Ann"x,Bern\n', r"line 2 \(byte 20\): text follows the closing quote"),
        ('1,"a\nb",c\n2,"Ann,Bern\n', r"line 4 \(byte 25\): a quoted value is not closed"),
        ("1,a,b\n2,\udcff,b\n", r"line 3 \(byte 21\): the text is not UTF-8"),
    ],
)
def test_a_broken_row_is_an_error_with_line_and_byte(
    exports: Exports, rows: str, message: str
) -> None:
    text = ("PK,name,city\n" + rows).encode(errors="surrogateescape")
    with pytest.raises(errors.BadRecord, match=r"new\.csv: " + message):
        exports.delta(OLD, text)


def test_a_header_is_needed_and_its_names_may_be_repeated(exports: Exports) -> None:
    with pytest.raises(errors.BadRecord, match="there is no header row"):
        exports.delta(OLD, "")
    (change,) = exports.delta(None, "PK,a,a,\n1,x,y,z\n")
    assert change["row"] == {"PK": "1", "a": "x", "a_2": "y", "column_4": "z"}


def test_a_truncated_gzip_is_an_error(tmp_path: Path) -> None:
    old, new = write(tmp_path / "old.csv.gz", OLD), tmp_path / "new.csv.gz"
    new.write_bytes(gzip.compress(NEW.encode())[:-9])
    with pytest.raises(errors.Truncated, match=r"new\.csv\.gz"):
        airscoop.delta(old, new)


def test_rows_longer_than_a_block_pass_up_to_the_limit(exports: Exports) -> None:
    value = "x," * (400 * 1024)
    old, new = f'PK,a\n1,"{value}"\n2,b\n', f'PK,a\n1,"{value}y"\n2,b\n'
    assert exports.ops(old, new) == ["UPDATE 1"]
    with pytest.raises(errors.BadRecord, match=r"line 2 .*max_record_bytes, 300000"):
        exports.delta(None, new, max_record_bytes=300_000)


# Exports that were cut short


def test_a_new_export_without_rows_is_refused(exports: Exports) -> None:
    with pytest.raises(errors.SuspectExport, match=r"0 rows, fewer than min_rows, 1; .*min_rows"):
        exports.delta(OLD, "PK,name,city\n")
    assert exports.ops(OLD, "PK,name,city\n", min_rows=0) == ["DELETE 1", "DELETE 2", "DELETE 3"]


def test_too_many_deletes_are_refused(exports: Exports) -> None:
    with pytest.raises(errors.SuspectExport, match=r"lacks 1 of 3 rows: deletes of 33\.3 %"):
        exports.delta(OLD, NEW, max_delete_ratio=0.3)
    assert exports.delta(OLD, NEW, max_delete_ratio=0.34).receipt.deleted == 1


def test_a_third_is_more_than_the_default_allows(tmp_path: Path) -> None:
    old, new = write(tmp_path / "old.csv", OLD), write(tmp_path / "new.csv", NEW)
    with pytest.raises(errors.SuspectExport, match=r"max_delete_ratio, 0\.3; .*approve"):
        airscoop.delta(old, new)


def test_a_floor_of_rows_can_be_set(exports: Exports) -> None:
    with pytest.raises(errors.SuspectExport, match="has 3 rows, fewer than min_rows, 4"):
        exports.delta(OLD, NEW, min_rows=4)


@pytest.mark.parametrize("value", [-0.1, 1.5, float("nan")])
def test_a_ratio_is_a_part_of_a_whole(exports: Exports, value: float) -> None:
    with pytest.raises(errors.UsageError, match="max_delete_ratio"):
        exports.delta(OLD, NEW, max_delete_ratio=value)


# Ids


def test_ids_depend_on_the_change_and_the_version_only(exports: Exports) -> None:
    def ids(old: str, new: str, **options: Any) -> set[str]:
        return {c["id"] for c in exports.delta(old, new, **options)}

    expected = ids(OLD, NEW)
    assert len(expected) == 3
    assert ids(OLD, NEW, suffix=".csv.gz") == expected
    reordered = "city,PK,name\nParis,3,Cy\nLima,4,Di\nBern,1,Ann\n"
    assert ids(OLD, reordered) == expected
    assert not ids(OLD, NEW, version="20201231_V0001") & expected


def test_an_id_is_the_hash_that_the_documentation_says(exports: Exports) -> None:
    import hashlib

    changes = {
        str(c["op"]): c for c in exports.delta(OLD, NEW.replace("Di", '"Dé ""q"""'), version="v")
    }
    rows = {
        "INSERT": 'S1:4S4:LimaS6:Dé "q"',
        "DELETE": "S1:2S4:RomeS3:Bob",
        "UPDATE": "S1:3S5:ParisS2:Cy\nS1:3S4:OsloS2:Cy",
    }
    for op, row in rows.items():
        text = f"v\n{op}\n{row}".encode()
        assert changes[op]["id"] == hashlib.sha256(text).hexdigest()[:32]


# Writing


def test_the_changes_are_written_as_json_lines(exports: Exports) -> None:
    delta = exports.delta(OLD, NEW)
    plain, packed = exports.folder / "out.jsonl", exports.folder / "out.jsonl.gz"
    receipt = delta.write(plain)
    delta.write(packed)
    assert receipt.destination == str(plain)
    assert [json.loads(line) for line in plain.read_text().splitlines()] == list(delta)
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()


def test_control_characters_are_escaped(exports: Exports) -> None:
    value = "".join(map(chr, range(1, 0x20))).replace("\r", "").replace("\n", "") + '\\/"é\x7f'
    quoted = value.replace('"', '""')
    assert [c["row"]["a"] for c in exports.delta(None, f'PK,a\n1,"{quoted}"\n')] == [value]


# The command line


def test_arrow_has_the_same_changes_for_pyarrow_polars_and_duckdb(exports: Exports) -> None:
    import duckdb
    import polars
    import pyarrow

    old = 'b,PK,"a é",k2,gone\n1,x,,1,g\n2,y,"",1,g\n3,z,"q""\n,",1,g\n'
    new = 'PK,"a é",b,k2,added\nx,new,1,1,\nz,"q""\n,",3,1,n\nw,ü,"",1,"n,n"\n'
    delta = exports.delta(old, new, key=["PK", "k2"], on_schema_change="compare_common")
    columns = ["PK", "a é", "added", "b", "gone", "k2"]
    expected: list[dict[str, Any]] = [
        {
            **change,
            "row": {name: change["row"].get(name) for name in columns},
            "changed": change.get("changed"),
        }
        for change in delta
    ]
    for change in expected:
        assert change.pop("format") == "csv"  # Arrow has texts only
    assert sorted(change["op"] for change in expected) == ["DELETE", "INSERT", "UPDATE"]
    assert pyarrow.table(delta).to_pylist() == expected
    assert polars.DataFrame(delta).to_dicts() == expected
    relation = duckdb.sql("SELECT * FROM delta")
    assert relation is not None
    found = relation.fetchall()
    assert [dict(zip(expected[0], row, strict=False))["op"] for row in found] == [
        change["op"] for change in expected
    ]
    assert [(row[1], row[2]) for row in found] == [(one["key"], one["row"]) for one in expected]
    assert pyarrow.table(exports.delta(new, new, key=["PK"])).num_rows == 0


def test_arrow_gives_many_changes_in_batches_and_again(exports: Exports) -> None:
    import pyarrow

    text = shuffled(100_000, seed=1, width=100)
    delta = exports.delta(None, text, memory_limit=16 * MIB)
    for _ in range(2):
        table = pyarrow.table(delta)
        table.validate(full=True)
        assert table.column("id").num_chunks > 1
        assert table.column("id").to_pylist() == [change["id"] for change in delta]


def test_the_command_prints_changes_and_a_receipt(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    old, new = write(tmp_path / "old.csv.gz", OLD), write(tmp_path / "new.csv.gz", NEW)
    command = ["delta", str(old), str(new), "--key", "PK", "--max-delete-ratio", "0.5"]
    assert main([*command, "--out", "-"]) == 0
    output = capfd.readouterr()
    assert [json.loads(line)["op"] for line in output.out.splitlines()] == [
        "UPDATE",
        "DELETE",
        "INSERT",
    ]
    assert "1 inserted, 1 updated, 1 deleted" in output.err
    assert main([*command, "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["new_rows"] == 3


def test_the_command_takes_no_old_export(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    new = write(tmp_path / "new.csv", NEW)
    assert main(["delta", "-", str(new), "--out", str(tmp_path / "out.jsonl")]) == 0
    assert "3 inserted" in capfd.readouterr().out
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 3


def test_a_suspect_export_is_bad_data_for_the_command_and_writes_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    old, new = write(tmp_path / "old.csv", OLD), write(tmp_path / "new.csv", "PK,name,city\n")
    assert main(["delta", str(old), str(new), "--out", str(tmp_path / "out.jsonl")]) == 3
    assert "SuspectExport" in capfd.readouterr().err
    assert not (tmp_path / "out.jsonl").exists()


def test_a_local_delta_loads_nothing_heavy(tmp_path: Path) -> None:
    old, new = write(tmp_path / "old.csv", OLD), write(tmp_path / "new.csv", NEW)
    code = (
        "import sys, airscoop;"
        f"airscoop.delta({str(old)!r}, {str(new)!r}, max_delete_ratio=1.0);"
        "print({'airflow', 'botocore', 'boto3', 'tqdm', 'sqlglot'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr


def test_a_cancelled_comparison_raises_cancelled(exports: Exports) -> None:
    old = write(exports.folder / "old.csv", OLD)
    job = airscoop.DeltaJob(old, old)
    job.cancel()
    with pytest.raises(errors.Cancelled):
        job.run()


def test_a_comparison_runs_once(exports: Exports) -> None:
    old = write(exports.folder / "old.csv", OLD)
    job = airscoop.DeltaJob(old, old)
    job.run()
    with pytest.raises(errors.UsageError, match="runs once"):
        job.run()


# --- an export of several objects ---


class Parts:
    """Files that are one export."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def of(self, *texts: str, suffix: str = ".csv") -> list[Path]:
        self.count += 1
        return [
            write(self.folder / f"{self.count}-{n}{suffix}", text) for n, text in enumerate(texts)
        ]


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(tmp_path)


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz"])
def test_objects_of_one_export_are_read_one_after_the_other(parts: Parts, suffix: str) -> None:
    old = parts.of("PK,v\n1,a\n2,b\n", "PK,v\n3,c", "PK,v\n", "PK,v\r\n4,d\r\n", suffix=suffix)
    new = parts.of("PK,v\n1,a\n", "\ufeffPK,v\n2,B\n4,d\n5,e", suffix=suffix)
    delta = airscoop.delta(old, new, max_delete_ratio=1)
    assert {(c["op"], c["key"]["PK"]) for c in delta} == {
        ("UPDATE", "2"),
        ("DELETE", "3"),
        ("INSERT", "5"),
    }
    receipt = delta.receipt
    assert (receipt.old_rows, receipt.new_rows, receipt.sorted) == (4, 4, True)
    assert receipt.old == f"{old[0]} and 3 more"
    sizes = sum(path.stat().st_size for path in [*old, *new])
    assert receipt.source_bytes == sizes


def test_objects_that_do_not_follow_in_the_order_of_their_keys_are_joined(parts: Parts) -> None:
    old = parts.of("PK,v\n3,c\n4,d\n", "PK,v\n1,a\n2,b\n")
    new = parts.of("PK,v\n1,a\n2,b\n3,c\n4,d\n")
    delta = airscoop.delta(old, new)
    assert not delta.receipt.sorted
    assert (len(delta), delta.receipt.unchanged) == (0, 4)


def test_a_key_in_two_objects_of_one_export_is_a_key_twice(parts: Parts) -> None:
    new = parts.of("PK,v\n1,a\n2,b\n", "PK,v\n2,c\n3,d\n")
    with pytest.raises(errors.DuplicateKey, match="PK=2"):
        airscoop.delta(None, new)
    last = airscoop.delta(None, new, on_duplicates="last")
    assert {c["row"]["PK"]: c["row"]["v"] for c in last} == {"1": "a", "2": "c", "3": "d"}


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ("PK,w\n2,b\n", 'column 2 of .*1-1.csv is "w", of .*1-0.csv of the same export "v"'),
        ("v,PK\nb,2\n", 'column 1 of .* is "v", of .* "PK"'),
        ("PK,v,w\n2,b,c\n", "has 3 columns, .* of the same export has 2"),
    ],
)
def test_objects_of_one_export_have_the_same_columns(parts: Parts, second: str, words: str) -> None:
    with pytest.raises(errors.SchemaChanged, match=words):
        airscoop.delta(None, parts.of("PK,v\n1,a\n", second))


def test_an_object_without_a_header_row_is_named_with_the_place(parts: Parts) -> None:
    with pytest.raises(errors.BadRecord, match=r"1-1.csv: line 2 \(byte 5\)"):
        airscoop.delta(None, parts.of("PK,v\n1,a\n", "PK,v\n2\n"))
    with pytest.raises(errors.NotFound, match="gone"):
        airscoop.delta(None, [*parts.of("PK,v\n1,a\n"), parts.folder / "gone.csv"])


def test_json_lines_in_several_objects_are_one_export(parts: Parts) -> None:
    new = parts.of(
        '{"PK": 1, "v": "a"}', '{"v": null, "PK": 2}\n', "", '{"PK": 3}\n', suffix=".jsonl"
    )
    rows = [c["row"] for c in airscoop.delta(None, new)]
    assert sorted(rows, key=lambda row: int(row["PK"])) == [
        {"PK": 1, "v": "a"},
        {"PK": 2, "v": None},
        {"PK": 3, "v": None},
    ]
    mixed = [*parts.of("PK\n1\n"), *parts.of('{"PK": 2}', suffix=".jsonl")]
    with pytest.raises(errors.UsageError, match="all must be one format"):
        airscoop.delta(None, mixed)


def test_many_objects_of_many_batches_are_one_export(parts: Parts) -> None:
    texts = [
        "PK,v\n" + "".join(f"{n},{'x' * 60}\n" for n in range(k * 9000, (k + 1) * 9000))
        for k in range(12)
    ]
    delta = airscoop.delta(
        parts.of(*texts, suffix=".csv.gz"),
        parts.of("".join(texts[:1]) + "".join(t.partition("\n")[2] for t in texts[1:])),
    )
    assert (len(delta), delta.receipt.unchanged, delta.receipt.sorted) == (0, 108_000, True)


def test_no_source_at_all_is_wrong_usage() -> None:
    with pytest.raises(errors.UsageError, match="needs a new export"):
        airscoop.delta(None, [])
