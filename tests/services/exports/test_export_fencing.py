"""The file of changes is the lock owner's: a cancel, a lost lock or a pause never lets another's
write through, and what stood there stays."""

from __future__ import annotations

import dataclasses
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airscoop import errors
from airscoop.deltas.job import delta_job
from airscoop.exports.lease import LOCK
from airscoop.exports.steps.working import Terms
from support.exports import ROWS, Exports
from support.fault_server import FaultProxy, Request
from support.moto import MotoServer
from support.paths import TESTS
from support.s3 import BUCKET, OWNER, Store

SLOW = Terms(seconds=300, handover_seconds=300)  # no heartbeat comes while a test lasts


class Gate:
    """A fault that holds requests until they are let go, and then passes them on."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.arrived, self.opened = threading.Event(), threading.Event()
        self._meanwhile = meanwhile

    def __call__(self, handler: Any, request: Request) -> None:
        self.arrived.set()
        self._meanwhile()
        assert self.opened.wait(120)
        code, headers, body = handler.forward(request)
        handler.answer(code, body, headers)


def passing(meanwhile: Callable[[], object]) -> Gate:
    """Does something, and passes the request on."""
    gate = Gate(meanwhile)
    gate.opened.set()
    return gate


@pytest.fixture
def behind(exports: Exports, proxy: FaultProxy) -> Exports:
    """The same exports, reached through the proxy."""
    return dataclasses.replace(
        exports, store=dataclasses.replace(exports.store, endpoint=proxy.url)
    )


def key(exports: Exports, version: str = "V1") -> str:
    return f"changes-{exports.store.prefix}/{exports.id(version)}.jsonl.gz"


def etag(exports: Exports) -> str | None:
    """Of the changes' file."""
    client = exports.store.client
    found = client.list_objects_v2(Bucket=BUCKET, Prefix=key(exports)).get("Contents", [])
    return found[0]["ETag"] if found else None


def uploads(exports: Exports) -> list[str]:
    answer = exports.store.client.list_multipart_uploads(Bucket=BUCKET, Prefix=key(exports))
    return [item["Key"] for item in answer.get("Uploads", [])]


def steal(exports: Exports) -> None:
    """Another run has the lock."""
    exports.registry.table.update(
        (exports.dataset, LOCK),
        "SET #owner = :owner, #rvn = :rvn ADD #fence :one",
        {"owner": "thief", "rvn": "r", "one": 1},
        condition="attribute_exists(#pk)",
    )


# --- cancel ---


