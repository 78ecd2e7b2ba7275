"""What a workgroup of Athena lays down is kept to, and told before a query is paid for."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from airscoop import errors
from airscoop.hooks.athena_workgroup import Workgroup, workgroup


def looked_at(configuration: dict[str, Any], state: str = "ENABLED") -> Workgroup:
    client = boto3.client(
        "athena", region_name="us-east-1", aws_access_key_id="A", aws_secret_access_key="s"
    )
    answer = {"WorkGroup": {"Name": "w", "State": state, "Configuration": configuration}}
    with Stubber(client) as stub:
        stub.add_response("get_work_group", answer, {"WorkGroup": "w"})
        return workgroup(client, "w")


@pytest.mark.parametrize(
    "configuration",
    [
        {"EnforceWorkGroupConfiguration": True},
        {"ManagedQueryResultsConfiguration": {"Enabled": True}},
    ],
)
def test_where_it_keeps_results_itself_it_is_asked_for_no_other_place(
    configuration: dict[str, Any],
) -> None:
    assert looked_at(configuration).result_configuration("s3://b/r/", "1" * 12) == {}


def test_elsewhere_results_go_where_they_are_asked_for_and_to_that_owner_only() -> None:
    found = looked_at({"EnforceWorkGroupConfiguration": False})
    assert found.result_configuration("s3://b/r/", None) == {"OutputLocation": "s3://b/r/"}
    owned = found.result_configuration("s3://b/r/", "1" * 12)
    assert owned == {"OutputLocation": "s3://b/r/", "ExpectedBucketOwner": "1" * 12}


def test_a_disabled_one_is_named() -> None:
    with pytest.raises(errors.UsageError, match="the Athena workgroup w is disabled"):
        looked_at({}, state="DISABLED")


def test_one_that_is_not_there_is_named() -> None:
    client = boto3.client(
        "athena", region_name="us-east-1", aws_access_key_id="A", aws_secret_access_key="s"
    )
    for words, kind in (
        ("WorkGroup is not found.", errors.NotFound),
        ("WorkGroup is not what it was.", errors.HttpError),
    ):
        with Stubber(client) as stub, pytest.raises(kind, match="the Athena workgroup w"):
            stub.add_client_error("get_work_group", "InvalidRequestException", words, 400)
            workgroup(client, "w")


def test_a_requester_who_pays_needs_one_that_lets_him() -> None:
    with pytest.raises(errors.UsageError, match="RequesterPaysEnabled"):
        looked_at({"RequesterPaysEnabled": False}).check(requester_pays=True)
    looked_at({"RequesterPaysEnabled": False}).check(requester_pays=False)
    looked_at({"RequesterPaysEnabled": True}).check(requester_pays=True)


def test_one_that_may_not_be_looked_at_is_used_as_it_is() -> None:
    client = boto3.client(
        "athena", region_name="us-east-1", aws_access_key_id="A", aws_secret_access_key="s"
    )
    with Stubber(client) as stub:
        stub.add_client_error("get_work_group", "AccessDeniedException", http_status_code=400)
        assert workgroup(client, "w") == Workgroup(name="w")


def test_a_query_beyond_its_limit_says_whose_limit_it_is_and_is_not_tried_again() -> None:
    found = looked_at({"BytesScannedCutoffPerQuery": 10_000_000})
    status = {
        "State": "CANCELLED",
        "StateChangeReason": "Query cancelled! : Bytes scanned limit was exceeded",
        "AthenaError": {"Retryable": True},
    }
    error = found.failure("q", status)
    assert "may read 10,000,000 bytes (BytesScannedCutoffPerQuery)" in str(error)
    assert not error.retryable


@pytest.mark.parametrize("retryable", [True, False])
def test_another_failure_is_tried_again_where_athena_says_so(retryable: bool) -> None:
    status = {"State": "FAILED", "AthenaError": {"Retryable": retryable}}
    assert looked_at({}).failure("q", status).retryable is retryable
