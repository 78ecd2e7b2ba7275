"""The faults that random schedules are made of, each with what it can do to the outcome."""

from __future__ import annotations

import contextlib
import email.utils
import gzip
import http.client
import random
import re
import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from support.fault_server import (
    Fault,
    Request,
    before_body,
    cut_answer,
    error,
    lose_answer,
    plain,
    reset_early,
    shorten_answer,
    without_etag,
)

COMMITS = ("put", "complete")
WRITES = ("put", "part", "create", "complete")
ALL = (*WRITES, "get", "head", "abort", "parts", "delete")


@dataclass(frozen=True)
class Kind:
    """One fault. `passing`: the next attempt meets it no more and may succeed; `restarts`: the
    same, where nothing of the source is in a reader's hands; `hides`: the server may have done what
    the client does not hear of; `blinds`: requests of other kinds suffer too; `encodes`: as many
    bytes as the source has may not be what is read."""

    make: Callable[[random.Random], Fault]
    on: tuple[str, ...]
    passing: bool = False
    restarts: bool = False
    hides: bool = False
    blinds: bool = False
    encodes: bool = False


def _always(fault: Fault) -> Callable[[random.Random], Fault]:
    return lambda chance: fault


def _say(raw: bytes) -> Fault:
    """Some bytes instead of an answer, then the end."""

    def act(handler: Any, request: Request) -> None:
        handler.wfile.write(raw)
        handler.hang_up()

    return act


def _hang_up(handler: Any, request: Request) -> None:
    handler.hang_up()


def _close(handler: Any, request: Request) -> None:
    """FIN instead of an answer, as an idle server ends a connection."""
    handler.close_connection = True


def _refused(chance: random.Random) -> Fault:
    """The connection goes, and for a while new ones are refused."""
    seconds = chance.choice([0.005, 0.03, 0.2])

    def act(handler: Any, request: Request) -> None:
        listener = handler.server.socket
        # A listener that was shut down keeps its port and refuses, until it listens again.
        with contextlib.suppress(OSError):
            listener.shutdown(2)
        handler.hang_up()

        def listen() -> None:
            with contextlib.suppress(OSError):
                listener.listen(64)

        threading.Timer(seconds, listen).start()

    return act


def _cut_body(chance: random.Random) -> Fault:
    share, by_reset = chance.random(), chance.random() < 0.5

    def act(handler: Any, request: Request) -> None:
        code, headers, body = handler.forward(request)
        handler.answer(code, body[: int(len(body) * share)], headers, length=len(body))
        handler.close_connection = True
        if by_reset:
            handler.hang_up()

    return act


def _cut_after_head(handler: Any, request: Request) -> None:
    code, headers, body = handler.forward(request)
    handler.answer(code, b"", headers, length=max(1, len(body)))
    handler.hang_up()


def _stop_sending(chance: random.Random) -> Fault:
    """The server takes a share of the body and closes."""
    share, by_reset = chance.random(), chance.random() < 0.5

    @before_body
    def act(handler: Any, request: Request) -> None:
        handler.rfile.read(int(request.length * share))
        handler.close_connection = True
        if by_reset:
            handler.hang_up()

    return act


def _answer_before_the_body(chance: random.Random) -> Fault:
    code = chance.choice([500, 503])

    @before_body
    def act(handler: Any, request: Request) -> None:
        handler.answer(code, b"", {"Connection": "close"})
        handler.close_connection = True

    return act


def _half_to_the_server(chance: random.Random) -> Fault:
    """Half of the body reaches the real server under the length of the whole."""
    share = chance.random()

    def act(handler: Any, request: Request) -> None:
        upstream = http.client.HTTPConnection(handler.server.upstream, timeout=20)
        with contextlib.suppress(OSError):
            target = request.path + (f"?{request.query}" if request.query else "")
            upstream.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                upstream.putheader(name, value)
            upstream.endheaders(request.body[: int(len(request.body) * share)] or None)
        upstream.close()
        handler.hang_up()

    return act


