"""What an object is given besides its bytes: kept by the server, and sent where S3 wants it."""

from __future__ import annotations

import json
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import ObjectOptions, errors
from airscoop.local.airflow_home import aws_connection
from airscoop.operators.stream_to_s3 import StreamToS3Operator
from support.fault_server import FaultProxy, error, stored
from support.s3 import AIRSCOOP, BUCKET, MIB, OWNER, PART_BYTES, Store, noise

SIZES = {"one put": 1000, "parts": 2 * PART_BYTES + MIB}
KEPT = ObjectOptions(
    content_type="text/csv; charset=utf-8",
    tags={"team": "data lake", "é&=": "+"},
    metadata={"run": "2026-11-21 x", "Try": "1"},
)
SENT = {
    "x-amz-server-side-encryption": "aws:kms",
    "x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:eu-west-1:1:key/k",
    "x-amz-server-side-encryption-bucket-key-enabled": "true",
    "x-amz-storage-class": "STANDARD_IA",
}
UNKNOWN_HERE = ObjectOptions(
    encryption="aws:kms",
    kms_key_id=SENT["x-amz-server-side-encryption-aws-kms-key-id"],
    bucket_key=True,
    storage_class="STANDARD_IA",
)


@pytest.fixture(params=SIZES)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    (tmp_path / "source").write_bytes(noise(SIZES[request.param]))
    return tmp_path / "source"


