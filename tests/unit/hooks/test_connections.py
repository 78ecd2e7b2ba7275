"""Extras of connections: each is used, told or refused, as Airflow's providers read them."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

import airscoop
from airscoop.errors import AccessDenied, ProtocolError, UsageError
from airscoop.hooks import aws
from airscoop.hooks.athena import AthenaSettings
from airscoop.hooks.aws import kinesis_settings, registry, s3_settings
from airscoop.hooks.connections import extras_errors, truth
from airscoop.hooks.http import http_connection
from airscoop.hooks.warehouse import LIBPQ_EXTRAS, OTHER_LOGINS, WarehouseHook

FIELDS: dict[str, Any] = {
    "host": "db.example.com",
    "login": "loader",
    "password": "s3cr3t",
    "schema": "dev",
}
KEYS: dict[str, Any] = {"conn_type": "aws", "login": "KEYID", "password": "SECRET"}


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def connect(monkeypatch: pytest.MonkeyPatch, name: str, **fields: object) -> None:
    monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(fields))


def conninfo_of(
    monkeypatch: pytest.MonkeyPatch, kind: str = "redshift", **extra: object
) -> dict[str, str]:
    connect(monkeypatch, "w", conn_type=kind, **FIELDS, extra=extra)
    return WarehouseHook("w").conninfo()


# --- Warehouses ---


@pytest.mark.parametrize("said", [False, "false", "False", "0", 0, "no", "", None])
def test_iam_that_is_false_in_any_spelling_asks_nobody(
    monkeypatch: pytest.MonkeyPatch, said: object
) -> None:
    assert conninfo_of(monkeypatch, iam=said)["password"] == "s3cr3t"


@pytest.mark.parametrize("name", ["iam", "ssl", "is_serverless"])
def test_what_is_neither_true_nor_false_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with pytest.raises(UsageError, match=f"connection w: its extra {name} .*true or false"):
        conninfo_of(monkeypatch, **{name: "maybe"})


@pytest.mark.parametrize(
    ("kind", "extra", "mode"),
    [
        ("redshift", {}, "verify-full"),
        ("redshift", {"ssl": True}, "verify-full"),
        ("redshift", {"ssl": "false"}, "disable"),
        ("redshift", {"ssl": True, "sslmode": "verify-ca"}, "verify-ca"),
        ("redshift", {"sslmode": None}, "verify-full"),
        ("postgres", {}, None),
        ("postgres", {"ssl": "true"}, "require"),
        ("postgres", {"ssl": True, "sslmode": "prefer"}, "require"),
        ("postgres", {"ssl": False}, "disable"),
        ("postgres", {"redshift": True}, "verify-full"),
    ],
)
def test_ssl_and_sslmode_say_together_whether_tls_is_used(
    monkeypatch: pytest.MonkeyPatch, kind: str, extra: dict[str, Any], mode: str | None
) -> None:
    assert conninfo_of(monkeypatch, kind, **extra).get("sslmode") == mode


@pytest.mark.parametrize(("ssl", "mode"), [(True, "disable"), (False, "verify-full")])
def test_ssl_and_sslmode_that_contradict_each_other_are_refused(
    monkeypatch: pytest.MonkeyPatch, ssl: object, mode: str
) -> None:
    with pytest.raises(UsageError, match=r"connection w: .*contradict"):
        conninfo_of(monkeypatch, ssl=ssl, sslmode=mode)


def test_extras_go_before_the_fields_under_the_names_of_both_drivers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = conninfo_of(
        monkeypatch, database="other", user="x", timeout=7, tcp_keepalive=False, port=6000
    )
    assert (found["dbname"], found["user"], found["port"]) == ("other", "x", "6000")
    assert (found["connect_timeout"], found["keepalives"]) == ("7", "0")
    assert "True" not in conninfo_of(monkeypatch, keepalives=True, sslsni=True).values()


def test_a_database_may_be_named_by_an_extra_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    fields = {name: value for name, value in FIELDS.items() if name != "schema"}
    connect(monkeypatch, "w", conn_type="redshift", **fields, extra={"database": "sales"})
    assert WarehouseHook("w").conninfo()["dbname"] == "sales"


def test_two_extras_of_one_meaning_must_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="dbname and database mean the same"):
        conninfo_of(monkeypatch, database="a", dbname="b")
    assert conninfo_of(monkeypatch, database="a", dbname="a")["dbname"] == "a"


def test_every_parameter_of_libpq_reaches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    said = {name: f"said {name}" for name in LIBPQ_EXTRAS}
    assert conninfo_of(monkeypatch, "postgres", **said) == said


def test_extras_that_nobody_uses_are_named_in_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        conninfo_of(monkeypatch, "postgres", cursor="dictcursor", numeric_to_float=True, none=None)
    assert [record.getMessage() for record in caplog.records] == [
        "the connection w: these extras are not used: cursor, numeric_to_float"
    ]


@pytest.mark.parametrize("name", ["sslca", "ssl_ca", "tls_min", "auth_method", "require_tls"])
def test_a_word_on_security_that_is_not_understood_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with pytest.raises(UsageError, match=f"connection w: .*security.*{name}") as caught:
        conninfo_of(monkeypatch, "postgres", **{name: "s3cr3t-value"})
    assert "s3cr3t-value" not in str(caught.value)


def test_a_login_by_somebody_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in OTHER_LOGINS:
        with pytest.raises(UsageError, match=f"connection w: airscoop logs in .*{name}") as caught:
            conninfo_of(monkeypatch, iam=True, **{name: "s3cr3t-value"})
        assert "s3cr3t-value" not in str(caught.value)


@pytest.mark.parametrize("said", ["utf8", "UTF-8", "auto"])
def test_the_encoding_that_is_spoken_may_be_named(
    monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    assert "client_encoding" not in conninfo_of(monkeypatch, client_encoding=said)
    with pytest.raises(UsageError, match="client_encoding"):
        conninfo_of(monkeypatch, client_encoding="LATIN1")


def test_an_extra_that_is_no_text_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="connection w: its extra options cannot be read"):
        conninfo_of(monkeypatch, options=["-c", "search_path=x"])


@pytest.mark.parametrize(
    ("kind", "extras", "message"),
    [
        ("postgres", {"client_encoding": 8}, "client_encoding"),
        ("redshift", {"is_serverless": True, "serverless_token_duration_seconds": "1h"}, "seconds"),
        ("redshift", {"db_groups": 5}, "db_groups"),
        ("postgres", {"port": "5432,5433"}, "one host and port"),
    ],
)
def test_a_login_that_cannot_be_asked_for_is_an_error_of_the_connection(
    monkeypatch: pytest.MonkeyPatch, kind: str, extras: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=f"connection w.*{message}"):
        conninfo_of(monkeypatch, kind, iam=True, **extras)
    assert "client_encoding" not in conninfo_of(monkeypatch, client_encoding=None)


@pytest.mark.parametrize("extra", ["{bad", "[1]", '"text"'])
def test_extras_that_cannot_be_read_are_no_empty_ones(
    monkeypatch: pytest.MonkeyPatch, extra: str
) -> None:
    connect(monkeypatch, "w", conn_type="redshift", **FIELDS, extra=extra)
    with pytest.raises(UsageError, match="extra of the connection w is no JSON object"):
        WarehouseHook("w").conninfo()


@given(st.one_of(st.booleans(), st.sampled_from(["true", "1", "yes", "on", "f", "off", "n"])))
def test_a_truth_is_the_same_in_any_case_and_between_spaces(said: bool | str) -> None:
    expected = truth(said)
    assert expected is not None
    assert truth(f" {said} ".upper()) is expected


# --- Temporary logins ---


class Api(BaseHTTPRequestHandler):
    """Redshift's two services; keeps what they were asked for."""

    asked: dict[str, Any]
    refuses: bool

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        serverless = "X-Amz-Target" in self.headers
        kind = type(self)
        kind.asked = json.loads(body) if serverless else parse_qs(body)
        if serverless:
            answer = json.dumps({"dbUser": "IAMR:x", "dbPassword": "temporary"})
        else:
            answer = (
                "<GetClusterCredentialsResponse><GetClusterCredentialsResult>"
                "<DbUser>IAM:loader</DbUser><DbPassword>temporary</DbPassword>"
                "</GetClusterCredentialsResult></GetClusterCredentialsResponse>"
            )
        if kind.refuses:
            answer = (
                "<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error>"
                "</ErrorResponse>"
            )
        self.send_response(403 if kind.refuses else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *arguments: object) -> None:
        """Keeps the test's output quiet."""


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    Api.refuses = False
    with HTTPServer(("127.0.0.1", 0), Api) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        connect(monkeypatch, "a", **KEYS, extra={"endpoint_url": url, "region_name": "eu-west-1"})
        yield url
        server.shutdown()
        thread.join()


