"""File objects over transfers: `open`, for what wants to read from or write to a file."""

from __future__ import annotations

import os
from typing import Any, Literal, TypedDict, Unpack, overload

from airscoop.aws.settings import S3Settings
from airscoop.kinds import Size
from airscoop.signatures import showing
from airscoop.transfer import open_arguments, open_names, places
from airscoop.transfer.object_options import ObjectOptions
from airscoop.transfer.options import Compression, TrailingGarbage, TransferOptions
from airscoop.transfer.readers import Reader, SourceReader, TextReader
from airscoop.transfer.sources import OpenSource
from airscoop.transfer.split import SplitUpload
from airscoop.transfer.upload import OwnedUpload
from airscoop.transfer.web import WebOptions
from airscoop.transfer.writers import BUFFER_BYTES, TextWriter, Writer


def _reader(
    name: str,
    fd: int | None,
    compression: Compression,
    s3: S3Settings | None,
    options: dict[str, Any],
    *,
    binary: bool,
) -> Reader:
    settings = TransferOptions.of(
        source=name,
        source_fd=fd,
        compression=compression,
        s3=s3,
        **options,
    )
    # Who opens an object as bytes may want its end first: it is looked at before it is read.
    packed = compression != "keep" and name.lower().endswith(".gz")
    source = OpenSource(settings.native(), look=binary and places.is_s3(name) and not packed)
    shown = places.displayed(name) if fd is None else fd
    return Reader(SourceReader(source, shown), BUFFER_BYTES)


def _writer(name: str, fd: int | None, s3: S3Settings | None, options: dict[str, Any]) -> Writer:
    settings = TransferOptions.of(source="", destination=name, destination_fd=fd, s3=s3, **options)
    upload = OwnedUpload(settings) if settings.split_bytes is None else SplitUpload(settings)
    upload.write(b"")  # opens the destination: what is wrong with its name shows now
    return Writer(upload, name if fd is None else fd)


class ReadOptions(WebOptions, total=False):
    """What may be said of a source."""

    closefd: bool
    s3: S3Settings | None
    allow_unknown_length: bool
    version_id: str | None
    allow_plain: bool
    on_trailing_garbage: TrailingGarbage


class WriteOptions(TypedDict, total=False):
    """What may be said of a destination."""

    closefd: bool
    s3: S3Settings | None
    compression_level: int | None
    memory_limit: Size | None
    overwrite: bool
    object_options: ObjectOptions | None
    split_bytes: Size | None
    split_replace: bool


class OpenOptions(ReadOptions, WriteOptions, total=False):
    """All of them; each mode takes its own."""


OPEN_DEFAULTS: OpenOptions = {
    "s3": None,
    "closefd": True,
    "allow_unknown_length": False,
    "allow_plain": False,
    "on_trailing_garbage": "error",
    "version_id": None,
    "timeout": None,
    "retry_seconds": None,
    "restarts": None,
    "headers": None,
    "auth": None,
    "body": None,
    "idempotent": False,
    "compression_level": None,
    "memory_limit": None,
    "overwrite": True,
    "object_options": None,
    "split_bytes": None,
    "split_replace": False,
}


@overload
def open(
    uri: str | os.PathLike[str] | int,
    mode: Literal["r", "rt", "tr"] = "r",
    *,
    compression: Literal["auto", "keep", "none"] = "auto",
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    **options: Unpack[ReadOptions],
) -> TextReader: ...


@overload
def open(
    uri: str | os.PathLike[str] | int,
    mode: Literal["rb", "br"],
    *,
    compression: Literal["auto", "keep", "none"] = "auto",
    **options: Unpack[ReadOptions],
) -> Reader: ...


@overload
def open(
    uri: str | os.PathLike[str] | int,
    mode: Literal["w", "wt", "tw"],
    *,
    compression: Compression = "auto",
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    **options: Unpack[WriteOptions],
) -> TextWriter: ...


