"""Objects behind an access point's ARN; the server takes its host's first label for a bucket."""

from __future__ import annotations

from pathlib import Path

import pytest

import airscoop
from airscoop.aws import storage
from airscoop.aws.settings import S3Settings
from airscoop.errors import UsageError
from airscoop.transfer import leftover_uploads
from support.moto import MotoServer

ACCOUNT = "123456789012"
POINT = f"s3://arn:aws:s3:us-east-1:{ACCOUNT}:accesspoint/mypoint"


@pytest.fixture
def s3(moto_server: MotoServer) -> S3Settings:
    client = moto_server.client("s3")
    client.create_bucket(Bucket=f"mypoint-{ACCOUNT}")
    port = moto_server.endpoint.rpartition(":")[2]
    keys = airscoop.Credentials(access_key_id="test", secret_access_key="test")
    # The names below localhost are this machine's.
    return S3Settings(endpoint_url=f"http://localhost:{port}", region="us-east-1", credentials=keys)


def test_a_prefix_is_copied_to_an_access_point_and_back(s3: S3Settings, tmp_path: Path) -> None:
    there, back = tmp_path / "there", tmp_path / "back"
    for name in ("a.csv", "b/c d.csv"):
        (there / name).parent.mkdir(parents=True, exist_ok=True)
        (there / name).write_text(name)
    assert airscoop.copy_prefix(f"{there}/", f"{POINT}/x/", destination_s3=s3).copied == 2
    assert airscoop.copy_prefix(f"{POINT}/x/", f"{back}/", source_s3=s3).copied == 2
    assert (back / "b/c d.csv").read_text() == "b/c d.csv"
    moved = airscoop.copy_prefix(f"{POINT}/x/", f"{POINT}/y/", source_s3=s3, destination_s3=s3)
    assert moved.copied == 2
    again = airscoop.copy_prefix(f"{POINT}/x/", f"{POINT}/y/", source_s3=s3, destination_s3=s3)
    assert (again.copied, again.objects) == (0, 2)


def test_what_a_listing_names_can_be_opened(s3: S3Settings) -> None:
    with airscoop.open(f"{POINT}/z/a.txt", "w", s3=s3) as file:
        file.write("text")
    (info,) = storage.list_objects(f"{POINT}/z/", s3=s3)
    assert storage.head(info.uri, s3=s3).size == 4
    with airscoop.open(info.uri, s3=s3) as file:
        assert file.read() == "text"


def test_open_uploads_behind_an_access_point_are_found_and_ended(
    s3: S3Settings, moto_server: MotoServer
) -> None:
    client = moto_server.client("s3")
    client.create_multipart_upload(Bucket=f"mypoint-{ACCOUNT}", Key="open/x")
    assert leftover_uploads.show(f"{POINT}/open/", s3=s3).found == 1


def test_sources_behind_several_points_are_copied_one_point_at_a_time(s3: S3Settings) -> None:
    other = POINT.replace("us-east-1", "us-west-2")
    with pytest.raises(UsageError, match="one point at a time"):
        airscoop.copy_prefix([f"{POINT}/a", f"{other}/a"], f"{POINT}/to/", source_s3=s3)
