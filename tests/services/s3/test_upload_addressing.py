"""Which host a bucket of AWS's is asked at: what reaches a proxy that stands for all of AWS."""

from __future__ import annotations

import hashlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import airscoop
from airscoop import Credentials, S3Settings, errors
from support.certificates import make_certificate, server_context

KEYS = Credentials(access_key_id="KEYID", secret_access_key="secret")
ETAG = hashlib.md5(Path(__file__).read_bytes()).hexdigest()
OK = (
    f'HTTP/1.1 200 OK\r\nETag: "{ETAG}"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'
).encode()
HOSTS = (
    "s3.eu-west-1.amazonaws.com",
    "*.s3.eu-west-1.amazonaws.com",
    "*.s3.eu-central-1.amazonaws.com",
    "s3.eu-central-1.amazonaws.com",
    "*.s3.cn-north-1.amazonaws.com.cn",
)


def elsewhere(status: int, region: str) -> bytes:
    head = f"HTTP/1.1 {status} No\r\nx-amz-bucket-region: {region}\r\nContent-Length: 0\r\n"
    return f"{head}Location: https://evil.example/\r\nConnection: close\r\n\r\n".encode()


@dataclass
class Aws:
    """Answers CONNECT for every host, and one request in each tunnel."""

    listener: socket.socket
    tls: ssl.SSLContext
    answers: list[bytes] = field(default_factory=list)
    seen: list[tuple[str, str, str]] = field(default_factory=list)  # tunnel, Host, target
    regions: list[str] = field(default_factory=list)  # that were signed for

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(20)
                self._talk(connection)

    def _talk(self, connection: socket.socket) -> None:
        tunnel = _head(connection).split()[1].removesuffix(":443")
        connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
        try:
            with self.tls.wrap_socket(connection, server_side=True) as secure:
                head = _head(secure)
                fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)
                if head.startswith("PUT"):
                    secure.recv(1000)  # the body
                self.seen.append((tunnel, fields["Host"], head.split()[1]))
                self.regions.append(fields["Authorization"].split("/")[2])
                secure.sendall(self.answers.pop(0) if self.answers else OK)
        except (ssl.SSLError, ConnectionError):
            self.seen.append((tunnel, "", ""))


def _head(connection: socket.socket) -> str:
    data = b""
    while b"\r\n\r\n" not in data:
        byte = connection.recv(1)
        if not byte:
            raise ConnectionError("the client left")
        data += byte
    return data.decode()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"), *(f"DNS:{host}" for host in HOSTS))


@pytest.fixture
def aws(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Aws(listener, server_context(certificate))
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listener.getsockname()[1]}")
        for name in ("NO_PROXY", "no_proxy", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
            monkeypatch.delenv(name, raising=False)
        thread = threading.Thread(target=server.serve, daemon=True)
        thread.start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(20)


def send(uri: str, region: str, certificate: Path) -> airscoop.CopyReceipt:
    return airscoop.copy(
        __file__,
        uri,
        destination_s3=S3Settings(credentials=KEYS, region=region, ca_file=str(certificate)),
    )


def test_a_bucket_has_a_host_of_its_own(aws: Aws, certificate: Path) -> None:
    send("s3://reviews/a b/c", "eu-west-1", certificate)
    host = "reviews.s3.eu-west-1.amazonaws.com"
    assert aws.seen == [(host, host, "/a%20b/c")]


def test_china_has_a_domain_of_its_own(aws: Aws, certificate: Path) -> None:
    send("s3://reviews/a", "cn-north-1", certificate)
    host = "reviews.s3.cn-north-1.amazonaws.com.cn"
    assert aws.seen == [(host, host, "/a")]


def test_a_name_with_dots_is_in_the_path_where_the_certificate_holds(
    aws: Aws, certificate: Path
) -> None:
    send("s3://my.reviews.2026/a", "eu-west-1", certificate)
    host = "s3.eu-west-1.amazonaws.com"
    assert aws.seen == [(host, host, "/my.reviews.2026/a")]


@pytest.mark.parametrize("status", [301, 307, 400])
@pytest.mark.parametrize(
    ("bucket", "start"), [("reviews", "reviews.s3"), ("my.reviews", "s3")], ids=["host", "path"]
)
def test_a_bucket_of_another_region_is_asked_there_and_location_is_not_followed(
    bucket: str, start: str, status: int, aws: Aws, certificate: Path
) -> None:
    aws.answers.append(elsewhere(status, "eu-central-1"))
    receipt = send(f"s3://{bucket}/a", "eu-west-1", certificate)
    assert [tunnel for tunnel, _, _ in aws.seen] == [
        f"{start}.eu-west-1.amazonaws.com", f"{start}.eu-central-1.amazonaws.com",
    ]  # fmt: skip
    assert aws.regions == ["eu-west-1", "eu-central-1"]
    assert receipt.retries == 1


def test_regions_that_point_at_each_other_end_the_copy(aws: Aws, certificate: Path) -> None:
    aws.answers += [elsewhere(301, "eu-central-1"), elsewhere(301, "eu-west-1")]
    with pytest.raises(errors.HttpError, match="301"):
        send("s3://reviews/a", "eu-west-1", certificate)
    # The last: whether one of the two stored it.
    assert aws.regions == ["eu-west-1", "eu-central-1", "eu-central-1"]


def test_a_host_that_the_certificate_does_not_name_is_not_asked(
    aws: Aws, certificate: Path
) -> None:
    with pytest.raises(errors.TlsError):
        send("s3://reviews/a", "us-east-2", certificate)
    assert aws.regions == []
