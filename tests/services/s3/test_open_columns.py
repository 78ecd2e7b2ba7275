"""airscoop.open of a Parquet file in S3: columns that are read are fetched ahead, side by side."""

from __future__ import annotations

import io
import random
import threading
from collections.abc import Callable
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

import airscoop
from airscoop import S3Settings, errors
from support.fault_server import (
    FaultProxy,
    Request,
    cut_answer,
    error,
    shorten_answer,
)
from support.s3 import MIB, Store, noise
from support.waiting import eventually

GROUPS, COLUMNS, ROWS = 12, 8, 120_000
LOOK_BYTES = 16 * 1024
FOOTER_BYTES = 64 * 1024  # of which pyarrow reads the end of the file


def made() -> bytes:
    chance = random.Random(3)
    table = pyarrow.table({f"c{n}": chance.sample(range(2**62), ROWS) for n in range(COLUMNS)})
    buffer = io.BytesIO()
    parquet.write_table(
        table, buffer, row_group_size=ROWS // GROUPS, use_dictionary=False, compression="none"
    )
    return buffer.getvalue()


DATA = made()
METADATA = parquet.read_metadata(io.BytesIO(DATA))


def chunk(group: int, column: int) -> tuple[int, int]:
    """Where a column chunk begins, and its length."""
    found = METADATA.row_group(group).column(column)
    return found.data_page_offset, found.total_compressed_size


@pytest.fixture
def uri(store: Store) -> str:
    return store.put("t.parquet", DATA)


@pytest.fixture
def s3(store: Store, proxy: FaultProxy) -> S3Settings:
    return store.settings(endpoint_url=proxy.url)


def ranges(proxy: FaultProxy) -> list[tuple[int, int]]:
    """What was asked for behind the look at the beginning: first byte and length."""
    found = []
    for request in proxy.requests("get")[1:]:
        first, _, last = (request.headers["Range"] or "").removeprefix("bytes=").partition("-")
        found.append((int(first), int(last) - int(first) + 1))
    return found


def read_footer(file: Any) -> None:
    file.seek(len(DATA) - FOOTER_BYTES)
    assert file.read(FOOTER_BYTES) == DATA[-FOOTER_BYTES:]


def read_chunk(file: Any, group: int, column: int) -> None:
    first, length = chunk(group, column)
    file.seek(first)
    assert file.read(length) == DATA[first : first + length]


def test_columns_that_were_read_of_two_row_groups_are_fetched_of_the_next(
    uri: str, s3: S3Settings, proxy: FaultProxy
) -> None:
    expected = [chunk(group, column) for group in range(GROUPS) for column in (2, 5)]
    together: list[bool] = []

    def held(handler: Any, request: Request) -> None:
        together.append(eventually(lambda: len(ranges(proxy)) >= 3 + 8))
        code, headers, body = handler.forward(request)
        handler.answer(code, body, headers)

    with airscoop.open(uri, "rb", s3=s3) as file:
        read_footer(file)
        read_chunk(file, 0, 2)
        read_chunk(file, 0, 5)
        assert ranges(proxy)[1:] == expected[:2]
        proxy.on("get", held)
        for group in range(1, GROUPS):
            for column in (2, 5):
                read_chunk(file, group, column)
    assert together == [True]
    assert sorted(ranges(proxy)[1:]) == sorted(expected)
    assert all(request.headers["If-Match"] for request in proxy.requests("get")[1:])


def test_all_that_pyarrow_asks_for_is_fetched_once_and_nothing_else(
    uri: str, s3: S3Settings, proxy: FaultProxy
) -> None:
    columns = ["c2", "c5"]
    with airscoop.open(uri, "rb", s3=s3) as file:
        table = parquet.read_table(file, columns=columns)
    assert table.equals(parquet.read_table(io.BytesIO(DATA), columns=columns))
    expected = [chunk(group, column) for group in range(GROUPS) for column in (2, 5)]
    assert sorted(ranges(proxy)[1:]) == sorted(expected)


@pytest.mark.parametrize("groups", [[0], [3], [GROUPS - 1]])
def test_who_reads_one_row_group_fetches_no_other(
    groups: list[int], uri: str, s3: S3Settings, proxy: FaultProxy
) -> None:
    with airscoop.open(uri, "rb", s3=s3) as file:
        parquet.ParquetFile(file).read_row_groups(groups, columns=["c2", "c5"])
    expected = [chunk(group, column) for group in groups for column in (2, 5)]
    assert sorted(ranges(proxy)[1:]) == sorted(expected)


def test_who_stops_after_two_row_groups_has_eight_chunks_on_the_way_at_most(
    uri: str, s3: S3Settings, proxy: FaultProxy
) -> None:
    with airscoop.open(uri, "rb", s3=s3) as file:
        read_footer(file)
        read_chunk(file, 0, 2)
        read_chunk(file, 1, 2)
    assert len(ranges(proxy)) <= 1 + 2 + 8
    assert eventually(proxy.server.is_idle)


@pytest.mark.parametrize("seed", range(4))
def test_the_order_of_the_reads_does_not_matter(seed: int, uri: str, store: Store) -> None:
    places = [(group, column) for group in range(GROUPS) for column in (1, 2, 6)]
    random.Random(seed).shuffle(places)
    with airscoop.open(uri, "rb", s3=store.settings()) as file:
        read_footer(file)
        for place in places:
            read_chunk(file, *place)
        file.seek(100)
        assert file.read(5000) == DATA[100:5100]


