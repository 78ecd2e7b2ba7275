"""The name that a copy takes from its source below a folder or prefix."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import airscoop
from airscoop.errors import NotFound, UsageError
from airscoop.transfer.naming import destination_for, taken_name
from airscoop.transfer.prefix_entries import make_room


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("data/a.txt", "a.txt"),
        ("/a b?.txt", "a b?.txt"),
        ("s3://b/k/a?x#y.txt", "a?x#y.txt"),
        ("s3://b/k%2Fa", "k%2Fa"),
        ("https://host/d/a%20b.csv?token=1#top", "a b.csv"),
        ("HTTPS://host/%C3%BC.csv", "ü.csv"),
        ("https://host/a;v=1", "a;v=1"),
        ("https://host/a#/b", "a"),
        ("https://host/a?p=/b/c", "a"),
        ("https://host/%ff", "\udcff"),
    ],
)
def test_it_is_the_last_segment(source: str, name: str) -> None:
    assert taken_name(source) == name
    assert destination_for(source, "s3://b/p/") == f"s3://b/p/{name}"


@pytest.mark.parametrize(
    "source",
    ["-", "https://host", "https://host/", "https://host/?id=1", "https://host?id=1",
     "https://host/d/", "https://host/..", "https://host/%2e%2E", "https://host/%2e",
     "https://host/a%2Fb", "https://host/..%5cb", "https://host/a%00", "https://host/a%0Ab",
     "..", "data/..", ".", "s3://b/k/..", "s3://b/"],
)  # fmt: skip
def test_a_source_without_a_name_is_refused_and_told_to_name_the_copy(source: str) -> None:
    with pytest.raises(UsageError, match="write the name"):
        destination_for(source, "s3://b/p/")


@given(st.text(alphabet="aA.%2fF5c0e/\\?#;&= ü"))
def test_no_address_leads_out_of_the_folder(path: str) -> None:
    try:
        name = taken_name(f"https://host/{path}")
    except UsageError:
        return
    assert name not in ("", ".", "..")
    assert not set(name) & set("/\\\0")


def test_only_what_ends_in_a_slash_takes_a_name(tmp_path: Path) -> None:
    for destination in ("s3://bucket", str(tmp_path), f"{tmp_path}/new", "-", "https://host/x/"):
        assert destination_for("x/a", destination) == destination
    with pytest.raises(UsageError):
        airscoop.copy(__file__, "s3://bucket", destination_s3=airscoop.S3Settings(anonymous=True))
    with pytest.raises(UsageError, match="folder"):
        airscoop.copy(__file__, tmp_path)


def test_a_copy_below_a_folder_takes_the_name(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"data")
    (tmp_path / "to").mkdir()
    receipt = airscoop.copy(tmp_path / "a", f"{tmp_path}/to/")
    assert receipt.destination == f"{tmp_path}/to/a"
    assert (tmp_path / "to/a").read_bytes() == b"data"
    with pytest.raises(NotFound):
        airscoop.copy(tmp_path / "a", f"{tmp_path}/not/there/")
    assert sorted(os.listdir(tmp_path)) == ["a", "to"]  # noqa: PTH208


def test_an_object_with_content_whose_key_ends_in_a_slash_is_told_from_other_keys(
    tmp_path: Path,
) -> None:
    with pytest.raises(UsageError, match="it ends in /"):
        make_room(tmp_path, "a/b/")
    with pytest.raises(UsageError, match="'' is no name of a file"):
        make_room(tmp_path, "a//b")
    assert list(tmp_path.iterdir()) == []
