"""Credentials are found once for an operation and renewed once for all threads that hold them."""

from __future__ import annotations

import copy
import dataclasses
import os
import pickle
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import Credentials, S3Settings, storage, uploads
from airscoop.aws.credentials import Renewal
from airscoop.errors import AccessDenied
from support.s3 import NEXT_OWNER, OWNER, Store, noise


class Provider:
    """Counts how often it is asked, and how many ask at once."""

    def __init__(self, *given: Credentials, seconds: float = 0.01) -> None:
        self._given = given or (OWNER,)
        self._seconds = seconds
        self._lock = threading.Lock()
        self.calls = self.inside = self.most_inside = 0

    def __call__(self) -> Credentials:
        with self._lock:
            self.calls += 1
            self.inside += 1
            self.most_inside = max(self.most_inside, self.inside)
            number = self.calls
        time.sleep(self._seconds)  # others come meanwhile
        with self._lock:
            self.inside -= 1
        return self._given[min(number, len(self._given)) - 1]


def settings(store: Store, provider: Callable[[], Credentials], **changes: Any) -> S3Settings:
    return store.settings(credentials=None, credentials_provider=provider, **changes)


@pytest.fixture
def hundred(store: Store) -> Store:
    for number in range(100):
        store.put(f"in/{number:03}", b"%d" % number)
    return store


@pytest.mark.parametrize("to_s3", [True, False])
def test_a_prefix_of_a_hundred_objects_asks_once(
    hundred: Store, tmp_path: Path, to_s3: bool
) -> None:
    provider = Provider()
    destination = hundred.uri("out/") if to_s3 else f"{tmp_path}/"
    receipt = airscoop.copy_prefix(
        hundred.uri("in/"),
        destination,
        source_s3=settings(hundred, provider),
        destination_s3=settings(hundred, provider, payload_signing="always"),
    )
    assert receipt.copied == 100
    assert provider.calls == 1


def test_threads_that_start_at_once_ask_once(hundred: Store) -> None:
    provider = Provider(seconds=0.2)
    both = settings(hundred, provider)
    with ThreadPoolExecutor(8) as pool:
        heads = [pool.submit(storage.head, hundred.uri(f"in/{n:03}"), s3=both) for n in range(8)]
        assert [head.result().size for head in heads] == [1] * 8
    assert (provider.calls, provider.most_inside) == (1, 1)


def test_eight_threads_whose_credentials_are_refused_renew_them_once() -> None:
    provider = Provider(OWNER, NEXT_OWNER, seconds=0.1)
    renewal = Renewal.of(provider)
    assert renewal(None, None)[0] == OWNER.access_key_id
    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(lambda _: renewal(OWNER.access_key_id, None)[0], range(8)))
    assert given == [NEXT_OWNER.access_key_id] * 8
    assert (provider.calls, provider.most_inside) == (2, 1)


def test_credentials_that_are_about_to_expire_are_given_to_nobody_new() -> None:
    soon = dataclasses.replace(OWNER, expires_at=datetime.now(UTC) + timedelta(seconds=0.3))
    later = dataclasses.replace(NEXT_OWNER, expires_at=datetime.now(UTC) + timedelta(hours=1))
    provider = Provider(soon, later)
    renewal = Renewal.of(provider)
    assert renewal(None, None)[0] == OWNER.access_key_id
    time.sleep(0.2)  # more than half of their time
    assert [renewal(None, None)[0] for _ in range(3)] == [NEXT_OWNER.access_key_id] * 3
    assert provider.calls == 2


def test_settings_with_one_provider_share_its_renewal_and_others_do_not() -> None:
    provider = Provider()
    one = S3Settings(credentials_provider=provider)
    assert one.renewal is dataclasses.replace(one, region="eu-west-1").renewal
    assert one.renewal is S3Settings(credentials_provider=provider, anonymous=True).renewal
    assert one.renewal is airscoop.KinesisSettings(credentials_provider=provider).renewal
    assert one.renewal is not S3Settings(credentials_provider=Provider()).renewal
    assert one.renewal is not dataclasses.replace(one, credentials_provider=Provider()).renewal
    assert one == S3Settings(credentials_provider=provider)
    assert S3Settings().renewal is None


@dataclasses.dataclass
class Unhashable:
    """As a dataclass is, unless it is frozen."""

    calls: int = 0

    def __call__(self) -> Credentials:
        self.calls += 1
        return OWNER


def test_a_provider_need_not_be_hashable(store: Store) -> None:
    provider = Unhashable()
    source, destination = settings(store, provider), settings(store, provider, region="us-east-1")
    airscoop.copy(
        store.put("a", b"a"),
        store.uri("b"),
        server_side=False,
        source_s3=source,
        destination_s3=destination,
    )
    assert (store.get("b"), provider.calls) == (b"a", 1)
    assert source.renewal is not S3Settings(credentials_provider=Unhashable()).renewal


def given() -> Credentials:
    return OWNER


def test_settings_can_be_copied_and_pickled_as_before() -> None:
    one = S3Settings(credentials_provider=given)
    assert copy.deepcopy(one) == one
    assert pickle.loads(pickle.dumps(one)) == one
    assert pickle.loads(pickle.dumps(one)).renewal is one.renewal


# --- botocore ---


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, store: Store) -> list[str | None]:
    """Profiles of the botocore sessions that are made; the profile `p` has the owner's keys."""
    import botocore.session

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    write_profile(tmp_path / "config", store, OWNER)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    made: list[str | None] = []
    init = botocore.session.Session.__init__

    def counted(self: Any, *arguments: Any, **options: Any) -> None:
        made.append(options.get("profile"))
        init(self, *arguments, **options)

    monkeypatch.setattr(botocore.session.Session, "__init__", counted)
    return made


