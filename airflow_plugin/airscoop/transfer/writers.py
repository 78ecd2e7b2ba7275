"""Writing as a file object, binary and as text: only `close` and `commit` commit."""

from __future__ import annotations

import contextlib
import io
import os
import threading
import warnings
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn, Self

from airscoop import kinds
from airscoop.errors import AirscoopError, UsageError
from airscoop.transfer.handled import Handled, shown
from airscoop.transfer.open_arguments import check_text
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


def _leave(
    file: Writer | TextWriter,
    kind: type[BaseException] | None,
    value: BaseException | None,
    trace: TracebackType | None,
) -> None:
    """The end of a `with` block: Python tells whether an exception leaves it."""
    if kind is not None:
        file.abort()
    elif not file._is_over():
        file.commit()


class Writer(_BinaryFile):
    """Binary writing. `close` and `commit` commit; whatever else ends it takes everything back.

    An exception that leaves the `with` block, a `close()` while an exception is handled that was
    not when the file was made, `abort()`, dropping the last reference, the end of the interpreter:
    nothing is committed. `receipt` is set by what commits. To be used by one thread at a time.
    """

    receipt: CopyReceipt | None

    def __init__(self, upload: Upload | SplitUpload, name: str | int) -> None:
        self._name = name
        self.owned_fd: int | None = None  # an open descriptor that is closed with this
        self.receipt = None
        self._upload = upload
        self._handled = Handled()
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
        if self._has_hole():
            if self._handled.another() is not None:
                return  # it is lost anyway: the exception on its way stays the one that is seen
            self._refuse_hole()
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

    def _has_hole(self) -> bool:
        return not self._whole or self._error is not None

    def _refuse_hole(self) -> NoReturn:
        raise_again(self._error, f"{self.name}: an earlier write did not come through")

    @property
    def name(self) -> str | int:
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

        While an exception is handled that was not when the file was made, as in a `finally`, it
        takes everything back, warns, and raises nothing; `commit` is for who means it.

        Raises a subclass of airscoop.errors.AirscoopError; nothing is left behind then. After a
        write that failed it raises the same again: a hole is never committed.
        """
        if self._closed:
            return
        another = self._handled.another()
        if another is None:
            self.commit()
        else:
            self._give_up(another)

    def commit(self) -> CopyReceipt:
        """Commits in any place, also where an exception is handled; the file is closed then.

        What a wrapper around it holds has to be flushed before. Raises as `close` does.
        """
        if self.receipt is not None:
            return self.receipt
        self._check_open()
        try:
            if self._has_hole():
                self._refuse_hole()
            self._send()
            self._closed = True
            self._handled.forget()
            self.receipt = self._upload.commit()
            self._close_fd()
        except BaseException:
            self.abort()
            raise
        return self.receipt

    def abort(self) -> None:
        """Takes everything back; after `close` it does nothing."""
        self._closed = True
        self._pending = bytearray()
        self._error = None
        self._handled.forget()
        try:
            self._upload.abort()
        finally:
            self._close_fd()

    def _close_fd(self) -> None:
        owned, self.owned_fd = self.owned_fd, None
        if owned is not None:
            os.close(owned)

    def _give_up(self, another: BaseException) -> None:
        with contextlib.suppress(AirscoopError, OSError):  # what is left goes with the upload
            self.abort()
        told = (
            f"{self.name}: closed while an exception is handled ({shown(another)}): "
            f"{self._lost()}. Who means to keep what was written calls commit()"
        )
        try:
            warnings.warn(told, RuntimeWarning, stacklevel=3)
        except Exception:  # warnings are errors: the one that is on its way tells it
            another.add_note(told)

    def distrust(self, error: BaseException) -> None:
        """Makes `close` fail: what was to be written did not get here."""
        kinds.instance(BaseException, "an exception").read(error, "error")
        self._whole = False
        self._error = self._error or error

    def __enter__(self) -> Self:
        self._check_open()
        return self

    __exit__ = _leave

    def _is_over(self) -> bool:
        return self._closed

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
                f"{self.name}: dropped without close(): {self._lost()}",
                RuntimeWarning,
                stacklevel=2,
            )

    def _lost(self) -> str:
        # What a descriptor has got nobody takes back.
        return "nothing was written" if isinstance(self._name, str) else "its end is not written"

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
        """Set by what commits."""
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

    def seek(self, cookie: int, whence: int = os.SEEK_SET) -> int:
        """Raises io.UnsupportedOperation."""
        raise io.UnsupportedOperation("what is written in one direction has no other places")

    def reconfigure(self, **options: Any) -> None:
        """As io's, for encodings that there are."""
        check_text(*(options.get(name) for name in ("encoding", "errors", "newline")))
        super().reconfigure(**options)

    def flush(self) -> None:
        """Gives the engine what is buffered; nothing becomes visible before `close`."""
        try:
            super().flush()
        except BaseException as error:
            self._distrust(error)
            raise

    def close(self) -> None:
        """Commits, and sets `receipt`; see Writer.close."""
        writer = self._writer
        if writer is None or writer.closed:
            return
        another = writer._handled.another()
        if another is None:
            self.commit()
        else:
            writer._give_up(another)

    def commit(self) -> CopyReceipt:
        """Commits in any place, also where an exception is handled; see Writer.commit."""
        if self._writer is None:
            raise ValueError("the writer beneath was detached: commit that one")
        try:
            if not self._writer.closed:
                self.flush()
        except BaseException:
            self._writer.abort()
            raise
        return self._writer.commit()

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

    __exit__ = _leave

    def _is_over(self) -> bool:
        return self._writer is None or self._writer.closed

    def __del__(self) -> None:
        # In place of io's finalizer, which closes, and so would commit.
        writer = getattr(self, "_writer", None)
        if writer is not None:
            writer._dealloc_warn(self)

    def _distrust(self, error: BaseException) -> None:
        if self._writer is not None:
            self._writer.distrust(error)