def test_a_job_that_is_cancelled_after_it_ran_writes_nothing(store: Store, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("PK,v\n1,a\n")
    job = delta_job(None, tmp_path / "new.csv")
    result = job.run()
    job.cancel()
    for place in (store.uri("changes.jsonl"), str(tmp_path / "changes.jsonl")):
        with pytest.raises(errors.Cancelled):
            result.write(place, s3=store.settings())
    store.assert_untouched()
    assert [path.name for path in tmp_path.iterdir()] == ["new.csv"]


@pytest.mark.parametrize("request_kind", ["create", "part"])
def test_a_cancel_while_changes_are_written_takes_them_back(
    request_kind: str, store: Store, proxy: FaultProxy, tmp_path: Path
) -> None:
    (tmp_path / "new.csv").write_text("PK,v\n1,a\n")
    job = delta_job(None, tmp_path / "new.csv")
    result = job.run()
    proxy.on(request_kind, passing(job.cancel))
    with pytest.raises(errors.Cancelled):
        result.write(
            store.uri("changes.jsonl"),
            s3=store.settings(endpoint_url=proxy.url),
            before_commit=lambda: None,
        )
    assert proxy.requests("complete") == []
    store.assert_untouched()


def test_a_cancel_right_before_the_commit_takes_the_changes_back(
    store: Store, tmp_path: Path
) -> None:
    (tmp_path / "new.csv").write_text("PK,v\n1,a\n")
    job = delta_job(None, tmp_path / "new.csv")
    result = job.run()
    for place in (store.uri("changes.jsonl"), str(tmp_path / "changes.jsonl")):
        with pytest.raises(errors.Cancelled):
            result.write(place, s3=store.settings(), before_commit=job.cancel)
    store.assert_untouched()
    assert [path.name for path in tmp_path.iterdir()] == ["new.csv"]


@pytest.mark.parametrize("request_kind", ["head", "list", "get", "create", "part"])
def test_what_on_start_is_given_reaches_every_part_of_computing(
    request_kind: str, exports: Exports, behind: Exports, proxy: FaultProxy
) -> None:
    exports.put("V1", ROWS)
    exports.register()
    lock = exports.lock("V1")
    begun: list[Any] = []
    gate = Gate(lambda: begun[0].cancel())  # the answer does not come before the end
    proxy.on(request_kind, gate, times=100)
    with pytest.raises(errors.Cancelled):
        behind.compute(lock, on_start=begun.append, terms=SLOW)
    gate.opened.set()
    assert gate.arrived.is_set()
    assert "complete" not in proxy.kinds()
    assert etag(exports) is None
    assert exports.registry.get(lock.export).state == "running"


def test_registering_ends_while_it_waits_for_a_listing(
    exports: Exports, behind: Exports, proxy: FaultProxy
) -> None:
    uri = exports.put("V1", ROWS)
    begun: list[Any] = []
    gate = Gate(lambda: begun[-1].cancel())
    proxy.on("list", gate, times=100)
    with pytest.raises(errors.Cancelled):
        behind.register(on_start=begun.append)
    with pytest.raises(errors.Cancelled):
        behind.register_one(uri, on_start=begun.append)
    gate.opened.set()
    assert list(exports.registry.records(exports.dataset)) == []


def test_an_export_is_not_finished_by_a_task_that_was_told_to_stop(exports: Exports) -> None:
    exports.put("V1", ROWS)
    exports.register()
    lock = exports.lock("V1")
    exports.compute(lock)
    with pytest.raises(errors.Cancelled):
        exports.finish(lock, state="done", on_start=lambda job: job.cancel())
    assert exports.registry.get(lock.export).state == "computed"


# --- the lock ---


@pytest.mark.parametrize("request_kind", ["create", "part"])
def test_the_lock_is_asked_right_before_the_file_appears(
    request_kind: str, exports: Exports, behind: Exports, proxy: FaultProxy
) -> None:
    exports.put("V1", ROWS)
    exports.register()
    lock = exports.lock("V1")
    proxy.on(request_kind, passing(lambda: steal(exports)))
    with pytest.raises(errors.LockLost, match="held by thief"):
        behind.compute(lock, terms=SLOW)
    assert proxy.requests("complete") == []
    assert (etag(exports), uploads(exports)) == (None, [])


def test_the_heartbeat_takes_back_a_write_whose_lock_is_lost(
    exports: Exports, behind: Exports, proxy: FaultProxy
) -> None:
    exports.put("V1", ROWS)
    exports.register()
    lock = exports.lock("V1")
    gate = Gate(lambda: steal(exports))
    proxy.on("part", gate, times=100)
    with pytest.raises(errors.LockLost, match="held by thief"):
        behind.compute(lock, terms=Terms(seconds=0.3, handover_seconds=30))
    gate.opened.set()
    assert proxy.requests("complete") == []
    assert (etag(exports), uploads(exports)) == (None, [])


OWNER_PROCESS = """
import sys, json
sys.path.insert(0, sys.argv[1])
from airscoop import Credentials, S3Settings, errors
from airscoop.exports.steps.working import Terms
from airscoop.exports.steps.compute import compute_changes
from airscoop.exports.registry import Registry
registry, lock, changes = Registry(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4]
keys = Credentials(access_key_id=sys.argv[5], secret_access_key=sys.argv[6])
s3 = S3Settings(credentials=keys, endpoint_url=sys.argv[7], region="us-east-1")
try:
    compute_changes(registry, lock, changes=changes, s3=s3, max_delete_ratio=1.0,
                    terms=Terms(seconds=0.6, handover_seconds=30))
except errors.LockLost as error:
    print("lost", error)
"""


@pytest.mark.parametrize("request_kind", ["part", "complete"])
@pytest.mark.parametrize("standing", [False, True], ids=["nothing there", "a file there"])
def test_an_owner_that_was_stopped_while_it_wrote_does_not_overwrite_the_next_ones_file(
    standing: bool, request_kind: str, exports: Exports, behind: Exports, proxy: FaultProxy,
    moto_server: MotoServer,
) -> None:  # fmt: skip
    exports.put("V1", ROWS)
    exports.register()
    if standing:
        exports.store.client.put_object(Bucket=BUCKET, Key=key(exports), Body=b"of an earlier try")
    lock = exports.lock("V1", "stopped")
    gate = Gate()
    proxy.on(request_kind, gate)
    process = subprocess.Popen(
        [
            sys.executable, "-c", OWNER_PROCESS, str(TESTS), exports.registry.table.name,
            json.dumps(lock.to_dict()), exports.changes, OWNER.access_key_id,
            OWNER.secret_access_key, behind.store.endpoint,
        ],
        env=moto_server.environment(), stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert gate.arrived.wait(60)
        process.send_signal(signal.SIGSTOP)
        taken = exports.taken_over("V1", "next")
        exports.compute(taken)
        place = {"Bucket": BUCKET, "Key": key(exports)}
        exports.store.client.put_object(**place, Body=b"equal files could not be told apart")
        gate.opened.set()
        process.send_signal(signal.SIGCONT)
        said = process.communicate(timeout=60)[0]
    finally:
        process.kill()
        process.wait()
    assert said.startswith("lost") and "held by next" in said
    body = exports.store.client.get_object(**place)["Body"].read()
    assert body == b"equal files could not be told apart"
    assert uploads(exports) == []
    record = exports.registry.get(taken.export)
    assert (record.state, record.owner) == ("computed", "next")


# --- the condition ---


def test_the_first_file_is_written_where_none_is_and_a_later_one_over_the_one_that_was_seen(
    exports: Exports, behind: Exports, proxy: FaultProxy
) -> None:
    exports.put("V1", ROWS)
    exports.register()
    lock = exports.lock("V1")
    behind.compute(lock)
    exports.store.client.put_object(Bucket=BUCKET, Key=key(exports), Body=b"another")
    seen = etag(exports)
    assert behind.compute(lock).computed
    first, second = proxy.requests("complete")
    assert (first.headers["If-None-Match"], first.headers["If-Match"]) == ("*", None)
    assert (second.headers["If-None-Match"], second.headers["If-Match"]) == (None, seen)


@pytest.mark.parametrize("seen", [None, b"seen", b"gone"])
def test_what_another_has_written_since_the_lock_was_taken_up_stays_and_the_next_try_goes_on(
    seen: bytes | None, exports: Exports, behind: Exports, proxy: FaultProxy
) -> None:
    """A server may act on a Complete of an earlier owner at any time."""
    exports.put("V1", ROWS)
    exports.register()
    place = {"Bucket": BUCKET, "Key": key(exports)}
    client = exports.store.client
    if seen is not None:
        client.put_object(**place, Body=seen)
    lock = exports.lock("V1")

    def meanwhile() -> None:
        if seen == b"gone":
            client.delete_object(**place)
        else:
            client.put_object(**place, Body=b"another")

    proxy.on("complete", passing(meanwhile))
    with pytest.raises((errors.DestinationChanged, errors.PlaceExists)) as caught:
        behind.compute(lock)
    assert caught.value.retryable
    assert (etag(exports) is None) == (seen == b"gone")
    assert uploads(exports) == []
    assert behind.compute(lock).computed
    assert exports.ops("V1") == [f"INSERT {n}" for n in ROWS]
