"""Filters of a prefix: in the order given, the last that matches decides."""

from __future__ import annotations

import fnmatch
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airscoop.cli.command import parser
from airscoop.errors import UsageError
from airscoop.transfer.prefix_filters import Filter, chooser

NAMES = ["a.txt", "a.csv", "deep/a.txt", "deep/b.csv"]
EX: Literal["exclude"] = "exclude"
IN: Literal["include"] = "include"


def chosen(*filters: Filter) -> list[str]:
    is_chosen = chooser((), (), filters)
    return [name for name in NAMES if is_chosen(name)]


def test_the_last_filter_that_matches_decides() -> None:
    assert chosen((EX, "*"), (IN, "*.txt")) == ["a.txt", "deep/a.txt"]
    assert chosen((IN, "*.txt"), (EX, "*")) == []
    assert chosen((EX, "*"), (IN, "*.txt"), (EX, "deep/*")) == ["a.txt"]
    assert chosen((EX, "*.txt"), (IN, "deep/*")) == ["a.csv", "deep/a.txt", "deep/b.csv"]


def test_what_no_filter_matches_is_copied_if_the_first_is_an_exclude() -> None:
    assert chosen((EX, "*.csv")) == ["a.txt", "deep/a.txt"]
    assert chosen((IN, "*.csv")) == ["a.csv", "deep/b.csv"]
    assert chosen() == NAMES


def test_include_and_exclude_mean_what_they_meant() -> None:
    is_chosen = chooser(["deep/*"], ["*.csv"], ())
    assert [name for name in NAMES if is_chosen(name)] == ["deep/a.txt"]
    is_chosen = chooser((), ["*.csv"], ())
    assert [name for name in NAMES if is_chosen(name)] == ["a.txt", "deep/a.txt"]


@given(
    st.lists(st.tuples(st.sampled_from([IN, EX]), st.sampled_from(["*", "a*", "*.txt", "d*"]))),
    st.sampled_from(NAMES),
)
def test_one_after_the_other_they_decide(filters: list[Filter], name: str) -> None:
    wanted = not filters or filters[0][0] == EX
    for kind, pattern in filters:
        if fnmatch.fnmatchcase(name, pattern):
            wanted = kind == IN
    assert chooser((), (), filters)(name) == wanted


@pytest.mark.parametrize(
    ("include", "exclude", "filters"),
    [
        (["a"], (), [(EX, "b")]),
        ((), ["a"], [(EX, "b")]),
        ("*.txt", (), ()),
        ((), "*.txt", ()),
        ((), (), (EX, "*")),
        ((), (), [("skip", "*")]),
        ((), (), [(EX,)]),
        ((), (), [(EX, 1)]),
        ((1,), (), ()),
    ],
)
def test_what_is_no_filter_is_told_how_to_write_one(
    include: Any, exclude: Any, filters: Any
) -> None:
    with pytest.raises(UsageError, match="write"):
        chooser(include, exclude, filters)


def test_the_command_keeps_the_order_across_both_flags() -> None:
    line = ["copy", "--exclude", "*", "s3://a/", "--include=x*", "b/", "--exclude", "xy"]
    options = parser("copy").parse_args(line)
    assert options.filters == [(EX, "*"), (IN, "x*"), (EX, "xy")]
