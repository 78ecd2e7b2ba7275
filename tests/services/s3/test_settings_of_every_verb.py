"""`timeout`, `proxies` and `ca_file` of settings: every verb that asks S3 or Kinesis keeps them."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import KinesisSettings, S3Settings, Timeouts, errors
from airscoop.storage import delete, head, list_objects
from airscoop.uploads import OpenUpload, abort, clean, list_parts, list_uploads
from support.certificates import make_certificate
from support.fault_server import Origin, with_length
from support.s3 import Store
from support.tls_relay import tls_relay

KEYS = airscoop.Credentials(access_key_id="a", secret_access_key="b")
SHORT = 0.2
PLACE, PREFIX = "s3://bucket/f", "s3://bucket/f/"
UPLOAD = OpenUpload(bucket="bucket", key="f", upload_id="u")
CHANGE = {"op": "INSERT", "key": {"PK": "1"}, "row": {"PK": "1"}, "id": "0"}

Verb = Callable[[S3Settings, Path], object]


def upload(s3: S3Settings, folder: Path) -> None:
    with airscoop.Upload(PLACE, s3=s3) as file:
        file.write(b"{}\n")


def write(s3: S3Settings, folder: Path) -> None:
    with airscoop.open(PLACE, "wb", s3=s3) as file:
        file.write(b"x")


def write_delta(s3: S3Settings, folder: Path) -> None:
    airscoop.delta(None, folder / "new.csv").write(PLACE, s3=s3)


def publish(s3: S3Settings, folder: Path) -> None:
    """The stream is there: it is asked for first."""
    about = b'{"StreamDescriptionSummary":{"StreamStatus":"ACTIVE"}}'
    with contextlib.closing(Origin()) as stream:
        url = stream.serve("/", with_length(about))
        kinesis = KinesisSettings(endpoint_url=url, region="us-east-1", credentials=KEYS)
        airscoop.publish(PLACE, "s", s3=s3, kinesis=kinesis)


VERBS: dict[str, Verb] = {
    "copy from": lambda s3, folder: airscoop.copy(PLACE, folder / "out", s3=s3),
    "copy to": lambda s3, folder: airscoop.copy(folder / "new.csv", PLACE, s3=s3),
    "copy by the server": lambda s3, folder: airscoop.copy(PLACE, PLACE + "2", s3=s3),
    "copy_prefix from": lambda s3, folder: airscoop.copy_prefix(PREFIX, f"{folder}/o/", s3=s3),
    "copy_prefix to": lambda s3, folder: airscoop.copy_prefix(f"{folder}/", PREFIX, s3=s3),
    "check": lambda s3, folder: airscoop.check(PLACE, s3=s3),
    "read": lambda s3, folder: list(airscoop.read(PLACE, s3=s3)),
    "open to read": lambda s3, folder: airscoop.open(PLACE, "rb", s3=s3).read(),
    "open to write": write,
    "Upload": upload,
    "storage.head": lambda s3, folder: head(PLACE, s3=s3),
    "storage.list_objects": lambda s3, folder: list(list_objects(PLACE, s3=s3)),
    "storage.delete": lambda s3, folder: delete(PLACE, s3=s3),
    "uploads.list_uploads": lambda s3, folder: list(list_uploads(PLACE, s3=s3)),
    "uploads.list_parts": lambda s3, folder: list_parts(UPLOAD, s3=s3),
    "uploads.clean": lambda s3, folder: clean(PLACE, s3=s3),
    "uploads.abort": lambda s3, folder: abort(UPLOAD, s3=s3),
    "delta": lambda s3, folder: airscoop.delta(None, PLACE, s3=s3),
    "Delta.write": write_delta,
    "publish": publish,
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "new.csv").write_text("PK,a\n1,x\n")
    (tmp_path / "changes.jsonl").write_text(json.dumps(CHANGE) + "\n")
    return tmp_path


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that takes connections, and never says a word."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=64))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def s3_at(endpoint: str, **more: Any) -> S3Settings:
    return S3Settings(endpoint_url=endpoint, region="us-east-1", credentials=KEYS, **more)


@pytest.mark.parametrize("verb", VERBS)
def test_what_a_request_may_take_is_as_the_settings_say(
    verb: str, silent: str, folder: Path
) -> None:
    settings = s3_at(silent, timeout=Timeouts(first_byte=SHORT))
    failed = (errors.TimedOut, errors.PrefixIncomplete)
    with pytest.raises(failed, match=r"nothing came of the answer's data for 0\.2 s"):
        VERBS[verb](settings, folder)


@pytest.mark.parametrize("verb", VERBS)
def test_requests_go_by_the_proxies_of_the_settings(verb: str, folder: Path) -> None:
    settings = s3_at("http://s3.invalid", proxies={"http": "http://127.0.0.1:9"})
    failed = (errors.ConnectionFailed, errors.PrefixIncomplete)
    with pytest.raises(failed, match=r"proxy .*127\.0\.0\.1:9"):
        VERBS[verb](settings, folder)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.mark.parametrize("verb", VERBS)
def test_the_authorities_of_the_settings_are_trusted(
    verb: str, authority: Path, folder: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of keys that the server does not know: it is asked, and refuses."""
    for name in ("AWS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    with tls_relay(store.endpoint, authority) as endpoint:
        with pytest.raises((errors.TlsError, errors.PrefixIncomplete), match="certificate"):
            VERBS[verb](s3_at(endpoint), folder)
        with pytest.raises(errors.AirscoopError) as refused:
            VERBS[verb](s3_at(endpoint, ca_file=str(authority)), folder)
    assert "certificate" not in str(refused.value)


def send(folder: Path, **settings: Any) -> None:
    kinesis = KinesisSettings(region="us-east-1", credentials=KEYS, **settings)
    airscoop.publish(folder / "changes.jsonl", "s", kinesis=kinesis, retry_seconds=0)


def test_kinesis_is_asked_as_its_settings_say(
    silent: str, folder: Path, authority: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(errors.TimedOut, match=r"nothing came of the answer's data for 0\.2 s"):
        send(folder, endpoint_url=silent, timeout={"first_byte": SHORT})
    with pytest.raises(errors.ConnectionFailed, match="proxy"):
        send(folder, endpoint_url="http://k.invalid", proxies={"http": "http://127.0.0.1:9"})
    with tls_relay(store.endpoint, authority) as endpoint:
        with pytest.raises(errors.TlsError):
            send(folder, endpoint_url=endpoint)
        with pytest.raises(errors.AirscoopError) as refused:
            send(folder, endpoint_url=endpoint, ca_file=str(authority))
    assert refused.value.http_status is not None


def test_the_limits_of_settings_go_before_those_of_the_call(silent: str, tmp_path: Path) -> None:
    """Each by itself; what settings do not say the call says."""
    settings = s3_at(silent, timeout={"first_byte": SHORT})
    with pytest.raises(errors.TimedOut, match=r"for 0\.2 s"):
        airscoop.copy(PLACE, tmp_path / "f", s3=settings, timeout=Timeouts(first_byte=60))
    settings = s3_at(silent, timeout={"idle": 60})
    with pytest.raises(errors.TimedOut, match=r"for 0\.3 s"):
        airscoop.copy(PLACE, tmp_path / "f", s3=settings, timeout=Timeouts(first_byte=0.3))


def test_the_limits_of_settings_are_not_those_of_a_web_source(
    web: Origin, store: Store, tmp_path: Path
) -> None:
    import time

    def late(connection: socket.socket, head: str) -> None:
        time.sleep(4 * SHORT)
        with_length(b"x" * 9)(connection, head)

    settings = dataclasses.replace(
        store.settings(), timeout=Timeouts(first_byte=2 * SHORT, idle=60)
    )
    receipt = airscoop.copy(web.serve("/f", late), store.uri("f"), s3=settings)
    assert (receipt.source_bytes, receipt.retries) == (9, 0)
