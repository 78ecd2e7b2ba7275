"""airscoop.open on S3 and the web: whole objects or none, whole reads or errors."""

from __future__ import annotations

import csv
import gc
import gzip
import io
import json
import pickle
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Generator
from typing import Any

import pytest

import airscoop
from airscoop import errors
from support.fault_server import (
    Origin,
    chunked,
    error,
    fault_proxy,
    plain,
    until_close,
    with_length,
)
from support.s3 import MIB, PART_BYTES, READER, Store, gzipped, json_lines, noise
from support.waiting import eventually

DATA = noise(2 * PART_BYTES + MIB)
LINES = json_lines(5000)
DROPPED = "dropped without close"


class Stop(Exception):
    """Raised by the tests."""


# --- whole ---


@pytest.mark.parametrize("size", [0, 1, PART_BYTES, len(DATA)])
@pytest.mark.parametrize("name", ["a", "a.gz"])
def test_what_is_written_is_what_is_read(name: str, size: int, store: Store) -> None:
    with airscoop.open(store.uri(name), "wb", s3=store.settings()) as writer:
        for start in range(0, size, 100_000):
            writer.write(DATA[start : min(start + 100_000, size)])
        assert store.names() == []
    stored = store.get(name)
    assert (gzip.decompress(stored) if name == "a.gz" else stored) == DATA[:size]
    with airscoop.open(store.uri(name), "rb", s3=store.settings()) as reader:
        assert reader.read() == DATA[:size]
    with airscoop.open(store.uri(name), "rb", compression="keep", s3=store.settings()) as raw:
        assert raw.read() == stored
    assert store.uploads() == []


def test_the_receipt_tells_what_is_in_the_store(store: Store) -> None:
    with airscoop.open(store.uri("a"), "wb", s3=store.settings()) as file:
        file.write(DATA)
    assert file.receipt is not None
    assert file.receipt.destination == store.uri("a")
    assert file.receipt.etag == store.head("a")["ETag"]
    assert file.receipt.destination_bytes == len(DATA)
    assert file.receipt.parts == 3


def test_lines_csv_json_and_pickle_go_to_the_store_and_back(store: Store) -> None:
    s3 = store.settings()
    table = [[str(n), f"é,{n}"] for n in range(20_000)]
    with airscoop.open(store.uri("t.csv.gz"), "w", newline="", s3=s3) as text:
        csv.writer(text).writerows(table)
    with airscoop.open(store.uri("t.csv.gz"), newline="", s3=s3) as text:
        assert list(csv.reader(text)) == table
    store.put("lines.gz", gzipped(LINES))
    with airscoop.open(store.uri("lines.gz"), s3=s3) as lines:
        assert [json.loads(line)["n"] for line in lines] == list(range(5000))
    with airscoop.open(store.uri("p"), "wb", s3=s3) as file:
        pickle.dump(table, file)
    with airscoop.open(store.uri("p"), "rb", s3=s3) as source:
        assert pickle.load(source) == table


def test_an_object_is_copied_over_itself(store: Store) -> None:
    s3 = store.settings()
    store.put("a", LINES)
    with (
        airscoop.open(store.uri("a"), "rb", s3=s3) as reader,
        airscoop.open(store.uri("a"), "wb", s3=s3) as writer,
    ):
        for line in reader:
            writer.write(line[::-1])
    assert store.get("a") == b"".join(line[::-1] for line in LINES.splitlines(keepends=True))


def test_settings_are_found_in_the_environment(store: Store) -> None:
    program = """
import airscoop, shutil, sys
with airscoop.open(sys.argv[1], "w") as file:
    print("from the environment", file=file)
with airscoop.open(sys.argv[1]) as file:
    shutil.copyfileobj(file, sys.stdout)
"""
    with store.python(program, store.uri("a")) as process:
        printed, complaint = process.communicate()
    assert (printed, complaint) == ("from the environment\n", "")


# --- or none ---


def half_written(store: Store, mode: str) -> Any:
    """A file with a multipart upload behind it."""
    file = airscoop.open(store.uri("a"), mode, s3=store.settings())
    file.write(DATA if mode == "wb" else DATA.decode("latin-1"))
    assert store.uploads() == [store.key("a")]
    return file


@pytest.mark.parametrize("mode", ["w", "wb"])
def test_a_large_write_that_is_dropped_leaves_neither_object_nor_upload(
    mode: str, store: Store
) -> None:
    file = half_written(store, mode)
    with pytest.warns(RuntimeWarning, match=DROPPED):
        del file
    store.assert_untouched()


@pytest.mark.parametrize("mode", ["w", "wb"])
def test_a_large_write_in_a_reference_cycle_leaves_neither_object_nor_upload(
    mode: str, store: Store
) -> None:
    file = half_written(store, mode)
    file.itself = file
    with pytest.warns(RuntimeWarning, match=DROPPED):
        del file
        gc.collect()
    store.assert_untouched()


