"""Exceptions of credentials providers, whatever thread asked them, and references to providers."""

from __future__ import annotations

import dataclasses
import gc
import os
import subprocess
import sys
import time
import weakref
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import Credentials, KinesisSettings, S3Settings, Warehouse, errors, storage
from airscoop.aws.credentials import CredentialsProvider
from airscoop.transfer.job import TransferJob
from airscoop.transfer.options import TransferOptions
from support.fault_server import error, fault_proxy
from support.kinesis import Stream, change, lines
from support.paths import PACKAGE_ROOT
from support.s3 import MIB, OWNER, Store, noise

EXPORT = b"PK,name\n1,Ann\n"
CHANGES = lines([change(number) for number in range(10)])


class Unlucky(Exception):
    """What a provider raises."""


class Uses:
    """Everything that asks a provider. Delta and Publish read on threads of the engine's."""

    def __init__(self, store: Store, folder: Path, fixture: Callable[[str], Any]) -> None:
        self._store, self._folder, self._fixture = store, folder, fixture

    def copy_from(self, s3: S3Settings) -> object:
        return airscoop.copy(self._store.put("f", noise(100)), self._folder / "f", source_s3=s3)

    def copy_to(self, s3: S3Settings) -> object:
        (self._folder / "f").write_bytes(noise(100))
        return airscoop.copy(self._folder / "f", self._store.uri("f"), destination_s3=s3)

    def write(self, s3: S3Settings) -> object:
        with airscoop.open(self._store.uri("f"), "wb", s3=s3) as file:
            return file.write(noise(100))

    def read(self, s3: S3Settings) -> object:
        with airscoop.open(self._store.put("f", noise(100)), "rb", s3=s3) as file:
            return file.read()

    def list(self, s3: S3Settings) -> object:
        self._store.put("f", b"")
        return list(storage.list_objects(self._store.uri(""), s3=s3))

    def delta_old(self, s3: S3Settings) -> object:
        (self._folder / "new.csv").write_bytes(EXPORT)
        old = self._store.put("old.csv", EXPORT)
        return airscoop.delta(old, self._folder / "new.csv", s3=s3)

    def delta_both(self, s3: S3Settings) -> object:
        old, new = self._store.put("old.csv", EXPORT), self._store.put("new.csv", EXPORT)
        return airscoop.delta(old, new, s3=s3)

    def delta_parts(self, s3: S3Settings) -> object:
        parts = [self._store.put(f"{n}.csv", b"PK,name\n%d,Ann\n" % n) for n in range(3)]
        return airscoop.delta(None, parts, s3=s3)

    def publish_from(self, s3: S3Settings) -> object:
        changes, stream = self._store.put("changes.jsonl", CHANGES), self._stream()
        return airscoop.publish(changes, stream.name, s3=s3, kinesis=stream.settings())

    def _stream(self) -> Stream:
        stream: Stream = self._fixture("stream")
        return stream

    def publish_to(self, s3: S3Settings) -> object:
        (self._folder / "changes.jsonl").write_bytes(CHANGES)
        stream = self._stream()
        kinesis = stream.settings(credentials=None, credentials_provider=s3.credentials_provider)
        return airscoop.publish(self._folder / "changes.jsonl", stream.name, kinesis=kinesis)

    def apply(self, s3: S3Settings) -> object:
        changes = self._store.put("changes.jsonl", CHANGES)
        with Warehouse(self._fixture("database")["dsn"], dialect="postgres") as warehouse:
            warehouse.execute('CREATE TABLE IF NOT EXISTS t ("PK" text, n text, text text)')
            return warehouse.apply_changes(changes, table="public.t", key=["PK"], s3=s3)


USES = [name for name in vars(Uses) if not name.startswith("_")]


@pytest.fixture
def uses(store: Store, tmp_path: Path, request: pytest.FixtureRequest) -> Uses:
    return Uses(store, tmp_path, request.getfixturevalue)


def failing(store: Store, failure: BaseException) -> S3Settings:
    def provider() -> Credentials:
        raise failure

    return store.settings(credentials=None, credentials_provider=provider)


@pytest.mark.parametrize("use", USES)
def test_an_exception_is_the_cause_of_ours(use: str, uses: Uses, store: Store) -> None:
    failure = Unlucky("with SECRET text")
    with pytest.raises(errors.CredentialsMissing, match="provider failed: Unlucky") as caught:
        getattr(uses, use)(failing(store, failure))
    assert caught.value.__cause__ is failure
    assert failure.__traceback__ is not None
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    "failure",
    [errors.Throttled("later"), KeyboardInterrupt(), SystemExit(3)],
    ids=["ours", "interrupt", "exit"],
)
def test_our_own_and_what_ends_the_program_go_on_as_they_are(
    failure: BaseException, use: str, uses: Uses, store: Store
) -> None:
    with pytest.raises(type(failure)) as caught:
        getattr(uses, use)(failing(store, failure))
    assert caught.value is failure


