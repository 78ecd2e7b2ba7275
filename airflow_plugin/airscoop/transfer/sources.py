"""Where an open file gets its bytes from: a stream from the start on, until other places are asked
for; then the source's ranges.
"""

from __future__ import annotations

import os
import stat
from typing import Any

from airscoop._native import ProtocolError, Reader, Transfer
from airscoop.transfer import places
from airscoop.transfer.columns_ahead import ColumnsAhead, Footer

_HEAD_BYTES = 16 * 1024  # what a look at an object brings
_SKIP_BYTES = 256 * 1024  # so little of a stream is read over
_BLOCK_BYTES = 1024 * 1024
_EMPTY = memoryview(b"")


def _standing(fd: int | None) -> int | None:
    """Where a regular file's descriptor stands; None for anything else."""
    if fd is None or not stat.S_ISREG(os.fstat(fd).st_mode):
        return None
    return os.lseek(fd, 0, os.SEEK_CUR)


class OpenSource:
    """`size` and `seekable` are known from the start on; the end of a stream is a proven one."""

    def __init__(self, options: dict[str, Any], *, look: bool) -> None:
        self.size: int | None = None
        self.seekable = False
        self.first = 0  # the position at the beginning: a descriptor may stand further on
        self.sought = False
        self.why_not = ""
        self._options = options
        self._transfer: Transfer | None = None
        self._reader: Reader | None = None
        self._identity: str | None = None
        self._footer: Footer | None = None
        self._columns: ColumnsAhead | None = None
        self._proven = False  # the first block is the whole source, as its checksum says
        self._block = _EMPTY
        self._start = 0  # where the block lies
        self._next = 0  # where the stream goes on
        try:
            if look:
                self._look()
            if not self.seekable:
                self._begin_stream()
                self._learn_of_stream()
        except BaseException:
            self.close()  # who keeps the exception keeps this frame, but no connection
            raise

    def _look(self) -> None:
        """The object's first bytes: enough to know how it is read."""
        self._reader = Reader(self._options, None)
        head = bytearray(_HEAD_BYTES)
        try:
            count = self._reader.read_into(head, 0, 0)
        except ProtocolError:  # of a server without ranges: what it is then shows in the stream
            return
        size, seekable, self._proven, self._identity = self._reader.facts()
        packed = head.startswith(b"\x1f\x8b") and self._options["compression"] != "keep"
        self._identity = self._identity or None
        if seekable and not packed:
            self.size, self.seekable = size, True
            self._footer = Footer(size)
            self._block = memoryview(head)[:count]

    def _begin_stream(self) -> Transfer:
        options = self._options | {"source_identity": self._identity}
        self._transfer = Transfer(options, to_memory=True, engine_of=self._reader)
        self._reader = None
        return self._transfer

    def _learn_of_stream(self) -> None:
        standing = _standing(self._options["source_fd"])
        self._read_stream(0)
        assert self._transfer is not None
        facts = self._transfer.facts()
        self.seekable = facts["source_seekable"]
        self._identity = facts["source_identity"] or None
        if facts["unchanged"] and facts["source_total_bytes"] >= 0:
            self.size = facts["source_total_bytes"]
        if standing is not None and self.size is not None and standing + self.size > 0:
            self._share_descriptor(standing)
        self.why_not = self._why_one_direction() if facts["unchanged"] else "since it is inflated"

    def _share_descriptor(self, standing: int) -> None:
        """Positions are the file's, as those of the built-in open."""
        assert self.size is not None
        self._reader = Reader(self._options, None)
        self.seekable = True
        self.size += standing
        self.first = self._start = standing
        self._next += standing

    def _why_one_direction(self) -> str:
        name = self._options["source"]
        if isinstance(name, str) and (places.is_http(name) or places.is_s3(name)):
            return "since its server proves no ranges to be of one version"
        return "since its length is not known"

    def _held(self, position: int) -> memoryview:
        """What the block has from there on."""
        offset = position - self._start
        return self._block[offset:] if offset >= 0 else _EMPTY

    def _read_stream(self, position: int) -> memoryview:
        """Goes on to that place; nothing at the proven end."""
        transfer = self._transfer or self._begin_stream()
        while self._next <= position:
            data = transfer.read()
            if not data:
                return _EMPTY
            self._block, self._start = memoryview(data), self._next
            self._next += len(data)
        return self._held(position)

    def _is_streamed(self, position: int) -> bool:
        if self.sought or (self._proven and position == self.size):
            return False
        if self._transfer is None:
            return position == len(self._block)
        return not self.seekable or self._next <= position <= self._next + _SKIP_BYTES

    def _ranges(self) -> Reader:
        self.sought = True
        if self._transfer is not None:
            self._transfer.abort()
            self._transfer = None
        if self._reader is None:
            self._reader = Reader(self._options, self._identity)
        return self._reader

    def _is_behind(self, position: int) -> bool:
        return self.size is not None and position >= self.size

    def read_into(self, target: memoryview, position: int, wanted: int) -> int:
        """Fills some of it, 0 at the end; `wanted` bytes will be read from there on, 0: unknown."""
        if self._columns is not None and not self._columns.ended:
            self._columns.reading(position, wanted)
        block = self._held(position)
        if not block and self._is_streamed(position):
            block = self._read_stream(position)
        elif not block and not self._is_behind(position):
            return self._ranges().read_into(target, position, wanted)
        count = min(len(target), len(block))
        target[:count] = block[:count]
        return count

    def was_read(self, position: int, data: bytes) -> None:
        """After a read: it may have brought the footer of a Parquet file."""
        if self._footer is not None and self._reader is not None:
            metadata = self._footer.found(position, data)
            if metadata is not None:
                self._columns = ColumnsAhead(metadata, self._reader)
                self._footer = None

    def block(self, position: int) -> memoryview:
        """Some bytes from there on, of which all will be read; none at the end."""
        block = self._held(position)
        if block:
            return block
        if self._is_streamed(position):
            return self._read_stream(position)
        if self._is_behind(position):
            return _EMPTY
        assert self.size is not None
        left = self.size - position
        buffer = memoryview(bytearray(min(left, _BLOCK_BYTES)))
        return buffer[: self._ranges().read_into(buffer, position, left)]

    def close(self) -> None:
        """Drops the connection."""
        self._block = _EMPTY
        if self._transfer is not None:
            self._transfer.abort()
        if self._reader is not None:
            self._reader.close()
