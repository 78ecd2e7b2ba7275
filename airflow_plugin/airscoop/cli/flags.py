"""Flags that several verbs have, and what their values are."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from airscoop.kinds import parsed_size

if TYPE_CHECKING:
    from airscoop.aws.settings import S3Settings

PLACES = "http(s)://…, s3://bucket/key, a path, or - for standard input"


def size(text: str) -> int:
    """A number of bytes such as 4096, 64M, 1.5G or 1GiB, not 0, which the engine takes for a
    default."""
    found = parsed_size(text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size: 4096, 64M, 1GiB")
    return found


def count(text: str) -> int:
    """A whole number, 0 or more."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 0 or more")
    return int(text)


def add_s3(verb: argparse.ArgumentParser) -> None:
    """The options that say how to reach S3 and the web, the same for every verb that does."""
    s3 = verb.add_argument_group("S3", "else as botocore finds it (AWS_… variables, profile, role)")
    s3.add_argument("--endpoint-url", metavar="URL", help="a server of S3 other than AWS's")
    s3.add_argument("--region", metavar="NAME", help="of the buckets, such as eu-central-1")
    s3.add_argument("--profile", metavar="NAME", help="of ~/.aws/config, whose credentials to use")
    s3.add_argument("--anonymous", action="store_true", help="send unsigned requests")
    s3.add_argument(
        "--payload-signing",
        choices=("auto", "never", "always"),
        default="auto",
        help="whether signatures cover what is sent; auto: without TLS only",
    )
    s3.add_argument("--requester-pays", action="store_true", help="accept the costs of requests")
    s3.add_argument("--expected-bucket-owner", metavar="ACCOUNT", help="refuse others' buckets")
    verb.add_argument("--ca-file", metavar="FILE", help="certificate authorities to trust")


def add_quiet(verb: argparse.ArgumentParser) -> None:
    """Of a verb that shows its progress."""
    verb.add_argument("-q", "--quiet", action="store_true", help="no progress")


def add_record_rules(verb: argparse.ArgumentParser) -> None:
    """What a record may hold, the same for every verb that reads or makes some."""
    verb.add_argument(
        "--on-invalid-characters",
        choices=("error", "replace"),
        default="error",
        help="what to do with \\u0000 and lone surrogates; replace: by U+FFFD",
    )
    verb.add_argument(
        "--on-key-case",
        choices=("error", "rename", "keep"),
        default="error",
        help="what to do with keys of one object that are equal but for case (or equal); rename: "
        "Name, name_2",
    )


def s3_of(options: argparse.Namespace) -> S3Settings:
    """What the options of `add_s3` say of S3."""
    from airscoop.aws.settings import S3Settings

    return S3Settings(
        endpoint_url=options.endpoint_url,
        region=options.region,
        profile=options.profile,
        anonymous=options.anonymous,
        payload_signing=options.payload_signing,
        requester_pays=options.requester_pays,
        expected_bucket_owner=options.expected_bucket_owner,
        ca_file=options.ca_file,
    )
