"""The registry and its lock on a real DynamoDB API: once, in order, fenced, with lost answers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from airscoop import errors
from airscoop.exports.lease import LOCK, Lease, holder
from airscoop.exports.registry import ChangesFile, Registry
from support.exports import CHANGES, LeaseClock, export, locked, work
from support.moto import LosingProxy, MotoServer
from support.waiting import eventually


def test_an_export_is_registered_once_by_eight_processes_at_the_same_time(
    moto_server: MotoServer, registry: Registry
) -> None:
    program = """
import json, multiprocessing, sys
import botocore.session
from airscoop.exports.model import Export, ExportObject
from airscoop.exports.registry import Registry
context = multiprocessing.get_context("fork")
start, answers = context.Barrier(8), context.SimpleQueue()
made = [Export(bucket="b", tenant="tenant", table="a", version=f"V{n}",
               objects=(ExportObject(uri=f"s3://b/{n}", size=1, etag='"e"'),)) for n in range(10)]
def register():
    registry = Registry(sys.argv[1])
    registry.find("tenant/a/V0")  # it is connected
    start.wait(50)
    answers.put([registry.register(one).status for one in made])
processes = [context.Process(target=register, daemon=True) for _ in range(8)]
for process in processes:
    process.start()
print(json.dumps([answers.get() for _ in processes]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, registry.table.name],
        env=moto_server.environment(),
        capture_output=True,
        text=True,
    )
    answers = json.loads(done.stdout)
    for of_one_version in zip(*answers, strict=True):
        assert sorted(of_one_version) == ["already_there"] * 7 + ["registered"]


def test_the_same_export_again_is_already_there(registry: Registry) -> None:
    assert registry.register(export("V1")).status == "registered"
    again = registry.register(export("V1"))
    assert (again.status, again.record.state) == ("already_there", "registered")


def test_other_content_under_a_registered_version_is_an_error_that_tells_both(
    registry: Registry,
) -> None:
    registry.register(export("V1"))
    with pytest.raises(errors.ExportConflict, match=r'ETag "e".*ETag "f"') as caught:
        registry.register(export("V1", etag='"f"'))
    assert not caught.value.retryable


def test_an_export_goes_from_state_to_state(registry: Registry) -> None:
    lease = locked(registry)
    record = registry.register(export("V1")).record
    assert record.state == "registered"
    record = registry.start(lease, record, previous=None)
    assert (record.state, record.owner, record.fence) == ("running", "me", lease.fence)
    record = registry.computed(lease, record.id, CHANGES, {"inserted": 3})
    assert (record.state, record.changes, record.offset) == ("computed", CHANGES, 0)
    registry.save_offset(lease, record.id, 2)
    assert registry.get(record.id).offset == 2
    record = registry.published(lease, record.id, 3, {"sent": 3})
    assert (record.state, record.offset) == ("published", 3)
    assert record.receipts == {"computed": {"inserted": 3}, "published": {"sent": 3}}
    assert registry.done(lease, record.id).state == "done"


@pytest.mark.parametrize(
    ("state", "step"),
    [
        ("registered", lambda r, lease, i: r.computed(lease, i, CHANGES, {})),
        ("registered", lambda r, lease, i: r.published(lease, i, 3, {})),
        ("running", lambda r, lease, i: r.done(lease, i)),
        ("done", lambda r, lease, i: r.failed(lease, i, "no")),
        ("done", lambda r, lease, i: r.save_offset(lease, i, 1)),
    ],
)
def test_no_state_is_left_out_or_left_again(
    registry: Registry, state: str, step: Callable[[Registry, Lease, str], object]
) -> None:
    lease = locked(registry)
    if state == "done":
        record = work(registry, lease, "V1")
    else:
        record = registry.register(export("V1")).record
        if state == "running":
            record = registry.start(lease, record, previous=None)
    with pytest.raises(errors.WrongExportState, match=f"tenant/a/V1 is {state}, not "):
        step(registry, lease, record.id)
    assert registry.get(record.id) == record


