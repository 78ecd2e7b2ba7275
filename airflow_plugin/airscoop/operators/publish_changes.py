"""PublishChangesOperator: the changes of an export to a Kinesis stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airscoop import kinds
from airscoop.exports.steps.publish import publish_changes
from airscoop.given import options_of
from airscoop.hooks import aws
from airscoop.operators.base import ExportStepOperator
from airscoop.operators.task_receipt import SoFar
from airscoop.publishing.options import KINDS, SendOptions

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airscoop._native import PublishFacts
    from airscoop.receipts.publishing import PublishReceipt


class PublishChangesOperator(ExportStepOperator):
    """Publishes the changes that a SnapshotDeltaOperator has written to `stream`.

    lock: the output of the LockExportOperator. It goes on where an earlier try stopped, which the
    registry knows; a run that loses its lock stops. publish_options: further arguments of
    `airscoop.publish`.
    """

    verb = "publish"
    template_fields: Sequence[str] = ("lock", "stream", "publish_options")
    ui_color = "#f4d7e3"

    def __init__(
        self,
        *,
        stream: str,
        publish_options: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.stream = stream
        self.publish_options = publish_options

    def perform(self, context: Context) -> PublishReceipt:
        lock = self.held_lock()
        known = SendOptions.__annotations__.keys()
        options = kinds.rendered(options_of(self.publish_options, "publish_options", known), KINDS)
        return publish_changes(
            self.open_registry(),
            lock,
            self.stream,
            s3=self.s3(),
            kinesis=aws.kinesis_settings(self.aws_conn_id),
            terms=self.terms(),
            on_start=self.started,
            on_progress=self._on_progress,
            **options,
        )

    def _on_progress(self, facts: PublishFacts) -> None:
        self._facts = facts
        self.note_progress()

    def so_far(self) -> SoFar:
        facts: PublishFacts | None = self.__dict__.get("_facts")
        if facts is None:
            return SoFar()
        return SoFar(
            counts={
                "changes": facts["changes"],
                "skipped": facts["skipped"],
                "sent": facts["sent"],
                "retried": facts["retried"],
                "throttled": facts["throttled"],
                "bytes": facts["sent_bytes"],
            }
        )
