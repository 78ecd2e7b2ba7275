"""Time zones: a time of a zone is its UTC time and the zone's name."""

from __future__ import annotations

import datetime
import re
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")


def zone(name: str) -> datetime.tzinfo:
    """Of a name such as Europe/Berlin, +01:00 or UTC; ValueError, in Trino's words."""
    if name in ("UTC", "Z"):
        return datetime.UTC
    if found := _OFFSET.fullmatch(name):
        minutes = int(found[2]) * 60 + int(found[3])
        sign = 1 if found[1] == "+" else -1
        return datetime.timezone(datetime.timedelta(minutes=sign * minutes))
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"INVALID_FUNCTION_ARGUMENT: '{name}' is not a valid time zone") from error


def zoned(moment: datetime.datetime) -> dict[str, Any]:
    """A moment with an offset, or in UTC, as DuckDB holds it."""
    offset = moment.utcoffset()
    if not offset:
        return {"at": moment.replace(tzinfo=None), "zone": "UTC"}
    minutes = int(offset.total_seconds()) // 60
    name = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    return {"at": moment.astimezone(datetime.UTC).replace(tzinfo=None), "zone": name}


def in_zone(moment: datetime.datetime, name: str) -> dict[str, Any]:
    """What a clock in the zone shows, as DuckDB holds it."""
    there = moment.replace(tzinfo=zone(name))
    return {"at": there.astimezone(datetime.UTC).replace(tzinfo=None), "zone": name}


def clock(value: dict[str, Any]) -> datetime.datetime:
    """What a clock in the zone shows."""
    moment: datetime.datetime = value["at"]
    return moment.replace(tzinfo=datetime.UTC).astimezone(zone(value["zone"])).replace(tzinfo=None)