def test_a_postgres_connection_with_iam_asks_its_own_aws_connection_for_rds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connect(monkeypatch, "a", **KEYS, extra={"region_name": "eu-west-3"})
    found = conninfo_of(monkeypatch, "postgres", iam=True, aws_conn_id="a")
    assert found["user"] == "loader"
    assert found["password"].startswith("db.example.com:5432/?Action=connect&DBUser=loader&")
    assert "KEYID%2F" in found["password"]
    assert "%2Feu-west-3%2Frds-db%2F" in found["password"]
    assert found["sslmode"] == "require"


@pytest.mark.usefixtures("api")
@pytest.mark.parametrize("mode", [None, "allow", "prefer", "verify-ca"])
@pytest.mark.parametrize(
    ("kind", "extra"),
    [
        ("postgres", {}),
        ("postgres", {"redshift": True}),
        ("redshift", {}),
        ("redshift", {"is_serverless": True, "serverless_work_group": "group"}),
    ],
)
def test_a_token_is_sent_over_tls_alone(
    monkeypatch: pytest.MonkeyPatch, kind: str, extra: dict[str, Any], mode: str | None
) -> None:
    monkeypatch.setenv("PGSSLMODE", "disable")
    found = conninfo_of(monkeypatch, kind, iam=True, aws_conn_id="a", sslmode=mode, **extra)
    assert found["sslmode"] in ("require", "verify-ca", "verify-full")
    assert mode in (None, "allow", "prefer", found["sslmode"])


