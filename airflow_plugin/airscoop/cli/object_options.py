"""Flags for what an object in S3 is given besides its bytes."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airscoop.transfer.object_options import ObjectOptions


_PLAIN = (
    "--cache-control",
    "--content-encoding",
    "--content-disposition",
    "--content-language",
)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def add_object_options(verb: argparse.ArgumentParser) -> None:
    """Adds the flags to a verb that writes."""
    verb.add_argument(
        "--no-overwrite", action="store_true", help="fail when the destination is there already"
    )
    group = verb.add_argument_group("the object", "for a destination in S3")
    group.add_argument("--content-type", metavar="TYPE", help="such as text/csv")
    group.add_argument(
        "--encryption",
        choices=("AES256", "aws:kms", "aws:kms:dsse"),
        help="which S3 does; default: the bucket's",
    )
    group.add_argument("--kms-key-id", metavar="KEY", help="a key's ARN, for aws:kms")
    group.add_argument("--bucket-key", action="store_true", help="with aws:kms: fewer calls of KMS")
    group.add_argument("--storage-class", metavar="CLASS", help="such as STANDARD_IA")
    group.add_argument("--acl", metavar="NAME", help="such as bucket-owner-full-control")
    for flag in _PLAIN:
        group.add_argument(flag, metavar="TEXT", help=f"the header {flag[2:].title()}")
    group.add_argument("--expires", metavar="DATE", help="as HTTP has it")
    for flag, what in (("--tag", "at most 10"), ("--metadata", "at most 2 KB")):
        group.add_argument(
            flag, type=_pair, action="append", default=[], metavar="NAME=VALUE", help=what
        )


def object_options(options: argparse.Namespace) -> ObjectOptions:
    """What the flags say."""
    from airscoop.transfer.object_options import ObjectOptions

    return ObjectOptions(
        content_type=options.content_type,
        encryption=options.encryption,
        kms_key_id=options.kms_key_id,
        bucket_key=options.bucket_key,
        storage_class=options.storage_class,
        acl=options.acl,
        cache_control=options.cache_control,
        content_encoding=options.content_encoding,
        content_disposition=options.content_disposition,
        content_language=options.content_language,
        expires=options.expires,
        tags=dict(options.tag),
        metadata=dict(options.metadata),
    )
