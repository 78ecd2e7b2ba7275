"""A user without a home folder, without a name in the system, or who may not enter the home."""

from __future__ import annotations

import pwd
from pathlib import Path

import pytest

import airscoop
from airscoop.errors import UsageError
from airscoop.local import postgres
from airscoop.local.processes import LocalStackError
from airscoop.transfer import login
from airscoop.transfer.resume import default_file
from support.other_user import needs_root, run_as_other

KEYS = {
    "AWS_ACCESS_KEY_ID": "AK",
    "AWS_SECRET_ACCESS_KEY": "SK",
    "AWS_DEFAULT_REGION": "eu-west-1",
}


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(uid: int) -> None:
        raise KeyError(uid)

    for name in ("HOME", "XDG_STATE_HOME", "NETRC", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(pwd, "getpwuid", refuse)


@pytest.mark.usefixtures("homeless")
def test_settings_are_found_without_a_home() -> None:
    found = airscoop.S3Settings().resolved()
    assert found.region == "eu-west-1"
    assert found.credentials is not None
    assert found.credentials.access_key_id == "AK"


@pytest.mark.usefixtures("homeless")
def test_files_are_copied_without_a_home(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x\n")
    assert airscoop.copy(tmp_path / "a", tmp_path / "b").destination_bytes == 2


@pytest.mark.usefixtures("homeless")
@pytest.mark.parametrize("name", ["~", "~/x"])
def test_a_name_below_a_home_that_is_not_there_is_no_file_of_that_name(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name}: this user has no home folder.* HOME"):
        airscoop.copy(name, "/tmp/never")


@pytest.mark.usefixtures("homeless")
def test_what_is_kept_at_home_is_named_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="no home folder"):
        default_file("s3://b/k")
    with pytest.raises(UsageError, match="no home folder"):
        login.netrc("http://h/x")
    with pytest.raises(LocalStackError, match="no entry"):
        postgres._caller()
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert default_file("s3://b/k").is_relative_to("/state/airscoop")


@needs_root
@pytest.mark.parametrize("home", [{}, {"HOME": "/root"}, {"HOME": "/dev/null"}])
def test_a_user_whom_nobody_knows_finds_all_settings_in_the_environment(
    home: dict[str, str],
) -> None:
    program = (
        "import sys, airscoop; found = airscoop.S3Settings().resolved();"
        "airscoop.open('/dev/null', 'rb').read();"
        "print(found.credentials.access_key_id, 'botocore' in sys.modules)"
    )
    done = run_as_other(program, env=KEYS | home)
    assert (done.stdout, done.stderr) == ("AK False\n", "")
