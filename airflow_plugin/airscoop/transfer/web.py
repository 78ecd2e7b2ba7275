"""How a source is asked for over the network: what may take how long, and what is tried again."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from airscoop.errors import UsageError
from airscoop.kinds import shown
from airscoop.transfer.login import Auth, Body

MOST_SECONDS = 10_000_000  # some 115 days
MOST_RESTARTS = 1000


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """What may take how many seconds; what takes longer is TimedOut. None is the default.

    `connect` (10): name, connection and TLS, of every connection. `first_byte` (300 of a web
    source, 60 of one in S3): from the request to the first byte of the source's data. `idle` (60):
    without a byte while data are on their way, of every connection. `whole` (no limit): the
    transfer until it commits, with all that is tried again. `min_rate` (no limit): bytes a second,
    that data bring on average while `idle` seconds go by.
    """

    connect: float | None = None
    first_byte: float | None = None
    idle: float | None = None
    whole: float | None = None
    min_rate: int | None = None

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name == "min_rate":
                _check(f"timeout: {field.name}", value, most=2**40, whole=True)
            else:
                _check(f"timeout: {field.name}", value, most=MOST_SECONDS)


TimeoutGiven = Timeouts | Mapping[str, Any] | float


class WebOptions(TypedDict, total=False):
    """How a source is asked for over the network."""

    timeout: TimeoutGiven | None
    retry_seconds: float | None
    restarts: int | None
    headers: Mapping[str, str] | None
    auth: Auth | None
    body: Body | None
    idempotent: bool


_HOW = (
    "write a number of seconds for the whole, or"
    " airscoop.Timeouts(connect=5, first_byte=600, idle=60, whole=3600, min_rate=10_000)"
)


def timeouts(given: TimeoutGiven | None) -> Timeouts:
    """The timeouts that are meant."""
    if given is None or isinstance(given, Timeouts):
        return given or Timeouts()
    if isinstance(given, Mapping):
        try:
            return Timeouts(**given)
        except TypeError:
            names = ", ".join(field.name for field in dataclasses.fields(Timeouts))
            raise UsageError(f"timeout knows {names}, not {', '.join(map(str, given))}") from None
    if isinstance(given, int | float) and not isinstance(given, bool):
        return Timeouts(whole=given)
    raise UsageError(f"timeout cannot be {shown(given)}: {_HOW}")


def _check(
    name: str, value: Any, *, most: float, whole: bool = False, zero: str | None = None
) -> None:
    """Refuses what is no number above 0, or above -1 where `zero` has a meaning."""
    kind = "whole number" if whole else "number"
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        raise UsageError(f"{name} has to be a {kind}, not {shown(value)}")
    if not (0 < value <= most or (value == 0 and zero is not None)):
        raise UsageError(
            f"{name} has to be a {kind} from {'0' if zero else 'above 0'} to {most:,}, "
            f"not {shown(value)}" + (f" (0: {zero})" if zero else "; leave it out for the default")
        )


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else max(1, round(seconds * 1000))


def native(
    *, timeout: TimeoutGiven | None, retry_seconds: float | None, restarts: int | None
) -> dict[str, Any]:
    """The binding's options, of which 0 is the default and less than 0 none."""
    limits = timeouts(timeout)
    _check("retry_seconds", retry_seconds, most=1_000_000, zero="no retry")
    _check("restarts", restarts, most=MOST_RESTARTS, whole=True, zero="none")
    return {
        "connect_ms": _ms(limits.connect),
        "first_byte_ms": _ms(limits.first_byte),
        "idle_ms": _ms(limits.idle),
        "whole_ms": _ms(limits.whole),
        "least_rate": limits.min_rate,
        "retry_ms": -1 if retry_seconds == 0 else _ms(retry_seconds),
        "restarts": -1 if restarts == 0 else restarts,
    }
