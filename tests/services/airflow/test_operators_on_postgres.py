"""The warehouse operators through an Airflow connection of type postgres, without Airflow's runner.

What runs here is what Airflow calls: execute with a context, and on_kill from a signal handler.
"""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from airscoop.errors import Cancelled
from airscoop.operators.apply_changes import ApplyChangesOperator
from airscoop.operators.insert_distinct import InsertDistinctOperator
from airscoop.operators.refresh_materialized_view import RefreshMaterializedViewOperator
from support.s3 import Store
from support.waiting import eventually

NOTHING_CHANGED = {"inserted": 0, "replaced": 0}


@pytest.fixture
def server(
    database: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[psycopg.Connection[Any]]:
    """A session for looking; the connection "warehouse", and src.t with two keys in three rows."""
    connect(monkeypatch, database)
    with psycopg.connect(database["dsn"], autocommit=True) as session:
        session.execute("CREATE SCHEMA src; CREATE SCHEMA dst")
        session.execute("CREATE TABLE src.t (id integer, note text)")
        session.execute("INSERT INTO src.t VALUES (1, 'a'), (1, 'b'), (2, 'c')")
        session.execute("CREATE TABLE dst.t (id integer, note text)")
        session.execute("CREATE MATERIALIZED VIEW dst.v AS SELECT COUNT(*) AS n FROM dst.t")
        yield session


def connect(monkeypatch: pytest.MonkeyPatch, database: dict[str, str], **changes: str) -> None:
    fields = {
        "conn_type": "postgres",
        "host": database["host"],
        "port": int(database["port"]),
        "login": database["user"],
        "password": database["password"],
        "schema": database["dbname"],
        **changes,
    }
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", json.dumps(fields))


def context(run_id: str = "run", started: datetime | None = None) -> Any:
    ti = SimpleNamespace(dag_id="dag", task_id="insert", run_id=run_id, try_number=3)
    start = started or datetime.now(UTC) - timedelta(minutes=1)
    run = SimpleNamespace(dag_id="dag", run_id=run_id, start_date=start, run_after=start)
    return {"ti": ti, "dag_run": run}


def insert(**changes: Any) -> InsertDistinctOperator:
    options: dict[str, Any] = {
        "source": "src.t",
        "target": "dst.t",
        "columns": ["id", "note"],
        "key": ["id"],
        "warehouse_conn_id": "warehouse",
        **({} if "receipt" in changes else {"expected_records": None}),
        **changes,
    }
    return InsertDistinctOperator(task_id="insert", **options)


def refresh(**options: Any) -> RefreshMaterializedViewOperator:
    return RefreshMaterializedViewOperator(
        task_id="refresh", view="dst.v", warehouse_conn_id="warehouse", **options
    )


def rows(server: psycopg.Connection[Any], sql: str) -> list[tuple[Any, ...]]:
    return server.execute(sql.encode()).fetchall()


def test_the_insert_logs_the_download_and_the_run(server: psycopg.Connection[Any]) -> None:
    download = {
        "records_out": 3,
        "source": "http://example.com/t.gz",
        "source_etag": '"e"',
        "destination": "s3://bucket/t.gz",
    }
    receipt = insert(receipt=download).execute(context())
    assert (receipt["scanned"], receipt["inserted"], receipt["duplicates"]) == (3, 2, 1)
    assert rows(server, "SELECT * FROM dst.t ORDER BY id") == [(1, "b"), (2, "c")]
    assert rows(
        server,
        "SELECT source, etag, s3_key, dag_id, run_id, task_id, try_number FROM airscoop.loads",
    ) == [("http://example.com/t.gz", '"e"', "s3://bucket/t.gz", "dag", "run", "insert", 3)]


def test_a_partition_that_gives_other_counts_than_the_download_inserts_nothing(
    server: psycopg.Connection[Any],
) -> None:
    with pytest.raises(AirflowFailException, match="CountMismatch"):
        insert(receipt={"records_out": 4}).execute(context())
    assert rows(server, "SELECT COUNT(*) FROM dst.t") == [(0,)]


def test_fewer_rows_than_min_records_insert_nothing(server: psycopg.Connection[Any]) -> None:
    with pytest.raises(AirflowFailException, match=r"TooFewRecords: .* gave 3 records"):
        insert(min_records=4).execute(context())
    assert rows(server, "SELECT COUNT(*) FROM dst.t") == [(0,)]
    assert insert(min_records=3).execute(context())["scanned"] == 3


def test_the_receipts_of_a_mapped_download_are_summed_and_all_logged(
    server: psycopg.Connection[Any],
) -> None:
    parts = [
        {"records_out": count, "source": f"http://h/{count}", "destination": f"s3://b/{count}"}
        for count in (1, 2)
    ]
    with pytest.raises(AirflowFailException, match="CountMismatch"):
        insert(receipt=parts[:1]).execute(context())
    assert insert(receipt=parts).execute(context())["scanned"] == 3
    assert rows(server, "SELECT source, s3_key FROM airscoop.loads") == [
        ("http://h/1, http://h/2", "s3://b/1, s3://b/2")
    ]


def test_a_stray_row_behind_a_raw_download_is_not_inserted_without_a_word(
    server: psycopg.Connection[Any],
) -> None:
    raw = {"format": "raw", "records_out": 0, "destination": "s3://b/k"}
    with pytest.raises(AirflowFailException, match="format raw"):
        insert(receipt=raw).execute(context())
    with pytest.raises(AirflowFailException, match="CountMismatch"):
        insert(receipt=raw, expected_records=2).execute(context())
    assert rows(server, "SELECT COUNT(*) FROM dst.t") == [(0,)]
    assert insert(receipt=raw, expected_records=None).execute(context())["inserted"] == 2


def test_a_missing_table_fails_for_good_and_is_named(server: psycopg.Connection[Any]) -> None:
    with pytest.raises(AirflowFailException, match=r"src.*nowhere"):
        insert(source="src.nowhere").execute(context())


def test_a_wrong_password_fails_for_good_without_saying_it(
    server: psycopg.Connection[Any], database: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, database, password="not the s3cret")
    with pytest.raises(AirflowFailException, match=database["user"]) as caught:
        insert().execute(context())
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "receipt", [NOTHING_CHANGED, [NOTHING_CHANGED], (NOTHING_CHANGED, NOTHING_CHANGED)]
)
def test_the_refresh_is_skipped_when_no_insert_changed_anything(
    server: psycopg.Connection[Any], receipt: object
) -> None:
    insert().execute(context("another run"))
    with pytest.raises(AirflowSkipException):
        refresh(receipt=receipt).execute(context())
    assert rows(server, "SELECT n FROM dst.v") == [(0,)]