@pytest.mark.parametrize("use", USES)
def test_an_exception_is_not_kept_and_not_told_of_others(
    use: str, uses: Uses, store: Store
) -> None:
    failure = Unlucky()
    gone = weakref.ref(failure)
    with pytest.raises(errors.CredentialsMissing):
        getattr(uses, use)(failing(store, failure))
    del failure
    gc.collect()
    assert gone() is None
    with pytest.raises(errors.CredentialsMissing) as caught:
        storage.head(store.uri("f"), s3=failing(store, ValueError()))
    assert isinstance(caught.value.__cause__, ValueError)


@pytest.mark.parametrize("use", USES)
def test_a_provider_that_gives_is_asked_and_let_go(use: str, uses: Uses, store: Store) -> None:
    class Provider:
        calls = 0

        def __call__(self) -> Credentials:
            self.calls += 1
            return OWNER

    provider = Provider()
    gone = weakref.ref(provider)
    assert getattr(uses, use)(store.settings(credentials=None, credentials_provider=provider))
    assert provider.calls > 0
    del provider
    gc.collect()
    assert gone() is None


# --- cycles ---


def copying(store: Store, provider: CredentialsProvider) -> object:
    settings = store.settings(credentials=None, credentials_provider=provider)
    options = TransferOptions(
        source=store.uri("a"), destination=store.uri("b"),
        source_s3=settings, destination_s3=settings,
    )  # fmt: skip
    return TransferJob(options)


def uploading(store: Store, provider: CredentialsProvider) -> object:
    settings = store.settings(credentials=None, credentials_provider=provider)
    upload = airscoop.Upload(store.uri("a"), s3=settings)
    upload.write(noise(17 << 20))
    return upload


def comparing(store: Store, provider: CredentialsProvider) -> object:
    settings = store.settings(credentials=None, credentials_provider=provider)
    return airscoop.DeltaJob(store.uri("old.csv"), store.uri("new.csv"), s3=settings)


def publishing(store: Store, provider: CredentialsProvider) -> object:
    settings = store.settings(credentials=None, credentials_provider=provider)
    kinesis = KinesisSettings(credentials_provider=provider, region="us-east-1")
    return airscoop.PublishJob(store.uri("changes.jsonl"), "any", s3=settings, kinesis=kinesis)


@pytest.mark.parametrize("make", [copying, uploading, comparing, publishing])
def test_a_cycle_through_a_provider_is_collected(
    make: Callable[[Store, CredentialsProvider], object], store: Store
) -> None:
    class Provider:
        job: Any = None

        def __call__(self) -> Credentials:
            return OWNER

    provider = Provider()
    provider.job = make(store, provider)
    gone = weakref.ref(provider)
    del provider
    gc.collect()
    assert gone() is None
    store.assert_untouched()


def test_a_cycle_is_collected_while_its_provider_can_still_be_asked(store: Store) -> None:
    """What is dropped is taken back, for which its provider may be needed."""

    class Provider:
        job: Any = None
        calls = 0

        def __call__(self) -> Credentials:
            type(self).calls += 1
            return dataclasses.replace(OWNER, expires_at=datetime.now(UTC) + timedelta(seconds=1))

    provider = Provider()
    provider.job = uploading(store, provider)
    asked = Provider.calls
    time.sleep(1.1)  # they have expired now
    del provider
    gc.collect()
    assert Provider.calls > asked
    store.assert_untouched()


# --- interpreters ---

SUBINTERPRETER = """
import sys
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

import airscoop._native
for keywords in ({}, {"isolated": False}):
    other = interpreters.create(**keywords)
    try:
        interpreters.run_string(other, "import airscoop._native")
    except Exception as error:
        print("interpreter" in str(error) and "ImportError" in str(error))
    interpreters.destroy(other)
"""


def test_a_subinterpreter_is_told_that_it_cannot_load_the_engine() -> None:
    """Providers would be called in the wrong one."""
    done = subprocess.run(
        [sys.executable, "-c", SUBINTERPRETER],
        env=os.environ | {"PYTHONPATH": str(PACKAGE_ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout == "True\nTrue\n", done.stderr


def test_an_exception_that_comes_after_a_write_is_the_cause_of_a_later_one(store: Store) -> None:
    """What was written is taken before the answer comes that has the provider be asked again."""
    failure = Unlucky()
    asked: list[bool] = []

    def provider() -> Credentials:
        if asked:
            raise failure
        asked.append(True)
        return OWNER

    with fault_proxy(store.endpoint) as proxy:
        refused = proxy.on("part", error("ExpiredToken", 400))
        s3 = store.settings(endpoint_url=proxy.url, credentials=None, credentials_provider=provider)
        upload = airscoop.Upload(store.uri("f"), s3=s3)
        with pytest.raises(errors.CredentialsMissing, match="failed: Unlucky") as caught, upload:
            upload.write(noise(20 * MIB))
            for _ in range(20_000):
                upload.write(b"x")
                time.sleep(0.001)
    assert refused.fired == 1
    assert caught.value.__cause__ is failure
