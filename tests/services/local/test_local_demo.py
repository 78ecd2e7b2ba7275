"""The demo: its warehouse heals, its Airflow is its own, its failures are one line."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airscoop import Warehouse
from airscoop.local import stack as local_stack
from airscoop.local.airflow_home import AirflowHome
from airscoop.local.demo.__main__ import DEMOS, main, parse
from airscoop.local.demo.showing import ROOT
from airscoop.systems.bestsellers import demo
from support.standin import without_schemas

SCRIPT = (ROOT / "sql" / "bestsellers" / "schema.sql").read_text()
FIRST_TABLE = SCRIPT.index("CREATE EXTERNAL TABLE spectrum.reviews")
SECOND_TABLE = SCRIPT.index("CREATE EXTERNAL TABLE spectrum.metadata")
VIEW = SCRIPT.index("CREATE MATERIALIZED VIEW")


@pytest.fixture
def status(stack: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The whole stack, without the schemas of the demo before and after."""
    with without_schemas(stack, "bestsellers", "spectrum", "elsewhere"):
        yield stack


def view_rows(status: dict[str, Any]) -> list[tuple[str | None, ...]]:
    with Warehouse(status["warehouse"]["dsn"]) as warehouse:
        return warehouse.execute("SELECT COUNT(*) FROM bestsellers.review_joined_price")


@pytest.mark.parametrize(
    "end", [0, FIRST_TABLE, SECOND_TABLE, VIEW], ids=["start", "first", "second", "view"]
)
def test_a_script_that_stopped_half_way_is_run_again(
    status: dict[str, Any], tmp_path: Path, end: int
) -> None:
    part = tmp_path / "part.sql"
    part.write_text(SCRIPT[:end] + "\nSELECT 1;\n")
    values = {"role": "arn:aws:iam::0:role/x", "bucket": status["s3"]["bucket"]}
    named = {name: text for name, text in values.items() if f"${{{name}}}" in SCRIPT[:end]}
    with Warehouse(status["warehouse"]["dsn"]) as warehouse:
        warehouse.run_script(part, variables=named)
    demo.prepare_schema(status)
    assert view_rows(status) == [("0",)]


def test_a_view_of_that_name_elsewhere_is_not_the_demos(status: dict[str, Any]) -> None:
    with Warehouse(status["warehouse"]["dsn"]) as warehouse:
        warehouse.execute("CREATE SCHEMA elsewhere")
        warehouse.execute("CREATE TABLE elsewhere.review_joined_price (a integer)")
    demo.prepare_schema(status)
    assert view_rows(status) == [("0",)]


def test_a_whole_schema_is_left_alone(
    status: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    demo.prepare_schema(status)
    demo.prepare_schema(status)
    assert "are there from an earlier demo" in capsys.readouterr().out.splitlines()[-1]


def test_a_warehouse_that_does_not_answer_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> local_stack.Status:
        Warehouse("host=127.0.0.1 port=1 dbname=nothing").execute("SELECT 1")
        raise AssertionError("something answers on port 1")

    monkeypatch.setattr(local_stack, "up", fail)
    assert main([]) == 1
    error = capsys.readouterr().err
    assert error.startswith("demo: ")
    assert error.count("\n") == 1


def test_a_stack_that_does_not_come_up_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIRSCOOP_LOCAL_DIR", "/proc/x")
    assert main([]) == 1
    assert capsys.readouterr().err.startswith("demo: /proc/x cannot be made")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_demo_that_is_stopped_says_what_still_runs_and_how_to_end_it(
    number: int, stack: dict[str, Any]
) -> None:
    program = """if True:
        import sys, time
        from airscoop.local.demo import __main__ as demo
        def run(options):
            print("begun", flush=True)
            time.sleep(60)
        demo.DEMOS["bestsellers"].run = run
        sys.argv[1:] = []
        sys.exit(demo.main())
    """
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "AIRSCOOP_LOCAL_DIR": stack["state"]},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(number)
        said = process.communicate()[1]
    assert process.returncode == 128 + number
    assert said.count("\n") == 1
    assert (
        "still run: s3, aws, postgres, warehouse, athena, lambdas, http. ./run down stops them"
        in said
    )


def test_a_demo_that_is_stopped_before_the_stack_runs_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> local_stack.Status:
        raise KeyboardInterrupt

    monkeypatch.setenv("AIRSCOOP_LOCAL_DIR", str(tmp_path))
    monkeypatch.setattr(local_stack, "up", interrupted)
    assert main([]) == 130
    assert "demo: interrupted; nothing of the local stack runs" in capsys.readouterr().err


@pytest.mark.parametrize("name", sorted(DEMOS))
def test_help_names_every_demo_and_a_demo_may_be_named(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="0"):
        parse(["--help"])
    assert name in capsys.readouterr().out
    assert parse([name]).demo == name


def test_without_a_name_it_is_the_bestsellers() -> None:
    assert parse([]).demo == "bestsellers"
    assert parse(["--reviews", "7"]).reviews == 7


def test_the_callers_airflow_is_left_alone(
    stack: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other.db"
    inherited = {
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{other}",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD": f"echo sqlite:///{other}",
        "AIRFLOW__CORE__SQL_ALCHEMY_CONN": f"sqlite:///{other}",
        "AIRFLOW_CONFIG": str(tmp_path / "airflow.cfg"),
        "AIRFLOW_CONN_PRODUCTION": "redshift://production",
        "AIRFLOW_VAR_PRODUCTION": "1",
    }
    for name, text in inherited.items():
        monkeypatch.setenv(name, text)
    home = AirflowHome(home=tmp_path / "home", dags=tmp_path, status=stack)
    kept = {name: text for name, text in home.environment().items() if name in inherited}
    database = tmp_path / "home" / "airflow.db"
    assert kept == {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{database}"}

    log = tmp_path / "log"
    assert home.run(log, "db", "migrate") == 0, log.read_text()
    assert not other.exists()
    with sqlite3.connect(database) as connection:
        assert connection.execute("SELECT COUNT(*) FROM dag_run").fetchall() == [(0,)]
