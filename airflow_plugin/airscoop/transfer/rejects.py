"""Where the records go that a copy has rejected."""

from __future__ import annotations

import re

from airscoop.transfer.places import is_s3

PARTITION_SEGMENT = r"[^/=]+=[^/]*$"  # compiled when it is used, which takes a millisecond
REJECTS = "_rejects"


def rejects_for(destination: str) -> str:
    """Where the rejected records of a destination go: `_rejects/` at the root of its prefix.

    The root is what stands before the partition folders (`name=value`), so that the reject file is
    never inside a partition's location: s3://b/reviews/day=1/x.json.gz has its rejects in
    s3://b/reviews/_rejects/day=1/x.json.gz.jsonl.
    """
    if is_s3(destination):
        bucket, _, key = destination[5:].partition("/")
        return f"s3://{bucket}/{_beside_partitions(key)}"
    folder = "/" if destination.startswith("/") else ""
    return folder + _beside_partitions(destination.lstrip("/"))


def _beside_partitions(key: str) -> str:
    *folders, name = key.split("/")
    split = len(folders)
    while split > 0 and re.match(PARTITION_SEGMENT, folders[split - 1]):
        split -= 1
    return "/".join([*folders[:split], REJECTS, *folders[split:], f"{name}.jsonl"])
