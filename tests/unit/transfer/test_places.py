"""Names of sources, destinations and reject files."""

from __future__ import annotations

import pytest

from airscoop.errors import UsageError
from airscoop.transfer import places
from airscoop.transfer.rejects import rejects_for


@pytest.mark.parametrize(
    ("destination", "rejects"),
    [
        (
            "s3://b/reviews/day=2026-01-01/x.json.gz",
            "s3://b/reviews/_rejects/day=2026-01-01/x.json.gz.jsonl",
        ),
        ("s3://b/r/y=1/m=2/x", "s3://b/r/_rejects/y=1/m=2/x.jsonl"),
        ("s3://b/y=1/x", "s3://b/_rejects/y=1/x.jsonl"),
        ("s3://b/x", "s3://b/_rejects/x.jsonl"),
        ("s3://b/r/x", "s3://b/r/_rejects/x.jsonl"),
        ("s3://b/a=1/r/x", "s3://b/a=1/r/_rejects/x.jsonl"),
        ("/data/day=1/x.gz", "/data/_rejects/day=1/x.gz.jsonl"),
        ("x.gz", "_rejects/x.gz.jsonl"),
    ],
)
def test_rejects_lie_at_the_root_of_the_prefix_outside_partitions(
    destination: str, rejects: str
) -> None:
    assert rejects_for(destination) == rejects


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("https://user:secret@host/a?X-Amz-Signature=1#f", "https://host/a"),
        ("http://host:80/a", "http://host:80/a"),
        ("http://user:secret@[bad/x?token=1#f", "http://[bad/x"),
        ("http://user:secret@[bad?token=1/2", "http://[bad"),
        ("s3://b/a?b", "s3://b/a?b"),
        ("/tmp/a?b", "/tmp/a?b"),
    ],
)
def test_user_info_and_query_are_never_shown(name: str, shown: str) -> None:
    assert places.displayed(name) == shown


@pytest.mark.parametrize(
    ("name", "secrets"),
    [
        (
            "https://user:s%40cret@host/a",
            {"user:s%40cret", "user:s@cret", "user", "s%40cret", "s@cret"},
        ),
        ("https://host/a?sig=x%2By+z&Key=K#f", {"x%2By+z", "x+y+z", "x+y z", "K"}),
        ("https://host/a?token", {"token"}),
        ("http://user:pass@[bad/x", {"user:pass", "user", "pass"}),
        ("https://host/a@b", set()),
        ("s3://b/a?b=c", set()),
    ],
)
def test_the_secrets_of_an_address_are_what_is_not_shown(name: str, secrets: set[str]) -> None:
    assert set(places.secrets_in(name)) == secrets
    assert not any(secret in places.displayed(name) for secret in secrets)


@pytest.mark.parametrize("name", ["ftp://host/a", "gs://bucket/a", "hdfs://x/y"])
def test_a_scheme_that_nobody_reads_is_named(name: str) -> None:
    with pytest.raises(UsageError, match=name.split("/", maxsplit=1)[0]):
        places.normalized(name)


def test_a_file_uri_is_a_path() -> None:
    assert places.normalized("file:///tmp/a") == "/tmp/a"


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("s3:/b/k", "write s3://"),
        ("S3:b/k", "write s3://"),
        ("http:/host/a", "write http://"),
        ("HTTPS:host", "write https://"),
        ("ftp:/host/a", "ftp:// is not supported"),
        ("gs:/bucket/a", "gs:// is not supported"),
        ("s3a://b/k", "write s3://"),
        ("s3n:/b/k", "s3n:// is not supported"),
    ],
)
def test_a_mistyped_address_is_no_path(name: str, wanted: str) -> None:
    with pytest.raises(UsageError, match=wanted) as caught:
        places.normalized(name)
    assert "host" not in str(caught.value)  # what follows may be a login


@pytest.mark.parametrize("name", ["a:b", "./s3:/b/k", "/x/http:/y", "2026-01-01T10:00/x", "s4:/x"])
def test_a_path_may_have_a_colon(name: str) -> None:
    assert places.normalized(name) == name


def test_a_file_uri_may_have_one_slash() -> None:
    assert places.normalized("file:/tmp/a%20b") == "/tmp/a b"


@pytest.mark.parametrize(
    ("pasted", "name"),
    [
        (" https://host/a b \n", "https://host/a b"),
        ("\thttp://host/a\r\n", "http://host/a"),
        ("\n s3://b/k ", "s3://b/k "),
        ("s3://b/a\nb", "s3://b/a\nb"),
        (" /a b ", " /a b "),
    ],
)
def test_white_space_around_an_address_is_dropped(pasted: str, name: str) -> None:
    assert places.normalized(pasted) == name
