"""Credentials that expire are renewed by their provider, in the middle of a transfer too."""

from __future__ import annotations

import dataclasses
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import Credentials, errors, storage
from support.fault_server import FaultProxy, Request, error
from support.s3 import MIB, NEXT_OWNER, OWNER, PART_BYTES, Store, noise
from support.slow_lines import SlowLines, to_file

BODY = noise(5 * PART_BYTES + MIB)
EXPIRED = error("ExpiredToken", 400)


class Provider:
    """Gives the keys of two owners in turn."""

    def __init__(self, *, lifetime: timedelta | None = None) -> None:
        self.calls = 0
        self.threads: set[int] = set()
        self._lifetime = lifetime

    def __call__(self) -> Credentials:
        self.calls += 1
        self.threads.add(threading.get_ident())
        return dataclasses.replace(
            OWNER if self.calls % 2 else NEXT_OWNER,
            expires_at=None if self._lifetime is None else datetime.now(UTC) + self._lifetime,
        )


def key_of(request: Request) -> str:
    """The access key id that signed a request."""
    return request.headers["Authorization"].partition("Credential=")[2].partition("/")[0]


class Expiry:
    """From a request on, refuses the keys that were good until then."""

    def __init__(self, after: int, code: str = "ExpiredToken", http_status: int = 400) -> None:
        self.left = after
        self.old: set[str] = set()
        self.refused = 0
        self._fault = error(code, http_status)
        self._lock = threading.Lock()

    def refuses(self, handler: Any, request: Request) -> bool:
        with self._lock:
            self.left -= 1
            if self.left > 0:
                self.old.add(key_of(request))
            refused = self.left <= 0 and key_of(request) in self.old
            self.refused += refused
        if refused:
            self._fault(handler, request)
        return refused

    def __call__(self, handler: Any, request: Request) -> None:
        if not self.refuses(handler, request):
            forward(handler, request)


def forward(handler: Any, request: Request) -> None:
    code, headers, body = handler.forward(request)
    handler.answer(code, body, headers)


def settings(store: Store, proxy: FaultProxy, provider: Any) -> airscoop.S3Settings:
    return store.settings(endpoint_url=proxy.url, credentials=None, credentials_provider=provider)


