"""What an object in S3 is given besides its bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from airscoop import kinds
from airscoop.errors import UsageError

Encryption = Literal["AES256", "aws:kms", "aws:kms:dsse"]


KINDS: kinds.Kinds = {
    **dict.fromkeys(
        (
            "content_type",
            "kms_key_id",
            "storage_class",
            "acl",
            "cache_control",
            "content_encoding",
            "content_disposition",
            "content_language",
        ),
        kinds.TEXT,
    ),
    "encryption": kinds.choice(Encryption),
    "bucket_key": kinds.FLAG,
    "tags": kinds.PAIRS,
    "metadata": kinds.PAIRS,
}


@dataclass(frozen=True, kw_only=True)
class ObjectOptions:
    """Headers of the object that is written. What is left out is the bucket's default.

    `kms_key_id` (an ARN if the key is another account's) and `bucket_key` belong to "aws:kms". At
    most 10 `tags`. `metadata` are ASCII, at most 2 KB together. `acl` is a canned one, such as
    "bucket-owner-full-control". `expires` is a datetime with a time zone, or a date as HTTP has it.
    An empty text for `content_encoding` and the other headers of HTTP leaves out what a copy from
    S3 would take along of its source.
    The reject file of a copy has its encryption only.
    """

    content_type: str | None = None
    encryption: Encryption | None = None
    kms_key_id: str | None = None
    bucket_key: bool = False
    storage_class: str | None = None
    acl: str | None = None
    cache_control: str | None = None
    content_encoding: str | None = None
    content_disposition: str | None = None
    content_language: str | None = None
    expires: datetime | str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        kinds.settle(self, KINDS)

    def native(self) -> dict[str, Any]:
        """The binding's options."""
        return {
            "content_type": self.content_type,
            "encryption": self.encryption,
            "kms_key_id": self.kms_key_id,
            "bucket_key": self.bucket_key,
            "storage_class": self.storage_class,
            "acl": self.acl,
            "cache_control": self.cache_control,
            "content_encoding": self.content_encoding,
            "content_disposition": self.content_disposition,
            "content_language": self.content_language,
            "expires": _http_date(self.expires),
            "tags": _encoded(self.tags),
            "metadata": _encoded(self.metadata),
        }


def _http_date(when: datetime | str | None) -> str | None:
    if when is None:
        return None
    if isinstance(when, str) and (when == "" or _is_http_date(when)):
        return when
    if not isinstance(when, datetime) or when.tzinfo is None:
        raise UsageError(
            "expires has to be a datetime with a time zone, datetime(2032, 1, 1, tzinfo=UTC), "
            'or a text such as "Thu, 01 Jan 2032 00:00:00 GMT"'
        )
    from email.utils import format_datetime

    return format_datetime(when.astimezone(UTC), usegmt=True)


def _is_http_date(text: str) -> bool:
    from email.utils import format_datetime, parsedate_to_datetime

    try:
        return format_datetime(parsedate_to_datetime(text), usegmt=True) == text
    except (TypeError, ValueError):
        return False


def _encoded(pairs: Mapping[str, str]) -> str | None:
    if not pairs:
        return None
    from urllib.parse import quote, urlencode

    return urlencode(pairs, quote_via=quote, safe="")
