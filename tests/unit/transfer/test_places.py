"""Names of sources, destinations and reject files."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import airscoop
from airscoop.aws.settings import KinesisSettings
from airscoop.cli import main
from airscoop.errors import AirscoopError, UsageError
from airscoop.transfer import places
from airscoop.transfer.options import TransferOptions
from airscoop.transfer.rejects import rejects_for

NOBODY = airscoop.S3Settings(endpoint_url="http://127.0.0.1:9", region="x", anonymous=True)
NOWHERE: dict[str, Any] = {"source_s3": NOBODY, "destination_s3": NOBODY}


@pytest.mark.parametrize(
    ("destination", "rejects"),
    [
        (
            "s3://b/reviews/day=2026-01-01/x.json.gz",
            "s3://b/reviews/_rejects/day=2026-01-01/x.json.gz.jsonl",
        ),
        ("s3://b/r/y=1/m=2/x", "s3://b/r/_rejects/y=1/m=2/x.jsonl"),
        ("s3://b/y=1/x", "s3://b/_rejects/y=1/x.jsonl"),
        ("s3://b/x", "s3://b/_rejects/x.jsonl"),
        ("s3://b/r/x", "s3://b/r/_rejects/x.jsonl"),
        ("s3://b/a=1/r/x", "s3://b/a=1/r/_rejects/x.jsonl"),
        ("/data/day=1/x.gz", "/data/_rejects/day=1/x.gz.jsonl"),
        ("x.gz", "_rejects/x.gz.jsonl"),
    ],
)
def test_rejects_lie_at_the_root_of_the_prefix_outside_partitions(
    destination: str, rejects: str
) -> None:
    assert rejects_for(destination) == rejects


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("https://user:secret@host/a?X-Amz-Signature=1#f", "https://host/a"),
        ("http://host:80/a", "http://host:80/a"),
        ("http://user:secret@[bad/x?token=1#f", "http://[bad/x"),
        ("http://user:secret@[bad?token=1/2", "http://[bad"),
        ("s3://b/a?b", "s3://b/a?b"),
        ("s3://b/a?token=b.json;token=c", "s3://b/a?token=b.json;token=c"),
        ("https://h/a;v=1;to%6Ben=secret/b?c", "https://h/a;v=1;to%6Ben=…"),
        ("https://h/a;jsessionid=secret", "https://h/a;jsessionid=…"),
        ("/tmp/a?b", "/tmp/a?b"),
        ("/tmp/\udcff", "/tmp/\\xff"),
        ("host=h password=secret", "…"),
    ],
)
def test_user_info_and_query_are_never_shown(name: str, shown: str) -> None:
    assert places.displayed(name) == shown


@pytest.mark.parametrize(
    ("name", "secrets"),
    [
        (
            "https://user:s%40cret@host/a",
            {"user:s%40cret", "user:s@cret", "user", "s%40cret", "s@cret"},
        ),
        ("https://host/a?sig=x%2By+z&Key=K#f", {"x%2By+z", "x+y+z", "x+y z", "K"}),
        ("https://host/a?token", set()),
        ("https://host/a?tokenlike", {"tokenlike"}),
        ("https://h/?day=2026-01-01&format=jsonl&n=12345678901&t=2026-01-01T10:00:00Z", set()),
        ("https://h/?page_token=1&Sig=a&authKey=2026-01-01", {"1", "a", "2026-01-01"}),
        ("https://h/?long=abcdefgh&ratio=0.5", {"abcdefgh"}),
        ("https://h/#access_token=abc", {"abc"}),
        ("https://h/#a-long-heading", set()),
        ("ftp://u:pw@h/", {"u:pw", "u", "pw"}),
        ("//u:pw@h/x", {"u:pw", "u", "pw"}),
        ("http://u:p/w?d#x@h/y", {"u:p/w?d#x", "u", "p/w?d#x"}),
        ("http://user:pass@[bad/x", {"user:pass", "user", "pass"}),
        ("https://host/a@b", set()),
        ("s3://b/a?b=c", set()),
        ("s3://b/a?token=c;token=d", set()),
        ("https://h/?from=2026/01/01&to=2026-01-01,2026-01-05&n=1,2.5;3", set()),
        ("https://h/?days=2026-01-01..2026-01-31&d=2026/01/01T", {"2026/01/01T"}),
        ("https://h/?to%6ben=ab1", {"ab1"}),
        ("https://h/x;v=abcdefghijk;token=s1/y;%73ig=s2?d#f", {"s1", "s2"}),
        ("http:///u:pwpwpwpw@h/x", {"u:pwpwpwpw", "u", "pwpwpwpw"}),
        ("https://proxy/https://u:pw@h/x", {"u:pw", "u", "pw"}),
    ],
)
def test_the_secrets_of_an_address_are_what_is_not_shown(name: str, secrets: set[str]) -> None:
    assert set(places.secrets_in(name)) == secrets
    assert not any(secret in places.displayed(name) for secret in secrets)


FORMS = [
    "https://{}@h/x", "HTTPS://{}@H/x", "https://u:{}@h/x", "http://h/x?token={}", "http://h/x#{}",
    "https:/u:{}@h/x", "https:u:{}@h/x", "https://u:{}@[h/x", " https://u:{}@h/x", "//u:{}@h/x",
    "u:{}@h/x", "https%3A%2F%2Fu:{}%40h/x", "https%3a//u:{}@h/x", "s3://u:{}@bucket/key",
    "S3://u:{}@bucket/key", "s3://u:{}/key", "s3://bucket/key?X-Amz-Signature={}", "ftp://u:{}@h/x",
    "FTP://u:{}@h/x", "redis://:{}@h:6379/0", "postgresql://u:{}@h:5432/db",
    "postgres://h/db?user=u&password={}", "jdbc:postgresql://u:{}@h/db", "amqps://u:{}@h/v",
    "host=h user=u password={} dbname=d", "https://proxy/https://u:{}@h/x", "gs://u:{}@bucket/key",
]  # fmt: skip
# A secret with what a user forgets to escape in it.
SECRETS = st.builds(
    "{}s3cr3t{}".format,
    st.text(alphabet="aB1 :/?#%&=+;,!$'()*~[]\\", max_size=4).map(lambda text: f"x{text}"),
    st.text(alphabet="aB1 :?#@%&=+;,!$'()*~[]\\", max_size=4),
)


@pytest.mark.parametrize("form", FORMS)
@given(secret=st.sampled_from(["s3cr3t", "p%40s3cr3t", "s3cr3t$%^"]))
def test_no_form_of_an_address_shows_a_secret(form: str, secret: str) -> None:
    name = form.format(secret)
    assert "s3cr3t" not in places.displayed(name)
    for verb in (airscoop.copy, airscoop.copy_prefix):
        for arguments in ((name, "/no/such/folder/x"), ("/no/such/file", name)):
            with pytest.raises((AirscoopError, OSError)) as caught:
                verb(*arguments, **NOWHERE)
            assert "s3cr3t" not in "".join(traceback.format_exception(caught.value)[-1:])
            assert "s3cr3t" not in repr(caught.value)


@given(SECRETS)
def test_what_a_user_forgot_to_escape_is_not_shown(secret: str) -> None:
    for scheme in ("https", "ftp", "postgresql"):
        assert "s3cr3t" not in places.displayed(f"{scheme}://user:{secret}@host/x")


@pytest.mark.parametrize("form", [form for form in FORMS if not form.startswith("http://h")])
@pytest.mark.parametrize(
    "line",
    [["copy", "{}", "/no/such/folder/x"], ["copy", "a", "{}", "--json"], ["copy", "a", "b", "{}"],
     ["cat", "{}"], ["check", "{}"], ["delta", "{}", "x"], ["publish", "{}", "stream"],
     ["uploads", "list", "{}"], ["script", "{}"], ["copy", "{}", "x", "--format", "{}"],
     ["copy", "{}", "b", "--no-such-flag", "{}"], ["copy", "a", "b", "--rejects", "{}"],
     ["refresh", "{}", "--json"], ["local", "{}"]],
    ids=lambda line: " ".join(line),
)  # fmt: skip
def test_no_verb_says_a_secret(
    form: str, line: list[str], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    name = form.format("s3cr3t")
    assert main([word.format(name) for word in line]) != 0
    said = capfd.readouterr()
    assert "s3cr3t" not in said.out + said.err


def test_a_path_that_is_there_is_no_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a:b@c").write_bytes(b"data")
    assert places.normalized("a:b@c") == "a:b@c"
    with pytest.raises(UsageError, match=r"\./…"):
        places.normalized("other:b@c")
    assert places.normalized("./other:b@c") == "./other:b@c"


def test_what_cannot_be_shown_is_named_by_its_argument(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    for argument, places_given in (
        ("source", ("u:pw@h", tmp_path / "b")),
        ("destination", (tmp_path / "a", "u:pw@h")),
    ):
        with pytest.raises(UsageError, match=rf"^{argument} \(…\)"):
            airscoop.copy(*places_given)
    with pytest.raises(UsageError, match=r"^rejects \(…\)"):
        airscoop.copy(
            tmp_path / "a", tmp_path / "b", format="jsonl", max_rejected=1, rejects="u:pw@h"
        )


@pytest.mark.parametrize("name", ["10:30@x", "dump-2026-01-01T10:00:00@host.json", "23:59Z@x"])
def test_a_time_in_a_local_name_is_no_password(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a").write_bytes(b"data")
    assert airscoop.copy("a", name).destination == name
    assert airscoop.copy(name, "b").source == name


@pytest.mark.parametrize("name", ["s3://b/x?token=abc.json", "s3://b/x?signature=a&sig=b;key=c"])
def test_a_key_may_look_like_a_query(name: str) -> None:
    assert places.normalized(name) == name
    assert places.displayed(name) == name


@pytest.mark.parametrize(
    "rejects",
    ["https://u:s3cr3t@h/r?token=s3cr3t", "http://h/r", "-", "folder/"],
)
def test_a_reject_file_is_a_path_or_in_s3_before_anything_is_read(
    rejects: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a").write_bytes(b"{}\nno\n")
    with pytest.raises(UsageError, match="reject file") as caught:
        airscoop.copy("a", "b", format="jsonl", max_rejected=1, rejects=rejects)
    assert "s3cr3t" not in str(caught.value)
    assert [one.name for one in tmp_path.iterdir()] == ["a"]


def test_settings_show_no_login() -> None:
    address = "http://u:s3cr3t@h/x?token=s3cr3t"
    for settings in (
        airscoop.S3Settings(endpoint_url=address),
        KinesisSettings(endpoint_url=address),
        TransferOptions(source=address, destination=address, rejects=Path(address)),
    ):
        assert "'http://h/x'" in repr(settings)
        assert "s3cr3t" not in repr(settings)


@pytest.mark.parametrize("name", ["ftp://host/a", "gs://bucket/a", "hdfs://x/y"])
def test_a_scheme_that_nobody_reads_is_named(name: str) -> None:
    with pytest.raises(UsageError, match=name.split("/", maxsplit=1)[0]):
        places.normalized(name)


def test_a_file_uri_is_a_path() -> None:
    assert places.normalized("file:///tmp/a") == "/tmp/a"
    assert places.normalized("file://LocalHost/tmp/a") == "/tmp/a"


@pytest.mark.parametrize("host", ["otherhost", "u:s3cr3t@otherhost", "otherhost:80"])
def test_a_file_uri_of_another_host_is_refused(host: str) -> None:
    with pytest.raises(UsageError, match=r"file:///") as caught:
        places.normalized(f"file://{host}/tmp/a")
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("s3:/b/k", "write s3://"),
        ("S3:b/k", "write s3://"),
        ("http:/host/a", "write http://"),
        ("HTTPS:host", "write https://"),
        ("ftp:/host/a", "ftp:// is not supported"),
        ("gs:/bucket/a", "gs:// is not supported"),
        ("s3a://b/k", "write s3://"),
        ("s3n:/b/k", "s3n:// is not supported"),
    ],
)
def test_a_mistyped_address_is_no_path(name: str, wanted: str) -> None:
    with pytest.raises(UsageError, match=wanted) as caught:
        places.normalized(name)
    assert "host" not in str(caught.value)  # what follows may be a login


@pytest.mark.parametrize("name", ["a:b", "./s3:/b/k", "/x/http:/y", "2026-01-01T10:00/x", "s4:/x"])
def test_a_path_may_have_a_colon(name: str) -> None:
    assert places.normalized(name) == name


def test_a_file_uri_may_have_one_slash() -> None:
    assert places.normalized("file:/tmp/a%20b") == "/tmp/a b"


@pytest.mark.parametrize(
    ("pasted", "name"),
    [
        (" https://host/a b \n", "https://host/a b"),
        ("\thttp://host/a\r\n", "http://host/a"),
        ("\n s3://b/k ", "s3://b/k "),
        ("s3://b/a\nb", "s3://b/a\nb"),
        (" /a b ", " /a b "),
    ],
)
def test_white_space_around_an_address_is_dropped(pasted: str, name: str) -> None:
    assert places.normalized(pasted) == name


@pytest.mark.parametrize("source", ["f/", "/data/f/", "s3://b/f/", "s3://b", "s3://b/"])
def test_a_copy_of_all_that_is_below_names_the_verb_for_it(source: str) -> None:
    for destination in ("s3://c/g", "s3://c/g/", "g", "-"):
        with pytest.raises(UsageError, match=f"{source} stands for all .* use copy_prefix"):
            airscoop.copy(source, destination)
