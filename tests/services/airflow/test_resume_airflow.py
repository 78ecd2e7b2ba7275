"""A task killed by kill -9 in an upload, under scheduler and LocalExecutor: the next try goes on.

`airflow dags test` would not do: there each try begins with an empty task state store.
"""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airscoop.local.airflow_home import AirflowHome
from support.airflow import Services
from support.fault_server import FaultProxy, origin
from support.ranges import stalling, starts
from support.s3 import MIB, OWNER, PART_BYTES, Store, noise
from support.waiting import eventually

PARTS, BEFORE_KILL = 6, 4
BODY = noise((PARTS - 1) * PART_BYTES + MIB)
SECONDS = 150

DAG = """
import os
from datetime import datetime, timedelta
from pathlib import Path
from airflow.sdk import DAG
from airscoop.operators.stream_to_s3 import StreamToS3Operator

def note(context):
    with Path({pids!r}).open("a") as file:
        print(os.getpid(), file=file)

with DAG("resumed", schedule="@once", start_date=datetime(2026, 1, 1)):
    StreamToS3Operator(
        task_id="stream",
        source={source!r},
        destination={destination!r},
        retries=1,
        retry_delay=timedelta(seconds=1),
        on_execute_callback=note,
    )
"""


class ResumedTask(Services):
    """The one task of the DAG above."""

    def stored(self) -> dict[str, Any] | None:
        """What the task state store holds of the upload."""
        query = "SELECT value FROM task_state_store WHERE task_id = 'stream' AND key = ?"
        found = self.rows(query, "airscoop_upload")
        return json.loads(found[0][0]) if found else None

    def state(self) -> str | None:
        found = self.rows("SELECT state FROM task_instance WHERE task_id = 'stream'")
        return found[0][0] if found else None

    def receipt(self) -> dict[str, Any]:
        ((value,),) = self.rows(
            "SELECT value FROM xcom WHERE task_id = 'stream' AND key = 'return_value'"
        )
        receipt: dict[str, Any] = json.loads(value)
        return receipt


@pytest.fixture
def services(
    store: Store, proxy: FaultProxy, airflow_database: Path, tmp_path: Path
) -> Iterator[ResumedTask]:
    (tmp_path / "dags").mkdir()
    s3 = {
        "access_key_id": OWNER.access_key_id,
        "secret_access_key": OWNER.secret_access_key,
        "endpoint": proxy.url,
        "region": "us-east-1",
        "bucket": "unused",
    }
    status = {"s3": s3, "warehouse": {"dsn": "postgresql://nobody@127.0.0.1:1/none"}}
    airflow = AirflowHome(home=tmp_path / "airflow", dags=tmp_path / "dags", status=status)
    running = ResumedTask(airflow, tmp_path, airflow_database)
    try:
        yield running
    finally:
        running.end()


def parts_known(services: ResumedTask) -> int:
    state = services.stored()
    mark = state and state["mark"]
    return int(mark["parts"]) if mark else 0


def sent(proxy: FaultProxy) -> list[int]:
    queries = (request.query for request in proxy.requests("part"))
    return sorted(int(re.findall(r"partNumber=(\d+)", query)[0]) for query in queries)


@pytest.mark.timeout(400)
def test_a_killed_task_goes_on_in_its_next_try(
    store: Store, proxy: FaultProxy, services: ResumedTask, tmp_path: Path
) -> None:
    pids, released = tmp_path / "pids", threading.Event()
    with origin() as web:
        answer = stalling(BODY, after=BEFORE_KILL * PART_BYTES + MIB, released=released)
        source = web.serve("/f", answer)
        text = DAG.format(pids=str(pids), source=source, destination=store.uri("f"))
        (tmp_path / "dags" / "resumed.py").write_text(text)
        services.start()
        try:
            known = eventually(lambda: parts_known(services) == BEFORE_KILL, seconds=SECONDS)
            assert known, (services.state(), services.stored(), services.output())
            (first,) = pids.read_text().split()
            os.kill(int(first), signal.SIGKILL)
            ended = eventually(lambda: services.state() in ("success", "failed"), seconds=SECONDS)
            assert ended and services.state() == "success", (services.state(), services.output())
        finally:
            released.set()
        assert starts(web) == [0, BEFORE_KILL * PART_BYTES]
    assert len(pids.read_text().split()) == 2
    assert sent(proxy) == list(range(1, PARTS + 1))
    assert len(proxy.requests("create")) == 1
    receipt = services.receipt()
    assert receipt["diagnostics"]["resumed"] == "bytes"
    assert receipt["diagnostics"]["resumed_bytes"] == BEFORE_KILL * PART_BYTES
    assert receipt["source_bytes"] == len(BODY)
    assert store.get("f") == BODY
    assert store.uploads() == []
    assert services.stored() is None
