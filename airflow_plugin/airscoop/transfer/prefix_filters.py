"""Which names below a prefix are copied: filters in the order given."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Collection, Sequence
from typing import Literal

from airscoop import kinds
from airscoop.errors import UsageError

Filter = tuple[Literal["include", "exclude"], str]

WRITE = 'write filters=[("exclude", "*"), ("include", "*.txt")]'


def chooser(
    include: Sequence[str], exclude: Sequence[str], filters: Sequence[Filter]
) -> Callable[[str], bool]:
    """Whether a name is copied, by either `include` and `exclude` or `filters`."""
    for name, patterns in (("include", include), ("exclude", exclude)):
        if (
            isinstance(patterns, str)
            or not isinstance(patterns, Collection)
            or not all(isinstance(one, str) for one in patterns)
        ):
            raise UsageError(f'{name} is a list of patterns: write {name}=["*.txt"]')
    if isinstance(filters, str) or not isinstance(filters, Collection):
        raise UsageError(f"filters is a list of pairs: {WRITE}")
    if not filters:
        return _included_not_excluded(_compiled(include), _compiled(exclude))
    if include or exclude:
        raise UsageError(f"include and exclude do not go with filters: {WRITE}")
    return _last_that_matches([(_is_include(one), _pattern(one[1])) for one in filters])


def _included_not_excluded(
    include: Sequence[re.Pattern[str]], exclude: Sequence[re.Pattern[str]]
) -> Callable[[str], bool]:
    def is_chosen(name: str) -> bool:
        name = _text(name)
        if include and not any(one.match(name) for one in include):
            return False
        return not any(one.match(name) for one in exclude)

    return is_chosen


def _last_that_matches(filters: list[tuple[bool, re.Pattern[str]]]) -> Callable[[str], bool]:
    """What no filter matches is copied if the first is an exclude."""
    otherwise = not filters[0][0]

    def is_chosen(name: str) -> bool:
        name = _text(name)
        return next((kept for kept, one in reversed(filters) if one.match(name)), otherwise)

    return is_chosen


def _compiled(patterns: Sequence[str]) -> list[re.Pattern[str]]:
    return [_pattern(one) for one in patterns]


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(_text(text)))


def _text(name: str) -> str:
    """With the characters that a name or pattern of a system without UTF-8 stands for."""
    if name.isascii():
        return name
    return name.encode(errors="surrogateescape").decode(errors="surrogateescape")


def _is_include(given: Filter) -> bool:
    match given:
        case (("include" | "exclude") as kind, str()):
            return kind == "include"
    raise UsageError(f"{kinds.shown(given)} is no filter: {WRITE}")