@pytest.mark.parametrize(
    ("offset", "begins", "is_done"),
    [(0, False, True), (0, True, False), (1, True, False), (2, True, False), (3, True, True)],
)
def test_what_is_half_published_is_not_done(
    offset: int, begins: bool, is_done: bool, registry: Registry
) -> None:
    """Without publishing it is, as where a table is all that the changes are for."""
    lease = locked(registry)
    record = registry.start(lease, registry.register(export("V1")).record, previous=None)
    registry.computed(lease, record.id, CHANGES, {})
    if begins:
        registry.begin_publishing(lease, record.id)
    if offset:
        registry.save_offset(lease, record.id, offset)
    if is_done:
        assert registry.done(lease, record.id).state == "done"
        return
    with pytest.raises(errors.WrongExportState, match=f"half published \\({offset} of 3 changes"):
        registry.done(lease, record.id)
    assert registry.get(record.id).state == "computed"
    assert registry.last_done("tenant/a") is None


def test_an_export_that_is_not_registered_is_not_found(registry: Registry) -> None:
    with pytest.raises(errors.NotFound, match="tenant/a/V9 is not registered"):
        registry.get("tenant/a/V9")


def test_the_previous_export_is_the_last_done_one_in_the_order_of_versions(
    registry: Registry,
) -> None:
    lease = locked(registry)
    assert registry.last_done("tenant/a") is None
    work(registry, lease, "V9")
    work(registry, lease, "V10")
    failed = registry.start(lease, registry.register(export("V11")).record, previous="V10")
    registry.failed(lease, failed.id, "bad", "BAD_RECORD")
    registry.register(export("V12"))
    last = registry.last_done("tenant/a")
    assert last is not None
    assert last.export.version == "V10"
    assert [r.export.version for r in registry.unfinished("tenant/a")] == ["V12"]
    assert registry.unfinished("tenant/a", before="V12") == []


