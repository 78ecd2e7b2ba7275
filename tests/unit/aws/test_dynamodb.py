"""What DynamoDB answers when it is busy or refuses, which the test server never does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError
from botocore.stub import Stubber

from airscoop import errors
from airscoop.aws import dynamodb
from airscoop.aws.dynamodb import RETRY_SECONDS, Action, DynamoTable

KEY, OTHER = ("a", "b"), ("a", "lock")


class Clock:
    """Time passes while one waits, and when a test says so."""

    def __init__(self) -> None:
        self.now, self.waits = 0.0, 0
        self.pace = 0.0  # what each wait takes, when that is not what was asked for

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += self.pace or seconds
        self.waits += 1


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(dynamodb, "time", made)
    return made


@pytest.fixture
def client() -> Any:
    return botocore.session.Session().create_client(
        "dynamodb",
        region_name="us-east-1",
        aws_access_key_id="k",
        aws_secret_access_key="s",
        config=Config(retries={"total_max_attempts": 1}),
    )


def transact(table: DynamoTable) -> list[bool]:
    return table.transact(
        Action(key=KEY, change="SET #x = :x", condition="#y = :x", values={"x": 1}),
        Action(key=OTHER, condition="#z = :z", values={"z": 2}),
    )


def cancelled(stub: Stubber, *codes: str) -> None:
    """The answer to a transaction, one reason an item."""
    stub.add_client_error(
        "transact_write_items",
        "TransactionCanceledException",
        modeled_fields={"CancellationReasons": [{"Code": code} for code in codes]},
    )


@pytest.mark.parametrize(
    ("codes", "held"),
    [
        (("ConditionalCheckFailed", "None"), [False, True]),
        (("None", "ConditionalCheckFailed"), [True, False]),
        (("ConditionalCheckFailed", "ConditionalCheckFailed"), [False, False]),
    ],
)
def test_a_transaction_tells_which_condition_did_not_hold(
    client: Any, codes: tuple[str, str], held: list[bool]
) -> None:
    with Stubber(client) as stub:
        cancelled(stub, *codes)
        assert transact(DynamoTable("t", client)) == held
        stub.assert_no_pending_responses()


def test_a_transaction_that_meets_another_is_tried_again(client: Any) -> None:
    with Stubber(client) as stub:
        cancelled(stub, "None", "TransactionConflict")
        cancelled(stub, "TransactionConflict", "ConditionalCheckFailed")
        stub.add_response("transact_write_items", {})
        assert transact(DynamoTable("t", client)) == []
        stub.assert_no_pending_responses()


@pytest.mark.parametrize("code", ["ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_transaction_that_is_throttled_is_tried_again(client: Any, code: str) -> None:
    with Stubber(client) as stub:
        cancelled(stub, code, "None")
        stub.add_response("transact_write_items", {})
        assert transact(DynamoTable("t", client)) == []
        stub.assert_no_pending_responses()


def test_a_transaction_that_is_refused_for_its_content_is_no_failed_condition(client: Any) -> None:
    with Stubber(client) as stub:
        cancelled(stub, "ValidationError", "None")
        with pytest.raises(errors.HttpError, match="the table t: ValidationError") as caught:
            transact(DynamoTable("t", client))
    assert not caught.value.retryable


def test_conflicts_that_do_not_end_are_an_error_that_may_pass(client: Any, clock: Clock) -> None:
    with Stubber(client) as stub:
        for _ in range(1000):
            cancelled(stub, "None", "TransactionConflict")
        with pytest.raises(errors.Throttled, match="the table t: other writes") as caught:
            transact(DynamoTable("t", client))
    assert caught.value.retryable
    assert RETRY_SECONDS <= clock.now < RETRY_SECONDS + 30


BUSY = "ThrottlingException", "ProvisionedThroughputExceededException", "InternalServerError"


@pytest.mark.parametrize("code", BUSY)
def test_a_table_that_throttles_for_minutes_is_waited_for_by_every_request(
    code: str, client: Any, clock: Clock
) -> None:
    item: dict[str, Any] = {"Item": {"x": {"N": "1"}}}
    page: dict[str, Any] = {"Items": []}
    requests: list[tuple[str, dict[str, Any], Callable[[DynamoTable], object]]] = [
        ("get_item", item, lambda table: table.get(KEY)),
        ("query", page, lambda table: list(table.query("a", after="b", before="c"))),
        ("scan", page, lambda table: list(table.first_keys("b"))),
        ("put_item", {}, lambda table: table.put({"pk": "a"}, condition="#x = :pk")),
        ("update_item", {"Attributes": {}}, update),
        ("transact_write_items", {}, transact),
    ]
    for operation, answer, ask in requests:
        clock.now, clock.waits = 0.0, 0
        with Stubber(client) as stub:
            for _ in range(40):
                stub.add_client_error(operation, code, http_status_code=400)
            stub.add_response(operation, answer)
            ask(DynamoTable("t", client))
            stub.assert_no_pending_responses()
        assert (clock.waits, clock.now > 120) == (40, True)


def update(table: DynamoTable) -> object:
    return table.update(KEY, "SET #x = :x", {"x": 1}, condition="#x = :x")


def test_what_has_no_answer_is_read_again_for_half_a_minute_and_written_once(
    client: Any, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a write without an answer was done, its mark tells first."""

    def unheard(**_: object) -> None:
        raise ConnectionClosedError(endpoint_url="e")

    for name in ("get_item", "update_item"):
        monkeypatch.setattr(client, name, unheard)
    with pytest.raises(errors.ConnectionFailed):
        DynamoTable("t", client).get(KEY)
    assert 30 <= clock.now < 60
    clock.waits = 0
    with pytest.raises(errors.ConnectionFailed):
        update(DynamoTable("t", client))
    assert clock.waits == 0


