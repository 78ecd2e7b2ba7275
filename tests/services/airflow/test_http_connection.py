"""StreamToS3Operator with an Airflow connection of type http: where it leads, and who hears of its
login."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from airscoop.errors import UsageError
from airscoop.hooks.http import http_connection
from airscoop.operators import stream_to_s3
from support.fault_server import Origin, redirect, status, with_length

SECRET = "s3cr3t-of-tests"
BASIC = "Authorization: Basic dXNlcjpzM2NyM3Qtb2YtdGVzdHM="
DATA = b"data\n"
NO_CONTEXT: Any = {}


@pytest.fixture
def masked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What Airflow is told to mask."""
    told: list[str] = []
    monkeypatch.setattr(stream_to_s3, "mask_secret", told.append)
    return told


def connect(monkeypatch: pytest.MonkeyPatch, **values: Any) -> None:
    known = {"conn_type": "http", "login": "user", "password": SECRET}
    monkeypatch.setenv("AIRFLOW_CONN_REPORTS", json.dumps(known | values))


def stream(source: str, folder: Path, **options: Any) -> Any:
    operator = stream_to_s3.StreamToS3Operator(
        task_id="stream",
        source=source,
        destination=str(folder / "a"),
        aws_conn_id=None,
        http_conn_id="reports",
        **options,
    )
    return operator.perform(NO_CONTEXT)


def test_host_port_login_and_headers_are_the_connections(
    web: Origin, masked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = web.serve("/daily.csv", with_length(DATA))
    extra = {"X-Api-Key": "k3y-of-tests", "verify": True, "timeout": 5}
    connect(monkeypatch, host="127.0.0.1", port=web.port, schema="http", extra=extra)
    receipt = stream("daily.csv", tmp_path, copy_options={"headers": {"Accept": "text/csv"}})
    sent = web.heads[0].split("\r\n")
    assert BASIC in sent and "X-Api-Key: k3y-of-tests" in sent and "Accept: text/csv" in sent
    assert not any(line.startswith(("verify", "timeout")) for line in sent)
    assert receipt.source == url
    assert {SECRET, "k3y-of-tests"} <= set(masked)
    assert SECRET not in repr(receipt)


@pytest.mark.parametrize("source", ["daily.csv", "/daily.csv", "{base}/daily.csv"])
def test_a_host_may_be_a_whole_address(
    source: str, web: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = web.serve("/daily.csv", with_length(DATA)).removesuffix("/daily.csv")
    connect(monkeypatch, host=base)
    stream(source.format(base=base), tmp_path)
    assert BASIC in web.heads[0]


def test_a_source_elsewhere_does_not_get_the_login(
    web: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, host="https://reports.example")
    for source in (web.serve("/a", with_length(DATA)), "http://reports.example/a", "s3://b/k"):
        with pytest.raises(UsageError, match="goes to no other") as caught:
            stream(source, tmp_path)
        assert SECRET not in str(caught.value)
    assert web.heads == []


def test_the_login_stays_where_it_belongs_in_redirects(
    web: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, host="127.0.0.1", port=web.port)
    web.serve("/b", with_length(DATA))
    web.serve("/a", redirect(f"http://localhost:{web.port}/b"))
    stream("/a", tmp_path)
    assert BASIC in web.heads[0] and "authorization" not in web.heads[1].lower()


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"host": ""}, "has no host"),
        ({"host": "h", "extra": {"X-A": [1]}}, "no text as the header X-A"),
        ({"host": "h", "extra": {"verify": False}}, "always checks"),
    ],
)
def test_a_connection_that_cannot_be_used_is_named(
    values: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, **values)
    with pytest.raises(UsageError, match=said) as caught:
        http_connection("reports")
    assert "reports" in str(caught.value) and SECRET not in str(caught.value)


def test_a_connection_shows_no_login(monkeypatch: pytest.MonkeyPatch) -> None:
    connect(
        monkeypatch, host="h", extra={"X-Key": "k3y-of-tests", "headers": {"X-B": "b-of-tests"}}
    )
    connection = http_connection("reports")
    assert connection.headers == {"X-Key": "k3y-of-tests", "X-B": "b-of-tests"}
    assert SECRET not in repr(connection) and "of-tests" not in repr(connection)


def test_a_refusal_repeats_no_login(
    web: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, host="127.0.0.1", port=web.port)
    web.serve("/a", status(401, body=f"no {SECRET} here".encode()))
    with pytest.raises(Exception, match="HTTP 401") as caught:
        stream("/a", tmp_path)
    assert SECRET not in str(caught.value)


def test_the_ca_file_of_its_verify_and_that_of_the_aws_connection_are_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(monkeypatch, host="https://127.0.0.1:9", extra={"verify": "/http.pem"})
    extra = {"verify": "/aws.pem", "region_name": "eu-west-1"}
    connection = {"conn_type": "aws", "login": "a", "password": "b", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_TRUSTING", json.dumps(connection))
    operator = stream_to_s3.StreamToS3Operator(
        task_id="stream",
        source="a",
        destination=str(tmp_path / "a"),
        aws_conn_id="trusting",
        http_conn_id="reports",
    )
    with pytest.raises(UsageError, match=r"ca_file is /aws\.pem and /http\.pem: one call trusts"):
        operator.perform(NO_CONTEXT)
