"""Pages of S3's answers become lists, whatever they hold and however much."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from airscoop import _native, errors
from airscoop.aws.settings import S3Settings
from airscoop.aws.storage import request_options

MANY = 1000


MODIFIED = "2026-11-21T10:00:00.000Z"


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    body: ClassVar[str] = ""

    def do_GET(self) -> None:
        data = self.body.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[S3Settings]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield S3Settings(
            endpoint_url=f"http://127.0.0.1:{http.server_address[1]}",
            region="us-east-1",
            anonymous=True,
        )
        http.shutdown()
        thread.join()


def objects(count: int, rest: str = "") -> str:
    each = "".join(
        f'<Contents><Key>k{n}/ä</Key><ETag>"{n:032x}"</ETag><Size>{n}</Size>'
        f"<LastModified>{MODIFIED}</LastModified></Contents>"
        for n in range(count)
    )
    return f"<ListBucketResult>{each}{rest}</ListBucketResult>"


@pytest.mark.parametrize("count", [0, 1, 63, 64, 65, MANY])
def test_objects(server: S3Settings, count: int) -> None:
    Answers.body = objects(count)
    found, token = _native.list_page(request_options(server), "bucket", "", None)
    assert found == [(f"k{n}/ä", n, f'"{n:032x}"', MODIFIED) for n in range(count)]
    assert token is None


def test_a_page_that_is_not_the_last(server: S3Settings) -> None:
    more = "<IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken>"
    Answers.body = objects(2, more)
    found, token = _native.list_page(request_options(server), "bucket", "", None)
    assert len(found) == 2
    assert token == "t"


def test_uploads(server: S3Settings) -> None:
    each = "".join(
        f"<Upload><Key>k{n}</Key><UploadId>u{n}</UploadId>"
        "<Initiated>2026-01-02T03:04:05Z</Initiated></Upload>"
        for n in range(MANY)
    )
    Answers.body = f"<ListMultipartUploadsResult>{each}</ListMultipartUploadsResult>"
    found, following = _native.list_uploads(request_options(server), "bucket", "", None, None)
    assert found == [(f"k{n}", f"u{n}", "2026-01-02T03:04:05Z") for n in range(MANY)]
    assert following is None


def test_parts(server: S3Settings) -> None:
    each = "".join(
        f'<Part><PartNumber>{n}</PartNumber><ETag>"e{n}"</ETag><Size>{n}</Size></Part>'
        for n in range(1, MANY + 1)
    )
    Answers.body = f"<ListPartsResult>{each}</ListPartsResult>"
    found, after = _native.list_parts(request_options(server), "bucket", "k", "u", 0)
    assert found == [(n, n, f'"e{n}"', "", "") for n in range(1, MANY + 1)]
    assert after is None


def test_what_came_before_a_broken_page_ends_is_no_list(server: S3Settings) -> None:
    Answers.body = objects(MANY).removesuffix("</ListBucketResult>")
    with pytest.raises(errors.ProtocolError):
        _native.list_page(request_options(server), "bucket", "", None)