def test_queries_go_on_over_pages(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("airscoop.aws.dynamodb.PAGE", 3)
    for n in range(1, 12):
        registry.register(export(f"V{n}"))
    registry.register(export("V1", table="b"))
    found = [record.export.version for record in registry.records("tenant/a")]
    assert found == [f"V{n}" for n in range(1, 12)]
    between = registry.records("tenant/a", after="V2", before="V10", backwards=True)
    assert [record.export.version for record in between] == [f"V{n}" for n in range(9, 2, -1)]


def test_an_export_older_than_the_last_done_one_is_refused(registry: Registry) -> None:
    work(registry, locked(registry), "20201231_V0001")
    refused = registry.register(export("20201230_V0002"))
    assert (refused.status, refused.record.state) == ("refused", "failed")
    assert refused.record.code == "STALE_EXPORT"
    assert "older than tenant/a/20201231_V0001" in str(refused.record.error)
    assert registry.register(export("20201230_V0002")).status == "already_there"


def test_the_fence_refuses_a_writer_whose_lock_another_has_taken(registry: Registry) -> None:
    stale = locked(registry, "first")
    record = registry.start(stale, registry.register(export("V1")).record, previous=None)
    stale.release()
    fresh = locked(registry, "second")
    assert fresh.fence > stale.fence
    with pytest.raises(errors.LockLost, match="held by second") as caught:
        registry.computed(stale, record.id, CHANGES, {})
    assert not caught.value.retryable
    assert registry.get(record.id) == record
    registry.computed(fresh, record.id, CHANGES, {})


def test_a_later_task_of_a_run_goes_on_and_fences_off_what_is_left_of_the_earlier_one(
    registry: Registry,
) -> None:
    first = locked(registry, "run")
    record = registry.start(first, registry.register(export("V1")).record, previous=None)
    second = Lease.attach(registry, "tenant/a", "run", first.fence)
    assert second.fence > first.fence
    with pytest.raises(errors.LockLost):
        registry.failed(first, record.id, "too late")
    registry.computed(second, record.id, CHANGES, {})


def test_the_offset_stays_only_with_the_file_that_it_counts_in(registry: Registry) -> None:
    lease = locked(registry)
    record = registry.start(lease, registry.register(export("V1")).record, previous=None)
    registry.computed(lease, record.id, CHANGES, {})
    registry.save_offset(lease, record.id, 2)
    assert registry.computed(lease, record.id, CHANGES, {}).offset == 2
    other = ChangesFile(uri=CHANGES.uri, etag='"d"', count=3)
    assert registry.computed(lease, record.id, other, {}).offset == 0


def test_a_run_that_takes_over_keeps_what_was_computed_against_the_same_version(
    registry: Registry,
) -> None:
    lease = locked(registry)
    record = registry.start(lease, registry.register(export("V2")).record, previous="V1")
    record = registry.computed(lease, record.id, CHANGES, {})
    assert registry.start(lease, record, previous="V1").state == "computed"
    assert registry.start(lease, registry.get(record.id), previous="V0").state == "running"


# --- answers that are lost ---


@pytest.fixture
def lossy(losing_proxy: LosingProxy, moto_server: MotoServer, registry: Registry) -> Registry:
    """The same table behind the proxy; botocore itself tries nothing again."""
    client = MotoServer(losing_proxy.endpoint).client("dynamodb", retries={"total_max_attempts": 1})
    return Registry(registry.table.name, client=client)


@pytest.fixture
def patient(losing_proxy: LosingProxy, registry: Registry) -> Registry:
    """The same, but botocore tries again by itself."""
    client = MotoServer(losing_proxy.endpoint).client(
        "dynamodb", retries={"mode": "standard", "total_max_attempts": 3}
    )
    return Registry(registry.table.name, client=client)


@pytest.mark.parametrize("which", ["lossy", "patient"])
def test_a_registration_whose_answer_is_lost_is_found_to_be_ones_own(
    which: str, losing_proxy: LosingProxy, request: pytest.FixtureRequest
) -> None:
    registry: Registry = request.getfixturevalue(which)
    losing_proxy.lose("PutItem")
    assert registry.register(export("V1")).status == "registered"
    assert losing_proxy.seen.count("PutItem") == (1 if which == "lossy" else 2)


@pytest.mark.parametrize("which", ["lossy", "patient"])
def test_a_lock_whose_answer_is_lost_is_ones_own(
    which: str, losing_proxy: LosingProxy, request: pytest.FixtureRequest, registry: Registry
) -> None:
    losing_proxy.lose("UpdateItem")
    lease = Lease.try_acquire(request.getfixturevalue(which), "tenant/a", "me", seconds=30)
    assert lease is not None
    assert lease.fence == 1
    assert Lease.try_acquire(registry, "tenant/a", "other", seconds=30) is None


@pytest.mark.parametrize("which", ["lossy", "patient"])
def test_a_step_whose_answer_is_lost_is_made_once(
    which: str, losing_proxy: LosingProxy, request: pytest.FixtureRequest
) -> None:
    registry: Registry = request.getfixturevalue(which)
    lease = locked(registry)
    record = registry.register(export("V1")).record
    losing_proxy.lose("TransactWriteItems")
    assert registry.start(lease, record, previous=None).attempts == 1
    losing_proxy.lose("TransactWriteItems")
    assert registry.computed(lease, record.id, CHANGES, {}).state == "computed"


def test_a_server_that_never_answers_is_an_error_that_may_pass(
    lossy: Registry, losing_proxy: LosingProxy
) -> None:
    losing_proxy.lose("GetItem", 99)
    with pytest.raises(errors.ConnectionFailed, match="the table registry-") as caught:
        lossy.get("tenant/a/V1")
    assert caught.value.retryable


def test_a_table_that_is_not_there_is_named(moto_server: MotoServer) -> None:
    registry = Registry("nowhere", client=moto_server.client("dynamodb"))
    with pytest.raises(errors.NotFound, match="the table nowhere: ResourceNotFound") as caught:
        registry.register(export("V1"))
    assert caught.value.http_status == 400


# --- the lock ---


def test_a_lock_is_had_by_one_at_a_time_and_other_tables_do_not_wait(registry: Registry) -> None:
    with locked(registry, "first") as lease:
        assert Lease.try_acquire(registry, "tenant/a", "second", seconds=30) is None
        assert locked(registry, "second", dataset="tenant/b").fence == 1
        lease.check()
    assert locked(registry, "second").fence == 2


@pytest.mark.parametrize("owner", ["me", None])
def test_one_name_is_no_lock(owner: str | None, registry: Registry) -> None:
    """As docs/how-to/registry.md prints it: two threads, the same words."""
    first = Lease.acquire(registry, "tenant/a", owner, seconds=30)
    assert Lease.try_acquire(registry, "tenant/a", owner, seconds=30) is None
    with pytest.raises(errors.LockTimeout, match="held by "):
        Lease.acquire(registry, "tenant/a", owner, timeout=0.1, seconds=30)
    first.confirm()


def test_of_threads_that_take_the_lock_in_the_same_name_one_is_inside(registry: Registry) -> None:
    inside, most, ends = [0], [0], threading.Barrier(3)

    def work() -> None:
        for _ in range(3):
            with Lease.acquire(registry, "tenant/a", "me", timeout=60, seconds=1) as lease:
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                time.sleep(0.05)
                lease.confirm()
                inside[0] -= 1
        ends.wait(60)

    with ThreadPoolExecutor(3) as threads:
        for each in [threads.submit(work) for _ in range(3)]:
            each.result()
    assert most == [1]


def test_without_a_name_an_owner_is_the_host_the_process_and_a_random_part(
    registry: Registry,
) -> None:
    one = Lease.acquire(registry, "tenant/a")
    other = Lease.acquire(registry, "tenant/b")
    assert one.owner.startswith(f"{socket.gethostname()}/{os.getpid()}/")
    assert one.owner != other.owner
    assert f"held by {one.owner}" in holder(registry, "tenant/a")


def test_a_fence_of_before_opens_no_lock_that_was_taken_anew_in_the_same_name(
    registry: Registry, clock: LeaseClock
) -> None:
    first = Lease.acquire(registry, "tenant/a", "me", seconds=3)
    again = Lease.attach(registry, "tenant/a", "me", first.fence, seconds=3)
    Lease.attach(registry, "tenant/a", "me", first.fence, seconds=3)  # by the run's next task
    assert again.fence > first.fence
    second = Lease.acquire(registry, "tenant/a", "me", timeout=20, seconds=3)
    with pytest.raises(
        errors.LockLost,
        match="me has lost its lock; nothing more is changed or sent; the lock is held by me",
    ):
        Lease.attach(registry, "tenant/a", "me", first.fence)
    second.confirm()
    assert Lease.attach(registry, "tenant/a", "me", second.fence).fence > second.fence


def test_a_lock_that_an_older_airscoop_has_taken_is_gone_on_with(registry: Registry) -> None:
    lease = locked(registry)
    key = ("tenant/a", LOCK)
    registry.table.update(key, "REMOVE #taken", {}, condition="attribute_exists(#pk)")
    assert Lease.attach(registry, "tenant/a", "me", lease.fence).fence > lease.fence


def test_waiting_for_a_lock_ends_in_an_error_that_names_its_holder(registry: Registry) -> None:
    locked(registry, "first")
    with pytest.raises(errors.LockTimeout, match="held by first") as caught:
        Lease.acquire(registry, "tenant/a", "second", timeout=0.2, seconds=30)
    assert caught.value.holder == "first"


def test_a_lock_that_is_renewed_is_not_taken_over(registry: Registry, clock: LeaseClock) -> None:
    def wants_it() -> Lease | None:
        return Lease.try_acquire(registry, "tenant/a", "second", seconds=9)

    def record_version() -> str:
        item = registry.table.get(("tenant/a", LOCK))
        assert item is not None
        return str(item["rvn"])

    def renewed_since(seen: str) -> bool:
        return record_version() != seen

    first = Lease.acquire(registry, "tenant/a", "first", seconds=0.6)
    with first:
        for _ in range(3):
            assert wants_it() is None
            seen = record_version()
            assert eventually(partial(renewed_since, seen))
            clock.go(5)
        assert wants_it() is None
        first.hand_over()
        assert wants_it() is None
        clock.go(599)
        assert wants_it() is None
        clock.go(2)
        second = wants_it()
        assert second is not None
        assert second.fence == 2


def test_a_lock_between_two_tasks_waits_for_the_handovers_time(
    registry: Registry, clock: LeaseClock
) -> None:
    def wants_it() -> Lease | None:
        return Lease.try_acquire(registry, "tenant/a", "other", seconds=3)

    first = Lease.try_acquire(registry, "tenant/a", "run", seconds=3, handover_seconds=30)
    assert first is not None
    first.hand_over()
    assert wants_it() is None
    clock.go(29)
    assert wants_it() is None
    attached = Lease.attach(registry, "tenant/a", "run", first.fence, seconds=3)
    attached.check()
    assert wants_it() is None
    clock.go(2)
    assert wants_it() is None
    clock.go(2)
    taken = wants_it()
    assert taken is not None
    assert taken.fence == attached.fence + 1


def test_a_lease_that_is_over_is_looked_at_before_anything_is_done(
    registry: Registry, clock: LeaseClock
) -> None:
    lost: list[bool] = []
    first = Lease.try_acquire(
        registry, "tenant/a", "first", seconds=3, on_lost=lambda: lost.append(True)
    )
    assert first is not None
    clock.go(4)
    first.check()  # nobody has taken it: it is renewed
    Lease.acquire(registry, "tenant/a", "second", timeout=20, seconds=30)
    with pytest.raises(errors.LockLost, match=r"first has lost its lock; .*held by second"):
        first.check()
    assert lost == [True]
    assert first.release() is False


class Throttling:
    """A client whose writes are throttled as often as a test says."""

    def __init__(self, client: Any) -> None:
        self._client, self.left = client, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def update_item(self, **request: Any) -> Any:
        self.left -= 1
        if self.left >= 0:
            raise ClientError({"Error": {"Code": "ThrottlingException"}}, "UpdateItem")
        return self._client.update_item(**request)


def interrupt() -> None:
    raise errors.Cancelled("enough")


def test_a_check_waits_for_a_table_that_throttles_and_can_be_interrupted(
    registry: Registry, moto_server: MotoServer, clock: LeaseClock
) -> None:
    client = Throttling(moto_server.client("dynamodb"))
    throttled = Registry(registry.table.name, client=client)
    lease = Lease.try_acquire(throttled, "tenant/a", "me", seconds=0.3)
    assert lease is not None
    told: list[float] = []
    lease.watch(told.append)
    clock.go(0.2)
    client.left = 30  # far more than a lease
    asked: list[int] = []
    lease.check(lambda: asked.append(client.left))
    assert client.left < 0
    assert len(asked) > 1
    assert len(told) == 2 and told[1] > told[0]
    clock.go(1000)
    client.left = 10_000
    with pytest.raises(errors.Cancelled):
        lease.check(interrupt)


def test_the_heartbeat_tells_at_once_that_the_lock_is_lost(registry: Registry) -> None:
    lost: list[float] = []
    first = Lease.try_acquire(
        registry, "tenant/a", "me", seconds=0.6, on_lost=lambda: lost.append(time.monotonic())
    )
    assert first is not None
    with pytest.raises(errors.LockLost), first:
        Lease.attach(registry, "tenant/a", "me", first.fence, seconds=30)
        assert eventually(lambda: bool(lost), seconds=20)
        first.check()


def test_another_run_cannot_go_on_with_a_lock(registry: Registry) -> None:
    first = locked(registry, "first")
    with pytest.raises(errors.LockLost, match="second has lost its lock"):
        Lease.attach(registry, "tenant/a", "second", first.fence)
    first.release()
    with pytest.raises(errors.LockLost, match="nobody holds the lock"):
        Lease.attach(registry, "tenant/a", "first", first.fence)


def test_what_another_process_of_this_machine_saw_counts_in_the_wait(
    moto_server: MotoServer, registry: Registry
) -> None:
    locked_for = 1.0
    assert Lease.try_acquire(registry, "tenant/a", "first", seconds=locked_for) is not None
    program = (
        "import sys; from airscoop.exports.lease import Lease\n"
        "from airscoop.exports.registry import Registry\n"
        "print(Lease.try_acquire(Registry(sys.argv[1]), 'tenant/a', 'second', seconds=9) is None)"
    )
    command = [sys.executable, "-c", program, registry.table.name]
    options: dict[str, Any] = {"capture_output": True, "text": True, "timeout": 50}
    first = subprocess.run(command, env=moto_server.environment(), **options)
    assert first.stdout == "True\n", first.stderr
    time.sleep(locked_for)
    second = subprocess.run(command, env=moto_server.environment(), **options)
    assert second.stdout == "False\n", second.stderr
