"""File objects over transfers: `open`, for what wants to read from or write to a file."""

from __future__ import annotations

import io
import os
import threading
import warnings
from types import TracebackType
from typing import (
    TYPE_CHECKING,
    Any,
    BinaryIO,
    Literal,
    NoReturn,
    Self,
    TypedDict,
    Unpack,
    overload,
)

from airscoop.aws.credentials import S3Settings
from airscoop.transfer import open_arguments, places
from airscoop.transfer.copy import Upload
from airscoop.transfer.object_options import ObjectOptions
from airscoop.transfer.options import Compression, TransferOptions
from airscoop.transfer.split import SplitUpload

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

    from airscoop._native import Transfer
    from airscoop.receipts.transfer import CopyReceipt

    class _BinaryFile(io.BufferedIOBase, BinaryIO):
        """An IO[bytes] to type checkers, as they have it for io.BufferedWriter."""
else:
    _BinaryFile = io.BufferedIOBase

BUFFER_BYTES = 256 * 1024


def _raise_again(error: BaseException | None, otherwise: str) -> NoReturn:
    """The engine's error; for any other, which was its receiver's to handle, Cancelled."""
    from airscoop.errors import AirscoopError, Cancelled

    if isinstance(error, AirscoopError):
        raise error
    raise Cancelled(otherwise) from error


class BlockReader(io.RawIOBase):
    """The blocks of a transfer as a raw stream. An error is raised again by every later read."""

    mode = "rb"

    def __init__(self, transfer: Transfer, name: str) -> None:
        self.name = name
        self._transfer = transfer
        self._error: BaseException | None = None
        self._position = 0
        self._block = memoryview(b"")
        self._fill()

    def _fill(self) -> None:
        """Gets the next block when there is none; afterwards an empty one is the proven end."""
        if self._error is not None:
            _raise_again(self._error, f"{self.name}: an earlier read was interrupted")
        if len(self._block) == 0:
            self._block = memoryview(self._transfer.read())

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fills some of the buffer; 0 at the proven end."""
        self._check_open()
        try:
            self._fill()
            target = memoryview(buffer).cast("B")
            count = min(len(target), len(self._block))
            target[:count] = self._block[:count]
            self._block = self._block[count:]
            self._position += count
        except BaseException as error:
            self._error = self._error or error
            raise
        return count

    def readall(self) -> bytes:
        """All that is left."""
        self._check_open()
        blocks: list[bytes] = []
        try:
            self._fill()
            while len(self._block) > 0:
                blocks.append(bytes(self._block))
                self._position += len(self._block)
                self._block = memoryview(b"")
                self._fill()
        except BaseException as error:
            self._error = self._error or error
            blocks.clear()  # the exception holds this frame for as long as it is held itself
            raise
        return b"".join(blocks)

    def tell(self) -> int:
        """How many bytes were read."""
        self._check_open()
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Raises io.UnsupportedOperation."""
        raise io.UnsupportedOperation(
            f"{self.name} is read in one direction: airscoop.copy it to a file to seek in it"
        )

    def close(self) -> None:
        """Drops the connection; what was not read stays unread, without an error."""
        if not self.closed:
            super().close()
            self._block = memoryview(b"")
            self._transfer.abort()

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError(f"{self.name} is closed")


