"""Permissions, addresses and disks that say no: named, with advice, without secrets."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import Credentials, S3Settings, errors, storage
from support.other_user import folder_for_all, run_as_other
from support.paths import PACKAGE_ROOT
from support.s3 import (
    AIRSCOOP,
    BUCKET,
    MIB,
    OWNER,
    PART_BYTES,
    READER,
    Store,
    noise,
)

SMALL = b"data\n"
LARGE = noise(PART_BYTES + MIB)


@pytest.fixture(params=["small", "large"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    file = tmp_path / "source"
    file.write_bytes(SMALL if request.param == "small" else LARGE)
    return file


def assert_no_secret(error: BaseException, settings: S3Settings) -> None:
    shown = f"{error} {error!r} {error.__dict__} {settings!r}"
    assert settings.credentials is not None
    assert settings.credentials.secret_access_key not in shown


def test_a_reader_may_not_write(source: Path, store: Store) -> None:
    settings = store.settings(credentials=READER)
    with pytest.raises(errors.AccessDenied) as caught:
        airscoop.copy(source, store.uri("a"), destination_s3=settings)
    assert BUCKET in str(caught.value)
    assert "s3:PutObject" in str(caught.value)
    assert "credentials" in str(caught.value)
    assert caught.value.http_status == 403
    assert_no_secret(caught.value, settings)
    store.assert_untouched()


def test_a_reader_may_read_list_and_look(store: Store, tmp_path: Path) -> None:
    settings = store.settings(credentials=READER)
    uri = store.put("a", SMALL)
    airscoop.copy(uri, tmp_path / "a", source_s3=settings)
    assert (tmp_path / "a").read_bytes() == SMALL
    assert storage.head(uri, s3=settings).size == len(SMALL)
    assert [item.uri for item in storage.list_objects(store.uri(""), s3=settings)] == [uri]


@pytest.mark.parametrize(
    "credentials",
    [
        Credentials(access_key_id=OWNER.access_key_id, secret_access_key="wrong/secret+of=tests"),
        Credentials(access_key_id="NOSUCHKEYID", secret_access_key="wrong/secret+of=tests"),
    ],
    ids=["wrong secret", "unknown key"],
)
def test_wrong_credentials_are_denied_everywhere(
    credentials: Credentials, source: Path, store: Store, tmp_path: Path
) -> None:
    settings = store.settings(credentials=credentials)
    uri = store.put("there", SMALL)
    for action in (
        lambda: airscoop.copy(source, store.uri("a"), destination_s3=settings),
        lambda: airscoop.copy(uri, tmp_path / "a", source_s3=settings),
        lambda: list(storage.list_objects(uri, s3=settings)),
        lambda: storage.head(uri, s3=settings),
    ):
        with pytest.raises(errors.AccessDenied) as caught:
            action()
        assert re.search("credentials|secret.access.key", str(caught.value))  # what to look at
        assert BUCKET in str(caught.value)
        assert_no_secret(caught.value, settings)
    assert store.names() == ["there"]


def test_no_credentials_at_all_are_named(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(errors.CredentialsMissing, match="AWS_ACCESS_KEY_ID"):
        airscoop.copy("-", store.uri("a"), destination_s3=S3Settings(endpoint_url=store.endpoint))


def test_a_missing_bucket_or_object_is_not_found_and_named(store: Store, tmp_path: Path) -> None:
    settings = store.settings()
    (tmp_path / "in").write_bytes(SMALL)
    for action, name in (
        (lambda: airscoop.copy(store.uri("no"), tmp_path / "a", source_s3=settings), "no"),
        (lambda: storage.head(store.uri("no"), s3=settings), "no"),
        (
            lambda: airscoop.copy("s3://missing-bucket/a", tmp_path / "a", source_s3=settings),
            "missing-bucket",
        ),
        (
            lambda: list(storage.list_objects("s3://missing-bucket/", s3=settings)),
            "missing-bucket",
        ),
    ):
        with pytest.raises(errors.NotFound, match=name):
            action()
    assert [item.name for item in tmp_path.iterdir()] == ["in"]


def test_an_unreachable_endpoint_is_named_and_worth_another_try(source: Path, store: Store) -> None:
    for endpoint, name in (
        ("http://127.0.0.1:1", "127.0.0.1"),
        ("http://s3.nowhere.invalid", "s3.nowhere.invalid"),
    ):
        settings = store.settings(endpoint_url=endpoint)
        with pytest.raises(errors.ConnectionFailed, match=name) as caught:
            airscoop.copy(source, store.uri("a"), destination_s3=settings)
        assert caught.value.retryable
        assert_no_secret(caught.value, settings)


@pytest.mark.parametrize("place", ["s3://", "s3://bucket"])
def test_a_destination_in_s3_needs_an_object_name(place: str, source: Path, store: Store) -> None:
    with pytest.raises(errors.UsageError):
        airscoop.copy(source, place, destination_s3=store.settings())


def test_a_receipt_holds_no_secret(source: Path, store: Store) -> None:
    settings = store.settings()
    receipt = airscoop.copy(source, store.uri("a"), destination_s3=settings)
    shown = f"{receipt!r} {receipt.to_dict()} {receipt.summary()} {settings!r}"
    assert OWNER.secret_access_key not in shown


def test_a_missing_source_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(errors.NotFound, match="absent"):
        airscoop.copy(tmp_path / "absent", tmp_path / "out")
    with pytest.raises(errors.UsageError, match="folder"):
        airscoop.copy(tmp_path, tmp_path / "out")
    (tmp_path / "in").write_bytes(SMALL)
    with pytest.raises(errors.UsageError, match="folder"):
        airscoop.copy(tmp_path / "in", tmp_path)
    with pytest.raises(errors.NotFound, match="nowhere"):
        airscoop.copy(tmp_path / "in", tmp_path / "nowhere" / "out")
    with pytest.raises(errors.UsageError):
        airscoop.copy("", tmp_path / "out")


def test_a_device_is_never_replaced_by_a_file(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(SMALL)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(errors.UsageError, match="not a regular file"):
        airscoop.copy(tmp_path / "in", pipe)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_pipe_is_a_source(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with subprocess.Popen(["sh", "-c", f"printf 'a\\nb\\n' > '{pipe}'"]) as writer:
        airscoop.copy(pipe, tmp_path / "out")
    assert writer.returncode == 0
    assert (tmp_path / "out").read_bytes() == b"a\nb\n"


def test_a_new_file_has_the_usual_permissions_and_a_replaced_one_keeps_its_own(
    tmp_path: Path,
) -> None:
    (tmp_path / "in").write_bytes(SMALL)
    before = os.umask(0o027)
    try:
        airscoop.copy(tmp_path / "in", tmp_path / "new")
        (tmp_path / "old").write_bytes(b"old")
        (tmp_path / "old").chmod(0o664)
        airscoop.copy(tmp_path / "in", tmp_path / "old")
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o664


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a file system of 1 MiB")
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_full_disk_is_named_and_leaves_nothing_beside(tiny_disk: Path, tmp_path: Path) -> None:
    (tiny_disk / "out").write_bytes(b"older")
    (tmp_path / "in").write_bytes(noise(2 * MIB))
    with pytest.raises(errors.FileError, match="No space left") as caught:
        airscoop.copy(tmp_path / "in", tiny_disk / "out")
    assert str(tiny_disk / "out") in str(caught.value)
    assert caught.value.os_errno == 28
    assert [item.name for item in tiny_disk.iterdir()] == ["out"]
    assert (tiny_disk / "out").read_bytes() == b"older"


def test_a_standard_output_that_is_full_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(noise(2 * MIB))
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*AIRSCOOP, "copy", str(tmp_path / "in"), "-"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
            env=os.environ | {"PYTHONPATH": str(PACKAGE_ROOT)},
        )  # fmt: skip
    assert done.returncode == 1
    assert "No space left" in done.stderr


def test_a_folder_that_may_not_be_written_to_is_denied() -> None:
    program = (
        "import sys, airscoop\n"
        "try: airscoop.copy(sys.argv[1], sys.argv[2])\n"
        "except airscoop.errors.AccessDenied as error: print(error)"
    )
    with folder_for_all() as folder:
        (folder / "in").write_bytes(SMALL)
        (folder / "closed").mkdir(mode=0o500)
        done = run_as_other(program, str(folder / "in"), str(folder / "closed" / "out"))
    assert "/closed/" in done.stdout and done.stderr == ""


@pytest.mark.parametrize("level", [-1, 10, 2**40])
def test_a_compression_level_that_does_not_exist_is_wrong_usage(level: int, tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(SMALL)
    with pytest.raises(errors.UsageError, match="level"):
        airscoop.copy(tmp_path / "in", tmp_path / "out.gz", compression_level=level)
    assert [item.name for item in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"on_invalid_characters": "replce"}, 'on_invalid_characters cannot be "replce"'),
        ({"on_nonfinite": "nul"}, 'on_nonfinite cannot be "nul"'),
        ({"object_options": {"tags": {"a": "b"}}}, r"an airscoop\.ObjectOptions, not dict"),
        ({"s3": {"region": "x"}}, r"s3 has to be an airscoop\.S3Settings, not dict"),
        ({"source_s3": {"region": "x"}}, r"an airscoop\.S3Settings, not dict"),
        ({"resume": "state.json"}, r"FileResumeStore\(path\), not str"),
    ],
)
def test_an_option_of_another_kind_is_named(
    option: dict[str, Any], message: str, tmp_path: Path
) -> None:
    (tmp_path / "in").write_bytes(b"{}\n")
    with pytest.raises(errors.UsageError, match=message):
        airscoop.copy(tmp_path / "in", tmp_path / "out", **option)
    assert not (tmp_path / "out").exists()


def test_a_memory_limit_that_is_too_small_says_what_is_needed(source: Path, store: Store) -> None:
    with pytest.raises(errors.UsageError, match="memory_limit"):
        airscoop.copy(source, store.uri("a"), memory_limit=MIB, destination_s3=store.settings())
    store.assert_untouched()


def test_a_file_name_may_be_written_as_a_url(tmp_path: Path) -> None:
    (tmp_path / "in put").write_bytes(SMALL)
    airscoop.copy(f"file://{tmp_path}/in%20put", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == SMALL


@pytest.mark.parametrize(
    ("configured", "kept"),
    [
        (None, False),
        ("https://s3.eu-west-1.amazonaws.com", False),
        ("https://bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com", True),
        ("http://127.0.0.1:9000", True),
    ],
)
def test_a_configured_endpoint_that_is_not_the_usual_one_is_kept(
    configured: str | None, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    if configured is not None:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", configured)
    found = S3Settings(credentials=OWNER, region="eu-west-1").resolved()
    assert found.endpoint_url == (configured if kept else None)
