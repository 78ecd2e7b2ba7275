"""Which columns a caller reads of a Parquet file, and where it will probably read next.

pyarrow reads one column chunk of a Python file after the other. Once it has read chunks in two row
groups, the same columns of the next ones are fetched side by side.
"""

from __future__ import annotations

import bisect
import sys
from typing import Any, Protocol

_MAGIC = b"PAR1"
_TAIL_BYTES = 8  # the footer's length, and the magic
_MOST = 1000  # row groups, and columns: more take longer to look at than it saves
_GROUPS_AHEAD = 8
_MOST_IN_VAIN = 8  # reads of other chunks, while those that are fetched are not read

Chunks = tuple[int, int]  # the first and the last column of those that one read brings
Place = tuple[int, Chunks]  # in a row group


class Expecting(Protocol):
    """What is told of the ranges: a `_native.Reader`."""

    def expect(self, first: int, length: int, /) -> bool: ...
    def expect_nothing(self) -> None: ...


def _bounds(metadata: Any, group: int, column: int) -> tuple[int, int]:
    """Where a column chunk begins and ends."""
    chunk = metadata.row_group(group).column(column)
    first = chunk.data_page_offset
    if chunk.has_dictionary_page and 0 < (chunk.dictionary_page_offset or 0) < first:
        first = chunk.dictionary_page_offset
    return first, first + chunk.total_compressed_size


class Footer:
    """The footer of a file of `size` bytes, as the caller comes to read it."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._tail = b""

    def found(self, position: int, data: bytes) -> Any:
        """pyarrow's metadata, when it lies in what was read; None: not in this, or no pyarrow."""
        end = position + len(data)
        if end == self._size and len(data) >= _TAIL_BYTES and data.endswith(_MAGIC):
            self._tail = data[-_TAIL_BYTES:]
        parquet = sys.modules.get("pyarrow.parquet")
        last = self._size - _TAIL_BYTES
        first = last - int.from_bytes(self._tail[:4], "little")
        if not self._tail or parquet is None or not position <= first < last <= end:
            return None
        footer = data[first - position : last - position]
        pyarrow: Any = sys.modules["pyarrow"]
        try:
            return parquet.read_metadata(pyarrow.BufferReader(_MAGIC + footer + self._tail))
        except (pyarrow.ArrowException, OSError):  # the caller's own reader tells
            return None


class ColumnsAhead:
    """Guesses only after reads of whole chunks in two row groups, and no more once it was wrong."""

    def __init__(self, metadata: Any, reader: Expecting) -> None:
        self._metadata, self._reader = metadata, reader
        self._groups, self._columns = metadata.num_row_groups, metadata.num_columns
        self.ended = not 2 <= self._groups <= _MOST or not 1 <= self._columns <= _MOST
        self._firsts = [] if self.ended else [self._first(group) for group in range(self._groups)]
        self._known: dict[int, list[tuple[int, int]]] = {}  # bounds by row group
        self._seen: set[Chunks] = set()
        self._touched: set[int] = set()  # row groups
        self._front = self._groups  # the first row group that has something to fetch
        self._done: set[Place] = set()  # read, or being fetched
        self._fetched: set[Place] = set()
        self._vain = 0
        self._end = 0  # of the last read

    def _first(self, group: int) -> int:
        return _bounds(self._metadata, group, 0)[0]

    def _chunks(self, group: int) -> list[tuple[int, int]]:
        if group not in self._known:
            columns = range(self._columns)
            self._known[group] = [_bounds(self._metadata, group, column) for column in columns]
        return self._known[group]

    def _place(self, position: int, length: int) -> Place | None:
        """The chunks that a read is of; None: it is of something else."""
        group = bisect.bisect_right(self._firsts, position) - 1
        chunks = self._chunks(max(group, 0))
        firsts = [column for column, (first, _) in enumerate(chunks) if first == position]
        lasts = [column for column, (_, end) in enumerate(chunks) if end == position + length]
        return (group, (firsts[0], lasts[0])) if group >= 0 and firsts and lasts else None

    def reading(self, position: int, length: int) -> None:
        """A read, or the rest of one, is about to be done: others are begun beside it."""
        if position + length == self._end:
            return
        self._end = position + length
        place = self._place(position, length)
        if place is None or self._is_in_vain(place):
            self._give_up()
            return
        self._touched.add(place[0])
        self._front = min(self._front, place[0])
        self._seen.add(place[1])
        if len(self._touched) > 1 and (place in self._done or self._expect(place)):
            self._begin()
        self._done.add(place)
        self._fetched.discard(place)

    def _is_in_vain(self, place: Place) -> bool:
        missed = bool(self._fetched) and place not in self._fetched
        self._vain = self._vain + 1 if missed else 0
        return self._vain > _MOST_IN_VAIN

    def _give_up(self) -> None:
        self.ended = True
        self._reader.expect_nothing()

    def _begin(self) -> None:
        while self._front < self._groups and all(
            (self._front, each) in self._done for each in self._seen
        ):
            self._front += 1
        for group in range(self._front, min(self._front + _GROUPS_AHEAD, self._groups)):
            for each in sorted(self._seen):
                if (group, each) not in self._done and not self._expect((group, each)):
                    return

    def _expect(self, place: Place) -> bool:
        group, (left, right) = place
        first, end = self._chunks(group)[left][0], self._chunks(group)[right][1]
        if not self._reader.expect(first, end - first):
            return False
        self._done.add(place)
        self._fetched.add(place)
        return True
