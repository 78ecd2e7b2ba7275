"""Times in Java's patterns: yyyy-MM-dd HH:mm:ss. What is not known in a pattern is refused."""

from __future__ import annotations

import datetime
import re
from functools import cache

from airscoop.local.athena.failures import Unknown

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_PART = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")
_KNOWN = set("yYuMLdHhkKmsSaEDZ")


@cache
def _parts(pattern: str) -> tuple[tuple[str, str], ...]:
    """Letters of fields with their runs, and texts between them under the letter ''."""
    found: list[tuple[str, str]] = []
    end = 0
    for match in _PART.finditer(pattern):
        if match.start() != end:
            break
        end = match.end()
        if match[2]:
            if match[2] not in _KNOWN:
                raise Unknown(f"{match[0]} in the pattern of times {pattern}")
            found.append((match[2], match[0]))
        elif match[1] is not None:
            found.append(("", match[1].replace("''", "'") or "'"))
        else:
            found.append(("", match[0]))
    if end != len(pattern):
        raise Unknown(f"the pattern of times {pattern}")
    return tuple(found)


def _number(moment: datetime.datetime, letter: str) -> int:
    return {
        "y": moment.year, "Y": moment.year, "u": moment.year, "M": moment.month, "L": moment.month,
        "d": moment.day, "H": moment.hour, "k": moment.hour or 24, "h": moment.hour % 12 or 12,
        "K": moment.hour % 12, "m": moment.minute, "s": moment.second,
        "D": moment.timetuple().tm_yday,
    }[letter]  # fmt: skip


def _field(moment: datetime.datetime, letter: str, run: str) -> str:
    width = len(run)
    if letter == "a":
        return "AM" if moment.hour < 12 else "PM"
    if letter == "E":
        name = _DAYS[moment.weekday()]
        return name if width > 3 else name[:3]
    if letter in "ML" and width > 2:
        name = _MONTHS[moment.month - 1]
        return name if width > 3 else name[:3]
    if letter == "S":
        return f"{moment.microsecond:06d}".ljust(width, "0")[:width]
    if letter == "Z":
        return _offset(moment, colon=width == 2)
    number = _number(moment, letter)
    if letter in "yYu" and width == 2:
        return f"{number % 100:02d}"
    return str(number).rjust(width, "0")


def _offset(moment: datetime.datetime, *, colon: bool) -> str:
    delta = moment.utcoffset() or datetime.timedelta()
    minutes = int(delta.total_seconds()) // 60
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}{':' if colon else ''}{abs(minutes) % 60:02d}"


def formatted(moment: datetime.datetime, pattern: str) -> str:
    return "".join(
        _field(moment, letter, run) if letter else run for letter, run in _parts(pattern)
    )


_GROUPS = {"y": "year", "Y": "year", "u": "year", "M": "month", "L": "month", "d": "day",
           "H": "hour", "k": "hour24", "h": "hour12", "K": "hour11", "m": "minute", "s": "second",
           "S": "fraction", "a": "half", "Z": "offset", "D": "yday"}  # fmt: skip


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    pieces = []
    parts = _parts(pattern)
    for number, (letter, run) in enumerate(parts):
        if not letter:
            pieces.append(re.escape(run))
            continue
        packed = number + 1 < len(parts) and parts[number + 1][0] not in ("", "a", "E", "Z")
        pieces.append(_piece(letter, run, packed=packed))
    return re.compile("".join(pieces), re.I)


def _piece(letter: str, run: str, *, packed: bool) -> str:
    if letter == "E":
        return f"(?:{'|'.join((*_DAYS, *(d[:3] for d in _DAYS)))})"
    name = _GROUPS[letter]
    if letter in "ML" and len(run) > 2:
        return f"(?P<month_name>{'|'.join((*_MONTHS, *(m[:3] for m in _MONTHS)))})"
    if letter == "a":
        return f"(?P<{name}>AM|PM)"
    if letter == "Z":
        return f"(?P<{name}>Z|[+-]\\d\\d:?\\d\\d)"
    if letter in "yYu" and len(run) == 2:
        return r"(?P<short_year>\d{2})"
    if packed:
        return f"(?P<{name}>\\d{{{len(run)}}})"
    return f"(?P<{name}>\\d{{1,9}})" if letter == "S" else f"(?P<{name}>[+-]?\\d+)"


def parsed(text: str, pattern: str) -> datetime.datetime:
    """The moment in a text; ValueError where the text is not in the pattern."""
    match = _expression(pattern).fullmatch(text)
    if match is None:
        raise ValueError(f'Invalid format: "{text}"')
    found = match.groupdict()
    year = int(found.get("year") or 0) if "year" in found else _century(found)
    hour = int(found.get("hour") or 0)
    if found.get("hour24") is not None:
        hour = int(found["hour24"]) % 24
    half = (found.get("half") or "").upper()
    if found.get("hour12") is not None or found.get("hour11") is not None:
        hour = int(found.get("hour12") or found.get("hour11") or 0) % 12 + (
            12 if half == "PM" else 0
        )
    moment = datetime.datetime(
        year,
        _month(found),
        int(found.get("day") or 1),
        hour,
        int(found.get("minute") or 0),
        int(found.get("second") or 0),
        int((found.get("fraction") or "0").ljust(6, "0")[:6]),
    )
    if found.get("yday"):
        moment += datetime.timedelta(days=int(found["yday"]) - 1)
    return moment.replace(tzinfo=_zone(found["offset"])) if found.get("offset") else moment


def _century(found: dict[str, str]) -> int:
    if not found.get("short_year"):
        return 1970
    year = int(found["short_year"])
    return 2000 + year if year < 70 else 1900 + year


def _month(found: dict[str, str]) -> int:
    if found.get("month_name"):
        return [m[:3].lower() for m in _MONTHS].index(found["month_name"][:3].lower()) + 1
    return int(found.get("month") or 1)


def _zone(text: str) -> datetime.timezone:
    if text.upper() == "Z":
        return datetime.UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return datetime.timezone(datetime.timedelta(minutes=-minutes if text[0] == "-" else minutes))
