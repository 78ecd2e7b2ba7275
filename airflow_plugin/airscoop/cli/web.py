"""Flags that say how a source is asked for over the network."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from airscoop.cli.flags import count, size

if TYPE_CHECKING:
    from airscoop.transfer.arguments import WebOptions
    from airscoop.transfer.web import Timeouts

_TIMEOUTS = ("connect", "first-byte", "idle", "whole", "min-rate")


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds") from None


def _timeout(text: str) -> Timeouts:
    """Seconds for the whole, or NAME=SECONDS with commas between."""
    from airscoop.errors import UsageError
    from airscoop.transfer.web import timeouts

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
        return timeouts({name.replace("-", "_"): value for name, value in given.items()})
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


def web_of(options: argparse.Namespace) -> WebOptions:
    """What the flags say."""
    return {
        "timeout": options.timeout,
        "retry_seconds": options.retry_seconds,
        "restarts": options.restarts,
    }
