"""PostgreSQL's serialization failures in Redshift's words, and the level a session runs at."""

from __future__ import annotations

import re
from collections.abc import Mapping

from airscoop.local.redshift.errors import SqlError

SERIALIZABLE = "serializable"
_NAMES = r"(serializable|snapshot|repeatable\s+read|read\s+(?:un)?committed)"
_LEVEL = re.compile(r"isolation\s+level\s+" + _NAMES, re.IGNORECASE)
_DEFAULT = re.compile(r"default_transaction_isolation\s*(?:=|\bto\b)\s*'?" + _NAMES, re.IGNORECASE)
_FOR_SESSION = re.compile(r"session\s+characteristics|alter\s+database", re.IGNORECASE)


class Isolation:
    """Follows what a session says about its level; `default` is what it started with."""

    def __init__(self, default: str) -> None:
        self._default = default.lower()
        self._transaction: str | None = None

    def heard(self, text: str) -> None:
        if match := _DEFAULT.search(text):
            self._default = match[1].lower()
        elif match := _LEVEL.search(text):
            if not _FOR_SESSION.search(text):
                self._transaction = match[1].lower()
            elif "atabase" not in text:
                self._default = match[1].lower()

    def idle(self) -> None:
        """The session is in no transaction any more."""
        self._transaction = None

    @property
    def level(self) -> str:
        return self._transaction or self._default


def translated(values: Mapping[str, str], level: str, backend_pid: int) -> SqlError:
    """The error Redshift gives where PostgreSQL says 40001 in a session at `level`.

    PostgreSQL names neither table nor transactions, so they are 0 in the detail.
    """
    if "read/write dependencies" in values.get("M", "") or level == SERIALIZABLE:
        return SqlError(
            "XX000",
            "1023",
            detail="Serializable isolation violation on table - 0, transactions forming the cycle "
            f"are: 0, 0 (pid:{backend_pid})",
            hint=values.get("M"),
        )
    return SqlError("XX000", "could not complete because of conflict with concurrent transaction")