def test_a_refresh_whose_receipt_came_as_none_is_refused(
    server: psycopg.Connection[Any],
) -> None:
    operator = refresh(receipt=NOTHING_CHANGED)
    operator.receipt = None  # as the XCom of a task that was skipped is rendered
    with pytest.raises(AirflowFailException, match="receipt came as None"):
        operator.execute(context())
    assert rows(server, "SELECT n FROM dst.v") == [(0,)]


def test_one_changed_table_is_enough_to_refresh(server: psycopg.Connection[Any]) -> None:
    receipt = insert().execute(context())
    refresh(receipt=[NOTHING_CHANGED, receipt]).execute(context())
    assert rows(server, "SELECT n FROM dst.v") == [(2,)]


def test_a_view_is_refreshed_when_the_insert_was_killed_after_its_commit(
    server: psycopg.Connection[Any],
) -> None:
    insert().execute(context())
    second_try = insert().execute(context())
    assert (second_try["inserted"], second_try["replaced"]) == (0, 0)
    refresh(receipt=[second_try]).execute(context())
    assert rows(server, "SELECT n FROM dst.v") == [(2,)]


def test_a_load_from_before_the_run_started_again_is_no_reason_to_refresh(
    server: psycopg.Connection[Any],
) -> None:
    insert().execute(context())
    later = context(started=datetime.now(UTC) + timedelta(minutes=1))
    with pytest.raises(AirflowSkipException):
        refresh(receipt=[NOTHING_CHANGED]).execute(later)


