"""Copies whose output is split into files."""

from __future__ import annotations

from typing import Any

import airscoop
from support.s3 import Store, noise

SPLIT = 5 * 2**20


def rows(count: int, *, seed: int = 1) -> bytes:
    """JSON lines of some 1.1 KB that gzip makes little smaller than half."""
    text = noise(count * 512, seed=seed).hex().encode()
    return b"".join(
        b'{"n": %d, "text": "%s"}\n' % (n, text[n * 1024 : n * 1024 + 1024]) for n in range(count)
    )


def copied(store: Store, source: str, destination: str, **options: Any) -> airscoop.CopyReceipt:
    settings = store.settings()
    defaults: dict[str, Any] = {
        "split_bytes": SPLIT,
        "source_s3": settings,
        "destination_s3": settings,
    }
    return airscoop.copy(source, destination, **defaults | options)
