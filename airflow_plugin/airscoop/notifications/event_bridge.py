"""EventBridge: a failed run as one event on a bus, by PutEvents."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

from airscoop.aws.service_errors import aws_errors
from airscoop.errors import AccessDenied, Throttled, UsageError
from airscoop.hooks import aws

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import Context

    from airscoop.notifications.failure import Failure

MOST_BYTES = 200_000  # of an event: PutEvents takes more, targets such as SQS and Lambda do not
MOST_DETAIL_TYPE = 128  # characters
MOST_MESSAGE = (2048, 256)  # characters, tried in this order
PASSING = ("InternalFailure", "ThrottlingException")
WAIT_SECONDS = (1, 2, 4)


class EventBridge(BaseNotifier):
    """Puts one event for each failed run onto a bus.

    source: who tells, such as "acme.airflow"; those that begin with "aws." are AWS's own.
    detail_type: at most 128 characters. bus: its name or ARN. aws_conn_id: as of the operators.

    The event's detail has `idempotency_key` (the same for every event of one run, for a consumer
    that must not act twice), `dag_id`, `run_id`, `logical_date`, `data_interval_start`,
    `clear_number`, `failed_count`, and `failed_tasks`, each with `task_id`, `map_index`, `code`,
    `message` and `retryable`. An event has less than 200 KB: messages are cut to 2,048 characters,
    then to 256, and then the last tasks are left out; `left_out` says how many.

    It is a deadline's callback, too: `AsyncCallback(EventBridge, kwargs={"source": …,
    "detail_type": …})`. The detail has then `idempotency_key` (the deadline's own), `dag_id`,
    `run_id`, `logical_date`, `data_interval_start`, `state` and `deadline`.
    """

    def __init__(
        self,
        *,
        source: str,
        detail_type: str = "airscoop run failed",
        bus: str = "default",
        aws_conn_id: str | None = "aws_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        _check(source, detail_type, bus)
        self.source = source
        self.detail_type = detail_type
        self.bus = bus
        self.aws_conn_id = aws_conn_id

    def notify(self, context: Context) -> None:
        """Sends the event; raises an AirscoopError where the bus did not take it."""
        failure: Failure = context["failure"]  # type: ignore[typeddict-item]
        self.put(detail_of(failure))

    async def async_notify(self, context: Context) -> None:
        """Sends the event of a deadline that was missed, from the triggerer; raises as `notify`."""
        from asgiref.sync import sync_to_async

        await sync_to_async(self.put)(json.dumps(missed_deadline(context)))

    def put(self, detail: str) -> None:
        """Puts one event with this detail, a JSON object."""
        entry = {
            "Source": self.source,
            "DetailType": self.detail_type,
            "Detail": detail,
            "EventBusName": self.bus,
        }
        client = aws.client(self.aws_conn_id, "events", needed_by="EventBridge")
        for seconds in (*WAIT_SECONDS, None):
            with aws_errors("EventBridge"):
                answer = client.put_events(Entries=[entry])
            code, message = _refusal(answer)
            if code is None:
                self.log.info("told %s", self.bus)
                return
            told = f"EventBridge: the bus {self.bus} did not take the event: {code}: {message}"
            if code not in PASSING:
                raise AccessDenied(told)
            if seconds is not None:
                time.sleep(seconds)
        raise Throttled(told)


def detail_of(failure: Failure) -> str:
    """The failure as the JSON of an event, cut as EventBridge's docstring says."""
    values = failure.to_dict()
    tasks = values["failed_tasks"]
    for most in MOST_MESSAGE:
        for task in tasks:
            task["message"] = task["message"][:most]
        if _bytes(values) < MOST_BYTES:
            return json.dumps(values)
    kept, size = 0, _bytes({**values, "failed_tasks": [], "left_out": len(tasks)})
    while size + (more := _bytes(tasks[kept]) + len(", ")) < MOST_BYTES:
        size += more
        kept += 1
    cut = {"failed_tasks": tasks[:kept], "left_out": len(tasks) - kept}
    return json.dumps({**values, **cut})


def missed_deadline(context: Mapping[str, Any]) -> dict[str, Any]:
    """A deadline's context, of which Airflow gives no more, as the detail of an event."""
    run, deadline = context["dag_run"], context["deadline"]
    return {
        "idempotency_key": str(deadline["id"]),
        "dag_id": run["dag_id"],
        "run_id": run["dag_run_id"],
        "logical_date": run["logical_date"],
        "data_interval_start": run["data_interval_start"],
        "state": run["state"],
        "deadline": str(deadline["deadline_time"]),
    }


def _bytes(values: Mapping[str, Any]) -> int:
    """json.dumps writes ASCII: its characters are its bytes."""
    return len(json.dumps(values))


def _refusal(answer: Mapping[str, Any]) -> tuple[str | None, str]:
    """Code and message with which the one entry was refused; None: it was not."""
    (entry,) = answer["Entries"]
    if not answer.get("FailedEntryCount") and entry.get("EventId"):
        return None, ""
    return entry.get("ErrorCode", "InternalFailure"), entry.get("ErrorMessage", "")


def _check(source: str, detail_type: str, bus: str) -> None:
    """When the DAG is read: told later, a wrong argument would be one more failure untold."""
    for name, text in (("source", source), ("detail_type", detail_type), ("bus", bus)):
        if not isinstance(text, str) or not text:
            raise UsageError(f"EventBridge: {name} must be a text that is not empty")
    if source.startswith("aws."):
        raise UsageError(f"EventBridge: the source {source} is AWS's own; begin it otherwise")
    if len(detail_type) > MOST_DETAIL_TYPE:
        raise UsageError(f"EventBridge: detail_type has more than {MOST_DETAIL_TYPE} characters")
