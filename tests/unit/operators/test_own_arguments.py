"""Flags and numbers among the operators' own arguments, as templates write them: each is a template
field, is read by its kind, and a wrong text fails the task before anything is done."""

from __future__ import annotations

import inspect
import re
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException

from airscoop import Timeouts, kinds, operators
from airscoop.operators.arguments import OwnArguments
from airscoop.operators.base import AirscoopOperator
from support.operator_arguments import NEEDED

OPERATORS = [name for name in operators.__all__ if name.endswith("Operator")]
NO_CONTEXT: Any = {
    "ti": SimpleNamespace(
        dag_id="d", run_id="r", task_id="t", try_number=1, map_index=-1, max_tries=0
    )
}


def parameters(name: str) -> list[inspect.Parameter]:
    kind = getattr(operators, name)
    return list(inspect.signature(kind.__init__).parameters.values())


def is_flag_or_number(parameter: inspect.Parameter) -> bool:
    """By its type, and by its default."""
    return re.search(
        r"\b(bool|int|float|Size|TimeoutGiven)\b", str(parameter.annotation)
    ) is not None or type(parameter.default) in (bool, int, float)


OWN = [
    (name, parameter.name)
    for name in OPERATORS
    for parameter in parameters(name)
    if is_flag_or_number(parameter)
]


def made(name: str, **given: Any) -> Any:
    takes = {parameter.name for parameter in parameters(name)}
    without = {"aws_conn_id": None} if "aws_conn_id" in takes else {}
    return getattr(operators, name)(task_id="t", **(without | NEEDED[name] | given))


def rendered(operator: Any, **values: Any) -> Any:
    with DAG("d", schedule=None) as dag:
        operator.dag = dag
    operator.render_template_fields({**NO_CONTEXT, **values})
    return operator


def test_there_are_such_arguments_in_most_operators() -> None:
    assert {name for name, _ in OWN} >= {
        "StreamToS3Operator", "InsertDistinctOperator", "ApplyChangesOperator",
        "LockExportOperator", "SnapshotDeltaOperator", "FinishExportOperator",
    }  # fmt: skip
    assert ("ApplyChangesOperator", "again") in OWN
    assert ("FinishExportOperator", "lease_seconds") in OWN
    assert ("StreamToS3Operator", "requester_pays") in OWN


@pytest.mark.parametrize(("name", "argument"), OWN)
def test_a_flag_or_a_number_has_a_kind_and_is_a_template_field(name: str, argument: str) -> None:
    kind = getattr(operators, name)
    assert issubclass(kind, OwnArguments)
    assert argument in kind.KINDS
    assert argument in kind.template_fields


def texts_of(kind: kinds.Kind) -> dict[str, object]:
    """Texts that a template may give, and what they stand for."""
    if kind is kinds.FLAG:
        return {"true": True, "False": False, " TRUE ": True, "false": False}
    return {"1": 1}


@pytest.mark.parametrize(("name", "argument"), OWN)
def test_what_a_template_writes_is_the_flag_or_the_number(name: str, argument: str) -> None:
    for text, value in texts_of(getattr(operators, name).KINDS[argument]).items():
        operator = rendered(made(name, **{argument: "{{ given }}"}), given=text)
        operator.read_arguments()
        expected = Timeouts(whole=1) if argument == "timeout" else value
        found = getattr(operator, argument)
        assert (found, isinstance(found, bool)) == (expected, isinstance(value, bool))


@pytest.mark.parametrize(("name", "argument"), OWN)
def test_another_text_fails_the_task_before_anything_is_done(
    name: str, argument: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No connection is looked up, and no registry opened: there are none."""
    monkeypatch.setenv("AIRFLOW_CONN_REDSHIFT_DEFAULT", "no connection at all")
    for text in ("maybe", "", "None", "yes", "[]", "1,5", "0x10", "-1", "nan", "inf", "9" * 5000):
        operator = rendered(made(name, **{argument: "{{ given }}"}), given=text)
        with pytest.raises(AirflowFailException, match=f"^UsageError: t: {argument}[: ]") as failed:
            (getattr(operator, "poke", None) or operator.execute)(NO_CONTEXT)
        right = "True or False" if operator.KINDS[argument] is kinds.FLAG else "number"
        assert right in str(failed.value)


@pytest.mark.parametrize(("name", "argument"), OWN)
def test_none_is_the_default(name: str, argument: str) -> None:
    (parameter,) = (each for each in parameters(name) if each.name == argument)
    operator = made(name, **{argument: None})
    operator.read_arguments()
    is_a_value = "None" in str(parameter.annotation)
    assert getattr(operator, argument) == (None if is_a_value else parameter.default)


def test_the_numbers_of_a_mapping_may_be_texts() -> None:
    operator = made("StreamToS3Operator", timeout={"idle": "5", "min_rate": "10"})
    operator.read_arguments()
    assert operator.timeout == Timeouts(idle=5, min_rate=10)


def test_an_operator_of_a_user_has_them_too() -> None:
    class Nightly(operators.ApplyChangesOperator):
        template_fields = ("table",)

        def __init__(self, *, table: str, **kwargs: Any) -> None:
            super().__init__(table=f"nightly.{table}", **kwargs)

    made = Nightly(task_id="t", table="a", key=["PK"], again="true")
    made.read_arguments()
    assert (made.again, made.publishes) == (True, False)
    assert issubclass(Nightly, AirscoopOperator)
