"""Flags that say how a source is asked for over the network."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from airscoop.cli.flags import count, size

if TYPE_CHECKING:
    from airscoop.timeouts import Timeouts
    from airscoop.transfer.web import WebOptions

_TIMEOUTS = ("connect", "first-byte", "idle", "whole", "min-rate")


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds") from None


def _timeout(text: str) -> Timeouts:
    """Seconds for the whole, or NAME=SECONDS with commas between."""
    from airscoop.errors import UsageError
    from airscoop.timeouts import of_call

    given: dict[str, float] = {}
    for item in text.split(","):
        name, equals, value = item.strip().partition("=")
        if not equals and "," not in text:
            name, value = "whole", name
        if name not in _TIMEOUTS or not value or name in given:
            raise argparse.ArgumentTypeError(
                f"{item!r}: write seconds for the whole, or connect=5,first-byte=600,idle=60,"
                "whole=3600,min-rate=10K, or some of these"
            )
        given[name] = size(value) if name == "min-rate" else _seconds(value)
    try:
        return of_call({name.replace("-", "_"): value for name, value in given.items()})
    except UsageError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def add_web(verb: argparse.ArgumentParser) -> None:
    """Adds the flags to a verb that reads."""
    web = verb.add_argument_group("the network")
    web.add_argument(
        "--timeout",
        type=_timeout,
        metavar="SECONDS",
        help="for the whole, or connect=10,first-byte=300,idle=60,whole=3600,min-rate=10K (bytes a "
        "second), or some of these; without it 10, 300 (S3: 60), 60, any, any",
    )
    web.add_argument(
        "--retry-seconds",
        type=_seconds,
        metavar="SECONDS",
        help="how long a web source's outage is waited for (default 30; 0: not at all)",
    )
    web.add_argument(
        "--restarts",
        type=count,
        metavar="N",
        help="how often a broken source is read from its start again, where the rest cannot be "
        "asked for (default 2)",
    )
    _add_request(verb)


def _add_request(verb: argparse.ArgumentParser) -> None:
    request = verb.add_argument_group(
        "the request", "sent to the scheme, host and port of a web address alone, and never shown"
    )
    request.add_argument(
        "-H",
        "--header",
        action="append",
        default=[],
        metavar="'NAME: VALUE'",
        help="a header of the request; @FILE: one a line, which keeps secrets out of the list of "
        "processes",
    )
    request.add_argument(
        "--netrc", action="store_true", help="the login that $NETRC or ~/.netrc has for the host"
    )
    request.add_argument("--netrc-file", metavar="FILE", help="the same of FILE")
    request.add_argument(
        "--data",
        metavar="TEXT",
        help="POST this, as a form unless a header Content-Type says otherwise; @FILE, @-: what "
        "is in it",
    )
    request.add_argument(
        "--idempotent", action="store_true", help="the POST may be sent again when it fails"
    )


def _read(name: str) -> str:
    """What @NAME means."""
    from pathlib import Path

    from airscoop.errors import UsageError

    if name == "-" and sys.stdin is None:
        raise UsageError("standard input is closed: there is nothing to read")
    try:
        data = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return data.decode()
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror or error}") from error
    except UnicodeDecodeError:
        raise UsageError(f"{name}: it is no UTF-8") from None


def _headers(given: list[str]) -> dict[str, str]:
    from airscoop.errors import UsageError

    lines = [
        line
        for text in given
        for line in (_read(text[1:]).splitlines() if text.startswith("@") else [text])
        if line.strip()
    ]
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:  # not the line itself: it may be a token
            raise UsageError("a header is written 'NAME: VALUE', or @FILE with such lines")
        if name.strip().lower() in {known.lower() for known in headers}:
            raise UsageError(f"the header {name.strip()} is given twice")
        headers[name.strip()] = value.strip()
    return headers


def _request_of(options: argparse.Namespace) -> WebOptions:
    headers = _headers(options.header)
    body = options.data
    if body is not None:
        body = _read(body[1:]) if body.startswith("@") else body
        if "content-type" not in {name.lower() for name in headers}:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
    request: WebOptions = {
        "headers": headers or None,
        "body": body,
        "idempotent": options.idempotent,
    }
    if options.netrc_file is not None:
        from airscoop.transfer.login import netrc

        request["auth"] = netrc(options.source, options.netrc_file)
    elif options.netrc:
        request["auth"] = "netrc"
    return request


def web_of(options: argparse.Namespace) -> WebOptions:
    """What the flags say."""
    return {
        "timeout": options.timeout,
        "retry_seconds": options.retry_seconds,
        "restarts": options.restarts,
        **_request_of(options),
    }
