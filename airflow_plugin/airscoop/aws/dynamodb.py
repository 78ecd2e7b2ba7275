"""One DynamoDB table with the keys pk and sk: plain items, conditions, and what its errors mean.

Expressions name attributes as #name and values as :name; all reads are consistent.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from http import HTTPStatus
from itertools import count
from typing import Any, TypeVar

from airscoop.aws.botocore_chain import botocore_errors
from airscoop.aws.service_errors import aws_errors, error_code
from airscoop.errors import AirscoopError, CredentialsExpired, HttpError, Throttled

Item = dict[str, Any]
Key = tuple[str, str]
T = TypeVar("T")

CONNECT_SECONDS, READ_SECONDS = 5, 10
RETRY_SECONDS = 600.0  # a table that throttles, or whose items others write, is asked again
UNHEARD_SECONDS = 30.0  # … and one that does not answer
LONGEST_TRY = 30.0
ANSWERED, UNANSWERED = frozenset({True}), frozenset({False})
PAGE = 50
FAILED = "ConditionalCheckFailed"
BUSY = ("TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded")


def make_client(
    *, endpoint_url: str | None = None, region: str | None = None, profile: str | None = None
) -> Any:
    """A DynamoDB client; what is None is found where botocore finds it."""
    import botocore.session
    from botocore.config import Config

    with botocore_errors(profile):
        session = botocore.session.Session(profile=profile)
        return session.create_client(
            "dynamodb",
            region_name=region or session.get_config_variable("region") or "us-east-1",
            endpoint_url=endpoint_url,
            config=Config(**client_options()),
        )


def client_options() -> dict[str, Any]:
    """How long one try may take: well below a lease. The table itself tries again."""
    return {
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
        "retries": {"mode": "standard", "total_max_attempts": 1},
    }


@dataclass(frozen=True, kw_only=True)
class Action:
    """One item of a transaction: its change under a condition; change None: the condition alone."""

    key: Key
    condition: str
    values: Mapping[str, Any]
    change: str | None = None


class DynamoTable:
    """Items are dicts of text, numbers, booleans, None, lists and dicts.

    What may pass (throttling, writes of others at the same time, the service's own errors) is tried
    again for `retry_seconds`, more and more slowly; what has no answer for half a minute at most.
    """

    def __init__(self, name: str, client: Any, retry_seconds: float = RETRY_SECONDS) -> None:
        self.name = name
        self._client = client
        self._retry_seconds = retry_seconds

    def within(self, seconds: float) -> DynamoTable:
        """The same table, which tries again for so long."""
        return DynamoTable(self.name, self._client, seconds)

    def get(self, key: Key) -> Item | None:
        """The item as it is now."""
        answer = self._read(self._client.get_item, Key=_key(key))
        return _plain(answer["Item"]) if "Item" in answer else None

    def query(
        self,
        pk: str,
        *,
        after: str,
        before: str,
        backwards: bool = False,
        first: int | None = None,
        where: tuple[str, str | bool] | None = None,
    ) -> Iterator[Item]:
        """The items of `pk` with after < sk < before, in the order of sk.

        Only those are read that are asked for: `first` of them at once, then page by page. where:
        an attribute and its value; others are not sent.
        """
        names = {"#pk": "pk", "#sk": "sk"}
        values: dict[str, str | bool] = {":pk": pk, ":after": after, ":before": before}
        options: dict[str, Any] = {"Limit": first or PAGE}
        chosen: dict[str, Any] = {}
        if where is not None:
            chosen["FilterExpression"] = "#where = :where"
            names["#where"], values[":where"] = where
        while True:
            answer = self._read(
                self._client.query,
                KeyConditionExpression="#pk = :pk AND #sk BETWEEN :after AND :before",
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=_item(values),
                ScanIndexForward=not backwards,
                **chosen,
                **options,
            )
            for each in answer["Items"]:
                item = _plain(each)
                if after < item["sk"] < before:
                    yield item
            if "LastEvaluatedKey" not in answer:
                return
            options = {"Limit": PAGE, "ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def first_keys(self, beginning: str) -> Iterator[str]:
        """Each pk that has an sk with this beginning, once. It reads the whole table."""
        seen: set[str] = set()
        options: dict[str, Any] = {}
        while True:
            answer = self._read(
                self._client.scan,
                ProjectionExpression="#pk",
                FilterExpression="begins_with(#sk, :beginning)",
                ExpressionAttributeNames={"#pk": "pk", "#sk": "sk"},
                ExpressionAttributeValues=_item({":beginning": beginning}),
                **options,
            )
            for each in answer["Items"]:
                pk = str(_plain(each)["pk"])
                if pk not in seen:
                    seen.add(pk)
                    yield pk
            if "LastEvaluatedKey" not in answer:
                return
            options = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def put(self, item: Item, *, condition: str) -> Item | None:
        """Writes the whole item; None when the condition does not hold. Values are the item's."""
        request = {"Item": _item(item), **_expressions({"ConditionExpression": condition}, item)}
        return None if self._write(self._client.put_item, request) is None else item

    def update(
        self, key: Key, change: str, values: Mapping[str, Any], *, condition: str
    ) -> Item | None:
        """Changes an item and gives it as it is then; None when the condition does not hold."""
        expressions = {"UpdateExpression": change, "ConditionExpression": condition}
        request = {"Key": _key(key), "ReturnValues": "ALL_NEW", **_expressions(expressions, values)}
        answer = self._write(self._client.update_item, request)
        return None if answer is None else _plain(answer["Attributes"])

    def transact(self, *actions: Action) -> list[bool]:
        """Does all of the actions, or none.

        [] when it was done; else whether each action's condition held.
        """
        items = [self._item_of(action) for action in actions]
        return self._held(self._patiently(lambda: self._transact(items), ANSWERED))

    def _item_of(self, action: Action) -> dict[str, Any]:
        expressions = {"ConditionExpression": action.condition}
        if action.change is not None:
            expressions["UpdateExpression"] = action.change
        request = {"TableName": self.name, "Key": _key(action.key)}
        request |= _expressions(expressions, action.values)
        return {"ConditionCheck" if action.change is None else "Update": request}

    def settled(
        self, key: Key, mark: tuple[str, str], write: Callable[[], Item | None]
    ) -> Item | None:
        """What `write` gives; where its answer was lost, or says that a condition does not hold
        because an earlier attempt of its own has won, the item itself tells by its mark (the name
        of an attribute, and the value that only this write gives it).
        """
        name, value = mark

        def ours() -> Item | None:
            item = self.get(key)
            return item if item is not None and item.get(name) == value else None

        def once() -> Item | None:
            try:
                item = write()
            except AirscoopError as error:
                if not error.retryable or (item := ours()) is None:
                    raise
            return item if item is not None else ours()

        return self._patiently(once, UNANSWERED)

    def _transact(self, items: list[dict[str, Any]]) -> list[str]:
        from botocore.exceptions import ClientError

        with self._errors():
            try:
                self._client.transact_write_items(TransactItems=items)
            except ClientError as error:
                if error_code(error) != "TransactionCanceledException":
                    raise
                reasons = [one.get("Code", "None") for one in error.response["CancellationReasons"]]
                if any(reason in BUSY for reason in reasons):
                    busy = Throttled(
                        f"the table {self.name}: other writes, or throttling, do not end"
                    )
                    busy.http_status = HTTPStatus.BAD_REQUEST
                    raise busy from None
                return reasons
        return []

    def _held(self, reasons: list[str]) -> list[bool]:
        """Which conditions held, where nothing but conditions was the reason."""
        for reason in reasons:
            if reason not in ("None", FAILED):
                raise HttpError(f"the table {self.name}: {reason} in a transaction")
        return [reason != FAILED for reason in reasons]

    def _write(self, call: Any, request: dict[str, Any]) -> Any:
        """The answer; None when the condition does not hold."""
        from botocore.exceptions import ClientError

        def ask() -> Any:
            with self._errors():
                try:
                    return call(TableName=self.name, **request)
                except ClientError as error:
                    if error_code(error) == "ConditionalCheckFailedException":
                        return None
                    raise

        return self._patiently(ask, ANSWERED)

    def _read(self, call: Any, **request: Any) -> Any:
        def ask() -> Any:
            with self._errors():
                return call(TableName=self.name, ConsistentRead=True, **request)

        return self._patiently(ask, ANSWERED | UNANSWERED)

    def _patiently(self, ask: Callable[[], T], kinds: Collection[bool]) -> T:
        """Asks again after what may pass. kinds: whether errors that are answers, and others."""
        patience = Patience()
        for attempt in count():
            try:
                return ask()
            except AirscoopError as error:
                answered = error.http_status is not None
                most = (
                    self._retry_seconds if answered else min(self._retry_seconds, UNHEARD_SECONDS)
                )
                passes = error.retryable and not isinstance(error, CredentialsExpired)
                if not passes or answered not in kinds or patience.ends(most):
                    raise
            _wait(attempt)
        raise AssertionError("not reached")

    def _errors(self) -> AbstractContextManager[None]:
        """Raises botocore's exceptions as airscoop's own, with the table's name."""
        return aws_errors(f"the table {self.name}")


class Patience:
    """For how long something has been tried in vain. One try counts LONGEST_TRY at most: while the
    process is stopped nobody tries.
    """

    def __init__(self) -> None:
        self._since, self._spent = time.monotonic(), 0.0

    def ends(self, most: float) -> bool:
        """A try has failed: whether `most` seconds are spent."""
        since, self._since = self._since, time.monotonic()
        self._spent += min(self._since - since, LONGEST_TRY)
        return self._spent >= most


def _wait(attempt: int) -> None:
    time.sleep(random.uniform(0.01, 0.05 * 2 ** min(attempt, 8)))  # noqa: S311 only spreads the load


def _expressions(
    expressions: Mapping[str, str], values: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The expressions with the names and values that they use."""
    text = " ".join(expressions.values())
    request: dict[str, Any] = dict(expressions)
    request["ExpressionAttributeNames"] = {f"#{n}": n for n in re.findall(r"#(\w+)", text)}
    used = {f":{n}": (values or {})[n] for n in re.findall(r":(\w+)", text)}
    if used:
        request["ExpressionAttributeValues"] = _item(used)
    return request


def _key(key: Key) -> dict[str, Any]:
    return _item({"pk": key[0], "sk": key[1]})


def _item(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _typed(value) for name, value in values.items()}


def _plain(item: Mapping[str, Any]) -> Item:
    return {name: _untyped(value) for name, value in item.items()}


def _typed(value: Any) -> dict[str, Any]:
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int | float):
        return {"N": repr(value)}
    if isinstance(value, str):
        return {"S": value}
    if isinstance(value, dict):
        return {"M": _item(value)}
    if isinstance(value, list | tuple):
        return {"L": [_typed(one) for one in value]}
    raise TypeError(f"{type(value).__name__} cannot be kept in an item")


def _untyped(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    if kind == "NULL":
        return None
    if kind == "N":
        return int(content) if content.lstrip("-").isdigit() else float(content)
    if kind == "M":
        return _plain(content)
    if kind == "L":
        return [_untyped(one) for one in content]
    return content
