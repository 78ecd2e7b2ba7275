"""Airflow connections become libpq's parameters and S3 settings."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from airscoop.aws.credentials import Credentials
from airscoop.aws.settings import KinesisSettings, S3Settings
from airscoop.errors import UsageError
from airscoop.hooks.aws import kinesis_settings, s3_settings
from airscoop.hooks.warehouse import WarehouseHook

REDSHIFT: dict[str, Any] = {
    "conn_type": "redshift",
    "host": "cluster.example.com",
    "login": "loader",
    "password": "p'ss wörd",
    "schema": "dev",
}


def connection(monkeypatch: pytest.MonkeyPatch, name: str, **fields: object) -> None:
    monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(fields))


def test_a_redshift_connection_checks_certificates_and_uses_its_port(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection(monkeypatch, "r", **REDSHIFT)
    assert WarehouseHook("r").conninfo() == {
        "host": "cluster.example.com",
        "port": "5439",
        "dbname": "dev",
        "user": "loader",
        "password": "p'ss wörd",
        "sslmode": "verify-full",
    }


def test_extras_that_libpq_knows_are_passed_and_others_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    extra = {"sslmode": "disable", "connect_timeout": 5, "cluster_identifier": "x"}
    connection(monkeypatch, "r", **REDSHIFT, port=5555, extra=extra)
    conninfo = WarehouseHook("r").conninfo()
    assert (conninfo["port"], conninfo["sslmode"]) == ("5555", "disable")
    assert conninfo["connect_timeout"] == "5"
    assert "cluster_identifier" not in conninfo


def test_a_postgres_connection_has_its_own_port(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection(monkeypatch, "p", **{**REDSHIFT, "conn_type": "postgres"})
    conninfo = WarehouseHook("p").conninfo()
    assert conninfo["port"] == "5432"
    assert "sslmode" not in conninfo


def test_a_connection_of_another_type_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    connection(monkeypatch, "m", **{**REDSHIFT, "conn_type": "mysql"})
    with pytest.raises(UsageError, match="connection m is of type mysql"):
        WarehouseHook("m").conninfo()


class RedshiftApi(BaseHTTPRequestHandler):
    """Answers GetClusterCredentials as AWS does; keeps the request's form."""

    form: dict[str, list[str]]

    def do_POST(self) -> None:
        type(self).form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        body = (
            b"<GetClusterCredentialsResponse><GetClusterCredentialsResult>"
            b"<DbUser>IAM:loader</DbUser><DbPassword>temporary</DbPassword>"
            b"</GetClusterCredentialsResult></GetClusterCredentialsResponse>"
        )
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Keeps the test's output quiet."""


@pytest.fixture
def redshift_api() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), RedshiftApi) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_with_the_extra_iam_the_login_is_a_temporary_one_of_the_cluster(
    monkeypatch: pytest.MonkeyPatch, redshift_api: str
) -> None:
    connection(monkeypatch, "r", **REDSHIFT, extra={"iam": True})
    aws = {"endpoint_url": redshift_api, "region_name": "eu-west-1"}
    connection(monkeypatch, "a", conn_type="aws", login="KEYID", password="SECRET", extra=aws)
    conninfo = WarehouseHook("r", aws_conn_id="a").conninfo()
    assert (conninfo["user"], conninfo["password"]) == ("IAM:loader", "temporary")
    assert RedshiftApi.form["DbUser"] == ["loader"]
    assert RedshiftApi.form["ClusterIdentifier"] == ["cluster"]


@pytest.mark.parametrize("field", ["host", "login", "schema"])
def test_a_missing_field_of_the_connection_is_named_without_the_password(
    monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    fields = {name: value for name, value in REDSHIFT.items() if name != field}
    connection(monkeypatch, "r", **fields)
    with pytest.raises(UsageError, match=f"connection r lacks the field {field}$") as caught:
        WarehouseHook("r").conninfo()
    assert REDSHIFT["password"] not in str(caught.value)


def test_an_aws_connection_gives_credentials_endpoint_and_region(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    extra = {"endpoint_url": "http://127.0.0.1:9", "region_name": "eu-west-1", "verify": "/ca.pem"}
    connection(monkeypatch, "a", conn_type="aws", login="KEYID", password="SECRET", extra=extra)
    assert s3_settings("a", payload_signing="never") == S3Settings(
        credentials=Credentials(access_key_id="KEYID", secret_access_key="SECRET"),
        endpoint_url="http://127.0.0.1:9",
        region="eu-west-1",
        payload_signing="never",
        ca_file="/ca.pem",
    )


def test_an_aws_connection_reaches_kinesis_at_its_own_endpoint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    services = {"kinesis": {"endpoint_url": "http://127.0.0.1:9"}}
    extra = {"region_name": "eu-west-1", "service_config": services}
    connection(monkeypatch, "a", conn_type="aws", login="AK", password="SK", extra=extra)
    settings = kinesis_settings("a")
    assert settings == KinesisSettings(
        credentials=Credentials(access_key_id="AK", secret_access_key="SK"),
        endpoint_url="http://127.0.0.1:9",
        region="eu-west-1",
    )
    assert kinesis_settings(None) == KinesisSettings()


def test_an_aws_connection_cannot_switch_certificate_checks_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection(monkeypatch, "a", conn_type="aws", extra={"verify": False})
    with pytest.raises(UsageError, match="connection a sets verify to false"):
        s3_settings("a")


def test_no_aws_connection_leaves_the_choice_to_botocore() -> None:
    assert s3_settings(None) == S3Settings()


def test_a_missing_amazon_provider_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "airflow.providers.amazon.aws.hooks.base_aws", None)
    with pytest.raises(UsageError, match="apache-airflow-providers-amazon"):
        s3_settings("a")


def test_a_temporary_login_names_the_missing_amazon_provider(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection(monkeypatch, "r", **REDSHIFT, extra={"iam": True})
    monkeypatch.setitem(sys.modules, "airflow.providers.amazon.aws.hooks.base_aws", None)
    with pytest.raises(UsageError, match=r"connection r sets iam.*apache-airflow-providers-amazon"):
        WarehouseHook("r").conninfo()


def test_an_aws_connection_with_an_unknown_profile_is_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    extra = {"profile_name": "nope", "region_name": "eu-west-1"}
    connection(monkeypatch, "a", conn_type="aws", extra=extra)
    with pytest.raises(UsageError, match="nope"):
        s3_settings("a")
