"""Keys of AWS, and how those that expire are renewed: once for all who have a provider."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from weakref import WeakValueDictionary

from airscoop import kinds
from airscoop.errors import UsageError

KINDS: kinds.Kinds = {
    "access_key_id": kinds.SECRET,
    "secret_access_key": kinds.SECRET,
    "session_token": kinds.SECRET,
    "expires_at": kinds.instance(datetime, "a datetime with a time zone"),
}


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """AWS credentials. The secrets are left out of `repr`.

    `expires_at` (with a time zone) says until when they hold. Without it they hold until they are
    refused.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        kinds.settle(self, KINDS)
        for name in ("access_key_id", "secret_access_key"):
            if not getattr(self, name):
                raise UsageError(f"{name} is empty")
        if self.expires_at is not None and self.expires_at.tzinfo is None:
            raise UsageError("expires_at needs a time zone: datetime.now(timezone.utc), say")


CredentialsProvider = Callable[[], Credentials]

KEPT_SECONDS = 300.0  # of credentials without a time of expiry, for what starts later
RENEWED_BEFORE_SECONDS = 120.0


class Renewal:
    """One provider for all clients of the engine, on whatever threads: asked once a renewal."""

    # Whoever has the same provider has the same one of these. Nothing here holds a provider: it may
    # lead to whoever has it, and would never be freed.
    _known: ClassVar[WeakValueDictionary[int, Renewal]] = WeakValueDictionary()

    @classmethod
    def of(cls, provider: CredentialsProvider) -> Renewal:
        """The one of this provider."""
        number = _number(provider)
        known = cls._known.get(number)
        if known is None or known._provider != provider:
            known = cls._known[number] = cls(provider)
        return known

    @classmethod
    def begin_child(cls) -> None:
        """After a fork: a thread of the parent may have held a lock."""
        for renewal in list(cls._known.values()):
            renewal._new_lock()

    def __init__(self, provider: CredentialsProvider) -> None:
        self._provider = provider
        self._new_lock()
        self._last: Credentials | None = None
        self._due_at = 0.0

    def _new_lock(self) -> None:
        from threading import RLock

        self._lock = RLock()

    def __reduce__(self) -> tuple[Any, ...]:
        return Renewal.of, (self._provider,)

    def __call__(
        self, access_key_id: str | None, session_token: str | None
    ) -> tuple[str, str, str | None, int]:
        """Other credentials than those that a client holds."""
        held = (access_key_id, session_token)
        with self._lock:
            last = self._last
            if (
                last is None
                or held == (last.access_key_id, last.session_token)
                or time.time() >= self._due_at
            ):
                last = self._ask()
        expires_at = 0 if last.expires_at is None else int(last.expires_at.timestamp())
        return last.access_key_id, last.secret_access_key, last.session_token, expires_at

    def _ask(self) -> Credentials:
        given = self._provider()
        if not isinstance(given, Credentials):
            raise TypeError(f"the provider gave a {type(given).__name__}, not airscoop.Credentials")
        self._due_at = _due_at(time.time(), given.expires_at)
        self._last = given
        return given


os.register_at_fork(after_in_child=Renewal.begin_child)


def _number(provider: CredentialsProvider) -> int:
    """Equal for equal providers; methods of an object are. A dataclass may have no hash."""
    try:
        return hash(provider)
    except TypeError:
        return id(provider)


def _due_at(now: float, expires_at: datetime | None) -> float:
    """When the engine's clients would ask for others, too (held_credentials.c)."""
    if expires_at is None:
        return now + KEPT_SECONDS
    left = expires_at.timestamp() - now
    return now + max(left / 2, left - RENEWED_BEFORE_SECONDS)
