"""Changes on a Kinesis stream: moto's server, and faults that a proxy before it makes."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import threading
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import airscoop
from airscoop import Credentials, errors
from support.kinesis import THROTTLED, Answer, Stream, assert_in_order, change, lines
from support.s3 import OWNER, Store
from support.waiting import eventually


@pytest.fixture
def changes(tmp_path: Path) -> tuple[Path, list[dict[str, Any]]]:
    """2,300 changes, each of another key, in a file."""
    expected = [change(number) for number in range(2300)]
    path = tmp_path / "changes.jsonl.gz"
    path.write_bytes(gzip.compress(lines(expected), 1))
    return path, expected


def test_each_change_is_a_record_with_its_key(
    changes: tuple[Path, list[dict[str, Any]]], stream: Stream
) -> None:
    path, expected = changes
    receipt = airscoop.publish(path, stream.name, kinesis=stream.settings())
    records = stream.records()
    assert sorted(json.loads(one["Data"])["id"] for one in records) == [
        one["id"] for one in expected
    ]
    for one in records:
        key = json.dumps(json.loads(one["Data"])["key"], separators=(",", ":"))
        assert one["PartitionKey"] == key
    counts = {shard: sum(one["ShardId"] == shard for one in records) for shard in stream.shards()}
    assert receipt.shards == counts
    assert (receipt.changes, receipt.sent, receipt.skipped) == (2300, 2300, 0)
    assert (receipt.retried, receipt.throttled, receipt.calls) == (0, 0, 5)
    assert receipt.bytes == sum(len(one["Data"]) for one in records)
    assert receipt.source_bytes == path.stat().st_size


def test_of_a_version_without_changes_nothing_is_sent(tmp_path: Path, stream: Stream) -> None:
    (tmp_path / "old.csv").write_text("PK,a\n1,x\n")
    named = airscoop.delta(
        tmp_path / "old.csv", tmp_path / "old.csv", dataset="t/a", version="2", previous="1"
    )
    named.write(tmp_path / "changes.jsonl.gz")
    receipt = airscoop.publish(
        tmp_path / "changes.jsonl.gz", stream.name, kinesis=stream.settings()
    )
    assert (receipt.changes, receipt.sent, receipt.skipped) == (0, 0, 0)
    assert stream.records() == []


def test_a_delta_goes_from_s3_to_the_stream(store: Store, stream: Stream) -> None:
    old = store.put("old.csv", b"PK,a\n1,x\n2,y\n3,z\n")
    new = store.put("new.csv", b"PK,a\n1,x\n2,Y\n4,w\n")
    delta = airscoop.delta(old, new, max_delete_ratio=1, s3=store.settings())
    delta.write(store.uri("changes.jsonl.gz"), s3=store.settings())
    receipt = airscoop.publish(
        store.uri("changes.jsonl.gz"),
        stream.name,
        s3=store.settings(),
        kinesis=stream.settings(),
    )
    expected = [dict(one) for one in delta]
    assert sorted(stream.changes(), key=str) == sorted(expected, key=str)
    assert receipt.source_etag == store.head("changes.jsonl.gz")["ETag"]


def test_names_equal_but_for_case_are_published_where_that_is_said(
    tmp_path: Path, stream: Stream
) -> None:
    export = tmp_path / "new.csv"
    export.write_text("PK,A,a\n1,x,y\n")
    out = tmp_path / "changes.jsonl"
    airscoop.delta(None, export, on_key_case="keep").write(out)
    with pytest.raises(errors.BadRecord, match="equal but for case"):
        airscoop.publish(out, stream.name, kinesis=stream.settings())
    airscoop.publish(out, stream.name, kinesis=stream.settings(), on_key_case="keep")
    assert [one["row"] for one in stream.changes()] == [{"PK": "1", "A": "x", "a": "y"}]


def test_an_empty_file_is_published(tmp_path: Path, stream: Stream) -> None:
    path = tmp_path / "none.jsonl"
    path.write_bytes(b"")
    receipt = airscoop.publish(path, stream.name, kinesis=stream.settings())
    assert (receipt.changes, receipt.sent, stream.proxy.puts()) == (0, 0, [])


def test_the_first_changes_are_left_out(
    changes: tuple[Path, list[dict[str, Any]]], stream: Stream
) -> None:
    path, expected = changes
    receipt = airscoop.publish(path, stream.name, start_at=1500, kinesis=stream.settings())
    assert (receipt.changes, receipt.skipped, receipt.sent) == (2300, 1500, 800)
    assert_in_order(stream.proxy.stored, expected[1500:])


def test_a_start_beyond_the_end_is_wrong(
    changes: tuple[Path, list[dict[str, Any]]], stream: Stream
) -> None:
    with pytest.raises(errors.UsageError, match="only 2300 changes"):
        airscoop.publish(changes[0], stream.name, start_at=2301, kinesis=stream.settings())


def test_only_records_that_failed_are_sent_again(
    changes: tuple[Path, list[dict[str, Any]]], stream: Stream
) -> None:
    path, expected = changes
    chance = random.Random(1)

    def script(operation: str, body: dict[str, Any]) -> Answer | None:
        return Answer(refuse=lambda one: "InternalFailure" if chance.random() < 0.3 else None)

    stream.proxy.script = script
    receipt = airscoop.publish(path, stream.name, kinesis=stream.settings())
    ids = [json.loads(data)["id"] for _, data in stream.proxy.stored]
    assert sorted(ids) == [one["id"] for one in expected]  # each exactly once
    assert receipt.retried == sum(len(one["Records"]) for one in stream.proxy.puts()) - 2300 > 500
    assert receipt.throttled == 0


def test_a_throttling_storm_ends_with_every_change_there(
    changes: tuple[Path, list[dict[str, Any]]], stream: Stream
) -> None:
    path, expected = changes
    left = {"calls": 4, "records": 3000}

    def refuse(one: dict[str, Any]) -> str | None:
        left["records"] -= 1
        return THROTTLED if left["records"] > 0 and left["records"] % 3 > 0 else None

    def script(operation: str, body: dict[str, Any]) -> Answer | None:
        if operation == "PutRecords" and left["calls"] > 0:
            left["calls"] -= 1
            return Answer(status=400, code=THROTTLED)
        return Answer(refuse=refuse)

    stream.proxy.script = script
    receipt = airscoop.publish(path, stream.name, kinesis=stream.settings())
    assert_in_order(stream.proxy.stored, expected)
    assert len(stream.proxy.stored) == 2300
    assert receipt.throttled > 1000


def test_answers_that_are_lost_repeat_changes_but_lose_none(
    changes: tuple[Path, list[dict[str, Any]]], stream: Stream
) -> None:
    path, expected = changes
    chance = random.Random(2)

    def script(operation: str, body: dict[str, Any]) -> Answer | None:
        return Answer(lose=chance.random() < 0.4)

    stream.proxy.script = script
    receipt = airscoop.publish(path, stream.name, kinesis=stream.settings())
    assert_in_order(stream.proxy.stored, expected)
    assert len(stream.proxy.stored) > 2300
    assert receipt.sent == 2300


@pytest.mark.parametrize("seed", range(3))
def test_changes_of_one_key_never_overtake_each_other(
    tmp_path: Path, stream: Stream, seed: int
) -> None:
    chance = random.Random(seed)
    keys = chance.choice([3, 40, 400])
    expected = [change(number, chance.randrange(keys)) for number in range(60 + 2 * keys)]
    path = tmp_path / "changes.jsonl"
    path.write_bytes(lines(expected))

    def script(operation: str, body: dict[str, Any]) -> Answer | None:
        fate = chance.random()
        if fate < 0.1:
            return Answer(status=500, code="InternalFailureException")
        code = chance.choice([THROTTLED, "InternalFailure"]) if fate < 0.15 else "InternalFailure"
        return Answer(lose=fate > 0.9, refuse=lambda one: code if chance.random() < 0.2 else None)

    stream.proxy.script = script
    receipt = airscoop.publish(path, stream.name, kinesis=stream.settings())
    assert receipt.sent == len(expected)
    assert_in_order(stream.proxy.stored, expected)


def test_it_gives_up_after_a_time_without_progress_and_says_how_far_it_came(
    changes: tuple[Path, list[dict[str, Any]]], stream: Stream
) -> None:
    path, expected = changes

    def script(operation: str, body: dict[str, Any]) -> Answer | None:
        def refuse(one: dict[str, Any]) -> str | None:
            return THROTTLED if one["PartitionKey"] == '{"PK":"K700"}' else None

        return Answer(refuse=refuse)

    stream.proxy.script = script
    told: list[int] = []
    with pytest.raises(errors.Throttled, match="start_at=700 goes on") as caught:
        airscoop.publish(
            path,
            stream.name,
            retry_seconds=0.5,
            kinesis=stream.settings(),
            on_progress=lambda facts: told.append(facts["acknowledged"]),
        )
    assert caught.value.retryable
    assert told[-1] == 700
    stream.proxy.script = lambda operation, body: None
    airscoop.publish(path, stream.name, start_at=700, kinesis=stream.settings())
    assert_in_order(stream.proxy.stored, expected)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("ResourceNotFoundException", errors.NotFound),
        ("AccessDeniedException", errors.AccessDenied),
        ("InvalidArgumentException", errors.HttpError),
        ("KMSDisabledException", errors.HttpError),
        ("ExpiredTokenException", errors.CredentialsExpired),
    ],
)
def test_an_error_that_stays_ends_it_at_once(
    changes: tuple[Path, list[dict[str, Any]]], stream: Stream, code: str, expected: type[Exception]
) -> None:
    def script(operation: str, body: dict[str, Any]) -> Answer | None:
        return Answer(status=400, code=code) if operation == "PutRecords" else None

    stream.proxy.script = script
    with pytest.raises(expected, match=code):
        airscoop.publish(changes[0], stream.name, kinesis=stream.settings())
    assert len(stream.proxy.puts()) <= 2


def test_no_such_stream(changes: tuple[Path, list[dict[str, Any]]], stream: Stream) -> None:
    with pytest.raises(errors.NotFound, match=r"nothing-here: HTTP 400 ResourceNotFoundException"):
        airscoop.publish(changes[0], "nothing-here", kinesis=stream.settings())


def described(**members: object) -> Answer:
    """A stream as moto cannot make it."""
    told = {"StreamStatus": "ACTIVE", "OpenShardCount": 1} | members
    return Answer(status=200, told={"StreamDescriptionSummary": told})


def describing(**members: object) -> Any:
    return lambda operation, body: (
        described(**members) if operation == "DescribeStreamSummary" else None
    )


def test_a_stream_that_ignores_keys_is_refused_unless_order_does_not_matter(
    changes: tuple[Path, list[dict[str, Any]]], stream: Stream
) -> None:
    stream.proxy.script = describing(RecordDistributionStrategy="AUTO")
    with pytest.raises(errors.UsageError, match="any_order"):
        airscoop.publish(changes[0], stream.name, kinesis=stream.settings())
    assert stream.proxy.puts() == []
    receipt = airscoop.publish(changes[0], stream.name, any_order=True, kinesis=stream.settings())
    assert receipt.sent == 2300


def test_a_stream_that_is_not_active_takes_nothing(
    changes: tuple[Path, list[dict[str, Any]]], stream: Stream
) -> None:
    for status, retryable in (("CREATING", True), ("DELETING", False)):
        stream.proxy.script = describing(StreamStatus=status)
        with pytest.raises(errors.StreamNotReady, match=status) as caught:
            airscoop.publish(changes[0], stream.name, kinesis=stream.settings())
        assert caught.value.retryable is retryable
    assert stream.proxy.puts() == []


def test_the_stream_says_how_large_a_record_may_be(tmp_path: Path, stream: Stream) -> None:
    expected = [change(number) for number in range(3)]
    expected[1]["row"]["text"] = "x" * (3 << 19)
    path = tmp_path / "changes.jsonl"
    path.write_bytes(lines(expected))

    def script(operation: str, body: dict[str, Any]) -> Answer | None:
        if operation == "DescribeStreamSummary":
            return described(MaxRecordSizeInKiB=2048)
        records = [{"SequenceNumber": "1", "ShardId": "s"} for _ in body["Records"]]
        return Answer(status=200, told={"FailedRecordCount": 0, "Records": records})

    stream.proxy.script = script
    assert airscoop.publish(path, stream.name, kinesis=stream.settings()).sent == 3


def test_the_question_about_the_stream_is_asked_again(
    changes: tuple[Path, list[dict[str, Any]]], stream: Stream
) -> None:
    def script(operation: str, body: dict[str, Any]) -> Answer | None:
        return Answer(status=503) if len(stream.proxy.calls) < 3 else None

    stream.proxy.script = script
    assert airscoop.publish(changes[0], stream.name, kinesis=stream.settings()).sent == 2300


def test_expired_credentials_are_renewed_once(
    changes: tuple[Path, list[dict[str, Any]]], stream: Stream
) -> None:
    given: list[Credentials] = []

    def provider() -> Credentials:
        given.append(
            Credentials(
                access_key_id=f"KEY{len(given)}", secret_access_key="s", session_token="t/+="
            )
        )
        return given[-1]

    def script(operation: str, body: dict[str, Any]) -> Answer | None:
        signed = stream.proxy.calls[-1][2]["Authorization"]
        if operation == "PutRecords" and "KEY0/" in signed:
            return Answer(status=400, code="ExpiredTokenException")
        return None

    stream.proxy.script = script
    settings = stream.settings(credentials=None, credentials_provider=provider)
    receipt = airscoop.publish(changes[0], stream.name, kinesis=settings)
    assert receipt.sent == len(stream.proxy.stored) == 2300
    assert len(given) == 2


def test_a_wrong_clock_is_corrected(
    changes: tuple[Path, list[dict[str, Any]]], stream: Stream
) -> None:
    from email.utils import formatdate
    from time import time

    def script(operation: str, body: dict[str, Any]) -> Answer | None:
        sent = stream.proxy.calls[-1][2]["X-Amz-Date"]
        if sent[:4] != "2031":
            date = {"Date": formatdate(1925000000 + time() % 100, usegmt=True)}
            return Answer(status=400, code="InvalidSignatureException", headers=date)
        return None

    stream.proxy.script = script
    receipt = airscoop.publish(changes[0], stream.name, kinesis=stream.settings())
    assert receipt.sent == 2300


def test_nothing_is_sent_after_the_callback_has_raised(tmp_path: Path, stream: Stream) -> None:
    class LockLost(Exception):
        pass

    path = tmp_path / "changes.jsonl"
    path.write_bytes(lines([change(number) for number in range(50_000)]))
    stream.proxy.gate.clear()  # no answer comes
    told: list[int] = []

    def lost(facts: Any) -> None:
        told.append(len(stream.proxy.puts()))
        if told[-1] > 1:  # as many as are under way at first
            raise LockLost

    with pytest.raises(LockLost):
        airscoop.publish(path, stream.name, kinesis=stream.settings(), on_progress=lost)
    assert told[-1] == 2
    assert len(stream.proxy.puts()) == 2


def test_it_can_be_cancelled_from_another_thread(tmp_path: Path, stream: Stream) -> None:
    path = tmp_path / "changes.jsonl"
    path.write_bytes(lines([change(number) for number in range(5000)]))
    stream.proxy.gate.clear()
    job = airscoop.PublishJob(path, stream.name, kinesis=stream.settings())

    def cancel() -> None:
        assert eventually(lambda: len(stream.proxy.puts()) > 0)
        job.cancel()

    thread = threading.Thread(target=cancel)
    thread.start()
    with pytest.raises(errors.Cancelled, match="start_at=0"):
        job.run()
    thread.join()
    assert job.acknowledged == 0


def test_a_record_that_is_too_large_is_named_and_nothing_behind_it_is_sent(
    tmp_path: Path, stream: Stream
) -> None:
    expected = [change(number) for number in range(30)]
    expected[20]["row"]["text"] = "x" * (1 << 20)
    path = tmp_path / "changes.jsonl"
    path.write_bytes(lines(expected))
    with pytest.raises(errors.TooLarge, match=r"line 21\b.*start_at=20") as caught:
        airscoop.publish(path, stream.name, kinesis=stream.settings(), start_at=5)
    assert (caught.value.published, caught.value.start_at) == (15, 20)
    assert_in_order(stream.proxy.stored, expected[5:20])


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        (b'{"op": "INSERT"}', "change 2: "),
        (b"[3]", "change 2: "),
        (b'{"key": {"PK": 3}, "row": {"text": "' + b"x" * (1 << 20) + b'"}}', "change 2: "),
        (b'{"key": {"PK": "\\u0000"}}', ""),
        (b'{"key": 3', ""),
    ],
)
def test_what_is_no_change_is_named_by_file_line_and_byte(
    tmp_path: Path, stream: Stream, bad: bytes, what: str
) -> None:
    """The first two bytes of blank lines count, and those before the text."""
    path = tmp_path / "changes.jsonl"
    before = b"\xef\xbb\xbf\n\n" + lines([change(1)]) + b"\n"
    path.write_bytes(before + bad + b"\n" + lines([change(5)]))
    with pytest.raises(errors.AirscoopError) as caught:
        airscoop.publish(path, stream.name, kinesis=stream.settings())
    assert str(caught.value).startswith(f"{path}: line 5 (byte {len(before)}): {what}")


def test_places_count_what_was_left_out(tmp_path: Path, stream: Stream) -> None:
    path = tmp_path / "changes.jsonl"
    before = lines([change(1)]) + b"\n\n" + lines([change(2)])
    path.write_bytes(before + b'{"op": "INSERT"}\n')
    with pytest.raises(errors.BadRecord) as caught:
        airscoop.publish(path, stream.name, kinesis=stream.settings(), start_at=1)
    assert str(caught.value).startswith(f"{path}: line 5 (byte {len(before)}): change 3: ")


def test_a_broken_line_is_named(tmp_path: Path, stream: Stream) -> None:
    path = tmp_path / "changes.jsonl"
    path.write_bytes(lines([change(1), change(2)]) + b'{"key": 3\n')
    with pytest.raises(errors.BadRecord, match=r"line 3\b"):
        airscoop.publish(path, stream.name, kinesis=stream.settings())


def test_a_long_key_is_hashed(tmp_path: Path, stream: Stream) -> None:
    expected = [change(1, "é" * 300)]
    path = tmp_path / "changes.jsonl"
    path.write_bytes(lines(expected))
    airscoop.publish(path, stream.name, kinesis=stream.settings())
    text = json.dumps(expected[0]["key"], ensure_ascii=False, separators=(",", ":"))
    assert stream.proxy.stored[0][0] == hashlib.sha256(text.encode()).hexdigest()


def test_changes_that_come_slowly_are_sent_when_they_are_old(
    tmp_path: Path, stream: Stream
) -> None:
    import os

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    expected = [change(number) for number in range(2)]

    def more_than(count: int) -> bool:
        return len(stream.proxy.stored) > count

    def write() -> None:
        with pipe.open("wb") as out:
            for one in expected:
                count = len(stream.proxy.stored)
                out.write(lines([one]))
                out.flush()
                assert eventually(partial(more_than, count))

    writer = threading.Thread(target=write)
    writer.start()
    receipt = airscoop.publish(pipe, stream.name, kinesis=stream.settings())
    writer.join()
    assert (receipt.sent, receipt.calls) == (2, 2)


def test_several_requests_are_under_way_at_once(
    changes: tuple[Path, list[dict[str, Any]]], stream: Stream
) -> None:
    def wait_for_two() -> None:
        assert eventually(lambda: len(stream.proxy.puts()) > 1)
        stream.proxy.gate.set()

    stream.proxy.gate.clear()  # the first has no answer when the second comes
    thread = threading.Thread(target=wait_for_two)
    thread.start()
    airscoop.publish(changes[0], stream.name, kinesis=stream.settings())
    thread.join()
    assert 2 <= stream.proxy.most_at_once <= 8


def test_secrets_are_nowhere(changes: tuple[Path, list[dict[str, Any]]], stream: Stream) -> None:
    stream.proxy.script = lambda operation, body: Answer(status=403, code="AccessDeniedException")
    with pytest.raises(errors.AccessDenied) as caught:
        airscoop.publish(changes[0], stream.name, kinesis=stream.settings())
    assert OWNER.secret_access_key not in str(caught.value)
    assert OWNER.secret_access_key not in repr(stream.settings())
