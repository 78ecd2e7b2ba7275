"""./run bench transfer: airscoop beside its peers, on the same data in the same run.

Every contender is a process of its own. In each round all of a scenario's contenders run one after
the other, and the figures are medians over the rounds. Results go to benchmarks/results, one file a
scenario, so that a scenario can be measured again alone; docs/performance.md is made from them all.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import platform
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import made_data
import measuring
import page
import peers
import servers
import verifying
from made_data import MIB, Made
from measuring import Job, Usage
from scenarios import SCENARIOS, Contender, Scenario

from airscoop.cli.flags import size
from airscoop.local.processes import LocalStackError

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "benchmarks/results"
SMALL_BYTES = 1024
# Made data of the scenarios that run from file to file, as a part of --size: those are slow peers.
FILE_TO_FILE_PART = {"literals": 8, "array": 4}
SERVER_KINDS = ("minio", "versitygw", "seaweedfs")


@dataclass(frozen=True, kw_only=True)
class Settings:
    folder: Path
    results: Path
    size_bytes: int
    rounds: int = 5
    contenders: tuple[str, ...] = ()  # all
    server: str | None = None

    def wanted(self, scenario: Scenario) -> list[Contender]:
        return [
            one
            for one in scenario.contenders
            if not self.contenders or one.name.split(",")[0].split()[0] in self.contenders
        ]


class Bench:
    """The servers and programs of one run, each made when a scenario first needs it."""

    def __init__(self, settings: Settings, stack: contextlib.ExitStack) -> None:
        peers.settle(settings.folder)
        _alone_in(settings.folder, stack)
        self.settings = settings
        self._stack = stack
        self._servers: dict[str, servers.S3Server] = {}
        self.measured = measuring.build(settings.folder)

    @cached_property
    def data_folder(self) -> Path:
        folder = self.settings.folder / "data"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @cached_property
    def web(self) -> servers.WebServer:
        web = servers.start_web(self.data_folder, self.settings.folder / "web.log")
        self._stack.callback(web.stop)
        return web

    def server(self, purpose: str) -> servers.S3Server:
        """MinIO takes objects fastest, versitygw gives them fastest; without Go SeaweedFS both."""
        kind = self.settings.server or {"get": "versitygw", "put": "minio"}[purpose]
        program = None if kind == "seaweedfs" else peers.go_program(self.settings.folder, kind)
        if program is None:
            kind = "seaweedfs"
        if kind not in self._servers:
            found = servers.start_s3(kind, program, self.settings.folder / kind)
            self._stack.callback(found.stop)
            self._servers[kind] = found
        return self._servers[kind]

    def made(self, scenario: Scenario, size_bytes: int) -> Made:
        make = {
            "random": made_data.random_bytes,
            "reviews": made_data.reviews,
            "literals": made_data.literals,
            "array": made_data.array,
        }[scenario.data]
        return make(self.data_folder, size_bytes)

    def job(self, scenario: Scenario, made: Made) -> Job:
        server = None if scenario.server == "none" else self.server(scenario.server)
        folder = self.settings.folder
        if server is not None and scenario.server == "get":
            with (self.data_folder / made.name).open("rb") as file:
                server.client().upload_fileobj(file, servers.BUCKET, made.name)
        return Job(
            python=sys.executable,
            peer_python=str(peers.python(folder)),
            s5cmd=str(peers.s5cmd(folder)),
            endpoint=server.endpoint if server else "",
            region=server.region if server else "",
            access_key_id=server.access_key_id if server else "",
            secret_access_key=server.secret_access_key if server else "",
            bucket=servers.BUCKET,
            key=made.name,
            target="written.json.gz" if scenario.data == "reviews" else "written",
            file=str(self.data_folder / made.name),
            written=str(folder / "written"),
            url=f"{self.web.url}/{made.name}" if scenario.data == "reviews" else "",
        )


def _alone_in(folder: Path, stack: contextlib.ExitStack) -> None:
    """Two benchmarks at once would measure each other, and remove each other's files."""
    lock = stack.enter_context((folder / "lock").open("w"))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit(f"bench: another benchmark runs in {folder}") from None


