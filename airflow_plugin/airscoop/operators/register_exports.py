"""RegisterExportsOperator: finds exports in S3 and registers each once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airscoop import kinds
from airscoop.errors import UsageError
from airscoop.exports.steps.register import prefixes_of, register_export, register_exports
from airscoop.operators.base import RegistryOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airscoop.receipts.exports import RegisterReceipt


class RegisterExportsOperator(RegistryOperator):
    """Registers the exports of `datasets` ("TENANT", "TENANT/TABLE") in `bucket`, or that of
    `object`.

    Its receipt's `exports` are the ids to work on, in the order of versions; expand over them:
    new ones, those that no run has finished, and those whose error is to be seen. With `object` (an
    object's name in the bucket, or its s3:// address; empty: none) only that export, and unfinished
    ones before it.
    complete_marker: the name of the object that says that all others of a version are there.
    """

    verb = "register"
    template_fields: Sequence[str] = ("bucket", "datasets", "object", "complete_marker")
    ui_color = "#e4d7f4"

    def __init__(
        self,
        *,
        bucket: str,
        datasets: Sequence[str] = (),
        object: str | None = None,
        complete_marker: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.bucket = bucket
        self.datasets = datasets
        self.object = object
        self.complete_marker = complete_marker

    def perform(self, context: Context) -> RegisterReceipt:
        settings = self.s3()
        registry = self.open_registry()
        marker = self.complete_marker or None
        if self.object:
            name = kinds.TEXT.read(self.object, "object")
            kinds.TEXT.read(self.bucket, "bucket")
            in_bucket = not name.lower().startswith("s3://")
            uri = f"s3://{self.bucket}/{name.lstrip('/')}" if in_bucket else name
            return register_export(
                registry,
                uri,
                complete_marker=marker,
                s3=settings,
                on_start=self.started,
            )
        if not self.datasets:
            raise UsageError("give datasets, or an object")
        prefixes = prefixes_of(self.bucket, self.datasets)
        return register_exports(
            registry,
            prefixes,
            complete_marker=marker,
            s3=settings,
            on_start=self.started,
        )
