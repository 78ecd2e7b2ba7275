"""A publishing as a process: its command line, its end by signals, its memory."""

from __future__ import annotations

import gzip
import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.kinesis import Answer, Counting, Stream, assert_in_order, change, lines
from support.s3 import AIRSCOOP, MIB, Store
from support.waiting import eventually

CALLS = 8  # of the 24 that all changes need

# The mark is kept as a caller would keep it: told, then written down.
PROGRAM = """
import sys
from pathlib import Path
import airscoop
mark = Path(sys.argv[3])

def keep(facts):
    mark.with_suffix(".new").write_text(str(facts["acknowledged"]))
    mark.with_suffix(".new").rename(mark)

start_at = int(mark.read_text()) if mark.exists() else 0
print(airscoop.publish(sys.argv[1], sys.argv[2], start_at=start_at, on_progress=keep).sent)
"""

MEMORY_PROGRAM = """
import dataclasses
import json, re, sys
from pathlib import Path
import airscoop.publishing.job, airscoop.transfer.options
import botocore.session, botocore.client, botocore.config

def peak():
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", status).group(1)) * 1024

before = peak()
receipt = airscoop.publish(sys.argv[1], "any")
print(json.dumps({"over": peak() - before, **dataclasses.asdict(receipt)}))
"""


@pytest.fixture
def many(tmp_path: Path) -> tuple[Path, list[dict[str, Any]]]:
    """12,000 changes of 3,000 keys: each key four times, far apart."""
    expected = [change(number, f"K{number % 3000}") for number in range(12_000)]
    path = tmp_path / "changes.jsonl.gz"
    path.write_bytes(gzip.compress(lines(expected), 1))
    return path, expected


def half_way(stream: Stream) -> None:
    """The stream takes a third of the changes, and then is silent."""
    stream.proxy.passes = CALLS
    stream.proxy.gate.clear()


