"""What S3 answers when it is unwell: retried, understood, or taken back."""

from __future__ import annotations

import email.utils
import hashlib
import time
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import Credentials, errors, storage
from support.fault_catalog import weak_etag
from support.fault_server import (
    Fault,
    FaultProxy,
    Request,
    cut_answer,
    error,
    lose_answer,
    plain,
    reset_early,
    shorten_answer,
    stored,
    without_etag,
)
from support.s3 import BUCKET, MIB, OWNER, PART_BYTES, Store, noise

SMALL = noise(100_000)
LARGE = noise(2 * PART_BYTES + MIB)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    (tmp_path / "small").write_bytes(SMALL)
    return tmp_path / "small"


@pytest.fixture
def large(tmp_path: Path) -> Path:
    (tmp_path / "large").write_bytes(LARGE)
    return tmp_path / "large"


def send(source: Path, store: Store, proxy: FaultProxy, **changes: Any) -> airscoop.CopyReceipt:
    settings = store.settings(endpoint_url=proxy.url, **changes)
    return airscoop.copy(source, store.uri("a"), destination_s3=settings)


PASSING: dict[str, Fault] = {
    "500": error("InternalError", 500),
    "503": error("ServiceUnavailable", 503),
    "SlowDown": error("SlowDown", 503),
    "429": plain(429),
    "502 of a proxy": plain(502, b"<html>Bad Gateway</html>"),
    "a long page": plain(503, b"x" * 300_000),
    "RequestTimeout": error("RequestTimeout", 400),
    "a reset in the body": reset_early,
    "a lost answer": lose_answer,
}


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("kind", ["put", "create", "part", "complete"])
def test_a_passing_fault_is_tried_again(
    kind: str, fault: str, store: Store, proxy: FaultProxy, small: Path, large: Path
) -> None:
    source = small if kind == "put" else large
    proxy.on(kind, PASSING[fault])
    receipt = send(source, store, proxy)
    assert store.get("a") == source.read_bytes()
    assert receipt.etag == store.head("a")["ETag"]
    assert len(proxy.requests(kind)) > (3 if kind == "part" else 1)
    # On a connection that was used before, libcurl repeats a request by itself.
    assert receipt.retries >= 1 or "reset" in fault or "lost" in fault
    # The name of an upload whose creation was answered into the void is known to no one.
    if (kind, fault) != ("create", "a lost answer"):
        assert store.uploads() == []


@pytest.mark.parametrize("kind", ["put", "create", "part", "complete"])
def test_a_lasting_fault_ends_the_copy_and_leaves_nothing(
    kind: str, store: Store, proxy: FaultProxy, small: Path, large: Path
) -> None:
    proxy.on(kind, error("InternalError", 500), times=100)
    with pytest.raises(errors.HttpError, match="InternalError") as caught:
        send(small if kind == "put" else large, store, proxy)
    assert caught.value.http_status == 500
    assert caught.value.request_id == "REQ-1"
    assert caught.value.retryable
    store.assert_untouched()


def test_lasting_throttling_is_told_apart(store: Store, proxy: FaultProxy, small: Path) -> None:
    proxy.on("put", error("SlowDown", 503, x_amz_retry_after="1"), times=100)
    with pytest.raises(errors.Throttled, match="SlowDown"):
        send(small, store, proxy)
    store.assert_untouched()


def test_a_refusal_is_not_tried_again(store: Store, proxy: FaultProxy, small: Path) -> None:
    proxy.on("put", error("InvalidRequest", 400), times=100)
    with pytest.raises(errors.HttpError, match="InvalidRequest") as caught:
        send(small, store, proxy)
    assert not caught.value.retryable
    assert proxy.kinds() == ["put"]


ERROR_IN_200 = b"  <Error><Code>InternalError</Code><Message>late</Message></Error>"


def test_complete_answered_with_200_and_an_error_is_tried_again(
    store: Store, proxy: FaultProxy, large: Path
) -> None:
    proxy.on("complete", plain(200, ERROR_IN_200))
    receipt = send(large, store, proxy)
    assert store.get("a") == LARGE
    assert receipt.etag == store.head("a")["ETag"]


def test_complete_answered_with_200_and_errors_for_ever_leaves_nothing(
    store: Store, proxy: FaultProxy, large: Path
) -> None:
    proxy.on("complete", plain(200, ERROR_IN_200), times=100)
    with pytest.raises(errors.HttpError, match="InternalError") as caught:
        send(large, store, proxy)
    assert caught.value.retryable
    store.assert_untouched()


