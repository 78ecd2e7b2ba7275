"""The steps of an export on a real S3 and DynamoDB API: in order, once, and after failures."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
from typing import Any

import pytest

from airscoop import errors
from airscoop.exports import model as airscoop_exports
from airscoop.exports.lease import LOCK, Lease
from airscoop.exports.registry import Registration, Registry
from airscoop.exports.steps.compute import compute_changes
from airscoop.exports.steps.lock import lock_export
from airscoop.exports.steps.working import ExportLock, Terms
from support.exports import QUICK, ROWS, Exports
from support.moto import MotoServer
from support.paths import TESTS
from support.s3 import OWNER
from support.waiting import eventually


def test_each_export_is_compared_with_the_last_done_one_before_it(exports: Exports) -> None:
    exports.put("20201230_V0001", {"1": "a", "2": "b"})
    exports.put("20201230_V0002", {"1": "A", "3": "c"})
    exports.put("20201231_V0001", {"1": "A"})
    receipt = exports.register()
    versions = ["20201230_V0001", "20201230_V0002", "20201231_V0001"]
    assert receipt.exports == receipt.registered == [exports.id(v) for v in versions]
    first, second, third = (exports.work(version) for version in versions)
    assert (first.previous, second.previous, third.previous) == (None, *versions[:2])
    assert exports.ops(versions[0]) == ["INSERT 1", "INSERT 2"]
    assert exports.ops(versions[1]) == ["DELETE 2", "INSERT 3", "UPDATE 1"]
    assert exports.ops(versions[2]) == ["DELETE 3"]
    assert second.changes == f"{exports.changes}/{exports.id(versions[1])}.jsonl.gz"
    assert (second.count, second.delta["updated"]) == (3, 1)
    record = exports.registry.get(exports.id(versions[1]))
    assert (record.state, record.previous) == ("done", versions[0])
    assert record.receipts["computed"] == second.delta


def test_an_export_that_is_delivered_again_makes_no_work_and_the_receipt_says_so(
    exports: Exports,
) -> None:
    uri = exports.put("V1", ROWS)
    exports.register()
    exports.work("V1")
    again = exports.register()
    assert (again.exports, again.registered, again.already_there) == ([], [], 1)
    assert "1 exports: 0 registered, 1 already there, 0 to work on" in again.summary()
    one = exports.register_one(uri)
    assert (one.exports, one.already_there) == ([], 1)
    attempt = lock_export(exports.registry, exports.id("V1"), "late")
    assert attempt.finished == f"{exports.id('V1')} is done"


def test_a_run_works_also_on_what_another_registers_at_the_same_moment(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one may be killed right after, and nobody is told."""
    exports.put("V1", ROWS)
    register = Registry.register
    others: list[str] = []

    def late(*arguments: Any, **options: Any) -> Registration:
        monkeypatch.setattr(Registry, "register", register)
        others.extend(exports.register().exports)
        return register(*arguments, **options)

    monkeypatch.setattr(Registry, "register", late)
    receipt = exports.register()
    assert (receipt.registered, receipt.already_there) == ([], 1)
    assert receipt.exports == others == [exports.id("V1")]


def test_the_changes_of_two_tables_have_different_ids(exports: Exports) -> None:
    exports.put("V1", ROWS)
    exports.store.put("other/V1/x.csv", b"PK,v\n1,a\n2,b\n3,c\n4,d\n")
    exports.register()
    other = Exports(exports.store, exports.registry, exports.clock)
    exports.work("V1")
    lock = lock_export(exports.registry, f"{exports.store.prefix}/other/V1", "run").lock
    assert lock is not None
    written = exports.compute(lock)
    body = other.store.client.get_object(Bucket="transfers", Key=written.changes.split("/", 3)[3])[
        "Body"
    ].read()
    ids = {json.loads(line)["id"] for line in gzip.decompress(body).splitlines()}
    assert len(ids) == 4
    assert not ids & {one["id"] for one in exports.written("V1")}