class Reader(io.BufferedReader):
    """Binary reading, in one direction."""

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Raises io.UnsupportedOperation."""
        return self.raw.seek(offset, whence)


class Writer(_BinaryFile):
    """Binary writing. `close` commits; whatever else ends the object takes everything back.

    An exception that leaves the `with` block, `abort()`, dropping the last reference, the end of
    the interpreter: nothing is committed. `receipt` is set by the close that commits. To be used
    by one thread at a time.
    """

    receipt: CopyReceipt | None

    def __init__(self, upload: Upload | SplitUpload, name: str) -> None:
        self._name = name
        self.receipt = None
        self._upload = upload
        self._closed = False
        self._seekable = False
        self._whole = True  # what was written has arrived, or is pending
        self._error: BaseException | None = None
        self._position = 0
        self._pending = bytearray()
        self._turn = threading.Lock()

    def _send(self, data: bytes | memoryview = b"") -> None:
        """Gives the engine what is pending, and then `data`."""
        self._check_open()
        if not self._whole or self._error is not None:
            _raise_again(self._error, f"{self.name}: an earlier write did not come through")
        # A signal's exception may come between any two of these steps: then this stays False.
        self._whole = False
        try:
            for part in (self._pending, data):
                if len(part) > 0:
                    self._upload.write(part)
        except BaseException as error:
            self._error = error
            raise
        self._pending = bytearray()
        self._whole = True

    @property
    def name(self) -> str:
        """The destination."""
        return self._name

    @property
    def mode(self) -> str:
        """ "wb"."""
        return "wb"

    def writable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """False."""
        return self._seekable

    def write(self, data: ReadableBuffer, /) -> int:
        """Takes all of `data`; waits while the network is behind. Returns the bytes taken."""
        self._check_open()
        mine = False
        try:
            mine = self._turn.acquire(blocking=False)
            if not mine:
                self._refuse_another()
            with memoryview(data) as view, view.cast("B") as octets:
                length = len(octets)
                if self._whole and len(self._pending) + length < BUFFER_BYTES:
                    self._pending += octets
                else:
                    self._send(octets)
            self._position += length
        finally:
            if mine:
                self._turn.release()
        return length

    def _refuse_another(self) -> NoReturn:
        """Another write is under way: a thread's, or one that a signal's handler interrupted."""
        from airscoop.errors import UsageError

        error = UsageError(f"{self.name}: written to by two at once: one thread at a time uses it")
        self.distrust(error)
        raise error

    def flush(self) -> None:
        """Gives the engine what is buffered; nothing becomes visible before `close`."""
        self._send()

    def tell(self) -> int:
        """How many bytes were written."""
        self._check_open()
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Raises io.UnsupportedOperation."""
        raise io.UnsupportedOperation(f"{self.name} is written in one direction")

    @property
    def closed(self) -> bool:
        """Whether it was committed or taken back."""
        return self._closed

    def close(self) -> None:
        """Commits, and sets `receipt`; a second call, or one after `abort`, does nothing.

        Raises a subclass of airscoop.errors.AirscoopError; nothing is left behind then. After a
        write that failed it raises the same again: a hole is never committed.
        """
        if self._closed:
            return
        try:
            self._send()
            self._closed = True
            self.receipt = self._upload.commit()
        except BaseException:
            self.abort()
            raise

    def abort(self) -> None:
        """Takes everything back; after `close` it does nothing."""
        self._closed = True
        self._pending = bytearray()
        self._error = None
        self._upload.abort()

    def distrust(self, error: BaseException) -> None:
        """Makes `close` fail: what was to be written did not get here."""
        self._whole = False
        self._error = self._error or error

    def __enter__(self) -> Self:
        self._check_open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def __del__(self) -> None:
        # In place of io's finalizer, which closes, and so would commit.
        if not getattr(self, "_closed", True):
            self._drop()

    def _dealloc_warn(self, source: object) -> None:
        # io's own wrappers call this before the close in their finalizers: a dropped
        # io.TextIOWrapper or io.BufferedWriter around this object commits nothing either.
        if not self._closed:
            self._drop()

    def _drop(self) -> None:
        told = self._error is not None
        self.abort()
        if not told:
            warnings.warn(
                f"{self.name}: dropped without close(): nothing was written",
                RuntimeWarning,
                stacklevel=2,
            )

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError(f"{self.name} is closed")


class TextReader(io.TextIOWrapper):
    """Reading of text, in one direction."""

    mode = "r"


class TextWriter(io.TextIOWrapper):
    """Writing of text; see Writer for what commits and what does not."""

    mode = "w"

    def __init__(self, writer: Writer, encoding: str, errors: str | None, newline: str | None):
        self._writer: Writer | None = writer
        # io begins UTF-16 with its mark only where it can ask whether this is the beginning.
        writer._seekable = True
        super().__init__(writer, encoding, errors, newline)
        writer._seekable = False

    @property
    def receipt(self) -> CopyReceipt | None:
        """Set by the close that commits."""
        return None if self._writer is None else self._writer.receipt

    def write(self, text: str, /) -> int:
        """Takes all of `text`. Returns the characters taken."""
        try:
            return super().write(text)
        except (UnicodeError, TypeError):
            raise  # before anything was taken
        except BaseException as error:
            self._distrust(error)
            raise

    def flush(self) -> None:
        """Gives the engine what is buffered; nothing becomes visible before `close`."""
        try:
            super().flush()
        except BaseException as error:
            self._distrust(error)
            raise

    def close(self) -> None:
        """Commits, and sets `receipt`; see Writer.close."""
        if self._writer is None or self._writer.closed:
            return
        try:
            self.flush()
        except BaseException:
            self._writer.abort()
            raise
        self._writer.close()

    def abort(self) -> None:
        """Takes everything back; after `close` it does nothing."""
        if self._writer is not None:
            self._writer.abort()

    def detach(self) -> Writer:
        """The Writer beneath, on its own from now on."""
        super().detach()
        writer, self._writer = self._writer, None
        assert writer is not None  # super() has raised ValueError for a second call
        return writer

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()

    def __del__(self) -> None:
        # In place of io's finalizer, which closes, and so would commit.
        writer = getattr(self, "_writer", None)
        if writer is not None:
            writer._dealloc_warn(self)

    def _distrust(self, error: BaseException) -> None:
        if self._writer is not None:
            self._writer.distrust(error)


