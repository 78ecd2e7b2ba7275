"""Changes of an export onto a stream: from where it stopped, under its lock, never half."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from airscoop import Credentials, errors
from airscoop.aws.settings import KinesisSettings
from airscoop.exports.lease import Lease, held_lock
from airscoop.exports.steps.lock import lock_export
from airscoop.exports.steps.publish import publish_changes
from airscoop.exports.steps.working import ExportLock, Terms
from support.exports import QUICK, ROWS, Exports
from support.moto import (
    ACCESS_KEY_ID,
    REGION,
    SECRET_ACCESS_KEY,
    LosingProxy,
    MotoServer,
    aws_environment,
)
from support.paths import TESTS
from support.s3 import BUCKET, OWNER
from support.waiting import eventually


@pytest.fixture
def stream(moto_server: MotoServer) -> str:
    """A Kinesis stream of the test's own."""
    name = f"changes-{uuid.uuid4().hex[:12]}"
    moto_server.client("kinesis").create_stream(StreamName=name, ShardCount=2)
    return name


def read_all(moto_server: MotoServer, stream: str) -> list[dict[str, Any]]:
    """All changes on a stream."""
    client = moto_server.client("kinesis")
    found = []
    for shard in client.list_shards(StreamName=stream)["Shards"]:
        iterator = client.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        while True:
            answer = client.get_records(ShardIterator=iterator, Limit=1000)
            found += [json.loads(record["Data"]) for record in answer["Records"]]
            iterator = answer["NextShardIterator"]
            if not answer["Records"]:
                break
    return found


def publish(exports: Exports, lock: ExportLock, stream: str, server: str, **options: Any) -> Any:
    kinesis = KinesisSettings(
        credentials=Credentials(access_key_id=ACCESS_KEY_ID, secret_access_key=SECRET_ACCESS_KEY),
        endpoint_url=server,
        region=REGION,
    )
    return publish_changes(
        exports.registry,
        lock,
        stream,
        s3=exports.store.settings(),
        kinesis=kinesis,
        **{"terms": QUICK, **options},
    )


def test_changes_are_published_once_and_the_export_is_done(
    exports: Exports, moto_server: MotoServer, stream: str
) -> None:
    exports.put("V1", ROWS)
    exports.register()
    lock = exports.lock("V1")
    with pytest.raises(errors.WrongExportState, match="its changes are not computed"):
        publish(exports, lock, stream, moto_server.endpoint)
    exports.compute(lock)
    receipt = publish(exports, lock, stream, moto_server.endpoint)
    assert receipt.sent == 4
    record = exports.registry.get(lock.export)
    assert (record.state, record.offset) == ("published", 4)
    assert record.receipts["published"]["sent"] == 4
    again = publish(exports, lock, stream, moto_server.endpoint)
    assert (again.sent, again.skipped) == (0, 4)
    done = exports.finish(lock)
    assert (done.state, done.changes, done.published) == ("done", 4, 4)
    ids = [change["id"] for change in read_all(moto_server, stream)]
    assert sorted(ids) == sorted(one["id"] for one in exports.written("V1"))


def test_publishing_goes_on_where_the_registry_says_that_it_stopped(
    exports: Exports, moto_server: MotoServer, stream: str
) -> None:
    exports.put("V1", {str(n): "x" for n in range(1000)})
    exports.register()
    lock = exports.lock("V1", "killed")
    exports.compute(lock)
    with Lease.attach(exports.registry, exports.dataset, "killed", lock.fence) as lease:
        exports.registry.save_offset(lease, lock.export, 700)
    receipt = publish(exports, lock, stream, moto_server.endpoint)
    assert (receipt.skipped, receipt.sent) == (700, 300)
    rest = exports.written("V1")[700:]
    published = read_all(moto_server, stream)
    assert {change["id"] for change in published} == {change["id"] for change in rest}


def test_a_file_that_is_not_the_computed_one_is_not_published(
    exports: Exports, moto_server: MotoServer, stream: str
) -> None:
    exports.put("V1", ROWS)
    exports.register()
    lock = exports.lock("V1")
    written = exports.compute(lock)
    key = written.changes.split("/", 3)[3]
    exports.store.client.put_object(Bucket="transfers", Key=key, Body=b"{}\n")
    with pytest.raises(errors.SourceChanged, match="is not the file that was computed"):
        publish(exports, lock, stream, moto_server.endpoint)
    assert exports.compute(lock).computed
    assert publish(exports, lock, stream, moto_server.endpoint).sent == 4