def test_later_exports_wait_for_earlier_ones_and_other_tables_do_not(exports: Exports) -> None:
    exports.put("V1", ROWS)
    exports.put("V2", ROWS)
    exports.store.put("other/V2/x.csv", b"PK\n1\n")
    exports.register()
    second = lock_export(exports.registry, exports.id("V2"), "two", terms=QUICK)
    assert second.waits_for == f"{exports.id('V1')}, which is registered"
    lock = exports.lock("V1", "one")
    again = lock_export(exports.registry, exports.id("V1"), "two", terms=QUICK)
    assert again.waits_for == f"the lock is held by one (fence {lock.fence})"
    other = lock_export(exports.registry, f"{exports.store.prefix}/other/V2", "two", terms=QUICK)
    assert other.lock is not None
    exports.compute(lock)
    exports.finish(lock, state="done")
    assert exports.lock("V2", "two").previous == "V1"


def test_an_earlier_export_that_comes_while_the_lock_is_taken_goes_first(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports.put("V2", ROWS)
    exports.register()
    take = Lease.try_acquire

    def late(*arguments: Any, **options: Any) -> Lease | None:
        exports.put("V1", ROWS)
        exports.register()
        return take(*arguments, **options)

    monkeypatch.setattr(Lease, "try_acquire", late)
    attempt = lock_export(exports.registry, exports.id("V2"), "run", terms=QUICK)
    assert attempt.waits_for == f"{exports.id('V1')}, which is registered"
    monkeypatch.undo()
    assert exports.registry.get(exports.id("V2")).state == "registered"
    assert exports.lock("V1", "another").export == exports.id("V1")  # the lock was given back


def test_an_export_that_fails_lets_the_next_one_go_on_from_the_last_done_one(
    exports: Exports,
) -> None:
    exports.put("V1", ROWS)
    exports.put("V2", {"1": "a"})
    exports.put("V3", ROWS | {"5": "e"})
    exports.register()
    exports.work("V1")
    lock = exports.lock("V2")
    with pytest.raises(errors.SuspectExport):
        exports.compute(lock, max_delete_ratio=0.3)
    assert exports.registry.get(lock.export).state == "running"
    receipt = exports.finish(lock)
    assert (receipt.state, receipt.published) == ("failed", 0)
    assert "SuspectExport: " in str(receipt.error)
    assert exports.registry.get(lock.export).code == "SUSPECT_EXPORT"
    assert exports.work("V3").previous == "V1"
    assert exports.ops("V3") == ["INSERT 5"]


def test_a_failed_export_is_worked_on_again_when_it_is_asked_for(exports: Exports) -> None:
    exports.put("V1", ROWS)
    uri = exports.put("V2", {"1": "a"})
    exports.register()
    exports.work("V1")
    lock = exports.lock("V2")
    with pytest.raises(errors.SuspectExport):
        exports.compute(lock, max_delete_ratio=0.3)
    exports.finish(lock)
    assert exports.register().exports == [lock.export]  # it is seen as long as it has failed
    with pytest.raises(errors.WrongExportState, match=r"V2, .* has failed: SuspectExport"):
        lock_export(exports.registry, lock.export, "other")
    again = exports.lock("V2", "run")  # the same run, told to do it again
    assert again.previous == "V1"
    exports.finish(again, state="failed")
    assert exports.register_one(uri).exports == [lock.export]
    exports.work("V2", "approved")
    assert exports.ops("V2") == ["DELETE 2", "DELETE 3", "DELETE 4"]


def test_an_export_older_than_the_last_done_one_is_refused_and_seen_once(exports: Exports) -> None:
    exports.put("V2", ROWS)
    exports.register()
    exports.work("V2")
    uri = exports.put("V1", ROWS)
    late = exports.register()
    assert late.exports == [exports.id("V1")]
    assert "older than" in late.refused[exports.id("V1")]
    with pytest.raises(errors.StaleExport, match="export it again under a newer version"):
        exports.lock("V1")
    with pytest.raises(errors.StaleExport):
        exports.register_one(uri)
    again = exports.register()
    assert (again.exports, again.already_there) == ([], 2)


def test_an_export_that_became_too_old_while_it_waited_is_refused_under_the_lock(
    exports: Exports,
) -> None:
    exports.put("V2", ROWS)
    exports.register()
    lock = exports.lock("V2")
    exports.put("V1", ROWS)
    assert exports.register().registered == [exports.id("V1")]
    exports.compute(lock)
    exports.finish(lock, state="done")
    with pytest.raises(errors.StaleExport):
        exports.lock("V1", "late")
    record = exports.registry.get(exports.id("V1"))
    assert (record.state, record.code) == ("failed", "STALE_EXPORT")
    item = exports.registry.table.get((exports.dataset, LOCK))
    assert item is not None
    assert item["released"]


def test_a_second_object_under_a_version_is_an_error_that_names_both(exports: Exports) -> None:
    one = exports.put("V1", ROWS)
    two = exports.put("V1", ROWS, "second.csv.gz")
    exports.put("V2", ROWS)
    receipt = exports.register()
    assert receipt.registered == [exports.id("V2")]
    reason = receipt.conflicts[exports.id("V1")]
    assert one in reason
    assert two in reason
    assert receipt.exports == [exports.id("V1"), exports.id("V2")]
    with pytest.raises(errors.ExportConflict, match=r"second\.csv\.gz"):
        exports.lock("V1")
    with pytest.raises(errors.ExportConflict, match=r"second\.csv\.gz"):
        exports.register_one(one)
    assert exports.register().exports == [exports.id("V2")]  # the error was seen
    exports.store.client.delete_object(Bucket="transfers", Key=two.split("/", 3)[3])
    assert exports.register().registered == [exports.id("V1")]
    exports.work("V1")


def test_a_second_object_that_comes_later_is_found_in_each_state(exports: Exports) -> None:
    exports.put("V1", ROWS)
    exports.register()
    lock = exports.lock("V1")
    exports.put("V1", ROWS, "second.csv.gz")
    with pytest.raises(errors.ExportConflict, match=r"second.csv.gz stands beside .*export.csv.gz"):
        exports.compute(lock)
    assert exports.registry.get(lock.export).changes is None
    exports.finish(lock)
    exports.put("V2", ROWS)
    exports.register()
    exports.work("V2")
    exports.put("V2", ROWS, "second.csv.gz")
    late = exports.register()
    assert exports.id("V2") in late.exports
    with pytest.raises(errors.ExportConflict, match=r"second\.csv\.gz"):
        exports.lock("V2", "late")
    assert exports.registry.get(exports.id("V2")).state == "done"


def test_a_second_object_beside_the_last_done_export_holds_up_no_later_one(
    exports: Exports,
) -> None:
    exports.put("V1", ROWS)
    exports.register()
    exports.work("V1")
    exports.put("V1", ROWS, "second.csv.gz")
    exports.put("V2", ROWS | {"5": "e"})
    assert exports.id("V1") in exports.register().conflicts
    exports.work("V2")
    assert exports.ops("V2") == ["INSERT 5"]


def test_an_object_that_is_replaced_after_it_was_registered_is_an_error(exports: Exports) -> None:
    exports.put("V1", ROWS)
    exports.register()
    lock = exports.lock("V1")
    exports.put("V1", ROWS | {"9": "z"})
    with pytest.raises(errors.ExportConflict, match="has changed since"):
        exports.compute(lock)
    exports.finish(lock)
    receipt = exports.register()
    assert "was registered as" in receipt.conflicts[exports.id("V1")]


@pytest.mark.parametrize("late", ["new", "mended"])
def test_a_version_that_comes_late_is_refused_behind_one_of_which_changes_may_be_sent(
    late: str, exports: Exports
) -> None:
    exports.put("V1", ROWS)
    exports.register()
    exports.work("V1")
    if late == "mended":
        exports.put("V2", ROWS | {"8": "x"})
        spoiling = exports.put("V2", ROWS, "second.csv.gz")
    exports.put("V3", ROWS | {"9": "z"})
    exports.register()
    lock = exports.lock("V3")
    exports.compute(lock)
    with Lease.attach(exports.registry, exports.dataset, lock.owner, lock.fence) as lease:
        exports.registry.begin_publishing(lease, lock.export)
    if late == "mended":
        exports.store.client.delete_object(Bucket="transfers", Key=spoiling.split("/", 3)[3])
    else:
        exports.put("V2", ROWS | {"8": "x"})
    assert exports.id("V2") in exports.register().exports
    exports.finish(lock, state="failed", error="the table is gone")
    with pytest.raises(errors.StaleExport, match="V3, of which changes may be sent already"):
        exports.lock("V2")
    assert not exports.compute(exports.lock("V3")).computed
    assert exports.ops("V3") == ["INSERT 9"]


MALFORMED = {
    "a key twice": b"PK,v\n1,a\n1,b\n",
    "another header": b"other,names\n1,a\n",
    "a bad row": b'PK,v\n"1,a\n',
    "no gzip data": b"\x1f\x8b\x08 damaged",
    "one row": b"PK,v\n1,a\n",
}


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED)
@pytest.mark.parametrize("version", ["V1", "V2"])
def test_an_export_that_is_replaced_by_a_wrong_one_is_a_conflict_and_can_be_mended(
    version: str, content: bytes, exports: Exports
) -> None:
    """Whatever the comparison says first: the content is another one than was registered."""
    exports.put("V1", ROWS)
    exports.register()
    exports.work("V1")
    newer = ROWS | {"9": "z"}
    exports.put("V2", newer)
    exports.register()
    lock = exports.lock("V2")
    exports.store.put(f"orders/{version}/export.csv.gz", content)
    with pytest.raises(errors.ExportConflict, match=r"has changed since|was registered as"):
        exports.compute(lock)
    exports.finish(lock)
    exports.put(version, ROWS if version == "V1" else newer)
    exports.register()
    exports.work("V2")
    assert exports.ops("V2") == ["INSERT 9"]


