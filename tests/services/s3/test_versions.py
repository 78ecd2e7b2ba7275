"""version_id: another version of an object than the newest, in every verb that reads."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import airscoop
from airscoop import errors, storage
from airscoop.resume import FileResumeStore
from support.fault_server import FaultProxy, cut_answer, error, fault_proxy
from support.s3 import MIB, PART_BYTES, Store, noise

OLD, NEW = noise(PART_BYTES + MIB, seed=1), noise(PART_BYTES + MIB, seed=2)


@pytest.fixture(scope="module")
def bucket(s3_server: Store) -> Iterator[str]:
    """One that keeps all versions."""
    name = "versions"
    s3_server.client.create_bucket(Bucket=name)
    s3_server.client.put_bucket_versioning(
        Bucket=name, VersioningConfiguration={"Status": "Enabled"}
    )
    yield name


class Versioned:
    """An object with two versions."""

    def __init__(self, store: Store, bucket: str, key: str) -> None:
        self.client, self.bucket, self.key = store.client, bucket, key
        self.uri = f"s3://{bucket}/{key}"
        self.old, self.new = self.put(OLD), self.put(NEW)

    def put(self, data: bytes) -> str:
        answer = self.client.put_object(Bucket=self.bucket, Key=self.key, Body=data)
        return str(answer["VersionId"])

    def newest(self) -> bytes:
        body: bytes = self.client.get_object(Bucket=self.bucket, Key=self.key)["Body"].read()
        return body


@pytest.fixture
def twice(store: Store, bucket: str) -> Versioned:
    return Versioned(store, bucket, store.key("a b"))


def test_each_verb_reads_the_version(twice: Versioned, store: Store, tmp_path: Path) -> None:
    s3 = store.settings()
    for version, data in ((twice.old, OLD), (twice.new, NEW), (None, NEW)):
        with airscoop.open(twice.uri, "rb", version_id=version, s3=s3) as file:
            assert file.read() == data
        assert b"".join(airscoop.read(twice.uri, format="raw", version_id=version, s3=s3)) == data
        receipt = airscoop.copy(twice.uri, tmp_path / "to", version_id=version, source_s3=s3)
        assert (tmp_path / "to").read_bytes() == data
        assert receipt.version_id == version
        info = storage.head(twice.uri, version_id=version, s3=s3)
        assert info.etag == receipt.source_etag
        checked = airscoop.check(twice.uri, format="raw", version_id=version, s3=s3)
        assert checked.source_etag == info.etag


@pytest.mark.parametrize("server_side", [True, False])
def test_a_copy_within_s3_is_of_the_version(
    server_side: bool, twice: Versioned, store: Store
) -> None:
    s3 = store.settings()
    receipt = airscoop.copy(
        twice.uri,
        store.uri("to"),
        version_id=twice.old,
        server_side=server_side,
        source_s3=s3,
        destination_s3=s3,
    )
    assert receipt.server_side is server_side
    assert store.get("to") == OLD


@pytest.mark.parametrize("server_side", [True, False])
def test_an_older_version_is_made_the_newest(
    server_side: bool, twice: Versioned, store: Store
) -> None:
    s3 = store.settings()
    airscoop.copy(
        twice.uri,
        twice.uri,
        version_id=twice.old,
        server_side=server_side,
        source_s3=s3,
        destination_s3=s3,
    )
    assert twice.newest() == OLD


def test_every_request_of_a_server_side_copy_is_for_the_version(
    twice: Versioned, store: Store
) -> None:
    with fault_proxy(store.endpoint) as proxy:
        s3 = store.settings(endpoint_url=proxy.url)
        airscoop.copy(
            twice.uri, store.uri("to"), version_id=twice.old, source_s3=s3, destination_s3=s3
        )
        for request in proxy.server.requests:
            named = request.headers.get("x-amz-copy-source", f"?versionId={twice.old}")
            assert named.endswith(f"?versionId={twice.old}")
            if request.path.endswith("/a%20b"):
                assert f"versionId={twice.old}" in request.query
        assert {"head", "put"} <= set(proxy.kinds()) or "part" in proxy.kinds()


def test_a_read_that_breaks_goes_on_in_the_version(twice: Versioned, store: Store) -> None:
    with fault_proxy(store.endpoint) as proxy:
        proxy.on("get", cut_answer, times=1)
        s3 = store.settings(endpoint_url=proxy.url)
        with airscoop.open(twice.uri, "rb", version_id=twice.old, s3=s3) as file:
            twice.put(NEW)
            assert file.read() == OLD
        for request in proxy.requests("get"):
            assert f"versionId={twice.old}" in request.query


def test_another_version_does_not_go_on_with_the_upload_of_one(
    twice: Versioned, store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    resume = FileResumeStore(tmp_path / "note")
    s3 = store.settings(endpoint_url=proxy.url)

    def copy(version: str) -> airscoop.CopyReceipt:
        return airscoop.copy(
            twice.uri,
            store.uri("to"),
            version_id=version,
            server_side=False,
            resume=resume,
            source_s3=s3,
            destination_s3=s3,
        )

    failing = proxy.on("complete", error("InternalError", 500), times=100)
    with pytest.raises(errors.HttpError):
        copy(twice.old)
    failing.times = 0
    assert copy(twice.new).resumed == "restarted"
    assert store.get("to") == NEW


def test_a_version_that_is_not_there(twice: Versioned, store: Store) -> None:
    s3 = store.settings()
    twice.client.delete_object(Bucket=twice.bucket, Key=twice.key, VersionId=twice.old)
    with pytest.raises(FileNotFoundError) as caught:
        airscoop.open(twice.uri, version_id=twice.old, s3=s3)
    assert caught.value.filename == twice.uri
    with pytest.raises(errors.AirscoopError):
        storage.head(twice.uri, version_id=twice.old, s3=s3)


def test_a_version_outlives_a_delete(twice: Versioned, store: Store) -> None:
    s3 = store.settings()
    twice.client.delete_object(Bucket=twice.bucket, Key=twice.key)
    with pytest.raises(FileNotFoundError):
        airscoop.open(twice.uri, s3=s3)
    with airscoop.open(twice.uri, "rb", version_id=twice.new, s3=s3) as file:
        assert file.read() == NEW


def test_who_may_not_read_a_version_is_told_the_right_action(
    twice: Versioned, store: Store, proxy: FaultProxy
) -> None:
    proxy.on("get", error("AccessDenied", 403), times=100)
    s3 = store.settings(endpoint_url=proxy.url)
    with pytest.raises(PermissionError, match="s3:GetObjectVersion"):
        airscoop.open(twice.uri, version_id=twice.old, s3=s3)


@pytest.mark.parametrize("verb", ["copy", "cat", "head", "check"])
def test_the_command_reads_the_version(
    verb: str, store: Store, bucket: str, tmp_path: Path
) -> None:
    twice = Versioned(store, bucket, store.key("lines.gz"))
    old = twice.put(gzip.compress(b'{"n": 1}\n'))
    twice.put(gzip.compress(b"no JSON"))
    to = [str(tmp_path / "to")] if verb == "copy" else []
    done = subprocess.run(
        [sys.executable, "-m", "airscoop.cli", verb, twice.uri, *to, "--version-id", old],
        env=store.environment(),
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    if verb in ("cat", "head"):
        assert done.stdout == b'{"n": 1}\n'
    if verb == "copy":
        assert b'{"n": 1}' in (tmp_path / "to").read_bytes()


def test_a_version_is_of_one_object_in_s3(store: Store, tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    for verb in (
        lambda: airscoop.open(tmp_path / "f", version_id="1"),
        lambda: airscoop.copy("-", tmp_path / "to", version_id="1"),
        lambda: airscoop.copy("http://localhost/a", tmp_path / "to", version_id="1"),
        lambda: airscoop.open(store.uri("a"), version_id="", s3=store.settings()),
        lambda: airscoop.copy_prefix("s3://b/p/", "s3://c/q/", version_id="1"),  # type: ignore[call-arg]
        lambda: airscoop.open(tmp_path / "to", "w", version_id="1"),
    ):
        with pytest.raises(errors.UsageError, match="version_id"):
            verb()
