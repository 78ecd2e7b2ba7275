"""DAGs that fail in every way, for test_watched.py; Airflow's scheduler runs each once."""

import os
import signal
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from airflow.providers.amazon.aws.notifications.sns import SnsNotifier
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import (  # type: ignore[attr-defined]  # its stub lacks deadlines
    DAG,
    AsyncCallback,
    BaseNotifier,
    DeadlineAlert,
    DeadlineReference,
    setup,
    task,
    task_group,
    teardown,
)

from airscoop.operators import EventBridge, StreamToS3Operator, watched

BUS = EventBridge(source="acme.airflow", aws_conn_id="moto")
FOLDER = Path(os.environ["WATCHED_FOLDER"])


class BrokenOnce(BaseNotifier):
    """Fails at its first use."""

    def notify(self, context: Any) -> None:
        mark = FOLDER / "broken-once"
        if not mark.exists():
            mark.touch()
            raise OSError("the pager is busy")


def dag(name: str) -> DAG:
    return DAG(name, schedule="@once", start_date=datetime(2026, 1, 1), default_args={"retries": 0})


@task
def fail(seconds: int = 0) -> None:
    time.sleep(seconds)
    raise ValueError("of your own")


with dag("good") as good:
    EmptyOperator(task_id="one") >> EmptyOperator(task_id="two")
watched(good, notify=BUS)

with dag("missing_source") as missing_source:
    StreamToS3Operator(
        task_id="stream",
        source="/nowhere/reviews.json.gz",
        destination=str(FOLDER / "copy"),
        aws_conn_id=None,
    ) >> EmptyOperator(task_id="behind")
watched(missing_source, notify=BUS)

with dag("branches") as branches:

    @task.branch
    def choose() -> str:
        return "left"

    choose() >> [EmptyOperator(task_id="left"), EmptyOperator(task_id="right")]
watched(branches, notify=BUS)

with dag("short_circuit_beside_a_failure") as short:

    @task.short_circuit
    def stop() -> bool:
        return False

    stop() >> EmptyOperator(task_id="not_needed")
    fail(seconds=5)
watched(short, notify=BUS)

with dag("killed_in_a_mapped_group") as mapped:

    @task
    def load(number: int) -> None:
        if number == 1:
            os.kill(os.getpid(), signal.SIGKILL)

    @task_group
    def step(number: int) -> None:
        load(number)

    step.expand(number=[0, 1])
    # Airflow names the mapped instances as this task is named.
    EmptyOperator(task_id="step.load_1")
watched(mapped, notify=BUS)

with dag("teardown_fails") as teardown_fails:

    @setup
    def make() -> None:
        pass

    @teardown
    def remove() -> None:
        raise ValueError("cannot be removed")

    made = make()
    made >> EmptyOperator(task_id="work") >> remove().as_teardown(setups=made)
watched(teardown_fails, notify=BUS)

with dag("setup_fails") as setup_fails:

    @setup
    def make_badly() -> None:
        raise ValueError("cannot be made")

    @teardown
    def remove_nothing() -> None:
        pass

    made = make_badly()
    made >> EmptyOperator(task_id="work") >> remove_nothing().as_teardown(setups=made)
watched(setup_fails, notify=BUS)

with dag("mended_by_a_last_task") as mended:
    fail() >> EmptyOperator(task_id="clean", trigger_rule="all_done")
watched(mended, notify=BUS)

with dag("a_slow_task_fails_last") as slow:
    [fail.override(task_id="early")(), fail.override(task_id="late")(seconds=15)] >> EmptyOperator(
        task_id="behind_both"
    )
watched(slow, notify=BUS)

with dag("notifiers") as notifiers:
    fail()
watched(
    notifiers,
    notify=[
        BUS,
        BrokenOnce(),
        SnsNotifier(
            aws_conn_id="moto",
            target_arn="arn:aws:sns:us-east-1:123456789012:failures",
            message="{{ failure.summary() }}",
        ),
    ],
)
notifiers.get_task("tell_failure").retry_delay = timedelta(seconds=1)

LATE = AsyncCallback(
    EventBridge,
    kwargs={"source": "acme.airflow", "detail_type": "airscoop run late", "aws_conn_id": "moto"},
)
AT_ONCE = DeadlineAlert(
    reference=DeadlineReference.DAGRUN_QUEUED_AT, interval=timedelta(seconds=1), callback=LATE
)

with DAG(
    "not_there_in_time", schedule="@once", start_date=datetime(2026, 1, 1), deadline=AT_ONCE
) as not_there_in_time:

    @task
    def arrive_late() -> None:
        time.sleep(30)

    arrive_late()
watched(not_there_in_time, notify=BUS)
