"""The macro of the plugin in a task that a real Airflow runs: no word of it stands in the DAG."""

from __future__ import annotations

from pathlib import Path

from airscoop.local.airflow_home import AirflowHome
from support.airflow import copy_database

DAG = """
from airflow.sdk import DAG
from airscoop.operators import StreamToS3Operator

with DAG("hours", schedule=None):
    StreamToS3Operator(
        task_id="copy",
        source={source!r},
        destination={folder!r} + "/{{{{ macros.airscoop.partition_hour(dag_run) }}}}.txt",
        aws_conn_id=None,
    )
"""


def test_a_task_of_airflows_renders_the_macro(airflow_database: Path, tmp_path: Path) -> None:
    source, dags, out = tmp_path / "in.txt", tmp_path / "dags", tmp_path / "out"
    source.write_text("hello")
    dags.mkdir()
    out.mkdir()
    (dags / "hours.py").write_text(DAG.format(source=str(source), folder=str(out)))
    nothing = dict.fromkeys(("endpoint", "access_key_id", "secret_access_key", "region"), "")
    status = {"s3": nothing, "warehouse": {"dsn": "postgresql://nobody@127.0.0.1:1/none"}}
    airflow = AirflowHome(home=tmp_path / "airflow", dags=dags, status=status)
    copy_database(airflow_database, airflow)
    log = tmp_path / "log"
    done = airflow.run(log, "dags", "test", "hours", "2026-01-02T10:15:00+02:00")
    assert done == 0, log.read_text(errors="replace")[-6000:]
    assert [path.name for path in out.iterdir()] == ["2026010208.txt"]
