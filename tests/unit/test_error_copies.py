"""Every error of ours goes through copy and pickle: to another process, another thread, a log."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors
from airscoop.receipts.prefix import CopyFailure, PrefixReceipt
from airscoop.transfer.prefix import incomplete
from airscoop.transfer.split_files import SplitFiles

WAYS: list[Callable[[Any], Any]] = [
    copy.copy,
    copy.deepcopy,
    lambda error: pickle.loads(pickle.dumps(error)),
    lambda error: pickle.loads(pickle.dumps(error, protocol=0)),
]
FACTS = {
    "retryable": True,
    "committed": None,
    "source_missing": True,
    "http_status": 503,
    "os_errno": 5,
    "sqlstate": "40001",
    "request_id": "R",
}


@pytest.mark.parametrize("again", WAYS)
@pytest.mark.parametrize("name", errors.__all__)
def test_a_copy_and_a_pickle_of_each_keep_everything(name: str, again: Any) -> None:
    error = getattr(errors, name)("what went wrong")
    vars(error).update(FACTS)
    error.add_note("a note")
    other = again(error)
    assert type(other) is type(error)
    assert (other.args, str(other), other.code) == (error.args, str(error), error.code)
    assert {fact: getattr(other, fact) for fact in FACTS} == FACTS
    assert other.__notes__ == ["a note"]


def receipt_of_a_failure() -> PrefixReceipt:
    failure = CopyFailure(
        source="s3://b/in/x", destination="s3://b/out/x", error="HTTP", message="no", retryable=True
    )
    counts: dict[str, Any] = dict.fromkeys(
        ("source_bytes", "destination_bytes", "equal_bytes", "markers"), 0
    )
    return PrefixReceipt(
        source="s3://b/in/",
        destination="s3://b/out/",
        objects=2,
        copied=1,
        equal=0,
        failed=1,
        copies=[],
        failures=[failure],
        seconds=1.0,
        **counts,
    )


@pytest.mark.parametrize("again", WAYS)
def test_a_prefix_that_is_not_whole_keeps_its_receipt_and_what_was_said_of_it(
    again: Any,
) -> None:
    error = incomplete(receipt_of_a_failure())
    assert (error.code, error.committed, error.receipt.failed) == ("INCOMPLETE", None, 1)
    error.committed = True
    error.add_note("a note")
    other = again(error)
    assert other.receipt == error.receipt
    assert (str(other), other.committed, other.__notes__) == (str(error), True, ["a note"])
    assert type(other) is airscoop.PrefixIncomplete


def test_every_code_that_a_command_tells_is_in_the_table() -> None:
    codes = {getattr(errors, name).code for name in errors.__all__}
    assert {"INCOMPLETE", "LEFTOVER", "LOCAL_STACK"} <= codes


def test_an_older_file_that_cannot_be_removed_after_a_split_is_an_error_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: SplitFiles, file: object) -> None:
        raise PermissionError("the disk is full of them")

    (tmp_path / "in.jsonl").write_text('{"a": 1}\n')
    (tmp_path / "out-00007.jsonl").write_text("older\n")
    monkeypatch.setattr(SplitFiles, "remove", refuse)
    with pytest.raises(errors.LeftoverFiles, match="could not be removed") as caught:
        airscoop.copy(
            tmp_path / "in.jsonl",
            tmp_path / "out.jsonl",
            format="jsonl",
            split_bytes=5 << 20,
            split_replace=True,
        )
    assert (caught.value.code, caught.value.committed) == ("LEFTOVER", True)
    assert (tmp_path / "out-00000.jsonl").exists()
