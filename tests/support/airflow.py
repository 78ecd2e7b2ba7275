"""Airflow for the tests: the DAGs, a database, made once, and all of its services."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from airscoop.local.airflow_home import AirflowHome
from airscoop.local.processes import free_ports
from support.paths import ROOT
from support.waiting import eventually

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag

START_SECONDS, STOP_SECONDS = 150, 5


@pytest.fixture(scope="session")
def bag() -> DagBag:
    """All of dags/."""
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(dag_folder=str(ROOT / "dags"))


@pytest.fixture(scope="session")
def airflow_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty metadata database, which takes Airflow long to make: to be copied, never used."""
    folder = tmp_path_factory.mktemp("airflow-database")
    status = {"s3": dict.fromkeys(("endpoint", "access_key_id", "secret_access_key", "region"), "")}
    airflow = AirflowHome(
        home=folder, dags=folder, status=status | {"warehouse": {"dsn": "postgresql://"}}
    )
    log = folder / "log"
    assert airflow.run(log, "db", "migrate") == 0, log.read_text(errors="replace")
    return folder / "airflow.db"


def copy_database(database: Path, airflow: AirflowHome) -> None:
    airflow.home.mkdir(mode=0o700, parents=True)
    shutil.copyfile(database, airflow.home / database.name)


class Services:
    """The processes of one Airflow; ended with `end`. `database` is the fixture
    `airflow_database`; `settings` are more of its environment."""

    def __init__(
        self,
        airflow: AirflowHome,
        folder: Path,
        database: Path,
        *,
        triggerer: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._airflow = airflow
        copy_database(database, airflow)
        self._log = folder / "airflow.log"
        self._triggerer = triggerer
        self._port, log_port, trigger_log_port = free_ports(3)
        self._settings = {
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{self._port}/execution/",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__PARALLELISM": "2",
            "AIRFLOW__API_AUTH__JWT_SECRET": "the tests' own secret, of no use elsewhere",
            "AIRFLOW__API__SECRET_KEY": "another one",
            # The first process to start would make one, and write it down while others read it.
            "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(bytes(32)).decode(),
            "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(log_port),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(trigger_log_port),
            "NO_PROXY": "127.0.0.1",
            **(settings or {}),
        }
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        """Of the API server."""
        return f"http://127.0.0.1:{self._port}"

    def output(self) -> str:
        return self._log.read_text(errors="replace")[-12000:]

    def start(self) -> None:
        port = str(self._port)
        self._run("api-server", "--host", "127.0.0.1", "--port", port, "--workers", "1")
        self._run("dag-processor")
        if self._triggerer:
            self._run("triggerer", "--skip-serve-logs")
        # A task that starts before the API server answers has lost a try.
        assert eventually(self._answers, seconds=START_SECONDS), self.output()
        self._run("scheduler", "--skip-serve-logs")

    def _run(self, *arguments: str) -> None:
        with self._log.open("ab") as output:
            self._processes.append(
                subprocess.Popen(
                    self._airflow.command(*arguments),
                    env=self._airflow.environment() | self._settings,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )

    def _answers(self) -> bool:
        try:
            url = f"http://127.0.0.1:{self._port}/execution/health"
            with urllib.request.urlopen(url, timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def end(self) -> None:
        for number in (signal.SIGTERM, signal.SIGKILL):
            for process in self._processes:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, number)
            eventually(self._ended, seconds=STOP_SECONDS)

    def _ended(self) -> bool:
        return all(process.poll() is not None for process in self._processes)

    def rows(self, query: str, *parameters: str) -> list[tuple[Any, ...]]:
        """From the metadata database, while it is in use."""
        database = f"file:{self._airflow.home / 'airflow.db'}?mode=ro"
        try:
            with contextlib.closing(sqlite3.connect(database, uri=True, timeout=5)) as connection:
                return connection.execute(query, parameters).fetchall()
        except sqlite3.OperationalError:
            return []