def _reader(name: str, compression: str, s3: S3Settings | None, options: dict[str, Any]) -> Reader:
    from airscoop._native import Transfer

    settings = TransferOptions(
        source=name, as_stored=compression == "none", source_s3=s3 or S3Settings(), **options
    )
    transfer = Transfer(settings.native(), to_memory=True)
    return Reader(BlockReader(transfer, places.displayed(name)), BUFFER_BYTES)


def _writer(name: str, s3: S3Settings | None, options: dict[str, Any]) -> Writer:
    split_bytes = options.pop("split_bytes", None)
    upload = (
        Upload(name, destination_s3=s3, as_stored=True, **options)
        if split_bytes is None
        else SplitUpload(name, split_bytes=split_bytes, destination_s3=s3, **options)
    )
    upload.write(b"")  # opens the destination: what is wrong with its name shows now
    return Writer(upload, name)


class ReadOptions(TypedDict, total=False):
    """What may be said of a source."""

    s3: S3Settings | None
    ca_file: str | None
    allow_unknown_length: bool


class WriteOptions(TypedDict, total=False):
    """What may be said of a destination."""

    s3: S3Settings | None
    ca_file: str | None
    compression_level: int | None
    memory_limit: int | None
    overwrite: bool
    object_options: ObjectOptions
    split_bytes: int | None
    split_replace: bool


@overload
def open(
    uri: str | os.PathLike[str],
    mode: Literal["r", "rt", "tr"] = "r",
    *,
    compression: Literal["auto", "none"] = "auto",
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    **options: Unpack[ReadOptions],
) -> TextReader: ...


@overload
def open(
    uri: str | os.PathLike[str],
    mode: Literal["rb", "br"],
    *,
    compression: Literal["auto", "none"] = "auto",
    **options: Unpack[ReadOptions],
) -> Reader: ...


@overload
def open(
    uri: str | os.PathLike[str],
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
    uri: str | os.PathLike[str],
    mode: Literal["wb", "bw"],
    *,
    compression: Compression = "auto",
    **options: Unpack[WriteOptions],
) -> Writer: ...


@overload
def open(
    uri: str | os.PathLike[str],
    mode: str,
    *,
    compression: Compression = "auto",
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    **options: Any,
) -> Any: ...


def open(
    uri: str | os.PathLike[str],
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
    and paths. There is no seeking. Text is UTF-8 unless `encoding` says otherwise; `errors` and
    `newline` are those of the built-in open.

    Reading inflates gzip data, recognised by its content; with `compression` "none" the bytes come
    as they are stored. The end of the file is the source's proven end: a source that is cut off or
    damaged raises, here or in any read. Closing earlier drops the connection.

    Writing compresses when the name ends in .gz or `compression` is "gzip". The destination
    appears, whole, when `close()` returns or the `with` block ends well; `receipt` is set then. An
    exception in the block, `abort()`, or dropping the object without closing it leaves nothing.

    Options: `s3` (S3Settings) and `ca_file`; for reading `allow_unknown_length`; for writing
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
    name = open_arguments.check_place(uri)
    text = (encoding or "utf-8", errors, newline)
    if not binary:
        open_arguments.check_text(*text)
    elif (encoding, errors, newline) != (None, None, None):
        open_arguments.refuse(f"mode {mode!r}: encoding, errors and newline are for text")
    s3 = options.pop("s3", None)
    if reading:
        reader = _reader(name, compression, s3, options)
        return reader if binary else TextReader(reader, *text)
    writer = _writer(name, s3, options | {"compression": compression})
    return writer if binary else TextWriter(writer, *text)
