"""Exports: what names say, the order of versions, which objects are one export."""

from __future__ import annotations

import functools
import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airscoop import errors
from airscoop.exports import model as exports
from airscoop.exports.model import ExportObject, group, parse, version_order
from support.properties import examples


def thing(key: str, *, size: int = 10, etag: str = '"e"') -> ExportObject:
    return ExportObject(uri=f"s3://bucket/{key}", size=size, etag=etag)


def test_a_name_says_tenant_table_version_and_file() -> None:
    place = parse("s3://bucket/tenant/test_table/20201230_V0001/export1.csv.gz")
    assert place is not None
    assert (place.tenant, place.table, place.version) == ("tenant", "test_table", "20201230_V0001")
    assert (place.bucket, place.file, place.id) == (
        "bucket",
        "export1.csv.gz",
        "tenant/test_table/20201230_V0001",
    )


@pytest.mark.parametrize("key", ["", "a", "a/b/c", "a/b/c.gz", "/b/c/d", "a//c/d", "a/b//d"])
def test_other_names_are_no_exports(key: str) -> None:
    assert parse(f"s3://bucket/{key}") is None
    with pytest.raises(errors.UsageError, match="TENANT/TABLE/VERSION/FILE"):
        exports.place_of(f"s3://bucket/{key}")


@pytest.mark.parametrize(
    ("versions"),
    [
        ["20201230_V0001", "20201230_V0002", "20201231_V0001"],
        ["V2", "V10", "V100"],
        ["1", "2", "10", "99999999999999999999", "100000000000000000000"],
        ["01", "1", "02", "2"],
        ["", "1", "a", "a1", "a1b", "a2", "a10", "a!", "ab"],
        ["1-9", "1-10", "2"],
        ["V٩", "V١٠", "V११"],
        ["9", "１０", "1１", "12"],
        ["v2", "v3", "v٠٣", "v４-a"],
    ],
)
def test_runs_of_digits_compare_as_numbers(versions: list[str]) -> None:
    mixed = random.Random(1).sample(versions, len(versions))
    assert sorted(mixed, key=version_order) == versions


def compare(a: str, b: str) -> int:
    """The same order, said in another way: run by run, then by the text."""

    def runs(text: str) -> list[str]:
        return re.findall(r"\d+|\D+", text)

    one, other = runs(a), runs(b)
    for left, right in zip(one, other, strict=False):
        digits = [run[0].isdecimal() for run in (left, right)]
        if all(digits) and int(left) != int(right):
            return -1 if int(left) < int(right) else 1
        if not any(digits) and left != right:
            return -1 if left < right else 1
        if digits[0] != digits[1]:  # an empty text stands before the number
            return -1 if digits[0] else 1
    if len(one) != len(other):
        return -1 if len(one) < len(other) else 1
    return (a > b) - (a < b)


VERSIONS = st.text(st.sampled_from("0129!ab_é\U0001f600٠٢९"), max_size=8)


@examples(100)
@given(st.lists(VERSIONS, max_size=8))
def test_the_order_is_the_one_that_is_described(versions: list[str]) -> None:
    assert sorted(versions, key=version_order) == sorted(
        versions, key=functools.cmp_to_key(compare)
    )


@examples(100)
@given(VERSIONS, VERSIONS)
def test_the_order_is_total_and_the_same_for_bytes(a: str, b: str) -> None:
    one, other = version_order(a), version_order(b)
    assert (one == other) == (a == b)
    assert (one < other) == (one.encode() < other.encode())


def test_objects_become_exports_in_the_order_of_versions() -> None:
    listing = group(
        [thing("t/a/V10/x.gz"), thing("t/a/V9/x.gz"), thing("s/z/V1/x.gz"), thing("note.txt")]
    )
    assert [one.id for one in listing.exports] == ["s/z/V1", "t/a/V9", "t/a/V10"]
    assert listing.other_objects == 1
    assert (listing.incomplete, listing.conflicts) == ([], [])


def test_a_second_object_is_a_conflict_that_names_both() -> None:
    listing = group([thing("t/a/V1/x.gz"), thing("t/a/V1/y.gz"), thing("t/a/V2/x.gz")])
    assert [one.id for one in listing.exports] == ["t/a/V2"]
    ((export, message),) = listing.conflicts
    assert export.id == "t/a/V1"
    assert "s3://bucket/t/a/V1/x.gz" in message
    assert "s3://bucket/t/a/V1/y.gz" in message