def test_complete_answered_with_200_and_a_final_error_leaves_nothing(
    store: Store, proxy: FaultProxy, large: Path
) -> None:
    body = b"<Error><Code>InvalidPart</Code><Message>a part is missing</Message></Error>"
    proxy.on("complete", plain(200, body), times=100)
    with pytest.raises(errors.HttpError, match="InvalidPart"):
        send(large, store, proxy)
    store.assert_untouched()


@pytest.mark.parametrize(
    "fault", [plain(200), plain(200, b"<CompleteMultipartUploadResult>"), plain(200, b"ok")],
    ids=["empty", "cut", "no XML"],
)  # fmt: skip
def test_complete_answered_with_200_and_no_result_is_never_taken_for_success(
    fault: Fault, store: Store, proxy: FaultProxy, large: Path
) -> None:
    proxy.on("complete", fault, times=100)
    with pytest.raises(errors.AirscoopError):
        send(large, store, proxy)
    store.assert_untouched()


@pytest.mark.parametrize("fault", [cut_answer, shorten_answer, lose_answer])
def test_a_complete_that_won_but_whose_answer_was_lost_is_a_success(
    fault: Fault, store: Store, proxy: FaultProxy, large: Path
) -> None:
    proxy.on("complete", fault)
    # SeaweedFS answers a second Complete with 200; AWS may answer NoSuchUpload.
    proxy.on("complete", error("NoSuchUpload", 404), times=100)
    receipt = send(large, store, proxy)
    assert store.get("a") == LARGE
    assert receipt.etag == store.head("a")["ETag"]
    assert receipt.parts == 3


def test_no_such_upload_is_no_success_when_another_object_stands_there(
    store: Store, proxy: FaultProxy, large: Path
) -> None:
    store.put("a", b"older")
    proxy.on("complete", error("NoSuchUpload", 404), times=100)
    with pytest.raises(errors.NotFound, match="NoSuchUpload"):
        send(large, store, proxy)
    assert store.get("a") == b"older"
    assert store.uploads() == []


def test_an_older_object_of_the_same_size_is_not_taken_for_ours(
    store: Store, proxy: FaultProxy, large: Path
) -> None:
    with airscoop.Upload(store.uri("a"), s3=store.settings()) as upload:
        upload.write(LARGE[:-1] + b"?")
    proxy.on("complete", error("NoSuchUpload", 404), times=100)
    with pytest.raises(errors.NotFound):
        send(large, store, proxy)


def test_a_part_answered_without_an_etag_ends_the_copy(
    store: Store, proxy: FaultProxy, large: Path
) -> None:
    proxy.on("part", without_etag)
    with pytest.raises(errors.ProtocolError, match="ETag"):
        send(large, store, proxy)
    store.assert_untouched()


def test_a_creation_answered_without_a_name_ends_the_copy(
    store: Store, proxy: FaultProxy, large: Path
) -> None:
    proxy.on("create", plain(200, b"<InitiateMultipartUploadResult/>"), times=100)
    with pytest.raises(errors.AirscoopError):
        send(large, store, proxy)
    assert store.names() == []


def test_a_reset_in_every_part_ends_in_connection_failed(
    store: Store, proxy: FaultProxy, large: Path
) -> None:
    proxy.on("part", reset_early, times=1000)
    with pytest.raises(errors.ConnectionFailed) as caught:
        send(large, store, proxy)
    assert caught.value.retryable
    store.assert_untouched()


def test_a_part_that_arrives_after_the_abort_is_aborted_too(
    store: Store, proxy: FaultProxy, large: Path
) -> None:
    part = b"<ListPartsResult><Part><PartNumber>1</PartNumber></Part></ListPartsResult>"
    proxy.on("parts", plain(200, part))
    proxy.on("part", error("InvalidRequest", 400))
    with pytest.raises(errors.HttpError):
        send(large, store, proxy)
    assert len(proxy.requests("abort")) == 2
    store.assert_untouched()


def test_an_abort_that_fails_once_is_tried_again(
    store: Store, proxy: FaultProxy, large: Path
) -> None:
    proxy.on("part", error("InvalidRequest", 400))
    proxy.on("abort", error("InternalError", 500))
    with pytest.raises(errors.HttpError, match="InvalidRequest"):
        send(large, store, proxy)
    store.assert_untouched()


