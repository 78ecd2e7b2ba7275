"""Many files, each in order, as one: merged a few at a time, so memory does not grow with them."""

from __future__ import annotations

import heapq
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import IO

from airscoop.errors import AirscoopError, FileError

SOURCES_AT_ONCE = 4  # an open transfer has up to 4 MiB
FILES_AT_ONCE = 16
BUFFER_BYTES = 1 << 18

Source = Callable[[], Iterator[bytes]]


def merged(
    sources: Sequence[Source], *, key: Callable[[bytes], bytes], temp_dir: str | None
) -> Iterator[bytes]:
    """The lines of all sources in the order of their keys.

    Of more than a few sources a few at a time are merged into an unnamed temporary file, and those
    files, a few more at a time, until one merge is left.
    """
    if len(sources) <= SOURCES_AT_ONCE:
        yield from heapq.merge(*(source() for source in sources), key=key)
        return
    files: list[IO[bytes]] = []
    try:
        for start in range(0, len(sources), SOURCES_AT_ONCE):
            some = [source() for source in sources[start : start + SOURCES_AT_ONCE]]
            files.append(_spooled(some, key, temp_dir))
        while len(files) > FILES_AT_ONCE:
            files.append(_spooled(files[:FILES_AT_ONCE], key, temp_dir))
            _close(files, FILES_AT_ONCE)
        with _file_errors():
            yield from heapq.merge(*files, key=key)
    finally:
        _close(files, len(files))


def _spooled(
    runs: Sequence[Iterable[bytes]], key: Callable[[bytes], bytes], temp_dir: str | None
) -> IO[bytes]:
    with _file_errors(), ExitStack() as unless_done:
        file = unless_done.enter_context(
            tempfile.TemporaryFile(buffering=BUFFER_BYTES, dir=temp_dir)
        )
        file.writelines(heapq.merge(*runs, key=key))
        file.seek(0)
        unless_done.pop_all()
        return file


@contextmanager
def _file_errors() -> Iterator[None]:
    """What the system says of a temporary file, as an error of airscoop's."""
    try:
        yield
    except AirscoopError:
        raise
    except OSError as error:
        made = FileError(f"a temporary file of the changes: {error.strerror or error}")
        made.os_errno = error.errno
        raise made from error


def _close(files: list[IO[bytes]], count: int) -> None:
    for file in files[:count]:
        file.close()
    del files[:count]
