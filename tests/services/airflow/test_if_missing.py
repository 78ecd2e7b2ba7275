"""A source that is not there: left to the task's retries, failed for good, or skipped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

import airscoop
from airscoop import errors
from airscoop.operators.stream_to_s3 import StreamToS3Operator
from support.fault_server import FaultProxy, Origin, error, status, with_length
from support.s3 import Store

NO_CONTEXT: Any = {}


def execute(source: object, destination: object, **options: Any) -> Any:
    operator = StreamToS3Operator(
        task_id="stream", source=str(source), destination=str(destination), aws_conn_id=None,
        **options,
    )  # fmt: skip
    return operator.execute(NO_CONTEXT)


@pytest.fixture
def environment(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where botocore finds the store."""
    for name, value in store.environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture(params=["404", "410", "NoSuchKey"])
def missing(request: pytest.FixtureRequest, web: Origin, store: Store, environment: None) -> str:
    if request.param == "NoSuchKey":
        return store.uri("no/such/key")
    return web.serve("/today", status(int(request.param)))


@pytest.mark.parametrize("options", [{}, {"if_missing": "retry"}])
@pytest.mark.parametrize("to_s3", [True, False])
def test_a_missing_source_is_left_to_the_tasks_retries(
    missing: str, options: dict[str, Any], to_s3: bool, store: Store, tmp_path: Path
) -> None:
    with pytest.raises(errors.NotFound) as failed:
        execute(missing, store.uri("f") if to_s3 else tmp_path / "f", **options)
    assert failed.value.retryable is False and failed.value.source_missing
    store.assert_untouched()


def test_a_missing_source_fails_the_task_for_good_if_asked(missing: str, tmp_path: Path) -> None:
    with pytest.raises(AirflowFailException, match="NotFound"):
        execute(missing, tmp_path / "f", if_missing="fail")


def test_a_missing_source_skips_the_task_if_asked(missing: str, tmp_path: Path) -> None:
    with pytest.raises(AirflowSkipException, match=r"HTTP 4(04|10)"):
        execute(missing, tmp_path / "f", if_missing="skip")


@pytest.mark.parametrize("if_missing", ["retry", "skip"])
def test_what_else_is_missing_fails_the_task_for_good(
    if_missing: str,
    web: Origin,
    proxy: FaultProxy,
    environment: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    there = web.serve("/f", with_length(b"data"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", proxy.url)
    proxy.on("get|put", error("NoSuchBucket", 404), times=9)
    for source, destination in (
        ("s3://no-such-bucket/NoSuchKey", tmp_path / "f"),
        (there, "s3://no-such-bucket/f"),
        (tmp_path / "missing", tmp_path / "f"),
    ):
        with pytest.raises(AirflowFailException, match="NotFound"):
            execute(source, destination, if_missing=if_missing)


def test_words_of_a_key_are_no_answer(store: Store, proxy: FaultProxy, tmp_path: Path) -> None:
    source = store.put("HTTP 404 NoSuchKey", b"data")
    proxy.on("get", error("AccessDenied", 403), times=9)
    with pytest.raises(errors.AccessDenied) as failed:
        airscoop.copy(source, tmp_path / "f", source_s3=store.settings(endpoint_url=proxy.url))
    assert not failed.value.source_missing


def test_an_unknown_host_is_no_missing_source(tmp_path: Path) -> None:
    with pytest.raises(errors.ConnectionFailed) as failed:
        execute("http://nowhere.invalid/f", tmp_path / "f", if_missing="skip")
    assert not failed.value.source_missing


def test_another_word_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AirflowFailException, match='use "retry", "fail" or "skip"'):
        execute(tmp_path / "f", tmp_path / "g", if_missing="wait")


def test_a_refused_key_says_that_it_may_be_missing(
    store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    proxy.on("get", error("AccessDenied", 403), times=9)
    settings = store.settings(endpoint_url=proxy.url)
    with pytest.raises(errors.AccessDenied, match="for a key that is not there") as failed:
        airscoop.copy(store.uri("f"), tmp_path / "f", source_s3=settings)
    assert not failed.value.retryable