def test_a_killed_publisher_goes_on_from_its_mark(
    many: tuple[Path, list[dict[str, Any]]], stream: Stream, tmp_path: Path
) -> None:
    path, expected = many
    mark = tmp_path / "mark"
    command = [sys.executable, "-c", PROGRAM, str(path), stream.name, str(mark)]
    half_way(stream)
    publisher = subprocess.Popen(command, env=stream.environment())
    assert eventually(lambda: mark.exists() and int(mark.read_text()) > 0)
    publisher.kill()
    assert publisher.wait() == -signal.SIGKILL
    begun = len(stream.proxy.stored)
    assert 0 < begun < 12_000
    stream.proxy.gate.set()
    done = subprocess.run(command, env=stream.environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert_in_order_but_for_a_restart(stream.proxy.stored, expected)
    assert int(mark.read_text()) == 12_000
    assert int(done.stdout) < 12_000


def assert_in_order_but_for_a_restart(
    stored: list[tuple[str, bytes]], expected: list[dict[str, Any]]
) -> None:
    """What a consumer takes that drops the ids it has seen is each change once, each key's in
    order."""
    assert_in_order(list(dict.fromkeys(stored)), expected)


def test_a_terminated_command_says_where_to_go_on(
    many: tuple[Path, list[dict[str, Any]]], stream: Stream
) -> None:
    path, expected = many
    half_way(stream)
    command = [*AIRSCOOP, "publish", str(path), stream.name]
    publisher = subprocess.Popen(
        command, env=stream.environment(), stderr=subprocess.PIPE, text=True
    )
    # Four more are under way once it has the answers to all of these.
    assert eventually(lambda: len(stream.proxy.puts()) >= CALLS + 4)
    publisher.terminate()
    _, problems = publisher.communicate()
    assert publisher.returncode == 128 + signal.SIGTERM
    assert "SIGTERM; what was published stays" in problems
    (mark,) = re.findall(r"--start-at (\d+) goes on", problems)
    calls = len(stream.proxy.puts())
    assert 0 < int(mark) < 12_000
    stream.proxy.gate.set()
    done = subprocess.run(
        [*command, "--start-at", mark, "--json"],
        env=stream.environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    receipt = json.loads(done.stdout)
    assert (receipt["skipped"], receipt["sent"]) == (int(mark), 12_000 - int(mark))
    assert len(stream.proxy.puts()) == calls + receipt["diagnostics"]["calls"]
    assert_in_order_but_for_a_restart(stream.proxy.stored, expected)


def test_the_command_tells_errors_with_the_mark(
    many: tuple[Path, list[dict[str, Any]]], stream: Stream
) -> None:
    def script(operation: str, body: dict[str, Any]) -> Answer | None:
        denied = operation == "PutRecords" and len(stream.proxy.stored) >= 2000
        return Answer(status=400, code="AccessDeniedException") if denied else None

    stream.proxy.script = script
    done = subprocess.run(
        [*AIRSCOOP, "publish", str(many[0]), stream.name],
        env=stream.environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "AccessDenied: PutRecords to changes-" in done.stderr
    assert "allow kinesis:PutRecords" in done.stderr
    assert re.search(r"--start-at \d+ goes on", done.stderr)


def test_of_what_was_never_sent_nothing_is_said_to_be_stored(
    stream: Stream, tmp_path: Path
) -> None:
    (tmp_path / "three").write_bytes(lines([change(number) for number in range(3)]))
    for place, more in (
        ("three", ["--start-at", "9"]),
        ("none", []),
        ("none", ["--start-at", "9"]),
    ):
        done = subprocess.run(
            [*AIRSCOOP, "publish", str(tmp_path / place), stream.name, *more, "--json"],
            env=stream.environment(),
            capture_output=True,
            text=True,
        )
        assert done.returncode in (1, 2)
        assert json.loads(done.stdout).keys().isdisjoint({"published", "start_at"})
        assert len(done.stderr.splitlines()) == 1
        assert "stored" not in done.stderr and "goes on" not in done.stderr
    assert stream.proxy.stored == []


def test_a_command_that_is_stopped_before_an_answer_knows_of_no_change_that_is_stored(
    many: tuple[Path, list[dict[str, Any]]], stream: Stream
) -> None:
    stream.proxy.gate.clear()
    publisher = subprocess.Popen(
        [*AIRSCOOP, "publish", str(many[0]), stream.name, "--start-at", "100", "--json"],
        env=stream.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert eventually(lambda: len(stream.proxy.puts()) > 0)
    publisher.terminate()
    told, problems = publisher.communicate()
    facts = json.loads(told)
    assert (facts["published"], facts["start_at"]) == (0, 100)
    assert "no further change is known to be stored: --start-at 100 goes on there" in problems
    assert len(problems.splitlines()) == 1


def test_a_million_changes_need_no_more_memory_than_the_rule(tmp_path: Path) -> None:
    path = tmp_path / "changes.jsonl.gz"
    with gzip.open(path, "wb", 1) as out:
        for block in range(200):
            out.write(
                b"".join(
                    b'{"op":"INSERT","key":{"PK":"%d"},"row":{"PK":"%d","a":"0123"},"id":"%032x"}\n'
                    % (n, n, n)
                    for n in range(block * 5000, block * 5000 + 5000)
                )
            )
    kinesis = Counting()
    try:
        place = Store(kinesis.url, "any", None)
        environment = place.environment() | {"AWS_ENDPOINT_URL_KINESIS": kinesis.url}
        done = subprocess.run(
            [sys.executable, "-c", MEMORY_PROGRAM, str(path)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
    finally:
        kinesis.close()
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    print(f"{facts['over'] / MIB:.1f} MiB over the interpreter, {facts['seconds']:.1f} s")
    assert facts["sent"] == kinesis.records == 1_000_000
    assert facts["over"] <= 64 * MIB


NO_THREADS = "int pthread_create(void *a, void *b, void *c, void *d) { return 11; } /* EAGAIN */"


def test_without_threads_a_publisher_reads_alone(
    many: tuple[Path, list[dict[str, Any]]], stream: Stream, tmp_path: Path
) -> None:
    (tmp_path / "shim.c").write_text(NO_THREADS)
    shim = tmp_path / "shim.so"
    subprocess.run(["gcc", "-w", "-shared", "-fPIC", "-o", shim, tmp_path / "shim.c"], check=True)
    done = subprocess.run(
        [*AIRSCOOP, "publish", str(many[0]), stream.name],
        env=stream.environment() | {"LD_PRELOAD": str(shim)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert_in_order(stream.proxy.stored, many[1])
