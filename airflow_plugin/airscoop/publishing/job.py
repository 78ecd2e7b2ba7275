"""The verb `publish`: a file of changes onto a Kinesis stream."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from airscoop.aws.credentials import KinesisSettings, S3Settings
from airscoop.aws.tls import ca_file as trusted
from airscoop.receipts.publishing import PublishReceipt
from airscoop.transfer import places
from airscoop.transfer.options import TransferOptions, aws_options, place

if TYPE_CHECKING:
    from airscoop._native import Publish, PublishFacts

MOST_NUMBER = 2**63


class PublishJob:
    """A publishing that another thread (or a signal handler) can cancel while it runs."""

    def __init__(
        self,
        changes: str | os.PathLike[str],
        stream: str,
        *,
        start_at: int = 0,
        any_order: bool = False,
        max_tries: int | None = None,
        max_in_flight: int | None = None,
        max_age_ms: int | None = None,
        memory_limit: int | None = None,
        allow_unknown_length: bool = False,
        changes_s3: S3Settings | None = None,
        kinesis: KinesisSettings | None = None,
        ca_file: str | None = None,
    ) -> None:
        from airscoop._native import Publish

        self._changes = place(changes)
        self._stream = stream
        _check_number("start_at", start_at, MOST_NUMBER)
        for name, number in (
            ("max_tries", max_tries),
            ("max_in_flight", max_in_flight),
            ("max_age_ms", max_age_ms),
        ):
            if number is not None:
                _check_number(name, number, 2**31, least=1)
        settings = kinesis or KinesisSettings()
        if settings.region is None:
            settings = dataclasses.replace(settings, region=_region_of(stream))
        options: dict[str, Any] = TransferOptions(
            source=self._changes,
            memory_limit=memory_limit,
            allow_unknown_length=allow_unknown_length,
            source_s3=changes_s3 or S3Settings(),
            ca_file=ca_file,
        ).native()
        options |= aws_options("destination", settings.resolved())
        options["ca_file"] = trusted(ca_file)
        self._native: Publish = Publish(
            options,
            stream,
            start_at=start_at,
            any_order=any_order,
            max_tries=max_tries or 0,
            max_in_flight=max_in_flight or 0,
            max_age_ms=max_age_ms or 0,
        )

    @property
    def acknowledged(self) -> int:
        """How many changes from the start of the file are all stored: a later run's `start_at`."""
        return self._native.facts()["acknowledged"]

    def cancel(self) -> None:
        """Makes `run` send nothing more and end in Cancelled."""
        self._native.cancel()

    def run(self, *, on_progress: Callable[[PublishFacts], object] | None = None) -> PublishReceipt:
        """Publishes to the end; `on_progress` is called about once a second and at the end, also
        when that is an error, on this thread."""
        from airscoop.errors import AirscoopError

        start = time.monotonic()
        by_callback = False

        def report() -> None:
            nonlocal by_callback
            if on_progress is not None:
                by_callback = True  # an exception that it raises is not reported to it
                on_progress(self._native.facts())
                by_callback = False

        try:
            facts = self._native.run(report if on_progress is not None else None)
        except AirscoopError:
            if not by_callback:
                report()
            raise
        report()
        return self._receipt(facts, time.monotonic() - start)

    def _receipt(self, facts: PublishFacts, seconds: float) -> PublishReceipt:
        return PublishReceipt(
            seconds=seconds,
            source=places.displayed(self._changes),
            stream=self._stream,
            changes=facts["changes"],
            skipped=facts["skipped"],
            sent=facts["sent"],
            retried=facts["retried"],
            throttled=facts["throttled"],
            shards=dict(sorted(facts["shards"].items())),
            bytes=facts["sent_bytes"],
            calls=facts["calls"],
            source_bytes=facts["source_bytes"],
            source_etag=facts["source_etag"] or None,
            source_retries=facts["source_retries"],
        )


def _region_of(stream: str) -> str | None:
    """The region that an ARN names: arn:aws:kinesis:eu-west-1:123456789012:stream/name."""
    parts = stream.split(":")
    return parts[3] if parts[0] == "arn" and len(parts) > 3 and parts[3] else None


def _check_number(name: str, value: object, below: int, *, least: int = 0) -> None:
    if not isinstance(value, int) or not least <= value < below:
        from airscoop.errors import UsageError

        raise UsageError(f"{name} is not a whole number, or out of range")


def publish(
    changes: str | os.PathLike[str],
    stream: str,
    *,
    start_at: int = 0,
    any_order: bool = False,
    max_tries: int | None = None,
    max_in_flight: int | None = None,
    max_age_ms: int | None = None,
    memory_limit: int | None = None,
    allow_unknown_length: bool = False,
    changes_s3: S3Settings | None = None,
    kinesis: KinesisSettings | None = None,
    ca_file: str | None = None,
    on_progress: Callable[[PublishFacts], object] | None = None,
) -> PublishReceipt:
    """Publishes a file of changes, JSON lines as `delta` writes them, on a Kinesis stream.

    `changes` is s3://, http(s):// or a path, gzip or plain; it is sent as it is read. `stream` is a
    name or an ARN. A record's data is the change's line, its partition key the JSON text of the
    change's "key" (the SHA-256 of it, if it has more than 256 characters). Changes of one key never
    overtake each other; a stream that ignores partition keys is refused, unless `any_order`.

    Every change arrives at least once. What the stream did not store is sent again, more and more
    slowly, until `max_tries` (10) tries in a row have stored nothing. An error tells how many
    changes from the start of the file are all stored: `start_at` leaves out so many. `on_progress`
    is told as facts["acknowledged"], about once a second and at the end; an exception that it
    raises ends the publishing, and nothing more is sent.

    Up to `max_in_flight` (8) requests are under way at a time, fewer while the stream throttles; a
    change waits at most `max_age_ms` (250) for its request to fill.

    Raises a subclass of airscoop.errors.AirscoopError.
    """
    job = PublishJob(
        changes,
        stream,
        start_at=start_at,
        any_order=any_order,
        max_tries=max_tries,
        max_in_flight=max_in_flight,
        max_age_ms=max_age_ms,
        memory_limit=memory_limit,
        allow_unknown_length=allow_unknown_length,
        changes_s3=changes_s3,
        kinesis=kinesis,
        ca_file=ca_file,
    )
    return job.run(on_progress=on_progress)
