"""The XCom `airscoop_error`: pushed before the raise, small, without secrets, never in the way."""

from __future__ import annotations

import json
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSensorTimeout,
    AirflowSkipException,
    AirflowTaskTimeout,
)

from airscoop import errors
from airscoop.operators.base import AirscoopOperator
from airscoop.operators.error_xcom import ERROR_KEY, MOST_BYTES
from airscoop.operators.lock_export import LockExportOperator
from airscoop.operators.stream_to_s3 import StreamToS3Operator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airscoop.receipts import Receipt

ACCESS_KEY_ID = "AKIAIOSFODNN7EXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


class Pushed:
    """A task instance, as far as pushes go."""

    dag_id, run_id, map_index, try_number, max_tries = "d", "r", -1, 1, 0

    def __init__(self, fails_with: Exception | None = None) -> None:
        self.values: dict[str, Any] = {}
        self._fails_with = fails_with

    def get_first_reschedule_date(self, context: Context) -> None:
        return None

    def xcom_push(self, key: str, value: Any) -> None:
        if self._fails_with is not None:
            raise self._fails_with
        self.values[key] = value


class Raising(AirscoopOperator):
    """An operator whose verb ends in `error`."""

    def __init__(self, *, error: BaseException, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.error = error

    def perform(self, context: Context) -> Receipt:
        raise self.error


def told(error: BaseException) -> Any:
    """The XCom of a task that ends so; None where it pushes none."""
    ti = Pushed()
    context: Any = {"ti": ti}
    with pytest.raises(BaseException):  # noqa: B017
        Raising(task_id="t", error=error).execute(context)
    assert set(ti.values) <= {ERROR_KEY}
    return ti.values.get(ERROR_KEY)


RESCHEDULED = AirflowRescheduleException(None)  # type: ignore[no-untyped-call]
ENDINGS: list[tuple[BaseException, str, bool]] = [
    (errors.BadRecord("line 2 is no JSON"), "BAD_RECORD", False),
    (errors.UsageError("a and b do not go together"), "USAGE", False),
    (errors.ConnectionFailed("refused"), "CONNECTION", True),
    (errors.Cancelled("cancelled"), "CANCELLED", True),
    (AirflowFailException("for good"), "AirflowFailException", False),
    (AirflowSensorTimeout("too long"), "AirflowSensorTimeout", False),
    (AirflowTaskTimeout("Timeout"), "AirflowTaskTimeout", True),
    (KeyError("x"), "KeyError", True),
    (SystemExit(3), "SystemExit", True),
    (KeyboardInterrupt(), "KeyboardInterrupt", True),
]


@pytest.mark.parametrize(("error", "code", "retryable"), ENDINGS)
def test_what_ends_a_task_is_pushed_with_code_message_and_retryable(
    error: BaseException, code: str, retryable: bool
) -> None:
    assert told(error) == {"code": code, "message": str(error), "retryable": retryable}


@pytest.mark.parametrize("error", [AirflowSkipException("no need"), RESCHEDULED])
def test_a_task_that_has_not_failed_pushes_no_error(error: BaseException) -> None:
    assert told(error) is None


def test_a_missing_source_that_is_waited_for_is_tried_again(tmp_path: Path) -> None:
    for if_missing, retryable in (("retry", True), ("fail", False)):
        ti = Pushed()
        context: Any = {"ti": ti}
        with socket.create_server(("127.0.0.1", 0)) as server:
            answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
            threading.Thread(target=lambda: server.accept()[0].sendall(answer)).start()  # noqa: B023
            operator = StreamToS3Operator(
                task_id="t",
                source=f"http://127.0.0.1:{server.getsockname()[1]}/x",
                destination=str(tmp_path / "x"),
                aws_conn_id=None,
                if_missing=if_missing,  # type: ignore[arg-type]
            )
            with pytest.raises(Exception, match="404"):
                operator.execute(context)
        assert ti.values[ERROR_KEY]["code"] == "NOT_FOUND"
        assert ti.values[ERROR_KEY]["retryable"] is retryable


def test_the_lock_task_pushes_its_error_too() -> None:
    ti = Pushed()
    context: Any = {"ti": ti}
    with pytest.raises(AirflowFailException):
        LockExportOperator(task_id="lock", export="no id", aws_conn_id="not_there").execute(context)
    assert ti.values[ERROR_KEY]["code"] == "USAGE"
    assert ti.values[ERROR_KEY]["retryable"] is False


@pytest.mark.parametrize("character", ["a", "é", "€", "😀", "\n", '"', "\\", "\udc80", "\0"])
@pytest.mark.parametrize("count", [2000, 2048, 5000, 100_000])
def test_an_error_is_cut_between_characters_to_2_kib(character: str, count: int) -> None:
    found = told(errors.SqlError("it fails: " + character * count))
    size = len(json.dumps(found))
    assert size <= MOST_BYTES
    assert found["message"].startswith("it fails: ")
    assert found["message"].encode().decode() == found["message"]
    if found["message"].endswith("…"):
        assert size > MOST_BYTES - 24
    else:
        assert len(found["message"]) >= 10 + count


LEAKS = [
    "http://loader:pass-w0rd@127.0.0.1:1/x?Signature=pass-w0rd failed",
    "cannot use 'https://u:pass-w0rd@h/x', sorry",
    "postgresql://u:pass-w0rd@h/db is not there",
    "jdbc:redshift://u:pass-w0rd@h:5439/db",
    "host=h password=pass-w0rd user=u",
    '{"aws_secret_access_key": "pass-w0rd"}',
    "Authorization: Bearer pass-w0rd",
    f"The key {ACCESS_KEY_ID} does not exist",
    f"signed by {SECRET_KEY}",
]


@pytest.mark.parametrize("message", LEAKS)
@pytest.mark.parametrize("kind", [RuntimeError, errors.SqlError, AirflowFailException])
def test_the_message_holds_no_secret(
    message: str, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    text = json.dumps(told(kind(message)))
    assert not any(secret in text for secret in ("pass-w0rd", ACCESS_KEY_ID, SECRET_KEY))


@pytest.mark.parametrize(
    "failure", [RuntimeError("no API server"), ImportError("SUPERVISOR_COMMS")]
)
def test_a_push_that_fails_does_not_hide_the_error(failure: Exception) -> None:
    context: Any = {"ti": Pushed(fails_with=failure)}
    with pytest.raises(errors.ConnectionFailed, match="refused"):
        Raising(task_id="t", error=errors.ConnectionFailed("refused")).execute(context)


def test_outside_of_a_run_nothing_is_pushed() -> None:
    context: Any = {}
    with pytest.raises(KeyError):
        Raising(task_id="t", error=KeyError("x")).execute(context)