def test_a_run_that_loses_its_lock_publishes_nothing_more(
    exports: Exports, losing_proxy: LosingProxy, stream: str
) -> None:
    exports.put("V1", {str(n): "x" * 900 for n in range(6000)})
    exports.register()
    lock = exports.lock("V1", "slow")
    exports.compute(lock)
    cancelled: list[int] = []

    def lose_it(job: Any) -> None:
        cancel = job.cancel

        def noted() -> None:
            cancel()
            cancelled.append(losing_proxy.seen.count("PutRecords"))

        job.cancel = noted
        steal = threading.Timer(
            0.0, lambda: steal_when(lambda: losing_proxy.seen.count("PutRecords") > 0)
        )
        steal.start()

    def steal_when(begun: Any) -> None:
        assert eventually(begun)
        Lease.attach(exports.registry, exports.dataset, "slow", lock.fence)

    losing_proxy.hold("PutRecords", after=1)
    with pytest.raises(errors.LockLost):
        publish(
            exports,
            lock,
            stream,
            losing_proxy.endpoint,
            terms=Terms(seconds=0.3, handover_seconds=30),
            on_start=lose_it,
            max_in_flight=1,
        )
    assert set(cancelled) == {1}  # by its heartbeat, after one of twelve
    assert losing_proxy.seen.count("PutRecords") == 1
    assert exports.registry.get(lock.export).state == "computed"


def test_what_a_half_published_export_has_sent_is_never_left_on_the_stream(
    exports: Exports, moto_server: MotoServer, stream: str
) -> None:
    """V3 equals V1: compared with it alone, what was sent of V2 would hold for ever."""
    exports.put("V1", {"1": "a", "2": "b"})
    exports.register()
    exports.work("V1")
    half = exports.put("V2", {"1": "A", "2": "x" * 1_100_000})  # more than a record may have
    exports.put("V3", {"1": "a", "2": "b"})
    exports.register()
    lock = exports.lock("V2", "one")
    exports.compute(lock)
    with pytest.raises(errors.TooLarge):
        publish(exports, lock, stream, moto_server.endpoint)
    assert [change["row"]["v"] for change in read_all(moto_server, stream)] == ["A"]
    assert exports.finish(lock).state == "failed"
    with pytest.raises(errors.WrongExportState, match=r"V2 has failed .*TooLarge"):
        exports.lock("V3", "one")
    assert exports.register().exports == [exports.id("V2"), exports.id("V3")]  # tried once more
    later = lock_export(exports.registry, exports.id("V3"), "two", terms=QUICK)
    assert later.waits_for == f"{exports.id('V2')}, which is registered"
    lock = exports.lock("V2", "two")
    exports.compute(lock)
    exports.finish(lock, state="failed")
    third = f"s3://{BUCKET}/{exports.id('V3')}/export.csv.gz"
    assert exports.register_one(third).exports == [exports.id("V2"), exports.id("V3")]
    exports.finish(exports.lock("V2", "three"), state="failed")
    assert exports.register_one(half).exports == [exports.id("V2")]
    lock = exports.lock("V2", "four")
    exports.compute(lock)
    with pytest.raises(errors.WrongExportState, match="half published"):
        exports.finish(lock, state="done")
    exports.published(lock)
    exports.finish(lock)
    assert exports.work("V3", "four").previous == "V2"


def test_that_publishing_has_begun_is_known_before_the_first_change_is_sent(
    exports: Exports, losing_proxy: LosingProxy, stream: str
) -> None:
    exports.put("V1", ROWS)
    exports.register()
    lock = exports.lock("V1")
    exports.compute(lock)
    losing_proxy.hold("PutRecords", after=0)
    begun: list[bool] = []

    def look(job: Any) -> None:
        assert eventually(lambda: losing_proxy.is_holding)
        begun.append(exports.registry.get(lock.export).begun)
        job.cancel()

    with pytest.raises(errors.Cancelled):
        publish(
            exports, lock, stream, losing_proxy.endpoint,
            on_start=lambda job: threading.Thread(target=look, args=(job,)).start(),
        )  # fmt: skip
    assert begun == [True]
    assert exports.registry.get(lock.export).offset == 0


