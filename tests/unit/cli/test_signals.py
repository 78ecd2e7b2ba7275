"""Signals at every moment of a command: one line, one code, and never a traceback."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.waiting import eventually

COMMAND = [sys.executable, "-m", "airscoop"]
CODES = {signal.SIGTERM: 143, signal.SIGHUP: 129, signal.SIGINT: 130}
TELLS = {
    signal.SIGTERM: "stopped by SIGTERM; ",
    signal.SIGHUP: "stopped by SIGHUP; ",
    signal.SIGINT: "interrupted; ",
}
each_signal = pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(b"x" * 100_000)
    return path


def start(*line: str | Path, **options: int) -> subprocess.Popen[str]:
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
    return subprocess.Popen([*COMMAND, *map(str, line)], text=True, **streams)  # type: ignore[call-overload,no-any-return]


def mask(process: subprocess.Popen[str], name: str) -> int:
    """Of SigCgt or SigIgn: a bit each signal."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith(name)).split()[1], 16)


def takes_signals(process: subprocess.Popen[str]) -> Callable[[], bool]:
    """Before it, Python itself is what a signal meets."""
    return lambda: bool(mask(process, "SigCgt") >> (signal.SIGTERM - 1) & 1)


def run(program: str, *line: str | Path) -> subprocess.CompletedProcess[str]:
    """A command that `program` prepares."""
    code = (
        f"import os, signal, sys, time\n{program}\nfrom airscoop.cli import main\nsys.exit(main())"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, line)], capture_output=True, text=True, timeout=60
    )


def test_signals_are_taken_before_anything_slow_is_loaded() -> None:
    program = """if True:
        import _signal
        for module in [name for name in sys.modules if name in ("enum", "signal")]:
            del sys.modules[module]
        def spy(number, handler, real=_signal.signal):
            slow = {"typing", "enum", "argparse", "re", "airscoop._native", "airscoop.cli.command"}
            print(number, slow & sys.modules.keys(), file=sys.stderr)
            return real(number, handler)
        _signal.signal = spy
    """
    first, *_ = run(program, "--version").stderr.splitlines()
    assert first == "2 set()"


# A signal that arrives while the module of this name is looked for.
AT_IMPORT = """if True:
    class Finder:
        def find_spec(self, name, *_):
            if name == {module!r}:
                os.kill(os.getpid(), {number})
    sys.meta_path.insert(0, Finder())
"""


def run_script(path: Path, program: str, *line: str | Path) -> subprocess.CompletedProcess[str]:
    """A program of this name that imports the command as the installed script does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"import os, sys\n{program}\nfrom airscoop.cli import main\n")
    called = [sys.executable, path, *line]
    return subprocess.run(called, capture_output=True, text=True, timeout=60)


@each_signal
@pytest.mark.parametrize("name", ["bin/airscoop", "airscoop", "airscoop/__main__.py"])
def test_signals_are_taken_while_the_start_itself_is_loaded(
    name: str, number: signal.Signals, tmp_path: Path
) -> None:
    program = AT_IMPORT.format(module="airscoop.cli.streams", number=int(number))
    done = run_script(tmp_path / name, program, "--version", "--json")
    assert done.returncode == CODES[number]
    assert done.stderr == f"airscoop: {TELLS[number]}nothing was begun\n"
    assert json.loads(done.stdout)["signal"] == number.name


@pytest.mark.parametrize("name", ["bin/other", "my-airscoop", "other/__main__.py"])
def test_a_program_that_imports_the_command_keeps_its_signals(name: str, tmp_path: Path) -> None:
    program = """if True:
        import _signal
        def refuse(*what):
            raise AssertionError(what)
        _signal.signal = refuse
    """
    done = run_script(tmp_path / name, program)
    assert (done.returncode, done.stderr) == (0, "")


@each_signal
@pytest.mark.parametrize(
    "module", ["airscoop.cli.command", "argparse", "airscoop.cli.transfers", "airscoop.errors"]
)
def test_a_signal_before_the_work_ends_it_by_a_line(
    module: str, number: signal.Signals, source: Path, tmp_path: Path
) -> None:
    program = AT_IMPORT.format(module=module, number=int(number))
    for as_json in ([], ["--json"]):
        done = run(program, "copy", source, tmp_path / "out", *as_json)
        assert done.returncode == CODES[number]
        assert done.stderr == f"airscoop: {TELLS[number]}nothing was begun\n"
        if as_json:
            facts = json.loads(done.stdout)
            assert (facts["error"], facts["signal"]) == ("CANCELLED", number.name)
            assert facts["committed"] is False
        else:
            assert done.stdout == ""
    assert not (tmp_path / "out").exists()


@each_signal
def test_a_signal_while_the_work_loads_what_it_needs_ends_it_by_a_line(
    number: signal.Signals, source: Path, tmp_path: Path
) -> None:
    for module in ("airscoop.transfer.job", "airscoop.transfer.options"):
        program = AT_IMPORT.format(module=module, number=int(number))
        done = run(program, "copy", source, tmp_path / "out", "--json")
        assert done.returncode == CODES[number]
        assert done.stderr.startswith(f"airscoop: {TELLS[number]}what was under way")
        assert json.loads(done.stdout)["signal"] == number.name
    assert not (tmp_path / "out").exists()


def check_outcome(process: subprocess.Popen[str], number: signal.Signals, out: Path) -> None:
    """Whatever the moment was, code, line and JSON say what is there."""
    printed, said = process.communicate(timeout=60)
    facts = json.loads(printed)
    if process.returncode == 0:
        assert (facts["verb"], said) == ("copy", "")
        assert out.exists()
        return
    assert process.returncode == CODES[number]
    assert said.startswith(f"airscoop: {TELLS[number]}")
    assert len(said.splitlines()) == 1
    assert facts["signal"] == number.name
    assert facts["committed"] in (out.exists(), None)


@each_signal
def test_a_signal_at_any_moment_leaves_a_line_that_is_true(
    number: signal.Signals, source: Path, tmp_path: Path
) -> None:
    chance = random.Random(int(number))
    for turn in range(12):
        out = tmp_path / f"out{turn}"
        process = start("copy", source, out, "--json")
        assert eventually(takes_signals(process))
        time.sleep(chance.random() * 0.1)
        process.send_signal(number)
        check_outcome(process, number, out)


@each_signal
def test_a_signal_at_the_end_does_not_change_the_code(
    number: signal.Signals, source: Path, tmp_path: Path
) -> None:
    chance = random.Random(int(number))
    for turn in range(8):
        process = start("copy", source, tmp_path / f"out{turn}", "--json")
        assert process.stdout is not None and process.stderr is not None
        with process:
            receipt = process.stdout.readline()
            time.sleep(chance.random() * 0.01)
            process.send_signal(number)
            assert process.wait(60) in (0, CODES[number])
            said = process.stderr.read()
        assert json.loads(receipt)["verb"] == "copy"
        assert not said or said.endswith("what it was to make was committed already\n")


@pytest.fixture
def full_pipe() -> tuple[int, int]:
    """Its reader, and its writer, which would block."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETFL, os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, bytes(4096))
    fcntl.fcntl(writer, fcntl.F_SETFL, 0)
    return reader, writer


