"""What an option may be: its kind, by which every dataclass of options reads what it is given.

A value of another kind is a UsageError that names the option and what it takes, never a guess: the
text "no" is no flag, though Python takes it for true. None is the option's default.
"""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, get_args

from airscoop.errors import UsageError
from airscoop.given import checked

Size = int | str  # bytes, or a text such as "64M"

UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}
SIZE = re.compile(r"([0-9]{1,18}(?:\.[0-9]{1,6})?) ?([KMG]?)(?:I?B)?", re.ASCII | re.IGNORECASE)
LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Kind:
    """Reads a value that an option was given.

    read: of the value and the option's name; UsageError. parse: what the text of a template
    stands for, the text itself where it stands for nothing else.
    """

    read: Callable[[Any, str], Any]
    parse: Callable[[str], object] = str


def refuse(name: str, wanted: str, value: object) -> NoReturn:
    """Raises the UsageError for a value of another kind."""
    raise UsageError(f"{name} has to be {wanted}, not {shown(value)}")


def shown(value: object) -> str:
    """A wrong value in an error: short, and no object's own words, which may be secret."""
    if isinstance(value, int) and value.bit_length() > 128:
        return "a number beyond all bounds"
    if value is None or isinstance(value, bool | int | float):
        return repr(value)
    if isinstance(value, str):
        return repr(value) if len(value) <= 40 else "a long text"
    return type(value).__name__


def parsed_size(text: str) -> int | None:
    """Bytes of a text such as 4096, 64M, 1.5G or 64MB, in units of 1,024; None if it is none."""
    found = SIZE.fullmatch(text.strip())
    if found is None:
        return None
    whole, _, fraction = found[1].partition(".")
    scale: int = 10 ** len(fraction)
    return int(whole + fraction) * UNITS[found[2].upper()] // scale


def _flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        refuse(name, "True or False", value)
    return value


def _parse_flag(text: str) -> object:
    return {"true": True, "false": False}.get(text.strip().lower(), text)


def parse_number(text: str) -> object:
    """The number that a text writes; the text itself where it writes none."""
    for number in (int, float):
        try:
            return number(text) if text.isascii() and "_" not in text else text
        except ValueError:
            continue
    return text


def _whole(value: Any, name: str, wanted: str) -> int:
    """An int, also numpy's; Python would take True for 1."""
    if isinstance(value, bool) or not hasattr(type(value), "__index__"):
        refuse(name, wanted, value)
    return int(value.__index__())


def whole(least: int = 0, most: int = LARGEST) -> Kind:
    """A whole number."""
    bounds = f"from {least:,} to {most:,}" if most < LARGEST else f"of {least:,} or more"
    wanted = f"a whole number {bounds}"

    def read(value: Any, name: str) -> int:
        number = _whole(value, name, wanted)
        if not least <= number <= most:
            refuse(name, wanted, value)
        return number

    return Kind(read, parse_number)


def number(least: float = 0.0, most: float = 1e9) -> Kind:
    """A number, with a fraction or without."""
    wanted = f"a number from {least:,g} to {most:,{'.0f' if most >= 1e6 else 'g'}}"

    def read(value: Any, name: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            refuse(name, wanted, value)
        if not least <= value <= most:  # so is what is not a number
            refuse(name, wanted, value)
        return float(value)

    return Kind(read, parse_number)


def size(least: int = 1) -> Kind:
    """Bytes: a whole number, or a text with a unit."""
    wanted = 'a number of bytes, or a text such as "64M" or "1.5G"'

    def read(value: Any, name: str) -> int:
        found = parsed_size(value) if isinstance(value, str) else _whole(value, name, wanted)
        if found is None or not least <= found < 2**64:
            refuse(name, wanted + (f", {least:,} or more" if least > 1 else ""), value)
        return found

    return Kind(read)


def choice(literal: Any) -> Kind:
    """One of the texts of a Literal."""
    known = get_args(literal)
    words = ", ".join(f'"{each}"' for each in known[:-1]) + f' or "{known[-1]}"'

    def read(value: Any, name: str) -> str:
        if isinstance(value, str) and value in known:
            return value
        given = f'"{value}"' if isinstance(value, str) and len(value) <= 40 else shown(value)
        raise UsageError(f"{name} cannot be {given}; use {words}")

    return Kind(read)


def instance(kind: type, wanted: str) -> Kind:
    """An object of a class."""

    def read(value: Any, name: str) -> Any:
        if not isinstance(value, kind):
            refuse(name, wanted, value)
        return value

    return Kind(read)


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        refuse(name, "a text", value)
    return checked(value, name)


def _path(value: Any, name: str) -> str:
    if not isinstance(value, str | os.PathLike):
        refuse(name, "a path", value)
    path = os.fspath(value)
    if not isinstance(path, str):
        refuse(name, "a path of text", path)
    if "\0" in path:
        raise UsageError(f"{name} holds a NUL character")
    return path


def _function(value: Any, name: str) -> Any:
    if not callable(value):
        refuse(name, "a function", value)
    return value


def _secret(value: Any, name: str) -> str:
    """A text that no error shows."""
    if not isinstance(value, str):
        raise UsageError(f"{name} has to be a text, not {type(value).__name__}")
    return _text(value, name)


def _pairs(value: Any, name: str) -> dict[str, str]:
    if not isinstance(value, Mapping):
        refuse(name, "a mapping of names to texts", value)
    return {
        _text(key, f"a name in {name}"): _text(each, f"{name}: {key}")
        for key, each in value.items()
    }


FLAG = Kind(_flag, _parse_flag)
TEXT = Kind(_text)
PATH = Kind(_path)
FUNCTION = Kind(_function)
SECRET = Kind(_secret)
PAIRS = Kind(_pairs)

Kinds = Mapping[str, Kind]


def settle(options: Any, kinds: Kinds, prefix: str = "") -> None:
    """Reads the fields of a frozen dataclass that is being made; `prefix` goes before their names
    in errors."""
    for field in dataclasses.fields(options):
        if field.name not in kinds:
            continue
        value = getattr(options, field.name)
        if value is None and field.default is not dataclasses.MISSING:
            value = field.default
            if value is None:
                continue
        elif value is None and field.default_factory is not dataclasses.MISSING:
            value = field.default_factory()
        value = kinds[field.name].read(value, prefix + field.name)
        object.__setattr__(options, field.name, value)


def read_all(given: Mapping[str, Any], kinds: Kinds, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The same of a function's options by name; those without a kind stay as they are."""
    found = dict(given)
    for name, kind in kinds.items():
        if name not in given:
            continue
        value = defaults.get(name) if given[name] is None else given[name]
        found[name] = None if value is None else kind.read(value, name)
    return found


def check(kinds: Kinds, needed: Mapping[str, Any], optional: Mapping[str, Any]) -> None:
    """Refuses what a function was given of another kind; None stands for what is `optional`."""
    given = dict(needed) | {name: value for name, value in optional.items() if value is not None}
    for name, value in given.items():
        kinds[name].read(value, name)


def rendered(given: Mapping[str, Any], kinds: Kinds) -> dict[str, Any]:
    """What the texts of Airflow's templates stand for, of options by name: "true" and "false" for a
    flag, digits for a number. Other texts stay, and are refused where they are read."""
    return {
        name: kinds[name].parse(value) if isinstance(value, str) and name in kinds else value
        for name, value in given.items()
    }
