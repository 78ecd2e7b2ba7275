"""Operators are thin: plain receipts, errors in Airflow's terms, no work before execute."""

from __future__ import annotations

import dataclasses
import gzip
import importlib
import inspect
import json
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from pkgutil import iter_modules
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import DAG, BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from airscoop import CopyReceipt, errors
from airscoop import operators as package
from airscoop.operators.base import WarehouseOperator, label
from airscoop.operators.insert_distinct import InsertDistinctOperator
from airscoop.operators.refresh_materialized_view import RefreshMaterializedViewOperator
from airscoop.operators.stream_to_s3 import StreamToS3Operator
from airscoop.provider import get_provider_info
from airscoop.transfer.resume import TaskStateResumeStore

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airscoop.receipts import Receipt


def operators_in(modules: Iterable[str]) -> set[type[BaseOperator]]:
    """The operators that these modules define, abstract ones left out."""
    found: set[type[BaseOperator]] = set()
    for name in modules:
        for value in vars(importlib.import_module(name)).values():
            own = inspect.isclass(value) and value.__module__ == name
            if own and issubclass(value, BaseOperator) and not inspect.isabstract(value):
                found.add(value)
    return found


PROVIDED = [name for each in get_provider_info()["operators"] for name in each["python-modules"]]
OPERATORS = sorted(operators_in(PROVIDED), key=lambda operator: operator.__name__)
NO_CONTEXT: Any = {}


def stream(source: object, destination: object, **options: Any) -> StreamToS3Operator:
    return StreamToS3Operator(
        task_id="stream",
        source=str(source),
        destination=str(destination),
        aws_conn_id=None,
        **options,
    )


def test_every_operator_of_the_package_is_in_the_providers_info() -> None:
    modules = [f"{package.__name__}.{found.name}" for found in iter_modules(package.__path__)]
    assert len(operators_in(modules)) > 5
    assert operators_in(modules) == set(OPERATORS)
    assert all(operators_in([name]) for name in PROVIDED)


@pytest.mark.parametrize("operator", OPERATORS)
def test_arguments_are_keyword_only_and_recorded_under_their_own_names(operator: Any) -> None:
    parameters = inspect.signature(operator.__init__).parameters.values()
    own = [p for p in parameters if p.name not in ("self", "kwargs")]
    assert all(p.kind is inspect.Parameter.KEYWORD_ONLY for p in own)
    given = {p.name: f"{{{{ {p.name} }}}}" for p in own}
    made = operator(task_id="t", **given)
    assert {name: getattr(made, name) for name in given} == given
    assert set(made.template_fields) <= set(given)


def test_too_few_records_fail_the_task_for_good(tmp_path: Path) -> None:
    (tmp_path / "in.jsonl").write_text('{"a": 1}\n')
    operator = stream(tmp_path / "in.jsonl", tmp_path / "out.jsonl", format="jsonl", min_records=2)
    with pytest.raises(AirflowFailException, match=r"TooFewRecords.*gave 1 records"):
        operator.execute(NO_CONTEXT)
    assert not (tmp_path / "out.jsonl").exists()


def test_the_receipt_is_plain_json(tmp_path: Path) -> None:
    source, destination = tmp_path / "in.txt", tmp_path / "out.json.gz"
    source.write_text("{'a': 'it''s', 'b': None}\n{'a': 'two'}\n")
    receipt = stream(source, destination, format="python-literal").execute(NO_CONTEXT)
    assert json.loads(json.dumps(receipt)) == receipt
    assert (receipt["records_in"], receipt["records_out"]) == (2, 2)
    lines = gzip.decompress(destination.read_bytes()).splitlines()
    assert [json.loads(line) for line in lines] == [{"a": "its", "b": None}, {"a": "two"}]


def test_an_error_that_stays_fails_the_task_for_good(tmp_path: Path) -> None:
    source, destination = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"a": 1}\n{"a": }\n')
    with pytest.raises(AirflowFailException, match="BadRecord: ") as caught:
        stream(source, destination, format="jsonl").execute(NO_CONTEXT)
    assert isinstance(caught.value.__context__, errors.BadRecord)
    assert not destination.exists()


