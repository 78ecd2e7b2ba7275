"""How a source is asked for over the network: what may take how long, and what is tried again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from airscoop import kinds, timeouts
from airscoop.timeouts import TimeoutGiven
from airscoop.transfer.login import Auth, Body

MOST_RESTARTS = 1000


class WebOptions(TypedDict, total=False):
    """How a source is asked for over the network."""

    timeout: TimeoutGiven | None
    retry_seconds: float | None
    restarts: int | None
    headers: Mapping[str, str] | None
    auth: Auth | None
    body: Body | None
    idempotent: bool


def _limit(most: float, zero: str, *, whole: bool = False) -> kinds.Kind:
    def read(value: Any, name: str) -> Any:
        timeouts.check_limit(name, value, most=most, whole=whole, zero=zero)
        return value

    return kinds.Kind(read, kinds.parse_number)


KINDS = {
    "timeout": timeouts.OF_CALL,
    "retry_seconds": _limit(1_000_000, "no retry"),
    "restarts": _limit(MOST_RESTARTS, "none", whole=True),
}


def native(
    *, timeout: TimeoutGiven | None, retry_seconds: float | None, restarts: int | None
) -> dict[str, Any]:
    """The binding's options, of which 0 is the default and less than 0 none."""
    limits = timeouts.of_call(timeout)
    KINDS["retry_seconds"].read(retry_seconds, "retry_seconds")
    KINDS["restarts"].read(restarts, "restarts")
    return {
        **timeouts.native(limits),
        "whole_ms": timeouts.milliseconds(limits.whole),
        "retry_ms": -1 if retry_seconds == 0 else timeouts.milliseconds(retry_seconds),
        "restarts": -1 if restarts == 0 else restarts,
    }
