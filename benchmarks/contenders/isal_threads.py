"""Python with ISA-L on threads (python-isal), and obstore's writer; no record is looked at."""

from __future__ import annotations

import shutil
from urllib.request import urlopen

import obstore
from isal import igzip_threaded
from job import JOB, MIB, run
from obstore.store import S3Store


def recompress() -> None:
    """Inflated on a thread, deflated at level 1 on another, sent by Rust."""
    store = S3Store(
        JOB.bucket,
        endpoint=JOB.endpoint,
        region=JOB.region,
        virtual_hosted_style_request=False,
        unsigned_payload=True,
        client_options={"allow_http": True},
    )
    with (
        urlopen(JOB.url) as answer,  # noqa: S310
        obstore.open_writer(store, JOB.target, buffer_size=8 * MIB) as target,
        igzip_threaded.open(answer, "rb", threads=1) as text,
        igzip_threaded.open(target, "wb", compresslevel=1, threads=1) as packed,
    ):
        shutil.copyfileobj(text, packed, MIB)


if __name__ == "__main__":
    run(recompress)