def test_what_was_read_must_be_what_was_registered_whatever_stands_there_after(
    exports: Exports, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports.put("V1", ROWS)
    exports.register()
    lock = exports.lock("V1")
    exports.put("V1", {"other": "rows"})
    check = airscoop_exports.check_unchanged

    def put_back(*arguments: Any, **options: Any) -> None:
        exports.put("V1", ROWS)
        check(*arguments, **options)

    monkeypatch.setattr(airscoop_exports, "check_unchanged", put_back)
    with pytest.raises(errors.ExportConflict, match="has changed since"):
        exports.compute(lock)
    assert exports.registry.get(lock.export).state == "running"


def test_with_a_marker_nothing_starts_before_it_and_all_objects_are_one_export(
    exports: Exports,
) -> None:
    exports.put("V1", {"1": "a", "2": "b"}, "part-0.csv.gz")
    marker = {"complete_marker": "_SUCCESS"}
    assert exports.register(**marker).incomplete == [exports.id("V1")]
    uri = exports.put("V1", {"3": "c", "4": "d"}, "part-1.csv.gz")
    assert exports.register_one(uri, **marker).incomplete == [exports.id("V1")]
    exports.store.put("orders/V1/_SUCCESS", b"")
    assert exports.register(**marker).registered == [exports.id("V1")]
    receipt = exports.work("V1")
    assert exports.ops("V1") == ["INSERT 1", "INSERT 2", "INSERT 3", "INSERT 4"]
    assert receipt.delta["new_rows"] == 4
    assert receipt.delta["new"].endswith("part-0.csv.gz and 1 more")


def test_what_was_computed_is_not_computed_again(exports: Exports) -> None:
    exports.put("V1", ROWS)
    exports.register()
    lock = exports.lock("V1")
    first = exports.compute(lock)
    assert first.computed
    second = exports.compute(lock)
    assert not second.computed
    assert (second.count, second.etag, second.delta) == (first.count, first.etag, first.delta)
    exports.store.client.delete_object(Bucket="transfers", Key=first.changes.split("/", 3)[3])
    third = exports.compute(lock)
    assert third.computed
    assert third.etag == first.etag


def test_finishing_twice_changes_nothing(exports: Exports) -> None:
    exports.put("V1", ROWS)
    exports.register()
    lock = exports.lock("V1")
    exports.compute(lock)
    first = exports.finish(lock, state="done")
    again = exports.finish(lock, state="done")
    assert (first.state, again.state) == ("done", "done")
    assert first.summary() == f"{lock.export} is done"


def test_a_lock_that_a_killed_last_step_has_left_is_released_by_its_next_try(
    exports: Exports,
) -> None:
    exports.put("V1", ROWS)
    exports.put("V2", ROWS)
    exports.register()
    lock = exports.lock("V1")
    exports.compute(lock)
    lease = Lease.attach(exports.registry, exports.dataset, lock.owner, lock.fence)
    exports.registry.done(lease, lock.export)  # and then it was killed
    assert lock_export(exports.registry, exports.id("V2"), "next", terms=QUICK).waits_for
    assert exports.finish(lock).state == "done"
    assert exports.lock("V2", "next").previous == "V1"


def test_an_export_whose_changes_are_not_published_is_not_done(exports: Exports) -> None:
    exports.put("V1", ROWS)
    exports.register()
    lock = exports.lock("V1")
    exports.compute(lock)
    receipt = exports.finish(lock)
    assert (receipt.state, receipt.error) == ("failed", "a step failed while it was computed")


def test_what_is_half_published_is_finished_as_failed_or_goes_on(exports: Exports) -> None:
    exports.put("V1", ROWS)
    exports.register()
    lock = exports.lock("V1")
    exports.compute(lock)
    with Lease.attach(exports.registry, exports.dataset, lock.owner, lock.fence) as lease:
        exports.registry.save_offset(lease, lock.export, 2)
    with pytest.raises(errors.WrongExportState, match=r"half published \(2 of 4 changes\)"):
        exports.finish(lock, state="done")
    assert exports.registry.get(lock.export).state == "computed"
    with Lease.attach(exports.registry, exports.dataset, lock.owner, lock.fence) as lease:
        exports.registry.published(lease, lock.export, 4, {})  # the lock has stayed
    assert exports.finish(lock, state="done").state == "done"


def test_a_lock_that_is_none_of_ours_is_wrong_usage(exports: Exports) -> None:
    with pytest.raises(errors.UsageError, match="the result of LockExportOperator"):
        compute_changes(exports.registry, {"fence": 1}, changes="s3://b/c")  # type: ignore[arg-type]


def test_athena_without_settings_is_wrong_usage(exports: Exports) -> None:
    """What Athena computes is in test_delta_athena.py."""
    exports.put("V1", ROWS)
    exports.register()
    with pytest.raises(errors.UsageError, match="needs athena=AthenaSettings"):
        exports.compute(exports.lock("V1"), engine="athena")


# --- processes that die or are stopped ---

WORKER = """
import sys, time, json
sys.path.insert(0, sys.argv[1])
from airscoop import errors
from airscoop.exports.steps.working import ExportLock, Terms, working
from airscoop.exports.registry import ChangesFile, Registry
registry, lock = Registry(sys.argv[2]), ExportLock(**json.loads(sys.argv[3]))
terms = Terms(seconds=float(sys.argv[4]), handover_seconds=30)
changes = ChangesFile(uri="s3://b/c", etag="e", count=1)
with working(registry, lock, terms) as lease:
    print("working", flush=True)
    if sys.argv[5] == "once":
        sys.stdin.readline()
        try:
            registry.computed(lease, lock.export, changes, {})
        except errors.LockLost as error:
            print("refused", error, flush=True)
    try:
        while True:
            lease.check()
            time.sleep(0.02)
    except errors.LockLost as error:
        print("stopped", error, flush=True)
        raise
"""


class Workers:
    """Processes that hold a lock."""

    def __init__(self, moto_server: MotoServer, registry: Registry) -> None:
        self._environment = moto_server.environment()
        self._registry = registry
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, lock: ExportLock, *, seconds: float, mode: str = "loop") -> Any:
        process = subprocess.Popen(
            [
                sys.executable, "-c", WORKER, str(TESTS), self._registry.table.name,
                json.dumps(lock.to_dict()), str(seconds), mode,
            ],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env=self._environment, text=True,
        )  # fmt: skip
        self.processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "working\n"
        return process


