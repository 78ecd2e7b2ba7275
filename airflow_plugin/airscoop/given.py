"""Names, values and texts as callers give them: in Python, from YAML, or as a template made them.

The one place that reads them, for every verb. A whole number or a date has one obvious text; a
datetime has several, a float may have lost digits, and None is no text: those are refused, with the
argument and the column by name.
"""

from __future__ import annotations

import datetime
import numbers
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from airscoop.errors import UsageError

LONGEST_BITS = 10_000  # Python refuses to write out numbers of some 14,000
WRITE = "give a text, a whole number or a date"


def text(given: object, what: str) -> str:
    """The one text that `given` stands for; `what` is what errors call it."""
    if isinstance(given, str):
        return checked(given, what)
    if isinstance(given, numbers.Integral) and not isinstance(given, bool):
        if int(given).bit_length() > LONGEST_BITS:
            raise UsageError(f"{what} is a number beyond all bounds; {WRITE}")
        return str(int(given))
    if isinstance(given, datetime.date) and not isinstance(given, datetime.datetime):
        return given.isoformat()
    raise UsageError(f"{what} is {_shown(given)}; {_write(given)}")


def names(given: object, what: str) -> tuple[str, ...]:
    """The names of a list. A text is one name."""
    if isinstance(given, str):
        return (_lone(given, what),)
    if isinstance(given, set | frozenset):
        raise UsageError(f"{what} is a set, which has no order; give a list of names")
    if isinstance(given, numbers.Integral | datetime.date):
        return (text(given, what),)
    if isinstance(given, bytes | bytearray | Mapping) or not isinstance(given, Iterable):
        raise UsageError(f"{what} is {_shown(given)}; give a list of names, or one name")
    return tuple(_name(each, f"{what}[{place}]") for place, each in enumerate(given))


def spelled(name: str, columns: Sequence[str]) -> str:
    """The column that a name means: the one that is written like it, else the only one that is
    equal but for the case of A to Z, else none: the name itself."""
    if name in columns:
        return name
    alike = [each for each in columns if each.encode().lower() == name.encode().lower()]
    return alike[0] if len(alike) == 1 else name


def values(given: object, what: str) -> dict[str, str]:
    """The columns and values of a mapping."""
    if not isinstance(given, Mapping):
        raise UsageError(
            f"{what} is {_shown(given)}; give a mapping of columns to values{_hint(given)}"
        )
    found: dict[str, str] = {}
    for column, value in given.items():
        name = _name(column, f"a column of {what}")
        if name in found:
            raise UsageError(f'{what} has the column "{name}" twice')
        found[name] = text(value, f'{what}: the value of "{name}"')
    return found


def options_of(given: object, what: str, known: Collection[str] | None = None) -> dict[str, Any]:
    """Further arguments of a function, by name, of which it knows these; None: there are none."""
    if given is None:
        return {}
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise UsageError(
            f"{what} is {_shown(given)}; give a mapping of names to values{_hint(given)}"
        )
    for name in given:
        if known is not None and name not in known:
            raise UsageError(
                f"{what}: there is no option {name!r} here; there are {', '.join(sorted(known))}"
            )
    return dict(given)


def parameters(given: object, what: str = "parameters") -> tuple[str | None, ...]:
    """The parameters of a statement; here None is meant: it is NULL."""
    if isinstance(given, str | bytes | Mapping | set | frozenset) or not isinstance(
        given, Iterable
    ):
        raise UsageError(f"{what} is {_shown(given)}; give a list, one for each $1, $2, …")
    return tuple(
        None if each is None else text(each, f"{what}[{place}]") for place, each in enumerate(given)
    )


def _name(given: object, what: str) -> str:
    name = text(given, what)
    if not name:
        raise UsageError(f"{what} is empty; give a name")
    return name


def _lone(given: str, what: str) -> str:
    name = _name(given, what)
    if name[0] in "[(" and name[-1] in "])":
        raise UsageError(
            f"{what} is the text {name[:60]!r}, which looks like a list that a template has "
            "printed; give the list itself (a task's output, or by a template with "
            f"render_template_as_native_obj=True), or [{name[:60]!r}] for one column of this name"
        )
    return name


def checked(given: str, what: str) -> str:
    """A text that libpq and the engine can take. It may be a secret, so no error shows it."""
    if "\0" in given:
        raise UsageError(f"{what} holds a NUL character")
    try:
        given.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{what} is no UTF-8") from None
    return given


def _hint(given: object) -> str:
    printed = isinstance(given, str) and given.startswith("{")
    native = "; a template gives a mapping with render_template_as_native_obj=True"
    return native if printed else ""


def _shown(given: object) -> str:
    """A text may be long, or secret."""
    if isinstance(given, int) and given.bit_length() > LONGEST_BITS:
        return "a number beyond all bounds"
    if given is None or isinstance(given, bool | int | float | datetime.date):
        return repr(given)
    if isinstance(given, str):
        return "a text"
    return f"of type {type(given).__name__}"


def _write(given: object) -> str:
    if isinstance(given, bool):
        return f"{WRITE} (in YAML a word such as yes, no or on is a text only within quotes)"
    if isinstance(given, datetime.datetime):
        return "a datetime has several texts: write the one that is meant, as by strftime"
    if isinstance(given, float):
        return "a number with a fraction has several texts: write the one that is meant"
    return WRITE