def test_the_objects_of_a_version_stand_in_the_order_of_their_numbers() -> None:
    names = ["day=2/p-1.gz", "day=2/p-10.gz", "day=10/p-2.gz", "p-1.gz", "p-2.gz", "p-10.gz"]
    mixed = random.Random(1).sample(names, len(names))
    listing = group([*(thing(f"t/a/V1/{name}") for name in mixed), thing("t/a/V1/_OK")],
                    complete_marker="_OK")  # fmt: skip
    (export,) = listing.exports
    assert export.uris == [f"s3://bucket/t/a/V1/{name}" for name in names]


def test_the_order_of_the_objects_makes_no_other_export() -> None:
    objects = (thing("t/a/V1/p-10.gz"), thing("t/a/V1/p-2.gz"))
    one, other = (
        exports.Export(bucket="bucket", tenant="t", table="a", version="V1", objects=each)
        for each in (objects, objects[::-1])
    )
    assert one.fingerprint == other.fingerprint


@pytest.mark.parametrize(
    "prefix",
    [
        "s3://bucket/ac", "s3://bucket/acme", "s3://bucket/acme/or", "s3://bucket/acme/orders/V1",
        "s3://bucket/acme/orders/V1/part", "s3://bucket/acme/orders/V1/part/", "s3:///acme/",
        "s3://bucket//", "s3://bucket/acme//", "s3://bucket//orders/",
    ],
)  # fmt: skip
def test_a_prefix_that_ends_within_a_name_or_a_version_is_refused(prefix: str) -> None:
    with pytest.raises(errors.UsageError, match="give whole names, and the slash at the end"):
        exports.list_exports(prefix)


@pytest.mark.parametrize("name", ["_SUCCESS", "_temporary/0/x.gz", ".x.gz.crc", ""])
def test_what_is_not_data_does_not_count_as_an_object(name: str) -> None:
    listing = group([thing("t/a/V1/x.gz"), thing(f"t/a/V1/{name}")])
    assert [one.uris for one in listing.exports] == [["s3://bucket/t/a/V1/x.gz"]]


def test_with_a_marker_all_objects_are_one_export() -> None:
    parts = [thing("t/a/V1/part-1.gz"), thing("t/a/V1/part-0.gz"), thing("t/a/V1/day=2/part.gz")]
    before = group(parts, complete_marker="_SUCCESS")
    assert (before.exports, before.incomplete) == ([], ["t/a/V1"])
    after = group([*parts, thing("t/a/V1/_SUCCESS", size=0)], complete_marker="_SUCCESS")
    assert after.incomplete == []
    (export,) = after.exports
    assert export.uris == [
        f"s3://bucket/t/a/V1/{n}" for n in ("day=2/part.gz", "part-0.gz", "part-1.gz")
    ]


def test_a_marker_without_objects_is_a_conflict() -> None:
    listing = group([thing("t/a/V1/_SUCCESS", size=0)], complete_marker="_SUCCESS")
    assert "no object with rows" in listing.conflicts[0][1]


@pytest.mark.parametrize("version", ["V" * 401, "a\tb", "1a" * 200])
def test_a_version_that_the_registry_cannot_hold_is_a_conflict(version: str) -> None:
    listing = group([thing(f"t/a/{version}/x.gz")])
    assert listing.exports == []
    assert "a version's name" in listing.conflicts[0][1]


def test_the_fingerprint_knows_names_sizes_and_etags() -> None:
    def of(*objects: ExportObject) -> str:
        return group(objects, complete_marker="m").exports[0].fingerprint

    mark = thing("t/a/V1/m")
    one = of(mark, thing("t/a/V1/x"))
    assert one == of(thing("t/a/V1/x"), mark)
    assert len({one, of(mark, thing("t/a/V1/y")), of(mark, thing("t/a/V1/x", size=11)),
                of(mark, thing("t/a/V1/x", etag='"f"')),
                of(mark, thing("t/a/V1/x"), thing("t/a/V1/y"))}) == 5  # fmt: skip


def test_an_export_survives_its_dict() -> None:
    (export,) = group([thing("t/a/V1/x.gz")]).exports
    assert exports.from_dict(exports.to_dict(export)) == export


@pytest.mark.parametrize(("count", "width"), [(1001, 10), (300, 900)])
def test_more_objects_than_an_item_can_name_are_a_conflict(count: int, width: int) -> None:
    objects = [thing(f"t/a/V1/{n:0{width}}") for n in range(count)]
    listing = group([*objects, thing("t/a/V1/m")], complete_marker="m")
    assert listing.exports == []
    assert len(listing.conflicts) == 1
