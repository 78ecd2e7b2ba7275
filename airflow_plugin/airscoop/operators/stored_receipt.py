"""A receipt as the task state store has it: its form, and how it is cut to what fits."""

from __future__ import annotations

import json
from typing import Any, Literal, TypedDict

from airscoop.operators.error_xcom import ErrorDict

MOST_BYTES = 32 * 1024  # of its JSON

State = Literal["running", "done", "failed", "cancelled", "skipped"]


class Cut(TypedDict):
    """What a stored receipt lacks: how many rejected records, and which of the others."""

    rejected: int
    diagnostics: list[str]
    left_behind: list[str]


class StoredReceipt(TypedDict):
    """The receipt of a task, whatever became of it. The first ten are always whole.

    id: of this try's work; the receipt in XCom has the same. counts: so far. error: as the XCom
    airscoop_error. try_number: None outside of a run. rejected: the first rejected records, as a
    reject file has them, and the one that ended the work. left_behind: what the work has made that
    is no result: an upload that the next try takes up. diagnostics: of the receipt and of the error
    all else. cut: None where all is there.
    """

    id: str
    verb: str
    state: State
    started_at: str
    finished_at: str | None
    seconds: float
    counts: dict[str, int]
    error: ErrorDict | None
    airscoop_version: str
    format_version: int
    try_number: int | None
    rejected: list[dict[str, Any]]
    left_behind: dict[str, Any]
    diagnostics: dict[str, Any]
    cut: Cut | None


def cut(receipt: StoredReceipt) -> StoredReceipt:
    """The receipt with at most 32 KiB of JSON.

    First rejected records go, the last ones first; then the largest of `diagnostics`, and of
    `left_behind`. `cut` says what is gone.
    """
    if _size(receipt) <= MOST_BYTES:
        return receipt
    rejected, diagnostics = list(receipt["rejected"]), dict(receipt["diagnostics"])
    left_behind = dict(receipt["left_behind"])
    gone = receipt["cut"] or Cut(rejected=0, diagnostics=[], left_behind=[])
    receipt = {
        **receipt,
        "rejected": rejected,
        "left_behind": left_behind,
        "diagnostics": diagnostics,
        "cut": gone,
    }
    while rejected and _size(receipt) > MOST_BYTES:
        rejected.pop()
        gone["rejected"] += 1
    for values, names in (
        (diagnostics, gone["diagnostics"]),
        (left_behind, gone["left_behind"]),
    ):
        while values and _size(receipt) > MOST_BYTES:
            names.append(_without_largest(values))
    return receipt


def _without_largest(values: dict[str, Any]) -> str:
    largest = max(values, key=lambda name: _size(values[name]))
    del values[largest]
    return largest


def _size(value: object) -> int:
    return len(json.dumps(value, default=str))
