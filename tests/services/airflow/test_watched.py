"""Watched DAGs under Airflow's scheduler: what a run ends as, and what is told of it.

All DAGs of watched_dags.py run once, together; the events are read from a queue behind a bus.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airscoop.local.airflow_home import AirflowHome
from support.airflow import Services
from support.moto import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, MotoServer
from support.waiting import eventually

DAGS = Path(__file__).with_name("watched_dags.py")
SECONDS = 300
SETTINGS = {
    "AIRFLOW__CORE__PARALLELISM": "4",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEARTBEAT_SEC": "1",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
}
ACCOUNT = "123456789012"
ENDS = {
    "good": "success",
    "missing_source": "failed",
    "branches": "success",
    "short_circuit_beside_a_failure": "failed",
    "killed_in_a_mapped_group": "failed",
    "teardown_fails": "success",
    "setup_fails": "failed",
    "mended_by_a_last_task": "success",
    "a_slow_task_fails_last": "failed",
    "notifiers": "failed",
    "not_there_in_time": "success",
}


def queue_of_events(moto: MotoServer) -> str:
    """A queue that gets what the bus gets from acme.airflow, and what the topic gets."""
    sqs, events, sns = (moto.client(name) for name in ("sqs", "events", "sns"))
    url: str = sqs.create_queue(QueueName="told")["QueueUrl"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:told"
    events.put_rule(Name="told", EventPattern=json.dumps({"source": ["acme.airflow"]}))
    events.put_targets(Rule="told", Targets=[{"Id": "told", "Arn": arn}])
    topic = sns.create_topic(Name="failures")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return url


class Watched:
    """What became of all DAGs: each run's state, its tasks', and what was told."""

    def __init__(self, services: Services, messages: list[dict[str, Any]]) -> None:
        self._services = services
        self.messages = messages
        self.runs = states(services)

    def task(self, dag: str, task: str) -> list[tuple[str, int]]:
        query = "SELECT state, try_number FROM task_instance WHERE dag_id = ? AND task_id = ?"
        return self._services.rows(query, dag, task)

    def events(self, dag: str) -> list[dict[str, Any]]:
        details = [message["detail"] for message in self.messages if "detail" in message]
        return [detail for detail in details if detail["dag_id"] == dag]

    def told(self, dag: str) -> list[tuple[str, int | None, str]]:
        """The failed tasks of the one event, with index and code."""
        (event,) = self.events(dag)
        return [
            (each["task_id"], each["map_index"], each["code"]) for each in event["failed_tasks"]
        ]


def states(services: Services) -> dict[str, str]:
    return dict(services.rows("SELECT dag_id, state FROM dag_run"))


def ended(services: Services) -> bool:
    found = states(services)
    return len(found) == len(ENDS) and set(found.values()) <= {"success", "failed"}


def received(moto: MotoServer, url: str) -> list[dict[str, Any]]:
    sqs, found = moto.client("sqs"), []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            found.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


@pytest.fixture(scope="module")
def watched(
    moto_server: MotoServer, airflow_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watched]:
    url, folder = queue_of_events(moto_server), tmp_path_factory.mktemp("watched")
    (folder / "dags").mkdir()
    shutil.copy(DAGS, folder / "dags")
    s3 = dict.fromkeys(("endpoint", "access_key_id", "secret_access_key", "region"), "")
    status = {"s3": s3, "warehouse": {"dsn": "postgresql://nobody@127.0.0.1:1/none"}}
    moto = {
        "conn_type": "aws",
        "login": ACCESS_KEY_ID,
        "password": SECRET_ACCESS_KEY,
        "extra": {"region_name": REGION, "endpoint_url": moto_server.endpoint},
    }
    settings = {"AIRFLOW_CONN_MOTO": json.dumps(moto), "WATCHED_FOLDER": str(folder)}
    airflow = AirflowHome(home=folder / "airflow", dags=folder / "dags", status=status)
    services = Services(
        airflow, folder, airflow_database, settings=SETTINGS | settings, triggerer=True
    )
    try:
        services.start()
        assert eventually(lambda: ended(services), seconds=SECONDS), (
            states(services),
            services.output(),
        )
        yield Watched(services, received(moto_server, url))
    finally:
        services.end()


pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize("dag", ENDS)
def test_a_run_ends_as_it_would_without_the_two_tasks(watched: Watched, dag: str) -> None:
    assert watched.runs[dag] == ENDS[dag]


@pytest.mark.parametrize("dag", ["good", "branches"])
def test_of_a_run_without_a_failure_nothing_is_told(watched: Watched, dag: str) -> None:
    assert watched.task(dag, "tell_failure") == [("skipped", 1)]
    assert watched.task(dag, "done")[0][0] == "success"
    assert watched.events(dag) == []


def test_the_task_that_failed_is_told_with_its_error_and_those_behind_it_are_not(
    watched: Watched,
) -> None:
    (event,) = watched.events("missing_source")
    (failed,) = event["failed_tasks"]
    assert (failed["task_id"], failed["map_index"]) == ("stream", None)
    assert failed["code"] == "NOT_FOUND"
    assert "/nowhere/reviews.json.gz" in failed["message"]
    assert failed["retryable"] is False
    assert event["run_id"].startswith("scheduled__2026-01-01")
    assert event["data_interval_start"] == "2026-01-01T00:00:00+00:00"
    assert watched.task("missing_source", "behind")[0][0] == "upstream_failed"
    assert watched.task("missing_source", "done")[0][0] == "upstream_failed"
    assert watched.task("missing_source", "tell_failure") == [("success", 1)]


def test_a_short_circuit_skips_neither_of_the_two(watched: Watched) -> None:
    assert watched.task("short_circuit_beside_a_failure", "not_needed")[0][0] == "skipped"
    assert [name for name, _, _ in watched.told("short_circuit_beside_a_failure")] == ["fail"]


def test_a_killed_task_has_left_no_error_and_of_a_mapped_one_the_index_is_told(
    watched: Watched,
) -> None:
    assert watched.told("killed_in_a_mapped_group") == [("step.load", 1, "killed")]


@pytest.mark.parametrize(
    ("dag", "failed"),
    [
        ("teardown_fails", "remove"),
        ("setup_fails", "make_badly"),
        ("mended_by_a_last_task", "fail"),
    ],
)
def test_what_failed_is_told_whether_or_not_the_run_did(
    watched: Watched, dag: str, failed: str
) -> None:
    assert [name for name, _, _ in watched.told(dag)] == [failed]


def test_a_task_is_waited_for_though_those_behind_it_have_ended(watched: Watched) -> None:
    assert [name for name, _, _ in watched.told("a_slow_task_fails_last")] == ["early", "late"]


def test_a_notifier_that_fails_is_tried_again_and_the_others_are_not(watched: Watched) -> None:
    assert watched.task("notifiers", "tell_failure") == [("success", 2)]
    assert len(watched.events("notifiers")) == 1
    (published,) = [each["Message"] for each in watched.messages if "Message" in each]
    assert published.startswith("notifiers failed in scheduled__2026-01-01")


def test_a_missed_deadline_is_told_while_the_run_goes_on(watched: Watched) -> None:
    (late,) = watched.events("not_there_in_time")
    assert late["state"] == "running"
    assert late["run_id"].startswith("scheduled__")
    assert late["deadline"] and late["idempotency_key"]
    (message,) = [each for each in watched.messages if each.get("detail") == late]
    assert (message["source"], message["detail-type"]) == ("acme.airflow", "airscoop run late")


def test_each_run_has_an_idempotency_key_of_its_own(watched: Watched) -> None:
    keys = [each["detail"]["idempotency_key"] for each in watched.messages if "detail" in each]
    assert len(keys) == len(set(keys)) > 5
