"""Proxies of the environment and of settings: which are used, and how they are told at fault."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors
from support.fault_server import Origin, origin, status, with_length
from support.s3 import Store

DEAD = "http://user:pass-word@127.0.0.1:1"
DEAD_PROXIES = {"http": DEAD, "https": DEAD}
KEYS = airscoop.Credentials(access_key_id="a", secret_access_key="s")
VARIABLES = [f"{kind}_proxy" for kind in ("http", "https", "all", "no")]


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def target(web: Origin) -> str:
    return web.serve("/data", with_length(b"direct\n"))


def _behind(proxies: dict[str, str | None] | dict[str, str]) -> airscoop.S3Settings:
    """A store that nobody reaches but by a proxy."""
    return airscoop.S3Settings(
        endpoint_url="http://s3.invalid:9000", region="r1", credentials=KEYS, proxies=proxies
    )


def fetched(url: str, folder: Path) -> bytes:
    airscoop.copy(url, folder / "a")
    return (folder / "a").read_bytes()


@pytest.mark.parametrize(
    ("variables", "proxied"),
    [
        ({"http_proxy": "{proxy}"}, True),
        ({"HTTP_PROXY": "{proxy}"}, True),
        ({"HTTP_PROXY": "{bare}"}, True),
        ({"HTTP_PROXY": "//{bare}"}, True),
        ({"ALL_PROXY": "{proxy}"}, True),
        ({"HTTP_PROXY": "{proxy}", "http_proxy": ""}, False),
        ({"HTTP_PROXY": DEAD, "http_proxy": "{proxy}"}, True),
        ({"HTTP_PROXY": "{proxy}", "REQUEST_METHOD": "GET"}, False),
        ({"http_proxy": "{proxy}", "REQUEST_METHOD": "GET"}, True),
        ({"HTTPS_PROXY": DEAD}, False),
        ({"http_proxy": DEAD, "NO_PROXY": "127.0.0.1"}, False),
        ({"http_proxy": DEAD, "no_proxy": "127.0.0.1:{port}"}, False),
        ({"http_proxy": DEAD, "no_proxy": "127.0.0.0/8"}, False),
        ({"http_proxy": DEAD, "no_proxy": "*"}, False),
        ({"http_proxy": "{proxy}", "no_proxy": "127.0.0.1:1"}, True),
        ({"http_proxy": "{proxy}", "no_proxy": "0.0.1"}, True),
        ({"http_proxy": "{proxy}", "no_proxy": "", "NO_PROXY": "*"}, True),
    ],
)
def test_the_environment_names_the_proxy(
    variables: dict[str, str],
    proxied: bool,
    web: Origin,
    target: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with origin() as proxy:
        proxy.serve(target, with_length(b"by the proxy\n"))
        bare = f"127.0.0.1:{proxy.port}"
        for name, value in variables.items():
            monkeypatch.setenv(name, value.format(proxy=f"http://{bare}", bare=bare, port=web.port))
        assert fetched(target, tmp_path) == (b"by the proxy\n" if proxied else b"direct\n")


@pytest.mark.parametrize("no_proxy", [".localhost", "localhost", "*.localhost"])
def test_no_proxy_knows_all_below_a_name(
    no_proxy: str, web: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", DEAD)
    monkeypatch.setenv("NO_PROXY", f"other.example, {no_proxy}")
    url = web.serve("/data", with_length(b"direct\n"), host="a.localhost")
    assert fetched(url, tmp_path) == b"direct\n"


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("host", ["127.0.0.1:1", "nowhere.invalid:3128"])
def test_a_dead_proxy_is_named_as_a_proxy(
    scheme: str, host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"{scheme.upper()}_PROXY", f"http://user:pass-word@{host}")
    with pytest.raises(errors.ConnectionFailed) as caught:
        airscoop.copy(f"{scheme}://server.example/data", tmp_path / "a")
    said = str(caught.value)
    assert f"{scheme}://server.example/data: the proxy http://{host}" in said
    assert f"{scheme.upper()}_PROXY" in said and "pass-word" not in said


def test_a_dead_proxy_before_s3_is_named(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", DEAD)
    with pytest.raises(
        errors.ConnectionFailed, match=r"the proxy http://127\.0\.0\.1:1 "
    ) as caught:
        airscoop.copy(store.uri("f"), tmp_path / "a", source_s3=store.settings())
    assert "pass-word" not in str(caught.value)


@pytest.mark.parametrize("named", ["{proxy}", "{bare}", "//{bare}"])
def test_proxies_of_settings_go_before_those_of_the_environment(
    named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", DEAD)
    monkeypatch.setenv("NO_PROXY", "*")
    with origin() as proxy:
        proxy.serve("http://s3.invalid:9000/bucket/f", with_length(b"by the proxy\n"))
        bare = f"127.0.0.1:{proxy.port}"
        s3 = _behind({"http": named.format(proxy=f"http://{bare}", bare=bare), "https": DEAD})
        airscoop.copy("s3://bucket/f", tmp_path / "a", source_s3=s3)
        assert airscoop.storage.head("s3://bucket/f", s3=s3).size == len(b"by the proxy\n")
    assert (tmp_path / "a").read_bytes() == b"by the proxy\n"


@pytest.mark.parametrize("proxies", [{}, {"https": DEAD}, {"http": None}, {"http": ""}])
def test_settings_that_name_no_proxy_for_a_scheme_have_none(
    proxies: dict[str, str | None], store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", DEAD)
    (tmp_path / "a").write_bytes(b"direct\n")
    s3 = dataclasses.replace(store.settings(), proxies=proxies)
    airscoop.copy(tmp_path / "a", store.uri("f"), destination_s3=s3)
    airscoop.copy(store.uri("f"), tmp_path / "b", source_s3=s3)
    assert (tmp_path / "b").read_bytes() == b"direct\n"


def test_a_dead_proxy_of_settings_is_named(tmp_path: Path) -> None:
    changes = tmp_path / "changes.jsonl"
    changes.write_text("{}\n")
    kinesis = airscoop.KinesisSettings(
        endpoint_url="https://kinesis.invalid", region="r1", credentials=KEYS, proxies=DEAD_PROXIES
    )
    asked: list[Callable[[], object]] = [
        lambda: airscoop.copy("s3://bucket/f", tmp_path / "a", source_s3=_behind(DEAD_PROXIES)),
        lambda: airscoop.storage.delete("s3://bucket/f", s3=_behind(DEAD_PROXIES)),
        lambda: airscoop.publish(changes, "s", kinesis=kinesis),
    ]
    for ask in asked:
        with pytest.raises(
            errors.ConnectionFailed, match=r"the proxy http://127\.0\.0\.1:1 \(proxies\)"
        ) as caught:
            ask()
        assert "pass-word" not in str(caught.value)


@pytest.mark.parametrize(
    ("proxies", "said"),
    [
        ({"no_proxy": "x"}, "the schemes http and https alone"),
        ({"all": DEAD}, "the schemes http and https alone"),
        ({"https://s3.example": DEAD}, "the schemes http and https alone"),
        ({"https": ["a"]}, "an address that is no text"),
        (DEAD, "names no schemes"),
    ],
)
def test_proxies_of_settings_that_cannot_be_used_are_refused(proxies: Any, said: str) -> None:
    with pytest.raises(errors.UsageError, match=said) as caught:
        airscoop.S3Settings(proxies=proxies)
    assert "pass-word" not in str(caught.value)


def test_proxies_of_settings_are_not_shown() -> None:
    assert "pass-word" not in repr(airscoop.S3Settings(proxies=DEAD_PROXIES))


@pytest.mark.parametrize(("code", "said"), [(407, "another login"), (403, "not let it through")])
def test_a_proxy_that_refuses_is_access_denied(
    code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with origin() as proxy:
        proxy.serve("server.example:443", status(code))
        monkeypatch.setenv("https_proxy", f"http://user:pass-word@127.0.0.1:{proxy.port}")
        with pytest.raises(errors.AccessDenied, match=said) as caught:
            airscoop.copy("https://server.example/data", tmp_path / "a")
        assert f"the proxy http://127.0.0.1:{proxy.port} (https_proxy)" in str(caught.value)
        assert "pass-word" not in str(caught.value) and caught.value.http_status == code


@pytest.mark.parametrize("proxy", ["gopher://user:pass-word@h:1", "http://user:pass-word@h:x"])
def test_a_proxy_that_cannot_be_read_tells_no_password(
    proxy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(errors.AirscoopError, match="the proxy") as caught:
        airscoop.copy("http://server.example/data", tmp_path / "a")
    assert "pass-word" not in str(caught.value)


def test_an_answer_through_a_proxy_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with origin() as proxy:
        proxy.serve("http://server.example/data", with_length(b"half", said=10))
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(errors.AirscoopError, match="through the proxy"):
            airscoop.copy("http://server.example/data", tmp_path / "a")
