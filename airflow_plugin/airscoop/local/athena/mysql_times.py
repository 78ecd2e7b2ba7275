"""Times in MySQL's patterns (%Y-%m-%d), of date_parse and date_format."""

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
_LONG = {"T": "%H:%i:%s", "r": "%h:%i:%s %p"}
_REFUSED = {"D", "U", "u", "V", "w", "X"}


def _expanded(form: str) -> str:
    return re.sub(r"%([Tr])", lambda match: _LONG[match[1]], form)


def _check(letter: str) -> None:
    if letter in _REFUSED:
        raise Unknown(f"%{letter} in the pattern of a time: neither date_parse nor date_format")


def formatted(moment: datetime.datetime, form: str) -> str:
    def part(match: re.Match[str]) -> str:
        letter = match[1]
        _check(letter)
        hour = moment.hour % 12 or 12
        iso = moment.isocalendar()
        found = {
            "a": _DAYS[moment.weekday()][:3], "b": _MONTHS[moment.month - 1][:3],
            "c": str(moment.month), "d": f"{moment.day:02d}", "e": str(moment.day),
            "f": f"{moment.microsecond // 1000 * 1000:06d}", "H": f"{moment.hour:02d}",
            "h": f"{hour:02d}", "I": f"{hour:02d}", "i": f"{moment.minute:02d}",
            "j": f"{moment.timetuple().tm_yday:03d}", "k": str(moment.hour), "l": str(hour),
            "M": _MONTHS[moment.month - 1], "m": f"{moment.month:02d}",
            "p": "AM" if moment.hour < 12 else "PM", "S": f"{moment.second:02d}",
            "s": f"{moment.second:02d}", "v": f"{iso.week:02d}",
            "W": _DAYS[moment.weekday()], "x": f"{iso.year:04d}", "Y": f"{moment.year:04d}",
            "y": f"{moment.year % 100:02d}", "%": "%",
        }  # fmt: skip
        return found.get(letter, letter)

    return re.sub(r"%(.)", part, _expanded(form), flags=re.DOTALL)


_PATTERNS = {
    "a": f"(?:{'|'.join(day[:3] for day in _DAYS)})",
    "W": f"(?:{'|'.join(_DAYS)})",
    "b": f"(?P<month_name>{'|'.join(month[:3] for month in _MONTHS)})",
    "M": f"(?P<month_name>{'|'.join(_MONTHS)})",
    "c": r"(?P<month>\d{1,2})", "m": r"(?P<month>\d{1,2})",
    "d": r"(?P<day>\d{1,2})", "e": r"(?P<day>\d{1,2})",
    "f": r"(?P<fraction>\d{1,9})", "H": r"(?P<hour>\d{1,2})", "k": r"(?P<hour>\d{1,2})",
    "h": r"(?P<hour12>\d{1,2})", "I": r"(?P<hour12>\d{1,2})", "l": r"(?P<hour12>\d{1,2})",
    "i": r"(?P<minute>\d{1,2})", "j": r"(?P<yday>\d{1,3})", "p": r"(?P<half>AM|PM)",
    "S": r"(?P<second>\d{1,2})", "s": r"(?P<second>\d{1,2})", "Y": r"(?P<year>[+-]?\d{1,4})",
    "y": r"(?P<short>\d{2})", "%": "%",
}  # fmt: skip


@cache
def _expression(form: str) -> re.Pattern[str]:
    pieces, end = [], 0
    expanded = _expanded(form)
    for match in re.finditer(r"%(.)", expanded, flags=re.DOTALL):
        pieces.append(re.escape(expanded[end : match.start()]))
        end = match.end()
        _check(match[1])
        if match[1] in ("v", "x"):
            raise Unknown(f"%{match[1]} in the pattern of date_parse")
        pieces.append(_PATTERNS.get(match[1], re.escape(match[1])))
    try:
        return re.compile("".join([*pieces, re.escape(expanded[end:])]), re.I)
    except re.error as error:
        raise Unknown(f"a part that comes twice in the pattern of date_parse: {form}") from error


def parsed(text: str, form: str) -> datetime.datetime:
    """The moment in a text; ValueError where the text is not in the pattern."""
    match = _expression(form).fullmatch(text)
    if match is None:
        raise ValueError(f'Invalid format: "{text}"')
    found = {name: value for name, value in match.groupdict().items() if value is not None}
    year = int(found.get("year", 1970))
    if "short" in found:
        short = int(found["short"])
        year = 2000 + short if short < 70 else 1900 + short
    month = int(found.get("month", 1))
    if "month_name" in found:
        month = [m[:3].lower() for m in _MONTHS].index(found["month_name"][:3].lower()) + 1
    hour = int(found.get("hour", 0))
    if "hour12" in found:
        if not 1 <= int(found["hour12"]) <= 12:
            raise ValueError(
                f'Cannot parse "{text}": Value {found["hour12"]} must be in the range [1,12]'
            )
        hour = int(found["hour12"]) % 12 + (12 if found.get("half", "AM").upper() == "PM" else 0)
    milli = int(found.get("fraction", "0").ljust(3, "0")[:3])
    try:
        moment = datetime.datetime(
            year, month, int(found.get("day", 1)), hour, int(found.get("minute", 0)),
            int(found.get("second", 0)), milli * 1000,
        )  # fmt: skip
    except ValueError as error:
        raise ValueError(f'Cannot parse "{text}": {error}') from error
    if "yday" in found:
        moment += datetime.timedelta(days=int(found["yday"]) - 1)
    return moment
