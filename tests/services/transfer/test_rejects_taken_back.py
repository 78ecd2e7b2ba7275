"""The reject file is written before the commit; where the commit does not come, it goes again."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import errors
from airscoop.transfer.job import TransferJob
from airscoop.transfer.options import TransferOptions
from support.fault_server import FaultProxy, Request, error
from support.s3 import Store, json_lines

TEXT = json_lines(30) + b"{bad\n"
EARLIER = b"of an earlier run\n"


@pytest.fixture
def job(store: Store, proxy: FaultProxy, tmp_path: Path) -> TransferJob:
    (tmp_path / "f").write_bytes(TEXT)
    return TransferJob(
        TransferOptions(
            source=str(tmp_path / "f"),
            destination=store.uri("a"),
            rejects=store.uri("rejects"),
            format="jsonl",
            max_rejected=1,
            destination_s3=store.settings(endpoint_url=proxy.url),
        )
    )


class CancelDuring:
    """Cancels while a request of the reject file is with the server."""

    def __init__(self, job: TransferJob, *, carried_out: bool) -> None:
        self.job, self.carried_out = job, carried_out

    def __call__(self, handler: Any, request: Request) -> None:
        assert request.path.endswith("/rejects")
        answer = handler.forward(request) if self.carried_out else None
        self.job.cancel()
        time.sleep(0.4)  # of the slice in which the cancel is seen
        code, headers, body = answer or handler.forward(request)
        handler.answer(code, body, headers)


@pytest.mark.parametrize("carried_out", [True, False], ids=["carried out", "carried out later"])
def test_a_cancel_while_it_is_written_leaves_none(
    carried_out: bool, store: Store, proxy: FaultProxy, job: TransferJob
) -> None:
    proxy.on("put", CancelDuring(job, carried_out=carried_out))
    with pytest.raises(errors.Cancelled, match="nothing was committed") as caught:
        job.run()
    assert caught.value.committed is False
    store.assert_untouched()


def test_a_cancel_before_it_is_written_leaves_none(
    store: Store, proxy: FaultProxy, job: TransferJob
) -> None:
    proxy.on("head", CancelDuring(job, carried_out=True))
    with pytest.raises(errors.Cancelled):
        job.run()
    store.assert_untouched()


def test_a_commit_that_is_refused_leaves_none(
    store: Store, proxy: FaultProxy, job: TransferJob
) -> None:
    proxy.on("put", error("AccessDenied", 403), skip=1)
    with pytest.raises(errors.AccessDenied):
        job.run()
    store.assert_untouched()


def test_an_earlier_one_was_replaced_and_the_new_one_stays(
    store: Store, proxy: FaultProxy, job: TransferJob
) -> None:
    """The earlier object may stand, too: better this account of rejected records than none."""
    store.put("rejects", EARLIER)
    proxy.on("put", error("AccessDenied", 403), skip=1)
    with pytest.raises(errors.AccessDenied):
        job.run()
    assert store.names() == ["rejects"]
    assert store.get("rejects") != EARLIER


def test_where_the_commit_is_in_doubt_it_stays(
    store: Store, proxy: FaultProxy, job: TransferJob
) -> None:
    ended = threading.Event()

    def silent(handler: Any, request: Request) -> None:
        handler.forward(request)
        job.cancel()
        ended.wait(60)

    def held(handler: Any, request: Request) -> None:
        ended.wait(60)

    proxy.on("put", silent, skip=1)
    proxy.on("head", held, skip=1, times=100)
    with pytest.raises(errors.Cancelled, match="may be there") as caught:
        job.run()
    ended.set()
    assert caught.value.committed is None
    assert store.names() == ["a", "rejects"]


def test_a_local_one_goes_when_the_local_commit_fails(tmp_path: Path) -> None:
    (tmp_path / "to").mkdir()
    rejects = tmp_path / "rejects"
    upload = airscoop.Upload(
        tmp_path / "to" / "a", rejects=str(rejects), format="jsonl", max_rejected=1,
        overwrite=False,
    )  # fmt: skip
    upload.write(TEXT)
    (tmp_path / "to" / "a").write_bytes(EARLIER)
    with pytest.raises(errors.PlaceExists):
        upload.commit()
    assert (tmp_path / "to" / "a").read_bytes() == EARLIER
    assert not rejects.exists()
