"""A command that was killed in an upload: the same command goes on."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from airscoop.transfer.resume import FileResumeStore, default_file
from support.fault_server import FaultProxy, Request
from support.s3 import AIRSCOOP, MIB, PART_BYTES, Store, noise
from support.waiting import eventually

PARTS, BEFORE = 6, 3
BODY = noise((PARTS - 1) * PART_BYTES + MIB)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(BODY)
    return path


def command(store: Store, source: Path, *arguments: str) -> list[str]:
    return [*AIRSCOOP, "copy", str(source), store.uri("f"), "--json", *arguments]


def environment(store: Store, proxy: FaultProxy, tmp_path: Path) -> dict[str, str]:
    places = {"AWS_ENDPOINT_URL_S3": proxy.url, "XDG_STATE_HOME": str(tmp_path / "state")}
    return store.environment() | places


def interrupt(
    command: list[str],
    environment: dict[str, str],
    proxy: FaultProxy,
    state: FileResumeStore,
    number: signal.Signals,
) -> str:
    """Stops the command after some parts have arrived and are noted; what it said."""
    passed, released = threading.Semaphore(BEFORE), threading.Event()

    def stall(handler: Any, request: Request) -> None:
        if not passed.acquire(blocking=False):
            released.wait(60)
            handler.close_connection = True
            return
        code, headers, body = handler.forward(request)
        handler.answer(code, body, headers)

    def noted() -> bool:
        mark = (state.load() or {}).get("mark")
        return mark is not None and mark["parts"] >= 1

    proxy.on("part", stall, times=100)
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert eventually(noted), process.poll()
        process.send_signal(number)
        _, said = process.communicate()
    finally:
        process.kill()
        process.wait()
        released.set()
    proxy.server.rules.clear()
    proxy.server.requests.clear()
    return said


def again(command: list[str], environment: dict[str, str]) -> dict[str, Any]:
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    receipt: dict[str, Any] = json.loads(done.stdout)
    return receipt


def sent(proxy: FaultProxy) -> set[int]:
    queries = (request.query for request in proxy.requests("part"))
    return {int(query.partition("partNumber=")[2].partition("&")[0]) for query in queries}


def assert_done(store: Store, state: FileResumeStore) -> None:
    assert store.get("f") == BODY
    assert store.uploads() == []
    assert not state.path.exists()


def test_after_kill_9_only_missing_parts_are_read_and_sent(
    store: Store, proxy: FaultProxy, source: Path, tmp_path: Path
) -> None:
    state = FileResumeStore(tmp_path / "note" / "f.json")
    line = command(store, source, "--resume-file", str(state.path))
    settings = environment(store, proxy, tmp_path)
    interrupt(line, settings, proxy, state, signal.SIGKILL)
    assert store.names() == []
    receipt = again(line, settings)
    assert receipt["diagnostics"]["resumed"] == "bytes"
    assert receipt["diagnostics"]["resumed_bytes"] == BEFORE * PART_BYTES
    assert len(sent(proxy)) == PARTS - BEFORE
    assert proxy.requests("create") == []
    assert_done(store, state)


def test_a_terminated_command_says_that_it_goes_on_and_does(
    store: Store, proxy: FaultProxy, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = environment(store, proxy, tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", settings["XDG_STATE_HOME"])
    state = FileResumeStore(default_file(store.uri("f")))
    line = command(store, source, "--resume")
    said = interrupt(line, settings, proxy, state, signal.SIGTERM)
    assert "stopped by SIGTERM; the same command goes on from here" in said
    assert len(store.uploads()) == 1
    assert state.path.is_relative_to(tmp_path / "state" / "airscoop" / "resume")
    receipt = again(line, settings)
    assert receipt["diagnostics"]["resumed"] == "bytes"
    assert_done(store, state)


def test_the_same_command_without_the_option_leaves_the_note_alone(
    store: Store, proxy: FaultProxy, source: Path, tmp_path: Path
) -> None:
    state = FileResumeStore(tmp_path / "f.json")
    settings = environment(store, proxy, tmp_path)
    line = command(store, source, "--resume-file", str(state.path))
    interrupt(line, settings, proxy, state, signal.SIGKILL)
    receipt = again(command(store, source), settings)
    told = receipt["diagnostics"]
    assert (told["resumed"], told["resumed_bytes"]) == (None, 0)
    assert state.path.exists()
    assert again(line, settings)["diagnostics"]["resumed"] == "bytes"
    assert_done(store, state)


def test_only_a_copy_to_s3_can_be_resumed(store: Store, source: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [*AIRSCOOP, "copy", str(source), str(tmp_path / "f"), "--resume"],
        env=store.environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "only a copy to S3 can be resumed" in done.stderr