def test_a_large_write_that_a_wrapper_drops_leaves_neither_object_nor_upload(
    store: Store,
) -> None:
    wrapper = io.TextIOWrapper(half_written(store, "wb"), encoding="utf-8")
    wrapper.write("pending")
    with pytest.warns(RuntimeWarning, match=DROPPED):
        del wrapper
    store.assert_untouched()


@pytest.mark.parametrize("mode", ["w", "wb"])
@pytest.mark.parametrize("stop", [Stop, KeyboardInterrupt, SystemExit])
def test_a_large_write_that_an_exception_ends_leaves_neither_object_nor_upload(
    stop: type[BaseException], mode: str, store: Store
) -> None:
    with pytest.raises(stop), half_written(store, mode):
        raise stop
    store.assert_untouched()


def test_a_large_write_that_is_aborted_leaves_neither_object_nor_upload(store: Store) -> None:
    with half_written(store, "w") as file:
        file.abort()
    assert file.receipt is None
    store.assert_untouched()


def test_a_generator_that_is_left_in_the_middle_leaves_neither_object_nor_upload(
    store: Store,
) -> None:
    def written() -> Generator[None, None, None]:
        with half_written(store, "wb"):
            yield

    walk = written()
    next(walk)
    walk.close()
    store.assert_untouched()


EXITS = {
    "the end": "",
    "sys.exit": "sys.exit(3)",
    "sys.exit in the block": "with file:\n    sys.exit(3)",
    "an exception": "1 / 0",
    "a reference cycle": "file.itself = file; del file",
}


@pytest.mark.parametrize("mode", ["w", "wb"])
@pytest.mark.parametrize("way", EXITS)
def test_an_interpreter_that_exits_leaves_neither_object_nor_upload(
    way: str, mode: str, store: Store
) -> None:
    program = f"""
import airscoop, sys
file = airscoop.open(sys.argv[1], {mode!r})
file.write({"'#'" if mode == "w" else "b'#'"} * {len(DATA)})
print("written", flush=True)
sys.stdin.readline()
{EXITS[way]}
"""
    with store.python(program, store.uri("a"), stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        assert store.uploads() == [store.key("a")]
        process.communicate("go\n")
    store.assert_untouched()


def test_a_write_that_was_refused_and_caught_fails_the_close(store: Store) -> None:
    with fault_proxy(store.endpoint) as proxy:
        proxy.on("part", error("AccessDenied", 403))
        settings = store.settings(endpoint_url=proxy.url)
        file = airscoop.open(store.uri("a"), "wb", s3=settings)
        with pytest.raises(errors.AccessDenied):
            for _ in range(10):
                file.write(DATA)
        with pytest.raises(errors.AccessDenied):
            file.write(b"more")
        with pytest.raises(errors.AccessDenied):
            file.close()
    assert file.receipt is None
    store.assert_untouched()


def test_a_close_that_is_refused_leaves_nothing(store: Store) -> None:
    settings = store.settings(credentials=READER)
    for data in (b"small", DATA):
        with (
            pytest.raises(errors.AccessDenied),
            airscoop.open(store.uri("a"), "wb", s3=settings) as file,
        ):
            file.write(data)
        assert file.closed
        assert file.receipt is None
    store.assert_untouched()


def test_what_cannot_be_there_fails_when_it_is_opened(store: Store) -> None:
    with pytest.raises(errors.NotFound, match="nothing"):
        airscoop.open(store.uri("nothing"), s3=store.settings())
    with pytest.raises(errors.UsageError, match="names no object"):
        airscoop.open(store.uri("folder/"), "w", s3=store.settings())
    with pytest.raises(errors.UsageError, match="names no object"):
        airscoop.open("s3://bucket", "rb", s3=store.settings())


# --- reading the web ---


def test_the_web_is_read_and_its_secrets_are_not_in_the_name(web: Origin) -> None:
    url = web.serve("/lines.gz", with_length(gzipped(LINES))) + "?signature=secret"
    with airscoop.open(url) as file:
        assert "secret" not in str(file.name) + repr(file)
        assert file.read() == LINES.decode()


@pytest.mark.parametrize("kind", ["length", "chunks"])
def test_a_body_that_is_cut_off_raises_in_every_way_to_read(kind: str, web: Origin) -> None:
    cut = (
        with_length(LINES[:-100], said=len(LINES))
        if kind == "length"
        else chunked(LINES, cut_at=len(LINES) - 100)
    )
    url = web.serve("/data", *[cut] * 10)
    for read in (
        lambda file: file.read(),
        lambda file: list(file),
        lambda file: shutil.copyfileobj(file, io.BytesIO()),
    ):
        with airscoop.open(url, "rb") as file:
            for _ in range(2):
                with pytest.raises(errors.Truncated):
                    read(file)


def test_a_body_of_unknown_length_is_read_only_when_it_proves_its_end(web: Origin) -> None:
    url = web.serve("/data", *[until_close(gzipped(LINES))] * 10)
    with pytest.raises(errors.LengthUnknown):
        airscoop.open(url, "rb").read()
    with airscoop.open(url, "rb", allow_unknown_length=True) as file:
        assert file.read() == LINES
    with pytest.raises(errors.LengthUnknown):
        airscoop.open(url, "rb", allow_unknown_length=True, compression="keep").read()


@pytest.mark.parametrize("way", ["close", "with", "del"])
def test_a_reader_that_is_left_early_drops_the_connection(way: str, web: Origin) -> None:
    dropped = threading.Event()

    def send(connection: socket.socket, head: str) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        try:
            while True:
                connection.sendall(LINES)
        except OSError:
            dropped.set()

    file = airscoop.open(web.serve("/data", send))
    assert file.readline() == LINES.decode().splitlines(keepends=True)[0]
    assert not dropped.is_set()
    if way == "close":
        file.close()
    elif way == "with":
        with file:
            pass
    else:
        del file
    assert dropped.wait(30)


@pytest.mark.parametrize("mode", ["r", "rb"])
def test_a_read_that_was_interrupted_is_never_continued_with_a_hole(mode: str, web: Origin) -> None:
    done = threading.Event()

    def send(connection: socket.socket, head: str) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (2 * len(LINES)))
        connection.sendall(LINES)
        done.wait(60)
        connection.sendall(LINES)

    def interrupt(number: int, frame: object) -> None:
        raise Stop

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with airscoop.open(web.serve("/data", send), mode) as file:
            signal.setitimer(signal.ITIMER_REAL, 0.5)
            with pytest.raises(Stop):
                file.read()
            done.set()
            for _ in range(2):
                with pytest.raises(errors.Cancelled, match="an earlier read was interrupted"):
                    file.read()
    finally:
        done.set()
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_the_memory_of_a_reader_does_not_grow_with_the_object(store: Store) -> None:
    program = """
import airscoop, re, sys
def peak():  # not ru_maxrss, which begins with that of the process that started this one
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read()).group(1)) // 1024
size, before = 0, None
with airscoop.open(sys.argv[1], "rb") as file:
    for block in iter(lambda: file.read(65536), b""):
        before = before or peak()
        size += len(block)
print(size, peak() - before)
"""
    text = b"line of text\n" * (4 * MIB)
    store.put("a.gz", gzipped(text, level=1))
    with store.python(program, store.uri("a.gz")) as process:
        printed, complaint = process.communicate()
    assert complaint == ""
    size, grown = map(int, printed.split())
    assert size == len(text)
    assert grown < 16


