"""The guard of counts is on unless it is turned off by name, and says so when it cannot work."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airscoop.operators.apply_changes import ApplyChangesOperator
from airscoop.operators.counts import Guard, number_in
from airscoop.operators.insert_distinct import InsertDistinctOperator
from airscoop.operators.stream_to_s3 import StreamToS3Operator

NO_CONTEXT: Any = {}
DELTA = {"inserted": 1, "updated": 2, "deleted": 3}


def insert(**options: Any) -> InsertDistinctOperator:
    return InsertDistinctOperator(
        task_id="insert", source="a.b", target="c.d", columns=["x"], distinct_on=["x"], **options
    )


def apply(**options: Any) -> ApplyChangesOperator:
    return ApplyChangesOperator(task_id="apply", changes="c", table="a.b", key=["x"], **options)


def stream(source: Path, **options: Any) -> dict[str, Any]:
    """What XCom has of a real download."""
    receipt = StreamToS3Operator(
        task_id="stream",
        source=str(source),
        destination=str(source.with_suffix(".out")),
        aws_conn_id=None,
        **options,
    ).execute(NO_CONTEXT)
    found: dict[str, Any] = json.loads(json.dumps(receipt))
    return found


@pytest.mark.parametrize("options", [{}, {"download": None}, {"expected_records": "download"}])
def test_an_insert_that_is_told_nothing_says_what_is_missing(options: dict[str, Any]) -> None:
    with pytest.raises(AirflowFailException) as caught:
        insert(**options).execute(NO_CONTEXT)
    text = str(caught.value)
    assert "UsageError: insert: " in text and "Pass download" in text
    assert "expected_records: a number, or None for no check" in text


@pytest.mark.parametrize("options", [{}, {"delta": None}, {"expected_changes": "delta"}])
def test_an_apply_that_is_told_nothing_says_what_is_missing(options: dict[str, Any]) -> None:
    with pytest.raises(AirflowFailException) as caught:
        apply(**options).execute(NO_CONTEXT)
    text = str(caught.value)
    assert "UsageError: apply: " in text and "Pass delta" in text
    assert "expected_changes: a number, or None for no check" in text


@pytest.mark.parametrize("mapped", [False, True])
def test_a_download_in_the_format_raw_has_counted_nothing(tmp_path: Path, mapped: bool) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"x": 1}\n')
    raw, counted = stream(source), stream(source, format="jsonl")
    assert (raw["format"], counted["records_out"]) == ("raw", 1)
    with pytest.raises(AirflowFailException, match=r"format raw.*argument format.*jsonl") as caught:
        insert(download=[counted, raw] if mapped else raw).execute(NO_CONTEXT)
    assert "expected_records: a number, or None" in str(caught.value)


@pytest.mark.parametrize(
    "download",
    [
        {"rows": 1},
        {"records_out": None},
        {"records_out": "3"},
        {"records_out": True},
        {"records_out": -1},
        "{'records_out': 3}",
        7,
        [{"records_out": 1}, None],
        [[{"records_out": 1}]],
    ],
)
@pytest.mark.parametrize("expected", ["download", 3, None])
def test_what_is_no_receipt_is_refused_whatever_is_expected(
    download: object, expected: object
) -> None:
    with pytest.raises(AirflowFailException, match=r"insert: download.* must be the rec"):
        insert(download=download, expected_records=expected).execute(NO_CONTEXT)


@pytest.mark.parametrize("expected", [-1, 1.5, True, "7", "delta", object()])
def test_a_number_that_is_none_is_refused(expected: object) -> None:
    with pytest.raises(AirflowFailException, match="insert: expected_records is"):
        insert(download={"records_out": 1}, expected_records=expected).execute(NO_CONTEXT)


GUARD = Guard(
    receipts="download",
    number="expected_records",
    writer="w",
    count=lambda receipt: number_in(receipt, "records_out"),
)


@pytest.mark.parametrize(
    ("number", "receipts", "expected"),
    [
        ("download", {"format": "jsonl", "records_out": 7}, 7),
        ("download", [{"records_out": 7}, {"records_out": 0}, {"records_out": 3}], 10),
        ("download", ({"records_out": 7},), 7),
        ("download", [], 0),
        (5, {"format": "raw", "records_out": 0}, 5),
        (0, None, 0),
        (None, {"format": "raw", "records_out": 0}, None),
        (None, None, None),
    ],
)
def test_receipts_are_summed_and_a_number_goes_before_them(
    number: object, receipts: object, expected: int | None
) -> None:
    assert GUARD.expected(number, receipts) == expected


@pytest.mark.parametrize(
    ("delta", "expected"),
    [(DELTA, 6), ([DELTA, DELTA], 12), ({"count": 4, "delta": DELTA}, 4), ([], 0)],
)
def test_an_apply_expects_what_the_deltas_counted(delta: object, expected: int) -> None:
    assert apply(delta=delta)._expected() == expected


@pytest.mark.parametrize("delta", [{"rows": 1}, {**DELTA, "deleted": None}, [DELTA, None], "x"])
def test_an_apply_refuses_what_is_no_receipt(delta: object) -> None:
    with pytest.raises(AirflowFailException, match=r"apply: delta.* must be the receipt"):
        apply(delta=delta).execute(NO_CONTEXT)