def _duplicated(chance: random.Random) -> Fault:
    """The answer comes twice; the second time at once, or when the next request has come."""
    late = chance.random() < 0.5

    def act(handler: Any, request: Request) -> None:
        code, headers, body = handler.forward(request)
        handler.answer(code, body, headers)
        if late:
            select.select([handler.connection], [], [], 0.3)
        handler.answer(code, body, headers)

    return act


def _late(chance: random.Random) -> Fault:
    return _after(chance.uniform(0, 0.15))


def _late_create(chance: random.Random) -> Fault:
    """Several parts are full before the upload has a name."""
    return _after(chance.uniform(0.3, 0.8))


def _after(seconds: float) -> Fault:
    def act(handler: Any, request: Request) -> None:
        code, headers, body = handler.forward(request)
        time.sleep(seconds)
        handler.answer(code, body, headers)

    return act


def exchanged(wait_seconds: float) -> Fault:
    """Two requests under way at the same time get each other's answers."""
    meeting = threading.Barrier(2)
    answers: dict[int, Any] = {}

    def act(handler: Any, request: Request) -> None:
        mine = handler.forward(request)
        with contextlib.suppress(threading.BrokenBarrierError):
            place = meeting.wait(wait_seconds)
            answers[place] = mine
            meeting.wait(wait_seconds)
            mine = answers[1 - place]
        code, headers, body = mine
        handler.answer(code, body, headers)

    return act


def _drip(chance: random.Random) -> Fault:
    pieces = chance.randint(3, 30)

    def act(handler: Any, request: Request) -> None:
        code, headers, body = handler.forward(request)
        handler.answer(code, b"", headers, length=len(body))
        if request.method == "HEAD":
            return
        step = len(body) // pieces + 1
        for start in range(0, len(body), step):
            handler.wfile.write(body[start : start + step])
            handler.wfile.flush()
            time.sleep(0.005)

    return act


def _header(name: str, value: str) -> Fault:
    """The answer, with one header that lies."""

    def act(handler: Any, request: Request) -> None:
        code, headers, body = handler.forward(request)
        kept = {n: v for n, v in headers.items() if n.lower() != name.lower()}
        handler.answer(code, body, kept | {name: value})

    return act


def _repeated(chance: random.Random) -> Fault:
    """The answer, with each of its headers again, and one more many times."""
    again, many = chance.choice([1, 3, 24]), chance.choice([24, 70, 300])

    def act(handler: Any, request: Request) -> None:
        code, headers, body = handler.forward(request)
        more = [*headers.items()] * again + [("Cache-Control", "no-cache")] * many
        handler.answer(code, body, headers, more=more)

    return act


def _two_etags(chance: random.Random) -> Fault:
    """The answer, with another ETag before or behind its own."""
    other, first = f'"{chance.randbytes(16).hex()}"', chance.random() < 0.5

    def act(handler: Any, request: Request) -> None:
        code, headers, body = handler.forward(request)
        own = [(n, v) for n, v in headers.items() if n.lower() == "etag"]
        kept = {n: v for n, v in headers.items() if n.lower() != "etag"}
        both = [("ETag", other), *own] if first else [*own, ("ETag", other)]
        handler.answer(code, body, kept, more=both)

    return act


def weak_etag(handler: Any, request: Request) -> None:
    """The answer, with its ETag made weak."""
    code, headers, body = handler.forward(request)
    weak = {n: f"W/{v}" if n.lower() == "etag" else v for n, v in headers.items()}
    handler.answer(code, body, weak)


def _weak_etag_and_cut(chance: random.Random) -> Fault:
    """The same, and the connection goes in the body."""
    share = chance.random()

    def act(handler: Any, request: Request) -> None:
        code, headers, body = handler.forward(request)
        weak = {n: f"W/{v}" if n.lower() == "etag" else v for n, v in headers.items()}
        handler.answer(code, body[: int(len(body) * share)], weak, length=max(1, len(body)))
        handler.hang_up()

    return act


def _wrong_etag(chance: random.Random) -> Fault:
    return _header("ETag", f'"{chance.randbytes(16).hex()}"')


