"""Reading as a file object: the blocks of a transfer, binary and as text."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, NoReturn

from airscoop.errors import AirscoopError, Cancelled

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from airscoop._native import Transfer


def raise_again(error: BaseException | None, otherwise: str) -> NoReturn:
    """The engine's error; for any other, which was its receiver's to handle, Cancelled."""
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
            raise_again(self._error, f"{self.name}: an earlier read was interrupted")
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


class TextReader(io.TextIOWrapper):
    """Reading of text, in one direction."""

    mode = "r"