@pytest.fixture
def workers(moto_server: MotoServer, exports: Exports) -> Any:
    made = Workers(moto_server, exports.registry)
    yield made
    for process in made.processes:
        process.kill()
        process.communicate()


def record_version(exports: Exports) -> str:
    """What each heartbeat changes."""
    item = exports.registry.table.get((exports.dataset, LOCK))
    assert item is not None
    return str(item["rvn"])


def test_a_worker_that_is_killed_is_taken_over_after_its_lease(
    exports: Exports, workers: Workers
) -> None:
    exports.put("V1", ROWS)
    exports.register()
    lock = exports.lock("V1", "killed")
    worker = workers.start(lock, seconds=1.0)
    assert lock_export(exports.registry, lock.export, "next", terms=QUICK).lock is None
    first_seen = record_version(exports)
    assert eventually(lambda: record_version(exports) != first_seen)
    exports.clock.go(9)
    assert lock_export(exports.registry, lock.export, "next", terms=QUICK).lock is None  # it beats
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    next_run = exports.register()
    assert next_run.exports == [lock.export]  # nobody else will finish it
    assert lock_export(exports.registry, lock.export, "next", terms=QUICK).lock is None
    exports.clock.go(0.9)
    assert lock_export(exports.registry, lock.export, "next", terms=QUICK).lock is None
    exports.clock.go(0.2)
    taken = exports.lock("V1", "next")
    assert taken.fence > lock.fence
    exports.compute(taken)
    assert exports.finish(taken, state="done").state == "done"


