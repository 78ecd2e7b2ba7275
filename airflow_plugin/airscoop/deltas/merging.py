"""Many files, each in order, as one: a few at a time, so neither memory nor open files grow."""

from __future__ import annotations

import heapq
import itertools
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import IO

from airscoop.errors import AirscoopError, FileError
from airscoop.transfer import places

SOURCES_AT_ONCE = 4  # an open transfer has up to 4 MiB
FILES_AT_ONCE = 16
BUFFER_BYTES = 1 << 18

Source = Callable[[], Iterator[bytes]]


def merged(
    sources: Sequence[Source], *, key: Callable[[bytes], bytes], temp_dir: str | None
) -> Iterator[bytes]:
    """The lines of all sources in the order of their keys.

    Of more than a few sources a few at a time are merged into an unnamed temporary file. As soon as
    there are FILES_AT_ONCE of those, they are merged into one of the next level, and so on, until
    one merge is left.
    """
    if len(sources) <= SOURCES_AT_ONCE:
        yield from heapq.merge(*(source() for source in sources), key=key)
        return
    levels: list[list[IO[bytes]]] = []
    try:
        for start in range(0, len(sources), SOURCES_AT_ONCE):
            some = [source() for source in sources[start : start + SOURCES_AT_ONCE]]
            _add(levels, _spooled(some, key, temp_dir), key, temp_dir)
        for lower, upper in itertools.pairwise(levels):
            if lower:
                upper.append(_spooled(lower, key, temp_dir))
                _close(lower)
        with _file_errors(temp_dir):
            yield from heapq.merge(*levels[-1], key=key)
    finally:
        for level in levels:
            _close(level)


def _add(
    levels: list[list[IO[bytes]]],
    file: IO[bytes],
    key: Callable[[bytes], bytes],
    temp_dir: str | None,
) -> None:
    """Puts a file into the lowest level; one that is full becomes a file of the next."""
    for level in levels:
        level.append(file)
        if len(level) < FILES_AT_ONCE:
            return
        file = _spooled(level, key, temp_dir)
        _close(level)
    levels.append([file])


def _spooled(
    runs: Sequence[Iterable[bytes]], key: Callable[[bytes], bytes], temp_dir: str | None
) -> IO[bytes]:
    with _file_errors(temp_dir), ExitStack() as unless_done:
        file = unless_done.enter_context(
            tempfile.TemporaryFile(buffering=BUFFER_BYTES, dir=temp_dir)
        )
        file.writelines(heapq.merge(*runs, key=key))
        file.seek(0)
        unless_done.pop_all()
        return file


@contextmanager
def _file_errors(temp_dir: str | None) -> Iterator[None]:
    """What the system says of a temporary file, as an error of airscoop's."""
    try:
        yield
    except AirscoopError:
        raise
    except OSError as error:
        folder = places.displayed(temp_dir or tempfile.gettempdir())
        made = FileError(
            f"a temporary file of the changes in {folder} (give more room, or another temp_dir): "
            f"{error.strerror or error}"
        )
        made.os_errno = error.errno
        raise made from error


def _close(files: list[IO[bytes]]) -> None:
    for file in files:
        file.close()
    files.clear()
