"""Receipts: what every verb returns, prints, pushes to XCom and shows in the UI.

The counts of a receipt are checked before it is made: what came in equals what went out plus what
was rejected or found to be a duplicate. A receipt holds no secret and only JSON types.

What a package of airscoop returns is in the module of the same name here, so that a command makes
the classes of its own verb. Users import them from `airscoop`.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any


def _plain(value: object) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def megabytes(count: int) -> str:
    """A byte count for people, in units of 10^6."""
    return f"{count / 1e6:,.1f} MB"


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """The part that all receipts share. `seconds` is wall time."""

    verb: str
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The receipt as JSON types, for XCom and `--json`."""
        plain: dict[str, Any] = _plain(self)
        return plain

    def summary(self) -> str:
        """One line for people."""
        return f"{self.verb} in {self.seconds:.1f} s"
