"""The DAG snapshot_delta under scheduler and triggerer: from a message in SQS to the stream.

One Airflow serves all tests of this file; each test has tables of its own.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import shutil
import signal
import threading
import uuid
from collections.abc import Iterable, Iterator, Mapping
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

import airscoop
from airscoop import Credentials, S3Settings
from airscoop.exports.lease import Lease
from airscoop.exports.registry import Registry
from airscoop.local import aws
from airscoop.local.airflow_home import AirflowHome, aws_connection
from airscoop.local.s3 import _client as s3_client
from support.airflow import Services
from support.paths import ROOT
from support.waiting import eventually

DAG_ID, TENANT = "snapshot_delta", "acme"
WAITING = ("held", "free")
TABLES = ("ordered", "killed", *WAITING)
SECONDS = 240
# Nothing here waits for minutes.
SETTINGS = {
    "AIRFLOW__CORE__PARALLELISM": "4",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
    "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "1",
}

Rows = dict[str, str]


def csv_gz(rows: Rows) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("id", "value"), *rows.items()])
    return gzip.compress(text.getvalue().encode(), mtime=0)


def notification(*keys: str) -> str:
    """What S3 puts into the queue for these objects."""
    records = [
        {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "eventName": "ObjectCreated:Put",
            "s3": {"bucket": {"name": "exports"}, "object": {"key": key}},
        }
        for key in keys
    ]
    return json.dumps({"Records": records})


class StallingKinesis:
    """Passes requests on to a server; when told so, one PutRecords is stored and never answered."""

    def __init__(self, server: str) -> None:
        host = server.removeprefix("http://")
        self.stalled, self.released = threading.Event(), threading.Event()
        self._answers_left: int | None = None
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                connection = HTTPConnection(host, timeout=60)
                headers = {name: text for name, text in self.headers.items() if name != "Host"}
                connection.request("POST", self.path, body, headers | {"Host": host})
                answer = connection.getresponse()
                data = answer.read()
                connection.close()
                if "PutRecords" in self.headers.get("X-Amz-Target", ""):
                    proxy.count()
                self.send_response(answer.status)
                for name, text in answer.getheaders():
                    if name.lower() in ("content-type", "x-amzn-requestid"):
                        self.send_header(name, text)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stall_after(self, answers: int) -> None:
        self._answers_left = answers

    def count(self) -> None:
        if self._answers_left is None:
            return
        self._answers_left -= 1
        if self._answers_left < 0:
            self.stalled.set()
            self.released.wait(SECONDS)

    def release(self) -> None:
        self._answers_left = None
        self.released.set()

    def close(self) -> None:
        self.release()
        self._server.shutdown()
        self._server.server_close()


class Plant:
    """The DAG in an Airflow of its own, with buckets, registry, stream and queue of its own."""

    def __init__(self, status: dict[str, Any], folder: Path, database: Path) -> None:
        name = f"snapshot-delta-{uuid.uuid4().hex[:8]}"
        self.bucket, self.table, self.stream = f"{name}-exports", name, name
        self.keys = status["s3"]
        self.settings = S3Settings(
            credentials=Credentials(
                access_key_id=self.keys["access_key_id"],
                secret_access_key=self.keys["secret_access_key"],
            ),
            endpoint_url=self.keys["endpoint"],
            region=self.keys["region"],
        )
        self.s3 = s3_client(self.keys["endpoint"], self.keys)
        for bucket in (self.bucket, f"{name}-changes"):
            self.s3.create_bucket(Bucket=bucket)
        endpoint = status["aws"]["endpoint"]
        self.kinesis, dynamodb, self.sqs = (
            aws.client(service, endpoint, self.keys) for service in ("kinesis", "dynamodb", "sqs")
        )
        aws.make_table(dynamodb, name)
        self.kinesis.create_stream(StreamName=name, ShardCount=2)
        self.queue = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        self.registry = Registry(name, client=dynamodb)
        self.proxy = StallingKinesis(endpoint)
        self.services = self._services(status, folder, name, database)

    def _services(
        self, status: dict[str, Any], folder: Path, name: str, database: Path
    ) -> Services:
        (folder / "dags" / "config").mkdir(parents=True)
        shutil.copy(ROOT / "dags" / "snapshot_delta.py", folder / "dags")
        shipped = ROOT / "dags" / "config" / "snapshot_delta.yml"
        config = yaml.safe_load(shipped.read_text())
        (example,) = config["tables"]
        config |= {"registry": name, "poll_seconds": 4, "retry_seconds": 1}
        config["tables"] = [{**example, "tenant": TENANT, "table": table} for table in TABLES]
        (folder / "dags" / "config" / "snapshot_delta.yml").write_text(yaml.safe_dump(config))
        connection = aws_connection(status["s3"], status["aws"])
        connection["extra"]["service_config"]["kinesis"]["endpoint_url"] = self.proxy.endpoint
        self.log = folder / "trigger.log"
        self.airflow = AirflowHome(
            home=folder / "airflow",
            dags=folder / "dags",
            status=status,
            variables={
                "snapshot_delta_bucket": self.bucket,
                "snapshot_delta_changes_bucket": f"{name}-changes",
                "snapshot_delta_stream": self.stream,
                "snapshot_delta_queue": self.queue,
            },
            settings={"AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection)},
        )
        return Services(self.airflow, folder, database, triggerer=True, settings=SETTINGS)

    def deliver(self, table: str, version: str, rows: Rows) -> str:
        """Puts an export; gives its key."""
        key = f"{TENANT}/{table}/{version}/export.csv.gz"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=csv_gz(rows))
        return key

    def notify(self, *keys: str) -> None:
        self.sqs.send_message(QueueUrl=self.queue, MessageBody=notification(*keys))

    def state(self, table: str, version: str) -> str | None:
        record = self.registry.find(f"{TENANT}/{table}/{version}")
        return None if record is None else record.state

    def wait_for(self, state: str, table: str, version: str) -> None:
        came = eventually(lambda: self.state(table, version) == state, seconds=SECONDS)
        assert came, (self.state(table, version), self.tasks(), self.services.output())

    def tasks(self) -> list[tuple[Any, ...]]:
        return self.services.rows("SELECT run_id, task_id, map_index, state FROM task_instance")

    def runs(self) -> dict[str, str]:
        """State by run."""
        return dict(self.services.rows("SELECT run_id, state FROM dag_run ORDER BY id"))

    def receipts(self, task: str) -> list[Any]:
        """All receipts of a task, the oldest first."""
        query = (
            "SELECT value FROM xcom WHERE task_id = ? AND key = 'return_value' ORDER BY timestamp"
        )
        return [json.loads(value) for (value,) in self.services.rows(query, task)]

    def trigger(self, conf: dict[str, Any]) -> None:
        """Starts a run with parameters."""
        words = ("dags", "trigger", DAG_ID, "--conf", json.dumps(conf))
        assert self.airflow.run(self.log, *words) == 0, self.log.read_text()[-3000:]

    def expected(self, table: str, *versions: str, **options: Any) -> list[airscoop.Change]:
        """The changes from nothing to the first version, from that to the second, and so on."""
        changes: list[airscoop.Change] = []
        old = previous = None
        for version in versions:
            new = f"s3://{self.bucket}/{TENANT}/{table}/{version}/export.csv.gz"
            changes += airscoop.delta(
                old,
                new,
                key=["id"],
                dataset=f"{TENANT}/{table}",
                version=version,
                previous=previous,
                s3=self.settings,
                **options,
            )
            old, previous = new, version
        return changes

    def published(self) -> list[dict[str, Any]]:
        """All that the stream holds, shard by shard in its order."""
        found = []
        for shard in self.kinesis.list_shards(StreamName=self.stream)["Shards"]:
            answer = self.kinesis.get_shard_iterator(
                StreamName=self.stream,
                ShardId=shard["ShardId"],
                ShardIteratorType="TRIM_HORIZON",
            )
            place = answer["ShardIterator"]
            while answer.get("Records", [1]) or answer["MillisBehindLatest"]:
                answer = self.kinesis.get_records(ShardIterator=place)
                place = answer["NextShardIterator"]
                found += [json.loads(record["Data"]) for record in answer["Records"]]
        return found


def by_id(changes: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(changes, key=lambda change: str(change["id"]))


@pytest.fixture(scope="module")
def plant(
    stack: dict[str, Any], airflow_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Plant]:
    running = Plant(stack, tmp_path_factory.mktemp("snapshot-delta"), airflow_database)
    try:
        running.services.start()
        yield running
    finally:
        running.services.end()
        running.proxy.close()


VERSIONS = ("20201230_V9", "20201230_V10", "20201231_V1")
FIRST = {str(n): f"value {n}" for n in range(100, 400)}
SECOND = {**FIRST, "100": "new", "900": "added"} | {"101": "again"}
THIRD = {key: text for key, text in SECOND.items() if key != "102"} | {"100": "newest"}


@pytest.mark.timeout(600)
def test_one_message_has_all_new_exports_published_once_in_the_order_of_their_versions(
    plant: Plant,
) -> None:
    contents = zip(VERSIONS, (FIRST, SECOND, THIRD), strict=True)
    keys = [plant.deliver("ordered", version, rows) for version, rows in contents]
    plant.notify(keys[1])
    plant.wait_for("done", "ordered", VERSIONS[-1])
    expected = plant.expected("ordered", *VERSIONS)
    assert len(expected) == len(FIRST) + 3 + 2
    published = plant.published()
    assert by_id(published) == by_id(expected)
    of_one_key = [change["row"]["value"] for change in published if change["key"] == {"id": "100"}]
    assert of_one_key == ["value 100", "new", "newest"]
    (run,) = plant.runs()
    assert run.startswith("asset_triggered__")
    dates = plant.services.rows("SELECT logical_date FROM dag_run")
    assert dates == [(None,)]


@pytest.mark.timeout(600)
def test_the_same_message_again_and_one_of_several_records_publish_nothing(plant: Plant) -> None:
    before, runs = len(plant.published()), len(plant.runs())
    assert before > 0
    keys = [f"{TENANT}/ordered/{version}/export.csv.gz" for version in VERSIONS]
    plant.notify(keys[1])
    plant.notify(*keys)

    def ended() -> bool:
        states = list(plant.runs().values())
        return len(states) > runs and set(states) == {"success"}

    assert eventually(ended, seconds=SECONDS), (plant.tasks(), plant.services.output())
    receipt = plant.receipts("register")[-1]
    assert (receipt["found"], receipt["already_there"], receipt["exports"]) == (3, 3, [])
    assert len(plant.published()) == before


@pytest.mark.timeout(600)
def test_a_publishing_task_that_is_killed_is_gone_on_with_and_no_change_is_lost(
    plant: Plant,
) -> None:
    rows = {f"k{n}": f"value {n}" for n in range(4000)}
    key = plant.deliver("killed", "V1", rows)
    plant.proxy.stall_after(3)
    plant.notify(key)
    assert plant.proxy.stalled.wait(SECONDS), (plant.tasks(), plant.services.output())

    def offset() -> int:
        record = plant.registry.get(f"{TENANT}/killed/V1")
        return record.offset

    assert eventually(lambda: offset() > 0, seconds=SECONDS)
    kept = offset()
    pids = "SELECT pid FROM task_instance WHERE task_id LIKE '%publish' AND state = 'running'"
    ((pid,),) = plant.services.rows(pids)
    os.kill(pid, signal.SIGKILL)
    plant.proxy.release()
    plant.wait_for("done", "killed", "V1")
    receipt = plant.receipts("snapshot.publish")[-1]
    assert receipt["skipped"] >= kept
    assert receipt["sent"] == len(rows) - receipt["skipped"]
    found = [change for change in plant.published() if change["key"]["id"].startswith("k")]
    once = {change["id"]: change for change in found}
    assert by_id(list(once.values())) == by_id(plant.expected("killed", "V1"))
    # The answer to some was lost with the process: a consumer that drops ids does not notice.
    assert len(found) > len(once)


@pytest.mark.timeout(600)
def test_a_table_whose_lock_another_run_holds_waits_alone(plant: Plant) -> None:
    held = Lease.acquire(plant.registry, f"{TENANT}/held", "another run", seconds=600)
    keys = [plant.deliver(table, "V1", {f"h{n}": table for n in range(10)}) for table in WAITING]
    keys.append(plant.deliver("free", "V2", {"h1": "free"}))
    plant.notify(*keys)
    plant.wait_for("done", "free", "V1")
    plant.wait_for("failed", "free", "V2")
    assert plant.state("held", "V1") == "registered"
    held.release()
    plant.wait_for("done", "held", "V1")


@pytest.mark.timeout(600)
def test_an_export_with_too_many_deletes_fails_its_run_until_it_is_approved(plant: Plant) -> None:
    record = plant.registry.get(f"{TENANT}/free/V2")
    assert record.code == "SUSPECT_EXPORT"
    assert eventually(lambda: "failed" in plant.runs().values(), seconds=SECONDS)
    before = plant.published()
    assert [change for change in before if change["op"] == "DELETE" and is_free(change)] == []
    plant.trigger({"object": f"{TENANT}/free/V2/export.csv.gz", "max_delete_ratio": 0.95})
    plant.wait_for("done", "free", "V2")
    found = [change for change in plant.published() if is_free(change)]
    assert by_id(found) == by_id(plant.expected("free", "V1", "V2", max_delete_ratio=0.95))


@pytest.mark.timeout(600)
def test_a_version_that_is_no_export_fails_the_run_that_sees_it(plant: Plant) -> None:
    key = plant.deliver("free", "V4", {"h1": "free"})
    plant.s3.put_object(Bucket=plant.bucket, Key=f"{key}.second.gz", Body=csv_gz({"h2": "free"}))
    plant.notify(key)
    query = (
        "SELECT DISTINCT dag_run.state FROM dag_run JOIN task_instance USING (dag_id, run_id) "
        "WHERE task_id = 'snapshot.lock' AND task_instance.state = 'failed' "
        "AND dag_run.state IN ('failed', 'success')"
    )
    assert eventually(lambda: bool(plant.services.rows(query)), seconds=SECONDS)
    assert plant.services.rows(query) == [("failed",)]


def is_free(change: dict[str, Any]) -> bool:
    return bool(change["row"]["value"] == "free")
