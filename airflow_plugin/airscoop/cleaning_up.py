"""Clean-up that never stands in the way of what it comes after."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator

log = logging.getLogger(__name__)


@contextlib.contextmanager
def cleaned_up(what: str, clean_up: Callable[[], object]) -> Iterator[None]:
    """Calls `clean_up` when the `with` ends, however it ends.

    What fails in it is a warning that names `what`: it replaces no error, and undoes no success.
    """
    try:
        yield
    finally:
        quietly(what, clean_up)


def quietly(what: str, clean_up: Callable[[], object]) -> None:
    """The same, now."""
    try:
        clean_up()
    except Exception as error:
        log.warning("%s stays: %s: %s", what, type(error).__name__, error)
