"""Content-Encoding of web servers is the transport's: it is undone, or refused by its name."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import pytest

import airscoop
from airscoop import errors
from airscoop.transfer.options import Format
from support.fault_server import Answer, Origin, chunked, raw, with_length
from support.s3 import BUCKET, Store, gzipped, json_lines, noise

TEXT = json_lines(2000)
GZIP = gzipped(TEXT)
TWICE = gzip.compress(GZIP)


def encoded(body: bytes, coding: str = "gzip", more: str = "") -> Answer:
    return with_length(body, headers=f"Content-Encoding: {coding}\r\n{more}")


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip", "identity, gzip"])
@pytest.mark.parametrize("source", ["/x.json", "/export"])
def test_gzip_that_was_not_asked_for_is_undone(
    source: str, coding: str, web: Origin, tmp_path: Path
) -> None:
    url = web.serve(source, encoded(GZIP, coding))
    receipt = airscoop.copy(url, tmp_path / "y.json")
    assert (tmp_path / "y.json").read_bytes() == TEXT
    assert (receipt.compression, receipt.unchanged) == ("kept", False)
    assert (receipt.source_bytes, receipt.text_bytes) == (len(GZIP), len(TEXT))
    assert receipt.gzip_members == 0
    assert any("encoded" in note for note in receipt.notes)
    airscoop.copy(url, tmp_path / "y.json.gz")
    assert gzip.decompress((tmp_path / "y.json.gz").read_bytes()) == TEXT
    assert b"".join(airscoop.read(url, format="raw")) == TEXT
    assert airscoop.check(url).records_in == 2000
    with airscoop.open(url, "rb", compression="keep") as file:
        assert file.read() == TEXT  # the transport's encoding is no part of the file


def test_gzip_over_a_gz_file_loses_one_layer(web: Origin, tmp_path: Path) -> None:
    url = web.serve("/x.json.gz", encoded(TWICE))
    for name, expected in (("y.json.gz", GZIP), ("y.tgz", GZIP), ("y.json", TEXT)):
        receipt = airscoop.copy(url, tmp_path / name)
        assert (tmp_path / name).read_bytes() == expected
        assert receipt.source_bytes == len(TWICE)
        assert (receipt.text_bytes, receipt.gzip_members) == (len(TEXT), 1)
        assert not any("again" in note for note in receipt.notes)
    assert b"".join(airscoop.read(url, format="raw")) == TEXT
    receipt = airscoop.copy(url, tmp_path / "z.json.gz", format="jsonl")
    assert gzip.decompress((tmp_path / "z.json.gz").read_bytes()) == TEXT
    assert receipt.records_in == 2000


@pytest.mark.parametrize("name", ["/x.json.gz", "/x.tgz", "/x.GZ"])
def test_a_server_that_labels_a_gz_file_as_encoded_keeps_it(
    name: str, web: Origin, tmp_path: Path
) -> None:
    url = web.serve(name, encoded(GZIP))
    receipt = airscoop.copy(url, tmp_path / "y.gz")
    assert (tmp_path / "y.gz").read_bytes() == GZIP
    assert (receipt.compression, receipt.unchanged) == ("kept", True)
    assert b"".join(airscoop.read(url, format="raw")) == TEXT


def test_gzip_inside_of_gzip_without_a_label_is_told(web: Origin, tmp_path: Path) -> None:
    receipt = airscoop.copy(web.serve("/x.gz", with_length(TWICE)), tmp_path / "y.gz")
    assert (tmp_path / "y.gz").read_bytes() == TWICE
    assert any("gzip data again" in note for note in receipt.notes)


@pytest.mark.parametrize(
    "coding", ["br", "zstd", "deflate", "compress", "gzip, br", "gzip, gzip", "made-up"]
)
@pytest.mark.parametrize("name", ["/x.json", "/x.json.gz"])
def test_another_encoding_is_refused_by_its_name(
    name: str, coding: str, web: Origin, tmp_path: Path
) -> None:
    url = web.serve(name, encoded(zlib.compress(TEXT), coding))
    for act in (
        lambda: airscoop.copy(url, tmp_path / "y"),
        lambda: b"".join(airscoop.read(url, format="raw")),
        lambda: airscoop.open(url, "rb", compression="keep").read(),
    ):
        with pytest.raises(errors.UnsupportedFormat, match=f"encoded as {coding}, which was not"):
            act()
    assert list(tmp_path.iterdir()) == []


def test_two_headers_are_one_list(web: Origin, tmp_path: Path) -> None:
    url = web.serve("/x", encoded(GZIP, "br", more="Content-Encoding: gzip\r\n"))
    with pytest.raises(errors.UnsupportedFormat, match="br, gzip"):
        airscoop.copy(url, tmp_path / "y")


def test_an_encoded_body_is_proven_by_its_own_end(web: Origin, tmp_path: Path) -> None:
    for body, error in (
        (GZIP[:-3], errors.Truncated),
        (GZIP[:-4] + b"lies", errors.CorruptData),
        (GZIP + b"more", errors.TrailingGarbage),
    ):
        with pytest.raises(error):
            airscoop.copy(web.serve("/x.json", encoded(body)), tmp_path / "y")
    with pytest.raises(errors.CorruptData, match="encoded as gzip, but it looks like JSON"):
        airscoop.copy(web.serve("/x.json", encoded(TEXT)), tmp_path / "y")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_body_has_no_encoding(web: Origin, tmp_path: Path) -> None:
    receipt = airscoop.copy(web.serve("/x.json", encoded(b"", "br")), tmp_path / "y")
    assert (receipt.destination_bytes, receipt.compression) == (0, "kept")


@pytest.mark.parametrize("size", [1, 9, 10, 100, 300_000, 6_000_000])
def test_every_size_arrives_in_s3_decoded(size: int, web: Origin, store: Store) -> None:
    data = noise(size)
    url = web.serve("/x.bin", encoded(gzip.compress(data, 1)))
    receipt = airscoop.copy(url, store.uri("y.bin"), destination_s3=store.settings())
    assert store.get("y.bin") == data
    assert receipt.destination_bytes == receipt.text_bytes == size
    packed = gzip.compress(data, 1)
    labelled = web.serve("/x.gz", encoded(gzip.compress(packed, 1)))
    airscoop.copy(labelled, store.uri("y.gz"), destination_s3=store.settings())
    assert store.get("y.gz") == packed


@pytest.mark.parametrize("size", [70_000, 1_200_000, 9_000_000])
@pytest.mark.parametrize("layers", [1, 2])
def test_a_small_body_that_becomes_large_is_decoded(
    size: int, layers: int, web: Origin, tmp_path: Path
) -> None:
    data = b"[" + b" " * size + b"]\n"
    body = data
    for _ in range(layers):
        body = gzip.compress(body)
    url = web.serve("/x.json" if layers == 1 else "/x.json.gz", encoded(body))
    assert airscoop.check(url, format="raw").text_bytes == len(data)
    assert b"".join(airscoop.read(url, format="raw")) == data
    with airscoop.open(url, "rb") as file:
        assert file.read() == data
    airscoop.copy(url, tmp_path / "y.json")
    assert (tmp_path / "y.json").read_bytes() == data


def test_a_long_header_of_the_encoding_is_no_reason_to_give_up(web: Origin, tmp_path: Path) -> None:
    named = GZIP[:3] + b"\x08" + GZIP[4:10] + b"n" * 50_000 + b"\0" + GZIP[10:]
    airscoop.copy(web.serve("/x.json", encoded(named)), tmp_path / "y")
    assert (tmp_path / "y").read_bytes() == TEXT


def test_a_body_that_ends_with_its_connection_is_whole_when_its_encoding_is(
    web: Origin, tmp_path: Path
) -> None:
    head = b"HTTP/1.0 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
    airscoop.copy(web.serve("/x", raw(head, GZIP)), tmp_path / "y", allow_unknown_length=True)
    assert (tmp_path / "y").read_bytes() == TEXT


@pytest.mark.parametrize("destination", ["y.gz", "y.json"])
def test_a_login_page_is_not_the_file(destination: str, web: Origin, tmp_path: Path) -> None:
    page = b"<!DOCTYPE html><title>Log in</title>"
    html = "Content-Type: text/html; charset=utf-8\r\n"
    url = web.serve("/reviews.json.gz", with_length(page, headers=html))
    formats: tuple[Format, ...] = ("raw", "jsonl")
    for form in formats:
        with pytest.raises(
            errors.CorruptData, match=r"HTML \(Content-Type: text/html; charset=utf-8\)"
        ):
            airscoop.copy(url, tmp_path / destination, format=form)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_answer_is_not_the_gzip_file(web: Origin, store: Store, tmp_path: Path) -> None:
    for answer in (with_length(b""), chunked(b""), encoded(b"")):
        url = web.serve("/x.json.gz", answer)
        with pytest.raises(errors.CorruptData, match="looks like nothing at all"):
            airscoop.copy(url, tmp_path / "y.json.gz")
        airscoop.copy(url, tmp_path / "y.json.gz", allow_plain=True)
        assert (tmp_path / "y.json.gz").read_bytes() == b""
        (tmp_path / "y.json.gz").unlink()
    source, s3 = store.put("empty.gz", b""), store.settings()
    airscoop.copy(source, tmp_path / "z.gz", source_s3=s3)
    assert (tmp_path / "z.gz").read_bytes() == b""


def test_of_an_s3_object_the_encoding_is_metadata(store: Store, tmp_path: Path) -> None:
    store.client.put_object(
        Bucket=BUCKET, Key=store.key("x.json"), Body=GZIP,
        ContentEncoding="gzip",
    )  # fmt: skip
    s3 = store.settings()
    for by_server in (True, False):
        receipt = airscoop.copy(
            store.uri("x.json"), store.uri("y.json"), source_s3=s3, destination_s3=s3,
            server_side=by_server,
        )  # fmt: skip
        assert store.get("y.json") == GZIP
        assert receipt.compression == "kept"
    receipt = airscoop.copy(
        store.uri("x.json"), store.uri("z.json"), source_s3=s3, destination_s3=s3,
        compression="none",
    )  # fmt: skip
    assert store.get("z.json") == TEXT
    assert receipt.compression == "inflated"
    assert "ContentEncoding" not in store.head("z.json")
