"""The receipts of tasks under a real scheduler: after a failure, a retry, a skip and a kill -9.

`airflow dags test` would not do: there each try begins with an empty task state store.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airscoop.local.airflow_home import AirflowHome
from airscoop.operators.error_xcom import ERROR_KEY
from airscoop.operators.stored_receipt import StoredReceipt
from airscoop.operators.task_receipt import RECEIPT_KEY
from support.airflow import Services
from support.doc_blocks import blocks
from support.fault_server import Origin, origin, status, with_length
from support.paths import ROOT
from support.ranges import stalling
from support.s3 import MIB, OWNER, PART_BYTES, Store, noise
from support.waiting import eventually

SECONDS = 200
PASSWORD = "pass-w0rd"
FIRST_TEN = list(StoredReceipt.__annotations__)[:10]
BODY = noise(3 * PART_BYTES)
BAD = b"".join(b'{"n": %d}\n' % n if n % 3 else b'{"n": "no end\n' for n in range(1, 13))

DAG = """
import os
from datetime import datetime, timedelta
from pathlib import Path
from airflow.sdk import DAG, task
from airscoop.operators.stream_to_s3 import StreamToS3Operator

def note(context):
    Path({pids!r}).write_text(str(os.getpid()))

with DAG("receipts", schedule="@once", start_date=datetime(2026, 1, 1)):
    killed = StreamToS3Operator(
        task_id="killed",
        source={stalling!r},
        destination={killed!r},
        on_execute_callback=note,
    )
    refused = StreamToS3Operator(
        task_id="refused",
        source={bad!r},
        destination={refused!r},
        format="jsonl",
        max_rejected=2,
        retries=2,
    )
    retried = StreamToS3Operator(
        task_id="retried",
        source={late!r},
        destination={retried!r},
        retry_seconds=0,
        retries=2,
        retry_delay=timedelta(seconds=1),
    )
    skipped = StreamToS3Operator(
        task_id="skipped", source={missing!r}, destination={skipped!r}, if_missing="skip"
    )

    @task(trigger_rule="all_done")
    def tell(ti=None):
        tasks = ["killed", "refused", "retried", "skipped"]
        return {{name: ti.xcom_pull(task_ids=name, key="airscoop_error") for name in tasks}}

    [killed, refused, retried, skipped] >> tell()