def test_a_task_killed_while_it_waits_for_a_lock_ends_cancelled_and_inserts_nothing(
    server: psycopg.Connection[Any], database: dict[str, str]
) -> None:
    insert(source="dst.t", target="dst.t").execute(context())
    operator = insert()
    before = signal.signal(signal.SIGTERM, lambda *_: operator.on_kill())
    with psycopg.connect(database["dsn"]) as holder:
        holder.execute("LOCK TABLE airscoop.lock_dst_t")
        watcher = threading.Thread(target=terminate_when_blocked, args=(server,))
        watcher.start()
        try:
            with pytest.raises(Cancelled) as caught:
                operator.execute(context())
        finally:
            watcher.join()
            signal.signal(signal.SIGTERM, before)
    assert caught.value.retryable
    assert rows(server, "SELECT COUNT(*) FROM dst.t") == [(0,)]
    assert blocked(server) == 0


def blocked(server: psycopg.Connection[Any]) -> int:
    return int(rows(server, "SELECT COUNT(*) FROM pg_locks WHERE NOT granted")[0][0])


def terminate_when_blocked(server: psycopg.Connection[Any]) -> None:
    eventually(lambda: blocked(server) > 0)
    os.kill(os.getpid(), signal.SIGTERM)


CHANGE = '{"op": "UPDATE", "key": {"id": "2"}, "row": {"id": "2", "note": "d"}, "id": "x"}\n'
DELTA = {"inserted": 0, "updated": 1, "deleted": 0}


def apply(changes: Path | str, **options: Any) -> ApplyChangesOperator:
    return ApplyChangesOperator(
        task_id="insert", changes=str(changes), table="src.t", key=["id"],
        warehouse_conn_id="warehouse", **options,
    )  # fmt: skip


def test_changes_are_applied_with_the_run_in_the_log_and_once(
    server: psycopg.Connection[Any], tmp_path: Path
) -> None:
    changes = tmp_path / "changes.jsonl"
    changes.write_text(CHANGE)
    receipt = apply(changes, receipt=DELTA).execute(context())
    assert (receipt["updated"], receipt["already_applied"]) == (1, False)
    assert rows(server, "SELECT note FROM src.t WHERE id = 2") == [("d",)]
    what = "SELECT changes, updated, dag_id, run_id, task_id, try_number FROM airscoop.applied"
    assert rows(server, what) == [(str(changes), 1, "dag", "run", "insert", 3)]
    assert apply(changes, receipt=DELTA).execute(context())["already_applied"]


def test_a_file_with_other_counts_than_the_delta_is_not_applied(
    server: psycopg.Connection[Any], tmp_path: Path
) -> None:
    changes = tmp_path / "changes.jsonl"
    changes.write_text(CHANGE)
    with pytest.raises(AirflowFailException, match="CountMismatch"):
        apply(changes, receipt={**DELTA, "deleted": 1}).execute(context())
    with pytest.raises(AirflowFailException, match="UsageError"):
        apply(changes, receipt={"rows": 1}).execute(context())
    assert rows(server, "SELECT note FROM src.t WHERE id = 2") == [("c",)]


def test_changes_come_from_s3_by_the_aws_connection(
    server: psycopg.Connection[Any], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = store.settings()
    assert settings.credentials is not None
    fields = {
        "conn_type": "aws",
        "login": settings.credentials.access_key_id,
        "password": settings.credentials.secret_access_key,
        "extra": {"endpoint_url": settings.endpoint_url, "region_name": settings.region},
    }
    monkeypatch.setenv("AIRFLOW_CONN_STORE", json.dumps(fields))
    uri = store.put("changes.jsonl", CHANGE.encode())
    assert apply(uri, aws_conn_id="store", receipt=DELTA).execute(context())["updated"] == 1
    with pytest.raises(AirflowFailException, match="NotFound"):
        apply(f"{uri}.gone", aws_conn_id="store", receipt=DELTA).execute(context())
