"""Credentials, endpoint and region come from where botocore finds them."""

from __future__ import annotations

from pathlib import Path

import pytest

from airscoop.aws.botocore_chain import botocore_errors
from airscoop.aws.credentials import Credentials, Renewal
from airscoop.aws.settings import KinesisSettings, S3Settings
from airscoop.errors import (
    AccessDenied,
    AirscoopError,
    ConnectionFailed,
    CredentialsMissing,
    Throttled,
    UsageError,
)

KEYS = Credentials(access_key_id="AK", secret_access_key="SK")


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An environment that configures nothing, and the path of the config file it names."""
    import os

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    config = tmp_path / "config"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return config


def test_without_configuration_it_is_aws_in_its_first_region() -> None:
    settings = S3Settings(credentials=KEYS).resolved()
    assert (settings.endpoint_url, settings.region) == (None, "us-east-1")


def test_no_credentials_is_an_error_that_says_what_to_set() -> None:
    with pytest.raises(CredentialsMissing, match="AWS_ACCESS_KEY_ID"):
        S3Settings().resolved()


def test_anonymous_needs_none() -> None:
    assert S3Settings(anonymous=True).resolved().credentials is None


def test_the_environment_gives_all(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "A",
        "AWS_SECRET_ACCESS_KEY": "S",
        "AWS_SESSION_TOKEN": "T",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    settings = S3Settings().resolved()
    assert settings.credentials == Credentials(
        access_key_id="A", secret_access_key="S", session_token="T"
    )
    assert (settings.endpoint_url, settings.region) == ("http://127.0.0.1:9", "eu-west-1")


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"AWS_SESSION_TOKEN": "T", "AWS_DEFAULT_REGION": "eu-west-3"},
        {"AWS_SESSION_TOKEN": "", "AWS_REGION": "eu-west-3", "AWS_ENDPOINT_URL": "http://h:9"},
        {"AWS_ENDPOINT_URL": "http://h:9", "AWS_ENDPOINT_URL_S3": "http://h:8"},
        {"AWS_ENDPOINT_URL": "http://h:9", "AWS_ENDPOINT_URL_S3": ""},
        {"AWS_ENDPOINT_URL_S3": "https://s3.us-east-1.amazonaws.com"},
        {"AWS_ENDPOINT_URL_KINESIS": "http://h:7"},
    ],
)
def test_variables_alone_say_what_botocore_would_find(
    monkeypatch: pytest.MonkeyPatch, more: dict[str, str]
) -> None:
    variables = {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "S", **more}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for settings in (S3Settings(), KinesisSettings(), S3Settings(region="ap-south-1")):
        plain = settings._from_environment()
        assert plain is not None
        assert plain == settings._resolved()


@pytest.mark.parametrize(
    "more",
    [
        {"AWS_PROFILE": "p"},
        {"AWS_CREDENTIAL_EXPIRATION": "2030-01-01T00:00:00Z"},
        {"AWS_USE_FIPS_ENDPOINT": "true"},
        {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"},
        {"AWS_DEFAULT_REGION": "not a region"},
        {"AWS_SECRET_ACCESS_KEY": ""},
    ],
)
def test_all_else_is_left_to_botocore(
    monkeypatch: pytest.MonkeyPatch, more: dict[str, str]
) -> None:
    variables = {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "S", **more}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert S3Settings()._from_environment() is None


def test_a_file_of_configuration_is_left_to_botocore(
    monkeypatch: pytest.MonkeyPatch, no_settings: Path
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "A")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "S")
    assert S3Settings()._from_environment() is not None
    no_settings.write_text("[default]\nregion = eu-west-1\n")
    assert S3Settings()._from_environment() is None
    assert S3Settings().resolved().region == "eu-west-1"


def test_kinesis_has_an_endpoint_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    assert KinesisSettings(credentials=KEYS).resolved().endpoint_url is None
    monkeypatch.setenv("AWS_ENDPOINT_URL_KINESIS", "http://127.0.0.1:10")
    assert KinesisSettings(credentials=KEYS).resolved().endpoint_url == "http://127.0.0.1:10"
    monkeypatch.setenv("AWS_ENDPOINT_URL_KINESIS", "https://kinesis.us-east-1.amazonaws.com")
    assert KinesisSettings(credentials=KEYS).resolved().endpoint_url is None


def test_kinesis_needs_credentials() -> None:
    with pytest.raises(CredentialsMissing, match="AWS_ACCESS_KEY_ID"):
        KinesisSettings().resolved()


def test_a_profile_gives_all(no_settings: Path) -> None:
    no_settings.write_text(
        "[profile p]\naws_access_key_id = A\naws_secret_access_key = S\nregion = eu-north-1\n"
        "services = local\n[services local]\ns3 =\n  endpoint_url = http://127.0.0.1:8\n"
    )
    settings = S3Settings(profile="p").resolved()
    assert settings.credentials is not None
    assert (settings.endpoint_url, settings.region) == ("http://127.0.0.1:8", "eu-north-1")


def test_configured_endpoints_can_be_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert S3Settings(credentials=KEYS).resolved().endpoint_url is None


@pytest.mark.parametrize("host", ["s3.eu-west-1.amazonaws.com", "s3.amazonaws.com"])
def test_a_regions_usual_endpoint_is_addressed_by_bucket(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"https://{host}/")
    assert S3Settings(credentials=KEYS, region="eu-west-1").resolved().endpoint_url is None


def test_a_fips_endpoint_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    settings = S3Settings(credentials=KEYS, region="us-east-2").resolved()
    assert settings.endpoint_url == "https://s3-fips.us-east-2.amazonaws.com"


def test_secrets_are_not_in_the_repr() -> None:
    text = repr(S3Settings(credentials=Credentials(access_key_id="A", secret_access_key="hush")))
    assert "hush" not in text


def test_an_unknown_profile_is_named() -> None:
    with pytest.raises(UsageError, match=r"AWS profile nope: .*could not be found"):
        S3Settings(profile="nope").resolved()


def test_an_unknown_profile_of_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nope")
    with pytest.raises(UsageError, match=r"AWS profile nope: "):
        S3Settings(credentials=KEYS).resolved()


def test_the_command_has_no_traceback_for_an_unknown_profile(tmp_path: Path) -> None:
    import subprocess
    import sys

    command = ["-m", "airscoop.cli", "copy", "s3://b/a", str(tmp_path / "a"), "--profile", "nope"]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("airscoop: UsageError: AWS profile nope: ")
    assert "Traceback" not in done.stderr


def test_half_of_the_keys_is_none(no_settings: Path) -> None:
    no_settings.write_text("[profile p]\naws_access_key_id = A\n")
    with pytest.raises(CredentialsMissing, match=r"AWS profile p: .*aws_secret_access_key"):
        S3Settings(profile="p").resolved()


def test_a_single_sign_on_that_is_over_says_so(no_settings: Path) -> None:
    no_settings.write_text(
        "[profile p]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n"
        "[sso-session s]\nsso_region = us-east-1\nsso_start_url = https://example.com/start\n"
    )
    with pytest.raises(CredentialsMissing, match=r"AWS profile p: .*SSO"):
        S3Settings(profile="p").resolved()


def test_a_broken_configuration_file_is_named(no_settings: Path) -> None:
    no_settings.write_text("[profile p\n")
    with pytest.raises(UsageError, match=str(no_settings)):
        S3Settings(credentials=KEYS).resolved()


def test_a_region_that_cannot_be_in_a_host_name_is_refused() -> None:
    with pytest.raises(UsageError, match="'eu west'"):
        S3Settings(credentials=KEYS, region="eu west").resolved()


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (403, "AccessDenied", AccessDenied),
        (400, "ThrottlingException", Throttled),
        (503, "ServiceUnavailable", Throttled),
    ],
)
def test_a_refused_role_is_told_from_a_busy_service(
    status: int, code: str, expected: type[AirscoopError]
) -> None:
    from botocore.exceptions import ClientError

    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    with pytest.raises(expected, match=f"AWS profile p: .*{code}"), botocore_errors("p"):
        raise ClientError(answer, "AssumeRole")


def test_a_service_that_is_not_reached_may_be_asked_again() -> None:
    from botocore.exceptions import EndpointConnectionError

    with pytest.raises(ConnectionFailed) as caught, botocore_errors():
        raise EndpointConnectionError(endpoint_url="https://sts.amazonaws.com")
    assert caught.value.retryable


def test_credentials_that_botocore_can_renew_are_renewed(no_settings: Path) -> None:
    program = no_settings.parent / "give"
    program.write_text(
        '#!/bin/sh\necho \'{"Version": 1, "AccessKeyId": "A", "SecretAccessKey": "S",'
        ' "SessionToken": "T", "Expiration": "2999-01-01T00:00:00Z"}\'\n'
    )
    program.chmod(0o700)
    no_settings.write_text(f"[profile p]\ncredential_process = {program}\n")
    settings = S3Settings(profile="p").resolved()
    assert settings.credentials_provider is not None
    given = settings.credentials_provider()
    assert given == settings.credentials
    assert given.expires_at is not None
    assert given.expires_at.year == 2999


def test_keys_that_never_change_have_no_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "A")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "S")
    assert S3Settings().resolved().credentials_provider is None


def test_a_time_of_expiry_needs_a_time_zone() -> None:
    from datetime import datetime

    with pytest.raises(UsageError, match="time zone"):
        Credentials(access_key_id="A", secret_access_key="S", expires_at=datetime(2030, 1, 1))


def test_a_provider_is_asked_once_for_all_that_hold_the_same() -> None:
    given = [KEYS, Credentials(access_key_id="AK", secret_access_key="SK", session_token="T")]
    renewal = Renewal(lambda: given.pop(0))
    assert renewal(None, None)[2] is None
    assert renewal(None, None)[2] is None
    assert renewal("AK", None)[2] == "T"
    assert renewal("AK", None)[2] == "T"
    assert given == []
