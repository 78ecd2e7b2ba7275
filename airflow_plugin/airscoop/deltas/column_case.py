"""Columns whose names are equal but for case, for the engine that reads headers in Python.

As csrc/table/rows/column_case.c: case is ASCII's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airscoop.errors import BadRecord

if TYPE_CHECKING:
    from airscoop.transfer.options import KeyCase

LETTERS = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


def by_case(names: Sequence[str], on_key_case: KeyCase, source: str) -> list[str]:
    """The names as `on_key_case` says: refused, the later ones numbered, or as they are."""
    if on_key_case == "keep":
        return list(names)
    taken: dict[str, str] = {}
    found: list[str] = []
    for name in names:
        other = taken.get(name.translate(LETTERS))
        if other is not None and on_key_case == "error":
            raise BadRecord(
                f'{source}: the columns "{other}" and "{name}" are equal but for case, which '
                'warehouses fold; on_key_case="rename" numbers the later one, on_key_case="keep" '
                "keeps both, there and wherever the changes are read"
            )
        found.append(name if other is None else _numbered(name, [*names, *found]))
        taken[found[-1].translate(LETTERS)] = found[-1]
    return found


def _numbered(name: str, taken: Sequence[str]) -> str:
    folded = {one.translate(LETTERS) for one in taken}
    number = 2
    while f"{name}_{number}".translate(LETTERS) in folded:
        number += 1
    return f"{name}_{number}"
