"""An Airflow of its own for the local stack: home, connections and runs of one DAG file."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from airscoop.local import clients
from airscoop.local.aws import SERVICES


def aws_connection(
    s3: Mapping[str, str],
    aws: Mapping[str, str] | None = None,
    athena: Mapping[str, str] | None = None,
    lambdas: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """The Airflow connection to the stack's S3 and other AWS services, each at its place."""
    endpoints = {"s3": s3["endpoint"]}
    if aws is not None:
        endpoints |= dict.fromkeys(SERVICES, aws["endpoint"])
    if athena is not None:
        endpoints["athena"] = athena["endpoint"]
    if lambdas is not None:
        endpoints["lambda"] = lambdas["endpoint"]
    services = {name: {"endpoint_url": endpoint} for name, endpoint in endpoints.items()}
    return {
        "conn_type": "aws",
        "login": s3["access_key_id"],
        "password": s3["secret_access_key"],
        "extra": {"region_name": s3["region"], "service_config": services},
    }


def warehouse_connection(dsn: str) -> dict[str, Any]:
    """The Airflow connection to the stack's stand-in; `dsn` is a libpq URI."""
    parts = urlsplit(dsn)
    return {
        "conn_type": "redshift",
        "host": parts.hostname,
        "port": parts.port,
        "login": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "schema": unquote(parts.path.removeprefix("/")),
        "extra": {"sslmode": "disable"},
    }


@dataclass(frozen=True, kw_only=True)
class AirflowHome:
    """Runs DAGs with all state below `home`. `status` is what `airscoop local status` says.

    `variables` are Airflow's, `settings` more of the environment.
    """

    home: Path
    dags: Path
    status: Mapping[str, Any]
    variables: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def _database(self) -> Path:
        return self.home / "airflow.db"

    def environment(self) -> dict[str, str]:
        """The environment of every Airflow command: settings, connections, variables.

        The caller's own settings of Airflow and AWS stay out: they may name another Airflow's
        database, or a profile that is not there.
        """
        status = self.status
        inherited = clients.environment()
        others = {name: text for name, text in inherited.items() if not name.startswith("AIRFLOW")}
        return {
            **others,
            "AIRFLOW_HOME": str(self.home),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self._database}",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(self.dags),
            "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(
                aws_connection(
                    status["s3"], status.get("aws"), status.get("athena"), status.get("lambdas")
                )
            ),
            "AIRFLOW_CONN_REDSHIFT_DEFAULT": json.dumps(
                warehouse_connection(status["warehouse"]["dsn"])
            ),
            **{f"AIRFLOW_VAR_{name.upper()}": text for name, text in self.variables.items()},
            **self.settings,
        }

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "airflow", *arguments]

    def run(self, log: Path, *arguments: str) -> int:
        """Runs one Airflow command, its output appended to `log`; gives the exit code."""
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with log.open("ab") as output:
            done = subprocess.run(  # noqa: S603
                self.command(*arguments),
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=False,
            )
        return done.returncode

    def receipts(self, dag_id: str, logical_date: str) -> dict[str, dict[str, Any]]:
        """Task to receipt, from the XComs of the run with that logical date (ISO, UTC)."""
        query = (
            "SELECT x.task_id, x.value FROM xcom x JOIN dag_run r ON r.id = x.dag_run_id"
            " WHERE r.dag_id = ? AND x.key = 'return_value'"
            " AND replace(substr(r.logical_date, 1, 19), ' ', 'T') = ?"
        )
        return self._values(query, (dag_id, logical_date[:19]))

    def last_receipts(self, dag_id: str) -> dict[str, Any]:
        """Task to receipt, from the XComs of the newest run; of a mapped task its first."""
        query = (
            "SELECT task_id, value FROM xcom WHERE key = 'return_value' AND map_index <= 0"
            " AND dag_run_id = (SELECT MAX(id) FROM dag_run WHERE dag_id = ?)"
        )
        return self._values(query, (dag_id,))

    def _values(self, query: str, parameters: tuple[str, ...]) -> dict[str, Any]:
        with contextlib.closing(sqlite3.connect(self._database)) as connection:
            rows = connection.execute(query, parameters).fetchall()
        return {task: json.loads(value) for task, value in rows}
