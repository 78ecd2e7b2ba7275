"""The DAG bestsellers in a real Airflow, against S3, PostgreSQL and the Redshift stand-in."""

from __future__ import annotations

import dataclasses
import gzip
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airscoop import S3Settings, Warehouse
from airscoop.aws.credentials import Credentials
from airscoop.aws.storage import list_objects
from airscoop.local.airflow_home import AirflowHome
from support.airflow import copy_database
from support.paths import ROOT, TESTS
from support.stalling_server import stalling_server
from support.standin import without_schemas
from support.waiting import eventually

DATA = TESTS / "systems" / "bestsellers"
EXPECTED = json.loads((DATA / "expected.json").read_text())
FIRST, SECOND, THIRD = (f"2026-01-01T{hour}:00:00+00:00" for hour in ("00", "08", "16"))
REFRESH = "run_refresh_materialized_view_on_redshift"
VIEW = "bestsellers.review_joined_price"
COUNTS = ("scanned", "duplicates", "already_there", "inserted", "replaced")


def sorted_rows(rows: Any) -> list[list[str | None]]:
    return sorted(([*row] for row in rows), key=lambda row: [value or "" for value in row])


class Pipeline:
    """The schema, an Airflow of its own and what is served; `runs` keeps what each run gave."""

    def __init__(self, status: dict[str, Any], folder: Path) -> None:
        self.status = status
        self.served = Path(status["http"]["root"]) / "bestsellers-dag-test"
        self.served.mkdir()
        self.log = folder / "airflow.log"
        self.airflow = AirflowHome(
            home=folder / "airflow",
            dags=ROOT / "dags",
            status=status,
            variables=self.variables(f"{status['http']['url'].rstrip('/')}/{self.served.name}"),
        )
        self.runs: dict[str, dict[str, Any]] = {}

    def variables(self, file_url: str) -> dict[str, str]:
        bucket = self.status["s3"]["bucket"]
        return {"bestsellers_bucket": bucket, "bestsellers_file_url": file_url}

    def output(self) -> str:
        return self.log.read_text(errors="replace")[-6000:]

    def prepare(self) -> None:
        variables = {"role": "arn:aws:iam::0:role/x", "bucket": self.status["s3"]["bucket"]}
        with self.warehouse() as warehouse:
            warehouse.run_script(ROOT / "sql" / "bestsellers" / "schema.sql", variables=variables)

    def warehouse(self) -> Warehouse:
        return Warehouse(self.status["warehouse"]["dsn"])

    def query(self, sql: str) -> list[tuple[str | None, ...]]:
        with self.warehouse() as warehouse:
            return warehouse.execute(sql)

    def serve(self, delivery: str) -> None:
        for path in (DATA / delivery).iterdir():
            packed = gzip.compress(path.read_bytes(), mtime=0)
            (self.served / f"{path.stem}.json.gz").write_bytes(packed)

    def view(self) -> list[list[str | None]]:
        columns = ", ".join(EXPECTED["columns"])
        return sorted_rows(self.query(f"SELECT {columns} FROM {VIEW}"))

    def metadata(self) -> list[list[str | None]]:
        return sorted_rows(self.query("SELECT asin, price FROM bestsellers.metadata"))

    def run(self, name: str, date: str) -> None:
        """Runs the DAG and keeps its receipts and the tables after it as `runs[name]`."""
        exit_code = self.airflow.run(self.log, "dags", "test", "bestsellers", date)
        assert exit_code == 0, self.output()
        self.runs[name] = {
            "receipts": self.airflow.receipts("bestsellers", date),
            "view": self.view(),
            "metadata": self.metadata(),
        }

    def insert_counts(self, name: str, source: str) -> dict[str, int]:
        receipt = self.runs[name]["receipts"][f"insert_{source}"]
        return {count: receipt[count] for count in COUNTS}

    def partition_status(self, name: str, source: str) -> str:
        (partition,) = self.runs[name]["receipts"][f"partition_{source}"]["partitions"]
        return str(partition["status"])

    def objects(self, prefix: str) -> list[str]:
        s3 = self.status["s3"]
        settings = S3Settings(
            credentials=Credentials(
                access_key_id=s3["access_key_id"], secret_access_key=s3["secret_access_key"]
            ),
            endpoint_url=s3["endpoint"],
            region=s3["region"],
        )
        found = list_objects(f"s3://{s3['bucket']}/{prefix}", s3=settings)
        return [entry.key for entry in found]

    def start(self, date: str, file_url: str | None = None) -> subprocess.Popen[bytes]:
        airflow = self.airflow
        if file_url is not None:
            airflow = dataclasses.replace(airflow, variables=self.variables(file_url))
        with self.log.open("ab") as output:
            return subprocess.Popen(
                airflow.command("dags", "test", "bestsellers", date),
                env=airflow.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )


