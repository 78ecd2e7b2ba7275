"""Where copies of a prefix, and their reject files, may come to lie among the sources."""

from __future__ import annotations

import pytest

from airscoop import S3Settings
from airscoop.transfer.prefix_overlap import overlap_of

ONE, OTHER = S3Settings(endpoint_url="http://one"), S3Settings(endpoint_url="http://other")


@pytest.mark.parametrize(
    ("source", "destination", "rejects", "nested", "written"),
    [
        ("s3://b/in/", "s3://b/in/day=1/", False, "day=1/", ("day=1/",)),
        ("s3://b/in/", "s3://b/in/day=1/", True, "day=1/", ("_rejects/", "day=1/")),
        ("s3://b/in/", "s3://b/in/copy/", True, "copy/", ("copy/_rejects/",)),
        ("s3://b/m/x/", "s3://b/m/", True, "x/", ("x/",)),
        ("s3://b/m/x/", "s3://b/", False, "m/x/", ("m/x/",)),
        ("s3://b", "s3://b/copy/", False, "copy/", ("copy/",)),
    ],
)
def test_what_may_be_a_copy_is_known_by_its_beginning(
    source: str, destination: str, rejects: bool, nested: str, written: tuple[str, ...]
) -> None:
    found = overlap_of(source, ONE, destination, OTHER, rejects=rejects)
    assert found is not None
    assert found.nested == nested
    assert all(any(name.startswith(each) for each in found.written) for name in written)


@pytest.mark.parametrize(
    ("source", "destination"),
    [
        ("s3://b/in/", "s3://b/out/"),
        ("s3://b/in/", "s3://b/inner/"),
        ("s3://b/in/", "s3://b/in/"),
        ("s3://b/in/", "s3://other/in/copy/"),
    ],
)
def test_prefixes_beside_each_other_do_not_meet(source: str, destination: str) -> None:
    assert overlap_of(source, ONE, destination, OTHER, rejects=True) is None
