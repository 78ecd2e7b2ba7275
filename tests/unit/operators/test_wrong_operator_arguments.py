"""Operators with wrong but plausible arguments: each fails the task in airscoop's words."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException

from airscoop import errors, operators
from support.operator_arguments import NEEDED

VALUES: dict[str, Any] = {
    "no UTF-8": "\udcff", "NUL": "\0", "-1": -1, "huge": 10**5000, "1.5": 1.5, "list of 1": [1],
    "mapping of 1": {1: 2}, "function": len,
}  # fmt: skip
OF_AIRFLOW = ("self", "kwargs", "warehouse_conn_id", "aws_conn_id", "http_conn_id")
# How a task of Airflow's may end: by its own exceptions, or by one of ours, left to the retries.
ENDS = (AirflowException, AirflowFailException, AirflowSkipException, errors.AirscoopError)


@pytest.fixture
def context(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "new.csv").write_text("PK,a\n1,x\n")
    change = {"op": "INSERT", "key": {"PK": "1"}, "row": {"PK": "1"}, "id": "0"}
    (tmp_path / "changes.jsonl").write_text(json.dumps(change) + "\n")
    nobody = {"conn_type": "redshift", "host": "127.0.0.1", "port": 9, "login": "u"}
    monkeypatch.setenv("AIRFLOW_CONN_REDSHIFT_DEFAULT", json.dumps(nobody))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    ti = SimpleNamespace(
        dag_id="d", run_id="r", task_id="t", try_number=1, map_index=-1, max_tries=0
    )
    return {"ti": ti}


def test_every_operator_is_in_the_table() -> None:
    assert set(NEEDED) == {name for name in operators.__all__ if name.endswith("Operator")}


@pytest.mark.parametrize("name", NEEDED)
def test_what_an_argument_cannot_be_fails_the_task_by_a_known_error(
    name: str, context: Any
) -> None:
    kind: Any = getattr(operators, name)
    connection = (
        {}
        if "aws_conn_id" not in inspect.signature(kind.__init__).parameters
        else {"aws_conn_id": None}
    )
    naked = []
    for argument in inspect.signature(kind.__init__).parameters:
        if argument in OF_AIRFLOW:
            continue
        for described, value in VALUES.items():
            made = kind(task_id="t", **(connection | NEEDED[name] | {argument: value}))
            try:
                made.poke(context) if name == "LockExportOperator" else made.execute(context)
            except ENDS:
                continue
            except Exception as error:
                naked.append(f"{argument}={described}: {type(error).__name__}: {error}")
    assert naked == []
