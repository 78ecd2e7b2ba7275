"""A run's partition comes from its own dates, never from the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

import pytest

from airscoop.airflow_time import partition_hour


@dataclass
class Run:
    logical_date: datetime | None = None
    run_after: datetime | None = None


def test_the_logical_date_comes_first() -> None:
    run = Run(datetime(2026, 1, 2, 8, 59, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    assert partition_hour(run) == "2026010208"


def test_the_hour_is_in_utc() -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    assert partition_hour(Run(datetime(2026, 1, 1, 2, 15, tzinfo=east))) == "2025123120"


def test_a_run_without_logical_date_uses_run_after() -> None:
    assert partition_hour(Run(None, datetime(2026, 3, 4, 5, tzinfo=UTC))) == "2026030405"


def test_a_run_with_neither_date_is_a_clear_error() -> None:
    with pytest.raises(ValueError, match="neither a logical date nor run_after"):
        partition_hour(Run())


def test_a_date_without_time_zone_is_an_error() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        partition_hour(Run(datetime(2026, 1, 1)))