def wrong_completion(handler: Any, request: Request) -> None:
    """The answer to Complete, with another ETag in it."""
    code, headers, body = handler.forward(request)
    start = body.find(b"<ETag>") + len(b"<ETag>") + 8
    handler.answer(code, body[:start] + b"00000000" + body[start + 8 :], headers)


def _wrong_content_range(chance: random.Random) -> Fault:
    by = chance.choice([-1, 1, 1000])

    def act(handler: Any, request: Request) -> None:
        code, headers, body = handler.forward(request)
        for name, value in list(headers.items()):
            if name.lower() == "content-range":
                first, last, total = map(int, re.findall(r"\d+", value))
                headers[name] = f"bytes {max(0, first + by)}-{last}/{total}"
        handler.answer(code, body, headers)

    return act


def _longer_length(handler: Any, request: Request) -> None:
    code, headers, body = handler.forward(request)
    handler.answer(code, body, headers, length=len(body) + 100)
    handler.close_connection = True


def _flip(chance: random.Random) -> Fault:
    """One byte of the body is another; not in a gzip head, of which no sum is kept."""
    where = chance.random()

    def act(handler: Any, request: Request) -> None:
        code, headers, body = handler.forward(request)
        if len(body) > 10:
            at = 10 + int(where * (len(body) - 10))
            body = body[:at] + bytes([body[at] ^ 0x55]) + body[at + 1 :]
        handler.answer(code, body, headers)

    return act


def _whitespace_then(answer: Callable[[Any, Request], bytes]) -> Fault:
    """200 at once, blanks to keep the connection, and the answer at last, as S3 completes."""

    def act(handler: Any, request: Request) -> None:
        handler.send_response_only(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for _ in range(3):
            handler.wfile.write(b"1\r\n \r\n")
            handler.wfile.flush()
            time.sleep(0.01)
        body = answer(handler, request)
        handler.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))

    return act


ERROR_IN_200 = b"<Error><Code>InternalError</Code><Message>late</Message></Error>"
FINAL_IN_200 = b"<Error><Code>InvalidPart</Code><Message>a part is missing</Message></Error>"


def _skewed(chance: random.Random) -> Fault:
    seconds = chance.choice([3600, -3600])

    def act(handler: Any, request: Request) -> None:
        date = email.utils.formatdate(time.time() + seconds, usegmt=True)
        error("RequestTimeTooSkewed", 403, Date=date)(handler, request)

    return act


def _elsewhere(chance: random.Random) -> Fault:
    region = chance.choice(["eu-west-1", "us-east-1"]).encode()
    return plain(400, b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>%s</Region></Error>"
                 % region)  # fmt: skip


def _slow_first_byte(chance: random.Random) -> Fault:
    """The data begin late; the head, too, or the head alone comes at once."""
    seconds, head_first = chance.uniform(0.05, 0.6), chance.random() < 0.5

    def act(handler: Any, request: Request) -> None:
        code, headers, body = handler.forward(request)
        if head_first:
            handler.answer(code, b"", headers, length=len(body))
            handler.wfile.flush()
        time.sleep(seconds)
        if head_first:
            handler.wfile.write(body)
        else:
            handler.answer(code, body, headers)

    return act


def _retry_after(chance: random.Random) -> Fault:
    """In one of both forms, over at once or soon; or what cannot be read."""
    now = time.time()
    wait = chance.choice(
        ["0", "1", "soon", "-1", *(email.utils.formatdate(now + by, usegmt=True) for by in (-9, 1))]
    )
    code = chance.choice([429, 500, 503])

    def act(handler: Any, request: Request) -> None:
        handler.answer(code, b"", {"Retry-After": wait})

    return act


def _retry_after_an_hour(chance: random.Random) -> Fault:
    later = email.utils.formatdate(time.time() + 3600, usegmt=True)
    wait = chance.choice(["3600", later])

    def act(handler: Any, request: Request) -> None:
        handler.answer(503, b"", {"Retry-After": wait})

    return act


