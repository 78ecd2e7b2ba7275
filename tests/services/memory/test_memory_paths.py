"""Every path of a transfer in the memory of the rule, whatever the size; and nothing piles up where
one end is slow. `--memory-mib 2048` makes the sizes real ones: `./run test memory`."""

from __future__ import annotations

import json
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

import airscoop
from airscoop import S3Settings
from support.endless_server import Counting, Endless, counting, endless
from support.fault_server import FaultProxy
from support.memory import LIMIT_BYTES
from support.s3 import MIB, OWNER, Store, noise
from support.waiting import eventually

PROGRAM = """
import dataclasses
import json, re, sys
from pathlib import Path
import airscoop.transfer.copy, airscoop.transfer.options, airscoop.transfer.open
import botocore.session, botocore.client, botocore.config

def peak():
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", status).group(1)) * 1024

def copy(source, destination, options):
    if "from" in options:
        options["source_s3"] = airscoop.S3Settings(endpoint_url=options.pop("from"))
    return dataclasses.asdict(airscoop.copy(source, destination, **options))

def read(source, destination, options):
    total = 0
    with airscoop.open(source, "rb") as file:
        while block := file.read(1 << 20):
            total += len(block)
    return {"destination_bytes": total}

def write(source, destination, options):
    block = bytes(range(256)) * 4096
    with airscoop.open(destination, "wb") as file:
        for _ in range(options["count"]):
            file.write(block)
    return dataclasses.asdict(file.receipt)

verb, source, destination, options = sys.argv[1:]
before = peak()
facts = globals()[verb](source, destination, json.loads(options))
print(json.dumps({"over": peak() - before, **facts}))
"""


@pytest.fixture(scope="session")
def size(request: pytest.FixtureRequest) -> int:
    """How many bytes go through each path."""
    return int(request.config.getoption("--memory-mib")) * MIB


def lines(literal: bool) -> bytes:
    """8 MiB of records, each different, as compressible as text is."""
    word = noise(40_000, seed=3).hex()
    rows = bytearray()
    number = 0
    while len(rows) < 8 * MIB:
        at = (number * 997) % 79_000
        record = {"n": number, "text": word[at : at + 250], "ok": True}
        rows += (repr(record) if literal else json.dumps(record)).encode() + b"\n"
        number += 1
    return bytes(rows)


def packed(text: bytes) -> bytes:
    """One gzip member."""
    packer = zlib.compressobj(1, wbits=31)
    return packer.compress(text) + packer.flush()


def run(
    verb: str, source: str, destination: str, proxy: FaultProxy, **options: object
) -> dict[str, int]:
    """One transfer in a process of its own; its receipt, and what it took over the interpreter."""
    place = Store(proxy.url, "any", None)
    process = place.python(PROGRAM, verb, source, destination, json.dumps(options))
    printed, problems = process.communicate()
    assert process.returncode == 0, problems
    facts: dict[str, int] = json.loads(printed)
    print(f"{facts['over'] / MIB:.1f} MiB over the interpreter, {facts.get('seconds', 0):.1f} s")
    assert facts["over"] <= LIMIT_BYTES
    return facts


@pytest.fixture
def sink() -> Counting:
    return Counting()


@pytest.fixture
def s3(sink: Counting) -> Iterator[FaultProxy]:
    with counting(sink) as proxy:
        yield proxy


def test_raw_bytes_from_http_to_s3(size: int, sink: Counting, s3: FaultProxy) -> None:
    source = Endless(noise(MIB), size // MIB)
    with endless(source) as web:
        run("copy", f"{web.url}/files/a", "s3://bucket/a", s3)
    assert sink.received == source.size and sink.completed


@pytest.mark.parametrize(
    ("name", "form", "options"),
    [
        ("passed on", "jsonl", {}),
        ("compressed again", "jsonl", {"compression_level": 1}),
        ("inflated", "jsonl", {}),
        ("literals", "python-literal", {"compression_level": 1}),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)
def test_gzip_lines_from_http_to_s3(
    name: str, form: str, options: dict[str, int], size: int, sink: Counting, s3: FaultProxy
) -> None:
    text = lines(form == "python-literal")
    member = packed(text)
    count = size // len(text) + 1
    target = "s3://bucket/a" + ("" if name == "inflated" else ".gz")
    with endless(Endless(member, count)) as web:
        facts = run("copy", f"{web.url}/files/a.gz", target, s3, format=form, **options)
    assert facts["text_bytes"] == count * len(text) >= size
    assert facts["records_out"] == count * text.count(b"\n")
    assert facts["unchanged"] == (name == "passed on")
    assert sink.received == facts["destination_bytes"] and sink.completed


def test_a_file_to_s3(size: int, sink: Counting, s3: FaultProxy, tmp_path: Path) -> None:
    with (tmp_path / "a").open("wb") as file:
        file.truncate(size)
    run("copy", str(tmp_path / "a"), "s3://bucket/a", s3)
    assert sink.received == size and sink.completed


def test_s3_to_a_file(size: int, tmp_path: Path) -> None:
    source = Endless(noise(MIB), size // MIB)
    with endless(source) as s3:
        run("copy", "s3://bucket/a", str(tmp_path / "a"), s3)
    assert (tmp_path / "a").stat().st_size == size
    (tmp_path / "a").unlink()


def test_s3_to_s3_streamed(size: int, sink: Counting, s3: FaultProxy) -> None:
    """From one server to another, which only a stream can do."""
    with endless(Endless(noise(MIB), size // MIB)) as other:
        run("copy", "s3://bucket/a", "s3://bucket/b", s3, **{"from": other.url})
    assert sink.received == size and sink.completed


def test_open_to_read(size: int) -> None:
    with endless(Endless(noise(MIB), size // MIB)) as s3:
        assert run("read", "s3://bucket/a", "", s3)["destination_bytes"] == size


def test_open_to_write(size: int, sink: Counting, s3: FaultProxy) -> None:
    run("write", "", "s3://bucket/a", s3, count=size // MIB)
    assert sink.received == size and sink.completed


def settled(source: Endless) -> int:
    """What a source has sent, once it has begun and sends no more."""
    assert eventually(lambda: source.sent > 0)
    before = -1
    while source.sent != before:
        before = source.sent
        time.sleep(0.5)
    return before


SOCKETS_BYTES = 16 * MIB  # what kernels may hold between two ends, generously


def test_a_destination_that_takes_no_more_stops_the_source(sink: Counting, s3: FaultProxy) -> None:
    source = Endless(noise(MIB), 256)
    sink.gate.clear()
    settings = S3Settings(credentials=OWNER, endpoint_url=s3.url, region="us-east-1")
    with endless(source) as web:
        copy = threading.Thread(
            target=airscoop.copy, args=(f"{web.url}/files/a", "s3://bucket/a"),
            kwargs={"destination_s3": settings},
        )  # fmt: skip
        copy.start()
        assert 0 < settled(source) <= 40 * MIB + SOCKETS_BYTES
        assert sink.received == 0
        sink.gate.set()
        copy.join()
    assert source.sent == sink.received == source.size


def test_a_reader_that_takes_no_more_stops_the_source() -> None:
    source = Endless(noise(MIB), 256)
    with endless(source) as web:
        blocks = airscoop.read(f"{web.url}/files/a", format="raw")
        taken = len(next(blocks))
        assert 0 < settled(source) <= taken + 2 * MIB + SOCKETS_BYTES
        assert taken + sum(map(len, blocks)) == source.size
