"""What is in S3: listings and the facts of single objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from airscoop import kinds
from airscoop._native import delete_object, head_object, list_page
from airscoop.aws import tls
from airscoop.aws.access_points import located, with_colons
from airscoop.aws.settings import S3_SETTINGS, S3Settings, s3_options
from airscoop.errors import UsageError
from airscoop.transfer.places import displayed

KINDS: kinds.Kinds = {
    "uri": kinds.TEXT,
    "prefix": kinds.TEXT,
    "version_id": kinds.TEXT,
    "s3": S3_SETTINGS,
    "check": kinds.FUNCTION,
}

__all__ = [
    "ObjectInfo",
    "delete",
    "head",
    "list_objects",
]


@dataclass(frozen=True, kw_only=True)
class ObjectInfo:
    """An object; `etag` keeps its quotes. `bucket` may be an access point's ARN.

    `last_modified` is what a listing says of it, "2026-11-21T10:00:00.000Z"; `head` does not.
    `checksum` is "CRC32C:base64" or "CRC64NVME:base64" of the whole object, if `head` has told it;
    so is `split_mark`, which a file of a split output has.
    """

    bucket: str
    key: str
    size: int
    etag: str
    checksum: str | None = None
    split_mark: str | None = None
    last_modified: str | None = None

    @property
    def uri(self) -> str:
        """The object's s3:// name."""
        return f"s3://{self.bucket}/{self.key}"


def bucket_and_key(uri: str) -> tuple[str, str]:
    """The two parts of an s3:// name; the key may be empty."""
    if not uri.lower().startswith("s3://"):
        raise UsageError(f"{displayed(uri)} is not an s3:// name")
    if "\0" in uri:
        raise UsageError("an s3:// name holds a NUL character")
    bucket, _, key = uri[5:].partition("/")
    if displayed(f"s3://{bucket}") != f"s3://{bucket}":
        raise UsageError(f"{displayed(uri)}: an s3:// name holds no user and password")
    return bucket, key


def request_options(settings: S3Settings | None) -> dict[str, Any]:
    """What the binding's questions to S3 take."""
    found = (settings or S3Settings()).resolved()
    return s3_options("source", found) | {"ca_file": tls.ca_file(found.ca_file)}


def list_objects(
    prefix: str,
    *,
    s3: S3Settings | None = None,
    check: Callable[[], object] | None = None,
) -> Iterator[ObjectInfo]:
    """Yields the objects whose names begin with `prefix` (s3://bucket/…), in key order.

    `check` is called before each page, and about once a second while it is waited for; what it
    raises ends the listing.
    """
    kinds.check(KINDS, {"prefix": prefix}, {"s3": s3, "check": check})
    return _listed(prefix, s3 or S3Settings(), check)


def _listed(
    prefix: str, s3: S3Settings, check: Callable[[], object] | None
) -> Iterator[ObjectInfo]:
    named, _ = bucket_and_key(with_colons(prefix))
    prefix, s3 = located(prefix, s3)
    bucket, key_prefix = bucket_and_key(prefix)
    options = request_options(s3)
    token: str | None = None
    while True:
        if check is not None:
            check()
        entries, token = list_page(options, bucket, key_prefix, token, check)
        for key, size, etag, modified in entries:
            yield ObjectInfo(
                bucket=named, key=key, size=size, etag=etag, last_modified=modified or None
            )
        if token is None:
            return


def head(
    uri: str,
    *,
    version_id: str | None = None,
    s3: S3Settings | None = None,
    check: Callable[[], object] | None = None,
) -> ObjectInfo:
    """Size, ETag and checksum of one object; NotFound or AccessDenied when it cannot be seen.

    `version_id` names one that is not the newest.

    `check` is called about once a second while the answer is waited for; what it raises ends that.
    """
    optional = {"version_id": version_id, "s3": s3, "check": check}
    kinds.check(KINDS, {"uri": uri}, optional)
    named, _ = bucket_and_key(with_colons(uri))
    uri, s3 = located(uri, s3 or S3Settings())
    bucket, key = bucket_and_key(uri)
    options = request_options(s3) | {"source_version_id": version_id}
    size, etag, checksum, mark = head_object(options, bucket, key, check)
    return ObjectInfo(
        bucket=named,
        key=key,
        size=size,
        etag=etag,
        checksum=checksum or None,
        split_mark=mark or None,
    )


def delete(uri: str, *, s3: S3Settings | None = None) -> None:
    """Removes one object; nothing is wrong when there is none."""
    kinds.check(KINDS, {"uri": uri}, {"s3": s3})
    uri, s3 = located(uri, s3 or S3Settings())
    bucket, key = bucket_and_key(uri)
    delete_object(request_options(s3), bucket, key)
