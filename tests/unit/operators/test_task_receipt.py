"""The receipt in the task state store: whatever becomes of a task, small, without secrets."""

from __future__ import annotations

import importlib
import json
import logging
import socket
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSkipException,
    AirflowTaskTimeout,
)
from airflow.sdk.execution_time.timeout import timeout

from airscoop import errors
from airscoop.operators import task_receipt
from airscoop.operators.base import AirscoopOperator
from airscoop.operators.error_xcom import ERROR_KEY
from airscoop.operators.stored_receipt import MOST_BYTES, StoredReceipt
from airscoop.operators.stream_to_s3 import StreamToS3Operator
from airscoop.operators.task_receipt import RECEIPT_KEY, SHOWN_REJECTS, SoFar, TaskReceipt
from airscoop.provider import get_provider_info
from airscoop.receipts.warehouse import RefreshReceipt
from support.paths import ROOT
from support.stalling_server import stalling_server

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airscoop.receipts import Receipt

FIRST_TEN = list(StoredReceipt.__annotations__)[:10]
SCHEMA = json.loads((ROOT / "docs/reference/receipt.schema.json").read_text())
STORED = {**SCHEMA, "anyOf": [{"$ref": "#/$defs/StoredReceipt"}]}


class Store:
    """Airflow's accessor, as far as receipts are written; `fails_with` is raised by each write."""

    def __init__(self, fails_with: BaseException | None = None) -> None:
        self.written: list[tuple[str, Any, timedelta]] = []
        self.calls = 0
        self._fails_with = fails_with

    def get(self, key: str, default: Any = None) -> Any:
        return default

    def delete(self, key: str) -> None:
        return None

    def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None:
        self.calls += 1
        if self._fails_with is not None:
            raise self._fails_with
        if key == RECEIPT_KEY:
            assert retention is not None
            self.written.append((key, json.loads(json.dumps(value)), retention))

    def receipts(self) -> list[Any]:
        found = [value for _, value, _ in self.written]
        for each in found:
            jsonschema.validate(each, STORED)
            assert list(each)[:10] == FIRST_TEN
            assert len(json.dumps(each)) <= MOST_BYTES
        return found

    def states(self) -> list[str]:
        return [each["state"] for each in self.receipts()]


class Pushed(SimpleNamespace):
    """A task instance, as far as pushes go."""

    def xcom_push(self, key: str, value: Any) -> None:
        self.values[key] = value


def run_of(store: Store | None) -> Any:
    ti = Pushed(values={}, try_number=2, max_tries=3)
    return {"ti": ti} if store is None else {"ti": ti, "task_state_store": store}


class Working(AirscoopOperator):
    """An operator whose verb is a function."""

    verb = "work"

    def __init__(
        self, *, work: Callable[[Working], Any], so_far: SoFar | None, **more: Any
    ) -> None:
        super().__init__(**more)
        self.work = work
        self.known = so_far or SoFar()

    def perform(self, context: Context) -> Receipt:
        found: Receipt = self.work(self)
        return found

    def so_far(self) -> SoFar:
        return self.known


def raising(error: BaseException) -> Callable[[Working], Any]:
    def work(_: Working) -> Any:
        raise error

    return work


def ended(work: Callable[[Working], Any], so_far: SoFar | None = None) -> list[Any]:
    """The receipts that a task leaves one after the other."""
    store = Store()
    operator = Working(task_id="t", work=work, so_far=so_far)
    with pytest.raises(BaseException):  # noqa: B017
        operator.execute(run_of(store))
    return store.receipts()


def test_a_task_that_succeeds_leaves_the_receipt_that_it_returns() -> None:
    store = Store()
    operator = Working(
        task_id="t", work=lambda _: RefreshReceipt(seconds=1.0, view="a.b"), so_far=None
    )
    returned = operator.execute(run_of(store))
    began, done = store.receipts()
    assert (began["state"], began["finished_at"], began["verb"]) == ("running", None, "work")
    assert (done["state"], done["error"], done["try_number"]) == ("done", None, 2)
    assert done["id"] == began["id"] == returned["id"]
    assert done["started_at"] == began["started_at"] <= done["finished_at"]
    assert done["diagnostics"] == {"view": "a.b"}
    assert {kept for _, _, kept in store.written} == {timedelta(days=365)}


