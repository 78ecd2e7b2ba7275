"""A CA file that is given is what every request goes by, not only those for the data itself."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import airscoop
from airscoop import S3Settings, errors
from support.certificates import make_certificate
from support.s3 import AIRSCOOP, Store, begin
from support.tls_relay import tls_relay


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def secure(store: Store, authority: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Settings]:
    for name in ("AWS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    with tls_relay(store.endpoint, authority) as endpoint:
        yield store.settings(endpoint_url=endpoint)


def test_prefixes_are_listed_and_compared_by_it(
    store: Store, secure: S3Settings, authority: Path, tmp_path: Path
) -> None:
    store.put("in/a", b"a")
    store.put("in/b", b"b")
    source = store.uri("in/")
    trusting = dataclasses.replace(secure, ca_file=str(authority))
    with pytest.raises(errors.TlsError):
        airscoop.copy_prefix(source, f"{tmp_path}/out/", source_s3=secure)
    airscoop.copy_prefix(source, f"{tmp_path}/out/", source_s3=trusting)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a", "b"]
    for equal in (0, 2):
        receipt = airscoop.copy_prefix(
            f"{tmp_path}/out/", store.uri("back/"), destination_s3=trusting
        )
        assert receipt.equal == equal


def test_files_of_an_earlier_run_are_found_and_removed_by_it(
    store: Store, secure: S3Settings, authority: Path, tmp_path: Path
) -> None:
    def copy(data: bytes) -> airscoop.CopyReceipt:
        (tmp_path / "in").write_bytes(data)
        return airscoop.copy(
            tmp_path / "in",
            store.uri("out"),
            split_bytes=5 << 20,
            destination_s3=dataclasses.replace(secure, ca_file=str(authority)),
        )

    assert len(copy(b"a\n" * (3 << 20)).files) == 2
    assert copy(b"a\n").removed == [store.uri("out-00001")]
    assert store.names() == ["out-00000"]


def test_uploads_are_shown_and_ended_by_it(
    store: Store, secure: S3Settings, authority: Path
) -> None:
    begin(store, "a", b"part")
    where = [store.uri(""), "--endpoint-url", str(secure.endpoint_url), "--json"]

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*AIRSCOOP, "uploads", *words], env=store.environment(), capture_output=True, text=True
        )

    assert run("list", *where).returncode != 0
    trusted = [*where, "--ca-file", str(authority)]
    assert json.loads(run("list", *trusted).stdout)["found"] == 1
    cleaned = run("clean", "--older-than", "0s", "--yes", *trusted)
    assert json.loads(cleaned.stdout)["aborted"] == 1