class Round:
    """One contender doing one scenario's job once, measured and then checked."""

    def __init__(self, bench: Bench, scenario: Scenario, job: Job, made: Made) -> None:
        self._bench = bench
        self._scenario = scenario
        self._job = job
        self._made = made
        self._server = None if scenario.server == "none" else bench.server(scenario.server)

    def run(self, contender: Contender, *, thorough: bool) -> dict[str, Any]:
        """`thorough`: the content is compared too, not only sizes and counts."""
        self._clear()
        if thorough and contender.data_on_stdout:
            self._usage(contender, Path(self._job.written))
            verifying.same_file(Path(self._job.written), Path(self._job.file), contender.name)
        if self._scenario.proof != "count":
            self._touch_memory()
        before = self._servers_cpu()
        usage, printed = self._usage(
            contender, Path(os.devnull) if contender.data_on_stdout else None
        )
        after = self._servers_cpu()
        figures = {**asdict(usage), **{name: after[name] - before[name] for name in before}}
        figures["written_bytes"] = self._prove(contender, printed, thorough)
        self._clear()
        return figures

    def _usage(self, contender: Contender, stdout: Path | None) -> tuple[Usage, str]:
        words = self._job.words(contender.words)
        fed = self._scenario.fed
        return measuring.run(
            self._bench.measured,
            ["cat", self._job.file, "|", *words] if fed else words,
            environment={
                **(self._server.environment() if self._server else {}),
                **self._job.told(),
            },
            stdout=stdout,
            uncounted=1 if fed else 0,
        )

    def _servers_cpu(self) -> dict[str, float]:
        used = {}
        if self._server is not None:
            used["server_cpu_s"] = servers.cpu_s(self._server.process)
        if self._job.url:
            used["web_cpu_s"] = servers.cpu_s(self._bench.web.process)
        return used

    def _prove(self, contender: Contender, printed: str, thorough: bool) -> int:
        """Returns the bytes that were written, 0 when nothing was to be."""
        who, made, proof = contender.name, self._made, self._scenario.proof
        written = Path(self._job.written)
        if proof == "count":
            if not contender.data_on_stdout:
                verifying.count(printed, made, who)
            return 0
        if proof in ("file", "lines"):
            if thorough and proof == "file":
                verifying.same_file(written, Path(self._job.file), who)
            elif thorough:
                verifying.same_records(written, Path(self._job.file), made, who)
            return written.stat().st_size
        assert self._server is not None
        if thorough and proof == "object":
            verifying.same_object(self._server, self._job.target, made, who)
        elif thorough:
            verifying.same_text(self._server, self._job.target, made, who)
        return verifying.object_bytes(self._server, self._job.target)

    def _touch_memory(self) -> None:
        """Fills and drops as much page cache as the result takes. A virtual machine's memory that
        nobody used lately is found by the host page by page, which is not the client's doing."""
        scratch = Path(self._job.written)
        block = bytes(MIB)
        with scratch.open("wb", buffering=0) as file:
            for _ in range(self._made.bytes // MIB):
                file.write(block)
        scratch.unlink()

    def _clear(self) -> None:
        """What a round wrote is gone before the next one, and nothing waits to be written back."""
        Path(self._job.written).unlink(missing_ok=True)
        if self._server is not None and self._scenario.server == "put":
            self._server.delete(self._job.target)
        os.sync()


def measure(bench: Bench, scenario: Scenario) -> dict[str, Any]:
    """All rounds of a scenario, and once the same with next to no data: what starting costs."""
    settings = bench.settings
    contenders = settings.wanted(scenario)
    part = FILE_TO_FILE_PART.get(scenario.data, 1)
    made = bench.made(scenario, settings.size_bytes // part)
    small = bench.made(scenario, SMALL_BYTES)
    one_round = Round(bench, scenario, bench.job(scenario, made), made)
    starting = Round(bench, scenario, bench.job(scenario, small), small)
    starts = {one.name: starting.run(one, thorough=False) for one in contenders}
    rounds: dict[str, list[dict[str, Any]]] = {one.name: [] for one in contenders}
    for number in range(settings.rounds):
        for one in contenders:
            if number >= (one.rounds or settings.rounds):
                continue
            figures = one_round.run(one, thorough=number == 0)
            rounds[one.name].append(figures)
            same_size(one.name, rounds[one.name])
            speed_mb = made.text_bytes / 1e6 / figures["wall_s"]
            print(
                f"{scenario.name:<14} {number + 1}/{settings.rounds} {one.name:<24}"
                f" {speed_mb:7.0f} MB/s {figures['cpu_s']:7.2f} s"
                f" {figures['peak_bytes'] / 1e6:6.0f} MB",
                flush=True,
            )
    return {
        "scenario": scenario.name,
        "title": scenario.title,
        "date": time.strftime("%Y-%m-%d"),
        "machine": machine(),
        "versions": versions(bench, contenders),
        "servers": servers_named(bench, scenario),
        "data": {**asdict(made), "ratio": made.ratio},
        "interpreter_bytes": interpreter_bytes(bench),
        "contenders": [
            {
                "name": one.name,
                "kind": one.kind,
                "note": one.note,
                "start": starts[one.name],
                "rounds": rounds[one.name],
                "medians": medians(rounds[one.name]),
            }
            for one in contenders
        ],
    }


def same_size(who: str, rounds: list[dict[str, Any]]) -> None:
    """The later rounds' results must be as large as the first one's, which was compared."""
    first, last = rounds[0]["written_bytes"], rounds[-1]["written_bytes"]
    if abs(last - first) > first // 100:
        raise SystemExit(f"bench: {who} wrote {last} bytes, and {first} in the first round")


def medians(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: statistics.median(one[name] for one in rounds) for name in rounds[0]}


def interpreter_bytes(bench: Bench) -> dict[str, int]:
    """The peak memory of Python alone, and with what finding credentials imports."""
    programs = {"alone": "pass", "with_botocore": "import botocore.session"}
    return {
        name: measuring.run(bench.measured, [sys.executable, "-c", program], environment={})[
            0
        ].peak_bytes
        for name, program in programs.items()
    }


def machine() -> dict[str, Any]:
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": model[1] if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": memory,
        "kernel": platform.release(),
        "load": os.getloadavg()[0],
    }


def versions(bench: Bench, contenders: list[Contender]) -> dict[str, str]:
    found = {"python": platform.python_version(), "airscoop": commit()}
    curl = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True)  # noqa: S607
    found["curl"] = curl.stdout.split()[1]
    if any(one.kind == "peer" for one in contenders):
        found |= peers.python_versions(bench.settings.folder)
    return found


