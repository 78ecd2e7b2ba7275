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


@pytest.mark.parametrize("login", ["reader:hunter2+h%40nter2", "t0ken-as-user", "t0ken-as-user:"])
def test_a_login_in_the_address_is_not_shown_when_the_server_repeats_it(
    login: str, web: Origin, tmp_path: Path
) -> None:
    plain = login.replace("%40", "@")
    user, _, password = plain.partition(":")
    basic = base64.b64encode(f"{user}:{password}".encode()).decode()
    said = f"Authorization: Basic {basic}, {basic.rstrip('=')}, {plain}, {password}, {user} told"
    url = web.serve("/data", status(401, body=json.dumps({"message": said}).encode()))
    text = str(failed(url.replace("://", f"://{login}@"), tmp_path))
    assert text.endswith(" told")
    assert not any(one in text for one in ("hunter2", "t0ken", basic.rstrip("=")))


def test_secrets_of_paths_and_escaped_names_are_masked_and_dates_are_not(
    web: Origin, tmp_path: Path
) -> None:
    said = "s3cr3t-1, s3cr3t-2 of 2026/01/01,2026/01/05"
    url = web.serve("/data;token=s3cr3t-1", status(400, body=said.encode()))
    text = str(failed(f"{url}?to%6ben=s3cr3t-2&days=2026/01/01,2026/01/05", tmp_path))
    assert text.endswith("***, *** of 2026/01/01,2026/01/05")
    assert "s3cr3t" not in text


def test_words_behind_a_redirect_are_told(web: Origin, tmp_path: Path) -> None:
    web.serve("/login", status(403, body=b"please log in"))
    assert "please log in" in str(failed(web.serve("/data", redirect("/login")), tmp_path))
