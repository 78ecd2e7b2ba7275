"""Reading as a file object, binary and as text."""

from __future__ import annotations

import contextlib
import io
import mmap
import os
from typing import TYPE_CHECKING, Any, NoReturn

from airscoop import kinds
from airscoop.errors import AirscoopError, Cancelled, UsageError
from airscoop.transfer.open_arguments import check_text

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from airscoop.transfer.sources import OpenSource


def raise_again(error: BaseException | None, otherwise: str) -> NoReturn:
    """The engine's error; for any other, which was its receiver's to handle, Cancelled."""
    if isinstance(error, AirscoopError):
        raise error
    raise Cancelled(otherwise) from error


def _whole(number: object, name: str) -> int:
    """A place in a file, as far as there are any; else a UsageError."""
    found: int = PLACE.read(number, name)
    return found


_LARGE_BYTES = 1024 * 1024
_HUGE_PAGE_BYTES = 2 * 1024 * 1024


def _huge_pages(size: int) -> mmap.mmap:
    """Memory for so many bytes: a fault for each huge page is what 512 faults are else."""
    pages = -(-size // _HUGE_PAGE_BYTES)
    found = mmap.mmap(-1, pages * _HUGE_PAGE_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    with contextlib.suppress(OSError):  # a kernel without them has small ones
        found.madvise(mmap.MADV_HUGEPAGE)
    return found


PLACE = kinds.whole(-kinds.LARGEST)


class SourceReader(io.RawIOBase):
    """A source as a raw stream. An error is raised again by every later read."""

    mode = "rb"

    def __init__(self, source: OpenSource, name: str | int) -> None:
        self.name = name
        self.owned_fd: int | None = None  # an open descriptor that is closed with this
        self._source = source
        self._error: BaseException | None = None
        self._position = source.first
        self.wanted_end = 0  # how far the read that is under way goes; 0: nobody knows

    @property
    def size(self) -> int | None:
        """How many bytes there are to read, where that is known before the end."""
        return self._source.size

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """Whether the source's bytes are read as they are, and other places of it can be."""
        self._check_open()
        return self._source.seekable

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fills some of the buffer; 0 at the proven end."""
        self._check_open()
        target = memoryview(buffer).cast("B")
        self._check_error()
        try:
            wanted = max(self.wanted_end - self._position, 0)
            count = self._source.read_into(target, self._position, wanted) if target else 0
        except BaseException as error:
            self._error = self._error or error
            raise
        self._position += count
        return count

    def was_read(self, position: int, data: bytes) -> None:
        """Tells what a read has brought, which may say what will be read."""
        self._source.was_read(position, data)

    def readall(self) -> bytes:
        """All that is left."""
        self._check_open()
        self._check_error()
        blocks: list[bytes] = []
        try:
            while block := self._source.block(self._position):
                blocks.append(bytes(block))
                self._position += len(block)
        except BaseException as error:
            self._error = self._error or error
            blocks.clear()  # the exception holds this frame for as long as it is held itself
            raise
        return b"".join(blocks)

    def tell(self) -> int:
        """How many bytes lie before the next one to be read."""
        self._check_open()
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Goes elsewhere, also beyond the end; UsageError where the source has one direction.

        That is no OSError, which some readers take for a sign of damaged data.
        """
        if not self.seekable():
            raise UsageError(
                f"{self.name} is read in one direction, {self._source.why_not}: "
                "airscoop.copy it to a file to seek in it"
            )
        offset, whence = _whole(offset, "offset"), _whole(whence, "whence")
        starts = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size or 0}
        if whence not in starts:
            raise ValueError(f"whence {whence} is not 0, 1 or 2")
        if starts[whence] + offset < 0:
            raise ValueError(f"{self.name}: {starts[whence] + offset} is before its start")
        self._position = starts[whence] + offset
        return self._position

    def close(self) -> None:
        """Drops the connection; what was not read stays unread, without an error."""
        if not self.closed:
            super().close()
            self._source.close()
            if self.owned_fd is not None:
                os.close(self.owned_fd)

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"{self.name} is an open file, which cannot be pickled: pickle its name")

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError(f"{self.name} is closed")

    def _check_error(self) -> None:
        if self._error is not None:
            raise_again(self._error, f"{self.name}: an earlier read was interrupted")


class Reader(io.BufferedReader):
    """Binary reading; where the source allows it, from any place."""

    raw: SourceReader

    @property
    def size(self) -> int | None:
        """How many bytes there are to read, where that is known before the end."""
        return self.raw.size

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Goes elsewhere; UsageError where the source is read in one direction."""
        offset, whence = _whole(offset, "offset"), _whole(whence, "whence")
        if self.closed or not self.raw.seekable():
            return self.raw.seek(offset, whence)
        self.__class__ = SoughtReader
        return super().seek(offset, whence)

    def read_buffer(self, size: int) -> bytes | memoryview:
        """As `read`, for pyarrow, which takes what it reads without a copy."""
        size = _whole(size, "size")
        left = 0 if self.size is None else self.size - self.tell()
        if min(size, left) < _LARGE_BYTES:
            return self.read(size)
        view = memoryview(_huge_pages(min(size, left)))[: min(size, left)]
        return view[: self.readinto(view)]

    def __reduce_ex__(self, protocol: object, /) -> NoReturn:
        self.raw.__reduce__()


class SoughtReader(Reader):
    """A reader after its first seek: each read says how much it wants, and no more is fetched.

    Who reads in order does without, and each small read is as fast as io's own.
    """

    def read(self, size: int | None = -1) -> bytes:
        """That many bytes, fewer at the end only; without a size all that is left."""
        position = self.tell()
        self.raw.wanted_end = position + max(size or 0, 0)
        try:
            data = super().read(size)
        finally:
            self.raw.wanted_end = 0
        self.raw.was_read(position, data)
        return data

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fills the buffer, all but at the end."""
        self.raw.wanted_end = self.tell() + memoryview(buffer).nbytes
        try:
            return super().readinto(buffer)
        finally:
            self.raw.wanted_end = 0


class TextReader(io.TextIOWrapper):
    """Reading of text."""

    mode = "r"

    def seek(self, cookie: int, whence: int = os.SEEK_SET) -> int:
        """Goes where `tell` was; UsageError where the source is read in one direction."""
        if not self.seekable():
            return self._refuse()
        try:
            return super().seek(cookie, whence)
        except OverflowError:
            raise UsageError(
                f"{kinds.shown(cookie)}, {kinds.shown(whence)} is no place that tell() gave"
            ) from None

    def tell(self) -> int:
        """Where `seek` finds this place again; UsageError where there is no seeking."""
        return super().tell() if self.seekable() else self._refuse()

    def reconfigure(self, **options: Any) -> None:
        """As io's, for encodings that there are."""
        check_text(*(options.get(name) for name in ("encoding", "errors", "newline")))
        super().reconfigure(**options)

    def _refuse(self) -> int:
        reader: Any = self.buffer
        return int(reader.seek(0))
