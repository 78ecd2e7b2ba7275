"""How changes are published: the options that verb, job, operator and command share."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from airscoop.aws.settings import KinesisSettings, S3Settings
    from airscoop.kinds import Size
    from airscoop.transfer.options import InvalidCharacters, KeyCase


class SendOptions(TypedDict, total=False):
    """How they are read and sent; `publish` says more."""

    any_order: bool
    on_invalid_characters: InvalidCharacters
    on_key_case: KeyCase
    retry_seconds: float | None
    max_in_flight: int | None
    max_age_seconds: float | None
    memory_limit: Size | None
    allow_unknown_length: bool


class PublishOptions(SendOptions, total=False):
    """And from which change on, and how to reach the file and the stream."""

    start_at: int
    changes_etag: str | None
    s3: S3Settings | None
    kinesis: KinesisSettings | None


DEFAULTS: PublishOptions = {
    "start_at": 0,
    "changes_etag": None,
    "any_order": False,
    "on_invalid_characters": "error",
    "on_key_case": "error",
    "retry_seconds": None,
    "max_in_flight": None,
    "max_age_seconds": None,
    "memory_limit": None,
    "allow_unknown_length": False,
    "s3": None,
    "kinesis": None,
}
