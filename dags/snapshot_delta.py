"""The DAG snapshot_delta: full exports in S3 -> what changed -> Kinesis, each once and in order.

A notification of S3 is only a hint: a run takes every export that is not done, or `object`'s.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

from airflow.providers.common.messaging.triggers.msg_queue import MessageQueueTrigger
from airflow.sdk import DAG, Asset, AssetWatcher, Param, Variable, task, task_group
from airflow.sdk.exceptions import AirflowFailException

from airscoop.operators import (
    FinishExportOperator,
    LockExportOperator,
    PublishChangesOperator,
    RegisterExportsOperator,
    SnapshotDeltaOperator,
    watched,
)
from airscoop.systems.snapshot_delta.config import load_snapshot_delta

log = logging.getLogger(__name__)

CONFIG = load_snapshot_delta(Path(__file__).parent / "config" / "snapshot_delta.yml")
TABLES = {table.name: table for table in CONFIG.tables}
MOST_EXPORTS = 1000  # of one run; Airflow maps 1,024 (core.max_map_length), or fails
PLACE: dict[str, Any] = {"registry": CONFIG.registry, "aws_conn_id": CONFIG.aws_conn_id}


def notifications() -> list[Asset] | None:
    """What starts event-driven runs; None where no queue is set: runs are then started by hand."""
    queue = Variable.get("snapshot_delta_queue", default=None)
    if not queue:
        return None
    trigger = MessageQueueTrigger(
        scheme="sqs",
        sqs_queue=queue,
        aws_conn_id=CONFIG.aws_conn_id,
        max_messages=10,
        waiter_delay=CONFIG.poll_seconds,
    )
    return [Asset("snapshot_delta_exports", watchers=[AssetWatcher(name="sqs", trigger=trigger)])]


@task
def exports(registered: Any, params: Any = None) -> list[dict[str, Any]]:
    """Each export to work on, with the settings of its table."""
    work = []
    approved, name = params["max_delete_ratio"], f"/{params['object'] or ''}"
    for export in registered["exports"]:
        table = TABLES.get(export.rpartition("/")[0])
        if table is None:
            raise AirflowFailException(
                f"{export} is of no table in dags/config/snapshot_delta.yml: add it, with its key"
            )
        options = {
            "format": table.format,
            "on_duplicates": table.on_duplicates,
            "on_schema_change": table.on_schema_change,
            "max_delete_ratio": table.max_delete_ratio,
            "min_rows": table.min_rows,
        }
        one = {"export": export, "key": table.key, "delta_options": options, "approved": None}
        if approved is not None and f"/{export}/" in name:
            options["max_delete_ratio"] = one["approved"] = approved
        work.append(one)
    if len(work) > MOST_EXPORTS:
        log.warning("%d exports are left to the next run", len(work) - MOST_EXPORTS)
    return work[:MOST_EXPORTS]


@task_group
def snapshot(
    export: str, key: list[str], delta_options: dict[str, Any], approved: float | None
) -> None:
    """One export: it waits for the lock of its table, and for the table's earlier exports."""
    lock = LockExportOperator(
        task_id="lock", export=export, poke_interval=CONFIG.poll_seconds, **PLACE
    )
    delta = SnapshotDeltaOperator(
        task_id="delta",
        lock=lock.output,
        key=key,
        delta_options=delta_options,
        approved_delete_ratio=approved,
        changes=CONFIG.changes,
        **PLACE,
    )
    publish = PublishChangesOperator(
        task_id="publish", lock=lock.output, stream=CONFIG.stream, **PLACE
    )
    # Runs whatever became of the others: done or failed, and the lock is released.
    finish = FinishExportOperator(task_id="finish", lock=lock.output, **PLACE)
    lock >> delta >> publish >> finish


with DAG(
    dag_id="snapshot_delta",
    description="What changed between full exports in S3, published to Kinesis",
    schedule=notifications(),
    catchup=False,
    # Runs at the same time are safe: the registry gives each table's exports to one at a time.
    max_active_runs=16,
    params={
        "object": Param(
            None,
            type=["null", "string"],
            description="The name of an object of one export; empty: all that are not done",
        ),
        "max_delete_ratio": Param(
            None,
            type=["null", "number"],
            minimum=0,
            maximum=1,
            description="Approves a share of deletes, for object's export; its record keeps it",
        ),
    },
    default_args={"retries": 3, "retry_delay": timedelta(seconds=CONFIG.retry_seconds)},
    tags=["airscoop"],
    doc_md=__doc__,
) as dag:
    registered = RegisterExportsOperator(
        task_id="register",
        bucket=CONFIG.bucket,
        datasets=list(TABLES),
        object="{{ params.object or '' }}",
        complete_marker=CONFIG.complete_marker,
        **PLACE,
    )
    snapshot.expand_kwargs(exports(registered.output))
watched(dag)