def test_denied_access_names_bucket_and_action_and_no_secret(
    store: Store, proxy: FaultProxy, small: Path
) -> None:
    proxy.on("put", error("AccessDenied", 403), times=100)
    with pytest.raises(errors.AccessDenied) as caught:
        send(small, store, proxy)
    message = str(caught.value)
    assert store.uri("a") in message
    assert "s3:PutObject" in message
    assert OWNER.secret_access_key not in message + repr(caught.value)
    assert proxy.kinds() == ["put"]
    assert not caught.value.retryable


def test_an_expired_token_is_named_and_worth_another_try(
    store: Store, proxy: FaultProxy, small: Path
) -> None:
    token = "SESSION/token+of=tests"
    credentials = Credentials(
        access_key_id=OWNER.access_key_id,
        secret_access_key=OWNER.secret_access_key,
        session_token=token,
    )
    proxy.on("put", error("ExpiredToken", 400), times=100)
    with pytest.raises(errors.CredentialsExpired, match="ExpiredToken") as caught:
        send(small, store, proxy, credentials=credentials)
    assert caught.value.retryable
    assert proxy.requests("put")[0].headers["X-Amz-Security-Token"] == token
    assert token not in str(caught.value) + repr(caught.value)
    store.assert_untouched()


def skewed(seconds: int, code: str = "RequestTimeTooSkewed") -> Fault:
    def act(handler: Any, request: Request) -> None:
        date = email.utils.formatdate(time.time() + seconds, usegmt=True)
        error(code, 403, Date=date)(handler, request)

    return act


@pytest.mark.parametrize("seconds", [3600, -3600])
@pytest.mark.parametrize("code", ["RequestTimeTooSkewed", "SignatureDoesNotMatch"])
def test_a_clock_that_is_off_is_corrected_by_the_servers(
    seconds: int, code: str, store: Store, proxy: FaultProxy, small: Path
) -> None:
    proxy.on("put", skewed(seconds, code))
    # The real server has this machine's clock and refuses the corrected one: so none is asked.
    proxy.on("put", stored)
    receipt = send(small, store, proxy)
    first, second = (request.headers["X-Amz-Date"] for request in proxy.requests("put"))
    stamps = [time.mktime(time.strptime(text, "%Y%m%dT%H%M%SZ")) for text in (first, second)]
    assert abs(stamps[1] - stamps[0] - seconds) < 60
    assert receipt.retries == 1


def test_a_clock_that_is_right_does_not_explain_a_refused_signature(
    store: Store, proxy: FaultProxy, small: Path
) -> None:
    proxy.on("put", skewed(10, "SignatureDoesNotMatch"), times=100)
    with pytest.raises(errors.AccessDenied, match="SignatureDoesNotMatch"):
        send(small, store, proxy)
    assert proxy.kinds() == ["put"]


IN_EUROPE = b"<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-1</Region></Error>"


def regions(proxy: FaultProxy) -> list[str]:
    """The region that each request was signed for."""
    return [r.headers["Authorization"].split("/")[2] for r in proxy.server.requests]


def test_a_bucket_of_another_region_is_asked_again_with_its_own(
    store: Store, proxy: FaultProxy, small: Path
) -> None:
    proxy.on("put", plain(400, IN_EUROPE))
    proxy.on("put", stored)
    assert send(small, store, proxy).retries == 1
    assert regions(proxy) == ["us-east-1", "eu-west-1"]


def test_a_head_learns_the_region_from_a_header(store: Store, proxy: FaultProxy) -> None:
    proxy.on("head", error("", 400, x_amz_bucket_region="eu-west-1"))
    proxy.on("head", plain(200))
    storage.head(store.uri("a"), s3=store.settings(endpoint_url=proxy.url))
    assert regions(proxy) == ["us-east-1", "eu-west-1"]


@pytest.mark.parametrize("region", ["us-east-1", "evil.example/x", "-", ""])
def test_a_region_that_is_no_news_or_no_name_is_not_followed(
    region: str, store: Store, proxy: FaultProxy, small: Path
) -> None:
    proxy.on("put", plain(400, IN_EUROPE.replace(b"eu-west-1", region.encode())), times=100)
    with pytest.raises(errors.HttpError, match="AuthorizationHeaderMalformed"):
        send(small, store, proxy)
    assert regions(proxy) == ["us-east-1"]


