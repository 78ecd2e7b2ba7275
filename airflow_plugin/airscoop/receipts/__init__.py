"""Receipts: what every verb returns, prints, pushes to XCom and shows in the UI.

The counts of a receipt are checked before it is made: what came in equals what went out plus what
was rejected or found to be a duplicate. A receipt holds no secret and only JSON types.

What a package of airscoop returns is in the module of the same name here, so that a command makes
the classes of its own verb. Users import them from `airscoop`.
"""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from airscoop import __version__

FORMAT_VERSION = 1
MOST_THAT_MATTER = 8  # besides id and verb
REPR_CHARACTERS = 200
ENVELOPE = ("id", "verb", "started_at", "finished_at", "seconds")


def new_id() -> str:
    """32 random hexadecimal digits."""
    return os.urandom(16).hex()


def in_utc(moment: datetime) -> str:
    """As receipts have a moment: ISO 8601 with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _now() -> str:
    return in_utc(datetime.now(UTC))


def _plain(value: object) -> Any:
    if isinstance(value, Receipt):
        return value.to_dict()
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


@dataclass(frozen=True, kw_only=True, repr=False)
class Receipt:
    """The part that all receipts share.

    id: of this run of the verb, 32 random hexadecimal digits. seconds: wall time. finished_at:
    ISO 8601 in UTC. Receipts that differ in id and finished_at alone are equal.
    """

    MATTERS: ClassVar[tuple[str, ...]] = ()  # these fields stand at the top; the others are nested

    verb: str
    seconds: float
    id: str = field(default_factory=new_id, compare=False)
    finished_at: str = field(default_factory=_now, compare=False)

    @property
    def started_at(self) -> str:
        """ISO 8601 in UTC, `seconds` before `finished_at`."""
        finished = datetime.fromisoformat(self.finished_at)
        return in_utc(finished - timedelta(seconds=self.seconds))

    def to_dict(self) -> dict[str, Any]:
        """The receipt as JSON types, for XCom and `--json`: at most ten fields that matter, when it
        was made and by what, and the rest as `diagnostics`."""
        names = [each.name for each in dataclasses.fields(self)]
        nested = [name for name in names if name not in (*self.MATTERS, *ENVELOPE)]
        return {
            **{name: _plain(getattr(self, name)) for name in ("id", "verb", *self.MATTERS)},
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "seconds": self.seconds,
            "airscoop_version": __version__,
            "format_version": FORMAT_VERSION,
            "diagnostics": {name: _plain(getattr(self, name)) for name in nested},
        }

    def to_json(self) -> str:
        """`to_dict` as one line of JSON."""
        import json

        return json.dumps(self.to_dict())

    def summary(self) -> str:
        """One line for people."""
        return f"{self.verb} in {self.seconds:.1f} s"

    def __repr__(self) -> str:
        line = self.summary().partition("\n")[0]
        shown = line if len(line) <= REPR_CHARACTERS else f"{line[:REPR_CHARACTERS]}…"
        return f"<{type(self).__name__} {self.id[:8]}: {shown}>"
