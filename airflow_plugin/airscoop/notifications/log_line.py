"""LogLine: a failed run as an error in the log of its task `tell_failure`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseNotifier

if TYPE_CHECKING:
    from airflow.sdk import Context


class LogLine(BaseNotifier):
    """Writes the failure's summary into the log: what `watched` does by itself."""

    def notify(self, context: Context) -> None:
        """One line at the level error."""
        self.log.error("%s", context["failure"].summary())  # type: ignore[typeddict-item]
