"""What `watched` adds to a DAG, and which DAGs it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG
from airflow.serialization.serialized_objects import DagSerialization

from airscoop.errors import UsageError
from airscoop.notifications.log_line import LogLine
from airscoop.operators import EventBridge, watched


def task(name: str) -> Any:
    return EmptyOperator(task_id=name)


def before(dag: DAG) -> tuple[set[str], set[str]]:
    """What tell_failure and done wait for."""
    tell, done = dag.get_task("tell_failure"), dag.get_task("done")
    return tell.upstream_task_ids, done.upstream_task_ids


def test_the_two_stand_behind_all_leaves_and_the_dag_is_given_back() -> None:
    with DAG("d", schedule=None) as dag:
        task("a") >> [task("b"), task("c")]
        assert watched(dag) is dag
    assert before(dag) == ({"b", "c"}, {"b", "c"})
    assert dag.get_task("tell_failure").trigger_rule == "all_done"
    assert dag.get_task("tell_failure").retries == 5


def test_a_teardown_is_waited_for_and_does_not_decide() -> None:
    with DAG("d", schedule=None) as dag:
        made = task("make").as_setup()
        made >> task("work") >> task("remove").as_teardown(setups=made)
    assert before(watched(dag)) == ({"work", "remove"}, {"work"})


def test_a_teardown_whose_failure_counts_decides() -> None:
    with DAG("d", schedule=None) as dag:
        made = task("make").as_setup()
        remove = task("remove").as_teardown(setups=made, on_failure_fail_dagrun=True)
        made >> task("work") >> remove
    assert before(watched(dag)) == ({"remove"}, {"remove"})


def test_the_dags_default_arguments_do_not_reach_what_the_two_do() -> None:
    wrong = {"depends_on_past": True, "retries": 0, "trigger_rule": "one_failed"}
    with DAG("d", schedule=None, default_args=wrong) as dag:
        task("a")
    for name, rule in (("tell_failure", "all_done"), ("done", "none_failed")):
        found = watched(dag).get_task(name) if name == "tell_failure" else dag.get_task(name)
        assert found.depends_on_past is False
        assert found.trigger_rule == rule
    assert dag.get_task("tell_failure").retries == 5


def test_the_scheduler_takes_neither_of_the_two_for_a_teardown() -> None:
    """Which a run that is set to failed by hand would wait for, and then succeed."""
    with DAG("d", schedule=None) as dag:
        task("a")
    serialized = DagSerialization.from_dict(DagSerialization.to_dict(watched(dag)))
    for name in ("tell_failure", "done"):
        assert dag.get_task(name).is_teardown
        assert not serialized.get_task(name).is_teardown


@pytest.mark.parametrize("many", [list, tuple])
def test_notifiers_may_be_one_or_many_and_a_log_line_stands_for_none(
    many: Callable[[Any], Any],
) -> None:
    bus = EventBridge(source="acme")
    for given, kept in ((None, [LogLine]), (bus, [EventBridge]), (many([bus]), [EventBridge])):
        with DAG("d", schedule=None) as dag:
            task("a")
        notify: Any = watched(dag, notify=given).get_task("tell_failure")
        assert [type(each) for each in notify.notify] == kept


@pytest.mark.parametrize("wrong", [[], print, "sns", [EventBridge(source="a"), 5]])
def test_what_is_no_notifier_is_refused(wrong: Any) -> None:
    with DAG("d", schedule=None) as dag:
        task("a")
    with pytest.raises(UsageError, match="notify takes notifiers"):
        watched(dag, notify=wrong)


def fail_fast() -> DAG:
    with DAG("d", schedule=None, fail_fast=True) as dag:
        task("a")
    return dag


def named_done() -> DAG:
    with DAG("d", schedule=None) as dag:
        task("done")
    return dag


def alone() -> DAG:
    with DAG("d", schedule=None) as dag:
        task("make").as_setup() >> task("work")
    return dag


def twice() -> DAG:
    with DAG("d", schedule=None) as dag:
        task("a")
    return watched(dag)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: DAG("d", schedule=None), "has no tasks"),
        (fail_fast, "fail_fast"),
        (named_done, "has a task done already"),
        (twice, "has a task tell_failure already"),
        (alone, "the setup make without a teardown"),
    ],
)
def test_a_dag_whose_failures_would_go_untold_is_refused(
    make: Callable[[], DAG], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        watched(make())
