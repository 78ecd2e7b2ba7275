"""What operators take from templates, from XCom and from YAML: names, values, modes and options."""

from __future__ import annotations

import datetime
import re
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DAG, BaseOperator, task
from airflow.sdk.exceptions import AirflowFailException

from airscoop.operators.add_partition import AddPartitionOperator
from airscoop.operators.apply_changes import ApplyChangesOperator
from airscoop.operators.finish_export import FinishExportOperator
from airscoop.operators.insert_distinct import InsertDistinctOperator
from airscoop.operators.refresh_materialized_view import RefreshMaterializedViewOperator
from airscoop.operators.snapshot_delta import SnapshotDeltaOperator
from airscoop.operators.stream_to_s3 import StreamToS3Operator

TI = SimpleNamespace(dag_id="d", task_id="t", run_id="r", try_number=1, max_tries=0)
NO_CONTEXT: Any = {"ti": TI}
NAMES = "{{ names }}"


@pytest.fixture(autouse=True)
def unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection on which nothing listens: what is refused is refused before."""
    monkeypatch.setenv("AIRFLOW_CONN_REDSHIFT_DEFAULT", "postgres://u:p@127.0.0.1:1/d")


@pytest.fixture
def masker() -> Iterator[None]:
    """Airflow's masker, left as it was found."""
    from airflow.sdk._shared.secrets_masker import _secrets_masker

    found = _secrets_masker()
    patterns, replacer = set(found.patterns), found.replacer
    yield
    found.patterns, found.replacer = patterns, replacer


def insert(**options: Any) -> InsertDistinctOperator:
    given = {"source": "a.b", "target": "c.d", "columns": ["x"], "key": ["x"]}
    return InsertDistinctOperator(task_id="load", **{**given, "expected_records": None, **options})


def apply(**options: Any) -> ApplyChangesOperator:
    given = {"changes": "c.jsonl", "table": "a.b", "key": ["x"], "expected_changes": None}
    return ApplyChangesOperator(task_id="load", **{**given, **options})


def refresh(**options: Any) -> RefreshMaterializedViewOperator:
    return RefreshMaterializedViewOperator(task_id="load", **{"view": "a.v", **options})


def finish(**options: Any) -> FinishExportOperator:
    return FinishExportOperator(task_id="load", **{"lock": None, **options})


def partition(**options: Any) -> AddPartitionOperator:
    given: dict[str, Any] = {"table": "a.b", "values": {"day": "1"}, "location": "s3://b/x/"}
    return AddPartitionOperator(task_id="load", **{**given, **options})


def stream(**options: Any) -> StreamToS3Operator:
    given: dict[str, Any] = {"source": "in", "destination": "out", "aws_conn_id": None}
    return StreamToS3Operator(task_id="load", **{**given, **options})


def rendered(operator: Any, *, native: bool, **values: Any) -> Any:
    with DAG("d", schedule=None, render_template_as_native_obj=native) as dag:
        operator.dag = dag
    operator.render_template_fields({"ti": TI, **values})
    return operator


def refusal(operator: BaseOperator) -> str:
    with pytest.raises(AirflowFailException) as caught:
        operator.execute(NO_CONTEXT)
    return str(caught.value)


FIELDS: list[tuple[type[BaseOperator], tuple[str, ...]]] = [
    (InsertDistinctOperator, ("columns", "key", "order_by", "mode", "partition", "receipt")),
    (ApplyChangesOperator, ("key", "ignore_columns", "receipt")),
    (RefreshMaterializedViewOperator, ("receipt",)),
    (FinishExportOperator, ("receipt", "lock")),
    (StreamToS3Operator, ("format", "copy_options")),
]
EACH_FIELD = [(operator, field) for operator, fields in FIELDS for field in fields]
MAKE: dict[type[BaseOperator], Any] = {
    InsertDistinctOperator: insert,
    ApplyChangesOperator: apply,
    RefreshMaterializedViewOperator: refresh,
    FinishExportOperator: finish,
    StreamToS3Operator: stream,
}
TAKE_RECEIPTS = [operator for operator, fields in FIELDS if "receipt" in fields]


@pytest.mark.parametrize(("operator", "field"), EACH_FIELD)
def test_a_field_is_rendered_and_taken_from_another_task(operator: Any, field: str) -> None:
    from airflow.sdk import XComArg

    with DAG("d", schedule=None):

        @task
        def before() -> str:
            return "x"

        given = before()
        made = MAKE[operator](**{field: given})
        assert made.upstream_task_ids == {"before"}
        assert isinstance(getattr(made, field), XComArg)
    templated = rendered(MAKE[operator](**{field: NAMES}), native=False, names="jsonl")
    assert getattr(templated, field) == "jsonl"
    natively = rendered(MAKE[operator](**{field: NAMES}), native=True, names=["a", "b"])
    assert getattr(natively, field) == ["a", "b"]


@pytest.mark.parametrize("operator", TAKE_RECEIPTS)
def test_the_receipts_of_several_tasks_are_taken_from_all_of_them(operator: Any) -> None:
    with DAG("d", schedule=None):

        @task
        def before() -> dict[str, int]:
            return {}

        made = MAKE[operator](receipt=[before.override(task_id=name)() for name in ("a", "b")])
    assert made.upstream_task_ids == {"a", "b"}


