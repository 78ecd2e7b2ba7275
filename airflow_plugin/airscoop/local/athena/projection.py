"""Partitions that are computed from a table's properties: projection.*"""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from airscoop.local.athena.failures import QueryFailed, Unknown
from airscoop.local.athena.java_times import formatted, parsed
from airscoop.local.athena.tables import Partition, Table

MOST_VALUES = 1_000_000
_UNITS = {
    "YEARS": "years", "MONTHS": "months", "WEEKS": "weeks", "DAYS": "days", "HOURS": "hours",
    "MINUTES": "minutes", "SECONDS": "seconds", "YEAR": "years", "MONTH": "months",
    "WEEK": "weeks", "DAY": "days", "HOUR": "hours", "MINUTE": "minutes", "SECOND": "seconds",
}  # fmt: skip
_RELATIVE = re.compile(r"NOW\s*(?:([+-])\s*(\d+)\s*([A-Z]+))?", re.I)


def is_enabled(table: Table) -> bool:
    return table.parameters.get("projection.enabled", "").lower() == "true"


def _bad(table: Table, name: str, why: str) -> QueryFailed:
    return QueryFailed(
        f"INVALID_TABLE_PROPERTY: Invalid partition projection of column {name} of "
        f"{table.title}: {why}"
    )


def _property(table: Table, name: str, key: str) -> str | None:
    wanted = f"projection.{name}.{key}"
    return next((v for k, v in table.parameters.items() if k.lower() == wanted), None)


def _needed(table: Table, name: str, key: str) -> str:
    value = _property(table, name, key)
    if value is None:
        raise _bad(table, name, f"projection.{name}.{key} is missing")
    return value


def values(
    table: Table,
    name: str,
    given: Mapping[str, Sequence[str]],
    *,
    now: datetime.datetime | None = None,
) -> Iterable[str]:
    """The texts that a column takes. given: what the statement says that it is equal to."""
    kind = _needed(table, name, "type").lower()
    match kind:
        case "enum":
            return [each.strip() for each in _needed(table, name, "values").split(",")]
        case "integer":
            return _integers(table, name)
        case "date":
            return _dates(table, name, now or datetime.datetime.now(datetime.UTC))
        case "injected":
            if name not in given:
                raise QueryFailed(
                    "CONSTRAINT_VIOLATION: For the injected projected partition column "
                    f"{name}, the WHERE clause must contain only static equality conditions, and "
                    "at least one such condition must be present."
                )
            return given[name]
    raise _bad(table, name, f"the type {kind} is none of enum, integer, date and injected")


def _integers(table: Table, name: str) -> Iterator[str]:
    low, high = _range(table, name)
    step = int(_property(table, name, "interval") or 1)
    digits = int(_property(table, name, "digits") or 0)
    if not re.fullmatch(r"[+-]?\d+", low) or not re.fullmatch(r"[+-]?\d+", high) or step < 1:
        raise _bad(table, name, f"the range {low},{high} is none of integers")
    _limit(table, name, (int(high) - int(low)) // step)
    return (f"{number:0{digits}d}" for number in range(int(low), int(high) + 1, step))


def _range(table: Table, name: str) -> tuple[str, str]:
    parts = [each.strip() for each in _needed(table, name, "range").split(",")]
    if len(parts) != 2:
        raise _bad(table, name, f"the range {','.join(parts)} has not two ends")
    return parts[0], parts[1]


def _limit(table: Table, name: str, count: float) -> None:
    if count > MOST_VALUES:
        raise _bad(table, name, f"the range has more than {MOST_VALUES:,} values")


def _dates(table: Table, name: str, now: datetime.datetime) -> Iterator[str]:
    form = _needed(table, name, "format")
    low, high = (_end(table, name, text, form, now) for text in _range(table, name))
    unit_text = _property(table, name, "interval.unit") or _finest(form)
    unit = _UNITS.get(unit_text.upper())
    step = int(_property(table, name, "interval") or 1)
    if unit is None or step < 1:
        raise _bad(table, name, f"the interval {step} {unit_text} is not known")
    _limit(table, name, (high - low).total_seconds() / (step * _SECONDS[unit]))
    return _steps(low, high, unit, step, form)


_SECONDS = {
    "seconds": 1, "minutes": 60, "hours": 3600, "days": 86400, "weeks": 604800,
    "months": 28 * 86400, "years": 365 * 86400,
}  # fmt: skip


def _finest(form: str) -> str:
    """The unit of a format's smallest part; below a day Athena wants one to be named."""
    bare = re.sub(r"'[^']*'", "", form)
    for letters, unit in (("s", "seconds"), ("m", "minutes"), ("HhkK", "hours"), ("dD", "days")):
        if any(letter in bare for letter in letters):
            return unit
    return "months" if any(letter in bare for letter in "ML") else "years"


def _end(
    table: Table, name: str, text: str, form: str, now: datetime.datetime
) -> datetime.datetime:
    found = _RELATIVE.fullmatch(text)
    if found is None:
        try:
            return parsed(text, form)
        except ValueError as error:
            raise _bad(table, name, f"{text} is not in the format {form}") from error
    now = now.astimezone(datetime.UTC).replace(tzinfo=None)
    if found[1] is not None:
        unit = _UNITS.get(found[3].upper())
        if unit is None:
            raise _bad(table, name, f"the unit {found[3]} is not known")
        now = moved(now, unit, int(found[1] + found[2]))
    return parsed(formatted(now, form), form)


def moved(moment: datetime.datetime, unit: str, count: int) -> datetime.datetime:
    """A moment some units later; the day of a short month is its last."""
    if unit not in ("months", "years"):
        return moment + datetime.timedelta(**{unit: count})
    months = moment.year * 12 + moment.month - 1 + count * (12 if unit == "years" else 1)
    year, month = divmod(months, 12)
    following = datetime.date(year + month // 11, (month + 1) % 12 + 1, 1)
    last = (following - datetime.timedelta(days=1)).day
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))


def _steps(
    low: datetime.datetime, high: datetime.datetime, unit: str, step: int, form: str
) -> Iterator[str]:
    for number in itertools.count():
        moment = moved(low, unit, number * step)
        if moment > high:
            return
        yield formatted(moment, form)


def partitions(
    table: Table,
    given: Mapping[str, Sequence[str]],
    narrowed: Mapping[str, Iterable[str]],
    *,
    now: datetime.datetime | None = None,
) -> Iterator[Partition]:
    """A partition for each combination of values. Nothing need lie there."""
    columns = [
        list(narrowed[name] if name in narrowed else values(table, name, given, now=now))
        for name, _ in table.keys
    ]
    total = 1
    for each in columns:
        total *= len(each)
    _limit(table, ", ".join(name for name, _ in table.keys), total)
    for combination in itertools.product(*columns):
        yield Partition(combination, _location(table, combination))


def _location(table: Table, combination: tuple[str, ...]) -> str:
    named = dict(zip((name for name, _ in table.keys), combination, strict=True))
    template = table.parameters.get("storage.location.template")
    if template is None:
        root = table.storage.location.rstrip("/")
        return root + "/" + "".join(f"{name}={value}/" for name, value in named.items())

    def value(match: re.Match[str]) -> str:
        name = match[1].lower()
        if name not in named:
            raise Unknown(f"${{{match[1]}}} in storage.location.template of {table.title}")
        return named[name]

    return re.sub(r"\$\{([^}]*)\}", value, template)