def _cut_without_ranges(chance: random.Random) -> Fault:
    """The connection goes, by FIN or RST, and nothing promised ranges."""
    share, by_reset = chance.random(), chance.random() < 0.5

    def act(handler: Any, request: Request) -> None:
        code, headers, body = handler.forward(request)
        if code == 206:
            handler.answer(416, b"", {})
            return
        kept = {n: v for n, v in headers.items() if n.lower() != "accept-ranges"}
        handler.answer(code, body[: int(len(body) * share)], kept, length=max(1, len(body)))
        handler.close_connection = True
        if by_reset:
            handler.hang_up()

    return act


def _cut_then_no_rest(chance: random.Random) -> Fault:
    """The connection goes, and the rest is answered by 416, or by the whole."""
    share, whole = chance.random(), chance.random() < 0.5

    def act(handler: Any, request: Request) -> None:
        asked = request.headers["Range"] is not None
        if asked and not whole:
            handler.answer(416, b"", {})
            return
        del request.headers["Range"]
        code, headers, body = handler.forward(request)
        if asked:
            handler.answer(code, body, headers)
            return
        handler.answer(code, body[: int(len(body) * share)], headers, length=max(1, len(body)))
        handler.hang_up()

    return act


def _redirect_to_itself(handler: Any, request: Request) -> None:
    handler.answer(302, b"", {"Location": request.path})


S3_FAULTS = {
    "refused": Kind(_refused, ALL, blinds=True),
    "reset before the answer": Kind(_always(_hang_up), ALL, passing=True),
    "closed before the answer": Kind(_always(_close), ALL, passing=True),
    "cut in the status line": Kind(_always(_say(b"HTTP/1.1 20")), ALL, passing=True),
    "cut in the head": Kind(
        _always(_say(b"HTTP/1.1 200 OK\r\nETag: \"abc\r\n")), ALL, passing=True
    ),
    "no HTTP": Kind(_always(_say(b"\x16\x03\x01 hello\r\n\r\n")), ALL, passing=True),
    "cut after the head": Kind(_always(_cut_after_head), ALL, hides=True),
    "cut in the body": Kind(_cut_body, ("get", "complete", "create", "parts"), hides=True),
    "half an answer as if whole": Kind(_always(shorten_answer), ("complete", "create"), hides=True),
    "half an answer": Kind(_always(cut_answer), ("complete", "create"), hides=True),
    "lost answer": Kind(_always(lose_answer), ALL, passing=True, hides=True),
    "closed while sending": Kind(_stop_sending, WRITES, passing=True),
    "reset while sending": Kind(_always(reset_early), WRITES, passing=True),
    "answered while sending": Kind(_answer_before_the_body, WRITES),
    "half a body to the server": Kind(_half_to_the_server, ("put", "part"), passing=True),
    "duplicated": Kind(_duplicated, ALL, hides=True, blinds=True),
    "late": Kind(_late, ALL, passing=True),
    "late Create": Kind(_late_create, ("create",), passing=True),
    "exchanged": Kind(lambda chance: exchanged(0.2), ("part",)),
    "drip": Kind(_drip, ("get", "complete", "create"), passing=True),
    "500": Kind(_always(error("InternalError", 500)), ALL, passing=True),
    "503": Kind(_always(error("ServiceUnavailable", 503)), ALL, passing=True),
    "SlowDown": Kind(_always(error("SlowDown", 503)), ALL, passing=True),
    "502 of a proxy": Kind(_always(plain(502, b"<html>Bad Gateway</html>")), ALL, passing=True),
    "error in 200": Kind(_always(plain(200, ERROR_IN_200)), ("complete", "create"), passing=True),
    "final error in 200": Kind(_always(plain(200, FINAL_IN_200)), ("complete", "create")),
    "blanks, then the answer": Kind(
        _always(_whitespace_then(lambda handler, request: handler.forward(request)[2])),
        ("complete",), passing=True,
    ),
    "blanks, then an error": Kind(
        _always(_whitespace_then(lambda handler, request: ERROR_IN_200)), ("complete",),
        passing=True,
    ),
    "NoSuchUpload": Kind(_always(error("NoSuchUpload", 404)), ("part", "complete")),
    "409": Kind(_always(error("OperationAborted", 409)), WRITES),
    "conditional 409": Kind(_always(error("ConditionalRequestConflict", 409)), COMMITS),
    "AccessDenied": Kind(_always(error("AccessDenied", 403)), ALL),
    "ExpiredToken": Kind(_always(error("ExpiredToken", 400)), ALL),
    "wrong ETag": Kind(_wrong_etag, ("put", "part", "get", "head")),
    "repeated headers": Kind(_repeated, ALL, passing=True),
    "two ETags": Kind(_two_etags, ("put", "part", "get", "head")),
    "weak ETag": Kind(_always(weak_etag), ("put", "part", "get", "head")),
    "weak ETag, and cut": Kind(_weak_etag_and_cut, ("get",)),
    "another ETag in the answer": Kind(_always(wrong_completion), ("complete",), hides=True),
    "no ETag": Kind(_always(without_etag), ("put", "part", "get", "head")),
    "wrong checksum": Kind(
        _always(_header("x-amz-checksum-crc32c", "AAAAAA==")), ("put", "part", "get", "head")
    ),
    "longer length": Kind(_always(_longer_length), ("get", "create", "complete"), hides=True),
    "wrong Content-Range": Kind(_wrong_content_range, ("get",)),
    "clock skew": Kind(_skewed, ALL, blinds=True),
    "another region": Kind(_elsewhere, ALL),
}  # fmt: skip