def test_bad_records_go_to_the_reject_file_when_they_may(tmp_path: Path) -> None:
    source, rejects = tmp_path / "in.jsonl", tmp_path / "rejects.jsonl"
    source.write_text('{"a": 1}\n{"a": }\n')
    operator = stream(
        source, tmp_path / "out.jsonl", format="jsonl", max_rejected=1, rejects=str(rejects)
    )
    receipt = operator.execute(NO_CONTEXT)
    assert (receipt["records_out"], receipt["records_rejected"]) == (1, 1)
    assert rejects.read_text() != ""


def test_an_error_that_may_pass_is_left_to_airflows_retries(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(errors.ConnectionFailed) as caught:
        stream(f"http://127.0.0.1:{port}/x", tmp_path / "out").execute(NO_CONTEXT)
    assert caught.value.retryable


def test_a_killed_task_ends_cancelled_and_may_be_tried_again(tmp_path: Path) -> None:
    source, destination = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text("{}\n")
    operator = stream(source, destination)
    operator.on_kill()
    with pytest.raises(errors.Cancelled):
        operator.execute(NO_CONTEXT)
    assert not destination.exists()


def test_an_unknown_copy_option_fails_the_task_for_good(tmp_path: Path) -> None:
    operator = stream(tmp_path / "in", tmp_path / "out", copy_options={"compresion": "gzip"})
    with pytest.raises(
        AirflowFailException, match=r"UsageError: stream: copy_options: .*compresion"
    ):
        operator.execute(NO_CONTEXT)


SECRET_URL = "http://loader:pass%2Fword@127.0.0.1:1/x?X-Amz-Signature=0123abcdef&Key=KEYID12"
SECRETS = ("loader", "pass%2Fword", "pass/word", "0123abcdef", "KEYID12")


@pytest.fixture
def masker() -> Iterator[None]:
    """Airflow's masker, left as it was found."""
    from airflow.sdk._shared.secrets_masker import _secrets_masker

    found = _secrets_masker()
    patterns, replacer = set(found.patterns), found.replacer
    yield
    found.patterns, found.replacer = patterns, replacer


def shown(operator: BaseOperator) -> str:
    """The template fields as Airflow stores them for its pages."""
    from airflow.sdk.execution_time.task_runner import _serialize_rendered_fields

    return str(_serialize_rendered_fields(operator))


@pytest.mark.usefixtures("masker")
def test_rendered_fields_are_stored_without_the_secrets_of_the_address() -> None:
    operator = stream("{{ url }}", "s3://b/k")
    context: Any = {"url": SECRET_URL}
    operator.render_template_fields(context)
    assert operator.source == SECRET_URL
    text = shown(operator)
    assert not any(secret in text for secret in SECRETS)
    assert "@127.0.0.1:1/x?X-Amz-Signature=***" in text


@pytest.mark.usefixtures("masker")
def test_a_mapped_tasks_fields_are_stored_without_the_secrets_too() -> None:
    with DAG("d", schedule=None):
        mapped = StreamToS3Operator.partial(task_id="t", destination="s3://b/k").expand(
            source=[SECRET_URL]
        )
    operator = mapped.unmap({"source": SECRET_URL})
    operator._do_render_template_fields(
        operator, operator.template_fields, NO_CONTEXT, operator.get_template_env(), set()
    )
    assert not any(secret in shown(operator) for secret in SECRETS)


@pytest.mark.usefixtures("masker")
def test_secrets_of_an_address_are_masked_in_the_log_of_a_task_that_runs(tmp_path: Path) -> None:
    from airflow.sdk._shared.secrets_masker import redact

    with pytest.raises(errors.ConnectionFailed):
        stream(SECRET_URL, tmp_path / "out").execute(NO_CONTEXT)
    assert not any(secret in str(redact(SECRET_URL)) for secret in SECRETS)


def test_the_refresh_wants_receipts_of_inserts() -> None:
    operator = RefreshMaterializedViewOperator(task_id="refresh", view="a.b", receipt=[{"x": 1}])  # type: ignore[list-item]
    with pytest.raises(AirflowFailException, match=r"refresh: receipt\[0\] must be what an Insert"):
        operator.execute(NO_CONTEXT)


def test_the_insert_wants_the_downloads_receipt() -> None:
    operator = InsertDistinctOperator(
        task_id="insert", source="a.b", target="c.d", columns=["x"], key=["x"]
    )
    operator.receipt = {"rows": 1}
    with pytest.raises(AirflowFailException, match="UsageError: insert: receipt must be what a"):
        operator.execute(NO_CONTEXT)


def test_the_label_names_dag_task_run_and_try() -> None:
    ti = SimpleNamespace(dag_id="d", task_id="t", run_id="manual__1", try_number=2)
    context: Any = {"ti": ti}
    assert label(context) == "airscoop:d/t/manual__1/2"


class TaskState:
    """Airflow's accessor, as far as it is used."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def get(self, key: str, default: Any = None) -> Any:
        return self.values.get(key, default)

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        self.values[key] = value

    def delete(self, key: str) -> None:
        self.values.pop(key, None)


def made_with(operator: StreamToS3Operator, context: Any, monkeypatch: Any) -> dict[str, Any]:
    """What the operator gives to its TransferJob."""
    given: dict[str, Any] = {}

    class Job:
        def __init__(self, options: Any, **more: Any) -> None:
            given.update(more)

        def run(self, **more: Any) -> Any:
            counts: dict[str, Any] = dict.fromkeys(RECEIPT_FIELDS, 0)
            return CopyReceipt(**counts)

    monkeypatch.setattr("airscoop.operators.stream_to_s3.TransferJob", Job)
    operator.execute(context)
    return given


ENVELOPE = ("id", "finished_at")
RECEIPT_FIELDS = [
    field.name for field in dataclasses.fields(CopyReceipt) if field.name not in ENVELOPE
]


@pytest.mark.parametrize(
    ("try_number", "max_tries", "last"), [(1, 0, True), (1, 1, False), (2, 1, True), (3, 3, False)]
)
def test_the_last_try_is_the_one_after_max_tries(
    tmp_path: Path, monkeypatch: Any, try_number: int, max_tries: int, last: bool
) -> None:
    context = {
        "task_state_store": TaskState(),
        "ti": SimpleNamespace(try_number=try_number, max_tries=max_tries),
    }
    given = made_with(stream("a", tmp_path / "b"), context, monkeypatch)
    assert given["last_try"] is last
    assert isinstance(given["resume"], TaskStateResumeStore)


def test_without_a_task_state_store_or_by_option_nothing_is_kept(
    tmp_path: Path, monkeypatch: Any
) -> None:
    ti = SimpleNamespace(try_number=1, max_tries=1)
    operator = stream("a", tmp_path / "b", resume=False)
    context = {"task_state_store": TaskState(), "ti": ti}
    assert made_with(operator, context, monkeypatch)["resume"] is None
    assert made_with(stream("a", tmp_path / "b"), {"ti": ti}, monkeypatch)["resume"] is None


def test_the_task_state_store_keeps_and_forgets() -> None:
    accessor = TaskState()
    store = TaskStateResumeStore(accessor)
    assert store.load() is None
    store.save({"upload_id": "u"})
    assert TaskStateResumeStore(accessor).load() == {"upload_id": "u"}
    store.clear()
    store.clear()
    assert accessor.values == {}
    accessor.set("airscoop_upload", "text")
    with pytest.raises(ValueError, match="no JSON object"):
        store.load()


class Mixin:
    mixed_in = True


def test_an_operator_can_be_subclassed_by_users() -> None:
    class Coloured(RefreshMaterializedViewOperator):
        ui_color = "#123456"

    class Templated(StreamToS3Operator):
        template_fields = ("source",)

    class OfOneBucket(StreamToS3Operator):
        def __init__(self, *, name: str, **kwargs: Any) -> None:
            super().__init__(
                source=f"s3://in/{name}", destination=f"s3://out/{name}", format="raw", **kwargs
            )

    class Mixed(Mixin, StreamToS3Operator):
        pass

    class Whole(WarehouseOperator):
        def perform(self, context: Context) -> Receipt:
            raise NotImplementedError

    given: dict[str, Any] = {"source": "a", "destination": "b", "format": "raw"}
    assert Coloured(task_id="t", view="s.v").ui_color == "#123456"
    assert Templated(task_id="t", **given).source == "a"
    assert OfOneBucket(task_id="t", name="x").source == "s3://in/x"
    assert Mixed(task_id="t", **given).mixed_in
    assert Whole(task_id="t").warehouse_conn_id == "redshift_default"
