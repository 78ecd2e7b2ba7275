"""A web page reaches nothing of the local stack's server, however it gets there."""

from __future__ import annotations

from typing import Any

import pytest

from airscoop.local.web_guard import guarded

HOSTS = ("127.0.0.1:4566", "localhost:4566")


def status(**environ: str) -> str:
    told: list[str] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [])
        return [b"done"]

    given = {"HTTP_HOST": "127.0.0.1:4566", "PATH_INFO": "/", **environ}
    body = b"".join(guarded(application, HOSTS)(given, lambda code, headers: told.append(code)))
    assert (body == b"done") is (told == ["200 OK"])
    return told[0]


@pytest.mark.parametrize("host", [*HOSTS, "LOCALHOST:4566"])
def test_clients_of_aws_are_served(host: str) -> None:
    assert status(HTTP_HOST=host) == "200 OK"
    assert status(HTTP_HOST=host, HTTP_ORIGIN="http://localhost:4566") == "200 OK"
    assert status(HTTP_HOST=host, HTTP_SEC_FETCH_SITE="none") == "200 OK"


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTP_HOST": "evil.example:4566"},
        {"HTTP_HOST": "127.0.0.1"},
        {"HTTP_HOST": "127.0.0.1:4566.evil.example"},
        {"HTTP_HOST": ""},
        {"HTTP_ORIGIN": "https://evil.example"},
        {"HTTP_ORIGIN": "http://127.0.0.1:9999"},
        {"HTTP_ORIGIN": "https://127.0.0.1:4566"},
        {"HTTP_ORIGIN": "null"},
        {"HTTP_SEC_FETCH_SITE": "cross-site"},
        {"HTTP_SEC_FETCH_SITE": "same-site"},
        {"PATH_INFO": "/moto-api/reset"},
        {"PATH_INFO": "//MOTO-API/reset"},
        {"PATH_INFO": "/x/../moto-api/"},
    ],
)
def test_pages_and_motos_own_ones_are_refused(environ: dict[str, str]) -> None:
    assert status(**environ) == "403 Forbidden"