def _unasked_gzip(chance: random.Random) -> Fault:
    """The whole body, encoded by gzip and labelled so, though nobody asked for it."""
    coding, level = chance.choice(["gzip", "GZIP", "x-gzip"]), chance.choice([1, 6])

    def act(handler: Any, request: Request) -> None:
        code, headers, body = handler.forward(request)
        if code == 200:
            body, headers = gzip.compress(body, level), headers | {"Content-Encoding": coding}
        handler.answer(code, body, headers)

    return act


def _unasked_encoding(chance: random.Random) -> Fault:
    """A body in an encoding that nobody asked for, and that airscoop does not decode."""
    coding = chance.choice(["br", "deflate", "zstd", "gzip, gzip"])

    def act(handler: Any, request: Request) -> None:
        code, headers, body = handler.forward(request)
        handler.answer(code, body, headers | {"Content-Encoding": coding})

    return act


WEB_FAULTS = {
    name: S3_FAULTS[name]
    for name in (
        "refused", "reset before the answer", "closed before the answer", "cut in the status line",
        "cut in the head", "no HTTP", "cut after the head", "cut in the body", "lost answer",
        "duplicated", "late", "drip", "500", "503", "502 of a proxy", "longer length",
        "wrong Content-Range", "repeated headers", "two ETags", "weak ETag", "weak ETag, and cut",
    )
} | {
    "slow first byte": Kind(_slow_first_byte, ("get",), passing=True),
    "Retry-After": Kind(_retry_after, ("get",), passing=True),
    "Retry-After of an hour": Kind(_retry_after_an_hour, ("get",)),
    "cut without ranges": Kind(_cut_without_ranges, ("get",), restarts=True),
    "cut, then no rest": Kind(_cut_then_no_rest, ("get",), restarts=True),
    "202": Kind(_always(plain(202)), ("get",)),
    "501": Kind(_always(plain(501)), ("get",)),
    "403": Kind(_always(plain(403, b"no")), ("get",)),
    "redirected to itself": Kind(_always(_redirect_to_itself), ("get",)),
    "encoded unasked": Kind(_unasked_gzip, ("get",), encodes=True),
    "encoded unasked in another way": Kind(_unasked_encoding, ("get",)),
}  # fmt: skip

# Only a gzip source, or an S3 object with a checksum of its own, shows these.
FAULTS_OF_GZIP = {
    "a byte flipped": Kind(_flip, ("get",)),
    "half an answer as if whole": Kind(_always(shorten_answer), ("get",)),
}