def assert_kept(store: Store, name: str) -> None:
    head = store.head(name)
    tags = store.client.get_object_tagging(Bucket=BUCKET, Key=store.key(name))["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == KEPT.tags
    assert head["ContentType"] == KEPT.content_type
    assert {name.lower(): value for name, value in head["Metadata"].items()} == {
        "run": "2026-11-21 x", "try": "1",
    }  # fmt: skip


def test_content_type_tags_and_metadata_are_kept(store: Store, source: Path) -> None:
    airscoop.copy(source, store.uri("a"), object_options=KEPT, destination_s3=store.settings())
    assert_kept(store, "a")


def test_metadata_without_a_value_are_sent_as_they_are_signed(
    store: Store, proxy: FaultProxy, source: Path
) -> None:
    options = airscoop.ObjectOptions(metadata={"empty": "", "full": "x"})
    settings = store.settings(endpoint_url=proxy.url)
    airscoop.copy(source, store.uri("a"), object_options=options, destination_s3=settings)
    (begun,) = proxy.requests(["put", "create"][source.stat().st_size > 5 * 1024 * 1024])
    assert begun.headers["x-amz-meta-empty"] == "" and begun.headers["x-amz-meta-full"] == "x"


def test_an_upload_and_an_opened_file_take_the_same_options(store: Store) -> None:
    with airscoop.Upload(store.uri("a"), object_options=KEPT, s3=store.settings()) as upload:
        upload.write(b"x")
    assert_kept(store, "a")
    with airscoop.open(store.uri("b"), "wb", object_options=KEPT, s3=store.settings()) as file:
        file.write(b"x")
    assert_kept(store, "b")


def test_the_command_line_takes_the_same_options(store: Store, source: Path) -> None:
    done = subprocess.run(
        [
            *AIRSCOOP, "copy", "-q", str(source), store.uri("a"), "--metadata", "run=2026-11-21 x",
            "--metadata", "Try=1", "--tag", "team=data lake", "--tag", "é&==+", "--json",
            "--content-type", "text/csv; charset=utf-8", "--requester-pays",
        ],
        env=store.environment(), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["diagnostics"]["etag"] == store.head("a")["ETag"]
    assert store.client.get_object_tagging(Bucket=BUCKET, Key=store.key("a"))["TagSet"] == [
        {"Key": "team", "Value": "data lake"}, {"Key": "é&", "Value": "=+"},
    ]  # fmt: skip


def sent_to(proxy: FaultProxy, kind: str) -> dict[str, str]:
    found = proxy.requests(kind)
    assert found, proxy.kinds()
    headers = {name.lower(): value for name, value in found[0].headers.items()}
    return {name: headers[name] for name in SENT if name in headers}


def test_encryption_and_storage_class_are_sent_to_create_and_not_with_parts(
    store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(noise(SIZES["parts"]))
    settings = store.settings(endpoint_url=proxy.url)
    refusal = error("InvalidArgument", 400)  # the real server has no KMS
    proxy.on("create", refusal)
    with pytest.raises(errors.AirscoopError):
        airscoop.copy(
            tmp_path / "f", store.uri("a"), object_options=UNKNOWN_HERE, destination_s3=settings
        )
    assert sent_to(proxy, "create") == SENT
    storage_class = ObjectOptions(storage_class="STANDARD_IA")
    airscoop.copy(
        tmp_path / "f", store.uri("a"), object_options=storage_class, destination_s3=settings
    )
    assert sent_to(proxy, "part") == {}
    assert sent_to(proxy, "complete") == {}


def test_they_are_sent_with_a_single_put(store: Store, proxy: FaultProxy, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x")
    settings = store.settings(endpoint_url=proxy.url)
    proxy.on("put", stored)
    airscoop.copy(
        tmp_path / "f", store.uri("a"), object_options=UNKNOWN_HERE, destination_s3=settings
    )
    assert sent_to(proxy, "put") == SENT


def test_the_reject_file_has_the_encryption_and_nothing_else(
    store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(b"{}\n{bad\n")
    proxy.on("put", stored, times=2)  # the real server has no such encryption
    receipt = airscoop.copy(
        tmp_path / "f",
        store.uri("a"),
        format="jsonl",
        max_rejected=1,
        object_options=ObjectOptions(encryption="AES256", tags={"a": "b"}),
        destination_s3=store.settings(endpoint_url=proxy.url),
    )
    assert receipt.records_rejected == 1
    rejects, whole = proxy.requests("put")
    assert "_rejects" in rejects.path
    for request in (rejects, whole):
        assert request.headers["x-amz-server-side-encryption"] == "AES256"
    assert "x-amz-tagging" not in rejects.headers
    assert whole.headers["x-amz-tagging"] == "a=b"


def test_requester_and_expected_owner_are_named_in_every_request(
    store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(noise(SIZES["parts"]))
    settings = store.settings(
        endpoint_url=proxy.url, requester_pays=True, expected_bucket_owner="123456789012"
    )
    airscoop.copy(tmp_path / "f", store.uri("a"), destination_s3=settings)
    airscoop.copy(store.uri("a"), tmp_path / "g", source_s3=settings)
    assert airscoop.storage.head(store.uri("a"), s3=settings).size == SIZES["parts"]
    assert len(list(airscoop.storage.list_objects(store.uri(""), s3=settings))) == 1
    assert set(proxy.kinds()) >= {"create", "part", "complete", "get", "head", "list"}
    for request in proxy.server.requests:
        assert request.headers["x-amz-request-payer"] == "requester"
        assert request.headers["x-amz-expected-bucket-owner"] == "123456789012"
        assert "x-amz-request-payer" in request.headers["Authorization"]


def test_the_operator_names_requester_and_expected_owner(
    store: Store, proxy: FaultProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {
        "access_key_id": OWNER.access_key_id,
        "secret_access_key": OWNER.secret_access_key,
        "region": "us-east-1",
    }
    connection = aws_connection({"endpoint": proxy.url, **keys})
    monkeypatch.setenv("AIRFLOW_CONN_AWS_PROXY", json.dumps(connection))
    (tmp_path / "f").write_bytes(b"f")
    StreamToS3Operator(
        task_id="stream",
        source=str(tmp_path / "f"),
        destination=store.uri("a"),
        requester_pays=True,
        expected_bucket_owner="123456789012",
        aws_conn_id="aws_proxy",
    ).execute({})
    (request,) = proxy.requests("put")
    assert request.headers["x-amz-request-payer"] == "requester"
    assert request.headers["x-amz-expected-bucket-owner"] == "123456789012"


HEADERS = ObjectOptions(
    cache_control="max-age=60, private",
    content_encoding="br",
    content_disposition="attachment; filename*=UTF-8''%C3%A9.csv",
    content_language="de, fr",
    expires=datetime(2032, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
)
TOLD = {
    "CacheControl": HEADERS.cache_control,
    "ContentEncoding": HEADERS.content_encoding,
    "ContentDisposition": HEADERS.content_disposition,
    "ContentLanguage": HEADERS.content_language,
    "ExpiresString": "Thu, 01 Jan 2032 00:00:00 GMT",
}


def test_headers_of_http_are_kept_by_the_server(store: Store, source: Path) -> None:
    airscoop.copy(source, store.uri("a"), object_options=HEADERS, destination_s3=store.settings())
    head = store.head("a")
    assert {name: head.get(name) for name in TOLD} == TOLD


def test_a_copy_by_the_server_replaces_a_header_and_takes_the_others_along(store: Store) -> None:
    store.client.put_object(
        Bucket=BUCKET,
        Key=store.key("in"),
        Body=b"x",
        CacheControl="no-store",
        ContentLanguage="en",
        ContentType="text/x-a",
        Metadata={"a": "1"},
    )
    for server_side in (True, False):
        receipt = airscoop.copy(
            store.uri("in"),
            store.uri("out"),
            server_side=server_side,
            object_options=ObjectOptions(cache_control="private"),
            source_s3=store.settings(),
            destination_s3=store.settings(),
        )
        head = store.head("out")
        assert receipt.server_side is server_side
        assert head["CacheControl"] == "private" and head["ContentLanguage"] == "en"
        assert head["ContentType"] == "text/x-a" and head["Metadata"] == {"a": "1"}


@pytest.mark.parametrize("server_side", [True, False])
def test_an_empty_header_clears_that_of_the_source(store: Store, server_side: bool) -> None:
    store.client.put_object(
        Bucket=BUCKET,
        Key=store.key("in"),
        Body=b"x",
        ContentEncoding="br",
        CacheControl="no-store",
        ContentLanguage="en",
        ContentDisposition="inline",
        Expires="Thu, 01 Jan 2032 00:00:00 GMT",
        Metadata={"a": "1"},
    )
    receipt = airscoop.copy(
        store.uri("in"),
        store.uri("out"),
        server_side=server_side,
        object_options=ObjectOptions(
            content_encoding="", content_disposition="", content_language="", expires=""
        ),
        source_s3=store.settings(),
        destination_s3=store.settings(),
    )
    assert receipt.server_side is server_side and receipt.metadata_lost == []
    head = store.head("out")
    cleared = ("ContentEncoding", "ContentDisposition", "ContentLanguage", "ExpiresString")
    assert [head.get(name) for name in cleared] == [None] * 4
    assert head["CacheControl"] == "no-store" and head["Metadata"] == {"a": "1"}


def test_an_acl_and_headers_are_given_on_the_command_line(
    store: Store, proxy: FaultProxy, source: Path
) -> None:
    subprocess.run(
        [
            *AIRSCOOP, "copy", str(source), store.uri("a"), "--endpoint-url", proxy.url,
            "--acl", "bucket-owner-full-control", "--cache-control", "no-cache",
            "--content-encoding", "br", "--content-disposition", "inline",
            "--content-language", "de", "--expires", "Thu, 01 Jan 2032 00:00:00 GMT",
        ],
        env=store.environment(), check=True, capture_output=True,
    )  # fmt: skip
    (request,) = proxy.requests("create") or proxy.requests("put")
    sent = {name.lower(): value for name, value in request.headers.items()}
    assert sent["x-amz-acl"] == "bucket-owner-full-control"
    assert sent["cache-control"] == "no-cache" and sent["content-language"] == "de"
    assert sent["content-encoding"] == "br" and sent["content-disposition"] == "inline"
    assert sent["expires"] == "Thu, 01 Jan 2032 00:00:00 GMT"


def test_by_default_no_such_header_is_sent(store: Store, proxy: FaultProxy, source: Path) -> None:
    airscoop.copy(source, store.uri("a"), destination_s3=store.settings(endpoint_url=proxy.url))
    for request in proxy.server.requests:
        names = {name.lower() for name in request.headers}
        assert not names & {*SENT, "x-amz-tagging", "x-amz-request-payer", "if-none-match"}


@pytest.mark.parametrize(
    "options",
    [
        {"encryption": "rot13"},
        {"kms_key_id": "k"},
        {"tags": {str(n): "" for n in range(11)}},
        {"metadata": {"a": "x" * 2048}},
        {"metadata": {"a": "é"}},
        {"acl": "everybody may"},
        {"acl": "private\r\nx-amz-meta-a: 1"},
        {"cache_control": "no-cache\r\nx-amz-meta-a: 1"},
        {"content_encoding": "gzip\n"},
        {"content_disposition": 'attachment; filename="é.csv"'},
        {"content_disposition": "inline\r\n\r\nbody"},
        {"expires": "tomorrow\r\n"},
        {"expires": "nonsense"},
        {"expires": "2032-01-01T00:00:00Z"},
        {"expires": "Fri, 01 Jan 2032 00:00:00 GMT"},  # a Thursday
        {"expires": "Thu, 01 Jan 2032 01:00:00 +0100"},
        {"expires": datetime(2032, 1, 1)},
        {"expires": 1956528000},
    ],
)  # fmt: skip
def test_what_s3_would_not_take_is_refused_before_anything_is_sent(
    options: dict[str, Any], store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    with pytest.raises(errors.UsageError):
        airscoop.copy(
            __file__,
            store.uri("a"),
            object_options=ObjectOptions(**options),
            destination_s3=store.settings(endpoint_url=proxy.url),
        )
    assert proxy.kinds() == []


def test_object_options_are_for_objects_only(tmp_path: Path) -> None:
    with pytest.raises(errors.UsageError, match="destination in S3"):
        airscoop.copy(__file__, tmp_path / "f", object_options=ObjectOptions(tags={"a": "b"}))
