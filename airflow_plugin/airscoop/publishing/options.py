"""How changes are published: the options that verb, job, operator and command share."""

from __future__ import annotations

from typing import TypedDict

from airscoop import kinds
from airscoop.aws.settings import KINESIS, S3, KinesisSettings, S3Settings
from airscoop.kinds import Size
from airscoop.transfer.options import InvalidCharacters, KeyCase


class SendOptions(TypedDict, total=False):
    """How they are read and sent; `publish` says more."""

    any_order: bool
    invalid_characters: InvalidCharacters
    key_case: KeyCase
    retry_seconds: float | None
    max_in_flight: int | None
    max_age_ms: int | None
    memory_limit: Size | None
    allow_unknown_length: bool


class PublishOptions(SendOptions, total=False):
    """And from which change on, and how to reach the file and the stream."""

    start_at: int
    changes_etag: str | None
    changes_s3: S3Settings | None
    kinesis: KinesisSettings | None
    ca_file: str | None


DEFAULTS: PublishOptions = {
    "start_at": 0,
    "changes_etag": None,
    "any_order": False,
    "invalid_characters": "reject",
    "key_case": "reject",
    "retry_seconds": None,
    "max_in_flight": None,
    "max_age_ms": None,
    "memory_limit": None,
    "allow_unknown_length": False,
    "changes_s3": None,
    "kinesis": None,
    "ca_file": None,
}

KINDS: kinds.Kinds = {
    "start_at": kinds.whole(),
    "changes_etag": kinds.TEXT,
    "any_order": kinds.FLAG,
    "invalid_characters": kinds.choice(InvalidCharacters),
    "key_case": kinds.choice(KeyCase),
    "retry_seconds": kinds.number(0, 1e9),
    "max_in_flight": kinds.whole(1, 2**31 - 1),
    "max_age_ms": kinds.whole(1, 2**31 - 1),
    "memory_limit": kinds.size(),
    "allow_unknown_length": kinds.FLAG,
    "changes_s3": S3,
    "kinesis": KINESIS,
    "ca_file": kinds.PATH,
}
