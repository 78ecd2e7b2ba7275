"""Keeps Airflow's state of a test run in a folder of its own, outside the home folder, and takes
signals as a terminal's programs do."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile

import pytest

pytest_plugins = [
    "support.markers",
    "support.budget",
    "support.properties",
    "support.s3",
    "support.proxies",
    "support.web_waits",
    "support.moto",
    "support.athena_server",
    "support.kinesis",
    "support.exports",
    "support.postgres",
    "support.memory",
    "support.slow_lines",
    "support.stages",
    "support.standin",
    "support.airflow",
    "support.athena_engine",
]

AIRFLOW_HOME = tempfile.mkdtemp(prefix="airscoop-tests-airflow-")
atexit.register(shutil.rmtree, AIRFLOW_HOME, ignore_errors=True)
os.environ["AIRFLOW_HOME"] = AIRFLOW_HOME
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"

# A shell's background jobs, and programs under nohup, ignore these, and so would what tests start.
for number, usual in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, usual)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("airscoop")
    group.addoption("--fault-seeds", type=int, default=25, help="how many random fault schedules")
    group.addoption("--fault-seed", type=int, help="the one random fault schedule to run")
    group.addoption("--history-seeds", type=int, default=30, help="how many random histories")
    group.addoption("--history-seed", type=int, help="the one random history to run")
    group.addoption("--count-seeds", type=int, default=40, help="how many random counts")
    group.addoption("--count-seed", type=int, help="the one random count to run")
    group.addoption("--memory-mib", type=int, default=96, help="the size of the memory tests")
