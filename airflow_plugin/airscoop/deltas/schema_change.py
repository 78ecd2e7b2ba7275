"""Columns that one of two exports has alone, for the engine that reads headers in Python.

As csrc/table/rows/schema_change.c.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airscoop.deltas.column_case import LETTERS
from airscoop.error_facts import with_facts
from airscoop.errors import SchemaChanged, UsageError
from airscoop.given import spelled

if TYPE_CHECKING:
    from airscoop.deltas.options import SchemaChange


def alone(before: Sequence[str], after: Sequence[str]) -> tuple[list[str], list[str]]:
    """The columns that were added, and those that are gone."""
    were, are = set(before), set(after)
    added = [name for name in after if name not in were]
    return added, [name for name in before if name not in are]


def check_schema(
    before: Sequence[str],
    after: Sequence[str],
    *,
    key: Sequence[str],
    on_schema_change: SchemaChange,
    any_case: bool,
    old: str,
    new: str,
) -> None:
    """Raises SchemaChanged, or UsageError for a key that the old export, `old`, lacks."""
    added, gone = alone(before, after)
    folded = {name.translate(LETTERS): name for name in added}
    keys = [spelled(name, before) for name in key]
    for name in gone:
        twin = folded.get(name.translate(LETTERS))
        if twin is not None and (name in keys or not any_case):
            error = SchemaChanged(
                f'the column "{name}" of {old} is "{twin}" in {new}, which no on_schema_change '
                "takes for the same column or for another one; give both exports one spelling"
            )
            raise with_facts(error, added=[twin], gone=[name])
    if on_schema_change == "error" and (added or gone):
        what = [f"added: {', '.join(added)}"] if added else []
        what += [f"gone: {', '.join(gone)}"] if gone else []
        error = SchemaChanged(
            f"the columns changed from {old} to {new}: {'; '.join(what)}; if that is meant, "
            'compare them all with on_schema_change="all", where one that an export lacks is null'
        )
        raise with_facts(error, added=added, gone=gone)
    missing = [name for name in keys if name not in before]
    if missing:
        raise UsageError(f'the key "{missing[0]}" is no column of {old}')
