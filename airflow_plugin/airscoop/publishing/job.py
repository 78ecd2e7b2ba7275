"""The verb `publish`: a file of changes onto a Kinesis stream."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Unpack, cast

from airscoop import kinds
from airscoop._native import Publish
from airscoop.aws.settings import (
    KinesisSettings,
    S3Settings,
    aws_options,
    common_ca_file,
    trusting,
)
from airscoop.aws.tls import ca_file as trusted
from airscoop.errors import AirscoopError
from airscoop.given import text
from airscoop.publishing.options import DEFAULTS, KINDS, PublishOptions
from airscoop.receipts.publishing import PublishReceipt
from airscoop.signatures import refuse_unknown, showing
from airscoop.transfer import places
from airscoop.transfer.options import TransferOptions, place

if TYPE_CHECKING:
    from airscoop._native import PublishFacts

MOST_SECONDS = 2**53  # of a clock, to the millisecond


class PublishJob:
    """A publishing that another thread (or a signal handler) can cancel while it runs."""

    @showing(PublishOptions, DEFAULTS)
    def __init__(
        self, changes: str | os.PathLike[str], stream: str, **options: Unpack[PublishOptions]
    ) -> None:
        refuse_unknown("PublishJob.__init__", options, DEFAULTS)
        given = cast("PublishOptions", {**DEFAULTS, **kinds.read_all(options, KINDS, DEFAULTS)})
        self._changes = place(changes, "changes")
        self._stream = stream = text(stream, "stream")
        settings = given["kinesis"] or KinesisSettings()
        if settings.region is None:
            settings = dataclasses.replace(settings, region=_region_of(stream))
        s3 = given["s3"] or S3Settings()
        ca_file = common_ca_file(s3, settings)
        native = TransferOptions(
            source=self._changes,
            on_invalid_characters=given["on_invalid_characters"],
            on_key_case=given["on_key_case"],
            memory_limit=given["memory_limit"],
            allow_unknown_length=given["allow_unknown_length"],
            source_s3=trusting(s3, ca_file),
        ).native()
        native |= aws_options("destination", settings.resolved())
        native["ca_file"] = trusted(ca_file)
        native["source_if_match"] = given["changes_etag"]
        self._native = Publish(
            native,
            stream,
            start_at=given["start_at"],
            any_order=given["any_order"],
            retry_ms=_retry_ms(given["retry_seconds"]),
            max_in_flight=given["max_in_flight"] or 0,
            max_age_ms=round((given["max_age_seconds"] or 0) * 1000),
        )

    @property
    def acknowledged(self) -> int:
        """How many changes from the start of the file are all stored: a later run's `start_at`."""
        return self._native.facts()["acknowledged"]

    def cancel(self) -> None:
        """Makes `run` send nothing more and end in Cancelled."""
        self._native.cancel()

    def allow_until(self, seconds: float) -> None:
        """Has nothing sent after so many seconds of CLOCK_BOOTTIME, until this is called again with
        a later time; what is due waits. Any thread."""
        until = kinds.number(-MOST_SECONDS, MOST_SECONDS).read(seconds, "seconds")
        self._native.allow_until(max(0, int(until * 1000)))

    def run(self, *, on_progress: Callable[[PublishFacts], object] | None = None) -> PublishReceipt:
        """Publishes to the end; `on_progress` is called about once a second and at the end, also
        when that is an error, on this thread."""
        if on_progress is not None:
            kinds.FUNCTION.read(on_progress, "on_progress")
        start = time.monotonic()
        if on_progress is not None:
            kinds.FUNCTION.read(on_progress, "on_progress")
        by_callback = False

        def report() -> None:
            nonlocal by_callback
            if on_progress is not None:
                by_callback = True  # an exception that it raises is not reported to it
                on_progress(self._native.facts())
                by_callback = False

        try:
            facts = self._native.run(report if on_progress is not None else None)
        except BaseException as error:
            self._mark(error)
            if isinstance(error, AirscoopError) and not by_callback:
                report()
            raise
        report()
        return self._receipt(facts, time.monotonic() - start)

    def _mark(self, error: BaseException) -> None:
        """How far it has come, once anything was sent."""
        facts = self._native.facts()
        if facts["calls"] > 0:
            vars(error).update(published=facts["sent"], start_at=facts["acknowledged"])

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


def _retry_ms(seconds: float | None) -> int:
    """As the engine has it: 0 is its own."""
    return 0 if seconds is None else max(1, int(seconds * 1000))


@showing(PublishOptions, DEFAULTS)
def publish(
    changes: str | os.PathLike[str],
    stream: str,
    *,
    on_progress: Callable[[PublishFacts], object] | None = None,
    **options: Unpack[PublishOptions],
) -> PublishReceipt:
    """Publishes a file of changes, JSON lines as `delta` writes them, on a Kinesis stream.

    `changes` is s3://, http(s):// or a path, gzip or plain; it is sent as it is read. `stream` is a
    name or an ARN. A record's data is the change's line, its partition key the JSON text of the
    change's "key" (the SHA-256 of it, if it has more than 256 characters). Changes of one key never
    overtake each other; a stream that ignores partition keys is refused, unless `any_order`.

    With `changes_etag` the file, in S3, is read only if that is its ETag; else SourceChanged, and
    nothing is sent.

    What a change may be is as for `check`: `on_invalid_characters` and `on_key_case` are those of
    `copy`. Every change arrives at least once. What the stream did not store is sent again, more
    and more slowly, until nothing was stored for `retry_seconds` (600; 0: it is sent once). An
    error tells how many changes from the start of the file are all stored: `start_at` leaves out so
    many. `on_progress` is told as facts["acknowledged"], about once a second and at the end; an
    exception that it raises ends the publishing, and nothing more is sent.

    Up to `max_in_flight` (8) requests are under way at a time, fewer while the stream throttles; a
    change waits at most `max_age_seconds` (0.25) for its request to fill.

    Raises a subclass of airscoop.errors.AirscoopError.
    """
    refuse_unknown("publish", options, DEFAULTS)
    return PublishJob(changes, stream, **options).run(on_progress=on_progress)
