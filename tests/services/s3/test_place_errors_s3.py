"""Objects and addresses that are not there, refused or there already are Python's errors, too."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

import airscoop
from airscoop import errors, storage, uploads
from support.fault_server import FaultProxy, error, origin, status
from support.s3 import BUCKET, Store


def test_an_object_that_is_not_there(store: Store, tmp_path: Path) -> None:
    s3 = store.settings()
    for verb in (
        lambda: airscoop.open(store.uri("no"), s3=s3),
        lambda: airscoop.copy(store.uri("no"), tmp_path / "to", source_s3=s3),
        lambda: airscoop.copy(store.uri("no"), store.uri("to"), source_s3=s3, destination_s3=s3),
        lambda: list(airscoop.read(store.uri("no"), format="raw", s3=s3)),
        lambda: storage.head(store.uri("no"), s3=s3),
    ):
        with pytest.raises(FileNotFoundError) as caught:
            verb()
        assert isinstance(caught.value, errors.NotFound)
        assert (caught.value.errno, caught.value.filename) == (errno.ENOENT, store.uri("no"))
        assert (caught.value.http_status, caught.value.os_errno) == (404, None)


def test_a_bucket_that_is_not_there(store: Store) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        airscoop.open("s3://no-such-bucket-here/key", s3=store.settings())
    assert caught.value.filename == "s3://no-such-bucket-here/key"
    with pytest.raises(FileNotFoundError) as caught:
        list(storage.list_objects("s3://no-such-bucket-here/", s3=store.settings()))
    assert caught.value.filename == "s3://no-such-bucket-here"


@pytest.mark.parametrize("code", ["AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"])
def test_an_object_that_is_refused(code: str, store: Store, proxy: FaultProxy) -> None:
    s3 = store.settings(endpoint_url=proxy.url)
    proxy.on("get|put", error(code, 403), times=100)
    with pytest.raises(PermissionError) as caught:
        airscoop.open(store.uri("a"), s3=s3)
    assert (caught.value.errno, caught.value.filename) == (errno.EACCES, store.uri("a"))
    file = airscoop.open(store.uri("b"), "w", s3=s3)
    with pytest.raises(PermissionError) as caught:
        file.close()
    assert caught.value.filename == store.uri("b")


def test_an_object_that_is_kept(store: Store, proxy: FaultProxy) -> None:
    s3 = store.settings(endpoint_url=proxy.url)
    store.put("a", b"older")
    proxy.on("put", error("PreconditionFailed", 412), times=100)
    file = airscoop.open(store.uri("a"), "w", s3=s3, overwrite=False)
    with pytest.raises(FileExistsError) as caught:
        file.close()
    assert isinstance(caught.value, errors.PlaceExists)
    assert (caught.value.errno, caught.value.filename) == (errno.EEXIST, store.uri("a"))
    assert store.get("a") == b"older"


@pytest.mark.parametrize("answer", [error("PreconditionFailed", 412), error("NoSuchKey", 404)])
def test_an_object_that_is_not_the_one_to_replace_is_no_error_of_files(
    answer: object, store: Store, proxy: FaultProxy
) -> None:
    s3 = store.settings(endpoint_url=proxy.url)
    proxy.on("put", answer, times=100)  # type: ignore[arg-type]
    upload = airscoop.Upload(store.uri("a"), s3=s3, if_match='"other"')
    upload.write(b"x")
    with pytest.raises(errors.DestinationChanged) as caught:
        upload.commit()
    assert not isinstance(caught.value, OSError)


def test_another_write_that_came_between_is_no_error_of_files(
    store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(b"x")
    proxy.on("put", error("ConditionalRequestConflict", 409), times=100)
    s3 = store.settings(endpoint_url=proxy.url)
    with pytest.raises(errors.DestinationChanged) as caught:
        airscoop.copy(tmp_path / "f", store.uri("a"), destination_s3=s3, overwrite=False)
    assert not isinstance(caught.value, OSError)


def test_an_upload_that_is_gone_is_no_error_of_files(store: Store) -> None:
    gone = uploads.OpenUpload(bucket=BUCKET, key=store.key("a"), upload_id="gone")
    with pytest.raises(errors.NotFound) as caught:
        uploads.list_parts(gone, s3=store.settings())
    assert not isinstance(caught.value, OSError)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (404, FileNotFoundError),
        (410, FileNotFoundError),
        (401, PermissionError),
        (403, PermissionError),
    ],
)
def test_an_address_shows_no_secret(code: int, kind: type[OSError]) -> None:
    with origin() as web:
        url = web.serve("/a/file", status(code))
        address = url.replace("http://", "http://user:word@") + "?token=secret#part"
        with pytest.raises(kind) as caught:
            airscoop.open(address)
    assert isinstance(caught.value, errors.AirscoopError)
    assert caught.value.filename == url
    assert (caught.value.http_status, caught.value.os_errno) == (code, None)
    for word in ("word", "secret"):
        assert word not in f"{caught.value!r} {vars(caught.value)} {caught.value.filename}"
