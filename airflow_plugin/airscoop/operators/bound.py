"""Options in a field of an operator, bound to the names that a verb has before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from airscoop.errors import UsageError


def bound(
    task_id: str, field: str, given: Mapping[str, Any] | None, known: Collection[str]
) -> dict[str, Any]:
    """The options that are given; UsageError for what is no mapping, and for an unknown name."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise UsageError(
            f"{task_id}: {field} must be a mapping of names to values, not {type(given).__name__}"
        )
    for name in given:
        if name not in known:
            raise UsageError(
                f"{task_id}: {field}: there is no option {name!r} here; there are "
                + ", ".join(sorted(known))
            )
    return dict(given)