ENDINGS: list[tuple[BaseException, str, str | None]] = [
    (errors.BadRecord("no"), "failed", "BAD_RECORD"),
    (errors.ConnectionFailed("no"), "failed", "CONNECTION"),
    (errors.Cancelled("stopped"), "cancelled", "CANCELLED"),
    (KeyboardInterrupt(), "cancelled", "KeyboardInterrupt"),
    (AirflowTaskTimeout("late"), "failed", "AirflowTaskTimeout"),
    (AirflowFailException("no"), "failed", "AirflowFailException"),
    (ZeroDivisionError("no"), "failed", "ZeroDivisionError"),
    (SystemExit(1), "failed", "SystemExit"),
    (AirflowSkipException("nothing to do"), "skipped", None),
]


@pytest.mark.parametrize(("error", "state", "code"), ENDINGS)
def test_a_task_leaves_its_receipt_whatever_ends_it(
    error: BaseException, state: str, code: str | None
) -> None:
    began, receipt = ended(raising(error), SoFar(counts={"rows": 7}))
    assert began["state"] == "running"
    assert (receipt["state"], receipt["id"]) == (state, began["id"])
    assert receipt["finished_at"] is not None
    assert (receipt["error"] or {}).get("code") == code
    if code is None:
        assert receipt["diagnostics"]["reason"] == str(error)
    else:
        assert receipt["counts"] == {"rows": 7}
        assert "committed" in receipt["diagnostics"]


def test_a_task_that_is_killed_is_cancelled_whatever_it_raises() -> None:
    def work(operator: Working) -> Any:
        operator.on_kill()
        raise OSError("a connection was closed by the kill")

    assert ended(work)[-1]["state"] == "cancelled"


def test_a_task_that_waits_for_its_next_look_has_not_ended() -> None:
    error = AirflowRescheduleException(None)  # type: ignore[no-untyped-call]
    assert [each["state"] for each in ended(raising(error))] == ["running"]


def test_the_facts_of_the_error_and_what_is_left_behind_are_told() -> None:
    error = errors.CountMismatch("3 rows, not 4")
    error.counted, error.expected, error.found = "rows", 4, 3
    known = SoFar(left_behind={"destination": "s3://b/k", "upload_id": "u"})
    receipt = ended(raising(error), known)[-1]
    facts = receipt["diagnostics"]
    assert (facts["counted"], facts["expected"], facts["found"]) == ("rows", 4, 3)
    assert receipt["left_behind"] == {"destination": "s3://b/k", "upload_id": "u"}


def test_progress_is_written_at_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    def work(operator: Working) -> Any:
        for count in range(5):
            operator.known = SoFar(counts={"rows": count})
            operator.note_progress()
        return RefreshReceipt(seconds=1.0, view="a.b")

    store = Store()
    Working(task_id="t", work=work, so_far=None).execute(run_of(store))
    assert store.states() == ["running", "done"]
    monkeypatch.setattr(task_receipt, "SECONDS_BETWEEN_WRITES", 0.0)
    monkeypatch.setattr(task_receipt, "SHARE", 0)
    store = Store()
    Working(task_id="t", work=work, so_far=None).execute(run_of(store))
    assert [each["counts"].get("rows") for each in store.receipts()[1:-1]] == list(range(5))


def test_a_slow_store_is_asked_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(task_receipt, "time", SimpleNamespace(monotonic=lambda: clock[0]))

    class Slow(Store):
        def set(self, key: str, value: Any, *, retention: timedelta | None = None) -> None:
            clock[0] += 30
            super().set(key, value, retention=retention)

    store = Slow()
    kept = TaskReceipt(run_of(store), verb="work")
    for _ in range(100):
        kept.progress()
        clock[0] += 9
    assert 1 < store.calls <= 3


