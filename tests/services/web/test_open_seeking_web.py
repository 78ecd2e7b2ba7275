"""airscoop.open of a web source, read here and there where its server proves ranges."""

from __future__ import annotations

import io
import os
import re
import socket
import zipfile

import pytest

import airscoop
from airscoop import errors
from support.fault_server import Answer, Origin, redirect, status, with_length
from support.s3 import MIB, gzipped, noise

DATA = noise(3 * MIB + 77)
ETAG = 'ETag: "one"'
OLD = "Last-Modified: Mon, 01 Jan 2024 10:00:00 GMT"


def ranged(
    body: bytes, validator: str = ETAG, *, more: str = "Accept-Ranges: bytes", obeys: bool = True
) -> Answer:
    """The body, or the range that was asked for, if it is still the one with the validator."""

    def send(connection: socket.socket, head: str) -> None:
        wanted = re.search(r"Range: bytes=(\d+)-(\d*)", head)
        same = f"If-Range: {validator.partition(': ')[2]}" in head
        first, last, code = 0, len(body) - 1, "200 OK"
        extra = [validator, more] if more else [validator]
        if wanted and same and obeys:
            first, last = int(wanted[1]), min(int(wanted[2] or last), last)
            code = "206 Partial Content"
            extra.append(f"Content-Range: bytes {first}-{last}/{len(body)}")
        lines = [f"HTTP/1.1 {code}", *extra, f"Content-Length: {last + 1 - first}", "", ""]
        connection.sendall("\r\n".join(lines).encode() + body[first : last + 1])

    return send


@pytest.mark.parametrize("validator", [ETAG, OLD])
def test_a_web_source_with_ranges_is_read_from_any_place(validator: str, web: Origin) -> None:
    url = web.serve("/data", ranged(DATA, validator))
    with airscoop.open(url, "rb") as file, io.BytesIO(DATA) as model:
        assert (file.seekable(), file.size) == (True, len(DATA))
        for place, length in ((2_000_000, 300_000), (5, 9), (len(DATA) - 3, 10), (1_000_000, 1)):
            file.seek(place)
            model.seek(place)
            assert file.read(length) == model.read(length)
            assert file.tell() == model.tell()
        file.seek(-100, os.SEEK_END)
        assert file.read() == DATA[-100:]
    assert all("If-Range" in head for head in web.heads[1:])


def test_who_reads_in_order_sends_one_request(web: Origin) -> None:
    with airscoop.open(web.serve("/data", ranged(DATA)), "rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(0)
        assert file.read() == DATA
    assert len(web.heads) == 1
    assert "Range" not in web.heads[0]


def test_an_archive_behind_a_redirect_is_read_where_it_is(web: Origin) -> None:
    packed = io.BytesIO()
    members = {str(n): noise(100_000, seed=n) for n in range(20)}
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    place = web.serve("/there.zip", ranged(packed.getvalue()))
    with (
        airscoop.open(web.serve("/here.zip", redirect(place)), "rb") as file,
        zipfile.ZipFile(file) as found,
    ):
        assert found.read("13") == members["13"]
        assert found.read("2") == members["2"]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (ranged(DATA, 'ETag: W/"weak"'), "a weak ETag"),
        (ranged(DATA, "X: y"), "no validator"),
        (ranged(DATA, more=""), "no ranges"),
        (ranged(DATA, more="Accept-Ranges: none"), "no ranges"),
        (ranged(DATA, "ETag: bare"), "no strong ETag"),
    ],
)
def test_a_source_that_proves_no_ranges_has_one_direction(
    answer: Answer, why: str, web: Origin
) -> None:
    with airscoop.open(web.serve("/data", answer), "rb") as file:
        assert not file.seekable(), why
        with pytest.raises(errors.UsageError, match="proves no ranges"):
            file.seek(0)
        assert file.read() == DATA


def test_gzip_data_of_the_web_has_one_direction(web: Origin) -> None:
    url = web.serve("/data", ranged(gzipped(DATA)))
    with airscoop.open(url, "rb") as file:
        assert not file.seekable()
        assert file.read() == DATA
    with airscoop.open(url, "rb", compression="keep") as file:
        file.seek(-4, os.SEEK_END)
        assert int.from_bytes(file.read(), "little") == len(DATA)


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        (ranged(DATA, 'ETag: "two"'), errors.SourceChanged),
        (ranged(DATA[1:]), errors.ProtocolError),
        (ranged(DATA, obeys=False), errors.ProtocolError),
        (with_length(DATA), errors.Truncated),
        (status(412), errors.SourceChanged),
        (status(416), errors.SourceChanged),
        (status(404), errors.NotFound),
        (status(403), errors.AccessDenied),
    ],
    ids=["another", "shorter", "no range", "no proof", "412", "416", "404", "403"],
)
def test_a_range_that_is_not_of_the_same_source_is_told_in_every_read(
    later: Answer, expected: type[errors.AirscoopError], web: Origin
) -> None:
    with airscoop.open(web.serve("/data", ranged(DATA), later), "rb") as file:
        file.seek(-10, os.SEEK_END)
        for _ in range(2):
            with pytest.raises(expected):
                file.read()


def test_secrets_of_an_address_are_in_no_message(web: Origin) -> None:
    url = web.serve("/data", ranged(DATA), status(403)) + "?signature=hidden"
    with airscoop.open(url, "rb") as file:
        file.seek(2_000_000)
        with pytest.raises(errors.AccessDenied) as caught:
            file.read(5)
    assert "hidden" not in str(caught.value) + repr(file)
