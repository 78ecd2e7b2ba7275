"""What a warehouse session refuses before it connects."""

from __future__ import annotations

import pytest

from airscoop import Warehouse
from airscoop.errors import UsageError


def test_a_number_of_expected_records_below_0_is_refused() -> None:
    warehouse = Warehouse({"host": "127.0.0.1", "port": "1"}, dialect="postgres")
    with pytest.raises(UsageError, match="expected_records is -1"):
        warehouse.insert_distinct(
            source="a.b", target="c.d", columns=["x"], distinct_on=["x"], expected_records=-1
        )