def test_guessing_ends_when_it_was_in_vain(uri: str, s3: S3Settings, proxy: FaultProxy) -> None:
    with airscoop.open(uri, "rb", s3=s3) as file:
        read_footer(file)
        read_chunk(file, 0, 0)
        read_chunk(file, 1, 0)
        file.seek(chunk(2, 3)[0] + 50)
        assert file.read(100) == DATA[chunk(2, 3)[0] + 50 :][:100]
        before = len(ranges(proxy))
        for group in range(2, GROUPS):
            read_chunk(file, group, 7)
        assert len(ranges(proxy)) == before + GROUPS - 2


FAULTS: dict[str, Any] = {
    "a broken connection": cut_answer,
    "503": error("SlowDown", 503),
    "500": error("InternalError", 500),
}


@pytest.mark.parametrize("skip", range(1, 9))
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_a_range_that_was_fetched_ahead_is_overcome(
    fault: str, skip: int, uri: str, s3: S3Settings, proxy: FaultProxy
) -> None:
    met: list[str | None] = []

    def noted(handler: Any, request: Request) -> None:
        met.append(request.headers["Range"])
        FAULTS[fault](handler, request)

    proxy.on("get", noted, skip=skip)
    with airscoop.open(uri, "rb", s3=s3) as file:
        read_footer(file)
        for group in range(GROUPS):
            read_chunk(file, group, 4)  # compares
    assert len(met) == 1


def replace(store: Store) -> Callable[[Any, Request], None]:
    def replaced(handler: Any, request: Request) -> None:
        store.put("t.parquet", noise(len(DATA), seed=2))
        code, headers, body = handler.forward(request)
        handler.answer(code, body, headers)

    return replaced


REFUSALS: dict[str, tuple[Any, type[Exception]]] = {
    "another version": (replace, errors.SourceChanged),
    "a short answer": (lambda _: shorten_answer, errors.Truncated),
    "403": (lambda _: error("AccessDenied", 403), errors.AccessDenied),
}


@pytest.mark.parametrize("skip", range(2, 8))
@pytest.mark.parametrize("refusal", REFUSALS)
def test_what_refuses_a_range_is_told_by_the_read_of_it_and_by_no_other(
    refusal: str, skip: int, store: Store, uri: str, s3: S3Settings, proxy: FaultProxy
) -> None:
    make, kind = REFUSALS[refusal]
    fault, met, read = make(store), list[str](), 0

    def noted(handler: Any, request: Request) -> None:
        met.append(request.headers["Range"] or "")
        fault(handler, request)

    proxy.on("get", noted, skip=skip)
    with airscoop.open(uri, "rb", s3=s3) as file:
        read_footer(file)
        with pytest.raises(kind):
            for group in range(GROUPS):
                read_chunk(file, group, 4)
                read += 1
    assert refusal == "another version" or met[0].startswith(f"bytes={chunk(read, 4)[0]}-")


def test_a_refused_range_that_nobody_reads_is_not_told(
    uri: str, s3: S3Settings, proxy: FaultProxy
) -> None:
    proxy.on("get", error("AccessDenied", 403), skip=4, times=100)
    with airscoop.open(uri, "rb", s3=s3) as file:
        read_footer(file)
        read_chunk(file, 0, 4)
        read_chunk(file, 1, 4)
        assert eventually(lambda: len(ranges(proxy)) > 3)


def test_threads_may_read_one_file(uri: str, store: Store) -> None:
    lock = threading.Lock()
    wrong: list[BaseException] = []
    with airscoop.open(uri, "rb", s3=store.settings()) as file:
        read_footer(file)

        def read(column: int) -> None:
            try:
                for group in range(GROUPS):
                    with lock:
                        read_chunk(file, group, column)
            except BaseException as failure:
                wrong.append(failure)

        threads = [threading.Thread(target=read, args=(column,)) for column in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


READ_CHUNKS = """
import resource, sys
import airscoop
from pyarrow import parquet

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

with airscoop.open(sys.argv[1], "rb") as file:
    metadata = parquet.ParquetFile(file).metadata
    before = peak()
    for group in range(metadata.num_row_groups):
        for column in (0, 1):
            chunk = metadata.row_group(group).column(column)
            file.seek(chunk.data_page_offset)
            assert len(file.read(chunk.total_compressed_size)) == chunk.total_compressed_size
print(peak() - before)
"""


def test_what_is_fetched_ahead_takes_bounded_memory(store: Store) -> None:
    table = pyarrow.table({name: [noise(2 * MIB, seed=n) for n in range(24)] for name in "ab"})
    buffer = io.BytesIO()
    parquet.write_table(
        table, buffer, row_group_size=1, use_dictionary=False, compression="none",
        write_statistics=False,
    )  # fmt: skip
    reading = store.python(READ_CHUNKS, store.put("large.parquet", buffer.getvalue()))
    output, problems = reading.communicate(timeout=120)
    assert reading.returncode == 0, problems
    assert int(output) < 26 * 1024  # KiB, with the chunk that is read


@pytest.mark.parametrize(
    "tail",
    [b"PAR1", b"\0\0\0\0PAR1", b"\xff\xff\xff\xffPAR1", b"\x10\0\0\0PAR1", b"\x10\0\0\0PARE"],
)
def test_what_only_ends_like_a_parquet_file_is_read_as_any_other(tail: bytes, store: Store) -> None:
    data = noise(300_000) + tail
    with airscoop.open(store.put("odd", data), "rb", s3=store.settings()) as file:
        for place in (200_000, 0, 100_000, 250_000):
            file.seek(place)
            assert file.read() == data[place:]
            file.seek(place)
            assert file.read(1000) == data[place : place + 1000]
