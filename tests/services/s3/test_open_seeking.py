"""airscoop.open of an S3 object, read here and there: what is fetched, proven, and refused."""

from __future__ import annotations

import io
import os
import random
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import airscoop
from airscoop import S3Settings, errors
from support.fault_server import (
    FaultProxy,
    Request,
    cut_answer,
    error,
    shorten_answer,
    without_etag,
)
from support.s3 import MIB, Store, gzipped, noise
from support.waiting import eventually

DATA = noise(3 * MIB + 12_345)
LOOK_BYTES = 16 * 1024


@pytest.fixture
def uri(store: Store) -> str:
    return store.put("data", DATA)


@pytest.fixture
def s3(store: Store, proxy: FaultProxy) -> S3Settings:
    """By way of the proxy, which counts."""
    return store.settings(endpoint_url=proxy.url)


def ranges(proxy: FaultProxy) -> list[tuple[int, int] | None]:
    """What the requests for the object asked for, in order; None: all."""
    found: list[tuple[int, int] | None] = []
    for request in proxy.requests("get"):
        first, _, last = (request.headers["Range"] or "").removeprefix("bytes=").partition("-")
        found.append((int(first), int(last)) if last else None)
    return found


def fetched(proxy: FaultProxy) -> int:
    asked = ranges(proxy)
    return sum(one[1] - one[0] + 1 if one else len(DATA) for one in asked)


# --- from any place ---


def test_a_reader_of_an_object_goes_anywhere(uri: str, store: Store) -> None:
    with airscoop.open(uri, "rb", s3=store.settings()) as file, io.BytesIO(DATA) as model:
        assert file.seekable()
        assert file.size == len(DATA)
        chance = random.Random(7)
        for _ in range(200):
            place = chance.randrange(len(DATA) + 1000)
            whence = chance.choice([os.SEEK_SET, os.SEEK_CUR, os.SEEK_END])
            offset = place - {0: 0, 1: model.tell(), 2: len(DATA)}[whence]
            assert file.seek(offset, whence) == model.seek(offset, whence)
            length = chance.choice([0, 1, 30, 4_096, 70_000, 1_500_000])
            assert file.read(length) == model.read(length)
            assert file.tell() == model.tell()


def test_every_way_to_read_goes_on_from_where_was_sought(uri: str, store: Store) -> None:
    with airscoop.open(uri, "rb", s3=store.settings()) as file, io.BytesIO(DATA) as model:

        def filled(reader: Any) -> bytes:
            buffer = bytearray(300_000)
            return bytes(buffer[: reader.readinto(buffer)])

        ways: list[Any] = [
            filled,
            lambda reader: reader.readline(),
            lambda reader: reader.readlines(500_000),
            lambda reader: next(reader),
            lambda reader: reader.read(),
            lambda reader: reader.read(-1),
            lambda reader: reader.read(None),
        ]
        for place in (len(DATA) - 700_000, 1_000_001, 5, len(DATA) - 3):
            for way in ways:
                assert file.seek(place) == model.seek(place)
                assert way(file) == way(model)
                assert file.tell() == model.tell()
            file.seek(place)
            assert file.peek(1)[:1] == DATA[place : place + 1]
            assert file.read1(1) == DATA[place : place + 1]


def test_beyond_the_end_there_is_nothing(uri: str, s3: S3Settings, proxy: FaultProxy) -> None:
    with airscoop.open(uri, "rb", s3=s3) as file:
        for place in (len(DATA), len(DATA) + 1, 10**18):
            assert file.seek(place) == place
            assert (file.read(), file.read(5), file.readline(), file.tell()) == (b"",) * 3 + (
                place,
            )
        assert ranges(proxy) == [(0, LOOK_BYTES - 1)]
        file.seek(-5, os.SEEK_END)
        assert file.read() == DATA[-5:]


def test_an_empty_object_is_read_and_sought_in(store: Store) -> None:
    uri = store.put("empty", b"")
    with airscoop.open(uri, "rb", s3=store.settings()) as file:
        assert (file.size, file.seekable(), file.read()) == (0, True, b"")
        assert file.seek(0, os.SEEK_END) == 0
        assert file.seek(7) == 7
        assert file.read(3) == b""