def write_profile(path: Path, store: Store, keys: Credentials) -> None:
    path.write_text(
        f"[profile p]\naws_access_key_id = {keys.access_key_id}\n"
        f"aws_secret_access_key = {keys.secret_access_key}\nregion = us-east-1\n"
        f"endpoint_url = {store.endpoint}\n"
    )


def test_fifty_small_requests_make_one_botocore_session(
    hundred: Store, sessions: list[str | None]
) -> None:
    for number in range(50):
        storage.head(hundred.uri(f"in/{number:03}"), s3=S3Settings(profile="p"))
    assert sessions == ["p"]


def test_eight_threads_make_one_botocore_session(
    hundred: Store, sessions: list[str | None]
) -> None:
    with ThreadPoolExecutor(8) as pool:
        futures = [
            pool.submit(storage.head, hundred.uri(f"in/{n:03}"), s3=S3Settings(profile="p"))
            for n in range(100)
        ]
        assert all(future.result() for future in futures)
    assert sessions == ["p"]


def by_prefix(store: Store, s3: S3Settings) -> None:
    airscoop.copy_prefix(store.uri("in/"), store.uri("out/"), source_s3=s3, destination_s3=s3)


def by_split(store: Store, s3: S3Settings) -> None:
    with airscoop.open(store.uri("x.bin"), "wb", s3=s3, split_bytes=5 * 2**20) as file:
        for number in range(4):
            file.write(noise(6 * 2**20, seed=number) + b"\n")


def by_delta(store: Store, s3: S3Settings) -> None:
    places = [store.put(f"{name}.csv", b"PK,a\n1,b\n") for name in ("a", "b")]
    airscoop.delta(places, places, on_duplicates="last", s3=s3)


def by_cleaning(store: Store, s3: S3Settings) -> None:
    for number in range(5):
        store.client.create_multipart_upload(Bucket="transfers", Key=store.key(f"u{number}"))
    uploads.clean(store.uri(""), older_than=timedelta(0), s3=s3)


@pytest.mark.parametrize("operation", [by_prefix, by_split, by_delta, by_cleaning])
def test_every_operation_resolves_its_settings_once(
    hundred: Store,
    sessions: list[str | None],
    monkeypatch: pytest.MonkeyPatch,
    operation: Callable[[Store, S3Settings], None],
) -> None:
    found: list[S3Settings] = []
    resolve = S3Settings._resolved

    def counted(self: S3Settings) -> S3Settings:
        found.append(self)
        return resolve(self)

    monkeypatch.setattr(S3Settings, "_resolved", counted)
    operation(hundred, S3Settings(profile="p"))
    assert len(found) <= 2  # of its two ends, at most
    assert len(sessions) == 1


def test_on_aws_too_settings_that_are_resolved_stay_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """There an endpoint is never filled in."""
    found = S3Settings(credentials=OWNER, region="eu-west-1", profile=None).resolved()
    monkeypatch.setattr(S3Settings, "_from_environment", lambda self: pytest.fail("again"))
    assert found.endpoint_url is None
    assert found.resolved() is found


def test_keys_that_change_in_the_file_or_the_environment_are_found(
    store: Store,
    sessions: list[str | None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert S3Settings(profile="p").resolved().credentials == OWNER
    write_profile(tmp_path / "config", store, NEXT_OWNER)
    assert S3Settings(profile="p").resolved().credentials == NEXT_OWNER
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://h:9")
    assert S3Settings(profile="p").resolved().endpoint_url == "http://h:9"
    assert len(sessions) == 3


def test_a_child_of_a_fork_waits_for_no_lock_of_its_parents(
    hundred: Store, sessions: list[str | None]
) -> None:
    from airscoop.aws import botocore_chain

    s3 = S3Settings(profile="p")
    storage.head(hundred.uri("in/000"), s3=s3)
    with botocore_chain.chains.find("p")._lock, botocore_chain.chains._lock:
        assert_in_child(lambda: s3.resolved().credentials == OWNER)


def test_a_child_of_a_fork_does_not_wait_for_a_renewal_of_its_parents() -> None:
    asked, goes_on = threading.Event(), threading.Event()

    def slow() -> Credentials:
        asked.set()
        goes_on.wait(60)
        return OWNER

    renewal = Renewal.of(slow)

    def renewed() -> bool:
        goes_on.set()
        return bool(renewal(None, None))

    with ThreadPoolExecutor(1) as pool:
        pool.submit(renewal, None, None)
        assert asked.wait(30)
        try:
            assert_in_child(renewed)
        finally:
            goes_on.set()


def assert_in_child(check: Callable[[], bool]) -> None:
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if check() else 1)
        finally:
            os._exit(2)
    deadline = time.monotonic() + 30
    while (status := os.waitpid(child, os.WNOHANG))[0] == 0 and time.monotonic() < deadline:
        time.sleep(0.05)
    if status[0] == 0:
        os.kill(child, 9)
        os.waitpid(child, 0)
    assert status == (child, 0)


def test_a_refused_key_is_refused_once_for_all(hundred: Store) -> None:
    wrong = Credentials(access_key_id="NOBODY", secret_access_key="x")
    provider = Provider(wrong)
    with pytest.raises(AccessDenied):
        storage.head(hundred.uri("in/000"), s3=settings(hundred, provider))
    assert provider.calls == 1
