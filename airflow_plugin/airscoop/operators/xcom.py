"""What operators read of the receipts of other tasks, as XCom gives them."""

from __future__ import annotations

from typing import TypedDict


class DownloadDict(TypedDict, total=False):
    """Of a StreamToS3Operator."""

    source: str
    source_etag: str | None
    destination: str
    format: str
    records_out: int


class ChangesDict(TypedDict, total=False):
    """Of `airscoop.delta`, with three counts, or of a SnapshotDeltaOperator, with one."""

    inserted: int
    updated: int
    deleted: int
    count: int


class InsertDict(TypedDict, total=False):
    """Of an InsertDistinctOperator."""

    inserted: int
    replaced: int