@pytest.mark.parametrize(
    "operator", [InsertDistinctOperator, ApplyChangesOperator, RefreshMaterializedViewOperator]
)
def test_what_is_no_receipt_is_told_by_its_place(operator: Any) -> None:
    for given, place in ((7, "receipt"), ([7], r"receipt\[0\]"), (({}, 7), r"receipt\[0\]")):
        assert re.match(
            f"UsageError: load: {place} must be what .* returned, not ",
            refusal(MAKE[operator](receipt=given)),
        )


@pytest.mark.parametrize("field", ["columns", "key", "order_by"])
def test_an_inserts_names_are_refused_with_task_field_and_place(field: str) -> None:
    text = refusal(insert(**{field: ["x", None]}))
    assert text.startswith(f"UsageError: load: {field}[1] is None; give")


@pytest.mark.parametrize(
    ("operator", "text"),
    [
        (insert(partition={"day": None}), 'partition: the value of "day" is None'),
        (insert(partition={"day": 1.5}), 'partition: the value of "day" is 1.5'),
        (insert(partition="{'day': 1}"), "partition is a text; give a mapping"),
        (insert(source=None), "source is None"),
        (insert(mode=None), 'mode cannot be None; use "keep" or "replace"'),
        (apply(key=None), "key is None"),
        (apply(ignore_columns=[True]), "ignore_columns[0] is True"),
        (apply(table=None), "table is None"),
        (partition(values={"day": None}), 'values: the value of "day" is None'),
        (partition(location=None), "location is None"),
        (stream(format=None), "format is None"),
        (stream(copy_options="{'headers': {}}"), "copy_options is a text; give a mapping of names"),
    ],
)
def test_none_and_the_rest_are_refused_with_task_field_and_column(
    operator: BaseOperator, text: str
) -> None:
    assert refusal(operator).startswith(f"UsageError: load: {text}")


def test_a_partition_that_a_task_gave_as_none_is_not_the_whole_source() -> None:
    operator = rendered(insert(partition=NAMES), native=True, names=None)
    assert operator.partition is None
    assert refusal(operator).startswith("UsageError: load: partition came as None")


def test_an_int_or_a_date_of_a_native_template_has_its_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given: dict[str, Any] = {}

    class Session:
        def insert_distinct(self, **options: Any) -> dict[str, int]:
            given.update(options)
            counts = ("scanned", "duplicates", "already_there", "inserted", "replaced", "attempts")
            return dict.fromkeys(counts, 0)

        def close(self) -> bool:
            return False

        def connect(self) -> None:
            pass

    monkeypatch.setattr("airscoop.warehouse.session.Session", lambda *_, **__: Session())
    operator = rendered(
        insert(partition={"hour": "{{ hour }}", "day": "{{ day }}"}, columns=NAMES),
        native=True,
        hour="2027010507",
        day=datetime.date(2027, 1, 5),
        names=["x", 2026],
    )
    assert operator.partition["hour"] == 2027010507
    operator.execute(NO_CONTEXT)
    assert given["partition"] == {"hour": "2027010507", "day": "2027-01-05"}
    assert given["columns"] == ("x", "2026")


def test_one_failure_is_one_message_with_one_traceback(tmp_path: Path) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text('{"a": }\n')
    operator = stream(source=str(source), destination=str(tmp_path / "out"), format="jsonl")
    with pytest.raises(AirflowFailException) as caught:
        operator.execute(NO_CONTEXT)
    shown = "".join(traceback.format_exception(caught.value))
    assert shown.count("Traceback (most recent call last)") == 1
    assert shown.count("BadRecord") == 1
    assert "perform" in shown  # where it was raised, not only where it was told


def test_options_that_are_no_mapping_are_refused_in_the_steps_of_an_export() -> None:
    lock, options = {"export": "t/t/1", "owner": "o", "fence": 1, "previous": None}, "x"
    given: dict[str, Any] = {"lock": lock, "delta_options": options}
    operator = SnapshotDeltaOperator(task_id="load", changes="s3://b/c", **given)
    assert "delta_options is a text; give a mapping" in refusal(operator)


SECRETS = ("Bearer", "s3cr3t-t0ken", "s3cr3t-pass", "s3cr3t-body")


@pytest.mark.usefixtures("masker")
def test_rendered_options_are_stored_without_headers_login_and_body() -> None:
    from airflow.sdk.execution_time.task_runner import _serialize_rendered_fields

    options = {
        "headers": {"X-Api": "Bearer {{ token }}"},
        "auth": ("loader", "{{ password }}"),
        "body": "q={{ body }}",
        "compression": "gzip",
    }
    operator = rendered(
        stream(copy_options=options),
        native=False,
        token="s3cr3t-t0ken",
        password="s3cr3t-pass",
        body="s3cr3t-body",
    )
    assert operator.copy_options["headers"] == {"X-Api": "Bearer s3cr3t-t0ken"}
    shown = str(_serialize_rendered_fields(operator))
    assert not any(secret in shown for secret in SECRETS)
    assert "gzip" in shown
