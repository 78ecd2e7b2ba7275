"""An object behind a slow network is fetched in ranges side by side: put in place in a file, or in
order where the order matters. What arrives is the object, or nothing does."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors
from airscoop.aws.storage import head
from airscoop.transfer.copy import read
from support.fault_server import FaultProxy, Request, cut_answer
from support.s3 import MIB, Store
from support.slow_lines import OBJECT, SlowLines, place, to_file


@pytest.fixture
def lines(placed: str, proxy: FaultProxy) -> SlowLines:
    """Slow lines to the object."""
    slow = SlowLines(placed)
    proxy.on("get", slow, times=1000)
    return slow


def in_order(source: str, settings: airscoop.S3Settings, folder: Path) -> bytes:
    return b"".join(read(source, format="raw", s3=settings))


Fetch = Callable[[str, airscoop.S3Settings, Path], bytes]
both_ways = pytest.mark.parametrize("fetch", [to_file, in_order])


@both_ways
def test_more_ranges_are_fetched_at_once_while_that_brings_more(
    fetch: Fetch, store: Store, proxy: FaultProxy, lines: SlowLines, tmp_path: Path
) -> None:
    assert fetch(lines.source, store.settings(endpoint_url=proxy.url), tmp_path) == OBJECT
    first, *others = proxy.requests("get")
    assert first.headers["Range"] is None
    assert lines.most > 3
    etag = head(lines.source, s3=store.settings()).etag
    assert {other.headers["If-Match"] for other in others} == {etag}
    ranges = sorted([int(end) for end in other.headers["Range"][6:].split("-")] for other in others)
    assert all(last + 1 == start for (_, last), (start, _) in itertools.pairwise(ranges))
    assert ranges[-1][1] == len(OBJECT) - 1


@both_ways
@pytest.mark.parametrize("etag", ['W/"weak"', "bare", '"a", "b"'])
def test_without_a_strong_etag_a_slow_object_is_one_request(
    fetch: Fetch, store: Store, proxy: FaultProxy, tmp_path: Path, etag: str
) -> None:
    data = OBJECT[: 20 * MIB]
    slow = SlowLines(store.put("f", data))

    def weakened(handler: Any, request: Request) -> None:
        code, headers, body = handler.forward(request)
        slow.send(handler, code, headers | {"Etag": etag}, body)

    proxy.on("get", weakened, times=1000)
    assert fetch(slow.source, store.settings(endpoint_url=proxy.url), tmp_path) == data
    assert len(proxy.requests("get")) == 1


def test_an_object_that_comes_fast_is_one_request(
    store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    source = store.put("f", OBJECT[: 4 * MIB])
    assert to_file(source, store.settings(endpoint_url=proxy.url), tmp_path) == OBJECT[: 4 * MIB]
    assert len(proxy.requests("get")) == 1


@both_ways
def test_a_broken_range_is_taken_up_again(
    fetch: Fetch, store: Store, proxy: FaultProxy, lines: SlowLines, tmp_path: Path
) -> None:
    def cut_ranges(handler: Any, request: Request) -> None:
        wanted = request.headers["Range"]
        whole = wanted is None or wanted in seen or wanted.split("-")[1] in seen
        (lines if whole else cut_answer)(handler, request)
        seen.update([wanted, (wanted or "-").split("-")[1]])
        handler.close_connection = True

    seen: set[str | None] = set()
    proxy.on("get", cut_ranges, times=1000)
    proxy.server.rules.reverse()
    assert fetch(lines.source, store.settings(endpoint_url=proxy.url), tmp_path) == OBJECT
    assert len(proxy.requests("get")) > 2 + len({end for end in seen if end}) / 2


@both_ways
def test_an_object_replaced_between_ranges_is_an_error(
    fetch: Fetch, store: Store, proxy: FaultProxy, lines: SlowLines, tmp_path: Path
) -> None:
    source = place(store, tmp_path)

    def replace_at_the_first_range(handler: Any, request: Request) -> None:
        if request.headers["Range"] is not None:
            store.put("f", OBJECT[::-1])
        lines(handler, request)

    proxy.on("get", replace_at_the_first_range, times=1000)
    proxy.server.rules.reverse()
    with pytest.raises(errors.SourceChanged):
        fetch(source, store.settings(endpoint_url=proxy.url), tmp_path)
    assert list(tmp_path.iterdir()) == []


Answer = tuple[int, dict[str, str], bytes]


def of_another_object(code: int, headers: dict[str, str], body: bytes) -> Answer:
    return code, headers | {"ETag": '"other"', "Etag": '"other"'}, body


def from_elsewhere(code: int, headers: dict[str, str], body: bytes) -> Answer:
    return code, headers | {"Content-Range": f"bytes 0-{len(body) - 1}/{len(OBJECT)}"}, body


def of_another_length(code: int, headers: dict[str, str], body: bytes) -> Answer:
    place = headers["Content-Range"].partition("/")[0]
    return code, headers | {"Content-Range": f"{place}/{len(OBJECT) + 1}"}, body


def too_long(code: int, headers: dict[str, str], body: bytes) -> Answer:
    return code, headers | {"Content-Length": str(len(body) + MIB)}, body + bytes(MIB)


def too_short(code: int, headers: dict[str, str], body: bytes) -> Answer:
    return code, headers | {"Content-Length": str(len(body) - 1)}, body[:-1]


def without_range(code: int, headers: dict[str, str], body: bytes) -> Answer:
    return 200, {n: v for n, v in headers.items() if n != "Content-Range"}, body


def with_a_wrong_byte(code: int, headers: dict[str, str], body: bytes) -> Answer:
    return code, headers, body[:-1] + bytes([body[-1] ^ 1])


@both_ways
@pytest.mark.parametrize(
    ("lie", "kind"),
    [
        (of_another_object, errors.SourceChanged),
        (of_another_length, errors.SourceChanged),
        (from_elsewhere, errors.ProtocolError),
        (without_range, errors.ProtocolError),
        (too_long, errors.ProtocolError),
        (too_short, errors.Truncated),
        (with_a_wrong_byte, errors.CorruptData),
    ],
)
def test_a_range_that_is_not_what_was_asked_for_is_refused(
    lie: Callable[[int, dict[str, str], bytes], Answer],
    kind: type[errors.AirscoopError],
    fetch: Fetch,
    store: Store,
    proxy: FaultProxy,
    lines: SlowLines,
    tmp_path: Path,
) -> None:
    def lie_of_ranges(handler: Any, request: Request) -> None:
        answer = handler.forward(request)
        if request.headers["Range"] is None:
            lines.send(handler, *answer)
        else:
            code, headers, body = lie(*answer)
            handler.answer(code, body, headers)

    proxy.on("get", lie_of_ranges, times=1000)
    proxy.server.rules.reverse()
    with pytest.raises(kind) as caught:
        fetch(lines.source, store.settings(endpoint_url=proxy.url), tmp_path)
    assert lines.source in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_grow_is_named_and_leaves_nothing(
    store: Store, proxy: FaultProxy, lines: SlowLines, tmp_path: Path
) -> None:
    program = (
        "import resource, signal, sys; from airscoop.cli import main;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({30 * MIB}, {30 * MIB}));"
        "sys.exit(main())"
    )
    command = ("copy", lines.source, str(tmp_path / "out"), "--endpoint-url", proxy.url)
    process = store.python(program, *command)
    _, text = process.communicate()
    assert process.returncode != 0
    assert f"writing {tmp_path / 'out'}: File too large" in text
    assert list(tmp_path.iterdir()) == []
