"""A file of changes on a Kinesis stream by boto3: put_records by 500, what failed again."""

from __future__ import annotations

import gzip
import itertools
import json
import sys
from typing import Any

import boto3


def put(kinesis: Any, stream: str, records: list[dict[str, Any]]) -> None:
    while records:
        answer = kinesis.put_records(StreamName=stream, Records=records)
        if not answer["FailedRecordCount"]:
            return
        told = zip(records, answer["Records"], strict=True)
        records = [record for record, result in told if "ErrorCode" in result]


def main(changes: str, stream: str) -> None:
    kinesis = boto3.client("kinesis")
    with gzip.open(changes, "rb") as lines:
        while batch := list(itertools.islice(lines, 500)):
            put(
                kinesis,
                stream,
                [
                    {"Data": line[:-1], "PartitionKey": json.dumps(json.loads(line)["key"])}
                    for line in batch
                ],
            )


if __name__ == "__main__":
    main(*sys.argv[1:])