def commit() -> str:
    """The state of airscoop that was measured, as git names it."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--tags"]
    told = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    return told.stdout.strip() or "unknown"


def servers_named(bench: Bench, scenario: Scenario) -> dict[str, str]:
    if scenario.server == "none":
        return {}
    server = bench.server(scenario.server)
    return {"s3": f"{server.name} {server.version}"}


def save(results: Path, result: Mapping[str, Any]) -> None:
    results.mkdir(parents=True, exist_ok=True)
    path = results / f"{result['scenario']}.json"
    beside = path.with_suffix(".new")
    beside.write_text(json.dumps(result, indent=1) + "\n")
    beside.replace(path)


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./run bench transfer", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", choices=sorted(SCENARIOS), default=[], metavar="SCENARIO",
        help=f"of: {', '.join(SCENARIOS)}",
    )  # fmt: skip
    parser.add_argument("--size", type=size, default="1GiB", help="of the data (default 1GiB)")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--contenders", nargs="+", default=[], metavar="NAME", help="only these: airscoop curl …"
    )
    parser.add_argument("--server", choices=SERVER_KINDS, help="for all scenarios")
    parser.add_argument("--folder", type=Path, default=ROOT / "build/bench")
    parser.add_argument("--results", type=Path, default=RESULTS)
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> None:
    given = parse(arguments)
    settings = Settings(
        folder=given.folder.absolute(),
        results=given.results,
        size_bytes=given.size,
        rounds=given.rounds,
        contenders=tuple(given.contenders),
        server=given.server,
    )
    scenarios = [SCENARIOS[name] for name in given.only] or list(SCENARIOS.values())
    kinds = {one.kind for scenario in scenarios for one in settings.wanted(scenario)}
    with contextlib.ExitStack() as stack:
        bench = Bench(settings, stack)
        if "peer" in kinds:
            peers.install_python(settings.folder)
        for scenario in scenarios:
            save(settings.results, measure(bench, scenario))
    if settings.results == RESULTS:
        page.main([])


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: stopped"))
    try:
        main(sys.argv[1:])
    except LocalStackError as error:
        raise SystemExit(f"bench: {error}") from error
