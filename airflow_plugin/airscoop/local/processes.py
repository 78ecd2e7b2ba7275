"""Background processes of the local stack: started detached, known again by pid and start time."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

STOP_SECONDS = 15
POLL_SECONDS = 0.05
PORT_SECONDS = 3
LOG_LINES = 15
LOWEST_PORT = 20000
# Waits for the word to start; ends when who should give it has gone.
GATE = 'read -r word && exec "$@" </dev/null'
PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


class LocalStackError(Exception):
    """A part of the local stack did not do what it must; the message names the part."""


@dataclass(frozen=True)
class Process:
    """`started` is the start time in clock ticks since boot, so that a reused pid is no match.

    `stop_signal` asks it to end; after `stop_seconds` it is killed.
    """

    name: str
    pid: int
    started: int
    stop_signal: int
    stop_seconds: float = STOP_SECONDS


Recorder = Callable[[Process], None]


def unrecorded(process: Process) -> None:
    """The recorder of callers that stop their process themselves."""


def _start_time(pid: int) -> int | None:
    """None when there is no such process or it has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def start(
    name: str,
    command: Sequence[str | Path],
    *,
    log: Path,
    record: Recorder = unrecorded,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
    stop_signal: int = signal.SIGTERM,
    stop_seconds: float = STOP_SECONDS,
) -> Process:
    """Starts `command` in a session of its own, output to `log`, as `user` when one is given.

    The command begins after `record` has returned: whoever is killed before leaves nothing behind.
    """
    with log.open("ab") as output:
        try:
            child = subprocess.Popen(  # noqa: S603
                ["/bin/sh", "-c", GATE, name, *(os.fspath(word) for word in command)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=None if env is None else dict(env),
                user=user,
                group=user,
                extra_groups=[] if user else None,
                start_new_session=True,
            )
        except OSError as error:
            raise LocalStackError(f"{name} cannot be started: {error}") from error
    # Others wait for it by its pid, so the object must not complain about a running child.
    child.returncode = 0
    started = _start_time(child.pid) or 0
    process = Process(name, child.pid, started, int(stop_signal), stop_seconds)
    assert child.stdin is not None
    with contextlib.suppress(BrokenPipeError), child.stdin as gate:
        record(process)
        gate.write(b"start\n")
    return process


def alive(process: Process) -> bool:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)
    return _start_time(process.pid) == process.started


def _ended_within(process: Process, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while alive(process):
        if time.monotonic() > end:
            return False
        time.sleep(POLL_SECONDS)
    return True


def stop(process: Process) -> None:
    """Asks the process to end, then makes it; returns when it has ended."""
    steps = ((process.stop_signal, process.stop_seconds), (signal.SIGKILL, STOP_SECONDS))
    for number, seconds in steps:
        if not alive(process):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)
        if _ended_within(process, seconds):
            return
    raise LocalStackError(f"{process.name} (pid {process.pid}) cannot be stopped")


def with_words(words: Collection[str]) -> dict[int, str]:
    """Pid to program of the processes that have one of these words in their command."""
    found = {}
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            command = place.read_bytes().decode(errors="replace").split("\0")
            if not set(words).isdisjoint(command):
                found[int(place.parent.name)] = Path(command[0]).name
    return found


def last_lines(log: Path) -> str:
    try:
        text = log.read_text(errors="replace")
    except OSError:
        return "(no log)"
    return "\n".join(text.splitlines()[-LOG_LINES:])


def wait_until(ready: Callable[[], bool], process: Process, *, log: Path, seconds: float) -> None:
    """Waits until `ready` gives True; LocalStackError with the log's end when it does not."""
    end = time.monotonic() + seconds
    while not ready():
        gone = not alive(process)
        if gone or time.monotonic() > end:
            state = "ended" if gone else f"did not come up within {seconds:.0f} s"
            raise LocalStackError(f"{process.name} {state}; {log} ends:\n{last_lines(log)}")
        time.sleep(POLL_SECONDS)


def accepts(port: int) -> bool:
    """Whether something listens on this port of the loopback address."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback address."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def becomes_free(port: int) -> bool:
    """The same, with patience: threads of a server that was killed may hold it a moment more."""
    end = time.monotonic() + PORT_SECONDS
    while not is_free(port):
        if time.monotonic() > end:
            return False
        time.sleep(POLL_SECONDS)
    return True


def free_ports(count: int) -> list[int]:
    """Ports of the loopback address that nothing uses now.

    They lie below those that the kernel hands to outgoing connections: one of them could take the
    port before the server does, or while it is down.
    """
    first_outgoing = int(PORT_RANGE.read_text().split()[0]) if PORT_RANGE.exists() else 32768
    candidates = range(min(LOWEST_PORT, first_outgoing - 1000), first_outgoing)
    ports: list[int] = []
    while len(ports) < count:
        port = random.choice(candidates)  # noqa: S311
        if port not in ports and is_free(port):
            ports.append(port)
    return ports