def test_a_worker_that_was_stopped_too_long_finds_out_before_it_writes(
    exports: Exports, workers: Workers
) -> None:
    exports.put("V1", ROWS)
    exports.register()
    lock = exports.lock("V1", "stopped")
    stopped = workers.start(lock, seconds=0.6)
    writer = workers.start(lock, seconds=0.6, mode="once")
    assert stopped.stdout.readline().startswith("stopped")  # the later one has fenced it off
    writer.send_signal(signal.SIGSTOP)
    taken = exports.taken_over("V1", "next")
    writer.stdin.write("\n")
    writer.stdin.flush()
    writer.send_signal(signal.SIGCONT)
    assert "has lost its lock" in writer.stdout.readline()
    assert writer.stdout.readline().startswith("stopped")
    assert writer.wait(20) == 1
    record = exports.registry.get(taken.export)
    assert (record.state, record.owner, record.changes) == ("running", "next", None)


def test_a_run_that_loses_its_lock_stops_computing_and_writes_nothing(exports: Exports) -> None:
    exports.put("V1", ROWS)
    exports.register()
    lock = exports.lock("V1", "slow")

    cancelled: list[bool] = []

    def lose_it(job: Any) -> None:
        cancel = job.cancel

        def noted() -> None:
            cancelled.append(True)
            cancel()

        job.cancel = noted
        exports.registry.table.update(
            (exports.dataset, LOCK),
            "SET #owner = :owner, #rvn = :rvn ADD #fence :one",
            {"owner": "thief", "rvn": "r", "one": 1},
            condition="attribute_exists(#pk)",
        )
        assert eventually(lambda: bool(cancelled))  # by the heartbeat

    with pytest.raises(errors.LockLost, match="held by thief"):
        exports.compute(lock, on_start=lose_it, terms=Terms(seconds=0.3, handover_seconds=30))
    key = f"changes-{exports.store.prefix}/{lock.export}.jsonl.gz"
    with pytest.raises(exports.store.client.exceptions.ClientError):
        exports.store.client.head_object(Bucket="transfers", Key=key)


