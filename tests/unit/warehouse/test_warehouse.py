"""What a warehouse session refuses before it connects."""

from __future__ import annotations

from typing import Any

import pytest

from airscoop import Warehouse
from airscoop.errors import UsageError


@pytest.mark.parametrize("number", [-1, "3", 1.5])
def test_expected_records_are_a_number_of_0_or_more(number: Any) -> None:
    warehouse = Warehouse({"host": "127.0.0.1", "port": "1"}, dialect="postgres")
    with pytest.raises(UsageError, match=f"expected_records has to be a whole number .*{number!r}"):
        warehouse.insert_distinct(
            source="a.b", target="c.d", columns=["x"], key=["x"], expected_records=number
        )


@pytest.mark.parametrize("number", [-1, "3", 1.5])
def test_expected_changes_are_a_number_of_0_or_more(number: Any) -> None:
    warehouse = Warehouse({"host": "127.0.0.1", "port": "1"}, dialect="postgres")
    with pytest.raises(UsageError, match=f"expected_changes has to be a whole number .*{number!r}"):
        warehouse.apply_changes("a.jsonl", table="c.d", key=["x"], expected_changes=number)


@pytest.mark.parametrize("name", ["lock_timeout_seconds", "statement_timeout_seconds"])
@pytest.mark.parametrize("seconds", [0, -1, "2", float("nan"), float("inf")])
def test_a_timeout_is_a_number_above_0(name: str, seconds: Any) -> None:
    options: Any = {name: seconds}
    with pytest.raises(
        UsageError, match=f"{name} has to be a number from 0.001 to .* not {seconds!r}"
    ):
        Warehouse({"host": "127.0.0.1"}, **options)