@pytest.mark.parametrize("size", [1, LOOK_BYTES - 1, LOOK_BYTES, LOOK_BYTES + 1])
def test_an_object_about_as_long_as_the_look_is_whole(size: int, store: Store) -> None:
    uri = store.put("small", DATA[:size])
    with airscoop.open(uri, "rb", s3=store.settings()) as file:
        assert file.size == size
        assert file.read() == DATA[:size]
        assert file.seek(-1, os.SEEK_END) == size - 1
        assert file.read() == DATA[size - 1 : size]


# --- what is fetched ---


def test_only_what_is_read_is_fetched_over_one_connection(
    uri: str, s3: S3Settings, proxy: FaultProxy
) -> None:
    places = [(2_000_000, 500_000), (100_000, 70_000), (3_000_000, 100), (1_000_000, 1)]
    with airscoop.open(uri, "rb", s3=s3) as file:
        for place, length in places:
            file.seek(place)
            assert file.read(length) == DATA[place : place + length]
    assert fetched(proxy) <= sum(length for _, length in places) + 3 * LOOK_BYTES
    first, *others = proxy.requests("get")
    assert first.headers["If-Match"] is None
    etags = {other.headers["If-Match"] for other in others}
    assert len(etags) == 1
    assert None not in etags
    assert proxy.server.accepted == 1


def test_a_large_read_is_fetched_in_pieces_side_by_side(
    uri: str, s3: S3Settings, proxy: FaultProxy
) -> None:
    with airscoop.open(uri, "rb", s3=s3) as file:
        file.seek(1_000_000)
        assert file.read(2_000_001) == DATA[1_000_000:3_000_001]
    asked = [one for one in ranges(proxy)[1:] if one is not None]
    assert sorted(asked) == [
        (first, min(first + 500_000, 3_000_000)) for first in range(1_000_000, 3_000_000, 500_001)
    ]
    assert proxy.server.accepted == 4


@pytest.mark.parametrize("skip", range(1, 5))
def test_a_piece_whose_connection_breaks_is_taken_up_again(
    skip: int, uri: str, s3: S3Settings, proxy: FaultProxy
) -> None:
    proxy.on("get", cut_answer, skip=skip)
    with airscoop.open(uri, "rb", s3=s3) as file:
        file.seek(1_000_000)
        assert file.read(2_000_000) == DATA[1_000_000:3_000_000]
        assert file.tell() == 3_000_000


def test_a_piece_of_another_version_is_told(
    store: Store, s3: S3Settings, proxy: FaultProxy
) -> None:
    uri = store.put("data", DATA)

    def replaced(handler: Any, request: Request) -> None:
        store.put("data", noise(len(DATA), seed=2))
        code, headers, body = handler.forward(request)
        handler.answer(code, body, headers)

    proxy.on("get", replaced, skip=3)
    with airscoop.open(uri, "rb", s3=s3) as file:
        file.seek(1_000_000)
        with pytest.raises(errors.SourceChanged):
            file.read(2_000_000)


def test_going_on_in_order_fetches_ever_more_at_once(
    uri: str, s3: S3Settings, proxy: FaultProxy
) -> None:
    with airscoop.open(uri, "rb", s3=s3) as file:
        file.seek(100_000)
        assert b"".join(iter(lambda: file.read(10_000), b"")) == DATA[100_000:]
    lengths = [last - first + 1 for first, last in filter(None, ranges(proxy)[1:])]
    assert len(lengths) < 15
    assert lengths[:-1] == sorted(lengths[:-1])
    assert fetched(proxy) <= len(DATA) + LOOK_BYTES


def test_what_was_read_lately_is_not_fetched_again(
    uri: str, s3: S3Settings, proxy: FaultProxy
) -> None:
    with airscoop.open(uri, "rb", s3=s3) as file:
        for _ in range(5):
            for place in (0, 2_000_000, len(DATA) - 22):
                file.seek(place)
                assert file.read(20) == DATA[place : place + 20]
    assert len(ranges(proxy)) == 3


