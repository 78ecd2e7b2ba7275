"""Uploads whose parts grow early, so that little data has parts of several sizes."""

from __future__ import annotations

import io
from typing import Any

from airscoop._native import Transfer
from airscoop.transfer.options import TransferOptions
from support.s3 import MIB, Store

# 5 MiB, 10 MiB, 20 MiB, 20 MiB, …; of 18 MiB for parts, two of 10 MiB do not fit.
GROWING = {
    "part_first_bytes": 5 * MIB,
    "part_largest_bytes": 20 * MIB,
    "part_flat_parts": 1,
    "part_growth_parts": 1,
    "memory_limit": 24 * MIB,
}


SIZES = {"memory": 5 * MIB, "file": 42 * MIB}


def upload(store: Store, endpoint: str) -> Transfer:
    settings = store.settings(endpoint_url=endpoint)
    options = TransferOptions(source="", destination=store.uri("a"), destination_s3=settings)
    return Transfer(options.native() | GROWING | {"source": None})


def write_in_parts(data: bytes, store: Store, endpoint: str) -> Any:
    with upload(store, endpoint) as transfer:
        stream = io.BytesIO(data)
        while block := stream.read(MIB):
            transfer.write(block)
        return transfer.commit()
