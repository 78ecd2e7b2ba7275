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
        task_id="insert", source="a.b", target="c.d", columns=["x"], key=["x"], **options
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


@pytest.mark.parametrize("options", [{}, {"receipt": None}, {"expected_records": "receipt"}])
def test_an_insert_that_is_told_nothing_says_what_is_missing(options: dict[str, Any]) -> None:
    with pytest.raises(AirflowFailException) as caught:
        insert(**options).execute(NO_CONTEXT)
    text = str(caught.value)
    assert "UsageError: insert: " in text and "Pass receipt" in text
    assert "expected_records: a number, or None for no check" in text


@pytest.mark.parametrize("options", [{}, {"receipt": None}, {"expected_changes": "receipt"}])
def test_an_apply_that_is_told_nothing_says_what_is_missing(options: dict[str, Any]) -> None:
    with pytest.raises(AirflowFailException) as caught:
        apply(**options).execute(NO_CONTEXT)
    text = str(caught.value)
    assert "UsageError: apply: " in text and "Pass receipt" in text
    assert "expected_changes: a number, or None for no check" in text


@pytest.mark.parametrize("mapped", [False, True])
def test_a_download_in_the_format_raw_has_counted_nothing(tmp_path: Path, mapped: bool) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"x": 1}\n')
    raw, counted = stream(source), stream(source, format="jsonl")
    assert (raw["format"], counted["records_out"]) == ("raw", 1)
    with pytest.raises(AirflowFailException, match=r"format raw.*argument format.*jsonl") as caught:
        insert(receipt=[counted, raw] if mapped else raw).execute(NO_CONTEXT)
    assert "expected_records: a number, or None" in str(caught.value)


@pytest.mark.parametrize(
    "receipt",
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
@pytest.mark.parametrize("expected", ["receipt", 3, None])
def test_what_is_no_receipt_is_refused_whatever_is_expected(
    receipt: object, expected: object
) -> None:
    with pytest.raises(AirflowFailException, match=r"insert: receipt.* must be what a"):
        insert(receipt=receipt, expected_records=expected).execute(NO_CONTEXT)


@pytest.mark.parametrize("expected", [-1, 1.5, True, "-7", "7.5", "download", object()])
def test_a_number_that_is_none_is_refused(expected: object) -> None:
    with pytest.raises(AirflowFailException, match="insert: expected_records is"):
        insert(receipt={"records_out": 1}, expected_records=expected).execute(NO_CONTEXT)


GUARD = Guard(
    number="expected_records",
    writer="w",
    count=lambda receipt: number_in(receipt, "records_out"),
)


@pytest.mark.parametrize(
    ("number", "receipts", "expected"),
    [
        ("receipt", {"format": "jsonl", "records_out": 7}, 7),
        ("receipt", [{"records_out": 7}, {"records_out": 0}, {"records_out": 3}], 10),
        ("receipt", ({"records_out": 7},), 7),
        ("receipt", [], 0),
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
    ("receipt", "expected"),
    [(DELTA, 6), ([DELTA, DELTA], 12), ({"count": 4, "delta": DELTA}, 4), ([], 0)],
)
def test_an_apply_expects_what_the_deltas_counted(receipt: object, expected: int) -> None:
    assert apply(receipt=receipt)._expected() == expected


@pytest.mark.parametrize("receipt", [{"rows": 1}, {**DELTA, "deleted": None}, [DELTA, None], "x"])
def test_an_apply_refuses_what_is_no_receipt(receipt: object) -> None:
    with pytest.raises(AirflowFailException, match=r"apply: receipt.* must be what the"):
        apply(receipt=receipt).execute(NO_CONTEXT)