def test_who_asks_for_the_size_and_reads_in_order_reads_one_stream(
    uri: str, s3: S3Settings, proxy: FaultProxy
) -> None:
    with airscoop.open(uri, "rb", s3=s3) as file:
        file.seek(0, os.SEEK_END)
        assert file.tell() == len(DATA)
        file.seek(0)
        assert file.read() == DATA
    assert ranges(proxy) == [(0, LOOK_BYTES - 1), None]
    assert proxy.server.accepted == 1


def test_two_columns_of_twenty_cost_what_pyarrow_asks_for(
    store: Store, s3: S3Settings, proxy: FaultProxy
) -> None:
    import pyarrow
    from pyarrow import parquet

    class Asked(io.BytesIO):
        total = 0

        def read(self, size: int | None = -1, /) -> bytes:
            data = super().read(size)
            Asked.total += len(data)
            return data

    chance = random.Random(3)
    table = pyarrow.table({f"c{n}": [chance.random() for _ in range(40_000)] for n in range(20)})
    buffer = io.BytesIO()
    parquet.write_table(table, buffer, row_group_size=10_000)
    columns = ["c3", "c17"]
    wanted = parquet.read_table(Asked(buffer.getvalue()), columns=columns)
    with airscoop.open(store.put("t.parquet", buffer.getvalue()), "rb", s3=s3) as file:
        assert parquet.read_table(file, columns=columns).equals(wanted)
    assert fetched(proxy) <= 1.1 * Asked.total
    assert proxy.server.accepted <= 9  # of which eight are for what comes next


READ_ON = """
import resource, sys
import airscoop

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

with airscoop.open(sys.argv[1], "rb") as file:
    file.seek(1)
    total = len(file.read(1000))
    before = peak()
    while block := file.read(100_000):
        total += len(block)
    assert total == file.size - 1
print(peak() - before)
"""


def test_going_on_in_order_takes_bounded_memory(store: Store) -> None:
    reading = store.python(READ_ON, store.put("large", DATA * 24))
    output, problems = reading.communicate(timeout=120)
    assert reading.returncode == 0, problems
    assert int(output) < 8 * 1024  # KiB, of an object of 72 MiB


# --- who reads like that ---


def test_archives_arrays_tables_and_images_are_read_where_they_are(
    store: Store, s3: S3Settings, proxy: FaultProxy
) -> None:
    import tarfile
    import zipfile

    import numpy
    import pandas
    from PIL import Image

    members = {f"folder/{n}": noise(50_000, seed=n) for n in range(30)}
    zipped, tarred, array, table = io.BytesIO(), io.BytesIO(), io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive, tarfile.open(fileobj=tarred, mode="w") as tar:
        for name, data in members.items():
            archive.writestr(name, data)
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    numbers = numpy.arange(200_000).reshape(400, 500)
    numpy.save(array, numbers)
    frame = pandas.DataFrame({"n": range(5000), "text": [f"é {n}" for n in range(5000)]})
    frame.to_parquet(table)
    with airscoop.open(store.put("a.zip", zipped.getvalue()), "rb", s3=s3) as file:
        with zipfile.ZipFile(file) as found:
            assert found.read("folder/17") == members["folder/17"]
        assert fetched(proxy) < 150_000
        with zipfile.ZipFile(file) as found:
            assert found.testzip() is None
    with (
        airscoop.open(store.put("a.tar", tarred.getvalue()), "rb", s3=s3) as file,
        tarfile.open(fileobj=file) as unpacked,
    ):
        assert unpacked.getnames() == list(members)
        extracted = unpacked.extractfile("folder/29")
        assert extracted is not None
        assert extracted.read() == members["folder/29"]
    with airscoop.open(store.put("a.npy", array.getvalue()), "rb", s3=s3) as file:
        assert (numpy.load(file) == numbers).all()
    with airscoop.open(store.put("a.parquet", table.getvalue()), "rb", s3=s3) as file:
        assert pandas.read_parquet(file, columns=["text"]).equals(frame[["text"]])
    for form in ("png", "tiff"):  # a TIFF's directory stands at its end
        picture, image = io.BytesIO(), Image.frombytes("RGB", (300, 200), noise(180_000))
        image.save(picture, form)
        with airscoop.open(store.put(f"a.{form}", picture.getvalue()), "rb", s3=s3) as file:
            assert Image.open(file).tobytes() == image.tobytes()


