"""The memory rule: a transfer of any size stays within 64 MiB over the interpreter."""

from __future__ import annotations

import gzip
import json
import time
import zlib
from pathlib import Path
from typing import Any

from support.fault_server import Origin, Request, fault_proxy, with_length
from support.memory import LIMIT_BYTES
from support.s3 import MIB, Store, noise

TEXT_BYTES = 256 * MIB

# What botocore needs to find credentials counts as ours too: only the imports are given.
PROGRAM = """
import dataclasses
import json, re, sys
from pathlib import Path
import airscoop.transfer.copy, airscoop.transfer.options
import botocore.session, botocore.client, botocore.config

def peak():
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", status).group(1)) * 1024

before = peak()
receipt = airscoop.copy(sys.argv[1], sys.argv[2], **json.loads(sys.argv[3]))
print(json.dumps({"over": peak() - before, **dataclasses.asdict(receipt)}))
"""


def measured(store: Store, source: str, name: str, **options: object) -> dict[str, int]:
    process = store.python(PROGRAM, source, store.uri(name), json.dumps(options))
    printed, problems = process.communicate()
    assert process.returncode == 0, problems
    facts: dict[str, int] = json.loads(printed)
    print(f"{facts['over'] / MIB:.1f} MiB over the interpreter")
    return facts


def lines(total: int) -> bytes:
    """JSON lines of some total size, every record different, as compressible as text is."""
    rows = bytearray()
    word = noise(600, seed=3).hex()
    number = 0
    while len(rows) < total:
        at = (number * 37) % 900
        rows += b'{"n": %d, "text": "%s"}\n' % (number, word[at : at + 250].encode())
        number += 1
    return bytes(rows)


def test_256_mib_of_text_pass_from_gzip_over_http_to_gzip_in_s3(store: Store, web: Origin) -> None:
    block = lines(16 * MIB)
    packer = zlib.compressobj(1, wbits=31)
    packed = b"".join(packer.compress(block) for _ in range(TEXT_BYTES // len(block) + 1))
    packed += packer.flush()
    url = web.serve("/data.json.gz", with_length(packed))
    facts = measured(store, url, "out.json.gz", format="jsonl", compression_level=1)
    assert facts["text_bytes"] >= TEXT_BYTES
    assert facts["records_out"] == block.count(b"\n") * (facts["text_bytes"] // len(block))
    assert facts["destination_bytes"] == store.head("out.json.gz")["ContentLength"]
    assert facts["over"] <= LIMIT_BYTES


def test_256_mib_pass_as_they_are(store: Store, tmp_path: Path) -> None:
    block = noise(MIB)
    with (tmp_path / "big").open("wb") as file:
        for _ in range(256):
            file.write(block)
    facts = measured(store, str(tmp_path / "big"), "big")
    assert facts["destination_bytes"] == 256 * MIB == store.head("big")["ContentLength"]
    assert facts["over"] <= LIMIT_BYTES


def test_128_mib_pass_from_one_object_to_another(store: Store, tmp_path: Path) -> None:
    block = noise(MIB)
    with (tmp_path / "big").open("wb") as file:
        for _ in range(128):
            file.write(block)
    store.client.upload_file(str(tmp_path / "big"), "transfers", store.key("source"))
    facts = measured(store, store.uri("source"), "big")
    assert facts["destination_bytes"] == 128 * MIB == store.head("big")["ContentLength"]
    assert facts["over"] <= LIMIT_BYTES


def test_data_that_inflates_1000_times_passes_in_the_same_memory(
    store: Store, tmp_path: Path
) -> None:
    packer = zlib.compressobj(9, wbits=31)
    line = b'{"a": "' + b"x" * (MIB - 11) + b'"}\n'
    packed = b"".join(packer.compress(line) for _ in range(128)) + packer.flush()
    assert 128 * len(line) / len(packed) > 900
    (tmp_path / "bomb.gz").write_bytes(packed)
    for name, form in (("plain", "jsonl"), ("packed.gz", "jsonl"), ("raw", "raw")):
        facts = measured(store, str(tmp_path / "bomb.gz"), name, format=form)
        assert facts["text_bytes"] == 128 * len(line)
        assert facts["over"] <= LIMIT_BYTES
    assert len(gzip.decompress(store.get("packed.gz"))) == 128 * len(line)


def test_a_slow_destination_holds_back_a_fast_source(
    store: Store, tmp_path: Path, web: Origin
) -> None:
    def slow(handler: Any, request: Request) -> None:
        time.sleep(0.5)
        code, headers, body = handler.forward(request)
        handler.answer(code, body, headers)

    url = web.serve("/data", with_length(noise(MIB) * 128))
    with fault_proxy(store.endpoint) as proxy:
        proxy.on("part", slow, times=1000)
        facts = measured(Store(proxy.url, store.prefix, store.client), url, "big")
    assert facts["destination_bytes"] == 128 * MIB
    assert facts["over"] <= LIMIT_BYTES


def test_a_record_of_the_greatest_size_passes_in_the_same_memory(
    store: Store, tmp_path: Path
) -> None:
    record = b"{'a': '" + b"y" * (4 * MIB - 11) + b"'}\n"
    (tmp_path / "in").write_bytes(record * 12)
    facts = measured(store, str(tmp_path / "in"), "out.gz", format="python-literal")
    assert facts["records_out"] == 12
    assert facts["over"] <= LIMIT_BYTES
