"""The exceptions that are handled when a file is made, so that its close knows another one."""

from __future__ import annotations

import sys

MOST_SHOWN = 200


class Handled:
    """What was being handled on this thread when this was made, and around it.

    An `except` block around the making stays the one in which the file is written on purpose. It
    holds the exceptions themselves: of one that is gone another may have the same id.
    """

    def __init__(self) -> None:
        self._known: list[BaseException] = []
        error = sys.exception()
        while error is not None and not self._knows(error):
            self._known.append(error)
            error = error.__context__

    def another(self) -> BaseException | None:
        """The exception that is being handled now, unless it was then."""
        error = sys.exception()
        return None if error is None or self._knows(error) else error

    def forget(self) -> None:
        """Lets go of them, and of what their tracebacks hold."""
        self._known.clear()

    def _knows(self, error: BaseException) -> bool:
        return any(error is known for known in self._known)


def shown(error: BaseException) -> str:
    """The exception in a line."""
    try:
        text = " ".join(str(error).split())
    except Exception:
        text = ""
    return f"{type(error).__name__}: {text[:MOST_SHOWN]}".removesuffix(": ")
