"""HTTP sources: redirects, certificates, proxies, and what must not be sent elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import airscoop
from airscoop import errors
from support.certificates import make_certificate, server_context
from support.fault_server import Origin, origin, raw, redirect, status, with_length

DATA = b'{"n": 1}\n' * 100
USER, PASSWORD = "reader", "pass-word-of-tests"


@pytest.fixture
def other() -> Iterator[Origin]:
    with origin() as server:
        yield server


@pytest.fixture
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Origin, str]]:
    """An HTTPS server, and the file with its authority."""
    ca = make_certificate(tmp_path_factory.mktemp("tls"))
    with origin(server_context(ca)) as server:
        yield server, str(ca)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_followed(code: int, web: Origin, other: Origin, tmp_path: Path) -> None:
    target = other.serve("/data", with_length(DATA))
    url = web.serve("/here", redirect(target, status=code))
    receipt = airscoop.copy(url, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == DATA
    assert receipt.source == url


def test_a_redirect_to_another_host_carries_no_credentials(
    web: Origin, other: Origin, tmp_path: Path
) -> None:
    target = other.serve("/data", with_length(DATA), host="localhost")
    url = web.serve("/here", redirect(target))
    receipt = airscoop.copy(url.replace("://", f"://{USER}:{PASSWORD}@"), tmp_path / "a")
    assert "Authorization: Basic" in web.heads[0]
    assert "authorization" not in other.heads[0].lower()
    assert "referer" not in other.heads[0].lower()
    assert receipt.source == url


def test_credentials_in_a_url_stay_out_of_messages_and_receipts(
    web: Origin, tmp_path: Path
) -> None:
    secret = f"{USER}:{PASSWORD}@"
    for answer in (status(403), status(500), raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")):
        url = web.serve("/data", answer).replace("://", f"://{secret}") + "?signature=s3cr3t"
        with pytest.raises(errors.AirscoopError) as caught:
            airscoop.copy(url, tmp_path / "a")
        shown = str(caught.value) + repr(caught.value)
        assert PASSWORD not in shown
        assert "s3cr3t" not in shown
        assert "/data" in shown
    url = web.serve("/data", with_length(DATA)).replace("://", f"://{secret}") + "?sig=s3cr3t"
    receipt = airscoop.copy(url, tmp_path / "a")
    shown = repr(receipt) + str(receipt.to_dict()) + receipt.summary()
    assert PASSWORD not in shown
    assert "s3cr3t" not in shown
    assert "sig=s3cr3t" in web.heads[-1]


def test_a_redirect_from_https_to_http_is_refused(
    secure: tuple[Origin, str], web: Origin, tmp_path: Path
) -> None:
    server, ca = secure
    url = server.serve("/here", redirect(web.serve("/data", with_length(DATA))))
    with pytest.raises(errors.HttpError, match="redirects") as caught:
        airscoop.copy(url, tmp_path / "a", s3=airscoop.S3Settings(ca_file=ca))
    assert not caught.value.retryable
    assert web.heads == []
    assert list(tmp_path.iterdir()) == []


def test_a_redirect_from_http_to_https_is_followed(
    secure: tuple[Origin, str], web: Origin, tmp_path: Path
) -> None:
    server, ca = secure
    url = web.serve("/here", redirect(server.serve("/data", with_length(DATA))))
    airscoop.copy(url, tmp_path / "a", s3=airscoop.S3Settings(ca_file=ca))
    assert (tmp_path / "a").read_bytes() == DATA


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/a", "gopher://x/"])
def test_a_redirect_to_another_protocol_is_refused(
    target: str, web: Origin, tmp_path: Path
) -> None:
    with pytest.raises(errors.HttpError, match="redirects"):
        airscoop.copy(web.serve("/here", redirect(target)), tmp_path / "a")
    assert list(tmp_path.iterdir()) == []


def test_a_redirect_loop_ends(web: Origin, tmp_path: Path) -> None:
    with pytest.raises(errors.HttpError, match="redirects") as caught:
        airscoop.copy(web.serve("/here", redirect("/here")), tmp_path / "a")
    assert not caught.value.retryable
    assert len(web.heads) == 11


def test_a_server_that_does_not_speak_http_is_worth_another_try(
    web: Origin, tmp_path: Path
) -> None:
    url = web.serve("/data", raw(b"\x16\x03\x01 hello\r\n\r\n"))
    with pytest.raises(errors.ProtocolError, match="not HTTP") as caught:
        airscoop.copy(url, tmp_path / "a")
    assert caught.value.retryable
    assert len(web.heads) == 3


def test_a_redirect_without_a_place_is_no_source(web: Origin, tmp_path: Path) -> None:
    with pytest.raises(errors.HttpError, match="302"):
        airscoop.copy(web.serve("/here", status(302, body=DATA)), tmp_path / "a")


def test_a_certificate_of_an_unknown_authority_is_refused(
    secure: tuple[Origin, str], tmp_path: Path
) -> None:
    url = secure[0].serve("/data", with_length(DATA))
    with pytest.raises(errors.TlsError, match="certificate") as caught:
        airscoop.copy(url, tmp_path / "a")
    assert not caught.value.retryable


def test_a_certificate_for_another_name_is_refused(
    secure: tuple[Origin, str], tmp_path: Path
) -> None:
    url = secure[0].serve("/data", with_length(DATA), host="localhost")
    with pytest.raises(errors.TlsError):
        airscoop.copy(url, tmp_path / "a", s3=airscoop.S3Settings(ca_file=secure[1]))


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "SSL_CERT_FILE"])
def test_authorities_are_found_in_the_environment(
    variable: str,
    secure: tuple[Origin, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = secure[0].serve("/data", with_length(DATA))
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(variable, secure[1])
    airscoop.copy(url, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == DATA


def test_the_option_for_authorities_wins_over_the_environment(
    secure: tuple[Origin, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CA_BUNDLE", "/nowhere/at/all.pem")
    url = secure[0].serve("/data", with_length(DATA))
    airscoop.copy(url, tmp_path / "a", s3=airscoop.S3Settings(ca_file=secure[1]))
    with pytest.raises(errors.TlsError):
        airscoop.copy(url, tmp_path / "b")


def test_a_proxy_of_the_environment_is_used_but_not_for_no_proxy(
    web: Origin, other: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = web.serve("/data", with_length(b"direct\n"))
    other.serve(target, with_length(b"by the proxy\n"))
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{other.port}")
    airscoop.copy(target, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"by the proxy\n"
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    airscoop.copy(target, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"direct\n"


def test_the_body_is_asked_for_as_it_is(web: Origin, tmp_path: Path) -> None:
    airscoop.copy(web.serve("/data", with_length(DATA)), tmp_path / "a")
    assert "Accept-Encoding: identity" in web.heads[0]


def test_an_unknown_host_and_a_closed_port_are_named(tmp_path: Path) -> None:
    for url, name in (
        ("http://nowhere.invalid/data", "nowhere.invalid"),
        ("http://127.0.0.1:1/data", "127.0.0.1"),
    ):
        with pytest.raises(errors.ConnectionFailed, match=name) as caught:
            airscoop.copy(url, tmp_path / "a")
        assert caught.value.retryable


@pytest.mark.parametrize("url", ["http://", "http://:99999999/", "ftp://x/y", "gs://bucket/key"])
def test_a_source_that_cannot_be_read_is_wrong_usage(url: str, tmp_path: Path) -> None:
    with pytest.raises(errors.UsageError):
        airscoop.copy(url, tmp_path / "a")


def test_http_is_no_destination(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(DATA)
    with pytest.raises(errors.UsageError, match="destination"):
        airscoop.copy(tmp_path / "a", "http://127.0.0.1:1/x")


def test_two_different_lengths_are_refused(web: Origin, tmp_path: Path) -> None:
    url = web.serve(
        "/f", raw(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\ncontent-length: 5\r\n\r\nabcde")
    )
    with pytest.raises(errors.ProtocolError, match="two Content-Lengths"):
        airscoop.copy(url, tmp_path / "f")
    assert list(tmp_path.iterdir()) == []
