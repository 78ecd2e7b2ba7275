"""How changes are published: the options that verb, job, operator and command share."""

from __future__ import annotations

from typing import TypedDict

from airscoop import kinds
from airscoop.aws.settings import KINESIS_SETTINGS, S3_SETTINGS, KinesisSettings, S3Settings
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

KINDS: kinds.Kinds = {
    "start_at": kinds.whole(),
    "changes_etag": kinds.TEXT,
    "any_order": kinds.FLAG,
    "on_invalid_characters": kinds.choice(InvalidCharacters),
    "on_key_case": kinds.choice(KeyCase),
    "retry_seconds": kinds.number(0, 1e9),
    "max_in_flight": kinds.whole(1, 2**31 - 1),
    "max_age_seconds": kinds.number(0.001, 100_000),
    "memory_limit": kinds.size(),
    "allow_unknown_length": kinds.FLAG,
    "s3": S3_SETTINGS,
    "kinesis": KINESIS_SETTINGS,
}
