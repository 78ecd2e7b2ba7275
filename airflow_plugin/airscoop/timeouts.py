"""What may take how long: of a call, and of the requests to a service."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airscoop import kinds
from airscoop.errors import UsageError
from airscoop.kinds import shown

MOST_SECONDS = 10_000_000  # some 115 days


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """What may take how many seconds; what takes longer is TimedOut. None is the default.

    `connect` (10): name, connection and TLS, of every connection. `first_byte` (300 of a web
    source, 60 of a service of AWS): from the request to the first byte of the answer's data. `idle`
    (60): without a byte while data are on their way, of every connection. `whole` (no limit): the
    transfer until it commits, with all that is tried again. `min_rate` (no limit): bytes a second,
    that data bring on average while `idle` seconds go by.

    Given to a call they are those of its source, and `connect`, `idle` and `min_rate` those of all
    its connections. Those in the settings of a service (`S3Settings`) are of the requests to that
    service, in every call, and go before the call's; they have no `whole`.
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
                check_limit(f"timeout: {field.name}", value, most=2**40, whole=True)
            else:
                check_limit(f"timeout: {field.name}", value, most=MOST_SECONDS)


TimeoutGiven = Timeouts | Mapping[str, Any] | float

_NAMES = "connect=5, first_byte=600, idle=60"
_HOW = (
    "write a number of seconds for the whole, or"
    f" airscoop.Timeouts({_NAMES}, whole=3600, min_rate=10_000)"
)


def of_call(given: TimeoutGiven | None) -> Timeouts:
    """The timeouts that a call means."""
    if isinstance(given, int | float) and not isinstance(given, bool):
        return Timeouts(whole=given)
    return _named(given, _HOW)


def _of_template(value: Any, name: str) -> Timeouts:
    """Also of a mapping whose numbers are texts, as templates give them."""
    if isinstance(value, Mapping):
        value = {
            each: kinds.parse_number(seconds) if isinstance(seconds, str) else seconds
            for each, seconds in value.items()
        }
    return of_call(value)


OF_CALL = kinds.Kind(_of_template, kinds.parse_number)  # for what operators are given


def of_service(given: Timeouts | Mapping[str, Any] | None, name: str) -> Timeouts:
    """Those that the settings of a service mean, where a time of the whole has no meaning."""
    how = (
        f"write airscoop.Timeouts({_NAMES}, min_rate=10_000): of settings it is the time of single "
        "requests; a time of the whole is given to the call"
    )
    found = _named(given, how)
    if found.whole is not None:
        raise UsageError(f"{name}: timeout cannot limit the whole ({found.whole:g} s); {how}")
    return found


def _named(given: object, how: str) -> Timeouts:
    if given is None or isinstance(given, Timeouts):
        return given or Timeouts()
    if not isinstance(given, Mapping):
        raise UsageError(f"timeout cannot be {shown(given)}: {how}")
    try:
        return Timeouts(**given)
    except TypeError:
        names = ", ".join(field.name for field in dataclasses.fields(Timeouts))
        raise UsageError(
            f"timeout knows {names}, not {', '.join(shown(each).strip(chr(39)) for each in given)}"
        ) from None


def check_limit(
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


def milliseconds(seconds: float | None) -> int | None:
    """As the engine takes them: at least one; None is its default."""
    return None if seconds is None else max(1, round(seconds * 1000))


def native(limits: Timeouts, end: str = "") -> dict[str, Any]:
    """The binding's options of single requests: of all, or those of one end ("source_")."""
    return {
        f"{end}connect_ms": milliseconds(limits.connect),
        f"{end}first_byte_ms": milliseconds(limits.first_byte),
        f"{end}idle_ms": milliseconds(limits.idle),
        f"{end}least_rate": limits.min_rate,
    }
