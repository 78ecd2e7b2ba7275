"""What an operator takes as `receipt`: what the verbs of other tasks returned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypedDict


class DownloadDict(TypedDict, total=False):
    """What is read of the receipt of a StreamToS3Operator."""

    source: str
    source_etag: str | None
    destination: str
    format: str
    records_out: int


class ChangesDict(TypedDict, total=False):
    """And of that of `airscoop.delta` (three counts) or of a SnapshotDeltaOperator (one)."""

    inserted: int
    updated: int
    deleted: int
    count: int


class InsertDict(TypedDict, total=False):
    """And of that of an InsertDistinctOperator."""

    inserted: int
    replaced: int


def receipts_in(given: object) -> list[tuple[str, object]]:
    """One receipt, or those of a sequence, each with its name; none where nothing is given."""
    if given is None:
        return []
    if isinstance(given, Sequence) and not isinstance(given, str | bytes):
        return [(f"receipt[{place}]", one) for place, one in enumerate(given)]
    return [("receipt", given)]


def detail_of(receipt: Mapping[str, object], name: str) -> object:
    """A field that is no count, where the receipt has it: nested, or, of an older airscoop, on
    top."""
    diagnostics = receipt.get("diagnostics")
    nested = diagnostics if isinstance(diagnostics, Mapping) else {}
    return nested.get(name, receipt.get(name))
