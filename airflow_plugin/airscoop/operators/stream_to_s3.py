"""StreamToS3Operator: one file from the web or S3 into S3, checked on the way."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk.exceptions import AirflowSkipException
from airflow.sdk.log import mask_secret

from airscoop import kinds
from airscoop.aws.settings import S3Settings
from airscoop.errors import AirscoopError, Cancelled, NotFound
from airscoop.given import options_of, text
from airscoop.hooks.aws import s3_settings
from airscoop.hooks.http import http_connection
from airscoop.operators.base import AirscoopOperator
from airscoop.operators.task_receipt import SHOWN_REJECTS, SoFar
from airscoop.transfer import web
from airscoop.transfer.arguments import CopyOptions
from airscoop.transfer.job import TransferJob
from airscoop.transfer.login import secrets_of
from airscoop.transfer.naming import destination_for
from airscoop.transfer.options import KINDS as OF_TRANSFER
from airscoop.transfer.options import TransferOptions, place
from airscoop.transfer.places import secrets_in
from airscoop.transfer.resume import TaskStateResumeStore

if TYPE_CHECKING:
    from airflow.sdk import Context, XComArg

    from airscoop.aws.settings import PayloadSigning
    from airscoop.receipts.transfer import CopyReceipt
    from airscoop.timeouts import TimeoutGiven
    from airscoop.transfer.job import Progress
    from airscoop.transfer.options import Format

IfMissing = Literal["retry", "fail", "skip"]

SECONDS_BETWEEN_LOG_LINES = 5.0

# Those that the operator has itself are given to the operator.
OWN_OPTIONS = {
    "format", "max_rejected", "min_records", "rejects", "timeout", "retry_seconds", "restarts",
}  # fmt: skip
FURTHER_OPTIONS = CopyOptions.__annotations__.keys() - OWN_OPTIONS


class StreamToS3Operator(AirscoopOperator):
    """Copies `source` to `destination` as `airscoop.copy` does, in bounded memory.

    destination: one that ends in "/" takes the source's name.
    format: "auto" (as of `airscoop.copy`), "raw", "csv", "jsonl", or "python-literal",
        "json-array", "json-values" (which arrive as JSON lines).
    max_rejected, rejects: how many bad records may go to which reject file.
    min_records: fewer records are TooFewRecords, and nothing is written.
    if_missing: what becomes of a task whose source is not there (404, 410, NoSuchKey): "retry"
        leaves it to the task's retries, "fail" fails it for good, "skip" skips it and those after.
    timeout, retry_seconds, restarts: as of `airscoop.copy`; `execution_timeout` is Airflow's own.
    requester_pays, expected_bucket_owner: as of `airscoop.S3Settings`, for both ends.
    resume: a try that was killed, or failed in a way that another try may mend, leaves its upload,
    and the next try of the task goes on with it.
    http_conn_id: an Airflow connection of type http. Its host, schema and port are put before a
        `source` that is a path; its login, password and the headers in its extra go to that scheme,
        host and port alone, and are masked.
    copy_options: further arguments of `airscoop.copy`.
    """

    verb = "copy"
    template_fields: Sequence[str] = ("source", "destination", "format", "rejects", "copy_options")
    ui_color = "#f4d7e3"
    KINDS = web.KINDS | {
        "max_rejected": OF_TRANSFER["max_rejected"],
        "if_missing": kinds.choice(IfMissing),
        "requester_pays": kinds.FLAG,
        "resume": kinds.FLAG,
    }

    def __init__(
        self,
        *,
        source: str,
        destination: str,
        format: Format | str | XComArg = "auto",
        max_rejected: int = 0,
        min_records: int = 0,
        rejects: str | None = None,
        if_missing: IfMissing = "retry",
        timeout: TimeoutGiven | None = None,
        retry_seconds: float | None = None,
        restarts: int | None = None,
        copy_options: Mapping[str, Any] | XComArg | None = None,
        payload_signing: PayloadSigning = "auto",
        requester_pays: bool = False,
        expected_bucket_owner: str | None = None,
        resume: bool = True,
        aws_conn_id: str | None = "aws_default",
        http_conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.destination = destination
        self.format: Any = format
        self.max_rejected = max_rejected
        self.min_records = min_records
        self.rejects = rejects
        self.if_missing = if_missing
        self.timeout = timeout
        self.retry_seconds = retry_seconds
        self.restarts = restarts
        self.copy_options: Any = copy_options
        self.payload_signing = payload_signing
        self.requester_pays = requester_pays
        self.expected_bucket_owner = expected_bucket_owner
        self.resume = resume
        self.aws_conn_id = aws_conn_id
        self.http_conn_id = http_conn_id

    def render_template(self, content: Any, *arguments: Any, **options: Any) -> Any:
        """Renders a field; Airflow stores it right after, without the secrets of an address, and
        without those of the headers, the login and the body in `copy_options`."""
        rendered = super().render_template(content, *arguments, **options)
        _mask_secrets(rendered)
        if isinstance(rendered, Mapping):
            _mask_login(rendered)
        return rendered

    def perform(self, context: Context) -> CopyReceipt:
        _mask_secrets(self.source)
        job = self._new_job(context)
        self.started(job)
        if self._killed.is_set():
            raise Cancelled(f"{self.destination}: cancelled, nothing was written")
        self._logged_at = time.monotonic()
        try:
            return job.run(on_progress=self._on_progress)
        except NotFound as error:
            if error.source_missing and self.if_missing == "skip":
                raise AirflowSkipException(str(error)) from error
            raise

    def so_far(self) -> SoFar:
        job: TransferJob | None = self.__dict__.get("_job")
        if job is None:
            return SoFar()
        return SoFar(
            receipt=job.receipt_so_far(),
            rejected=job.rejected(),
            left_behind=job.left_behind(),
        )

    def left_to_retries(self, error: AirscoopError) -> bool:
        """A source that is not there yet may come, too."""
        waited_for = error.source_missing and self.if_missing == "retry"
        return waited_for or super().left_to_retries(error)

    def _new_job(self, context: Context) -> TransferJob:
        settings = s3_settings(
            self.aws_conn_id,
            payload_signing=self.payload_signing,
            requester_pays=self.requester_pays,
            expected_bucket_owner=self.expected_bucket_owner,
        )
        given = kinds.rendered(
            options_of(self.copy_options, "copy_options", FURTHER_OPTIONS), OF_TRANSFER
        )
        address, login = self._source(given)
        source = place(address, "source")
        own: dict[str, Any] = {
            "format": text(self.format, "format"),
            "max_rejected": self.max_rejected,
            "min_records": self.min_records,
            "rejects": self.rejects,
            "timeout": self.timeout,
            "retry_seconds": self.retry_seconds,
            "restarts": self.restarts,
            "s3": settings,
        }
        options = TransferOptions.of(
            source=source,
            destination=destination_for(source, place(self.destination, "destination")),
            **(own | login | given),
        )
        return TransferJob(
            options,
            resume=self._resume_store(context),
            last_try=_is_last_try(context),
            show_rejects=SHOWN_REJECTS,
        )

    def _source(self, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """The source's address, and what the connection adds to its request; the headers of both
        become one."""
        _mask_login(given)
        if self.http_conn_id is None:
            return self.source, {}
        connection = http_connection(self.http_conn_id)
        _mask(connection.secrets())
        headers = {**connection.headers, **(given.pop("headers", None) or {})}
        source = connection.address(self.source)
        _mask_secrets(source)
        trusted = S3Settings(ca_file=connection.ca_file)
        return source, {
            "headers": headers or None,
            "auth": connection.auth,
            "source_s3": trusted,
        }

    def _resume_store(self, context: Context) -> TaskStateResumeStore | None:
        """None outside of a run, and before Airflow 3.3."""
        accessor = context.get("task_state_store")
        if not self.resume or accessor is None:
            return None
        return TaskStateResumeStore(accessor)

    def _on_progress(self, progress: Progress) -> None:
        self.note_progress()
        now = time.monotonic()
        if now - self._logged_at < SECONDS_BETWEEN_LOG_LINES:
            return
        self._logged_at = now
        of_total = "" if progress.total_bytes is None else f" of {progress.total_bytes:,}"
        self.log.info(
            "%s: %s%s bytes read, %s records, %s rejected",
            self.destination,
            f"{progress.source_bytes:,}",
            of_total,
            f"{progress.records:,}",
            f"{progress.rejected:,}",
        )


def _is_last_try(context: Context) -> bool:
    """Airflow tries again while try_number <= max_tries, which counts the tries before a clear."""
    ti = context.get("ti")
    return ti is not None and ti.try_number > ti.max_tries


def _mask_secrets(place: object) -> None:
    """Has Airflow show *** for user info and query of a web address."""
    _mask(secrets_in(place) if isinstance(place, str) else [])


def _mask_login(options: Mapping[str, Any]) -> None:
    """Has Airflow show *** for what a request to the source carries."""
    _mask(secrets_of(options.get("headers"), options.get("auth")))
    body = options.get("body")
    _mask([body] if isinstance(body, str) and body else [])


def _mask(secrets: list[str]) -> None:
    for secret in secrets:
        mask_secret(secret)