@pytest.mark.parametrize("kind", ["postgres", "redshift"])
@pytest.mark.parametrize("extra", [{"ssl": False}, {"sslmode": "disable"}])
def test_a_token_without_tls_is_refused(
    monkeypatch: pytest.MonkeyPatch, kind: str, extra: dict[str, Any]
) -> None:
    connect(monkeypatch, "a", **KEYS, extra={"region_name": "eu-west-3"})
    with pytest.raises(UsageError, match="TLS has to protect"):
        conninfo_of(monkeypatch, kind, iam=True, aws_conn_id="a", **extra)


@pytest.mark.usefixtures("api")
def test_a_postgres_connection_of_redshift_gets_a_login_of_the_cluster(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    extra = {"iam": "true", "redshift": "true", "aws_conn_id": "a", "cluster-identifier": "c"}
    connect(monkeypatch, "w", conn_type="postgres", **FIELDS, extra=extra)
    found = WarehouseHook("w").conninfo()
    assert (found["user"], found["password"], found["port"]) == ("IAM:loader", "temporary", "5439")
    assert Api.asked["ClusterIdentifier"] == ["c"]
    assert Api.asked["DbName"] == ["dev"]


@pytest.mark.usefixtures("api")
@pytest.mark.parametrize(
    ("kind", "extra"),
    [
        ("redshift", {"is_serverless": "true", "serverless_work_group": "group"}),
        ("postgres", {"redshift-serverless": True, "workgroup-name": "group"}),
    ],
)
def test_a_serverless_login_is_asked_of_the_work_group(
    monkeypatch: pytest.MonkeyPatch, kind: str, extra: dict[str, Any]
) -> None:
    found = conninfo_of(monkeypatch, kind, iam=True, aws_conn_id="a", **extra)
    assert (found["user"], found["password"]) == ("IAMR:x", "temporary")
    assert Api.asked == {"dbName": "dev", "workgroupName": "group"}


@pytest.mark.usefixtures("api")
def test_a_refused_login_names_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    Api.refuses = True
    with pytest.raises(AccessDenied, match=r"^the connection w: .*AccessDenied"):
        conninfo_of(monkeypatch, iam=True, aws_conn_id="a")


@pytest.mark.usefixtures("api")
def test_a_login_that_aws_leaves_out_is_no_fault_of_the_extras(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(aws, "client", lambda *_, **__: Nothing())
    for serverless in (False, True):
        with pytest.raises(ProtocolError, match=r"^the connection w: AWS gave no login"):
            conninfo_of(monkeypatch, iam=True, aws_conn_id="a", is_serverless=serverless)


class Nothing:
    """A client whose answers are empty."""

    def __getattr__(self, name: str) -> Any:
        return lambda **_: {}


@pytest.mark.parametrize("error", [KeyError, TypeError, ValueError])
def test_a_fault_that_is_none_of_the_extras_is_told_as_it_is(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error("a fault of ours")

    connect(monkeypatch, "a", **KEYS, extra={"region_name": "eu-west-1"})
    monkeypatch.setattr("airscoop.hooks.aws.Registry", fail)
    with pytest.raises(error, match="a fault of ours"):
        registry("a", "t")
    monkeypatch.setattr("airscoop.hooks.aws_extras.from_botocore", fail)
    with pytest.raises(error, match="a fault of ours"):
        s3_settings("a")
    with pytest.raises(error, match="a fault of ours"):
        kinesis_settings("a")
    monkeypatch.setattr(aws, "client", fail)
    with pytest.raises(error, match="a fault of ours"):
        conninfo_of(monkeypatch, "postgres", iam=True, aws_conn_id="a")


@pytest.mark.parametrize("error", [KeyError, NotImplementedError, TypeError, ValueError])
def test_where_no_connection_is_read_no_extras_are_at_fault(error: type[Exception]) -> None:
    with pytest.raises(error, match="a fault"), extras_errors(None):
        raise error("a fault")
    with pytest.raises(UsageError, match="connection a: its extras"), extras_errors("a"):
        raise error("a fault")


# --- Connections that do not exist ---


@pytest.mark.parametrize(
    "read",
    [
        lambda name: WarehouseHook(name).conninfo(),
        s3_settings,
        kinesis_settings,
        lambda name: registry(name, "t"),
        lambda name: aws.client(name, "glue", needed_by="a test"),
        lambda name: AthenaSettings(database="d", results="s3://b/", aws_conn_id=name).s3(),
        lambda name: AthenaSettings(database="d", results="s3://b/", aws_conn_id=name).connect(),
        http_connection,
    ],
)
def test_a_connection_that_does_not_exist_is_an_error_that_says_how_to_make_it(read: Any) -> None:
    with pytest.raises(UsageError, match=r"connection 'gone' does not exist; .*AIRFLOW_CONN_GONE"):
        read("gone")


def test_the_default_connection_may_be_missing_which_is_said_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    aws._say_missing.cache_clear()
    with caplog.at_level(logging.WARNING):
        assert s3_settings("aws_default") == s3_settings(None)
        assert kinesis_settings("aws_default") == kinesis_settings(None)
    assert [record.getMessage()[:44] for record in caplog.records] == [
        "the connection aws_default does not exist: A"
    ]


# --- AWS ---


def s3_of(monkeypatch: pytest.MonkeyPatch, **extra: object) -> Any:
    connect(monkeypatch, "a", **KEYS, extra={"region_name": "eu-west-1", **extra})
    return s3_settings("a")


def test_unsigned_requests_of_a_connection_are_unsigned(monkeypatch: pytest.MonkeyPatch) -> None:
    found = s3_of(monkeypatch, config_kwargs={"signature_version": "unsigned"})
    assert (found.anonymous, found.credentials) == (True, None)
    with pytest.raises(UsageError, match="connection a asks for unsigned requests"):
        kinesis_settings("a")


@pytest.mark.parametrize(
    ("config", "endpoint", "style"),
    [
        ({"s3": {"addressing_style": "path"}}, "https://s3.eu-west-1.amazonaws.com", "path"),
        ({"s3": {"addressing_style": "virtual"}}, "https://s3.eu-west-1.amazonaws.com", "virtual"),
        (
            {"s3": {"use_accelerate_endpoint": True}},
            "https://s3-accelerate.amazonaws.com",
            "virtual",
        ),
        (
            {"use_dualstack_endpoint": True},
            "https://s3.dualstack.eu-west-1.amazonaws.com",
            "virtual",
        ),
        ({"use_fips_endpoint": True}, "https://s3-fips.eu-west-1.amazonaws.com", "virtual"),
    ],
)
def test_a_connection_says_how_buckets_are_addressed(
    monkeypatch: pytest.MonkeyPatch, config: dict[str, Any], endpoint: str, style: str
) -> None:
    found = s3_of(monkeypatch, config_kwargs=config)
    assert (found.endpoint_url, found.addressing_style) == (endpoint, style)


def test_an_endpoint_of_a_connection_may_have_buckets_before_its_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    style = {"s3": {"addressing_style": "virtual"}}
    found = s3_of(monkeypatch, endpoint_url="http://s3.local:9000", config_kwargs=style)
    assert (found.endpoint_url, found.addressing_style) == ("http://s3.local:9000", "virtual")


@pytest.mark.parametrize(("signed", "expected"), [(True, "always"), (False, "never")])
def test_a_connection_says_whether_payloads_are_signed(
    monkeypatch: pytest.MonkeyPatch, signed: bool, expected: str
) -> None:
    config = {"s3": {"payload_signing_enabled": signed}}
    assert s3_of(monkeypatch, config_kwargs=config).payload_signing == expected
    assert s3_settings("a", payload_signing="always").payload_signing == "always"


def test_what_a_transfer_does_not_read_of_a_connection_is_in_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    config = {"retries": {"mode": "standard"}, "tcp_keepalive": True}
    with caplog.at_level(logging.WARNING):
        s3_of(
            monkeypatch,
            config_kwargs=config,
            regoin="x",
            session_kwargs={"profile_name": "x"},
            service_config={"s3": {"bucket_name": "b"}},
        )
    (told,) = [record.getMessage() for record in caplog.records if "not used" in record.message]
    for name in (
        "retries",
        "tcp_keepalive",
        "regoin",
        "session_kwargs.profile_name",
        "bucket_name",
    ):
        assert name in told


def test_requests_go_by_the_proxies_of_a_connection(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    proxies = {"https": "http://u:s3cr3t@proxy:1"}
    with caplog.at_level(logging.WARNING):
        assert s3_of(monkeypatch, config_kwargs={"proxies": proxies}).proxies == proxies
        assert kinesis_settings("a").proxies == proxies
        assert s3_of(monkeypatch).proxies is None
    assert not caplog.records


def test_requests_take_as_long_as_a_connection_says(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    config = {"connect_timeout": 5, "read_timeout": 900.5}
    with caplog.at_level(logging.WARNING):
        expected = airscoop.Timeouts(connect=5, first_byte=900.5, idle=900.5)
        assert s3_of(monkeypatch, config_kwargs=config).timeout == expected
        assert kinesis_settings("a").timeout == expected
        assert s3_of(monkeypatch).timeout is None
    assert not caplog.records


@pytest.mark.parametrize("wrong", ["5", 0, -1, True, [5], {}])
@pytest.mark.parametrize("name", ["connect_timeout", "read_timeout"])
def test_a_wrong_time_of_a_connection_names_it(
    monkeypatch: pytest.MonkeyPatch, name: str, wrong: object
) -> None:
    with pytest.raises(UsageError, match=r"^the connection a: config_kwargs has a connect_timeout"):
        s3_of(monkeypatch, config_kwargs={name: wrong})


@pytest.mark.parametrize(
    "config",
    [
        {"proxies": {"no_proxy": "s3cr3t"}},
        {"proxies": "http://u:s3cr3t@proxy:1"},
        {"proxies": {"https": ["s3cr3t"]}},
        {"proxies_config": {"proxy_client_cert": "/s3cr3t.pem"}},
    ],
)
def test_proxies_that_cannot_be_used_are_refused(
    monkeypatch: pytest.MonkeyPatch, config: dict[str, Any]
) -> None:
    with pytest.raises(UsageError, match=r"^the connection a: config_kwargs\.prox") as caught:
        s3_of(monkeypatch, config_kwargs=config)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("config", [{"client_cert": "/c.pem"}, {"signature_version": "s3"}])
def test_security_settings_that_a_transfer_cannot_keep_are_refused(
    monkeypatch: pytest.MonkeyPatch, config: dict[str, Any]
) -> None:
    with pytest.raises(UsageError, match=f"connection a: .*security.*{next(iter(config))}"):
        s3_of(monkeypatch, config_kwargs=config)


@pytest.mark.parametrize("verify", [False, "false", "0"])
def test_certificates_are_checked_whatever_is_said(
    monkeypatch: pytest.MonkeyPatch, verify: object
) -> None:
    connect(monkeypatch, "a", **KEYS, extra={"verify": verify})
    for read in (s3_settings, kinesis_settings, lambda name: registry(name, "t")):
        with pytest.raises(UsageError, match="connection a sets verify to false"):
            read("a")


@pytest.mark.parametrize("verify", [True, "true", None])
def test_certificates_that_are_checked_as_usual_need_no_file(
    monkeypatch: pytest.MonkeyPatch, verify: object
) -> None:
    connect(monkeypatch, "a", **KEYS, extra={"verify": verify})
    assert s3_settings("a").ca_file is None


@pytest.mark.parametrize(
    "extra",
    [
        {"config_kwargs": {"conect_timeout": 5}},
        {"config_kwargs": {"s3": {"addressing_style": "sideways"}}},
        {"role_arn": "arn:aws:iam::1:role/r", "assume_role_method": "by_magic"},
        {"profile_name": "nope"},
        {"config_kwargs": ["read_timeout"]},
        {"config_kwargs": {"s3": "path"}},
        {"config_kwargs": {"use_fips_endpoint": True}, "region_name": "no region"},
        {"session_kwargs": ["x"]},
        {"region_name": 5},
        {"endpoint_url": 5},
        {"service_config": ["s3"]},
        {"verify": "/nonexistent.pem", "config_kwargs": {"s3": {"addressing_style": []}}},
        {"endpoint_url": "no address", "config_kwargs": {"s3": {"addressing_style": "virtual"}}},
        {"role_arn": "arn:aws:iam::1:role/r", "assume_role_kwargs": "x"},
    ],
)
def test_errors_of_a_connection_name_it(
    monkeypatch: pytest.MonkeyPatch, extra: dict[str, Any]
) -> None:
    with pytest.raises(UsageError, match=r"^the connection a: "):
        s3_of(monkeypatch, **extra)


def test_the_registrys_client_has_the_connections_proxies_and_our_waits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = {"proxies": {"https": "http://proxy:1"}, "read_timeout": 900}
    connect(monkeypatch, "a", **KEYS, extra={"region_name": "eu-west-1", "config_kwargs": config})
    found = registry("a", "t").table._client.meta.config
    assert found.proxies == {"https": "http://proxy:1"}
    assert found.read_timeout == 10


# --- Web ---


def test_an_http_connection_says_what_of_it_is_not_used(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    extra = {"timeout": 5, "proxies": {"http": "x"}, "verify": True, "X-Own": "1"}
    connect(monkeypatch, "h", conn_type="http", host="h.example", extra=extra)
    with caplog.at_level(logging.WARNING):
        assert http_connection("h").headers == {"X-Own": "1"}
    assert [record.getMessage() for record in caplog.records] == [
        "the connection h: these extras are not used: proxies, timeout"
    ]


@pytest.mark.parametrize("extra", [{"cert": "/c.pem"}, {"auth_type": "x.Digest"}])
def test_an_http_connection_that_logs_in_in_another_way_is_refused(
    monkeypatch: pytest.MonkeyPatch, extra: dict[str, Any]
) -> None:
    connect(monkeypatch, "h", conn_type="http", host="h.example", extra=extra)
    with pytest.raises(UsageError, match=f"connection h logs in by {next(iter(extra))}"):
        http_connection("h")


@pytest.mark.parametrize("verify", [False, "false"])
def test_an_http_connection_cannot_switch_certificate_checks_off(
    monkeypatch: pytest.MonkeyPatch, verify: object
) -> None:
    extra = {"verify": verify}
    connect(monkeypatch, "h", conn_type="http", host="h.example", extra=extra)
    with pytest.raises(UsageError, match="connection h sets verify to false"):
        http_connection("h")
