"""Web addresses are sent as browsers send them, in sources and in redirects."""

from __future__ import annotations

from pathlib import Path

import pytest

import airscoop
from airscoop import errors
from support.fault_server import Origin, origin, raw, redirect, with_length
from support.s3 import Store

DATA = b"data\n"


def target(head: str) -> str:
    """What a request asks for."""
    return head.split(" ")[1]


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("/a/../b/./c", "/b/c"),
        ("/../../b", "/b"),
        ("/a/%2e%2E/b", "/b"),
        ("/a//../b/", "/a/b/"),
        ("/a b/ü.csv", "/a%20b/%C3%BC.csv"),
        ("/a%20b/%C3%BC.csv", "/a%20b/%C3%BC.csv"),
        ("/a?q=x y&r=é#part", "/a?q=x%20y&r=%C3%A9"),
        ("?q", "/?q"),
        ("", "/"),
        ("/a \n", "/a"),
        ("/a/../b?X-Amz-Signature=1", "/a/../b?X-Amz-Signature=1"),
        ("/a/./b?Signature=1&Key-Pair-Id=k", "/a/./b?Signature=1&Key-Pair-Id=k"),
        ("/a/../b c?sv=2022&sig=a%2Bb%3D", "/a/../b%20c?sv=2022&sig=a%2Bb%3D"),
    ],
)
def test_a_source_is_asked_for_as_a_browser_asks(
    given: str, sent: str, web: Origin, tmp_path: Path
) -> None:
    base = web.serve(sent.partition("?")[0], with_length(DATA)).removesuffix(sent.partition("?")[0])
    airscoop.copy(f" \t{base}{given}", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == DATA
    assert [target(head) for head in web.heads] == [sent]


@pytest.mark.parametrize(
    ("place", "sent"),
    [
        ("../b/./c", "/b/c"),
        ("c d", "/a/c%20d"),
        ("?q r", "/a/here?q%20r"),
        ("/x/../é", "/%C3%A9"),
        ("{base}/a/../b#part", "/b"),
        ("//{host}/a/./b", "/a/b"),
        ("/a/../b?sig=1", "/a/../b?sig=1"),
        ("{base}/a/../b?X-Amz-Signature=1", "/a/../b?X-Amz-Signature=1"),
    ],
)
def test_a_redirect_is_read_as_a_browser_reads_it(
    place: str, sent: str, web: Origin, tmp_path: Path
) -> None:
    base = web.serve(sent.partition("?")[0], with_length(DATA)).removesuffix(sent.partition("?")[0])
    place = place.format(base=base, host=base.partition("://")[2])
    answer = f"HTTP/1.1 302 Elsewhere\r\nLocation: {place} \r\nContent-Length: 5\r\n\r\nthere"
    web.serve("/a/here", raw(answer.encode()), with_length(DATA))
    airscoop.copy(f"{base}/a/here", tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == DATA
    assert [target(head) for head in web.heads] == ["/a/here", sent]


def test_a_redirect_with_a_long_page_is_followed_without_reading_it(
    web: Origin, tmp_path: Path
) -> None:
    web.serve("/b", with_length(DATA))
    head = b"HTTP/1.1 301 Moved\r\nLocation: /b\r\nContent-Length: 1000000000000\r\n\r\n"
    airscoop.copy(web.serve("/a", raw(head, b"<html>" * 100_000)), tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == DATA


def test_a_redirect_whose_page_breaks_off_is_followed(web: Origin, tmp_path: Path) -> None:
    web.serve("/b", with_length(DATA))
    head = b"HTTP/1.1 303 Other\r\nLocation: /b\r\nContent-Length: 1000\r\n\r\n<html>"
    airscoop.copy(web.serve("/a", raw(head)), tmp_path / "a")
    assert (tmp_path / "a").read_bytes() == DATA


def test_a_long_signed_redirect_is_followed_whole(web: Origin, tmp_path: Path) -> None:
    token = "t" * 8000
    web.serve("/b", with_length(DATA))
    airscoop.copy(web.serve("/a", redirect(f"/b?token={token}&sig=1")), tmp_path / "a")
    assert target(web.heads[1]) == f"/b?token={token}&sig=1"


def test_an_error_behind_a_redirect_names_both_places(web: Origin, tmp_path: Path) -> None:
    url = web.serve("/a", redirect("http://user:pass-word@127.0.0.1:1/b?sig=s3cr3t"))
    with pytest.raises(errors.ConnectionFailed) as caught:
        airscoop.copy(url, tmp_path / "a")
    said = str(caught.value)
    assert f"{url}, redirected to http://127.0.0.1:1/b" in said
    assert "pass-word" not in said and "s3cr3t" not in said


def test_a_login_in_an_address_goes_with_redirects_to_the_same_place_alone(
    web: Origin, tmp_path: Path
) -> None:
    web.serve("/b", with_length(DATA))
    url = web.serve("/a", redirect("/b")).replace("://", "://user:pass@word@")
    airscoop.copy(url, tmp_path / "a")
    expected = "authorization: basic dxnlcjpwyxnzqhdvcmq="
    assert [expected in head.lower() for head in web.heads] == [True, True]


def test_a_login_in_an_address_is_not_sent_to_another_port(web: Origin, tmp_path: Path) -> None:
    with origin() as other:
        place = other.serve("/b", with_length(DATA))
        url = web.serve("/a", redirect(place)).replace("://", "://user:password@")
        airscoop.copy(url, tmp_path / "a")
        assert "authorization" in web.heads[0].lower()
        assert "authorization" not in other.heads[0].lower()


def test_a_backslash_does_not_hide_the_host(web: Origin, tmp_path: Path) -> None:
    base = web.serve("/@other.example/a", with_length(DATA)).removesuffix("/@other.example/a")
    receipt = airscoop.copy(f"{base}\\@other.example/a", tmp_path / "a")
    assert target(web.heads[0]) == "/@other.example/a"
    assert receipt.source == "http://…"  # what is before the @ may be a login


def test_an_international_host_is_looked_up_by_its_ascii_name(tmp_path: Path) -> None:
    with pytest.raises(errors.ConnectionFailed, match=r"xn--bcher-kva\.invalid"):
        airscoop.copy("http://bücher.invalid/a", tmp_path / "a")


def test_keys_in_s3_stay_as_they_are(store: Store, tmp_path: Path) -> None:
    for key in ("a b", "ü", "a%20b", "a?X=1#f", "a ", "a\\b"):
        airscoop.copy(_file(tmp_path, key), store.uri(key), destination_s3=store.settings())
        assert store.get(key) == key.encode()
        with airscoop.open(store.uri(key), "rb", s3=store.settings()) as file:
            assert file.read() == key.encode()


def _file(folder: Path, text: str) -> Path:
    (folder / "f").write_text(text)
    return folder / "f"
