"""What a query leaves at its place in S3: the rows, what they are, and what it has written."""

from __future__ import annotations

import contextlib
import io
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any

from botocore.exceptions import BotoCoreError, ClientError

from airscoop.local.athena.api_errors import ApiError
from airscoop.local.athena.engine import Column
from airscoop.local.athena.failures import SYSTEM, QueryFailed

Row = tuple[str | None, ...]

CSV_TYPE, TEXT_TYPE = "application/octet-stream", "binary/octet-stream"
# A result up to this size is not written to the disk on its way.
_IN_MEMORY = 4 * 1024 * 1024
_READ_BYTES = 256 * 1024
_FIELD = re.compile(rb'(?:"((?:[^"]|"")*)")?(,|\n)')
_DENIED = ("403", "AccessDenied", "Forbidden", "InvalidAccessKeyId", "SignatureDoesNotMatch")
_NO_BUCKET = ("404", "NoSuchBucket")
# Of AthenaError.ErrorType.
PERMISSION, NO_BUCKET, NOT_WRITTEN = 1500, 1306, 401
INVALID_PLACE = (
    "The S3 location provided to save your query results is invalid. Please check your S3 location "
    "is correct and is in the same region and try again. If you continue to see the issue, contact "
    "customer support for further assistance."
)
_ENCRYPTED = {"SSE_S3": "AES256", "SSE_KMS": "aws:kms"}


def csv_line(row: Row) -> str:
    """Values in quotes, a NULL as nothing."""
    values = ("" if value is None else '"' + value.replace('"', '""') + '"' for value in row)
    return f"{','.join(values)}\n"


def write_csv(target: IO[bytes], columns: Iterable[Column], rows: Iterable[Row]) -> int:
    """Writes the header and the rows; how many rows."""
    target.write(csv_line(tuple(column.name for column in columns)).encode())
    count = 0
    for row in rows:
        target.write(csv_line(row).encode())
        count += 1
    return count


def write_text(target: IO[bytes], rows: Iterable[Row]) -> int:
    """Writes a line for each row, without an end after the last one; how many rows."""
    count = 0
    for row in rows:
        line = "\t".join("" if value is None else value for value in row)
        target.write((f"\n{line}" if count else line).encode())
        count += 1
    return count


def manifest(written: Iterable[str]) -> bytes:
    """The addresses of the objects that a query wrote, a line each."""
    return "".join(f"{address}\n" for address in written).encode()


class ResultStore:
    """Objects of results, by a client of boto3 for S3."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3

    def check_bucket(self, place: str) -> None:
        """ApiError where the bucket of a place is not there, or may not be looked at."""
        bucket, _ = _split(place)
        try:
            self._s3.head_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] in _NO_BUCKET:
                raise ApiError(INVALID_PLACE) from error
            raise ApiError(f"Unable to verify/create output bucket {bucket}") from error

    @contextlib.contextmanager
    def writing(
        self, address: str, content_type: str, settings: Mapping[str, Any]
    ) -> Iterator[IO[bytes]]:
        """A file that becomes the object when the `with` ends well.

        `settings` is a ResultConfiguration. QueryFailed, in Athena's words, where S3 refuses it.
        """
        bucket, key = _split(address)
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
            yield file
            file.seek(0)
            extra = {"ContentType": content_type, **_extra(settings)}
            with _write_errors(address):
                self._s3.upload_fileobj(file, bucket, key, ExtraArgs=extra)

    def put(
        self, address: str, data: bytes, settings: Mapping[str, Any], *, content_type: str
    ) -> None:
        with self.writing(address, content_type, settings) as file:
            file.write(data)

    def rows(self, address: str, start: int) -> Iterator[tuple[Row, int]]:
        """The rows of a CSV from a place in it, each with the place behind it."""
        place = start
        with self._opened(address, start) as lines:
            while record := read_record(lines):
                place += len(record)
                yield values_of(record), place

    def lines(self, address: str) -> Iterator[str]:
        """The lines of a text."""
        with self._opened(address, 0) as lines:
            for line in lines:
                yield line.decode().removesuffix("\n")

    @contextlib.contextmanager
    def _opened(self, address: str, start: int) -> Iterator[io.BufferedIOBase]:
        """FileNotFoundError, where there is no such object."""
        bucket, key = _split(address)
        try:
            answer = self._s3.get_object(Bucket=bucket, Key=key, Range=f"bytes={start}-")
        except ClientError as error:
            match error.response["Error"]["Code"]:
                case "InvalidRange" | "416":  # nothing is behind the last row, or in an empty text
                    yield io.BytesIO()
                    return
                case "NoSuchKey" | "NoSuchBucket" | "404":
                    raise FileNotFoundError(address) from error
            raise
        with contextlib.closing(answer["Body"]) as body:
            yield io.BufferedReader(body, _READ_BYTES)


def read_record(lines: io.BufferedIOBase) -> bytes:
    """The bytes of the next row, whose values may hold line ends; none at the end."""
    record = lines.readline()
    quotes = record.count(b'"')
    while quotes % 2 and (more := lines.readline()):
        record += more
        quotes += more.count(b'"')
    return record


def values_of(record: bytes) -> Row:
    return tuple(
        None if found[1] is None else found[1].replace(b'""', b'"').decode()
        for found in _FIELD.finditer(record)
    )


def _extra(settings: Mapping[str, Any]) -> dict[str, str]:
    """What S3 is told besides, by a query's ResultConfiguration."""
    extra = {}
    encryption = settings.get("EncryptionConfiguration", {})
    if encryption:
        extra["ServerSideEncryption"] = _ENCRYPTED[encryption["EncryptionOption"]]
        if "KmsKey" in encryption:
            extra["SSEKMSKeyId"] = encryption["KmsKey"]
    if "ExpectedBucketOwner" in settings:
        extra["ExpectedBucketOwner"] = settings["ExpectedBucketOwner"]
    if "AclConfiguration" in settings:
        extra["ACL"] = settings["AclConfiguration"]["S3AclOption"].lower().replace("_", "-")
    return extra


def _split(address: str) -> tuple[str, str]:
    bucket, _, key = address.removeprefix("s3://").partition("/")
    return bucket, key


@contextlib.contextmanager
def _write_errors(address: str) -> Iterator[None]:
    from boto3.exceptions import S3UploadFailedError

    try:
        yield
    except (S3UploadFailedError, BotoCoreError, ClientError) as error:
        raise _refused_write(address, str(error)) from error


def _refused_write(address: str, reason: str) -> QueryFailed:
    if any(f"({code})" in reason for code in _DENIED):
        return QueryFailed(
            error_type=PERMISSION,
            message=f"Access denied when writing output to url: {address} . Please ensure you are "
            "allowed to access the S3 bucket. If you are encrypting query results with KMS key, "
            "please ensure you are allowed to access your KMS key",
        )
    if any(f"({code})" in reason for code in _NO_BUCKET):
        return QueryFailed(error_type=NO_BUCKET, message=INVALID_PLACE)
    return QueryFailed(
        category=SYSTEM,
        error_type=NOT_WRITTEN,
        retryable=True,
        message=f"Failed to write query results to Amazon S3: {address}: {reason}",
    )