@overload
def open(
    uri: str | os.PathLike[str] | int,
    mode: Literal["wb", "bw"],
    *,
    compression: Compression = "auto",
    **options: Unpack[WriteOptions],
) -> Writer: ...


@overload
def open(
    uri: str | os.PathLike[str] | int,
    mode: str,
    *,
    compression: Compression = "auto",
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    **options: Any,
) -> Any: ...


@showing(OpenOptions, OPEN_DEFAULTS)
def open(
    uri: str | os.PathLike[str] | int,
    mode: str = "r",
    *,
    compression: Compression = "auto",
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    **options: Any,
) -> TextReader | Reader | TextWriter | Writer:
    """Opens a source for reading, or a destination for writing, as a file object.

    `mode` is "r", "rb", "w" or "wb". Sources are http(s)://, s3:// and paths; destinations s3://
    and paths. An open descriptor (int) can be either, and is closed with the file unless `closefd`
    is False; what was written to it nobody takes back. Text is UTF-8 unless `encoding` says
    otherwise; `errors` and `newline` are those of the built-in open.

    Reading inflates gzip data, recognised by its content; with `compression` "keep" the bytes come
    as they are stored. A source whose name says gzip and whose content does not is refused, unless
    `allow_plain`. The end of the file is the source's proven end: a source that is cut off or
    damaged raises, here or in any read. Closing earlier drops the connection.

    What is not inflated is `seekable()`, and `size` is known: objects in S3, files, and web sources
    with ranges and a strong ETag. Only what is asked for is fetched, and more ahead while reading
    goes on in order. A source that changes meanwhile raises SourceChanged. The whole's checksum is
    compared only if all was read in order.

    Writing compresses when the name ends in .gz or `compression` is "gzip", unless what is written
    is gzip data already; "keep" takes the bytes as they are. A name of another compression (.bz2,
    .tgz, .zst …) is a UsageError that shows what reads or writes it. The destination
    appears, whole, when `close()` returns or the `with` block ends well; `receipt` is set then. An
    exception in the block, `abort()`, or dropping the object without closing it leaves nothing, and
    so does `close()` while an exception is handled that was not when the file was opened. Then
    `commit()` commits.

    Options: `s3` (S3Settings); for reading `allow_unknown_length`, `allow_plain`,
    `on_trailing_garbage` ("ignore": bytes behind the end of gzip data are cut), `version_id`,
    `timeout`, `retry_seconds`, `restarts`, `headers`, `auth`, `body` and `idempotent`, as
    airscoop.copy has them; for writing
    `compression_level` (1 to 9), `memory_limit` (bytes), `overwrite` (False: what is there
    already is kept), `object_options` (ObjectOptions, for an object in S3), `split_bytes` (files of
    about that size, named as airscoop.copy does) and `split_replace` (what is in their way and not
    of an earlier run is replaced).

    Raises UsageError for what it does not know, other subclasses of
    airscoop.errors.AirscoopError for what goes wrong, now and later, and ValueError for the use of
    a closed file.
    """
    open_arguments.check_mode(mode)
    reading, binary = "r" in mode, "b" in mode
    open_arguments.check_options("r" if reading else "w", compression, options)
    closes = options.pop("closefd", True)
    name = open_arguments.check_place(uri, closes=closes)
    fd = uri if isinstance(uri, int) else None
    open_names.check_name(name, mode, compression)
    text = (encoding or "utf-8", errors, newline)
    if not binary:
        open_arguments.check_text(*text)
    elif (encoding, errors, newline) != (None, None, None):
        open_arguments.refuse(f"mode {mode!r}: encoding, errors and newline are for text")
    s3 = options.pop("s3", None)
    if reading:
        reader = _reader(name, fd, compression, s3, options, binary=binary)
        reader.raw.owned_fd = fd if closes else None
        return reader if binary else TextReader(reader, *text)
    writer = _writer(name, fd, s3, options | {"compression": compression})
    writer.owned_fd = fd if closes else None
    return writer if binary else TextWriter(writer, *text)
