"""The trace tells where a run stands, to those who ask for it, and no secret."""

from __future__ import annotations

import dataclasses
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import airscoop
from airscoop import Credentials, Warehouse, errors, tracing
from support.fault_server import (
    FaultProxy,
    Origin,
    cut_answer,
    error,
    redirect,
    stored,
    with_length,
)
from support.s3 import AIRSCOOP, OWNER, Store, json_lines
from support.stalling_server import stalling_server

SECRETS = ("hunter2", "SIGNATURE", "SESSION", OWNER.secret_access_key, "Credential=", "AWS4")
LINE = re.compile(r"airscoop 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z \d+/\d+ [a-z0-9]+: .+")


@pytest.fixture
def traced(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, "airscoop")
    return caplog


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was traced, in its order."""
    lines = [
        record.getMessage()
        for record in sorted(caplog.records, key=lambda record: record.created)
        if record.name == "airscoop.trace"
    ]
    for secret in SECRETS:
        assert not [line for line in lines if secret in line]
    return lines


def one_of(lines: list[str], *words: str) -> str:
    """The first line with all these words."""
    found = [line for line in lines if all(word in line for word in words)]
    assert found, "\n".join(lines)
    return found[0]


def test_a_copy_tells_requests_phases_and_retries_but_no_secret(
    store: Store, proxy: FaultProxy, web: Origin, traced: pytest.LogCaptureFixture
) -> None:
    body = json_lines(200)
    web.serve("/export", redirect("/signed?X-Amz-Security-Token=SESSION"))
    web.serve("/signed", with_length(body))
    proxy.on("put", error("SlowDown", 503, "the token was SESSION, the password hunter2"))
    proxy.on("put", stored)

    def provider() -> Credentials:
        return dataclasses.replace(OWNER, session_token="SESSION")

    airscoop.copy(
        f"http://user:hunter2@127.0.0.1:{web.port}/export?X-Amz-Signature=SIGNATURE",
        store.uri("a.jsonl"),
        destination_s3=store.settings(
            endpoint_url=proxy.url, credentials=None, credentials_provider=provider
        ),
    )
    assert proxy.requests("put")[-1].headers["X-Amz-Security-Token"] == "SESSION"
    lines = told(traced)
    place = f"http://127.0.0.1:{web.port}/export"
    one_of(lines, "net: #", f"GET {place},")
    one_of(
        lines, "net: #", "answered 200", "new connection to 127.0.0.1", "redirected to", "/signed"
    )
    one_of(lines, "credentials: the provider is asked")
    one_of(lines, "s3: PUT", store.uri("a.jsonl"), "try 1")
    one_of(lines, "s3: PUT", store.uri("a.jsonl"), "THROTTLED, HTTP 503; again in")
    one_of(lines, "s3: PUT", store.uri("a.jsonl"), "try 2")
    phases = [line.split(":")[1].strip() for line in lines if line.startswith("transfer: ")]
    expected = "sniffing streaming finishing sealing rejects committing cleaning done"
    assert phases == expected.split()


def test_a_broken_connection_is_told_with_what_had_come(
    store: Store, proxy: FaultProxy, traced: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    store.put("a.jsonl", json_lines(40_000))
    proxy.on("get", cut_answer)
    airscoop.copy(
        store.uri("a.jsonl"), tmp_path / "a", source_s3=store.settings(endpoint_url=proxy.url)
    )
    assert one_of(told(traced), "transfer:", store.uri("a.jsonl"), "bytes; the rest in", "try 2")


def test_statements_are_told_up_to_their_values(
    database: dict[str, str], traced: pytest.LogCaptureFixture
) -> None:
    with Warehouse(database["dsn"], dialect="postgres") as warehouse:
        warehouse.execute("CREATE TABLE t (k integer, name text)")
        warehouse.execute("INSERT INTO t SELECT k, 'hunter2' FROM generate_series(1, 3) k")
        warehouse.execute("INSERT INTO t VALUES ($1, $2)", ("1", "hunter2"))
        warehouse.execute("CREATE USER seen_trace PASSWORD 'hunter2'")
        warehouse.execute("DROP USER seen_trace")
        with pytest.raises(errors.NotFound):
            warehouse.execute("SELECT 'hunter2' FROM nothing")
    lines = told(traced)
    assert not [line for line in lines if database["password"] in line]
    one_of(lines, "connecting to 127.0.0.1", database["dbname"])
    backend = re.findall(r"\[\d+\]", one_of(lines, "CREATE TABLE t (k integer, name text)"))[0]
    one_of(lines, backend, "INSERT INTO t SELECT k, …")
    one_of(lines, backend, "INSERT 0 3 after")
    one_of(lines, backend, "CREATE USER seen_trace PASSWORD …")
    one_of(lines, backend, "NOT_FOUND 42P01 after")


def test_every_statement_of_a_load_is_told_with_its_end(
    database: dict[str, str], traced: pytest.LogCaptureFixture
) -> None:
    """One without an end is said to be at work, or to wait for a lock."""
    with Warehouse(database["dsn"], dialect="postgres") as warehouse:
        for name in ("u", "v"):
            warehouse.execute(f"CREATE TABLE {name} (k integer, name text)")
        warehouse.execute("INSERT INTO u VALUES (1, 'a'), (1, 'b'), (2, 'c')")
        traced.clear()
        warehouse.insert_distinct(
            source="public.u", target="public.v", columns=["k", "name"], key=["k"]
        )
    lines = [line for line in told(traced) if re.match(r"warehouse: \[\d+\] ", line)]
    ends = [line for line in lines if re.search(r" after \d+ ms$", line)]
    one_of(lines, "LOCK TABLE")
    assert len(ends) * 2 == len(lines) > 20, lines


def test_a_delta_and_its_phases_are_told(traced: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    for name, keys in (("old", (3, 1, 2)), ("new", (2, 3, 4))):
        (tmp_path / name).write_text("id,x\n" + "".join(f"{key},a\n" for key in keys))
    airscoop.delta(tmp_path / "old", tmp_path / "new", key="id", max_delete_ratio=1)
    lines = told(traced)
    assert one_of(lines, "delta: comparing", str(tmp_path / "new"))
    assert one_of(lines, "delta: the keys are in no order")
    assert one_of(lines, "delta: done")


def test_nothing_is_told_unless_it_is_asked_for(
    store: Store, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.INFO)
    airscoop.copy(store.put("a", b"x"), tmp_path / "a", source_s3=store.settings())
    assert told(caplog) == []


def test_lines_that_found_no_room_are_counted(traced: pytest.LogCaptureFixture) -> None:
    tracing.log([(1.5, 7, "net", "#1 GET x")], 3)
    assert told(traced) == [
        "net: #1 GET x",
        "3 lines of the trace were lost: more came than could be taken",
    ]
    first = traced.records[0]
    assert (first.created, first.msecs, first.thread) == (1.5, 500, 7)


def run(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*AIRSCOOP, *map(str, words)], env=os.environ | environment, capture_output=True, text=True
    )


@pytest.mark.parametrize("way", ["before the verb", "behind the verb", "by the environment"])
def test_a_hang_is_found_by_the_last_line(way: str, tmp_path: Path) -> None:
    words = {
        "before the verb": ["-v", "check"],
        "behind the verb": ["check", "-v"],
        "by the environment": ["check", "--quiet"],
    }[way]
    environment = {"AIRSCOOP_TRACE": "1"} if way == "by the environment" else {}
    with stalling_server(b"x" * 5000, sent_bytes=1000) as server:
        url = server.url.replace("://", "://user:hunter2@") + "/big?token=SIGNATURE"
        with subprocess.Popen(
            [*AIRSCOOP, *words, url],
            env=os.environ | environment,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stderr is not None
            lines: list[str] = []
            while not lines or "answered" not in lines[-1]:
                lines.append(process.stderr.readline())
                assert LINE.fullmatch(lines[-1].rstrip("\n")), lines
            process.kill()
            rest = process.stderr.read()
    assert "answered 200 after" in lines[-1] and "5000 bytes to come" in lines[-1]
    number = re.findall(r"#\d+", lines[-1])[0]
    one_of(lines, f"net: {number} GET {server.url}/big,")
    assert not [secret for secret in SECRETS if secret in "".join(lines) + rest]


def test_a_file_gets_the_lines_of_every_process(tmp_path: Path) -> None:
    """Also those of a forked child, in a file that nobody else reads."""
    source, trace = tmp_path / "a.jsonl", tmp_path / "trace"
    source.write_bytes(json_lines(3))
    code = (
        "import logging, os, sys, airscoop\n"
        "logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)\n"
        "airscoop.copy(sys.argv[1], sys.argv[2])\n"
        "child = os.fork()\n"
        "airscoop.copy(sys.argv[1], sys.argv[2] + str(child == 0))\n"
        "if child: assert os.waitpid(child, 0)[1] == 0\n"
    )
    environment = os.environ | {"AIRSCOOP_TRACE": str(trace)}
    command: list[str | Path] = [sys.executable, "-c", code, source, tmp_path / "b"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = trace.read_text().splitlines()
    assert all(LINE.fullmatch(line) for line in lines)
    assert trace.stat().st_mode & 0o777 == 0o600
    ends = [line for line in lines if " transfer: done: " in line]
    assert len(ends) == 3
    assert len({line.split()[2].partition("/")[0] for line in ends}) == 2
    assert len(re.findall("DEBUG:airscoop.trace:transfer: done: ", done.stdout)) == 3


@pytest.mark.parametrize("how", ["AIRSCOOP_TRACE=1 {} cat a", "{} -v cat a"])
def test_without_standard_error_nothing_else_is_written_to(how: str, tmp_path: Path) -> None:
    """Its number is then the next file's that is opened."""
    body = json_lines(2000)
    (tmp_path / "a").write_bytes(body)
    command = how.format(f"{sys.executable} -m airscoop.cli")
    done = subprocess.run(
        ["bash", "-c", f"{command} 2>&- && {command.replace('cat a', 'copy a b')} 2>&-"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
    )
    assert done.returncode == 0
    assert body in done.stdout
    assert (tmp_path / "b").read_bytes() == body


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- 2>&-", "<&- >&-", "<&- >&- 2>&-"])
def test_a_command_without_its_standard_streams_does_its_work(closed: str, tmp_path: Path) -> None:
    body = json_lines(2000)
    (tmp_path / "a").write_bytes(body)
    command = f"{sys.executable} -m airscoop.cli -v copy a b {closed}"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
    assert (tmp_path / "b").read_bytes() == body


@pytest.mark.parametrize("command", ["cat a >&-", "copy a - >&-", "copy - b <&-"])
def test_data_for_or_from_a_closed_stream_is_an_error(command: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(json_lines(10))
    shell = ["bash", "-c", f"{sys.executable} -m airscoop.cli {command}"]
    done = subprocess.run(shell, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert re.search("standard (in|out)put is closed", done.stderr)
    assert not (tmp_path / "b").exists()


def test_a_trace_that_cannot_be_written_is_said_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    done = run("cat", tmp_path / "a", AIRSCOOP_TRACE=str(tmp_path / "no" / "folder"))
    assert (done.returncode, done.stdout) == (0, "x")
    assert "AIRSCOOP_TRACE" in done.stderr and "No such file" in done.stderr


def test_the_help_names_the_trace() -> None:
    for words in (["--help"], ["copy", "--help"], ["partition", "add", "--help"]):
        assert "--verbose" in run(*words).stdout


def test_a_task_log_at_debug_level_shows_the_trace(tmp_path: Path) -> None:
    source = tmp_path / "a"
    source.write_bytes(b"x")
    code = (
        "import sys\n"
        "from airflow.sdk.log import configure_logging\n"
        "from airscoop.operators.stream_to_s3 import StreamToS3Operator\n"
        "configure_logging(output=sys.stdout.buffer, json_output=True)\n"
        "StreamToS3Operator(task_id='s', source=sys.argv[1], destination=sys.argv[1] + '2',\n"
        "                   aws_conn_id=None).execute({})\n"
    )
    environment = os.environ | {"AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG"}
    command: list[str | Path] = [sys.executable, "-c", code, source]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    one_of(done.stdout.splitlines(), '"event":"transfer: done: ', '"logger":"airscoop.trace"')
