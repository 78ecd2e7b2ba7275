"""All operators come from airscoop.operators, each loaded on its first use; so does the macro."""

from __future__ import annotations

import importlib
import subprocess
import sys
from importlib.metadata import entry_points
from types import SimpleNamespace
from typing import Any

import pendulum
import pytest
from airflow.sdk import DAG, BaseOperator

from airscoop import operators
from airscoop.operators import StreamToS3Operator
from airscoop.plugin import AirscoopPlugin
from airscoop.provider import get_provider_info

TELLING = {"EventBridge", "watched"}
MODULES = get_provider_info()["operators"][0]["python-modules"]


def loaded_by(code: str) -> set[str]:
    """The modules of an interpreter of its own, after the code."""
    report = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", report], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("module", MODULES)
def test_an_operator_is_the_same_from_the_package_and_from_its_module(module: str) -> None:
    found = {
        name: each
        for name, each in vars(importlib.import_module(module)).items()
        if name in operators.__all__
    }
    assert len(found) == 1
    for name, operator in found.items():
        assert getattr(operators, name) is operator
        assert issubclass(operator, BaseOperator)


def test_all_operators_are_public_names_and_what_tells_of_their_failures() -> None:
    assert len(operators.__all__) == len(MODULES) + len(TELLING)
    assert set(operators.__all__) >= TELLING
    assert set(operators.__all__) <= set(dir(operators))
    namespace: dict[str, Any] = {}
    exec("from airscoop.operators import *", namespace)
    assert set(operators.__all__) <= namespace.keys()


def test_an_unknown_operator_is_an_import_error() -> None:
    with pytest.raises(ImportError, match="CopyOperator"):
        exec("from airscoop.operators import CopyOperator")
    with pytest.raises(AttributeError, match=r"airscoop\.operators.*nothing_like_it"):
        operators.nothing_like_it  # noqa: B018


def test_the_package_alone_loads_neither_airflow_nor_an_operator() -> None:
    loaded = loaded_by("import airscoop.operators; dir(airscoop.operators)")
    assert not {"airflow", *MODULES} & loaded


def test_an_operator_loads_no_other_operator() -> None:
    loaded_by(
        f"from airscoop import operators; homes = set(); modules = set({MODULES!r})\n"
        "for name in operators.__all__:\n"
        "    homes.add(getattr(operators, name).__module__)\n"
        "    assert modules & sys.modules.keys() == homes & modules, name"
    )


def test_airflow_finds_the_plugin_by_its_entry_point() -> None:
    found = {point.value: point.load() for point in entry_points(group="airflow.plugins")}
    assert found["airscoop.plugin:AirscoopPlugin"] is AirscoopPlugin


def test_a_template_has_the_macro_without_a_word_of_the_dag() -> None:
    from airflow.sdk.execution_time.context import MacrosAccessor
    from airflow.sdk.plugins_manager import integrate_macros_plugins

    integrate_macros_plugins()
    with DAG("d", schedule=None):
        operator = StreamToS3Operator(
            task_id="t",
            source="a",
            destination="s3://b/{{ macros.airscoop.partition_hour(dag_run) }}/",
        )
    run = SimpleNamespace(logical_date=pendulum.datetime(2026, 1, 2, 8), run_after=None)
    context: Any = {"dag_run": run, "macros": MacrosAccessor()}
    operator.render_template_fields(context)
    assert operator.destination == "s3://b/2026010208/"
