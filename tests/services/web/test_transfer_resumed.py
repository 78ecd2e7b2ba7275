"""A connection that breaks is taken up again where it stopped, if the source is still the same."""

from __future__ import annotations

import email.utils
import re
import socket
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors
from support.fault_server import (
    Answer,
    FaultProxy,
    Origin,
    Request,
    cut_answer,
    reset,
    status,
)
from support.ranges import ETAG, part, starts
from support.s3 import MIB, Store, gzipped, json_lines, noise

BODY = noise(3 * MIB)


@pytest.mark.parametrize(
    "validator", [f"ETag: {ETAG}", "Last-Modified: Sat, 01 Jan 2022 00:00:00 GMT"]
)
def test_the_rest_is_asked_for_and_the_whole_arrives_once(
    web: Origin, tmp_path: Path, validator: str
) -> None:
    cut, whole = part(BODY, cut=MIB, validator=validator), part(BODY, validator=validator)
    receipt = airscoop.copy(web.serve("/f", cut, cut, whole), tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY
    assert (receipt.source_bytes, receipt.retries) == (len(BODY), 2)
    assert starts(web) == sorted(starts(web)) and starts(web)[-1] > 0


OLD, NEW = noise(400_000, seed=2), noise(400_000, seed=3)
NOON = "Sat, 01 Jan 2022 12:00:00 GMT"
BEFORE_NOON, AFTER_NOON = (f"Sat, 01 Jan 2022 {time} GMT" for time in ("11:59:59", "12:00:01"))


def versions(
    web: Origin, *lines: str, proven: str, rest: tuple[str, ...] | None = None
) -> tuple[str, bytes]:
    """The URL of a file that becomes another one while it is read. Both have the header lines; a
    server that is asked for the rest of what `proven` names believes that it is the same."""

    def answer(body: bytes, told: tuple[str, ...], cut: int | None) -> Answer:
        def send(connection: socket.socket, head: str) -> None:
            wanted = re.search(r"Range: bytes=(\d+)-", head)
            start = int(wanted.group(1)) if wanted and f"If-Range: {proven}" in head else 0
            shown = [
                "HTTP/1.1 206 Rest" if start else "HTTP/1.1 200 OK", "Accept-Ranges: bytes", *told,
                f"Content-Length: {len(body) - start}",
                *([f"Content-Range: bytes {start}-{len(body) - 1}/{len(body)}"] if start else []),
            ]  # fmt: skip
            connection.sendall("\r\n".join([*shown, "", ""]).encode() + body[start:cut])
            if cut is not None:
                reset(connection)

        return send

    after = lines if rest is None else rest
    return web.serve("/f", answer(OLD, lines, 150_000), answer(NEW, after, None)), NEW


@pytest.mark.parametrize(
    "lines",
    [
        (f"Date: {NOON}", f"Last-Modified: {NOON}"),
        (f"Date: {NOON}", f"Last-Modified: {AFTER_NOON}"),
        ("Last-Modified: now",),
        (f"Last-Modified: {NOON}", "Date: at noon"),
        (f"Date: {AFTER_NOON}", f"Last-Modified: {BEFORE_NOON}", f"Last-Modified: {NOON}"),
        (f"Date: {NOON}", f"Date: {AFTER_NOON}", f"Last-Modified: {NOON}"),
        (f"Date: {AFTER_NOON}", f"Last-Modified: {NOON}", 'ETag: W/"one"'),
        (f"Date: {AFTER_NOON}", f"Last-Modified: {NOON}", "ETag: one"),
        ('ETag: "one"', 'ETag: "two"'),
        ('ETag: "one", "two"',),
        (f'ETag: "{"x" * 200}"',),
    ],
    ids=[
        "modified when it was sent", "modified later", "no Date, modified just now", "no date",
        "two times of change", "two dates", "a weak ETag beside a date", "an ETag without quotes",
        "two ETags", "two ETags in one", "an ETag that is too long",
    ],
)  # fmt: skip
def test_two_versions_of_a_file_are_never_mixed(
    web: Origin, tmp_path: Path, lines: tuple[str, ...]
) -> None:
    now = email.utils.formatdate(usegmt=True)
    url, new = versions(web, *(line.replace(": now", f": {now}") for line in lines), proven="")
    with pytest.raises(errors.ConnectionFailed) as failed:
        airscoop.copy(url, tmp_path / "f", restarts=0)
    assert failed.value.retryable and list(tmp_path.iterdir()) == []
    airscoop.copy(url, tmp_path / "f")  # the next try reads it from the start
    assert (tmp_path / "f").read_bytes() == new
    assert starts(web) == [0, 0]


@pytest.mark.parametrize(
    ("rest", "failure"),
    [
        ((f"Date: {AFTER_NOON}", f"Last-Modified: {NOON}"), errors.SourceChanged),
        (('ETag: "two"',), errors.SourceChanged),
        ((), errors.ConnectionFailed),
    ],
    ids=["another date", "another ETag", "no ETag"],
)
def test_a_rest_that_is_not_proven_to_be_of_the_same_file_is_not_taken(
    web: Origin, tmp_path: Path, rest: tuple[str, ...], failure: type[Exception]
) -> None:
    lines: tuple[str, ...] = (f"Date: {NOON}", f"Last-Modified: {BEFORE_NOON}")
    if failure is errors.ConnectionFailed or "ETag" in rest[0]:
        lines = ('ETag: "one"',)
    url, _ = versions(web, *lines, proven="", rest=rest)
    with pytest.raises(failure):
        airscoop.copy(url, tmp_path / "f", restarts=0)
    assert list(tmp_path.iterdir()) == []
    assert starts(web)[1:] != [0]


def test_a_date_of_the_second_before_the_answer_proves_the_same_file(
    web: Origin, tmp_path: Path
) -> None:
    validator = f"Last-Modified: {BEFORE_NOON}"
    dated = [f"Date: {NOON}\r\n{validator}"] * 2
    cut, whole = (part(BODY, cut=cut, shown=shown, validator=validator)
                  for cut, shown in zip((MIB, None), dated, strict=True))  # fmt: skip
    airscoop.copy(web.serve("/f", cut, whole), tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY
    assert starts(web)[1] > 0


def test_records_are_counted_once_over_a_break(web: Origin, tmp_path: Path) -> None:
    text = json_lines(20000)
    packed = gzipped(text)
    url = web.serve("/f", part(packed, cut=len(packed) // 2), part(packed))
    receipt = airscoop.copy(url, tmp_path / "f", format="jsonl")
    assert (tmp_path / "f").read_bytes() == text
    assert receipt.records_out == 20000


def test_a_source_that_changed_meanwhile_is_an_error(web: Origin, tmp_path: Path) -> None:
    url = web.serve("/f", part(BODY, cut=MIB), part(BODY, etag='"two"'))
    with pytest.raises(errors.SourceChanged):
        airscoop.copy(url, tmp_path / "f")
    assert list(tmp_path.iterdir()) == []


def test_a_rest_of_another_length_is_a_changed_source(web: Origin, tmp_path: Path) -> None:
    url = web.serve("/f", part(BODY, cut=MIB), part(BODY + b"more"))
    with pytest.raises(errors.SourceChanged):
        airscoop.copy(url, tmp_path / "f")


@pytest.mark.parametrize(
    ("first", "requests"),
    [
        ({"ranges": False}, 1),
        ({"validator": 'ETag: W/"weak"'}, 1),
        ({"validator": "Server: none"}, 1),
    ],
    ids=["no ranges", "a weak ETag", "no validator"],
)
def test_without_proof_of_sameness_the_rest_is_not_asked_for(
    web: Origin, tmp_path: Path, first: dict[str, Any], requests: int
) -> None:
    url = web.serve("/f", part(BODY, cut=MIB, **first), part(BODY, **first))
    with pytest.raises(errors.ConnectionFailed):
        airscoop.copy(url, tmp_path / "f", restarts=0)
    assert len(web.heads) == requests
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_promised_ranges_and_sends_the_start_again_is_not_believed(
    web: Origin, tmp_path: Path
) -> None:
    def from_the_start(connection: socket.socket, head: str) -> None:
        part(BODY)(connection, head.replace("Range:", "Was:"))

    url = web.serve("/f", part(BODY, cut=MIB), from_the_start)
    with pytest.raises(errors.ConnectionFailed, match="the connection broke after"):
        airscoop.copy(url, tmp_path / "f", restarts=0)
    assert list(tmp_path.iterdir()) == []


def test_a_rest_that_begins_elsewhere_is_refused(web: Origin, tmp_path: Path) -> None:
    def shifted(connection: socket.socket, head: str) -> None:
        head = re.sub(r"bytes=(\d+)-", lambda at: f"bytes={int(at.group(1)) - 1}-", head)
        part(BODY)(connection, head)

    with pytest.raises(errors.ProtocolError, match="asked for the rest"):
        airscoop.copy(web.serve("/f", part(BODY, cut=MIB), shifted), tmp_path / "f")
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_breaks_off_for_ever_without_progress_ends_the_copy(
    web: Origin, tmp_path: Path
) -> None:
    url = web.serve("/f", part(BODY, cut=MIB), part(BODY, cut=10))
    with pytest.raises((errors.Truncated, errors.ConnectionFailed)):
        airscoop.copy(url, tmp_path / "f")
    assert len(web.heads) > 3


def test_an_outage_between_two_attempts_is_survived(web: Origin, tmp_path: Path) -> None:
    url = web.serve("/f", part(BODY, cut=MIB), status(503), part(BODY))
    airscoop.copy(url, tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == BODY


def test_an_object_cut_on_its_way_is_taken_up_again(
    store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    source = store.put("f", BODY)
    proxy.on("get", cut_answer)
    receipt = airscoop.copy(
        source, tmp_path / "f", source_s3=store.settings(endpoint_url=proxy.url)
    )
    assert (tmp_path / "f").read_bytes() == BODY
    assert receipt.retries == 1


@pytest.mark.parametrize("etag", ['W/"weak"', "bare", '"a", "b"'])
def test_an_object_without_a_strong_etag_is_not_taken_up_again(
    store: Store, proxy: FaultProxy, tmp_path: Path, etag: str
) -> None:
    def cut(handler: Any, request: Request) -> None:
        code, headers, body = handler.forward(request)
        handler.answer(code, body[:MIB], headers | {"Etag": etag}, length=len(body))
        handler.hang_up()

    source = store.put("f", BODY)
    proxy.on("get", cut)
    with pytest.raises((errors.Truncated, errors.ConnectionFailed)):
        airscoop.copy(
            source, tmp_path / "f", source_s3=store.settings(endpoint_url=proxy.url), restarts=0
        )
    assert list(tmp_path.iterdir()) == []
    assert proxy.kinds() == ["get"]


def test_an_object_that_changed_meanwhile_is_an_error(
    store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    source = store.put("f", BODY)

    def cut_and_replace(handler: Any, request: Request) -> None:
        forwarded = handler.forward(request)
        store.put("f", BODY[::-1])
        code, headers, body = forwarded
        handler.answer(code, body[:MIB], headers, length=len(body))
        reset(handler.connection)
        handler.close_connection = True

    proxy.on("get", cut_and_replace)
    with pytest.raises(errors.SourceChanged):
        airscoop.copy(source, tmp_path / "f", source_s3=store.settings(endpoint_url=proxy.url))
    assert list(tmp_path.iterdir()) == []
