"""What a failure says of itself, whatever the tasks have left."""

from __future__ import annotations

from typing import Any

import pytest

from airscoop.notifications.failure import FailedTask, Failure


def failure(*tasks: FailedTask, **changed: Any) -> Failure:
    values: dict[str, Any] = {
        "dag_id": "loads",
        "run_id": "scheduled__1",
        "logical_date": None,
        "data_interval_start": None,
        "clear_number": 0,
        "failed_tasks": tasks,
    }
    return Failure(**{**values, **changed})


def test_the_error_of_an_operator_is_taken_as_it_is() -> None:
    left = {"code": "BAD_RECORD", "message": "line 3", "retryable": False}
    assert FailedTask.of("load", 3, left) == FailedTask(
        task_id="load", map_index=3, code="BAD_RECORD", message="line 3", retryable=False
    )


def test_a_task_that_left_none_says_killed_and_not_whether_it_may_pass() -> None:
    found = FailedTask.of("load", None, None)
    assert (found.code, found.retryable) == ("killed", None)
    assert "its log says more" in found.message


@pytest.mark.parametrize("left", ["a text", {}, {"retryable": "yes"}, 5, ["a"], {"code": None}])
def test_what_a_task_of_ones_own_left_is_told_in_any_case(left: object) -> None:
    found = FailedTask.of("load", None, left)
    assert isinstance(found.code, str) and isinstance(found.message, str)
    assert found.retryable is None


@pytest.mark.parametrize("field", ["code", "message"])
def test_secrets_that_a_task_left_are_not_told(field: str) -> None:
    found = FailedTask.of("load", None, {field: "https://user:pa55word@host/?sig=abcdef"})
    assert "pa55word" not in str(found) and "abcdef" not in str(found)


def test_the_idempotency_key_is_the_runs_whatever_has_failed_until_it_is_cleared() -> None:
    one, two = FailedTask.of("a", None, None), FailedTask.of("b", None, None)
    keys = {failure(one).idempotency_key, failure(one, two).idempotency_key}
    assert len(keys) == 1
    assert failure(one, clear_number=1).idempotency_key not in keys
    assert failure(one, run_id="scheduled__2").idempotency_key not in keys
    assert failure(one, dag_id="other").idempotency_key not in keys


def test_a_summary_names_five_tasks_and_counts_the_others() -> None:
    tasks = [FailedTask.of("load", index, {"code": "X", "message": "m"}) for index in range(7)]
    assert failure(*tasks).summary() == (
        "loads failed in scheduled__1: load[0] (X): m; load[1] (X): m; load[2] (X): m; "
        "load[3] (X): m; load[4] (X): m; and 2 more"
    )
