"""Outputs in several files: cut at line ends, whole or not there, and again the same."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop.errors import AirscoopError, BadRecord, UsageError
from support.fault_server import error, fault_proxy
from support.s3 import Store, gzipped
from support.split import SPLIT, copied, rows


@pytest.fixture(scope="module")
def text() -> bytes:
    return rows(22_000)  # 23 MB, 12 MB as gzip data


def files(store: Store, pattern: str = "out-") -> list[str]:
    return [name for name in store.names() if name.startswith(pattern)]


@pytest.mark.parametrize("format", ["raw", "jsonl"])
def test_each_file_is_gzip_data_of_its_own_that_ends_with_a_record(
    store: Store, text: bytes, format: str
) -> None:
    source = store.put("in.json.gz", gzipped(text, level=1))
    receipt = copied(store, source, store.uri("out.json.gz"), format=format, compression="gzip")
    names = files(store)
    found = [gzip.decompress(store.get(name)) for name in names]
    assert names == [f"out-{number:05}.json.gz" for number in range(len(names))]
    assert len(names) == 3
    assert b"".join(found) == text
    assert all(part.endswith(b"\n") for part in found)
    assert [one.name for one in receipt.files] == [store.uri(name) for name in names]
    assert [one.lines for one in receipt.files] == [part.count(b"\n") for part in found]
    for one, name in zip(receipt.files, names, strict=True):
        facts = store.client.head_object(
            Bucket="transfers", Key=store.key(name), ChecksumMode="ENABLED"
        )
        assert (one.bytes, one.etag) == (facts["ContentLength"], facts["ETag"])
        assert one.checksum == f"CRC32C:{facts['ChecksumCRC32C']}"
    sizes = [one.bytes for one in receipt.files]
    assert all(SPLIT <= size < 2 * SPLIT for size in sizes[:-1])
    assert receipt.destination_bytes == sum(sizes)
    assert receipt.records_out == (22_000 if format == "jsonl" else 0)
    assert store.uploads() == []


def test_again_gives_the_same_and_removes_what_is_too_much(store: Store, text: bytes) -> None:
    more = store.put("more.json", text + rows(11_000, seed=2))
    source = store.put("in.json", text)
    store.put("out-00007.csv.gz", b"another's")
    store.put("outer-00007.json.gz", b"another's")
    many = copied(store, more, store.uri("out.json.gz"))
    assert len(many.files) == 4 and many.removed == []
    first = copied(store, source, store.uri("out.json.gz"))
    expected = [f"out-{number:05}.json.gz" for number in range(3)]
    assert first.removed == [store.uri("out-00003.json.gz")]
    assert files(store, "out") == [*expected, "out-00007.csv.gz", "outer-00007.json.gz"]
    again = copied(store, source, store.uri("out.json.gz"))
    assert [one.etag for one in again.files] == [one.etag for one in first.files]
    assert again.removed == []
    store.put("small.json", b"{}\n")
    small = copied(store, store.uri("small.json"), store.uri("out.json.gz"))
    assert len(small.files) == 1
    assert small.removed == [store.uri(name) for name in reversed(expected[1:])]
    assert files(store) == ["out-00000.json.gz", "out-00007.csv.gz"]


def test_files_on_disk_are_split_too(store: Store, text: bytes, tmp_path: Path) -> None:
    (tmp_path / "in.json").write_bytes(text + rows(8_000, seed=2))
    assert len(copied(store, str(tmp_path / "in.json"), str(tmp_path / "out.json")).files) == 6
    (tmp_path / "in.json").write_bytes(text)
    receipt = copied(store, str(tmp_path / "in.json"), str(tmp_path / "out.json"))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["in.json", *(f"out-{number:05}.json" for number in range(5))]
    assert b"".join((tmp_path / name).read_bytes() for name in names[1:]) == text
    assert len(receipt.files) == 5
    assert receipt.removed == [str(tmp_path / "out-00005.json")]


def test_an_empty_source_gives_one_empty_file(store: Store) -> None:
    receipt = copied(store, store.put("in.json", b""), store.uri("out.json"))
    assert files(store) == ["out-00000.json"]
    assert [(one.bytes, one.lines) for one in receipt.files] == [(0, 0)]


def test_a_bad_record_at_the_end_leaves_no_file_at_all(store: Store, text: bytes) -> None:
    source = store.put("in.json", text + b"{bad\n")
    store.put("out-00000.json.gz", b"of an earlier run")
    with pytest.raises(BadRecord):
        copied(store, source, store.uri("out.json.gz"), format="jsonl")
    assert files(store) == ["out-00000.json.gz"]
    assert store.get("out-00000.json.gz") == b"of an earlier run"
    assert store.uploads() == []


def test_nothing_is_completed_before_everything_is_sent(store: Store, text: bytes) -> None:
    source = store.put("in.json", text)
    with fault_proxy(store.endpoint) as proxy:
        copied(
            store,
            source,
            store.uri("out.json"),
            destination_s3=store.settings(endpoint_url=proxy.url),
        )
        kinds = [kind for kind in proxy.kinds() if kind in ("part", "complete")]
        names = [request.path for request in proxy.requests("complete")]
    assert "part" not in kinds[kinds.index("complete") :]
    assert names == sorted(names) and len(names) == 5


def test_a_commit_that_fails_in_the_middle_names_what_is_there(store: Store, text: bytes) -> None:
    source = store.put("in.json", text)
    with fault_proxy(store.endpoint) as proxy:

        def fail_third(handler: Any, request: Any) -> None:
            if "out-00002" in request.path:
                error("AccessDenied", 403)(handler, request)
            else:
                code, headers, body = handler.forward(request)
                handler.answer(code, body, headers)

        proxy.on("complete", fail_third, times=100)
        with pytest.raises(AirscoopError, match=r"5 files these are committed: .*out-00000") as it:
            copied(
                store,
                source,
                store.uri("out.json"),
                destination_s3=store.settings(endpoint_url=proxy.url),
            )
    assert it.value.code == "ACCESS_DENIED"
    assert files(store) == ["out-00000.json", "out-00001.json"]
    assert store.uploads() == []
    assert len(copied(store, source, store.uri("out.json")).files) == 5


def test_an_opened_file_is_split_and_an_exception_leaves_none(store: Store, text: bytes) -> None:
    name = store.uri("out.json.gz")
    with (
        pytest.raises(KeyError),
        airscoop.open(name, "wb", s3=store.settings(), split_bytes=SPLIT) as file,
    ):
        file.write(text)
        raise KeyError
    store.assert_untouched()
    with airscoop.open(name, "w", s3=store.settings(), split_bytes=SPLIT) as lines:
        for line in text.decode().splitlines(keepends=True):
            lines.write(line)
    assert lines.receipt is not None and len(lines.receipt.files) == 3
    other = copied(store, store.put("in.json.gz", gzipped(text)), name, format="jsonl")
    assert [one.checksum for one in other.files] == [one.checksum for one in lines.receipt.files]
    assert b"".join(gzip.decompress(store.get(one)) for one in files(store)) == text


def test_what_cannot_be_split_is_refused(store: Store) -> None:
    source = store.put("in.json", b"{}\n")
    for destination, options in (
        ("-", {}),
        (store.uri("out.json"), {"split_bytes": 1}),
        (store.uri("out.json"), {"overwrite": False}),
        (store.uri("out.json"), {"format": "jsonl", "max_rejected": 1}),
    ):
        with pytest.raises(UsageError):
            copied(store, source, destination, **options)
    assert store.names() == ["in.json"]


def test_the_memory_does_not_grow_with_the_number_of_files(store: Store) -> None:
    program = """
import re, sys
import airscoop
from airscoop._native import Transfer
line = b"x" * 1023 + b"\\n"
with airscoop.open("/dev/null", "rb") as file: file.read()
def peak():  # not ru_maxrss, which begins with that of the process that started this one
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read()).group(1))
import botocore.session
with airscoop.open(sys.argv[1] + "-warm", "wb") as file: file.write(line)
before = peak()
with airscoop.open(sys.argv[1], "wb", split_bytes=5 * 2**20) as file:
    for _ in range(120 * 1024): file.write(line)
print(len(file.receipt.files), (peak() - before) // 1024)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program, store.uri("out.bin")],
        env=store.environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    count, grown = map(int, process.communicate()[0].split())
    assert count >= 20
    assert grown < 64