"""


class Tasks(Services):
    """The tasks of the DAG above."""

    def state(self, task: str) -> str | None:
        found = self.rows("SELECT state FROM task_instance WHERE task_id = ?", task)
        return found[0][0] if found else None

    def stored(self, task: str) -> dict[str, Any]:
        found = self.rows(
            "SELECT value FROM task_state_store WHERE task_id = ? AND key = ?", task, RECEIPT_KEY
        )
        value: dict[str, Any] = json.loads(found[0][0]) if found else {}
        return value

    def xcom(self, task: str, key: str) -> Any:
        found = self.rows("SELECT value FROM xcom WHERE task_id = ? AND key = ?", task, key)
        return json.loads(found[0][0]) if found else None


@pytest.fixture
def web() -> Iterator[Origin]:
    with origin() as found:
        yield found


@pytest.fixture
def tasks(store: Store, airflow_database: Path, tmp_path: Path) -> Iterator[Tasks]:
    (tmp_path / "dags").mkdir()
    s3 = {
        "access_key_id": OWNER.access_key_id,
        "secret_access_key": OWNER.secret_access_key,
        "endpoint": store.endpoint,
        "region": "us-east-1",
        "bucket": "unused",
    }
    stack = {"s3": s3, "warehouse": {"dsn": "postgresql://nobody@127.0.0.1:1/none"}}
    airflow = AirflowHome(home=tmp_path / "airflow", dags=tmp_path / "dags", status=stack)
    running = Tasks(
        airflow,
        tmp_path,
        airflow_database,
        settings={"AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True"},
    )
    try:
        yield running
    finally:
        running.end()


@pytest.mark.timeout(420)
def test_a_task_leaves_its_receipt_whatever_became_of_it(
    store: Store, web: Origin, tasks: Tasks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pids, released = tmp_path / "pid", threading.Event()
    write_dag(web, store, tmp_path, pids, released)
    tasks.start()
    try:
        for name in ("refused", "retried", "skipped"):
            ended = ("failed", "success", "skipped")
            assert eventually(lambda: tasks.state(name) in ended, seconds=SECONDS), tasks.output()  # noqa: B023
        known = eventually(lambda: counted(tasks.stored("killed")) > 0, seconds=SECONDS)
        assert known, (tasks.stored("killed"), tasks.output())
        os.kill(int(pids.read_text()), signal.SIGKILL)
        assert eventually(lambda: tasks.state("tell") == "success", seconds=SECONDS), tasks.output()
    finally:
        released.set()
    check_refused(tasks)
    check_retried(tasks)
    check_skipped(tasks)
    check_killed(tasks)
    check_told(tasks)
    check_secrets(tasks)
    check_documented_way(tasks, monkeypatch)


def write_dag(
    web: Origin, store: Store, folder: Path, pids: Path, released: threading.Event
) -> None:
    def with_login(url: str) -> str:
        return url.replace("http://", f"http://loader:{PASSWORD}@")

    late = web.serve("/late", status(503), with_length(b"late"))
    text = DAG.format(
        pids=str(pids),
        stalling=web.serve("/s", stalling(BODY, after=PART_BYTES + MIB, released=released)),
        killed=store.uri("killed"),
        bad=with_login(web.serve("/bad", with_length(BAD))),
        refused=store.uri("refused"),
        late=late,
        retried=store.uri("retried"),
        missing=web.serve("/missing", status(404)),
        skipped=store.uri("skipped"),
    )
    (folder / "dags" / "receipts.py").write_text(text)


def counted(receipt: dict[str, Any]) -> int:
    return int(receipt.get("counts", {}).get("source_bytes", 0))


def check_refused(tasks: Tasks) -> None:
    receipt = tasks.stored("refused")
    assert list(receipt)[:10] == FIRST_TEN
    assert (receipt["verb"], receipt["state"], receipt["try_number"]) == ("copy", "failed", 1)
    assert receipt["error"] == tasks.xcom("refused", ERROR_KEY)
    assert receipt["error"]["code"] == "TOO_MANY_REJECTED"
    assert receipt["counts"]["records_rejected"] == 3
    assert receipt["counts"]["records_in"] >= 9
    assert [each["line"] for each in receipt["rejected"]] == [3, 6, 9]
    assert receipt["rejected"][0]["snippet"].startswith('{"n": "no end')
    assert receipt["finished_at"] >= receipt["started_at"]
    assert tasks.xcom("refused", "return_value") is None


def check_retried(tasks: Tasks) -> None:
    receipt, returned = tasks.stored("retried"), tasks.xcom("retried", "return_value")
    assert (receipt["state"], receipt["try_number"], receipt["error"]) == ("done", 2, None)
    assert receipt["id"] == returned["id"]
    assert receipt["counts"]["destination_bytes"] == len(b"late")
    assert tasks.xcom("retried", ERROR_KEY) is None


def check_skipped(tasks: Tasks) -> None:
    receipt = tasks.stored("skipped")
    assert (receipt["state"], receipt["error"]) == ("skipped", None)
    assert "404" in receipt["diagnostics"]["reason"]


def check_killed(tasks: Tasks) -> None:
    receipt = tasks.stored("killed")
    assert (receipt["state"], receipt["finished_at"]) == ("running", None)
    assert 0 < receipt["counts"]["source_bytes"] < len(BODY)
    assert receipt["left_behind"]["upload_id"]
    assert tasks.state("killed") == "failed"


def check_told(tasks: Tasks) -> None:
    told = tasks.xcom("tell", "return_value")
    assert told["refused"].keys() == {"code", "message", "retryable"}
    assert told["refused"]["retryable"] is False
    assert (told["killed"], told["retried"], told["skipped"]) == (None, None, None)


def check_secrets(tasks: Tasks) -> None:
    kept = tasks.rows("SELECT value FROM task_state_store") + tasks.rows("SELECT value FROM xcom")
    assert len(kept) > 5
    for secret in (PASSWORD, OWNER.secret_access_key):
        assert not any(secret in str(value) for (value,) in kept)


def check_documented_way(tasks: Tasks, monkeypatch: pytest.MonkeyPatch) -> None:
    """The block of the how-to, which asks Airflow's API."""
    (block,) = [
        each for each in blocks(ROOT / "docs/how-to/operators.md") if "state-store" in each.text
    ]
    with urllib.request.urlopen(f"{tasks.url}/auth/token", timeout=30) as answer:
        monkeypatch.setenv("AIRFLOW_TOKEN", json.loads(answer.read())["access_token"])
    monkeypatch.setenv("AIRFLOW_URL", tasks.url)
    ((run,),) = tasks.rows("SELECT run_id FROM dag_run")
    text = block.text.replace("bestsellers", "receipts").replace("RUN", run)
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(text.replace("download", "refused"), block.place, "exec"), {})
    assert "failed TOO_MANY_REJECTED" in output.getvalue()
