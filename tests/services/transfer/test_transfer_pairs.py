"""Every source into every destination: bytes, compression, counts, sizes at the edges."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import zlib
from collections.abc import Generator
from pathlib import Path

import pytest

import airscoop
from airscoop import errors, storage
from airscoop.transfer.options import Compression
from support.fault_server import Origin, chunked, with_length
from support.s3 import AIRSCOOP, MIB, PART_BYTES, Store, gzipped, json_lines, noise

TEXT = json_lines(2000)
SOURCES = ("http", "chunks", "s3", "file", "stdin")
DESTINATIONS = ("s3", "file", "stdout")


def make_source(kind: str, data: bytes, store: Store, folder: Path, web: Origin) -> str:
    if kind == "http":
        return web.serve("/data", with_length(data))
    if kind == "chunks":
        return web.serve("/data", chunked(data, size=7001))
    if kind == "s3":
        return store.put("source", data)
    (folder / "source").write_bytes(data)
    return str(folder / "source") if kind == "file" else "-"


def run_command(store: Store, folder: Path, *arguments: str, stdin: bytes) -> bytes:
    done = subprocess.run(
        [*AIRSCOOP, *arguments],
        input=stdin,
        capture_output=True,
        cwd=folder,
        env=store.environment(),
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def copied(
    source: str, destination: str, name: str, data: bytes, store: Store, folder: Path, web: Origin
) -> bytes:
    """Copies by the command line, where both standard streams are real; what arrived."""
    place = {"s3": store.uri(name), "file": str(folder / name), "stdout": "-"}[destination]
    given = data if source == "stdin" else b""
    origin_name = make_source(source, data, store, folder, web)
    printed = run_command(store, folder, "copy", origin_name, place, "--format", "jsonl",
                          stdin=given)  # fmt: skip
    if destination == "stdout":
        return printed
    return store.get(name) if destination == "s3" else (folder / name).read_bytes()


@pytest.mark.parametrize("destination", DESTINATIONS)
@pytest.mark.parametrize("source", SOURCES)
def test_every_source_reaches_every_destination(
    source: str, destination: str, store: Store, tmp_path: Path, web: Origin
) -> None:
    got = copied(source, destination, "out.json", gzipped(TEXT), store, tmp_path, web)
    assert got == TEXT


@pytest.mark.parametrize("destination", ["s3", "file"])
@pytest.mark.parametrize("source", SOURCES)
def test_a_destination_that_ends_in_gz_is_compressed(
    source: str, destination: str, store: Store, tmp_path: Path, web: Origin
) -> None:
    got = copied(source, destination, "out.json.gz", TEXT, store, tmp_path, web)
    assert got[:2] == b"\x1f\x8b"
    assert gzip.decompress(got) == TEXT


def test_records_are_read_by_content_and_plain_ones_under_a_gzip_name_if_allowed(
    tmp_path: Path,
) -> None:
    plain, packed = tmp_path / "plain.gz", tmp_path / "packed.txt"
    plain.write_bytes(TEXT)
    packed.write_bytes(gzipped(TEXT))
    for source in (plain, packed):
        airscoop.copy(source, tmp_path / "out", format="jsonl", allow_plain=True)
        assert (tmp_path / "out").read_bytes() == TEXT
    with pytest.raises(errors.CorruptData, match="named as gzip data"):
        airscoop.copy(plain, tmp_path / "refused", format="jsonl")


def test_raw_gzip_to_gzip_keeps_its_bytes_and_counts_the_text(store: Store, tmp_path: Path) -> None:
    data = gzipped(TEXT, level=1) + gzipped(b"second member\n", level=9)
    source = tmp_path / "a.gz"
    source.write_bytes(data)
    receipt = airscoop.copy(source, store.uri("a.gz"), destination_s3=store.settings())
    assert store.get("a.gz") == data
    assert receipt.gzip_members == 2
    assert receipt.source_bytes == receipt.destination_bytes == len(data)
    assert receipt.text_bytes == len(TEXT) + len(b"second member\n")


def test_raw_gzip_is_inflated_for_the_rest_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(gzipped(TEXT))
    airscoop.copy(tmp_path / "a.gz", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == TEXT


@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_compression_can_be_chosen_against_the_name(
    compression: Compression, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(TEXT)
    name = "out" if compression == "gzip" else "out.gz"
    airscoop.copy(tmp_path / "a", tmp_path / name, compression=compression)
    got = (tmp_path / name).read_bytes()
    assert (gzip.decompress(got) if compression == "gzip" else got) == TEXT


@pytest.mark.parametrize("name", ["empty", "empty.gz"])
@pytest.mark.parametrize("source", ["http", "chunks", "s3", "file"])
def test_an_empty_source_gives_an_empty_destination(
    source: str, name: str, store: Store, tmp_path: Path, web: Origin
) -> None:
    place = make_source(source, b"", store, tmp_path, web)
    receipt = airscoop.copy(
        place, store.uri(name), format="jsonl",
        source_s3=store.settings(), destination_s3=store.settings(),
    )  # fmt: skip
    got = store.get(name)
    assert (gzip.decompress(got) if name.endswith(".gz") else got) == b""
    assert (receipt.source_bytes, receipt.text_bytes, receipt.records_in) == (0, 0, 0)
    assert receipt.destination_bytes == len(got)


@pytest.mark.parametrize("offset", [-1, 0, 1])
@pytest.mark.parametrize("parts", [1, 2, 4])
def test_sizes_around_part_boundaries(
    parts: int, offset: int, store: Store, tmp_path: Path
) -> None:
    data = noise(parts * PART_BYTES + offset, seed=parts)
    (tmp_path / "a").write_bytes(data)
    receipt = airscoop.copy(tmp_path / "a", store.uri("a"), destination_s3=store.settings())
    assert hashlib.sha256(store.get("a")).digest() == hashlib.sha256(data).digest()
    expected = parts + (offset > 0)
    assert receipt.parts == (0 if expected == 1 else expected)
    assert receipt.etag == store.head("a")["ETag"]
    assert ("-" in str(receipt.etag)) == (expected > 1)
    assert store.uploads() == []


def test_the_receipt_counts_what_an_independent_count_finds(store: Store, web: Origin) -> None:
    text = b"\xef\xbb\xbf" + TEXT + b"\n\r\n" + b'{"last": "without newline"}'
    packed = gzipped(text)
    url = web.serve("/data", with_length(packed, headers='ETag: "v1"\r\n'))
    receipt = airscoop.copy(
        url, store.uri("out.gz"), format="jsonl", destination_s3=store.settings()
    )
    stored = store.get("out.gz")
    lines = [line for line in zlib.decompress(stored, 31).split(b"\n") if line]
    assert receipt.source_bytes == len(packed)
    assert receipt.text_bytes == len(text)
    assert receipt.destination_bytes == len(stored)
    assert receipt.records_in == receipt.records_out == len(lines) == 2001
    assert receipt.records_rejected == 0
    assert receipt.blank_lines == 2
    assert receipt.bom_stripped
    assert receipt.source_etag == '"v1"'
    assert receipt.etag == store.head("out.gz")["ETag"]
    assert (receipt.source, receipt.destination) == (url, store.uri("out.gz"))


@pytest.mark.parametrize("size", [5000, 2 * PART_BYTES + 5])
def test_the_same_source_twice_gives_the_same_bytes_and_etag(size: int, store: Store) -> None:
    text = json_lines(size // 20)
    source = store.put("source", gzipped(text))
    settings = store.settings()
    first, second = (
        airscoop.copy(source, store.uri(name), format="jsonl", source_s3=settings,
                      destination_s3=settings)
        for name in ("one.gz", "two.gz")
    )  # fmt: skip
    assert store.get("one.gz") == store.get("two.gz")
    assert first.etag == second.etag


def test_python_literals_arrive_as_json(store: Store) -> None:
    literals = b"{'asin': 'A1', 'title': \"It's\", 'price': None}\n" * 3
    source = store.put("meta.gz", gzipped(literals))
    receipt = airscoop.copy(
        source, store.uri("meta.json"), format="python-literal",
        source_s3=store.settings(), destination_s3=store.settings(),
    )  # fmt: skip
    records = [json.loads(line) for line in store.get("meta.json").splitlines()]
    assert records == [{"asin": "A1", "title": "It's", "price": None}] * 3
    assert receipt.records_out == 3


def test_read_gives_the_inflated_bytes_of_every_source(
    store: Store, tmp_path: Path, web: Origin
) -> None:
    for kind in ("http", "s3", "file"):
        place = make_source(kind, gzipped(TEXT), store, tmp_path, web)
        assert b"".join(airscoop.read(place, format="raw", s3=store.settings())) == TEXT


def test_leaving_read_early_closes_the_connection(web: Origin) -> None:
    blocks = airscoop.read(web.serve("/data", with_length(noise(4 * MIB))), format="raw")
    assert isinstance(blocks, Generator)
    assert next(blocks)
    blocks.close()


def test_check_counts_and_writes_nothing(store: Store) -> None:
    source = store.put("source", gzipped(TEXT))
    receipt = airscoop.check(source, s3=store.settings())
    assert (receipt.verb, receipt.records_in, receipt.text_bytes) == ("check", 2000, len(TEXT))
    assert store.names() == ["source"]


@pytest.mark.parametrize("size", [0, 10, PART_BYTES, 3 * PART_BYTES + 1])
def test_an_upload_holds_what_was_written_to_it(size: int, store: Store) -> None:
    data = noise(size)
    with airscoop.Upload(store.uri("a"), s3=store.settings()) as upload:
        for start in range(0, size, 3 * MIB - 1):
            assert upload.write(memoryview(data)[start : start + 3 * MIB - 1]) > 0
        assert store.names() == []
    assert store.get("a") == data
    assert upload.receipt is not None
    assert upload.receipt.destination_bytes == size
    assert upload.receipt.etag == storage.head(store.uri("a"), s3=store.settings()).etag


def test_a_copy_replaces_what_stood_there(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"new\n")
    store.put("a", b"something older and longer\n")
    (tmp_path / "b").write_bytes(b"something older and longer\n")
    airscoop.copy(tmp_path / "a", store.uri("a"), destination_s3=store.settings())
    airscoop.copy(tmp_path / "a", tmp_path / "b")
    assert store.get("a") == (tmp_path / "b").read_bytes() == b"new\n"


@pytest.mark.parametrize("there", [True, False], ids=["a_file", "nothing"])
@pytest.mark.parametrize("absolute", [True, False], ids=["absolute", "relative"])
def test_a_link_as_destination_stays_and_its_target_is_written(
    absolute: bool, there: bool, tmp_path: Path
) -> None:
    (tmp_path / "a").write_bytes(TEXT)
    for name in ("links", "files"):
        (tmp_path / name).mkdir()
    target, link, first = (tmp_path / name for name in ("files/out", "links/second", "first"))
    link.symlink_to(target if absolute else "../files/out")
    first.symlink_to("links/second")
    if there:
        target.write_bytes(b"earlier")
    airscoop.copy(tmp_path / "a", first)
    assert first.is_symlink()
    assert link.is_symlink()
    assert not target.is_symlink()
    assert target.read_bytes() == TEXT
    assert [item.name for item in target.parent.iterdir()] == ["out"]


def test_links_that_lead_to_each_other_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(TEXT)
    (tmp_path / "b").symlink_to("c")
    (tmp_path / "c").symlink_to("b")
    with pytest.raises(errors.AirscoopError, match=r"following the link .*/b"):
        airscoop.copy(tmp_path / "a", tmp_path / "b")


def test_a_destination_may_have_the_longest_name_there_is(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(TEXT)
    longest = tmp_path / ("n" * 255)
    airscoop.copy(tmp_path / "a", longest)
    assert longest.read_bytes() == TEXT
    assert sorted(item.name for item in tmp_path.iterdir()) == ["a", longest.name]


@pytest.mark.parametrize("source", ["file", "nothing"])
@pytest.mark.parametrize(
    ("destination", "why"),
    [
        ("", "destination is empty"),
        ("https://user:pass@example.com/out?key=word", r"https://example.com/out: a destination"),
    ],
)
def test_a_destination_that_nobody_writes_is_refused_before_the_source_is_opened(
    destination: str, why: str, source: str, tmp_path: Path
) -> None:
    if source == "file":
        (tmp_path / "a").write_bytes(TEXT)
    with pytest.raises(errors.UsageError, match=why) as caught:
        airscoop.copy(tmp_path / "a", destination)
    assert "pass" not in str(caught.value)
    assert "word" not in str(caught.value)