def test_an_object_that_is_read_slowly_is_read_whole(store: Store) -> None:
    store.put("a", DATA)
    with airscoop.open(store.uri("a"), "rb", s3=store.settings()) as file:
        assert file.read(10) == DATA[:10]
        assert not eventually(lambda: file.closed, seconds=3)
        assert file.read() == DATA[10:]


def test_a_server_that_fails_in_the_answer_to_a_read_is_an_error(store: Store) -> None:
    store.put("a", LINES)
    with fault_proxy(store.endpoint) as proxy:
        proxy.on("get", plain(403))
        with pytest.raises(errors.AccessDenied):
            airscoop.open(store.uri("a"), s3=store.settings(endpoint_url=proxy.url))


# --- tables ---


@pytest.mark.parametrize("name", ["t.csv", "t.csv.gz"])
def test_pandas_and_pyarrow_read_and_write_objects(name: str, store: Store) -> None:
    import pandas
    import pyarrow
    from pyarrow import csv as arrow_csv
    from pyarrow import parquet

    table = pandas.DataFrame({"n": range(50_000), "text": [f"é {n}" for n in range(50_000)]})
    s3 = store.settings()
    with airscoop.open(store.uri(name), "w", s3=s3) as file:
        table.to_csv(file, index=False)
    for mode in ("r", "rb"):
        with airscoop.open(store.uri(name), mode, s3=s3) as source:
            assert pandas.read_csv(source).equals(table)
    with airscoop.open(store.uri(name), "rb", s3=s3) as source:
        assert arrow_csv.read_csv(source).to_pandas().equals(table)
    with airscoop.open(store.uri("t.parquet"), "wb", s3=s3) as writer:
        parquet.write_table(pyarrow.Table.from_pandas(table), writer)
    written = pyarrow.BufferReader(store.get("t.parquet"))
    assert parquet.read_table(written).to_pandas().equals(table)
    with airscoop.open(store.uri("t.parquet"), "rb", s3=s3) as source:
        assert parquet.read_table(source).to_pandas().equals(table)