def test_the_time_for_which_a_process_was_stopped_is_not_spent(client: Any, clock: Clock) -> None:
    with Stubber(client) as stub:
        for _ in range(5):
            stub.add_client_error("get_item", "ThrottlingException", http_status_code=400)
        stub.add_response("get_item", {})
        clock.pace = 10 * RETRY_SECONDS
        assert DynamoTable("t", client).get(KEY) is None


def test_a_heartbeat_that_meets_a_transaction_is_sent_again(client: Any) -> None:
    with Stubber(client) as stub:
        stub.add_client_error("update_item", "TransactionConflictException", http_status_code=400)
        stub.add_response("update_item", {"Attributes": {"x": {"N": "1"}}})
        table = DynamoTable("t", client)
        assert table.update(KEY, "SET #x = :x", {"x": 1}, condition="#x = :x") == {"x": 1}


@pytest.mark.parametrize(
    ("code", "status", "kind", "retryable"),
    [
        ("ThrottlingException", 400, errors.Throttled, True),
        ("ProvisionedThroughputExceededException", 400, errors.Throttled, True),
        ("RequestLimitExceeded", 400, errors.Throttled, True),
        ("InternalServerError", 500, errors.Throttled, True),
        ("AccessDeniedException", 400, errors.AccessDenied, False),
        ("ExpiredTokenException", 400, errors.CredentialsExpired, True),
        ("ResourceNotFoundException", 400, errors.NotFound, False),
        ("ValidationException", 400, errors.HttpError, False),
    ],
)
def test_an_error_says_whether_another_try_may_help(
    client: Any, code: str, status: int, kind: type[errors.AirscoopError], retryable: bool
) -> None:
    with Stubber(client) as stub:
        stub.add_client_error("get_item", code, "it says why", http_status_code=status)
        with pytest.raises(kind, match=f"the table t: {code}: it says why") as caught:
            DynamoTable("t", client, retry_seconds=0).get(KEY)
    assert (caught.value.retryable, caught.value.http_status) == (retryable, status)


def test_values_survive_the_table(client: Any) -> None:
    value = {"s": "é", "n": -3, "f": 0.25, "b": True, "e": None, "l": [1, {"m": "x"}], "d": {}}
    from airscoop.aws.dynamodb import _item, _plain

    assert _plain(_item(value)) == value
    with pytest.raises(TypeError, match="bytes cannot be kept"):
        _item({"x": b"y"})
