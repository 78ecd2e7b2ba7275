"""Sources that end too early, lie, are damaged, or are of a kind that is not read."""

from __future__ import annotations

import bz2
import io
import lzma
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import airscoop
from airscoop import errors
from airscoop.transfer.options import Format
from support.fault_server import (
    Answer,
    Origin,
    chunk,
    chunked,
    raw,
    status,
    then_reset,
    until_close,
    with_length,
)
from support.s3 import MIB, Store, gzipped, json_lines, noise

TEXT = json_lines(40)
PACKED = gzipped(TEXT)
LARGE = noise(20 * MIB)
FORMS: tuple[Format, ...] = ("raw", "jsonl")
CUT = (errors.Truncated, errors.ConnectionFailed)


def assert_nothing_in(folder: Path) -> None:
    assert list(folder.iterdir()) == []


def length_cut(body: bytes, cut_at: int) -> Answer:
    return with_length(body[:cut_at], said=len(body))


def chunks_cut(body: bytes, cut_at: int) -> Answer:
    return chunked(body, size=97, cut_at=cut_at)


@pytest.mark.parametrize("framed", [length_cut, chunks_cut])
@pytest.mark.parametrize("body", [TEXT, PACKED], ids=["text", "gzip"])
def test_a_source_cut_at_any_byte_leaves_no_file(
    framed: Callable[[bytes, int], Answer], body: bytes, web: Origin, tmp_path: Path
) -> None:
    coded = len(b"".join(chunk(body[i : i + 97]) for i in range(0, len(body), 97))) + 5
    whole = len(body) if framed is length_cut else coded
    step = max(1, whole // 60)
    # The last chunk is the proof: the line that may end its (empty) trailer is not waited for.
    proven = whole if framed is length_cut else whole - 1
    for cut_at in [*range(0, proven, step), proven - 3, proven - 2, proven - 1]:
        url = web.serve("/data", framed(body, cut_at))
        for form in FORMS:
            with pytest.raises(CUT):
                airscoop.copy(url, tmp_path / "out.gz", format=form)
        assert_nothing_in(tmp_path)
    airscoop.copy(web.serve("/data", framed(body, whole)), tmp_path / "out", format="jsonl")
    assert (tmp_path / "out").read_bytes() == TEXT


@pytest.mark.parametrize("by_reset", [False, True], ids=["fin", "rst"])
@pytest.mark.parametrize("cut_at", [0, 1, 300_000, 9 * MIB, 17 * MIB, 20 * MIB - 1])
def test_a_cut_source_leaves_no_object_and_no_upload(
    cut_at: int, by_reset: bool, web: Origin, store: Store
) -> None:
    answer = length_cut(LARGE, cut_at)
    url = web.serve("/data", then_reset(answer) if by_reset else answer)
    with pytest.raises(CUT) as caught:
        airscoop.copy(url, store.uri("a"), destination_s3=store.settings())
    store.assert_untouched()
    assert caught.value.retryable
    assert url in str(caught.value)


@pytest.mark.parametrize("cut_at", [100, 9 * MIB, 17 * MIB])
def test_a_cut_in_the_chunks_leaves_no_object_and_no_upload(
    cut_at: int, web: Origin, store: Store
) -> None:
    url = web.serve("/data", chunked(LARGE, size=65536, cut_at=cut_at))
    with pytest.raises(CUT):
        airscoop.copy(url, store.uri("a"), destination_s3=store.settings())
    store.assert_untouched()


def test_a_source_longer_than_it_said_is_cut_to_what_it_said_and_refused_by_gzip(
    web: Origin, tmp_path: Path
) -> None:
    url = web.serve("/data", with_length(PACKED, said=len(PACKED) - 1))
    with pytest.raises(errors.Truncated):
        airscoop.copy(url, tmp_path / "a.gz")
    assert_nothing_in(tmp_path)


def test_a_source_shorter_than_it_said_is_truncated(web: Origin, tmp_path: Path) -> None:
    url = web.serve("/data", with_length(PACKED, said=len(PACKED) + 1))
    with pytest.raises(CUT):
        airscoop.copy(url, tmp_path / "a.gz")
    assert_nothing_in(tmp_path)


def test_a_source_that_is_cut_says_how_much_of_it_arrived(web: Origin, tmp_path: Path) -> None:
    url = web.serve("/data", with_length(TEXT[:100], said=len(TEXT)))
    with pytest.raises(errors.Truncated) as caught:
        airscoop.copy(url, tmp_path / "a", restarts=0, retry_seconds=0)
    error = caught.value
    assert (error.counted, error.expected, error.found) == ("bytes", len(TEXT), 100)
    assert_nothing_in(tmp_path)


def test_a_source_is_asked_again_while_nothing_of_it_has_arrived(
    web: Origin, tmp_path: Path
) -> None:
    url = web.serve("/data", raw(), with_length(b"", said=7), with_length(b"whole\n"))
    receipt = airscoop.copy(url, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == b"whole\n"
    assert receipt.retries == 2


@pytest.mark.parametrize("body", [TEXT, PACKED], ids=["text", "gzip"])
def test_a_body_that_ends_with_its_connection_has_an_unknown_length(
    body: bytes, web: Origin, tmp_path: Path
) -> None:
    with pytest.raises(errors.LengthUnknown, match="allow_unknown_length"):
        airscoop.copy(web.serve("/data", until_close(body)), tmp_path / "a")
    assert_nothing_in(tmp_path)


def test_a_transfer_coding_without_chunks_proves_no_end(web: Origin, tmp_path: Path) -> None:
    answer = raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", TEXT)
    with pytest.raises(errors.AirscoopError) as caught:
        airscoop.copy(web.serve("/data", answer), tmp_path / "a")
    assert caught.value.code in ("LENGTH_UNKNOWN", "PROTOCOL", "CONNECTION")
    assert_nothing_in(tmp_path)


def test_chunks_count_even_beside_a_content_length(web: Origin, tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
    url = web.serve("/data", raw(head, chunk(TEXT), chunk(b"")))
    airscoop.copy(url, tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == TEXT


def test_an_allowed_unknown_length_takes_a_complete_gzip_member(
    web: Origin, tmp_path: Path
) -> None:
    url = web.serve("/data", until_close(PACKED))
    airscoop.copy(url, tmp_path / "a", allow_unknown_length=True)
    assert (tmp_path / "a").read_bytes() == PACKED  # kept: no name says gzip


@pytest.mark.parametrize("cut_at", [0, 1, 2, 9, 10, 100, len(PACKED) - 8, len(PACKED) - 1])
def test_an_allowed_unknown_length_refuses_a_cut_gzip_member(
    cut_at: int, web: Origin, tmp_path: Path
) -> None:
    url = web.serve("/data", until_close(PACKED[:cut_at]))
    for name in ("a.gz", "a"):
        with pytest.raises((errors.Truncated, errors.LengthUnknown)):
            airscoop.copy(url, tmp_path / name, allow_unknown_length=True)
    assert_nothing_in(tmp_path)


def test_an_allowed_unknown_length_refuses_plain_text(web: Origin, tmp_path: Path) -> None:
    url = web.serve("/data", until_close(TEXT))
    with pytest.raises(errors.LengthUnknown, match="gzip"):
        airscoop.copy(url, tmp_path / "a", allow_unknown_length=True)
    assert_nothing_in(tmp_path)


def damaged(position: int) -> bytes:
    return PACKED[:position] + bytes([PACKED[position] ^ 0xFF]) + PACKED[position + 1 :]


DAMAGE = {
    "cut": (PACKED[:-20], errors.Truncated),
    "cut in the trailer": (PACKED[:-1], errors.Truncated),
    "wrong CRC": (damaged(len(PACKED) - 8), errors.CorruptData),
    "wrong size": (damaged(len(PACKED) - 4), errors.CorruptData),
    "wrong method": (damaged(2), errors.CorruptData),
    "trailing garbage": (PACKED + b"garbage", errors.TrailingGarbage),
    "second member cut": (PACKED + PACKED[:-3], errors.Truncated),
}


@pytest.mark.parametrize("name", ["out", "out.gz"])
@pytest.mark.parametrize("form", ["raw", "jsonl"])
@pytest.mark.parametrize("case", DAMAGE)
def test_damaged_gzip_is_named_and_leaves_nothing(
    case: str, form: Format, name: str, tmp_path: Path, store: Store
) -> None:
    data, error = DAMAGE[case]
    source = tmp_path / "source.gz"
    source.write_bytes(data)
    with pytest.raises(error, match=r"source\.gz"):
        airscoop.copy(source, store.uri(name), format=form, destination_s3=store.settings())
    store.assert_untouched()


def test_any_flipped_byte_of_gzip_data_is_found(tmp_path: Path) -> None:
    source = tmp_path / "source.gz"
    # The first ten bytes hold a time, flags and a system's number that no checksum covers.
    for position in random.Random(5).sample(range(10, len(PACKED)), 60):
        source.write_bytes(damaged(position))
        with pytest.raises(errors.AirscoopError) as caught:
            airscoop.copy(source, tmp_path / "out")
        assert caught.value.code in ("CORRUPT", "TRUNCATED", "TRAILING_GARBAGE")
        assert not (tmp_path / "out").exists()


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.json", TEXT)
    return file.getvalue()


KINDS = {
    "zip": zipped(),
    "bzip2": bz2.compress(TEXT),
    "zstd": b"\x28\xb5\x2f\xfd\x04\x00" + b"\x00" * 20,
    "xz": lzma.compress(TEXT),
    "UTF-16": TEXT.decode().encode("utf-16"),
    "UTF-32": TEXT.decode().encode("utf-32"),
}


@pytest.mark.parametrize("form", ["jsonl", "python-literal"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_known_kind_that_holds_no_records_is_refused_by_name(
    kind: str, form: Format, tmp_path: Path, store: Store
) -> None:
    (tmp_path / "source").write_bytes(KINDS[kind])
    with pytest.raises(errors.UnsupportedFormat, match=kind) as caught:
        airscoop.copy(
            tmp_path / "source", store.uri("a"), format=form, max_rejected=1000,
            destination_s3=store.settings(),
        )  # fmt: skip
    assert "source" in str(caught.value)
    store.assert_untouched()


@pytest.mark.parametrize("kind", KINDS)
def test_any_kind_is_copied_as_it_is_by_raw(kind: str, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(KINDS[kind])
    airscoop.copy(tmp_path / "source", tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == KINDS[kind]


def test_gzip_that_holds_a_zip_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "source.gz").write_bytes(gzipped(zipped()))
    with pytest.raises(errors.AirscoopError):
        airscoop.copy(tmp_path / "source.gz", tmp_path / "out", format="jsonl")
    assert not (tmp_path / "out").exists()


def test_a_file_that_grows_while_it_is_read_is_no_source(tmp_path: Path) -> None:
    source = tmp_path / "growing"
    source.write_bytes(TEXT * 4000)
    blocks = airscoop.read(source, format="raw")
    next(blocks)
    with source.open("ab") as file:
        file.write(b"more\n")
    with pytest.raises(errors.SourceChanged, match="growing"):
        for _ in blocks:
            pass


@pytest.mark.parametrize("code", [404, 403, 500, 204, 206, 301])
def test_an_answer_that_is_not_the_file_is_no_source(
    code: int, web: Origin, tmp_path: Path
) -> None:
    url = web.serve("/data", status(code, body=b"" if code == 204 else b"an error page\n"))
    with pytest.raises(errors.AirscoopError, match=str(code)) as caught:
        airscoop.copy(url, tmp_path / "a")
    assert caught.value.http_status == code
    assert caught.value.retryable == (code == 500)
    assert_nothing_in(tmp_path)
