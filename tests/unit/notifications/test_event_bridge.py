"""The event of a failed run: how large it gets, and what the bus's answers lead to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from airscoop.errors import AccessDenied, AirscoopError, Throttled, UsageError
from airscoop.notifications import event_bridge
from airscoop.notifications.event_bridge import EventBridge, detail_of
from airscoop.notifications.failure import FailedTask, Failure

TOOK: dict[str, Any] = {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}


def refused(code: str) -> dict[str, Any]:
    return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": code, "ErrorMessage": "no"}]}


def failure(count: int, message: str) -> Failure:
    return Failure(
        dag_id="loads",
        run_id="scheduled__1",
        logical_date=None,
        data_interval_start="2026-01-01T00:00:00+00:00",
        clear_number=0,
        failed_tasks=tuple(
            FailedTask(task_id="load", map_index=index, code="X", message=message, retryable=True)
            for index in range(count)
        ),
    )


class Bus:
    """Answers PutEvents one after the other as it was told; keeps what it was sent."""

    def __init__(self) -> None:
        self.answers: list[dict[str, Any]] = []
        self.sent: list[dict[str, Any]] = []
        bus = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                bus.sent.append(json.loads(body))
                data = json.dumps(bus.answers[len(bus.sent) - 1]).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *arguments: object) -> None:
                """Nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bus]:
    found = Bus()
    host = f"http://127.0.0.1:{found.server.server_address[1]}"
    for name, text in {
        "AWS_ENDPOINT_URL_EVENTBRIDGE": host,
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setattr(event_bridge, "WAIT_SECONDS", (0, 0, 0))
    yield found
    found.server.shutdown()
    found.server.server_close()


def tell(count: int = 1) -> None:
    context: Any = {"failure": failure(count, "m")}
    EventBridge(source="acme.airflow", detail_type="failed", bus="alarms", aws_conn_id=None)(
        context
    )


def test_an_event_has_the_run_and_its_failed_tasks(bus: Bus) -> None:
    bus.answers = [TOOK]
    tell()
    ((entry,),) = [request["Entries"] for request in bus.sent]
    assert (entry["Source"], entry["DetailType"]) == ("acme.airflow", "failed")
    assert entry["EventBusName"] == "alarms"
    detail = json.loads(entry["Detail"])
    assert detail.pop("idempotency_key") == failure(1, "m").idempotency_key
    task = {"task_id": "load", "map_index": 0, "code": "X", "message": "m", "retryable": True}
    assert detail == {
        "dag_id": "loads",
        "run_id": "scheduled__1",
        "logical_date": None,
        "data_interval_start": "2026-01-01T00:00:00+00:00",
        "clear_number": 0,
        "failed_tasks": [task],
        "failed_count": 1,
    }


@pytest.mark.parametrize("code", ["InternalFailure", "ThrottlingException"])
def test_an_entry_that_was_refused_in_passing_is_sent_again_as_it_was(bus: Bus, code: str) -> None:
    bus.answers = [refused(code), refused(code), TOOK]
    tell()
    assert len(bus.sent) == 3
    assert bus.sent[0] == bus.sent[1] == bus.sent[2]


@pytest.mark.parametrize("code", ["AccessDeniedException", "MalformedDetail", "InvalidArgument"])
def test_an_entry_that_was_refused_for_good_is_an_error_at_once(bus: Bus, code: str) -> None:
    bus.answers = [refused(code)]
    with pytest.raises(AccessDenied, match=rf"alarms did not take the event: {code}: no"):
        tell()
    assert len(bus.sent) == 1


def test_a_bus_that_goes_on_refusing_is_an_error(bus: Bus) -> None:
    bus.answers = [refused("ThrottlingException")] * 4
    with pytest.raises(Throttled, match="ThrottlingException"):
        tell()
    assert len(bus.sent) == 4


def test_an_answer_without_an_event_is_no_success(bus: Bus) -> None:
    bus.answers = [{"FailedEntryCount": 0, "Entries": [{}]}] * 4
    with pytest.raises(AirscoopError):
        tell()


@pytest.mark.parametrize(
    ("count", "message", "kept"),
    [
        (1, "m" * 10_000, 2048),
        (100, "é" * 2048, 256),  # JSON writes six bytes for each
        (300, "m" * 2048, 256),
    ],
)
def test_the_messages_of_a_large_event_are_cut(count: int, message: str, kept: int) -> None:
    text = detail_of(failure(count, message))
    detail = json.loads(text)
    assert len(text) < 200_000
    assert {len(task["message"]) for task in detail["failed_tasks"]} == {kept}
    assert len(detail["failed_tasks"]) == count
    assert "left_out" not in detail


@pytest.mark.parametrize("count", [1_000, 5_000])
def test_tasks_that_find_no_room_are_left_out_and_counted(count: int) -> None:
    text = detail_of(failure(count, "m" * 300))
    detail = json.loads(text)
    assert 199_000 < len(text) < 200_000
    assert [task["map_index"] for task in detail["failed_tasks"]] == list(
        range(count - detail["left_out"])
    )
    assert detail["failed_count"] == count


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"source": ""}, "source must be"),
        ({"source": "aws.ours"}, "AWS's own"),
        ({"source": None}, "source must be"),
        ({"source": "a", "detail_type": "x" * 129}, "128"),
        ({"source": "a", "bus": ""}, "bus must be"),
    ],
)
def test_wrong_arguments_are_told_when_the_dag_is_read(
    arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        EventBridge(**arguments)
