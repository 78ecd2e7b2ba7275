"""overwrite=False: what is there already is kept, by S3's or the file system's own decision."""

from __future__ import annotations

from pathlib import Path

import pytest

import airscoop
from airscoop import errors
from support.fault_server import FaultProxy, error, lose_answer
from support.s3 import MIB, PART_BYTES, Store, noise

SIZES = {"one put": 1000, "parts": 2 * PART_BYTES + MIB}


@pytest.fixture(params=SIZES)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    (tmp_path / "source").write_bytes(noise(SIZES[request.param]))
    return tmp_path / "source"


def send(source: Path, store: Store, proxy: FaultProxy) -> airscoop.CopyReceipt:
    settings = store.settings(endpoint_url=proxy.url)
    return airscoop.copy(source, store.uri("a"), overwrite=False, destination_s3=settings)


def last(source: Path) -> str:
    """The request that makes the object."""
    return "put" if source.stat().st_size == SIZES["one put"] else "complete"


def test_a_new_object_is_written_under_a_condition(
    store: Store, proxy: FaultProxy, source: Path
) -> None:
    send(source, store, proxy)
    assert store.get("a") == source.read_bytes()
    for request in proxy.server.requests:
        expected = "*" if request.kind == last(source) else None
        assert request.headers.get("If-None-Match") == expected, request.kind


def test_an_object_that_is_there_is_kept(store: Store, proxy: FaultProxy, source: Path) -> None:
    store.put("a", b"older")
    proxy.on(last(source), error("PreconditionFailed", 412), times=100)
    with pytest.raises(errors.PlaceExists, match="is there already") as caught:
        send(source, store, proxy)
    assert not caught.value.retryable
    assert caught.value.http_status == 412
    assert store.get("a") == b"older"
    assert store.uploads() == []
    assert len(proxy.requests(last(source))) == 1
    assert proxy.requests("head") == []


def test_an_equal_object_that_is_there_is_not_taken_for_ours(
    store: Store, proxy: FaultProxy, source: Path
) -> None:
    send(source, store, proxy)
    proxy.on(last(source), error("PreconditionFailed", 412), times=100)
    with pytest.raises(errors.PlaceExists):
        send(source, store, proxy)


def test_a_real_server_refuses_to_overwrite(store: Store, tmp_path: Path) -> None:
    store.put("a", b"older")
    (tmp_path / "f").write_bytes(b"newer")
    with pytest.raises(errors.PlaceExists, match="is there already"):
        airscoop.copy(
            tmp_path / "f", store.uri("a"), overwrite=False, destination_s3=store.settings()
        )
    assert store.get("a") == b"older"


def test_our_own_first_write_is_recognised_when_its_answer_was_lost(
    store: Store, proxy: FaultProxy, source: Path
) -> None:
    proxy.on(last(source), lose_answer)
    proxy.on(last(source), error("PreconditionFailed", 412), times=100)
    receipt = send(source, store, proxy)
    assert store.get("a") == source.read_bytes()
    assert receipt.etag == store.head("a")["ETag"]
    assert len(proxy.requests(last(source))) == 2


def test_another_object_is_not_taken_for_a_first_write_whose_answer_was_lost(
    store: Store, proxy: FaultProxy, source: Path
) -> None:
    store.put("a", b"older")
    proxy.on(last(source), error("InternalError", 500))
    proxy.on(last(source), error("PreconditionFailed", 412), times=100)
    with pytest.raises(errors.PlaceExists, match="is there already"):
        send(source, store, proxy)
    assert store.get("a") == b"older"
    assert store.uploads() == []


def test_a_put_that_met_another_is_tried_again(
    store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(b"x")
    proxy.on("put", error("ConditionalRequestConflict", 409))
    receipt = send(tmp_path / "f", store, proxy)
    assert store.get("a") == b"x"
    assert receipt.retries == 1


def test_a_complete_that_met_another_has_to_start_over(
    store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    (tmp_path / "f").write_bytes(noise(SIZES["parts"]))
    proxy.on("complete", error("ConditionalRequestConflict", 409), times=100)
    with pytest.raises(errors.DestinationChanged, match="start over") as caught:
        send(tmp_path / "f", store, proxy)
    assert caught.value.retryable
    assert len(proxy.requests("complete")) == 1
    store.assert_untouched()


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"older")
    with pytest.raises(errors.PlaceExists, match="is there already"):
        airscoop.copy(__file__, tmp_path / "f", overwrite=False)
    assert (tmp_path / "f").read_bytes() == b"older"
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm"])
def test_a_file_that_comes_into_being_meanwhile_is_kept(folder: str, tmp_path: Path) -> None:
    target = Path(folder) / f"airscoop-{tmp_path.name}-{tmp_path.parent.name}"
    try:
        upload = airscoop.Upload(target, overwrite=False)
        upload.write(b"ours")
        target.write_bytes(b"theirs")
        with pytest.raises(errors.PlaceExists, match="is there already"):
            upload.commit()
        assert target.read_bytes() == b"theirs"
    finally:
        target.unlink(missing_ok=True)


def test_a_new_file_is_written(tmp_path: Path) -> None:
    airscoop.copy(__file__, tmp_path / "f", overwrite=False)
    assert (tmp_path / "f").read_bytes() == Path(__file__).read_bytes()


def test_standard_output_has_nothing_to_keep() -> None:
    with pytest.raises(errors.UsageError, match="overwrite"):
        airscoop.copy(__file__, "-", overwrite=False)