PUBLISHER = """
import json, os, signal, sys
sys.path.insert(0, sys.argv[1])
from airscoop import Credentials, S3Settings, errors
from airscoop.aws.settings import KinesisSettings
from airscoop.exports.steps.working import Terms
from airscoop.exports.steps.publish import publish_changes
from airscoop.exports.lease import Lease, held_lock
from airscoop.exports.registry import Registry
from airscoop.publishing.job import PublishJob
if "without heartbeat" in sys.argv[9:]:
    Lease._beat = lambda self: None
if "stops first" in sys.argv[9:]:
    run = PublishJob.run
    def stopped(self, **options):
        os.kill(os.getpid(), signal.SIGSTOP)
        return run(self, **options)
    PublishJob.run = stopped
registry, lock, stream = Registry(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4]
keys = Credentials(access_key_id=sys.argv[5], secret_access_key=sys.argv[6])
s3 = S3Settings(credentials=keys, endpoint_url=sys.argv[7], region="us-east-1")
kinesis = KinesisSettings(endpoint_url=sys.argv[8], region="us-east-1")
terms = Terms(seconds=1.0, handover_seconds=30)
try:
    publish_changes(registry, lock, stream, s3=s3, kinesis=kinesis, terms=terms, max_in_flight=1)
except errors.LockLost as error:
    print("lost", error)
"""


