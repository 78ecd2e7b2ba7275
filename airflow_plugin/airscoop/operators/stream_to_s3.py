"""StreamToS3Operator: one file from the web or S3 into S3, checked on the way."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airscoop.operators.base import AirscoopOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airscoop.receipt import CopyReceipt

SECONDS_BETWEEN_LOG_LINES = 5.0


class StreamToS3Operator(AirscoopOperator):
    """Copies `source` to `destination` with `airscoop.copy`, in bounded memory.

    format: "raw", "jsonl" or "python-literal" (which arrives as JSON lines).
    max_rejected, rejects: how many bad records may go to which reject file.
    copy_options: further arguments of `airscoop.copy`.
    """

    template_fields: Sequence[str] = ("source", "destination", "rejects")
    ui_color = "#f4d7e3"

    def __init__(
        self,
        *,
        source: str,
        destination: str,
        format: str = "raw",
        max_rejected: int = 0,
        rejects: str | None = None,
        copy_options: Mapping[str, Any] | None = None,
        aws_conn_id: str | None = "aws_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.destination = destination
        self.format = format
        self.max_rejected = max_rejected
        self.rejects = rejects
        self.copy_options = copy_options
        self.aws_conn_id = aws_conn_id

    def perform(self, context: Context) -> CopyReceipt:
        import airscoop
        from airscoop.hooks.aws import s3_options

        self._logged_at = time.monotonic()
        self._stop_when_killed()
        return airscoop.copy(
            self.source,
            self.destination,
            format=self.format,
            max_rejected=self.max_rejected,
            rejects=self.rejects,
            on_progress=self._on_progress,
            **s3_options(self.aws_conn_id),
            **(self.copy_options or {}),
        )

    def _on_progress(self, progress: Any) -> None:
        """Called by the engine a few times a second; raising here aborts the upload."""
        self._stop_when_killed()
        now = time.monotonic()
        if now - self._logged_at >= SECONDS_BETWEEN_LOG_LINES:
            self._logged_at = now
            self.log.info("%s: %s", self.destination, progress)

    def _stop_when_killed(self) -> None:
        if self._killed.is_set():
            from airscoop.errors import Cancelled

            raise Cancelled(f"{self.destination}: cancelled, nothing was written")