def test_gzip_data_has_one_direction_whatever_its_name(store: Store) -> None:
    import zipfile

    for name in ("a.gz", "a.zip", "plain"):
        uri = store.put(name, gzipped(DATA))
        with airscoop.open(uri, "rb", s3=store.settings()) as file:
            assert not file.seekable()
            assert file.size is None
            with pytest.raises(errors.UsageError, match="since it is inflated") as caught:
                zipfile.ZipFile(file)
            assert not isinstance(caught.value, OSError)
            assert file.tell() == 0
            assert file.read() == DATA
        with airscoop.open(uri, "rb", s3=store.settings(), compression="keep") as file:
            file.seek(-8, os.SEEK_END)
            assert file.read() == gzipped(DATA)[-8:]


def test_text_goes_back_to_where_tell_was(store: Store) -> None:
    text = "".join(f"é {n}\n" for n in range(200_000))
    with airscoop.open(store.put("text", text.encode()), s3=store.settings()) as file:
        lines = [file.readline() for _ in range(100)]
        place = file.tell()
        rest = file.read()
        file.seek(place)
        assert file.read() == rest
        file.seek(0)
        assert file.readline() == lines[0]


# --- what is proven ---


@pytest.fixture(params=["another range", "the stream"])
def changed(request: pytest.FixtureRequest, uri: str, store: Store) -> Iterator[Any]:
    """A file whose object is replaced after the look, and what is asked of it."""
    with airscoop.open(uri, "rb", s3=store.settings()) as file:
        assert file.read(10) == DATA[:10]
        store.put("data", noise(len(DATA), seed=2))
        if request.param == "another range":
            file.seek(2_000_000)
        yield file


def test_an_object_that_changes_between_two_requests_is_told(changed: Any) -> None:
    for _ in range(2):
        with pytest.raises(errors.SourceChanged, match="data changed while it was read"):
            changed.read(2_000_000)


def test_a_range_without_the_etag_proves_nothing(
    uri: str, s3: S3Settings, proxy: FaultProxy
) -> None:
    proxy.on("get", without_etag, skip=1, times=100)
    with airscoop.open(uri, "rb", s3=s3) as file:
        file.seek(2_000_000)
        with pytest.raises(errors.Truncated, match="without the ETag"):
            file.read(5)


@pytest.mark.parametrize("times", [1, 100])
def test_a_connection_that_breaks_in_a_range_is_taken_up_again(
    times: int, uri: str, s3: S3Settings, proxy: FaultProxy
) -> None:
    proxy.on("get", cut_answer if times == 1 else shorten_answer, skip=1, times=times)
    with airscoop.open(uri, "rb", s3=s3) as file:
        file.seek(1_000_000)
        if times == 1:
            assert file.read(500_000) == DATA[1_000_000:1_500_000]
        else:
            with pytest.raises(errors.Truncated):
                file.read(500_000)


def test_the_checksum_of_the_whole_is_compared_when_all_is_read_in_order(
    store: Store, s3: S3Settings, proxy: FaultProxy
) -> None:
    airscoop_made = store.uri("checked")
    with airscoop.open(airscoop_made, "wb", s3=store.settings()) as writer:
        writer.write(DATA)

    def damaged(handler: Any, request: Request) -> None:
        code, headers, body = handler.forward(request)
        handler.answer(code, b"!" + body[1:], headers)

    proxy.on("get", damaged, times=100)
    with airscoop.open(airscoop_made, "rb", s3=s3) as file, pytest.raises(errors.CorruptData):
        file.read()
    with airscoop.open(airscoop_made, "rb", s3=s3) as file:
        file.seek(2_000_000)
        assert file.read(3) == b"!" + DATA[2_000_001:2_000_003]


