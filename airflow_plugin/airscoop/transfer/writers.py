"""Writing as a file object, binary and as text: only `close` commits."""

from __future__ import annotations

import io
import os
import threading
import warnings
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, NoReturn, Self

from airscoop.errors import UsageError
from airscoop.transfer.readers import raise_again

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

    from airscoop.receipts.transfer import CopyReceipt
    from airscoop.transfer.split import SplitUpload
    from airscoop.transfer.upload import Upload

    class _BinaryFile(io.BufferedIOBase, BinaryIO):
        """An IO[bytes] to type checkers, as they have it for io.BufferedWriter."""
else:
    _BinaryFile = io.BufferedIOBase

BUFFER_BYTES = 256 * 1024


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
            raise_again(self._error, f"{self.name}: an earlier write did not come through")
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
