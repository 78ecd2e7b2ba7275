"""airscoop from Python, its keys given as Airflow's connections give them.

The command line, which has botocore look for them, is in ../scenarios.py.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from job import JOB, MIB, run

import airscoop
from airscoop.aws.credentials import Credentials
from airscoop.aws.settings import PayloadSigning, S3Settings

SOURCE, TARGET = f"s3://{JOB.bucket}/{JOB.key}", f"s3://{JOB.bucket}/{JOB.target}"


def _s3(signing: PayloadSigning = "never") -> S3Settings:
    return S3Settings(
        credentials=Credentials(
            access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
            secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        ),
        endpoint_url=JOB.endpoint,
        region=JOB.region,
        payload_signing=signing,
    )


def to_stdout() -> None:
    airscoop.copy(SOURCE, "-", s3=_s3())


def discard() -> int:
    return sum(len(block) for block in airscoop.read(SOURCE, format="raw", s3=_s3()))


def opened() -> int:
    size = 0
    with airscoop.open(SOURCE, "rb", s3=_s3()) as file:
        while block := file.read(MIB):
            size += len(block)
    return size


def download() -> None:
    airscoop.copy(SOURCE, JOB.written, s3=_s3())


def _upload(source: str, **options: Any) -> None:
    """The payload is signed if the command line has the word "signed"."""
    signing: PayloadSigning = "always" if "signed" in sys.argv else "never"
    airscoop.copy(source, TARGET, s3=_s3(signing), **options)


def upload() -> None:
    _upload(JOB.file)


def upload_unchecked() -> None:
    _upload(JOB.file, checksum="none")


def upload_stream() -> None:
    _upload("-")


def pass_through() -> None:
    _upload(JOB.url, format="jsonl")


def straight() -> None:
    _upload(JOB.url)


def transform() -> None:
    _upload(JOB.url, format="jsonl", compression_level=1)


if __name__ == "__main__":
    run(
        to_stdout,
        discard,
        opened,
        download,
        upload,
        upload_unchecked,
        upload_stream,
        pass_through,
        straight,
        transform,
    )
