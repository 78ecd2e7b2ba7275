"""A publishing that may send for a time only: as long as its caller's lock is known to hold."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from pathlib import Path

import airscoop
from airscoop import KinesisSettings
from support.kinesis import Stream, assert_in_order, change, lines
from support.moto import REGION
from support.s3 import OWNER
from support.waiting import eventually

KIB = 1024
SUMMARY = b'{"StreamDescriptionSummary": {"StreamStatus": "ACTIVE"}}'


def boottime() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def test_what_is_due_waits_until_it_may_be_sent(tmp_path: Path, stream: Stream) -> None:
    expected = [change(number) for number in range(3000)]
    path = tmp_path / "changes.jsonl"
    path.write_bytes(lines(expected))
    job = airscoop.PublishJob(path, stream.name, kinesis=stream.settings(), max_in_flight=1)
    told: list[int] = []

    def look(facts: object) -> None:
        told.append(len(stream.proxy.calls))
        if len(told) == 2:  # it has waited for a second
            job.allow_until(boottime() + 3600)

    job.allow_until(boottime() - 0.001)
    job.run(on_progress=look)
    assert told[:2] == [0, 0]
    assert_in_order(stream.proxy.stored, expected)


def test_the_end_of_the_time_stops_what_is_not_sent_yet_and_loses_nothing(
    tmp_path: Path, stream: Stream
) -> None:
    expected = [change(number) for number in range(5000)]
    path = tmp_path / "changes.jsonl"
    path.write_bytes(lines(expected))
    job = airscoop.PublishJob(path, stream.name, kinesis=stream.settings(), max_in_flight=1)
    stream.proxy.passes = 3
    stream.proxy.gate.clear()
    held: list[int] = []

    def steer() -> None:
        assert eventually(lambda: len(stream.proxy.puts()) == 4)
        job.allow_until(0)
        stream.proxy.gate.set()
        assert eventually(lambda: job.acknowledged == 2000)
        time.sleep(0.5)
        held.append(len(stream.proxy.puts()))
        job.allow_until(boottime() + 3600)

    thread = threading.Thread(target=steer)
    thread.start()
    receipt = job.run()
    thread.join()
    assert held == [4]
    assert receipt.sent == 5000
    assert_in_order(stream.proxy.stored, expected)


class HalfReader:
    """A Kinesis that reads the beginning of the first PutRecords, and the rest when it is told."""

    def __init__(self) -> None:
        self.begun, self.go_on, self.ended = (threading.Event() for _ in range(3))
        self.whole: list[bool] = []  # of each PutRecords
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * KIB)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.go_on.set()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while head := self._head(connection):
                text, _, body = head.partition(b"\r\n\r\n")
                fields = {
                    name.lower(): value.strip()
                    for name, _, value in (
                        line.partition(":") for line in text.decode().split("\r\n")[1:]
                    )
                }
                length = int(fields["content-length"])
                if fields["x-amz-target"].endswith("PutRecords"):
                    self.begun.set()
                    self.go_on.wait(60)
                while len(body) < length and (more := connection.recv(64 * KIB)):
                    body += more
                if fields["x-amz-target"].endswith("PutRecords"):
                    self.whole.append(len(body) == length)
                    self.ended.set()
                if len(body) < length:
                    return
                answer = self._answer(body, fields["x-amz-target"])
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer)
                )

    def _head(self, connection: socket.socket) -> bytes:
        head = b""
        while b"\r\n\r\n" not in head and (more := connection.recv(4 * KIB)):
            head += more
        return head if b"\r\n\r\n" in head else b""

    def _answer(self, body: bytes, target: str) -> bytes:
        if not target.endswith("PutRecords"):
            return SUMMARY
        one = b'{"SequenceNumber": "1", "ShardId": "s"}'
        records = b",".join([one] * body.count(b'"PartitionKey"'))
        return b'{"FailedRecordCount": 0, "Records": [%s]}' % records


def test_a_request_that_is_half_sent_when_the_time_ends_is_never_whole(tmp_path: Path) -> None:
    expected = [change(number, width=9000) for number in range(400)]
    path = tmp_path / "changes.jsonl"
    path.write_bytes(lines(expected))
    server = HalfReader()
    settings = KinesisSettings(credentials=OWNER, endpoint_url=server.url, region=REGION)
    job = airscoop.PublishJob(path, "any", kinesis=settings, max_in_flight=1)

    def steer() -> None:
        assert server.begun.wait(60)
        time.sleep(0.5)  # what the sockets take is gone
        job.allow_until(0)
        server.go_on.set()
        assert server.ended.wait(60)
        job.allow_until(boottime() + 3600)

    thread = threading.Thread(target=steer)
    thread.start()
    try:
        receipt = job.run()
    finally:
        thread.join()
        server.close()
    assert server.whole[0] is False
    assert all(server.whole[1:])
    assert receipt.sent == 400
    assert receipt.retried > 0
