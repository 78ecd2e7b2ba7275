"""How a source is asked for over the network: what may take how long, and what is tried again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from airscoop import timeouts
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


def native(
    *, timeout: TimeoutGiven | None, retry_seconds: float | None, restarts: int | None
) -> dict[str, Any]:
    """The binding's options, of which 0 is the default and less than 0 none."""
    limits = timeouts.of_call(timeout)
    timeouts.check_limit("retry_seconds", retry_seconds, most=1_000_000, zero="no retry")
    timeouts.check_limit("restarts", restarts, most=MOST_RESTARTS, whole=True, zero="none")
    return {
        **timeouts.native(limits),
        "whole_ms": timeouts.milliseconds(limits.whole),
        "retry_ms": -1 if retry_seconds == 0 else timeouts.milliseconds(retry_seconds),
        "restarts": -1 if restarts == 0 else restarts,
    }