@pytest.mark.parametrize(
    ("code", "http_status"),
    [("ExpiredToken", 400), ("ExpiredTokenException", 400), ("InvalidToken", 403)],
)
def test_an_upload_goes_on_with_new_credentials(
    code: str, http_status: int, store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    provider, expiry = Provider(), Expiry(4, code, http_status)
    (tmp_path / "f").write_bytes(BODY)
    proxy.on(".*", expiry, times=1000)
    airscoop.copy(tmp_path / "f", store.uri("f"), destination_s3=settings(store, proxy, provider))
    assert store.get("f") == BODY
    assert expiry.refused >= 1
    assert provider.calls == 2
    assert provider.threads == {threading.get_ident()}


def test_a_download_in_ranges_goes_on_with_new_credentials(
    placed: str,
    store: Store,
    proxy: FaultProxy,
    tmp_path: Path,
) -> None:
    provider, expiry, slow = Provider(), Expiry(3), SlowLines(placed)

    def slow_until_expired(handler: Any, request: Request) -> None:
        if not expiry.refuses(handler, request):
            slow(handler, request)

    proxy.on("get", slow_until_expired, times=1000)
    assert len(to_file(placed, settings(store, proxy, provider), tmp_path)) == 60 * MIB
    assert expiry.refused >= 1
    assert provider.calls == 2


def test_credentials_are_renewed_before_they_expire(
    store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    provider = Provider(lifetime=timedelta(seconds=2))
    (tmp_path / "f").write_bytes(BODY)

    def hold(handler: Any, request: Request) -> None:
        threading.Event().wait(0.8)
        forward(handler, request)

    proxy.on("part", hold, times=1000)
    airscoop.copy(tmp_path / "f", store.uri("f"), destination_s3=settings(store, proxy, provider))
    assert store.get("f") == BODY
    assert provider.calls >= 2
    keys = {key_of(request) for request in proxy.server.requests}
    assert keys == {OWNER.access_key_id, NEXT_OWNER.access_key_id}


def test_both_ends_share_what_one_provider_gives(
    store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    provider = Provider()
    both = settings(store, proxy, provider)
    airscoop.copy(store.put("a", BODY), store.uri("b"), source_s3=both, destination_s3=both)
    assert store.get("b") == BODY
    assert provider.calls == 1


def test_the_same_credentials_again_end_the_transfer(
    store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    calls = []

    def provider() -> Credentials:
        calls.append(1)
        return OWNER

    (tmp_path / "f").write_bytes(b"x")
    proxy.on("put", EXPIRED, times=1000)
    with pytest.raises(errors.CredentialsExpired, match="gave the same again"):
        airscoop.copy(
            tmp_path / "f", store.uri("f"), destination_s3=settings(store, proxy, provider)
        )
    assert len(calls) == 2
    assert proxy.kinds() == ["put"]
    store.assert_untouched()


def test_other_credentials_that_are_refused_too_end_the_transfer(
    store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    provider = Provider()
    (tmp_path / "f").write_bytes(b"x")
    proxy.on("put", EXPIRED, times=1000)
    with pytest.raises(errors.CredentialsExpired, match="ExpiredToken"):
        airscoop.copy(
            tmp_path / "f", store.uri("f"), destination_s3=settings(store, proxy, provider)
        )
    assert provider.calls == 2


class Unlucky(Exception):
    """What a provider raises."""


def test_an_exception_of_the_provider_is_the_cause(
    store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    given = Provider()

    def provider() -> Credentials:
        if given.calls:
            raise Unlucky("with SECRET text")
        return given()

    (tmp_path / "f").write_bytes(BODY)
    proxy.on("part", EXPIRED)
    with pytest.raises(errors.CredentialsMissing, match="provider failed: Unlucky") as caught:
        airscoop.copy(
            tmp_path / "f", store.uri("f"), destination_s3=settings(store, proxy, provider)
        )
    assert isinstance(caught.value.__cause__, Unlucky)
    assert "SECRET" not in str(caught.value)
    store.assert_untouched()


@pytest.mark.parametrize("failure", [errors.Throttled("later"), KeyboardInterrupt()])
def test_our_own_exceptions_and_interrupts_go_on_as_they_are(
    failure: BaseException, store: Store, proxy: FaultProxy
) -> None:
    def provider() -> Credentials:
        raise failure

    with pytest.raises(type(failure)) as caught:
        storage.head(store.uri("f"), s3=settings(store, proxy, provider))
    assert caught.value is failure
    assert proxy.kinds() == []


def test_something_else_than_credentials_is_an_error(store: Store, proxy: FaultProxy) -> None:
    with pytest.raises(errors.CredentialsMissing, match="TypeError") as caught:
        storage.head(store.uri("f"), s3=settings(store, proxy, lambda: "key"))
    assert "airscoop.Credentials" in str(caught.value.__cause__)


def test_a_head_refused_without_a_body_is_asked_again_with_new_credentials(
    store: Store, proxy: FaultProxy
) -> None:
    provider = Provider()
    store.put("f", b"abc")
    proxy.on("head", error("ExpiredToken", 400))
    assert storage.head(store.uri("f"), s3=settings(store, proxy, provider)).size == 3
    assert provider.calls == 2


def test_credentials_that_have_expired_are_not_sent(store: Store, proxy: FaultProxy) -> None:
    old = Provider(lifetime=timedelta(seconds=-5))
    with pytest.raises(errors.CredentialsExpired, match="have expired"):
        storage.head(store.uri("f"), s3=settings(store, proxy, old))
    with pytest.raises(errors.CredentialsExpired, match="expired at 20"):
        storage.head(store.uri("f"), s3=store.settings(credentials=old()))
    assert proxy.kinds() == []
