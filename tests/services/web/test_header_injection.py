"""No setting, whoever gives it, becomes a header line of its own: what cannot be sent is refused by
its name, before anything is sent, and without telling a secret."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import Credentials, S3Settings, errors, storage
from support.fault_server import FaultProxy, origin, with_length
from support.s3 import AIRSCOOP, OWNER, Store

LINES = "s3cr3t\r\nX-Injected: 1"
PUBLIC: dict[str, Any] = {
    "access_key_id": OWNER.access_key_id,
    "secret_access_key": OWNER.secret_access_key,
}


def credentials(**changes: str) -> dict[str, Any]:
    return {"credentials": Credentials(**(PUBLIC | changes))}


SETTINGS: dict[str, tuple[dict[str, Any], type[Exception]]] = {
    "region": ({"region": LINES}, errors.UsageError),
    "expected_bucket_owner": ({"expected_bucket_owner": LINES}, errors.UsageError),
    "endpoint URL": ({"endpoint_url": f"http://127.0.0.1:9/{LINES}"}, errors.UsageError),
    "access key id": (credentials(access_key_id=LINES), errors.CredentialsMissing),
    "secret access key": (credentials(secret_access_key=LINES), errors.CredentialsMissing),
    "session token": (credentials(session_token=LINES), errors.CredentialsMissing),
    "session token of a provider": (
        {
            "credentials": None,
            "credentials_provider": lambda: Credentials(session_token=LINES, **PUBLIC),
        },
        errors.CredentialsMissing,
    ),
}


def _to(settings: S3Settings, store: Store, file: Path) -> object:
    return airscoop.copy(file, store.uri("f"), destination_s3=settings)


def _from(settings: S3Settings, store: Store, file: Path) -> object:
    return airscoop.copy(store.uri("f"), file, source_s3=settings)


def _ask(settings: S3Settings, store: Store, file: Path) -> object:
    return storage.head(store.uri("f"), s3=settings)


@pytest.mark.parametrize("ask", [_to, _from, _ask], ids=["copy to", "copy from", "head"])
@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_with_a_line_break_is_refused_by_its_name(
    store: Store,
    proxy: FaultProxy,
    tmp_path: Path,
    name: str,
    ask: Callable[[S3Settings, Store, Path], object],
) -> None:
    setting, kind = SETTINGS[name]
    (tmp_path / "f").write_bytes(b"data")
    with pytest.raises(kind, match=name.removesuffix(" of a provider")) as failed:
        ask(store.settings(**({"endpoint_url": proxy.url} | setting)), store, tmp_path / "f")
    assert "s3cr3t" not in str(failed.value) and "\n" not in str(failed.value)
    assert proxy.server.requests == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"secret_access_key": f"{OWNER.secret_access_key}\n"}, "secret access key ends in a line"),
        ({"secret_access_key": f" {OWNER.secret_access_key}"}, "secret access key has white space"),
        ({"access_key_id": f"{OWNER.access_key_id} "}, "access key id has white space"),
        ({"session_token": "token\r\n"}, "session token ends in a line break"),
    ],
)
def test_white_space_around_a_credential_is_no_wrong_signature(
    store: Store, proxy: FaultProxy, changed: dict[str, str], said: str
) -> None:
    with pytest.raises(errors.CredentialsMissing, match=said) as failed:
        storage.head(
            store.uri("f"), s3=store.settings(endpoint_url=proxy.url, **credentials(**changed))
        )
    assert OWNER.secret_access_key not in str(failed.value)
    assert proxy.server.requests == []


@pytest.mark.parametrize(
    ("flags", "environment", "said"),
    [
        ([], {"AWS_SESSION_TOKEN": LINES}, "session token"),
        ([], {"AWS_SECRET_ACCESS_KEY": f"{OWNER.secret_access_key}\n"}, "secret access key"),
        (["--region", f"us-east-1{LINES}"], {}, "region"),
        ([], {"AWS_DEFAULT_REGION": LINES}, "region"),
    ],
)
def test_the_command_line_says_which_setting_it_is(
    store: Store,
    proxy: FaultProxy,
    tmp_path: Path,
    flags: list[str],
    environment: dict[str, str],
    said: str,
) -> None:
    (tmp_path / "f").write_bytes(b"data")
    done = subprocess.run(
        [*AIRSCOOP, "copy", "-q", tmp_path / "f", store.uri("f"), *flags],
        env=store.environment() | {"AWS_ENDPOINT_URL_S3": proxy.url} | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0 and said in done.stderr
    assert "s3cr3t" not in done.stderr and OWNER.secret_access_key not in done.stderr
    assert proxy.server.requests == []


@pytest.mark.parametrize("name", [n for n in SETTINGS if n != "expected_bucket_owner"])
def test_publishing_refuses_the_same(tmp_path: Path, name: str) -> None:
    setting, kind = SETTINGS[name]
    (tmp_path / "f").write_bytes(b'{"key": "1"}\n')
    with origin() as server:
        url = server.serve("/", with_length(b"{}"))
        values: dict[str, Any] = {"credentials": OWNER, "endpoint_url": url, "region": "us-east-1"}
        kinesis = airscoop.KinesisSettings(**(values | setting))
        with pytest.raises(kind, match=name.removesuffix(" of a provider")) as failed:
            airscoop.publish(tmp_path / "f", "stream", kinesis=kinesis)
        assert "s3cr3t" not in str(failed.value)
        assert server.heads == []


@pytest.mark.parametrize("place", ["/a\r\nX-Injected: 1", "\r\nX-Injected: 1/a", "/a\tb"])
def test_a_url_with_a_line_break_is_refused(tmp_path: Path, place: str) -> None:
    with origin() as server:
        url = server.serve("/a", with_length(b"data"))
        with pytest.raises(errors.UsageError):
            airscoop.copy(url.removesuffix("/a") + place, tmp_path / "f")
        assert server.heads == []


@pytest.mark.parametrize(
    ("bucket", "cause"),
    [
        (
            "a\r\nX-Injected: 1",
            "an s3:// name holds no user",
        ),  # a password may stand behind a colon
        ("evil#", "is no bucket name"),
        ("user@evil", "an s3:// name holds no user"),
        ("evil?", "is no bucket name"),
        ("a b", "is no bucket name"),
        ("ä", "is no bucket name"),
    ],
)
def test_a_bucket_that_is_no_name_is_asked_for_nowhere(
    proxy: FaultProxy, bucket: str, cause: str
) -> None:
    settings = S3Settings(credentials=OWNER, endpoint_url=proxy.url, region="us-east-1")
    for ask in (
        storage.head,
        storage.delete,
        lambda uri, s3: list(storage.list_objects(uri, s3=s3)),
    ):
        with pytest.raises(errors.UsageError, match=cause):
            ask(f"s3://{bucket}/key", s3=settings)
    assert proxy.server.requests == []


@pytest.mark.parametrize("key", ["a\r\nX-Injected: 1", "a\nb"])
def test_a_line_break_in_a_key_is_part_of_the_key(
    store: Store, proxy: FaultProxy, tmp_path: Path, key: str
) -> None:
    (tmp_path / "f").write_bytes(b"data")
    settings = store.settings(endpoint_url=proxy.url)
    airscoop.copy(tmp_path / "f", store.uri(key), destination_s3=settings)
    airscoop.copy(store.uri(key), store.uri("g"), source_s3=settings, destination_s3=settings)
    assert store.get("g") == b"data"
    assert all(request.headers["X-Injected"] is None for request in proxy.server.requests)


@pytest.mark.parametrize("etag", ['"a\rX-Injected: 1"', '"\x01"'])
def test_what_a_server_says_is_not_sent_on_as_a_header(tmp_path: Path, etag: str) -> None:
    with origin() as server:
        lines = f"Accept-Ranges: bytes\r\nETag: {etag}\r\n"
        url = server.serve("/a", with_length(b"half", said=200_000, headers=lines))
        with pytest.raises(errors.AirscoopError):
            airscoop.copy(url, tmp_path / "f", restarts=0)
        assert len(server.heads) == 1
