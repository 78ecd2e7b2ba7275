"""What a web server says of an error is in ours: shortened, harmless, and without secrets."""

from __future__ import annotations

import base64
import json
import socket
import threading
import time
from pathlib import Path

import pytest

import airscoop
from airscoop import errors
from support.fault_server import Origin, raw, redirect, status


def failed(url: str, folder: Path, **options: object) -> errors.AirscoopError:
    with pytest.raises(errors.AirscoopError) as caught:
        airscoop.copy(url, folder / "a", retry_seconds=0, **options)  # type: ignore[arg-type]
    return caught.value


@pytest.mark.parametrize(
    ("code", "body", "said"),
    [
        (400, b'{"message": "no column \\"day\\""}', 'HTTP 400: no column "day"'),
        (401, b'{"error": {"message": "token expired"}}', "HTTP 401: token expired"),
        (404, b"<html><title>Not here</title>", "HTTP 404: Not here"),
        (500, b"out of \x1b[31mspace", "HTTP 500: out of [31mspace"),
        (403, b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>",
         "HTTP 403: Request has expired"),
        (418, b"", "HTTP 418"),
        (422, b"\x1f\x8b\x00\x01", "HTTP 422"),
    ],
)  # fmt: skip
def test_the_servers_words_are_in_the_error(
    code: int, body: bytes, said: str, web: Origin, tmp_path: Path
) -> None:
    url = web.serve("/data", status(code, body=body))
    error = failed(url, tmp_path)
    assert str(error).endswith(said)
    assert error.http_status == code
    assert list(tmp_path.iterdir()) == []


def test_three_hundred_characters_are_enough(web: Origin, tmp_path: Path) -> None:
    url = web.serve("/data", status(400, body=json.dumps({"message": "é" * 1000}).encode()))
    assert str(failed(url, tmp_path)).count("é") == 300


def test_a_page_without_an_end_is_not_read_to_it(web: Origin, tmp_path: Path) -> None:
    head = b"HTTP/1.1 400 No\r\nContent-Type: text/plain\r\n\r\n"
    url = web.serve("/data", raw(head, b"words " * 1_000_000))
    assert "HTTP 400: words words" in str(failed(url, tmp_path))


def test_words_that_never_come_are_not_waited_for(web: Origin, tmp_path: Path) -> None:
    done = threading.Event()

    def send(connection: socket.socket, head: str) -> None:
        connection.sendall(b"HTTP/1.1 400 No\r\nContent-Length: 1000\r\n\r\nbad day")
        done.wait(60)

    start = time.monotonic()
    error = failed(web.serve("/data", send), tmp_path)
    done.set()
    assert "HTTP 400: bad day" in str(error)
    assert time.monotonic() - start < 50


def test_what_was_sent_is_not_shown_when_the_server_repeats_it(web: Origin, tmp_path: Path) -> None:
    basic = base64.b64encode(b"reader:hunter2hunter2").decode()
    said = (
        f"Bearer t0ken-of-mine, key k3y-of-mine, Basic {basic}, reader:hunter2hunter2, "
        "sig a+b/c==, sig a%2Bb%2Fc%3D%3D, https://other/x?token=zzzz, cookie c00kie, "
        "day 2026-01-01"
    )
    url = web.serve("/data", status(400, body=json.dumps({"message": said}).encode()))
    address = f"{url}?X-Amz-Signature=a%2Bb%2Fc%3D%3D&day=2026-01-01"
    headers = {"X-Key": "k3y-of-mine", "Cookie": "session=c00kie"}
    for auth in ("Bearer t0ken-of-mine", ("reader", "hunter2hunter2")):
        text = str(failed(address, tmp_path, headers=headers, auth=auth))
        for secret in ("k3y-of-mine", "a+b/c==", "a%2Bb", "zzzz", "c00kie"):
            assert secret not in text
        assert ("t0ken" if isinstance(auth, str) else "hunter2") not in text
        assert basic not in text or isinstance(auth, str)
        assert "day 2026-01-01" in text


LONG = "".join(f"{i:04x}" for i in range(5000))


def said_of(web: Origin, folder: Path, said: str, *, query: str = "", **options: object) -> str:
    url = web.serve("/data", status(400, body=said.encode()))
    return str(failed(url + query, folder, **options)).split("HTTP 400: ")[1]


