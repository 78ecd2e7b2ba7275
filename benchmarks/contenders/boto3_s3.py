"""boto3 and its transfer manager, as it is and tuned for one large object."""

from __future__ import annotations

import sys

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from job import JOB, MIB, run

S3 = boto3.client("s3", config=Config(s3={"addressing_style": "path"}))
TUNED = TransferConfig(
    multipart_threshold=16 * MIB,
    multipart_chunksize=16 * MIB,
    max_concurrency=8,
    io_chunksize=MIB,
)


def discard() -> int:
    body = S3.get_object(Bucket=JOB.bucket, Key=JOB.key)["Body"]
    return sum(len(block) for block in body.iter_chunks(MIB))


def download() -> None:
    S3.download_file(JOB.bucket, JOB.key, JOB.written)


def download_tuned() -> None:
    S3.download_file(JOB.bucket, JOB.key, JOB.written, Config=TUNED)


def upload() -> None:
    S3.upload_file(JOB.file, JOB.bucket, JOB.target)


def upload_tuned() -> None:
    S3.upload_file(JOB.file, JOB.bucket, JOB.target, Config=TUNED)


def upload_stream() -> None:
    S3.upload_fileobj(sys.stdin.buffer, JOB.bucket, JOB.target, Config=TUNED)


if __name__ == "__main__":
    run(discard, download, download_tuned, upload, upload_tuned, upload_stream)