@pytest.fixture(scope="module")
def status(stack: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The whole stack; the DAG's schemas have fixed names."""
    with without_schemas(stack, "bestsellers", "spectrum"):
        yield stack


@pytest.fixture(scope="module")
def pipeline(
    status: dict[str, Any], airflow_database: Path, tmp_path_factory: pytest.TempPathFactory
) -> Pipeline:
    """Runs the first date twice, the second date, and the first date's old data once more."""
    pipeline = Pipeline(status, tmp_path_factory.mktemp("bestsellers"))
    copy_database(airflow_database, pipeline.airflow)
    pipeline.prepare()
    pipeline.serve("first")
    pipeline.run("first", FIRST)
    pipeline.run("again", FIRST)
    pipeline.serve("second")
    pipeline.run("second", SECOND)
    pipeline.serve("first")
    pipeline.run("older", FIRST)
    return pipeline


@pytest.mark.parametrize("delivery", ["first", "second"])
def test_each_run_gives_exactly_the_known_rows_and_counts(
    pipeline: Pipeline, delivery: str
) -> None:
    run, expected = pipeline.runs[delivery], EXPECTED[delivery]
    assert run["view"] == sorted_rows(expected["view"])
    assert run["metadata"] == sorted_rows(expected["metadata_rows"])
    assert pipeline.insert_counts(delivery, "reviews") == expected["reviews"]
    assert pipeline.insert_counts(delivery, "metadata") == expected["metadata"]
    assert pipeline.partition_status(delivery, "reviews") == "added"
    assert run["receipts"][REFRESH]["view"] == VIEW


def test_the_downloads_receipts_account_for_every_line(pipeline: Pipeline) -> None:
    for source in ("reviews", "metadata"):
        receipt = pipeline.runs["first"]["receipts"][f"download_{source}"]
        scanned = EXPECTED["first"][source]["scanned"]
        assert (receipt["records_in"], receipt["records_out"]) == (scanned, scanned)
        assert receipt["records_rejected"] == 0
        assert receipt["destination"].endswith(
            f"/bestsellers/{source}/downloaded_at=2026010100/{source}.json.gz"
        )


@pytest.mark.parametrize(("again", "tables_of"), [("again", "first"), ("older", "second")])
def test_running_a_date_again_changes_nothing_and_skips_the_refresh(
    pipeline: Pipeline, again: str, tables_of: str
) -> None:
    for source in ("reviews", "metadata"):
        counts = pipeline.insert_counts(again, source)
        assert (counts["inserted"], counts["replaced"]) == (0, 0)
        assert counts["scanned"] == EXPECTED["first"][source]["scanned"]
        assert pipeline.partition_status(again, source) == "unchanged"
    assert REFRESH not in pipeline.runs[again]["receipts"]
    assert pipeline.runs[again]["view"] == pipeline.runs[tables_of]["view"]
    assert pipeline.runs[again]["metadata"] == pipeline.runs[tables_of]["metadata"]


def test_every_load_stands_in_the_log_with_its_run(pipeline: Pipeline) -> None:
    rows = pipeline.query(
        "SELECT target_table, partition, inserted, task_id, try_number FROM airscoop.loads"
        " WHERE dag_id = 'bestsellers' AND inserted > 0 ORDER BY 1, 2"
    )
    metadata, reviews = "bestsellers.metadata", "bestsellers.reviews"
    assert rows[:4] == [
        (metadata, "downloaded_at=2026010100", "4", "insert_metadata", "1"),
        (metadata, "downloaded_at=2026010108", "1", "insert_metadata", "1"),
        (reviews, "downloaded_at=2026010100", "8", "insert_reviews", "1"),
        (reviews, "downloaded_at=2026010108", "1", "insert_reviews", "1"),
    ]


def kill_group(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_a_run_killed_while_it_downloads_leaves_no_object_and_can_run_again(
    pipeline: Pipeline,
) -> None:
    body = (pipeline.served / "reviews.json.gz").read_bytes()
    with stalling_server(body, sent_bytes=len(body) // 2) as server:
        process = pipeline.start(THIRD, file_url=server.url)
        stalled = server.stalled.wait(120)
        kill_group(process)
    assert stalled, pipeline.output()
    for source in ("reviews", "metadata"):
        assert pipeline.objects(f"bestsellers/{source}/downloaded_at=2026010116/") == []
    pipeline.serve("second")
    pipeline.run("killed download", THIRD)
    assert pipeline.runs["killed download"]["view"] == pipeline.runs["second"]["view"]


def test_a_run_killed_while_it_inserts_leaves_the_table_as_it_was(pipeline: Pipeline) -> None:
    pipeline.serve("second")
    waiting = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted"
    with pipeline.warehouse() as holder:
        holder.execute("BEGIN")
        holder.execute("LOCK TABLE airscoop.lock_bestsellers_reviews")
        process = pipeline.start(THIRD)
        blocked = eventually(lambda: pipeline.query(waiting) != [("0",)])
        kill_group(process)
        holder.execute("ROLLBACK")
    assert blocked, pipeline.output()
    assert pipeline.view() == pipeline.runs["second"]["view"]
    pipeline.run("killed insert", THIRD)
    assert pipeline.runs["killed insert"]["view"] == pipeline.runs["second"]["view"]
    rows = pipeline.query("SELECT COUNT(*) FROM bestsellers.reviews")
    assert rows == [(str(len(EXPECTED["second"]["view"])),)]