@pytest.mark.parametrize(
    "said",
    [
        "bad token QWxhZGRpbjpvcGVuc2VzYW1l",
        "bad token QWxhZGRpbjpvcGVuc2VzYW1",
        "no Aladdin here",
        "no opensesame here",
        "no open%73esame here",
    ],
)
@pytest.mark.parametrize("login", ["Aladdin:opensesame", "Al%61ddin:opensesame"])
def test_a_login_in_the_address_is_not_shown_when_the_server_repeats_it(
    login: str, said: str, web: Origin, tmp_path: Path
) -> None:
    url = web.serve("/data", status(400, body=said.encode()))
    text = str(failed(url.replace("://", f"://{login}@"), tmp_path)).split("HTTP 400: ")[1]
    assert "***" in text
    assert not any(secret in text for secret in ("QWxhZGRp", "Aladdin", "sesame", "esame"))


@pytest.mark.parametrize(
    ("login", "said", "shown"),
    [
        (":abc", "not abc, abcd", "not ***, abcd"),
        ("token", "token dG9rZW46", "*** ***"),
        ("me%3A:p%20w", "bWU6OnAgdw== or p w", "***== or ***"),
    ],
)
def test_short_logins_in_the_address_are_not_shown_either(
    login: str, said: str, shown: str, web: Origin, tmp_path: Path
) -> None:
    url = web.serve("/data", status(400, body=said.encode()))
    text = str(failed(url.replace("://", f"://{login}@"), tmp_path))
    assert text.endswith(f"HTTP 400: {shown}")


@pytest.mark.parametrize(
    ("body", "said", "shown"),
    [
        ("user=me&password=hunter2", "me: wrong password hunter2", "me: wrong password ***"),
        ("user=me&pass%77ord=h%2fr", "not h/r", "not ***"),
        ('{"password": "hunter2xyz"}', '{"password": "hunter2xyz"}', '{"password": "***"}'),
        ('{"a": [{"api_key" : ["x1y", 77]}], "day": "x2y"}', "x1y 77 x2y", "*** *** x2y"),
        ('{"token": "a\\u0062\\"c"}', 'not ab"c', "not ***"),
        ('{"token": true, "name": "customer"}', "true customer", "true ***"),
        ('{"to": "2026-01-01"}', "no day 2026-01-01", "no day 2026-01-01"),
        ("name=customer", "no customer", "no ***"),
        ("<a>customer</a>", "no <a>customer</a>", "no ***"),
        ('{"broken": "customer', "no customer", "no ***"),
        ("", "no words", "no words"),
    ],
)
def test_secrets_of_a_body_are_not_shown(
    body: str, said: str, shown: str, web: Origin, tmp_path: Path
) -> None:
    assert said_of(web, tmp_path, said, body=body) == shown


@pytest.mark.parametrize("said", [LONG[:120], LONG[5000:5012], LONG[-300:]])
def test_a_piece_of_a_long_token_is_not_shown(said: str, web: Origin, tmp_path: Path) -> None:
    said = f"not '{said}'!"
    for options in ({"auth": f"Bearer {LONG}"}, {"body": f"token={LONG}"}):
        assert said_of(web, tmp_path, said, **options) == "not '***'!"


@pytest.mark.parametrize(
    ("header", "said", "shown"),
    [
        ("Authorization: Basic  QWxhZGRpbjpvcGVuc2VzYW1l", "not opensesame", "not ***"),
        ("X-Auth: basic QWxhZGRpbjpvcGVuc2VzYW1l", "not opensesame", "not ***"),
        ("X-Auth: Basic bWU6YWJj", "me: not abc, abcd", "me: not ***, abcd"),
        ("X-Auth: Bearer a/b+c==", "not a%2Fb%2bc%3D%3D", "not ***"),
        ("X-Key: a1b", "not a1b", "not ***"),
        ("X-Page: 3", "page 3", "page 3"),
    ],
)
def test_secrets_of_a_header_are_not_shown(
    header: str, said: str, shown: str, web: Origin, tmp_path: Path
) -> None:
    name, value = header.split(": ")
    assert said_of(web, tmp_path, said, headers={name: value}).replace("***%3D%3D", "***") == shown


def test_secrets_of_a_path_and_encoded_names_are_not_shown(web: Origin, tmp_path: Path) -> None:
    url = web.serve("/a;to%6ben=ab1/data", status(400, body=b"a data: not ab1, not xy2"))
    assert str(failed(f"{url}?pass%77ord=xy2", tmp_path)).endswith("a data: not ***, not ***")


def test_words_behind_a_redirect_are_told(web: Origin, tmp_path: Path) -> None:
    web.serve("/login", status(403, body=b"please log in"))
    assert "please log in" in str(failed(web.serve("/data", redirect("/login")), tmp_path))