@pytest.mark.parametrize("etag", ['W/"weak"', "bare"])
def test_an_object_without_a_strong_etag_has_one_direction(
    etag: str, uri: str, s3: S3Settings, proxy: FaultProxy
) -> None:
    def weakened(handler: Any, request: Request) -> None:
        code, headers, body = handler.forward(request)
        kept = {name: value for name, value in headers.items() if name.lower() != "etag"}
        handler.answer(code, body, kept | {"ETag": etag})

    proxy.on("get", weakened, times=100)
    with airscoop.open(uri, "rb", s3=s3) as file:
        assert not file.seekable()
        with pytest.raises(errors.UsageError, match="proves no ranges"):
            file.seek(5)
        assert file.read() == DATA


def test_a_server_without_ranges_is_read_in_order(
    uri: str, s3: S3Settings, proxy: FaultProxy
) -> None:
    def whole(handler: Any, request: Request) -> None:
        _, headers, _ = handler.forward(request)
        handler.answer(200, DATA, {n: v for n, v in headers.items() if n != "Content-Range"})

    proxy.on("get", whole, times=100)
    with airscoop.open(uri, "rb", s3=s3) as file:
        assert file.read() == DATA


# --- how it ends ---


def test_what_is_not_there_is_told_when_it_is_opened(store: Store) -> None:
    with pytest.raises(errors.NotFound):
        airscoop.open(store.uri("nothing"), "rb", s3=store.settings())


def test_a_refusal_of_a_range_is_told_and_stays(
    uri: str, s3: S3Settings, proxy: FaultProxy
) -> None:
    proxy.on("get", error("AccessDenied", 403), skip=1, times=100)
    with airscoop.open(uri, "rb", s3=s3) as file:
        file.seek(2_000_000)
        for _ in range(2):
            with pytest.raises(errors.AccessDenied):
                file.read(5)


class Stop(Exception):
    """Raised by the tests."""


def test_a_read_of_a_range_is_interrupted_by_a_signal(
    uri: str, s3: S3Settings, proxy: FaultProxy
) -> None:
    done = threading.Event()

    def silent(handler: Any, request: Request) -> None:
        done.wait(60)

    def interrupt(number: int, frame: object) -> None:
        raise Stop

    proxy.on("get", silent, skip=1, times=100)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with airscoop.open(uri, "rb", s3=s3) as file:
            file.seek(2_000_000)
            signal.setitimer(signal.ITIMER_REAL, 0.5)
            with pytest.raises(Stop):
                file.read(5)
            with pytest.raises(errors.Cancelled, match="an earlier read was interrupted"):
                file.read(5)
    finally:
        done.set()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("way", ["close", "with", "del"])
def test_a_file_that_is_left_drops_its_connection(
    way: str, uri: str, s3: S3Settings, proxy: FaultProxy
) -> None:
    file = airscoop.open(uri, "rb", s3=s3)
    file.seek(1_000_000)
    assert file.read(5) == DATA[1_000_000:1_000_005]
    assert not proxy.server.is_idle()
    if way == "close":
        file.close()
    elif way == "with":
        with file:
            pass
    else:
        del file
    assert eventually(proxy.server.is_idle)


def test_a_forked_child_leaves_the_file_to_its_parent(uri: str, store: Store) -> None:
    with airscoop.open(uri, "rb", s3=store.settings()) as file:
        file.seek(1_000_000)
        assert file.read(5) == DATA[1_000_000:1_000_005]
        child = os.fork()
        if child == 0:
            status = 1
            try:
                file.seek(2_000_000)
                file.read(5)
            except errors.UsageError:
                status = 0
            os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        file.seek(2_000_000)
        assert file.read(5) == DATA[2_000_000:2_000_005]


def test_other_threads_read_one_after_the_other(uri: str, store: Store) -> None:
    got: dict[int, bytes] = {}
    turn = threading.Lock()
    with airscoop.open(uri, "rb", s3=store.settings()) as file:

        def read(place: int) -> None:
            with turn:
                file.seek(place)
                got[place] = file.read(1000)

        threads = [threading.Thread(target=read, args=(n * 400_000,)) for n in range(7)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert got == {n * 400_000: DATA[n * 400_000 : n * 400_000 + 1000] for n in range(7)}
