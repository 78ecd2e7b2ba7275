"""Files in order become one in order, however many they are, a few open at a time."""

from __future__ import annotations

import errno
import itertools
import resource
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airscoop import errors
from airscoop.deltas.merging import FILES_AT_ONCE, SOURCES_AT_ONCE, merged


def lines(run: list[bytes]) -> Iterator[bytes]:
    yield from run


def merge(runs: list[list[bytes]]) -> list[bytes]:
    return list(merged([partial(lines, run) for run in runs], key=bytes.strip, temp_dir=None))


@given(
    count=st.sampled_from(
        [0, 1, SOURCES_AT_ONCE, SOURCES_AT_ONCE + 1, SOURCES_AT_ONCE * FILES_AT_ONCE + 1, 300]
    ),
    numbers=st.lists(st.integers(0, 10**6), max_size=400),
)
def test_all_lines_come_in_order(count: int, numbers: list[int]) -> None:
    runs: list[list[int]] = [[] for _ in range(count)]
    for number, run in zip(numbers, itertools.cycle(runs), strict=False):
        run.append(number)
    texts = [[b"%07d\n" % number for number in sorted(run)] for run in runs]
    assert merge(texts) == sorted(itertools.chain(*texts))


def test_few_are_open_at_a_time_and_none_after(monkeypatch: pytest.MonkeyPatch) -> None:
    opened, most_sources, files = [0], [0], list[IO[bytes]]()
    real: Any = tempfile.TemporaryFile

    def counted(number: int) -> Iterator[bytes]:
        opened[0] += 1
        most_sources[0] = max(most_sources[0], opened[0])
        yield b"%03d\n" % number
        opened[0] -= 1

    def made(*arguments: Any, **options: Any) -> Any:
        files.append(real(*arguments, **options))
        assert sum(not file.closed for file in files) <= 2 * FILES_AT_ONCE
        return files[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", made)
    found = merged([partial(counted, n) for n in range(300)], key=bytes.strip, temp_dir=None)
    assert next(found) == b"000\n"
    assert sum(not file.closed for file in files) <= FILES_AT_ONCE
    found.close()  # type: ignore[attr-defined]  # a generator
    assert [file for file in files if not file.closed] == []
    assert most_sources[0] == SOURCES_AT_ONCE


def test_as_many_files_as_athena_writes_need_few_open_files() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    open_now = 1 + max(int(entry.name) for entry in Path("/proc/self/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_now + 4 * FILES_AT_ONCE, before[1]))
    try:
        texts = [[b"%05d\n" % number] for number in range(20_000)]
        assert merge(texts[::-1]) == list(itertools.chain(*texts))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_a_source_that_fails_ends_it_and_leaves_nothing_open(tmp_path: Path) -> None:
    def fails() -> Iterator[bytes]:
        yield b"1\n"
        raise errors.Truncated("the file ended")

    sources = [partial(lines, [b"0\n"])] * 9 + [fails]
    with pytest.raises(errors.Truncated):
        list(merged(sources, key=bytes.strip, temp_dir=str(tmp_path)))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_an_error_of_airscoops(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(errors.FileError, match="No space left") as caught:
        merge([[b"1\n"]] * 9)
    assert caught.value.os_errno == errno.ENOSPC
