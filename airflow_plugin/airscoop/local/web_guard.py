"""Keeps web pages away from a server on this machine, which any page in a browser can reach."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]

# Sites that a browser names as where a request comes from, and that are no other page's.
OWN_SITES = ("none", "same-origin")
# Moto's own pages, of which one forgets everything.
CLOSED = "moto-api"


def guarded(application: Application, hosts: Collection[str]) -> Application:
    """The application for requests to one of `hosts` (NAME:PORT) that no web page has sent.

    A page elsewhere names itself in Origin or Sec-Fetch-Site; one whose name was made to lead here
    names itself in Host. Clients of AWS send neither of the first two.
    """

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        reason = _refusal(environ, hosts)
        if reason is None:
            return application(environ, start_response)
        start_response("403 Forbidden", [("Content-Type", "text/plain; charset=utf-8")])
        return [f"airscoop's local stack: {reason}\n".encode()]

    return answer


def _refusal(environ: dict[str, Any], hosts: Collection[str]) -> str | None:
    """Why a request is refused; None: it is not."""
    if environ.get("HTTP_HOST", "").lower() not in hosts:
        return "the Host is not this server's"
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and origin.lower() not in {f"http://{host}" for host in hosts}:
        return "requests of web pages are refused (Origin)"
    if environ.get("HTTP_SEC_FETCH_SITE", "none").lower() not in OWN_SITES:
        return "requests of web pages are refused (Sec-Fetch-Site)"
    if CLOSED in environ.get("PATH_INFO", "").lower():
        return "moto's own pages are closed here"
    return None