@each_signal
def test_a_signal_while_the_receipt_waits_for_its_reader_says_that_all_is_there(
    number: signal.Signals, source: Path, tmp_path: Path, full_pipe: tuple[int, int]
) -> None:
    reader, writer = full_pipe
    process = start("copy", source, tmp_path / "out", stdout=writer)
    os.close(writer)
    waits = Path(f"/proc/{process.pid}/syscall")
    assert eventually(lambda: waits.read_text().startswith("1 0x1 "))  # write(1, …)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    os.close(reader)
    assert process.returncode == CODES[number]
    assert said == f"airscoop: {TELLS[number]}what it was to make was committed already\n"
    assert (tmp_path / "out").read_bytes() == source.read_bytes()


@each_signal
def test_a_signal_that_is_sent_twice_does_not_end_the_taking_back(
    number: signal.Signals, source: Path, tmp_path: Path
) -> None:
    program = f"""if True:
        import airscoop.transfer.copy
        def run(*_, **__):
            try:
                os.kill(os.getpid(), {int(number)})
                time.sleep(60)
            finally:
                os.kill(os.getpid(), {int(number)})
                time.sleep(0)
                os.write(1, b"taken back")
        airscoop.transfer.job.TransferJob.run = run
    """
    done = run(program, "copy", source, tmp_path / "out")
    assert (done.returncode, done.stdout) == (CODES[number], "taken back")
    assert done.stderr == f"airscoop: {TELLS[number]}what was under way was taken back; " + (
        "what was committed before stays\n"
    )


@each_signal
def test_a_signal_in_a_finalizer_is_not_lost(
    number: signal.Signals, source: Path, tmp_path: Path
) -> None:
    program = f"""if True:
        import airscoop.transfer.copy
        class Dropped:
            def __del__(self):
                os.kill(os.getpid(), {int(number)})
                time.sleep(0)
        def run(*_, **__):
            Dropped()
            time.sleep(60)
        airscoop.transfer.job.TransferJob.run = run
    """
    done = run(program, "copy", source, tmp_path / "out")
    assert done.returncode == CODES[number]
    assert done.stderr.startswith(f"airscoop: {TELLS[number]}")
    assert len(done.stderr.splitlines()) == 1


@each_signal
def test_an_ignored_signal_stays_ignored(
    number: signal.Signals, source: Path, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "slow")
    command = f"trap '' {number.name[3:]}; exec \"$@\""
    process = subprocess.Popen(
        ["bash", "-c", command, "bash", *COMMAND, "copy", tmp_path / "slow", tmp_path / "out"],
        text=True,
        stdout=subprocess.DEVNULL,
    )
    with (tmp_path / "slow").open("wb") as feed:
        assert mask(process, "SigIgn") >> (number - 1) & 1
        process.send_signal(number)
        feed.write(b"all of it")
    assert process.wait(60) == 0
    assert (tmp_path / "out").read_bytes() == b"all of it"