def publisher(
    exports: Exports,
    lock: ExportLock,
    stream: str,
    server: MotoServer,
    proxy: LosingProxy,
    *options: str,
) -> subprocess.Popen[str]:
    """A process of its own that publishes through the proxy."""
    return subprocess.Popen(
        [
            sys.executable, "-c", PUBLISHER, str(TESTS), exports.registry.table.name,
            json.dumps(lock.to_dict()), stream, OWNER.access_key_id, OWNER.secret_access_key,
            exports.store.endpoint, proxy.endpoint, *options,
        ],
        env=server.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_publisher_that_was_stopped_asks_for_its_lock_before_it_goes_on(
    exports: Exports, moto_server: MotoServer, losing_proxy: LosingProxy, stream: str
) -> None:
    """Its heartbeat may not have come yet, and no answer tells of the lock."""
    exports.put("V1", ROWS)
    exports.register()
    lock = exports.lock("V1", "stopped")
    exports.compute(lock)
    losing_proxy.hold("PutRecords", after=0)
    process = publisher(exports, lock, stream, moto_server, losing_proxy, "without heartbeat")
    try:
        assert eventually(lambda: losing_proxy.is_holding)
        process.send_signal(signal.SIGSTOP)
        taken = exports.taken_over("V1", "next")
        process.send_signal(signal.SIGCONT)
        said = process.communicate(timeout=50)[0]  # the stream's answer takes longer
    finally:
        process.kill()
        process.wait()
    assert said.startswith("lost")
    assert "held by next" in said
    assert losing_proxy.seen.count("PutRecords") == 0
    exports.compute(taken)
    assert publish(exports, taken, stream, moto_server.endpoint).sent == len(ROWS)


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@pytest.mark.parametrize("heartbeat", [(), ("without heartbeat",)], ids=["", "no heartbeat"])
@pytest.mark.parametrize("first", [True, False], ids=["before the first", "between two"])
def test_a_publisher_that_was_stopped_for_longer_than_its_lease_sends_no_request(
    first: bool,
    heartbeat: tuple[str, ...],
    exports: Exports,
    moto_server: MotoServer,
    losing_proxy: LosingProxy,
    stream: str,
) -> None:
    """What is due is sent by the engine's own thread, which may run before anyone else."""
    exports.put("V1", {str(n): "x" * 900 for n in range(6000)})
    exports.register()
    lock = exports.lock("V1", "stopped")
    exports.compute(lock)
    losing_proxy.delay("PutRecords", 0.2)
    options = (*heartbeat, "stops first") if first else heartbeat
    process = publisher(exports, lock, stream, moto_server, losing_proxy, *options)

    def sent() -> int:
        return losing_proxy.seen.count("PutRecords")

    try:
        assert eventually(lambda: is_stopped(process.pid) if first else sent() >= 2)
        process.send_signal(signal.SIGSTOP)
        taken = exports.taken_over("V1", "next")
        time.sleep(1.5)  # past the lease, by the clock of the process, and what was sent is there
        before = sent()
        assert before < 12
        process.send_signal(signal.SIGCONT)
        said, problems = process.communicate(timeout=50)
    finally:
        process.kill()
        process.wait()
    assert sent() == before
    assert re.fullmatch(
        rf"lost {exports.dataset}: stopped has lost its lock; it gave no sign of life for \d+ s; "
        r"nothing more is changed or sent; the lock is held by next \(fence \d+\): "
        r"leave the export to it\n",
        said,
    )
    assert problems == ""
    receipt = publish(exports, taken, stream, moto_server.endpoint)
    assert receipt.skipped + receipt.sent == 6000


def test_a_publisher_that_is_killed_is_taken_over_and_goes_on_at_its_offset(
    exports: Exports, moto_server: MotoServer, losing_proxy: LosingProxy, stream: str
) -> None:
    exports.put("V1", {str(n): "x" * 100 for n in range(6000)})
    exports.register()
    lock = exports.lock("V1", "killed")
    exports.compute(lock)
    losing_proxy.hold("PutRecords", after=5)
    process = publisher(exports, lock, stream, moto_server, losing_proxy)
    try:
        assert eventually(lambda: losing_proxy.is_holding)
        stored = len(read_all(moto_server, stream))
        assert 0 < stored < 6000
        assert eventually(lambda: exports.registry.get(lock.export).offset == stored)
    finally:
        process.kill()
        process.wait()
    taken = exports.taken_over("V1", "next")
    assert not exports.compute(taken).computed
    receipt = publish(exports, taken, stream, moto_server.endpoint)
    assert (receipt.skipped, receipt.sent) == (stored, 6000 - stored)
    assert exports.finish(taken).state == "done"
    found = [change["id"] for change in read_all(moto_server, stream)]
    assert sorted(found) == sorted(change["id"] for change in exports.written("V1"))


def test_an_export_that_failed_half_published_is_finished_before_later_ones(
    exports: Exports, moto_server: MotoServer, stream: str
) -> None:
    exports.put("V1", {str(n): "x" for n in range(1000)})
    exports.put("V2", ROWS)
    exports.register()
    lock = exports.lock("V1", "first")
    exports.compute(lock)
    with Lease.attach(exports.registry, exports.dataset, "first", lock.fence) as lease:
        exports.registry.save_offset(lease, lock.export, 700)
    exports.finish(lock, error="the stream is gone")
    with pytest.raises(errors.WrongExportState, match=r"V1 has failed after some of its changes"):
        exports.lock("V2", "first")
    assert exports.register().exports == [exports.id("V1"), exports.id("V2")]
    lock = exports.lock("V1", "second")
    exports.compute(lock)
    receipt = publish(exports, lock, stream, moto_server.endpoint)
    assert (receipt.skipped, receipt.sent) == (700, 300)
    assert exports.finish(lock).state == "done"
    assert exports.lock("V2", "first").previous == "V1"


def test_an_export_that_failed_half_published_can_be_given_up(exports: Exports) -> None:
    exports.put("V1", ROWS)
    exports.put("V2", ROWS)
    exports.register()
    lock = exports.lock("V1")
    exports.compute(lock)
    with Lease.attach(exports.registry, exports.dataset, "run", lock.fence) as lease:
        exports.registry.save_offset(lease, lock.export, 2)
    exports.finish(lock, state="failed")
    with pytest.raises(errors.WrongExportState, match=r"or let it go by Registry\.give_up"):
        exports.lock("V2")
    assert exports.registry.give_up(lock.export).state == "failed"
    assert exports.lock("V2").previous is None


PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "registry.md"


def loop_of_the_page(exports: Exports, stream: str) -> str:
    """The program that docs/how-to/registry.md shows, for the test's own places."""
    page = PAGE.read_text(encoding="utf-8")
    program = page.split("```python\n")[1].split("```")[0]
    for printed, here in (
        ('Registry("registry")', f'Registry("{exports.registry.table.name}")'),
        ("s3://exports/acme/", f"s3://{BUCKET}/{exports.store.prefix}/"),
        ("s3://changes/v1", exports.changes),
        ('"stream"', f'"{stream}"'),
        ('["order_id"]', '["PK"]'),
    ):
        assert printed in program
        program = program.replace(printed, here)
    return program


def test_the_loop_of_the_page_leaves_no_lock_held_by_a_refused_export(
    exports: Exports, moto_server: MotoServer, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exports.store.put("orders/V1/export.csv.gz", b"this is no gzip")
    exports.put("V2", ROWS)
    for name, value in aws_environment(moto_server.endpoint).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", exports.store.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", OWNER.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", OWNER.secret_access_key)
    program = loop_of_the_page(exports, stream)
    with pytest.raises(errors.AirscoopError):
        exec(program, {})
    assert held_lock(exports.registry, exports.dataset) is None
    assert exports.registry.get(exports.id("V1")).state == "failed"
    exec(program, {})
    assert held_lock(exports.registry, exports.dataset) is None
    assert exports.registry.get(exports.id("V2")).state == "done"
    assert len(read_all(moto_server, stream)) == len(ROWS)
