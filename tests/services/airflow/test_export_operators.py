"""The operators of an export, by Airflow connections, on a real S3, DynamoDB and Kinesis API."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowRescheduleException,
    AirflowSkipException,
)

from airscoop import errors
from airscoop.exports.registry import Registry
from airscoop.operators import task_receipt
from airscoop.operators.apply_changes import ApplyChangesOperator
from airscoop.operators.finish_export import FinishExportOperator
from airscoop.operators.lock_export import LockExportOperator
from airscoop.operators.publish_changes import PublishChangesOperator
from airscoop.operators.register_exports import RegisterExportsOperator
from airscoop.operators.snapshot_delta import SnapshotDeltaOperator
from airscoop.operators.task_receipt import RECEIPT_KEY
from support.certificates import make_certificate
from support.exports import ROWS, Exports, LeaseClock
from support.fault_server import Request, fault_proxy
from support.moto import MotoServer
from support.s3 import BUCKET, OWNER, Store
from support.tls_relay import tls_relay

AWS = "aws_of_the_test"


def context(run: str = "run_1", map_index: int = 0) -> Any:
    ti = SimpleNamespace(
        dag_id="dag",
        run_id=run,
        map_index=map_index,
        task_id="task",
        try_number=1,
        get_first_reschedule_date=lambda _: None,
    )
    return {"ti": ti}


class Steps:
    """The five operators, as a run of the DAG has them."""

    def __init__(self, exports: Exports, stream: str, moto_server: MotoServer) -> None:
        self.exports, self.stream = exports, stream
        self.place: dict[str, Any] = {
            "registry": exports.registry.table.name,
            "aws_conn_id": AWS,
        }

    def register(self, **options: Any) -> Any:
        options = {"datasets": [self.exports.store.prefix]} | options
        operator = RegisterExportsOperator(task_id="r", bucket=BUCKET, **options, **self.place)
        return operator.execute(context())

    def lock(self, version: str, run: str = "run_1") -> Any:
        operator = LockExportOperator(task_id="l", export=self.exports.id(version), **self.place)
        return operator.execute(context(run))

    def delta(self, lock: Any, **options: Any) -> Any:
        operator = SnapshotDeltaOperator(
            task_id="d", lock=lock, changes=self.exports.changes, **options, **self.place
        )
        return operator.execute(context())

    def publish(self, lock: Any) -> Any:
        operator = PublishChangesOperator(task_id="p", lock=lock, stream=self.stream, **self.place)
        return operator.execute(context())

    def finish(self, lock: Any, **options: Any) -> Any:
        operator = FinishExportOperator(task_id="f", lock=lock, **options, **self.place)
        return operator.execute(context())


@pytest.fixture
def steps(
    store: Store, moto_server: MotoServer, registry_table: str, monkeypatch: pytest.MonkeyPatch
) -> Steps:
    """S3 takes its own keys; moto takes any."""
    services = {name: {"endpoint_url": moto_server.endpoint} for name in ("dynamodb", "kinesis")}
    services["s3"] = {"endpoint_url": store.endpoint}
    connection = {
        "conn_type": "aws",
        "login": OWNER.access_key_id,
        "password": OWNER.secret_access_key,
        "extra": {"region_name": "us-east-1", "service_config": services},
    }
    monkeypatch.setenv(f"AIRFLOW_CONN_{AWS.upper()}", json.dumps(connection))
    stream = f"changes-{uuid.uuid4().hex[:12]}"
    moto_server.client("kinesis").create_stream(StreamName=stream, ShardCount=2)
    registry = Registry(registry_table, client=moto_server.client("dynamodb"))
    return Steps(Exports(store, registry, LeaseClock(monkeypatch)), stream, moto_server)


def test_an_export_goes_through_the_five_tasks(steps: Steps) -> None:
    uri = steps.exports.put("V1", ROWS)
    registered = steps.register()
    assert registered["exports"] == [steps.exports.id("V1")]
    lock = steps.lock("V1")
    assert json.loads(json.dumps(lock)) == lock
    assert (lock["owner"], lock["previous"]) == ("dag/run_1/0", None)
    delta = steps.delta(lock)
    assert (delta["count"], delta["computed"]) == (4, True)
    assert steps.publish(lock)["sent"] == 4
    finished = steps.finish(lock)
    assert (finished["state"], finished["published"]) == ("done", 4)
    assert json.loads(json.dumps([registered, delta, finished])) == [registered, delta, finished]
    assert steps.register(object=uri.split("/", 3)[3])["exports"] == []
    with pytest.raises(AirflowSkipException, match="is done"):
        steps.lock("V1", "run_2")


def test_each_task_trusts_the_authority_that_the_connection_names(
    steps: Steps, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    authority = make_certificate(tmp_path)
    connection = json.loads(os.environ[f"AIRFLOW_CONN_{AWS.upper()}"])
    with tls_relay(steps.exports.store.endpoint, authority) as endpoint:
        connection["extra"]["verify"] = str(authority)
        connection["extra"]["service_config"]["s3"] = {"endpoint_url": endpoint}
        monkeypatch.setenv(f"AIRFLOW_CONN_{AWS.upper()}", json.dumps(connection))
        uri = steps.exports.put("V1", ROWS)
        assert len(steps.register()["registered"]) == 1
        assert steps.register(object=uri.split("/", 3)[3])["exports"] != []
        lock = steps.lock("V1")
        assert steps.delta(lock)["computed"]
        assert not steps.delta(lock)["computed"]
        assert steps.publish(lock)["sent"] == 4
        assert steps.finish(lock)["state"] == "done"


class Kept:
    """A task state store, as far as receipts are written."""

    def __init__(self) -> None:
        self.receipts: list[Any] = []

    def set(self, key: str, value: Any, *, retention: timedelta) -> None:
        assert (key, retention) == (RECEIPT_KEY, timedelta(days=365))
        self.receipts.append(json.loads(json.dumps(value)))


def test_each_step_leaves_its_receipt(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_receipt, "SECONDS_BETWEEN_WRITES", 0.0)
    monkeypatch.setattr(task_receipt, "SHARE", 0)
    steps.exports.put("V1", ROWS)
    steps.register()
    kept = {name: Kept() for name in ("lock", "compute", "publish")}
    runs: dict[str, Any] = {
        name: context() | {"task_state_store": store} for name, store in kept.items()
    }
    export, place = steps.exports.id("V1"), steps.place
    lock = LockExportOperator(task_id="l", export=export, **place).execute(runs["lock"])
    SnapshotDeltaOperator(task_id="d", lock=lock, changes=steps.exports.changes, **place).execute(
        runs["compute"]
    )
    PublishChangesOperator(task_id="p", lock=lock, stream=steps.stream, **place).execute(
        runs["publish"]
    )
    for name, store in kept.items():
        assert {each["verb"] for each in store.receipts} == {name}
        assert (store.receipts[0]["state"], store.receipts[-1]["state"]) == ("running", "done")
    assert kept["lock"].receipts[-1]["diagnostics"]["owner"] == "dag/run_1/0"
    assert kept["compute"].receipts[-1]["counts"] == {"count": 4}
    on_its_way = [each["counts"] for each in kept["publish"].receipts[:-1] if each["counts"]]
    assert on_its_way[-1]["sent"] == kept["publish"].receipts[-1]["counts"]["sent"] == 4


@pytest.mark.parametrize("request_kind", ["head", "get", "create", "part"])
def test_on_kill_reaches_the_delta_task_wherever_it_is(
    request_kind: str, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps.exports.put("V1", ROWS)
    steps.register()
    lock = steps.lock("V1")
    operator = SnapshotDeltaOperator(
        task_id="d", lock=lock, changes=steps.exports.changes, **steps.place
    )
    with fault_proxy(steps.exports.store.endpoint) as proxy:
        connection = json.loads(os.environ[f"AIRFLOW_CONN_{AWS.upper()}"])
        connection["extra"]["service_config"]["s3"] = {"endpoint_url": proxy.url}
        monkeypatch.setenv(f"AIRFLOW_CONN_{AWS.upper()}", json.dumps(connection))

        def kill(handler: Any, request: Request) -> None:
            operator.on_kill()
            code, headers, body = handler.forward(request)
            handler.answer(code, body, headers)

        rule = proxy.on(request_kind, kill)
        with pytest.raises(errors.Cancelled):
            operator.execute(context())
        assert rule.fired == 1
        assert "complete" not in proxy.kinds()
    assert steps.exports.registry.get(lock["export"]).changes is None


@pytest.mark.parametrize("name", ["register", "publish", "finish"])
def test_a_task_that_was_told_to_stop_before_it_began_does_nothing(name: str, steps: Steps) -> None:
    steps.exports.put("V1", ROWS)
    steps.register()
    lock = steps.lock("V1")
    steps.delta(lock)
    steps.exports.put("V2", ROWS)
    operators: dict[str, Any] = {
        "register": RegisterExportsOperator(
            task_id="r", bucket=BUCKET, datasets=[steps.exports.store.prefix], **steps.place
        ),
        "publish": PublishChangesOperator(
            task_id="p", lock=lock, stream=steps.stream, **steps.place
        ),
        "finish": FinishExportOperator(task_id="f", lock=lock, **steps.place),
    }
    operators[name].on_kill()
    with pytest.raises(errors.Cancelled):
        operators[name].execute(context())
    record = steps.exports.registry.get(lock["export"])
    assert (record.state, record.offset, record.begun) == ("computed", 0, False)
    assert steps.exports.registry.find(steps.exports.id("V2")) is None


def test_the_lock_task_is_rescheduled_while_it_waits(steps: Steps) -> None:
    steps.exports.put("V1", ROWS)
    steps.exports.put("V2", ROWS)
    assert len(steps.register()["exports"]) == 2
    lock = steps.lock("V1")
    for version, run in (("V1", "run_2"), ("V2", "run_2"), ("V1", "run_1"), ("V2", "run_1")):
        with pytest.raises(AirflowRescheduleException):
            steps.lock(version, run)  # also the same run, tried again: its name is no lock
    assert steps.finish(lock, state="failed")["state"] == "failed"
    assert steps.lock("V1")["owner"] == "dag/run_1/0"


def test_a_step_that_fails_for_good_fails_the_export_and_the_run(steps: Steps) -> None:
    steps.exports.put("V1", ROWS)
    steps.register()
    lock = steps.lock("V1")
    with pytest.raises(AirflowFailException, match="UsageError"):
        steps.delta(lock, key=["nothing"])
    with pytest.raises(AirflowFailException, match=r"V1 is failed: UsageError: .*nothing"):
        steps.finish(lock)
    record = steps.exports.registry.get(lock["export"])
    assert (record.state, record.code) == ("failed", "USAGE")
    assert steps.lock("V1")["fence"] > lock["fence"]  # cleared, the run does it again


def test_the_newest_version_fails_each_run_until_it_is_approved_and_later_runs_keep_that(
    steps: Steps,
) -> None:
    steps.exports.put("V1", ROWS)
    steps.register()
    first = steps.lock("V1")
    steps.delta(first)
    steps.publish(first)
    steps.finish(first)
    uri = steps.exports.put("V2", {"1": "a"})
    steps.register()
    lock = steps.lock("V2")
    with pytest.raises(AirflowFailException, match="SuspectExport"):
        steps.delta(lock)
    with pytest.raises(AirflowFailException, match="SuspectExport"):
        steps.finish(lock)
    assert steps.register()["exports"] == [steps.exports.id("V2")]
    with pytest.raises(AirflowFailException, match=r"newest version .*exports retry .*give-up"):
        steps.lock("V2", "run_2")
    assert steps.register(object=uri)["exports"] == [steps.exports.id("V2")]
    lock = steps.lock("V2", "run_3")
    assert steps.delta(lock, approved_delete_ratio=0.9)["count"] == 3
    steps.finish(lock, state="failed")
    steps.register(object=uri)
    lock = steps.lock("V2", "run_4")
    assert steps.delta(lock, delta_options={"min_rows": 0})["count"] == 3
    assert steps.publish(lock)["sent"] == 3
    assert steps.finish(lock)["state"] == "done"
    assert steps.register()["exports"] == []


def test_an_option_that_does_not_exist_is_named(steps: Steps) -> None:
    steps.exports.put("V1", ROWS)
    steps.register()
    with pytest.raises(AirflowFailException, match=r"delta_options: .*min_row\b"):
        steps.delta(steps.lock("V1"), delta_options={"min_row": 3})


def test_without_a_lock_the_later_tasks_are_skipped(steps: Steps) -> None:
    for step in (steps.delta, steps.publish, steps.finish):
        with pytest.raises(AirflowSkipException, match="there is no lock"):
            step(None)


def test_the_last_task_fails_where_the_lock_task_of_its_own_export_has_failed(
    steps: Steps,
) -> None:
    def finish(states: dict[str, str]) -> None:
        operator = FinishExportOperator(task_id="f", lock=None, **steps.place)
        operator.upstream_task_ids.add("group.lock")
        given = context(map_index=1)
        given["ti"].get_task_states = lambda **_: {"run_1": states}
        operator.execute(given)

    with pytest.raises(AirflowSkipException):
        finish({"group.lock_0": "failed", "group.lock_1": "skipped"})
    with pytest.raises(AirflowFailException, match=r"group\.lock_1 has failed"):
        finish({"group.lock_0": "success", "group.lock_1": "failed"})


def published(steps: Steps) -> Any:
    """The lock of an export that only has to be finished."""
    steps.exports.put("V1", ROWS)
    steps.register()
    lock = steps.lock("V1")
    steps.delta(lock)
    steps.publish(lock)
    return lock


@pytest.mark.parametrize("came", [None, [{"verb": "apply"}, None]])
def test_an_export_is_not_done_while_a_receipt_is_missing(steps: Steps, came: Any) -> None:
    lock = published(steps)
    operator = FinishExportOperator(
        task_id="f", lock=lock, receipt={"verb": "apply"}, **steps.place
    )
    operator.receipt = came  # as the XCom of a task that failed is rendered
    with pytest.raises(AirflowFailException, match="a task before this one has failed"):
        operator.execute(context())
    assert steps.exports.registry.get(lock["export"]).state == "failed"


@pytest.mark.parametrize("receipt", [{"verb": "apply"}, [{"verb": "apply"}, {}], []])
def test_an_export_is_done_where_its_receipts_are_there(steps: Steps, receipt: Any) -> None:
    assert steps.finish(published(steps), receipt=receipt)["state"] == "done"


def test_an_older_export_fails_the_task_for_good(steps: Steps) -> None:
    steps.exports.put("V2", ROWS)
    steps.register()
    lock = steps.lock("V2")
    steps.delta(lock)
    steps.publish(lock)
    steps.finish(lock)
    uri = steps.exports.put("V1", ROWS)
    with pytest.raises(AirflowFailException, match=r"StaleExport: .*is older than"):
        steps.register(object=uri)
    assert steps.register()["exports"] == []
    with pytest.raises(AirflowFailException, match="StaleExport"):
        steps.lock("V1", "run_2")


def test_nothing_to_list_is_wrong_usage(steps: Steps) -> None:
    with pytest.raises(AirflowFailException, match="UsageError: r: give datasets, or an object"):
        steps.register(datasets=[])


@pytest.fixture
def warehouse(
    database: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[psycopg.Connection[Any]]:
    """A session for looking, a table, and the connection "warehouse"."""
    fields = {
        "conn_type": "postgres", "host": database["host"], "port": int(database["port"]),
        "login": database["user"], "password": database["password"],
        "schema": database["dbname"],
    }  # fmt: skip
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(fields))
    with psycopg.connect(database["dsn"], autocommit=True) as session:
        session.execute('CREATE TABLE public.orders ("PK" text PRIMARY KEY, v text)')
        yield session


@pytest.mark.parametrize("told_by_delta", [True, False])
def test_changes_are_applied_to_a_table_as_a_step(
    steps: Steps, warehouse: psycopg.Connection[Any], told_by_delta: bool
) -> None:
    steps.exports.put("V1", ROWS)
    steps.register()
    lock = steps.lock("V1")
    delta = steps.delta(lock)
    operator = ApplyChangesOperator(
        task_id="a", lock=lock, table="public.orders", key=["PK"], publishes=True,
        receipt=delta if told_by_delta else None, warehouse_conn_id="warehouse", **steps.place,
    )  # fmt: skip
    assert operator.execute(context())["inserted"] == len(ROWS)
    assert operator.execute(context())["already_applied"]
    assert steps.finish(lock)["state"] == "done"
    found = warehouse.execute("SELECT * FROM public.orders").fetchall()
    assert dict(found) == ROWS


def test_a_file_is_applied_by_the_receipt_of_the_delta(
    steps: Steps, warehouse: psycopg.Connection[Any]
) -> None:
    steps.exports.put("V1", ROWS)
    steps.register()
    delta = steps.delta(steps.lock("V1"))
    operator = ApplyChangesOperator(
        task_id="a", changes=delta["changes"], table="public.orders", key=["PK"],
        receipt=delta, warehouse_conn_id="warehouse", aws_conn_id=AWS,
    )  # fmt: skip
    assert operator.execute(context())["inserted"] == len(ROWS)


def test_without_a_lock_nothing_is_applied() -> None:
    given: dict[str, Any] = {"task_id": "a", "table": "public.orders", "key": ["PK"]}
    operator = ApplyChangesOperator(lock={"export": "x"}, **given)  # type: ignore[arg-type]
    operator.lock = None  # as its XCom is rendered
    with pytest.raises(AirflowSkipException, match="there is no lock"):
        operator.execute(context())
    with pytest.raises(AirflowFailException, match="give a file, or lock"):
        ApplyChangesOperator(**given).execute(context())