FAILURES = [RuntimeError("no API server"), TypeError("no retention"), OSError("closed")]


@pytest.mark.parametrize("failure", FAILURES)
def test_a_store_that_fails_is_logged_once_and_fails_nothing(
    failure: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(task_receipt, "SECONDS_BETWEEN_WRITES", 0.0)
    monkeypatch.setattr(task_receipt, "SHARE", 0)

    def work(operator: Working) -> Any:
        for _ in range(3):
            operator.note_progress()
        return RefreshReceipt(seconds=1.0, view="a.b")

    store = Store(fails_with=failure)
    with caplog.at_level(logging.WARNING, logger=task_receipt.__name__):
        Working(task_id="t", work=work, so_far=None).execute(run_of(store))
    assert store.calls == 5
    assert len([each for each in caplog.records if RECEIPT_KEY in each.getMessage()]) == 1


def test_without_a_task_runner_nothing_is_said(caplog: pytest.LogCaptureFixture) -> None:
    store = Store(fails_with=ImportError("cannot import name 'SUPERVISOR_COMMS'"))
    with caplog.at_level(logging.INFO, logger=task_receipt.__name__):
        Working(
            task_id="t", work=lambda _: RefreshReceipt(seconds=1.0, view="a.b"), so_far=None
        ).execute(run_of(store))
    assert [each for each in caplog.records if each.name == task_receipt.__name__] == []


@pytest.mark.parametrize("context", [{}, run_of(None)], ids=["no task", "Airflow 3.2"])
def test_without_a_store_operators_do_without(context: Any) -> None:
    operator = Working(
        task_id="t", work=lambda _: RefreshReceipt(seconds=1.0, view="a.b"), so_far=None
    )
    assert operator.execute(context)["view"] == "a.b"
    failing = Working(task_id="t", work=raising(errors.TimedOut("late")), so_far=None)
    with pytest.raises(errors.TimedOut):
        failing.execute(context)


def test_what_is_not_known_hides_no_error() -> None:
    class Broken(Working):
        def so_far(self) -> SoFar:
            raise RuntimeError("no facts")

    store = Store()
    with pytest.raises(errors.TimedOut):
        Broken(task_id="t", work=raising(errors.TimedOut("late")), so_far=None).execute(
            run_of(store)
        )
    assert store.states() == ["running", "failed"]


def test_a_large_receipt_is_cut_and_says_so() -> None:
    rejected = [
        {"source": "s", "line": n, "reason": "no", "snippet": "\u00e9" * 1024}
        for n in range(10_000)
    ]
    known = SoFar(
        counts={"records_rejected": 10_000},
        rejected=rejected,
        diagnostics={"small": 1, "large": "x" * 100_000, "larger": ["y"] * 100_000},
        left_behind={"upload_id": "u"},
    )
    receipt = ended(raising(errors.TooManyRejected("no" * 100_000)), known)[-1]
    assert receipt["counts"] == {"records_rejected": 10_000}
    assert receipt["error"]["code"] == "TOO_MANY_REJECTED"
    assert receipt["cut"]["rejected"] > 0
    assert receipt["cut"]["diagnostics"] == ["larger", "large"]
    assert receipt["diagnostics"]["small"] == 1
    assert receipt["left_behind"] == {"upload_id": "u"}


def test_rejected_records_are_cut_before_all_else() -> None:
    rejected = [{"line": n, "snippet": "x" * 3000} for n in range(SHOWN_REJECTS)]
    known = SoFar(rejected=rejected, diagnostics={"some": "y" * 10_000})
    receipt = ended(raising(errors.SqlError("no")), known)[-1]
    shown = [each["line"] for each in receipt["rejected"]]
    assert shown == list(range(len(shown)))
    assert 0 < len(shown) < SHOWN_REJECTS
    assert receipt["cut"] == {
        "rejected": SHOWN_REJECTS - len(shown), "diagnostics": [], "left_behind": []
    }  # fmt: skip


def stream(source: object, folder: Path, **options: Any) -> StreamToS3Operator:
    return StreamToS3Operator(
        task_id="stream",
        source=str(source),
        destination=str(folder / "out.jsonl"),
        format="jsonl",
        aws_conn_id=None,
        **options,
    )


def test_a_refused_load_tells_its_counts_and_its_first_rejected_records(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text("".join(f'{{"n": {n}}}\n' if n % 2 else '{"n": no}\n' for n in range(40)))
    store = Store()
    with pytest.raises(AirflowFailException):
        stream(source, tmp_path, max_rejected=5).execute(run_of(store))
    receipt = store.receipts()[-1]
    assert (receipt["verb"], receipt["state"]) == ("copy", "failed")
    assert receipt["counts"]["records_rejected"] == 6
    assert [each["line"] for each in receipt["rejected"]] == [1, 3, 5, 7, 9, 11]
    assert all(each["snippet"] == '{"n": no}' for each in receipt["rejected"])
    assert receipt["diagnostics"]["limit"] == 5


def test_a_load_with_rejected_records_tells_the_first_and_where_all_lie(tmp_path: Path) -> None:
    source, rejects = tmp_path / "in.jsonl", tmp_path / "rejects.jsonl"
    source.write_text('{"n": 1}\n{"n": no}\n' * 10_000)
    store = Store()
    context = run_of(store)
    operator = stream(source, tmp_path, max_rejected=20_000, rejects=str(rejects))
    returned = operator.execute(context)
    receipt = store.receipts()[-1]
    assert receipt["counts"]["records_rejected"] == returned["records_rejected"] == 10_000
    assert len(receipt["rejected"]) == SHOWN_REJECTS
    assert receipt["rejected"][0] == json.loads(rejects.read_text().partition("\n")[0])
    assert receipt["diagnostics"]["rejects"] == str(rejects)


def test_a_task_that_runs_out_of_time_tells_how_far_it_was(tmp_path: Path) -> None:
    with stalling_server(b"x" * 100_000, sent_bytes=50_000) as server:
        store = Store()
        with pytest.raises(AirflowTaskTimeout), timeout(2):  # type: ignore[no-untyped-call]
            stream(server.url, tmp_path).execute(run_of(store))
    receipt = store.receipts()[-1]
    assert (receipt["state"], receipt["error"]["code"]) == ("failed", "AirflowTaskTimeout")
    assert receipt["error"]["retryable"] is True
    assert receipt["counts"]["source_bytes"] == 50_000
    assert receipt["diagnostics"]["committed"] is False


def test_no_secret_of_a_source_or_an_error_is_kept(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        answer = b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"
        threading.Thread(target=lambda: server.accept()[0].sendall(answer)).start()
        place = f"127.0.0.1:{server.getsockname()[1]}"
        store = Store()
        context = run_of(store)
        with pytest.raises(AirflowFailException):
            stream(f"http://u:pass-w0rd@{place}/x?Signature=pass-w0rd", tmp_path).execute(context)
    error = RuntimeError("AKIAIOSFODNN7EXAMPLE may not, password=pass-w0rd")
    other = ended(raising(error), SoFar(diagnostics={"dsn": "postgresql://u:pass-w0rd@h/d"}))
    kept = json.dumps([store.receipts(), context["ti"].values[ERROR_KEY], other])
    assert place in kept
    assert "pass-w0rd" not in kept
    assert "AKIAIOSFODNN7EXAMPLE" not in kept


def test_every_operator_names_its_verb() -> None:
    names = [name for each in get_provider_info()["operators"] for name in each["python-modules"]]
    for name in names:
        for value in vars(importlib.import_module(name)).values():
            own = isinstance(value, type) and value.__module__ == name
            if own and issubclass(value, AirscoopOperator):
                assert value.verb, value
