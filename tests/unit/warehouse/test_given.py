"""Names, values and texts as callers give them: what has one obvious text, and what is refused."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

import airscoop
from airscoop import Partition, Warehouse, given
from airscoop.errors import UsageError

DAY = datetime.date(2027, 1, 5)
NOON = datetime.datetime(2027, 1, 5, 12, tzinfo=datetime.UTC)
NO_TEXT: list[object] = [
    None,
    True,
    False,
    1.5,
    Decimal("1.50"),
    NOON,
    NOON.replace(tzinfo=None),
    b"x",
    [],
    {},
]


class Lazy(Sequence[str]):
    """As Airflow gives the outputs of a mapped task."""

    def __init__(self, *items: str) -> None:
        self.items = items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, place: Any) -> Any:
        return self.items[place]


@pytest.mark.parametrize(("value", "text"), [("", ""), ("a b", "a b"), (7, "7"), (-3, "-3")])
def test_a_text_or_a_whole_number_has_one_text(value: object, text: str) -> None:
    assert given.text(value, "table") == text


def test_a_date_is_written_as_iso_does() -> None:
    assert given.text(DAY, "table") == "2027-01-05"
    assert given.values({"day": DAY, "n": 2027010500}, "partition") == {
        "day": "2027-01-05",
        "n": "2027010500",
    }


@pytest.mark.parametrize("value", NO_TEXT, ids=repr)
def test_what_has_no_one_text_is_refused_by_argument_and_column(value: object) -> None:
    with pytest.raises(UsageError, match=r"^table is .*(give|write)"):
        given.text(value, "table")
    with pytest.raises(UsageError, match=r'^partition: the value of "day" is .*(give|write)'):
        given.values({"day": value}, "partition")
    with pytest.raises(UsageError, match=r"^columns\[1\] is .*(give|write)"):
        given.names(["a", value], "columns")


@pytest.mark.parametrize("text", ["a\0b", "a\udc80"])
def test_a_text_that_no_server_can_read_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"^key\[0\] (holds a NUL character|is no UTF-8)"):
        given.names([text], "key")
    with pytest.raises(UsageError, match=r"^table "):
        given.text(text, "table")


@pytest.mark.parametrize(
    "names",
    ["ab", ["ab"], ("ab",), Lazy("ab"), iter(["ab"]), {"ab": 1}.keys()],
    ids=["text", "list", "tuple", "lazy", "iterator", "view"],
)
def test_a_text_is_one_name_as_a_list_of_it_is(names: object) -> None:
    assert given.names(names, "key") == ("ab",)


@pytest.mark.parametrize("value", [None, {"a": 1}, {"a"}, frozenset("a"), b"a", 1.5, True, ""])
def test_what_is_no_list_of_names_is_refused(value: object) -> None:
    with pytest.raises(UsageError, match=r"^order_by is .*(give|write)"):
        given.names(value, "order_by")


@pytest.mark.parametrize("printed", ["['a', 'b']", '["a"]', "('a',)", "[]"])
def test_a_list_that_a_template_has_printed_is_told_as_such(printed: str) -> None:
    with pytest.raises(UsageError, match=r"looks like a list that a template has printed.*native"):
        given.names(printed, "columns")
    assert given.names([printed], "columns") == (printed,)


@pytest.mark.parametrize("value", [None, "day=1", "{'day': 1}", ["day"], [("day", 1)]])
def test_values_are_a_mapping(value: object) -> None:
    with pytest.raises(UsageError, match=r"^partition is .*give a mapping of columns to values"):
        given.values(value, "partition")


def test_two_names_of_one_text_are_refused() -> None:
    with pytest.raises(UsageError, match='partition has the column "1" twice'):
        given.values({1: "a", "1": "b"}, "partition")


@drawn(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), min_size=1)))
def test_lists_of_texts_are_taken_as_they_are(names: list[str]) -> None:
    assert given.names(names, "columns") == tuple(names)


def unconnected() -> Any:
    return Warehouse({"host": "127.0.0.1", "port": "1"}, dialect="postgres")


def partition(**fields: Any) -> Partition:
    return Partition(**fields)


NO_DAY: Any = {"day": None}
ONE_DAY = {"day": "1"}
INSERT: dict[str, Any] = {
    "source": "a.b",
    "target": "c.d",
    "columns": ["x"],
    "key": ["x"],
}


@pytest.mark.parametrize("field", ["columns", "key", "order_by", "objects"])
def test_an_insert_reads_its_names_by_the_one_rule(field: str) -> None:
    with pytest.raises(UsageError, match=rf"^{field}\[0\] is None; give"):
        unconnected().insert_distinct(**{**INSERT, field: [None]})
    with pytest.raises(UsageError, match=rf"^{field} is of type dict; give"):
        unconnected().insert_distinct(**{**INSERT, field: {"x": 1}})


@pytest.mark.parametrize("field", ["source", "target"])
def test_an_insert_names_the_table_that_is_none(field: str) -> None:
    with pytest.raises(UsageError, match=f"^{field} is None; give"):
        unconnected().insert_distinct(**{**INSERT, field: None})


def test_a_text_where_an_insert_has_a_list_is_one_column() -> None:
    with pytest.raises(UsageError, match='key names "ab", which is not among the columns'):
        unconnected().insert_distinct(**{**INSERT, "key": "ab"})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda w: w.apply_changes("c", table=None, key="a"), "table is None"),
        (lambda w: w.apply_changes("c", table="a.b", key=[None]), r"key\[0\] is None"),
        (
            lambda w: w.apply_changes("c", table="a.b", key="a", ignore_columns=[1.5]),
            r"ignore_columns\[0\] is 1\.5",
        ),
        (lambda w: w.refresh(None), "view is None"),
        (lambda w: w.partitions(None), "table is None"),
        (lambda w: w.run_script("f", variables={"day": None}), 'variables: the value of "day"'),
        (lambda w: w.execute("SELECT $1", "abc"), "parameters is a text; give a list"),
        (lambda w: w.execute("SELECT $1", [1.5]), r"parameters\[0\] is 1\.5"),
        (
            lambda w: w.add_partitions("a.b", [Partition(values=NO_DAY, location="s3://b/")]),
            'values: the value of "day" is None',
        ),
        (
            lambda w: w.add_partitions("a.b", [partition(values=ONE_DAY, location=None)]),
            "location is None",
        ),
    ],
)
def test_every_verb_of_a_warehouse_reads_them_alike(call: Any, message: str) -> None:
    with pytest.raises(UsageError, match=f"^{message}"):
        call(unconnected())


def test_a_count_is_no_boolean() -> None:
    with pytest.raises(
        UsageError, match="expected_records has to be a whole number of 0 or more, not True"
    ):
        unconnected().insert_distinct(**INSERT, expected_records=True)


def test_a_delta_reads_its_key_by_the_same_rule() -> None:
    wrong: Any = [None]
    with pytest.raises(UsageError, match=r"^key\[0\] is None; give"):
        airscoop.delta(None, "new.csv", key=wrong)


@pytest.mark.parametrize(
    ("name", "column"), [("id", "id"), ("NOTE", "Note"), ("Id", "Id"), ("x", "x"), ("Ä", "Ä")]
)
def test_a_name_means_the_column_that_is_written_like_it_or_the_only_one_but_for_case(
    name: str, column: str
) -> None:
    assert given.spelled(name, ["id", "ID", "Note", "ä"]) == column