@pytest.mark.parametrize("fault", ["500", "SlowDown", "a lost answer", "429"])
def test_reading_an_object_is_tried_again_before_its_first_byte(
    fault: str, store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    source = store.put("source", SMALL)
    proxy.on("get", PASSING[fault])
    receipt = airscoop.copy(
        source, tmp_path / "out", source_s3=store.settings(endpoint_url=proxy.url)
    )
    assert (tmp_path / "out").read_bytes() == SMALL
    assert receipt.retries >= 1


def test_an_object_cut_on_its_way_is_truncated(
    store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    source = store.put("source", LARGE)
    proxy.on("get", cut_answer, times=100)
    with pytest.raises((errors.Truncated, errors.ConnectionFailed)):
        airscoop.copy(source, tmp_path / "out", source_s3=store.settings(endpoint_url=proxy.url))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("fault", ["500", "SlowDown", "a lost answer"])
def test_listing_and_head_are_tried_again(fault: str, store: Store, proxy: FaultProxy) -> None:
    store.put("a", SMALL)
    settings = store.settings(endpoint_url=proxy.url)
    proxy.on("list", PASSING[fault])
    assert [item.key for item in storage.list_objects(store.uri(""), s3=settings)] == [
        store.key("a")
    ]
    proxy.on("head", PASSING[fault])
    assert storage.head(store.uri("a"), s3=settings).size == len(SMALL)


def test_payloads_are_signed_over_plain_http_unless_told_otherwise(
    store: Store, proxy: FaultProxy, small: Path
) -> None:
    for signing, expected in (
        ("auto", hashlib.sha256(SMALL).hexdigest()),
        ("always", hashlib.sha256(SMALL).hexdigest()),
        ("never", "UNSIGNED-PAYLOAD"),
    ):
        send(small, store, proxy, payload_signing=signing)
        assert proxy.requests("put")[-1].headers["X-Amz-Content-Sha256"] == expected


def test_anonymous_requests_carry_no_signature(
    store: Store, proxy: FaultProxy, small: Path
) -> None:
    with pytest.raises(errors.AccessDenied):
        send(small, store, proxy, credentials=None, anonymous=True)
    assert "Authorization" not in proxy.requests("put")[0].headers
    assert BUCKET in proxy.requests("put")[0].path


def test_rejects_that_cannot_be_written_hold_back_the_object(
    store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    (tmp_path / "in").write_bytes(b"{}\n{bad\n{}\n")
    proxy.on("put", error("AccessDenied", 403))
    with pytest.raises(errors.AccessDenied, match="_rejects"):
        airscoop.copy(
            tmp_path / "in", store.uri("a"), format="jsonl", max_rejected=1,
            destination_s3=store.settings(endpoint_url=proxy.url),
        )  # fmt: skip
    store.assert_untouched()


def test_regions_that_send_on_for_ever_end_the_copy(
    store: Store, proxy: FaultProxy, small: Path
) -> None:
    def send_on(handler: Any, request: Request) -> None:
        here = "us-east-1" in request.headers["Authorization"]
        region = "eu-west-1" if here else "us-east-1"
        error("PermanentRedirect", 301, x_amz_bucket_region=region)(handler, request)

    proxy.on(".*", send_on, times=100)
    with pytest.raises(errors.HttpError, match="PermanentRedirect"):
        send(small, store, proxy)
    assert proxy.kinds().count("put") == 2


def test_a_weak_etag_with_the_sum_of_our_bytes_is_ours(
    store: Store, proxy: FaultProxy, small: Path
) -> None:
    """A proxy that changes the encoding of answers weakens ETags."""
    proxy.on("put", weak_etag)
    receipt = send(small, store, proxy)
    assert proxy.kinds() == ["put"]
    assert receipt.etag == store.head("a")["ETag"]


def test_a_weak_etag_tells_whose_object_it_is_when_the_answer_was_lost(
    store: Store, proxy: FaultProxy, large: Path
) -> None:
    proxy.on("complete", lose_answer, times=100)
    proxy.on("head", weak_etag, times=100)
    receipt = send(large, store, proxy)
    assert receipt.etag == store.head("a")["ETag"]
    assert store.get("a") == LARGE


@pytest.mark.parametrize("answer", [plain(404), error("NoSuchKey", 404)], ids=["bare", "code"])
def test_deleting_what_is_gone_is_done(answer: Fault, store: Store, proxy: FaultProxy) -> None:
    proxy.on("delete", answer)
    storage.delete(store.uri("a"), s3=store.settings(endpoint_url=proxy.url))
    assert proxy.kinds() == ["delete"]


def test_deleting_from_a_bucket_that_is_not_there_is_an_error(
    store: Store, proxy: FaultProxy
) -> None:
    proxy.on("delete", error("NoSuchBucket", 404))
    with pytest.raises(errors.NotFound, match="NoSuchBucket"):
        storage.delete(store.uri("a"), s3=store.settings(endpoint_url=proxy.url))
