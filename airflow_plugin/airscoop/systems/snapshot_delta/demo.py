"""Three full exports of one table in S3 -> what changed between them -> Kinesis.

Four runs: one for each export, and one for the last export delivered again, which finds nothing to
do. A second demo finds nothing to do at all, unless moto was started anew, which keeps the registry
and the stream in memory.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import airscoop
from airscoop.aws.credentials import Credentials
from airscoop.aws.settings import S3Settings
from airscoop.local import aws, s3
from airscoop.local.airflow_home import AirflowHome
from airscoop.local.demo.showing import airflow_of, failed, say, start_stack, table
from airscoop.systems.snapshot_delta.made_data import Export, exports

DAG_ID = "snapshot_delta"
GROUP = "snapshot"
STEPS = ("delta", "publish", "finish")
COMPARED = ("old_rows", "new_rows", "inserted", "updated", "deleted", "unchanged")
SENT = ("sent", "retried", "throttled", "bytes")
ROWS, SEED = 4000, 1
EXPORTS, CHANGES = "airscoop-exports", "airscoop-changes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has none: a version is one export for good, so other data could not come by its name."""


def run(_options: argparse.Namespace) -> int:
    status = start_stack()
    for bucket in (EXPORTS, CHANGES):
        s3.ensure_bucket(status["s3"]["endpoint"], status["s3"], bucket)
    variables = {
        "snapshot_delta_bucket": EXPORTS,
        "snapshot_delta_changes_bucket": CHANGES,
        "snapshot_delta_stream": status["aws"]["stream"],
    }
    airflow, log = airflow_of(status, variables)
    if airflow.run(log, "db", "migrate") != 0:
        return failed("Airflow's database could not be made", log)
    made = list(exports(ROWS, SEED))
    before = records_in_stream(status)
    for export in (*made, made[-1]):
        deliver(status, export)
        if not run_dag(airflow, log, export):
            return failed(f"the run for {export.key} failed", log)
    count = records_in_stream(status)
    stream = status["aws"]["stream"]
    say(
        f"the stream {stream} holds {count:,} changes, {count - before:,} of them new",
        "./run demo snapshot_delta again sends nothing twice; ./run down stops the stack",
    )
    return 0


def deliver(status: Mapping[str, Any], export: Export) -> None:
    keys = status["s3"]
    settings = S3Settings(
        credentials=Credentials(
            access_key_id=keys["access_key_id"], secret_access_key=keys["secret_access_key"]
        ),
        endpoint_url=keys["endpoint"],
        region=keys["region"],
    )
    with airscoop.Upload(f"s3://{EXPORTS}/{export.key}", s3=settings) as upload:
        upload.write(export.body)


def run_dag(airflow: AirflowHome, log: Path, export: Export) -> bool:
    conf = json.dumps({"object": export.key})
    say(
        f"delivered s3://{EXPORTS}/{export.key}, {len(export.body):,} bytes",
        f"airflow dags test {DAG_ID} --conf '{conf}'",
        before="\n",
    )
    started = time.monotonic()
    if airflow.run(log, "dags", "test", DAG_ID, "--conf", conf) != 0:
        return False
    show_receipts(airflow.last_receipts(DAG_ID))
    say(f"the run took {time.monotonic() - started:.0f} s, Airflow's start included")
    return True


def show_receipts(receipts: Mapping[str, Any]) -> None:
    register = receipts["register"]
    row = (f"{register['found']:,}", f"{len(register['registered']):,}")
    to_do = ", ".join(register["exports"]) or "nothing"
    print(table(("register: found", "new", "to work on"), [(*row, to_do)]))
    if not register["exports"]:
        say("this export was done before: nothing happened, nothing was sent")
        return
    changes, publish, finish = (receipts[f"{GROUP}.{step}"] for step in STEPS)
    delta = changes["delta"]
    print(
        table(
            ("delta: against", *(name.replace("_", " ") for name in COMPARED), "merged"),
            [
                (
                    changes["previous"] or "nothing",
                    *(f"{delta[name]:,}" for name in COMPARED),
                    "yes" if delta["diagnostics"]["sorted"] else "no",
                )
            ],
        )
    )
    shards = sorted(publish["diagnostics"]["shards"].items())
    print(
        table(
            ("publish: to", *SENT, *(name for name, _ in shards)),
            [
                (
                    publish["stream"],
                    *(f"{publish[name]:,}" for name in SENT),
                    *(f"{count:,}" for _, count in shards),
                )
            ],
        )
    )
    print(table(("finish", "state"), [(finish["export"], finish["state"])]))


def records_in_stream(status: Mapping[str, Any]) -> int:
    kinesis = aws.client("kinesis", status["aws"]["endpoint"], status["s3"])
    stream = status["aws"]["stream"]
    count = 0
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        found = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )
        while True:
            answer = kinesis.get_records(ShardIterator=found["ShardIterator"])
            count += len(answer["Records"])
            if answer["MillisBehindLatest"] == 0 and not answer["Records"]:
                break
            found = {"ShardIterator": answer["NextShardIterator"]}
    return count
