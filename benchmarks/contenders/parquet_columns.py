"""Two columns of a Parquet file in S3, by each peer as its users write it: prints what that took.

The time is from the opening to the table, without the imports, as in a program that reads more than
one file. A first read of a small file has made connections and caches, where they are kept.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pyarrow
from job import JOB
from pyarrow import parquet

COLUMNS = ["c03", "c17"]
Read = Callable[[str], pyarrow.Table]


def by_airscoop() -> Read:
    import airscoop
    from airscoop import Credentials, S3Settings

    settings = S3Settings(
        credentials=Credentials(
            access_key_id=os.environ["AWS_ACCESS_KEY_ID"],
            secret_access_key=os.environ["AWS_SECRET_ACCESS_KEY"],
        ),
        endpoint_url=JOB.endpoint,
        region=JOB.region,
    )

    def read(key: str) -> pyarrow.Table:
        with airscoop.open(f"s3://{JOB.bucket}/{key}", "rb", s3=settings) as file:
            return parquet.read_table(file, columns=COLUMNS)

    return read


def by_pyarrow() -> Read:
    from pyarrow.fs import S3FileSystem

    s3 = S3FileSystem(
        endpoint_override=urlsplit(JOB.endpoint).netloc, scheme="http", region=JOB.region
    )

    def read(key: str) -> pyarrow.Table:
        return parquet.read_table(f"{JOB.bucket}/{key}", filesystem=s3, columns=COLUMNS)

    return read


def by_s3fs() -> Read:
    import s3fs

    system: Any = s3fs.S3FileSystem(endpoint_url=JOB.endpoint)

    def read(key: str) -> pyarrow.Table:
        with system.open(f"{JOB.bucket}/{key}", "rb") as file:
            return parquet.read_table(file, columns=COLUMNS)

    return read


def by_smart_open() -> Read:
    from smart_open import open as smart_open

    def read(key: str) -> pyarrow.Table:
        with smart_open(f"s3://{JOB.bucket}/{key}", "rb") as file:
            return parquet.read_table(file, columns=COLUMNS)

    return read


def by_obstore() -> Read:
    from obstore.fsspec import FsspecStore

    system: Any = FsspecStore(
        "s3",
        endpoint=JOB.endpoint,
        region=JOB.region,
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
    )

    def read(key: str) -> pyarrow.Table:
        with system.open(f"{JOB.bucket}/{key}", "rb") as file:
            return parquet.read_table(file, columns=COLUMNS)

    return read


def main(peer: str) -> None:
    read: Read = globals()[f"by_{peer}"]()
    read(JOB.target)
    begin = time.perf_counter()
    table = read(JOB.key)
    seconds = time.perf_counter() - begin
    sums = [pyarrow.compute.sum(table[name]).as_py() for name in COLUMNS]
    print(json.dumps({"seconds": seconds, "rows": table.num_rows, "sums": sums}), flush=True)
    # pyarrow's threads may still hold a Python file: at an ordinary exit they abort the process.
    os._exit(0)


if __name__ == "__main__":
    import pyarrow.compute

    main(sys.argv[1])
