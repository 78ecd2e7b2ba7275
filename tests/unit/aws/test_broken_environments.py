"""Where botocore can do nothing, every error is airscoop's and says what to do."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
from botocore import exceptions

from airscoop import S3Settings, errors
from airscoop.aws.service_errors import from_botocore_error

CONFIGS = {
    "no config": b"[default\n",
    "no UTF-8": b"[default]\nregion = \xff\xfe\n",
    "a program that fails": b"[profile p]\ncredential_process = false\n",
    "a program that is not there": b"[profile p]\ncredential_process = /no/such/program\n",
    "a role of nobody": b"[profile p]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = q\n",
    "a role without a source": b"[profile p]\nrole_arn = arn:aws:iam::1:role/r\n",
    "a circle": b"[profile p]\nrole_arn = a\nsource_profile = q\n"
    b"[profile q]\nrole_arn = a\nsource_profile = p\n",
    "half a pair of keys": b"[profile p]\naws_access_key_id = a\n",
    "half of single sign-on": b"[profile p]\nsso_start_url = https://x\nsso_account_id = 1\n",
    "a session of nobody": b"[profile p]\nsso_session = s\nsso_account_id = 1\nsso_role_name = r\n",
    "a region": b"[profile p]\nregion = not a region\naws_access_key_id = a\n"
    b"aws_secret_access_key = b\n",
}
VARIABLES = {
    "AWS_PROFILE": "nosuch",
    "AWS_METADATA_SERVICE_TIMEOUT": "soon",
    "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "many",
    "AWS_DEFAULT_REGION": "not a region",
    "AWS_USE_FIPS_ENDPOINT": "perhaps",
}
TO_DO = r"; (set|name|unset|correct|mend|run|log in|install)\b|: set AWS_|another one in"


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No AWS of this machine's."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    return tmp_path


@pytest.mark.parametrize("config", CONFIGS)
def test_a_config_that_does_not_work_is_an_error_that_says_what_to_do(
    config: str, alone: Path
) -> None:
    (alone / "config").write_bytes(CONFIGS[config])
    with pytest.raises(errors.AirscoopError, match=TO_DO):
        S3Settings(profile="p").resolved()


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_that_does_not_work_is_an_error_that_says_what_to_do(
    name: str, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, VARIABLES[name])
    with pytest.raises(errors.AirscoopError, match=TO_DO):
        S3Settings().resolved()


def _made(kind: type[Exception]) -> Exception:
    """One whose words nobody has filled in."""
    error = kind.__new__(kind)
    Exception.__init__(error, getattr(kind, "fmt", "failed"))
    return error


def test_every_error_of_botocores_without_an_answer_is_airscoops_and_no_usage_is_bare() -> None:
    known: Any = [kind for _, kind in inspect.getmembers(exceptions, inspect.isclass)]
    kinds = [kind for kind in known if issubclass(kind, exceptions.BotoCoreError)]
    assert len(kinds) > 80
    for kind in kinds:
        found = from_botocore_error(_made(kind), "the profile p")
        assert isinstance(found, errors.AirscoopError)
        if isinstance(found, errors.UsageError | errors.CredentialsMissing):
            assert "; " in str(found), kind
