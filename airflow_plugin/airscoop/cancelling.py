"""Cancelling an operation of several parts, from another thread or a signal handler."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar

from airscoop.errors import Cancelled


class Cancellable(Protocol):
    """Work that another thread, or a signal handler, can stop."""

    def cancel(self) -> None:
        """Makes it end in Cancelled soon."""


Work = TypeVar("Work", bound=Cancellable)


class Cancellation:
    """Reaches the part of an operation that runs now, and every part that would follow.

    There is no lock: a signal handler may cancel in the middle of any line here.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._cancelled = False
        self._running: tuple[Cancellable, ...] = ()

    def cancel(self) -> None:
        """Makes the operation end in Cancelled soon."""
        self._cancelled = True
        for work in self._running:
            work.cancel()

    def check(self) -> None:
        """Raises Cancelled if it is cancelled: between parts, and while one waits."""
        if self._cancelled:
            raise Cancelled(f"{self._what} was cancelled")

    @contextmanager
    def reaching(self, work: Work) -> Iterator[Work]:
        """As long as the `with` lasts `work` is cancelled, too."""
        self._running = (*self._running, work)
        try:
            if self._cancelled:
                work.cancel()
            yield work
        finally:
            self._running = tuple(other for other in self._running if other is not work)
