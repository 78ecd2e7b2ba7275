"""The XCom `airscoop_error`: what a task failed with, for the tasks that run after it.

It is pushed before the error is raised, because a task that has failed can push nothing more. Each
try begins without it, so it is that of the last try.
"""

from __future__ import annotations

import contextlib
import json
import logging
from bisect import bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING, TypedDict

from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferred,
)

from airscoop.errors import AirscoopError
from airscoop.operators.safe_texts import without_secrets

if TYPE_CHECKING:
    from airflow.sdk import Context

log = logging.getLogger(__name__)

ERROR_KEY = "airscoop_error"
MOST_BYTES = 2048  # of its JSON
MOST_READ = 2**14  # characters of a message
MOST_CODE = 100  # characters
CUT = "…"

NO_ERROR = (AirflowSkipException, AirflowRescheduleException, TaskDeferred)
FOR_GOOD = (AirflowFailException, AirflowSensorTimeout)  # Airflow does not try again after these


class ErrorDict(TypedDict):
    """code: of an AirscoopError its own, of any other error its class's name. retryable: whether
    the task is tried again as long as it has tries left."""

    code: str
    message: str
    retryable: bool


def error_dict(error: BaseException) -> ErrorDict:
    """The error as it is pushed: without secrets, at most 2 KiB as JSON."""
    cause = cause_of(error)
    code = cause.code if isinstance(cause, AirscoopError) else type(cause).__name__[:MOST_CODE]
    return _cut(
        ErrorDict(
            code=code,
            message=without_secrets(str(cause)[:MOST_READ]),
            retryable=not isinstance(error, FOR_GOOD),
        )
    )


def cause_of(error: BaseException) -> BaseException:
    """The error itself, or that of airscoop which fails the task for good."""
    origin = error.__context__ if isinstance(error, AirflowFailException) else None
    return origin if isinstance(origin, AirscoopError) else error


@contextlib.contextmanager
def error_pushed(context: Context) -> Iterator[None]:
    """Pushes what is raised in the `with` block, unless it says that the task has not failed."""
    try:
        yield
    except NO_ERROR:
        raise
    except BaseException as error:
        _push(context, error_dict(error))
        raise


def _push(context: Context, found: ErrorDict) -> None:
    """A push that fails must not hide the error; outside of a task runner there is none."""
    ti = context.get("ti")
    if ti is None:
        return
    try:
        ti.xcom_push(key=ERROR_KEY, value=dict(found))
    except ImportError:  # of the supervisor, which a call outside of a task runner lacks
        log.debug("%s is not pushed: no task runner", ERROR_KEY)
    except Exception as failed:
        log.warning("%s cannot be pushed: %s", ERROR_KEY, without_secrets(str(failed)))


def _cut(found: ErrorDict) -> ErrorDict:
    message = found["message"]
    if _size(found, message[:MOST_BYTES]) <= MOST_BYTES and len(message) <= MOST_BYTES:
        return found
    kept = bisect_right(
        range(MOST_BYTES), MOST_BYTES, key=lambda length: _size(found, message[:length] + CUT)
    )
    found["message"] = message[: kept - 1] + CUT
    return found


def _size(found: ErrorDict, message: str) -> int:
    return len(json.dumps(found | {"message": message}))
