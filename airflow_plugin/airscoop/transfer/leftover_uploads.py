"""Multipart uploads that are neither completed nor aborted: what they hold costs, unseen."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from airscoop import _native, kinds
from airscoop.aws.access_points import located
from airscoop.aws.settings import S3_SETTINGS, S3Settings
from airscoop.aws.storage import bucket_and_key, request_options
from airscoop.errors import NotFound, ProtocolError
from airscoop.receipts import Receipt

__all__ = [
    "ListedUpload",
    "OpenUpload",
    "UploadedPart",
    "UploadsReceipt",
    "abort",
    "clean",
    "list_parts",
    "list_uploads",
    "show",
]

MOST_ABORTS = 3
OLD = timedelta(days=1)


OF_UPLOAD: kinds.Kinds = {
    "bucket": kinds.TEXT,
    "key": kinds.TEXT,
    "upload_id": kinds.TEXT,
    "initiated": kinds.instance(datetime, "a datetime"),
}


@dataclass(frozen=True, kw_only=True)
class OpenUpload:
    """An upload under way, or left behind; `initiated` is None where the server does not say."""

    bucket: str
    key: str
    upload_id: str
    initiated: datetime | None = None

    def __post_init__(self) -> None:
        kinds.settle(self, OF_UPLOAD, "upload: ")

    @property
    def uri(self) -> str:
        """The object that it would become."""
        return f"s3://{self.bucket}/{self.key}"


KINDS: kinds.Kinds = {
    "prefix": kinds.TEXT,
    "upload": kinds.instance(OpenUpload, "an airscoop.uploads.OpenUpload"),
    "older_than": kinds.instance(timedelta, "a timedelta"),
    "s3": S3_SETTINGS,
}


def _check_listing(prefix: str, older_than: timedelta | None, s3: S3Settings | None) -> None:
    optional = {"older_than": older_than, "s3": s3}
    kinds.check(KINDS, {"prefix": prefix}, optional)


@dataclass(frozen=True, kw_only=True)
class UploadedPart:
    """A part that S3 holds; checksums are base64, "" where the server lists none."""

    number: int
    size: int
    etag: str
    crc32c: str
    crc64nvme: str


@dataclass(frozen=True, kw_only=True)
class ListedUpload:
    """An upload as the receipts show it; `initiated` is in UTC."""

    uri: str
    upload_id: str
    initiated: str | None


@dataclass(frozen=True, kw_only=True, repr=False)
class UploadsReceipt(Receipt):
    """Open uploads below a prefix, those that are old enough, and how many of them were aborted."""

    MATTERS = ("prefix", "uploads", "found", "aborted")

    verb: str = "uploads"
    prefix: str
    uploads: list[ListedUpload]
    found: int
    aborted: int

    def summary(self) -> str:
        lines = [f"{one.initiated or '-'}  {one.uri}  {one.upload_id}" for one in self.uploads]
        return "\n".join([*lines, f"{self.prefix}: {self.found} open uploads{self._done()}"])

    def _done(self) -> str:
        return f", {self.aborted} aborted" if self.aborted else ""


def list_uploads(
    prefix: str,
    *,
    older_than: timedelta | None = None,
    s3: S3Settings | None = None,
) -> Iterator[OpenUpload]:
    """Yields the open uploads to keys that begin with `prefix` (s3://bucket/…).

    With `older_than`, only those that the server says were begun longer ago.
    """
    _check_listing(prefix, older_than, s3)
    return _open_uploads(prefix, older_than, s3 or S3Settings())


def _open_uploads(
    prefix: str, older_than: timedelta | None, s3: S3Settings
) -> Iterator[OpenUpload]:
    prefix, s3 = located(prefix, s3)
    bucket, key_prefix = bucket_and_key(prefix)
    options = request_options(s3)
    now = datetime.now(UTC)
    markers: tuple[str | None, str | None] = (None, None)
    while True:
        entries, following = _native.list_uploads(options, bucket, key_prefix, *markers)
        for key, upload_id, initiated in entries:
            upload = OpenUpload(
                bucket=bucket, key=key, upload_id=upload_id, initiated=_time(initiated)
            )
            if older_than is None or _is_older(upload, now, older_than):
                yield upload
        if following is None:
            return
        if following == markers:
            raise ProtocolError(f"{prefix}: the list of uploads does not go on")
        markers = following


def list_parts(upload: OpenUpload, *, s3: S3Settings | None = None) -> list[UploadedPart]:
    """What S3 holds of an upload, by number; NotFound when it was completed or aborted."""
    kinds.check(KINDS, {"upload": upload}, {"s3": s3})
    return list(parts_with(upload, request_options(s3)))


def abort(upload: OpenUpload, *, s3: S3Settings | None = None) -> None:
    """Ends an upload and sees that nothing of it is left; one that is gone is no fault.

    A part that was under way may arrive after the abort, so S3 is asked, and told again.
    """
    kinds.check(KINDS, {"upload": upload}, {"s3": s3})
    abort_with(upload, request_options(s3))


def abort_with(upload: OpenUpload, options: dict[str, Any]) -> None:
    """`abort` with the binding's options."""
    for _ in range(MOST_ABORTS):
        try:
            _native.abort_upload(options, upload.bucket, upload.key, upload.upload_id)
            if not any(True for _ in parts_with(upload, options)):
                return
        except NotFound:
            return
    raise ProtocolError(
        f"{upload.uri}: upload {upload.upload_id} still holds parts; abort it again"
    )


def show(
    prefix: str,
    *,
    older_than: timedelta | None = None,
    s3: S3Settings | None = None,
) -> UploadsReceipt:
    """The open uploads below a prefix."""
    start = time.monotonic()
    uploads = list_uploads(prefix, older_than=older_than, s3=s3)
    found = [_listed(upload) for upload in uploads]
    return UploadsReceipt(
        seconds=time.monotonic() - start, prefix=prefix, uploads=found, found=len(found), aborted=0
    )


def clean(
    prefix: str,
    *,
    older_than: timedelta = OLD,
    s3: S3Settings | None = None,
) -> UploadsReceipt:
    """Aborts the open uploads below a prefix that are older than a day, or `older_than`.

    An upload that is still being written to fails by it: keep `older_than` above the longest copy.
    """
    older_than = OLD if older_than is None else older_than
    _check_listing(prefix, older_than, s3)
    start = time.monotonic()
    place, settings = located(prefix, s3 or S3Settings())
    settings = settings.resolved()
    options = request_options(settings)
    found = list(list_uploads(place, older_than=older_than, s3=settings))
    for upload in found:
        abort_with(upload, options)
    return UploadsReceipt(
        seconds=time.monotonic() - start,
        prefix=prefix,
        uploads=[_listed(upload) for upload in found],
        found=len(found),
        aborted=len(found),
    )


def parts_with(upload: OpenUpload, options: dict[str, Any]) -> Iterator[UploadedPart]:
    """`list_parts` with the binding's options."""
    after = 0
    while True:
        entries, following = _native.list_parts(
            options, upload.bucket, upload.key, upload.upload_id, after
        )
        for number, size, etag, crc32c, crc64nvme in entries:
            yield UploadedPart(
                number=number, size=size, etag=etag, crc32c=crc32c, crc64nvme=crc64nvme
            )
        if following is None:
            return
        if following <= after:
            raise ProtocolError(f"{upload.uri}: the list of parts does not go on")
        after = following


def _time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _is_older(upload: OpenUpload, now: datetime, age: timedelta) -> bool:
    return upload.initiated is not None and now - upload.initiated > age


def _listed(upload: OpenUpload) -> ListedUpload:
    initiated = upload.initiated and upload.initiated.astimezone(UTC).isoformat()
    return ListedUpload(uri=upload.uri, upload_id=upload.upload_id, initiated=initiated or None)
