"""Headers, logins, cookies and bodies of web sources: sent where they belong, and shown nowhere."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors
from airscoop.transfer.resume import FileResumeStore
from support.certificates import make_certificate, server_context
from support.fault_server import Origin, origin, raw, redirect, status, with_length
from support.s3 import AIRSCOOP, Store

DATA = b"data\n"
SECRET = "s3cr3t-of-tests"
LOGINS: dict[str, dict[str, Any]] = {
    "header": {"headers": {"X-Api-Key": SECRET}},
    "cookie": {"headers": {"Cookie": f"session={SECRET}"}},
    "basic": {"auth": ("user", SECRET)},
    "bearer": {"auth": f"Bearer {SECRET}"},
}
SENT = {
    "header": f"X-Api-Key: {SECRET}",
    "cookie": f"Cookie: session={SECRET}",
    "basic": "Authorization: Basic dXNlcjpzM2NyM3Qtb2YtdGVzdHM=",
    "bearer": f"Authorization: Bearer {SECRET}",
}


@pytest.fixture
def other() -> Iterator[Origin]:
    with origin() as server:
        yield server


def lines(head: str) -> dict[str, str]:
    """The headers of a request, names in lower case."""
    pairs = (line.partition(": ") for line in head.split("\r\n")[1:])
    return {name.lower(): value for name, _, value in pairs}


@pytest.mark.parametrize("kind", LOGINS)
def test_a_login_is_sent_and_shown_nowhere(kind: str, web: Origin, tmp_path: Path) -> None:
    url = web.serve("/data", with_length(DATA))
    receipt = airscoop.copy(url, tmp_path / "a", **LOGINS[kind])
    assert SENT[kind] in web.heads[0].split("\r\n")
    assert SECRET not in repr(receipt) + receipt.summary()


@pytest.mark.parametrize("kind", LOGINS)
def test_a_login_goes_with_redirects_at_the_same_place(
    kind: str, web: Origin, tmp_path: Path
) -> None:
    url = web.serve("/a", redirect("/b"))
    web.serve("/b", redirect(web.serve("/c", with_length(DATA))))
    airscoop.copy(url, tmp_path / "a", **LOGINS[kind])
    assert [SENT[kind] in head.split("\r\n") for head in web.heads] == [True, True, True]


@pytest.mark.parametrize("kind", LOGINS)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_login_goes_to_no_other_host_or_port(
    kind: str, host: str, web: Origin, other: Origin, tmp_path: Path
) -> None:
    back = web.serve("/back", with_length(DATA))
    url = web.serve("/a", redirect(other.serve("/b", redirect(back), host=host)))
    airscoop.copy(url, tmp_path / "a", **LOGINS[kind])
    assert SECRET not in other.heads[0] and "authorization" not in other.heads[0].lower()
    assert "x-api-key" not in other.heads[0].lower() and "cookie" not in other.heads[0].lower()
    assert SENT[kind] in web.heads[1].split("\r\n")  # home again


@pytest.mark.parametrize("kind", LOGINS)
def test_a_login_goes_to_no_other_scheme(
    kind: str, web: Origin, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ca = make_certificate(tmp_path_factory.mktemp("tls"))
    with origin(server_context(ca)) as secure:
        url = web.serve("/a", redirect(secure.serve("/b", with_length(DATA))))
        airscoop.copy(url, tmp_path / "a", s3=airscoop.S3Settings(ca_file=str(ca)), **LOGINS[kind])
        assert len(secure.heads) == 1
        assert not {"authorization", "x-api-key", "cookie"} & lines(secure.heads[0]).keys()


def test_a_login_goes_with_the_request_for_the_rest(web: Origin, tmp_path: Path) -> None:
    body = b"x" * 200_000
    common = 'ETag: "1"\r\nAccept-Ranges: bytes\r\n'
    first = with_length(body[:100_000], said=len(body), headers=common)
    head = "HTTP/1.1 206 Rest\r\nContent-Length: 100000\r\n"
    head += f"Content-Range: bytes 100000-199999/200000\r\n{common}\r\n"
    url = web.serve("/a", first, raw(head.encode(), body[100_000:]))
    airscoop.copy(url, tmp_path / "a", auth=("user", SECRET))
    assert (tmp_path / "a").read_bytes() == body
    assert [SENT["basic"] in head.split("\r\n") for head in web.heads] == [True, True]


@pytest.mark.parametrize(
    "name",
    ["Range", "if-match", "If-Range", "If-Anything", "Accept-Encoding", "Content-Length", "HOST",
     "Transfer-Encoding", "Connection", "Expect", "Proxy-Authorization"],
)  # fmt: skip
def test_headers_that_say_how_data_come_cannot_be_set(
    name: str, web: Origin, tmp_path: Path
) -> None:
    url = web.serve("/a", with_length(DATA))
    with pytest.raises(errors.UsageError, match=f"the header {name} cannot be set"):
        airscoop.copy(url, tmp_path / "a", headers={name: SECRET})
    assert web.heads == []


@pytest.mark.parametrize(
    "headers",
    [{"X-A": f"{SECRET}\r\nX-B: 1"}, {"X-A": f"{SECRET}\nX-B: 1"}, {"X-A\r\nX-B": SECRET},
     {"X-A:": SECRET}, {"": SECRET}, {"X A": SECRET}, {"X-A": f"{SECRET}\x00"},
     {"X-A": f"{SECRET}\x1b"}, {"X-A": 5}, [("X-A", SECRET)], f"X-A: {SECRET}"],
)  # fmt: skip
def test_a_header_is_one_line(headers: Any, web: Origin, tmp_path: Path) -> None:
    url = web.serve("/a", with_length(DATA))
    with pytest.raises(errors.UsageError) as caught:
        airscoop.copy(url, tmp_path / "a", headers=headers)
    assert SECRET not in str(caught.value) and "\n" not in str(caught.value)
    assert web.heads == []


@pytest.mark.parametrize(
    "auth",
    [("a:b", SECRET), SECRET, f"Basic {SECRET}", ("user",), "Bearer ", f"Bearer {SECRET} x",
     f"Bearer {SECRET}\r\nX: y", 5],
)  # fmt: skip
def test_what_is_no_login_is_refused_without_telling_it(
    auth: Any, web: Origin, tmp_path: Path
) -> None:
    with pytest.raises(errors.UsageError) as caught:
        airscoop.copy(web.serve("/a", with_length(DATA)), tmp_path / "a", auth=auth)
    assert SECRET not in str(caught.value)
    assert web.heads == []


def test_two_logins_are_one_too_many(web: Origin, tmp_path: Path) -> None:
    url = web.serve("/a", with_length(DATA))
    with pytest.raises(errors.UsageError, match="two logins"):
        airscoop.copy(url, tmp_path / "a", auth=("u", "p"), headers={"authorization": "x"})


def test_the_headers_of_the_caller_replace_ours(web: Origin, tmp_path: Path) -> None:
    url = web.serve("/a", with_length(DATA))
    airscoop.copy(url, tmp_path / "a")
    airscoop.copy(
        url, tmp_path / "a", headers={"Accept": "text/csv", "User-Agent": "me", "X-Empty": ""}
    )
    assert f"User-Agent: airscoop/{airscoop.__version__}" in web.heads[0]
    assert lines(web.heads[0])["accept"] == "*/*"
    assert lines(web.heads[1])["accept"] == "text/csv"
    assert lines(web.heads[1])["user-agent"] == "me"
    assert "X-Empty:" in web.heads[1]
    assert web.heads[1].lower().count("accept:") == 1


def test_headers_are_for_web_sources(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(DATA)
    for options in ({"headers": {"X": "y"}}, {"auth": ("u", "p")}, {"body": "x"}):
        with pytest.raises(errors.UsageError, match="source on the web"):
            airscoop.copy(tmp_path / "f", tmp_path / "a", **options)


@pytest.mark.parametrize("kind", LOGINS)
def test_reading_and_opening_take_a_login_too(kind: str, web: Origin) -> None:
    url = web.serve("/a", with_length(DATA))
    assert b"".join(airscoop.read(url, format="raw", **LOGINS[kind])) == DATA
    with airscoop.open(url, "rb", **LOGINS[kind]) as file:
        assert file.read() == DATA
    airscoop.check(url, format="raw", **LOGINS[kind])
    assert [SENT[kind] in head.split("\r\n") for head in web.heads] == [True] * len(web.heads)


# --- netrc ---


@pytest.fixture
def netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "netrc"
    file.write_text(f"machine 127.0.0.1 login user password {SECRET}\n")
    file.chmod(0o600)
    monkeypatch.setenv("NETRC", str(file))
    return file


def test_netrc_has_the_login_of_a_host(
    netrc: Path, web: Origin, other: Origin, tmp_path: Path
) -> None:
    url = web.serve("/a", redirect(other.serve("/b", with_length(DATA))))
    airscoop.copy(url, tmp_path / "a", auth="netrc")
    assert SENT["basic"] in web.heads[0]
    assert "authorization" not in other.heads[0].lower()


@pytest.mark.parametrize(
    ("text", "said"),
    [("machine other login a password b\n", "no login for 127.0.0.1"), (f"{SECRET}\n", "line "),
     (None, "No such file")],
)  # fmt: skip
def test_a_netrc_that_does_not_help_is_named(
    text: str | None, said: str, netrc: Path, web: Origin, tmp_path: Path
) -> None:
    netrc.unlink() if text is None else netrc.write_text(text)
    with pytest.raises(errors.UsageError, match=said) as caught:
        airscoop.copy(web.serve("/a", with_length(DATA)), tmp_path / "a", auth="netrc")
    assert str(netrc) in str(caught.value) and SECRET not in str(caught.value)


# --- cookies ---


def test_cookies_are_kept_over_the_redirects_of_a_transfer(
    web: Origin, other: Origin, tmp_path: Path
) -> None:
    def hop(place: str, cookie: str) -> Any:
        head = f"HTTP/1.1 302 On\r\nLocation: {place}\r\nSet-Cookie: {cookie}; Path=/\r\n"
        return raw(f"{head}Content-Length: 0\r\nConnection: close\r\n\r\n".encode())

    last = web.serve("/last", with_length(DATA))
    there = other.serve("/there", hop(last, "theirs=1"))
    web.serve("/next", hop(there, "second=2"))
    url = web.serve("/a", hop("/next", "first=1"))
    airscoop.copy(url, tmp_path / "a")
    assert "cookie" not in lines(web.heads[0])
    assert lines(web.heads[1])["cookie"] == "first=1"
    assert "cookie" not in lines(other.heads[0])
    assert set(lines(web.heads[2])["cookie"].split("; ")) == {"first=1", "second=2"}
    airscoop.copy(url, tmp_path / "a")
    assert "cookie" not in lines(web.heads[3])


def test_a_given_cookie_and_those_of_the_server_are_one_header(web: Origin, tmp_path: Path) -> None:
    head = b"HTTP/1.1 302 On\r\nLocation: /b\r\nSet-Cookie: s=1\r\nContent-Length: 0\r\n\r\n"
    web.serve("/b", with_length(DATA))
    airscoop.copy(web.serve("/a", raw(head)), tmp_path / "a", headers={"cookie": "mine=2"})
    assert web.heads[1].lower().count("cookie:") == 1
    assert set(lines(web.heads[1])["cookie"].split("; ")) == {"s=1", "mine=2"}


# --- POST ---


@pytest.mark.parametrize(
    ("body", "sent", "kind"),
    [("day=1&x=ü", b"day=1&x=\xc3\xbc", None), (b"{}", b"{}", None), ("", b"", None),
     ({"day": 1}, b'{"day": 1}', "application/json"), ([1], b"[1]", "application/json")],
)  # fmt: skip
def test_a_body_is_posted(
    body: Any, sent: bytes, kind: str | None, web: Origin, tmp_path: Path
) -> None:
    url = web.serve("/export", with_length(DATA))
    airscoop.copy(url, tmp_path / "a", body=body)
    assert (tmp_path / "a").read_bytes() == DATA
    assert web.bodies == [sent]
    assert web.heads[0].startswith("POST /export ")
    assert lines(web.heads[0]).get("content-type") == kind


@pytest.mark.parametrize(
    "answer",
    [status(503), status(429), with_length(b"half", said=1000), raw(b"")],
    ids=["503", "429", "cut", "nothing"],
)
def test_a_post_is_sent_once(answer: Any, web: Origin, tmp_path: Path) -> None:
    url = web.serve("/export", answer)
    with pytest.raises(errors.AirscoopError):
        airscoop.copy(url, tmp_path / "a", body="x")
    assert web.bodies == [b"x"]
    assert list(tmp_path.iterdir()) == []


def test_an_idempotent_post_is_sent_again(web: Origin, tmp_path: Path) -> None:
    url = web.serve("/export", status(503), with_length(DATA))
    airscoop.copy(url, tmp_path / "a", body="x", idempotent=True)
    assert web.bodies == [b"x", b"x"]
    assert (tmp_path / "a").read_bytes() == DATA


def test_a_posts_answer_that_breaks_is_not_asked_for_in_ranges(web: Origin, tmp_path: Path) -> None:
    headers = 'ETag: "1"\r\nAccept-Ranges: bytes\r\n'
    cut = with_length(b"x" * 100_000, said=200_000, headers=headers)
    url = web.serve("/export", cut)
    with pytest.raises(errors.AirscoopError):
        airscoop.copy(url, tmp_path / "a", body="x")
    assert len(web.heads) == 1


def test_a_post_that_has_to_be_read_again_is_checked_on_the_way(
    web: Origin, tmp_path: Path
) -> None:
    """Gzip JSON lines pass unchanged until one has to change: then the source is read again."""
    import gzip

    packed = gzip.compress(b'{"a": 1}\n' * 1000 + b'{"a":\n 2}\n')
    url = web.serve("/x.jsonl.gz", with_length(packed))
    airscoop.copy(url, tmp_path / "a.jsonl.gz", body="x", format="jsonl")
    assert web.bodies == [b"x"]
    assert gzip.decompress((tmp_path / "a.jsonl.gz").read_bytes()).count(b"\n") == 1001


def test_a_post_is_redirected_as_browsers_do(web: Origin, other: Origin, tmp_path: Path) -> None:
    done = other.serve("/done", with_length(DATA))
    url = web.serve("/export", redirect(done, status=303))
    airscoop.copy(url, tmp_path / "a", body="x")
    assert other.heads[0].startswith("GET /done ") and "content-length" not in lines(other.heads[0])
    web.serve("/new", with_length(DATA))
    url = web.serve("/old", redirect("/new", status=307))
    airscoop.copy(url, tmp_path / "a", body="y")
    assert web.bodies == [b"x", b"y", b"y"]


def test_a_body_is_not_sent_to_another_host(web: Origin, other: Origin, tmp_path: Path) -> None:
    place = other.serve("/new", with_length(DATA))
    url = web.serve("/old", redirect(place, status=308))
    with pytest.raises(errors.HttpError, match="redirects a POST to another"):
        airscoop.copy(url, tmp_path / "a", body="x")
    assert other.heads == []


def test_what_cannot_be_posted_is_wrong_usage(web: Origin, tmp_path: Path) -> None:
    url = web.serve("/a", with_length(DATA))
    for body in (b"\xff", "\0", {1: object()}, 5, io.StringIO("x")):
        with pytest.raises(errors.UsageError, match="body"):
            airscoop.copy(url, tmp_path / "a", body=body)  # type: ignore[arg-type]
    with pytest.raises(errors.UsageError, match="idempotent"):
        airscoop.copy(url, tmp_path / "a", idempotent=True)
    assert web.heads == []


# --- shown nowhere ---


def test_a_resume_file_and_a_trace_hold_no_login(
    web: Origin, store: Store, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    body = b"x" * 20_000_000
    headers = 'ETag: "1"\r\nAccept-Ranges: bytes\r\n'
    cut = with_length(body[:12_000_000], said=len(body), headers=headers)
    url = web.serve("/a", cut, status(403, body=SECRET.encode()))
    file = tmp_path / "resume"
    with pytest.raises(errors.AirscoopError) as caught:
        airscoop.copy(
            url,
            store.uri("a"),
            destination_s3=store.settings(),
            resume=FileResumeStore(file),
            headers={"X-Api-Key": SECRET},
        )
    assert SECRET not in str(caught.value)
    assert not file.exists() or SECRET not in file.read_text()
    assert SECRET not in capfd.readouterr().err


def test_the_command_takes_headers_from_a_file(
    netrc: Path, web: Origin, store: Store, tmp_path: Path
) -> None:
    (tmp_path / "headers").write_text(f"X-Api-Key: {SECRET}\n\nX-Other: a: b\n")
    (tmp_path / "body").write_text("day=1")
    url = web.serve("/export", with_length(DATA))
    done = subprocess.run(
        [*AIRSCOOP, "-v", "copy", url, tmp_path / "a", "-H", f"@{tmp_path}/headers", "-H",
         "Accept: text/csv", "--netrc", "--data", f"@{tmp_path}/body"],
        env=store.environment() | {"NETRC": str(netrc)},
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    sent = lines(web.heads[0])
    assert sent["x-api-key"] == SECRET and sent["x-other"] == "a: b"
    assert sent["accept"] == "text/csv" and sent["authorization"].startswith("Basic ")
    assert sent["content-type"] == "application/x-www-form-urlencoded"
    assert web.bodies == [b"day=1"]
    assert SECRET not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["-H", SECRET], "NAME: VALUE"),
        (["-H", f"Range: {SECRET}"], "Range cannot be set"),
        (["-H", f"X-A: {SECRET}", "-H", "x-a: 2"], "given twice"),
        (["-H", "@/nowhere"], "/nowhere: No such file"),
        (["--data", "@/nowhere"], "/nowhere: No such file"),
        (["--idempotent"], "idempotent"),
    ],
)
def test_wrong_flags_say_what_to_write_and_no_secret(
    flags: list[str], said: str, web: Origin, store: Store, tmp_path: Path
) -> None:
    url = web.serve("/a", with_length(DATA))
    done = subprocess.run(
        [*AIRSCOOP, "copy", url, tmp_path / "a", *flags],
        env=store.environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert said in done.stderr and SECRET not in done.stderr
    assert web.heads == []