CONTENDER = """
import sys, time, json
sys.path.insert(0, sys.argv[1])
from airscoop.exports.steps.working import Terms
from airscoop.exports.steps.compute import compute_changes
from airscoop.exports.steps.finish import finish_export
from airscoop.exports.steps.lock import lock_export
from airscoop.aws.credentials import Credentials
from airscoop.aws.settings import S3Settings
from airscoop.exports.registry import Registration, Registry
registry, export, owner, changes = Registry(sys.argv[2]), *sys.argv[3:6]
s3 = S3Settings(credentials=Credentials(access_key_id=sys.argv[6], secret_access_key=sys.argv[7]),
                endpoint_url=sys.argv[8], region="us-east-1")
terms, end = Terms(seconds=5, handover_seconds=20), time.monotonic() + 40
sys.stdin.readline()
while time.monotonic() < end:
    attempt = lock_export(registry, export, owner, terms=terms)
    if attempt.finished:
        print("finished"); break
    if attempt.lock:
        compute_changes(registry, attempt.lock, changes=changes, s3=s3, terms=terms)
        finish_export(registry, attempt.lock, state="done", terms=terms)
        print("worked"); break
    time.sleep(0.05)
"""


def test_of_workers_that_contend_for_an_export_exactly_one_works(
    exports: Exports, moto_server: MotoServer
) -> None:
    exports.put("V1", ROWS)
    exports.register()
    processes = [
        subprocess.Popen(
            [
                sys.executable, "-c", CONTENDER, str(TESTS), exports.registry.table.name,
                exports.id("V1"), f"worker-{n}", exports.changes, OWNER.access_key_id,
                OWNER.secret_access_key, exports.store.endpoint,
            ],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=moto_server.environment(),
            text=True,
        )
        for n in range(4)
    ]  # fmt: skip
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = sorted(process.communicate()[0].strip() for process in processes)
    assert said == ["finished", "finished", "finished", "worked"]
    assert exports.registry.get(exports.id("V1")).attempts == 1
